//! A site as it is shown in the overview: one CSV and its output, or an output without a CSV.

use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::report::apache_cost::RequestCost;
use crate::text::push_fmt;
use crate::time::Instant;

/// The state of a site. The names in JSON and in `sites.csv` are part of the public interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteState {
    /// The output was generated from the newest CSV.
    InForce,
    /// The CSV is refused. An earlier output remains published.
    Refused,
    /// The change waits for approval. An earlier output remains published.
    Held,
    /// The CSV is refused, and the site has no output.
    NeverPublished,
    /// The output has no CSV, or its key is not the key that the setting `OUTPUT_KEY` gives.
    Orphan,
    /// The site could not be checked because of an error.
    Failed,
    /// The output and its CSV exist, but the run did not check the CSV, because the CSV was uploaded during
    /// the run or its batch failed.
    NotChecked,
}

impl SiteState {
    /// All states, in the order in which the overview shows them.
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

    /// Returns the name that is shown to people.
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

/// The purpose of a CSV. The names in JSON and in `sites.csv` are part of the public interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SiteKind {
    /// A CSV with the rules of a site, or an output without a CSV.
    #[default]
    Site,
    /// A list, which the rows of other CSVs can use.
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

/// The numbers about one CSV. A count that is not known is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteFacts {
    /// The number of rows, accepted and rejected.
    pub rows: u64,
    /// The number of rejected rows.
    pub rejected: u64,
    /// The number of networks in the output.
    pub networks: u64,
    /// The size of the output, in bytes.
    pub bytes: u64,
    /// The estimated processor time that Apache spends on the file for each request, in microseconds of one
    /// core.
    pub request_microseconds: u64,
    /// The time of the next change, when a row starts or ends, in seconds since 1970. `None` if there is no
    /// such change.
    pub next_change: Option<i64>,
    /// The change that the newest publication made, or the change that is held. `None` for the first
    /// version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_change: Option<LastChange>,
}

/// A change compared with the previous version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastChange {
    /// The time at which the change was published or held, in seconds since 1970.
    pub at: i64,
    /// The number of networks that gained access.
    pub gained: u64,
    /// The number of networks that lost access.
    pub lost: u64,
}

impl SiteFacts {
    /// Collects the facts of an answer as of an instant. `cost` is the cost of the output, if it is an
    /// Apache file.
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

    /// Returns the facts as a short text: `rows rejected networks bytes microseconds seconds`, with `-` in
    /// place of the seconds if there is no next change. If there is a last change, ` at gained lost`
    /// follows.
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

    /// Parses a text that [`SiteFacts::to_text`] returned. Returns `None` for any other text.
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

/// One site, list or common CSV: one line of a part, and one row of `sites.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The key of the CSV. Empty for an output that does not record the key of its CSV.
    pub source: String,
    /// The key of the output. Empty if the CSV's key does not result in an output key.
    pub output: String,
    /// The purpose of the CSV: a site, a list or the common CSV.
    #[serde(default)]
    pub kind: SiteKind,
    /// The state after the run.
    pub state: SiteState,
    /// The `status` of the answer, or `failed` after an error.
    pub status: String,
    /// The code of a refusal, or the `errorType` of a failure. Empty if there is neither.
    pub code: String,
    /// The names of the existing lists that the rows of the CSV use, in alphabetical order. Empty for an
    /// orphan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
    /// The numbers about the CSV and its output.
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
