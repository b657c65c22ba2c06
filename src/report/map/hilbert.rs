//! The Hilbert curve, a line through all cells of a square. Cells that are close on the line are close in
//! the square, and every aligned block of 4ⁿ cells of the line is itself a square.
//!
//! If the cells are addresses, every network with an even prefix length is a square, and every network with
//! an odd prefix length is half of a square. The curve starts at the top left and goes down first, so that
//! the /8 networks are arranged as on the well-known maps of the Internet (<https://xkcd.com/195/>).

/// The position of a cell: the column from the left and the row from the top. Both start at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GridPos {
    pub(crate) x: u32,
    pub(crate) y: u32,
}

/// Returns the position of cell number `index` of the line, in a square of 2^`order` by 2^`order` cells.
/// Only the lowest 2 × `order` bits of `index` are used. `order` is at most 16.
pub(crate) fn cell(index: u32, order: u32) -> GridPos {
    // Each pair of bits selects a quadrant. In the first and the last quadrant, the line is mirrored at the
    // diagonal. In the last quadrant, it is also mirrored at the centre. The two operations commute.
    let (mut is_transposed, mut is_reversed) = (false, false);
    let mut position = GridPos::default();
    for level in (0..order).rev() {
        let quadrant = index >> (2 * level) & 3;
        let (x, y) = match quadrant {
            0 => (0, 0),
            1 => (0, 1),
            2 => (1, 1),
            _ => (1, 0),
        };
        let (x, y) = if is_reversed { (1 - x, 1 - y) } else { (x, y) };
        let (x, y) = if is_transposed { (y, x) } else { (x, y) };
        position = GridPos {
            x: 2 * position.x + x,
            y: 2 * position.y + y,
        };
        is_transposed ^= quadrant == 0 || quadrant == 3;
        is_reversed ^= quadrant == 3;
    }
    position
}

/// Returns the top left cell of the square that consists of the 4^`level` cells starting at `index`.
/// `index` must be a multiple of 4^`level`.
pub(crate) fn corner(index: u32, order: u32, level: u32) -> GridPos {
    let position = cell(index, order);
    GridPos {
        x: position.x >> level << level,
        y: position.y >> level << level,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds the curve as textbooks do: from four copies of the next smaller curve, of which the first and
    /// the last are mirrored.
    fn curve(order: u32) -> Vec<(u32, u32)> {
        if order == 0 {
            return vec![(0, 0)];
        }
        let half = 1 << (order - 1);
        let inner = curve(order - 1);
        let copy = |turn: &dyn Fn(u32, u32) -> (u32, u32), right: u32, down: u32| {
            let cells = inner.iter().map(|(x, y)| turn(*x, *y));
            cells
                .map(|(x, y)| (x + right * half, y + down * half))
                .collect::<Vec<_>>()
        };
        [
            copy(&|x, y| (y, x), 0, 0),
            copy(&|x, y| (x, y), 0, 1),
            copy(&|x, y| (x, y), 1, 1),
            copy(&|x, y| (half - 1 - y, half - 1 - x), 1, 0),
        ]
        .concat()
    }

    fn cells(order: u32) -> Vec<(u32, u32)> {
        (0..1 << (2 * order))
            .map(|index| cell(index, order))
            .map(|GridPos { x, y }| (x, y))
            .collect()
    }

    #[test]
    fn is_the_textbooks_curve() {
        for order in 0..=7 {
            assert_eq!(cells(order), curve(order), "order {order}");
        }
    }

    #[test]
    fn visits_every_cell_once_and_goes_to_a_neighbour() {
        let order = 6;
        let cells = cells(order);
        let mut sorted = cells.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), 1 << (2 * order));
        for (from, to) in cells.iter().zip(cells.iter().skip(1)) {
            assert_eq!(from.0.abs_diff(to.0) + from.1.abs_diff(to.1), 1);
        }
    }

    #[test]
    fn lays_the_networks_of_8_bits_out_as_the_known_maps_do() {
        let mut rows = vec![vec![0; 16]; 16];
        for network in 0..256 {
            let GridPos { x, y } = cell(network, 4);
            rows[y as usize][x as usize] = network;
        }
        assert_eq!(
            rows[0],
            [
                0, 1, 14, 15, 16, 19, 20, 21, 234, 235, 236, 239, 240, 241, 254, 255
            ]
        );
        assert_eq!(
            rows[15],
            [
                85, 86, 89, 90, 101, 102, 105, 106, 149, 150, 153, 154, 165, 166, 169, 170
            ]
        );
    }

    #[test]
    fn a_finer_curve_has_the_same_squares() {
        for network in 0..256 {
            let coarse = cell(network, 4);
            let fine = corner(network << 16, 12, 8);
            assert_eq!((fine.x >> 8, fine.y >> 8), (coarse.x, coarse.y));
            let last = cell((network << 16) | 0xffff, 12);
            assert_eq!((last.x >> 8, last.y >> 8), (coarse.x, coarse.y));
        }
    }
}
