//! Draws the allowed and denied addresses of an IPv4 block as a square SVG image.
//!
//! The addresses are placed along the [Hilbert curve](crate::report::map::hilbert), which is divided into
//! cells of equal size. A cell whose addresses are all in the set is drawn as a filled square, and adjacent
//! cells of the same shade form larger squares. A cell with only some addresses in the set is drawn as a
//! lighter square or a dot ([`Partial`]), so that a single address among a million is as easy to find as a
//! whole network, and looks different from a whole network. Colour is not the only distinction: allowed
//! cells are square, and denied cells are hatched or have a dot.
//!
//! The SVG contains only integers as values. Its size is limited by the number of cells, whatever the set
//! contains.

use crate::ip::{AddrRange, Family as _, RangeSet};
use crate::report::map::hilbert::{GridPos, cell, corner};
use crate::text::push_fmt;

/// The side length of a cell, in the units of the picture.
pub(crate) const CELL_UNITS: u32 = 10;

/// An aligned block with an even prefix length. On the curve, such a block is a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SquareBlock {
    pub(crate) first: u32,
    pub(crate) prefix_length: u32,
}

impl SquareBlock {
    /// The block of all IPv4 addresses.
    pub(crate) const ALL: Self = Self {
        first: 0,
        prefix_length: 0,
    };

    /// Returns the smallest block that contains both addresses, but at least a /24.
    pub(crate) fn around(first: u32, last: u32) -> Self {
        let common = (first ^ last).leading_zeros();
        let prefix_length = (common & !1).min(24);
        Self {
            first: first & !low_bits(32 - prefix_length),
            prefix_length,
        }
    }

    pub(crate) fn last(self) -> u32 {
        self.first | low_bits(32 - self.prefix_length)
    }

    fn range(self) -> AddrRange<u32> {
        AddrRange {
            first: self.first,
            last: self.last(),
        }
    }

    /// Returns the block in CIDR notation, such as `10.0.0.0/8`.
    pub(crate) fn text(self) -> String {
        format!("{}/{}", self.first.text(), self.prefix_length)
    }
}

/// Returns a number whose lowest `count` bits are set. `count` is at most 32.
fn low_bits(count: u32) -> u32 {
    u32::MAX.checked_shr(32 - count).unwrap_or(0)
}

/// A block that is divided into 4^`order` cells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) block: SquareBlock,
    order: u32,
}

impl Grid {
    /// Divides a block into 2^`order` cells on each side, or fewer if a cell would be smaller than an
    /// address.
    pub(crate) fn new(block: SquareBlock, order: u32) -> Self {
        Self {
            block,
            order: order.min((32 - block.prefix_length) / 2),
        }
    }

    /// Returns the number of low bits of an address that vary inside a cell.
    fn cell_bits(self) -> u32 {
        32 - self.block.prefix_length - 2 * self.order
    }

    /// Returns the number of addresses in a cell.
    pub(crate) fn cell_addresses(self) -> u64 {
        1 << self.cell_bits()
    }

    /// Returns the prefix length of a cell.
    pub(crate) fn cell_prefix_length(self) -> u32 {
        32 - self.cell_bits()
    }

    /// Returns the side length of the picture, in its units.
    pub(crate) fn side_units(self) -> u32 {
        CELL_UNITS << self.order
    }

    /// Returns the square that a block inside this grid covers, as left, top and side, in the units of the
    /// picture.
    pub(crate) fn square(self, block: SquareBlock) -> (u32, u32, u32) {
        let bits = 32 - block.prefix_length;
        let level = bits.saturating_sub(self.cell_bits()) / 2;
        let position = corner(self.index(block.first), self.order, level);
        (
            position.x * CELL_UNITS,
            position.y * CELL_UNITS,
            CELL_UNITS << level,
        )
    }

    fn index(self, address: u32) -> u32 {
        (address - self.block.first)
            .checked_shr(self.cell_bits())
            .unwrap_or(0)
    }

    /// Counts the addresses of a set in each cell. The time is proportional to the number of cells and of
    /// ranges inside the block.
    pub(crate) fn counts(self, set: &RangeSet<u32>) -> Vec<u64> {
        let mut counts = vec![0; 1 << (2 * self.order)];
        let full = self.cell_addresses();
        let mut add = |index: u32, addresses: u64| {
            if let Some(count) = counts.get_mut(index as usize) {
                *count += addresses;
            }
        };
        for range in inside(set, self.block) {
            let (first, last) = (self.index(range.first), self.index(range.last));
            if first == last {
                add(first, u64::from(range.last - range.first) + 1);
                continue;
            }
            let offset = |address: u32| u64::from(address) & (full - 1);
            add(first, full - offset(range.first));
            for index in first + 1..last {
                add(index, full);
            }
            add(last, offset(range.last) + 1);
        }
        counts
    }

    /// Appends the cells that contain addresses of a set, as the content of a group in an `<svg>` element.
    pub(crate) fn draw(self, set: &RangeSet<u32>, partial: Partial, svg: &mut String) {
        if set.overlapping(self.block.range()).is_empty() {
            return;
        }
        let counts = self.counts(set);
        let mut layers = Layers::default();
        let full = self.cell_addresses();
        let shade = |count: u64| (count > 0).then(|| shade_of(count, full));
        let mut from = 0;
        for run in counts.chunk_by(|one, next| shade(*one) == shade(*next)) {
            // The conversion cannot fail, because a grid has at most 4,096 cells.
            let end = from + u32::try_from(run.len()).unwrap_or(0);
            match (run.first().and_then(|count| shade(*count)), partial) {
                (None, _) => {}
                (Some(Shade::Part(size)), Partial::Dots) => {
                    for index in from..end {
                        layers.add_mark(cell(index, self.order), size);
                    }
                }
                (Some(shade), _) => layers.add_squares(self, from, end, shade),
            }
            from = end;
        }
        layers.write_to(svg);
    }
}

/// The shape in which a cell is drawn if only some of its addresses are in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partial {
    /// A square. The larger the part in the set, the darker the square.
    Shades,
    /// A dot, which leaves the cell below it visible. The larger the part in the set, the larger the dot.
    Dots,
}

/// Returns the parts of a set's ranges that are inside a block.
pub(crate) fn inside(
    set: &RangeSet<u32>,
    block: SquareBlock,
) -> impl DoubleEndedIterator<Item = AddrRange<u32>> {
    let AddrRange { first, last } = block.range();
    set.overlapping(block.range())
        .iter()
        .map(move |range| AddrRange {
            first: range.first.max(first),
            last: range.last.min(last),
        })
}

/// The number of shades for a partly listed cell: less than a hundredth of the cell, less than half, and
/// more.
const SHADES: usize = 3;

/// The share of a cell's addresses that are in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shade {
    /// Some of the addresses. The number is the shade, from 0 to [`SHADES`] - 1.
    Part(usize),
    All,
}

fn shade_of(count: u64, full: u64) -> Shade {
    match count {
        _ if count == full => Shade::All,
        _ if count * 100 < full => Shade::Part(0),
        _ if count * 2 < full => Shade::Part(1),
        _ => Shade::Part(2),
    }
}

/// The SVG paths of one colour.
#[derive(Default)]
struct Layers {
    full: String,
    parts: [String; SHADES],
    marks: [Marks; SHADES],
}

#[derive(Default)]
struct Marks {
    path: String,
    /// The position of the last mark. The next mark is written relative to it.
    position: GridPos,
}

impl Layers {
    /// Adds the cells from `from` up to but excluding `end`, as the largest possible squares.
    fn add_squares(&mut self, grid: Grid, from: u32, end: u32, shade: Shade) {
        let path = match shade {
            Shade::All => &mut self.full,
            Shade::Part(size) => match self.parts.get_mut(size) {
                Some(path) => path,
                None => return,
            },
        };
        let mut index = from;
        while index < end {
            let aligned = index.trailing_zeros().min(2 * grid.order) / 2;
            let fitting = (end - index).ilog2() / 2;
            let level = aligned.min(fitting);
            let GridPos { x, y } = corner(index, grid.order, level);
            let side = CELL_UNITS << level;
            let (x, y) = (x * CELL_UNITS, y * CELL_UNITS);
            push_fmt(path, format_args!("M{x} {y}h{side}v{side}h-{side}z"));
            index += 1 << (2 * level);
        }
    }

    /// Adds a mark, which is a line of length zero. Only its caps are visible.
    fn add_mark(&mut self, position: GridPos, size: usize) {
        let Some(marks) = self.marks.get_mut(size) else {
            return;
        };
        let middle = |at: u32| i64::from(at * CELL_UNITS + CELL_UNITS / 2);
        let (x, y) = (middle(position.x), middle(position.y));
        if marks.path.is_empty() {
            push_fmt(&mut marks.path, format_args!("M{x} {y}h0"));
        } else {
            let (before_x, before_y) = (middle(marks.position.x), middle(marks.position.y));
            let (right, down) = (x - before_x, y - before_y);
            push_fmt(&mut marks.path, format_args!("m{right} {down}h0"));
        }
        marks.position = position;
    }

    fn write_to(&self, svg: &mut String) {
        if !self.full.is_empty() {
            let path = &self.full;
            push_fmt(svg, format_args!(r#"<path class="full" d="{path}"/>"#));
        }
        for (size, path) in (1..).zip(&self.parts) {
            if !path.is_empty() {
                push_fmt(svg, format_args!(r#"<path class="s{size}" d="{path}"/>"#));
            }
        }
        for (size, Marks { path, .. }) in (1..).zip(&self.marks) {
            if !path.is_empty() {
                push_fmt(
                    svg,
                    format_args!(r#"<path class="mark m{size}" d="{path}"/>"#),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(texts: &str) -> RangeSet<u32> {
        let ranges = texts
            .split_whitespace()
            .map(|text| match crate::ip::parse_address(text) {
                Ok(crate::ip::AddressSpec::Ipv4(range)) => range,
                other => panic!("{text}: {other:?}"),
            });
        RangeSet::from_unsorted(ranges.collect())
    }

    fn drawn(block: SquareBlock, order: u32, texts: &str) -> String {
        let mut svg = String::new();
        Grid::new(block, order).draw(&set(texts), Partial::Dots, &mut svg);
        svg
    }

    #[test]
    fn a_wrong_8_is_one_large_square() {
        assert_eq!(
            drawn(SquareBlock::ALL, 6, "10.0.0.0/8"),
            r#"<path class="full" d="M120 120h40v40h-40z"/>"#
        );
        assert_eq!(
            drawn(SquareBlock::ALL, 6, "0.0.0.0/1 128.0.0.0/1"),
            r#"<path class="full" d="M0 0h640v640h-640z"/>"#
        );
    }

    #[test]
    fn a_single_address_is_a_mark_at_every_scale() {
        assert_eq!(
            drawn(SquareBlock::ALL, 6, "0.0.0.0 0.16.0.7"),
            r#"<path class="mark m1" d="M5 5h0m10 0h0"/>"#
        );
        let block = SquareBlock::around(0xc0a8_0100, 0xc0a8_01ff);
        assert_eq!(
            drawn(block, 5, "192.168.1.0 192.168.1.4/31"),
            r#"<path class="full" d="M0 0h10v10h-10zM0 20h10v10h-10zM0 30h10v10h-10z"/>"#
        );
    }

    #[test]
    fn the_size_of_a_mark_shows_the_share_of_its_cell() {
        let svg = drawn(SquareBlock::ALL, 6, "0.0.0.0/20 0.16.0.0/14 0.32.0.0/13");
        let sizes = [0, 1, 2].map(|size| svg.contains(&format!("mark m{}\"", size + 1)));
        assert_eq!(sizes, [true, true, true], "{svg}");
    }

    #[test]
    fn finds_the_smallest_square_block() {
        let around = |first: [u8; 4], last: [u8; 4]| {
            SquareBlock::around(u32::from_be_bytes(first), u32::from_be_bytes(last)).text()
        };
        assert_eq!(around([10, 0, 0, 0], [10, 255, 255, 255]), "10.0.0.0/8");
        assert_eq!(around([10, 0, 0, 0], [11, 0, 0, 0]), "8.0.0.0/6");
        assert_eq!(around([10, 1, 2, 3], [10, 1, 2, 3]), "10.1.2.0/24");
        assert_eq!(around([10, 1, 2, 3], [10, 1, 3, 3]), "10.1.0.0/22");
        assert_eq!(around([0; 4], [255; 4]), "0.0.0.0/0");
    }

    #[test]
    fn the_worst_picture_is_bounded() {
        let every_cell = (0..4096u32).map(|index| AddrRange {
            first: index << 20,
            last: (index << 20) | 5,
        });
        let mut svg = String::new();
        let set = RangeSet::from_unsorted(every_cell.collect());
        Grid::new(SquareBlock::ALL, 6).draw(&set, Partial::Dots, &mut svg);
        assert!(svg.len() < 40_000, "{}", svg.len());
    }

    proptest! {
        #[test]
        fn counts_every_address_once(
            firsts in prop::collection::vec((any::<u32>(), 0u32..1 << 26), 0..40),
        ) {
            let ranges = firsts.into_iter().map(|(first, length)| AddrRange {
                first,
                last: first.saturating_add(length),
            });
            let set = RangeSet::from_unsorted(ranges.collect());
            for order in [0, 3, 6] {
                let counts = Grid::new(SquareBlock::ALL, order).counts(&set);
                prop_assert_eq!(u128::from(counts.iter().sum::<u64>()), set.address_count());
                let full = Grid::new(SquareBlock::ALL, order).cell_addresses();
                prop_assert!(counts.iter().all(|count| *count <= full));
            }
            let block = SquareBlock { first: 0x4000_0000, prefix_length: 4 };
            let counts = Grid::new(block, 5).counts(&set);
            let expected: u64 = inside(&set, block)
                .map(|range| u64::from(range.last - range.first) + 1)
                .sum();
            prop_assert_eq!(counts.iter().sum::<u64>(), expected);
        }
    }
}
