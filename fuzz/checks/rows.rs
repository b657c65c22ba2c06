//! Reads an upload with the library's parser, and keeps every row and the text.

use std::cell::RefCell;
use std::rc::Rc;

use htaccess_generator::answer::{Rejection, Warning};
use htaccess_generator::csv::{
    self, CsvError, HiddenRow, Named, Parser, RowContext, RowSink, TextDecoder, TextSink,
};
use htaccess_generator::ip::{AddrRange, AddressSpec};
use htaccess_generator::rule::Action;
use htaccess_generator::time::{DateReader, Period};

/// The maximum length of a decompressed text, in bytes, so that compressed inputs do not slow down the
/// fuzzer.
pub(super) const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// A row and how it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Accepted {
        line: u64,
        action: Action,
        addresses: AddressSpec,
        period: Period,
        address: String,
        comment: String,
    },
    Rejected {
        rejection: Rejection,
        /// The action of the row, if it can be read. `addresses` has the same exception.
        action: Option<Action>,
        addresses: Option<AddressSpec>,
    },
    /// A row that the fast path accepted. The text of its cells is not available.
    Plain {
        line: u64,
        action: Action,
        range: AddrRange<u32>,
        period: Period,
    },
}

impl Row {
    /// Returns the line on which the row starts.
    pub(super) fn line(&self) -> u64 {
        match self {
            Self::Accepted { line, .. } | Self::Plain { line, .. } => *line,
            Self::Rejected { rejection, .. } => rejection.line,
        }
    }

    /// Returns whether this row is equal to `row`, or is the result of the fast path for `row`.
    fn may_stand_for(&self, row: &Self) -> bool {
        match (self, row) {
            (
                Self::Plain {
                    line,
                    action,
                    range,
                    period,
                },
                Self::Accepted {
                    line: expected_line,
                    action: expected,
                    addresses: AddressSpec::Ipv4(expected_range),
                    period: expected_period,
                    ..
                },
            ) => {
                (line, action, range, period)
                    == (expected_line, expected, expected_range, expected_period)
            }
            _ => self == row,
        }
    }
}

/// The rows of an upload, up to its end or to the point where it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) rows: Vec<Row>,
    pub(super) hidden_rows: Vec<HiddenRow>,
    pub(super) warnings: Vec<Warning>,
    pub(super) refusal: Option<CsvError>,
}

impl Reading {
    /// Returns whether the two readings are equal, except that rows of this reading may be results of the
    /// fast path.
    pub(super) fn may_stand_for(&self, other: &Self) -> bool {
        self.rows.len() == other.rows.len()
            && self
                .rows
                .iter()
                .zip(&other.rows)
                .all(|(row, other)| row.may_stand_for(other))
            && self.hidden_rows == other.hidden_rows
            && (&self.warnings, &self.refusal) == (&other.warnings, &other.refusal)
    }
}

/// A way to read an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Without the fast path: every row has its line and its cells.
    Long,
    /// With the fast path for plain rows.
    Short,
}

#[derive(Default)]
struct Kept {
    rows: Vec<Row>,
    hidden_rows: Vec<HiddenRow>,
    warnings: Vec<Warning>,
}

/// A sink that keeps the rows even if the upload is refused later.
#[derive(Clone)]
struct Collector {
    way: Way,
    kept: Rc<RefCell<Kept>>,
}

impl Collector {
    fn new(way: Way) -> Self {
        let kept = Rc::default();
        Self { way, kept }
    }

    fn into_reading(self, refusal: Option<CsvError>) -> Reading {
        let Kept {
            rows,
            hidden_rows,
            warnings,
        } = self.kept.take();
        Reading {
            rows,
            hidden_rows,
            warnings,
            refusal,
        }
    }
}

impl RowSink for Collector {
    fn accept(&mut self, rule: csv::Row<'_>) {
        let Some(addresses) = addresses_of(Some(rule.named)) else {
            unreachable!("there are no lists");
        };
        self.kept.borrow_mut().rows.push(Row::Accepted {
            line: rule.line,
            action: rule.action,
            addresses,
            period: rule.period,
            address: rule.address().into_owned(),
            comment: rule.comment().into_owned(),
        });
    }

    fn reject(&mut self, line: u64, error: &csv::RowError<'_>) {
        self.kept.borrow_mut().rows.push(Row::Rejected {
            rejection: error.explain(line),
            action: error.action(),
            addresses: addresses_of(error.named()),
        });
    }

    fn find_hidden_row(&mut self, row: HiddenRow) {
        self.kept.borrow_mut().hidden_rows.push(row);
    }

    fn warn(&mut self, warning: Warning) {
        self.kept.borrow_mut().warnings.push(warning);
    }

    fn wants_fast_path(&self) -> bool {
        self.way != Way::Long
    }

    fn accept_ipv4(&mut self, line: u64, action: Action, range: AddrRange<u32>) {
        self.accept_dated_ipv4(line, action, range, Period::ALWAYS);
    }

    fn accept_dated_ipv4(
        &mut self,
        line: u64,
        action: Action,
        range: AddrRange<u32>,
        period: Period,
    ) {
        self.kept.borrow_mut().rows.push(Row::Plain {
            line,
            action,
            range,
            period,
        });
    }
}

fn addresses_of(named: Option<Named<'_>>) -> Option<AddressSpec> {
    match named {
        Some(Named::Addresses(addresses)) => Some(addresses),
        Some(Named::List(_)) | None => None,
    }
}

/// Returns whether the rows before a refusal may depend on how the upload was cut into pieces. A
/// decompressor may accept distances that reach before the start of a gzip stream, as `miniz_oxide` does,
/// and then reads undefined bytes. Only the checksum at the end shows that the stream is damaged.
pub(super) fn may_be_damaged_gzip(upload: &[u8], is_refused: bool) -> bool {
    is_refused && upload.starts_with(&[0x1f, 0x8b])
}

/// Reads an upload in pieces, up to its end or to the point where it is refused.
pub(super) fn read<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> Reading {
    let rows = Collector::new(Way::Long);
    let decoder = TextDecoder::new(
        Parser::new(rows.clone(), DateReader::default(), RowContext::default()),
        MAX_TEXT_BYTES,
    );
    let refusal = decode(decoder, pieces).and_then(Parser::finish).err();
    rows.into_reading(refusal)
}

/// Reads a decoded text in pieces. All pieces reach the parser unchanged, because there is no decoder,
/// which would pass on the first bytes in one piece.
pub(super) fn read_text<P: AsRef<[u8]>>(way: Way, pieces: impl IntoIterator<Item = P>) -> Reading {
    let rows = Collector::new(way);
    let mut parser = Parser::new(rows.clone(), DateReader::default(), RowContext::default());
    let pushed = pieces
        .into_iter()
        .try_for_each(|piece| parser.push(piece.as_ref()));
    let refusal = pushed.and_then(|()| parser.finish()).err();
    rows.into_reading(refusal)
}

fn decode<S: TextSink, P: AsRef<[u8]>>(
    mut decoder: TextDecoder<S>,
    pieces: impl IntoIterator<Item = P>,
) -> Result<S, CsvError> {
    for piece in pieces {
        decoder.push(piece.as_ref())?;
    }
    decoder.finish()
}

#[derive(Clone, Default)]
struct Text(Rc<RefCell<Vec<u8>>>);

impl TextSink for Text {
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        self.0.borrow_mut().extend_from_slice(piece);
        Ok(())
    }
}

/// Returns the decoded text of an upload, up to its end or to the point where it is refused.
pub(super) fn text_of(upload: &[u8]) -> Vec<u8> {
    let text = Text::default();
    let _ = decode(TextDecoder::new(text.clone(), MAX_TEXT_BYTES), [upload]);
    text.0.take()
}
