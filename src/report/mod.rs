//! Renders the report of an upload: one self-contained HTML page, with the answer as JSON inside.
//!
//! The page is opened from the storage console or from a disk. It therefore loads nothing and runs no
//! script. Text from outside goes through [`escape_invisible`] and tera's escaping, and the maps contain
//! only integers. The size of the page is bounded, whatever the upload contains.
//!
//! This folder does not read uploads and decides nothing. It shows an answer and a policy. `overview/` has
//! the page about all sites.

mod apache_cost;
mod badge;
mod list;
mod map;
mod next_change;
pub mod overview;
mod publication;
mod sizes;
mod style;
mod summary;

pub use self::apache_cost::RequestCost;
pub use self::publication::{Effect, Publication, UploadFacts};

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::Serialize;
use tera::{Context, Tera};

use crate::answer::{Answer, Rejection, RejectionCode, Warning, WarningCode};
use crate::list::CompiledList;
use crate::policy::{NextChange, Policy};
use crate::render::{GENERATOR_NAME, GENERATOR_VERSION};
use crate::report::badge::{badge, effect};
use crate::report::list::list_sentence;
use crate::report::map::{Ipv4Section, ListedIpv4};
use crate::report::next_change::next_change_sentence;
use crate::report::publication::PublicationView;
use crate::report::sizes::Sizes;
use crate::report::style::{STYLE, STYLE_SHA256};
use crate::report::summary::{extent, sentence};
use crate::text::{
    RichText, Segment, SegmentKind, escape_invisible, is_unprintable, milliseconds, push_fmt,
    thousands, thousands_if_any,
};
use crate::time::{Instant, TimeZone};

const NAME: &str = "report.html";
/// The maximum number of suggested replacements that are shown for a rejected row.
const MAX_FIXES: usize = 3;
/// The maximum size of a page, in bytes. A larger page takes seconds on a phone.
pub const MAX_PAGE_BYTES: usize = 400_000;
/// The number of rejected rows that are visible at once. The others are in a `<details>` element.
const MAX_ROWS_UNFOLDED: usize = 10;

/// The content of the page that is not in the answer, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The policy. For a refused file, the policy without the rejected rows.
    pub policy: Option<&'a Policy>,
    /// The next change by time, and the time zone in which to show it.
    pub next_change: Option<(&'a NextChange, &'a TimeZone)>,
    /// The cost of the output for Apache, per request.
    pub cost: Option<RequestCost>,
    /// The purpose of the page.
    pub occasion: Occasion,
    /// The list, if the upload is one, and the instant of which its members are shown.
    pub list: Option<(&'a CompiledList, Instant)>,
    /// The change of the output and its origin.
    pub publication: Option<&'a Publication>,
}

/// The purpose of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Occasion {
    /// The upload was processed in order to publish it.
    #[default]
    Publish,
    /// The upload was only checked, and nothing was to be published.
    Check,
    /// The upload was deleted.
    Delete,
    /// The upload is a preview: it was processed like another one, and nothing was to be published.
    Preview,
}

/// Renders the page for one answer, in at most [`MAX_PAGE_BYTES`].
///
/// Escaped, a cell can be six times as long. If such cells make the page too large, it lists only the
/// first rejections of the answer. Everything else on the page is much smaller, whatever the upload is.
#[must_use]
pub fn report_page(answer: &Answer, facts: Facts<'_>) -> String {
    let mut page = page_of(answer, facts);
    let mut shorter = Cow::Borrowed(answer);
    while page.len() > MAX_PAGE_BYTES && !shorter.rejections.is_empty() {
        let half = shorter.rejections.len() / 2;
        shorter.to_mut().rejections.truncate(half);
        page = page_of(&shorter, facts);
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

/// Returns the answer as JSON that is safe inside a `<script>` element. `<`, `>` and `&` are escaped. So
/// are unprintable characters, because some of them reorder the text in a view of the page's source.
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

/// The values for the template: texts, which the template escapes and prints.
#[derive(Serialize)]
struct View {
    source: String,
    output: Option<String>,
    headline: String,
    /// `good`, `warn`, `bad` or `plain`.
    tone: &'static str,
    effect: &'static str,
    code: Option<String>,
    message: Option<String>,
    sentence: Option<Sentence>,
    /// True if the upload is refused. The sentence and the maps then describe the policy without the
    /// rejected rows.
    is_without_rejected_rows: bool,
    extent: String,
    next_change: Option<Sentence>,
    publication: Option<PublicationView>,
    /// True if nothing was to be published.
    is_preview: bool,
    key_figures: Vec<KeyFigure>,
    ignored_columns: Vec<String>,
    warnings: Vec<WarningView>,
    /// The rejections that are visible at once, and the others.
    rejections: Vec<Vec<RejectionView>>,
    rejected: String,
    more_rejected: String,
    ipv4: Option<Ipv4Section>,
    is_open: bool,
    sizes: Sizes,
    cost: String,
    generator: String,
}

#[derive(Serialize)]
struct KeyFigure {
    label: &'static str,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct WarningView {
    title: &'static str,
    line: Option<u64>,
    message: Sentence,
}

/// A sentence in which quoted values and networks are separate parts.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Sentence(Vec<Part>);

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Part {
    /// `words`, `quoted` or `network`.
    kind: &'static str,
    text: String,
}

impl Sentence {
    fn of(text: &RichText) -> Self {
        let part = |segment: &Segment| Part {
            kind: match segment.kind() {
                SegmentKind::Words => "words",
                SegmentKind::Quoted => "quoted",
                SegmentKind::Network => "network",
            },
            text: escape_invisible(segment.text(), None),
        };
        Self(text.segments().iter().map(part).collect())
    }

    /// Returns the sentence with a capital first letter.
    fn capitalized(self) -> Self {
        let mut parts = self.0;
        if let Some(first) = parts.first_mut() {
            first.text = capitalized(&first.text);
        }
        Self(parts)
    }
}

#[derive(Serialize)]
struct RejectionView {
    line: String,
    value: String,
    reason: Sentence,
    code: RejectionCode,
    fixes: Vec<String>,
}

impl View {
    fn of(answer: &Answer, facts: Facts<'_>) -> Self {
        let (headline, tone) = badge(answer, facts.occasion);
        let effect = effect(answer, facts.occasion);
        let policy = facts.policy;
        let ipv4 = policy.map(ListedIpv4::of);
        let both = || policy.zip(ipv4.as_ref());
        // A file without networks is for another server, or its cost is negligible.
        let cost = facts.cost.filter(|cost| cost.networks > 0);
        let listed = answer.rejections.len() as u64;
        let more = answer.rejected.saturating_sub(listed);
        Self {
            source: escape_invisible(&answer.source, None),
            output: answer
                .output
                .as_ref()
                .map(|key| escape_invisible(key, None)),
            headline,
            tone,
            effect,
            code: answer.code.map(|code| code.to_string()),
            message: answer
                .message
                .as_ref()
                .map(|message| escape_invisible(&capitalized(&message.to_string()), Some('\n'))),
            sentence: match facts.list {
                Some((list, as_of)) => Some(Sentence::of(&list_sentence(list, as_of))),
                None => policy.map(|policy| Sentence::of(&sentence(policy))),
            },
            is_without_rejected_rows: answer.is_refused(),
            extent: both().map_or(String::new(), |(policy, ipv4)| extent(policy, ipv4)),
            next_change: policy
                .zip(facts.next_change)
                .filter(|_| !answer.is_refused())
                .map(|(policy, (next, zone))| {
                    Sentence::of(&next_change_sentence(policy, next, zone))
                }),
            publication: facts.publication.map(PublicationView::of),
            is_preview: facts.occasion == Occasion::Preview,
            key_figures: match facts.occasion {
                Occasion::Delete => Vec::new(),
                Occasion::Publish | Occasion::Check | Occasion::Preview => {
                    key_figures(answer, cost)
                }
            },
            ignored_columns: answer
                .ignored_columns
                .iter()
                .map(|name| escape_invisible(name, None))
                .collect(),
            warnings: answer.warnings.iter().map(warning_view).collect(),
            rejections: rejections(&answer.rejections),
            rejected: thousands(answer.rejected),
            more_rejected: thousands_if_any(more),
            ipv4: both().and_then(|(policy, ipv4)| Ipv4Section::of(ipv4, policy)),
            is_open: answer.default_policy == crate::rule::DefaultPolicy::Allow,
            sizes: policy.map(Sizes::of).unwrap_or_default(),
            cost: cost.map_or(String::new(), cost_text),
            generator: format!("{GENERATOR_NAME} {GENERATOR_VERSION}"),
        }
    }
}

fn key_figures(answer: &Answer, cost: Option<RequestCost>) -> Vec<KeyFigure> {
    let figure = |label, value: u64, note: String| KeyFigure {
        label,
        value: thousands(value),
        note,
    };
    if answer.rows == 0 && answer.is_refused() {
        return Vec::new();
    }
    let mut figures = vec![
        figure("Rows", answer.rows, String::new()),
        figure("Accepted", answer.accepted, inactive_note(answer)),
        figure("Rejected", answer.rejected, String::new()),
    ];
    if !answer.is_refused() {
        let networks = answer.networks;
        let all = networks.allow + networks.deny;
        let note = match (networks.allow, networks.deny) {
            (allow, deny) if allow > 0 && deny > 0 => format!(
                "{} allowed, {} denied",
                thousands(allow as u64),
                thousands(deny as u64)
            ),
            _ => String::new(),
        };
        figures.push(figure("Networks", all as u64, note));
        figures.push(figure("Bytes", answer.bytes as u64, String::new()));
    }
    if let Some(cost) = cost {
        figures.push(KeyFigure {
            label: "Each request",
            value: duration(cost),
            note: "of Apache’s time".to_owned(),
        });
    }
    figures
}

/// Returns the numbers of accepted rows that are not active, or an empty text.
fn inactive_note(answer: &Answer) -> String {
    let counts = [(answer.pending, "pending"), (answer.expired, "expired")];
    let counted = counts.into_iter().filter(|(count, _)| *count > 0);
    let notes: Vec<String> = counted
        .map(|(count, state)| format!("{} {state}", thousands(count)))
        .collect();
    notes.join(", ")
}

fn duration(cost: RequestCost) -> String {
    match cost.microseconds {
        from_ms @ 1_000.. => format!("{} ms", milliseconds(from_ms)),
        microseconds => format!("{microseconds} µs"),
    }
}

fn cost_text(cost: RequestCost) -> String {
    cost.advice().unwrap_or_else(|| {
        let time = duration(cost);
        format!("Apache reads the file again on every request: about {time} of a core each")
    })
}

fn warning_view(warning: &Warning) -> WarningView {
    WarningView {
        title: match warning.code {
            WarningCode::Guessed => "Read by a guess",
            WarningCode::IgnoredColumn => "A condition is not applied",
            WarningCode::HiddenRows => "Rows inside a quoted cell",
            WarningCode::DenyRejected => "Rows that may deny were rejected",
            WarningCode::DuplicateRows => "Rows that repeat others",
            WarningCode::OverriddenRows => "Rows that a Deny overrides",
            WarningCode::BlocksEverybody => "Everybody is locked out",
            WarningCode::AllowsEverybody => "Everybody gets in",
            WarningCode::MatchesNobody => "An address that no client has",
            WarningCode::WideAllow => "A very wide network is allowed",
            WarningCode::PrivateRange => "Private among public networks",
            WarningCode::ExpiredRows => "Rows that have ended",
            WarningCode::EndsSoon => "Rows that end soon",
            WarningCode::NobodyLeft => "Soon nobody gets in",
            WarningCode::AlwaysWins => "Addresses that always get in",
            WarningCode::UnscheduledChange => "A change that nothing applies",
        },
        // The other warnings contain their lines in the message.
        line: warning.line.filter(|_| {
            matches!(
                warning.code,
                WarningCode::Guessed | WarningCode::IgnoredColumn
            )
        }),
        message: Sentence::of(&warning.message).capitalized(),
    }
}

/// Returns text from outside as the page shows it.
fn shown(text: &str) -> String {
    escape_invisible(text, None)
}

/// Returns the text with a capital first letter, because messages start in lower case.
fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

fn rejections(all: &[Rejection]) -> Vec<Vec<RejectionView>> {
    let (seen, others) = all.split_at(all.len().min(MAX_ROWS_UNFOLDED));
    let lists = [seen, others].into_iter().filter(|list| !list.is_empty());
    lists
        .map(|list| list.iter().map(rejection_view).collect())
        .collect()
}

fn rejection_view(rejection: &Rejection) -> RejectionView {
    let fixes = rejection.fixes.iter().take(MAX_FIXES);
    RejectionView {
        line: thousands(rejection.line),
        value: escape_invisible(&rejection.value, None),
        reason: Sentence::of(&rejection.sentence()),
        code: rejection.code,
        fixes: fixes.map(|fix| escape_invisible(fix, None)).collect(),
    }
}

#[cfg(test)]
mod tests;
