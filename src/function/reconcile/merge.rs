//! Merges the sites that a run found in the upload bucket and in the output bucket.

use std::collections::BTreeMap;

use crate::report::overview::{Site, SiteState};

/// Sorts the sites from the upload bucket by the key of the CSV. If a key was listed twice, only one of its
/// sites is kept.
pub(crate) fn in_order(mut uploads: Vec<Site>) -> Vec<Site> {
    uploads.sort_unstable_by(|a, b| a.source.cmp(&b.source));
    uploads.dedup_by(|a, b| a.source == b.source);
    uploads
}

/// Returns whether all that is known about `output` is that its CSV exists, and `uploads` contains this CSV.
/// Such an output adds nothing to the overview. `uploads` must be sorted by [`in_order`].
pub(crate) fn was_checked(uploads: &[Site], output: &Site) -> bool {
    let find = || uploads.binary_search_by(|site| site.source.cmp(&output.source));
    output.state == SiteState::NotChecked && find().is_ok()
}

/// Merges the sites from both buckets, sorted by CSV and output. `outputs` must not contain sites for which
/// [`was_checked`] is true.
pub(crate) fn merge(mut sites: Vec<Site>, outputs: Vec<Site>) -> Vec<Site> {
    sites.extend(outputs);
    sites.sort_by(|a, b| (&a.source, &a.output).cmp(&(&b.source, &b.output)));
    sites
}

/// Counts the sites with each status. Sites in the state `NotChecked` are left out, because the run found
/// only that their CSVs exist.
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
