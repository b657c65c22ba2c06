//! The pure part of the program: bytes and settings in, file and answer out.
//!
//! An [`Upload`] receives the bytes in pieces as they arrive. It pushes them through [`csv`](crate::csv) into
//! a collector, which keeps the rules (`collector.rs`) and the rejections (`tally.rs`). [`Upload::finish`]
//! returns a [`Decision`]: a [`Policy`](crate::policy::Policy), or a [`Refusal`](crate::answer::Refusal)
//! (`refusal.rs`). A [`Template`] renders the decision. A [`SharedUpload`] compiles a list or the common CSV,
//! which sites share.
//!
//! This folder does not use the network, files, the clock, the environment or logs. The same upload, source,
//! settings, template and instant give the same bytes.

mod collector;
mod decision;
mod intake;
mod refusal;
mod shared_collector;
mod shared_upload;
mod tally;
mod upload;

pub use self::decision::{Decision, MAX_OUTPUT_LINE_BYTES, Outcome};
pub use self::refusal::too_large;
pub use self::shared_upload::{Compiled, SharedOutcome, SharedUpload};
pub use self::upload::{Keep, Upload};

use crate::list::Shared;
use crate::render::Template;
use crate::settings::Settings;
use crate::source::Source;
use crate::time::Instant;

/// Reads a whole upload, decides who gets in at the instant `as_of`, and renders the output. `shared`
/// contains the lists that the rows may use, and the common CSV.
///
/// ```
/// use htaccess_generator::generate::generate;
/// use htaccess_generator::list::Shared;
/// use htaccess_generator::source::Source;
/// use htaccess_generator::settings::Settings;
/// use htaccess_generator::render::Template;
/// use htaccess_generator::time::Instant;
///
/// let template = Template::built_in("apache24").unwrap();
/// let source = Source { key: "clients/acme.csv".to_owned(), ..Source::default() };
/// let csv = b"IP Address,Rule\n192.168.1.10,Allow\n2.2.2,Allow\n";
/// let now = Instant::from_seconds(1_795_684_830);
/// let outcome = generate(csv, &Settings::default(), &template, &source, now, &Shared::default());
/// assert!(outcome.file.unwrap().ends_with("\nRequire ip 192.168.1.10\n"));
/// assert_eq!(outcome.answer.output.as_deref(), Some("clients/acme/.htaccess"));
/// assert_eq!(outcome.answer.rejections[0].line, 3);
/// ```
#[must_use]
pub fn generate(
    upload: &[u8],
    settings: &Settings,
    template: &Template,
    source: &Source,
    as_of: Instant,
    shared: &Shared,
) -> Outcome {
    let keep = Keep::for_template(template);
    let mut pieces = Upload::new(settings, source.clone(), keep, as_of, shared);
    let _ = pieces.push(upload);
    pieces.finish().render(template)
}
