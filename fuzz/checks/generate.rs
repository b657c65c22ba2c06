//! The target `generate`: turns an upload and settings into a file and an answer, and checks both.
//!
//! ```text
//! input    = template settings key LF upload
//! template = one byte: the remainder after division by 4 is an index in TEMPLATES (the corpus uses
//!            the characters "0" to "3")
//! settings = one byte: from the lowest bit: default allow, strict for all rows, another output key,
//!            strict for rows that may deny
//! key      = the bytes of the source's key
//! ```

use std::net::IpAddr;

use htaccess_generator::answer::{Answer, RefusalCode, Status, Warning, WarningCode};
use htaccess_generator::csv::HiddenRow;
use htaccess_generator::generate::{Decision, Keep, Outcome, Upload};
use htaccess_generator::ip::{AddressSpec, IpSet, RangeSet};
use htaccess_generator::list::Shared;
use htaccess_generator::policy::Policy;
use htaccess_generator::render::{BUILT_IN, Template};
use htaccess_generator::review::explain;
use htaccess_generator::rule::Action;
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::settings::{OutputKey, Settings, Strict};
use htaccess_generator::source as key;
use htaccess_generator::source::Source;
use percent_encoding::percent_decode_str;

use super::answer::{check_answer, check_page};
use super::probes::probes;
use super::reread::{Network, Output, check_fewest, check_text, network};
use super::rows::{MAX_TEXT_BYTES, Reading, Row, may_be_damaged_gzip, read, text_of};
use super::{AS_OF, Dice};

/// The names of built-in templates, and a custom template that prints all untrusted text.
const TEMPLATES: [&str; 4] = ["apache24", "apache22", "nginx", OWN];
const OWN: &str = r#"# {{ source.key }}
{%- for rule in rules %}
# {{ rule.line }} {{ rule.rule }} {{ rule.address }}
ErrorDocument 404 "{{ rule.comment }}"
{%- endfor %}
# default {{ default_policy }}, rejected {{ rejected }}
{%- for network in allow.networks %}
+{{ network }}
{%- endfor %}
{%- for network in deny.networks %}
-{{ network }}
{%- endfor %}
"#;
const OTHER_OUTPUT_KEY: &str = "{{ dir }}/{{ stem }}.conf";
/// The maximum number of networks from one row: a range of IPv6 addresses can need 254, and a deny row can
/// split the range.
const MAX_NETWORKS_OF_ROW: usize = 2 * 256;
/// The maximum length of the text that one network adds to an output, in bytes.
const MAX_NETWORK_BYTES: usize = 64;

/// The parts of the input.
struct Run<'a> {
    template: &'static str,
    settings: &'static Settings,
    source: Source,
    upload: &'a [u8],
}

struct Compiled {
    templates: Vec<Template>,
    /// Copies of built-in templates that read the rows, with the names of the originals.
    long_ways: Vec<(&'static str, Template)>,
    settings: Vec<Settings>,
}

/// Returns a copy of a template that reads the rows but prints none, so that the fast path is not used.
pub(crate) fn asking_for_rows(source: &str) -> String {
    format!("{source}{{% if false %}}{{{{ rules }}}}{{% endif %}}")
}

/// Returns the compiled templates and the settings. They are created only once, because creating them for
/// each input would take most of the time.
fn compiled() -> &'static Compiled {
    static COMPILED: std::sync::OnceLock<Compiled> = std::sync::OnceLock::new();
    COMPILED.get_or_init(|| Compiled {
        templates: TEMPLATES
            .iter()
            .map(|text| Template::built_in(text).or_else(|_| Template::compile(text)))
            .collect::<Result<_, _>>()
            .unwrap(),
        long_ways: BUILT_IN
            .iter()
            .filter(|built_in| TEMPLATES.contains(&built_in.name))
            .map(|built_in| {
                Template::compile(&asking_for_rows(built_in.source))
                    .map(|template| (built_in.name, template))
            })
            .collect::<Result<_, _>>()
            .unwrap(),
        settings: (0..16).map(settings).collect(),
    })
}

fn settings(bits: u8) -> Settings {
    let mut settings = Settings {
        default_policy: match bits & 1 {
            0 => DefaultPolicy::Deny,
            _ => DefaultPolicy::Allow,
        },
        strict: match bits & 0b1010 {
            0 => Strict::None,
            0b1000 => Strict::Deny,
            _ => Strict::All,
        },
        max_csv_bytes: MAX_TEXT_BYTES,
        ..Settings::default()
    };
    if bits & 4 != 0 {
        settings.output_key = OutputKey::new("OUTPUT_KEY", OTHER_OUTPUT_KEY).unwrap();
    }
    settings
}

/// Checks an input. The module documentation describes its format.
pub(crate) fn check(input: &[u8]) {
    let [template, bits, rest @ ..] = input else {
        return;
    };
    let key_end = rest.iter().position(|byte| *byte == b'\n');
    let (key, upload) = rest.split_at(key_end.unwrap_or(rest.len()));
    let index = usize::from(*template) % TEMPLATES.len();
    let run = Run {
        template: TEMPLATES[index],
        settings: &compiled().settings[usize::from(bits & 15)],
        source: Source {
            key: String::from_utf8_lossy(key).into_owned(),
            ..Source::default()
        },
        upload: upload.get(1..).unwrap_or_default(),
    };
    let mut dice = Dice::new(input);
    let template = &compiled().templates[index];
    let (outcome, decision) = run.generate(template, &[run.upload]);
    let (again, _) = run.generate(template, &dice.pieces(run.upload));
    assert_eq!(outcome.file, again.file);
    if may_be_damaged_gzip(run.upload, outcome.file.is_none()) {
        assert_eq!(again.answer.status, Status::Refused);
    } else {
        assert_eq!(outcome.answer, again.answer);
        run.check_other_ways(&outcome, template, &mut dice);
    }
    run.check(&outcome, &decision, &mut dice);
    check_page(&outcome, &decision);
}

impl Run<'_> {
    fn generate(&self, template: &Template, pieces: &[&[u8]]) -> (Outcome, Decision) {
        let keep = Keep::for_template(template).with_history();
        let mut decision = self.decide(keep, pieces);
        let mut outcome = decision.render(template);
        outcome.answer.warnings.extend(decision.warnings());
        (outcome, decision)
    }

    fn decide(&self, keep: Keep, pieces: &[&[u8]]) -> Decision {
        let mut upload = Upload::new(
            self.settings,
            self.source.clone(),
            keep,
            AS_OF,
            &Shared::default(),
        );
        for piece in pieces {
            if upload.push(piece).is_break() {
                break;
            }
        }
        upload.finish()
    }

    /// Checks that two other ways produce the same output and answer: writing the output while it is
    /// rendered, without stored rows, and rendering it with a copy of the template that reads all rows.
    fn check_other_ways(&self, outcome: &Outcome, template: &Template, dice: &mut Dice) {
        let decision = self.decide(Keep::for_template(template), &dice.pieces(self.upload));
        let mut file = Vec::new();
        let mut answer = decision.write(template, &mut file).unwrap();
        assert!(outcome.answer.warnings.starts_with(&answer.warnings));
        answer.warnings.clone_from(&outcome.answer.warnings);
        assert_eq!(answer, outcome.answer);
        let expected = outcome.file.as_deref().unwrap_or_default();
        assert_eq!(String::from_utf8(file).unwrap(), expected);
        if let Some((_, template)) = compiled()
            .long_ways
            .iter()
            .find(|(name, _)| *name == self.template)
        {
            let (long, _) = self.generate(template, &[self.upload]);
            assert_eq!(long.file, outcome.file);
            assert_eq!(long.answer, outcome.answer);
        }
    }

    fn check(&self, outcome: &Outcome, decision: &Decision, dice: &mut Dice) {
        let answer = &outcome.answer;
        check_answer(answer);
        assert_eq!(outcome.file.as_ref().map_or(0, String::len), answer.bytes);
        assert_eq!(outcome.file.is_some(), answer.code.is_none());
        let reading = read([self.upload]);
        self.check_rejected_denies(outcome, decision, &reading);
        let rows = accepted_rows(reading.rows);
        match (&outcome.file, answer.code) {
            (Some(file), _) => {
                assert_eq!(rows.len() as u64, answer.accepted);
                self.check_file(file, answer, &rows, dice);
            }
            (None, Some(code)) => self.check_refusal(code, answer, &rows),
            (None, None) => {}
        }
    }

    /// Checks that the file is refused, or has a warning, if and only if a rejected or hidden row may deny
    /// somebody whom the other rows permit.
    fn check_rejected_denies(&self, outcome: &Outcome, decision: &Decision, reading: &Reading) {
        let Some(permitted) = decision.policy().map(Policy::permitted) else {
            return;
        };
        let may_deny_somebody = |row: &Row| match row {
            Row::Rejected {
                action: None | Some(Action::Deny),
                addresses,
                ..
            } => {
                let addresses = addresses.unwrap_or(AddressSpec::All);
                has_any_of(&permitted, addresses)
            }
            _ => false,
        };
        let denies_somebody = |row: &HiddenRow| {
            let addresses = row.addresses.unwrap_or(AddressSpec::All);
            row.action != Some(Action::Allow) && has_any_of(&permitted, addresses)
        };
        let is_any = reading.rows.iter().any(may_deny_somebody)
            || reading.hidden_rows.iter().any(denies_somebody);
        let warns = |warning: &Warning| warning.code == WarningCode::DenyRejected;
        let answer = &outcome.answer;
        let is_refused = answer.code == Some(RefusalCode::DenyRejected);
        let has_rejected = answer.rejected > 0;
        let refuses = match self.settings.strict {
            Strict::Deny => true,
            Strict::All => !has_rejected,
            Strict::None => false,
        };
        assert_eq!(is_refused, is_any && refuses);
        let is_warned = answer.warnings.iter().any(warns);
        assert_eq!(is_warned, is_any && self.settings.strict == Strict::None);
    }

    fn check_refusal(&self, code: RefusalCode, answer: &Answer, rows: &[Row]) {
        match code {
            RefusalCode::UnsafeKey => {
                // The name may be an invalid segment without its extension: `a/..csv`.
                let parts = key::split_key(&self.source.key);
                let is_safe = parts.is_ok_and(|parts| key::check_key(parts.path).is_ok());
                assert!(!is_safe || self.has_no_folder() || self.has_a_folder_like_a_file());
            }
            RefusalCode::NoRules => assert!(rows.is_empty(), "{rows:?}"),
            RefusalCode::DenyRejected => assert_ne!(self.settings.strict, Strict::None),
            RefusalCode::RowsRejected => {
                assert!(self.settings.strict == Strict::All && answer.rejected > 0);
            }
            // The built-in templates used here never fail, and never write a line that is too long.
            RefusalCode::BadTemplate => assert_eq!(self.template, OWN, "{answer:?}"),
            RefusalCode::OutputTaken | RefusalCode::ChangeHeld => {
                panic!("only the function knows other uploads and versions")
            }
            RefusalCode::MixedRules | RefusalCode::UnusableList => panic!("there are no lists"),
            RefusalCode::NotCsv | RefusalCode::MissingColumn | RefusalCode::TooLarge => {
                // The answer's message may continue with the setting that sets the limit.
                let err = read([self.upload]).refusal.unwrap();
                let message = answer.message.as_ref().unwrap().to_string();
                assert!(message.starts_with(&err.to_string()), "{message}");
            }
        }
    }

    /// Returns whether a folder in the output's path has a name like an output file.
    fn has_a_folder_like_a_file(&self) -> bool {
        let is_other = self.settings.output_key.text() == OTHER_OUTPUT_KEY;
        let parts = key::split_key(&self.source.key).unwrap();
        if is_other {
            parts
                .dir
                .split('/')
                .any(|folder| folder.strip_suffix(".conf").is_some())
        } else {
            parts.path.split('/').any(|folder| folder == ".htaccess")
        }
    }

    /// Returns whether the output key is invalid because it starts with a slash. This is the case if the
    /// custom output key is used for a source without a folder.
    fn has_no_folder(&self) -> bool {
        self.settings.output_key.text() == OTHER_OUTPUT_KEY && !self.source.key.contains('/')
    }

    fn check_file(&self, file: &str, answer: &Answer, rows: &[Row], dice: &mut Dice) {
        let output_key = answer.output.as_deref().unwrap();
        assert_eq!(key::check_key(output_key), Ok(()));
        assert!(self.settings.strict != Strict::All || answer.rejected == 0);
        check_text(file, output_key.ends_with(".htaccess"));
        let networks_max = (rows.len() + 1) * MAX_NETWORKS_OF_ROW * MAX_NETWORK_BYTES;
        let text_bytes = text_of(self.upload).len() + self.source.key.len();
        assert!(
            file.len() <= 4096 + networks_max + 20 * text_bytes,
            "{} bytes from {text_bytes}",
            file.len()
        );
        if self.template == OWN {
            self.check_own(file, answer, rows, dice);
        } else {
            let output = Output::read(self.template, file);
            let networks = output.networks();
            // The number differs for nginx, which needs two lines for 255.255.255.255.
            if self.template != "nginx" {
                let counts = answer.networks;
                assert_eq!(networks.len(), counts.allow + counts.deny);
            }
            self.check_verdicts(&networks, rows, dice, |client| output.permits(client));
        }
    }

    /// Reads the output of the custom template that prints all untrusted text. Checks that every cell can be
    /// decoded to its original text, and that no cell left its line or its quotes.
    fn check_own(&self, file: &str, answer: &Answer, rows: &[Row], dice: &mut Dice) {
        let mut lines = file.lines();
        let mut value = |start: &str, end: &str| {
            let line = lines.next().unwrap_or_default();
            let value = line
                .strip_prefix(start)
                .and_then(|rest| rest.strip_suffix(end));
            let value = value.unwrap_or_else(|| panic!("{line:?} is not {start:?}…{end:?}"));
            assert!(!value.contains(['"', '\\', '<', '>', '{', '}', '$', '#', ';', '\'']));
            percent_decode_str(value)
                .decode_utf8()
                .unwrap()
                .into_owned()
        };
        assert_eq!(value("# ", ""), self.source.key);
        for row in rows {
            let Row::Accepted {
                line,
                action,
                address,
                comment,
                ..
            } = row
            else {
                unreachable!("only accepted rows are here");
            };
            assert_eq!(value(&format!("# {line} {} ", action.name()), ""), *address);
            assert_eq!(value("ErrorDocument 404 \"", "\""), *comment);
        }
        let default = answer.default_policy;
        let rejected = answer.rejected.to_string();
        let start = format!("# default {}, rejected ", default.name());
        assert_eq!(value(&start, ""), rejected);
        let networks: Vec<(bool, Network)> = lines
            .map(|line| (line.starts_with('+'), network(&line[1..])))
            .collect();
        let is_in = |wanted: bool, client: IpAddr| {
            let is = |(list, network): &(bool, Network)| {
                *list == wanted && network.has(client.to_canonical())
            };
            networks.iter().any(is)
        };
        for wanted in [true, false] {
            let list = networks.iter().filter(|(list, _)| *list == wanted);
            check_fewest(&list.map(|(_, network)| network).collect::<Vec<_>>());
        }
        let all: Vec<&Network> = networks.iter().map(|(_, network)| network).collect();
        self.check_verdicts(&all, rows, dice, |client| {
            !is_in(false, client) && (default == DefaultPolicy::Allow || is_in(true, client))
        });
    }

    /// Compares the verdicts of the output with [`explain`], which checks each client row by row, without set
    /// operations.
    fn check_verdicts(
        &self,
        networks: &[&Network],
        rows: &[Row],
        dice: &mut Dice,
        permits: impl Fn(IpAddr) -> bool,
    ) {
        let probes = probes(networks, rows, dice);
        for explanation in explain(
            self.upload,
            self.settings,
            &probes,
            AS_OF,
            &Shared::default(),
        )
        .unwrap()
        {
            let client = explanation.address;
            assert_eq!(permits(client), explanation.permitted, "{client}");
        }
    }
}

/// Returns the accepted rows. If a row denies all addresses, rows that allow all addresses are left out,
/// because they are rejected.
fn accepted_rows(mut rows: Vec<Row>) -> Vec<Row> {
    let is_all = |row: &Row, wanted: Action| matches!(row, Row::Accepted { action, addresses: AddressSpec::All, .. } if *action == wanted);
    let is_closed = rows.iter().any(|row| is_all(row, Action::Deny));
    rows.retain(|row| {
        matches!(row, Row::Accepted { .. }) && !(is_closed && is_all(row, Action::Allow))
    });
    rows
}

/// Returns whether at least one of the addresses is in the set.
fn has_any_of(set: &IpSet, addresses: AddressSpec) -> bool {
    let mut left = set.clone();
    match addresses {
        AddressSpec::Ipv4(range) => {
            left.ipv4 = left.ipv4.difference(&RangeSet::from_unsorted(vec![range]));
        }
        AddressSpec::Ipv6(range) => {
            left.ipv6 = left.ipv6.difference(&RangeSet::from_unsorted(vec![range]));
        }
        AddressSpec::All => left = IpSet::default(),
    }
    left != *set
}
