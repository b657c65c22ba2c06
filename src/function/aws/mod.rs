//! Connects to AWS: the set-up that the clients of all services share, and the kinds of their errors.
//!
//! `store` and `schedule` make the calls. No call is made here.

mod config;
mod failure;
mod roots;

pub use self::roots::check_roots;

pub(crate) use self::config::sdk_config;
pub(crate) use self::failure::{explain, status};
