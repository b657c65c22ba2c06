//! The rows that most files are made of, read at one go: an IPv4 address or network, and `Allow` or
//! `Deny`.
//!
//! # Implementation notes
//!
//! This is a shortcut and decides nothing: it takes a row only where the long way through
//! `parse.rs` would accept it and find the same, and leaves every other line to that: IPv6, ranges,
//! masks, blanks around a cell, doubled quotes, comments, whatever is rejected. A million rows take
//! a tenth of the time by it. `tests/it/library/fast_path.rs` holds the two ways against each other.

mod ipv4;
mod simd;

use crate::csv::columns::Columns;
use crate::csv::fast_path::ipv4::ipv4;
use crate::csv::fast_path::simd::{ByteLanes, LANES};
use crate::csv::limits::MAX_COLUMNS;
use crate::csv::lines::Taken;
use crate::csv::row::RowSink;
use crate::ip::AddrRange;
use crate::rule::Action;

/// Hands over the plain rows at the start of a text, up to the first line that is not one.
pub(crate) fn take_rows(
    first_line: u64,
    text: &[u8],
    columns: Columns,
    rows: &mut impl RowSink,
) -> Taken {
    let has_usual_order = (columns.address, columns.rule) == (0, 1);
    let mut taken = Taken::default();
    while let Some(rest) = text.get(taken.bytes..) {
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

/// One row, and the bytes it took, its terminator included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlainRow {
    action: Action,
    addresses: AddrRange<u32>,
    bytes: usize,
}

impl PlainRow {
    /// The row at the start of `text`, if it is as most are: the address first, the rule behind it,
    /// no quotes, not long. Where it ends is found first and by itself, so that a processor can
    /// start on the next row before it is done with this one.
    #[expect(
        clippy::inline_always,
        reason = "where it ends would be in memory, which the next row waits for"
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

    /// The row at the start of `text`; `None` where it is not a plain one, or where `text` may end
    /// before the row does.
    fn at_start_of(text: &[u8], columns: Columns) -> Option<Self> {
        let mut cursor = Cursor { text, at: 0 };
        let mut addresses = None;
        let mut action = None;
        let mut goes_on = true;
        for index in 0..=columns.address.max(columns.rule) {
            if !goes_on {
                return None;
            }
            goes_on = if index == columns.address {
                let mut cell = cursor.start_cell()?;
                addresses = Some(cell.addresses()?);
                cursor.end_cell(cell, columns.delimiter)?
            } else if index == columns.rule {
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
        // Whether a longer line has too many cells is for the long way to tell.
        (cursor.at < MAX_COLUMNS).then_some(Self {
            action: action?,
            addresses: addresses?,
            bytes: cursor.at,
        })
    }
}

/// How much text is looked at for a cell. The longest network in quotes, and the delimiter behind
/// it, are 21 bytes; a power of two lets the compiler see that no index is beyond.
const CELL_BYTES: usize = 32;

/// The start of a cell with a meaning.
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

    /// Steps over a byte, if it is there.
    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == byte;
        self.at += usize::from(is_there);
        is_there
    }

    /// What is left of the window.
    fn rest<const BYTES: usize>(&self) -> Option<&[u8; BYTES]> {
        self.window.get(self.at % CELL_BYTES..)?.first_chunk()
    }

    /// Steps over an address or a network.
    #[expect(
        clippy::inline_always,
        reason = "a call would keep the place in memory"
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

    /// Steps over `Allow` or `Deny`, in any case.
    #[inline]
    fn action(&mut self) -> Option<Action> {
        /// Makes upper-case letters lower-case, and no other byte a letter.
        const LOWER_CASE: u64 = 0x2020_2020_2020_2020;
        const ALLOW: u64 = u64::from_le_bytes(*b"allow\0\0\0");
        const DENY: u64 = u64::from_le_bytes(*b"deny\0\0\0\0");
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

    /// Steps over a byte, if it is there.
    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// A cell that has a meaning, from behind its quote on.
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

    /// Steps over such a cell, with its closing quote and the delimiter behind it; tells whether
    /// that was there.
    #[inline]
    fn end_cell(&mut self, mut cell: FieldCursor<'_>, delimiter: u8) -> Option<bool> {
        if cell.is_quoted && !cell.take(b'"') {
            return None;
        }
        let goes_on = cell.take(delimiter);
        self.at += cell.at;
        Some(goes_on)
    }

    /// Steps over a cell that means nothing, with the quotes around it and the delimiter behind it.
    fn skip_cell(&mut self, delimiter: u8) -> Option<bool> {
        let is_quoted = self.take(b'"');
        // A `#` may start a comment, and nothing else that stops here but a quote goes on.
        self.at += self
            .rest()
            .iter()
            .position(|byte| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r' | b'#'))?;
        if is_quoted && !self.take(b'"') {
            return None;
        }
        Some(self.take(delimiter))
    }

    /// Steps over the cells behind those that have a meaning.
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

    /// Steps to the next end of a line or quote.
    fn skip_to_stop(&mut self) -> Option<()> {
        self.at += memchr::memchr3(b'\n', b'\r', b'"', self.rest())?;
        Some(())
    }

    /// Steps over the end of the line. A CR that stands alone, or last in the text, is left to the
    /// long way.
    fn terminator(&mut self) -> Option<()> {
        self.take(b'\r');
        self.take(b'\n').then_some(())
    }
}

/// How long a usual row may be, its terminator included.
const USUAL_BYTES: usize = 64;

/// Where the first end of a line or quote is.
#[inline]
fn first_stop(text: &[u8; USUAL_BYTES]) -> Option<usize> {
    let (blocks, _) = text.as_chunks();
    let stops = blocks.iter().rev().fold(0, |stops: u64, bytes| {
        let block = ByteLanes::new(bytes);
        let here = block.equal_to(b'\n') | block.equal_to(b'\r') | block.equal_to(b'"');
        stops << LANES | u64::from(here)
    });
    (stops != 0).then_some(stops.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const COLUMNS: Columns = Columns {
        delimiter: b',',
        address: 0,
        rule: 1,
        comment: Some(2),
    };
    /// More text, for a row at the very end of a piece is left to the long way.
    const MORE: &str = concat!(
        "1.1.1.1,Deny,\n1.1.1.1,Deny,\n1.1.1.1,Deny,\n",
        "1.1.1.1,Deny,\n1.1.1.1,Deny,\n"
    );

    fn read(columns: Columns, row: &str) -> Option<(Action, String, usize)> {
        let text = format!("{row}{MORE}");
        let plain = PlainRow::at_start_of(text.as_bytes(), columns);
        if (columns.address, columns.rule) == (0, 1)
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
    fn finds_the_columns_wherever_they_are() {
        let columns = Columns {
            delimiter: b';',
            address: 3,
            rule: 1,
            comment: None,
        };
        let row = "7;Allow;\"x\";10.1.2.3;z\n";
        let expected = (Action::Allow, "10.1.2.3-10.1.2.3".to_owned(), row.len());
        assert_eq!(read(columns, row), Some(expected));
        assert_eq!(read(columns, "#7;Allow;x;10.1.2.3;z\n"), None);
    }

    #[test]
    fn leaves_everything_else_to_the_long_way() {
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
