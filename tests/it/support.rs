//! Processes uploads with the library, and converts text to other encodings.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use htaccess_generator::answer::{Answer, Refusal};
use htaccess_generator::generate::{Compiled, Decision, Keep, Outcome, SharedUpload, Upload};
use htaccess_generator::list::{CommonRules, CompiledList, ListId, ListName, Listed, Shared};
use htaccess_generator::render::Template;
use htaccess_generator::settings::{DEFAULT_TEMPLATE, Settings, Spelling};
use htaccess_generator::source::Source;
use htaccess_generator::time::{Bound, DateReader, Instant};

/// The source key for tests in which the key does not matter.
pub(crate) const KEY: &str = "clients/acme.csv";

/// The time for tests in which the time does not matter: 26 November 2026, 12:00 UTC.
pub(crate) const AS_OF: Instant = Instant::from_seconds(1_795_694_400);

/// All inputs of the library except the upload itself.
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) source: Source,
    pub(crate) template: Template,
    pub(crate) as_of: Instant,
    pub(crate) shared: Shared,
    /// The reason why the custom template does not compile. `None` if it compiles, or if there is none.
    broken_template: Option<Refusal>,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new(|_| None, None)
    }
}

impl Setup {
    /// Reads settings that are named like the function's environment variables. `SOURCE`,
    /// `BUCKET`, `VERSION_ID` and `ETAG` describe the origin of the upload, and `AT` is the
    /// time as of which the upload is read.
    pub(crate) fn new(lookup: impl Fn(&str) -> Option<String>, own_template: Option<&str>) -> Self {
        let value = |name| lookup(name).unwrap_or_default();
        let built_in = lookup("TEMPLATE").unwrap_or(DEFAULT_TEMPLATE.to_owned());
        let (template, broken_template) = match own_template.map(Template::compile) {
            Some(Ok(template)) => (template, None),
            Some(Err(err)) => (Template::built_in(&built_in).unwrap(), Some(err.into())),
            None => (Template::built_in(&built_in).unwrap(), None),
        };
        Self {
            settings: Settings::read(Spelling::Variable, &lookup).unwrap(),
            source: Source {
                key: lookup("SOURCE").unwrap_or(KEY.to_owned()),
                bucket: value("BUCKET"),
                version_id: value("VERSION_ID"),
                etag: value("ETAG"),
            },
            template,
            as_of: lookup("AT").map_or(AS_OF, |at| {
                let mut dates = DateReader::default();
                dates.read(Bound::Starts, &at).unwrap().unwrap()
            }),
            shared: Shared::default(),
            broken_template,
        }
    }

    /// Adds a list, even if its CSV is refused, and returns the answer for the CSV.
    pub(crate) fn add_list(&mut self, name: &str, csv: &str) -> Answer {
        let name = ListName::new(name).unwrap();
        let source = format!("lists/{name}.csv");
        let id = ListId {
            name: name.clone(),
            source: source.clone(),
        };
        let mut upload = SharedUpload::of_list(&self.settings, id, self.as_of);
        let _ = upload.push(csv.as_bytes());
        let outcome = upload.finish();
        match outcome.compiled {
            Some(Compiled::List(list)) => {
                // The function stores lists as bytes. Reading them must give the list
                // that the command line uses.
                let stored = CompiledList::from_bytes(&list.to_bytes()).unwrap();
                assert_eq!(stored, list);
                self.shared.add_list(Arc::new(stored));
            }
            _ => self.shared.add_refused_list(name, source),
        }
        outcome.answer
    }

    /// Sets the common CSV, and returns its answer. The rows may use the lists that were added before.
    pub(crate) fn set_common(&mut self, csv: &str) -> Answer {
        let source = "_common.csv".to_owned();
        let shared = &self.shared;
        let mut upload =
            SharedUpload::of_common(&self.settings, source.clone(), self.as_of, shared);
        let _ = upload.push(csv.as_bytes());
        let outcome = upload.finish();
        self.shared.set_common(match outcome.compiled {
            Some(Compiled::Common(common)) => {
                let stored = CommonRules::from_bytes(&common.to_bytes()).unwrap();
                assert_eq!(stored, common);
                Listed::InForce(Arc::new(stored))
            }
            _ => Listed::Refused(source),
        });
        outcome.answer
    }

    /// Returns the default settings with a custom template.
    pub(crate) fn with_template(text: &str) -> Self {
        Self::new(|_| None, Some(text))
    }

    /// Returns the default settings with one setting changed.
    pub(crate) fn with(name: &str, value: &str) -> Self {
        Self::new(|asked| (asked == name).then(|| value.to_owned()), None)
    }

    /// Processes the upload in one piece.
    pub(crate) fn run(&self, upload: &[u8]) -> Outcome {
        self.run_pieces([upload])
    }

    /// Processes the upload in pieces. After a refusal, the remaining pieces are not pushed.
    pub(crate) fn run_pieces<P: AsRef<[u8]>>(
        &self,
        pieces: impl IntoIterator<Item = P>,
    ) -> Outcome {
        self.review_pieces(pieces).0
    }

    /// Like [`Setup::run_pieces`], but also returns the decision that a report shows.
    pub(crate) fn review_pieces<P: AsRef<[u8]>>(
        &self,
        pieces: impl IntoIterator<Item = P>,
    ) -> (Outcome, Decision) {
        let keep = Keep::for_template(&self.template).with_history();
        let mut upload = Upload::new(
            &self.settings,
            self.source.clone(),
            keep,
            self.as_of,
            &self.shared,
        );
        if let Some(refusal) = &self.broken_template {
            // If the template is broken, the function refuses an upload without reading it.
            let decision = upload.finish();
            let answer = decision.answer().refused(refusal);
            return (Outcome { answer, file: None }, decision);
        }
        for piece in pieces {
            if upload.push(piece.as_ref()).is_break() {
                break;
            }
        }
        let mut decision = upload.finish();
        let mut outcome = decision.render(&self.template);
        outcome.answer.warnings.extend(decision.warnings());
        (outcome, decision)
    }
}

/// Removes the warnings, which are computed only for callers that request them.
pub(crate) fn without_warnings(outcome: Outcome) -> Outcome {
    let mut outcome = outcome;
    outcome.answer.warnings.clear();
    outcome
}

/// Formats an outcome as text for comparisons and diffs: first the answer, then the file.
pub(crate) fn text_of(outcome: &Outcome) -> String {
    let mut text = answer_json(outcome);
    let _ = match &outcome.file {
        Some(file) => write!(text, "file:\n{file}"),
        None => writeln!(text, "no file"),
    };
    text
}

/// Returns the answer as `--json` prints it, with a newline at the end.
pub(crate) fn answer_json(outcome: &Outcome) -> String {
    serde_json::to_string_pretty(&outcome.answer).unwrap() + "\n"
}

/// Formats the refusal as `code: sentence`. Empty if the file was published.
pub(crate) fn refusal_of(outcome: &Outcome) -> String {
    let answer = &outcome.answer;
    assert_eq!(
        answer.code.is_some(),
        outcome.file.is_none(),
        "a refused file has no text, a published one no code"
    );
    match (answer.code, &answer.message) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => String::new(),
    }
}

/// Compresses bytes to one gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Encodes text as little-endian UTF-16 with a byte order mark.
pub(crate) fn utf16_le(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

/// Encodes text as big-endian UTF-16 with a byte order mark.
pub(crate) fn utf16_be(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xfe, 0xff];
    bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    bytes
}

/// Replaces the line endings of a text whose lines end with LF.
pub(crate) fn with_line_ends(text: &[u8], terminator: &[u8]) -> Vec<u8> {
    text.split(|byte| *byte == b'\n')
        .collect::<Vec<_>>()
        .join(terminator)
}
