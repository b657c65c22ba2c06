//! Uploads that are not CSV, that are damaged, or that try to exhaust the machine. Each must be refused
//! as early as possible. `memory` measures how much memory each upload takes.

use std::iter::{once, once_with, repeat_n};

use flate2::{Compress, Compression, FlushCompress};

use crate::support::{Setup, gzip, refusal_of, utf16_be, utf16_le};

const GIB: usize = 1024 * 1024 * 1024;
const MIB: usize = 1024 * 1024;
const PIECE_BYTES: usize = 64 * 1024;

const NOT_TEXT: &str = "not-csv: the file is not text, because it contains NUL bytes: expected a CSV in \
                        UTF-8, Windows-1252, or UTF-16 with a byte order mark";
const UTF16_WITHOUT_MARK: &str =
    "not-csv: the file is UTF-16 without a byte order mark: save it as CSV UTF-8";
const UTF32: &str = "not-csv: the file is UTF-32: save it as CSV UTF-8";
const CUT_UTF16: &str = "not-csv: the UTF-16 text is damaged or incomplete: save the sheet as CSV \
                         UTF-8 and upload the whole file";
const EMPTY: &str = "missing-column: the file is empty: expected a header with the columns \
                     \"IP Address\" and \"Rule\"";
/// The default limit, or a smaller limit in builds without optimization, where the
/// default would take minutes.
const MAX_CSV_BYTES: usize = if cfg!(debug_assertions) {
    4 * MIB
} else {
    256 * MIB
};
const LONG_LINE: &str = "is longer than 1048576 bytes: expected one rule per line";
const GOOD: &str = "IP Address,Rule\n192.0.2.1,Allow\n";

/// The maximum growth of memory while a file is read, in KiB. It covers twice the longest line (its
/// bytes and its cells), the pieces, the stored parts of the rows, and the pages of the debug build
/// that are used for the first time.
const PEAK_KIB: u64 = 9 * 1024;

/// Returns the settings under which every upload in this file is refused.
pub(crate) fn setup() -> Setup {
    let lookup = |name: &str| match name {
        "MAX_CSV_BYTES" => Some(MAX_CSV_BYTES.to_string()),
        "MAX_OUTPUT_BYTES" => Some(MIB.to_string()),
        _ => None,
    };
    Setup::new(lookup, None)
}

fn over_the_limit() -> String {
    format!(
        "too-large: the CSV is larger than {MAX_CSV_BYTES} bytes after decompression: \
         split it, or raise MAX_CSV_BYTES"
    )
}

type Pieces = Box<dyn Iterator<Item = Vec<u8>>>;

/// An upload that must be refused.
pub(crate) struct BadFile {
    pub(crate) name: &'static str,
    /// The pieces of the upload. They are produced while they are pushed, because some uploads are
    /// larger than the memory.
    pub(crate) pieces: Pieces,
    /// The expected refusal as `code: sentence`.
    pub(crate) expected: String,
    /// The maximum number of bytes that are read before the refusal.
    pub(crate) read_bytes_max: usize,
    /// The maximum growth of memory, in KiB.
    pub(crate) peak_kib_max: u64,
}

fn bad(name: &'static str, pieces: Pieces, expected: impl Into<String>) -> BadFile {
    BadFile {
        name,
        pieces,
        expected: expected.into(),
        read_bytes_max: usize::MAX,
        peak_kib_max: PEAK_KIB,
    }
}

/// An upload in one piece.
fn small(name: &'static str, bytes: impl Into<Vec<u8>>, expected: impl Into<String>) -> BadFile {
    bad(name, Box::new(once(bytes.into())), expected)
}

impl BadFile {
    fn refused_within(self, read_bytes_max: usize) -> Self {
        Self {
            read_bytes_max,
            ..self
        }
    }

    fn in_memory_of(self, peak_kib_max: u64) -> Self {
        Self {
            peak_kib_max,
            ..self
        }
    }

    /// Pushes pieces until the refusal. Returns the refusal and the number of bytes that were read.
    pub(crate) fn run(self, setup: &Setup) -> (String, usize) {
        let mut read_bytes = 0;
        let pieces = self.pieces.inspect(|piece| read_bytes += piece.len());
        let outcome = setup.run_pieces(pieces);
        (refusal_of(&outcome), read_bytes)
    }
}

/// Returns pieces that are produced on demand, so that `memory` can measure the memory
/// that reading them takes.
fn lazily<I: Iterator<Item = Vec<u8>> + 'static>(make: impl FnOnce() -> I + 'static) -> Pieces {
    Box::new(once_with(make).flatten())
}

/// Returns a start, followed by the same text over and over, up to about `bytes` bytes.
fn endless(start: &str, text: &'static [u8], bytes: usize) -> Pieces {
    let start = start.into();
    lazily(move || {
        let piece = text.repeat(PIECE_BYTES.div_ceil(text.len()));
        let count = bytes / piece.len();
        once(start).chain(repeat_n(piece, count))
    })
}

/// Like [`endless`], but as one gzip member with the smallest size that gzip can produce. The
/// text is compressed once and its blocks are repeated, because no block refers to an earlier
/// block after a full flush.
fn bomb(start: &'static str, text: &'static [u8], bytes: usize) -> Pieces {
    lazily(move || {
        let block = text.repeat(MIB.div_ceil(text.len()));
        let mut deflate = Compress::new(Compression::best(), false);
        let mut compressed = |text: &[u8]| {
            let mut out = Vec::with_capacity(PIECE_BYTES);
            deflate
                .compress_vec(text, &mut out, FlushCompress::Full)
                .unwrap();
            out
        };
        let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        let start = [&header[..], &compressed(start.as_bytes())].concat();
        once(start).chain(repeat_n(compressed(&block), bytes / block.len()))
    })
}

/// Returns pseudo-random bytes from a fixed seed (xorshift).
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..bytes).map(|_| next()).collect()
}

fn without_last(mut bytes: Vec<u8>, count: usize) -> Vec<u8> {
    bytes.truncate(bytes.len() - count);
    bytes
}

fn damaged_gzip(reason: &str) -> String {
    format!(
        "not-csv: the gzip data is damaged or incomplete ({reason}): \
         compress the CSV again and upload the whole file"
    )
}

/// Uploads that are not text.
fn binaries() -> Vec<BadFile> {
    let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &noise(4000)].concat();
    let utf16_without_mark = utf16_le(GOOD).split_off(2);
    let workbook = [b"PK\x03\x04\x14\0\x06\0".as_slice(), &noise(4000)].concat();
    let workbook_text = "not-csv: the file is a ZIP file or a spreadsheet workbook (.xlsx, .ods): save the sheet \
         as CSV and upload the CSV";
    vec![
        small("a PNG", png.clone(), NOT_TEXT),
        small("a PNG, compressed", gzip(&png), NOT_TEXT),
        bad("a PNG, byte by byte", bytewise(png), NOT_TEXT),
        small("noise", noise(4000), NOT_TEXT),
        small("a NUL behind good rows", format!("{GOOD}\0"), NOT_TEXT),
        small("a workbook", workbook.clone(), workbook_text),
        bad(
            "a workbook, byte by byte",
            bytewise(workbook),
            workbook_text,
        ),
        small(
            "UTF-16 without a mark",
            utf16_without_mark,
            UTF16_WITHOUT_MARK,
        ),
        small("UTF-32", b"\xff\xfe\0\0I\0\0\0P\0\0\0".as_slice(), UTF32),
    ]
}

fn bytewise(bytes: Vec<u8>) -> Pieces {
    Box::new(bytes.into_iter().map(|byte| vec![byte]))
}

/// Text that is cut off or damaged.
fn damaged() -> Vec<BadFile> {
    const INCOMPLETE: &str = "incomplete deflate stream";
    const SUM: &str = "corrupt gzip stream does not have a matching checksum";
    const HEADER: &str = "invalid gzip header";
    let odd = without_last(utf16_le(GOOD), 1);
    let half_a_pair = without_last(utf16_be(&format!("{GOOD}𝄞")), 2);
    let wrong_order = [utf16_le(GOOD), vec![0x00, 0xdc, 0x00, 0xd8]].concat();
    let compressed = gzip(GOOD.as_bytes());
    let mut wrong_sum = compressed.clone();
    let sum = compressed.len() - 8;
    wrong_sum[sum] ^= 1;
    let mut wrong_length = compressed.clone();
    wrong_length[sum + 4] ^= 1;
    let garbage = [b"\x1f\x8b".as_slice(), &noise(4000)].concat();
    let trailing = [compressed.as_slice(), b"and more behind it"].concat();
    vec![
        small("UTF-16 cut within a unit", odd, CUT_UTF16),
        small("UTF-16 cut within a pair", half_a_pair, CUT_UTF16),
        small("UTF-16 with a pair turned round", wrong_order, CUT_UTF16),
        small(
            "gzip cut off",
            without_last(compressed.clone(), 12),
            damaged_gzip(INCOMPLETE),
        ),
        small(
            "gzip without its sum",
            without_last(compressed.clone(), 8),
            damaged_gzip(SUM),
        ),
        small("gzip with a wrong sum", wrong_sum, damaged_gzip(SUM)),
        small("gzip with a wrong length", wrong_length, damaged_gzip(SUM)),
        small(
            "gzip of two bytes",
            b"\x1f\x8b".as_slice(),
            damaged_gzip(INCOMPLETE),
        ),
        small("garbage after gzip's magic", garbage, damaged_gzip(HEADER)),
        small("garbage behind gzip", trailing, damaged_gzip(HEADER)),
    ]
}

/// Returns `"c0", "c1", ` and so on.
fn quoted_names(count: usize) -> String {
    let names: Vec<String> = (0..count).map(|index| format!("\"c{index}\", ")).collect();
    names.concat()
}

/// Text without rules.
fn without_rules() -> Vec<BadFile> {
    let found_ten = quoted_names(10);
    let wide = |count: usize| {
        let names: Vec<String> = (0..count).map(|index| format!("c{index}")).collect();
        names.join(",")
    };
    let no_columns = "missing-column: the header has no column \"IP Address\" (or IP, Address, Network, CIDR) \
         and no column \"Rule\" (or Action, Policy): found";
    vec![
        small("empty", "", EMPTY),
        small("one byte order mark", "\u{feff}", EMPTY),
        small("empty, compressed", gzip(b""), EMPTY),
        small("blanks", " \n\t\r\n,,,\n;\n", EMPTY),
        small(
            "header only",
            "IP Address,Rule\n",
            "no-rules: no row was accepted: there is no row below the header",
        ),
        small(
            "no such column",
            "a;b\n1;2\n",
            format!("{no_columns} \"a\", \"b\""),
        ),
        small(
            "no such column in 10,000",
            wide(10_000),
            format!("{no_columns} {found_ten}9990 more"),
        ),
        small(
            "a header of 10,000 columns",
            format!("IP Address,Rule,{}\n192.0.2.1,Allow\n", wide(9_998)),
            "too-large: line 1 has 10000 cells: at most 1024 are accepted",
        ),
    ]
}

/// Rows that never end, or that have too many cells.
fn too_wide() -> Vec<BadFile> {
    let wide = |cell: &str| vec![cell; 10_000].join(",");
    let rows = |cell: &str| format!("IP Address,Rule\n192.0.2.1,Allow\n{}\n", wide(cell));
    let cells = "too-large: line 3 has 10000 cells: at most 1024 are accepted";
    let open = "close it, or double each quote that is part of a cell";
    let open_cell = format!("{GOOD}192.0.2.2,Allow,\"");
    vec![
        small("a row of 10,000 columns", rows("1.1.1.1"), cells),
        small("a row of 10,000 quoted columns", rows("\"x\""), cells),
        small("a row of 10,000 empty columns", rows(""), cells),
        small(
            "a quote that is not closed",
            format!("{open_cell}x\n"),
            format!("not-csv: line 3 opens a quote that is not closed: {open}"),
        ),
        small(
            "a quote that is not closed in the header",
            "IP Address,\"Rule\n",
            format!("not-csv: line 1 opens a quote that is not closed: {open}"),
        ),
        small(
            "a quote over more than 100 lines",
            format!("{open_cell}{}\"\n192.0.2.3,Allow\n", "x\n".repeat(101)),
            format!("not-csv: line 3 opens a quote that is not closed within 100 lines: {open}"),
        ),
        bad(
            "1 GB of quoted lines",
            endless(&open_cell, b"x\n", GIB),
            format!("not-csv: line 3 opens a quote that is not closed within 100 lines: {open}"),
        )
        .refused_within(2 * PIECE_BYTES),
        bad(
            "1 GB in one line",
            endless(GOOD, b"1.1.1.1,Allow,", GIB),
            format!("too-large: line 3 {LONG_LINE}"),
        )
        .refused_within(MIB + 2 * PIECE_BYTES),
        bad(
            "1 GB in one quoted line",
            endless(&open_cell, b"x", GIB),
            format!("too-large: line 3 {LONG_LINE}"),
        )
        .refused_within(MIB + 2 * PIECE_BYTES),
        bad(
            "1 GB in the header",
            endless("IP Address,Rule,", b"x", GIB),
            format!("too-large: line 1 {LONG_LINE}"),
        )
        .refused_within(MIB + 2 * PIECE_BYTES),
    ]
}

/// Ten gibibytes, compressed to a few megabytes.
fn bombs() -> Vec<BadFile> {
    let ten_gib = 10 * GIB;
    vec![
        bad(
            "10 GB of zeros, compressed",
            bomb("", &[0], ten_gib),
            NOT_TEXT,
        )
        .refused_within(PIECE_BYTES),
        bad(
            "10 GB of spaces, compressed",
            bomb("", b" ", ten_gib),
            format!("too-large: line 1 {LONG_LINE}"),
        )
        .refused_within(PIECE_BYTES),
        bad(
            "10 GB of line feeds, compressed",
            bomb(GOOD, b"\n", ten_gib),
            over_the_limit(),
        )
        .refused_within(MIB),
        bad(
            "10 GB of one good row, compressed",
            bomb(GOOD, b"1::,Deny\n", ten_gib),
            over_the_limit(),
        )
        .refused_within(4 * MIB),
        bad(
            "10 GB of one bad row, compressed",
            bomb(GOOD, b"x,\n", ten_gib),
            over_the_limit(),
        )
        .refused_within(4 * MIB),
    ]
}

/// Gzip data with so many small parts that reading it takes longer than reading its text would.
fn gzip_in_small_parts() -> Vec<BadFile> {
    let refusal = "too-large: the gzip data has too many small parts for the text that it contains: \
                   compress the whole CSV in one step";
    let repeated = |part: Vec<u8>, count: usize| {
        let start = gzip(GOOD.as_bytes());
        let piece = part.repeat(PIECE_BYTES.div_ceil(part.len()));
        lazily(move || once(start).chain(repeat_n(piece, count)))
    };
    // A stored block without data.
    let empty_block = [0, 0, 0, 0xff, 0xff];
    let blocks = lazily(move || {
        let header = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        let piece = empty_block.repeat(PIECE_BYTES / empty_block.len());
        once(header).chain(repeat_n(piece, 1000))
    });
    vec![
        bad("empty gzip members", repeated(gzip(b""), 1000), refusal)
            .refused_within(2 * PIECE_BYTES),
        bad(
            "a gzip member for each row",
            repeated(gzip(b"1.1.1.1,Deny\n"), 1000),
            refusal,
        )
        .refused_within(2 * PIECE_BYTES),
        bad("empty blocks in gzip", blocks, refusal).refused_within(3 * PIECE_BYTES),
    ]
}

/// Returns rows that each have a different address, in pieces of 1,000 rows.
fn numbered_rows(rows: u32, row: impl Fn(u32) -> String + 'static) -> Pieces {
    lazily(move || {
        let piece = move |first: u32| (first..first + 1000).map(&row).collect::<String>();
        let pieces = (0..rows / 1000).map(move |piece_of| piece(1000 * piece_of).into_bytes());
        once(b"IP,Rule\n".to_vec()).chain(pieces)
    })
}

/// Short uploads with very long outputs, or with more ranges than an output can have.
fn long_outputs() -> Vec<BadFile> {
    const KIB: u64 = 64 * 1024;
    let wide_range = |row: u32| {
        let (high, low) = (row >> 16, row & 0xffff);
        let prefix = format!("2001:{high:x}:{low:x}");
        format!("{prefix}::1-{prefix}:0:ffff:ffff:ffff:fffe,Allow\n")
    };
    let networks = "too-large: the output would be larger than 1,048,576 bytes, because it contains 2,520,000 \
                    networks: write networks instead of ranges, or split the CSV, or raise MAX_OUTPUT_BYTES";
    let ranges = "too-large: the rows contain more than 131,072 separate ranges, which is more than an output \
                  can hold: write wider networks, or split the CSV, or raise MAX_OUTPUT_BYTES";
    let hosts = |row: u32| format!("{:x}:{:x}::,Deny\n", row >> 16, row & 0xffff);
    vec![
        bad(
            "20,000 ranges of 126 networks",
            numbered_rows(20_000, wide_range),
            networks,
        )
        .in_memory_of(KIB),
        bad(
            "a million rejected hosts of IPv6",
            numbered_rows(1_000_000, move |row| hosts(1 + row).replace("Deny", "x")),
            ranges,
        )
        .refused_within(5 * MIB)
        .in_memory_of(KIB),
        bad(
            "a million hosts of IPv6",
            numbered_rows(1_000_000, move |row| hosts(1 + row)),
            ranges,
        )
        .refused_within(4 * MIB)
        .in_memory_of(KIB),
    ]
}

pub(crate) fn bad_files() -> Vec<BadFile> {
    let groups = [
        binaries(),
        damaged(),
        without_rules(),
        too_wide(),
        bombs(),
        gzip_in_small_parts(),
        long_outputs(),
    ];
    groups.into_iter().flatten().collect()
}

#[test]
fn every_bad_file_is_refused_early_with_its_code_and_message() {
    let setup = setup();
    let mut problems = Vec::new();
    for file in bad_files() {
        let (name, expected, read_bytes_max) =
            (file.name, file.expected.clone(), file.read_bytes_max);
        let (found, read_bytes) = file.run(&setup);
        if found != expected {
            problems.push(format!("=== {name}\n- {expected}\n+ {found}\n"));
        }
        if read_bytes > read_bytes_max {
            problems.push(format!(
                "=== {name}: {read_bytes} bytes read, expected {read_bytes_max}\n"
            ));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.concat());
}
