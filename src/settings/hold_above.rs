//! The `HOLD_ABOVE` setting.

use std::fmt;

use crate::settings::error::SettingError;

/// `HOLD_ABOVE`: the largest change that is published without an approval, in percent, from 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldAbove(u8);

impl HoldAbove {
    /// Returns the percentage.
    #[must_use]
    pub fn percent(self) -> u8 {
        self.0
    }
}

impl fmt::Display for HoldAbove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Parses `HOLD_ABOVE`. `None` if nothing is held, because the value is empty or 0.
///
/// # Errors
///
/// A [`SettingError`] for any value except a whole number from 0 to 100.
pub fn hold_above(name: &str, value: &str) -> Result<Option<HoldAbove>, SettingError> {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        _ if value.is_empty() => Ok(None),
        Ok(0) => Ok(None),
        Ok(percent @ 1..=100) if is_number => Ok(Some(HoldAbove(percent))),
        _ => Err(SettingError::new(
            name,
            value,
            "expected a percentage from 1 to 100, or 0 to hold nothing",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_whole_percentages() {
        let parse = |value| hold_above("HOLD_ABOVE", value);
        assert_eq!((parse(""), parse("0")), (Ok(None), Ok(None)));
        assert_eq!(parse("30").unwrap().unwrap().percent(), 30);
        assert_eq!(parse("100").unwrap().unwrap().to_string(), "100");
        for bad in ["101", "-1", "+30", "30%", "0.5", "x", " 30"] {
            let message = parse(bad).unwrap_err().to_string();
            assert!(message.contains("expected a percentage"), "{message}");
        }
    }
}
