//! Templates as the command line names them: a built-in name, or a file.

use std::path::Path;
use std::{fs, io};

use htaccess_generator::render::{BUILT_IN, Template, built_in_names};

use crate::error::CliError;
use crate::messages::did_you_mean;

/// What each built-in template is for, and an `OUTPUT_KEY` that suits it.
pub(crate) const ABOUT: [(&str, &str, &str); BUILT_IN.len()] = [
    (
        "apache24",
        "Apache 2.4: .htaccess with Require",
        ".htaccess",
    ),
    (
        "apache22",
        "Apache 2.2, or 2.4 with mod_access_compat: .htaccess with Order",
        ".htaccess",
    ),
    (
        "nginx",
        "nginx: allow and deny for a location",
        "nginx.conf",
    ),
    (
        "nginx-geo",
        "nginx: the inside of a geo block, fast for long lists",
        "geo",
    ),
    ("haproxy", "HAProxy: a file of patterns, who gets in", "lst"),
    (
        "caddy",
        "Caddy 2: a snippet to import first in a route block",
        "caddy",
    ),
    ("nftables", "nftables: two sets, who gets in", "nft"),
    (
        "aws-waf",
        "AWS WAF: two IP sets as JSON, at most 10,000 networks each",
        "waf.json",
    ),
    ("plain", "who gets in, one network on a line", "txt"),
    ("json", "the policy as data", "json"),
];

pub(crate) fn key_ending_in(ending: &str) -> String {
    let between = if ending.starts_with('.') { '/' } else { '.' };
    format!("{{{{ path }}}}{between}{ending}")
}

/// The `--output-key` of a built-in template whose outputs no server reads as `.htaccess`.
pub(crate) fn key_in_place_of_htaccess(template: &str) -> Option<String> {
    let (_, _, ending) = ABOUT.iter().find(|(name, _, _)| *name == template)?;
    (*ending != ".htaccess").then(|| key_ending_in(ending))
}

pub(crate) fn built_in_source(name: &str) -> Option<&'static str> {
    let named = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
    Some(named.1)
}

/// A built-in template, or one from a file.
pub(crate) fn find_template(name_or_path: &str) -> Result<Template, CliError> {
    let compiled = if BUILT_IN.iter().any(|(name, _)| *name == name_or_path) {
        Template::built_in(name_or_path)
    } else {
        Template::compile_named(name_or_path, &read_template(Path::new(name_or_path))?)
    };
    compiled.map_err(|refusal| {
        let message = &refusal.message;
        CliError::new(format!("template {name_or_path}: {message}"))
    })
}

/// The text of a template of one's own.
pub(crate) fn read_template(path: &Path) -> Result<String, CliError> {
    fs::read_to_string(path).map_err(|err| {
        let name = path.to_string_lossy();
        CliError::new(match err.kind() {
            io::ErrorKind::InvalidData => {
                format!("template {name}: it is not text in UTF-8: save it so")
            }
            _ => format!(
                "template {name}: neither a built-in template ({}) nor a file that can be read: {err}{}",
                built_in_names(),
                did_you_mean(path)
            ),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_template_is_told_of() {
        assert_eq!(ABOUT.map(|about| about.0), BUILT_IN.map(|(name, _)| name));
    }
}
