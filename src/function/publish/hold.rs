//! Holds a change until somebody approves it: computes the code of the change, reads the approval, and
//! completes the answer.
//!
//! The function stores no state about held changes. The code is a digest of everything that determines the
//! change: the current output, the new version of the CSV, its lists, the settings, and the bytes that would
//! be written. If an object `approvals/KEY` contains the code, it releases this change and no other change.
//! Each attempt compares the object's code with the code of the change that it is about to make, and writes
//! only if the current output is still the same. An approval that is late, early, repeated or for another
//! change therefore has no effect.

use sha2::{Digest, Sha256};

use crate::answer::{RefusalCode, Status};
use crate::function::error::Error;
use crate::function::publish::commands::write_text;
use crate::function::publish::generate_upload::GeneratedUpload;
use crate::function::store::{Body, Fetched, Head, ObjectName, Store};
use crate::report::Effect;
use crate::review::{Hold, held};
use crate::settings::HoldAbove;
use crate::text::{RichText, Segment, rich};

/// The folder for approvals in the upload bucket, with the trailing slash.
pub(crate) const APPROVALS_FOLDER: &str = "approvals/";
/// The length of a code, in characters. A character stands for 5 bits, so a code has 40 bits.
const CODE_CHARS: usize = 8;
/// The characters of a code: Crockford's base 32 (<https://www.crockford.com/base32.html>). This alphabet has
/// no `u`, and no `i`, `l` or `o`, which look like digits.
const CODE_ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The maximum size of an approval, in bytes. The limit leaves room for quotes and line breaks that a
/// spreadsheet may add.
const MAX_APPROVAL_BYTES: usize = 256;

/// A change that would replace the current output and may need an approval.
pub(crate) struct HeldChange<'a> {
    pub(crate) input: &'a ObjectName,
    /// The head of the current output.
    pub(crate) output: &'a Head,
    /// The head of the new version of the input.
    pub(crate) new: &'a Head,
    pub(crate) settings_digest: &'a str,
}

/// The state of the approval object of a CSV, compared with the code of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Approval {
    /// The object contains the code of this change.
    Given,
    /// The object contains the code of another change, or any other text.
    Other,
    /// The object does not exist.
    Missing,
}

/// Returns the reason to hold a generated upload. `None` if the upload can be published without an approval.
pub(crate) fn hold_of(generated: &GeneratedUpload, limit: HoldAbove) -> Option<Hold> {
    match &generated.publication.as_ref()?.effect {
        Effect::First => None,
        Effect::Changed(change) => held(change, limit),
        Effect::Unknown(_) => Some(Hold::NotComparable),
    }
}

impl HeldChange<'_> {
    /// Returns the code that identifies exactly this change.
    ///
    /// An ETag identifies only bytes, so the code also covers `Last-Modified` and the version id. They
    /// distinguish an output from an earlier output with the same bytes.
    pub(crate) fn code(&self, generated: &GeneratedUpload) -> String {
        let ObjectName { bucket, key } = self.input;
        let output = Sha256::digest(generated.file.as_deref().unwrap_or_default());
        code_of(&[
            bucket.as_bytes(),
            key.as_bytes(),
            self.output.identity().as_bytes(),
            self.output.version_id.as_bytes(),
            self.new.identity().as_bytes(),
            self.new.version_id.as_bytes(),
            generated.shared.digest().as_bytes(),
            self.settings_digest.as_bytes(),
            &output,
        ])
    }

    /// Marks a generated upload as held, and adds the message and the command that approves the change.
    pub(crate) fn hold(
        &self,
        generated: &mut GeneratedUpload,
        hold: Hold,
        code: &str,
        approval: Approval,
    ) {
        let approvals = approvals_of(self.input);
        let answer = &mut generated.answer;
        answer.status = Status::Held;
        answer.code = Some(RefusalCode::ChangeHeld);
        answer.message = Some(message(hold, code, approval, &approvals));
        answer.approval = Some(code.to_owned());
        if let Some(publication) = &mut generated.publication {
            publication.approve = Some(write_text(code, &approvals));
        }
    }
}

/// Returns the name of the object that approves changes to a CSV.
pub(crate) fn approvals_of(input: &ObjectName) -> ObjectName {
    ObjectName {
        bucket: input.bucket.clone(),
        key: format!("{APPROVALS_FOLDER}{}", input.key),
    }
}

fn message(hold: Hold, code: &str, approval: Approval, approvals: &ObjectName) -> RichText {
    let mut message = rich!(
        "{}; to publish it, write {} into a file and upload the file as {}",
        hold.to_string(),
        code,
        Segment::quoted(&approvals.key)
    );
    if approval == Approval::Other {
        message.push(" (that file now contains a different code)");
    }
    message
}

/// Reads the approval for a CSV, and compares it with a code.
///
/// # Errors
///
/// If the object cannot be read.
pub(crate) async fn read_approval<S: Store>(
    store: &S,
    input: &ObjectName,
    code: &str,
) -> Result<Approval, Error> {
    let Fetched::Found(_, mut body) = store.get(&approvals_of(input), None).await? else {
        return Ok(Approval::Missing);
    };
    let mut text = Vec::new();
    while let Some(piece) = body.next().await? {
        text.extend_from_slice(piece.as_ref());
        if text.len() > MAX_APPROVAL_BYTES {
            return Ok(Approval::Other);
        }
    }
    Ok(if approves(&text, code) {
        Approval::Given
    } else {
        Approval::Other
    })
}

/// Returns whether a text contains this code and no other letters or digits. Other bytes are ignored, because
/// spreadsheets and shells add quotes, line breaks, a byte order mark, or a zero byte after each character.
fn approves(text: &[u8], code: &str) -> bool {
    let characters = text.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let read = characters.map(|byte| match byte.to_ascii_lowercase() {
        b'o' => b'0',
        b'i' | b'l' => b'1',
        other => other,
    });
    read.eq(code.bytes())
}

/// Returns the start of a digest of the parts, encoded with [`CODE_ALPHABET`]. The length of each part is
/// hashed before the part, so that `a`, `bc` and `ab`, `c` have different codes.
fn code_of(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let start = digest
        .finalize()
        .iter()
        .take(8)
        .fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
    (0..CODE_CHARS)
        .map(|index| {
            let value = start >> (u64::BITS as usize - 5 * (index + 1)) & 31;
            let character = usize::try_from(value)
                .ok()
                .and_then(|value| CODE_ALPHABET.get(value));
            character.map_or('0', |character| char::from(*character))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_8_characters_that_nobody_confuses() {
        let codes: std::collections::BTreeSet<String> = (0..1000u32)
            .map(|number| code_of(&[&number.to_le_bytes()]))
            .collect();
        assert_eq!(codes.len(), 1000);
        let characters: std::collections::BTreeSet<char> =
            codes.iter().flat_map(|code| code.chars()).collect();
        assert!(codes.iter().all(|code| code.len() == CODE_CHARS));
        assert_eq!(characters.len(), 32);
        assert!(
            !characters
                .iter()
                .any(|character| "ilou".contains(*character))
        );
        assert_ne!(code_of(&[b"a", b"bc"]), code_of(&[b"ab", b"c"]));
    }

    #[test]
    fn an_approval_is_accepted_as_programs_write_it() {
        let code = "k3f01qxz";
        let utf16: Vec<u8> = "\u{feff}k3f01qxz\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for text in [
            b"k3f01qxz".as_slice(),
            b"k3f01qxz\r\n",
            b"\xef\xbb\xbf\"k3f01qxz\"\r\n",
            b" 'K3F01QXZ' ,,",
            b"k3fo1qxz",
            b"k3f0lqxz",
            &utf16,
        ] {
            assert!(approves(text, code), "{}", String::from_utf8_lossy(text));
        }
        for text in [
            b"".as_slice(),
            b"k3f01qx",
            b"k3f01qxzz",
            b"code k3f01qxz",
            b"\xff\xfe",
        ] {
            assert!(!approves(text, code), "{}", String::from_utf8_lossy(text));
        }
    }
}
