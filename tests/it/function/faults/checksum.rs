//! The checksum of an upload without a checksum from its client, in the form that S3 returns.

pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// Encodes four bytes in base64.
pub(super) fn base64(bytes: [u8; 4]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = u64::from(u32::from_be_bytes(bytes)) << 4;
    let digit = |index: u32| usize::try_from((bits >> (6 * index)) & 63).unwrap();
    let digits = (0..6).rev().map(|index| char::from(ALPHABET[digit(index)]));
    digits.chain(['=', '=']).collect()
}
