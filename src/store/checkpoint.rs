//! Copies what was committed from the log into the database, on a thread of its own: the writer would wait for the disk.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rusqlite::{Connection, OpenFlags};
use tracing::debug;

use crate::store::SqlResult;

/// Pages that are copied together, or more.
pub(super) const MANY_PAGES: i64 = 2_000;

/// Has the log copied, a part at a time. What it leaves, the writer copies when there is too much of it, or who closes the database.
#[derive(Debug)]
pub(super) struct Checkpoints {
    database: PathBuf,
    running: Option<JoinHandle<()>>,
}

impl Checkpoints {
    pub(super) fn new(database: PathBuf) -> Self {
        Self {
            database,
            running: None,
        }
    }

    /// Begins to copy when there is much to be copied. `db` has just committed.
    pub(super) fn consider(&mut self, db: &Connection) {
        if self.running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        if pages_to_copy(db).is_ok_and(|pages| pages >= MANY_PAGES) {
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

fn pages_to_copy(db: &Connection) -> SqlResult<i64> {
    db.prepare_cached("pragma wal_checkpoint(noop)")?
        .query_row([], |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))
}

/// Copies what can be copied without waiting for anybody.
fn copy(database: &Path) -> SqlResult<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(database, flags)?.query_row("pragma wal_checkpoint(passive)", [], |_| Ok(()))
}
