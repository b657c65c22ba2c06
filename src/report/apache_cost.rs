//! Estimates the time that Apache spends on a `.htaccess` file, and advises when to include the file in the
//! server's configuration instead. Apache reads and parses a `.htaccess` file again for every request below
//! its folder.
//!
//! The model counts processor instructions. Apache's instructions, counted by valgrind
//! (`benches/apache/instructions.py`), are the same on every machine and in every run, and proportional to
//! the content of the file. The model converts time that is spent waiting for memory to the number of
//! instructions that take the same time. The measurements were made with Apache 2.4.71 and APR 1.7.2.
//! `docs/benchmarks-apache.md` compares the model with measured times.

use crate::text::{milliseconds, thousands};

/// The number of instructions that a processor executes in a microsecond. A server core of 2026 (AMD EPYC)
/// executed 9,000 to 11,000 while the machine's other core was busy, and 17,000 on an idle machine. The
/// estimates assume a busy server.
const INSTRUCTIONS_PER_MICROSECOND: u64 = 10_000;

/// The cost of looking for the file, and of opening, reading and closing it.
const FILE_INSTRUCTIONS: u64 = 100_000;
/// The cost of a directive without its arguments: looking up its name, storing it and invoking it.
const DIRECTIVE_INSTRUCTIONS: u64 = 3_100;
/// The cost of one byte of an IPv4 network, which has about 14 bytes. `apr_inet_pton` tries to read the
/// network as IPv6 and then as IPv4, and looks up each character with `strchr`.
const IPV4_BYTE_INSTRUCTIONS: u64 = 186;
/// The cost of an IPv6 network, in addition to the cost of its bytes.
const IPV6_NETWORK_INSTRUCTIONS: u64 = 720;
/// The cost of one byte of an IPv6 network.
const IPV6_BYTE_INSTRUCTIONS: u64 = 87;
/// The cost of any other byte, for example in a comment.
const BYTE_INSTRUCTIONS: u64 = 15;
/// The cost of one step along the list of a container's directives. `mod_authz_core` walks the whole list
/// for each `Require` that it appends, and waits for memory at each step.
const STEP_INSTRUCTIONS: u64 = 17;
/// The maximum number of networks whose memory Apache keeps for the next request. Beyond this number,
/// Apache returns the memory to the system after each request (`MaxMemFree`, 2 MiB by default, at about 100
/// bytes per network).
const MAX_NETWORKS_IN_KEPT_MEMORY: u64 = 20_000;
/// The cost of the page faults that the next request causes for each network beyond
/// [`MAX_NETWORKS_IN_KEPT_MEMORY`].
const PAGE_FAULT_INSTRUCTIONS: u64 = 1_800;

/// The cost that a file adds to every request below its folder. The request itself takes 30 to 50 µs of a
/// core for a small static file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestCost {
    /// The estimated time of one core, in microseconds. An idle machine takes about 60 % of this time.
    pub microseconds: u64,
    /// The part of `microseconds` that is spent only because the networks are on many short lines. See
    /// [`RequestCost::advice`].
    pub walking_microseconds: u64,
    /// The number of networks in the file.
    pub networks: u64,
}

impl RequestCost {
    /// The minimum cost at which a host should include the file in the server's configuration, where Apache
    /// parses it only once: one millisecond. The output of the `apache24` template reaches this cost at
    /// about 3,700 IPv4 networks.
    ///
    /// At this cost, a core answers fewer than 1,000 requests per second, however small the pages are.
    /// Without the file, it answers about 20 times as many. A page of 50 parts takes 50 ms of a core. Below
    /// this cost, the disadvantages of an included file are greater: the server must be reloaded after
    /// every change, and its configuration must be accessible.
    pub const INCLUDE_FROM_MICROSECONDS: u64 = 1_000;

    /// Estimates the cost of an Apache file from its text.
    ///
    /// Recognizes the directives of the templates `apache24` and `apache22`, and of similar templates. The
    /// file is not validated. A line that is not access control costs its bytes and one directive. The
    /// result is meaningless for files of other servers.
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

    /// Returns whether a host should include the file in the server's configuration.
    #[must_use]
    pub fn prefers_include(&self) -> bool {
        self.microseconds >= Self::INCLUDE_FROM_MICROSECONDS
    }

    /// Returns the advice for a file whose cost reaches the threshold, or `None` below the threshold.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        if !self.prefers_include() {
            return None;
        }
        let reads = format!(
            "Apache reads these {} networks again for each request, which takes about {} ms of processor time",
            thousands(self.networks),
            milliseconds(self.microseconds)
        );
        let what_to_do = if self.walking_microseconds > self.microseconds / 2 {
            "; most of this time is spent on many short lines: in the template, print allow.lines and \
             deny.lines (docs/templates.md)"
        } else {
            "; include the file in the server's configuration, which Apache reads only once (docs/web-servers.md)"
        };
        Some(reads + what_to_do)
    }
}

/// The directives that list networks, each with the keyword between the directive and the networks.
const LIST_DIRECTIVES: [(&str, &str); 3] = [("Require", "ip"), ("Allow", "from"), ("Deny", "from")];

/// The counts from which the cost of a file is calculated.
#[derive(Default)]
pub(crate) struct DirectiveCounts {
    instructions: u64,
    networks: u64,
    /// The number of steps along the lists of directives.
    steps: u64,
    /// The number of authorization directives in each open container, the innermost container last.
    containers: Vec<u64>,
    /// The number of authorization directives outside all containers.
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
            // When a container ends, Apache appends it to the enclosing container.
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

    /// Counts a network. A word without a digit or colon, such as `all`, is not a network. It is not
    /// counted, because it costs next to nothing.
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

/// Returns whether `first` can be the first character of a network: a digit, a colon or, in IPv6, a letter
/// up to `f`.
fn can_start_network(first: char) -> bool {
    first.is_ascii_hexdigit() || first == ':'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a file with networks of 13 bytes each.
    fn file(networks: usize, networks_per_line: usize) -> String {
        let words: Vec<String> = (0..networks)
            .map(|index| format!("10.{:03}.{:03}.20", index / 250 % 250, index % 250))
            .collect();
        let lines = words
            .chunks(networks_per_line)
            .map(|line| format!("Require ip {}\n", line.join(" ")));
        lines.collect()
    }

    /// Compares the model with a time that was measured on a busy machine, in microseconds of a core. The
    /// model may differ by a third of the measured time.
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
    fn distinguishes_networks_from_words() {
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
    fn advises_the_change_that_helps() {
        assert_eq!(RequestCost::of(&file(3_000, 500)).advice(), None);
        assert_eq!(
            RequestCost::of(&file(5_000, 500)).advice().unwrap(),
            "Apache reads these 5,000 networks again for each request, which takes about 1.3 ms of \
             processor time; include the file in the server's configuration, which Apache reads \
             only once (docs/web-servers.md)"
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
