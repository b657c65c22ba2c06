//! The filters that templates can use in addition to those of Tera. `docs/templates.md` lists them.

use crate::text::push_fmt;

/// The default maximum length of a name that [`identifier`] returns, in bytes. AWS WAF allows 128 bytes
/// and nftables 255, but templates add a prefix or suffix to the name.
pub(crate) const MAX_IDENTIFIER_BYTES: usize = 96;
/// The lowest maximum length that a template may set, in bytes. It leaves room for a hash and enough of
/// the text to recognize the name.
pub(crate) const LEAST_MAX_IDENTIFIER_BYTES: usize = 24;

/// Adds the prefix length to a network that is a single address: `192.0.2.1/32`.
pub(crate) fn cidr(network: &str) -> String {
    let length = match network {
        _ if network.contains('/') => "",
        _ if network.contains(':') => "/128",
        _ => "/32",
    };
    format!("{network}{length}")
}

/// Converts a text to a name of at most `max_bytes` bytes that consists of ASCII letters, digits, `-` and
/// `_`.
///
/// Different texts get different names. `/` becomes `__`, and every other byte that is not allowed in a
/// name becomes `_` and two hexadecimal digits. If the name is too long, its end is replaced by `_-` and a
/// hash of the whole text.
pub(crate) fn identifier(text: &str, max_bytes: usize) -> String {
    let mut name = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'/' => name.push_str("__"),
            b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => name.push(byte.into()),
            _ => push_fmt(&mut name, format_args!("_{byte:02X}")),
        }
    }
    if name.len() > max_bytes {
        let hash = format!("_-{:016x}", fnv1a(text));
        name.truncate(max_bytes.saturating_sub(hash.len()));
        name.push_str(&hash);
    }
    name
}

/// Returns the 64-bit FNV-1a hash (<http://www.isthe.com/chongo/tech/comp/fnv/>).
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_gets_its_prefix_length() {
        for (network, expected) in [
            ("192.0.2.1", "192.0.2.1/32"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("2001:db8::1", "2001:db8::1/128"),
            ("::/1", "::/1"),
        ] {
            assert_eq!(cidr(network), expected);
        }
    }

    #[test]
    fn names_are_readable_and_differ_where_the_texts_do() {
        for (text, expected) in [
            ("clients/acme", "clients__acme"),
            ("clients/acme-2", "clients__acme-2"),
            ("clients_acme", "clients_5Facme"),
            ("clients__acme", "clients_5F_5Facme"),
            ("a b.\u{e9}", "a_20b_2E_C3_A9"),
            ("", ""),
        ] {
            assert_eq!(identifier(text, MAX_IDENTIFIER_BYTES), expected);
        }
    }

    #[test]
    fn names_are_bounded() {
        for max_bytes in [LEAST_MAX_IDENTIFIER_BYTES, MAX_IDENTIFIER_BYTES] {
            let fits = "a".repeat(max_bytes);
            assert_eq!(identifier(&fits, max_bytes), fits);
            let long = [fits.clone() + "a", fits + "b", "\u{e9}".repeat(500)];
            let names = long.map(|text| identifier(&text, max_bytes));
            assert!(names.iter().all(|name| name.len() == max_bytes));
            assert_ne!(names[0], names[1]);
        }
        assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
