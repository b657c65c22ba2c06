//! The report: one self-contained page for a file, with the answer as JSON inside.
//!
//! Opened from the storage console or a disk, so it loads nothing, runs nothing, and escapes all.

use std::sync::OnceLock;

use tera::{Context, Tera};

use crate::cost::RequestCost;
use crate::report::Answer;

const NAME: &str = "report.html";

/// The page for one answer, and for a published output what it costs Apache.
#[must_use]
pub fn report_page(answer: &Answer, cost: Option<RequestCost>) -> String {
    static TERA: OnceLock<Option<Tera>> = OnceLock::new();
    let tera = TERA.get_or_init(|| {
        let mut tera = Tera::new();
        tera.autoescape_on([".html"]);
        tera.add_raw_template(NAME, include_str!("templates/report.html"))
            .ok()?;
        Some(tera)
    });
    let json = answer_json(answer);
    let mut context = Context::new();
    context.insert("answer", answer);
    context.insert_value("json", json.as_str().into());
    // Without networks it is another server's file, or not worth a word.
    let cost = cost.filter(|cost| cost.networks > 0);
    let microseconds = cost.map(|cost| cost.microseconds);
    context.insert("microseconds", &microseconds);
    context.insert("advice", &cost.and_then(|cost| cost.advice()));
    tera.as_ref()
        .and_then(|tera| tera.render(NAME, &context).ok())
        .unwrap_or(json)
}

/// JSON that may stand inside a `<script>` element: `<`, `>` and `&` are written as escapes.
fn answer_json(answer: &Answer) -> String {
    serde_json::to_string(answer)
        .unwrap_or_default()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Rejection, RejectionCode, Status};

    #[test]
    fn cells_are_inert_and_the_json_reads_back() {
        let mut answer = Answer::new("a\"><script>alert(1)</script>.csv", Status::Written);
        let value = "</script><script>alert(2)</script>&amp;";
        answer.rejections = vec![Rejection::new(
            2,
            RejectionCode::InvalidAddress,
            value,
            value,
        )];
        answer.rejected = 1;
        let page = report_page(&answer, None);
        assert!(page.starts_with("<!doctype html>"), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        let json = page
            .split("id=\"answer\">")
            .nth(1)
            .unwrap()
            .split("</script>")
            .next()
            .unwrap();
        let read: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(read, serde_json::to_value(&answer).unwrap());
    }

    #[test]
    fn tells_what_the_output_costs_apache() {
        let answer = Answer::new("a.csv", Status::Written);
        let page = |file: &str| report_page(&answer, Some(RequestCost::of(file)));
        let short = page("Require ip 192.0.2.1\n");
        assert!(short.contains("about 10 µs of a core"), "{short}");
        let long = page(&format!("Require ip{}\n", " 192.0.2.1".repeat(9_000)));
        assert!(
            long.contains("these 9,000 networks again on every request"),
            "{long}"
        );
        assert!(!page("deny 192.0.2.1;\n").contains("every request"));
    }
}
