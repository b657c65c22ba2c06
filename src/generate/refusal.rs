//! Words the refusals of a whole upload. Settings have the spelling of the program: variables of
//! the function, flags of the command line.

use crate::answer::{Answer, Refusal, RefusalCode};
use crate::csv::CsvError;
use crate::settings::{Settings, Spelling};
use crate::text::{RichText, rich};

/// Returns the refusal of an upload that cannot be read. Only this message names the setting of the
/// size limit.
pub(super) fn unreadable(err: &CsvError, spelling: Spelling) -> Refusal {
    let mut message = err.explain();
    if let CsvError::TooLarge { .. } = err {
        message.push(", or raise ");
        message.push(spelling.of("MAX_CSV_BYTES"));
    }
    Refusal {
        code: err.code(),
        line: err.line(),
        message,
    }
}

/// Returns the refusal of an upload over the size limit. It does not need the upload itself.
#[must_use]
pub fn too_large(settings: &Settings) -> Refusal {
    let max_bytes = settings.max_csv_bytes;
    unreadable(&CsvError::TooLarge { max_bytes }, settings.spelling)
}

pub(super) fn no_rules(answer: &Answer) -> Refusal {
    let why = match answer.rows {
        0 => "there is no row under the header".into(),
        rows => rich!(
            "all {} rows were rejected{}",
            rows,
            &first_rejection(answer)
        ),
    };
    Refusal::new(
        RefusalCode::NoRules,
        rich!("no rule was accepted: {}", &why),
    )
}

pub(super) fn rows_rejected(answer: &Answer) -> Refusal {
    Refusal::new(
        RefusalCode::RowsRejected,
        rich!(
            "{} of {} rows were rejected and strict mode accepts none{}",
            answer.rejected,
            answer.rows,
            &first_rejection(answer)
        ),
    )
}

fn first_rejection(answer: &Answer) -> RichText {
    answer
        .rejections
        .first()
        .map(|rejection| rich!("; line {}: {}", rejection.line, &rejection.sentence()))
        .unwrap_or_default()
}
