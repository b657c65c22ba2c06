//! The promises, which are checked at every write and at every end.

use htaccess_generator::function::OnDelete;
use htaccess_generator::function::store::{ObjectName, Put};

use super::alarms::{START, holds_until};
use super::buckets::{Object, short};
use super::contents::{Csv, Custom, is_file};
use super::held::HELD;
use super::scenario::{KEYS, LIST, Promise, Step};
use super::world::{Model, World};

/// The part of a report that says that the output belongs to another upload.
const TAKEN: &str = "\"code\":\"output-taken\"";
const BAD_TEMPLATE: &str = "\"code\":\"bad-template\"";

pub(crate) fn contains(object: &Object, text: &str) -> bool {
    String::from_utf8_lossy(&object.bytes).contains(text)
}

/// Returns the time that an object is generated for.
pub(crate) fn as_of(put: &Put) -> Option<i64> {
    put.metadata
        .get("as-of")
        .map(|seconds| seconds.parse().unwrap())
}

/// Checks that an object for a later time is not replaced by an object for an earlier time.
pub(crate) fn check_time_order(
    name: &ObjectName,
    put: &Put,
    replaced: Option<&Object>,
) -> Result<(), String> {
    match (replaced.and_then(|object| object.as_of), as_of(put)) {
        (Some(before), Some(after)) if after < before => Err(format!(
            "{name} went back from {} s to {} s",
            before - START,
            after - START
        )),
        _ => Ok(()),
    }
}

/// Checks that an output is not replaced by an output with an older template or list. `age` returns the
/// step that uploaded the template or the list of an output, or `None` if this step is uncertain.
fn check_order(
    what: &str,
    age: impl Fn(&[u8]) -> Option<usize>,
    put: &Put,
    replaced: Option<&Object>,
) -> Result<(), String> {
    let before = replaced.and_then(|object| age(&object.bytes));
    match (before, age(&put.bytes)) {
        (Some(before), Some(after)) if after < before => Err(format!(
            "the {what} went back from step {before} to step {after}"
        )),
        _ => Ok(()),
    }
}

/// Returns the index of the key whose CSV an object was generated from.
pub(crate) fn source_key(object: &Object) -> Option<usize> {
    let source = object.metadata.get("source-key")?;
    KEYS.iter().position(|key| key == source)
}

impl Model {
    /// Returns the step that a written object belongs to. An output that denies everybody, and a report
    /// on a delete, belong to a deletion. They count as the first deletion that is possible.
    pub(crate) fn rank(
        &self,
        name: &ObjectName,
        put: &Put,
        before: Option<usize>,
    ) -> Result<Option<usize>, String> {
        let scenario = &self.scenario;
        if !scenario.versioned {
            return Ok(None);
        }
        let version = put.metadata.get("source-version").map(String::as_str);
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            return Ok(version.strip_prefix('v').map(|step| step.parse().unwrap()));
        }
        let source = put.metadata.get("source-key");
        let Some(key) = KEYS
            .iter()
            .position(|key| Some(*key) == source.map(String::as_str))
        else {
            return Ok(None);
        };
        let is_of_key = |step: &usize| scenario.key_of(*step) == Some(key);
        let after = before.filter(is_of_key).unwrap_or(0);
        let is_deletion =
            |step: &usize| is_of_key(step) && scenario.newest(key, *step + 1).is_none();
        match (after..scenario.steps.len()).find(is_deletion) {
            Some(deletion) => Ok(Some(deletion)),
            None if scenario.promise == Promise::End => Ok(None),
            None => Err(format!(
                "{name}: step {after} was replaced by a deletion before it"
            )),
        }
    }

    /// Returns whether an object of a later step must not be replaced by an object of an earlier step.
    /// This is the case if both steps have the same key, the later version was not deleted permanently,
    /// and `ON_DELETE` is not `remove`.
    pub(crate) fn is_ordered(&self, later: usize, earlier: usize, steps_done: usize) -> bool {
        let scenario = &self.scenario;
        let key = scenario.key_of(later);
        let still_exists = key.is_some_and(|key| {
            let versions = scenario.versions(key, steps_done);
            versions.iter().any(|(step, _)| *step == later)
        });
        scenario.on_delete != OnDelete::Remove && key == scenario.key_of(earlier) && still_exists
    }

    /// Checks that an output with a newer template is not replaced by an output with an older template.
    pub(crate) fn check_template_order(
        &self,
        put: &Put,
        replaced: Option<&Object>,
    ) -> Result<(), String> {
        let steps = &self.scenario.steps;
        let age = |bytes: &[u8]| {
            let custom = self.template_of(bytes)?;
            let is_upload = |step: &&Step| **step == Step::Template(custom);
            let is_first = custom == Custom::A;
            match (is_first, steps.iter().filter(is_upload).count()) {
                (true, 0) => Some(0),
                (false, 1) => steps
                    .iter()
                    .position(|step| *step == Step::Template(custom)),
                _ => None,
            }
        };
        check_order("template", age, put, replaced)
    }

    /// Checks that an output with a newer list is not replaced by an output with an older list.
    pub(crate) fn check_list_order(
        &self,
        put: &Put,
        replaced: Option<&Object>,
    ) -> Result<(), String> {
        let steps = &self.scenario.steps;
        let age = |bytes: &[u8]| {
            let (list, _) = self.lists.iter().find(|(_, file)| is_file(bytes, file))?;
            let is_upload = |step: &Step| *step == Step::Upload(LIST, *list);
            let is_only = steps.iter().filter(|step| is_upload(step)).count() == 1;
            is_only.then(|| steps.iter().position(is_upload)).flatten()
        };
        check_order("list", age, put, replaced)
    }

    /// Checks that the compiled list was generated from the newest CSV.
    fn check_list(&self, world: &World) -> Result<(), String> {
        let Some((step, _)) = self.newest(LIST) else {
            return Ok(());
        };
        let compiled = world.buckets.compiled.map(|id| &**self.objects.get(id));
        match compiled.and_then(|compiled| compiled.rank) {
            Some(rank) if rank == step => Ok(()),
            rank => Err(format!(
                "stale end state: the list is of step {rank:?}, the newest is of step {step}"
            )),
        }
    }

    fn template_of(&self, bytes: &[u8]) -> Option<Custom> {
        let good = self.good.iter();
        let good =
            good.flat_map(|((_, _, custom), files)| files.iter().map(move |file| (custom, file)));
        let nobody = self.nobody.iter().map(|((_, custom), file)| (custom, file));
        let mut all = good.chain(nobody);
        all.find(|(_, file)| is_file(bytes, file))
            .and_then(|(custom, _)| *custom)
    }

    /// Returns whether every step is done, every event has succeeded, and every alarm that is due has made its call.
    pub(crate) fn is_end(&self, world: &World) -> bool {
        let mut deliveries = world.deliveries.iter();
        world.steps_done == self.scenario.steps.len()
            && deliveries.all(|delivery| delivery.at.is_none())
            && !self.is_alarm_late(world)
    }

    pub(crate) fn output<'m>(&'m self, world: &World) -> Option<&'m Object> {
        world.buckets.output.map(|id| &**self.objects.get(id))
    }

    fn report<'m>(&'m self, world: &World, key: usize) -> Option<&'m Object> {
        world.buckets.reports[key].map(|id| &**self.objects.get(id))
    }

    /// Returns the newest content of a key at the end, with its step.
    fn newest(&self, key: usize) -> Option<(usize, Csv)> {
        self.scenario.newest(key, self.scenario.steps.len())
    }

    /// Returns the template at the end.
    fn template(&self) -> Option<Custom> {
        self.scenario.template(self.scenario.steps.len())
    }

    fn used_keys(&self) -> impl Iterator<Item = usize> {
        let is_upload = |key| {
            let mut steps = self.scenario.steps.iter();
            steps.any(|step| matches!(step, Step::Upload(of, _) if *of == key))
        };
        (0..KEYS.len()).filter(move |key| is_upload(*key))
    }

    fn used_sites(&self) -> impl Iterator<Item = usize> {
        self.used_keys().filter(|key| *key != LIST)
    }

    /// Checks the promises at an end.
    pub(crate) fn check_end(&self, world: &World) -> Result<(), String> {
        self.check_output(world)?;
        self.check_list(world)?;
        if self.scenario.reports {
            for key in self.used_keys() {
                self.check_report(world, key)?;
            }
        }
        Ok(())
    }

    /// Checks that the output was generated from its owner's CSV, and that the other upload was refused.
    pub(crate) fn check_output(&self, world: &World) -> Result<(), String> {
        let output = self.output(world);
        let owner = output.and_then(|output| {
            let is_right = |key: &usize| self.check_key(world, *key).is_ok();
            source_key(output).or_else(|| self.used_sites().find(is_right))
        });
        for key in self.used_sites() {
            let is_owner = owner.is_none_or(|owner| owner == key);
            if is_owner && !(output.is_none() && self.may_wait_for_its_owner(world, key)) {
                self.check_key(world, key)?;
            }
            if !is_owner
                && let Some((step, csv)) = self.newest(key)
                && !(self.is_refused_as_taken(world, key) || csv == Csv::Bad)
            {
                return Err(format!(
                    "stale end state: step {step} is neither in force nor refused, the output is {}",
                    self.describe(output)
                ));
            }
        }
        Ok(())
    }

    fn is_refused_as_taken(&self, world: &World, key: usize) -> bool {
        let newest = self.newest(key).map(|(step, _)| step);
        let report = self.report(world, key);
        report.is_some_and(|report| report.rank == newest && contains(report, TAKEN))
    }

    /// Returns whether an upload was refused because of an owner that was later removed. Such an upload
    /// is published at its next event.
    fn may_wait_for_its_owner(&self, world: &World, key: usize) -> bool {
        self.scenario.on_delete == OnDelete::Remove && self.is_refused_as_taken(world, key)
    }

    fn check_key(&self, world: &World, key: usize) -> Result<(), String> {
        let on_delete = self.scenario.on_delete;
        let steps = &self.scenario.steps;
        let is_delete =
            |step: &Step| matches!(step, Step::Delete(of) | Step::Purge(of) if *of == key);
        let was_deleted = steps.iter().any(is_delete);
        let template = self.template();
        let output = self.output(world).map(|output| output.bytes.as_slice());
        let is_one_of =
            |files: &[Vec<u8>]| output.is_some_and(|it| files.iter().any(|file| is_file(it, file)));
        let waits = steps.iter().filter(|step| **step == Step::Wait).count();
        let is_good = |csv: Csv, custom: Option<Custom>| {
            let good = self.good.get(&(key, csv, custom));
            good.is_some_and(|good| is_one_of(&good[waits.min(good.len() - 1)..][..1]))
        };
        let is_upload = |steps: &[Step], csv| steps.contains(&Step::Upload(key, csv));
        let is_earlier = || {
            let mut good = self.good.iter().filter(|((of, ..), _)| *of == key);
            good.any(|((_, csv, _), files)| is_upload(steps, *csv) && is_one_of(files))
        };
        let has_good = |steps: &[Step]| {
            let mut good = Csv::GOOD.into_iter();
            good.any(|csv| is_upload(steps, csv))
        };
        let is_nobody = || {
            let nobody = &self.nobody[&(key, template)];
            has_good(steps) && output.is_some_and(|it| is_file(it, nobody))
        };
        let was_published = has_good(&steps[..self.scenario.done_before]);
        let may_be_missing = !was_published || (was_deleted && on_delete == OnDelete::Remove);
        let is_right = match self.newest(key) {
            Some((_, Csv::Bad)) => {
                is_earlier()
                    || (output.is_none() && may_be_missing)
                    || (was_deleted && on_delete == OnDelete::Deny && is_nobody())
            }
            Some(_) if template == Some(Custom::Broken) => {
                is_earlier() || (output.is_none() && may_be_missing)
            }
            Some((step, csv)) => {
                is_good(csv, template) || self.waits_for_approval(world, step, csv)
            }
            None => match on_delete {
                OnDelete::Keep => is_earlier() || (output.is_none() && may_be_missing),
                OnDelete::Remove => output.is_none(),
                OnDelete::Deny => is_nobody() || (output.is_none() && !was_published),
            },
        };
        if is_right {
            return Ok(());
        }
        let of_key = |step: &&Step| match step {
            Step::Upload(of, _) | Step::Delete(of) | Step::Purge(of) => *of == key,
            Step::Template(_) => true,
            Step::Tick | Step::Wait | Step::Note | Step::Approve => false,
        };
        let last = steps.iter().rev().find(of_key).unwrap();
        Err(format!(
            "stale end state: the last step is {last:?} with ON_DELETE {on_delete:?}, the output is {}",
            self.describe(self.output(world))
        ))
    }

    fn check_report(&self, world: &World, key: usize) -> Result<(), String> {
        let report = self.report(world, key);
        let of = report.and_then(|report| report.rank);
        let Some((step, csv)) = self.newest(key) else {
            return self.check_report_on_delete(report, key);
        };
        if of != Some(step) {
            return Err(format!(
                "stale report: it is of step {of:?}, the newest upload is step {step}"
            ));
        }
        let says = |text| report.is_some_and(|report| contains(report, text));
        let is_owner = self.output(world).and_then(source_key) == Some(key);
        if is_owner && csv != Csv::Bad && says(TAKEN) {
            return Err("stale report: the upload owns the output".to_owned());
        }
        let end = report.and_then(holds_until);
        if end.is_some_and(|end| end <= self.now(world)) {
            return Err("stale report: a row has started or ended since".to_owned());
        }
        if says(HELD) != self.waits_for_approval(world, step, csv) {
            return Err("stale report: it is wrong about an approval".to_owned());
        }
        let is_broken = self.template() == Some(Custom::Broken);
        if !says(TAKEN) && says(BAD_TEMPLATE) != is_broken {
            return Err("stale report: the template is another one".to_owned());
        }
        Ok(())
    }

    /// Checks the report on a deleted upload, if there is an event about the delete. With `keep`, an
    /// upload may still be published after its delete was handled.
    fn check_report_on_delete(&self, report: Option<&Object>, key: usize) -> Result<(), String> {
        let steps = &self.scenario.steps;
        let is_delete =
            |step: &Step| matches!(step, Step::Delete(of) | Step::Purge(of) if *of == key);
        let deleted_at = steps.iter().rposition(is_delete);
        let is_later = |event: &&usize| {
            self.scenario.key_of(**event) == Some(key) && Some(**event) >= deleted_at
        };
        if !self.scenario.events.iter().any(|event| is_later(&event)) {
            return Ok(());
        }
        let before = &self.scenario.steps[..self.scenario.done_before];
        let is_upload = |step: &Step| matches!(step, Step::Upload(of, _) if *of == key);
        let was_known = before.iter().any(is_upload);
        let is_on_delete = |report: &Object| {
            let version = report.metadata.get("source-version");
            version.is_none_or(String::is_empty)
        };
        let is_right = match report {
            None => !was_known,
            Some(report) => {
                is_on_delete(report) || (self.scenario.on_delete == OnDelete::Keep && !was_known)
            }
        };
        if is_right {
            return Ok(());
        }
        Err(format!(
            "stale report: it is {}, and the upload was deleted",
            self.describe(report)
        ))
    }

    /// Describes an object in a few words.
    pub(crate) fn describe(&self, object: Option<&Object>) -> String {
        let Some(object) = object else {
            return "missing".to_owned();
        };
        let mut csvs = Csv::GOOD.iter().chain(&[Csv::Bad]);
        let customs = [Custom::A, Custom::B, Custom::Broken];
        let template_name = |custom: &Option<Custom>| {
            custom.map_or(String::new(), |custom| format!(" by {custom:?}"))
        };
        let good = self.good.iter().flat_map(|((_, csv, custom), files)| {
            let name = format!("{csv:?}{}", template_name(custom));
            let named = move |(seconds, file)| match seconds {
                0 => (file, name.clone()),
                _ => (file, format!("{name} {seconds} s later")),
            };
            let seconds = csv.instants().map(|at| at.seconds() - START);
            seconds.zip(files).map(named)
        });
        let nobody = self
            .nobody
            .iter()
            .map(|((_, custom), bytes)| (bytes, format!("nobody{}", template_name(custom))));
        let output = good
            .chain(nobody)
            .find(|(bytes, _)| is_file(&object.bytes, bytes));
        let input = csvs.find(|csv| csv.bytes() == object.bytes);
        let template = customs
            .iter()
            .find(|custom| custom.text().as_bytes() == object.bytes);
        let what = match (output, input, template) {
            (Some((_, output)), ..) => output,
            (None, Some(input), _) => format!("{input:?}"),
            (None, None, Some(template)) => format!("template {template:?}"),
            (None, None, None) if contains(object, TAKEN) => {
                "a report on a taken output".to_owned()
            }
            (None, None, None) => "a report".to_owned(),
        };
        let rank = object
            .rank
            .map_or(String::new(), |step| format!(" of step {step}"));
        format!("{what}{rank}, {}", short(&object.etag))
    }
}
