//! Real servers read the outputs. The tests compare who gets in with a small, independent oracle.
//!
//! Run with `make test` or `cargo test --test servers`. The tests need Debian's `apache2-bin`,
//! `nginx-light`, `haproxy`, `caddy` and `nftables`, and fail if one is missing. Plain `cargo test`
//! does not run them, so that it works without these packages. Each test starts its own server on a
//! free port of this machine, configures it to take the client's address from a header, and sends
//! requests from the addresses at which the verdict can change. All randomness comes from fixed seeds.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of a test fail by panic, and write the files that the servers read"
)]

mod apache;
mod caddy;
#[path = "../common/mod.rs"]
mod common;
mod compare;
mod documented;
mod haproxy;
mod http;
mod injections;
mod migration_outputs;
mod nftables;
mod nginx;
mod open_apache;
mod other_servers;
mod process;
mod traps;

use std::io::Write as _;
use std::time::Instant;

use htaccess_generator::render::{BuiltIn, Template};

use crate::apache::Apache;
use crate::compare::{Case, Comparison, cases, output, show, trap_cases};
use crate::http::Connection;
use crate::nginx::Nginx;

/// Prints a line even if the test passes. The test harness would capture the output of `eprintln`.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn built_in(name: &str) -> Template {
    Template::built_in(name).unwrap_or_else(|err| panic!("{name}: {err}"))
}

/// Sends all probes of the cases to an Apache, and compares the answers with the oracle.
fn apache_agrees(name: &str, cases: &[Case], template: &Template) -> Comparison {
    let start = Instant::now();
    let apache = Apache::start();
    let mut connection = Connection::to(apache.port());
    let mut tally = Comparison::default();
    for case in cases {
        let file = output(case, template);
        tally.add_output(&file);
        let path = apache.put(&case.folder, &file);
        tally.probe(case, &path, &mut connection);
        check(name, &tally, case, &file, || apache.errors());
    }
    conclude(name, &tally, start);
    tally
}

/// Sends all probes of the cases to an nginx, and compares the answers with the oracle.
fn nginx_agrees(name: &str, cases: &[Case], template: &Template) {
    let start = Instant::now();
    let outputs: Vec<String> = cases.iter().map(|case| output(case, template)).collect();
    let nginx = Nginx::start(named(cases, &outputs));
    probe_nginx(name, start, cases, &outputs, &nginx);
}

/// Returns the outputs, each with the folder of its case.
fn named<'a>(
    cases: &'a [Case],
    outputs: &'a [String],
) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
    let named = cases.iter().zip(outputs);
    named.map(|(case, file)| (case.folder.as_str(), file.as_str()))
}

fn probe_nginx(name: &str, start: Instant, cases: &[Case], outputs: &[String], nginx: &Nginx) {
    let mut connection = Connection::to(nginx.port());
    let mut tally = Comparison::default();
    for (case, file) in cases.iter().zip(outputs) {
        tally.add_output(file);
        let path = nginx::path(&case.folder);
        tally.probe_spelled(case, &path, &mut connection, nginx::spelling);
        check(name, &tally, case, file, || nginx.errors());
    }
    conclude(name, &tally, start);
}

/// Panics with everything that is needed to reproduce a failure.
fn check(name: &str, tally: &Comparison, case: &Case, file: &str, errors: impl Fn() -> String) {
    assert!(
        tally.wrong.is_empty(),
        "{name}: {}\n{}{}",
        tally.wrong.join("\n"),
        show(case, file),
        errors()
    );
}

fn conclude(name: &str, tally: &Comparison, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    tell(&format!("{name}: {} ({seconds:.1} s)", tally.summary()));
    assert!(tally.has_both_verdicts(), "{name}: {}", tally.summary());
}

#[test]
fn a_real_apache_agrees_with_the_oracle_on_apache24() {
    let tally = apache_agrees("apache24", &cases(), &built_in("apache24"));
    assert!(tally.has_full_lines(), "{}", tally.summary());
}

#[test]
fn a_real_apache_agrees_with_the_oracle_on_apache22() {
    let tally = apache_agrees("apache22", &cases(), &built_in("apache22"));
    assert!(tally.has_full_lines(), "{}", tally.summary());
}

/// The server reads the same outputs only once, at its start, as described in
/// `docs/web-servers.md`.
#[test]
fn a_real_apache_agrees_on_outputs_that_its_configuration_includes() {
    for name in ["apache24", "apache22"] {
        let start = Instant::now();
        let (cases, template) = (cases(), built_in(name));
        let outputs: Vec<String> = cases.iter().map(|case| output(case, &template)).collect();
        let named = cases.iter().zip(&outputs);
        let files = named.map(|(case, file)| (case.folder.as_str(), file.as_str()));
        let apache = Apache::start_including(files);
        let mut connection = Connection::to(apache.port());
        let mut tally = Comparison::default();
        let title = format!("{name}, included");
        for (case, file) in cases.iter().zip(&outputs) {
            tally.add_output(file);
            tally.probe(case, &apache::path(&case.folder), &mut connection);
            check(&title, &tally, case, file, || apache.errors());
        }
        conclude(&title, &tally, start);
        let case = &cases[0];
        apache.put(&case.folder, "Nonsense\n");
        tally.probe(case, &apache::path(&case.folder), &mut connection);
        check(&title, &tally, case, "read anew", || apache.errors());
    }
}

#[test]
fn a_real_nginx_agrees_with_the_oracle() {
    nginx_agrees("nginx", &cases(), &built_in("nginx"));
}

/// Returns a custom template that prints keys and comments, which the built-in templates omit.
fn with_keys_and_comments(built_in: &str) -> Template {
    let source = BuiltIn::find(built_in)
        .unwrap_or_else(|| panic!("{built_in} is not a template"))
        .source;
    let source = format!(
        "# {{{{ source.key }}}}\n\
         {{% for rule in rules %}}# {{{{ rule.address }}}} {{{{ rule.comment }}}}\n{{% endfor %}}\
         {source}\n# {{{{ source.file_name }}}}"
    );
    Template::compile(&source).unwrap_or_else(|err| panic!("{err}"))
}

#[test]
fn comments_and_keys_stay_comments_in_a_custom_template() {
    let traps = trap_cases();
    for name in ["apache24", "apache22"] {
        let title = format!("{name} with keys and comments");
        apache_agrees(&title, &traps, &with_keys_and_comments(name));
    }
    let title = "nginx with keys and comments";
    nginx_agrees(title, &traps, &with_keys_and_comments("nginx"));
}

/// Proves that the comparison can fail: if the first rule of a trap is reversed, the comparison
/// must report each client for which this changes the verdict.
#[test]
fn a_wrong_policy_is_noticed() {
    let mut cases = trap_cases();
    let files = |template| {
        let files = cases.iter().map(|case| output(case, &built_in(template)));
        files.collect::<Vec<String>>()
    };
    let (for_apache, for_nginx) = (files("apache24"), files("nginx"));
    let names = cases.iter().map(|case| case.folder.as_str());
    let nginx = Nginx::start(names.zip(for_nginx.iter().map(String::as_str)));
    let apache = Apache::start();
    let mut to_nginx = Connection::to(nginx.port());
    let mut to_apache = Connection::to(apache.port());
    let mut noticed = 0;
    for (case, file) in cases.iter_mut().zip(&for_apache) {
        case.flip_first_rule();
        let mut by_apache = Comparison::default();
        let path = apache.put(&case.folder, file);
        by_apache.probe(case, &path, &mut to_apache);
        let mut by_nginx = Comparison::default();
        let path = nginx::path(&case.folder);
        by_nginx.probe_spelled(case, &path, &mut to_nginx, nginx::spelling);
        assert_eq!(
            by_apache.wrong.len(),
            by_nginx.wrong.len(),
            "the servers differ on {}",
            case.origin
        );
        noticed += usize::from(!by_apache.wrong.is_empty());
    }
    assert!(
        noticed * 2 > cases.len(),
        "only {noticed} of {} wrong policies were noticed",
        cases.len()
    );
}

/// Apache's errors that the templates avoid occur in the installed version.
#[test]
fn apache_answers_500_to_lines_that_the_templates_avoid() {
    let long = "192.0.2.1 ".repeat(820);
    let broken = [
        "Order Allow, Deny",
        "Require ip 2.2.2.2.2",
        "Require ip 0.0.0.0/0",
        "Require ip ::/0",
        "Require ip ::ffff:192.0.2.1",
        "Require ip ::ffff:0:0/96",
        "Require ip ::ffff:0.0.0.0/96",
        "Require ip 192.0.2.1-192.0.2.9",
        "Require ip fe80::1%eth0",
        "Require not ip 192.0.2.1",
        "<RequireAny>\n</RequireAny>",
        "Deny from 0.0.0.0/0",
        &format!("Require ip {long}"),
        &format!("# {long}"),
    ];
    let apache = Apache::start();
    let mut connection = Connection::to(apache.port());
    for (index, htaccess) in broken.iter().enumerate() {
        let path = apache.put(&format!("broken-{index}"), &format!("{htaccess}\n"));
        let response = connection
            .get(&path, "192.0.2.1")
            .unwrap_or_else(|err| panic!("no answer for {htaccess:.60}: {err}"));
        assert_eq!(response.status, 500, "{htaccess:.60}\n{}", apache.errors());
    }
}

/// Lines that Apache accepts without an error, but that close or open a site.
#[test]
fn apache_accepts_lines_that_would_close_or_open_a_site() {
    let quiet = [
        ("<RequireAll>\nRequire not ip 192.0.2.1\n</RequireAll>", 403),
        ("Require all granted\nRequire ip 192.0.2.1", 200),
        (
            "Order Allow,Deny\nAllow from all\nDeny from 198.51.100.0-198.51.100.9",
            200,
        ),
        (
            "<RequireAll>\nRequire all granted\n# a comment \\\nRequire all denied\n</RequireAll>",
            200,
        ),
    ];
    let apache = Apache::start();
    let mut connection = Connection::to(apache.port());
    for (index, (htaccess, status)) in quiet.iter().enumerate() {
        let path = apache.put(&format!("quiet-{index}"), &format!("{htaccess}\n"));
        let response = connection
            .get(&path, "198.51.100.7")
            .unwrap_or_else(|err| panic!("no answer for {htaccess}: {err}"));
        assert_eq!(response.status, *status, "{htaccess}\n{}", apache.errors());
    }
}

/// nginx rejects lines that the `nginx` template must therefore not write.
#[test]
fn nginx_refuses_lines_that_the_template_avoids() {
    let refused = [
        "deny 10.0.0.0/255.0.0.0;",
        "deny 192.0.2.1-192.0.2.9;",
        "deny fe80::1%eth0;",
        "deny 255.255.255.255;",
        "deny 192.0.2.1",
    ];
    for rules in refused {
        assert!(nginx::complaint(rules).is_some(), "{rules} is accepted");
    }
    assert_eq!(nginx::complaint("deny 192.0.2.1;"), None);
}
