//! Explains a refusal to the person who uploaded the file: the meaning of the code, and the steps to take.

use serde::Serialize;

use crate::answer::{Answer, RefusalCode, Status};
use crate::text::escape_block;

/// A header and rows that the reader can copy.
const SAMPLE: &str = "\
IP Address,Rule,Comment
192.0.2.10,Allow,Reception
198.51.100.0/24,Allow,Office Lyon
198.51.100.66,Deny,Guest terminal
";
const SAVE: &str = "Save the sheet as a CSV. In Excel, choose File, Save As, and the type “CSV UTF-8 (Comma \
    delimited)”. In LibreOffice, choose File, Save As, the type “Text CSV”, and keep the suggested options. In \
    Google Sheets, choose File, Download, “Comma Separated Values”.";
const ONE_SHEET: &str = "Only the visible sheet is saved. Keep the workbook for the next change.";
const UPLOAD_AGAIN: &str = "Upload the corrected file under the same name.";
const ASK: &str = "Send this page to your administrator.";
const CORRECT_ROWS: &str = "Correct the rejected rows below. The line numbers are the row numbers in a \
spreadsheet.";

/// The help for a refused file.
#[derive(Serialize)]
pub(crate) struct RefusalHelp {
    /// The meaning of the refusal code.
    meaning: &'static str,
    steps: Vec<&'static str>,
    /// A header and rows that the reader can copy. Empty if a sample does not help.
    sample: &'static str,
    /// The first lines of the file. Empty if they are not the problem.
    first_lines: String,
}

impl RefusalHelp {
    /// Returns the help, or `None` if the answer has no refusal code.
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
            "the column names for the address and the rule were not found"
        }
        RefusalCode::NoRules => "no row of the file can be used",
        RefusalCode::TooLarge => "the file exceeds a limit",
        RefusalCode::DenyRejected => {
            "a rejected row could be meant to deny access that other rows allow"
        }
        RefusalCode::RowsRejected => {
            "rows were rejected, and this site accepts only files without rejected rows"
        }
        RefusalCode::UnsafeKey => "the name of the file cannot be used",
        RefusalCode::BadTemplate => "the administrator's settings do not work for this file",
        RefusalCode::OutputTaken => "another file already controls the same site",
        RefusalCode::MixedRules => "all rows of a list must have the same rule",
        RefusalCode::UnusableList => "the file uses a list that has a problem",
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
            "Write the column names into the first row, one name in each cell: “IP Address” and \
             “Rule”. “Comment” is optional. Other columns are not used.",
            "Write Allow or Deny into the column “Rule” of each row.",
            SAVE,
            UPLOAD_AGAIN,
        ],
        RefusalCode::NoRules if answer.rejected == 0 => &[
            "Write at least one row below the column names, as in the sample.",
            UPLOAD_AGAIN,
        ],
        RefusalCode::NoRules | RefusalCode::DenyRejected | RefusalCode::RowsRejected => {
            &[CORRECT_ROWS, UPLOAD_AGAIN]
        }
        RefusalCode::TooLarge => &[
            "Delete empty rows, empty columns and everything that is not an address list.",
            UPLOAD_AGAIN,
            "If you need the whole file, ask your administrator to raise the limit.",
        ],
        RefusalCode::UnsafeKey => &[
            "Rename the file as described in the reason above.",
            "Upload it under the new name.",
        ],
        RefusalCode::OutputTaken => &[
            "Decide which of the two files is correct.",
            "Delete the other file. If you are not sure, send this page to your administrator.",
            "Upload this file again.",
        ],
        RefusalCode::MixedRules => &[
            "Make two lists: one list with the Allow rows and one list with the Deny rows.",
            UPLOAD_AGAIN,
        ],
        RefusalCode::UnusableList => &[
            "Open the report of the list that is named in the reason above, and correct the list.",
            "Upload the list, and then upload this file again.",
        ],
        RefusalCode::ChangeHeld if answer.status == Status::Previewed => &[
            "Check the change below. If the change is a mistake, correct the file and upload the preview again.",
            "If the change is correct, upload the file under its real name. Then send the new report to your \
             administrator, who can approve the change.",
        ],
        RefusalCode::ChangeHeld => &[
            "Check the change below. If the change is a mistake, correct the file and upload it again.",
            "If the change is correct, send this page to your administrator, who can approve the change.",
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

    /// Readers copy the sample, so its header and rules must be ones that the parser accepts.
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
