//! Formats numbers for messages.

/// Formats a number with thousands separators: 12345 becomes `12,345`.
pub(crate) fn thousands(number: u64) -> String {
    grouped(&number.to_string())
}

/// Formats a number like [`thousands`], but 0 as an empty text, which templates treat as false.
pub(crate) fn thousands_if_any(number: u64) -> String {
    match number {
        0 => String::new(),
        number => thousands(number),
    }
}

/// Separates the digits of a whole number into groups of three with commas.
#[must_use]
pub fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats microseconds as milliseconds, rounded to one decimal place, or to a whole number from 10 up.
pub(crate) fn milliseconds(microseconds: u64) -> String {
    let tenths = (microseconds + 50) / 100;
    if tenths >= 100 {
        thousands((microseconds + 500) / 1000)
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}
