//! The steps of a case, its events and its faults.

use std::rc::Rc;

use htaccess_generator::function::{FunctionSettings, OnDelete};
use htaccess_generator::function::{TemplateCache, TemplateChoice, Trigger};

use super::buckets::Bend;
use super::contents::{Csv, Custom, template};
use super::learned::Start;
use super::protocols::{
    Protocol, Task, alarm_last, clock_first, handler, list_first, publisher, read_then_write,
};
use super::unheld::{any_approval, no_identity, no_last_look};

/// The keys of two CSVs that share the output, and of a list. Only the tests of shared outputs use the
/// second key, and only the tests of lists use the third key.
pub(crate) const KEYS: [&str; 3] = ["acme.csv", "acme.csv.gz", "lists/office.csv"];
/// The index of the list's key.
pub(crate) const LIST: usize = 2;

/// One step of a scenario: a change to the CSV bucket or to the template, an advance of the clocks, or
/// an action of the person who approves. The number is the index of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Upload(usize, Csv),
    /// A delete that adds a delete marker and keeps the versions.
    Delete(usize),
    /// A permanent delete of the newest version or of the delete marker.
    Purge(usize),
    /// An upload of the template. Its event is about the first key.
    Template(Custom),
    /// The clock for `Last-Modified` advances by one second.
    Tick,
    /// Both clocks advance by [`WAIT_SECONDS`].
    Wait,
    /// Somebody reads the report, and notes the code of the change that it shows.
    Note,
    /// The same person uploads the code, or another text if the report showed no change.
    Approve,
}

pub(crate) const X: Step = Step::Upload(0, Csv::X);
pub(crate) const Y: Step = Step::Upload(0, Csv::Y);
pub(crate) const Z: Step = Step::Upload(0, Csv::Z);
pub(crate) const V: Step = Step::Upload(0, Csv::V);
pub(crate) const W: Step = Step::Upload(0, Csv::W);
pub(crate) const SOON: Step = Step::Upload(0, Csv::Soon);
pub(crate) const OPEN: Step = Step::Upload(0, Csv::Open);
pub(crate) const WIDE: Step = Step::Upload(0, Csv::Wide);
pub(crate) const UNTIL: Step = Step::Upload(0, Csv::Until);
pub(crate) const BAD: Step = Step::Upload(0, Csv::Bad);
/// A site that uses the list.
pub(crate) const L: Step = Step::Upload(0, Csv::L);
pub(crate) const LIST_A: Step = Step::Upload(LIST, Csv::ListA);
pub(crate) const LIST_B: Step = Step::Upload(LIST, Csv::ListB);
pub(crate) const DELETE: Step = Step::Delete(0);
pub(crate) const PURGE: Step = Step::Purge(0);
/// The maximum number of steps in a case with a permanent delete.
pub(crate) const MAX_STEPS: usize = 12;

/// The faults that can happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// An invocation may crash between any two calls, and after its last call.
    pub(crate) crashes: bool,
    /// A call may fail, either without effect or after its effect.
    pub(crate) errors: bool,
    /// A write can still take effect at any time after no invocation waits for it any more.
    pub(crate) in_flight: bool,
    /// The number of writes that can be answered with a conflict for no reason (409), or because the
    /// client sent them twice and the second request conflicted with the first (412).
    pub(crate) conflicts: usize,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        crashes: false,
        errors: false,
        in_flight: false,
        conflicts: 0,
    };
    pub(crate) const CRASHES: Self = Self {
        crashes: true,
        ..Self::NONE
    };
    /// All faults except writes in flight.
    pub(crate) const ALL: Self = Self {
        errors: true,
        conflicts: 1,
        ..Self::CRASHES
    };
}

/// The promises to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// When everything is done, the output belongs to the newest CSV.
    End,
    /// In addition, the output never returns from a newer upload to an older upload.
    EndAndWay,
}

/// A case to explore.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) on_delete: OnDelete,
    pub(crate) steps: Vec<Step>,
    /// The number of steps that are done and published one by one before the schedule starts.
    pub(crate) done_before: usize,
    /// The events, each given as the step that it is about.
    pub(crate) events: Vec<usize>,
    pub(crate) faults: Faults,
    /// The number of times that an event can be delivered again after a crash or an error.
    pub(crate) redeliveries: usize,
    /// The maximum number of crashes and errors, for all events together.
    pub(crate) failures_max: usize,
    /// The number of repeated calls, for all alarms together.
    pub(crate) echoes: usize,
    /// The maximum number of concurrent invocations.
    pub(crate) environments: usize,
    pub(crate) versioned: bool,
    pub(crate) reports: bool,
    /// True if `HOLD_ABOVE` is set.
    pub(crate) holds: bool,
    pub(crate) protocol: Protocol,
    pub(crate) bend: Bend,
    pub(crate) promise: Promise,
}

impl Scenario {
    /// Returns a case with these steps. Each event can arrive at any time after its step, in any order.
    pub(crate) fn new(steps: &[Step], events: &[usize]) -> Self {
        Self {
            on_delete: OnDelete::Keep,
            steps: steps.to_vec(),
            done_before: 0,
            events: events.to_vec(),
            faults: Faults::CRASHES,
            redeliveries: 2,
            failures_max: usize::MAX,
            echoes: 0,
            environments: usize::MAX,
            versioned: true,
            reports: false,
            holds: false,
            protocol: Protocol::Publisher,
            bend: Bend::Sound,
            promise: Promise::EndAndWay,
        }
    }

    /// Publishes the first step before the schedule starts.
    pub(crate) fn after_the_first(self) -> Self {
        Self {
            done_before: 1,
            ..self
        }
    }

    pub(crate) fn key_of(&self, step: usize) -> Option<usize> {
        match self.steps[step] {
            Step::Upload(key, _) | Step::Delete(key) | Step::Purge(key) => Some(key),
            Step::Template(_) | Step::Tick | Step::Wait | Step::Note | Step::Approve => None,
        }
    }

    /// Returns the index of the code that handles the event about a step. The event about a permanent
    /// delete contains the deleted version.
    pub(crate) fn start_of(&self, step: usize) -> usize {
        match self.steps[step] {
            Step::Purge(key) => {
                let version = self.versions(key, step).last().unwrap().0;
                KEYS.len() + key * MAX_STEPS + version
            }
            Step::Upload(key, _) | Step::Delete(key) => key,
            Step::Template(_) | Step::Approve => 0,
            Step::Tick | Step::Wait | Step::Note => panic!("nothing tells of it"),
        }
    }

    /// Returns the versions of a key before a step, oldest first. Each version has its own step and its
    /// content, which is `None` for a delete marker.
    pub(crate) fn versions(&self, key: usize, before: usize) -> Vec<(usize, Option<Csv>)> {
        let mut versions = Vec::new();
        for (index, step) in self.steps[..before].iter().enumerate() {
            match *step {
                Step::Upload(of, csv) if of == key => versions.push((index, Some(csv))),
                Step::Delete(of) if of == key => versions.push((index, None)),
                Step::Purge(of) if of == key => {
                    versions.pop();
                }
                _ => {}
            }
        }
        versions
    }

    /// Returns the newest version of a key before a step. `None` if there is none, or
    /// if it is a delete marker.
    pub(crate) fn newest(&self, key: usize, before: usize) -> Option<(usize, Csv)> {
        let (step, csv) = *self.versions(key, before).last()?;
        csv.map(|csv| (step, csv))
    }

    /// Returns the template before a step. `None` if the case has a built-in template.
    pub(crate) fn template(&self, before: usize) -> Option<Custom> {
        let template = |step: &Step| match step {
            Step::Template(template) => Some(*template),
            _ => None,
        };
        let uses = self.steps.iter().any(|step| template(step).is_some());
        let newest = self.steps[..before].iter().rev().find_map(template);
        uses.then(|| newest.unwrap_or(Custom::A))
    }

    fn settings(&self) -> FunctionSettings {
        let on_delete = match self.on_delete {
            OnDelete::Keep => "keep",
            OnDelete::Remove => "remove",
            OnDelete::Deny => "deny",
        };
        let settings = FunctionSettings::read(|name| match name {
            "OUTPUT_BUCKET" => Some("sites".to_owned()),
            "REPORT_BUCKET" if self.reports => Some("reports".to_owned()),
            "HOLD_ABOVE" if self.holds => Some("30".to_owned()),
            "ON_DELETE" => Some(on_delete.to_owned()),
            "TEMPLATE" => self.template(0).map(|_| "s3://templates/own".to_owned()),
            // An emulator may have no versions, so the function accepts uploads without version ids.
            "AWS_ENDPOINT_URL_S3" if !self.versioned => Some("http://localhost:1".to_owned()),
            _ => None,
        });
        settings.unwrap()
    }

    /// Returns the code to run: once for each key, and once for each permanent delete of a version.
    pub(crate) fn starts(&self) -> Vec<Start> {
        let settings = Rc::new(self.settings());
        let templates = Rc::new(TemplateCache::from(template(Protocol::Publisher, None)));
        let start = |(key, trigger): (usize, Trigger)| -> Start {
            let (settings, protocol) = (Rc::clone(&settings), self.protocol);
            let templates = Rc::clone(&templates);
            Box::new(move |port| {
                let settings = Rc::clone(&settings);
                let templates = match settings.template {
                    TemplateChoice::BuiltIn(_) => Rc::clone(&templates),
                    // The cache is that of an execution environment that has just started.
                    TemplateChoice::Object { .. } => {
                        Rc::new(TemplateCache::new(&settings.template).unwrap())
                    }
                };
                let task = Task {
                    key: KEYS[key],
                    trigger: trigger.clone(),
                    settings,
                    templates,
                };
                match protocol {
                    Protocol::Publisher => publisher(port, task),
                    Protocol::ClockFirst => clock_first(port, task),
                    Protocol::AlarmLast => alarm_last(port, task),
                    Protocol::ListFirst => list_first(port, task),
                    Protocol::NoIdentity => no_identity(port, task),
                    Protocol::AnyApproval => any_approval(port, task),
                    Protocol::NoLastLook => no_last_look(port, task),
                    Protocol::Handler => handler(port, &task),
                    Protocol::ReadThenWrite => read_then_write(port, task),
                }
            })
        };
        let changes = (0..KEYS.len()).map(|key| (key, Trigger::Change));
        let deletes = (0..KEYS.len()).flat_map(|key| {
            (0..MAX_STEPS).map(move |step| (key, Trigger::VersionDeleted(format!("v{step}"))))
        });
        changes.chain(deletes).map(start).collect()
    }
}
