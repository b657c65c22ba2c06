//! The IPv4 maps of a report: a map of the whole address space, zoomed maps of the /8 blocks with the most
//! networks, and a table of the /8 blocks. Each map is also described in words and numbers, for readers who
//! cannot see it.

mod grid;
mod hilbert;

use std::cmp::Reverse;

use serde::Serialize;

use crate::ip::{Network, RangeSet};
use crate::policy::{Effective, Policy};
use crate::report::map::grid::{Grid, Partial, SquareBlock, inside};
use crate::rule::DefaultPolicy;
use crate::text::{push_fmt, thousands};

/// The order of the map of the whole space, which has 64 × 64 cells. Each cell is a /12.
const OVERVIEW_ORDER: u32 = 6;
/// The order of a zoomed map, which has at most 32 × 32 cells.
const ZOOM_ORDER: u32 = 5;
/// The maximum number of zoomed maps.
const MAX_ZOOMS: usize = 4;
/// The minimum number of networks in a zoomed map. Fewer networks are easy to find in the table of rows.
const MIN_ZOOMED_NETWORKS: u64 = 5;
/// The minimum prefix length of a zoomed map. A wider map would show the same as the map of the whole
/// space.
const MIN_ZOOMED_PREFIX_LENGTH: u32 = 12;
/// The minimum number of listed networks for which maps are useful, unless a network is wide.
const MIN_NETWORKS: usize = 10;
/// The maximum number of host bits of a network that does not need a map. Such a network is at most a /16.
const MAX_NARROW_HOST_BITS: u32 = 16;
/// The number of blocks up to which every block is labelled with its number.
const MAX_ALL_NUMBERED: usize = 64;
/// The number of blocks up to which every block is framed in the map of the whole space, however few
/// addresses the block contains.
const MAX_ALL_FRAMED: usize = 16;
/// The maximum number of framed blocks. If there are more blocks, only blocks that are larger than all
/// blocks beyond this number are framed.
const MAX_FRAMED: usize = 64;
/// The minimum number of cells with marks for which the block's number may cover some marks. With fewer
/// cells, every mark must stay visible.
const MIN_LABELLED_OVER_CELLS: usize = 4;
/// The maximum number of blocks in the table.
const MAX_ROWS: usize = 16;
const SLASH8_BITS: u32 = 8;
const SLASH8_ADDRESSES: u64 = 1 << (32 - SLASH8_BITS);

/// The IPv4 addresses that the Allow and Deny lists of a policy decide, and not its default.
pub(crate) struct ListedIpv4 {
    /// The addresses that are permitted because of an Allow. Empty if the default is to allow.
    allowed: RangeSet<u32>,
    /// The addresses that would be permitted without a Deny.
    denied: RangeSet<u32>,
    default: DefaultPolicy,
}

impl ListedIpv4 {
    pub(crate) fn of(policy: &Policy) -> Self {
        let Effective { set, is_complement } = policy.effective();
        let set = set.into_owned().ipv4;
        let (allowed, denied) = if is_complement {
            (RangeSet::default(), set)
        } else {
            let denied = policy.allow.ipv4.difference(&set);
            (set, denied)
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

/// The IPv4 section of the page.
#[derive(Debug, Serialize)]
pub(crate) struct Ipv4Section {
    overview: MapView,
    zooms: Vec<MapView>,
    has_denied: bool,
    /// The largest blocks. Blocks that are nearly empty are not listed.
    blocks: Vec<BlockRow>,
    /// The number of blocks that are not in the table.
    more_blocks: usize,
    /// The number of allowed addresses in the blocks that are not in the table.
    more_allowed: String,
    /// The number of denied addresses in the blocks that are not in the table.
    more_denied: String,
}

#[derive(Debug, Serialize)]
struct MapView {
    name: String,
    /// The size of one cell, such as `1,048,576 addresses (a /12)`.
    cell: String,
    /// The content of the map in words.
    words: String,
    side: u32,
    /// The SVG elements of the map. All values are integers or fixed words, so the text is safe to print
    /// unescaped.
    svg: String,
}

#[derive(Debug, Serialize)]
struct BlockRow {
    name: String,
    allowed: String,
    denied: String,
    /// The share of the block that the policy treats differently from its default.
    share: String,
    is_full: bool,
}

/// A /8 block and its counts.
#[derive(Clone, Copy, Default)]
struct Slash8 {
    number: u32,
    allowed: u64,
    denied: u64,
    networks: u64,
    /// The number of this block's cells that are not empty in the map of the whole space.
    cells: usize,
}

impl Slash8 {
    fn empty(number: u32) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    fn block(self) -> SquareBlock {
        SquareBlock {
            first: self.number << (32 - SLASH8_BITS),
            prefix_length: SLASH8_BITS,
        }
    }

    fn addresses(self) -> u64 {
        self.allowed + self.denied
    }

    fn is_whole(self) -> bool {
        self.addresses() == SLASH8_ADDRESSES
    }

    /// Returns whether at least 0.01 % of the block is listed.
    fn is_noticeable(self) -> bool {
        self.addresses() * 10_000 >= SLASH8_ADDRESSES
    }

    /// Returns whether a zoomed map of the block would have only one colour.
    fn is_uniform(self) -> bool {
        let is_uniform = |count| count == 0 || count == SLASH8_ADDRESSES;
        is_uniform(self.allowed) && is_uniform(self.denied)
    }

    fn description(self) -> String {
        let name = self.block().text();
        let part = |count: u64, what: &str| match count {
            0 => None,
            SLASH8_ADDRESSES => Some(format!("all {} addresses {what}", thousands(count))),
            1 => Some(format!("1 address {what}")),
            _ => Some(format!("{} addresses {what}", thousands(count))),
        };
        let parts = [part(self.allowed, "allowed"), part(self.denied, "denied")];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        format!("{name}: {}", parts.join(", "))
    }
}

impl Ipv4Section {
    /// Returns the section. `None` if a map would not help, because there are only a few networks and none
    /// of them is wide.
    pub(crate) fn of(ipv4: &ListedIpv4, policy: &Policy) -> Option<Self> {
        let lists = [&policy.allow.ipv4, &policy.deny.ipv4];
        let networks = || lists.into_iter().flat_map(RangeSet::networks);
        let is_wide = |network: Network<u32>| network.host_bits > MAX_NARROW_HOST_BITS;
        if networks().take(MIN_NETWORKS).count() < MIN_NETWORKS && !networks().any(is_wide) {
            return None;
        }
        let mut slash8s = slash8s(ipv4, policy);
        if slash8s.is_empty() {
            return None;
        }
        let zooms = zooms(ipv4, &slash8s);
        slash8s.sort_by_key(|slash8| (Reverse(slash8.addresses()), slash8.number));
        let worth_a_row = slash8s.iter().filter(|slash8| slash8.is_noticeable());
        let (listed, more) = slash8s.split_at(worth_a_row.count().min(MAX_ROWS));
        let sum = |count: fn(&Slash8) -> u64| thousands(more.iter().map(count).sum());
        Some(Self {
            overview: overview(ipv4, &slash8s),
            zooms,
            has_denied: !ipv4.denied.is_empty(),
            blocks: listed
                .iter()
                .map(|slash8| block_row(*slash8, policy.default))
                .collect(),
            more_blocks: more.len(),
            more_allowed: sum(|slash8| slash8.allowed),
            more_denied: sum(|slash8| slash8.denied),
        })
    }
}

/// Returns the /8 blocks that contain listed addresses, in ascending order.
fn slash8s(ipv4: &ListedIpv4, policy: &Policy) -> Vec<Slash8> {
    const CELLS: usize = 1 << (2 * OVERVIEW_ORDER - SLASH8_BITS);
    let grid = Grid::new(SquareBlock::ALL, OVERVIEW_ORDER);
    let allowed = grid.counts(&ipv4.allowed);
    let denied = grid.counts(&ipv4.denied);
    let slash8 = |((allowed, denied), number): ((&[u64], &[u64]), u32)| Slash8 {
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
    let mut slash8s: Vec<Slash8> = allowed
        .chunks(CELLS)
        .zip(denied.chunks(CELLS))
        .zip(0..)
        .map(slash8)
        .collect();
    let lists = [&policy.allow.ipv4, &policy.deny.ipv4];
    for network in lists.into_iter().flat_map(RangeSet::networks) {
        let slash8 = |address: u32| (address >> (32 - SLASH8_BITS)) as usize;
        let touched = slash8s.get_mut(slash8(network.first)..=slash8(network.last()));
        for slash8 in touched.unwrap_or_default() {
            slash8.networks += 1;
        }
    }
    slash8s.retain(|slash8| slash8.addresses() > 0);
    slash8s
}

/// Draws the cells of both sets. The denied cells are drawn over the allowed cells, because Deny wins.
fn draw_layers(grid: Grid, ipv4: &ListedIpv4, svg: &mut String) {
    for (class, set, partial) in [
        ("allow", &ipv4.allowed, Partial::Shades),
        ("deny", &ipv4.denied, Partial::Dots),
    ] {
        push_fmt(svg, format_args!(r#"<g class="{class}">"#));
        grid.draw(set, partial, svg);
        svg.push_str("</g>");
    }
}

fn draw_background(grid: Grid, lines: u32, ipv4: &ListedIpv4, svg: &mut String) {
    let side = grid.side_units();
    let default = ipv4.default.name();
    push_fmt(
        svg,
        format_args!(
            r#"<rect class="space {default}-default" width="{side}" height="{side}"/><path class="grid" d=""#
        ),
    );
    for line in 1..lines {
        let at = side / lines * line;
        push_fmt(svg, format_args!("M{at} 0v{side}M0 {at}h{side}"));
    }
    svg.push_str(r#""/>"#);
}

/// Draws the map of the whole space. `slash8s` is sorted by size, the largest block first.
///
/// Large blocks are framed, or all blocks if there are only a few. If there is room to frame only some of
/// several blocks of equal size, none of them is framed, because the choice would be arbitrary.
fn overview(ipv4: &ListedIpv4, slash8s: &[Slash8]) -> MapView {
    const LARGE: u64 = 1 << 16;
    let grid = Grid::new(SquareBlock::ALL, OVERVIEW_ORDER);
    let mut svg = String::new();
    draw_background(grid, 16, ipv4, &mut svg);
    let largest_left_out = slash8s
        .get(MAX_FRAMED)
        .map_or(0, |slash8| slash8.addresses());
    let stands_out =
        |slash8: &Slash8| slash8s.len() <= MAX_ALL_FRAMED || slash8.addresses() >= LARGE;
    let is_framed = |slash8: &&Slash8| stands_out(slash8) && slash8.addresses() > largest_left_out;
    let is_landmark =
        |slash8: &Slash8| slash8s.len() <= MAX_ALL_NUMBERED || slash8.number.is_multiple_of(16);
    for number in (0..256).step_by(16) {
        if slash8s.iter().all(|slash8| slash8.number != number) {
            draw_label(grid, Slash8::empty(number), "place", &mut svg);
        }
    }
    let labelled = || {
        slash8s
            .iter()
            .filter(|slash8| is_framed(slash8) || is_landmark(slash8))
    };
    // A number over only a few marks would cover them, and a number under many marks would be unreadable.
    let is_above_marks = |slash8: &&Slash8| slash8.cells >= MIN_LABELLED_OVER_CELLS;
    for slash8 in labelled().filter(|slash8| !is_above_marks(slash8)) {
        draw_label(grid, *slash8, "under", &mut svg);
    }
    draw_layers(grid, ipv4, &mut svg);
    for slash8 in slash8s {
        let (x, y, side) = grid.square(slash8.block());
        let description = slash8.description();
        let class = match slash8 {
            slash8 if !is_framed(&slash8) => "spot",
            slash8 if slash8.is_whole() => "block whole",
            _ => "block",
        };
        push_fmt(
            &mut svg,
            format_args!(
                r#"<rect class="{class}" x="{x}" y="{y}" width="{side}" height="{side}"><title>{description}</title></rect>"#
            ),
        );
    }
    for slash8 in labelled().filter(is_above_marks) {
        draw_label(grid, *slash8, "name", &mut svg);
    }
    let named = slash8s.iter().take(3).map(|slash8| slash8.description());
    let named: Vec<String> = named.collect();
    let more = match slash8s.len() - named.len() {
        0 => String::new(),
        more => format!("; and {more} smaller blocks"),
    };
    let blocks = match slash8s.len() {
        1 => "1 of the 256 /8 blocks contains listed addresses".to_owned(),
        count => format!("{count} of the 256 /8 blocks contain listed addresses"),
    };
    MapView {
        name: "All IPv4 addresses".to_owned(),
        cell: "1,048,576 addresses (a /12)".to_owned(),
        words: format!("{blocks}. {}{more}.", named.join("; ")),
        side: grid.side_units(),
        svg,
    }
}

fn draw_label(grid: Grid, slash8: Slash8, class: &str, svg: &mut String) {
    let (x, y, side) = grid.square(slash8.block());
    let (x, y) = (x + side / 2, y + side / 2);
    let number = slash8.number;
    push_fmt(
        svg,
        format_args!(r#"<text class="{class}" x="{x}" y="{y}">{number}</text>"#),
    );
}

/// Draws zoomed maps of the blocks with the most networks, in ascending order of their addresses.
fn zooms(ipv4: &ListedIpv4, slash8s: &[Slash8]) -> Vec<MapView> {
    let is_of_use =
        |slash8: &&Slash8| !slash8.is_uniform() && slash8.networks >= MIN_ZOOMED_NETWORKS;
    let mut chosen: Vec<(Slash8, SquareBlock)> = slash8s
        .iter()
        .filter(is_of_use)
        .map(|slash8| (*slash8, listed_part(ipv4, *slash8)))
        .filter(|(_, part)| part.prefix_length >= MIN_ZOOMED_PREFIX_LENGTH)
        .collect();
    chosen.sort_by_key(|(slash8, _)| (Reverse(slash8.networks), slash8.number));
    chosen.truncate(MAX_ZOOMS);
    chosen.sort_by_key(|(slash8, _)| slash8.number);
    chosen
        .into_iter()
        .map(|(slash8, part)| zoom(ipv4, slash8, part))
        .collect()
}

/// Returns the smallest square that contains all listed addresses of a block.
fn listed_part(ipv4: &ListedIpv4, slash8: Slash8) -> SquareBlock {
    let block = slash8.block();
    let ends = |set: &RangeSet<u32>| {
        let mut ranges = inside(set, block);
        let first = ranges.next()?;
        let last = ranges.next_back().unwrap_or(first);
        Some((first.first, last.last))
    };
    let ends = [ends(&ipv4.allowed), ends(&ipv4.denied)];
    let ends = || ends.iter().flatten();
    let first = ends().map(|ends| ends.0).min().unwrap_or(block.first);
    let last = ends().map(|ends| ends.1).max().unwrap_or(block.last());
    SquareBlock::around(first, last)
}

fn zoom(ipv4: &ListedIpv4, slash8: Slash8, part: SquareBlock) -> MapView {
    let grid = Grid::new(part, ZOOM_ORDER);
    let mut svg = String::new();
    draw_background(grid, 4, ipv4, &mut svg);
    draw_layers(grid, ipv4, &mut svg);
    let cell = match grid.cell_addresses() {
        1 => "one address".to_owned(),
        addresses => format!(
            "{} addresses (a /{})",
            thousands(addresses),
            grid.cell_prefix_length()
        ),
    };
    MapView {
        name: grid.block.text(),
        cell,
        words: format!("Listed addresses of {}.", slash8.description()),
        side: grid.side_units(),
        svg,
    }
}

fn block_row(slash8: Slash8, default: DefaultPolicy) -> BlockRow {
    BlockRow {
        name: slash8.block().text(),
        allowed: thousands(slash8.allowed),
        denied: thousands(slash8.denied),
        share: share(match default {
            DefaultPolicy::Deny => slash8.allowed,
            DefaultPolicy::Allow => slash8.denied,
        }),
        is_full: slash8.is_whole(),
    }
}

/// Returns a number of addresses as a share of a /8, in hundredths of a per cent, rounded down. Only the
/// whole block is `all of it`, and only an empty share is `none`.
fn share(addresses: u64) -> String {
    if addresses == 0 {
        return "none".to_owned();
    }
    match addresses * 10_000 / SLASH8_ADDRESSES {
        10_000 => "all of it".to_owned(),
        9_999 => "almost all".to_owned(),
        0 => "under 0.01%".to_owned(),
        share => format!("{}.{:02}%", share / 100, share % 100),
    }
}

#[cfg(test)]
mod tests;
