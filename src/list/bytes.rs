//! The parts of the compiled form: numbers, texts, addresses and periods as bytes.
//!
//! ```text
//! number = LEB128: 7 bits in each byte, the lowest bits first; the high bit is set in all bytes but the last
//! text   = number of bytes, then the text in UTF-8
//! range  = first address in network byte order, number of addresses after the first
//! period = flags (bit 0: starts, bit 1: expires), then each bound as 8 bytes
//!          (seconds since 1970, little-endian)
//! ```
//!
//! Each value has exactly one form. The reader refuses any other form.

use crate::ip::{AddrInt, AddrRange};
use crate::list::error::FormatError;
use crate::time::{Instant, Period};

const HAS_STARTS: u8 = 1;
const HAS_EXPIRES: u8 = 2;

/// An address that is written as bytes in network byte order.
pub(super) trait AddrBytes: AddrInt {
    fn put(self, out: &mut Vec<u8>);
    fn take(bytes: &mut Reader<'_>) -> Result<Self, FormatError>;
    /// Returns the address that is `count` addresses higher. `None` if there is no such address.
    fn plus(self, count: u128) -> Option<Self>;
}

impl AddrBytes for u32 {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn take(bytes: &mut Reader<'_>) -> Result<Self, FormatError> {
        bytes.array().map(Self::from_be_bytes)
    }

    fn plus(self, count: u128) -> Option<Self> {
        self.checked_add(Self::try_from(count).ok()?)
    }
}

impl AddrBytes for u128 {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn take(bytes: &mut Reader<'_>) -> Result<Self, FormatError> {
        bytes.array().map(Self::from_be_bytes)
    }

    fn plus(self, count: u128) -> Option<Self> {
        self.checked_add(count)
    }
}

pub(super) fn put_number(out: &mut Vec<u8>, number: u128) {
    let mut rest = number;
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u128);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_range<T: AddrBytes>(out: &mut Vec<u8>, range: AddrRange<T>) {
    range.first.put(out);
    put_number(out, (range.last - range.first).widen());
}

pub(super) fn put_period(out: &mut Vec<u8>, period: Period) {
    let flag = |bound: Option<Instant>, flag| if bound.is_some() { flag } else { 0 };
    out.push(flag(period.starts, HAS_STARTS) | flag(period.expires, HAS_EXPIRES));
    for bound in [period.starts, period.expires].into_iter().flatten() {
        out.extend_from_slice(&bound.seconds().to_le_bytes());
    }
}

/// The bytes that have not been read yet.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], FormatError> {
        let (bytes, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(FormatError::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], FormatError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(FormatError::Malformed)?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, FormatError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Result<u128, FormatError> {
        let mut number = 0;
        for shift in (0..u128::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            number |= bits << shift;
            // The number must fit in 128 bits, and a last byte of zero would be another form of the same
            // number.
            if (bits << shift) >> shift != bits || (byte == 0 && shift > 0) {
                return Err(FormatError::Malformed);
            }
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(FormatError::Malformed)
    }

    /// Reads a number that must fit in the type `N`.
    pub(super) fn small<N: TryFrom<u128>>(&mut self) -> Result<N, FormatError> {
        N::try_from(self.number()?).map_err(|_| FormatError::Malformed)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, FormatError> {
        let count = self.small()?;
        str::from_utf8(self.bytes(count)?).map_err(|_| FormatError::Malformed)
    }

    pub(super) fn range<T: AddrBytes>(&mut self) -> Result<AddrRange<T>, FormatError> {
        let first = T::take(self)?;
        let last = first.plus(self.number()?).ok_or(FormatError::Malformed)?;
        Ok(AddrRange { first, last })
    }

    pub(super) fn period(&mut self) -> Result<Period, FormatError> {
        let flags = self.byte()?;
        if flags > HAS_STARTS | HAS_EXPIRES {
            return Err(FormatError::Malformed);
        }
        let mut bound = |flag| {
            if flags & flag == 0 {
                return Ok(None);
            }
            let seconds = self.array().map(i64::from_le_bytes)?;
            let instant = Instant::from_seconds(seconds);
            if instant.seconds() != seconds {
                return Err(FormatError::Malformed);
            }
            Ok(Some(instant))
        };
        let period = Period {
            starts: bound(HAS_STARTS)?,
            expires: bound(HAS_EXPIRES)?,
        };
        if period.is_reversed() {
            return Err(FormatError::Malformed);
        }
        Ok(period)
    }
}
