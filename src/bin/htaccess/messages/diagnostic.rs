//! Formats a diagnostic like rustc: the level, code and title, then the file and line, then the row with the
//! cell underlined, then the help.
//!
//! Rows are untrusted, may be long, and may be in any script. The text around the cell is escaped, and the
//! rest of a long row is cut off. The underline counts the columns that a terminal uses for each character.

use std::fmt;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use htaccess_generator::csv::Snippet;
use htaccess_generator::text::{escape_block, is_unprintable};
use unicode_width::UnicodeWidthChar;

/// The maximum number of terminal columns that are used for a row.
const MAX_ROW_COLUMNS: usize = 80;
/// The maximum number of these columns before the cell, if the row is longer than [`MAX_ROW_COLUMNS`].
const COLUMNS_BEFORE: usize = 20;

const EMPHASIS: Style = Style::new().bold();
const FRAME: Style = AnsiColor::Blue.on_default().bold();

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// The file is refused because of the problem.
    Error,
    /// The file is published, but a client that should be denied may get in.
    Alarm,
    /// A row is rejected.
    Rejected,
    /// The file is published despite the problem.
    Warning,
    /// The diagnostic is advice or information. There is no problem.
    Note,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Rejected => "rejected",
            Self::Alarm | Self::Warning => "warning",
            Self::Note => "note",
        }
    }

    fn style(self) -> Style {
        let color = match self {
            Self::Error | Self::Alarm => AnsiColor::Red,
            Self::Rejected | Self::Warning => AnsiColor::Yellow,
            Self::Note => AnsiColor::Green,
        };
        color.on_default().bold()
    }
}

/// One problem or note about a file.
pub(crate) struct Diagnostic<'a> {
    pub(crate) level: Level,
    /// The code of the problem, which programs can rely on and the documentation explains. `None` for a note.
    pub(crate) code: Option<String>,
    /// The problem, without a full stop.
    pub(crate) title: String,
    /// The name of the file, as it is printed in messages.
    pub(crate) file: &'a str,
    pub(crate) line: Option<u64>,
    /// The row and the cell to underline. `None` if the problem has no line or the row cannot be read again.
    pub(crate) snippet: Option<&'a Snippet>,
    /// An instruction for solving the problem.
    pub(crate) help: Option<String>,
}

impl fmt::Display for Diagnostic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level.style();
        write!(f, "{level}{}", self.level.name())?;
        if let Some(code) = &self.code {
            write!(f, "[{code}]")?;
        }
        let title = escape_block(&self.title);
        writeln!(f, "{level:#}{EMPHASIS}: {title}{EMPHASIS:#}")?;
        let line = self.snippet.map(|snippet| snippet.line).or(self.line);
        let number = line.map(|line| line.to_string()).unwrap_or_default();
        let margin = " ".repeat(number.len().max(1));
        write!(f, "{margin}{FRAME}-->{FRAME:#} {}", self.file)?;
        if line.is_some() {
            write!(f, ":{number}")?;
        }
        match self.snippet {
            Some(snippet) => {
                let before = snippet.text.get(..snippet.part.start).unwrap_or_default();
                writeln!(f, ":{}", before.chars().count() + 1)?;
                let row = RowWindow::of(&snippet.text, snippet.part.clone());
                let indent = " ".repeat(row.marked.start);
                let underline = "^".repeat(row.marked.len());
                writeln!(f, "{margin} {FRAME}|{FRAME:#}")?;
                writeln!(f, "{FRAME}{number} |{FRAME:#} {}", row.text)?;
                writeln!(
                    f,
                    "{margin} {FRAME}|{FRAME:#} {indent}{level}{underline}{level:#}"
                )?;
            }
            None => writeln!(f)?,
        }
        match self.help.as_deref().map(escape_block) {
            Some(help) => {
                writeln!(
                    f,
                    "{margin} {FRAME}={FRAME:#} {EMPHASIS}help{EMPHASIS:#}: {help}"
                )
            }
            None => Ok(()),
        }
    }
}

/// The part of a row that is printed, escaped for a terminal.
#[derive(Debug, PartialEq, Eq)]
struct RowWindow {
    text: String,
    /// The columns of `text` to underline. The range contains at least one column.
    marked: Range<usize>,
}

/// A character of a row, escaped for a terminal.
struct Glyph {
    /// The offset of the character in the row, in bytes.
    offset: usize,
    text: String,
    columns: usize,
}

impl RowWindow {
    fn of(row: &str, part: Range<usize>) -> Self {
        // A row may be a megabyte long, so only the text near the cell is split into glyphs.
        let from = row.floor_char_boundary(part.start.saturating_sub(4 * MAX_ROW_COLUMNS));
        let to = row.ceil_char_boundary((part.start + 4 * MAX_ROW_COLUMNS).min(row.len()));
        let near = row.get(from..to).unwrap_or_default();
        let glyphs: Vec<Glyph> = near
            .char_indices()
            .map(|(index, character)| Glyph::of(from + index, character))
            .collect();
        let fits = near.len() == row.len() && columns(&glyphs) <= MAX_ROW_COLUMNS;
        let (max_before, max_all) = if fits {
            (usize::MAX, usize::MAX)
        } else {
            (COLUMNS_BEFORE, MAX_ROW_COLUMNS)
        };

        let (before, rest) = glyphs.split_at(glyphs.partition_point(|one| one.offset < part.start));
        let left_out = before.len() - fitting(before.iter().rev(), max_before);
        let (_, before) = before.split_at(left_out);
        let (rest, after_window) = rest.split_at(fitting(rest.iter(), max_all - columns(before)));
        let (marked, after) = rest.split_at(rest.partition_point(|one| one.offset < part.end));

        let is_cut_before = from > 0 || left_out > 0;
        let is_cut_after = to < row.len() || !after_window.is_empty();
        let mut text = String::new();
        text.push_str(if is_cut_before { "…" } else { "" });
        for glyph in before.iter().chain(marked).chain(after) {
            text.push_str(&glyph.text);
        }
        text.push_str(if is_cut_after { "…" } else { "" });
        let start = usize::from(is_cut_before) + columns(before);
        Self {
            text,
            marked: start..start + columns(marked).max(1),
        }
    }
}

impl Glyph {
    fn of(offset: usize, character: char) -> Self {
        let text = match character {
            '\t' => "    ".to_owned(),
            character if is_unprintable(character) => character.escape_unicode().to_string(),
            character => character.to_string(),
        };
        let columns = text.chars().filter_map(UnicodeWidthChar::width).sum();
        Self {
            offset,
            text,
            columns,
        }
    }
}

fn columns(glyphs: &[Glyph]) -> usize {
    glyphs.iter().map(|glyph| glyph.columns).sum()
}

/// Returns the number of leading glyphs that fit into `max_columns` columns.
fn fitting<'a>(glyphs: impl Iterator<Item = &'a Glyph>, max_columns: usize) -> usize {
    let mut columns = 0;
    glyphs
        .take_while(|glyph| {
            columns += glyph.columns;
            columns <= max_columns
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the text and the underline that are printed for a row. `[` and `]` enclose the cell in `row`.
    #[track_caller]
    fn check(row: &str, text: &str, underline: &str) {
        let start = row.find('[').unwrap();
        let end = row.find(']').unwrap() - 1;
        let row = row.replace(['[', ']'], "");
        let shown = RowWindow::of(&row, start..end);
        let marks = " ".repeat(shown.marked.start) + &"^".repeat(shown.marked.len());
        assert_eq!((shown.text.as_str(), marks.as_str()), (text, underline));
    }

    #[test]
    fn underlines_the_columns_of_a_cell() {
        check("[2.2.2],Allow", "2.2.2,Allow", "^^^^^");
        check("東京,[２.2],é", "東京,２.2,é", "     ^^^^");
        check("[],Allow", ",Allow", "^");
        check("1.1.1.1[]", "1.1.1.1", "       ^");
    }

    #[test]
    fn escapes_what_could_act_on_a_terminal() {
        check(
            "a\tb\u{1b}[1.1\u{200b}],\u{202e}x",
            "a    b\\u{1b}1.1\\u{200b},\\u{202e}x",
            "            ^^^^^^^^^^^",
        );
    }

    #[test]
    fn shows_of_a_long_row_what_is_around_the_cell() {
        let long = "x".repeat(1000);
        let before = "x".repeat(COLUMNS_BEFORE);
        let after_window = "x".repeat(MAX_ROW_COLUMNS - COLUMNS_BEFORE - 5);
        let indent = " ".repeat(COLUMNS_BEFORE + 1);
        check(
            &format!("{long}[2.2.2]{long}"),
            &format!("…{before}2.2.2{after_window}…"),
            &format!("{indent}^^^^^"),
        );
        check(
            &format!("[{long}],Allow"),
            &format!("{}…", "x".repeat(MAX_ROW_COLUMNS)),
            &"^".repeat(MAX_ROW_COLUMNS),
        );
    }
}
