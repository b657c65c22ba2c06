use super::*;
use crate::answer::{
    RefusalCode, Rejection, RejectionCode, RowExcerpt, Status, Warning, WarningCode,
};
use crate::text::{Segment, rich};

fn page_with(value: &str) -> (Answer, String) {
    let mut answer = Answer::new(&format!("a{value}.csv"), Status::Written);
    answer.rejections = vec![Rejection {
        fixes: vec![value.to_owned()],
        row: Some(RowExcerpt::new(value, value, value)),
        ..Rejection::new(2, RejectionCode::InvalidAddress, value, value)
    }];
    answer.rejected = 1;
    answer.message = Some(value.into());
    answer.output = Some(value.into());
    answer.warnings = vec![Warning {
        code: WarningCode::Guessed,
        line: Some(1),
        message: value.into(),
    }];
    let page = report_page(&answer, Facts::default());
    assert!(page.starts_with("<!doctype html>"), "{page}");
    (answer, page)
}

fn json_of(page: &str) -> serde_json::Value {
    let (_, json) = page.split_once("id=\"answer\">").unwrap();
    let (json, _) = json.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

#[test]
fn cells_are_inert_and_the_json_reads_back() {
    let (answer, page) = page_with("\"></title></script><script>alert(2)</script>&amp;<img src=x>");
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    assert_eq!(page.matches("<img").count(), 0, "{page}");
    assert_eq!(json_of(&page), serde_json::to_value(&answer).unwrap());
}

#[test]
fn characters_that_reorder_text_are_shown_escaped() {
    let (answer, page) = page_with("1.2.3.4\u{202e}\u{2066}\u{200b}\u{e0041}\u{1b}");
    assert!(
        !page
            .chars()
            .any(|character| { is_unprintable(character) && character != '\n' })
    );
    assert!(page.contains("<bdi>1.2.3.4\\u{202e}\\u{2066}\\u{200b}\\u{e0041}\\u{1b}</bdi>"));
    assert_eq!(json_of(&page), serde_json::to_value(&answer).unwrap());
}

#[test]
fn quoted_values_are_separate_parts_of_a_sentence() {
    let text = rich!(
        "{} is no address: write {}",
        Segment::quoted("a\u{202e}"),
        "b"
    );
    let Sentence(parts) = Sentence::of(&text).capitalized();
    let parts: Vec<_> = parts
        .iter()
        .map(|part| (part.kind, part.text.as_str()))
        .collect();
    assert_eq!(
        parts,
        [
            ("quoted", "\"a\\u{202e}\""),
            ("words", " is no address: write b"),
        ]
    );
}

#[test]
fn the_page_contains_the_cost_for_apache() {
    let answer = Answer::new("a.csv", Status::Written);
    let page = |file: &str| {
        let cost = Some(RequestCost::of(file));
        report_page(
            &answer,
            Facts {
                cost,
                ..Facts::default()
            },
        )
    };
    let short = page("Require ip 192.0.2.1\n");
    assert!(!short.contains("Apache"), "{short}");
    let long = page(&format!("Require ip{}\n", " 192.0.2.1".repeat(9_000)));
    assert!(long.contains("<dt>Time per request</dt>"), "{long}");
    assert!(
        long.contains("these 9,000 networks again for each request"),
        "{long}"
    );
    assert!(!page("deny 192.0.2.1;\n").contains("each request"));
}

/// Every page has the same order: the answer, the problems, the rows, the next change, the map, the
/// figures.
#[test]
fn problems_follow_the_answer_and_figures_are_last() {
    let rules: Vec<String> = (0..12).map(|index| format!("+10.{index}.0.0/24")).collect();
    let rules = rules.join(" ");
    let policy = crate::policy::samples::policy(&rules);
    let next = NextChange {
        at: Instant::from_seconds(0),
        policy: crate::policy::samples::policy(""),
    };
    let zone = TimeZone::default();
    let (answer, _) = page_with("x");
    let facts = Facts {
        policy: Some(&policy),
        next_change: Some((&next, &zone)),
        as_of: Some((Instant::from_seconds(0), &zone)),
        ..Facts::default()
    };
    let page = report_page(&answer, facts);
    let headings = [
        "As of 1 January 1970, 00:00 UTC",
        "class=\"sentence\"",
        "id=\"rejected\"",
        "id=\"warnings\"",
        "id=\"next\"",
        "id=\"map\"",
        "id=\"figures\"",
        "id=\"answer\"",
    ];
    let places = headings.map(|heading| page.find(heading).expect(heading));
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn an_urgent_warning_comes_first() {
    let mut answer = Answer::new("a.csv", Status::Written);
    let codes = [
        WarningCode::Guessed,
        WarningCode::DenyRejected,
        WarningCode::HiddenRows,
    ];
    answer.warnings = codes
        .map(|code| Warning {
            code,
            line: None,
            message: "x".into(),
        })
        .to_vec();
    let page = report_page(&answer, Facts::default());
    let classes = ["alarm", "attention", "hint"];
    let places = classes.map(|class| page.find(&format!("<li class=\"{class}\">")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn every_status_has_its_headline_or_note() {
    for (status, occasion, expected) in [
        (Status::Written, Occasion::Publish, "Published"),
        (
            Status::Unchanged,
            Occasion::Publish,
            "were already the same",
        ),
        (Status::Refused, Occasion::Publish, "stays in place"),
        (
            Status::Refused,
            Occasion::Check,
            "Checked: would be refused",
        ),
        (Status::Written, Occasion::Check, "This was a check"),
        (Status::Removed, Occasion::Delete, "the output was removed"),
        (Status::Kept, Occasion::Delete, "It had no output"),
        (Status::Written, Occasion::Delete, "lets nobody in"),
        (Status::Unchanged, Occasion::Delete, "lets nobody in"),
        (Status::Ignored, Occasion::Publish, "nothing to do"),
    ] {
        let facts = Facts {
            occasion,
            ..Facts::default()
        };
        let page = report_page(&Answer::new("a.csv", status), facts);
        assert!(page.contains(expected), "{status}: {page}");
    }
    let kept = Answer {
        output: Some("a/.htaccess".to_owned()),
        ..Answer::new("a.csv", Status::Kept)
    };
    let facts = Facts {
        occasion: Occasion::Delete,
        ..Facts::default()
    };
    assert!(report_page(&kept, facts).contains("the output stays in place"));
}

#[track_caller]
fn check_badge(answer: &Answer, occasion: Occasion, tone: &str, headline: &str) {
    let facts = Facts {
        occasion,
        ..Facts::default()
    };
    let page = report_page(answer, facts);
    let badge = format!("<header class=\"{tone}\">\n<p class=\"status\">{headline}</p>");
    assert!(page.contains(&badge), "{badge}: {page}");
    assert!(page.contains(&format!("<title>{headline}: a.csv</title>")));
}

#[test]
fn the_badge_is_as_urgent_as_the_problems() {
    use WarningCode::{
        AllowsEverybody, BlocksEverybody, DenyRejected, Guessed, HiddenRows, IgnoredColumn,
        NobodyLeft, WideAllow,
    };
    for (rejected, codes, tone, headline) in [
        (0, &[][..], "good", "Published"),
        (0, &[Guessed, WideAllow], "good", "Published"),
        (1, &[], "warn", "Published, 1 row rejected"),
        (
            1600,
            &[HiddenRows],
            "warn",
            "Published, 1,600 rows rejected",
        ),
        (
            0,
            &[HiddenRows],
            "warn",
            "Published, rows inside a quoted cell are not used",
        ),
        (0, &[BlocksEverybody], "warn", "Published, nobody gets in"),
        (
            0,
            &[NobodyLeft],
            "warn",
            "Published, nobody gets in after the next change",
        ),
        (
            2,
            &[AllowsEverybody],
            "warn",
            "Published, 2 rows rejected, everybody gets in",
        ),
        (
            0,
            &[IgnoredColumn],
            "warn",
            "Published, a condition is not applied",
        ),
        (
            2,
            &[DenyRejected],
            "bad",
            "Published, 2 rows rejected, somebody may get in who should not",
        ),
    ] {
        let mut answer = Answer::new("a.csv", Status::Written);
        answer.rejected = rejected;
        answer.warnings = codes
            .iter()
            .map(|code| Warning {
                code: *code,
                line: None,
                message: "x".into(),
            })
            .collect();
        check_badge(&answer, Occasion::Publish, tone, headline);
        let checked = headline.replace("Published", "Checked: can be published");
        check_badge(&answer, Occasion::Check, tone, &checked);
        answer.status = Status::Refused;
        answer.code = Some(RefusalCode::NoRules);
        check_badge(&answer, Occasion::Publish, "bad", "Refused");
        check_badge(&answer, Occasion::Check, "bad", "Checked: would be refused");
        answer.code = None;
        answer.status = Status::Removed;
        check_badge(&answer, Occasion::Delete, "plain", "Deleted");
    }
}

/// Proves that the digest in the Content-Security-Policy is the digest of the style sheet, because browsers
/// apply no other style (<https://www.w3.org/TR/CSP3/#grammardef-hash-source>).
#[cfg(feature = "function")]
#[test]
fn the_policy_names_the_style() {
    use sha2::{Digest, Sha256};
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut base64 = String::new();
    for bytes in Sha256::digest(STYLE).chunks(3) {
        let mut group = [0; 4];
        group[1..=bytes.len()].copy_from_slice(bytes);
        let bits = u32::from_be_bytes(group);
        for index in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * index) & 63) as usize];
            base64.push(if index <= bytes.len() {
                sign.into()
            } else {
                '='
            });
        }
    }
    assert_eq!(STYLE_SHA256, base64, "page.css changed: renew STYLE_SHA256");
}
