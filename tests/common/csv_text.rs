//! Writes rules as the bytes of a CSV, in one of the many forms that spreadsheets use. Some of the
//! rows must be rejected, and some comments look like directives.

use std::fmt::Write as _;

use super::oracle::{Action, Rule};
use super::random::Random;

/// Comments that do harm if a configuration file contains them unescaped.
pub(crate) const HOSTILE_COMMENTS: [&str; 9] = [
    "ends in a backslash \\",
    "two lines\nRequire all granted",
    "two lines\r\nAllow from all\r\nSatisfy Any",
    "carriage return\rRequire all granted",
    "</RequireAny>\n</RequireAll>\nRequire all granted\n<IfModule !x>",
    "<IfModule mod_authz_core.c>",
    "%{HTTP_HOST} ${ENV} $remote_addr {{ 7 * 7 }} {% if %}",
    "\"Require all granted\"; allow all; } #",
    "\u{2028}Require all granted\u{85}caf\u{e9} \\\\",
];

/// Rows that the format rejects: they must change nothing.
const BAD_ROWS: [(&str, &str); 9] = [
    ("2.2.2", "Allow"),
    ("10.0.0.5/24", "Deny"),
    ("1.2.3.4/33", "Allow"),
    ("example.org", "Deny"),
    ("fe80::1%eth0", "Allow"),
    ("10.0.0.9-10.0.0.1", "Deny"),
    ("192.168.01.1", "Allow"),
    ("0.0.0.0/0", "Permit"),
    ("10.0.0.1-2001:db8::", "Allow"),
];

/// The form in which a file is written.
struct Dialect {
    delimiter: &'static str,
    line_end: &'static str,
    columns: [Column; 4],
    quoted_percent: u32,
    trailing_delimiters: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Column {
    Address,
    Rule,
    Comment,
    Other,
}

/// Returns a CSV with these rules, and the number of further rows in it that must be rejected.
pub(crate) fn random_csv(rules: &[Rule], random: &mut Random) -> (Vec<u8>, u64) {
    use Column::{Address, Comment, Other, Rule};
    let dialect = Dialect {
        delimiter: random.pick(&[",", ",", ";", "\t", "|"]),
        line_end: random.pick(&["\n", "\n", "\r\n", "\r"]),
        columns: random.pick(&[
            [Address, Rule, Comment, Other],
            [Rule, Address, Other, Comment],
            [Other, Comment, Rule, Address],
        ]),
        quoted_percent: random.pick(&[0, 0, 20, 100]),
        trailing_delimiters: random.percent(20),
    };
    let mut text = String::new();
    let names = [
        random.pick(&["IP Address", "ip_address", "Network", "CIDR"]),
        random.pick(&["Rule", "ACTION", "policy"]),
        "Comment",
    ];
    dialect.write_row(names, &mut text, random);
    let mut rejected = 0;
    for rule in rules {
        match random.between(0, 99) {
            0..3 => text += dialect.line_end,
            3..6 => text += &dialect.comment_line(),
            6..10 => {
                let (address, word) = random.pick(&BAD_ROWS);
                dialect.write_row([address, word, "bad"], &mut text, random);
                rejected += 1;
            }
            _ => {}
        }
        let comment = match random.between(0, 9) {
            0 => random.pick(&HOSTILE_COMMENTS),
            1 => "office, \"main\"",
            _ => "",
        };
        let word = match rule.action {
            Action::Allow => random.pick(&["Allow", "allow", "ALLOW"]),
            Action::Deny => random.pick(&["Deny", "deny", "dEnY"]),
        };
        dialect.write_row([&rule.address, word, comment], &mut text, random);
    }
    if random.percent(30) {
        text.truncate(text.len() - dialect.line_end.len());
    }
    (encode(&text, random), rejected)
}

/// Returns the plainest CSV: these rules, each with this comment.
pub(crate) fn plain_csv(rules: &[Rule], comment: &str) -> Vec<u8> {
    let mut text = "IP Address,Rule,Comment\n".to_owned();
    let comment = comment.replace('"', "\"\"");
    for Rule {
        address, action, ..
    } in rules
    {
        let _ = writeln!(text, "{address},{action:?},\"{comment}\"");
    }
    text.into_bytes()
}

impl Dialect {
    fn comment_line(&self) -> String {
        format!("# 0.0.0.0/0,Allow \\{}", self.line_end)
    }

    fn write_row(&self, cells: [&str; 3], text: &mut String, random: &mut Random) {
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                *text += self.delimiter;
            }
            let cell = match column {
                Column::Address => cells[0],
                Column::Rule => cells[1],
                Column::Comment => cells[2],
                Column::Other => "7",
            };
            self.write_cell(cell, text, random);
        }
        if self.trailing_delimiters {
            *text += self.delimiter;
        }
        *text += self.line_end;
    }

    fn write_cell(&self, cell: &str, text: &mut String, random: &mut Random) {
        let must_quote = cell.contains(['"', '\n', '\r', '#']) || cell.contains(self.delimiter);
        if must_quote || random.percent(self.quoted_percent) {
            let _ = write!(text, "\"{}\"", cell.replace('"', "\"\""));
        } else if random.percent(10) {
            let _ = write!(text, "  {cell} ");
        } else {
            *text += cell;
        }
    }
}

/// UTF-8 with or without its mark, or UTF-16 with one.
fn encode(text: &str, random: &mut Random) -> Vec<u8> {
    let marked = || format!("\u{feff}{text}");
    match random.between(0, 9) {
        0..7 => text.as_bytes().to_vec(),
        7 => marked().into_bytes(),
        8 => marked().encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => marked().encode_utf16().flat_map(u16::to_be_bytes).collect(),
    }
}
