//! Reports to Lambda why the function cannot start, so that the console shows a message and not only an exit
//! status.
//!
//! `lambda_runtime` does not offer this request, so this module sends it:
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-initerror>.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

/// The `errorType` that is reported if the function cannot start.
pub const INIT_ERROR_TYPE: &str = "BadSettings";

/// Posts the error to Lambda's Runtime API. Does nothing outside Lambda. A failed request is ignored, because
/// the message is already in the log and the program exits with a failure status.
pub fn report_init_error(message: &str) {
    if let Ok(address) = std::env::var("AWS_LAMBDA_RUNTIME_API") {
        let _ = post(&address, message);
    }
}

fn post(address: &str, message: &str) -> io::Result<()> {
    let body = json!({"errorType": INIT_ERROR_TYPE, "errorMessage": message, "stackTrace": []})
        .to_string();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(
        stream,
        "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: {address}\r\n\
         Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: {INIT_ERROR_TYPE}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len(),
    )?;
    stream.read_to_end(&mut Vec::new()).map(|_| ())
}
