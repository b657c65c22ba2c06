//! Renders the report of an upload: one self-contained HTML page that also contains the answer as JSON.
//!
//! The page is opened from the storage console or from a disk, so it loads nothing and runs no script.
//! Untrusted text is escaped by [`escape_invisible`] and by Tera, and the values in the maps are only
//! integers. The size of the page is limited, whatever the upload contains.
//!
//! The page is for the person who uploaded the file. It shows the answer first, followed by the problems,
//! the rows that decide who gets in, and the next change. The map and the figures for administrators are at
//! the end.
//!
//! This module does not read uploads and makes no decisions. It only shows an answer and a policy. The
//! submodule `overview` renders the page about all sites.

mod apache_cost;
mod badge;
mod figures;
mod list;
mod map;
mod next_change;
mod occasion;
pub mod overview;
mod publication;
mod refused;
mod rejected;
mod rows;
mod sentence;
mod sizes;
mod style;
mod summary;
mod warned;

pub use self::apache_cost::RequestCost;
pub use self::occasion::Occasion;
pub use self::publication::{Effect, Publication, UploadFacts};

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::Serialize;
use tera::{Context, Tera};

use crate::answer::{Answer, Status};
use crate::list::CompiledList;
use crate::policy::{NextChange, Policy};
use crate::render::{GENERATOR_NAME, GENERATOR_VERSION};
use crate::report::badge::{badge, effect};
use crate::report::figures::{KeyFigure, RowCounts, key_figures, row_counts};
use crate::report::list::list_sentence;
use crate::report::map::{Ipv4Section, ListedIpv4};
use crate::report::next_change::next_change_sentence;
use crate::report::publication::PublicationView;
use crate::report::refused::RefusalHelp;
use crate::report::rejected::{RejectionView, rejections};
use crate::report::rows::RowsView;
use crate::report::sentence::{Sentence, capitalized};
use crate::report::sizes::{SizeRow, sizes};
use crate::report::style::{STYLE, STYLE_SHA256};
use crate::report::summary::{extent, sentence};
use crate::report::warned::{WarningView, warnings};
use crate::review::FirstRows;
use crate::rule::DefaultPolicy;
use crate::text::{escape_invisible, is_unprintable, push_fmt, thousands, thousands_if_any};
use crate::time::{Instant, TimeZone};

const NAME: &str = "report.html";
/// The maximum size of a page, in bytes. A larger page takes seconds on a phone.
pub const MAX_PAGE_BYTES: usize = 400_000;

/// The content of the page that is not in the answer. Facts that are not known are `None` or empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The policy. For a refused file, this is the policy without the rejected rows.
    pub policy: Option<&'a Policy>,
    /// The next change by time, and the time zone in which to show it.
    pub next_change: Option<(&'a NextChange, &'a TimeZone)>,
    /// The cost of the output for Apache for each request.
    pub cost: Option<RequestCost>,
    /// The purpose of the page.
    pub occasion: Occasion,
    /// The list, if the upload is a list, and the instant as of which its members are shown.
    pub list: Option<(&'a CompiledList, Instant)>,
    /// The change to the output, and the upload that caused the change.
    pub publication: Option<&'a Publication>,
    /// The instant as of which the rows were evaluated, and the time zone in which to show it.
    pub as_of: Option<(Instant, &'a TimeZone)>,
    /// The first accepted rows. They are shown only if `as_of` is known.
    pub first_rows: Option<&'a FirstRows>,
    /// The first lines of a file that cannot be read. This text is untrusted.
    pub first_lines: &'a [String],
}

/// Renders the page for one answer, in at most [`MAX_PAGE_BYTES`].
///
/// A cell can become six times as long when it is escaped. If such cells make the page too large, the page
/// lists only the first rejections of the answer and only the first rows. Everything else on the page is
/// much smaller, whatever the upload contains.
#[must_use]
pub fn report_page(answer: &Answer, facts: Facts<'_>) -> String {
    let mut facts = facts;
    let mut page = page_of(answer, facts);
    let mut shorter = Cow::Borrowed(answer);
    let mut rows = facts.first_rows.map(Cow::Borrowed).unwrap_or_default();
    while page.len() > MAX_PAGE_BYTES && !(shorter.rejections.is_empty() && rows.own.is_empty()) {
        let half = shorter.rejections.len() / 2;
        shorter.to_mut().rejections.truncate(half);
        rows = Cow::Owned(rows.first_half());
        facts.first_rows = None;
        page = page_of(
            &shorter,
            Facts {
                first_rows: Some(&rows),
                ..facts
            },
        );
    }
    page
}

fn page_of(answer: &Answer, facts: Facts<'_>) -> String {
    static TERA: OnceLock<Option<Tera>> = OnceLock::new();
    let tera = TERA.get_or_init(|| {
        let mut tera = Tera::new();
        tera.autoescape_on([".html"]);
        tera.add_raw_template(NAME, include_str!("page.html"))
            .ok()?;
        Some(tera)
    });
    let json = answer_json(answer);
    let mut context = Context::new();
    context.insert("page", &View::of(answer, facts));
    context.insert_value("json", json.as_str().into());
    context.insert_value("style", STYLE.into());
    context.insert_value("style_sha256", STYLE_SHA256.into());
    tera.as_ref()
        .and_then(|tera| tera.render(NAME, &context).ok())
        .unwrap_or(json)
}

/// Returns the answer as JSON that is safe inside a `<script>` element. The characters `<`, `>` and `&` are
/// escaped. Unprintable characters are escaped because some of them reorder the text when the page's source
/// is viewed.
fn answer_json(answer: &Answer) -> String {
    let json = serde_json::to_string(answer).unwrap_or_default();
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, '<' | '>' | '&') || is_unprintable(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                push_fmt(&mut safe, format_args!("\\u{unit:04x}"));
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// The values for the template, which escapes and prints all texts.
#[derive(Serialize)]
struct View {
    source: String,
    output: Option<String>,
    headline: String,
    /// `good`, `warn`, `bad` or `plain`.
    tone: &'static str,
    as_of: Option<String>,
    effect: &'static str,
    code: Option<String>,
    message: Option<String>,
    help: Option<RefusalHelp>,
    sentence: Option<Sentence>,
    /// The condition under which the sentence and the maps apply. Empty if they apply already.
    condition: &'static str,
    extent: String,
    row_counts: Option<RowCounts>,
    publication: Option<PublicationView>,
    /// True for a preview, for which the page says what the output would become.
    is_preview: bool,
    next_change: Option<Sentence>,
    ignored_columns: Vec<String>,
    warnings: Vec<WarningView>,
    /// The rejections that are visible at once, followed by the rejections that are folded.
    rejections: Vec<Vec<RejectionView>>,
    rejected: String,
    more_rejected: String,
    rows: RowsView,
    ipv4: Option<Ipv4Section>,
    is_open: bool,
    key_figures: Vec<KeyFigure>,
    sizes: Vec<SizeRow>,
    cost: String,
    generator: String,
}

impl View {
    fn of(answer: &Answer, facts: Facts<'_>) -> Self {
        let (headline, tone) = badge(answer, facts.occasion);
        let policy = facts.policy;
        let ipv4 = policy.map(ListedIpv4::of);
        let both = || policy.zip(ipv4.as_ref());
        // A file without networks is for another server, or its cost is negligible.
        let cost = facts.cost.filter(|cost| cost.networks > 0);
        let listed = answer.rejections.len() as u64;
        let more = answer.rejected.saturating_sub(listed);
        let is_delete = facts.occasion == Occasion::Delete;
        Self {
            source: escape_invisible(&answer.source, None),
            output: answer
                .output
                .as_ref()
                .map(|key| escape_invisible(key, None)),
            headline,
            tone,
            as_of: facts
                .as_of
                .map(|(as_of, zone)| zone.show(start_of_minute(as_of))),
            effect: effect(answer, facts.occasion),
            code: answer.code.map(|code| code.to_string()),
            message: answer
                .message
                .as_ref()
                .map(|message| escape_invisible(&capitalized(&message.to_string()), Some('\n'))),
            help: RefusalHelp::of(answer, facts.first_lines),
            sentence: match facts.list {
                Some((list, as_of)) => Some(Sentence::of(&list_sentence(list, as_of))),
                None => policy.map(|policy| Sentence::of(&sentence(policy))),
            },
            condition: condition(answer),
            extent: both().map_or(String::new(), |(policy, ipv4)| extent(policy, ipv4)),
            row_counts: row_counts(answer).filter(|_| !is_delete),
            publication: publication(answer.status, facts),
            is_preview: facts.occasion == Occasion::Preview,
            next_change: policy
                .zip(facts.next_change)
                .filter(|_| !answer.is_refused())
                .map(|(policy, (next, zone))| {
                    Sentence::of(&next_change_sentence(policy, next, zone))
                }),
            ignored_columns: answer
                .ignored_columns
                .iter()
                .map(|name| escape_invisible(name, None))
                .collect(),
            warnings: warnings(&answer.warnings),
            rejections: rejections(&answer.rejections),
            rejected: thousands(answer.rejected),
            more_rejected: thousands_if_any(more),
            rows: facts
                .first_rows
                .zip(facts.as_of)
                .map(|(rows, (_, zone))| RowsView::of(rows, answer, zone))
                .unwrap_or_default(),
            ipv4: both().and_then(|(policy, ipv4)| Ipv4Section::of(ipv4, policy)),
            is_open: answer.default_policy == DefaultPolicy::Allow,
            key_figures: match facts.occasion {
                Occasion::Delete => Vec::new(),
                Occasion::Publish | Occasion::Check | Occasion::Preview => {
                    key_figures(answer, cost)
                }
            },
            sizes: policy.map(sizes).unwrap_or_default(),
            cost: cost.and_then(|cost| cost.advice()).unwrap_or_default(),
            generator: format!("{GENERATOR_NAME} {GENERATOR_VERSION}"),
        }
    }
}

fn condition(answer: &Answer) -> &'static str {
    match answer.status {
        _ if answer.is_refused() => "without the rejected rows",
        Status::Held | Status::Previewed => "if this file is published",
        _ => "",
    }
}

fn publication(status: Status, facts: Facts<'_>) -> Option<PublicationView> {
    let (_, zone) = facts.as_of?;
    let publication = facts.publication?;
    Some(PublicationView::of(publication, status, zone))
}

/// Returns the start of the minute, because a reader does not need the seconds.
fn start_of_minute(instant: Instant) -> Instant {
    let seconds = instant.seconds();
    Instant::from_seconds(seconds - seconds.rem_euclid(60))
}

#[cfg(test)]
mod tests;
