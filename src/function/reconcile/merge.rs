//! Brings together what a run found in the two buckets.

use std::collections::BTreeMap;

use crate::report::overview::{Site, SiteState};

/// Orders the sites of the uploads by the key of the CSV. A key that was listed twice counts once.
pub(crate) fn in_order(mut uploads: Vec<Site>) -> Vec<Site> {
    uploads.sort_unstable_by(|a, b| a.source.cmp(&b.source));
    uploads.dedup_by(|a, b| a.source == b.source);
    uploads
}

/// Returns whether the site of an output only shows that its CSV exists, which is among these uploads.
pub(crate) fn was_checked(uploads: &[Site], output: &Site) -> bool {
    let find = || uploads.binary_search_by(|site| site.source.cmp(&output.source));
    output.state == SiteState::NotChecked && find().is_ok()
}

/// Merges the sites of the uploads with those of the outputs that were not checked with them.
pub(crate) fn merge(mut sites: Vec<Site>, outputs: Vec<Site>) -> Vec<Site> {
    sites.extend(outputs);
    sites.sort_by(|a, b| (&a.source, &a.output).cmp(&(&b.source, &b.output)));
    sites
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
    use crate::report::overview::{SiteFacts, SiteKind};

    fn site(source: &str, state: SiteState) -> Site {
        Site {
            source: source.to_owned(),
            output: String::new(),
            kind: SiteKind::Site,
            state,
            lists: Vec::new(),
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
        let uploads = in_order(uploads);
        let outputs = outputs.into_iter();
        let outputs = outputs.filter(|output| !was_checked(&uploads, output));
        let outputs = outputs.collect();
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
