//! Makes calls take effect, and answers them like S3.

use htaccess_generator::function::store::{ObjectName, Put};

use super::buckets::{Answer, Bend, Call, Object, ObjectId};
use super::invocation::keep_version;
use super::learned::Place;
use super::promise::{as_of, check_time_order};
use super::protocols::compiled_name;
use super::scenario::Promise;
use super::world::{Cause, Delivery, Model, World};

impl Model {
    /// Returns the earlier answer that a broken store repeats for this read. `None` if the store
    /// serves the read normally.
    pub(crate) fn repeated_read(&self, at: Place, number: usize) -> Option<Answer> {
        match self.scenario.bend {
            Bend::RepeatsFirstRead => self.learned.first_read(at, number, |asked, call| {
                asked.name() == call.name()
                    && matches!(asked, Call::Head(_)) == matches!(call, Call::Head(_))
            }),
            Bend::HeadRepeatsGet => self.learned.first_read(at, number, |asked, call| {
                matches!((asked, call), (Call::Head(asked), Call::Get(read, _)) if asked == read)
            }),
            _ => None,
        }
    }

    /// Makes a call take effect, and returns its answer.
    pub(crate) fn serve(&mut self, world: &mut World, call: &Call) -> Result<Answer, String> {
        if let Call::Schedule(schedule) = call {
            return Ok(self.set_alarm(world, schedule));
        }
        let current = *world.buckets.at(call.name());
        let found = current.map(|id| self.objects.get(id).clone());
        Ok(match (call, current, found) {
            (Call::Get(_, Some(unless)), Some(id), Some(found)) if found.etag == *unless => {
                Answer::NotModified(id)
            }
            (Call::Head(_) | Call::Get(..), Some(id), _) => Answer::Found(id),
            (Call::Head(_) | Call::Get(..), None, _) => Answer::Missing,
            (Call::Put(name, put), _, found) => {
                if !self
                    .scenario
                    .bend
                    .holds(&put.precondition, found.as_deref())
                {
                    return Ok(Answer::Conflict);
                }
                let written = self.written(world, name, put, found.as_deref())?;
                *world.buckets.at(name) = Some(written);
                if *name == compiled_name() && self.scenario.bend != Bend::NoFanOut {
                    self.fan_out(world);
                }
                Answer::Written(written)
            }
            (Call::Delete(name, etag), _, found) => {
                let ignores = self.scenario.bend == Bend::IgnoresPreconditions;
                match found {
                    Some(found) if ignores || found.etag == *etag => {
                        *world.buckets.at(name) = None;
                        Answer::Removed
                    }
                    _ => Answer::Conflict,
                }
            }
            (Call::Schedule(_), ..) => unreachable!(),
        })
    }

    /// Delivers an event about the site that uses the list.
    fn fan_out(&self, world: &mut World) {
        world.deliveries.push(Delivery {
            cause: Cause::FanOut,
            at: Some(self.start(Cause::FanOut)),
            left: self.scenario.redeliveries,
        });
    }

    fn written(
        &mut self,
        world: &World,
        name: &ObjectName,
        put: &Put,
        replaced: Option<&Object>,
    ) -> Result<ObjectId, String> {
        let before = replaced.and_then(|object| object.rank);
        let rank = self.rank(name, put, before)?;
        if self.scenario.promise == Promise::EndAndWay {
            if let (Some(before), Some(after)) = (before, rank)
                && after < before
                && self.is_ordered(before, after, world.steps_done)
            {
                return Err(format!(
                    "{name} went back from step {before} to step {after}"
                ));
            }
            self.check_template_order(put, replaced)?;
            self.check_list_order(put, replaced)?;
            check_time_order(name, put, replaced)?;
        }
        let etag = self.scenario.bend.etag_of(&put.bytes, put.form);
        let is_list = *name == compiled_name();
        let object = Object {
            version_id: if is_list { etag.clone() } else { String::new() },
            etag,
            last_modified: self.clock(world.steps_done),
            metadata: self.scenario.bend.kept(put.metadata.clone()),
            bytes: put.bytes.clone(),
            rank,
            as_of: as_of(put),
        };
        if is_list {
            keep_version(name, &object);
        }
        Ok(self.objects.id(object))
    }
}
