//! The report page of an upload. `tests/system/browser` tests report pages in a browser.

use std::fmt::Write as _;

use htaccess_generator::generate::{Decision, Outcome, generate};
use htaccess_generator::report::{Facts, MAX_PAGE_BYTES, RequestCost, report_page};
use htaccess_generator::source::Source;
use serde_json::Value;

use crate::library::cases::outcomes;
use crate::support::{Setup, text_of, without_warnings};

fn page_of((outcome, decision): &(Outcome, Decision)) -> String {
    let facts = Facts {
        policy: decision.policy(),
        as_of: Some(decision.as_of()),
        first_rows: Some(decision.first_rows()),
        first_lines: decision.first_lines(),
        ..Facts::default()
    };
    page_with(outcome, facts)
}

fn page_with(outcome: &Outcome, facts: Facts<'_>) -> String {
    let facts = Facts {
        cost: outcome.file.as_deref().map(RequestCost::of),
        ..facts
    };
    report_page(&outcome.answer, facts)
}

#[track_caller]
fn check_page(page: &str, outcome: &Outcome) {
    assert!(page.starts_with("<!doctype html>"));
    assert!(page.trim_end().ends_with("</html>"));
    assert!(page.len() <= MAX_PAGE_BYTES, "{} bytes", page.len());
    assert_eq!(page.matches("<script").count(), 1);
    let json = answer_in(page);
    assert_eq!(json, serde_json::to_value(&outcome.answer).unwrap());
}

/// Returns the answer that the page contains.
fn answer_in(page: &str) -> Value {
    let (_, json) = page.split_once("id=\"answer\">").unwrap();
    let (json, _) = json.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

#[test]
fn every_case_has_its_report_page() {
    for (case, outcome) in outcomes() {
        let page = page_with(&outcome, Facts::default());
        check_page(&page, &outcome);
        if let Some(code) = outcome.answer.code {
            assert!(page.contains(&format!("<code>{code}</code>")), "{case}");
        }
    }
}

#[test]
fn asking_for_warnings_adds_only_warnings() {
    for upload in [
        "IP,Rule\n1.1.1.1,Allow\n1.1.1.1,Allow\n2001:db8::/32,Deny\nx,Allow\n",
        "IP,Rule\n1.1.1.1,Deny\n",
        "IP,Rule\nx,Allow\n",
    ] {
        let setup = Setup::default();
        let watched = setup.run(upload.as_bytes());
        let plain = generate(
            upload.as_bytes(),
            &setup.settings,
            &setup.template,
            &setup.source,
            setup.as_of,
            &setup.shared,
        );
        assert!(plain.answer.warnings.is_empty());
        assert_eq!(text_of(&plain), text_of(&without_warnings(watched)));
    }
}

#[test]
fn the_size_of_a_page_is_bounded_whatever_is_rejected() {
    let value = "<&\"'\u{202e}\u{e0041}".repeat(40);
    let rows = format!("\"{}\",Allow\n", value.replace('"', "\"\"")).repeat(100_000);
    let upload = format!("IP,Rule\n{rows}1.1.1.1,Allow\n");
    let reviewed = Setup::default().review_pieces([upload]);
    assert_eq!(reviewed.0.answer.rejected, 100_000);
    check_page(&page_of(&reviewed), &reviewed.0);
}

/// Addresses of both families that are far apart.
fn scattered(rows: u32) -> String {
    let mut csv = "IP,Rule\n".to_owned();
    for index in 0..rows {
        let [a, b, c, d] = index.wrapping_mul(2_654_435_761).to_be_bytes();
        let _ = match index % 4 {
            0 => writeln!(csv, "{a}.{b}.{c}.0/24,Allow"),
            1 => writeln!(csv, "{a}.{b}.{c}.{d},Deny"),
            2 => writeln!(csv, "{a}.{b}.{c}.{d},Allow"),
            _ => writeln!(csv, "2001:db8:{index:x}::/48,Allow"),
        };
    }
    csv
}

#[test]
fn the_size_of_a_page_is_bounded_whatever_is_accepted() {
    let reviewed = Setup::default().review_pieces([scattered(200_000)]);
    let networks = reviewed.0.answer.networks;
    assert!(networks.allow + networks.deny > 100_000, "{networks:?}");
    check_page(&page_of(&reviewed), &reviewed.0);
}

/// Every part of the page has its maximum length: escaped cells and keys, maps, and tables.
#[test]
fn a_page_with_everything_at_its_longest_lists_fewer_rejected_rows() {
    let mut setup = Setup::with("STRICT", "none");
    setup.source = Source {
        key: format!("{}a.csv", format!("{}/", "&".repeat(250)).repeat(3)),
        ..Source::default()
    };
    let cell = "&".repeat(3000);
    let rows = format!("{cell},{cell},{cell}\n").repeat(100);
    let rows = format!("{rows}{}", format!("10.0.0.1,Allow,{cell}\n").repeat(60));
    let upload = scattered(200_000).replacen("IP,Rule\n", &format!("IP,Rule,Comment\n{rows}"), 1);
    let reviewed = setup.review_pieces([upload]);
    let (outcome, _) = &reviewed;
    assert_eq!(outcome.answer.code, None);
    let page = page_of(&reviewed);
    assert!(page.len() <= MAX_PAGE_BYTES, "{} bytes", page.len());
    let mut expected = outcome.answer.clone();
    expected.rejections.truncate(50);
    assert_eq!(answer_in(&page), serde_json::to_value(&expected).unwrap());
    assert!(page.contains(" more rejected rows, which are not listed."));
}

#[test]
fn a_strict_refusal_shows_the_policy_of_the_accepted_rows() {
    let setup = Setup::with("STRICT", "all");
    let upload = "IP,Rule\n91.0.0.0/7,Allow\n90.0.0.0/7,Allow\n2.2.2,Allow\n";
    let reviewed = setup.review_pieces([upload]);
    let page = page_of(&reviewed);
    check_page(&page, &reviewed.0);
    for part in [
        "Nothing was published.",
        "Without the rejected rows:",
        "Only <code>90.0.0.0/7</code> gets in.",
        "A very large network is allowed",
        ">90</text>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let of_no_rules = setup.review_pieces(["IP,Rule\n2.2.2,Allow\n"]);
    assert!(!page_of(&of_no_rules).contains("would say"));
    let published = Setup::default().review_pieces([upload]);
    assert!(!page_of(&published).contains("would say"));
}

#[test]
fn columns_that_are_not_used_are_on_the_page() {
    let upload = "IP,Rule,Owner,<b>\u{202e}\n1.1.1.1,Allow,Jean,x\n";
    let reviewed = Setup::default().review_pieces([upload]);
    let page = page_of(&reviewed);
    check_page(&page, &reviewed.0);
    let expected = "Columns that are not used: <bdi>Owner</bdi>, <bdi>&lt;b&gt;\\u{202e}</bdi>.";
    assert!(page.contains(expected), "{page}");
}

#[test]
fn the_first_rows_are_on_the_page_with_their_comments() {
    let hosts = (0..60).map(|host| format!("192.0.2.{host},Allow,\"Ada, {host}\"\n"));
    let rows = hosts.collect::<String>();
    let upload = format!("IP,Rule,Comment,Expires\n2001:db8::/32,Deny,<i>,\n{rows}");
    let reviewed = Setup::default().review_pieces([upload]);
    let page = page_of(&reviewed);
    check_page(&page, &reviewed.0);
    for part in [
        "<td class=\"number\">2</td><th scope=\"row\"><code><bdi>2001:db8::/32</bdi></code></th>",
        "<td><bdi>&lt;i&gt;</bdi></td>",
        "<td><bdi>Ada, 48</bdi></td>",
        "And 11 more rows, which are not listed.",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("Ada, 49"), "{page}");
}

/// The parser reads the first rows, and the fast path reads the others. All of them must count.
#[test]
fn the_first_rows_do_not_change_the_result() {
    let upload = scattered(500);
    let setup = Setup::default();
    let (with_rows, decision) = setup.review_pieces([&upload]);
    let plain = generate(
        upload.as_bytes(),
        &setup.settings,
        &setup.template,
        &setup.source,
        setup.as_of,
        &setup.shared,
    );
    assert_eq!(with_rows.file, plain.file);
    assert!(page_of(&(with_rows, decision)).contains("And 450 more rows"));
}

/// `all,Allow` is rejected because of a later row, so it must not be listed among the accepted rows.
#[test]
fn a_row_that_is_rejected_later_is_not_listed_as_accepted() {
    let upload = "IP,Rule,Comment\nall,Allow,first\n192.0.2.1,Allow,\nall,Deny,last\n";
    let reviewed = Setup::default().review_pieces([upload]);
    let page = page_of(&reviewed);
    assert_eq!(page.matches("<bdi>first</bdi>").count(), 0, "{page}");
    assert_eq!(page.matches("<bdi>last</bdi>").count(), 1, "{page}");
    let rejected = "<u class=\"cell\">all</u>,Allow,first</bdi>";
    assert!(page.contains(rejected), "{page}");
}

#[test]
fn a_rejected_row_over_several_lines_shows_the_line_with_the_cell() {
    let upload = "Comment,IP,Rule\n\"a\nb, \"\"c\"\"\",2.2.2,Allow\n";
    let reviewed = Setup::default().review_pieces([upload]);
    let page = page_of(&reviewed);
    let row = "b, &quot;&quot;c&quot;&quot;&quot;,<u class=\"cell\">2.2.2</u>,Allow</bdi>";
    assert!(page.contains(row), "{page}");
}

/// The upload arrives in pieces of any size, but its start is kept only once.
#[test]
fn a_refused_file_shows_its_first_lines_and_a_sample() {
    let upload = "Address list\n<b>,Allow\n";
    for length in [1, 2, 3, 100] {
        let pieces = upload.as_bytes().chunks(length);
        let reviewed = Setup::default().review_pieces(pieces);
        let page = page_of(&reviewed);
        check_page(&page, &reviewed.0);
        let lines = "<pre><bdi dir=\"ltr\">Address list\n&lt;b&gt;,Allow</bdi></pre>";
        assert!(page.contains(lines), "{length}: {page}");
        assert!(page.contains("<pre>IP Address,Rule,Comment\n"), "{page}");
    }
    let workbook = Setup::default().review_pieces([b"PK\x03\x04\x14\0\x06\0".as_slice()]);
    let page = page_of(&workbook);
    assert!(!page.contains("How your file starts"), "{page}");
    assert!(page.contains("CSV UTF-8"), "{page}");
}
