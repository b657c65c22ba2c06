//! The built-in templates with long lists, and the files that they refuse.

use std::fmt::Write as _;
use std::io::{self, Write};

use htaccess_generator::answer::Status;
use htaccess_generator::generate::{Keep, Upload};
use htaccess_generator::list::Shared;
use htaccess_generator::render::{BUILT_IN, BuiltIn, Template};
use htaccess_generator::settings::Settings;
use htaccess_generator::source::Source;

use crate::support::{AS_OF, Setup, refusal_of};

/// Returns single addresses that do not merge, `ipv4` and `ipv6` of each family.
fn csv(rule: &str, ipv4: u32, ipv6: u32) -> String {
    let mut csv = "IP,Rule\n".to_owned();
    for index in 0..ipv4 {
        let [_, b, c, d] = (index * 2).to_be_bytes();
        writeln!(csv, "10.{b}.{c}.{d},{rule}").unwrap();
    }
    for index in 0..ipv6 {
        writeln!(
            csv,
            "2001:db8::{:x}:{:x},{rule}",
            index >> 15,
            (index * 2) & 0xffff
        )
        .unwrap();
    }
    csv
}

/// The default output is a `.htaccess`, and a line that is too long there refuses the file.
#[test]
fn no_built_in_template_makes_a_line_that_is_too_long() {
    for BuiltIn { name, .. } in BUILT_IN {
        for default_policy in ["deny", "allow"] {
            let setting = |asked: &str| match asked {
                "TEMPLATE" => Some(name.to_owned()),
                "DEFAULT_POLICY" => Some(default_policy.to_owned()),
                _ => None,
            };
            for rule in ["Allow", "Deny"] {
                let upload = csv(rule, 3000, 3000);
                let outcome = Setup::new(setting, None).run(upload.as_bytes());
                assert_eq!(refusal_of(&outcome), "", "{name}");
            }
        }
    }
}

#[test]
fn an_ip_set_holds_ten_thousand_networks_of_a_family_and_no_more() {
    let setup = Setup::with("TEMPLATE", "aws-waf");
    let outcome = setup.run(csv("Allow", 10_000, 10_000).as_bytes());
    assert_eq!(refusal_of(&outcome), "");
    for (ipv4, ipv6, count, family) in [(10_001, 5, 10_001, "IPv4"), (5, 12_345, 12_345, "IPv6")] {
        let outcome = setup.run(csv("Allow", ipv4, ipv6).as_bytes());
        assert_eq!(
            refusal_of(&outcome),
            format!(
                "bad-template: the template aws-waf cannot be used for this file: an AWS WAF IP set can contain \
                 at most 10,000 networks, but {count} {family} networks would be permitted: merge rules into wider \
                 networks, or split the CSV"
            )
        );
    }
    let blocklist = csv("Deny", 10_001, 0) + "all,Allow\n";
    let message = refusal_of(&setup.run(blocklist.as_bytes()));
    assert!(
        message.contains("10001 IPv4 networks would be refused"),
        "{message}"
    );
}

/// A writer that fails at the first byte.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nothing_is_written_for_a_file_that_a_built_in_template_refuses() {
    let template = Template::built_in("aws-waf").unwrap();
    let (settings, source) = (Settings::default(), Source::default());
    let source = Source {
        key: "acme.csv".to_owned(),
        ..source
    };
    let mut upload = Upload::new(
        &settings,
        source,
        Keep::for_template(&template),
        AS_OF,
        &Shared::default(),
    );
    assert!(
        upload
            .push(csv("Allow", 10_001, 0).as_bytes())
            .is_continue()
    );
    let answer = upload.finish().write(&template, Closed).unwrap();
    assert_eq!(answer.status, Status::Refused);
}
