//! A small random number generator with a seed, so that every run makes the same policies and the
//! seed reproduces a failure. It is `SplitMix64` by Steele, Lea and Flood.

/// The state of one sequence.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) fn bits64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// The next 128 bits.
    pub(crate) fn bits128(&mut self) -> u128 {
        (u128::from(self.bits64()) << 64) | u128::from(self.bits64())
    }

    /// A number below `end`, which is above 0. The bias of the remainder does not matter here.
    pub(crate) fn below(&mut self, end: u128) -> u128 {
        self.bits128() % end
    }

    /// A number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: u32, last: u32) -> u32 {
        let width = u128::from(last - first) + 1;
        first + u32::try_from(self.below(width)).expect("the width is at most 2^32")
    }

    /// Returns true with this probability in percent.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.between(0, 99) < percent
    }

    /// One of the items. There must be at least one.
    pub(crate) fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = self.below(items.len() as u128);
        &items[usize::try_from(index).expect("it is below a usize")]
    }

    /// A copy of one of the items.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        *self.one_of(items)
    }
}
