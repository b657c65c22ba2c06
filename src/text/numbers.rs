//! Numbers in messages.

/// `12345` as `12,345`.
pub(crate) fn thousands(number: u64) -> String {
    grouped(&number.to_string())
}

/// A number for a template: with separators, or empty for 0, which a template tests as false.
pub(crate) fn thousands_if_any(number: u64) -> String {
    match number {
        0 => String::new(),
        number => thousands(number),
    }
}

/// The digits of a whole number in groups of three.
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

/// Rounded to a tenth, and from 10 on to a whole one.
pub(crate) fn milliseconds(microseconds: u64) -> String {
    let tenths = (microseconds + 50) / 100;
    if tenths >= 100 {
        thousands((microseconds + 500) / 1000)
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}
