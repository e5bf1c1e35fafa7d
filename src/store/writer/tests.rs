#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_of_work::insert;

use super::{MUCH, Writer};
use crate::store::StoreError;
use crate::store::checkpoint::MANY_PAGES;
use crate::store::connection::{BUSY_TIMEOUT, open, open_reader};

/// Work for the writer: a row in the table `t`.
mod futures_of_work {
    use std::pin::Pin;
    use std::task::Poll;

    use rusqlite::Connection;

    use crate::store::SqlResult;

    pub(super) async fn is_pending<F: Future + Unpin>(work: &mut F) -> bool {
        std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *work).poll(context).is_pending())).await
    }

    pub(super) fn insert(value: i64) -> impl Fn(&Connection) -> SqlResult<()> + Send {
        move |db| db.execute("insert into t values (?)", [value]).map(|_| ())
    }
}

fn writer(folder: &tempfile::TempDir) -> Writer {
    let db = open(&database(folder), BUSY_TIMEOUT).unwrap();
    db.execute_batch("create table if not exists t (v integer unique)")
        .unwrap();
    Writer::start(db, Some(database(folder)), || {}).unwrap()
}

fn database(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("test.db")
}

fn rows(folder: &tempfile::TempDir) -> i64 {
    let db = open(&database(folder), BUSY_TIMEOUT).unwrap();
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
async fn patient_work_whose_group_has_one_that_fails_is_done_once() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    // While it waits, all others come, and are one group.
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let mut first = Box::pin(writer.run("first", true, move |_| {
        may_go_on.recv().unwrap();
        Ok(())
    }));
    assert!(futures_of_work::is_pending(&mut first).await);
    let panicking = |db: &rusqlite::Connection| {
        insert(9)(db)?;
        if rows_in(db) > 0 {
            panic!("as a bug would");
        }
        Ok(())
    };
    let mut works: Vec<_> = [1, 2, 1, 3]
        .map(|value| Box::pin(writer.run_patiently("one of many", insert(value))))
        .into();
    let mut broken = Box::pin(writer.run_patiently("panicking", panicking));
    for work in &mut works {
        assert!(futures_of_work::is_pending(work).await);
    }
    assert!(futures_of_work::is_pending(&mut broken).await);
    go_on.send(()).unwrap();
    first.await.unwrap();
    let mut went_well = Vec::new();
    for work in works {
        went_well.push(work.await.is_ok());
    }
    assert_eq!(went_well, [true, true, false, true]);
    assert!(matches!(broken.await, Err(StoreError::Closed("panicking"))));
    assert_eq!(rows(&folder), 3);
}

#[tokio::test]
async fn what_a_full_database_takes_back_is_told_to_nobody_as_done() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&database(&folder), BUSY_TIMEOUT).unwrap();
    db.execute_batch("create table t (v integer unique); create table large (bytes blob); pragma max_page_count = 40")
        .unwrap();
    let writer = Writer::start(db, Some(database(&folder)), || {}).unwrap();
    let too_much = |db: &rusqlite::Connection| {
        let inserted = db.execute("insert into large values (zeroblob(1000000))", []);
        inserted.map(|_| ())
    };
    let (a, b, c) = tokio::join!(
        writer.run("a", false, insert(1)),
        writer.run("b", false, too_much),
        writer.run("c", false, insert(2)),
    );
    assert!(b.is_err());
    assert_eq!(rows(&folder), i64::from(a.is_ok()) + i64::from(c.is_ok()));
    let (d, e, f) = tokio::join!(
        writer.run_patiently("d", insert(3)),
        writer.run_patiently("e", too_much),
        writer.run_patiently("f", insert(4)),
    );
    assert!(e.is_err());
    let done = [a.is_ok(), c.is_ok(), d.is_ok(), f.is_ok()].map(i64::from);
    assert_eq!(rows(&folder), done.iter().sum::<i64>());
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
    let db = open(&database(&folder), BUSY_TIMEOUT).unwrap();
    db.execute_batch("create table t (v integer unique)").unwrap();
    db.busy_timeout(std::time::Duration::ZERO).unwrap();
    let writer = Writer::start(db, Some(database(&folder)), || {}).unwrap();
    let other = open(&database(&folder), BUSY_TIMEOUT).unwrap();
    other.execute_batch("begin immediate").unwrap();
    let locked = writer.run("writing", false, insert(1)).await;
    assert!(matches!(locked, Err(StoreError::Locked("writing"))), "{locked:?}");
    other.execute_batch("rollback").unwrap();
    writer.run("writing", false, insert(1)).await.unwrap();
    assert_eq!(rows(&folder), 1);
}

#[tokio::test]
async fn a_writer_with_much_work_before_it_is_behind() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
    let long = writer.run("long", false, move |_| {
        may_go_on.recv().unwrap();
        Ok(())
    });
    assert!(!writer.is_behind());
    let many = (0..=MUCH).map(|value| writer.run("one of many", false, insert(i64::try_from(value).unwrap())));
    let (mut long, mut many) = (Box::pin(long), many.map(Box::pin).collect::<Vec<_>>());
    // Each is given to the writer when it is first asked.
    assert!(futures_of_work::is_pending(&mut long).await);
    for work in &mut many {
        assert!(futures_of_work::is_pending(work).await);
    }
    assert!(writer.is_behind());
    go_on.send(()).unwrap();
    long.await.unwrap();
    for work in many {
        work.await.unwrap();
    }
    assert!(!writer.is_behind());
}

#[tokio::test]
async fn whoever_remembers_what_was_written_is_told_when_it_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(&database(&folder), BUSY_TIMEOUT).unwrap();
    db.execute_batch(
        "create table t (v integer unique);
         create table child (parent integer references t (v) deferrable initially deferred);",
    )
    .unwrap();
    let undone = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&undone);
    let writer = Writer::start(db, Some(database(&folder)), move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let writer = writer.unwrap();
    writer.run("well", false, insert(1)).await.unwrap();
    assert_eq!(undone.load(Ordering::Relaxed), 0);
    assert!(writer.run("twice", false, insert(1)).await.is_err());
    assert_eq!(undone.load(Ordering::Relaxed), 1);
    // This goes well, and only the commit fails.
    let orphan = |db: &rusqlite::Connection| db.execute("insert into child values (7)", []).map(|_| ());
    assert!(writer.run("orphan", false, orphan).await.is_err());
    assert_eq!(undone.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_long_log_is_copied_into_the_database_beside_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let reader = open_reader(&database(&folder)).unwrap();
    let pages = |db: &rusqlite::Connection| -> (i64, i64) {
        db.query_row("pragma wal_checkpoint(noop)", [], |row| Ok((row.get(1)?, row.get(2)?)))
            .unwrap()
    };
    let fill = |bytes: i64| {
        move |db: &rusqlite::Connection| {
            db.execute_batch("create table if not exists large (bytes blob)")?;
            db.execute("insert into large values (zeroblob(?))", [bytes])
                .map(|_| ())
        }
    };
    writer.run("a little", false, fill(4_096)).await.unwrap();
    writer.run("much", false, fill(4_096 * MANY_PAGES)).await.unwrap();
    // The writer waits for what it has begun, and the reader keeps the log.
    drop(writer);
    let (logged, copied) = pages(&reader);
    assert!(logged > MANY_PAGES && logged < 8_000, "{logged}");
    assert_eq!(copied, logged);
}

#[tokio::test]
async fn a_short_log_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let writer = writer(&folder);
    let reader = open_reader(&database(&folder)).unwrap();
    writer.run("a little", false, insert(1)).await.unwrap();
    drop(writer);
    let copied: i64 = reader
        .query_row("pragma wal_checkpoint(noop)", [], |row| row.get(2))
        .unwrap();
    assert_eq!(copied, 0);
}
