//! What a `.htaccess` costs Apache, for it reads and parses the file again on every request below
//! it, and from where on the server's own configuration is the better place.
//!
//! A model in processor instructions. Apache's own, counted by valgrind (`benches/apache/instructions.py`),
//! are the same on every machine and run, and proportional to what is in the file; the memory it
//! waits for is added as the instructions that would take as long. Measured on Apache 2.4.71 and
//! APR 1.7.2; `docs/benchmarks-apache.md` compares the model with measured times.

use crate::text::{milliseconds, thousands};

/// How many of the model's instructions a processor does in a microsecond of its time. A 2026
/// server core (AMD EPYC) did 9,000 to 11,000 with the machine's other core at work too, and 17,000
/// on an idle machine: what is told is what a server at work sees.
const INSTRUCTIONS_PER_MICROSECOND: u64 = 10_000;

/// To look for the file, open, read and close it.
const FILE_INSTRUCTIONS: u64 = 100_000;
/// A directive, without its arguments: found by name, stored, invoked.
const DIRECTIVE_INSTRUCTIONS: u64 = 3_100;
/// A byte of an IPv4 network, of which about 14 make one. `apr_inet_pton` reads it as IPv6 and
/// then as IPv4, and looks each character up by `strchr`.
const IPV4_BYTE_INSTRUCTIONS: u64 = 186;
/// An IPv6 network, …
const IPV6_NETWORK_INSTRUCTIONS: u64 = 720;
/// … and each of its bytes.
const IPV6_BYTE_INSTRUCTIONS: u64 = 87;
/// Any other byte, such as those of comments.
const BYTE_INSTRUCTIONS: u64 = 15;
/// A step along the list of the directives of one container. `mod_authz_core` walks the whole list
/// for each `Require` it appends, waiting for memory at each step.
const STEP_INSTRUCTIONS: u64 = 17;
/// From here on Apache gives the memory of each request back to the system (`MaxMemFree`, 2 MiB
/// unless configured, at about 100 bytes a network), …
const MAX_NETWORKS_IN_KEPT_MEMORY: u64 = 20_000;
/// … and the next request pays for each network beyond by page faults.
const PAGE_FAULT_INSTRUCTIONS: u64 = 1_800;

/// What a file costs for every request below its folder, on top of what the request costs anyway
/// (30 to 50 µs of a core for a small static file).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestCost {
    /// Time of one core, in microseconds. An estimate: an idle machine needs about 60 % of it.
    pub microseconds: u64,
    /// How much of that is only because the networks stand on many short lines; see
    /// [`RequestCost::advice`].
    pub walking_microseconds: u64,
    /// How many networks are in the file.
    pub networks: u64,
}

impl RequestCost {
    /// From this cost on a host should include the file in the server's configuration, where it is
    /// parsed once: one millisecond, which `apache24` reaches at about 3,700 IPv4 networks.
    ///
    /// A core then answers fewer than 1,000 requests a second, however small the pages, some 20
    /// times fewer than without the file, and a page of 50 parts takes 50 ms of it. Below, the
    /// reload that an included file needs at every change, and the access to the server's
    /// configuration, are the greater nuisance.
    pub const INCLUDE_FROM_MICROSECONDS: u64 = 1_000;

    /// The cost of an Apache file, read from its text: the directives of `apache24`, `apache22`
    /// and of templates like them. Nothing is checked, and what is not access control costs its
    /// bytes and a directive a line. Other servers' files have no such cost: do not ask.
    ///
    /// ```
    /// use htaccess_generator::report::RequestCost;
    ///
    /// let cost = RequestCost::of("Require ip 192.0.2.0/24 2001:db8::/32\n");
    /// assert_eq!((cost.networks, cost.microseconds), (2, 10));
    /// assert_eq!(cost.advice(), None);
    /// ```
    #[must_use]
    pub fn of(htaccess: &str) -> Self {
        let mut counts = DirectiveCounts::default();
        for line in htaccess.lines() {
            counts.add(line);
        }
        let beyond = counts.networks.saturating_sub(MAX_NETWORKS_IN_KEPT_MEMORY);
        let parsing = FILE_INSTRUCTIONS + counts.instructions + beyond * PAGE_FAULT_INSTRUCTIONS;
        let walking = counts.steps * STEP_INSTRUCTIONS;
        Self {
            microseconds: (parsing + walking) / INSTRUCTIONS_PER_MICROSECOND,
            walking_microseconds: walking / INSTRUCTIONS_PER_MICROSECOND,
            networks: counts.networks,
        }
    }

    /// Whether a host should include the file in the server's configuration.
    #[must_use]
    pub fn prefers_include(&self) -> bool {
        self.microseconds >= Self::INCLUDE_FROM_MICROSECONDS
    }

    /// What to tell people of a file over the threshold; `None` below it.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        if !self.prefers_include() {
            return None;
        }
        let reads = format!(
            "Apache reads these {} networks again on every request: about {} ms of a core each",
            thousands(self.networks),
            milliseconds(self.microseconds)
        );
        let what_to_do = if self.walking_microseconds > self.microseconds / 2 {
            "; most of it is because they stand on many short lines: print allow.lines and \
             deny.lines (docs/templates.md)"
        } else {
            "; include the file in the server's configuration, which is read once \
             (docs/web-servers.md)"
        };
        Some(reads + what_to_do)
    }
}

/// The directives that list networks, and the word between them and the networks.
const LIST_DIRECTIVES: [(&str, &str); 3] = [("Require", "ip"), ("Allow", "from"), ("Deny", "from")];

/// What is in a file, as far as it costs anything.
#[derive(Default)]
pub(crate) struct DirectiveCounts {
    instructions: u64,
    networks: u64,
    /// Steps along lists of directives.
    steps: u64,
    /// How many authorization directives each open container has, and, in `outermost`, the file.
    containers: Vec<u64>,
    outermost: u64,
}

impl DirectiveCounts {
    fn add(&mut self, line: &str) {
        self.instructions += BYTE_INSTRUCTIONS * (line.len() as u64 + 1);
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if line.starts_with("</") {
            // The container is appended to the one around it when it ends.
            if self.containers.pop().is_some() {
                self.append();
            }
            return;
        }
        self.instructions += DIRECTIVE_INSTRUCTIONS;
        if line.starts_with('<') {
            self.containers.push(0);
            return;
        }
        let mut words = line.split_ascii_whitespace();
        let directive = words.next().unwrap_or_default();
        if directive.eq_ignore_ascii_case("Require") {
            self.append();
        }
        let mut words = words.peekable();
        words.next_if(|word| word.eq_ignore_ascii_case("not"));
        let keyword = words.next().unwrap_or_default();
        if LIST_DIRECTIVES.iter().any(|list| {
            list.0.eq_ignore_ascii_case(directive) && list.1.eq_ignore_ascii_case(keyword)
        }) {
            for word in words.filter(|word| word.starts_with(can_start_network)) {
                self.add_network(word);
            }
        }
    }

    fn append(&mut self) {
        let siblings = self.containers.last_mut().unwrap_or(&mut self.outermost);
        self.steps += *siblings;
        *siblings += 1;
    }

    /// A word such as `all` costs next to nothing; a network begins with a digit, a colon or, in
    /// IPv6, a letter up to f.
    fn add_network(&mut self, word: &str) {
        let bytes = word.len() as u64 + 1;
        let instructions = if word.contains(':') {
            IPV6_NETWORK_INSTRUCTIONS + IPV6_BYTE_INSTRUCTIONS * bytes
        } else if word.contains(|c: char| c.is_ascii_digit()) {
            IPV4_BYTE_INSTRUCTIONS * bytes
        } else {
            return;
        };
        self.networks += 1;
        self.instructions += instructions - BYTE_INSTRUCTIONS * bytes;
    }
}

fn can_start_network(first: char) -> bool {
    first.is_ascii_hexdigit() || first == ':'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Networks of 13 bytes, so many on each line.
    fn file(networks: usize, networks_per_line: usize) -> String {
        let words: Vec<String> = (0..networks)
            .map(|index| format!("10.{:03}.{:03}.20", index / 250 % 250, index % 250))
            .collect();
        let lines = words
            .chunks(networks_per_line)
            .map(|line| format!("Require ip {}\n", line.join(" ")));
        lines.collect()
    }

    /// Measured on a machine at work, in microseconds of a core; the model may be off by a third.
    #[track_caller]
    fn check(networks: usize, networks_per_line: usize, measured: u64) {
        let cost = RequestCost::of(&file(networks, networks_per_line));
        assert_eq!(cost.networks, networks as u64);
        let low = measured * 2 / 3;
        let high = measured * 4 / 3;
        assert!((low..=high).contains(&cost.microseconds), "{cost:?}");
    }

    #[test]
    fn agrees_with_what_was_measured() {
        check(1_000, 500, 280);
        check(1_000, 1, 1_720);
        check(5_000, 500, 1_400);
        check(5_000, 100, 1_490);
        check(5_000, 10, 1_900);
        check(5_000, 2, 6_600);
        check(5_000, 1, 23_900);
        check(20_000, 500, 6_070);
        check(50_000, 500, 19_800);
    }

    #[test]
    fn knows_networks_from_words() {
        let networks = |text: &str| RequestCost::of(text).networks;
        assert_eq!(networks("# 10.0.0.1\nRequire all granted\n"), 0);
        assert_eq!(networks("Require not ip 10.0.0.1 fe80::1 ::1\n"), 3);
        assert_eq!(networks("Order Deny,Allow\nDeny from 10.0.0.0/8\n"), 1);
        assert_eq!(networks("Deny from all\n<RequireAll>\n</RequireAll>\n"), 0);
        assert_eq!(networks(""), 0);
    }

    #[test]
    fn other_things_cost_a_little() {
        let empty = RequestCost::of("");
        assert_eq!((empty.microseconds, empty.walking_microseconds), (10, 0));
        let comments = "#".repeat(100_000);
        assert_eq!(RequestCost::of(&comments).microseconds, 160);
        assert_eq!(RequestCost::of("</RequireAll>\n").microseconds, 10);
    }

    #[test]
    fn directives_are_appended_to_their_own_container() {
        let flat = RequestCost::of(&"Require ip 10.0.0.1\n".repeat(5_000));
        let group = "Require ip 10.0.0.1\n".repeat(100);
        let group = format!("<RequireAny>\n{group}</RequireAny>\n");
        let nested = RequestCost::of(&group.repeat(50));
        assert_eq!(nested.networks, flat.networks);
        assert!(nested.walking_microseconds * 40 < flat.walking_microseconds);
        let array = RequestCost::of(&"Allow from 10.0.0.1\n".repeat(5_000));
        assert_eq!(array.walking_microseconds, 0);
    }

    #[test]
    fn advises_what_helps() {
        assert_eq!(RequestCost::of(&file(3_000, 500)).advice(), None);
        assert_eq!(
            RequestCost::of(&file(5_000, 500)).advice().unwrap(),
            "Apache reads these 5,000 networks again on every request: about 1.3 ms of a core \
             each; include the file in the server's configuration, which is read once \
             (docs/web-servers.md)"
        );
        let advice = RequestCost::of(&file(5_000, 1)).advice().unwrap();
        assert!(
            advice.contains("about 24 ms") && advice.contains("print allow.lines"),
            "{advice}"
        );
    }

    #[test]
    fn writes_numbers_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(milliseconds(1_049), "1.0");
        assert_eq!(milliseconds(9_949), "9.9");
        assert_eq!(milliseconds(9_950), "10");
        assert_eq!(milliseconds(1_234_567), "1,235");
    }
}
