//! Writes and reads the compiled form as bytes, for an object in a bucket.
//!
//! ```text
//! object = kind SP version LF body CRC-32             the CRC-32 is of everything before it, little-endian
//! kind   = "htaccess-list" / "htaccess-common"       version = "1"
//! body   = list / common
//! list   = name source rule periods members members  IPv4 members, then IPv6 members
//! rule   = 0 / 1 / 2                                 none, Allow, Deny (common: 1, 2, 3 for Always)
//! periods = number of periods, then each distinct period in ascending order
//! members = number of members, then for each: lines since the previous one, range, number of its period or 0
//! common = source, number of rows, then for each: lines since the previous one, rule, addresses, period,
//!          address cell, comment
//! addresses = "4" range / "6" range / "*" / "@" name
//! ```
//!
//! `bytes.rs` describes numbers, texts, ranges and periods. A typical member takes 7 bytes. Any change of the
//! format needs a new version. An object of another version is compiled again from its CSV.
//!
//! The crate postcard was considered, but its numbers have several forms. The order of lines, the periods and
//! the names would still have to be checked after reading.

use std::sync::Arc;

use flate2::Crc;

use crate::ip::AddressSpec;
use crate::list::bytes::{AddrBytes, Reader, put_number, put_period, put_range, put_text};
use crate::list::common::{CommonAddresses, CommonRow, CommonRules};
use crate::list::compiled::{CompiledList, Entry, ListId};
use crate::list::error::FormatError;
use crate::list::name::ListName;
use crate::rule::Action;
use crate::time::Period;

const LIST: &str = "htaccess-list";
const COMMON: &str = "htaccess-common";
const VERSION: &str = "1";
/// The length of the checksum, in bytes.
const CHECKSUM_BYTES: usize = 4;
/// The minimum length of a list member, in bytes.
const MIN_MEMBER_BYTES: usize = 7;

impl CompiledList {
    /// Returns the list as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = start(LIST);
        put_text(&mut out, self.id.name.as_str());
        put_text(&mut out, &self.id.source);
        out.push(self.action.map_or(0, action_byte));
        put_number(&mut out, self.periods.len() as u128);
        for period in &self.periods {
            put_period(&mut out, *period);
        }
        put_entries(&mut out, &self.ipv4);
        put_entries(&mut out, &self.ipv6);
        with_checksum(out)
    }

    /// Reads a list from its bytes.
    ///
    /// # Errors
    ///
    /// A [`FormatError`] for anything that [`CompiledList::to_bytes`] does not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut body = body(LIST, bytes)?;
        let name = ListName::new(body.text()?).ok_or(FormatError::Malformed)?;
        let source = body.text()?.to_owned();
        let action = match body.byte()? {
            0 => None,
            byte => match action_of(byte)? {
                Action::Always => return Err(FormatError::Malformed),
                action => Some(action),
            },
        };
        let periods = take_periods(&mut body)?;
        let list = Self {
            id: Arc::new(ListId { name, source }),
            action,
            ipv4: take_entries(&mut body, periods.len())?,
            ipv6: take_entries(&mut body, periods.len())?,
            periods,
        };
        end(&body).map(|()| list)
    }
}

impl CommonRules {
    /// Returns the rows as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = start(COMMON);
        put_text(&mut out, &self.source);
        put_number(&mut out, self.rows.len() as u128);
        let mut before = 0;
        for row in &self.rows {
            put_number(&mut out, (row.line - before).into());
            before = row.line;
            out.push(action_byte(row.action));
            match &row.addresses {
                CommonAddresses::Spec(AddressSpec::Ipv4(range)) => {
                    out.push(b'4');
                    put_range(&mut out, *range);
                }
                CommonAddresses::Spec(AddressSpec::Ipv6(range)) => {
                    out.push(b'6');
                    put_range(&mut out, *range);
                }
                CommonAddresses::Spec(AddressSpec::All) => out.push(b'*'),
                CommonAddresses::List(name) => {
                    out.push(b'@');
                    put_text(&mut out, name.as_str());
                }
            }
            put_period(&mut out, row.period);
            put_text(&mut out, &row.address);
            put_text(&mut out, &row.comment);
        }
        with_checksum(out)
    }

    /// Reads the rows from their bytes.
    ///
    /// # Errors
    ///
    /// A [`FormatError`] for anything that [`CommonRules::to_bytes`] does not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut body = body(COMMON, bytes)?;
        let source = body.text()?.into();
        let count: usize = body.small()?;
        let mut rows = Vec::with_capacity(count.min(body.0.len() / MIN_MEMBER_BYTES));
        let mut line = 0;
        for _ in 0..count {
            line = next_line(&mut body, line)?;
            rows.push(CommonRow {
                line,
                action: action_of(body.byte()?)?,
                addresses: take_addresses(&mut body)?,
                period: body.period()?,
                address: body.text()?.to_owned(),
                comment: body.text()?.to_owned(),
            });
        }
        end(&body).map(|()| Self { source, rows })
    }
}

fn start(kind: &str) -> Vec<u8> {
    format!("{kind} {VERSION}\n").into_bytes()
}

fn with_checksum(mut out: Vec<u8>) -> Vec<u8> {
    let checksum = crc32(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Checks the kind, the version and the checksum of an object, and returns its body.
fn body<'a>(kind: &str, bytes: &'a [u8]) -> Result<Reader<'a>, FormatError> {
    let rest = bytes
        .strip_prefix(kind.as_bytes())
        .and_then(|rest| rest.strip_prefix(b" "))
        .ok_or(FormatError::OtherKind)?;
    let rest = rest
        .strip_prefix(VERSION.as_bytes())
        .and_then(|rest| rest.strip_prefix(b"\n"))
        .ok_or(FormatError::OtherVersion)?;
    let (body, checksum) = rest
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(FormatError::Damaged)?;
    let (before, _) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(FormatError::Damaged)?;
    if crc32(before) != u32::from_le_bytes(*checksum) {
        return Err(FormatError::Damaged);
    }
    Ok(Reader(body))
}

fn end(body: &Reader<'_>) -> Result<(), FormatError> {
    if body.0.is_empty() {
        Ok(())
    } else {
        Err(FormatError::Malformed)
    }
}

fn action_byte(action: Action) -> u8 {
    match action {
        Action::Allow => 1,
        Action::Deny => 2,
        Action::Always => 3,
    }
}

fn action_of(byte: u8) -> Result<Action, FormatError> {
    match byte {
        1 => Ok(Action::Allow),
        2 => Ok(Action::Deny),
        3 => Ok(Action::Always),
        _ => Err(FormatError::Malformed),
    }
}

fn put_entries<T: AddrBytes>(out: &mut Vec<u8>, entries: &[Entry<T>]) {
    put_number(out, entries.len() as u128);
    let mut before = 0;
    for entry in entries {
        put_number(out, (entry.line - before).into());
        before = entry.line;
        put_range(out, entry.range);
        put_number(out, entry.period.into());
    }
}

fn take_periods(body: &mut Reader<'_>) -> Result<Vec<Period>, FormatError> {
    let count: usize = body.small()?;
    let mut periods = Vec::new();
    for _ in 0..count {
        let period = body.period()?;
        // A member without a period has the number 0, so a period without bounds is never written.
        if period.is_always() || periods.last().is_some_and(|last| *last >= period) {
            return Err(FormatError::Malformed);
        }
        periods.push(period);
    }
    Ok(periods)
}

fn take_entries<T: AddrBytes>(
    body: &mut Reader<'_>,
    periods: usize,
) -> Result<Vec<Entry<T>>, FormatError> {
    let count: usize = body.small()?;
    let mut entries = Vec::with_capacity(count.min(body.0.len() / MIN_MEMBER_BYTES));
    let mut line = 0;
    for _ in 0..count {
        line = next_line(body, line)?;
        let entry = Entry {
            range: body.range()?,
            line: u32::try_from(line).map_err(|_| FormatError::Malformed)?,
            period: body.small()?,
        };
        if usize::try_from(entry.period).map_or(true, |period| period > periods) {
            return Err(FormatError::Malformed);
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Reads the number of lines since the previous row, which must be at least 1. Returns the line of the row.
fn next_line(body: &mut Reader<'_>, before: u64) -> Result<u64, FormatError> {
    let lines: u64 = body.small()?;
    let line = before.checked_add(lines).filter(|_| lines > 0);
    line.ok_or(FormatError::Malformed)
}

fn take_addresses(body: &mut Reader<'_>) -> Result<CommonAddresses, FormatError> {
    Ok(match body.byte()? {
        b'4' => CommonAddresses::Spec(AddressSpec::Ipv4(body.range()?)),
        b'6' => CommonAddresses::Spec(AddressSpec::Ipv6(body.range()?)),
        b'*' => CommonAddresses::Spec(AddressSpec::All),
        b'@' => CommonAddresses::List(ListName::new(body.text()?).ok_or(FormatError::Malformed)?),
        _ => return Err(FormatError::Malformed),
    })
}

#[cfg(test)]
mod tests;
