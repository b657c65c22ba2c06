//! Formats verdicts as JSON.

use htaccess_generator::answer::{RefusalCode, Status};
use htaccess_generator::review::{BearingRow, PermittedPart};
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::time::Instant;
use serde::Serialize;

use crate::commands::explain::site::{Site, Verdict};
use crate::commands::member_json::MemberJson;

/// The verdict on an address or a network. The counts of addresses are omitted for a single address.
#[derive(Serialize)]
pub(super) struct VerdictJson<'a> {
    /// The address, network or range in question.
    address: String,
    /// `true` if all addresses are permitted, `false` if none is, `null` if only a part of a network is.
    permitted: Option<bool>,
    /// The number of addresses in the network, as a string, because most programs read JSON numbers as
    /// floating point.
    #[serde(skip_serializing_if = "Option::is_none")]
    addresses: Option<String>,
    /// The number of these addresses that are permitted, as a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    permitted_addresses: Option<String>,
    default_policy: DefaultPolicy,
    rows: Vec<RowJson<'a>>,
    /// The line numbers of rejected rows that contain the address or the network, or may contain it.
    rejected_lines: &'a [u64],
}

/// The verdict of one site on an address or network, or the refusal of its CSV.
#[derive(Serialize)]
pub(super) struct SiteJson<'a> {
    file: String,
    /// `checked`, or `refused` for a file without a verdict.
    status: &'static str,
    code: Option<RefusalCode>,
    #[serde(flatten)]
    verdict: Option<VerdictJson<'a>>,
}

#[derive(Serialize)]
struct RowJson<'a> {
    line: u64,
    /// The common CSV that contains the row. Omitted if the row is in the site's own CSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    common: Option<&'a str>,
    /// The list member that matches. Omitted if the row does not use a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<MemberJson<'a>>,
    rule: &'static str,
    address: &'a str,
    comment: &'a str,
    starts: Option<Instant>,
    expires: Option<Instant>,
    state: &'static str,
    decides: bool,
}

impl<'a> VerdictJson<'a> {
    pub(super) fn of(verdict: &'a Verdict) -> Self {
        let (address, default_policy, rows, counts) = match verdict {
            Verdict::Address(explanation) => (
                explanation.address.to_string(),
                explanation.default,
                &explanation.rows,
                None,
            ),
            Verdict::Network(explanation) => (
                explanation.addresses.to_string(),
                explanation.default,
                &explanation.rows,
                Some((explanation.address_count, explanation.permitted_count)),
            ),
        };
        Self {
            address,
            permitted: match verdict.permitted() {
                PermittedPart::Whole => Some(true),
                PermittedPart::None => Some(false),
                PermittedPart::Part => None,
            },
            addresses: counts.map(|(addresses, _)| addresses.to_string()),
            permitted_addresses: counts.map(|(_, permitted)| permitted.to_string()),
            default_policy,
            rows: rows.iter().map(RowJson::of).collect(),
            rejected_lines: &verdict.rejected().lines,
        }
    }
}

impl<'a> SiteJson<'a> {
    /// Returns one object for each address or network. If the file is refused, returns a single object
    /// without a verdict.
    pub(super) fn of(site: &'a Site<'_>) -> Vec<Self> {
        let object = |verdict| {
            let path = site
                .input
                .path
                .as_ref()
                .map(|path| path.display().to_string());
            Self {
                file: path.unwrap_or("-".to_owned()),
                status: match site.answer.status {
                    Status::Refused => "refused",
                    _ => "checked",
                },
                code: site.answer.code,
                verdict,
            }
        };
        if site.verdicts.is_empty() {
            return vec![object(None)];
        }
        let verdicts = site.verdicts.iter();
        verdicts
            .map(|verdict| object(Some(VerdictJson::of(verdict))))
            .collect()
    }
}

impl<'a> RowJson<'a> {
    fn of(bearing: &'a BearingRow) -> Self {
        Self {
            line: bearing.row.place.line,
            common: bearing.row.place.common.as_deref(),
            list: bearing.row.place.member.as_ref().map(MemberJson::of),
            rule: bearing.row.action.name(),
            address: &bearing.row.address,
            comment: &bearing.row.comment,
            starts: bearing.row.period.starts,
            expires: bearing.row.period.expires,
            state: bearing.state.name(),
            decides: bearing.decides,
        }
    }
}
