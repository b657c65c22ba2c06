//! Lists in messages: the first few names, and the number of remaining names.

use std::fmt;

use crate::text::numbers::thousands;
use crate::text::rich::{RichText, Segment, rich};

/// Quotes and joins at most ten names for a message. `count` is the total number of names.
pub(crate) fn quoted_list<'a>(names: impl Iterator<Item = &'a str>, count: usize) -> RichText {
    const MAX_NAMES: usize = 10;
    let more = count.saturating_sub(MAX_NAMES);
    let mut list = RichText::default();
    for name in names.take(MAX_NAMES) {
        if !list.is_empty() {
            list.push(", ");
        }
        list.push(Segment::quoted(name));
    }
    if more > 0 {
        list.push(&rich!(", {} more", more));
    }
    list
}

/// Counts names and lists the first few: `10.0.0.1, 10.0.0.2, 10.0.0.3 and 5 more`.
pub(crate) struct FirstFew {
    pub(crate) count: u64,
    names: Vec<String>,
    max_names: usize,
}

impl FirstFew {
    pub(crate) fn new(max_names: usize) -> Self {
        Self {
            count: 0,
            names: Vec::new(),
            max_names,
        }
    }

    pub(crate) fn add(&mut self, name: impl FnOnce() -> String) {
        if self.names.len() < self.max_names {
            self.names.push(name());
        }
        self.count += 1;
    }
}

impl fmt::Display for FirstFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = self.count - self.names.len() as u64;
        match (self.names.split_last(), more) {
            (None, _) => Ok(()),
            (Some((name, [])), 0) => f.write_str(name),
            (Some((last, others)), 0) => write!(f, "{} and {last}", others.join(", ")),
            _ => write!(f, "{} and {} more", self.names.join(", "), thousands(more)),
        }
    }
}
