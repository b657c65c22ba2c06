//! The Lambda function: takes events and writes objects to S3. The only part that uses the network.

pub mod store;
pub mod publish;
mod error;
mod event;
mod handler;
pub mod init_error;
pub mod logging;
mod metrics;
mod template_cache;
mod response;
mod settings;

pub use self::error::{Error, ErrorKind};
pub use self::event::{Event, ObjectRef};
pub use self::handler::Handler;
pub use self::metrics::{Dimensions, InvocationMetrics, InvocationProperties};
pub use self::response::Response;
pub use self::settings::{FunctionSettings, OnDelete, TrustRoots};
