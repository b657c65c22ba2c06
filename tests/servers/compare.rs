//! One policy to test: its CSV, the library's output for it, and a comparison of the server's
//! answers with the oracle.

use std::fmt::Write as _;
use std::net::IpAddr;

use htaccess_generator::generate::generate;
use htaccess_generator::list::Shared;
use htaccess_generator::render::Template;
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::settings::{Settings, Strict};
use htaccess_generator::source::Source;
use htaccess_generator::time::Instant;

use crate::common::csv_text::{HOSTILE_COMMENTS, plain_csv, random_csv};
use crate::common::oracle::{Action, Client, Cover, Rule, default_action, permits};
use crate::common::probes::probes;
use crate::common::random::Random;
use crate::common::random_policy::{Mix, random_rules};
use crate::http::Connection;
use crate::traps::{HOSTILE_KEYS, traps};

/// The number of random policies. Their seeds are 1 to this number.
const RANDOM_POLICIES: u64 = 300;
/// The maximum length of a line in an output, in bytes.
const MAX_LINE_BYTES: usize = 8000;
/// The maximum length of the CSV or the output in a failure message, in characters.
const MAX_SHOWN_CHARS: usize = 20_000;

/// A policy to test.
pub(crate) struct Case {
    /// The seed of a random policy, or the name of a trap.
    pub(crate) origin: String,
    /// The name of the policy's folder on the servers.
    pub(crate) folder: String,
    /// The key of the CSV.
    pub(crate) key: String,
    csv: Vec<u8>,
    rules: Vec<Rule>,
    /// The number of rejected rows in the CSV.
    rejected: u64,
    /// The default policy in the settings.
    settings: Action,
    /// The clients to test.
    pub(crate) probes: Vec<IpAddr>,
}

impl Case {
    /// Returns whether the client gets in according to the oracle.
    pub(crate) fn permits(&self, client: IpAddr) -> bool {
        permits(&self.rules, self.settings, Client::of(client))
    }

    /// Reverses the action of the first rule, so that the oracle's rules differ from the CSV.
    pub(crate) fn flip_first_rule(&mut self) {
        for rule in self.rules.iter_mut().take(1) {
            rule.action = match rule.action {
                Action::Allow => Action::Deny,
                Action::Deny => Action::Allow,
            };
        }
    }
}

/// Returns all cases: the traps, which are short enough to read in a failure message, and the
/// random policies.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = trap_cases();
    cases.extend((1..=RANDOM_POLICIES).map(random_case));
    cases
}

fn random_case(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let mix = Mix::of(seed, &mut random);
    let rules = random_rules(mix, &mut random);
    let (csv, rejected) = random_csv(&rules, &mut random);
    Case {
        origin: format!("seed {seed}"),
        folder: format!("policy-{seed:03}"),
        key: format!("clients/{seed}.csv"),
        rejected,
        csv,
        settings: random.pick(&[Action::Deny, Action::Deny, Action::Allow]),
        probes: probes(&rules, &mut random),
        rules,
    }
}

/// Returns the traps as cases. The keys and comments are taken in turn from the hostile ones.
pub(crate) fn trap_cases() -> Vec<Case> {
    let keys = HOSTILE_KEYS.iter().cycle();
    let comments = HOSTILE_COMMENTS.iter().cycle();
    let traps = traps().into_iter().zip(keys).zip(comments).enumerate();
    traps
        .map(|(index, ((trap, key), comment))| Case {
            origin: format!("trap \"{}\"", trap.name),
            folder: format!("trap-{index:03}"),
            key: (*key).to_owned(),
            csv: plain_csv(&trap.rules, comment),
            rejected: 0,
            settings: trap.settings,
            probes: probes(&trap.rules, &mut Random::new(index as u64)),
            rules: trap.rules,
        })
        .collect()
}

/// Returns the output for a case. Panics if the output has a fault, see [`fault`].
pub(crate) fn output(case: &Case, template: &Template) -> String {
    let file = generated(case, template);
    if let Some(fault) = fault(&file) {
        panic!("{fault}\n{}", show(case, &file));
    }
    file
}

/// Returns the output for a case, without a check for faults.
pub(crate) fn generated(case: &Case, template: &Template) -> String {
    let settings = Settings {
        default_policy: match case.settings {
            Action::Allow => DefaultPolicy::Allow,
            Action::Deny => DefaultPolicy::Deny,
        },
        // Some rejected rows are denies. Under the default, such rows would refuse the whole file.
        strict: Strict::None,
        ..Settings::default()
    };
    let source = Source {
        key: case.key.clone(),
        ..Source::default()
    };
    let outcome = generate(
        &case.csv,
        &settings,
        template,
        &source,
        Instant::MIN,
        &Shared::default(),
    );
    let answer = outcome.answer;
    let Some(file) = outcome.file else {
        panic!("refused, {:?}\n{}", answer.message, show(case, ""));
    };
    let contradictions = contradictions(&case.rules);
    assert_eq!(
        (answer.accepted, answer.rejected),
        (
            case.rules.len() as u64 - contradictions,
            case.rejected + contradictions
        ),
        "accepted and rejected rows; first rejections {:?}\n{}",
        answer.rejections.iter().take(5).collect::<Vec<_>>(),
        show(case, &file)
    );
    file
}

/// Returns the number of `all,Allow` rows that are rejected because of an `all,Deny` row.
fn contradictions(rules: &[Rule]) -> u64 {
    let default = default_action(rules, Action::Allow);
    let contradicts = |rule: &&Rule| {
        rule.cover == Cover::Everybody && rule.action == Action::Allow && default == Action::Deny
    };
    rules.iter().filter(contradicts).count() as u64
}

/// Returns a description of the first part of an output that no template should write, such as a
/// line that is too long for Apache. `None` if there is no such part.
fn fault(file: &str) -> Option<String> {
    for line in file.split('\n') {
        if line.len() > MAX_LINE_BYTES {
            return Some(format!("a line has {} bytes", line.len()));
        }
        if line.contains('\r') {
            return Some("a line has a CR".to_owned());
        }
        if line.starts_with('#') {
            if line.ends_with('\\') {
                return Some("a comment continues on the next line".to_owned());
            }
            continue;
        }
        for word in line.split([' ', ';', ',', '"', '-']) {
            let (address, length) = word.split_once('/').unwrap_or((word, "1"));
            let address: Option<IpAddr> = address.parse().ok();
            if address.is_some() && length.parse::<u8>().unwrap_or(0) == 0 {
                return Some(format!("{word} has no prefix"));
            }
            if matches!(address, Some(IpAddr::V6(ipv6)) if ipv6.to_ipv4_mapped().is_some()) {
                return Some(format!("{word} is IPv4-mapped"));
            }
        }
    }
    None
}

/// The results of the probes of one or more policies.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    policies: usize,
    permitted: usize,
    refused: usize,
    /// In bytes, over all outputs.
    longest_line: usize,
    /// A sentence for each probe whose result differs from the oracle.
    pub(crate) wrong: Vec<String>,
}

impl Comparison {
    /// Includes an output in the statistics.
    pub(crate) fn add_output(&mut self, file: &str) {
        let longest = file.lines().map(str::len).max().unwrap_or(0);
        self.longest_line = self.longest_line.max(longest);
    }

    /// Probes one policy, which the server applies at this path.
    pub(crate) fn probe(&mut self, case: &Case, path: &str, connection: &mut Connection) {
        self.probe_spelled(case, path, connection, |client| client.to_string());
    }

    /// Like [`Comparison::probe`], for a server that needs a different form of some addresses.
    pub(crate) fn probe_spelled(
        &mut self,
        case: &Case,
        path: &str,
        connection: &mut Connection,
        spelling: impl Fn(IpAddr) -> String,
    ) {
        self.policies += 1;
        for &address in &case.probes {
            let response = connection
                .get(path, &spelling(address))
                .unwrap_or_else(|err| panic!("no answer for {}: {err}", case.origin));
            let permitted = case.permits(address);
            let expected = if permitted { 200 } else { 403 };
            let seen = response.seen.as_deref().map(str::parse);
            let sees_client =
                matches!(seen, Some(Ok(seen)) if Client::of(seen) == Client::of(address));
            if response.status != expected || !sees_client {
                self.wrong.push(format!(
                    "{address} gets {} and should get {expected} (seen as {})",
                    response.status,
                    response.seen.as_deref().unwrap_or("nobody"),
                ));
            } else if permitted {
                self.permitted += 1;
            } else {
                self.refused += 1;
            }
        }
    }

    /// Compares the verdicts of a function with the oracle, for every client to test.
    pub(crate) fn evaluate(&mut self, case: &Case, gets_in: impl Fn(IpAddr) -> bool) {
        let probes = case.probes.iter();
        self.compare(case, probes.map(|&client| (client, gets_in(client))));
    }

    /// Compares results with the oracle. Each result is a client and whether it got in.
    pub(crate) fn compare(&mut self, case: &Case, found: impl IntoIterator<Item = (IpAddr, bool)>) {
        self.policies += 1;
        for (address, got_in) in found {
            match (case.permits(address), got_in) {
                (true, true) => self.permitted += 1,
                (false, false) => self.refused += 1,
                (_, found) => self.wrong.push(format!("{address} gets in: {found}")),
            }
        }
    }

    /// Returns a summary of one line.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} policies, {} probes ({} permitted, {} refused), {} wrong; longest line {} bytes",
            self.policies,
            self.permitted + self.refused + self.wrong.len(),
            self.permitted,
            self.refused,
            self.wrong.len(),
            self.longest_line
        )
    }

    /// Returns whether each verdict occurred in at least a fifth of the probes. If one verdict were
    /// rare, the comparison would prove little.
    pub(crate) fn has_both_verdicts(&self) -> bool {
        self.permitted.min(self.refused) * 5 > self.permitted + self.refused
    }

    /// Returns whether a line was nearly full, so that long lists were split into several lines.
    pub(crate) fn has_full_lines(&self) -> bool {
        self.longest_line > MAX_LINE_BYTES * 9 / 10
    }
}

/// Returns everything that is needed to reproduce a failure.
pub(crate) fn show(case: &Case, file: &str) -> String {
    let csv = String::from_utf8_lossy(&case.csv).replace('\r', "␍");
    let mut text = format!(
        "{}, key {:?}, settings default {:?}\n",
        case.origin, case.key, case.settings
    );
    for (title, content) in [("CSV", csv.as_str()), ("output", file)] {
        let shown: String = content.chars().take(MAX_SHOWN_CHARS).collect();
        let _ = writeln!(text, "--- {title}, {} bytes\n{shown}", content.len());
    }
    text
}
