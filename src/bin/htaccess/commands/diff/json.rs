//! Differences as JSON.

use htaccess_generator::ip::IpSet;
use htaccess_generator::review::Diff;
use serde::Serialize;

use crate::commands::diff::compared::{Compared, Side};
use crate::commands::networks::for_each_network;
use crate::messages::CheckedJson;

/// The difference between two files. `changed`, `gained` and `lost` are `null` if a file is refused or the
/// new file does not exist.
#[derive(Serialize)]
pub(super) struct DiffJson<'a> {
    changed: Option<bool>,
    gained: Option<SetJson>,
    lost: Option<SetJson>,
    /// The reason why the change would be held. `null` if it would not be held or `--hold-above` is not
    /// given.
    held: Option<String>,
    old: Option<CheckedJson<'a>>,
    new: Option<CheckedJson<'a>>,
}

/// The difference between two files with the same path in two folders.
#[derive(Serialize)]
pub(super) struct FileJson<'a> {
    /// The path relative to both folders.
    file: &'a str,
    /// `changed`, `unchanged`, `added`, `removed` or `refused`.
    result: &'static str,
    #[serde(flatten)]
    diff: DiffJson<'a>,
}

impl<'a> DiffJson<'a> {
    pub(super) fn of(compared: &'a Compared<'_>) -> Self {
        let changed = compared.diff.as_ref();
        let answer = |side: &'a Option<Side<'_>>| {
            let side = side.as_ref()?;
            Some(CheckedJson::without_output(&side.answer))
        };
        Self {
            changed: changed.map(|changed: &Diff| !changed.is_empty()),
            gained: changed.map(|changed| SetJson::of(&changed.gained)),
            lost: changed.map(|changed| SetJson::of(&changed.lost)),
            held: compared.held.map(|hold| hold.to_string()),
            old: answer(&compared.old),
            new: answer(&compared.new),
        }
    }
}

impl<'a> FileJson<'a> {
    pub(super) fn of(compared: &'a Compared<'_>) -> Self {
        Self {
            file: compared.name,
            result: compared.result().name(),
            diff: DiffJson::of(compared),
        }
    }
}

#[derive(Serialize)]
struct SetJson {
    ipv4_addresses: u128,
    /// The number as a string of digits, because most programs read JSON numbers as floating point.
    ipv6_addresses: String,
    networks: Vec<String>,
}

impl SetJson {
    fn of(set: &IpSet) -> Self {
        let mut networks = Vec::new();
        for_each_network(set, |network| networks.push(network.to_owned()));
        Self {
            ipv4_addresses: set.ipv4.address_count(),
            ipv6_addresses: match set.ipv6.address_count() {
                // `u128::MAX` means all of IPv6: 2^128 addresses, one more than a `u128` can represent.
                u128::MAX => "340282366920938463463374607431768211456".to_owned(),
                count => count.to_string(),
            },
            networks,
        }
    }
}
