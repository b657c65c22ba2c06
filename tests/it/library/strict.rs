//! `STRICT`: the rejected rows that refuse a file. The table in this file defines the
//! exact rule of `STRICT=deny`.

use htaccess_generator::answer::{Answer, WarningCode};

use crate::support::{Setup, refusal_of};

/// Checks whether `STRICT=deny` refuses a file with these rows. `refused` is the part of the message
/// that contains the lines, or `None` if the file is published.
#[track_caller]
fn check(default: &str, rows: &str, refused: Option<&str>) {
    let setup = |strict: &'static str| {
        let settings = [("STRICT", strict), ("DEFAULT_POLICY", default)];
        let value = |name: &str| {
            let found = settings.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Setup::new(value, None)
    };
    let csv = format!("IP,Rule,Comment\n{}\n", rows.replace(' ', "\n"));
    let outcome = setup("deny").run(csv.as_bytes());
    let found = refusal_of(&outcome);
    match refused {
        None => assert_eq!(found, "", "{rows}"),
        Some(lines) => {
            let start =
                format!("deny-rejected: {lines} rejected, but could be meant to deny access");
            assert!(found.starts_with(&start), "{rows}: {found}");
        }
    }
    let published = setup("none").run(csv.as_bytes());
    assert!(published.file.is_some(), "{rows}");
    let named = refused.unwrap_or_default();
    assert_eq!(denies_missed_by(&published.answer), named, "{rows}");
    let all = refusal_of(&setup("all").run(csv.as_bytes()));
    let has_rejected = published.answer.rejected > 0;
    assert_eq!(all.starts_with("rows-rejected: "), has_rejected, "{rows}");
}

/// Returns the lines in the message of the `deny-rejected` warning. Empty if there is no such warning.
fn denies_missed_by(answer: &Answer) -> String {
    let mut warnings = answer.warnings.iter();
    let warning = warnings.find(|warning| warning.code == WarningCode::DenyRejected);
    let message = warning.map(|warning| warning.message.to_string());
    let lines = message
        .as_deref()
        .and_then(|text| text.split_once(" rejected, but could be meant to deny "));
    lines.map_or(String::new(), |(lines, _)| lines.to_owned())
}

/// Lets in 10.0.0.0/8 except 10.66.0.0/16.
const SOME: &str = "10.0.0.0/8,Allow 10.66.0.0/16,Deny";

#[test]
fn a_rejected_row_refuses_a_file_if_it_may_have_denied_somebody_who_gets_in() {
    const LINE: Option<&str> = Some("line 4 is");
    for (row, refused) in [
        // The address is missing or cannot be read, so the row may be about anybody.
        ("2.2.2,Deny", LINE),
        ("10.0.0.1/24,Deny", LINE),
        ("192.0.2.1/24,Deny", LINE),
        ("10.0.0.9-10.0.0.1,Deny", LINE),
        ("example.org,deny", LINE),
        (",Deny", LINE),
        ("2.2.2,Block", LINE),
        ("2.2.2,", LINE),
        ("2.2.2", LINE),
        (",,lost", LINE),
        (",Block", LINE),
        // Somebody with an address of the row gets in.
        ("10.0.0.1,Block", LINE),
        ("10.0.0.1,", LINE),
        ("10.0.0.1", LINE),
        ("9.0.0.0-10.0.0.0,Dney", LINE),
        ("0.0.0.0/0,Permit", LINE),
        ("all,Dney", LINE),
        ("*,", LINE),
        ("\"='10.0.0.1'\",Block", LINE),
        ("“10.0.0.1”,Block", LINE),
        // Nobody with an address of the row gets in.
        ("192.0.2.1,Block", None),
        ("10.66.0.0/16,Block", None),
        ("11.0.0.0/8,", None),
        ("2001:db8::/32,Dney", None),
        ("::/0,Dney", None),
        // The row is an Allow.
        ("2.2.2,Allow", None),
        ("10.0.0.1/24,ALLOW", None),
        (",allow", None),
        ("2.2.2,=\"Allow\"", None),
        ("2.2.2,'Allow", None),
        ("2.2.2,“Allow”", None),
    ] {
        check("deny", &format!("{SOME} {row}"), refused);
    }
}

#[test]
fn under_default_allow_everybody_who_is_not_denied_counts() {
    for default in ["deny", "allow"] {
        let all = if default == "deny" {
            "all,Allow"
        } else {
            "10.9.9.9,Allow"
        };
        for (row, refused) in [
            ("2.2.2,Deny", true),
            ("192.0.2.1,Block", true),
            ("::/0,Block", true),
            ("10.0.0.0/7,Block", true),
            ("10.0.0.0/8,Block", false),
            ("10.1.0.0/16,", false),
            ("2.2.2,Allow", false),
        ] {
            let rows = format!("{all} 10.0.0.0/8,Deny {row}");
            check(default, &rows, refused.then_some("line 4 is"));
        }
    }
}

#[test]
fn if_nobody_gets_in_no_rejected_row_matters() {
    for rows in [
        "1.1.1.1,Deny 2.2.2,Deny all,Dney",
        "all,Deny all,Allow 2.2.2,Deny ,",
        "1.1.1.1,Allow 1.1.1.0/24,Deny 2.2.2,Deny 1.1.1.1,Block",
        "all,Allow 0.0.0.0/0,Deny ::/0,Deny 2.2.2,Deny all,Block",
    ] {
        check("deny", rows, None);
    }
}

#[test]
fn a_conflicting_default_is_an_allow_that_never_refuses() {
    check("deny", "10.0.0.0/8,Allow all,Deny all,Allow", None);
}

#[test]
fn the_message_names_the_lines_the_first_reason_and_what_to_do() {
    let csv = b"IP,Rule\n10.0.0.0/8,Allow\n10.66.0.0/255.255.0,Deny\n2.2.2,Allow\n10.1.2.3,Block\n";
    let outcome = Setup::default().run(csv);
    assert_eq!(
        refusal_of(&outcome),
        "deny-rejected: lines 3 and 5 are rejected, but could be meant to deny access that other rows \
         allow: correct them, or set STRICT=none to publish without them; line 3: \"10.66.0.0/255.255.0\" is \
         not a network: \"255.255.0\" is neither a netmask such as 255.255.255.0 nor a hostmask such as \
         0.0.0.255"
    );
    let published = Setup::with("STRICT", "none").run(csv);
    let warning = &published.answer.warnings[0];
    assert_eq!(warning.line, Some(3));
    assert!(
        warning.message.to_string().starts_with(
            "lines 3 and 5 are rejected, but could be meant to deny access that other rows allow: \
             correct them, and publish the file again; line 3: "
        ),
        "{warning:?}"
    );
}

#[test]
fn every_value_of_the_setting_is_read() {
    let csv = b"IP,Rule\n1.1.1.1,Allow\n1.1.1.1,Block\n";
    for (value, code) in [
        ("", "deny-rejected"),
        ("deny", "deny-rejected"),
        ("all", "rows-rejected"),
        ("true", "rows-rejected"),
        ("none", ""),
        ("false", ""),
    ] {
        let refusal = refusal_of(&Setup::with("STRICT", value).run(csv));
        assert_eq!(refusal.split(':').next().unwrap(), code, "{value}");
    }
}

/// The last rows must count, even after so many rows that their lines are no longer recorded.
#[test]
fn the_last_of_many_rejected_rows_counts_like_the_first() {
    const MANY: u32 = 140_000;
    let harmless = |index: u32| {
        let [_, a, b, c] = index.wrapping_mul(40_503).to_be_bytes();
        format!("11.{a}.{b}.{c},Block\n")
    };
    let many: String = (0..MANY).map(harmless).collect();
    let csv = format!("IP,Rule\n10.0.0.0/8,Allow\n{many}");
    assert_eq!(refusal_of(&Setup::default().run(csv.as_bytes())), "");
    for (row, named) in [
        ("10.1.2.3,Block", "lines from line 131075 on are rejected"),
        ("2.2.2,Deny", "line 140003 is rejected"),
    ] {
        let refusal = refusal_of(&Setup::default().run(format!("{csv}{row}\n").as_bytes()));
        let start = format!("deny-rejected: {named}");
        assert!(refusal.starts_with(&start), "{row}: {refusal}");
    }
    let unreadable = format!("{csv}{}", "2.2.2,Deny\n".repeat(20));
    let refusal = refusal_of(&Setup::default().run(unreadable.as_bytes()));
    let lines = "lines 140003, 140004, 140005, 140006, 140007, 140008, 140009, 140010, 140011, 140012 and \
                 10 more are rejected";
    assert!(refusal.contains(lines), "{refusal}");
}
