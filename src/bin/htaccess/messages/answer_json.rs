//! The JSON answer for a file whose output was not written. The output may not have been generated at all.

use htaccess_generator::answer::{Answer, NetworkCounts, RefusalCode, Rejection, Status, Warning};
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::text::RichText;
use htaccess_generator::time::Instant;
use serde::Serialize;

/// An answer with the fields of [`Answer`]. Fields about the output are omitted if it was not generated.
#[derive(Serialize)]
pub(crate) struct CheckedJson<'a> {
    source: &'a str,
    /// The path of the output, if it was generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    /// `checked` or `refused`.
    status: &'static str,
    code: Option<RefusalCode>,
    message: Option<&'a RichText>,
    default_policy: DefaultPolicy,
    rows: u64,
    accepted: u64,
    rejected: u64,
    pending: u64,
    expired: u64,
    next_change: Option<Instant>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    lists: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    networks: Option<NetworkCounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    rejections: &'a [Rejection],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    ignored_columns: &'a [String],
    #[serde(skip_serializing_if = "<[Warning]>::is_empty")]
    warnings: &'a [Warning],
}

impl<'a> CheckedJson<'a> {
    /// Returns the answer for a file whose output was generated, for example to measure its size.
    pub(crate) fn with_output(answer: &'a Answer) -> Self {
        let is_made = answer.status != Status::Refused;
        Self {
            output: answer.output.as_deref().filter(|_| is_made),
            networks: is_made.then_some(answer.networks),
            bytes: is_made.then_some(answer.bytes),
            ..Self::without_output(answer)
        }
    }

    /// Returns the answer for a file whose output was not generated.
    pub(crate) fn without_output(answer: &'a Answer) -> Self {
        Self {
            source: &answer.source,
            output: None,
            status: if answer.status == Status::Refused {
                "refused"
            } else {
                "checked"
            },
            code: answer.code,
            message: answer.message.as_ref(),
            default_policy: answer.default_policy,
            rows: answer.rows,
            accepted: answer.accepted,
            rejected: answer.rejected,
            pending: answer.pending,
            expired: answer.expired,
            next_change: answer.next_change,
            lists: &answer.lists,
            networks: None,
            bytes: None,
            rejections: &answer.rejections,
            ignored_columns: &answer.ignored_columns,
            warnings: &answer.warnings,
        }
    }
}
