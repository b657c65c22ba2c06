//! Reads an upload as the library does, but keeps every row and the text.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use htaccess_generator::address::Addresses;
use htaccess_generator::decode::{TextDecoder, TextSink};
use htaccess_generator::parse::{Action, Parser, Rows, Rule};
use htaccess_generator::report::{Refusal, Rejection};

/// The most bytes of a text here: what is compressed must not cost the fuzzer its speed.
pub(super) const TEXT_BYTES_MAX: u64 = 1024 * 1024;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Accepted {
        line: u64,
        action: Action,
        addresses: Addresses,
        address: String,
        comment: String,
    },
    Rejected(Rejection),
}

impl Row {
    pub(super) fn line(&self) -> u64 {
        match self {
            Self::Accepted { line, .. } => *line,
            Self::Rejected(rejection) => rejection.line,
        }
    }
}

/// What came of an upload: the rows up to its end or to the refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) rows: Vec<Row>,
    pub(super) refusal: Option<Refusal>,
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Row>>>);

impl Collector {
    fn push(&self, row: Row) {
        self.0.lock().expect("nobody panics with it").push(row);
    }

    fn take(&self) -> Vec<Row> {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }
}

impl Rows for Collector {
    fn accept(&mut self, rule: Rule<'_>) {
        self.push(Row::Accepted {
            line: rule.line,
            action: rule.action,
            addresses: rule.addresses,
            address: rule.address().into_owned(),
            comment: rule.comment().into_owned(),
        });
    }

    fn reject(&mut self, rejection: Rejection) {
        self.push(Row::Rejected(rejection));
    }
}

/// Reads an upload in pieces, none of which is pushed after a refusal.
pub(super) fn read<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> Reading {
    let rows = Collector::default();
    let decoder = TextDecoder::new(Parser::new(rows.clone()), TEXT_BYTES_MAX);
    let refusal = decode(decoder, pieces).and_then(Parser::finish).err();
    let rows = rows.take();
    Reading { rows, refusal }
}

/// Reads a decoded text in pieces. The decoder hands on its first bytes in one piece, whatever the
/// cuts; here they all reach the parser.
pub(super) fn read_text<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> Reading {
    let rows = Collector::default();
    let mut parser = Parser::new(rows.clone());
    let pushed = pieces
        .into_iter()
        .try_for_each(|piece| parser.push(piece.as_ref()));
    let refusal = pushed.and_then(|()| parser.finish()).err();
    let rows = rows.take();
    Reading { rows, refusal }
}

fn decode<S: TextSink, P: AsRef<[u8]>>(
    mut decoder: TextDecoder<S>,
    pieces: impl IntoIterator<Item = P>,
) -> Result<S, Refusal> {
    for piece in pieces {
        decoder.push(piece.as_ref())?;
    }
    decoder.finish()
}

#[derive(Clone, Default)]
struct Text(Rc<RefCell<Vec<u8>>>);

impl TextSink for Text {
    fn push(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.0.borrow_mut().extend_from_slice(piece);
        Ok(())
    }
}

/// The text of an upload, up to its end or to the refusal.
pub(super) fn text_of(upload: &[u8]) -> Vec<u8> {
    let text = Text::default();
    let _ = decode(TextDecoder::new(text.clone(), TEXT_BYTES_MAX), [upload]);
    text.0.take()
}
