//! Hands the rows of the common CSV to a sink, as if they were at the top of the site's own CSV.

use crate::csv::cells::Outlet;
use crate::csv::error::{CsvError, ListProblem};
use crate::csv::kind::{CsvKind, Named};
use crate::csv::quoted_row::RowText;
use crate::csv::row::{Row, RowSink};
use crate::list::{CommonAddresses, CommonRow, CommonRules, ListName, Listed, Place};

/// Hands over the rows, if the CSV belongs to a site and there is a common CSV.
///
/// # Errors
///
/// [`CsvError::RefusedCommon`] if the common CSV is refused, [`CsvError::UnusableList`] if one of its rows
/// uses a list that cannot be used, [`CsvError::TooManyMembers`] over the limit.
pub(super) fn hand_over_common<R: RowSink>(rows: &mut Outlet<'_, R>) -> Result<(), CsvError> {
    if rows.context.kind != CsvKind::Site {
        return Ok(());
    }
    match rows.context.shared.common() {
        None => Ok(()),
        Some(Listed::Refused(source)) => Err(CsvError::RefusedCommon {
            source: source.clone(),
        }),
        Some(Listed::InForce(common)) => common
            .rows
            .iter()
            .try_for_each(|row| hand_over(row, common, rows)),
    }
}

fn hand_over<R: RowSink>(
    row: &CommonRow,
    common: &CommonRules,
    rows: &mut Outlet<'_, R>,
) -> Result<(), CsvError> {
    let named = match &row.addresses {
        CommonAddresses::Spec(addresses) => Named::Addresses(*addresses),
        CommonAddresses::List(name) => named_list(name, row, common, rows)?,
    };
    rows.rows.accept(Row {
        line: row.line,
        action: row.action,
        named,
        period: row.period,
        common: Some(&common.source),
        address_cell: row.address.as_bytes(),
        comment_cell: row.comment.as_bytes(),
        text: RowText::Elsewhere,
    });
    Ok(())
}

/// Finds the list that a row of the common CSV uses. The list may have changed since the common CSV was
/// compiled. If it cannot be used, the site is refused, because a row of the common CSV must not be dropped
/// silently.
fn named_list<'a, R: RowSink>(
    name: &ListName,
    row: &CommonRow,
    common: &CommonRules,
    rows: &mut Outlet<'a, R>,
) -> Result<Named<'a>, CsvError> {
    let place = Place {
        common: Some(common.source.clone()),
        ..Place::of_line(row.line)
    };
    rows.name_list(name, &place)?;
    let unusable = |problem| CsvError::UnusableList {
        row: place.clone(),
        name: name.clone(),
        problem,
    };
    match rows.context.shared.list(name) {
        Some(Listed::InForce(list)) if list.contradicts(row.action) => {
            Err(unusable(ListProblem::Contradicts(row.action)))
        }
        Some(Listed::InForce(list)) => Ok(Named::List(list)),
        Some(Listed::Refused(_)) | None => Err(unusable(ListProblem::Missing)),
    }
}
