//! The configuration examples in the documents. The tests use exactly this text.

const TEMPLATES: &str = include_str!("../../docs/templates.md");

/// Returns the first code block of a language in `docs/web-servers.md`.
pub(crate) fn block(language: &str) -> &'static str {
    block_of(include_str!("../../docs/web-servers.md"), language)
}

/// Returns the first code block of a language below a heading in `docs/templates.md`.
pub(crate) fn example(heading: &str, language: &str) -> &'static str {
    let (_, section) = TEMPLATES
        .split_once(&format!("\n### {heading}\n"))
        .unwrap_or_else(|| panic!("docs/templates.md has no {heading}"));
    block_of(section, language)
}

fn block_of(document: &'static str, language: &str) -> &'static str {
    let start = format!("```{language}\n");
    let (_, from) = document
        .split_once(&start)
        .unwrap_or_else(|| panic!("there is no {language} block"));
    from.split_once("```").expect("the block ends").0
}

/// Returns the part of a text from the first `start` to the end of the first `end` after it.
pub(crate) fn part<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let from = text.find(start).unwrap_or_else(|| panic!("no {start}"));
    let length = text[from..]
        .find(end)
        .unwrap_or_else(|| panic!("no {end} behind {start}"));
    &text[from..from + length + end.len()]
}

/// Replaces a placeholder in a text. Panics if the text does not contain the placeholder.
pub(crate) fn with(text: &str, placeholder: &str, value: &str) -> String {
    assert!(text.contains(placeholder), "no {placeholder} in\n{text}");
    text.replace(placeholder, value)
}
