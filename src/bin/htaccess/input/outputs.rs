//! Checks that no output overwrites an input or another output.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use htaccess_generator::text::escape_invisible;

use crate::error::CliError;
use crate::input::file::Input;
use crate::input::paths::shown;

/// The paths of the inputs, which no output may overwrite.
pub(crate) struct InputPaths<'a> {
    by_name: HashMap<&'a OsStr, Vec<&'a Path>>,
}

impl<'a> InputPaths<'a> {
    pub(crate) fn of(inputs: &'a [Input]) -> Self {
        let mut by_name: HashMap<&OsStr, Vec<&Path>> = HashMap::new();
        for path in inputs.iter().filter_map(|input| input.path.as_deref()) {
            if let Some(name) = path.file_name() {
                by_name.entry(name).or_default().push(path);
            }
        }
        Self { by_name }
    }

    /// Returns an error if `output` is the same file as an input. `flag` is the flag to change, for the
    /// message.
    pub(crate) fn refuse_overwrite(&self, output: &Path, flag: &str) -> Result<(), CliError> {
        let same_name = output.file_name().and_then(|name| self.by_name.get(name));
        let is_same = |input: &&&Path| {
            let both = (fs::canonicalize(input), fs::canonicalize(output));
            matches!(both, (Ok(input), Ok(output)) if input == output)
        };
        match same_name.into_iter().flatten().find(is_same) {
            None => Ok(()),
            Some(input) => Err(CliError::new(format!(
                "{} would be replaced by its own output: choose another {flag}",
                shown(input)
            ))),
        }
    }
}

/// Returns an error if an output below `folder` would overwrite another output or an input.
pub(crate) fn check_outputs<'a>(
    inputs: &[Input],
    folder: &Path,
    outputs: impl Iterator<Item = (&'a Input, Option<String>)>,
) -> Result<(), CliError> {
    let input_paths = InputPaths::of(inputs);
    let mut seen: BTreeMap<String, &Input> = BTreeMap::new();
    for (input, output) in outputs {
        let Some(output) = output else { continue };
        input_paths.refuse_overwrite(&folder.join(&output), "-o or --output-key")?;
        if let Some(other) = seen.get(&output) {
            return Err(CliError::new(format!(
                "{} and {} would both become {}: rename one of them, or choose another --output-key",
                other.display_name(),
                input.display_name(),
                escape_invisible(&output, None)
            )));
        }
        seen.insert(output, input);
    }
    Ok(())
}
