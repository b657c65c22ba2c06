//! Formats counts for messages.

use std::fmt::Display;

use htaccess_generator::text::grouped;

/// Returns a count with its noun in the singular or plural: `1 row`, `2,000 rows`.
pub(crate) fn counted(count: impl Display, noun: &str) -> String {
    let digits = count.to_string();
    let plural = match (digits.as_str(), noun.ends_with('s')) {
        ("1", _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{} {noun}{plural}", grouped(&digits))
}

/// Returns a count of IPv6 addresses as text. Counts below 2^32 are written in digits, larger counts with
/// powers of two. `u128::MAX` means all of IPv6.
pub(crate) fn counted_ipv6(count: u128) -> String {
    let exponent = count.trailing_zeros();
    let factor = count.checked_shr(exponent).unwrap_or(0);
    match (count, factor) {
        (u128::MAX, _) => "2^128 IPv6 addresses".to_owned(),
        (0..=0xffff_ffff, _) => counted(count, "IPv6 address"),
        (_, 1) => format!("2^{exponent} IPv6 addresses"),
        (_, 0..1000) => format!("{factor} × 2^{exponent} IPv6 addresses"),
        _ => {
            let leading = count.ilog2();
            // The factor is rounded down to two digits after the decimal point: 1.00 to 1.99.
            let hundredths = ((count >> (leading - 16)) * 100) >> 16;
            let (ones, rest) = (hundredths / 100, hundredths % 100);
            format!("about {ones}.{rest:02} × 2^{leading} IPv6 addresses")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_digits_and_knows_plurals() {
        assert_eq!(counted(0, "row"), "0 rows");
        assert_eq!(counted(1, "address"), "1 address");
        assert_eq!(counted(256, "address"), "256 addresses");
        assert_eq!(counted(1_234_567, "file"), "1,234,567 files");
    }

    #[test]
    fn counts_ipv6_readably() {
        assert_eq!(counted_ipv6(1), "1 IPv6 address");
        assert_eq!(counted_ipv6(65_536), "65,536 IPv6 addresses");
        assert_eq!(counted_ipv6(1 << 96), "2^96 IPv6 addresses");
        assert_eq!(counted_ipv6(3 << 64), "3 × 2^64 IPv6 addresses");
        assert_eq!(
            counted_ipv6((3 << 94) + 1),
            "about 1.50 × 2^95 IPv6 addresses"
        );
        assert_eq!(
            counted_ipv6(u128::MAX - 1),
            "about 1.99 × 2^127 IPv6 addresses"
        );
        assert_eq!(counted_ipv6(u128::MAX), "2^128 IPv6 addresses");
    }
}
