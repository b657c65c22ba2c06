//! Reads the CSV version that produced the current output, and compares a new version with it.
//!
//! The version is read by its id, with the settings, the lists and the time that the output records. If the
//! output does not record the id or the lists, or if the version was deleted, the effect of the new version
//! is unknown. This is not an error: [`Effect::Unknown`] contains the reason.

use std::collections::BTreeSet;

use crate::function::error::Error;
use crate::function::publish::commands::restore;
use crate::function::publish::generate_upload::{GeneratedUpload, active_rows, push_body};
use crate::function::publish::object::PublishedObject;
use crate::function::publish::owner::Owner;
use crate::function::publish::provenance::SourceVersion;
use crate::function::publish::reading::Reading;
use crate::function::publish::shared_inputs::read_recorded;
use crate::function::settings::FunctionSettings;
use crate::function::store::{Fetched, Head, ObjectName, Store};
use crate::generate::{Decision, Keep, Upload};
use crate::list::Shared;
use crate::policy::{Policy, PolicyBuilder};
use crate::report::{Effect, Publication, UploadFacts};
use crate::review::{Change, Version};
use crate::rule::DefaultPolicy;
use crate::settings::{Settings, Strict};
use crate::source::Source;
use crate::time::Instant;

const GONE: &str = "the previous version of the CSV no longer exists";
const FAILED: &str = "the previous version of the CSV could not be read";
const UNVERSIONED: &str = "the previous version of the CSV has no version id";
const UNREADABLE: &str = "the previous version of the CSV is no longer accepted";
const NO_LISTS: &str = "the previous versions of its lists are not recorded or no longer exist";
const FOREIGN: &str = "another program wrote the current output";

/// The current output of a CSV, with which a new version of the CSV is compared.
pub(crate) struct InForce<'a, S> {
    pub(crate) store: &'a S,
    pub(crate) settings: &'a FunctionSettings,
    /// The CSV whose key determines the output.
    pub(crate) input: &'a ObjectName,
    pub(crate) output: &'a PublishedObject,
    /// The new version and its origin.
    pub(crate) upload: UploadFacts,
    /// The time for which the published version is read if the output does not record a time.
    pub(crate) as_of: Instant,
}

/// The result of the request for the published version, whose rows are not read yet.
pub(crate) enum Opened<B> {
    /// There is no output.
    Nothing,
    /// The output belongs to a deleted CSV and denies everybody.
    Nobody,
    Unknown(&'static str),
    Found(ObjectName, Box<Head>, B),
}

/// A policy with the number of its active rows, or the reason why the policy is not known.
type Read = Result<(Policy, u64), &'static str>;

impl<S: Store> InForce<'_, S> {
    /// Requests the version that produced the output, with at most one call to the store.
    ///
    /// # Errors
    ///
    /// If the call to the store fails.
    pub(crate) async fn open(&self) -> Result<Opened<S::Body>, Error> {
        let Some(made_from) = self.output.made_from() else {
            return Ok(Opened::Nothing);
        };
        let key = match made_from.owner(&self.input.key) {
            Owner::Own => self.input.key.clone(),
            Owner::Other(key) => key,
            Owner::OtherWithLongKey | Owner::Nobody => return Ok(Opened::Unknown(FOREIGN)),
        };
        if !self.output.has_its_bytes() {
            return Ok(Opened::Unknown(FOREIGN));
        }
        let version = match made_from.source_version() {
            SourceVersion::Deleted => return Ok(Opened::Nobody),
            SourceVersion::Unversioned => return Ok(Opened::Unknown(UNVERSIONED)),
            SourceVersion::Id(id) => id,
        };
        let bucket = self.input.bucket.clone();
        let name = ObjectName { bucket, key };
        Ok(match self.store.get_version(&name, &version).await? {
            Fetched::Found(head, body) => Opened::Found(name, Box::new(head), body),
            Fetched::Missing | Fetched::NotModified(_) => Opened::Unknown(GONE),
        })
    }

    /// Compares a generated upload with the opened version.
    ///
    /// # Errors
    ///
    /// If the version or its lists cannot be read.
    pub(crate) async fn compare(
        &self,
        opened: Opened<S::Body>,
        generated: &GeneratedUpload,
    ) -> Result<Effect, Error> {
        let Some(new) = generated.version() else {
            return Ok(Effect::Unknown(UNREADABLE));
        };
        let before = match opened {
            Opened::Nothing => return Ok(Effect::First),
            Opened::Nobody => Ok((PolicyBuilder::default().build(DefaultPolicy::Deny), 0)),
            Opened::Unknown(reason) => Err(reason),
            Opened::Found(name, head, body) => self.read(&name, &head, body, generated).await?,
        };
        Ok(match before {
            Ok((policy, rows)) => {
                let old = Version {
                    policy: &policy,
                    rows,
                };
                Effect::Changed(Box::new(Change::between(old, new)))
            }
            Err(reason) => Effect::Unknown(reason),
        })
    }

    /// Requests the published version and compares it with a generated upload. If an error occurs, the effect
    /// is unknown. The error is not returned, because the output is being published at the same time.
    pub(crate) async fn effect(&self, generated: &GeneratedUpload) -> Effect {
        let effect = async { self.compare(self.open().await?, generated).await };
        effect.await.unwrap_or(Effect::Unknown(FAILED))
    }

    /// Returns the description of a publication with this effect, for the report.
    pub(crate) fn publication(&self, effect: Effect) -> Publication {
        Publication {
            effect,
            upload: self.upload.clone(),
            undo: self.undo(),
            approve: None,
        }
    }

    async fn read(
        &self,
        name: &ObjectName,
        head: &Head,
        body: S::Body,
        generated: &GeneratedUpload,
    ) -> Result<Read, Error> {
        let Some(made_from) = self.output.made_from() else {
            return Ok(Err(FOREIGN));
        };
        let reading = Reading::parse(made_from.reading());
        let settings = self.settings_of(reading.as_ref());
        if made_from.lists().is_empty() {
            let none = Shared::default();
            let decision = self.decide(&settings, name, head, body, &none).await?;
            return Ok(known(decision));
        }
        if made_from.lists() == generated.shared.digest() {
            let same = generated.shared.rules();
            let decision = self.decide(&settings, name, head, body, same).await?;
            return Ok(known(decision));
        }
        let Some(reading) = reading else {
            return Ok(Err(NO_LISTS));
        };
        // As in `Generator::generate`, the first read finds the names of the lists.
        let none = BTreeSet::new();
        let Some(common) = read_recorded(self.store, self.settings, &reading, &none).await? else {
            return Ok(Err(NO_LISTS));
        };
        let decision = self.decide(&settings, name, head, body, &common).await?;
        let lists = read_recorded(self.store, self.settings, &reading, decision.lists());
        let Some(shared) = lists.await? else {
            return Ok(Err(NO_LISTS));
        };
        drop(decision);
        let again = self.store.get_version(name, &head.version_id).await?;
        let Fetched::Found(head, body) = again else {
            return Ok(Err(GONE));
        };
        let decision = self.decide(&settings, name, &head, body, &shared);
        Ok(known(decision.await?))
    }

    /// Returns the settings with which the published version was read. If the output does not record them,
    /// because an older program wrote it, the current settings are used.
    fn settings_of(&self, reading: Option<&Reading>) -> Settings {
        let mut settings = Settings {
            // The version was accepted when it was published, so its rejected rows must not lead to a refusal
            // now.
            strict: Strict::None,
            ..self.settings.settings.clone()
        };
        if let Some(reading) = reading {
            settings.default_policy = reading.default_policy;
            settings.time_zone = reading.time_zone.clone();
        }
        settings
    }

    async fn decide(
        &self,
        settings: &Settings,
        name: &ObjectName,
        head: &Head,
        body: S::Body,
        shared: &Shared,
    ) -> Result<Decision, Error> {
        let source = Source {
            key: name.key.clone(),
            ..Source::default()
        };
        let as_of = self.output.as_of().unwrap_or(self.as_of);
        let mut upload = Upload::new(settings, source, Keep::default(), as_of, shared);
        let flow = upload.expect_bytes(head.bytes.unwrap_or(0));
        push_body(flow, body, |rest| upload.push_step(rest)).await?;
        Ok(upload.finish())
    }

    /// Returns the command that makes the published version of the CSV the newest version again. `None` if
    /// there is nothing to undo.
    fn undo(&self) -> Option<String> {
        let made_from = self.output.made_from()?;
        let SourceVersion::Id(version) = made_from.source_version() else {
            return None;
        };
        // If the published version is also the new version, the output changes because of a list, a setting
        // or the time, so there is nothing to undo.
        let is_other = version != self.upload.version_id;
        let is_own = made_from.owner(&self.input.key) == Owner::Own;
        (is_other && is_own).then(|| restore(self.input, &version))
    }
}

fn known(decision: Decision) -> Read {
    let rows = active_rows(&decision.answer());
    decision
        .into_policy()
        .map(|policy| (policy, rows))
        .ok_or(UNREADABLE)
}
