//! The rows that most files are made of, read at one go: an IPv4 address or network, and `Allow` or
//! `Deny`.
//!
//! # Advice for hackers
//!
//! This is a shortcut and decides nothing: it takes a row only where the long way through
//! `parse.rs` would accept it and find the same, and leaves every other line to that: IPv6, ranges,
//! masks, blanks around a cell, doubled quotes, comments, whatever is rejected. A million rows take
//! a tenth of the time by it. `tests/it/shortcuts.rs` holds the two ways against each other.
//!
//! The address is read without a branch that depends on its digits, for random octets are one, two
//! or three digits long and a processor that guesses wrong twice a row loses more time than the
//! rest of the row takes.

use crate::header::Columns;
use crate::ip_set::Span;
use crate::lines::Taken;
use crate::parse::{Action, COLUMNS_MAX, Rows};

/// Hands over the plain rows at the start of a text, up to the first line that is not one.
pub(crate) fn take_plain_rows(text: &[u8], columns: Columns, rows: &mut impl Rows) -> Taken {
    let mut taken = Taken::default();
    while let Some(row) = text
        .get(taken.bytes..)
        .and_then(|rest| PlainRow::at_start_of(rest, columns))
    {
        rows.accept_plain(row.action, row.addresses);
        taken.lines += 1;
        taken.bytes += row.bytes;
    }
    taken
}

/// One row, and the bytes it took, its terminator included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlainRow {
    action: Action,
    addresses: Span<u32>,
    bytes: usize,
}

impl PlainRow {
    /// The row at the start of `text`; `None` where it is not a plain one, or where `text` may end
    /// before the row does.
    #[inline]
    fn at_start_of(text: &[u8], columns: Columns) -> Option<Self> {
        let mut cursor = Cursor { text, at: 0 };
        let mut addresses = None;
        let mut action = None;
        let last = columns.address.max(columns.rule);
        for index in 0..=last {
            let is_quoted = cursor.take(b'"');
            if index == columns.address {
                addresses = Some(cursor.addresses()?);
            } else if index == columns.rule {
                action = Some(cursor.action()?);
            } else {
                cursor.skip_cell(columns.delimiter)?;
            }
            if is_quoted && !cursor.take(b'"') {
                return None;
            }
            if index < last && !cursor.take(columns.delimiter) {
                return None;
            }
        }
        if cursor.take(columns.delimiter) {
            cursor.skip_to_terminator(columns.delimiter)?;
        }
        cursor.terminator()?;
        // Whether a longer line has too many cells is for the long way to tell.
        (cursor.at < COLUMNS_MAX).then_some(Self {
            action: action?,
            addresses: addresses?,
            bytes: cursor.at,
        })
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Steps over a byte, if it is there.
    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// Steps over an address or a network.
    fn addresses(&mut self) -> Option<Span<u32>> {
        let (first, bytes) = ipv4(self.rest().first_chunk()?)?;
        self.at += bytes;
        if !self.take(b'/') {
            return Some(Span { first, last: first });
        }
        let mut length = self.digit()?;
        if let Some(digit) = self.digit() {
            length = length * 10 + digit;
        }
        let host_mask = u32::MAX.checked_shr(length).unwrap_or(0);
        let last = first | host_mask;
        (length <= 32 && first & host_mask == 0).then_some(Span { first, last })
    }

    fn digit(&mut self) -> Option<u32> {
        let digit = char::from(self.peek()?).to_digit(10)?;
        self.at += 1;
        Some(digit)
    }

    /// Steps over `Allow` or `Deny`, in any case.
    fn action(&mut self) -> Option<Action> {
        /// Makes upper-case letters lower-case, and no other byte a letter.
        const LOWER_CASE: u64 = 0x2020_2020_2020_2020;
        const ALLOW: u64 = u64::from_le_bytes(*b"allow\0\0\0");
        const DENY: u64 = u64::from_le_bytes(*b"deny\0\0\0\0");
        let word = u64::from_le_bytes(*self.rest().first_chunk()?) | LOWER_CASE;
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

    /// Steps over a cell that means nothing, up to its delimiter or closing quote.
    fn skip_cell(&mut self, delimiter: u8) -> Option<()> {
        let end = self
            .rest()
            .iter()
            .position(|byte| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r' | b'#'))?;
        self.at += end;
        // A `#` may start a comment, and nothing else that stops here but a quote goes on.
        let stop = self.peek()?;
        (stop == delimiter || stop == b'"').then_some(())
    }

    /// Steps over the cells behind those that have a meaning.
    #[inline]
    fn skip_to_terminator(&mut self, delimiter: u8) -> Option<()> {
        match self.peek()? {
            b'\n' | b'\r' => Some(()),
            _ => self.skip_cells(delimiter),
        }
    }

    fn skip_cells(&mut self, delimiter: u8) -> Option<()> {
        loop {
            self.at += memchr::memchr3(b'\n', b'\r', b'"', self.rest())?;
            if self.peek()? != b'"' {
                return Some(());
            }
            let is_opening = self.text.get(self.at.wrapping_sub(1)) == Some(&delimiter);
            if !is_opening {
                return None;
            }
            self.at += 1;
            self.at += memchr::memchr3(b'\n', b'\r', b'"', self.rest())?;
            let closes = self.take(b'"');
            let next = self.peek()?;
            if !closes || !(next == delimiter || matches!(next, b'\n' | b'\r')) {
                return None;
            }
        }
    }

    /// Steps over the end of the line. A CR that stands alone, or last in the text, is left to the
    /// long way.
    fn terminator(&mut self) -> Option<()> {
        self.take(b'\r');
        self.take(b'\n').then_some(())
    }
}

/// How much text [`ipv4`] wants to see: the longest address, what ends it, and enough behind that
/// to read four bytes from anywhere in it.
const WINDOW_BYTES: usize = 20;

/// The address at the start of a text, and how many bytes it took. Accepts what
/// [`std::net::Ipv4Addr`] does: four octets of 1 to 3 digits, none above 255, none with a zero
/// before its digits.
#[inline]
fn ipv4(text: &[u8; WINDOW_BYTES]) -> Option<(u32, usize)> {
    let (low, high) = (eight(text, 0), eight(text, 8));
    let mut others = others(low) | others(high) << 8;
    let dots = dots(low) | dots(high) << 8;
    let mut address = 0;
    let mut is_right = true;
    let mut start = 0;
    let mut end = 0;
    for index in 0..4 {
        if index > 0 {
            is_right &= dots >> end & 1 == 1;
            start = end + 1;
        }
        end = others.trailing_zeros() & 15;
        others &= others.wrapping_sub(1);
        let length = end.wrapping_sub(start) & 15;
        // Hundreds, tens and ones, a byte each.
        let digits = four(text, start & 15) ^ u32::from_be_bytes([b'0'; 4]);
        let digits = digits.wrapping_shr(32u32.wrapping_sub(8 * length));
        let (least, most) = OCTETS.get(length as usize).copied().unwrap_or(NONE);
        is_right &= least <= digits && digits <= most;
        let octet = (digits >> 16) * 100 + (digits >> 8 & 0xff) * 10 + (digits & 0xff);
        address = address << 8 | octet & 0xff;
    }
    is_right.then_some((address, end as usize))
}

/// The least and the most that so many digits may be, a byte each: less has a zero before its
/// digits, more is above 255.
const OCTETS: [(u32, u32); 16] = {
    let mut octets = [NONE; 16];
    octets[1] = (0x00_00_00, 0x00_00_09);
    octets[2] = (0x00_01_00, 0x00_09_09);
    octets[3] = (0x01_00_00, 0x02_05_05);
    octets
};
const NONE: (u32, u32) = (u32::MAX, 0);

const EVERY_BYTE: u64 = u64::MAX / 0xff;
const TOP_BITS: u64 = EVERY_BYTE * 0x80;

/// A bit for each byte that is not a digit, the first byte's the lowest.
#[inline]
fn others(word: u64) -> u32 {
    // In each byte: the digit's value where it is a digit, more than 9 elsewhere.
    let values = word ^ (EVERY_BYTE * 0x30);
    // More than 9 carries into the top bit, and none into the next byte.
    gather((((values & !TOP_BITS) + EVERY_BYTE * (0x80 - 10)) | values) & TOP_BITS)
}

/// A bit for each byte that is a dot.
#[inline]
fn dots(word: u64) -> u32 {
    let no_dots = word ^ (EVERY_BYTE * 0x2e);
    gather(!((((no_dots & !TOP_BITS) + !TOP_BITS) | no_dots) | !TOP_BITS))
}

/// The top bits of eight bytes as the lowest eight bits.
#[inline]
fn gather(top_bits: u64) -> u32 {
    // Each factor's bit moves one byte's bit to its place in the highest byte.
    let gathered = (top_bits >> 7).wrapping_mul(0x0102_0408_1020_4080);
    u32::from(gathered.to_be_bytes()[0])
}

/// Eight bytes, the first one lowest.
#[inline]
fn eight(text: &[u8; WINDOW_BYTES], at: usize) -> u64 {
    let bytes = text.get(at..).and_then(<[u8]>::first_chunk);
    u64::from_le_bytes(bytes.copied().unwrap_or_default())
}

/// Four bytes, the first one highest.
#[inline]
fn four(text: &[u8; WINDOW_BYTES], at: u32) -> u32 {
    let bytes = text.get(at as usize..).and_then(<[u8]>::first_chunk);
    u32::from_be_bytes(bytes.copied().unwrap_or_default())
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
    const MORE: &str = "1.1.1.1,Deny,\n1.1.1.1,Deny,\n";

    fn read(columns: Columns, row: &str) -> Option<(Action, String, usize)> {
        let text = format!("{row}{MORE}");
        let row = PlainRow::at_start_of(text.as_bytes(), columns)?;
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

    #[test]
    fn reads_addresses_as_the_standard_library_does() {
        let octets = [
            "0", "1", "9", "10", "99", "100", "199", "200", "255", "256", "999", "01", "", "1000",
            "-1", "+1",
        ];
        let mut accepted = 0;
        for index in 0..16usize.pow(4) {
            let [a, b, c, d] = [0, 4, 8, 12].map(|bits| octets[index >> bits & 15]);
            let text = format!("{a}.{b}.{c}.{d}");
            let padded = format!("{text},{MORE}");
            let expected = text.parse::<Ipv4Addr>().ok();
            let read = ipv4(padded.as_bytes().first_chunk().unwrap());
            assert_eq!(
                read,
                expected.map(|address| (address.to_bits(), text.len())),
                "for {text:?}"
            );
            accepted += usize::from(read.is_some());
        }
        assert_eq!(accepted, 9 * 9 * 9 * 9);
    }
}
