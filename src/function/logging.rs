//! Writes log lines to stdout. Lambda's logging settings determine the format and the minimum level:
//! <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html>.
//!
//! Uses tracing-subscriber without its `EnvFilter`. The set-up in `lambda_runtime` includes `EnvFilter`,
//! which reads directives for each module with regular expressions. The code for the regular expressions
//! would be a tenth of the program.

use std::str::FromStr;

use lambda_runtime::tracing::subscriber::filter::LevelFilter;
use lambda_runtime::tracing::subscriber::fmt;

/// Sets up logging for the process.
///
/// `AWS_LAMBDA_LOG_LEVEL` is the minimum level, from `TRACE` to `FATAL`. If it is unset, `RUST_LOG` is used.
/// Default: `INFO`. `AWS_LAMBDA_LOG_FORMAT` is the format, `JSON` or `Text`. Default: `Text`.
pub fn init_logging(lookup: impl Fn(&str) -> Option<String>) {
    let level = lookup("AWS_LAMBDA_LOG_LEVEL").or_else(|| lookup("RUST_LOG"));
    let format = lookup("AWS_LAMBDA_LOG_FORMAT").unwrap_or_default();
    let lines = fmt()
        .with_target(false)
        .without_time()
        .with_max_level(max_level(level.as_deref()));
    if format.eq_ignore_ascii_case("json") {
        lines.json().init();
    } else {
        lines.init();
    }
}

fn max_level(name: Option<&str>) -> LevelFilter {
    match name {
        Some(name) if name.eq_ignore_ascii_case("fatal") => LevelFilter::ERROR,
        Some(name) => LevelFilter::from_str(name).unwrap_or(LevelFilter::INFO),
        None => LevelFilter::INFO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_levels_that_lambda_has() {
        for (name, expected) in [
            (None, LevelFilter::INFO),
            (Some("TRACE"), LevelFilter::TRACE),
            (Some("debug"), LevelFilter::DEBUG),
            (Some("WARN"), LevelFilter::WARN),
            (Some("FATAL"), LevelFilter::ERROR),
            (Some("loud"), LevelFilter::INFO),
        ] {
            assert_eq!(max_level(name), expected, "{name:?}");
        }
    }
}
