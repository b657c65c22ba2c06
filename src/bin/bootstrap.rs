//! The program of the Lambda function: reads the settings and creates the clients once, and then handles one
//! event at a time. `bootstrap --licenses` prints the third-party licences.

use std::cell::Cell;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use htaccess_generator::function::schedule::EventBridgeScheduler;
use htaccess_generator::function::store::S3;
use htaccess_generator::function::{
    Dimensions, Error, FunctionSettings, Handler, InvocationMetrics, InvocationProperties, Payload,
    Response, check_roots,
};
use htaccess_generator::function::{INIT_ERROR_TYPE, init_logging, log_panics, report_init_error};
use lambda_runtime::{LambdaEvent, service_fn, tracing};

/// The licences and notices of all third-party code in the two programs. They are embedded, because the
/// program is the only file that `sam build` puts into the artifact of a Rust function.
static LICENSES: &[u8] = include_bytes!("../../THIRD-PARTY-LICENSES.txt");

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // Lambda starts the program without arguments.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == "--licenses")
    {
        return match io::stdout().lock().write_all(LICENSES) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    init_logging(variable);
    log_panics();
    let handler = match start() {
        Ok(handler) => handler,
        Err(message) => {
            tracing::error!(error_type = INIT_ERROR_TYPE, "{message}");
            report_init_error(&message);
            return ExitCode::FAILURE;
        }
    };
    let function = Function {
        handler,
        dimensions: Dimensions::read(variable),
        is_cold: Cell::new(true),
    };
    let function = &function;
    let serve = service_fn(|event: LambdaEvent<Payload>| function.invoke(event));
    match Box::pin(lambda_runtime::run(serve)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            tracing::error!("the runtime stopped: {err}");
            ExitCode::FAILURE
        }
    }
}

/// The state that is kept for the lifetime of the execution environment.
struct Function {
    handler: Handler<S3>,
    dimensions: Dimensions,
    /// True until the first event arrives.
    is_cold: Cell<bool>,
}

impl Function {
    async fn invoke(&self, event: LambdaEvent<Payload>) -> Result<Response, Error> {
        let request_id = event.context.request_id.clone();
        let xray_trace_id = event.context.xray_trace_id.clone();
        let cold_start = self.is_cold.replace(false);
        let (result, metrics) = self.handler.handle_with_metrics(event).await;
        self.print_metrics(
            &metrics,
            &InvocationProperties {
                request_id: &request_id,
                xray_trace_id: xray_trace_id.as_deref(),
                cold_start,
                ended_at_ms: now_ms(),
            },
        );
        result
    }

    /// Prints the metrics. Write failures are ignored, because the files are already published.
    fn print_metrics(&self, metrics: &InvocationMetrics, invocation: &InvocationProperties) {
        let mut stdout = io::stdout().lock();
        for line in metrics.lines(&self.dimensions, invocation) {
            let _ = writeln!(stdout, "{line}");
        }
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn start() -> Result<Handler<S3>, String> {
    let settings = FunctionSettings::read(variable).map_err(|err| err.to_string())?;
    check_roots(&settings, variable).map_err(|err| err.to_string())?;
    let store = S3::new(&settings);
    let scheduler = EventBridgeScheduler::new(&settings);
    let handler = Handler::new(store, settings).map_err(|refusal| refusal.to_string())?;
    Ok(match scheduler {
        Some(scheduler) => handler.with_scheduler(scheduler),
        None => handler,
    })
}
