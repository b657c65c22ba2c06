//! One policy: its CSV, the output of the library, and the answers of a server to the probes,
//! compared with the oracle.

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

/// The number of random policies. Their seeds start at 1.
const RANDOM_POLICIES: u64 = 300;
/// The longest line of an output, in bytes.
const MAX_LINE_BYTES: usize = 8000;
/// The maximum length of a long text in a failure, in characters.
const MAX_SHOWN_CHARS: usize = 20_000;

/// A policy to try.
pub(crate) struct Case {
    /// The origin: its seed, or the name of the trap.
    pub(crate) origin: String,
    /// A name that is valid for a folder.
    pub(crate) folder: String,
    /// The number of rejected rows in the CSV.
    pub(crate) key: String,
    csv: Vec<u8>,
    rules: Vec<Rule>,
    rejected: u64,
    /// The default of the settings.
    settings: Action,
    /// The clients to try.
    pub(crate) probes: Vec<IpAddr>,
}

impl Case {
    /// Returns whether the oracle lets this client in.
    pub(crate) fn permits(&self, client: IpAddr) -> bool {
        permits(&self.rules, self.settings, Client::of(client))
    }

    /// Changes the rules so that they differ from the CSV.
    pub(crate) fn flip_first_rule(&mut self) {
        for rule in self.rules.iter_mut().take(1) {
            rule.action = match rule.action {
                Action::Allow => Action::Deny,
                Action::Deny => Action::Allow,
            };
        }
    }
}

/// All cases: the traps, which are short and readable in a failure, and the random policies.
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

/// The traps, each with another hostile key and another hostile comment.
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

/// The output for a case. Also checks what must hold for every output, whatever the server.
pub(crate) fn output(case: &Case, template: &Template) -> String {
    let file = generated(case, template);
    if let Some(fault) = fault(&file) {
        panic!("{fault}\n{}", show(case, &file));
    }
    file
}

/// The output for a case.
pub(crate) fn generated(case: &Case, template: &Template) -> String {
    let settings = Settings {
        default_policy: match case.settings {
            Action::Allow => DefaultPolicy::Allow,
            Action::Deny => DefaultPolicy::Deny,
        },
        // Some rejected rows are denies.
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

/// The number of `all,Allow` rows that are rejected because of an `all,Deny`.
fn contradictions(rules: &[Rule]) -> u64 {
    let default = default_action(rules, Action::Allow);
    let contradicts = |rule: &&Rule| {
        rule.cover == Cover::Everybody && rule.action == Action::Allow && default == Action::Deny
    };
    rules.iter().filter(contradicts).count() as u64
}

/// Returns a fault that Apache would report, whatever the policy.
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

/// The results of the probes.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    policies: usize,
    permitted: usize,
    refused: usize,
    /// In bytes, of all outputs.
    longest_line: usize,
    /// One sentence for each disagreement.
    pub(crate) wrong: Vec<String>,
}

impl Comparison {
    /// Counts an output.
    pub(crate) fn add_output(&mut self, file: &str) {
        let longest = file.lines().map(str::len).max().unwrap_or(0);
        self.longest_line = self.longest_line.max(longest);
    }

    /// Probes one policy that is served under this path.
    pub(crate) fn probe(&mut self, case: &Case, path: &str, connection: &mut Connection) {
        self.probe_spelled(case, path, connection, |client| client.to_string());
    }

    /// Like [`Comparison::probe`], for a server that needs another spelling of some clients.
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

    /// Counts the verdict of a program that reads an output, client by client.
    pub(crate) fn evaluate(&mut self, case: &Case, gets_in: impl Fn(IpAddr) -> bool) {
        let probes = case.probes.iter();
        self.compare(case, probes.map(|&client| (client, gets_in(client))));
    }

    /// Counts the clients that got in.
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

    /// A summary in one line.
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

    /// Returns whether both verdicts were common. Otherwise agreement would mean little.
    pub(crate) fn has_both_verdicts(&self) -> bool {
        self.permitted.min(self.refused) * 5 > self.permitted + self.refused
    }

    /// Returns whether a line was so long that another had to be started.
    pub(crate) fn has_full_lines(&self) -> bool {
        self.longest_line > MAX_LINE_BYTES * 9 / 10
    }
}

/// Everything that is needed to reproduce a failure.
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
