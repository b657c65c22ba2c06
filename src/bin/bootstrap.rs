//! The Lambda function: settings and clients once, then one event after the other.

use std::process::ExitCode;

use htaccess_generator::handler::Handler;
use htaccess_generator::s3::S3;
use htaccess_generator::settings::FunctionSettings;
use htaccess_generator::{init_error, logging};
use lambda_runtime::{LambdaEvent, service_fn, tracing};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    logging::init(variable);
    let handler = match start() {
        Ok(handler) => handler,
        Err(message) => {
            tracing::error!(error_type = init_error::TYPE, "{message}");
            init_error::report(&message);
            return ExitCode::FAILURE;
        }
    };
    let handler = &handler;
    let serve = service_fn(|event: LambdaEvent<Value>| handler.handle(event));
    match Box::pin(lambda_runtime::run(serve)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            tracing::error!("the runtime stopped: {err}");
            ExitCode::FAILURE
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn start() -> Result<Handler<S3>, String> {
    let settings = FunctionSettings::read(variable).map_err(|err| err.to_string())?;
    let store = S3::new(&settings);
    Handler::new(store, settings).map_err(|refusal| refusal.to_string())
}
