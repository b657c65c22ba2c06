//! The Lambda function: takes events and writes objects to S3. The only part that uses the network.

pub mod store;
pub mod publish;
mod error;
mod event;
mod handler;
mod init_error;
mod logging;
mod metrics;
mod template_cache;
mod response;
mod settings;

pub use self::error::{Error, ErrorKind};
pub use self::event::{Event, ObjectRef};
pub use self::handler::Handler;
pub use self::init_error::{INIT_ERROR_TYPE, report_init_error};
pub use self::logging::init_logging;
pub use self::metrics::{Dimensions, InvocationMetrics, InvocationProperties};
pub use self::response::Response;
pub use self::settings::{FunctionSettings, OnDelete, TrustRoots};
