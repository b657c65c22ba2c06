//! A damaged row never lets anybody in. Random CSVs are damaged in the ways in which people and
//! programs damage them. No client may get in that the undamaged CSV keeps out. The oracle knows the
//! rules, but not the text.
//!
//! `DAMAGED_FILES` sets the number of files.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use crate::common::oracle::{Action, Client, Cover, Rule, permits};
use crate::common::probes::probes;
use crate::common::random::Random;
use crate::common::random_policy::{Mix, random_rules};
use crate::support::{Setup, refusal_of};

/// The number of files if `DAMAGED_FILES` is not set.
const FILES: u64 = 300;

/// Texts that people and spreadsheets write in place of an address.
const NO_ADDRESSES: [&str; 26] = [
    "",
    "#N/A",
    "#REF!",
    "########",
    "NULL",
    "?",
    "10.0",
    "1.92E+02",
    "2026-02-02",
    "4.5.2026",
    "3232235521",
    "office",
    "example.org",
    "10.0.0.*",
    "10.0.x.x",
    "10.0.0",
    "10.0.0.5/24",
    "10.0.0.0/33",
    "10.0.0.0/255.0.255.0",
    "10.0.0.9-10.0.0.1",
    "10.0.0.1-9",
    "010.0.0.1",
    "１０.0.0.1",
    "fe80::1%eth0",
    "2001:db8::/129",
    "2001:db8:::1",
];
/// Texts that are not rules.
const NO_RULES: [&str; 28] = [
    "",
    "#N/A",
    "#NAME?",
    "########",
    "NULL",
    "-",
    "?",
    "0",
    "1",
    "no",
    "yes",
    "Dney",
    "Den",
    "Denyy",
    "Deny.",
    "D eny",
    "Dény",
    "De\u{200b}ny",
    "Denу",
    "Deny Deny",
    "Denied",
    "Block",
    "Blocked",
    "Reject",
    "Alow",
    "Permit",
    "Allow?",
    "Allow/Deny",
];
const COMMENTS: [&str; 8] = [
    "",
    "",
    "office",
    "5\" pipe",
    "the \"main\" office",
    "a, b; c",
    "two\nlines",
    "see #4711",
];

#[derive(Clone, Copy, PartialEq)]
enum Column {
    Address,
    Rule,
    Comment,
    Other,
}

/// The format of a file: its delimiter, its line endings, its columns and its use of quotes.
struct Dialect {
    delimiter: &'static str,
    line_end: &'static str,
    columns: [Column; 4],
    quoted_percent: u32,
}

impl Dialect {
    fn of(random: &mut Random) -> Self {
        use Column::{Address, Comment, Other, Rule};
        Self {
            delimiter: random.pick(&[",", ",", ";", "\t", "|"]),
            line_end: random.pick(&["\n", "\n", "\r\n", "\r"]),
            columns: random.pick(&[
                [Address, Rule, Comment, Other],
                [Address, Rule, Comment, Other],
                [Rule, Address, Other, Comment],
                [Other, Comment, Rule, Address],
                [Comment, Address, Other, Rule],
                [Other, Address, Rule, Comment],
            ]),
            quoted_percent: random.pick(&[0, 0, 20, 100]),
        }
    }

    /// Formats a cell of a row. Some cells get quotes that they do not need.
    fn cell(&self, text: &str, random: &mut Random) -> String {
        let is_special = |c| matches!(c, '"' | '\n' | '\r');
        let must_quote = text.starts_with('#') && text.len() == 1
            || text.contains(self.delimiter)
            || text.contains(is_special) && !text.starts_with("5\"");
        if must_quote || random.percent(self.quoted_percent) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text.to_owned()
        }
    }
}

/// A row as its cells in column order. The text of a cell includes its quotes.
#[derive(Clone)]
struct Row {
    cells: Vec<String>,
    /// The text between the cells. In a damaged row, it can differ from the delimiter of the file.
    delimiters: Vec<String>,
}

impl Row {
    fn of(rule: &Rule, dialect: &Dialect, random: &mut Random) -> Self {
        let action = match rule.action {
            Action::Allow => random.pick(&["Allow", "allow", "ALLOW"]),
            Action::Deny => random.pick(&["Deny", "deny", "DENY"]),
        };
        let comment = random.pick(&COMMENTS);
        let text = |column: &Column| match column {
            Column::Address => rule.address.as_str(),
            Column::Rule => action,
            Column::Comment => comment,
            Column::Other => "7",
        };
        let cells = dialect.columns.iter().map(text);
        let cells: Vec<String> = cells.map(|text| dialect.cell(text, random)).collect();
        Self {
            delimiters: vec![dialect.delimiter.to_owned(); cells.len() - 1],
            cells,
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (index, cell) in self.cells.iter().enumerate() {
            text += cell;
            text += self.delimiters.get(index).map_or("", String::as_str);
        }
        text
    }
}

/// A kind of damage to a row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Damage {
    Address,
    Rule,
    AddressAndRule,
    Quote,
    Delimiter,
    Hash,
}

/// Damages the row of a rule. The damaged text is never another valid rule.
fn damage(kind: Damage, row: &mut Row, rule: &Rule, dialect: &Dialect, random: &mut Random) {
    let place = |wanted| {
        dialect
            .columns
            .iter()
            .position(|column| *column == wanted)
            .unwrap()
    };
    let (address, action) = (place(Column::Address), place(Column::Rule));
    if matches!(kind, Damage::Address | Damage::AddressAndRule) {
        row.cells[address] = dialect.cell(&unreadable_address(rule, random), random);
    }
    if matches!(kind, Damage::Rule | Damage::AddressAndRule) {
        row.cells[action] = dialect.cell(random.pick(&NO_RULES), random);
    }
    match kind {
        Damage::Quote => damage_quotes(row, random),
        Damage::Delimiter => {
            // The address or the rule moves to another column, or both end up in one cell.
            let from = address.min(action);
            if random.percent(50) {
                row.cells.insert(from, String::new());
                row.delimiters.push(dialect.delimiter.to_owned());
            } else {
                let other = random.pick(&["", " ", ":", "/"]);
                row.delimiters[from] = other.to_owned();
            }
        }
        Damage::Hash => {
            let cell = &mut row.cells[0];
            let start = usize::from(cell.starts_with('"'));
            cell.insert_str(start, random.pick(&["#", "# ", "#4711 "]));
        }
        Damage::Address | Damage::Rule | Damage::AddressAndRule => {}
    }
}

fn unreadable_address(rule: &Rule, random: &mut Random) -> String {
    let text = &rule.address;
    let is_ipv6 = text.contains(':');
    match random.between(0, 9) {
        0 => format!("{text}x"),
        1 if text.contains('0') => text.replacen('0', "O", 1),
        2 if !is_ipv6 => format!("{text}:80"),
        3 => format!("http://{text}/"),
        4 if !is_ipv6 && text.contains('.') => format!("{text}.0"),
        5 => format!("{text} {text}"),
        6 => format!("{text},{text}"),
        7 => match rule.cover {
            Cover::Ipv4 { first, last } if first < last => {
                format!("{}-{}", Ipv4Addr::from(last), Ipv4Addr::from(first))
            }
            _ => format!("({text})"),
        },
        8 => {
            let (first, rest) = text.split_at(1);
            format!("{first}\u{200b}{rest}_")
        }
        _ => random.pick(&NO_ADDRESSES).to_owned(),
    }
}

/// Adds a quote at the start, at the end or anywhere in a cell, or removes one.
fn damage_quotes(row: &mut Row, random: &mut Random) {
    let index = usize::try_from(random.below(row.cells.len() as u128)).unwrap();
    let cell = &mut row.cells[index];
    let quotes: Vec<usize> = cell.match_indices('"').map(|(place, _)| place).collect();
    match random.between(0, 4) {
        0 if !quotes.is_empty() => {
            cell.remove(random.pick(&quotes));
        }
        0 | 1 => cell.insert(0, '"'),
        2 | 3 => cell.push('"'),
        _ => {
            let places: Vec<usize> = cell.char_indices().map(|(place, _)| place).collect();
            let place = if places.is_empty() {
                0
            } else {
                random.pick(&places)
            };
            cell.insert(place, '"');
        }
    }
}

/// Returns the kinds of damage for a file. A kind that is listed several times is more likely.
fn kinds(dialect: &Dialect, random: &mut Random) -> Vec<Damage> {
    let mut kinds = vec![Damage::Address, Damage::Address, Damage::Rule, Damage::Rule];
    if random.percent(50) {
        kinds.extend([Damage::AddressAndRule, Damage::Delimiter]);
        return kinds;
    }
    kinds.extend([Damage::Quote; 4]);
    // In the first column, a `#` in front of the address or the rule would disable the row.
    if !matches!(dialect.columns[0], Column::Address | Column::Rule) {
        kinds.push(Damage::Hash);
    }
    kinds
}

/// Damages a few rows. A row that a quoted cell hides or that starts with `#` is recognized only by its
/// address or its rule, so no row of a file with such damage may lose both.
fn damage_rows(rules: &[Rule], rows: &mut [Row], dialect: &Dialect, random: &mut Random) {
    let kinds = kinds(dialect, random);
    let hides_rows = kinds.contains(&Damage::Quote);
    let mut kind = random.pick(&kinds);
    let mut damaged_cells = Vec::new();
    for _ in 0..random.between(1, 3) {
        let place = usize::try_from(random.below(rules.len() as u128)).unwrap();
        let is_of_cell = matches!(kind, Damage::Address | Damage::Rule);
        if !(is_of_cell && hides_rows && damaged_cells.contains(&place)) {
            damage(kind, &mut rows[place], &rules[place], dialect, random);
        }
        if is_of_cell {
            damaged_cells.push(place);
        }
        // The kind often stays the same, so that a second quote can close a cell that the first quote opens.
        if random.percent(50) {
            kind = random.pick(&kinds);
        }
    }
}

/// One random file, undamaged and damaged.
struct Case {
    rules: Vec<Rule>,
    default: Action,
    whole: String,
    damaged: String,
    clients: Vec<IpAddr>,
}

impl Case {
    fn of(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let mix = Mix {
            rules: random.between(2, 12),
            deny_percent: random.pick(&[30, 50, 70]),
            ipv6_percent: random.pick(&[0, 20]),
            all_percent: random.pick(&[0, 50]),
            scattered: false,
        };
        let rules = random_rules(mix, random);
        let dialect = Dialect::of(random);
        let rows: Vec<Row> = rules
            .iter()
            .map(|rule| Row::of(rule, &dialect, random))
            .collect();
        let mut damaged = rows.clone();
        damage_rows(&rules, &mut damaged, &dialect, random);
        Self {
            default: random.pick(&[Action::Deny, Action::Deny, Action::Allow]),
            whole: text_of(&dialect, &rows),
            damaged: text_of(&dialect, &damaged),
            clients: probes(&rules, random)
                .into_iter()
                .map(|client| client.to_canonical())
                .collect(),
            rules,
        }
    }

    fn setup(&self, strict: &str) -> Setup {
        let default = match self.default {
            Action::Allow => "allow",
            Action::Deny => "deny",
        };
        let values = [("DEFAULT_POLICY", default), ("STRICT", strict)];
        let value = |name: &str| values.iter().find(|(known, _)| *known == name);
        Setup::new(
            |name| value(name).map(|(_, value)| (*value).to_owned()),
            None,
        )
    }

    /// Returns the first client that gets in with this text although the undamaged file keeps it out.
    /// `None` if there is no such client, or if the text is refused.
    fn intruder(&self, text: &str, strict: &str) -> Option<IpAddr> {
        let (outcome, decision) = self.setup(strict).review_pieces([text]);
        outcome.file.as_ref()?;
        let policy = decision.policy()?;
        let mut clients = self.clients.iter().copied();
        clients.find(|client| {
            let may_enter = permits(&self.rules, self.default, Client::of(*client));
            policy.permits(*client) && !may_enter
        })
    }
}

fn text_of(dialect: &Dialect, rows: &[Row]) -> String {
    let name = |column: &Column| match column {
        Column::Address => "IP",
        Column::Rule => "Rule",
        Column::Comment => "Comment",
        Column::Other => "Owner",
    };
    let names: Vec<&str> = dialect.columns.iter().map(name).collect();
    let mut text = names.join(dialect.delimiter) + dialect.line_end;
    for row in rows {
        let _ = write!(text, "{}{}", row.text(), dialect.line_end);
    }
    text
}

#[test]
fn nobody_gets_in_by_a_damaged_row() {
    let files = std::env::var("DAMAGED_FILES").map_or(FILES, |files| files.parse().unwrap());
    let (mut refused, mut published, mut intruders) = (0, 0, 0);
    for seed in 0..files {
        let case = Case::of(seed);
        let undamaged = case.setup("deny").run(case.whole.as_bytes());
        assert!(
            undamaged.file.is_some(),
            "seed {seed}: {}\n{}",
            refusal_of(&undamaged),
            case.whole
        );
        assert_eq!(
            case.intruder(&case.whole, "deny"),
            None,
            "seed {seed}: {}",
            case.whole
        );
        let intruder = case.intruder(&case.damaged, "deny");
        assert_eq!(
            intruder, None,
            "seed {seed} under {:?}:\n{}\n{}",
            case.default, case.whole, case.damaged
        );
        match case.setup("deny").run(case.damaged.as_bytes()).file {
            Some(_) => published += 1,
            None => refused += 1,
        }
        intruders += u64::from(case.intruder(&case.damaged, "none").is_some());
    }
    println!("{published} published, {refused} refused; {intruders} would let somebody in");
    // Without enough files of each kind, the test would prove nothing.
    assert!(published > files / 5, "{published} of {files} published");
    assert!(refused > files / 5, "{refused} of {files} refused");
    assert!(
        intruders > files / 10,
        "{intruders} of {files} with intruders"
    );
}
