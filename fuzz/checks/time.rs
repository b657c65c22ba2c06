//! The target `time`: builds a long upload from the input. Processing it must take little time for each
//! byte.
//!
//! ```text
//! input    = form template body
//! form     = one byte: the remainder after division by 6 is the form of the upload (the corpus uses
//!            the characters "0" to "5")
//! template = one byte: the remainder after division by 4 is an index in TEMPLATES. The bit with the
//!            value 8 sets default allow. The bit with the value 16 publishes the file although
//!            rejected rows may deny somebody
//! body     = repeated until the upload is long enough. "~" and "^" are replaced by the low and the high
//!            byte of the repetition's number, in decimal, so that repetitions can have different
//!            addresses
//! ```
//!
//! | form | upload |
//! |---|---|
//! | 0 | the body, repeated |
//! | 1 | a header, then the body, repeated |
//! | 2 | the first line of the body, then the rest of it, repeated |
//! | 3 | like 1, in UTF-16 |
//! | 4 | like 1, compressed as a whole |
//! | 5 | like 1, compressed in gzip members of at least [`MEMBER_BYTES`] bytes of text |
//!
//! This file builds the upload and processes it. The target and `benches/pathological.rs` measure the time.

use std::io::Write as _;
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use htaccess_generator::answer::Answer;
use htaccess_generator::generate::{Keep, Upload};
use htaccess_generator::list::Shared;
use htaccess_generator::render::Template;
use htaccess_generator::report::{Facts, MAX_PAGE_BYTES, RequestCost, report_page};
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::settings::{Settings, Strict};
use htaccess_generator::source::Source;
use htaccess_generator::time::Instant;

/// The minimum length of the text for a check without a clock, in bytes. The length is small, because the
/// check also runs without optimization.
const CHECKED_TEXT_BYTES: usize = 8 * 1024;
/// The instant as of which the rows are evaluated: 26 November 2026, 12:00 UTC.
const AS_OF: Instant = Instant::from_seconds(1_795_694_400);
/// The size of the pieces in which the upload is read, in bytes, as if they came from the network.
const PIECE_BYTES: usize = 16 * 1024;
const HEADER: &[u8] = b"IP,Rule,Comment\n1.1.1.1,Allow,\n";
const TEMPLATES: [&str; 4] = ["apache24", "nginx", "haproxy", "nftables"];

/// An upload with the template and the settings to process it.
pub(crate) struct Run {
    upload: Vec<u8>,
    /// The length of the decompressed upload, in bytes.
    text_bytes: usize,
    template: &'static Template,
    settings: Settings,
}

impl Run {
    /// Builds the upload for an input by repeating its body until there are at least `text_bytes` of text.
    /// `None` for an input without a body.
    pub(crate) fn of(input: &[u8], text_bytes: usize) -> Option<Self> {
        let [form, template, body @ ..] = input else {
            return None;
        };
        if body.is_empty() {
            return None;
        }
        let (upload, text_bytes) = upload(form % 6, body, text_bytes);
        let mut settings = Settings::default();
        if template & 8 != 0 {
            settings.default_policy = DefaultPolicy::Allow;
        }
        if template & 16 != 0 {
            settings.strict = Strict::None;
        }
        Some(Self {
            upload,
            text_bytes,
            template: &templates()[usize::from(template % 4)],
            settings,
        })
    }

    /// Processes the upload with all steps of the Lambda function.
    pub(crate) fn work(&self) -> Work {
        let answer = process(&self.upload, &self.settings, self.template);
        Work {
            bytes: self.text_bytes + answer.bytes,
            is_only_header: answer.rows == 0 && answer.code.is_some(),
        }
    }
}

/// The amount of work for an upload.
pub(crate) struct Work {
    /// The number of decompressed bytes that were read, and of bytes that were written.
    pub(crate) bytes: usize,
    /// True if the upload was refused before its first row. A byte of a header with 1,024 columns takes
    /// longer than a byte of a row, but a header has at most 1 MiB.
    pub(crate) is_only_header: bool,
}

/// Processes an upload with all steps of the Lambda function: reads, decides, renders, reviews and reports.
pub(crate) fn process(upload: &[u8], settings: &Settings, template: &Template) -> Answer {
    let source = Source {
        key: "clients/acme.csv".to_owned(),
        ..Source::default()
    };
    let keep = Keep::for_template(template).with_history();
    let mut reading = Upload::new(settings, source, keep, AS_OF, &Shared::default());
    for piece in upload.chunks(PIECE_BYTES) {
        if reading.push(piece).is_break() {
            break;
        }
    }
    let mut decision = reading.finish();
    let outcome = decision.render(template);
    let mut answer = outcome.answer;
    answer.warnings.extend(decision.warnings());
    let facts = Facts {
        policy: decision.policy(),
        next_change: decision.next_change(),
        cost: outcome.file.as_deref().map(RequestCost::of),
        ..Facts::default()
    };
    let page = report_page(&answer, facts);
    assert!(page.len() <= MAX_PAGE_BYTES, "{} bytes", page.len());
    answer
}

/// Checks an input without measuring the time.
pub(crate) fn check(input: &[u8]) {
    if let Some(run) = Run::of(input, CHECKED_TEXT_BYTES) {
        let work = run.work();
        let is_consistent = if work.is_only_header {
            work.bytes == run.text_bytes
        } else {
            work.bytes >= run.text_bytes
        };
        assert!(is_consistent, "{} bytes", work.bytes);
    }
}

fn templates() -> &'static [Template] {
    static COMPILED: OnceLock<Vec<Template>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let compiled = TEMPLATES.iter().map(|name| Template::built_in(name));
        compiled.collect::<Result<_, _>>().unwrap()
    })
}

/// The minimum length of the text in a gzip member, in bytes. Compressing each repetition alone would be
/// slow, and the decoder refuses an upload with too many members.
const MEMBER_BYTES: usize = 64;

/// Returns the upload, and the length of its decompressed text in bytes.
fn upload(form: u8, body: &[u8], text_bytes: usize) -> (Vec<u8>, usize) {
    let first_line = body.iter().position(|byte| *byte == b'\n');
    let (start, body) = match (form, first_line) {
        (0, _) => (&[][..], body),
        (2, Some(end)) if end + 1 < body.len() => body.split_at(end + 1),
        _ => (HEADER, body),
    };
    let mut text = start.to_vec();
    let mut upload = gzip(start);
    let mut member = Vec::new();
    for number in (0..=u16::MAX).cycle().take(text_bytes) {
        let part = numbered(body, number);
        if form == 5 {
            member.extend_from_slice(&part);
            if member.len() >= MEMBER_BYTES {
                upload.extend(gzip(&member));
                member.clear();
            }
        }
        text.extend(part);
        if text.len() >= text_bytes {
            break;
        }
    }
    match form {
        3 => text = utf16(&text),
        4 => upload = gzip(&text),
        5 => upload.extend(gzip(&member)),
        _ => upload.clone_from(&text),
    }
    if form == 3 {
        upload.clone_from(&text);
    }
    (upload, text.len())
}

/// Replaces `~` and `^` in the body by the low and the high byte of the repetition's number.
fn numbered(body: &[u8], number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes().map(|byte| byte.to_string());
    let mut text = Vec::with_capacity(body.len() + 8);
    for byte in body {
        match byte {
            b'~' => text.extend_from_slice(low.as_bytes()),
            b'^' => text.extend_from_slice(high.as_bytes()),
            byte => text.push(*byte),
        }
    }
    text
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text).unwrap();
    gzip.finish().unwrap()
}

fn utf16(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}
