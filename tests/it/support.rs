//! Runs uploads through the library, and writes the same text in other encodings.

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

/// The key of the source for tests that do not depend on it.
pub(crate) const KEY: &str = "clients/acme.csv";

/// The instant of tests that do not depend on it: 26 November 2026, 12:00 UTC.
pub(crate) const AS_OF: Instant = Instant::from_seconds(1_795_694_400);

/// Everything that decides an outcome except the upload.
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) source: Source,
    pub(crate) template: Template,
    pub(crate) as_of: Instant,
    pub(crate) shared: Shared,
    /// The reason why the custom template does not compile.
    broken_template: Option<Refusal>,
}

impl Default for Setup {
    fn default() -> Self {
        Self::new(|_| None, None)
    }
}

impl Setup {
    /// Reads settings by the names of the function's environment variables. `SOURCE`, `BUCKET`,
    /// `VERSION_ID` and `ETAG` describe the origin of the upload, and `AT` the instant.
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

    /// Adds a list, in force or refused, and returns the answer for its CSV.
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
                // What the function stores must be what the command line uses.
                let stored = CompiledList::from_bytes(&list.to_bytes()).unwrap();
                assert_eq!(stored, list);
                self.shared.add_list(Arc::new(stored));
            }
            _ => self.shared.add_refused_list(name, source),
        }
        outcome.answer
    }

    /// Sets the common CSV, whose rows may name the lists so far.
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

    /// The defaults with a custom template.
    pub(crate) fn with_template(text: &str) -> Self {
        Self::new(|_| None, Some(text))
    }

    /// The defaults with one setting changed.
    pub(crate) fn with(name: &str, value: &str) -> Self {
        Self::new(|asked| (asked == name).then(|| value.to_owned()), None)
    }

    /// Runs the upload in one piece.
    pub(crate) fn run(&self, upload: &[u8]) -> Outcome {
        self.run_pieces([upload])
    }

    /// Runs the upload in pieces. Pushing stops after a refusal.
    pub(crate) fn run_pieces<P: AsRef<[u8]>>(
        &self,
        pieces: impl IntoIterator<Item = P>,
    ) -> Outcome {
        self.review_pieces(pieces).0
    }

    /// Like [`Setup::run_pieces`], and also returns the decision that a report shows.
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
            // The function refuses an upload for its template before it reads it.
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

/// Removes the warnings, which are only computed for callers that ask for them.
pub(crate) fn without_warnings(outcome: Outcome) -> Outcome {
    let mut outcome = outcome;
    outcome.answer.warnings.clear();
    outcome
}

/// Formats an outcome as text, for comparing and for showing differences: the answer, then the
/// file.
pub(crate) fn text_of(outcome: &Outcome) -> String {
    let mut text = answer_json(outcome);
    let _ = match &outcome.file {
        Some(file) => write!(text, "file:\n{file}"),
        None => writeln!(text, "no file"),
    };
    text
}

/// The answer as `--json` prints it, with a last newline.
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

/// One gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// UTF-16 with a byte order mark, the low byte first.
pub(crate) fn utf16_le(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    bytes
}

/// UTF-16 with a byte order mark, the high byte first.
pub(crate) fn utf16_be(text: &str) -> Vec<u8> {
    let mut bytes = vec![0xfe, 0xff];
    bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    bytes
}

/// Replaces the line ends of a text whose lines end in LF.
pub(crate) fn with_line_ends(text: &[u8], terminator: &[u8]) -> Vec<u8> {
    text.split(|byte| *byte == b'\n')
        .collect::<Vec<_>>()
        .join(terminator)
}
