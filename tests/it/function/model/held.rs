//! Changes that wait for an approval: the report that shows a change, the person who reads the report,
//! and the check of each write.
//!
//! A person approves the change that a report shows: from one output to one version of the CSV. The
//! report is about the output that its writer saw. If a write opens a site, closes an open site, or
//! locks everybody out, somebody must have approved exactly this change.

use std::collections::BTreeMap;

use htaccess_generator::function::store::PutKind;

use super::buckets::{Call, Object, ObjectId};
use super::contents::{Csv, is_file};
use super::learned::Place;
use super::promise::contains;
use super::protocols::output_name;
use super::scenario::{KEYS, Step};
use super::world::{Model, World};
use crate::function::memory_store::name;

/// The part of a report that says that a change is held.
pub(crate) const HELD: &str = "\"status\":\"held\"";

/// A change from an output to a version of the CSV. The version is given as its step.
type Change = (ObjectId, usize);

/// The change that the report shows, and what people did about the changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    /// The change that the current report shows.
    shown: Option<Change>,
    /// The code that somebody has noted, with its change.
    noted: Option<(String, Change)>,
    /// The changes that somebody has approved.
    approved: Vec<Change>,
}

/// The number of clients that get in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    Nobody,
    Few,
    Everybody,
}

impl Model {
    /// Reads the report of the first CSV as a person would, and notes its code.
    pub(crate) fn note(&mut self, world: &mut World) {
        let report = world.buckets.reports[0].map(|id| self.objects.get(id));
        let code = report.and_then(|report| code_in(report));
        world.held.noted = code.zip(world.held.shown);
    }

    /// Uploads the noted code as an approval, or another text if there was no code.
    pub(crate) fn approve(&mut self, world: &mut World) {
        let noted = world.held.noted.clone();
        let code = noted.map_or("no change".to_owned(), |(code, change)| {
            world.held.approved.push(change);
            code
        });
        let bytes = format!("\u{feff}\"{code}\"\r\n").into_bytes();
        world.buckets.approval = Some(self.objects.id(Object {
            etag: self.scenario.bend.etag_of(&bytes, PutKind::Single),
            version_id: String::new(),
            last_modified: self.clock(world.steps_done),
            metadata: BTreeMap::new(),
            bytes,
            rank: None,
            as_of: None,
        }));
    }

    /// Checks a write that is about to take effect, and records the change that a report shows.
    pub(crate) fn check_approved(
        &self,
        world: &mut World,
        place: Place,
        call: &Call,
    ) -> Result<(), String> {
        let Call::Put(written, put) = call else {
            return Ok(());
        };
        let current = *world.buckets.at(written);
        let found = current.map(|id| self.objects.get(id));
        let bend = self.scenario.bend;
        if !self.scenario.holds || !bend.holds(&put.precondition, found.map(|found| &**found)) {
            return Ok(());
        }
        let version = put.metadata.get("source-version");
        let step = version.and_then(|version| version.strip_prefix('v')?.parse().ok());
        if *written == name("reports", &format!("{}.html", KEYS[0])) {
            let text = String::from_utf8_lossy(&put.bytes);
            let seen = self.learned.last_seen(place, &output_name());
            world.held.shown = seen.zip(step).filter(|_| text.contains(HELD));
        }
        let (Some(id), Some(found), Some(step)) = (current, found, step) else {
            return Ok(());
        };
        if *written == output_name()
            && self.is_big(&found.bytes, &put.bytes)
            && !world.held.approved.contains(&(id, step))
        {
            return Err(format!(
                "stale approval: nobody approved the change of {} to step {step}",
                self.describe(Some(found))
            ));
        }
        Ok(())
    }

    /// Returns whether the newest upload is not published because nobody has approved it.
    pub(crate) fn waits_for_approval(&self, world: &World, step: usize, csv: Csv) -> bool {
        let change = world.buckets.output.map(|id| (id, step));
        let is_approved = change.is_some_and(|change| world.held.approved.contains(&change));
        self.needs_approval(world, csv) && !is_approved
    }

    /// Returns whether the change from the current output to this content of the CSV is big.
    pub(crate) fn needs_approval(&self, world: &World, csv: Csv) -> bool {
        let output = self.output(world).filter(|_| self.scenario.holds);
        let files = self.good.get(&(0, csv, None));
        let (Some(output), Some(files)) = (output, files) else {
            return false;
        };
        let steps = self.scenario.steps[..world.steps_done].iter();
        let waits = steps.filter(|step| **step == Step::Wait).count();
        self.is_big(&output.bytes, &files[waits.min(files.len() - 1)])
    }

    fn is_big(&self, old: &[u8], new: &[u8]) -> bool {
        let (old, new) = (self.width(old), self.width(new));
        let opens_or_closes = (old == Width::Everybody) != (new == Width::Everybody);
        opens_or_closes || (new == Width::Nobody && old != Width::Nobody)
    }

    fn width(&self, output: &[u8]) -> Width {
        // Each of these CSVs lets in everybody only with its first output.
        let is_wide = |csv: &Csv| {
            let files = self.good.get(&(0, *csv, None));
            files.is_some_and(|files| is_file(output, &files[0]))
        };
        if [Csv::Open, Csv::Wide, Csv::Until].iter().any(is_wide) {
            Width::Everybody
        } else if self.nobody.values().any(|file| is_file(output, file)) {
            Width::Nobody
        } else {
            Width::Few
        }
    }
}

/// Returns the code in a report.
fn code_in(report: &Object) -> Option<String> {
    if !contains(report, HELD) {
        return None;
    }
    let text = String::from_utf8_lossy(&report.bytes);
    let (_, from) = text.split_once("\"approval\":\"")?;
    Some(from.split_once('"')?.0.to_owned())
}
