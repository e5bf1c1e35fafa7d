//! Copies what was committed from the log into the database, on a thread of its own: the writer would wait for the disk.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row};
use tracing::debug;

use crate::store::SqlResult;

/// Pages that are copied together, or more.
pub(super) const MANY_PAGES: i64 = 2_000;

/// Has the log copied, a part at a time. What it leaves, the writer copies when there is too much of it, or who closes the database.
#[derive(Debug)]
pub(super) struct Checkpoints {
    database: PathBuf,
    running: Option<JoinHandle<()>>,
    /// The log when that was begun.
    begun: Log,
}

/// The log, in pages: how long it is, and how much of it is copied.
#[derive(Debug, Clone, Copy, Default)]
struct Log {
    logged: i64,
    copied: i64,
}

impl Checkpoints {
    pub(super) fn new(database: PathBuf) -> Self {
        Self {
            database,
            running: None,
            begun: Log::default(),
        }
    }

    /// Begins to copy when there is much to be copied, but not as often as somebody commits while a reader of long ago holds the log.
    pub(super) fn consider(&mut self, db: &Connection) {
        if self.running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let Ok(log) = log_of(db) else { return };
        if log.logged < self.begun.logged {
            // It was copied to its end, and has begun anew.
            self.begun = Log::default();
        }
        let has_moved = log.copied != self.begun.copied || log.logged - self.begun.logged >= MANY_PAGES;
        if has_moved && log.logged - log.copied >= MANY_PAGES {
            self.begun = log;
            let database = self.database.clone();
            let thread = std::thread::Builder::new().name("checkpoint".to_owned());
            self.running = thread
                .spawn(move || {
                    if let Err(e) = copy(&database) {
                        debug!("the log was not copied into the database: {e}");
                    }
                })
                .ok();
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        if let Some(thread) = self.running.take() {
            // A panic there leaves the log to others.
            let _ = thread.join();
        }
    }
}

fn log_of(db: &Connection) -> SqlResult<Log> {
    let log = |row: &Row<'_>| {
        Ok(Log {
            logged: row.get(1)?,
            copied: row.get(2)?,
        })
    };
    db.prepare_cached("pragma wal_checkpoint(noop)")?.query_row([], log)
}

/// Copies what can be copied without waiting for anybody.
fn copy(database: &Path) -> SqlResult<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(database, flags)?;
    db.busy_timeout(Duration::ZERO)?;
    db.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::path::Path;

    use rusqlite::Connection;

    use super::{Checkpoints, MANY_PAGES, log_of};

    fn database(path: &Path) -> Connection {
        let db = Connection::open(path).unwrap();
        db.execute_batch("pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t (bytes blob)")
            .unwrap();
        db
    }

    fn write(db: &Connection, pages: i64) {
        db.execute("insert into t values (zeroblob(?))", [pages * 4096])
            .unwrap();
    }

    /// Whether a copy was begun, which has ended then.
    fn copies(checkpoints: &mut Checkpoints, db: &Connection) -> bool {
        checkpoints.consider(db);
        checkpoints.running.take().is_some_and(|thread| thread.join().is_ok())
    }

    #[test]
    fn a_log_that_has_begun_anew_is_copied_as_the_first_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let (db, mut checkpoints) = (database(&path), Checkpoints::new(path));
        for _ in 0..3 {
            write(&db, 1);
            assert!(!copies(&mut checkpoints, &db));
            write(&db, MANY_PAGES);
            assert!(copies(&mut checkpoints, &db));
            let log = log_of(&db).unwrap();
            assert_eq!(log.copied, log.logged);
        }
    }

    #[test]
    fn a_log_that_somebody_holds_is_not_tried_again_at_each_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let (db, mut checkpoints) = (database(&path), Checkpoints::new(path.clone()));
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("begin; select count(*) from t;").unwrap();
        write(&db, MANY_PAGES);
        // What came before the reader is copied: the next commit may bring more of it.
        assert!(copies(&mut checkpoints, &db) && copies(&mut checkpoints, &db));
        write(&db, 1);
        assert!(!copies(&mut checkpoints, &db));
        write(&db, MANY_PAGES);
        assert!(copies(&mut checkpoints, &db));
        reader.execute_batch("commit").unwrap();
        write(&db, MANY_PAGES);
        assert!(copies(&mut checkpoints, &db));
        let log = log_of(&db).unwrap();
        assert_eq!(log.copied, log.logged);
    }
}
