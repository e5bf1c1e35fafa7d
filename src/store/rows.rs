//! From rows to types and back: instants are milliseconds, unsigned numbers are stored as they are where they fit.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

use crate::model::clock::from_millis;
use crate::model::item::NewItem;

/// A number as SQLite holds it; what is beyond it becomes the largest.
pub(super) fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A number that is never negative here.
pub(super) fn unsigned<T: TryFrom<i64> + Default>(number: i64) -> T {
    T::try_from(number).unwrap_or_default()
}

/// An instant of a column.
pub(super) fn instant(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    row.get(column).map(from_millis)
}

/// An instant of a column that may be NULL.
pub(super) fn maybe_instant(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column).map(|millis| millis.map(from_millis))
}

/// A hash of a column.
pub(super) fn bytes<const N: usize>(row: &Row<'_>, column: &str) -> rusqlite::Result<[u8; N]> {
    let value: Vec<u8> = row.get(column)?;
    value.try_into().map_err(|_| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, format!("{column}: not {N} bytes").into())
    })
}

/// What of an item is kept together as one value.
pub(super) fn details(item: &NewItem) -> String {
    serde_json::to_string(&item.details).unwrap_or_else(|_| "{}".to_owned())
}
