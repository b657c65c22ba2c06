//! Which pictures of the IPv4 addresses a report shows, and the same in words and numbers for
//! those who cannot see them: all of it at once, what is in its busiest /8 blocks from near by,
//! and a table of the blocks.

mod grid;
mod hilbert;

use std::fmt::Write as _;

use serde::Serialize;

use crate::ip::RangeSet;
use crate::policy::Policy;
use crate::report::map::grid::{Block, Grid, inside};
use crate::rule::DefaultPolicy;
use crate::text::thousands;

/// The whole space has 64 × 64 cells, each a /12.
const OVERVIEW_ORDER: u32 = 6;
/// A block from near by has at most 32 × 32 cells.
const ZOOM_ORDER: u32 = 5;
const ZOOMS_MAX: usize = 6;
/// So many blocks are framed in the picture of the whole space, however little they hold.
const FEW: usize = 16;
/// The blocks that are framed at most: where more stand out, those do that are larger than the rest.
const FRAMED_MAX: usize = 64;
/// Of so many cells with marks a number may hide some; of fewer each is to be seen.
const MARKS_TO_HIDE: usize = 4;
/// The blocks in the table.
const ROWS_MAX: usize = 16;
const OCTET_BITS: u32 = 8;
const OCTET_ADDRESSES: u64 = 1 << (32 - OCTET_BITS);

/// The addresses of IPv4 by what becomes of them, apart from the default.
pub(crate) struct Ipv4 {
    /// Who gets in by being named.
    allowed: RangeSet<u32>,
    /// Who would get in, were it not for a Deny.
    denied: RangeSet<u32>,
    default: DefaultPolicy,
}

impl Ipv4 {
    pub(crate) fn of(policy: &Policy) -> Self {
        let (allow, deny) = (&policy.allow.ipv4, &policy.deny.ipv4);
        let (allowed, denied) = match policy.default {
            DefaultPolicy::Deny => {
                let allowed = allow.difference(deny);
                let denied = allow.difference(&allowed);
                (allowed, denied)
            }
            DefaultPolicy::Allow => (RangeSet::default(), deny.clone()),
        };
        Self {
            allowed,
            denied,
            default: policy.default,
        }
    }

    pub(crate) fn allowed_addresses(&self) -> u128 {
        self.allowed.address_count()
    }

    pub(crate) fn denied_addresses(&self) -> u128 {
        self.denied.address_count()
    }
}

/// What the page shows of IPv4.
#[derive(Debug, Serialize)]
pub(crate) struct Picture {
    overview: Map,
    zooms: Vec<Map>,
    /// How many /8 blocks could be shown from near by.
    zoomable: usize,
    blocks: Vec<BlockRow>,
    /// How many more are not in the table, and how many addresses they have.
    more_blocks: usize,
    more_allowed: String,
    more_denied: String,
}

#[derive(Debug, Serialize)]
struct Map {
    name: String,
    /// Of what one cell is the picture, such as `a /12`.
    cell: String,
    /// The same as the picture, in a sentence.
    words: String,
    side: u32,
    /// SVG made of integers: safe to print as it is.
    svg: String,
}

#[derive(Debug, Serialize)]
struct BlockRow {
    name: String,
    allowed: String,
    denied: String,
    /// How much of the block is not as the default has it: gets in, or is kept out.
    share: String,
    is_full: bool,
}

/// One /8.
#[derive(Clone, Copy, Default)]
struct Octet {
    number: u32,
    allowed: u64,
    denied: u64,
    networks: u64,
    /// How many cells of the picture of the whole space hold something.
    cells: usize,
}

impl Octet {
    fn empty(number: u32) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    fn block(self) -> Block {
        Block {
            first: self.number << (32 - OCTET_BITS),
            prefix_length: OCTET_BITS,
        }
    }

    fn addresses(self) -> u64 {
        self.allowed + self.denied
    }

    fn is_whole(self) -> bool {
        self.addresses() == OCTET_ADDRESSES
    }

    /// Whether a picture of it from near by would be of one colour.
    fn is_plain(self) -> bool {
        let is_plain = |count| count == 0 || count == OCTET_ADDRESSES;
        is_plain(self.allowed) && is_plain(self.denied)
    }

    fn words(self) -> String {
        let name = self.block().text();
        let part = |count: u64, what: &str| match count {
            0 => None,
            OCTET_ADDRESSES => Some(format!("all {} addresses {what}", thousands(count))),
            1 => Some(format!("1 address {what}")),
            _ => Some(format!("{} addresses {what}", thousands(count))),
        };
        let parts = [part(self.allowed, "allowed"), part(self.denied, "denied")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        format!("{name}: {}", parts.join(", "))
    }
}

impl Picture {
    /// `None` where no IPv4 address is named, so that there is nothing to see.
    pub(crate) fn of(ipv4: &Ipv4, policy: &Policy) -> Option<Self> {
        let mut octets = octets(ipv4, policy);
        if octets.is_empty() {
            return None;
        }
        let zoomable = octets.iter().filter(|octet| !octet.is_plain()).count();
        let zooms = zooms(ipv4, &octets);
        octets.sort_by_key(|octet| (std::cmp::Reverse(octet.addresses()), octet.number));
        let (listed, more) = octets.split_at(octets.len().min(ROWS_MAX));
        let sum = |count: fn(&Octet) -> u64| thousands(more.iter().map(count).sum());
        Some(Self {
            overview: overview(ipv4, &octets),
            zooms,
            zoomable,
            blocks: listed
                .iter()
                .map(|octet| block_row(*octet, policy.default))
                .collect(),
            more_blocks: more.len(),
            more_allowed: sum(|octet| octet.allowed),
            more_denied: sum(|octet| octet.denied),
        })
    }
}

/// The /8 blocks that hold something, ascending.
fn octets(ipv4: &Ipv4, policy: &Policy) -> Vec<Octet> {
    const CELLS: usize = 1 << (2 * OVERVIEW_ORDER - OCTET_BITS);
    let grid = Grid::new(Block::ALL, OVERVIEW_ORDER);
    let allowed = grid.counts(ipv4.allowed.ranges());
    let denied = grid.counts(ipv4.denied.ranges());
    let octet = |((allowed, denied), number): ((&[u64], &[u64]), u32)| Octet {
        number,
        allowed: allowed.iter().sum(),
        denied: denied.iter().sum(),
        networks: 0,
        cells: allowed
            .iter()
            .zip(denied)
            .filter(|(allowed, denied)| **allowed + **denied > 0)
            .count(),
    };
    let mut octets: Vec<Octet> = allowed
        .chunks(CELLS)
        .zip(denied.chunks(CELLS))
        .zip(0..)
        .map(octet)
        .collect();
    let lists = [&policy.allow.ipv4, &policy.deny.ipv4];
    for network in lists.into_iter().flat_map(RangeSet::networks) {
        let octet = |address: u32| (address >> (32 - OCTET_BITS)) as usize;
        let touched = octets.get_mut(octet(network.first)..=octet(network.last()));
        for octet in touched.unwrap_or_default() {
            octet.networks += 1;
        }
    }
    octets.retain(|octet| octet.addresses() > 0);
    octets
}

/// The pictures' marks; denied over allowed, for Deny wins.
fn layers(grid: Grid, ipv4: &Ipv4, svg: &mut String) {
    for (class, set) in [("allow", &ipv4.allowed), ("deny", &ipv4.denied)] {
        let _ = write!(svg, r#"<g class="{class}">"#);
        grid.draw(set.ranges(), svg);
        svg.push_str("</g>");
    }
}

fn background(grid: Grid, lines: u32, ipv4: &Ipv4, svg: &mut String) {
    let side = grid.side_units();
    let default = ipv4.default.name();
    let _ = write!(
        svg,
        r#"<rect class="space {default}-default" width="{side}" height="{side}"/><path class="grid" d=""#
    );
    for line in 1..lines {
        let at = side / lines * line;
        let _ = write!(svg, "M{at} 0v{side}M0 {at}h{side}");
    }
    svg.push_str(r#""/>"#);
}

/// `octets` by size. Those that stand out are framed: what is large, or everything if it is little;
/// nothing is where that would be an arbitrary part of what is equal.
fn overview(ipv4: &Ipv4, octets: &[Octet]) -> Map {
    const LARGE: u64 = 1 << 16;
    let grid = Grid::new(Block::ALL, OVERVIEW_ORDER);
    let mut svg = String::new();
    background(grid, 16, ipv4, &mut svg);
    let largest_left_out = octets.get(FRAMED_MAX).map_or(0, |octet| octet.addresses());
    let stands_out = |octet: &Octet| octets.len() <= FEW || octet.addresses() >= LARGE;
    let is_framed = |octet: &&Octet| stands_out(octet) && octet.addresses() > largest_left_out;
    let framed = || octets.iter().filter(is_framed);
    let is_place = |octet: &Octet| octet.number.is_multiple_of(16);
    for number in (0..256).step_by(16) {
        if octets.iter().all(|octet| octet.number != number) {
            label(grid, Octet::empty(number), "place", &mut svg);
        }
    }
    let labelled = || {
        octets
            .iter()
            .filter(|octet| is_framed(octet) || is_place(octet))
    };
    // A number over few marks would hide them, and one under many could not be read.
    let is_over = |octet: &&Octet| octet.cells >= MARKS_TO_HIDE;
    for octet in labelled().filter(|octet| !is_over(octet)) {
        label(grid, *octet, "under", &mut svg);
    }
    layers(grid, ipv4, &mut svg);
    for octet in framed() {
        let (x, y, side) = grid.square(octet.block());
        let words = octet.words();
        let class = if octet.is_whole() {
            "block whole"
        } else {
            "block"
        };
        let _ = write!(
            svg,
            r#"<rect class="{class}" x="{x}" y="{y}" width="{side}" height="{side}"><title>{words}</title></rect>"#
        );
    }
    for octet in labelled().filter(is_over) {
        label(grid, *octet, "name", &mut svg);
    }
    let named = octets.iter().take(3).map(|octet| octet.words());
    let named: Vec<String> = named.collect();
    let more = match octets.len() - named.len() {
        0 => String::new(),
        more => format!("; and {more} smaller ones"),
    };
    let blocks = match octets.len() {
        1 => "1 of the 256 /8 blocks holds what is listed".to_owned(),
        count => format!("{count} of the 256 /8 blocks hold what is listed"),
    };
    Map {
        name: "All IPv4 addresses".to_owned(),
        cell: "a /12, 1,048,576 addresses".to_owned(),
        words: format!("{blocks}. {}{more}.", named.join("; ")),
        side: grid.side_units(),
        svg,
    }
}

fn label(grid: Grid, octet: Octet, class: &str, svg: &mut String) {
    let (x, y, side) = grid.square(octet.block());
    let (x, y) = (x + side / 2, y + side / 2);
    let number = octet.number;
    let _ = write!(
        svg,
        r#"<text class="{class}" x="{x}" y="{y}">{number}</text>"#
    );
}

/// The blocks with the most networks, ascending.
fn zooms(ipv4: &Ipv4, octets: &[Octet]) -> Vec<Map> {
    let mut chosen: Vec<&Octet> = octets.iter().filter(|octet| !octet.is_plain()).collect();
    chosen.sort_by_key(|octet| (std::cmp::Reverse(octet.networks), octet.number));
    chosen.truncate(ZOOMS_MAX);
    chosen.sort_by_key(|octet| octet.number);
    chosen.into_iter().map(|octet| zoom(ipv4, *octet)).collect()
}

fn zoom(ipv4: &Ipv4, octet: Octet) -> Map {
    let block = octet.block();
    let ends = |set: &RangeSet<u32>| {
        let ranges = || inside(set.ranges(), block);
        Some((ranges().next()?.first, ranges().last()?.last))
    };
    let ends = [ends(&ipv4.allowed), ends(&ipv4.denied)];
    let ends = || ends.iter().flatten();
    let first = ends().map(|ends| ends.0).min().unwrap_or(block.first);
    let last = ends().map(|ends| ends.1).max().unwrap_or(block.last());
    let grid = Grid::new(Block::around(first, last), ZOOM_ORDER);
    let mut svg = String::new();
    background(grid, 4, ipv4, &mut svg);
    layers(grid, ipv4, &mut svg);
    let cell = match grid.cell_addresses() {
        1 => "one address".to_owned(),
        addresses => format!(
            "a /{}, {} addresses",
            grid.cell_prefix_length(),
            thousands(addresses)
        ),
    };
    Map {
        name: grid.block.text(),
        cell,
        words: format!("All that is listed of {}.", octet.words()),
        side: grid.side_units(),
        svg,
    }
}

fn block_row(octet: Octet, default: DefaultPolicy) -> BlockRow {
    BlockRow {
        name: octet.block().text(),
        allowed: thousands(octet.allowed),
        denied: thousands(octet.denied),
        share: share(match default {
            DefaultPolicy::Deny => octet.allowed,
            DefaultPolicy::Allow => octet.denied,
        }),
        is_full: octet.is_whole(),
    }
}

/// How much of a /8 so many addresses are, in hundredths of a per cent, rounded down: what is not
/// all of it, or not nothing, does not become so by rounding.
fn share(addresses: u64) -> String {
    if addresses == 0 {
        return "none".to_owned();
    }
    match addresses * 10_000 / OCTET_ADDRESSES {
        10_000 => "all of it".to_owned(),
        9_999 => "almost all".to_owned(),
        0 => "under 0.01 %".to_owned(),
        share => format!("{}.{:02} %", share / 100, share % 100),
    }
}

#[cfg(test)]
mod tests;
