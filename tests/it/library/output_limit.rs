//! The limit of an output, `MAX_OUTPUT_BYTES`. A refused upload has no output, however the output is written.

use std::fmt::Write as _;

use htaccess_generator::answer::{Answer, RefusalCode};
use htaccess_generator::generate::{Keep, Upload};
use htaccess_generator::render::{BUILT_IN, BuiltIn};

use crate::support::{Setup, refusal_of};

fn with_limit(template: &str, own_template: Option<&str>, bytes: usize) -> Setup {
    let lookup = |name: &str| match name {
        "TEMPLATE" => Some(template.to_owned()),
        "MAX_OUTPUT_BYTES" => Some(bytes.to_string()),
        _ => None,
    };
    Setup::new(lookup, own_template)
}

/// Writes the output while it is rendered, as the command line does.
fn write(setup: &Setup, csv: &str) -> (Answer, Vec<u8>) {
    let keep = Keep::for_template(&setup.template);
    let mut upload = Upload::new(
        &setup.settings,
        setup.source.clone(),
        keep,
        setup.as_of,
        &setup.shared,
    );
    let _ = upload.push(csv.as_bytes());
    let mut out = Vec::new();
    let answer = upload.finish().write(&setup.template, &mut out).unwrap();
    (answer, out)
}

/// Addresses of both families that are far apart.
fn scattered(rows: u32, rule: &str) -> String {
    let mut csv = "IP,Rule,Comment\n".to_owned();
    for index in 0..rows {
        let [a, b, c, d] = index.wrapping_mul(2_654_435_761).to_be_bytes();
        let _ = writeln!(csv, "{a}.{b}.{c}.{d},{rule},");
        let _ = writeln!(csv, "2001:{a:x}:{b:x}:{c:x}::{d:x},{rule},");
    }
    csv
}

/// Uploads whose outputs have different long parts: networks, ranges, exceptions, or none of these.
fn csvs() -> Vec<String> {
    vec![
        scattered(300, "Allow"),
        format!("{}all,Allow,\n", scattered(20, "Deny")),
        format!(
            "{}10.0.0.0/8,Deny,\n2001::/16,Deny,\n",
            scattered(9, "Allow")
        ),
        "IP,Rule\n::1-::ffff:ffff:ffff,Allow\n1.0.0.1-9.9.9.9,Allow\n5.5.5.5,Deny\n".to_owned(),
        "IP,Rule\nall,Allow\n".to_owned(),
        "IP,Rule\n0.0.0.0/0,Allow\n".to_owned(),
    ]
}

#[test]
fn an_output_may_be_as_large_as_the_limit_and_no_larger() {
    for BuiltIn { name, .. } in BUILT_IN {
        for csv in csvs() {
            let whole = Setup::with("TEMPLATE", name).run(csv.as_bytes());
            let Some(expected) = &whole.file else {
                assert_eq!(whole.answer.code, Some(RefusalCode::BadTemplate), "{name}");
                continue;
            };
            let fits = with_limit(name, None, expected.len());
            let outcome = fits.run(csv.as_bytes());
            assert!(outcome.file.as_ref() == Some(expected), "{name}");
            let (answer, written) = write(&fits, &csv);
            assert_eq!((answer.code, written.len()), (None, answer.bytes), "{name}");
            assert_eq!(answer.bytes, expected.len(), "{name}");

            let too_large = with_limit(name, None, expected.len() - 1);
            let outcome = too_large.run(csv.as_bytes());
            assert_eq!(outcome.answer.code, Some(RefusalCode::TooLarge), "{name}");
            assert_eq!(outcome.file, None, "{name}");
            let (answer, written) = write(&too_large, &csv);
            assert_eq!(answer.code, Some(RefusalCode::TooLarge), "{name}");
            assert!(written.is_empty(), "{name}");
        }
    }
}

/// Without the limit, the innermost loop of this template would run 10^12 times.
#[test]
fn a_custom_template_is_stopped_at_the_limit() {
    let template = "{% for a in allow.networks %}{% for b in allow.networks %}\
                    {% for c in allow.networks %}{% for d in allow.networks %}{{ a }}\n\
                    {% endfor %}{% endfor %}{% endfor %}{% endfor %}";
    let setup = with_limit("apache24", Some(template), 50_000);
    let outcome = setup.run(scattered(500, "Allow").as_bytes());
    assert_eq!(
        refusal_of(&outcome),
        "too-large: the output would be larger than 50,000 bytes, because it contains 1,000 networks: \
         write networks instead of ranges, or split the CSV, or raise MAX_OUTPUT_BYTES"
    );
    assert_eq!(outcome.file, None);
    let (answer, written) = write(&setup, &scattered(500, "Allow"));
    assert_eq!(
        (answer.code, written.len()),
        (Some(RefusalCode::TooLarge), 0)
    );
}

/// About a hundred networks around each address do not get in.
#[test]
fn a_list_that_a_template_reads_and_does_not_print_is_limited_too() {
    let template = "{{ refused.networks | length }}\n";
    let setup = with_limit("apache24", Some(template), 100_000);
    let outcome = setup.run(scattered(500, "Allow").as_bytes());
    assert_eq!(outcome.answer.code, Some(RefusalCode::TooLarge));
    let outcome = setup.run(scattered(5, "Allow").as_bytes());
    assert_eq!(outcome.answer.code, None);
    let other_list = with_limit(
        "apache24",
        Some("{{ permitted.networks | length }}\n"),
        100_000,
    );
    let outcome = other_list.run(scattered(500, "Allow").as_bytes());
    assert_eq!(outcome.file.as_deref(), Some("1000\n"));
}

#[test]
fn the_rows_that_a_template_reads_are_limited() {
    let template = "{% for rule in rules %}{% endfor %}";
    let setup = with_limit("apache24", Some(template), 100_000);
    let rows = |count| {
        format!(
            "IP,Rule,Note\n{}",
            "1.1.1.1,Allow,for the office\n".repeat(count)
        )
    };
    assert_eq!(setup.run(rows(1_000).as_bytes()).answer.code, None);
    assert_eq!(
        refusal_of(&setup.run(rows(3_000).as_bytes())),
        "too-large: the template lists the rows, but their addresses and comments have more than \
         100,000 bytes, which is more than an output can hold: shorten the comments, or split the CSV, or \
         raise MAX_OUTPUT_BYTES"
    );
    let other = with_limit("apache24", None, 100_000);
    assert_eq!(other.run(rows(3_000).as_bytes()).answer.code, None);
}

#[test]
fn ranges_that_become_one_are_no_reason_to_refuse() {
    let mut csv = "IP,Rule\n2001:db8::/32,Allow\n10.0.0.0/8,Allow\n".to_owned();
    for index in 0..20_000u32 {
        let [_, b, c, d] = index.wrapping_mul(2_654_435_761).to_be_bytes();
        let _ = writeln!(
            csv,
            "10.{b}.{c}.{d},Allow\n2001:db8:{b:x}:{c:x}::{d:x},Allow"
        );
    }
    let outcome = with_limit("apache24", None, 8_000).run(csv.as_bytes());
    assert_eq!(
        (outcome.answer.code, outcome.answer.networks.allow),
        (None, 2)
    );
}

/// Rows that each start or end at a different time. The times are descending, so each row in
/// turn is the next change.
fn dated(rows: u32, address: impl Fn(u32) -> String, is_pending: bool) -> String {
    let mut csv = "IP,Rule,Starts,Expires\n".to_owned();
    for row in 0..rows {
        let address = address(row);
        let year = 9000 - row / 1000;
        let date = format!("{year}-12-31T00:{:02}:{:02}Z", row / 60 % 60, row % 60);
        let dates = if is_pending {
            format!("{date},")
        } else {
            format!(",{date}")
        };
        let _ = writeln!(csv, "{address},Allow,{dates}");
    }
    csv
}

#[test]
fn ranges_that_start_or_end_later_are_limited_too() {
    let setup = with_limit("apache24", None, 8_000);
    for is_pending in [true, false] {
        let csv = dated(20_000, |row| format!("2001:db8:{row:x}::"), is_pending);
        let mut upload = Upload::new(
            &setup.settings,
            setup.source.clone(),
            Keep::default(),
            setup.as_of,
            &setup.shared,
        );
        // The refusal comes before the rest of the upload is read.
        let (start, _) = csv.as_bytes().split_at(csv.len() / 2);
        assert!(upload.push(start).is_break(), "{is_pending}");
        assert_eq!(
            refusal_of(&setup.run(csv.as_bytes())),
            "too-large: the rows contain more than 1,000 separate ranges, which is more than an output can \
             hold: write wider networks, or split the CSV, or raise MAX_OUTPUT_BYTES"
        );
        let csv = dated(20_000, |row| format!("10.{}.0.1", row % 200), is_pending);
        let outcome = setup.run(csv.as_bytes());
        assert_eq!(refusal_of(&outcome), "");
        let networks = if is_pending { 0 } else { 200 };
        assert_eq!(outcome.answer.networks.allow, networks);
    }
}
