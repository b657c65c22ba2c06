//! Properties of every answer and of its report page, for any upload and any settings.

use htaccess_generator::answer::{Answer, Status};
use htaccess_generator::generate::{Decision, Outcome};
use htaccess_generator::report::{Facts, MAX_PAGE_BYTES, RequestCost, report_page};
use serde_json::Value;

use super::{MAX_SENTENCE_BYTES, check_message};

/// Checks that the answer is consistent, and that its messages are well-formed.
pub(super) fn check_answer(answer: &Answer) {
    assert_eq!(answer.accepted + answer.rejected, answer.rows);
    let listed = answer.rejected.min(100);
    assert_eq!(answer.rejections.len() as u64, listed);
    assert!(
        answer
            .rejections
            .is_sorted_by_key(|rejection| rejection.line)
    );
    for rejection in &answer.rejections {
        check_message(&rejection.message(), MAX_SENTENCE_BYTES);
    }
    assert_eq!(answer.status == Status::Refused, answer.code.is_some());
    assert_eq!(answer.message.is_some(), answer.code.is_some());
    for warning in &answer.warnings {
        check_message(&warning.message.to_string(), MAX_SENTENCE_BYTES);
    }
}

/// Checks that the report is one complete page of limited size, with the answer as its only script
/// element.
pub(super) fn check_page(outcome: &Outcome, decision: &Decision) {
    let facts = Facts {
        policy: decision.policy(),
        cost: outcome.file.as_deref().map(RequestCost::of),
        ..Facts::default()
    };
    let page = report_page(&outcome.answer, facts);
    assert!(page.len() < MAX_PAGE_BYTES, "{} bytes", page.len());
    assert!(page.trim_end().ends_with("</html>"), "{page}");
    assert_eq!(page.matches("<script").count(), 1, "{page}");
    let (_, json) = page.split_once("id=\"answer\">").unwrap();
    let (json, _) = json.split_once("</script>").unwrap();
    let json: Value = serde_json::from_str(json).unwrap();
    assert_eq!(json, serde_json::to_value(&outcome.answer).unwrap());
}
