//! Properties of every result, whatever the input: there is no panic, the counts of rows add up, the
//! pieces and the order do not matter, and the output permits exactly the clients that the rows permit.

use std::net::IpAddr;

use htaccess_generator::answer::{MAX_REJECTIONS_LISTED, RejectionCode};
use htaccess_generator::csv::{CsvKind, Field, SnippetFinder};
use htaccess_generator::generate::Outcome;
use htaccess_generator::ip::{AddressSpec, parse_address};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::{Setup, gzip, refusal_of, text_of, utf16_le};

/// A template that prints the default policy and both lists, one network per line.
const LISTS: &str = "default {{ default_policy }}
{% for network in allow.networks %}+{{ network }}
{% endfor %}{% for network in deny.networks %}-{{ network }}
{% endfor %}";

fn config() -> ProptestConfig {
    ProptestConfig {
        // A failure prints its input, which belongs in `tests/cases` and not in a file of seeds.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Text made of fragments that are hard to parse, with or without a header.
fn text_like_csv() -> impl Strategy<Value = Vec<u8>> {
    const HEADERS: [&str; 8] = [
        "IP Address,Rule\n",
        "IP;Rule;Comment;\r\n",
        "sep=;\nIP;Rule\n",
        "# x\n\n\"Rule\"\t\"IP\"\r",
        "\u{feff}Comment|IP|Rule\n",
        "title\n\nsep=,\nIP,Rule,Rule\n",
        "IP,Rule;IP;Rule\n",
        "",
    ];
    const TOKENS: [&[u8]; 44] = [
        b"\"",
        b"\"\"",
        b",",
        b",",
        b";",
        b"|",
        b"\t",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"Allow",
        b"Deny",
        b",Allow\n",
        b",Deny\r\n",
        b"1.2.3.4",
        b"10.0.0.0/8",
        b"10.0.0.1/8",
        b"10.0.0.1-10.0.0.9",
        b"::1",
        b"::ffff:1.2.3.4",
        b"all",
        b"*",
        b"#",
        b"# c\n",
        b"2.2.2",
        b"\xc2\xa0",
        b"\xa0",
        b"\xe9",
        b"\xc3\xa9",
        b"\x00",
        b"\xff\xfe",
        b"/",
        b"-",
        b"\\",
        b"\x96",
        b"\xe2\x80\x93",
        b"\xe2\x80\x8b",
        b"\xef\xbb\xbf",
        b"=\"",
        b"'",
        b"#N/A",
        b"####",
    ];
    (select(&HEADERS[..]), vec(select(&TOKENS[..]), 0..60))
        .prop_map(|(header, tokens)| [header.as_bytes(), &tokens.concat()].concat())
}

/// Any upload: random bytes, or text in UTF-8, UTF-16 or gzip, complete or damaged.
fn any_upload() -> impl Strategy<Value = Vec<u8>> {
    let cut_off = |bytes: Vec<u8>, cut: Index| bytes[..cut.index(bytes.len() + 1)].to_vec();
    let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    prop_oneof![
        2 => vec(any::<u8>(), 0..300),
        6 => text_like_csv(),
        1 => text_like_csv().prop_map(move |text| utf16_le(&lossy(text))),
        1 => text_like_csv().prop_map(|text| gzip(&text)),
        1 => (text_like_csv(), any::<Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
            let mut bytes = gzip(&text);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        1 => (text_like_csv(), any::<Index>())
            .prop_map(move |(text, cut)| cut_off(utf16_le(&lossy(text)), cut)),
        1 => (text_like_csv(), any::<Index>())
            .prop_map(move |(text, cut)| cut_off(gzip(&text), cut)),
    ]
}

/// A rule for a small set of addresses, so that rules overlap.
fn rule() -> impl Strategy<Value = (bool, String)> {
    let address = prop_oneof![
        6 => (0..32_u8).prop_map(|last| format!("10.0.0.{last}")),
        4 => (0..8_u8).prop_map(|index| format!("10.0.0.{}/30", index * 4)),
        4 => (0..32_u8, 0..32_u8).prop_map(|(a, b)| {
            format!("10.0.0.{}-10.0.0.{}", a.min(b), a.max(b))
        }),
        1 => Just("0.0.0.0/0".to_owned()),
        4 => (0..32_u8).prop_map(|last| format!("::ffff:10.0.0.{last}")),
        4 => (0..32_u8).prop_map(|last| format!("2001:db8::{last:x}")),
        4 => (0..4_u8).prop_map(|index| format!("2001:db8::{:x}/125", index * 8)),
        1 => Just("::/0".to_owned()),
        1 => Just("all".to_owned()),
    ];
    (any::<bool>(), address)
}

fn sheet(rules: &[(bool, String)]) -> String {
    let rows = rules.iter().map(|(is_allow, address)| {
        let rule = if *is_allow { "Allow" } else { "Deny" };
        format!("{address},{rule}\n")
    });
    "IP,Rule\n".to_owned() + &rows.collect::<String>()
}

/// The addresses that [`rule`] uses, and some other addresses.
fn probes() -> impl Iterator<Item = IpAddr> {
    let ipv4 = (0..40_u8).map(|last| IpAddr::from([10, 0, 0, last]));
    let ipv6 = (0..40_u16).map(|last| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]));
    let others = ["0.0.0.0", "255.255.255.255", "::", "9.255.255.255"];
    ipv4.chain(ipv6)
        .chain(others.map(|other| other.parse().unwrap()))
}

fn is_named(address: IpAddr, text: &str) -> bool {
    match (parse_address(text).unwrap(), address) {
        (AddressSpec::Ipv4(range), IpAddr::V4(address)) => {
            (range.first..=range.last).contains(&address.to_bits())
        }
        (AddressSpec::Ipv6(range), IpAddr::V6(address)) => {
            (range.first..=range.last).contains(&address.to_bits())
        }
        _ => false,
    }
}

/// The definition of the policy, implemented naively: an explicit Deny wins, then an explicit Allow,
/// and otherwise the default applies.
fn permits(address: IpAddr, rules: &[(bool, String)]) -> bool {
    let says = |wanted: bool| {
        rules
            .iter()
            .any(|(is_allow, text)| *is_allow == wanted && is_named(address, text))
    };
    let has = |wanted: bool| rules.contains(&(wanted, "all".to_owned()));
    let is_open = has(true) && !has(false);
    !says(false) && (is_open || says(true))
}

/// Reads the same decision from the output of [`LISTS`].
fn lists_permit(address: IpAddr, lists: &str) -> bool {
    let says = |sign: char| {
        lists
            .lines()
            .filter_map(|line| line.strip_prefix(sign))
            .any(|network| is_named(address, network))
    };
    !says('-') && (lists.starts_with("default allow") || says('+'))
}

fn check_answer(outcome: &Outcome) {
    let answer = &outcome.answer;
    assert_eq!(answer.accepted + answer.rejected, answer.rows);
    let listed = answer.rejected.min(MAX_REJECTIONS_LISTED as u64);
    assert_eq!(answer.rejections.len() as u64, listed);
    let lines: Vec<u64> = answer.rejections.iter().map(|one| one.line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
    assert_eq!(outcome.file.as_ref().map_or(0, String::len), answer.bytes);
    // Also checks that the outcome has either a file or a code, but not both.
    refusal_of(outcome);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_give_an_answer_with_consistent_counts(upload in any_upload()) {
        check_answer(&Setup::default().run(&upload));
    }

    /// The part of the row that the snippet marks must be the rejected cell.
    #[test]
    fn every_rejected_row_is_found_again_by_its_line(upload in any_upload()) {
        let rejections = Setup::default().run(&upload).answer.rejections;
        let wanted: Vec<(u64, Field)> =
            rejections.iter().map(|rejection| (rejection.line, Field::of(rejection))).collect();
        let mut found = Vec::new();
        let mut finder = SnippetFinder::new(CsvKind::Site, &wanted, u64::MAX, |index, snippet| found.push((index, snippet)));
        let _ = finder.push(&upload);
        finder.finish();
        prop_assert_eq!(found.len(), rejections.len());
        for (place, (rejection, (index, snippet))) in rejections.iter().zip(&found).enumerate() {
            prop_assert_eq!(place, *index);
            let part = &snippet.text[snippet.part.clone()];
            prop_assert!(snippet.line >= rejection.line);
            if rejection.code == RejectionCode::MissingField {
                // The cell may contain only quotes, white space and zero-width characters.
                prop_assert!(!part.chars().any(char::is_alphanumeric), "{part:?}");
            } else if !part.contains('"') {
                prop_assert_eq!(part, &rejection.value);
            }
        }
    }

    #[test]
    fn pieces_change_nothing(upload in any_upload(), cuts in vec(any::<Index>(), 1..6)) {
        let setup = Setup::with_template("{{ allow.networks }}{{ deny.networks }}{{ rules }}");
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(upload.len() + 1)).collect();
        cuts.sort_unstable();
        cuts.push(upload.len());
        let mut start = 0;
        let pieces = cuts.iter().map(|end| &upload[std::mem::replace(&mut start, *end)..*end]);
        prop_assert_eq!(text_of(&setup.run_pieces(pieces)), text_of(&setup.run(&upload)));
    }

    #[test]
    fn the_order_of_rows_changes_nothing(
        (rules, shuffled) in vec(rule(), 1..20).prop_flat_map(|rules| {
            (Just(rules.clone()), Just(rules).prop_shuffle())
        })
    ) {
        let one = Setup::default().run(sheet(&rules).as_bytes());
        let other = Setup::default().run(sheet(&shuffled).as_bytes());
        prop_assert_eq!(one.file, other.file);
        prop_assert_eq!(one.answer.accepted, other.answer.accepted);
        prop_assert_eq!(one.answer.networks, other.answer.networks);
    }

    #[test]
    fn the_output_permits_exactly_whom_the_rows_permit(rules in vec(rule(), 1..20)) {
        let lists = Setup::with_template(LISTS).run(sheet(&rules).as_bytes()).file.unwrap();
        for address in probes() {
            prop_assert_eq!(
                lists_permit(address, &lists),
                permits(address, &rules),
                "{} under\n{}gave\n{}", address, sheet(&rules), lists
            );
        }
    }

    #[test]
    fn the_output_read_as_an_upload_gives_itself(rules in vec(rule(), 1..20)) {
        let setup = Setup::with_template(LISTS);
        let lists = setup.run(sheet(&rules).as_bytes()).file.unwrap();
        let mut again: Vec<(bool, String)> = lists
            .lines()
            .skip(1)
            .map(|line| (line.starts_with('+'), line[1..].to_owned()))
            .collect();
        again.push((lists.starts_with("default allow"), "all".to_owned()));
        prop_assert_eq!(setup.run(sheet(&again).as_bytes()).file, Some(lists));
    }

    #[test]
    fn rejections_name_the_line_that_an_editor_shows(
        blocks in vec(select(&BLOCKS[..]), 1..30),
        ends in vec(any::<bool>(), 200),
    ) {
        let mut ends = ends.iter().cycle();
        let mut upload = String::new();
        let (mut line, mut expected) = (0, Vec::new());
        for (text, is_rejected) in [("IP,Rule,Comment", false)].iter().chain(&blocks) {
            if *is_rejected {
                expected.push(line + 1);
            }
            for part in text.split('\n') {
                line += 1;
                upload += part;
                upload += if *ends.next().unwrap() { "\n" } else { "\r\n" };
            }
        }
        let answer = Setup::default().run(upload.as_bytes()).answer;
        let lines: Vec<u64> = answer.rejections.iter().map(|one| one.line).collect();
        prop_assert_eq!(lines, expected, "{}", upload);
    }
}

/// Records, and text between records. The value is true for a rejected row.
const BLOCKS: [(&str, bool); 12] = [
    ("", false),
    ("   ", false),
    (",,,", false),
    ("# a \"comment", false),
    ("192.0.2.1,Allow", false),
    ("192.0.2.1,Allow,\"two\nlines\"", false),
    ("192.0.2.1,\"Deny\",\"\n\n\"", false),
    ("2.2.2,Allow", true),
    ("\"2.2.2\",Allow,\"three\n\nlines\"", true),
    ("192.0.2.1", true),
    ("\"1.2\n.3.4\",Deny", true),
    ("192.0.2.1,Permit,5\" pipe", true),
];
