//! Reads an upload in pieces, keeps only the data that a [`Decision`] needs, and decides at the
//! end.

use std::ops::ControlFlow;

use crate::answer::{Answer, Status};
use crate::csv::{CsvError, Parser, RowContext, TextDecoder};
use crate::generate::collector::Collector;
use crate::generate::decision::{Decision, Kept};
use crate::generate::intake::{Intake, Reader};
use crate::generate::refusal::{
    OutputLimit, deny_rejected, no_rules, published_without_denies, rows_rejected,
};
use crate::list::Shared;
use crate::render::Template;
use crate::review::{RecordedRows, RowRecorder};
use crate::rule::DefaultPolicy;
use crate::settings::{Settings, Strict};
use crate::source::Source;
use crate::time::{DateReader, Instant, TimeZone};

/// The data about accepted rows that an [`Upload`] keeps in addition to the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// `true` to keep the rows themselves, for a template that lists them.
    pub rows: bool,
    /// `true` to keep the addresses and lines of the first rows, the texts of some of them, and the policy
    /// after the next change, for [`Decision::warnings`], [`Decision::first_rows`] and
    /// [`Decision::next_change`].
    pub history: bool,
}

impl Keep {
    /// Returns the data that a template needs.
    #[must_use]
    pub fn for_template(template: &Template) -> Self {
        Self {
            rows: template.needs().includes("rules"),
            history: false,
        }
    }

    /// Adds the data that warnings and reports need.
    #[must_use]
    pub fn with_history(self) -> Self {
        Self {
            history: true,
            ..self
        }
    }
}

/// An upload that is being read.
pub struct Upload {
    source: Source,
    output_key: Option<String>,
    default_policy: DefaultPolicy,
    strict: Strict,
    intake: Intake<SiteReader>,
    output_limit: OutputLimit,
    as_of: Instant,
    time_zone: TimeZone,
    keep: Keep,
    shared: Shared,
}

/// The pipeline from bytes to rows. There are two types, so that recording costs nothing if no row is
/// recorded.
enum SiteReader {
    Plain(Box<TextDecoder<Parser<Collector<()>>>>),
    Recording(Box<TextDecoder<Parser<Collector<RecordedRows>>>>),
}

impl SiteReader {
    fn new(keep: Keep, settings: &Settings, as_of: Instant, shared: &Shared) -> Self {
        fn decoder<R: RowRecorder>(
            keep: Keep,
            settings: &Settings,
            as_of: Instant,
            shared: &Shared,
        ) -> TextDecoder<Parser<Collector<R>>> {
            let collector = Collector::new(as_of, keep.rows, settings.max_output_bytes);
            let dates = DateReader::new(settings.time_zone.clone(), as_of);
            let parser = Parser::new(collector, dates, RowContext::of_site(shared.clone()));
            TextDecoder::new(parser, settings.max_csv_bytes)
        }
        if keep.history {
            Self::Recording(Box::new(decoder(keep, settings, as_of, shared)))
        } else {
            Self::Plain(Box::new(decoder(keep, settings, as_of, shared)))
        }
    }
}

impl Reader for SiteReader {
    type Rows = Collector<RecordedRows>;

    fn read_step<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], CsvError> {
        match self {
            Self::Plain(decoder) => decoder.read_step(piece),
            Self::Recording(decoder) => decoder.read_step(piece),
        }
    }

    fn into_rows(self) -> Result<Self::Rows, CsvError> {
        match self {
            Self::Plain(decoder) => Ok(decoder.into_rows()?.into_recorded()),
            Self::Recording(decoder) => decoder.into_rows(),
        }
    }
}

impl Upload {
    /// Starts an upload. `as_of` is the instant as of which the rows are evaluated: only rows that are active
    /// at this instant contribute to the policy. `shared` contains the lists that the rows may use, and the
    /// common CSV. If the key of the source is unsafe, the upload is refused at once.
    #[must_use]
    pub fn new(
        settings: &Settings,
        source: Source,
        keep: Keep,
        as_of: Instant,
        shared: &Shared,
    ) -> Self {
        let (output_key, refusal) = match settings.output_key.of(&source.key) {
            Ok(key) => (Some(key), None),
            Err(refusal) => (None, Some(refusal)),
        };
        Self {
            source,
            output_key,
            default_policy: settings.default_policy,
            strict: settings.strict,
            intake: Intake::new(
                settings,
                SiteReader::new(keep, settings, as_of, shared),
                refusal,
            ),
            output_limit: OutputLimit::of(settings),
            as_of,
            time_zone: settings.time_zone.clone(),
            keep,
            shared: shared.clone(),
        }
    }

    /// Returns the key of the output. `None` if the key of the source is unsafe.
    #[must_use]
    pub fn output_key(&self) -> Option<&str> {
        self.output_key.as_deref()
    }

    /// Refuses the upload if its size, known before it is read, exceeds the limit.
    pub fn expect_bytes(&mut self, bytes: u64) -> ControlFlow<()> {
        self.intake.expect_bytes(bytes)
    }

    /// Reads the next piece. `Break` means that the upload is refused and that no more pieces are needed.
    pub fn push(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.intake.push(piece)
    }

    /// Reads the start of a piece that contains at most 64 KiB of text, and removes it from the piece. A
    /// caller with a deadline checks its clock between two steps, because 60 KB of gzip may contain 60 MB of
    /// text. `Break` means that the upload is refused.
    pub fn push_step(&mut self, piece: &mut &[u8]) -> ControlFlow<()> {
        self.intake.push_step(piece)
    }

    /// Ends the upload and decides who gets in.
    #[must_use]
    pub fn finish(self) -> Decision {
        let mut answer = Answer::new(&self.source.key, Status::Written);
        answer.output = self.output_key;
        answer.default_policy = self.default_policy;
        let limit = self.output_limit;
        let mut collector = match self.intake.finish() {
            Ok(collector) => collector,
            Err(unreadable) => {
                let kept = Kept {
                    first_lines: unreadable.first_lines,
                    ..Kept::nothing(self.as_of, self.time_zone)
                };
                return Decision::refused(self.source, answer, unreadable.refusal, kept, limit);
            }
        };
        collector.settle_conflicting_default();
        collector.report_to(&mut answer);
        let lists = std::mem::take(&mut collector.tally.lists);
        let in_force = lists.iter().filter(|name| self.shared.list(name).is_some());
        answer.lists = in_force.map(ToString::to_string).collect();
        answer.default_policy = collector.rules.default_policy(self.default_policy);
        if answer.accepted == 0 {
            let refusal = no_rules(&answer);
            let kept = Kept::nothing(self.as_of, self.time_zone);
            return Decision::refused(self.source, answer, refusal, kept, limit).naming(lists);
        }
        let next_change = || collector.rules.build_next(self.default_policy);
        let next_change = self.keep.history.then(next_change).flatten();
        // Time alone must never refuse a file, so addresses that get in later are included.
        let ever = if collector.rejected_denies.is_empty() {
            None
        } else {
            collector.rules.build_ever(self.default_policy)
        };
        let policy = collector.rules.build(self.default_policy);
        let permits_all_of = ever.as_ref().unwrap_or(&policy);
        let missed_denies = collector.rejected_denies.missed_by(permits_all_of);
        let refusal = match (self.strict, missed_denies) {
            (Strict::All, _) if answer.rejected > 0 => {
                Some(rows_rejected(&answer, self.output_limit.spelling))
            }
            (Strict::Deny | Strict::All, Some(rows)) => {
                Some(deny_rejected(&answer, &rows, self.output_limit.spelling))
            }
            (Strict::None, Some(rows)) => {
                let warning = published_without_denies(&answer, &rows);
                answer.warnings.push(warning);
                None
            }
            _ => None,
        };
        let kept = Kept {
            next_change,
            rows: collector.rows,
            history: collector.history,
            first_lines: Vec::new(),
            as_of: self.as_of,
            time_zone: self.time_zone,
        };
        let decision = Decision::decided(self.source, answer, policy, kept, limit).naming(lists);
        match refusal {
            Some(refusal) => decision.but_refused(refusal),
            None => decision,
        }
    }
}
