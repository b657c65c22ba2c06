//! What must hold for any input at all: one check for each fuzz target, given the target's input.
//!
//! Shared by the targets (`fuzz/fuzz_targets`) and by the replay of their corpus in plain
//! `cargo test` (`tests/it/fuzz_corpus.rs`). A check fails by panic. Nothing in it is random but
//! by the input, so that a finding is its input.

pub(crate) mod address;
#[cfg(feature = "function")]
pub(crate) mod event;
pub(crate) mod generate;
pub(crate) mod parse;

mod reread;
mod rows;

use htaccess_generator::quote::is_unprintable;

/// The most bytes of a message: ten values of 64 characters, each escaped, and the words.
const MESSAGE_BYTES_MAX: usize = 8000;

/// A message for people: bounded, on one line, nothing in it that acts on a terminal or an eye.
fn check_message(message: &str) {
    assert!(!message.is_empty(), "a message says nothing");
    assert!(
        message.len() <= MESSAGE_BYTES_MAX,
        "{} bytes: {message}",
        message.len()
    );
    let odd = message.chars().find(|c| is_unprintable(*c));
    assert_eq!(odd, None, "{message:?}");
}

/// Numbers that depend on nothing but the input: FNV-1a, then `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn new(input: &[u8]) -> Self {
        Self(input.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// A number below `end`, which is above 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % end as u64).unwrap()
    }

    /// The input in up to five pieces, some of which may be empty.
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
