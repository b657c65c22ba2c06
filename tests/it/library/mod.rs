//! The library: uploads in, outputs and answers out.

/// Uploads that are not CSV, too large, or damaged: each is refused with its code.
mod bad_files;
/// The folders of `tests/cases`: CSV and settings in, file and answer out, byte for byte.
mod cases;
/// Comments, and rows that start like comments.
mod comments;
/// A damaged row never lets anybody in.
mod damage;
/// The fast paths for plain rows and built-in templates give the same result as the slow path.
mod fast_path;
/// The inputs that the fuzzers kept, through the checks of their targets, and huge ranges.
mod fuzz_corpus;
/// Every column name, delimiter and order of columns that a header can have.
mod headers;
/// Lists and the common CSV: what their rows mean at a site, and what is refused.
mod lists;
/// Long lists: every line of the output stays under the limit.
mod long_lists;
/// The memory that the worst files take, measured in a separate process.
mod memory;
/// The sentences of rejections and refusals.
mod messages;
/// The limit of an output, and of the lists and rows that it is made of.
mod output_limit;
/// Properties that hold for any input.
mod properties;
/// Quotes that hide rows.
mod quotes;
/// The report pages of the cases, and of the largest and worst uploads.
mod report_page;
/// The rejected rows that refuse a file.
mod strict;
/// The suggestions of rejections, and characters around a value.
mod suggestions;
/// The built-in templates with long lists, and the files that they refuse.
mod templates;
/// Rows that start and end: dates, zones, and who gets in at each instant.
mod time;
/// The warnings, the rows that they count, and the lines that they name.
mod warnings;
