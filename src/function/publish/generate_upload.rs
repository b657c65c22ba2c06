//! Reads one upload and generates its output. The only file here that knows how an upload is
//! read, decided and rendered.

use crate::answer::Answer;
use crate::function::error::Error;
use crate::function::settings::FunctionSettings;
use crate::function::store::{Body, Head, ObjectName};
use crate::generate::{Decision, Keep, Outcome, Upload};
use crate::list::Shared;
use crate::render::Template;
use crate::report::{Facts, Occasion, RequestCost, report_page};
use crate::source::Source;
use crate::time::Instant;

/// The result of generating an upload, before anything is written.
pub(crate) struct GeneratedUpload {
    /// The answer; [`GeneratedUpload::add_warnings`] completes it.
    pub(crate) answer: Answer,
    /// The output's text; `None` if the file was refused.
    pub(crate) file: Option<String>,
    decision: Decision,
}

impl GeneratedUpload {
    /// Adds the warnings that compare rows.
    pub(crate) fn add_warnings(&mut self) {
        self.answer.warnings.extend(self.decision.warnings());
    }

    /// Renders the page of the report.
    pub(crate) fn report_page(&self, cost: Option<RequestCost>) -> String {
        let facts = Facts {
            policy: self.decision.policy(),
            next_change: self.decision.next_change(),
            cost,
            occasion: Occasion::Publish,
            list: None,
        };
        report_page(&self.answer, facts)
    }
}

/// Reads the body as it arrives, and generates the output for the instant `as_of`.
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
    as_of: Instant,
) -> Result<GeneratedUpload, Error> {
    let source = Source {
        key: input.key.clone(),
        bucket: input.bucket.clone(),
        version_id: head.version_id.clone(),
        etag: head.etag.clone(),
    };
    let keep = Keep::for_template(template).with_history();
    let mut upload = Upload::new(&settings.settings, source, keep, as_of, &Shared::default());
    let mut flow = upload.expect_bytes(head.bytes.unwrap_or(0));
    while flow.is_continue()
        && let Some(piece) = body.next().await?
    {
        let mut rest = piece.as_ref();
        while flow.is_continue() && !rest.is_empty() {
            flow = upload.push_step(&mut rest);
            let_deadline_pass().await;
        }
    }
    let mut decision = upload.finish();
    let_deadline_pass().await;
    let Outcome { answer, file } = decision.render(template);
    let_deadline_pass().await;
    Ok(GeneratedUpload {
        answer,
        file,
        decision,
    })
}

/// Lets the caller stop the work if its deadline has passed. The work never waits, so it would otherwise
/// go on to its end. What follows the reading is one step, because limits bound it.
async fn let_deadline_pass() {
    tokio::task::yield_now().await;
}
