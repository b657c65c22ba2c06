//! The decision on an upload, which is a policy or a refusal, and the rendering of the output with a
//! template.

use std::collections::BTreeSet;
use std::io::{self, Write};

use crate::answer::{Answer, Refusal, Warning};
use crate::csv::OwnedRow;
use crate::generate::refusal::{OutputLimit, unrenderable};
use crate::list::ListName;
use crate::policy::{NextChange, Policy};
use crate::render::{Rendered, Rendering, Template, TemplateError};
use crate::review::{FirstRows, RecordedRows, warnings};
use crate::source::Source;
use crate::time::{Instant, TimeZone};

/// The maximum length of a line of an output, in bytes. Apache's own limit is 8,190.
pub const MAX_OUTPUT_LINE_BYTES: usize = 8000;

/// The output of an upload, and its answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The answer. Its status is `refused`, or `written` although the file is not written yet.
    pub answer: Answer,
    /// The text of the output. `None` if the upload is refused.
    pub file: Option<String>,
}

/// The result of reading an upload: a policy or a refusal, and the rows that were kept.
#[derive(Clone, Debug)]
pub struct Decision {
    source: Source,
    answer: Answer,
    verdict: Verdict,
    kept: Kept,
    limit: OutputLimit,
    lists: BTreeSet<ListName>,
}

/// The data that is kept in addition to the policy.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// The active rows, for a template that lists them.
    pub(super) rows: Vec<OwnedRow>,
    pub(super) history: RecordedRows,
    /// The next change, for warnings and reports.
    pub(super) next_change: Option<NextChange>,
    /// The first lines of an upload that cannot be read.
    pub(super) first_lines: Vec<String>,
    pub(super) as_of: Instant,
    pub(super) time_zone: TimeZone,
}

impl Kept {
    /// Creates an instance with only the instant and the time zone.
    pub(super) fn nothing(as_of: Instant, time_zone: TimeZone) -> Self {
        Self {
            rows: Vec::new(),
            history: RecordedRows::default(),
            next_change: None,
            first_lines: Vec::new(),
            as_of,
            time_zone,
        }
    }
}

#[derive(Clone, Debug)]
enum Verdict {
    Decided(Policy),
    Refused {
        refusal: Refusal,
        /// The policy of the accepted rows, if the upload is refused because of its rejected rows.
        otherwise: Option<Policy>,
    },
}

impl Decision {
    pub(super) fn refused(
        source: Source,
        answer: Answer,
        refusal: Refusal,
        kept: Kept,
        limit: OutputLimit,
    ) -> Self {
        Self {
            source,
            answer,
            verdict: Verdict::Refused {
                refusal,
                otherwise: None,
            },
            kept,
            limit,
            lists: BTreeSet::new(),
        }
    }

    pub(super) fn decided(
        source: Source,
        answer: Answer,
        policy: Policy,
        kept: Kept,
        limit: OutputLimit,
    ) -> Self {
        Self {
            source,
            answer,
            verdict: Verdict::Decided(policy),
            kept,
            limit,
            lists: BTreeSet::new(),
        }
    }

    /// Sets the names of the lists that the rows use.
    pub(super) fn naming(self, lists: BTreeSet<ListName>) -> Self {
        Self { lists, ..self }
    }

    /// Returns the names of the lists that the rows use, including those that the rows of the common CSV use.
    /// The result depends on these lists, so the names of lists that do not exist are included. Empty if the
    /// upload cannot be read.
    #[must_use]
    pub fn lists(&self) -> &BTreeSet<ListName> {
        &self.lists
    }

    /// Refuses an upload because of its rejected rows, but keeps its policy.
    pub(super) fn but_refused(self, refusal: Refusal) -> Self {
        let otherwise = match self.verdict {
            Verdict::Decided(policy) => Some(policy),
            Verdict::Refused { otherwise, .. } => otherwise,
        };
        Self {
            verdict: Verdict::Refused { refusal, otherwise },
            ..self
        }
    }

    /// Returns the policy, which decides who gets in. If the upload is refused because of its rejected rows,
    /// this is the policy of the accepted rows. `None` if the upload is refused for another reason.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        match &self.verdict {
            Verdict::Decided(policy) => Some(policy),
            Verdict::Refused { otherwise, .. } => otherwise.as_ref(),
        }
    }

    /// Returns the policy after the next change, and the time zone in which its instant is shown to people.
    /// `None` if there is no next change, or without [`Keep::history`].
    ///
    /// [`Keep::history`]: crate::generate::Keep::history
    #[must_use]
    pub fn next_change(&self) -> Option<(&NextChange, &TimeZone)> {
        let next_change = self.kept.next_change.as_ref()?;
        Some((next_change, &self.kept.time_zone))
    }

    /// Returns the first accepted rows. Empty without [`Keep::history`], or if the upload is refused for a
    /// reason other than its rejected rows.
    ///
    /// [`Keep::history`]: crate::generate::Keep::history
    #[must_use]
    pub fn first_rows(&self) -> &FirstRows {
        &self.kept.history.first
    }

    /// Returns the first lines of an upload that cannot be read, if it is text. The lines are untrusted.
    #[must_use]
    pub fn first_lines(&self) -> &[String] {
        &self.kept.first_lines
    }

    /// Returns the instant as of which the rows were evaluated, and the time zone in which it is shown to
    /// people.
    #[must_use]
    pub fn as_of(&self) -> (Instant, &TimeZone) {
        (self.kept.as_of, &self.kept.time_zone)
    }

    /// Returns the policy. `None` if the upload is refused.
    #[must_use]
    pub fn into_policy(self) -> Option<Policy> {
        match self.verdict {
            Verdict::Decided(policy) => Some(policy),
            Verdict::Refused { .. } => None,
        }
    }

    /// Returns the answer before an output is rendered, so it counts no networks and no bytes.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match &self.verdict {
            Verdict::Decided(_) => self.answer.clone(),
            Verdict::Refused { refusal, .. } => self.answer.clone().refused(refusal),
        }
    }

    /// Returns the warnings that compare rows. Warnings about the text are already in the answer. This takes
    /// about as long as sorting the rows, so a caller that has to send a file can send the file first. Empty
    /// without [`Keep::history`].
    ///
    /// [`Keep::history`]: crate::generate::Keep::history
    #[must_use]
    pub fn warnings(&mut self) -> Vec<Warning> {
        match &self.verdict {
            Verdict::Decided(policy)
            | Verdict::Refused {
                otherwise: Some(policy),
                ..
            } => {
                let Kept {
                    next_change,
                    time_zone,
                    history,
                    ..
                } = &mut self.kept;
                warnings(policy, next_change.as_ref(), time_zone, history)
            }
            Verdict::Refused { .. } => Vec::new(),
        }
    }

    /// Renders the output. If this fails, the upload is refused.
    #[must_use]
    pub fn render(&mut self, template: &Template) -> Outcome {
        let Verdict::Decided(policy) = &self.verdict else {
            return Outcome {
                answer: self.answer(),
                file: None,
            };
        };
        let mut answer = self.answer.clone();
        let rendering = self.rendering(template, policy);
        let rendered = rendering
            .and_then(Rendering::into_rendered)
            .and_then(|rendered| {
                if !template.prints_each_line_once() {
                    check_line_lengths(&rendered.text, answer.output.as_deref())?;
                }
                Ok(rendered)
            });
        match rendered {
            Ok(Rendered { text, networks }) => {
                answer.networks = networks;
                answer.bytes = text.len();
                Outcome {
                    answer,
                    file: Some(text),
                }
            }
            Err(err) => {
                self.verdict = Verdict::Refused {
                    refusal: unrenderable(err, self.limit.spelling),
                    otherwise: None,
                };
                Outcome {
                    answer: self.answer(),
                    file: None,
                }
            }
        }
    }

    /// Renders the output and writes it at the same time, because the 15 MB of a million networks need not be
    /// in memory at once. Nothing is written for a refused upload. A custom template may fail in the middle,
    /// and an output near the size limit may exceed it. In these cases, the output is rendered as a whole
    /// before it is written.
    ///
    /// # Errors
    ///
    /// The first error from `out`.
    pub fn write(self, template: &Template, out: impl Write) -> io::Result<Answer> {
        if !template.prints_each_line_once() {
            return self.write_whole(template, out);
        }
        let Verdict::Decided(policy) = &self.verdict else {
            return Ok(self.answer());
        };
        let mut answer = self.answer.clone();
        let refused = |answer: Answer, err| answer.refused(&unrenderable(err, self.limit.spelling));
        let rendering = match self.rendering(template, policy) {
            Ok(rendering) if rendering.can_be_too_large => return self.write_whole(template, out),
            Ok(rendering) => rendering,
            Err(err) => return Ok(refused(answer, err)),
        };
        answer.networks = rendering.networks;
        match rendering.write_to(out) {
            Ok(bytes) => {
                answer.bytes = bytes?;
                Ok(answer)
            }
            Err(err) => Ok(refused(answer, err)),
        }
    }

    fn rendering<'a>(
        &self,
        template: &'a Template,
        policy: &'a Policy,
    ) -> Result<Rendering<'a>, TemplateError> {
        let (rejected, max_bytes) = (self.answer.rejected, self.limit.max_bytes);
        let rows = &self.kept.rows;
        Rendering::new(template, &self.source, policy, rows, rejected, max_bytes)
    }

    fn write_whole(mut self, template: &Template, mut out: impl Write) -> io::Result<Answer> {
        let Outcome { answer, file } = self.render(template);
        out.write_all(file.unwrap_or_default().as_bytes())?;
        out.flush()?;
        Ok(answer)
    }
}

/// Refuses a `.htaccess` file with a line over 8,000 bytes. Apache answers 500 to every request in the folder
/// of a `.htaccess` with a line over 8,190 bytes, including comments. The built-in templates cannot print
/// such a line, but a custom template with a long comment can.
fn check_line_lengths(file: &str, output_key: Option<&str>) -> Result<(), TemplateError> {
    let is_too_long = |line: &str| line.len() > MAX_OUTPUT_LINE_BYTES;
    let is_htaccess = output_key.is_some_and(|key| key.ends_with(".htaccess"));
    match file.lines().position(is_too_long) {
        Some(index) if is_htaccess => Err(TemplateError::LineTooLong {
            line: index + 1,
            max_bytes: MAX_OUTPUT_LINE_BYTES,
        }),
        _ => Ok(()),
    }
}
