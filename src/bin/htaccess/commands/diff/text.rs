//! Formats differences as text.

use htaccess_generator::ip::{AddressSpec, IpSet, parse_address};
use htaccess_generator::review::{NetworkExplanation, explain_networks};
use htaccess_generator::rule::{Action, DefaultPolicy};
use htaccess_generator::text::{escape, push_fmt};

use crate::commands::diff::compared::{Compared, FileResult, Side};
use crate::commands::networks::for_each_network;
use crate::messages::{counted, counted_ipv6};
use crate::run::Circumstances;

/// The maximum number of networks that are listed for each file without `--all`.
const MAX_NETWORKS_LISTED: usize = 50;

/// The number of networks to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// The first networks, up to [`MAX_NETWORKS_LISTED`] for each file.
    First,
    All,
}

/// Appends a title and the differences between two files.
pub(super) fn push_diff(
    text: &mut String,
    title: &str,
    compared: &Compared<'_>,
    circumstances: &Circumstances,
    listing: Listing,
) {
    push_fmt(text, format_args!("{title}\n"));
    let Some(changed) = &compared.diff else {
        return;
    };
    if let (Some(old), Some(new)) = (&compared.old, &compared.new) {
        push_default(text, old, new);
        let (before, now) = (old.answer.rejected, new.answer.rejected);
        if before != now {
            push_fmt(
                text,
                format_args!("Rejected rows: {before} before, {now} now.\n"),
            );
        }
    }
    if changed.is_empty() {
        text.push_str("Nobody gains or loses access.\n");
    }
    let counts = [&changed.gained, &changed.lost].map(IpSet::network_count);
    let [max_gained, max_lost] = match listing {
        Listing::All => counts,
        Listing::First => shares(counts),
    };
    let push = |text: &mut String, title, sign, set, side: Option<&Side<'_>>, max| {
        let comments = |networks: &[String]| match side {
            Some(side) => comments(side, networks, circumstances),
            None => Vec::new(),
        };
        push_set(text, title, sign, set, max, comments);
    };
    let (old, new) = (compared.old.as_ref(), compared.new.as_ref());
    push(text, "Gain access", '+', &changed.gained, new, max_gained);
    push(text, "Lose access", '-', &changed.lost, old, max_lost);
    if let Some(hold) = compared.held {
        push_fmt(text, format_args!("Would be held: {hold}.\n"));
    }
}

/// Appends a line with the number of files for each result.
pub(super) fn push_summary(text: &mut String, compared: &[Compared<'_>]) {
    let count = |wanted: FileResult| {
        let results = compared.iter().map(Compared::result);
        results.filter(|result| *result == wanted).count()
    };
    push_fmt(
        text,
        format_args!(
            "{}: {} changed, {} added, {} removed, {} unchanged, {} refused\n",
            counted(compared.len(), "file"),
            count(FileResult::Changed),
            count(FileResult::Added),
            count(FileResult::Removed),
            count(FileResult::Unchanged),
            count(FileResult::Refused),
        ),
    );
}

fn push_default(text: &mut String, old: &Side<'_>, new: &Side<'_>) {
    let default = match (old.answer.default_policy, new.answer.default_policy) {
        (DefaultPolicy::Deny, DefaultPolicy::Allow) => {
            "The default changes from deny to allow: everybody who is not denied gets in.\n"
        }
        (DefaultPolicy::Allow, DefaultPolicy::Deny) => {
            "The default changes from allow to deny: only allowed addresses get in.\n"
        }
        _ => "",
    };
    text.push_str(default);
}

/// Divides the [`MAX_NETWORKS_LISTED`] lines between the networks that gain access and those that lose it.
fn shares([gained, lost]: [usize; 2]) -> [usize; 2] {
    let half = MAX_NETWORKS_LISTED / 2;
    let share = |own: usize, other: usize| {
        own.min(half.max(MAX_NETWORKS_LISTED - other.min(MAX_NETWORKS_LISTED)))
    };
    [share(gained, lost), share(lost, gained)]
}

fn push_set(
    text: &mut String,
    title: &str,
    sign: char,
    set: &IpSet,
    max_listed: usize,
    comments: impl FnOnce(&[String]) -> Vec<String>,
) {
    if set.is_empty() {
        return;
    }
    let mut counts = Vec::new();
    if !set.ipv4.is_empty() {
        counts.push(counted(set.ipv4.address_count(), "IPv4 address"));
    }
    if !set.ipv6.is_empty() {
        counts.push(counted_ipv6(set.ipv6.address_count()));
    }
    let counts = counts.join(" and ");
    let all = set.network_count();
    let networks = counted(all, "network");
    push_fmt(text, format_args!("{title}: {counts}, in {networks}\n"));
    let mut listed = Vec::new();
    for_each_network(set, |network| {
        if listed.len() < max_listed {
            listed.push(network.to_owned());
        }
    });
    let mut comments = comments(&listed).into_iter();
    for network in &listed {
        let comment = comments.next().unwrap_or_default();
        push_fmt(text, format_args!("  {sign} {network}{comment}\n"));
    }
    if all > listed.len() {
        let more = counted(all - listed.len(), "more network");
        push_fmt(text, format_args!("  … and {more}: --all lists them\n"));
    }
}

/// Returns, for each network, the comment of the rows that allow it, preceded by two spaces. The text is
/// empty if these rows have no comment.
fn comments(side: &Side<'_>, networks: &[String], circumstances: &Circumstances) -> Vec<String> {
    let specs: Vec<AddressSpec> = networks
        .iter()
        .filter_map(|network| parse_address(network).ok())
        .collect();
    let Circumstances {
        settings,
        as_of,
        shared,
    } = circumstances;
    let shared = shared.of(side.input);
    // An error is not expected, because the same bytes were read before. If there is one, the comments are
    // omitted.
    let explained = explain_networks(&side.bytes, settings, &specs, *as_of, shared);
    let comment = |explanation: &NetworkExplanation| {
        let rows = explanation.rows.iter().filter(|bearing| {
            bearing.decides && bearing.row.action != Action::Deny && !bearing.row.comment.is_empty()
        });
        let mut comments: Vec<&str> = rows.map(|bearing| bearing.row.comment.as_str()).collect();
        comments.dedup();
        match comments.as_slice() {
            [] => String::new(),
            [comment] => format!("  {}", escape(comment)),
            [comment, others @ ..] => {
                format!("  {} and {} more", escape(comment), others.len())
            }
        }
    };
    explained.unwrap_or_default().iter().map(comment).collect()
}
