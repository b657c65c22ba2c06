//! Reads the CSV of a list or the common CSV in pieces, and compiles it.
//!
//! A row that is rejected here may have been meant to deny somebody at any site. Under `STRICT=deny`, the CSV
//! is therefore refused if the rule of a rejected row is neither Allow nor Always. Which sites deny a list is
//! not known, so rejected rows without a rule are ignored only if the list's own rule is Allow. If the CSV is
//! refused, the last good version stays in force.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::answer::{Answer, NetworkCounts, Refusal, Status};
use crate::csv::{CsvKind, Parser, RowContext, TextDecoder};
use crate::generate::intake::Intake;
use crate::generate::refusal::{
    mixed_rules, no_rules, rows_rejected, shared_deny_rejected, shared_published_without_denies,
};
use crate::generate::shared_collector::SharedCollector;
use crate::list::{CommonRules, CompiledList, ListId, ListName, Shared};
use crate::review::{WarnedLines, shared_warnings};
use crate::rule::Action;
use crate::settings::{Settings, Spelling, Strict};
use crate::time::{DateReader, Instant, TimeZone};

/// The compiled form of a CSV that sites share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiled {
    /// A list.
    List(CompiledList),
    /// The common CSV.
    Common(CommonRules),
}

impl Compiled {
    /// Returns the compiled form as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::List(list) => list.to_bytes(),
            Self::Common(common) => common.to_bytes(),
        }
    }
}

/// The result of compiling a list or the common CSV.
#[derive(Clone, Debug)]
pub struct SharedOutcome {
    /// The answer, with its warnings. Its status is `refused`, or `written` although nothing is written yet.
    /// Its `output` is `None`.
    pub answer: Answer,
    /// The compiled form. `None` if the CSV is refused.
    pub compiled: Option<Compiled>,
    /// The names of the lists that the rows of the common CSV use, including lists that do not exist.
    pub lists: BTreeSet<ListName>,
}

/// A list or the common CSV that is being read.
pub struct SharedUpload {
    kind: Kind,
    strict: Strict,
    spelling: Spelling,
    time_zone: TimeZone,
    as_of: Instant,
    intake: Intake<TextDecoder<Parser<SharedCollector>>>,
}

enum Kind {
    List(ListId),
    Common(String),
}

impl SharedUpload {
    /// Starts to read a list. `as_of` is the instant for which warnings are created. The compiled form does
    /// not depend on it.
    #[must_use]
    pub fn of_list(settings: &Settings, id: ListId, as_of: Instant) -> Self {
        Self::new(settings, Kind::List(id), RowContext::of_list(), as_of)
    }

    /// Starts to read the common CSV. `source` is its key or path. Its rows may use the lists in `shared`.
    #[must_use]
    pub fn of_common(settings: &Settings, source: String, as_of: Instant, shared: &Shared) -> Self {
        let context = RowContext::of_common(shared.clone());
        Self::new(settings, Kind::Common(source), context, as_of)
    }

    fn new(settings: &Settings, kind: Kind, context: RowContext, as_of: Instant) -> Self {
        let collector = SharedCollector::new(as_of, settings.max_output_bytes);
        let dates = DateReader::new(settings.time_zone.clone(), as_of);
        let parser = Parser::new(collector, dates, context);
        let reader = TextDecoder::new(parser, settings.max_csv_bytes);
        Self {
            kind,
            strict: settings.strict,
            spelling: settings.spelling,
            time_zone: settings.time_zone.clone(),
            as_of,
            intake: Intake::new(settings, reader, None),
        }
    }

    fn kind(&self) -> CsvKind {
        match self.kind {
            Kind::List(_) => CsvKind::List,
            Kind::Common(_) => CsvKind::Common,
        }
    }

    /// Refuses the CSV if its size, known before it is read, exceeds the limit.
    pub fn expect_bytes(&mut self, bytes: u64) -> ControlFlow<()> {
        self.intake.expect_bytes(bytes)
    }

    /// Reads the next piece. `Break` means that the CSV is refused and that no more pieces are needed.
    pub fn push(&mut self, piece: &[u8]) -> ControlFlow<()> {
        self.intake.push(piece)
    }

    /// Reads the start of a piece that contains at most 64 KiB of text, and removes it from the piece.
    /// `Break` means that the CSV is refused.
    pub fn push_step(&mut self, piece: &mut &[u8]) -> ControlFlow<()> {
        self.intake.push_step(piece)
    }

    /// Ends the upload, and compiles the CSV.
    #[must_use]
    pub fn finish(self) -> SharedOutcome {
        let kind = self.kind();
        let source = match &self.kind {
            Kind::List(id) => &id.source,
            Kind::Common(source) => source,
        };
        let mut answer = Answer::new(source, Status::Written);
        let mut collector = match self.intake.finish() {
            Ok(collector) => collector,
            Err(unreadable) => return refused(answer, &unreadable.refusal, BTreeSet::new()),
        };
        collector.report_to(&mut answer);
        let lists = std::mem::take(&mut collector.tally.lists);
        if answer.accepted == 0 {
            let refusal = no_rules(&answer);
            return refused(answer, &refusal, lists);
        }
        let action = match (collector.first_allow, collector.first_deny) {
            (Some(allow), Some(deny)) => {
                let refusal = mixed_rules(allow, deny);
                return refused(answer, &refusal, lists);
            }
            (Some(_), None) => Some(Action::Allow),
            (None, Some(_)) => Some(Action::Deny),
            (None, None) => None,
        };
        let missed = missed_denies(&mut collector, action);
        match self.strict {
            Strict::All if answer.rejected > 0 => {
                let refusal = rows_rejected(&answer, self.spelling);
                return refused(answer, &refusal, lists);
            }
            Strict::Deny | Strict::All if missed.count > 0 => {
                let refusal = shared_deny_rejected(kind, &answer, &missed, self.spelling);
                return refused(answer, &refusal, lists);
            }
            Strict::None if missed.count > 0 => {
                let warning = shared_published_without_denies(kind, &answer, &missed);
                answer.warnings.push(warning);
            }
            _ => {}
        }
        let warnings = shared_warnings(kind, &mut collector.history, &self.time_zone);
        answer.warnings.extend(warnings);
        let compiled = match self.kind {
            Kind::List(id) => {
                let list = collector.members.build(id, action);
                answer.networks = network_counts(&list, self.as_of);
                Compiled::List(list)
            }
            Kind::Common(source) => Compiled::Common(CommonRules {
                source: source.into(),
                rows: collector.common,
            }),
        };
        SharedOutcome {
            answer,
            compiled: Some(compiled),
            lists,
        }
    }
}

fn refused(answer: Answer, refusal: &Refusal, lists: BTreeSet<ListName>) -> SharedOutcome {
    SharedOutcome {
        answer: answer.refused(refusal),
        compiled: None,
        lists,
    }
}

/// Returns the rejected rows that may have been meant to deny somebody. `action` is the rule of the list.
fn missed_denies(collector: &mut SharedCollector, action: Option<Action>) -> WarnedLines<()> {
    let mut missed = std::mem::take(&mut collector.rejected_denies);
    if action != Some(Action::Allow) {
        missed.add_all(&collector.rejected_without_rule);
    }
    missed
}

/// Counts the networks of the members that are active at an instant, as denied if the list's rule is Deny,
/// otherwise as allowed.
fn network_counts(list: &CompiledList, at: Instant) -> NetworkCounts {
    let count = list.addresses_at(at).network_count();
    match list.action() {
        Some(Action::Deny) => NetworkCounts {
            allow: 0,
            deny: count,
        },
        _ => NetworkCounts {
            allow: count,
            deny: 0,
        },
    }
}
