//! Properties that must be true for any input. There is one check for each fuzz target, which receives
//! the target's input.
//!
//! The checks are used by the targets (`fuzz/fuzz_targets`) and by `cargo test`, which replays the corpus
//! (`tests/it/library/fuzz_corpus.rs`). A check panics if a property is violated. All randomness is
//! derived from the input, so that the input alone reproduces a finding.

pub(crate) mod address;
#[cfg(feature = "function")]
pub(crate) mod event;
pub(crate) mod generate;
pub(crate) mod parse;
pub(crate) mod time;

mod answer;
mod probes;
mod reread;
mod rows;

use htaccess_generator::time::Instant;

/// The instant as of which rows are evaluated: 26 November 2026, 12:00 UTC. Dates are read in UTC.
const AS_OF: Instant = Instant::from_seconds(1_795_694_400);

/// The maximum length of a message about a row, in bytes: two escaped values of 64 characters each, and
/// the words around them.
const MAX_SENTENCE_BYTES: usize = 2000;
/// The maximum length of a refusal's message, in bytes. The message can list ten names.
const MAX_MESSAGE_BYTES: usize = 8000;

/// Checks that a message is not too long, has one line, and contains no characters that are invisible or
/// control a terminal.
fn check_message(message: &str, max_bytes: usize) {
    assert!(!message.is_empty(), "a message says nothing");
    assert!(
        message.len() <= max_bytes,
        "{} bytes: {message}",
        message.len()
    );
    let unprintable = message.chars().find(|c| is_unprintable(*c));
    assert_eq!(unprintable, None, "{message:?}");
}

/// Returns whether a character is a control character, white space other than the space, or a formatting
/// character with the Unicode property `Bidi_Control` or `Default_Ignorable_Code_Point`.
fn is_unprintable(character: char) -> bool {
    let code = u32::from(character);
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(code, 0xad | 0x61c | 0x180e | 0xfeff)
        || (0x200b..=0x200f).contains(&code)
        || (0x202a..=0x202e).contains(&code)
        || (0x2060..=0x206f).contains(&code)
        || (0xe_0000..=0xe_007f).contains(&code)
}

/// A generator of random numbers that depend only on the input: `SplitMix64`, seeded with the FNV-1a
/// hash of the input.
struct Dice(u64);

impl Dice {
    fn new(input: &[u8]) -> Self {
        Self(input.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// Returns a number below `end`, which must not be 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % end as u64).unwrap()
    }

    /// Cuts the input into up to five pieces, some of which may be empty.
    fn pieces<'a>(&mut self, input: &'a [u8]) -> Vec<&'a [u8]> {
        let mut cuts: Vec<usize> = (0..self.below(5))
            .map(|_| self.below(input.len() + 1))
            .collect();
        cuts.push(input.len());
        cuts.sort_unstable();
        let mut start = 0;
        cuts.into_iter()
            .map(|end| &input[std::mem::replace(&mut start, end)..end])
            .collect()
    }
}
