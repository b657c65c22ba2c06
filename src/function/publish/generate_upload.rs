//! Reads one upload and generates its output. The only file here that knows how a generation ends
//! and how its rows are reviewed.

use crate::answer::Answer;
use crate::csv::UploadStart;
use crate::function::error::Error;
use crate::function::settings::FunctionSettings;
use crate::function::store::{Body, Head, ObjectName};
use crate::generate::{Generation, Outcome};
use crate::render::Template;
use crate::report::{Facts, Occasion, RequestCost, report_page};
use crate::review::{Review, name_lines};
use crate::source::Source;

/// The maximum size of the part of an upload that is kept to find the lines of warnings, in bytes: about
/// ten thousand rows.
const MAX_START_BYTES: usize = 256 * 1024;

/// The result of generating an upload, before anything is written.
pub(crate) struct GeneratedUpload {
    /// The answer; [`GeneratedUpload::add_warnings`] completes it.
    pub(crate) answer: Answer,
    /// The output's text; `None` if the file was refused.
    pub(crate) file: Option<String>,
    review: Review,
    start: UploadStart,
}

impl GeneratedUpload {
    /// Adds the warnings that compare rows, with the lines that they refer to.
    pub(crate) fn add_warnings(&mut self) {
        self.answer.warnings.extend(self.review.warnings());
        name_lines(&self.review, &mut self.answer.warnings, |take| {
            self.start.hand_over(take)
        });
    }

    /// Renders the page of the report.
    pub(crate) fn report_page(&self, cost: Option<RequestCost>) -> String {
        let facts = Facts {
            policy: self.review.policy(),
            cost,
            occasion: Occasion::Publish,
        };
        report_page(&self.answer, facts)
    }
}

/// Reads the body as it arrives, and generates the output.
///
/// # Errors
///
/// If the body cannot be read to its end.
pub(crate) async fn generate_upload(
    settings: &FunctionSettings,
    template: &Template,
    input: &ObjectName,
    head: &Head,
    mut body: impl Body,
) -> Result<GeneratedUpload, Error> {
    let source = Source {
        key: input.key.clone(),
        bucket: input.bucket.clone(),
        version_id: head.version_id.clone(),
        etag: head.etag.clone(),
    };
    let mut generation = Generation::watching(&settings.settings, template, &source);
    let mut start = UploadStart::of_at_most(MAX_START_BYTES);
    let mut flow = generation.expect_bytes(head.bytes.unwrap_or(0));
    while flow.is_continue() {
        match body.next().await? {
            Some(piece) => {
                start.keep(piece.as_ref());
                flow = generation.push(piece.as_ref());
            }
            None => break,
        }
    }
    let (Outcome { answer, file }, review) = generation.finish_with_review();
    Ok(GeneratedUpload {
        answer,
        file,
        review,
        start,
    })
}
