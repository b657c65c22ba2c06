//! The target `parse`: reads the rows of an upload as a whole and in random pieces, with and without the
//! fast path.

use htaccess_generator::answer::{RejectionCode, Warning, WarningCode};
use htaccess_generator::ip::parse_address;
use htaccess_generator::time::{Bound, DateReader};

use super::rows::{Reading, Row, Way, may_be_damaged_gzip, read, read_text, text_of};
use super::{Dice, MAX_MESSAGE_BYTES, MAX_SENTENCE_BYTES, check_message};

/// The maximum length of a text that is also pushed byte by byte.
const MAX_BYTEWISE_BYTES: usize = 64;
/// The maximum length of a text that is pushed byte by byte in one of four cases, because this is slow.
const MAX_BYTEWISE_SOMETIMES: usize = 300;

/// The maximum length of a suggestion, in bytes.
const MAX_FIX_BYTES: usize = 100;

/// The maximum number of lines that are skipped above a header.
const MAX_TITLES: usize = 5;

/// The length of the start of an upload that the decoder inspects first and passes on in one piece.
const SNIFFED_BYTES: usize = 4096;

/// Checks an upload.
pub(crate) fn check(upload: &[u8]) {
    let mut dice = Dice::new(upload);
    let whole = read([upload]);
    let pieces = dice.pieces(upload);
    let cut = read(&pieces);
    if may_be_damaged_gzip(upload, whole.refusal.is_some()) {
        assert!(cut.refusal.is_some(), "cut into {pieces:?}");
    } else {
        assert_eq!(cut, whole, "cut into {pieces:?}");
    }
    check_cuts_further_down(upload, &mut dice);
    let text = text_of(upload);
    check_cuts_of_text(&text, &mut dice);
    let lines = lines_of(&text);
    check_line_numbers(&whole, lines.len());
    if whole.refusal.is_none() && !text.contains(&b'"') {
        check_every_row_is_seen(&whole, &lines);
    }
    whole.rows.iter().for_each(check_row);
    if let Some(refusal) = &whole.refusal {
        check_message(&refusal.to_string(), MAX_MESSAGE_BYTES);
    }
}

/// Checks an upload in pieces, with comments before it that are long enough for the decoder to pass the
/// pieces on unchanged. Compressed uploads are skipped, because their decompressed pieces differ.
fn check_cuts_further_down(upload: &[u8], dice: &mut Dice) {
    let comment = "#2345678901234567890123456789012\n";
    let (start, comment, upload) = match upload {
        [0x1f, 0x8b, ..] => return,
        [0xff, 0xfe, rest @ ..] => (&upload[..2], utf16(comment, u16::to_le_bytes), rest),
        [0xfe, 0xff, rest @ ..] => (&upload[..2], utf16(comment, u16::to_be_bytes), rest),
        _ => (&[][..], comment.as_bytes().to_vec(), upload),
    };
    let comments = comment.repeat(SNIFFED_BYTES / comment.len() + 1);
    let before = [start, &comments].concat();
    let mut pieces = dice.pieces(upload);
    pieces.insert(0, &before);
    assert_eq!(
        read(&pieces),
        read([pieces.concat()]),
        "cut further down into {pieces:?}"
    );
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

fn check_cuts_of_text(text: &[u8], dice: &mut Dice) {
    let whole = read_text(Way::Long, [text]);
    let pieces = dice.pieces(text);
    assert_eq!(read_text(Way::Long, &pieces), whole, "cut into {pieces:?}");
    for pieces in [&[text][..], &pieces] {
        let short = read_text(Way::Short, pieces);
        assert!(
            short.may_stand_for(&whole),
            "{pieces:?} at one go are {short:?} in place of {whole:?}"
        );
    }
    let bytewise_max = match dice.below(4) {
        0 => MAX_BYTEWISE_SOMETIMES,
        _ => MAX_BYTEWISE_BYTES,
    };
    if text.len() <= bytewise_max {
        let bytewise = read_text(Way::Long, text.chunks(1));
        assert_eq!(bytewise, whole, "byte by byte");
    }
}

/// Splits a text into lines like an editor: at LF, CRLF and CR.
fn lines_of(text: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.iter().position(|byte| b"\r\n".contains(byte)) {
        lines.push(&rest[..end]);
        let terminator = 1 + usize::from(rest[end..].starts_with(b"\r\n"));
        rest = &rest[end + terminator..];
    }
    lines.push(rest);
    lines
}

/// Checks that no two rows start on the same line, and that every row starts on a line that exists.
fn check_line_numbers(reading: &Reading, lines: usize) {
    let numbers: Vec<u64> = reading.rows.iter().map(Row::line).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let outside = |number: &u64| *number < 1 || *number > lines as u64;
    assert_eq!(numbers.iter().copied().find(outside), None, "of {lines}");
}

/// Checks that in an upload without quotes, every line after the header that starts with a letter or a
/// digit is an accepted or rejected row. Comments and empty lines are not rows.
fn check_every_row_is_seen(reading: &Reading, lines: &[&[u8]]) {
    let header = header_of(reading, lines);
    let mut rows = reading.rows.iter().map(Row::line).peekable();
    for (number, line) in (1..).zip(lines) {
        let is_row = rows.next_if_eq(&number).is_some();
        let first = line.first();
        if first.is_some_and(u8::is_ascii_alphanumeric) {
            assert_eq!(is_row, number > header, "line {number}");
        } else if line.is_empty() || is_comment(line) && !may_have_three_cells(line) {
            assert!(!is_row, "line {number} is no row");
        }
    }
}

/// Returns the line number of the header: the last line above the first row that can be a header. Checks
/// that the lines above it, which are titles, are few and have a warning.
fn header_of(reading: &Reading, lines: &[&[u8]]) -> u64 {
    let first_row = reading.rows.first().map_or(u64::MAX, Row::line);
    let above = (1..)
        .zip(lines)
        .take_while(|(number, _)| *number < first_row);
    let above: Vec<u64> = above
        .filter(|(_, line)| !is_before_header(line))
        .map(|(number, _)| number)
        .collect();
    let (header, titles) = above
        .split_last()
        .expect("a file without a header is refused");
    assert!(titles.len() <= MAX_TITLES, "{titles:?}");
    if let Some(first) = titles.first() {
        // The warning names the first title. A title without ASCII letters and digits may come before
        // those that are counted here.
        let is_told = |warning: &Warning| {
            warning.code == WarningCode::Guessed && warning.line.is_some_and(|line| line <= *first)
        };
        assert!(reading.warnings.iter().any(is_told), "{titles:?}");
    }
    *header
}

/// Returns whether a line is a comment: it starts with `#`, but not with a failed formula (`#N/A`) or with
/// several `#`, which a spreadsheet shows in a column that is too narrow.
fn is_comment(line: &[u8]) -> bool {
    let second = line.get(1);
    line.first() == Some(&b'#')
        && second.is_none_or(|byte| *byte != b'#' && !byte.is_ascii_uppercase())
}

/// Returns whether a line has enough delimiters for a first cell, an address and a rule. Such a line may
/// be a row even if it starts with `#`.
fn may_have_three_cells(line: &[u8]) -> bool {
    line.iter().filter(|byte| b",;|\t".contains(byte)).count() >= 2
}

/// Returns whether a line cannot be a header. A header contains letters or digits, because the names of
/// columns consist of letters.
fn is_before_header(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let is_separator = line.len() > 4
        && line[..4].eq_ignore_ascii_case(b"sep=")
        && line[4..]
            .iter()
            .all(|byte| b",;|".contains(byte) || byte.is_ascii_whitespace());
    is_separator || line.starts_with(b"#") || !line.iter().any(u8::is_ascii_alphanumeric)
}

fn check_row(row: &Row) {
    match row {
        Row::Plain { .. } => unreachable!("the long way takes none"),
        Row::Accepted {
            addresses, address, ..
        } => assert_eq!(parse_address(address).as_ref(), Ok(addresses)),
        Row::Rejected { rejection, .. } => {
            let start = format!("line {}: ", rejection.line);
            assert!(rejection.message().starts_with(&start), "{rejection:?}");
            assert!(rejection.value.len() <= 256, "{rejection:?}");
            check_message(&rejection.message(), MAX_SENTENCE_BYTES);
            for fix in &rejection.fixes {
                let is_accepted = match rejection.code {
                    RejectionCode::UnknownRule => ["Allow", "Deny"].contains(&fix.as_str()),
                    RejectionCode::InvalidDate => {
                        DateReader::default().read(Bound::Expires, fix).is_ok()
                    }
                    _ => parse_address(fix).is_ok(),
                };
                assert!(is_accepted, "{fix:?} for {rejection:?}");
                check_message(fix, MAX_FIX_BYTES);
            }
        }
    }
}
