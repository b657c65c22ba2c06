//! Texts that look like directives, in cells, comments, column names and object keys. They never
//! change who gets in, and a template that prints them prints them as plain text.
//!
//! A separate httpd serves the outputs of the custom templates. Its `.htaccess` files may contain
//! any directive, so an injected directive would work.
//! [`injected_directives_work_without_escaping`] proves this.

mod texts;

use std::fmt::Write as _;
use std::net::IpAddr;

use htaccess_generator::answer::RefusalCode;
use htaccess_generator::generate::{Outcome, generate};
use htaccess_generator::list::Shared;
use htaccess_generator::render::{BuiltIn, Template};
use htaccess_generator::rule::DefaultPolicy;
use htaccess_generator::settings::{Settings, Strict};
use htaccess_generator::source::Source;
use htaccess_generator::time::Instant;

use crate::apache::Apache;
use crate::built_in;
use crate::caddy::{self, Caddy};
use crate::common::oracle::{Action, Client, Cover, Rule, permits};
use crate::haproxy::{self, HaProxy};
use crate::http::{Connection, Response};
use crate::nginx::{self, Nginx};
use crate::open_apache::OpenApache;
use texts::texts;

use Action::{Allow, Deny};

/// The key of the upload if the text cannot be part of a key.
const PLAIN_KEY: &str = "clients/acme.csv";

/// Rules that let in some of [`CLIENTS`]. The address of the last rule contains a line break.
fn rules() -> [Rule; 4] {
    let ipv4 = |action, address: &str, first: u32, last: u32| Rule {
        action,
        cover: Cover::Ipv4 { first, last },
        address: address.to_owned(),
    };
    let first = 0x2001_0db8 << 96;
    [
        ipv4(Allow, "192.0.2.0/24", 0xc000_0200, 0xc000_02ff),
        ipv4(Deny, "192.0.2.77", 0xc000_024d, 0xc000_024d),
        Rule {
            action: Allow,
            cover: Cover::Ipv6 {
                first,
                last: first | (u128::MAX >> 32),
            },
            address: "2001:db8::/32".to_owned(),
        },
        ipv4(Deny, "192.0.2.100 -\n192.0.2.110", 0xc000_0264, 0xc000_026e),
    ]
}

const CLIENTS: [&str; 8] = [
    "192.0.2.1",
    "192.0.2.77",
    "192.0.2.99",
    "192.0.2.110",
    "192.0.3.0",
    "198.51.100.7",
    "2001:db8::5",
    "2001:db9::",
];
/// A client that a rule denies.
const GUEST: &str = "192.0.2.77";

/// Returns a CSV with the text as the comment of every rule, and the number of rows to reject.
fn csv(text: &str) -> (Vec<u8>, u64) {
    let mut csv = String::new();
    let mut row = |cells: [&str; 5]| {
        let cells = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
        let _ = writeln!(csv, "{}", cells.join(","));
    };
    row(["Number", "IP Address", "Rule", "Comment", text]);
    for Rule {
        action, address, ..
    } in rules()
    {
        row(["1", &address, &format!("{action:?}"), text, text]);
    }
    row([text, text, "Allow", text, ""]);
    row(["2", &format!("0.0.0.0/0{text}"), "Allow", text, ""]);
    row(["3", &format!("{text} 0.0.0.0/0"), "Allow", text, ""]);
    row(["4", "0.0.0.0/0", text, text, ""]);
    // The first of these four rows is no comment even if `text` starts with `#`, because it has a rule.
    (csv.into_bytes(), 4)
}

/// Returns the comment as the library reads it: trimmed, and with normalised line ends.
fn comment_of(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.trim().to_owned()
}

/// Returns the escaped form that `docs/templates.md` promises for a printed value.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        if character.is_alphanumeric() || " -._~/:,()[]@+=*!?&^|".contains(character) {
            escaped.push(character);
        } else {
            for byte in character.to_string().bytes() {
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}

/// An upload that contains a text.
struct Injection {
    text: String,
    /// The key. It contains the text if such a key is valid.
    key: String,
    default: Action,
}

/// Returns each text with each default policy.
fn injections() -> Vec<Injection> {
    let mut injections = Vec::new();
    for text in texts() {
        let key = format!("clients/{text}.csv");
        let is_key = outcome(&key, "x", Deny, &built_in("apache24"))
            .file
            .is_some();
        for default in [Deny, Allow] {
            injections.push(Injection {
                key: if is_key {
                    key.clone()
                } else {
                    PLAIN_KEY.to_owned()
                },
                text: text.clone(),
                default,
            });
        }
    }
    injections
}

fn outcome(key: &str, text: &str, default: Action, template: &Template) -> Outcome {
    let settings = Settings {
        default_policy: match default {
            Allow => DefaultPolicy::Allow,
            Deny => DefaultPolicy::Deny,
        },
        // Some rejected rows might be denies. Under the default, such rows would refuse the file.
        strict: Strict::None,
        ..Settings::default()
    };
    let source = Source {
        key: key.to_owned(),
        ..Source::default()
    };
    generate(
        &csv(text).0,
        &settings,
        template,
        &source,
        Instant::MIN,
        &Shared::default(),
    )
}

impl Injection {
    fn output(&self, template: &Template) -> String {
        let outcome = outcome(&self.key, &self.text, self.default, template);
        let answer = outcome.answer;
        assert_eq!(
            (answer.accepted, answer.rejected, answer.message),
            (rules().len() as u64, csv(&self.text).1, None),
            "{:?}",
            self.text
        );
        outcome.file.expect("it is not refused")
    }

    /// Sends a request as every client. Returns the answers to the denied clients.
    #[track_caller]
    fn check(&self, path: &str, file: &str, connection: &mut Connection) -> Vec<Response> {
        let mut refused = Vec::new();
        for client in CLIENTS {
            let address: IpAddr = client.parse().expect("it is an address");
            let response = get(connection, path, client);
            let permitted = permits(&rules(), self.default, Client::of(address));
            let expected = if permitted { 200 } else { 403 };
            assert_eq!(
                response.status, expected,
                "{client} for {:?} under default {:?}\n{file}",
                self.text, self.default
            );
            if permitted {
                assert_eq!(response.body, b"in\n", "{:?}\n{file}", self.text);
            } else {
                refused.push(response);
            }
        }
        refused
    }
}

fn get(connection: &mut Connection, path: &str, client: &str) -> Response {
    connection
        .get(path, client)
        .unwrap_or_else(|err| panic!("no answer for {path}: {err}"))
}

fn compiled(source: &str) -> Template {
    Template::compile(source).unwrap_or_else(|err| panic!("{err}"))
}

/// Returns a template that consists of these lines and the source of a built-in template.
fn with_preamble(preamble: &str, built_in: &str) -> Template {
    let source = BuiltIn::find(built_in)
        .unwrap_or_else(|| panic!("{built_in} is not a template"))
        .source;
    compiled(&format!("{preamble}{source}"))
}

#[test]
fn injections_change_no_verdict_of_the_built_in_templates() {
    let injections = injections();
    let apache = Apache::start();
    let mut connection = Connection::to(apache.port());
    for name in ["apache24", "apache22"] {
        let template = built_in(name);
        for (index, injection) in injections.iter().enumerate() {
            let file = injection.output(&template);
            let path = apache.put(&format!("{name}-{index}"), &file);
            injection.check(&path, &file, &mut connection);
        }
    }
    nginx_serves(&injections, &built_in("nginx"), |_, _| {});
}

fn named(outputs: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> + Clone {
    outputs
        .iter()
        .map(|(name, file)| (name.as_str(), file.as_str()))
}

#[test]
fn injections_change_no_verdict_in_front_of_other_servers() {
    let injections = injections();
    let outputs = |template: &str| -> Vec<(String, String)> {
        let template = built_in(template);
        let numbered = injections.iter().enumerate();
        let named =
            numbered.map(|(index, one)| (format!("injection-{index}"), one.output(&template)));
        named.collect()
    };
    let check = |port: u16, outputs: &[(String, String)], path: fn(&str) -> String| {
        let mut connection = Connection::to(port);
        for (injection, (name, file)) in injections.iter().zip(outputs) {
            injection.check(&path(name), file, &mut connection);
        }
    };
    let lists = outputs("nginx-geo");
    check(Nginx::start_geo(named(&lists)).port(), &lists, nginx::path);
    let lists = outputs("haproxy");
    check(HaProxy::start(named(&lists)).port(), &lists, haproxy::path);
    let snippets = outputs("caddy");
    check(
        Caddy::start(named(&snippets)).port(),
        &snippets,
        caddy::path,
    );
}

/// Sends requests to nginx as every client. Calls `each` with every answer to a denied client.
fn nginx_serves(
    injections: &[Injection],
    template: &Template,
    each: impl Fn(&Injection, &Response),
) {
    let outputs: Vec<(String, String)> = injections
        .iter()
        .enumerate()
        .map(|(index, injection)| (format!("injection-{index}"), injection.output(template)))
        .collect();
    let named = outputs
        .iter()
        .map(|(name, file)| (name.as_str(), file.as_str()));
    let nginx = Nginx::start(named);
    let mut connection = Connection::to(nginx.port());
    for (injection, (name, file)) in injections.iter().zip(&outputs) {
        for response in injection.check(&nginx::path(name), file, &mut connection) {
            each(injection, &response);
        }
    }
}

/// Comments and arguments of directives that print values, quoted as in a careful template.
const PREAMBLE_OF_APACHE: &str = r#"# {{ source.key }} {{ source.file_name }}
ErrorDocument 404 "key {{ source.key }}"
{% for rule in rules %}# {{ rule.line }} {{ rule.rule }} {{ rule.address }} {{ rule.comment }}
SetEnv ADDRESS "{{ rule.address }}"
ErrorDocument 403 "note {{ rule.comment }}"
ErrorDocument 410 "{{ rule.comment }}"
{% endfor %}"#;

#[test]
fn injections_are_served_as_text_by_a_custom_template() {
    let template = with_preamble(PREAMBLE_OF_APACHE, "apache24");
    let apache = OpenApache::start();
    let mut connection = Connection::to(apache.process.port());
    for (index, injection) in injections().iter().enumerate() {
        let Some(file) = shorter_than_a_line(injection, &template) else {
            continue;
        };
        let folder = format!("injection-{index}");
        let path = apache.put(&folder, &file);
        let note = format!("note {}", escaped(&comment_of(&injection.text)));
        for response in injection.check(&path, &file, &mut connection) {
            assert_eq!(String::from_utf8_lossy(&response.body), note, "{file}");
        }
        let missing = get(&mut connection, &format!("/{folder}/missing"), CLIENTS[0]);
        let key = format!("key {}", escaped(&injection.key));
        assert_eq!(missing.status, 404);
        assert_eq!(String::from_utf8_lossy(&missing.body), key, "{file}");
    }
}

/// Returns the output, or `None` if the escaped text is too long for a line of Apache. In this
/// case, the file must be refused.
fn shorter_than_a_line(injection: &Injection, template: &Template) -> Option<String> {
    if escaped(&comment_of(&injection.text)).len() < 7900 {
        return Some(injection.output(template));
    }
    let outcome = outcome(&injection.key, &injection.text, injection.default, template);
    assert_eq!(outcome.answer.code, Some(RefusalCode::BadTemplate));
    assert_eq!(outcome.file, None);
    None
}

/// The test's HTTP client records the header `X-Seen`, so the template prints the comment in it.
const PREAMBLE_OF_NGINX: &str = r#"# {{ source.key }}
{% for rule in rules %}# {{ rule.line }} {{ rule.rule }} {{ rule.address }} {{ rule.comment }}
add_header X-Seen "note {{ rule.comment }}" always;
{% endfor %}"#;

#[test]
fn injections_are_served_as_text_by_a_custom_template_for_nginx() {
    let mut injections = injections();
    // nginx does not accept words of more than 4,096 bytes.
    injections.retain(|injection| escaped(&comment_of(&injection.text)).len() < 4000);
    let template = with_preamble(PREAMBLE_OF_NGINX, "nginx");
    nginx_serves(&injections, &template, |injection, response| {
        let note = format!("note {}", escaped(&comment_of(&injection.text)));
        assert_eq!(response.seen.as_deref(), Some(note.as_str()));
    });
}

/// Without escaping, the same texts work as directives. This proves that the tests above can fail.
#[test]
fn injected_directives_work_without_escaping() {
    let template = with_preamble(
        &PREAMBLE_OF_APACHE.replace("rule.comment }}", "rule.comment | safe }}"),
        "apache24",
    );
    let apache = OpenApache::start();
    let mut connection = Connection::to(apache.process.port());
    let mut answer = |text: &str, client: &str| {
        let file = outcome(PLAIN_KEY, text, Deny, &template).file;
        let path = apache.put("raw", &file.expect("it is not refused"));
        get(&mut connection, &path, client)
    };
    let pwned = answer("two lines\nErrorDocument 403 pwned\n#", GUEST);
    assert_eq!((pwned.status, pwned.body.as_slice()), (403, &b"pwned"[..]));
    for (text, client, status) in [
        ("x\"\nRequire ip 192.0.2.77\n#", GUEST, 200),
        (
            "x\"\nRedirect /raw/ http://evil.example/\n#",
            CLIENTS[0],
            302,
        ),
        (
            "x\"\nRewriteEngine On\nRewriteRule . - [F]\n#",
            CLIENTS[0],
            403,
        ),
        ("x\"\n</RequireAll>\n#", CLIENTS[0], 500),
    ] {
        assert_eq!(answer(text, client).status, status, "{text}");
    }
    let evaluated = compiled("{{ 7*7 }}");
    assert_eq!(
        outcome(PLAIN_KEY, "x", Deny, &evaluated).file.as_deref(),
        Some("49\n")
    );
}

/// A limit of escaping: if a value is the whole argument, Apache may read it as a URL. Templates
/// should therefore print a word before the value, as those above do.
#[test]
fn apache_may_read_a_comment_that_stands_alone_as_a_url() {
    let apache = OpenApache::start();
    let mut connection = Connection::to(apache.process.port());
    for (before, status) in [("", 302), ("note ", 403)] {
        let line = format!("ErrorDocument 403 \"{before}{{{{ rules[0].comment }}}}\"\n");
        let template = with_preamble(&line, "apache24");
        let file = outcome(PLAIN_KEY, "http://evil.example/", Deny, &template).file;
        let path = apache.put("url", &file.expect("it is not refused"));
        assert_eq!(get(&mut connection, &path, GUEST).status, status);
    }
}

#[test]
fn nul_in_any_cell_refuses_the_file() {
    for cell in ["a\0b", "\0", "Require all granted\0"] {
        let outcome = outcome(PLAIN_KEY, cell, Deny, &built_in("apache24"));
        assert_eq!(outcome.answer.code, Some(RefusalCode::NotCsv), "{cell:?}");
        assert_eq!(outcome.file, None);
    }
}

#[test]
fn control_characters_in_a_key_refuse_the_file() {
    for text in texts() {
        let key = format!("clients/{text}.csv");
        let outcome = outcome(&key, "x", Deny, &built_in("apache24"));
        if text.chars().any(char::is_control) {
            assert_eq!(outcome.answer.code, Some(RefusalCode::UnsafeKey), "{key:?}");
            assert_eq!(outcome.file, None);
        }
        let message = outcome.answer.message.unwrap_or_default().to_string();
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
}
