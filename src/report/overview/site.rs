//! A site as the overview sees it: one CSV and its output, or an output without a CSV.

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::report::apache_cost::RequestCost;
use crate::text::push_fmt;
use crate::time::Instant;

/// The state of a site. The names in JSON and in `sites.csv` are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteState {
    /// The output comes from the newest CSV.
    InForce,
    /// The CSV is refused. An earlier output stays in force.
    Refused,
    /// The change waits for an approval. An earlier output stays in force.
    Held,
    /// The CSV is refused, and the site has no output.
    NeverPublished,
    /// The output has no CSV, or its key is not the one that the setting `OUTPUT_KEY` gives.
    Orphan,
    /// An error kept the site from being checked.
    Failed,
    /// The output and its CSV exist, but the run did not check the CSV. It was uploaded during the run, or its
    /// batch failed.
    NotChecked,
}

impl SiteState {
    /// All states, in the order of the overview.
    pub const ALL: [Self; 7] = [
        Self::InForce,
        Self::Refused,
        Self::Held,
        Self::NeverPublished,
        Self::Orphan,
        Self::Failed,
        Self::NotChecked,
    ];

    /// Returns the name in JSON and in `sites.csv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Refused => "refused",
            Self::Held => "held",
            Self::NeverPublished => "never-published",
            Self::Orphan => "orphan",
            Self::Failed => "failed",
            Self::NotChecked => "not-checked",
        }
    }

    /// Returns the name for people.
    #[must_use]
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::InForce => "Published",
            Self::Refused => "Refused",
            Self::Held => "Held",
            Self::NeverPublished => "Never published",
            Self::Orphan => "Orphan",
            Self::Failed => "Failed",
            Self::NotChecked => "Not checked",
        }
    }
}

/// The use of a CSV. The names in JSON and in `sites.csv` are part of the contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteKind {
    /// The rules of a site, or an output.
    #[default]
    Site,
    /// A list, which sites name.
    List,
    /// The common CSV, which applies to every site.
    Common,
}

impl SiteKind {
    /// Returns the name in JSON and in `sites.csv`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Site => "site",
            Self::List => "list",
            Self::Common => "common",
        }
    }
}

/// The numbers about one CSV. A number that is not known is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteFacts {
    /// The rows, accepted and rejected.
    pub rows: u64,
    /// The rejected rows.
    pub rejected: u64,
    /// The networks in the output.
    pub networks: u64,
    /// The size of the output, in bytes.
    pub bytes: u64,
    /// The estimated time of one core that Apache needs for the file at each request, in microseconds.
    pub request_microseconds: u64,
    /// The next change by time, in seconds since 1970.
    pub next_change: Option<i64>,
    /// The change by the newest publication, or the change that is held. `None` for the first version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_change: Option<LastChange>,
}

/// A change compared with the version before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastChange {
    /// The time of the publication or of the hold, in seconds since 1970.
    pub at: i64,
    /// The networks that gained access.
    pub gained: u64,
    /// The networks that lost access.
    pub lost: u64,
}

impl SiteFacts {
    /// Collects the facts of an answer as of an instant. `cost` is that of an Apache file.
    #[must_use]
    pub fn of(answer: &Answer, cost: Option<RequestCost>, as_of: Instant) -> Self {
        let cost = cost.filter(|cost| cost.networks > 0);
        Self {
            rows: answer.rows,
            rejected: answer.rejected,
            networks: (answer.networks.allow + answer.networks.deny) as u64,
            bytes: answer.bytes as u64,
            request_microseconds: cost.map_or(0, |cost| cost.microseconds),
            next_change: answer.next_change.map(Instant::seconds),
            last_change: answer.change.as_ref().map(|change| LastChange {
                at: as_of.seconds(),
                gained: change.gained.networks,
                lost: change.lost.networks,
            }),
        }
    }

    /// Writes the facts as a short text: `rows rejected networks bytes microseconds seconds`, with `-` if
    /// there is no next change. If there is a last change, ` at gained lost` follows.
    #[must_use]
    pub fn to_text(&self) -> String {
        let next_change = self
            .next_change
            .map_or_else(|| "-".to_owned(), |seconds| seconds.to_string());
        let mut text = format!(
            "{} {} {} {} {} {next_change}",
            self.rows, self.rejected, self.networks, self.bytes, self.request_microseconds
        );
        if let Some(LastChange { at, gained, lost }) = self.last_change {
            push_fmt(&mut text, format_args!(" {at} {gained} {lost}"));
        }
        text
    }

    /// Reads what [`SiteFacts::to_text`] wrote. Returns `None` for any other text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(' ').collect();
        let [
            rows,
            rejected,
            networks,
            bytes,
            microseconds,
            next_change,
            last_change @ ..,
        ] = parts.as_slice()
        else {
            return None;
        };
        Some(Self {
            rows: rows.parse().ok()?,
            rejected: rejected.parse().ok()?,
            networks: networks.parse().ok()?,
            bytes: bytes.parse().ok()?,
            request_microseconds: microseconds.parse().ok()?,
            next_change: match *next_change {
                "-" => None,
                seconds => Some(seconds.parse().ok()?),
            },
            last_change: match last_change {
                [] => None,
                [at, gained, lost] => Some(LastChange {
                    at: at.parse().ok()?,
                    gained: gained.parse().ok()?,
                    lost: lost.parse().ok()?,
                }),
                _ => return None,
            },
        })
    }
}

/// One site, list or common CSV, as one line of a part and one row of `sites.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The key of the CSV. Empty if an output does not name it.
    pub source: String,
    /// The key of the output. Empty if the key of the CSV gives none.
    pub output: String,
    /// The use of the CSV.
    #[serde(default)]
    pub kind: SiteKind,
    /// The state after the run.
    pub state: SiteState,
    /// The `status` of the answer, or `failed`.
    pub status: String,
    /// The code of a refusal or the `errorType` of a failure. Empty if there is none.
    pub code: String,
    /// The names of the lists in force that the rows of the CSV name, in alphabetical order. Empty for an orphan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// The numbers.
    #[serde(flatten)]
    pub facts: SiteFacts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_back() {
        let last_change = LastChange {
            at: -1,
            gained: u64::MAX,
            lost: 7,
        };
        for (next_change, last_change) in [
            (None, None),
            (Some(-5), None),
            (None, Some(last_change)),
            (Some(1_798_757_999), Some(last_change)),
        ] {
            let facts = SiteFacts {
                rows: u64::MAX,
                rejected: 2,
                networks: 3,
                bytes: 4,
                request_microseconds: 5,
                next_change,
                last_change,
            };
            assert_eq!(SiteFacts::from_text(&facts.to_text()), Some(facts));
        }
        for text in [
            "",
            "1 2 3 4 5",
            "1 2 3 4 5 x",
            "1 2 3 4 5 - 7",
            "1 2 3 4 5 - 7 8",
            "1 2 3 4 5 - 7 8 -",
            "1 2 3 4 5 - 7 8 9 10",
            "a 2 3 4 5 -",
        ] {
            assert_eq!(SiteFacts::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn a_state_has_one_name() {
        for state in SiteState::ALL {
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(json, format!("\"{}\"", state.name()));
        }
        for kind in [SiteKind::Site, SiteKind::List, SiteKind::Common] {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.name()));
        }
    }
}
