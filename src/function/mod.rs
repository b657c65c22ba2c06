//! The Lambda function: takes events, reads uploads from S3, and writes outputs and reports to S3.
//!
//! In the library, only this module uses the network, the clock, the environment and logging. It does not
//! interpret rows or policies: it passes the bytes of an upload to `generate` and publishes the result.
//!
//! `publish` implements the publishing protocol, and `reconcile` implements the run over all sites. `store`
//! calls S3, `schedule` calls EventBridge Scheduler, and `aws` contains the set-up that both clients share.

mod aws;
mod deadline;
mod digest;
mod error;
mod event;
mod handler;
mod init_error;
mod logging;
mod metrics;
mod notice;
mod panics;
mod payload;
pub mod publish;
mod reconcile;
mod response;
mod run_event;
pub mod schedule;
mod settings;
pub mod store;
mod template_cache;

pub use self::aws::check_roots;
pub use self::error::{Error, ErrorKind};
pub use self::event::{Event, ObjectRef, Trigger};
pub use self::handler::Handler;
pub use self::init_error::{INIT_ERROR_TYPE, report_init_error};
pub use self::logging::init_logging;
pub use self::metrics::{Dimensions, InvocationMetrics, InvocationProperties};
pub use self::notice::Notice;
pub use self::panics::log_panics;
pub use self::payload::Payload;
pub use self::response::{Response, RunAnswer};
pub use self::run_event::{ItemKind, ListedObject, RunBatch, RunTask};
pub use self::settings::{
    FunctionSettings, OnDelete, ScheduleSettings, TemplateChoice, TrustRoots,
};
pub use self::template_cache::{CurrentTemplate, TemplateCache};
