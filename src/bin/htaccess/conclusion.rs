//! What is said about each file, and about all of them at the end.

use htaccess_generator::report::{Answer, Status};

use crate::inputs::Input;
use crate::output::print_json;
use crate::{Failure, Verdict};

pub(crate) fn conclude(
    inputs: &[Input],
    answers: &[Answer],
    json: bool,
    fine: &str,
) -> Result<Verdict, Failure> {
    for (input, answer) in inputs.iter().zip(answers) {
        print_problems(input, answer);
    }
    let verdict = verdict(answers);
    let refused = answers
        .iter()
        .filter(|answer| answer.status == Status::Refused)
        .count();
    let rejected: u64 = answers.iter().map(|answer| answer.rejected).sum();
    eprintln!(
        "{} {fine}, {refused} refused; {rejected} rows rejected",
        answers.len() - refused
    );
    if json {
        print_json(answers)?;
    }
    Ok(verdict)
}

pub(crate) fn verdict<'a>(answers: impl IntoIterator<Item = &'a Answer>) -> Verdict {
    if answers
        .into_iter()
        .any(|answer| answer.status == Status::Refused)
    {
        Verdict::Refused
    } else {
        Verdict::Fine
    }
}

/// `file:line: what is wrong`, as compilers say it.
pub(crate) fn print_problems(input: &Input, answer: &Answer) {
    let file = input.shown();
    for rejection in &answer.rejections {
        eprintln!("{file}:{}: {}", rejection.line, rejection.reason());
    }
    let listed = answer.rejections.len() as u64;
    if listed < answer.rejected {
        eprintln!(
            "{file}: {} more rows were rejected",
            answer.rejected - listed
        );
    }
    if let (Some(code), Some(message)) = (answer.code, &answer.message) {
        eprintln!("{file}: refused: {message} ({code})");
    }
}
