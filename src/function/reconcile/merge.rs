//! Brings together what a run found in the two buckets.

use std::collections::BTreeMap;

use crate::report::overview::{Site, SiteState};

/// Merges the sites of the uploads with those of the outputs, ordered by the key of the CSV.
///
/// An output with an existing CSV comes as [`SiteState::NotChecked`]. It is dropped if the CSV was checked.
pub(crate) fn merge(mut uploads: Vec<Site>, outputs: Vec<Site>) -> Vec<Site> {
    uploads.sort_unstable_by(|a, b| a.source.cmp(&b.source));
    uploads.dedup_by(|a, b| a.source == b.source);
    let was_checked = |output: &Site| {
        let found = uploads.binary_search_by(|site| site.source.cmp(&output.source));
        output.state == SiteState::NotChecked && found.is_ok()
    };
    let others: Vec<Site> = outputs
        .into_iter()
        .filter(|output| !was_checked(output))
        .collect();
    uploads.extend(others);
    uploads.sort_by(|a, b| (&a.source, &a.output).cmp(&(&b.source, &b.output)));
    uploads
}

/// Counts the sites by their status. An output that only shows that its CSV exists has none.
pub(crate) fn count_statuses(sites: &[Site]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for site in sites {
        if site.state != SiteState::NotChecked {
            *counts.entry(site.status.clone()).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::overview::SiteFacts;

    fn site(source: &str, state: SiteState) -> Site {
        Site {
            source: source.to_owned(),
            output: String::new(),
            state,
            status: "unchanged".to_owned(),
            code: String::new(),
            facts: SiteFacts::default(),
        }
    }

    #[test]
    fn drops_outputs_whose_csv_was_checked() {
        let uploads = vec![
            site("d", SiteState::NeverPublished),
            site("c", SiteState::Refused),
            site("a", SiteState::InForce),
        ];
        let outputs = vec![
            site("a", SiteState::NotChecked),
            site("c", SiteState::NotChecked),
            site("late", SiteState::NotChecked),
            site("a", SiteState::Orphan),
            site("", SiteState::Orphan),
        ];
        let merged = merge(uploads, outputs);
        let states: Vec<(&str, SiteState)> = merged
            .iter()
            .map(|site| (site.source.as_str(), site.state))
            .collect();
        assert_eq!(
            states,
            [
                ("", SiteState::Orphan),
                ("a", SiteState::InForce),
                ("a", SiteState::Orphan),
                ("c", SiteState::Refused),
                ("d", SiteState::NeverPublished),
                ("late", SiteState::NotChecked),
            ]
        );
        assert_eq!(count_statuses(&merged)["unchanged"], 5);
    }
}
