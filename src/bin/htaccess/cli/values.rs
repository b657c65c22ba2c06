//! The values of arguments.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroUsize;

use htaccess_generator::ip::{AddressSpec, parse_address};

/// The units of byte counts.
const BYTE_UNITS: [(&str, u64); 6] = [
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .map_err(|_| "expected a number of files, at least 1".to_owned())
}

/// Reads a number of days, hours or weeks as seconds.
pub(super) fn look_ahead(text: &str) -> Result<i64, String> {
    let units = [('d', 86_400), ('h', 3600), ('w', 7 * 86_400)];
    let seconds = units.into_iter().find_map(|(unit, seconds)| {
        let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(i64::from(number) * seconds)
    });
    seconds.ok_or_else(|| {
        "expected a number of days, hours or weeks, such as 14d, 12h or 2w".to_owned()
    })
}

/// What `explain` is asked about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// An address, as it is typed.
    Address(IpAddr),
    /// A network or a range.
    Network(AddressSpec),
}

impl Subject {
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Network(_) => None,
        }
    }

    pub(crate) fn network(&self) -> Option<AddressSpec> {
        match self {
            Self::Address(_) => None,
            Self::Network(network) => Some(*network),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Network(network) => network.fmt(f),
        }
    }
}

pub(super) fn subject(text: &str) -> Result<Subject, String> {
    if let Ok(address) = text.parse() {
        return Ok(Subject::Address(address));
    }
    match parse_address(text) {
        Ok(AddressSpec::All) => {
            Err("expected an address or a network, such as 192.0.2.7 or 192.0.2.0/24".to_owned())
        }
        Ok(network) => Ok(Subject::Network(network)),
        Err(err) => Err(err.to_string()),
    }
}

/// Reads a number of bytes, also with a unit, such as `10MB` or `10 MiB`. The letters may be in any case.
pub(super) fn byte_count(text: &str) -> Option<u64> {
    if let Ok(bytes) = text.parse() {
        return Some(bytes);
    }
    BYTE_UNITS.into_iter().find_map(|(unit, bytes)| {
        let (number, end) = text.split_at_checked(text.len().checked_sub(unit.len())?)?;
        let number: u64 = number.trim_end().parse().ok()?;
        end.eq_ignore_ascii_case(unit)
            .then(|| number.saturating_mul(bytes))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_counts_have_decimal_and_binary_units() {
        let check = |text, bytes| assert_eq!(byte_count(text), bytes, "{text}");
        check("10MB", Some(10_000_000));
        check("10 MiB", Some(10_485_760));
        check("1kb", Some(1000));
        check("2GIB", Some(2_147_483_648));
        check("99999999999GB", Some(u64::MAX));
        check("1G", None);
        check("10", Some(10));
        check("MB", None);
        check("1.5MB", None);
        check("-1MB", None);
        check("é", None);
    }
}
