//! The library: uploads in, outputs and answers out.

/// What is no CSV, too much, or broken: each gets its refusal.
mod bad_files;
/// The folders of `tests/cases`: CSV and settings in, file and answer out, byte for byte.
mod cases;
/// Plain rows and built-in templates take a shorter way, to the same end.
mod fast_path;
/// What the fuzzers kept, through the checks of their targets; huge ranges.
mod fuzz_corpus;
/// Every name of a column, delimiter and order of columns that a header may have.
mod headers;
/// Long lists: every line of the output stays under the limit.
mod long_lists;
/// How much memory the worst files take, measured on a process of their own.
mod memory;
/// The sentences of rejections and refusals, as people read them.
mod messages;
/// What must hold for any input at all.
mod properties;
/// The pages of the cases, and of uploads that are as large and as bad as can be.
mod report_page;
/// What rejections suggest, and what surrounds a value.
mod suggestions;
/// The built-in templates on long lists, and where they refuse a file.
mod templates;
