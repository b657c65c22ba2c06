//! Reads the CSV of one site, and returns its verdicts on addresses and networks.

use std::net::IpAddr;

use htaccess_generator::answer::{Answer, Status};
use htaccess_generator::csv::CsvError;
use htaccess_generator::ip::AddressSpec;
use htaccess_generator::review::{
    Explanation, NetworkExplanation, PermittedPart, RejectedRows, explain, explain_networks,
};

use crate::cli::Subject;
use crate::error::CliError;
use crate::input::Input;
use crate::run::Circumstances;

/// The verdict on one address or network.
pub(super) enum Verdict {
    Address(Explanation),
    Network(NetworkExplanation),
}

impl Verdict {
    pub(super) fn permitted(&self) -> PermittedPart {
        match self {
            Self::Address(explanation) if explanation.permitted => PermittedPart::Whole,
            Self::Address(_) => PermittedPart::None,
            Self::Network(explanation) => explanation.permitted(),
        }
    }

    pub(super) fn rejected(&self) -> &RejectedRows {
        match self {
            Self::Address(explanation) => &explanation.rejected,
            Self::Network(explanation) => &explanation.rejected,
        }
    }
}

/// A site and its verdicts on the addresses and networks in question.
pub(super) struct Site<'a> {
    pub(super) input: &'a Input,
    pub(super) answer: Answer,
    /// The verdicts in the order of the subjects. Empty if the CSV is refused.
    pub(super) verdicts: Vec<Verdict>,
}

pub(super) fn read_site<'a>(
    input: &'a Input,
    subjects: &[Subject],
    circumstances: &Circumstances,
) -> Result<Site<'a>, CliError> {
    let (bytes, decision) = circumstances.read_whole(input)?;
    let mut site = Site {
        input,
        answer: decision.answer(),
        verdicts: Vec::new(),
    };
    if site.answer.status == Status::Refused {
        return Ok(site);
    }
    let Circumstances {
        settings,
        as_of,
        shared,
    } = circumstances;
    let shared = shared.of(input);
    let addresses: Vec<IpAddr> = subjects.iter().filter_map(Subject::address).collect();
    let networks: Vec<AddressSpec> = subjects.iter().filter_map(Subject::network).collect();
    let failure = |err: CsvError| CliError::new(err.to_string());
    let of_addresses = explain(&bytes, settings, &addresses, *as_of, shared).map_err(failure)?;
    let of_networks = if networks.is_empty() {
        Vec::new()
    } else {
        explain_networks(&bytes, settings, &networks, *as_of, shared).map_err(failure)?
    };
    let (mut of_addresses, mut of_networks) = (of_addresses.into_iter(), of_networks.into_iter());
    site.verdicts = subjects
        .iter()
        .filter_map(|subject| match subject {
            Subject::Address(_) => of_addresses.next().map(Verdict::Address),
            Subject::Network(_) => of_networks.next().map(Verdict::Network),
        })
        .collect();
    Ok(site)
}
