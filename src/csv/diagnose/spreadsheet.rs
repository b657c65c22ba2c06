//! Recognizes cells that spreadsheets and databases changed: formulas, rounded numbers, dates,
//! placeholders.

/// Returns whether a text is a placeholder for a missing value, as databases, libraries and people write it.
pub(crate) fn is_placeholder(text: &str) -> bool {
    text == "\\N"
        || [
            "null",
            "(null)",
            "none",
            "nan",
            "nil",
            "n/a",
            "na",
            "-",
            "--",
            "?",
            "undefined",
        ]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns whether a text is a formula, such as `=A1` or `@SUM(…)`.
pub(crate) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '@'])
}

/// Months as spreadsheets write them in English, French and German.
const MONTHS: &str = "jan january janv janvier feb february fev fév févr fevr février fevrier mar mars march \
    apr april avr avril may mai jun june juin jul july juil juillet aug august aou aoû \
    août aout sep sept september septembre oct october octobre okt oktober nov november \
    novembre dec december déc décembre decembre dez dezember";

/// The damage that results when a spreadsheet reads an address or a network as another kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpreadsheetDamage {
    /// `08-Oct`, `01/02/2003`: a date.
    Date,
    /// `1.92E+11`: a number whose last digits are lost.
    Rounded,
    /// `########`: a number or a date in a column that was too narrow to show it.
    Narrow,
}

/// Recognizes an address that a spreadsheet damaged beyond repair.
pub(crate) fn spreadsheet_damage(text: &str) -> Option<SpreadsheetDamage> {
    if text.len() >= 3 && text.bytes().all(|byte| byte == b'#') {
        return Some(SpreadsheetDamage::Narrow);
    }
    if is_rounded(text) {
        return Some(SpreadsheetDamage::Rounded);
    }
    // A time may follow the date.
    let date = match text.split_once([' ', 'T']) {
        Some((date, time)) if time.contains(':') => date,
        _ => text,
    };
    is_date(date).then_some(SpreadsheetDamage::Date)
}

fn is_rounded(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    is_number(exponent)
        && digits.contains(['.', ','])
        && digits.split(['.', ',']).count() == 2
        && digits.split(['.', ',']).all(is_number)
}

fn is_date(text: &str) -> bool {
    is_date_with_month(text)
        || ['/', '-', '.']
            .into_iter()
            .any(|sign| is_date_of(text, sign))
}

/// Recognizes `08-Oct` and `1 févr. 2003`: numbers and the name of a month.
fn is_date_with_month(text: &str) -> bool {
    let is_month = |part: &str| {
        let word = part.trim_end_matches('.').to_lowercase();
        MONTHS.split(' ').any(|month| month == word)
    };
    // The parts are counted first, because comparing a part with all months takes time.
    let parts: Vec<&str> = text.split(['/', '-', ' ']).take(4).collect();
    if !(2..=3).contains(&parts.len()) {
        return false;
    }
    let words: Vec<&str> = parts
        .into_iter()
        .filter(|part| !is_short_number(part))
        .collect();
    matches!(words.as_slice(), [word] if is_month(word))
}

/// Recognizes `01/02/2003`, `2003-02-01` and `01.02.2003`: three numbers with one sign between them.
fn is_date_of(text: &str, sign: char) -> bool {
    let parts: Vec<&str> = text.split(sign).take(4).collect();
    let has_year = parts.iter().any(|part| part.len() == 4);
    parts.len() == 3 && parts.iter().all(|part| is_short_number(part)) && (sign == '/' || has_year)
}

fn is_short_number(part: &str) -> bool {
    (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_damaged_values() {
        for text in [
            "01/02/2003",
            "1/2/03",
            "2003-02-01",
            "01.02.2003",
            "08-Oct",
            "10-août",
            "Oct-08",
            "1 févr. 2003",
            "01/02/2003 00:00",
            "10-nov.",
        ] {
            assert_eq!(
                spreadsheet_damage(text),
                Some(SpreadsheetDamage::Date),
                "{text}"
            );
        }
        for text in ["1.92E+11", "1,92E+11", "1.92168E11"] {
            assert_eq!(
                spreadsheet_damage(text),
                Some(SpreadsheetDamage::Rounded),
                "{text}"
            );
        }
        assert_eq!(
            spreadsheet_damage("########"),
            Some(SpreadsheetDamage::Narrow)
        );
        for text in [
            "2.2.2",
            "10/8",
            "1-2-3",
            "web-1",
            "1.2.3.4-9",
            "oct.example.com",
            "1e5",
            "marie-1",
            "2001:db8::1",
            "1.2.3.4/24",
            "",
        ] {
            assert_eq!(spreadsheet_damage(text), None, "{text}");
        }
    }
}
