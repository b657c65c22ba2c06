//! `htaccess explain`: whether addresses get in, and which rows decide.

use htaccess_generator::explain::{Explanation, explain};
use htaccess_generator::parse::Action;
use htaccess_generator::quote::bare;
use htaccess_generator::render::RuleRow;

use crate::arguments::ExplainArguments;
use crate::inputs;
use crate::output::print_data;
use crate::{Failure, Verdict};

/// `htaccess explain`.
pub(crate) fn explain_addresses(arguments: &ExplainArguments) -> Result<Verdict, Failure> {
    let settings = arguments.settings.read(false, None)?;
    let inputs = inputs::find(std::slice::from_ref(&arguments.file))?;
    let [input] = inputs.as_slice() else {
        return Err(Failure("explain takes one file".to_owned()));
    };
    let mut upload = Vec::new();
    input.read(|piece| {
        upload.extend_from_slice(piece);
        std::ops::ControlFlow::Continue(())
    })?;
    match explain(&upload, &settings, &arguments.addresses) {
        Ok(explanations) => {
            let texts: Vec<String> = explanations.iter().map(explanation_text).collect();
            print_data(texts.concat().as_bytes())?;
            Ok(Verdict::Fine)
        }
        Err(refusal) => {
            eprintln!("{}: refused: {refusal}", input.shown());
            Ok(Verdict::Refused)
        }
    }
}

fn explanation_text(explanation: &Explanation) -> String {
    let verdict = if explanation.permitted {
        "gets in"
    } else {
        "is kept out"
    };
    let mut text = format!("{} {verdict}\n", explanation.address);
    for row in &explanation.deciding {
        text.push_str(&row_text(row, ""));
    }
    if explanation.deciding.is_empty() {
        text.push_str("  no row decides, and the default is ");
        text.push_str(explanation.default.name());
        text.push('\n');
    }
    for row in &explanation.overruled {
        text.push_str(&row_text(row, " (changes nothing)"));
    }
    text
}

fn row_text(row: &RuleRow, note: &str) -> String {
    let action = match row.action {
        Action::Allow => "Allow",
        Action::Deny => "Deny",
    };
    let comment = match row.comment.as_str() {
        "" => String::new(),
        comment => format!(" {}", bare(comment)),
    };
    format!(
        "  line {}: {},{action}{comment}{note}\n",
        row.line,
        bare(&row.address)
    )
}
