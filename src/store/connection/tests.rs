#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use futures_of_work::insert;

use super::{BUSY_TIMEOUT, Writer, open};
use crate::store::StoreError;

/// Work for the writer: a row in the table `t`.
mod futures_of_work {
    use crate::store::SqlResult;
    use rusqlite::Connection;

    pub(super) fn insert(value: i64) -> impl FnOnce(&Connection) -> SqlResult<()> + Send {
        move |db| db.execute("insert into t values (?)", [value]).map(|_| ())
    }
}

fn writer(folder: &tempfile::TempDir) -> Writer {
    let db = open(&folder.path().join("test.db"), BUSY_TIMEOUT).unwrap();
    db.execute_batch("create table if not exists t (v integer unique)")
        .unwrap();
    Writer::start(db).unwrap()
}

fn rows(folder: &tempfile::TempDir) -> i64 {
    let db = open(&folder.path().join("test.db"), BUSY_TIMEOUT).unwrap();
    db.query_row("select count(*) from t", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn one_caller_that_fails_does_not_undo_the_others_of_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let (a, b, c) = tokio::join!(
        writer.run("a", false, insert(1)),
        writer.run("b", false, insert(1)),
        writer.run("c", true, insert(2)),
    );
    assert!(a.is_ok() && c.is_ok());
    assert!(matches!(b, Err(StoreError::Sqlite("b", _))));
    assert_eq!(rows(&folder), 2);
}

#[tokio::test]
async fn patient_work_is_committed_with_that_of_others_and_without_any() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    writer.run_patiently("by itself", insert(1)).await.unwrap();
    assert_eq!(rows(&folder), 1);
    let (a, b, c, d) = tokio::join!(
        writer.run_patiently("a", insert(2)),
        writer.run_patiently("b", insert(2)),
        writer.run("c", false, insert(3)),
        writer.run("d", true, insert(4)),
    );
    assert!(a.is_ok() && c.is_ok() && d.is_ok());
    assert!(matches!(b, Err(StoreError::Sqlite("b", _))));
    assert_eq!(rows(&folder), 4);
}

#[tokio::test]
async fn who_runs_alone_leaves_all_or_nothing_and_fails_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let two = |a, b| move |db: &rusqlite::Connection| insert(a)(db).and_then(|()| insert(b)(db));
    let (a, b, c, d, e) = tokio::join!(
        writer.run("a", false, insert(1)),
        writer.run_alone("b", two(2, 1)),
        writer.run("c", false, insert(3)),
        writer.run_alone("d", two(4, 5)),
        writer.run_alone("e", |db| {
            insert(6)(db)?;
            if rows_in(db) > 0 {
                panic!("as a bug would");
            }
            Ok(())
        }),
    );
    assert!(a.is_ok() && c.is_ok() && d.is_ok());
    assert!(matches!(b, Err(StoreError::Sqlite("b", _))));
    assert!(matches!(e, Err(StoreError::Closed("e"))));
    assert_eq!(rows(&folder), 4);
}

#[tokio::test]
async fn a_panic_in_the_work_of_one_caller_leaves_the_writer_alive() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let broken = writer
        .run("panicking", false, |db| {
            db.execute("insert into t values (7)", [])?;
            if rows_in(db) > 0 {
                panic!("as a bug would");
            }
            Ok(())
        })
        .await;
    assert!(matches!(broken, Err(StoreError::Closed("panicking"))));
    writer.run("after", false, insert(1)).await.unwrap();
    assert_eq!(rows(&folder), 1);
}

fn rows_in(db: &rusqlite::Connection) -> i64 {
    db.query_row("select count(*) from t", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_database_locked_by_another_process_is_an_error_and_works_again_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&folder.path().join("test.db"), BUSY_TIMEOUT).unwrap();
    db.execute_batch("create table t (v integer unique)").unwrap();
    db.busy_timeout(std::time::Duration::ZERO).unwrap();
    let writer = Writer::start(db).unwrap();
    let other = open(&folder.path().join("test.db"), BUSY_TIMEOUT).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let locked = writer.run("writing", false, insert(1)).await;
    assert!(matches!(locked, Err(StoreError::Locked("writing"))), "{locked:?}");
    other.execute_batch("rollback").unwrap();
    writer.run("writing", false, insert(1)).await.unwrap();
    assert_eq!(rows(&folder), 1);
}
