//! The notice about files that need attention, which people receive as a message.
//!
//! An EventBridge rule (`infra/notifications.yaml`) copies the fields of a notice into a message without
//! escaping them, so a notice contains no quotation marks, backslashes or control characters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::answer::{Answer, Severity, Status, WarningCode};
use crate::function::settings::FunctionSettings;
use crate::source::{check_report_key, report_key};
use crate::text::{escape_invisible, push_fmt};

/// The maximum number of files that a notice describes.
const MAX_FILES: usize = 5;
/// The maximum length of the sentence about a file, in characters.
const MAX_SENTENCE_CHARS: usize = 600;

/// A notice about the files of one invocation that need attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// One sentence about each of the first five files, and the number of other files.
    pub text: String,
    /// The location of the report on the first file, with its URL in the S3 console. A hyphen if there is no
    /// report.
    pub report: String,
}

impl Notice {
    /// Returns the notice about files that were refused or held, or that were published although rejected
    /// rows might have been denies. `None` if there is no such file. Previews are left out, because people
    /// who upload a preview read its report.
    #[must_use]
    pub fn about(answers: &[Answer], settings: &FunctionSettings) -> Option<Self> {
        let mut urgent = answers.iter().filter(|answer| is_urgent(answer));
        let first = urgent.clone().next()?;
        let sentences: Vec<String> = urgent.by_ref().take(MAX_FILES).map(sentence).collect();
        let mut text = sentences.join(" ");
        let others = urgent.count();
        if others > 0 {
            push_fmt(
                &mut text,
                format_args!(" Other files that need attention in the same invocation: {others}."),
            );
        }
        Some(Self {
            text,
            report: report_place(&first.source, settings),
        })
    }
}

fn is_urgent(answer: &Answer) -> bool {
    match answer.status {
        Status::Previewed => false,
        Status::Held => true,
        _ => answer.severity() == Severity::Alarm,
    }
}

fn sentence(answer: &Answer) -> String {
    let source = &answer.source;
    let reason = match answer.status {
        Status::Refused | Status::Held => answer.message.as_ref(),
        _ => answer
            .warnings
            .iter()
            .find(|warning| warning.code == WarningCode::DenyRejected)
            .map(|warning| &warning.message),
    };
    let reason = reason.map(ToString::to_string).unwrap_or_default();
    let sentence = match answer.status {
        Status::Refused => format!("{source} was refused, so its output did not change: {reason}"),
        Status::Held => {
            format!("{source} is held until it is approved, so its output did not change: {reason}")
        }
        _ => format!("{source} was published, but {reason}"),
    };
    let cut: String = sentence.chars().take(MAX_SENTENCE_CHARS).collect();
    let end = if cut.len() < sentence.len() {
        "…"
    } else {
        "."
    };
    plain(&cut) + end
}

/// Replaces the characters that would end or change a JSON string.
fn plain(text: &str) -> String {
    escape_invisible(text, None)
        .replace('"', "'")
        .replace('\\', "/")
}

fn report_place(source: &str, settings: &FunctionSettings) -> String {
    /// The characters that are percent-encoded in a URL.
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    let bucket = settings.report_bucket.as_ref();
    let Some(bucket) = bucket.filter(|_| check_report_key(source).is_ok()) else {
        return "-".to_owned();
    };
    let key = report_key(source);
    let encoded = utf8_percent_encode(&key, ENCODED);
    format!(
        "{} in the bucket {bucket}, https://s3.console.aws.amazon.com/s3/object/{bucket}?prefix={encoded}",
        plain(&key)
    )
}
