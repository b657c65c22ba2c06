//! What became of an upload: who gets in, or why it is refused; and the output, by a template.

use std::io::{self, Write};

use crate::answer::{Answer, Refusal, Warning};
use crate::csv::OwnedRow;
use crate::policy::Policy;
use crate::render::{Rendered, Rendering, Template, TemplateError, render};
use crate::review::{RecordedRows, warnings};
use crate::source::Source;

/// The maximum length of a line of an output, in bytes. Apache's own limit is 8,190.
pub const MAX_OUTPUT_LINE_BYTES: usize = 8000;

/// A file and its answer.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The answer. Its status is `written`, as if the file were written already, or `refused`.
    pub answer: Answer,
    /// The text of the output. `None` if the upload is refused.
    pub file: Option<String>,
}

/// What became of an upload.
#[derive(Clone, Debug)]
pub struct Decision {
    source: Source,
    answer: Answer,
    verdict: Verdict,
    /// The rows themselves, for a template that lists them.
    rows: Vec<OwnedRow>,
    history: RecordedRows,
}

#[derive(Clone, Debug)]
enum Verdict {
    Decided(Policy),
    Refused {
        refusal: Refusal,
        /// Who would get in without the rejected rows, if strict mode refuses the upload for those.
        otherwise: Option<Policy>,
    },
}

impl Decision {
    pub(super) fn refused(source: Source, answer: Answer, refusal: Refusal) -> Self {
        Self {
            source,
            answer,
            verdict: Verdict::Refused {
                refusal,
                otherwise: None,
            },
            rows: Vec::new(),
            history: RecordedRows::default(),
        }
    }

    pub(super) fn decided(
        source: Source,
        answer: Answer,
        policy: Policy,
        rows: Vec<OwnedRow>,
        history: RecordedRows,
    ) -> Self {
        Self {
            source,
            answer,
            verdict: Verdict::Decided(policy),
            rows,
            history,
        }
    }

    /// Refuses for its rejected rows what would be published without them.
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

    /// Who gets in. If strict mode refused the upload for its rejected rows, this is who would get in without them;
    /// `None` if it is refused for another reason.
    #[must_use]
    pub fn policy(&self) -> Option<&Policy> {
        match &self.verdict {
            Verdict::Decided(policy) => Some(policy),
            Verdict::Refused { otherwise, .. } => otherwise.as_ref(),
        }
    }

    /// Who gets in, if the upload would be published.
    #[must_use]
    pub fn into_policy(self) -> Option<Policy> {
        match self.verdict {
            Verdict::Decided(policy) => Some(policy),
            Verdict::Refused { .. } => None,
        }
    }

    /// The answer without an output: no networks are counted, and no bytes.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match &self.verdict {
            Verdict::Decided(_) => self.answer.clone(),
            Verdict::Refused { refusal, .. } => self.answer.clone().refused(refusal),
        }
    }

    /// The warnings that compare rows; those about the text are in the answer already. Takes as long as sorting the
    /// rows, so that a caller with a file to send can send that first. Empty without [`Keep::history`].
    ///
    /// [`Keep::history`]: crate::generate::Keep::history
    #[must_use]
    pub fn warnings(&mut self) -> Vec<Warning> {
        match &self.verdict {
            Verdict::Decided(policy)
            | Verdict::Refused {
                otherwise: Some(policy),
                ..
            } => warnings(policy, &mut self.history),
            Verdict::Refused { .. } => Vec::new(),
        }
    }

    /// Renders the output. A template that fails on it refuses the upload.
    #[must_use]
    pub fn render(&mut self, template: &Template) -> Outcome {
        let Verdict::Decided(policy) = &self.verdict else {
            return Outcome {
                answer: self.answer(),
                file: None,
            };
        };
        let mut answer = self.answer.clone();
        let rendered = render(template, &self.source, policy, &self.rows, answer.rejected)
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
                    refusal: err.into(),
                    otherwise: None,
                };
                Outcome {
                    answer: self.answer(),
                    file: None,
                }
            }
        }
    }

    /// Renders the output and writes it at the same time: a million networks are 15 MB that are never in memory at
    /// once. Nothing is written of an upload that is refused. A custom template, which may fail in the middle, is
    /// rendered first and written then.
    ///
    /// # Errors
    ///
    /// The first error of `out`.
    pub fn write(mut self, template: &Template, mut out: impl Write) -> io::Result<Answer> {
        if !template.prints_each_line_once() {
            let Outcome { answer, file } = self.render(template);
            out.write_all(file.unwrap_or_default().as_bytes())?;
            out.flush()?;
            return Ok(answer);
        }
        let Verdict::Decided(policy) = &self.verdict else {
            return Ok(self.answer());
        };
        let mut answer = self.answer.clone();
        let rendering = Rendering::new(template, &self.source, policy, &self.rows, answer.rejected);
        answer.networks = rendering.networks;
        match rendering.write_to(out) {
            Ok(bytes) => {
                answer.bytes = bytes?;
                Ok(answer)
            }
            Err(err) => Ok(answer.refused(&err.into())),
        }
    }
}

/// Apache answers 500 to every request below a `.htaccess` with a line over 8,190 bytes, comments included. The built-in
/// templates cannot make one. A long comment in a custom template can.
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
