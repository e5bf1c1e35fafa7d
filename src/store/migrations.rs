//! Embedded migrations: applied in order, in one transaction, each remembered with its hash. A new database gets what they amount to
//! in one piece.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior, params};

use crate::store::StoreError;

/// Name and text, in order. Released ones are never edited: a new one is added.
const MIGRATIONS: [(&str, &str); 14] = [
    (
        "0001_create_feeds_items_stories",
        include_str!("../../migrations/sqlite/0001_create_feeds_items_stories.sql"),
    ),
    (
        "0002_create_editions_deliveries",
        include_str!("../../migrations/sqlite/0002_create_editions_deliveries.sql"),
    ),
    (
        "0003_read_any_source",
        include_str!("../../migrations/sqlite/0003_read_any_source.sql"),
    ),
    (
        "0004_be_a_good_guest",
        include_str!("../../migrations/sqlite/0004_be_a_good_guest.sql"),
    ),
    (
        "0005_subscribe_to_hubs",
        include_str!("../../migrations/sqlite/0005_subscribe_to_hubs.sql"),
    ),
    (
        "0006_lighten_items",
        include_str!("../../migrations/sqlite/0006_lighten_items.sql"),
    ),
    (
        "0007_lease_feeds_apart",
        include_str!("../../migrations/sqlite/0007_lease_feeds_apart.sql"),
    ),
    (
        "0008_tell_stories_by_their_text",
        include_str!("../../migrations/sqlite/0008_tell_stories_by_their_text.sql"),
    ),
    (
        "0009_settle_edits",
        include_str!("../../migrations/sqlite/0009_settle_edits.sql"),
    ),
    (
        "0010_search_items",
        include_str!("../../migrations/sqlite/0010_search_items.sql"),
    ),
    (
        "0011_learn_identities",
        include_str!("../../migrations/sqlite/0011_learn_identities.sql"),
    ),
    (
        "0012_tell_who_answered",
        include_str!("../../migrations/sqlite/0012_tell_who_answered.sql"),
    ),
    (
        "0013_remember_entries",
        include_str!("../../migrations/sqlite/0013_remember_entries.sql"),
    ),
    (
        "0014_quote_the_source",
        include_str!("../../migrations/sqlite/0014_quote_the_source.sql"),
    ),
];

/// What all of them make of an empty database.
const SCHEMA: &str = include_str!("../../migrations/sqlite/schema.sql");

const OPERATION: &str = "bringing the database to the newest schema";

/// Brings the database to the newest schema.
pub(super) fn apply(db: &mut Connection) -> Result<(), StoreError> {
    apply_up_to(db, &MIGRATIONS, Some(SCHEMA))
}

/// An empty database gets the `whole` schema instead, if there is one.
fn apply_up_to(db: &mut Connection, migrations: &[(&str, &str)], whole: Option<&str>) -> Result<(), StoreError> {
    let failed = |e| StoreError::sqlite(OPERATION, e);
    if applied(db).map_err(failed)?.len() == migrations.len() {
        return check(&applied(db).map_err(failed)?, migrations);
    }
    // Whoever comes first applies them; the others wait here and find them applied.
    let transaction = db
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    transaction
        .execute_batch("create table if not exists migration (number integer primary key, name text not null, hash blob not null) strict")
        .map_err(failed)?;
    let already = applied(&transaction).map_err(failed)?;
    check(&already, migrations)?;
    let whole = whole.filter(|_| already.is_empty());
    transaction.execute_batch(whole.unwrap_or_default()).map_err(failed)?;
    for (at, (name, text)) in migrations.iter().enumerate().skip(already.len()) {
        if whole.is_none() {
            transaction.execute_batch(text).map_err(failed)?;
        }
        let number = i64::try_from(at + 1).unwrap_or(i64::MAX);
        transaction
            .execute(
                "insert into migration values (?, ?, ?)",
                params![number, name, hash(text)],
            )
            .map_err(failed)?;
    }
    transaction
        .commit()
        .map_err(|e| StoreError::Sqlite(OPERATION, Arc::new(e)))
}

fn check(applied: &[(String, Vec<u8>)], known: &[(&str, &str)]) -> Result<(), StoreError> {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    if applied.len() > known.len() {
        return Err(StoreError::Newer {
            found: number(applied.len()),
            known: number(known.len()),
        });
    }
    for ((name, applied_hash), (known_name, text)) in applied.iter().zip(known) {
        if name != known_name || *applied_hash != hash(text) {
            return Err(StoreError::Changed(name.clone()));
        }
    }
    Ok(())
}

/// Names and hashes of the migrations applied, in order; none in an empty database.
fn applied(db: &Connection) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
    let exists: bool = db.query_row(
        "select exists (select 1 from sqlite_schema where type = 'table' and name = 'migration')",
        [],
        |row| row.get(0),
    )?;
    if !exists {
        return Ok(Vec::new());
    }
    let mut statement = db.prepare("select name, hash from migration order by number")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn hash(text: &str) -> Vec<u8> {
    blake3::hash(text.as_bytes()).as_bytes().to_vec()
}

#[cfg(test)]
mod tests;
