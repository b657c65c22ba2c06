//! Reads the most common rows in one pass: an IPv4 address or network, and `Allow` or `Deny`.
//!
//! `parser.rs` passes each piece of text to [`take_rows`], which takes the plain rows at its start, or, if
//! there are date columns, to [`take_dated_rows`] (`dated.rs`). `ipv4.rs` reads the address, and `simd.rs`
//! searches sixteen bytes at once.
//!
//! # Implementation notes
//!
//! The fast path makes no decisions of its own. It takes a row only if `parser.rs` would accept the row with
//! the same result. All other lines are left to `parser.rs`: IPv6, ranges, masks, blanks around a cell,
//! doubled quotes, comments, and everything that is rejected. With the fast path, a million rows take a tenth
//! of the time. `tests/it/library/fast_path.rs` compares the results with and without it.

mod dated;
mod ipv4;
mod simd;

pub(crate) use self::dated::take_dated_rows;

use crate::csv::columns::Columns;
use crate::csv::fast_path::ipv4::ipv4;
use crate::csv::fast_path::simd::{ByteLanes, LANES};
use crate::csv::limits::MAX_COLUMNS;
use crate::csv::lines::Taken;
use crate::csv::row::RowSink;
use crate::ip::AddrRange;
use crate::rule::Action;

/// Takes the plain rows at the start of a text, up to the first line that is not a plain row.
pub(crate) fn take_rows(
    first_line: u64,
    text: &[u8],
    columns: Columns,
    rows: &mut impl RowSink,
) -> Taken {
    let has_usual_order = (columns.address, columns.rule) == (0, Some(1));
    let mut taken = Taken::default();
    while let Some(rest) = text.get(taken.bytes..) {
        // In the usual order, a plain row starts with a digit, perhaps in quotes.
        if has_usual_order && !matches!(rest.first(), Some(b'0'..=b'9' | b'"')) {
            break;
        }
        let usual = has_usual_order
            .then(|| PlainRow::usual_at_start_of(rest, columns.delimiter))
            .flatten();
        let Some(row) = usual.or_else(|| PlainRow::at_start_of(rest, columns)) else {
            break;
        };
        rows.accept_ipv4(first_line + taken.lines, row.action, row.addresses);
        taken.lines += 1;
        taken.bytes += row.bytes;
    }
    taken
}

/// A plain row, and its length in bytes including its terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlainRow {
    action: Action,
    addresses: AddrRange<u32>,
    bytes: usize,
}

impl PlainRow {
    /// Reads the row at the start of `text` if it has the usual form: the address, then the rule, no quotes,
    /// at most [`USUAL_BYTES`] bytes. The end of the row is searched first and separately, so that the
    /// processor can start on the next row before this row is complete.
    #[expect(
        clippy::inline_always,
        reason = "a call would return the end of the row in memory, and the next row waits for it"
    )]
    #[inline(always)]
    fn usual_at_start_of(text: &[u8], delimiter: u8) -> Option<Self> {
        let window: &[u8; USUAL_BYTES] = text.first_chunk()?;
        let end = first_stop(window)?;
        let bytes = match window.get(end..)? {
            [b'\n', ..] => end + 1,
            [b'\r', b'\n', ..] => end + 2,
            _ => return None,
        };
        let mut cell = FieldCursor {
            window: window.first_chunk()?,
            is_quoted: false,
            at: 0,
        };
        let addresses = cell.addresses()?;
        if !cell.take(delimiter) {
            return None;
        }
        let action = cell.action()?;
        (cell.at == end || cell.peek() == delimiter).then_some(Self {
            action,
            addresses,
            bytes,
        })
    }

    /// Reads the row at the start of `text`. `None` if it is not a plain row, or if `text` may end
    /// before the row does.
    fn at_start_of(text: &[u8], columns: Columns) -> Option<Self> {
        let rule = columns.rule?;
        let mut cursor = Cursor { text, at: 0 };
        let mut addresses = None;
        let mut action = None;
        let mut goes_on = true;
        for index in 0..=columns.address.max(rule) {
            if !goes_on {
                return None;
            }
            goes_on = if index == columns.address {
                let mut cell = cursor.start_cell()?;
                addresses = Some(cell.addresses()?);
                cursor.end_cell(cell, columns.delimiter)?
            } else if index == rule {
                let mut cell = cursor.start_cell()?;
                action = Some(cell.action()?);
                cursor.end_cell(cell, columns.delimiter)?
            } else {
                cursor.skip_cell(columns.delimiter)?
            };
        }
        if goes_on {
            cursor.skip_to_terminator(columns.delimiter)?;
        }
        cursor.terminator()?;
        // A longer line may have too many cells. `parser.rs` checks that.
        (cursor.at < MAX_COLUMNS).then_some(Self {
            action: action?,
            addresses: addresses?,
            bytes: cursor.at,
        })
    }
}

/// The length of the window in which a cell is read, in bytes. The longest network in quotes, with the
/// delimiter after it, has 21 bytes. Because the length is a power of two, the compiler can see that no index
/// is out of bounds.
const CELL_BYTES: usize = 32;

/// A cursor in a cell that is read: the address or the rule.
struct FieldCursor<'a> {
    window: &'a [u8; CELL_BYTES],
    is_quoted: bool,
    at: usize,
}

impl FieldCursor<'_> {
    fn peek(&self) -> u8 {
        let byte = self.window.get(self.at % CELL_BYTES);
        byte.copied().unwrap_or_default()
    }

    /// Steps over `byte` if it is the next byte. Returns whether it was.
    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == byte;
        self.at += usize::from(is_there);
        is_there
    }

    /// Returns the next `BYTES` bytes of the window. `None` if fewer bytes are left.
    fn rest<const BYTES: usize>(&self) -> Option<&[u8; BYTES]> {
        self.window.get(self.at % CELL_BYTES..)?.first_chunk()
    }

    /// Reads an address or a network.
    #[expect(
        clippy::inline_always,
        reason = "a call would keep the position in memory"
    )]
    #[inline(always)]
    fn addresses(&mut self) -> Option<AddrRange<u32>> {
        let (first, bytes) = ipv4(self.rest()?)?;
        self.at += bytes;
        if !self.take(b'/') {
            return Some(AddrRange { first, last: first });
        }
        let mut length = self.digit()?;
        if let Some(digit) = self.digit() {
            length = length * 10 + digit;
        }
        let host_mask = u32::MAX.checked_shr(length).unwrap_or(0);
        let last = first | host_mask;
        (length <= 32 && first & host_mask == 0).then_some(AddrRange { first, last })
    }

    fn digit(&mut self) -> Option<u32> {
        let digit = char::from(self.peek()).to_digit(10)?;
        self.at += 1;
        Some(digit)
    }

    /// Reads `Allow` or `Deny`, in any case.
    #[inline]
    fn action(&mut self) -> Option<Action> {
        /// Turns upper-case letters into lower-case letters, and no other byte into a letter.
        const LOWER_CASE: u64 = 0x2020_2020_2020_2020;
        const ALLOW: u64 = u64::from_le_bytes(*b"allow\0\0\0");
        const DENY: u64 = u64::from_le_bytes(*b"deny\0\0\0\0");
        // The first byte is the lowest one, so a shift to the left drops the bytes after the word.
        let word = u64::from_le_bytes(*self.rest()?) | LOWER_CASE;
        let (action, bytes) = if word << 24 == ALLOW << 24 {
            (Action::Allow, "allow".len())
        } else if word << 32 == DENY << 32 {
            (Action::Deny, "deny".len())
        } else {
            return None;
        };
        self.at += bytes;
        Some(action)
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps over `byte` if it is the next byte. Returns whether it was.
    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// Starts to read the next cell. Skips its opening quote if it has one.
    #[inline]
    fn start_cell(&self) -> Option<FieldCursor<'a>> {
        let window: &[u8; CELL_BYTES] = self.rest().first_chunk()?;
        let is_quoted = window.first() == Some(&b'"');
        Some(FieldCursor {
            window,
            is_quoted,
            at: usize::from(is_quoted),
        })
    }

    /// Ends a cell that was read: steps over its closing quote and the delimiter after it. Returns
    /// whether there was a delimiter.
    #[inline]
    fn end_cell(&mut self, mut cell: FieldCursor<'_>, delimiter: u8) -> Option<bool> {
        if cell.is_quoted && !cell.take(b'"') {
            return None;
        }
        let goes_on = cell.take(delimiter);
        self.at += cell.at;
        Some(goes_on)
    }

    /// Steps over a cell that is not read, with the quotes around it and the delimiter after it.
    /// Returns whether there was a delimiter.
    fn skip_cell(&mut self, delimiter: u8) -> Option<bool> {
        let is_quoted = self.take(b'"');
        // The search stops at a `#`, which may start a comment. No delimiter is there, so the row is not
        // taken.
        self.at += self
            .rest()
            .iter()
            .position(|byte| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r' | b'#'))?;
        if is_quoted && !self.take(b'"') {
            return None;
        }
        Some(self.take(delimiter))
    }

    /// Steps over the remaining cells of the row, which are not read.
    #[inline]
    fn skip_to_terminator(&mut self, delimiter: u8) -> Option<()> {
        loop {
            self.skip_to_stop()?;
            if self.peek()? != b'"' {
                return Some(());
            }
            let is_opening = self.text.get(self.at.wrapping_sub(1)) == Some(&delimiter);
            if !is_opening {
                return None;
            }
            self.at += 1;
            self.skip_to_stop()?;
            let closes = self.take(b'"');
            let next = self.peek()?;
            if !closes || !(next == delimiter || matches!(next, b'\n' | b'\r')) {
                return None;
            }
        }
    }

    /// Steps to the next quote or line ending.
    fn skip_to_stop(&mut self) -> Option<()> {
        self.at += memchr::memchr3(b'\n', b'\r', b'"', self.rest())?;
        Some(())
    }

    /// Steps over the end of the line. A CR without LF, or at the end of the text, is left to
    /// `parser.rs`.
    fn terminator(&mut self) -> Option<()> {
        self.take(b'\r');
        self.take(b'\n').then_some(())
    }
}

/// The maximum length of a usual row, in bytes, with its terminator.
const USUAL_BYTES: usize = 64;

/// Returns the position of the first quote or line ending.
#[inline]
fn first_stop(text: &[u8; USUAL_BYTES]) -> Option<usize> {
    let stops = places(text, |block| {
        block.equal_to(b'\n') | block.equal_to(b'\r') | block.equal_to(b'"')
    });
    (stops != 0).then_some(stops.trailing_zeros() as usize)
}

/// Applies `of` to each block of a text. Returns one bit for each byte, the lowest bit for the first byte.
#[inline]
fn places(text: &[u8; USUAL_BYTES], of: impl Fn(ByteLanes) -> u32) -> u64 {
    let (blocks, _) = text.as_chunks();
    blocks.iter().rev().fold(0, |places: u64, bytes| {
        places << LANES | u64::from(of(ByteLanes::new(bytes)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const COLUMNS: Columns = Columns {
        delimiter: b',',
        address: 0,
        rule: Some(1),
        comment: Some(2),
        starts: None,
        expires: None,
    };
    /// Text after the row, because a row at the very end of a piece is left to `parser.rs`.
    const MORE: &str = concat!(
        "1.1.1.1,Deny,\n1.1.1.1,Deny,\n1.1.1.1,Deny,\n",
        "1.1.1.1,Deny,\n1.1.1.1,Deny,\n"
    );

    fn read(columns: Columns, row: &str) -> Option<(Action, String, usize)> {
        let text = format!("{row}{MORE}");
        let plain = PlainRow::at_start_of(text.as_bytes(), columns);
        if (columns.address, columns.rule) == (0, Some(1))
            && let Some(usual) = PlainRow::usual_at_start_of(text.as_bytes(), columns.delimiter)
        {
            assert_eq!(Some(usual), plain, "for {row:?}");
        }
        let row = plain?;
        let [first, last] = [row.addresses.first, row.addresses.last].map(Ipv4Addr::from_bits);
        Some((row.action, format!("{first}-{last}"), row.bytes))
    }

    #[track_caller]
    fn check(row: &str, action: Action, addresses: &str) {
        assert_eq!(
            read(COLUMNS, row),
            Some((action, addresses.to_owned(), row.len())),
            "for {row:?}"
        );
        let usual = PlainRow::usual_at_start_of(format!("{row}{MORE}").as_bytes(), b',');
        let is_usual = !row.contains('"') && row.len() < USUAL_BYTES;
        assert_eq!(usual.is_some(), is_usual, "for {row:?}");
    }

    #[test]
    fn takes_the_usual_rows() {
        check("0.0.0.0,Allow,\n", Action::Allow, "0.0.0.0-0.0.0.0");
        check(
            "255.255.255.255,deny\r\n",
            Action::Deny,
            "255.255.255.255-255.255.255.255",
        );
        check(
            "10.0.0.0/8,ALLOW,x,y\n",
            Action::Allow,
            "10.0.0.0-10.255.255.255",
        );
        check("0.0.0.0/0,Deny\n", Action::Deny, "0.0.0.0-255.255.255.255");
        check(
            "1.2.3.4,Allow,a comment that is so long that the row does not fit sixty-four bytes\n",
            Action::Allow,
            "1.2.3.4-1.2.3.4",
        );
        check("1.2.3.4/32,Deny\n", Action::Deny, "1.2.3.4-1.2.3.4");
        check(
            "\"10.20.0.0/16\",\"Deny\",\"a, b\",\"\"\n",
            Action::Deny,
            "10.20.0.0-10.20.255.255",
        );
    }

    #[test]
    fn finds_the_columns_in_any_order() {
        let columns = Columns {
            delimiter: b';',
            address: 3,
            rule: Some(1),
            comment: None,
            starts: None,
            expires: None,
        };
        let row = "7;Allow;\"x\";10.1.2.3;z\n";
        let expected = (Action::Allow, "10.1.2.3-10.1.2.3".to_owned(), row.len());
        assert_eq!(read(columns, row), Some(expected));
        assert_eq!(read(columns, "#7;Allow;x;10.1.2.3;z\n"), None);
    }

    #[test]
    fn leaves_other_rows_to_the_parser() {
        for row in [
            "256.0.0.1,Deny\n",
            "1.2.3,Deny\n",
            "1.2.3.4.5,Deny\n",
            "1..3.4,Deny\n",
            "1.2.3.04,Deny\n",
            "00.2.3.4,Deny\n",
            "1.2.3.4444,Deny\n",
            "1.2.3.4444444444,Deny\n",
            "12345678901234567890,Deny\n",
            "................,Deny\n",
            "abcdefghijklmnop,Deny\n",
            "1.2.3:4,Deny\n",
            "10.0.0.1/8,Deny\n",
            "10.0.0.0/33,Deny\n",
            "10.0.0.0/,Deny\n",
            "10.0.0.0/255.0.0.0,Deny\n",
            "1.2.3.4 ,Deny\n",
            " 1.2.3.4,Deny\n",
            "1.2.3.4-1.2.3.9,Deny\n",
            "1.2.3.4,Denyed\n",
            "1.2.3.4,Block\n",
            "1.2.3.4,Deny\r1.1.1.1,Deny\n",
            "1.2.3.4,Deny,\"two\n lines\"\n",
            "1.2.3.4,Deny,\"\"\"quoted\"\"\"\n",
            "1.2.3.4,Deny,a \"big\" office\n",
            "\"1.2.3.4,Deny\n",
            "2001:db8::1,Deny\n",
            "#1.2.3.4,Deny\n",
            "\n",
        ] {
            assert_eq!(read(COLUMNS, row), None, "for {row:?}");
        }
        let row = "1.2.3.4,Deny,\n";
        for end in 0..row.len() {
            assert_eq!(PlainRow::at_start_of(&row.as_bytes()[..end], COLUMNS), None);
        }
    }
}
