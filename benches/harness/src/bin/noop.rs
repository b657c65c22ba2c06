//! A function that does nothing. It measures the cost of the runtime alone.

use lambda_runtime::{Error, LambdaEvent, service_fn, tracing};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let serve = service_fn(|_: LambdaEvent<Value>| async { Ok::<_, Error>(json!({})) });
    lambda_runtime::run(serve).await
}
