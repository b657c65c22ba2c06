//! The set-up that the clients of all AWS services share, and the conversion of their errors.
//!
//! This module makes no calls. `store` and `schedule` make the calls.

mod config;
mod failure;
mod roots;

pub use self::roots::check_roots;

pub(crate) use self::config::sdk_config;
pub(crate) use self::failure::{explain, status};
