//! Standard output, which receives only data.

use std::io::{self, Write};

use htaccess_generator::text::escape_json;
use serde::Serialize;

use crate::error::CliError;
use crate::io_threads::WriteBehind;

/// Prints a value as JSON. Invisible characters are written as escape sequences, because JSON is often read
/// on a terminal.
pub(crate) fn print_json(answer: &(impl Serialize + ?Sized)) -> Result<(), CliError> {
    let mut text = serde_json::to_string_pretty(answer)
        .map_err(|err| CliError::new(format!("cannot write the answer as JSON: {err}")))?;
    text.push('\n');
    print_data(escape_json(&text).as_bytes())
}

pub(crate) fn print_data(data: &[u8]) -> Result<(), CliError> {
    let mut stdout = Stdout::new();
    stdout
        .write_all(data)
        .and_then(|()| stdout.flush())
        .map_err(|err| cannot_print(&err))
}

pub(crate) fn cannot_print(err: &io::Error) -> CliError {
    CliError::new(format!("cannot write to standard output: {err}"))
}

/// Writes to standard output in large pieces. It is not a failure if the reader closes the pipe early, as in
/// `htaccess … | head`.
pub(crate) struct Stdout(WriteBehind<io::Stdout>);

impl Stdout {
    pub(crate) fn new() -> Self {
        Self(WriteBehind::new(io::stdout()))
    }
}

impl Write for Stdout {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self.0.write(data) {
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(data.len()),
            result => result,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}
