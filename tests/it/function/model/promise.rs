//! The promises, checked at every write and at every end.

use htaccess_generator::function::OnDelete;
use htaccess_generator::function::store::Put;

use super::buckets::{Object, short};
use super::scenario::{Csv, Promise, Step, is_file};
use super::world::{Model, World};

impl Model {
    /// The step that a written object belongs to. An output that denies everybody belongs to a
    /// deletion, and counts as the first one possible. `None` if keys share an output.
    pub(crate) fn rank(&self, put: &Put, before: Option<usize>) -> Result<Option<usize>, String> {
        let steps = &self.scenario.steps;
        let keys_used = |step: &Step| matches!(step, Step::Upload(1, _) | Step::Delete(1));
        if !self.scenario.versioned || steps.iter().any(keys_used) {
            return Ok(None);
        }
        let version = put.metadata.get("source-version").map(String::as_str);
        if let Some(version) = version.filter(|version| !version.is_empty()) {
            return Ok(version.strip_prefix('v').map(|step| step.parse().unwrap()));
        }
        let after = before.map_or(0, |before| before);
        let deletion = (after..steps.len()).find(|step| matches!(steps[*step], Step::Delete(_)));
        match deletion {
            Some(deletion) => Ok(Some(deletion)),
            None if self.scenario.promise == Promise::End => Ok(None),
            None => Err(format!("step {after} was replaced by a deletion before it")),
        }
    }

    /// Returns whether every event ended well and every step is done.
    pub(crate) fn is_end(&self, world: &World) -> bool {
        let mut deliveries = world.deliveries.iter();
        world.steps_done == self.scenario.steps.len()
            && deliveries.all(|delivery| delivery.at.is_none())
    }

    pub(crate) fn output<'m>(&'m self, world: &World) -> Option<&'m Object> {
        world.buckets.output.map(|id| &**self.objects.get(id))
    }

    /// Checks the promises at an end.
    pub(crate) fn check_end(&self, world: &World) -> Result<(), String> {
        self.check_output(world)?;
        self.check_report(world)
    }

    pub(crate) fn check_output(&self, world: &World) -> Result<(), String> {
        let keys = [0, 1].into_iter();
        let used = keys.filter(|key| self.last_step(*key).is_some());
        let results: Vec<_> = used.map(|key| self.check_key(world, key)).collect();
        // If keys share the output, it belongs to one of them.
        let result = results.iter().find(|result| result.is_ok());
        result.unwrap_or(&results[0]).clone()
    }

    fn last_step(&self, key: usize) -> Option<Step> {
        let steps = self.scenario.steps.iter().rev();
        let mut steps = steps.filter(|step| match step {
            Step::Upload(of, _) | Step::Delete(of) => *of == key,
            Step::Tick => false,
        });
        steps.next().copied()
    }

    fn check_key(&self, world: &World, key: usize) -> Result<(), String> {
        let on_delete = self.scenario.on_delete;
        let steps = &self.scenario.steps;
        let was_deleted = steps.contains(&Step::Delete(key));
        let output = self.output(world).map(|output| output.bytes.as_slice());
        let is_good = |csv: Csv| output.is_some_and(|it| is_file(it, &self.good[&(key, csv)]));
        let is_earlier = || {
            let mut good = Csv::GOOD.into_iter();
            good.any(|csv| steps.contains(&Step::Upload(key, csv)) && is_good(csv))
        };
        let is_nobody = || output.is_some_and(|it| is_file(it, &self.nobody[key]));
        let before = &steps[..self.scenario.done_before];
        let is_published = |csv| before.contains(&Step::Upload(key, csv));
        let may_be_missing = !Csv::GOOD.into_iter().any(is_published)
            || (was_deleted && on_delete == OnDelete::Remove);
        let is_right = match self.last_step(key) {
            Some(Step::Upload(_, Csv::Bad)) => {
                is_earlier()
                    || (output.is_none() && may_be_missing)
                    || (was_deleted && on_delete == OnDelete::Deny && is_nobody())
            }
            Some(Step::Upload(_, csv)) => is_good(csv),
            _ => match on_delete {
                OnDelete::Keep => is_earlier() || (output.is_none() && may_be_missing),
                OnDelete::Remove => output.is_none(),
                OnDelete::Deny => is_nobody(),
            },
        };
        if is_right {
            return Ok(());
        }
        let last = self.last_step(key).unwrap();
        Err(format!(
            "stale end state: the last step is {last:?} with ON_DELETE {on_delete:?}, the output is {}",
            self.describe(self.output(world))
        ))
    }

    fn check_report(&self, world: &World) -> Result<(), String> {
        let newest = world.buckets.inputs[0];
        let (true, Some(newest)) = (self.scenario.reports, newest) else {
            return Ok(());
        };
        let newest = self.objects.get(newest);
        let report = world.buckets.report.map(|id| self.objects.get(id));
        if report.is_some_and(|report| report.rank == newest.rank) {
            return Ok(());
        }
        let (of, newest) = (report.and_then(|report| report.rank), newest.rank);
        Err(format!(
            "stale report: it is of step {of:?}, the newest upload is step {newest:?}"
        ))
    }

    /// Describes an object in a few words.
    pub(crate) fn describe(&self, object: Option<&Object>) -> String {
        let Some(object) = object else {
            return "missing".to_owned();
        };
        let csvs = [Csv::X, Csv::Y, Csv::Z, Csv::Bad];
        let good = self
            .good
            .iter()
            .map(|((_, csv), bytes)| (bytes, format!("{csv:?}")));
        let nobody = self.nobody.iter().map(|bytes| (bytes, "nobody".to_owned()));
        let output = good
            .chain(nobody)
            .find(|(bytes, _)| is_file(&object.bytes, bytes));
        let input = csvs.iter().find(|csv| csv.bytes() == object.bytes);
        let what = match (output, input) {
            (Some((_, output)), _) => output,
            (None, Some(input)) => format!("{input:?}"),
            (None, None) => "a report".to_owned(),
        };
        let rank = object
            .rank
            .map_or(String::new(), |step| format!(" of step {step}"));
        format!("{what}{rank}, {}", short(&object.etag))
    }
}
