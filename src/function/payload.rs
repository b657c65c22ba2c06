//! The payload of an invocation, which can be anything: JSON of any shape, or bytes that are not JSON.
//!
//! `lambda_runtime` deserializes a payload before it calls the function. If that fails, the `errorType` of
//! the invocation is the name of a Rust type, which may change with any release. For this reason, [`Payload`]
//! accepts all bytes, and the handler reports a payload that is not JSON as an unknown event.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::function::error::{Error, ErrorKind};

/// A payload: the parsed JSON, or the reason why it cannot be parsed.
#[derive(Debug)]
pub struct Payload(Result<Value, String>);

impl Payload {
    /// Returns the parsed JSON.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownEvent`] if the payload is empty or is not JSON in UTF-8, is nested more than
    /// 127 levels deep, or has a number that is too large for a double.
    pub(crate) fn json(&self) -> Result<&Value, Error> {
        self.0.as_ref().map_err(|reason| {
            let operation = "unknown event: it is not valid JSON";
            Error::new(ErrorKind::UnknownEvent, operation).with_source(reason.as_str())
        })
    }
}

impl From<Value> for Payload {
    fn from(json: Value) -> Self {
        Self(Ok(json))
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The messages of serde_json contain a position and a rule of JSON, but no text from the payload.
        let json = Value::deserialize(deserializer).map_err(|err| err.to_string());
        Ok(Self(json))
    }
}
