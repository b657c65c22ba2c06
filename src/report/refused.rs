//! Explains a refusal to the person who uploaded the file: what the code means, and what to do step by step.

use serde::Serialize;

use crate::answer::{Answer, RefusalCode, Status};
use crate::text::escape_block;

/// A header and rows to copy.
const SAMPLE: &str = "\
IP Address,Rule,Comment
192.0.2.10,Allow,Reception
198.51.100.0/24,Allow,Office Lyon
198.51.100.66,Deny,Guest terminal
";
const SAVE: &str = "Save the sheet as a CSV. In Excel, choose File, Save As, and the type “CSV UTF-8 (Comma \
    delimited)”. In LibreOffice, choose File, Save As, the type “Text CSV”, and keep the suggested options. In \
    Google Sheets, choose File, Download, “Comma Separated Values”.";
const ONE_SHEET: &str =
    "Only the sheet that you see is saved. Keep the workbook for the next change.";
const UPLOAD_AGAIN: &str = "Upload the corrected file under the same name.";
const ASK: &str = "Send this page to your administrator.";
const CORRECT_ROWS: &str = "Correct the rejected rows below. The number of a line is the number of the row in \
    a spreadsheet.";

/// The help on a refusal.
#[derive(Serialize)]
pub(crate) struct RefusalHelp {
    /// The meaning of the code.
    meaning: &'static str,
    steps: Vec<&'static str>,
    /// A header and rows to copy, or an empty text.
    sample: &'static str,
    /// The first lines of the file, or an empty text.
    first_lines: String,
}

impl RefusalHelp {
    /// Returns the help, if the file is refused.
    pub(crate) fn of(answer: &Answer, first_lines: &[String]) -> Option<Self> {
        let code = answer.code?;
        let shows_sample = matches!(code, RefusalCode::MissingColumn | RefusalCode::NoRules)
            && answer.rejected == 0;
        let shows_lines = matches!(code, RefusalCode::MissingColumn | RefusalCode::NotCsv);
        Some(Self {
            meaning: meaning(code),
            steps: steps(code, answer).to_vec(),
            sample: if shows_sample { SAMPLE } else { "" },
            first_lines: if shows_lines {
                escape_block(&first_lines.join("\n"))
            } else {
                String::new()
            },
        })
    }
}

fn meaning(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::NotCsv => "the file is not a CSV, or it is damaged",
        RefusalCode::MissingColumn => {
            "the names of the columns for the address and the rule were not found"
        }
        RefusalCode::NoRules => "no row of the file can be used",
        RefusalCode::TooLarge => "the file is larger than a limit",
        RefusalCode::DenyRejected => {
            "a row that cannot be read may keep somebody out, who would get in without it"
        }
        RefusalCode::RowsRejected => "rows cannot be read, and this site accepts no such file",
        RefusalCode::UnsafeKey => "the name of the file cannot be used",
        RefusalCode::BadTemplate => "the settings of the administrator do not work for this file",
        RefusalCode::OutputTaken => "another file already controls the same site",
        RefusalCode::MixedRules => "the rows of a list must all state the same rule",
        RefusalCode::UnusableList => "a list that the file uses has a problem itself",
        RefusalCode::ChangeHeld => "the change is so large that somebody must approve it",
    }
}

fn steps(code: RefusalCode, answer: &Answer) -> &'static [&'static str] {
    match code {
        RefusalCode::NotCsv => &[
            "Open the file in the program that made it, for example Excel.",
            SAVE,
            ONE_SHEET,
            "Upload the new file. Its name ends in .csv, not in .xlsx or .ods.",
        ],
        RefusalCode::MissingColumn => &[
            "Write the names of the columns into the first row, one name in each cell: “IP Address” and \
             “Rule”. “Comment” is optional. Other columns are not used.",
            "Write Allow or Deny into the column “Rule” of each row.",
            SAVE,
            UPLOAD_AGAIN,
        ],
        RefusalCode::NoRules if answer.rejected == 0 => &[
            "Write at least one row below the names of the columns, as in the sample.",
            UPLOAD_AGAIN,
        ],
        RefusalCode::NoRules | RefusalCode::DenyRejected | RefusalCode::RowsRejected => {
            &[CORRECT_ROWS, UPLOAD_AGAIN]
        }
        RefusalCode::TooLarge => &[
            "Delete empty rows, empty columns and everything that is not an address list.",
            UPLOAD_AGAIN,
            "If all of the file is needed, ask your administrator to raise the limit.",
        ],
        RefusalCode::UnsafeKey => &[
            "Rename the file as the reason above says.",
            "Upload it under the new name.",
        ],
        RefusalCode::OutputTaken => &[
            "Decide which of the two files is the right one.",
            "Delete the other one. If you do not know it, send this page to your administrator.",
            "Upload this file again.",
        ],
        RefusalCode::MixedRules => &[
            "Make two lists: one with the Allow rows, one with the Deny rows.",
            UPLOAD_AGAIN,
        ],
        RefusalCode::UnusableList => &[
            "Open the report of the list that the reason above names, and correct the list.",
            "Upload the list, then this file again.",
        ],
        RefusalCode::ChangeHeld if answer.status == Status::Previewed => &[
            "Look at what would change, below. If it is a mistake, correct the file and upload the preview again.",
            "If it is right, upload the file under its real name. Then send the new report to your administrator, who can \
             approve the change.",
        ],
        RefusalCode::ChangeHeld => &[
            "Look at what changes, below. If it is a mistake, correct the file and upload it again.",
            "If it is right, ask your administrator to approve it, and send this page.",
        ],
        RefusalCode::BadTemplate => &["There is nothing wrong with your file.", ASK],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Refusal, Status};

    fn help(code: RefusalCode) -> RefusalHelp {
        let refusal = Refusal::new(code, "x");
        let answer = Answer::new("a.csv", Status::Written).refused(&refusal);
        let lines = ["a\u{202e}".to_owned(), "<b>".to_owned()];
        RefusalHelp::of(&answer, &lines).unwrap()
    }

    #[test]
    fn the_first_lines_are_shown_only_where_they_are_the_problem() {
        assert_eq!(
            help(RefusalCode::MissingColumn).first_lines,
            "a\\u{202e}\n<b>"
        );
        assert_eq!(help(RefusalCode::TooLarge).first_lines, "");
        assert_eq!(help(RefusalCode::MissingColumn).sample, SAMPLE);
        assert_eq!(help(RefusalCode::NotCsv).sample, "");
        let fine = Answer::new("a.csv", Status::Written);
        assert!(RefusalHelp::of(&fine, &[]).is_none());
    }

    /// A sample that is refused would be a bad joke.
    #[test]
    fn the_sample_has_the_names_that_are_read() {
        let header = SAMPLE.lines().next().unwrap();
        assert_eq!(header, "IP Address,Rule,Comment");
        assert_eq!(
            SAMPLE.matches(",Allow,").count() + SAMPLE.matches(",Deny,").count(),
            3
        );
    }
}
