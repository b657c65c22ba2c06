//! Excel workbooks in place of CSVs.

use std::fs;
use std::io::{Cursor, Write as _};

use htaccess_generator::text::push_fmt;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::cli::Folder;

/// Styles with these number formats: none, a date, a date with a time, and a time.
const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="20"/></cellXfs></styleSheet>"#;

/// Packs the parts of a workbook into a ZIP file.
fn pack(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        let options = SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Returns a workbook with these sheets. Each sheet has a name, a state and the XML of its rows.
fn workbook_of(sheets: &[(&str, &str, &str)], shared_strings: &str) -> Vec<u8> {
    const RELATIONSHIPS: &str =
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let mut listed = String::new();
    let mut related = String::new();
    let mut parts = Vec::new();
    for (index, (name, state, rows)) in sheets.iter().enumerate() {
        let id = index + 1;
        push_fmt(
            &mut listed,
            format_args!(r#"<sheet name="{name}" sheetId="{id}" state="{state}" r:id="r{id}"/>"#),
        );
        push_fmt(
            &mut related,
            format_args!(
                r#"<Relationship Id="r{id}" Type="{RELATIONSHIPS}/worksheet" Target="worksheets/sheet{id}.xml"/>"#
            ),
        );
        parts.push((
            format!("xl/worksheets/sheet{id}.xml"),
            format!(r#"<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>"#),
        ));
    }
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let root = format!(
        r#"<Relationships xmlns="{package}"><Relationship Id="r" Type="{RELATIONSHIPS}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
    );
    let related = format!(r#"<Relationships xmlns="{package}">{related}</Relationships>"#);
    let listed = format!(
        r#"<workbook xmlns="{MAIN}" xmlns:r="{RELATIONSHIPS}"><sheets>{listed}</sheets></workbook>"#
    );
    let mut all = vec![
        ("_rels/.rels", root.as_str()),
        ("xl/workbook.xml", &listed),
        ("xl/_rels/workbook.xml.rels", &related),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", shared_strings),
    ];
    all.extend(
        parts
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str())),
    );
    pack(&all)
}

fn workbook(rows: &str) -> Vec<u8> {
    workbook_of(&[("Rules", "visible", rows)], "<sst/>")
}

/// Returns the XML of a row of texts. An empty text has no cell.
fn row(number: u32, texts: &[&str]) -> String {
    let cells: String = texts
        .iter()
        .zip('A'..)
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, column)| text_cell(&format!("{column}{number}"), text))
        .collect();
    format!(r#"<row r="{number}">{cells}</row>"#)
}

fn text_cell(place: &str, text: &str) -> String {
    format!(r#"<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>"#)
}

fn rows(rows: &[&[&str]]) -> String {
    (1..)
        .zip(rows)
        .map(|(number, texts)| row(number, texts))
        .collect()
}

const HEADER: &[&str] = &["IP Address", "Rule", "Comment", "Expires"];

#[test]
fn a_workbook_is_read_by_every_command() {
    let sheet = rows(&[
        HEADER,
        &["10.0.0.0/24", "Allow", "the &quot;main&quot; office; 2, 3"],
        &["10.0.0.7", "Deny", "two\nlines"],
    ]);
    let folder = Folder::new()
        .with("rules.xlsx", workbook(&sheet))
        .with("old.csv", "IP,Rule\n10.0.0.0/25,Allow\n")
        .with(
            "own.tera",
            "{% for rule in rules %}{{ rule.address }} {{ rule.comment }}\n{% endfor %}",
        );
    folder
        .run(&["check", "rules.xlsx"])
        .expect(0, "1 file fine, 0 refused; 0 rows rejected\n");
    let ran = folder.run(&["render", "rules.xlsx"]).expect(0, "");
    assert!(ran.stdout.contains("from rules.xlsx."), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("Require ip 10.0.0.0/24\n"),
        "{}",
        ran.stdout
    );
    let ran = folder.run(&["render", "rules.xlsx", "--template", "own.tera"]);
    assert_eq!(
        ran.stdout,
        "10.0.0.0/24 the %22main%22 office%3B 2, 3\n10.0.0.7 two lines\n"
    );
    let ran = folder
        .run(&["explain", "rules.xlsx", "10.0.0.7"])
        .expect(0, "");
    assert_eq!(
        ran.stdout,
        "10.0.0.7 is kept out: line 3 denies it\n  line 3: 10.0.0.7,Deny two lines\n  \
         line 2: 10.0.0.0/24,Allow the \\\"main\\\" office; 2, 3 (changes nothing)\n"
    );
    let ran = folder.run(&["diff", "old.csv", "rules.xlsx"]).expect(0, "");
    assert!(
        ran.stdout.contains("\n  + 10.0.0.128/25  the "),
        "{}",
        ran.stdout
    );
    folder.run(&["upcoming", "rules.xlsx"]).expect(
        0,
        "no row starts or ends\n1 file read, 0 refused; 0 rows rejected\n",
    );
    folder.run(&["render", "rules.xlsx", "-o", "out"]).expect(
        0,
        "1 file written, 0 unchanged, 0 refused; 0 rows rejected\n",
    );
    assert!(folder.path("out/rules/.htaccess").exists());
}

/// Empty rows, title rows and rows without cells are counted, so messages use the same
/// row numbers as the sheet.
#[test]
fn messages_have_the_row_numbers_of_the_sheet() {
    let sheet = [
        row(3, &["Access list of 2026"]),
        r#"<row r="4"/>"#.to_owned(),
        row(5, HEADER),
        row(9, &["10.0.0.5/24", "Allow", "a, b"]),
        row(10, &["10.0.0.1", "Allow"]),
    ];
    let merged = format!(
        r#"{}</sheetData><mergeCells count="1"><mergeCell ref="A3:D3"/></mergeCells><sheetData>"#,
        sheet.concat()
    );
    let folder = Folder::new().with("rules.xlsx", workbook(&merged));
    let ran = folder.run(&["check", "rules.xlsx"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let rejected = "\
[host-bits-set]: 10.0.0.5/24 has host bits set
 --> rules.xlsx:9:1
  |
9 | 10.0.0.5/24,Allow,\"a, b\"
  | ^^^^^^^^^^^
  = help: write 10.0.0.0/24 for the network or 10.0.0.5 for the host
";
    assert!(ran.stderr.contains(rejected), "{}", ran.stderr);
    assert!(ran.stderr.contains("[guessed]"), "{}", ran.stderr);
}

/// Returns the XML of rows with dates, numbers, a boolean, formulas and an error.
fn rows_of_all_kinds() -> String {
    // The number 46,387 is 31 December 2026.
    let number = |place: &str, style: u32, value: &str| {
        format!(r#"<c r="{place}" s="{style}"><v>{value}</v></c>"#)
    };
    let of = |line: u32, expires: String| {
        let texts = row(line, &[&format!("10.0.0.{line}"), "Allow"]);
        texts.replace("</row>", &format!("{expires}</row>"))
    };
    let rows = [
        row(1, HEADER),
        of(2, number("D2", 1, "46387")),
        of(3, number("D3", 2, "46387.75")),
        of(4, number("D4", 3, "0.75")),
        of(5, number("D5", 0, "46387")),
        of(
            6,
            r#"<c r="D6" t="d"><v>2026-12-31T00:00:00</v></c>"#.to_owned(),
        ),
        of(7, r#"<c r="D7" s="1"><f>TODAY()+30</f></c>"#.to_owned()),
        of(8, r#"<c r="D8" s="1"><f>D2</f><v>46387</v></c>"#.to_owned()),
        format!(
            r#"<row r="9">{}{}</row>"#,
            number("A9", 0, "10.1"),
            text_cell("B9", "Allow")
        ),
        format!(
            r#"<row r="10">{}{}</row>"#,
            number("A10", 0, "1234567890"),
            text_cell("B10", "Allow")
        ),
        format!(
            r#"<row r="11">{}<c r="B11" t="b"><v>1</v></c></row>"#,
            text_cell("A11", "10.9.9.9")
        ),
        format!(
            r#"<row r="12"><c r="A12" t="str"><f>"10.0.0."&amp;12</f><v>10.0.0.12</v></c>{}</row>"#,
            text_cell("B12", "Allow")
        ),
        format!(
            r#"<row r="13"><c r="A13" t="e"><f>NA()</f><v>#N/A</v></c>{}</row>"#,
            text_cell("B13", "Allow")
        ),
    ];
    rows.concat()
}

#[test]
fn dates_numbers_booleans_and_formulas_are_read_as_they_are_shown() {
    let folder = Folder::new().with("rules.xlsx", workbook(&rows_of_all_kinds()));
    let ran = folder.run(&["check", "rules.xlsx", "--json", "--at", "2026-12-01"]);
    let json = ran.json();
    let rejected: Vec<(u64, &str, &str)> = json[0]["rejections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rejection| {
            (
                rejection["line"].as_u64().unwrap(),
                rejection["code"].as_str().unwrap(),
                rejection["value"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rejected,
        [
            (4, "invalid-date", "0.75"),
            (5, "invalid-date", "46387"),
            (7, "invalid-date", "#VALUE!"),
            (9, "invalid-address", "10.1"),
            (10, "invalid-address", "1234567890"),
            (11, "unknown-rule", "TRUE"),
            (13, "invalid-address", "#N/A"),
        ]
    );
    assert_eq!(json[0]["next_change"], "2026-12-31T18:00:00Z");
    let note = "note: formulas without a value are read as #VALUE! (1 in total): open the workbook in a \
                spreadsheet program and save it, so that it contains the values\n --> rules.xlsx\n\n";
    assert!(ran.stderr.contains(note), "{}", ran.stderr);
    let ran = folder.run(&[
        "explain",
        "rules.xlsx",
        "10.0.0.2",
        "10.0.0.6",
        "10.0.0.8",
        "10.0.0.12",
        "--at",
        "2026-12-01",
        "--json",
    ]);
    let json = ran.json();
    let expires = |index: usize| json[index]["rows"][0]["expires"].clone();
    for index in 0..3 {
        assert_eq!(expires(index), "2027-01-01T00:00:00Z", "{index}");
    }
    assert_eq!(json[3]["permitted"], true);
}

#[test]
fn the_first_visible_sheet_is_read_unless_another_is_named() {
    let allow = |address: &str| rows(&[HEADER, &[address, "Allow"]]);
    let sheets = [
        ("Old", "hidden", allow("10.0.0.1")),
        ("Rules", "visible", allow("10.0.0.2")),
        ("Guests", "visible", allow("10.0.0.3")),
    ];
    let sheets = sheets
        .each_ref()
        .map(|(name, state, rows)| (*name, *state, rows.as_str()));
    let folder = Folder::new()
        .with("rules.xlsx", workbook_of(&sheets, "<sst/>"))
        .with("a.csv", "IP,Rule\n1.1.1.1,Allow\n");
    let note = "note: only the sheet \"Rules\" is read, and the workbook has 3 sheets: to read another sheet, \
        use --sheet NAME\n \
                --> rules.xlsx\n\n";
    let ran = folder.run(&["render", "rules.xlsx"]).expect(0, note);
    assert!(ran.stdout.ends_with("Require ip 10.0.0.2\n"));
    let ran = folder
        .run(&["render", "rules.xlsx", "--sheet", "Guests"])
        .expect(0, "");
    assert!(ran.stdout.ends_with("Require ip 10.0.0.3\n"));
    folder.run(&["check", "rules.xlsx", "--sheet", "guests"]).expect(
        2,
        "error: cannot read rules.xlsx: the workbook has no sheet \"guests\"\n  = help: choose one of these sheets: \"Old\", \
         \"Rules\", \"Guests\"\n0 files fine, 0 refused, 1 failed; 0 rows rejected\n",
    );
    folder
        .run(&["check", "a.csv", "--sheet", "Rules"])
        .expect_failure(
            "--sheet \"Rules\" names the sheet of a workbook, but no input is a workbook: leave out --sheet",
        );
}

/// Returns hostile workbooks, each with its name and the expected message.
fn hostile_workbooks() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    const DAMAGED: &str =
        "the workbook is damaged\n  = help: open it in a spreadsheet program and save it again";
    const TOO_LARGE: &str = "the workbook is larger than 536,870,912 bytes when it is unpacked\n  = help: save the \
                             sheet as CSV";
    let damaged = |rows: &str| workbook(rows);
    let good = rows(&[HEADER, &["10.0.0.1", "Allow"]]);
    // A part that has 600 MB according to the directory at the end of the file.
    let mut bomb = workbook(&good);
    let directory = bomb
        .windows(4)
        .rposition(|bytes| bytes == b"PK\x01\x02")
        .unwrap();
    bomb[directory + 24..directory + 28].copy_from_slice(&600_000_000u32.to_le_bytes());
    let many = r#"<sst uniqueCount = "99999999999999"></sst>"#;
    let padded = format!("{}{many}", " ".repeat(65_530));
    let reserved = |texts: &str| workbook_of(&[("Rules", "visible", &good)], texts);
    vec![
        ("bomb", bomb, TOO_LARGE),
        ("reserves", reserved(many), DAMAGED),
        ("reserves-later", reserved(&padded), DAMAGED),
        (
            "wide",
            reserved(&many.chars().flat_map(|c| [c, '\0']).collect::<String>()),
            DAMAGED,
        ),
        (
            "column",
            damaged(r#"<row r="1"><c r="ZZZZZZZZZ1"><v>1</v></c></row>"#),
            DAMAGED,
        ),
        (
            "row",
            damaged(r#"<row r="1"><c r="A4294967298"><v>1</v></c></row>"#),
            DAMAGED,
        ),
        (
            "order",
            damaged(
                r#"<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>"#,
            ),
            DAMAGED,
        ),
        (
            "twice",
            damaged(r#"<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>"#),
            DAMAGED,
        ),
        (
            "string",
            damaged(r#"<row r="1"><c r="A1" t="s"><v>7</v></c></row>"#),
            DAMAGED,
        ),
        ("cut", good_cut(&good), DAMAGED),
        ("none", pack(&[("a.txt", "x")]), DAMAGED),
        (
            "sheetless",
            workbook_of(&[], "<sst/>"),
            "the workbook has no sheet with cells\n  = help: save the sheet as CSV",
        ),
    ]
}

#[test]
fn hostile_workbooks_are_refused_with_a_message() {
    for (name, bytes, message) in hostile_workbooks() {
        let file = format!("{name}.xlsx");
        let folder = Folder::new().with(&file, bytes);
        let ran = folder.run(&["check", &file]);
        let expected = format!("error: cannot read {file}: {message}");
        assert_eq!(ran.status, 2, "{name}: {}", ran.stderr);
        assert!(ran.stderr.starts_with(&expected), "{name}: {}", ran.stderr);
        assert!(!ran.stderr.contains("panicked"), "{name}: {}", ran.stderr);
    }
}

fn good_cut(rows: &str) -> Vec<u8> {
    let mut bytes = workbook(rows);
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// Damages the XML of a sheet in many places. Each damaged workbook must give a result or a message.
#[test]
fn a_damaged_sheet_never_ends_the_program() {
    let sheet = rows(&[HEADER, &["10.0.0.0/24", "Allow"], &["10.0.0.7", "Deny"]]);
    let mut folder = Folder::new();
    let mut state = 12_345u64;
    for number in 0..150 {
        let mut damaged = sheet.clone().into_bytes();
        for _ in 0..3 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = usize::try_from(state >> 33).unwrap() % damaged.len();
            damaged[at] = b" <>\"/=&9Zr"[usize::try_from(state >> 24 & 0xff).unwrap() % 10];
        }
        let damaged = String::from_utf8(damaged).unwrap();
        folder = folder.with(&format!("{number}.xlsx"), workbook(&damaged));
    }
    let ran = folder.run(&["check", "*.xlsx"]);
    assert!([1, 2].contains(&ran.status), "{}", ran.stderr);
    assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
}

/// A file that is not a workbook is read as a CSV, whatever its name.
#[test]
fn only_workbooks_are_read_as_workbooks() {
    let sheet = rows(&[HEADER, &["10.0.0.1", "Allow"]]);
    let folder = Folder::new()
        .with("text.xlsx", "IP,Rule\n1.1.1.1,Allow\n")
        .with("sheets/UPPER.XLSX", workbook(&sheet))
        .with("named.csv", workbook(&sheet));
    folder
        .run(&["check", "text.xlsx", "sheets/UPPER.XLSX"])
        .expect(0, "2 files fine, 0 refused; 0 rows rejected\n");
    let ran = folder.run(&["check", "named.csv"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr
            .contains("the file is an Excel workbook (.xlsx): save the sheet as CSV"),
        "{}",
        ran.stderr
    );
    folder.run(&["check", "sheets"]).expect_failure(
        "there is no .csv or .csv.gz file below sheets\n  = help: to read a workbook, name it: htaccess check \
         sheets/UPPER.XLSX",
    );
}

#[test]
fn a_workbook_with_a_password_is_named_as_such() {
    const WORKBOOK: &[u8] = include_bytes!("../../spreadsheets/msoffcrypto-xlsx/rules.xlsx");
    let folder = Folder::new().with("rules.xlsx", WORKBOOK);
    folder.run(&["render", "rules.xlsx"]).expect_failure(
        "cannot read rules.xlsx: the workbook is protected with a password\n  = help: save it without a \
         password, or save the sheet as CSV",
    );
}

/// Workbooks from other programs give the same output and the same rejected rows as the
/// CSV of the same table.
#[test]
fn workbooks_of_spreadsheet_programs_are_read() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/spreadsheets");
    let read = |program: &str, name: &str| {
        let file = fs::read(format!("{samples}/{program}/{name}")).unwrap();
        let folder = Folder::new().with(name, file);
        let plain = ["render", name, "--template", "plain", "--strict=none"];
        let json = folder
            .run(&["check", name, "--json", "--strict=none"])
            .json();
        let output = folder.run(&plain).stdout.replace("xlsx", "csv");
        (output, json[0]["rejections"].clone())
    };
    let expected = read("libreoffice-csv", "rules.csv");
    assert!(expected.0.lines().count() > 3, "{}", expected.0);
    for program in ["libreoffice-xlsx", "pandas-openpyxl", "pandas-xlsxwriter"] {
        assert_eq!(read(program, "rules.xlsx"), expected, "{program}");
    }
}
