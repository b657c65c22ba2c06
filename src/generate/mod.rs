//! The pure middle in one place: bytes and settings in, file and answer out. No network, files,
//! clock, environment or logging.
//!
//! Takes the upload in pieces, as it arrives, and keeps of it only the addresses.

mod collector;

use std::io::{self, Write};
use std::ops::ControlFlow;

use crate::answer::{Answer, Refusal, RefusalCode, Status};
use crate::csv::{OwnedRow, Parser, TextDecoder, too_large};
use crate::generate::collector::Collector;
use crate::policy::Policy;
use crate::render::{Rendered, Rendering, Template, render};
use crate::review::{NoLog, RecordedRows, Review, RowRecorder};
use crate::settings::Settings;
use crate::source::Source;

/// The longest line of an output, in bytes; Apache's own limit is 8,190.
pub const MAX_OUTPUT_LINE_BYTES: usize = 8000;

/// What came of one upload.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What to tell; its status is `written`, as if the file now were, or `refused`.
    pub answer: Answer,
    /// The output's text; `None` if the file was refused.
    pub file: Option<String>,
}

/// One upload on its way; `L` is what is remembered of its rows.
pub struct Generation<'a, L: RowRecorder = NoLog> {
    settings: &'a Settings,
    template: &'a Template,
    source: &'a Source,
    output_key: Option<String>,
    decoder: TextDecoder<Parser<Collector<L>>>,
    refusal: Option<Refusal>,
}

impl<'a> Generation<'a> {
    /// Starts on an upload; an unsafe key refuses it at once.
    #[must_use]
    pub fn new(settings: &'a Settings, template: &'a Template, source: &'a Source) -> Self {
        Self::start(settings, template, source)
    }
}

impl<'a> Generation<'a, RecordedRows> {
    /// The same, for those who want to be told what is worth a second look.
    #[must_use]
    pub fn watching(settings: &'a Settings, template: &'a Template, source: &'a Source) -> Self {
        Self::start(settings, template, source)
    }

    /// Ends the upload. The answer has no warnings yet that take the rows together: whoever has
    /// the file on its way asks [`Review::warnings`] for them.
    #[must_use]
    pub fn finish_with_review(self) -> (Outcome, Review) {
        let (template, source) = (self.template, self.source);
        let (answer, decided) = self.decide();
        finish(template, source, answer, decided)
    }

    /// Ends the upload, warnings and all.
    #[must_use]
    pub fn finish_with_warnings(self) -> (Outcome, Review) {
        let (mut outcome, mut review) = self.finish_with_review();
        outcome.answer.warnings.extend(review.warnings());
        (outcome, review)
    }
}

impl<'a, L: RowRecorder> Generation<'a, L> {
    fn start(settings: &'a Settings, template: &'a Template, source: &'a Source) -> Self {
        let collector = Collector::keeping_rows(template.needs().includes("rules"));
        let (output_key, refusal) = match settings.output_key.of(&source.key) {
            Ok(key) => (Some(key), None),
            Err(refusal) => (None, Some(refusal)),
        };
        Self {
            settings,
            template,
            source,
            output_key,
            decoder: TextDecoder::new(Parser::new(collector), settings.max_csv_bytes),
            refusal,
        }
    }

    /// Where the output belongs; `None` if the source's key is unsafe.
    #[must_use]
    pub fn output_key(&self) -> Option<&str> {
        self.output_key.as_deref()
    }

    /// Refuses the upload by its size alone, where that is known before it is read.
    pub fn expect_bytes(&mut self, bytes: u64) -> ControlFlow<()> {
        if bytes > self.settings.max_csv_bytes {
            self.refuse(too_large(self.settings.max_csv_bytes));
        }
        self.flow()
    }

    /// Refuses the upload for a reason found elsewhere, such as a template that is gone.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    /// Takes the next piece. `Break` means that the file is refused and the rest of it of no use.
    pub fn push(&mut self, piece: &[u8]) -> ControlFlow<()> {
        if self.refusal.is_none() {
            self.refusal = self.decoder.push(piece).err();
        }
        self.flow()
    }

    fn flow(&self) -> ControlFlow<()> {
        match self.refusal {
            Some(_) => ControlFlow::Break(()),
            None => ControlFlow::Continue(()),
        }
    }

    /// Ends the upload.
    #[must_use]
    pub fn finish(self) -> Outcome {
        let (template, source) = (self.template, self.source);
        let (answer, decided) = self.decide();
        finish(template, source, answer, decided).0
    }

    /// Ends the upload, and writes the file as it is rendered: a million networks are 15 MB that
    /// are never in memory at once. Nothing is written of a file that is refused. A template of
    /// one's own, which may fail in the middle, is rendered first and written then.
    ///
    /// # Errors
    ///
    /// The first one of `out`.
    pub fn finish_into(self, mut out: impl Write) -> io::Result<Answer> {
        let (template, source) = (self.template, self.source);
        if !template.prints_each_line_once() {
            let Outcome { answer, file } = self.finish();
            out.write_all(file.unwrap_or_default().as_bytes())?;
            out.flush()?;
            return Ok(answer);
        }
        let (mut answer, decided) = self.decide();
        let written = decided.and_then(|Decided { policy, rows, .. }| {
            let rendering = Rendering::new(template, source, &policy, &rows, answer.rejected);
            answer.networks = rendering.networks;
            Ok(rendering.write_to(out)?)
        });
        match written {
            Ok(bytes) => {
                answer.bytes = bytes?;
                Ok(answer)
            }
            Err(refused) => Ok(answer.refused(&refused.refusal)),
        }
    }

    /// Ends the upload without a file: who gets in, and the answer as far as that tells it. The
    /// policy is `None` if the file is refused.
    #[must_use]
    pub fn finish_policy(self) -> (Answer, Option<Policy>) {
        match self.decide() {
            (answer, Ok(decided)) => (answer, Some(decided.policy)),
            (answer, Err(refused)) => (answer.refused(&refused.refusal), None),
        }
    }

    /// Who gets in, and the answer as far as it is known; or why the file is refused.
    fn decide(self) -> (Answer, Result<Decided<L>, Refused<L>>) {
        let mut answer = Answer::new(&self.source.key, Status::Written);
        answer.output = self.output_key;
        answer.default_policy = self.settings.default_policy;
        if let Some(refusal) = self.refusal {
            return (answer, Err(refusal.into()));
        }
        let collector = self.decoder.finish().and_then(Parser::finish);
        let decided = match collector {
            Ok(collector) => decide(collector, self.settings, &mut answer),
            Err(refusal) => Err(refusal.into()),
        };
        (answer, decided)
    }
}

/// What is rendered.
struct Decided<L> {
    policy: Policy,
    rows: Vec<OwnedRow>,
    log: L,
}

/// Why a file is refused.
struct Refused<L> {
    refusal: Refusal,
    /// What would have been rendered, where only strict mode is against it.
    otherwise: Option<Box<Decided<L>>>,
}

impl<L> From<Refusal> for Refused<L> {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            otherwise: None,
        }
    }
}

fn finish<L: RowRecorder>(
    template: &Template,
    source: &Source,
    mut answer: Answer,
    decided: Result<Decided<L>, Refused<L>>,
) -> (Outcome, Review) {
    let rendered = decided.and_then(|decided| {
        let Decided { policy, rows, log } = decided;
        let Rendered { text, networks } =
            render(template, source, &policy, &rows, answer.rejected)?;
        if !template.prints_each_line_once() {
            check_line_lengths(&text, answer.output.as_deref())?;
        }
        answer.networks = networks;
        answer.bytes = text.len();
        Ok((text, Review::new(policy, log.into())))
    });
    match rendered {
        Ok((file, review)) => {
            let file = Some(file);
            (Outcome { answer, file }, review)
        }
        Err(Refused { refusal, otherwise }) => {
            let answer = answer.refused(&refusal);
            let review = otherwise.map_or_else(Review::default, |decided| {
                Review::new(decided.policy, decided.log.into())
            });
            (Outcome { answer, file: None }, review)
        }
    }
}

/// The whole upload at once.
///
/// ```
/// use htaccess_generator::generate::generate;
/// use htaccess_generator::source::Source;
/// use htaccess_generator::settings::Settings;
/// use htaccess_generator::render::Template;
///
/// let template = Template::built_in("apache24").unwrap();
/// let source = Source { key: "clients/acme.csv".to_owned(), ..Source::default() };
/// let csv = b"IP Address,Rule\n192.168.1.10,Allow\n2.2.2,Allow\n";
/// let outcome = generate(csv, &Settings::default(), &template, &source);
/// assert!(outcome.file.unwrap().ends_with("\nRequire ip 192.168.1.10\n"));
/// assert_eq!(outcome.answer.output.as_deref(), Some("clients/acme/.htaccess"));
/// assert_eq!(outcome.answer.rejections[0].line, 3);
/// ```
#[must_use]
pub fn generate(
    upload: &[u8],
    settings: &Settings,
    template: &Template,
    source: &Source,
) -> Outcome {
    let mut generation = Generation::new(settings, template, source);
    let _ = generation.push(upload);
    generation.finish()
}

fn decide<L: RowRecorder>(
    mut collector: Collector<L>,
    settings: &Settings,
    answer: &mut Answer,
) -> Result<Decided<L>, Refused<L>> {
    collector.settle_conflicting_default();
    collector.report_to(answer);
    answer.default_policy = collector.rules.default_policy(settings.default_policy);
    if answer.accepted == 0 {
        return Err(no_rules(answer).into());
    }
    let decided = Decided {
        policy: collector.rules.decide(settings.default_policy),
        rows: collector.rows,
        log: collector.log,
    };
    if settings.strict && answer.rejected > 0 {
        return Err(Refused {
            refusal: rows_rejected(answer),
            otherwise: Some(Box::new(decided)),
        });
    }
    Ok(decided)
}

/// Apache answers 500 to every request below a `.htaccess` with a line over 8,190 bytes, comments
/// included. The built-in templates cannot make one; a long comment in another can.
fn check_line_lengths(file: &str, output_key: Option<&str>) -> Result<(), Refusal> {
    let too_long = |line: &str| line.len() > MAX_OUTPUT_LINE_BYTES;
    let is_htaccess = output_key.is_some_and(|key| key.ends_with(".htaccess"));
    match file.lines().position(too_long) {
        Some(index) if is_htaccess => Err(Refusal::new(
            RefusalCode::BadTemplate,
            format!(
                "line {} of the output is over {MAX_OUTPUT_LINE_BYTES} bytes and Apache would \
                 refuse the file: print allow.lines and deny.lines, and no long comments; or, if it \
                 is not for Apache, choose an output key that does not end in .htaccess",
                index + 1
            ),
        )),
        _ => Ok(()),
    }
}

fn no_rules(answer: &Answer) -> Refusal {
    let why = match answer.rows {
        0 => "there is no row under the header".to_owned(),
        rows => format!("all {rows} rows were rejected{}", first_rejection(answer)),
    };
    Refusal::new(RefusalCode::NoRules, format!("no rule was accepted: {why}"))
}

fn rows_rejected(answer: &Answer) -> Refusal {
    Refusal::new(
        RefusalCode::RowsRejected,
        format!(
            "{} of {} rows were rejected and strict mode accepts none{}",
            answer.rejected,
            answer.rows,
            first_rejection(answer)
        ),
    )
}

fn first_rejection(answer: &Answer) -> String {
    answer
        .rejections
        .first()
        .map(|rejection| format!("; {}", rejection.message))
        .unwrap_or_default()
}
