//! Uploads that are designed to be slow to process.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use htaccess_generator::answer::RefusalCode;

/// An upload and its expected result.
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// The size of the decompressed text, in bytes.
    pub(crate) text_bytes: usize,
    pub(crate) template: &'static str,
    /// The expected code of the refusal. `None` if the upload must be published, even if rejected rows may
    /// deny somebody.
    pub(crate) expected: Option<RefusalCode>,
    /// True if the text is refused before its first row.
    pub(crate) is_only_header: bool,
}

impl Upload {
    fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self {
            name: name.to_owned(),
            text_bytes: bytes.len(),
            bytes,
            template: "apache24",
            expected: None,
            is_only_header: false,
        }
    }

    fn refused(mut self, code: RefusalCode) -> Self {
        self.expected = Some(code);
        self
    }

    fn only_header(mut self) -> Self {
        self.is_only_header = true;
        self
    }

    fn for_template(mut self, template: &'static str) -> Self {
        self.template = template;
        self
    }

    /// Sets the size of the decompressed text, in bytes.
    fn of_text(mut self, bytes: usize) -> Self {
        self.text_bytes = bytes;
        self
    }
}

/// Returns the uploads. Most of them have about `text_bytes` of text.
pub(crate) fn uploads(text_bytes: usize) -> Vec<Upload> {
    let groups = [
        repeated_rows(text_bytes),
        encodings(text_bytes),
        long_cells(text_bytes),
        headers(text_bytes),
        compressed(text_bytes),
        many_networks(text_bytes),
        dated(text_bytes),
    ];
    groups.into_iter().flatten().collect()
}

/// The rows that are repeated, after their names.
const ROWS: [(&str, &str); 37] = [
    ("usual rows", "10.0.0.1,Allow,client\n"),
    ("line feeds", "\n"),
    ("carriage returns", "\r"),
    ("both", "\r\n"),
    ("blank lines", " \n"),
    ("lines of a delimiter", ",\n"),
    ("lines of delimiters", ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n"),
    ("comments", "#\n"),
    ("failed formulas", "#N/A\n"),
    ("too narrow columns", "###,\n"),
    ("one letter", "a\n"),
    ("a letter and a delimiter", "a,\n"),
    ("a delimiter and a letter", ",a\n"),
    ("two letters", "a,a\n"),
    ("a digit and a letter", "1,a\n"),
    ("an IPv6 address and a letter", "::,a\n"),
    ("short rows of IPv6", "::,Deny\n"),
    ("default rows", "*,Deny\n"),
    ("letters with accents", "é,é\n"),
    ("no-break spaces", "\u{a0},\u{a0}\n"),
    ("invisible characters", "\u{feff},\u{feff}\n"),
    ("empty quotes", "\"\"\n"),
    ("a quoted letter", "\"a\"\n"),
    ("empty quoted cells", "\"\",\"\",\"\"\n"),
    ("a quote in a cell", "a\"\n"),
    ("blanks before quotes", "   \"a\",   \"b\"\n"),
    ("quoted line feeds", "\"a\n\n\n\"\n"),
    (
        "many quoted line feeds",
        "\"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\"\n",
    ),
    ("quoted lines of delimiters", "\",\n,\n,\n,\n,\"\n"),
    ("quoted rows", "\"1.1.1.1,Deny\n1.1.1.2,Deny\n\",\n"),
    ("formulas", "=\"a\",=\"b\"\n"),
    ("apostrophes", "'a,'b\n"),
    ("reversed ranges", "1.1.1.2-1.1.1.1,Deny\n"),
    ("short ranges", "::-::1,Deny\n"),
    ("masks", "1.0.0.0/255.0.0.0,Deny\n"),
    ("host bits", "1.1.1.1/8,a\n"),
    ("nearly words", "1.1.1.1,allxw\n"),
];

const HEADER: &str = "IP,Rule,Comment\n1.1.1.1,Allow\n";

fn rows_after(header: &str, row: &str, text_bytes: usize) -> String {
    format!("{header}{}", row.repeat(text_bytes / row.len()))
}

fn repeated_rows(text_bytes: usize) -> Vec<Upload> {
    let upload =
        |(name, row): &(&str, &str)| Upload::new(name, rows_after(HEADER, row, text_bytes));
    let mut uploads: Vec<Upload> = ROWS.iter().map(upload).collect();
    // Every cell in these columns must be compared with the rule.
    let width = 1000;
    let header = format!("IP,Rule{}\n", ",Rule".repeat(width));
    for (name, cell) in [
        ("columns of rules with a letter", ",a"),
        ("columns of rules with nearly words", ",denx"),
        ("columns of rules with other words", ",blockt"),
    ] {
        let row = format!("1.1.1.1,Deny{}\n", cell.repeat(width));
        uploads.push(Upload::new(name, rows_after(&header, &row, text_bytes)));
    }
    for (name, row) in [
        ("comments that could be rows", "#,1,a\n"),
        ("comments that are rows", "#,::,Deny\n"),
    ] {
        let text = rows_after("Note,IP,Rule\n,1.1.1.1,Allow\n", row, text_bytes);
        uploads.push(Upload::new(name, text));
    }
    uploads
}

fn encodings(text_bytes: usize) -> Vec<Upload> {
    let mut uploads = Vec::new();
    for (name, row) in [
        ("Windows-1252", "a\u{e9}\n"),
        ("Windows-1252 cells", "\u{e9},\u{e9}\n"),
    ] {
        let text = rows_after(HEADER, row, text_bytes);
        let latin: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
        uploads.push(Upload::new(name, latin));
    }
    for (name, row) in [
        ("UTF-16 line feeds", "\n"),
        ("UTF-16 delimiters", ",\n"),
        ("UTF-16 letters with accents", "é\n"),
        ("UTF-16 quotes", "\"\"\n"),
    ] {
        let text = rows_after(HEADER, row, text_bytes / 2);
        let units = std::iter::once(0xfeff).chain(text.encode_utf16());
        let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
        uploads.push(Upload::new(name, bytes));
    }
    uploads
}

/// Returns uploads whose rows have a long address or rule that consists of many parts.
fn long_cells(text_bytes: usize) -> Vec<Upload> {
    let parts = [
        ("1-", "dates"),
        ("a-", "words and signs"),
        ("1.", "octets"),
        ("1:", "groups"),
        ("1/", "slashes"),
        ("1 ", "numbers"),
        ("1,", "delimiters in quotes"),
        ("1.1.1.1 ", "addresses"),
        ("é", "accents"),
        ("#", "signs of a narrow column"),
        ("1E", "exponents"),
        ("\"\"", "doubled quotes"),
    ];
    let upload = |(part, name): (&str, &str)| {
        let cell = part.repeat(text_bytes / 200 / part.len());
        let mut text = HEADER.to_owned();
        for _ in 0..100 {
            let _ = write!(text, "\"{cell}\",Allow\n1.1.1.1,\"{cell}\"\n");
        }
        Upload::new(&format!("long cells of {name}"), text)
    };
    parts.into_iter().map(upload).collect()
}

/// Returns uploads in which the search for the header takes long.
fn headers(text_bytes: usize) -> Vec<Upload> {
    let line_bytes = (text_bytes / 22).min(1_000_000);
    let lines = |line: &str| format!("{}\n", line.repeat(line_bytes / line.len())).repeat(21);
    let open_lines = format!("\"{}", format!("{}\n", "x".repeat(9000)).repeat(99));
    let missing = RefusalCode::MissingColumn;
    // The name of the column is in Windows-1252 and contains a second kind of delimiter.
    let column = [&b"xxxx"[..], &[0x89; 44], b"\xff|low,"].concat();
    let wide = column.repeat(1020);
    let repeated = |line: &str| line.repeat(text_bytes / line.len());
    vec![
        Upload::new("an open quote in the header", open_lines).refused(RefusalCode::NotCsv),
        Upload::new("a header of 1,020 columns", wide)
            .refused(missing)
            .only_header(),
        Upload::new("lines of quotes and delimiters", lines("\"a\",;|\t")).refused(missing),
        Upload::new("lines of delimiters before a header", lines("a,;|\t")).refused(missing),
        Upload::new("lines of accents before a header", lines("é")).refused(missing),
        Upload::new("blanks before a header", repeated(" \n")).refused(missing),
        Upload::new("line feeds before a header", repeated("\n")).refused(missing),
        Upload::new("delimiters before a header", repeated(",;|\t\n")).refused(missing),
        Upload::new("separator lines before a header", repeated("sep=,\n")).refused(missing),
    ]
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

fn compressed(text_bytes: usize) -> Vec<Upload> {
    let mut uploads = Vec::new();
    for (name, row) in [
        ("line feeds, compressed", "\n"),
        ("rows, compressed", "::,Deny\n"),
    ] {
        let text = rows_after(HEADER, row, text_bytes);
        let upload = Upload::new(name, gzip(text.as_bytes()));
        uploads.push(upload.of_text(text.len()));
    }
    let members = [gzip(HEADER.as_bytes()), gzip(b"").repeat(text_bytes / 20)].concat();
    let small = gzip(b"1.1.1.1,Deny\n").repeat(text_bytes / 33);
    let small = [gzip(HEADER.as_bytes()), small].concat();
    let parts = [
        ("empty gzip members", members),
        ("a gzip member for each row", small),
        ("empty blocks of gzip", blocks(text_bytes, &[])),
        ("a letter in each block of gzip", blocks(text_bytes, b"a")),
        ("empty stored blocks of gzip", stored_blocks(text_bytes)),
    ];
    for (name, bytes) in parts {
        let is_large = text_bytes > 1024 * 1024;
        let code = if is_large {
            RefusalCode::TooLarge
        } else {
            RefusalCode::NotCsv
        };
        uploads.push(Upload::new(name, bytes).refused(code));
    }
    uploads
}

const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// Returns gzip blocks with the fixed Huffman code of RFC 1951. Each block contains `letters`.
fn blocks(bytes: usize, letters: &[u8]) -> Vec<u8> {
    let mut block = vec![false, true, false];
    for letter in letters {
        let code = 0x30 + letter;
        block.extend((0..8).rev().map(|bit| code >> bit & 1 == 1));
    }
    block.extend([false; 7]);
    // Eight blocks together end at a byte boundary.
    let byte = |bits: &[bool]| {
        let bits = bits.iter().enumerate();
        bits.fold(0, |byte, (at, bit)| byte | u8::from(*bit) << at)
    };
    let eight: Vec<u8> = block.repeat(8).chunks(8).map(byte).collect();
    [&GZIP_HEADER[..], &eight.repeat(bytes / eight.len())].concat()
}

fn stored_blocks(bytes: usize) -> Vec<u8> {
    let block = [0, 0, 0, 0xff, 0xff];
    [&GZIP_HEADER[..], &block.repeat(bytes / block.len())].concat()
}

/// Returns uploads whose rows need many networks, or whose addresses are far apart.
fn many_networks(text_bytes: usize) -> Vec<Upload> {
    let templates = ["apache24", "nginx", "haproxy", "nftables", "json", "plain"];
    let wide = |row: usize| {
        let (high, low) = (row >> 16, row & 0xffff);
        let prefix = format!("2001:{high:x}:{low:x}");
        format!("{prefix}::1-{prefix}:0:ffff:ffff:ffff:fffe,Allow\n")
    };
    let scattered = |row: usize| {
        let row = u32::try_from(row).unwrap();
        let [a, b, c, d] = row.wrapping_mul(2_654_435_761).to_be_bytes();
        format!("{a}.{b}.{c}.{d},Allow\n")
    };
    let text = |rows: usize, row: &dyn Fn(usize) -> String| {
        let rows: String = (0..rows).map(row).collect();
        format!("IP,Rule\n{rows}")
    };
    let mut uploads = Vec::new();
    for template in templates {
        let published = text(1000, &wide);
        let name = format!("ranges of many networks, {template}");
        uploads.push(Upload::new(&name, published).for_template(template));
        let name = format!("scattered addresses, {template}");
        let rows = (text_bytes / 20).min(250_000);
        uploads.push(Upload::new(&name, text(rows, &scattered)).for_template(template));
    }
    let large = text(200_000, &wide);
    uploads
        .push(Upload::new("200,000 ranges of many networks", large).refused(RefusalCode::TooLarge));
    let hosts = |row: usize| format!("{:x}:{:x}::,Deny\n", row >> 16, 1 + (row & 0xffff));
    let hosts = text(text_bytes / 12, &hosts);
    uploads.push(Upload::new("short rows of other IPv6 addresses", hosts));
    uploads
}

/// Returns uploads whose rows have valid, invalid, past and future dates.
fn dated(text_bytes: usize) -> Vec<Upload> {
    let header = "IP,Rule,Starts,Expires\n1.1.1.1,Allow\n";
    let mut uploads = Vec::new();
    for (name, row) in [
        ("a date that is a letter", "1.1.1.1,Allow,a\n"),
        ("a date that is a number", "1.1.1.1,Allow,1\n"),
        ("dates of another form", "1.1.1.1,Allow,1/1/27,2/2/28\n"),
        ("quoted dates", "1.1.1.1,Allow,\"2027-01-01\",\n"),
        ("reversed periods", "::,Allow,2027-01-01,2026-01-01\n"),
        ("expired rows", "::,Deny,,2020-01-01\n"),
        ("rows that end soon", "::,Deny,,2026-11-30\n"),
    ] {
        uploads.push(Upload::new(name, rows_after(header, row, text_bytes)));
    }
    // The dates go backwards, so that each row replaces the next change, and its day is not among the
    // recently read days.
    let date = |row: usize| {
        let (year, month) = (9000 - row / 336 % 6000, 12 - row / 28 % 12);
        format!("{year}-{month:02}-{:02}", 28 - row % 28)
    };
    let time = |row: usize| format!("{} 02:{:02}", date(row), 59 - row % 60);
    let form: [(&str, &dyn Fn(usize) -> String); 4] = [
        ("other days", &|row| format!(",{}", date(row))),
        ("other days, pending", &|row| format!("{},", date(row))),
        ("other times", &|row| format!(",{}", time(row))),
        ("other instants", &|row| {
            format!(",{}T02:00:{:02}+01:00", date(row), 59 - row % 60)
        }),
    ];
    for (name, dates) in form {
        let row = |row: usize| format!("{:x}::,Allow,{}\n", 1 + row % 60_000, dates(row));
        let rows: String = (0..text_bytes / 24).map(row).collect();
        uploads.push(Upload::new(name, format!("{header}{rows}")));
    }
    uploads
}
