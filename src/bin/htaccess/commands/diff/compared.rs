//! Compares two files, and decides whether the change would be held.

use htaccess_generator::answer::{Answer, Status};
use htaccess_generator::policy::{Policy, PolicyBuilder};
use htaccess_generator::review::{Change, Diff, Hold, Version, diff, held};
use htaccess_generator::settings::{HoldAbove, Settings};

use crate::error::CliError;
use crate::input::Input;
use crate::run::Circumstances;

/// The old or the new file of a comparison.
pub(super) struct Side<'a> {
    pub(super) input: &'a Input,
    pub(super) bytes: Vec<u8>,
    pub(super) answer: Answer,
    /// `None` if the file is refused.
    pub(super) policy: Option<Policy>,
}

impl Side<'_> {
    /// Returns the policy and the number of active rows, from which the size of a change is computed. `None`
    /// if the file is refused.
    pub(super) fn version(&self) -> Option<Version<'_>> {
        let Answer {
            accepted,
            pending,
            expired,
            ..
        } = self.answer;
        Some(Version {
            policy: self.policy.as_ref()?,
            rows: accepted.saturating_sub(pending + expired),
        })
    }
}

/// The comparison of an old file with a new file.
pub(super) struct Compared<'a> {
    /// The key of both files. If the user specified two single files, the key of the new file.
    pub(super) name: &'a str,
    /// `None` if the file exists only in the new folder.
    pub(super) old: Option<Side<'a>>,
    /// `None` if the file exists only in the old folder.
    pub(super) new: Option<Side<'a>>,
    /// `None` if a file is refused, or if there is no new file.
    pub(super) diff: Option<Diff>,
    /// The reason why the change would be held. `None` if it would not be held.
    pub(super) held: Option<Hold>,
}

/// The result of comparing a file in two folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileResult {
    Changed,
    Unchanged,
    Added,
    Removed,
    Refused,
}

impl FileResult {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Refused => "refused",
        }
    }
}

impl Compared<'_> {
    pub(super) fn result(&self) -> FileResult {
        match (&self.old, &self.new, &self.diff) {
            (_, None, _) => FileResult::Removed,
            (_, _, None) => FileResult::Refused,
            (None, ..) => FileResult::Added,
            (_, _, Some(diff)) if diff.is_empty() => FileResult::Unchanged,
            _ => FileResult::Changed,
        }
    }

    /// Returns the reason why the change would be held. `None` if it would not be held, if `limit` is `None`,
    /// or if either file is missing or refused.
    pub(super) fn hold(&self, limit: Option<HoldAbove>) -> Option<Hold> {
        let limit = limit?;
        let old = self.old.as_ref()?.version()?;
        let new = self.new.as_ref()?.version()?;
        held(&Change::between(old, new), limit)
    }
}

pub(super) fn read_side<'a>(
    input: &'a Input,
    circumstances: &Circumstances,
) -> Result<Side<'a>, CliError> {
    let (bytes, decision) = circumstances.read_whole(input)?;
    Ok(Side {
        input,
        bytes,
        answer: decision.answer(),
        policy: decision.into_policy(),
    })
}

pub(super) fn read_if_any<'a>(
    input: Option<&'a Input>,
    circumstances: &Circumstances,
) -> Result<Option<Side<'a>>, CliError> {
    input
        .map(|input| read_side(input, circumstances))
        .transpose()
}

/// Compares two files. Without an old file, the new one is compared with a policy that has no rules, only the
/// default.
pub(super) fn compare<'a>(
    name: &'a str,
    old: Option<Side<'a>>,
    new: Option<Side<'a>>,
    circumstances: &Circumstances,
) -> Compared<'a> {
    let diff = new.as_ref().and_then(|new| {
        let new = new.policy.as_ref()?;
        if let Some(old) = &old {
            return Some(diff(old.policy.as_ref()?, new));
        }
        let (_, old) = without_rules(name, &circumstances.settings);
        Some(diff(&old?, new))
    });
    Compared {
        name,
        old,
        new,
        diff,
        held: None,
    }
}

/// Returns the policy of a site without a CSV: no rules, only the default.
pub(super) fn without_rules(key: &str, settings: &Settings) -> (Answer, Option<Policy>) {
    let mut answer = Answer::new(key, Status::Written);
    answer.default_policy = settings.default_policy;
    let policy = PolicyBuilder::default().build(settings.default_policy);
    (answer, Some(policy))
}
