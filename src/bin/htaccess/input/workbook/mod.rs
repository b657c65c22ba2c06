//! Reads a sheet of an Excel workbook (.xlsx) as the CSV that a spreadsheet program would save.
//!
//! Each row of the sheet becomes one line, so that the line numbers in messages are the row numbers of
//! the sheet. The rest of the program sees only that CSV. A workbook is untrusted: its uncompressed size is
//! measured before it is parsed, cells are read one at a time, and a panic in the parser becomes an error.

mod error;
mod lines;
mod unpacked;

use std::cell::Cell;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use calamine::{Reader as _, Sheet, SheetType, SheetVisible, Xlsx};
use htaccess_generator::text::quote;

pub(super) use crate::input::workbook::error::MAX_WORKBOOK_BYTES;
use crate::input::workbook::error::WorkbookError;
use crate::input::workbook::lines::Lines;

/// Returns whether a file name has the extension of an Excel workbook: `.xlsx` or `.xlsm`.
pub(crate) fn is_workbook_name(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    extension == "xlsx" || extension == "xlsm"
}

/// Returns whether the bytes may be an Excel workbook: a ZIP file, or the container format of an encrypted
/// workbook.
pub(super) fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK") || bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

/// Passes a sheet as CSV to `each`, piece by piece, until `each` returns `Break`. `sheet` is the name of the
/// sheet. If it is `None`, the function reads the first visible sheet. Returns notes for the user.
pub(super) fn read_workbook(
    bytes: &[u8],
    sheet: Option<&str>,
    mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<Vec<String>, WorkbookError> {
    if bytes.len() as u64 > MAX_WORKBOOK_BYTES {
        return Err(WorkbookError::TooLarge);
    }
    let open = || Xlsx::new(Cursor::new(bytes)).map_err(WorkbookError::from);
    let is_encrypted = !bytes.starts_with(b"PK");
    if !is_encrypted {
        without_panic(|| unpacked::check(bytes, MAX_WORKBOOK_BYTES))?;
    }
    let mut workbook = without_panic(open)?;
    let sheets: Vec<&Sheet> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .collect();
    let name = choose(&sheets, sheet)?;
    let mut notes = Vec::new();
    if sheet.is_none() && sheets.len() > 1 {
        notes.push(format!(
            "only the sheet {} is read, and the workbook has {} sheets: to read another sheet, use --sheet NAME",
            quote(&name),
            sheets.len()
        ));
    }
    let mut lines = Lines::new(&mut each);
    let mut cells = without_panic(|| Ok(workbook.worksheet_cells_reader(&name)?))?;
    while let Some(record) = without_panic(|| Ok(cells.next_cell_with_formula_metadata()?))? {
        if lines.push(&record)?.is_break() {
            return Ok(notes);
        }
    }
    let formulas_without_value = lines.finish();
    if formulas_without_value > 0 {
        notes.push(format!(
            "formulas without a value are read as #VALUE! ({formulas_without_value} in total): open the \
             workbook in a spreadsheet program and save it, so that it contains the values"
        ));
    }
    Ok(notes)
}

/// Returns the name of the sheet to read: `wanted` or, if it is `None`, the first visible sheet. If all
/// sheets are hidden, returns the first sheet.
fn choose(sheets: &[&Sheet], wanted: Option<&str>) -> Result<String, WorkbookError> {
    let name = |sheet: &&Sheet| sheet.name.clone();
    let Some(wanted) = wanted else {
        let is_visible = |sheet: &&&Sheet| sheet.visible == SheetVisible::Visible;
        let first = sheets
            .iter()
            .find(is_visible)
            .or_else(|| sheets.first())
            .ok_or(WorkbookError::NoSheet)?;
        return Ok(name(first));
    };
    let is_wanted = |sheet: &&&Sheet| sheet.name == wanted;
    match sheets.iter().find(is_wanted) {
        Some(sheet) => Ok(name(sheet)),
        None => Err(WorkbookError::NoSuchSheet {
            name: wanted.to_owned(),
            sheets: sheets.iter().map(name).collect(),
        }),
    }
}

thread_local! {
    /// `true` while the workbook parser runs in this thread, so that the panic hook does not print.
    static PARSES: Cell<bool> = const { Cell::new(false) };
}

/// Runs a step of the workbook parser. A panic is not printed and becomes [`WorkbookError::Damaged`].
fn without_panic<T>(step: impl FnOnce() -> Result<T, WorkbookError>) -> Result<T, WorkbookError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !PARSES.get() {
                print(info);
            }
        }));
    });
    PARSES.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(step));
    PARSES.set(false);
    done.unwrap_or(Err(WorkbookError::Damaged))
}
