//! Two fast paths speed up typical uploads: plain rows are read in bulk, and a built-in template
//! receives placeholders for its lines. A template that uses the rows takes neither path. Therefore, a
//! copy of a built-in template that also uses the rows takes the slow path for the same upload.

use htaccess_generator::answer::RefusalCode;
use htaccess_generator::generate::{Keep, Upload};
use htaccess_generator::render::{BUILT_IN, BuiltIn};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::library::fuzz_corpus::checks;
use crate::support::{AS_OF, Setup, text_of};

/// Returns a setup with a copy of the template that requests the rows but prints none.
fn long_way(source: &str) -> Setup {
    Setup::with_template(&checks::generate::asking_for_rows(source))
}

#[track_caller]
fn check(upload: &[u8], pieces_bytes: usize) {
    for BuiltIn { name, source, .. } in BUILT_IN {
        let short = Setup::with("TEMPLATE", name).run_pieces(upload.chunks(pieces_bytes));
        let long = long_way(source).run(upload);
        if short.answer.code == Some(RefusalCode::BadTemplate) {
            // The refusal contains the name of a built-in template, but the line numbers of a copy.
            assert_eq!(long.answer.code, short.answer.code, "{name}");
            continue;
        }
        assert_eq!(text_of(&short), text_of(&long), "{name}");
    }
}

/// A short number, usually a valid octet.
fn octet() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => any::<u8>().prop_map(|octet| octet.to_string()),
        1 => (0..2000u16).prop_map(|number| number.to_string()),
        1 => any::<u8>().prop_map(|octet| format!("{octet:03}")),
        1 => select(&["", "x", "-1", " 7"][..]).prop_map(str::to_owned),
    ]
}

fn address() -> impl Strategy<Value = String> {
    let octets = || vec(octet(), 4..=4).prop_map(|octets| octets.join("."));
    prop_oneof![
        12 => octets(),
        2 => (any::<u32>(), 0..=32u32).prop_map(|(address, length)| {
            let network = address & u32::MAX.checked_shl(32 - length).unwrap_or(0);
            format!("{}/{length}", std::net::Ipv4Addr::from_bits(network))
        }),
        1 => (octets(), 0..40u8).prop_map(|(address, length)| format!("{address}/{length}")),
        1 => vec(octet(), 0..7).prop_map(|octets| octets.join(".")),
        1 => select(
            &["all", "::1", "2001:db8::/32", "10.0.0.0/255.0.0.0", "10.0.0.1-10.0.0.9", "#1.2.3.4"][..]
        ).prop_map(str::to_owned),
    ]
}

fn rule() -> impl Strategy<Value = String> {
    let rules = [
        "Allow", "Deny", "Deny", "allow", "DENY", "aLLow", "Denyed", "Allo", "", "Block",
    ];
    select(rules.to_vec()).prop_map(str::to_owned)
}

fn comment() -> impl Strategy<Value = String> {
    let comments = [
        "",
        "",
        "office",
        "a, b",
        "5\" pipe",
        "\"",
        "\"\"",
        "#",
        "\u{e9}",
        "two\nlines",
        " ",
    ];
    select(comments.to_vec()).prop_map(str::to_owned)
}

/// Dates in every form, valid and invalid.
fn date() -> impl Strategy<Value = String> {
    let dates = [
        "",
        "",
        "2026-12-31",
        "2026-12-31",
        "2020-01-01",
        "2030-02-28",
        "2026-12-31 18:00",
        "2026-12-31T18:00:30",
        "2026-12-31T18:00:00Z",
        "2026-11-26T14:00:00.5+02:00",
        "never",
        "-",
        "2026-02-30",
        "2026-12-31 24:00",
        "31/12/2026",
        "7d",
        "46387",
        "9999-12-31",
    ];
    select(dates.to_vec()).prop_map(str::to_owned)
}

/// Writes a cell in different ways: as is, in quotes (with its own quotes doubled or not), or between spaces.
fn written(cell: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (cell, 0..12u8).prop_map(|(cell, form)| match form {
        0..8 => cell,
        8..10 => format!("\"{}\"", cell.replace('"', "\"\"")),
        10 => format!("\"{cell}\""),
        _ => format!(" {cell} "),
    })
}

/// An upload with the same column order, delimiter and line endings in every row.
fn upload() -> impl Strategy<Value = Vec<u8>> {
    let row = (
        written(address()),
        written(rule()),
        written(comment()),
        written(date()),
        written(date()),
        0..16u8,
    );
    // The orders of the columns: 0 is the address, 1 the rule, 2 the comment, 3 the start and 4 the end.
    let orders = [
        vec![0, 1, 2],
        vec![0, 1, 2],
        vec![1, 0, 2],
        vec![2, 1, 0],
        vec![0, 2, 1],
        vec![0, 1, 2, 3, 4],
        vec![0, 1, 4],
        vec![0, 1, 3, 2],
        vec![4, 3, 2, 1, 0],
        vec![2, 4, 0, 3, 1],
    ];
    let format = (
        select(orders.to_vec()),
        select(vec![",", ",", ";", "\t"]),
        select(vec!["\n", "\n", "\r\n", "\r"]),
    );
    (format, vec(row, 1..40)).prop_map(|((order, delimiter, line_end), rows)| {
        let line = |cells: [&str; 5]| {
            let cells: Vec<&str> = order.iter().map(|index: &usize| cells[*index]).collect();
            cells.join(delimiter)
        };
        let mut lines = vec![line(["IP", "Rule", "Comment", "Starts", "Expires"])];
        for (address, rule, comment, starts, expires, form) in &rows {
            let text = line([address, rule, comment, starts, expires]);
            lines.push(match form {
                0 => format!("{text}{delimiter}{delimiter}x"),
                1 => format!("# {text}"),
                2 => String::new(),
                _ => text,
            });
        }
        lines.push(String::new());
        lines.join(line_end).into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_path_gives_the_same_outcome_as_the_slow_path(upload in upload(), piece_bytes in 1..4000usize) {
        check(&upload, piece_bytes);
    }

    /// Compares the rows one by one, with pieces of any size.
    #[test]
    fn the_fast_path_reads_the_same_rows_as_the_slow_path(upload in upload()) {
        checks::parse::check(&upload);
    }
}

#[test]
fn long_lists_of_both_families_are_the_same_with_placeholders() {
    use std::fmt::Write as _;
    let mut upload = "IP,Rule\n".to_owned();
    for index in 0..400u32 {
        let [_, b, c, d] = (index * 6151 * 2).to_be_bytes();
        writeln!(
            upload,
            "100.{b}.{c}.{d},Allow\n10.{b}.{c}.0/24,Allow\n10.{b}.{c}.{d},Deny"
        )
        .unwrap();
        writeln!(
            upload,
            "2001:db8:{index:x}::/48,Allow\n2001:db8:{index:x}::{index:x},Deny"
        )
        .unwrap();
    }
    check(upload.as_bytes(), 64 * 1024);
    check(format!("{upload}all,Allow\n").as_bytes(), 64 * 1024);
}

/// The command line pushes pieces of 512 KiB. Special text must be read correctly at the ends of the
/// pieces and in the middle.
#[test]
fn special_text_is_read_correctly_anywhere_in_large_pieces() {
    use std::fmt::Write as _;
    const PIECE_BYTES: usize = 512 * 1024;
    const HEADER: &str = "IP,Rule,Note\n";
    const FILLER: &str = "1.2.3.4,Deny,\n";
    let mut rows = HEADER.to_owned();
    for row in 0..41_000u32 {
        let [a, b, c, d] = row.wrapping_mul(2_654_435_761).to_be_bytes();
        writeln!(rows, "{a}.{b}.{c}.{d},Allow,{row}").unwrap();
    }
    assert!(
        rows.len() > 2 * PIECE_BYTES,
        "no row after the second piece"
    );
    let setup = Setup::default();
    let run = |upload: &str, piece_bytes: usize| {
        let keep = Keep::for_template(&setup.template);
        let mut reading = Upload::new(
            &setup.settings,
            setup.source.clone(),
            keep,
            AS_OF,
            &setup.shared,
        );
        for piece in upload.as_bytes().chunks(piece_bytes) {
            if reading.push(piece).is_break() {
                break;
            }
        }
        text_of(&reading.finish().render(&setup.template))
    };
    // A cell that continues after the end of a piece and contains text that looks like rows.
    let quoted: String = rows.split_inclusive('\n').skip(30_000).take(90).collect();
    let quoted = format!("1.1.1.1,Allow,\"{quoted}\"\n");
    let odd_rows = [
        "2.2.2,Deny\n",
        "all,Allow\n1.1.1.1,Deny\n",
        "\r\n# 1.2.3.4,Deny\r\r\n2.2.2,Deny",
        &quoted,
    ];
    // The start of the rows, the middle and the end of the first piece, the middle and the end of the
    // second piece, and nowhere.
    for (index, place) in [20, 262_140, 524_288, 786_400, 1_048_576, usize::MAX]
        .into_iter()
        .enumerate()
    {
        let odd = odd_rows[index % odd_rows.len()];
        // The text is after the place, across it, or before it.
        for before in [0, odd.len() / 2, odd.len()] {
            let mut upload = rows.clone();
            let place = place.saturating_sub(before);
            if let Some(rows) = rows.get(..place.saturating_sub(FILLER.len())) {
                let start = rows.rfind('\n').map_or(HEADER.len(), |end| end + 1);
                // The length of the comment determines the place of the text.
                let comment = "x".repeat(place.saturating_sub(start + FILLER.len()));
                let filler = FILLER.replace('\n', &format!("{comment}\n"));
                upload.insert_str(start, &format!("{filler}{odd}"));
            }
            let expected = run(&upload, 4096);
            for piece_bytes in [PIECE_BYTES, usize::MAX] {
                assert_eq!(run(&upload, piece_bytes), expected, "{odd:?} at {place}");
            }
        }
    }
}
