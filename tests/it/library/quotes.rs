//! Missing or extra quotes must not hide rows: text after a closing quote refuses the file, and lines
//! inside a quoted cell that look like rows are reported.

use htaccess_generator::answer::WarningCode;

use crate::support::{Setup, refusal_of};

/// Returns the refusal, or the message of the `hidden-rows` warning. Empty if there is neither.
fn told(csv: &str) -> String {
    let outcome = Setup::default().run(csv.as_bytes());
    let refusal = refusal_of(&outcome);
    let mut warnings = outcome.answer.warnings.iter();
    let hidden = warnings.find(|warning| warning.code == WarningCode::HiddenRows);
    match hidden {
        Some(warning) if refusal.is_empty() => warning.message.to_string(),
        _ => refusal,
    }
}

#[track_caller]
fn check(csv: &str, expected: &str) {
    assert_eq!(told(csv), expected, "{csv}");
}

#[test]
fn text_after_a_closing_quote_refuses_the_file() {
    for (row, text) in [
        ("1.2.3.4,Deny,\"main\" office", r#""office""#),
        ("1.2.3.4,Deny,\"main\"office", r#""office""#),
        ("\"1.2.3.4\"x,Deny,", r#""x""#),
        ("1.2.3.4,\"De\"ny,", r#""ny""#),
        ("\"1.2.3.4\" \"Deny\",", r#""\"Deny\"""#),
    ] {
        check(
            &format!("IP,Rule,Comment\nall,Allow,\n{row}\n"),
            &format!(
                "not-csv: line 3 has {text} after the closing quote of a cell: write a delimiter there, or \
                 double each quote that is part of the cell"
            ),
        );
    }
}

#[test]
fn a_quote_that_is_closed_by_another_row_refuses_the_file() {
    check(
        "IP,Rule,Comment\nall,Allow,\n1.2.3.4,Deny,\"main office\n5.5.5.5,Deny,\n6.6.6.6,Deny,\n\
         7.7.7.7,Deny,\"branch\"\n8.8.8.8,Deny,\n",
        "not-csv: line 3 opens a quote that line 6 closes before \"branch\\\"\": close it in its own \
         line, or double each quote that is part of a cell",
    );
}

#[test]
fn a_malformed_header_is_refused_under_every_delimiter() {
    check(
        "\"IP\"x,Rule\n1.2.3.4,Deny\n",
        "not-csv: line 1 has \"x\" after the closing quote of a cell: write a delimiter there, or double \
         each quote that is part of the cell",
    );
    check("\"IP\";\"Rule\"\n1.2.3.4;Allow\n", "");
}

#[test]
fn white_space_around_quoted_cells_and_quotes_inside_others_are_fine() {
    for row in [
        "\"1.2.3.4\" , \"Allow\" ,\t\"office\"  ",
        "\"1.2.3.4\"\u{a0},\u{a0}Allow,\"office\"\u{200b}",
        "1.2.3.4,Allow,5\" pipe",
        "1.2.3.4,Allow,the \"main\" office",
        "1.2.3.4,Allow,\"the \"\"main\"\" office\"",
        "1.2.3.4,Allow,\"two\nlines, and\n\nmore\"",
    ] {
        check(&format!("IP,Rule,Comment\n{row}\n"), "");
    }
}

#[test]
fn lines_inside_a_quoted_cell_that_look_like_rows_are_told() {
    check(
        "IP,Rule,Comment\n1.2.3.4,Allow,\"office\n5.5.5.5,Allow,\nsee the wiki, page 3\n\
         6.6.6.6,deny,\n7.7.7.7,Allow,\"\n8.8.8.8,Allow,\n",
        "lines 3, 5 and 6 look like rows but are inside a quoted cell, so they are not used: close the quote \
         that line 2 opens, or remove them from the cell",
    );
    check(
        "Comment,IP,Rule\n\"office,1.2.3.4,Allow\nx\",5.5.5.5,Allow\n",
        "line 2 looks like a row but is inside a quoted cell, so it is not used: close the quote that line 2 \
         opens, or remove it from the cell",
    );
    check(
        "IP,Rule,\"Comment\n5.5.5.5,Allow\n\"\n1.2.3.4,Allow,x\n",
        "line 2 looks like a row but is inside a quoted cell, so it is not used: close the quote that line 1 \
         opens, or remove it from the cell",
    );
}

/// The closing quote may be anywhere in the last hidden row.
#[test]
fn a_hidden_deny_refuses_the_file_if_it_may_have_denied_somebody() {
    for last in ["6.6.6.6,Deny,x\"", "6.6.6.6,Deny\",x", "6.6.6.6\",Deny,x"] {
        let csv = format!("IP,Rule,Comment\n6.0.0.0/8,Allow,\"office\n5.5.5.5,Deny,\n{last}\n");
        let expected = "deny-rejected: line 4 is rejected, but could be meant to deny access that other rows \
                        allow: correct it, or set STRICT=none to publish without it";
        check(&csv, expected);
        let all = refusal_of(&Setup::with("STRICT", "all").run(csv.as_bytes()));
        assert_eq!(all, expected, "{last}");
        let none = Setup::with("STRICT", "none").run(csv.as_bytes()).answer;
        let codes: Vec<_> = none.warnings.iter().map(|warning| warning.code).collect();
        let expected = [WarningCode::HiddenRows, WarningCode::DenyRejected];
        assert_eq!(codes[..2], expected, "{last}");
    }
}

/// The row would be rejected if it were not hidden.
#[test]
fn a_hidden_row_that_cannot_be_read_may_be_a_deny() {
    for (row, is_told) in [
        ("1.2.3,Deny,", true),
        ("#N/A,Deny,", true),
        ("1.2.3.4/24,Block,", true),
        ("1.2.3.4,Dény,", true),
        ("1.2.3.4,,", true),
        ("1.2.3.4", false),
        ("see the wiki, page 3", false),
        ("nobody, Deny", false),
        ("1.2.3, and others", false),
    ] {
        let csv = format!("IP,Rule,Comment\nall,Allow,\n5.5.5.5,Deny,\"office\n{row}\n\"\n");
        let refusal = "deny-rejected: line 4 is rejected, but could be meant to deny access that other rows \
                       allow: correct it, or set STRICT=none to publish without it";
        check(&csv, if is_told { refusal } else { "" });
    }
}

#[test]
fn the_line_with_the_cells_of_the_record_itself_is_not_hidden() {
    for record in [
        "IP,Comment,Rule\n1.2.3.4,\"two, or three\nlines, or more\",Allow\n",
        "Comment,IP,Rule\n\"two\nlines\",1.2.3.4,Allow\n",
        "Comment,IP,Rule\n\"two\n lines\n\",\"1.2.3.4\",\"Allow\"\n",
        "IP,Comment,Rule\n1.2.3.4,\"two\n1.2.3.4\",Allow\n",
        "IP,Rule,Comment\n1.2.3.4,Allow,\"two\nlines\"\n",
    ] {
        check(record, "");
    }
}
