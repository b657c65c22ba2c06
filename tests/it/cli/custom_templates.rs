//! Custom templates, which the function reads from S3 and the command line checks.

use htaccess_generator::function::Handler;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::Value;

use crate::cli::Folder;
use crate::function::handler::{ACME, put_event, settings};
use crate::function::memory_store::MemoryStore;

const OWN: &str = "s3://templates/own.tera";

/// Runs `work` with one execution environment of the function. The closure that `work`
/// receives publishes an upload.
fn with_environment(work: impl FnOnce(&MemoryStore, &dyn Fn() -> Value)) {
    let store = MemoryStore::default();
    let handler = Handler::new(&store, settings(&[("TEMPLATE", OWN)])).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    work(&store, &|| {
        store.tick();
        store.upload("uploads", "acme.csv", ACME);
        let event = LambdaEvent::new(put_event(&["acme.csv"]), Context::default());
        let answer = runtime.block_on(handler.handle(event)).unwrap();
        serde_json::to_value(answer).unwrap()["results"][0].clone()
    });
}

#[test]
fn a_broken_template_refuses_the_file_and_names_the_place_until_it_is_repaired() {
    with_environment(|store, publish| {
        let output = || store.text("sites", "acme/.htaccess");
        for (template, message) in [
            (&b"one\n{% if"[..], "--> template:2:"),
            (b"one\ntwo {{ alow.count }}", "--> template:2:8"),
            (
                b"one \xff",
                "the template s3://templates/own.tera is not UTF-8 text",
            ),
            (
                &vec![b' '; 1024 * 1024 + 1],
                "the template s3://templates/own.tera is larger than 1 MiB",
            ),
            (
                &vec![b' '; 1024 * 1024 + 1],
                "the template s3://templates/own.tera is larger than 1 MiB",
            ),
        ] {
            store.upload("templates", "own.tera", template);
            let answer = publish();
            assert_eq!(answer["code"], "bad-template");
            let told = answer["message"].as_str().unwrap();
            assert!(told.contains(message), "{told}");
            assert_eq!(output(), None);
        }
        store.upload("templates", "own.tera", &vec![b'\n'; 1024 * 1024]);
        assert_eq!(publish()["status"], "written");
    });
}

/// Each invocation only checks whether the template has changed.
#[test]
fn an_unchanged_template_is_not_read_again() {
    with_environment(|store, publish| {
        store.upload("templates", "own.tera", b"one {{ allow.count }}");
        publish();
        let first = store.take_calls();
        publish();
        let second = store.take_calls();
        let gets = |calls: &[String]| {
            calls
                .iter()
                .filter(|call| call.contains(OWN))
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(gets(&first), ["GET s3://templates/own.tera"]);
        assert_eq!(
            gets(&second),
            ["GET s3://templates/own.tera", "304 s3://templates/own.tera"]
        );
    });
}

#[test]
fn lists_and_shows_the_built_in_templates() {
    let folder = Folder::new();
    let list = folder.run(&["template", "list"]).expect(0, "").stdout;
    assert_eq!(list.lines().count(), 10);
    for line in list.lines() {
        let (name, about) = line.split_once(' ').unwrap();
        let shown = folder.run(&["template", "show", name]).expect(0, "").stdout;
        let file = format!(
            "{}/src/render/templates/{name}.tera",
            env!("CARGO_MANIFEST_DIR")
        );
        assert_eq!(shown, std::fs::read_to_string(file).unwrap());
        assert!(about.contains("{{ path }}"), "{line}");
    }
    folder.run(&["template", "show", "apache"]).expect_failure(
        "invalid value 'apache' for '<NAME>'\n  [possible values: apache24, apache22, ",
    );
}

#[test]
fn a_shown_template_passes_its_check_and_renders_the_same() {
    let csv = "IP,Rule\n10.0.0.0/8,Allow\n10.0.0.7,Deny\n";
    let folder = Folder::new();
    let shown = folder.run(&["template", "show", "apache24"]).stdout;
    let folder = folder.with("own.tera", shown).with("a.csv", csv);
    folder
        .run(&["template", "check", "own.tera"])
        .expect(0, "own.tera: works for 10 sample policies\n");
    folder
        .run(&["template", "check", "own.tera", "a.csv"])
        .expect(0, "own.tera: works for a.csv\n");
    let rendered = |template| {
        folder
            .run(&["render", "a.csv", "--template", template])
            .stdout
    };
    assert_eq!(rendered("own.tera"), rendered("apache24"));
}

#[test]
fn a_check_names_file_line_and_column_and_underlines_the_place() {
    let folder = Folder::new()
        .with("syntax.tera", "one\n{{ allow.count | nope }}\n")
        .with(
            "late.tera",
            "one\n{% if default_policy == \"allow\" %}{{ nothing }}{% endif %}\n",
        )
        .with("bytes.tera", b"\xff")
        .with("a.csv", "IP,Rule\nall,Allow\n")
        .with("b.csv", "IP,Rule\nx,Allow\n");
    folder.run(&["template", "check", "syntax.tera"]).expect(
        1,
        "syntax.tera: the template does not compile: error: Unknown filter `nope`\n \
         --> syntax.tera:2:18\n  |\n2 | {{ allow.count | nope }}\n  |                  ^^^^\n",
    );
    for (arguments, start) in [
        (
            &["late.tera"][..],
            "late.tera: for everybody: the template fails on this file: ",
        ),
        (
            &["late.tera", "a.csv"],
            "late.tera: the template fails on this file: ",
        ),
    ] {
        let ran = folder.run(&[&["template", "check"], arguments].concat());
        assert_eq!(ran.status, 1);
        assert!(ran.stderr.starts_with(start), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("\n --> late.tera:2:38\n"),
            "{}",
            ran.stderr
        );
    }
    let ran = folder.run(&["template", "check", "late.tera", "b.csv"]);
    assert_eq!(ran.status, 1);
    assert!(
        ran.stderr
            .starts_with("late.tera: b.csv is refused: no row was accepted")
    );
    for (arguments, part) in [
        (
            &["none.tera"][..],
            "template none.tera: neither a built-in template (apache24, ",
        ),
        (
            &["bytes.tera"],
            "template bytes.tera: it is not UTF-8 text: save it as UTF-8",
        ),
        (
            &["late.tera", "none.csv"],
            "cannot read none.csv: No such file",
        ),
        (&[], "the following required arguments were not provided"),
    ] {
        folder
            .run(&[&["template", "check"], arguments].concat())
            .expect_failure(part);
    }
}

#[test]
fn render_names_the_place_like_a_check() {
    let folder = Folder::new()
        .with("syntax.tera", "one\n{{ allow.count | nope }}\n")
        .with("late.tera", "one\n{{ nothing }}\n")
        .with("a.csv", "IP,Rule\nall,Allow\n");
    let ran = folder.run(&["render", "--json", "--template", "late.tera", "a.csv"]);
    assert_eq!(ran.status, 1);
    let place = "\n --> late.tera:2:4\n";
    assert!(ran.stderr.contains(place), "{}", ran.stderr);
    let message = ran.json()[0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains(place), "{message}");
    folder
        .run(&["render", "--template", "syntax.tera", "a.csv"])
        .expect_failure("\n --> syntax.tera:2:18\n");
}

#[test]
fn a_check_reads_standard_input() {
    Folder::new()
        .run_with_input(
            &["template", "check", "apache24", "-"],
            "IP,Rule\nall,Allow\n",
        )
        .expect(0, "apache24: works for <stdin>\n");
}

#[test]
fn a_check_warns_about_lists_that_a_template_leaves_out() {
    let lines = "{% for line in allow.lines %}Require ip {{ line }}\n{% endfor %}";
    let warned = |template: &str| {
        let folder = Folder::new().with("own.tera", template);
        let ran = folder.run(&["template", "check", "own.tera"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let warnings = ran.stderr.lines().filter_map(|line| {
            let (_, warning) = line.split_once(": warning: ")?;
            Some(warning.split(": ").next().unwrap().to_owned())
        });
        warnings.collect::<Vec<String>>()
    };
    assert_eq!(
        warned(lines),
        [
            "the output is the same for nobody and for everybody",
            "the output is the same for everybody and for a blocklist",
            "the output is the same for an allowlist and for an allowlist with a deny inside",
            "if nobody gets in, the output is empty, but an empty file keeps nobody out",
        ]
    );
    let only_ipv4 = "# {% for network in permitted.ipv4 %}\n{{ network }}{% endfor %}";
    assert_eq!(warned(only_ipv4), ["the output contains no IPv6 network"]);
    let one_line = "# {{ permitted.networks | join(sep=\" \") }}";
    assert_eq!(
        warned(one_line),
        [
            "for 5,000 networks, line 1 is longer than 8000 bytes, and a file named .htaccess with such a line is refused"
        ]
    );
    let raw = "# {% for network in permitted.networks %}\n{{ network }}{% endfor %}\n\
               {% for rule in rules %}# {{ rule.comment | safe }}\n{% endfor %}";
    assert_eq!(
        warned(raw),
        ["the second line of a comment becomes a separate line of the output"]
    );
}
