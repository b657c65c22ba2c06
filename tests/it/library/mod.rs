//! The library: uploads in, outputs and answers out.

/// Uploads that are not CSV, too large or damaged. Each is refused with its code.
mod bad_files;
/// The folders in `tests/cases`: CSV and settings in, file and answer out, byte for byte.
mod cases;
/// Comments, and rows that start like comments.
mod comments;
/// A damaged row never lets anybody in.
mod damage;
/// The fast paths for plain rows and built-in templates, which must give the same result as the slow path.
mod fast_path;
/// Huge ranges, and the inputs that the fuzzers kept, with the checks of their targets.
mod fuzz_corpus;
/// Every column name, delimiter and order of columns that a header can have.
mod headers;
/// Lists and the common CSV: the meaning of their rows for a site, and the reasons to refuse them.
mod lists;
/// Long lists, in which every line of the output must stay under the limit.
mod long_lists;
/// The memory that the worst files take, measured in a separate process.
mod memory;
/// The sentences of rejections and refusals.
mod messages;
/// The limits of an output, and of the lists and rows that it is generated from.
mod output_limit;
/// Properties of every result, whatever the input.
mod properties;
/// Quotes that hide rows.
mod quotes;
/// The report pages of the cases, and of the largest and worst uploads.
mod report_page;
/// Rejected rows that refuse the file.
mod strict;
/// The fixes that rejections suggest, and values with stray characters around them.
mod suggestions;
/// The built-in templates with long lists, and the files that they refuse.
mod templates;
/// Rows that start and end: dates, time zones, and who gets in at each time.
mod time;
/// The warnings, the rows that they count, and the lines that they mention.
mod warnings;
