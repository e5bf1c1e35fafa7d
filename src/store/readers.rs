//! A pool of connections that only read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::store::connection::open_reader;
use crate::store::{SqlResult, StoreError};

/// Readers at once for those who wait for nothing else, and connections that are kept for the next.
const READERS: usize = 8;

/// Connections that only read, opened as they are needed.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::new(Vec::new()),
            places: Arc::new(Semaphore::new(READERS)),
        }
    }

    pub(super) async fn run<T, F>(self: &Arc<Self>, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|_| StoreError::Closed(operation))?;
        let readers = Arc::clone(self);
        // The place goes with the work: a caller that hangs up does not end it.
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            readers.run_here(work)
        });
        let result = task.await.map_err(|_| StoreError::Closed(operation))?;
        result.map_err(|e| StoreError::sqlite(operation, e))
    }

    /// Runs `work` on this thread, which waits for it.
    pub(super) fn run_here<T>(&self, work: impl FnOnce(&Connection) -> SqlResult<T>) -> SqlResult<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        // One transaction, so that several statements see the same commit.
        let result = connection.unchecked_transaction().and_then(|snapshot| {
            let value = work(&snapshot)?;
            snapshot.finish()?;
            Ok(value)
        });
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS {
            idle.push(connection);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::{Arc, Barrier};

    use super::{READERS, Readers};

    #[test]
    fn no_more_connections_are_kept_than_there_are_readers() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("test.db");
        drop(crate::store::Store::open(&database).unwrap());
        let (readers, many) = (Arc::new(Readers::new(database)), READERS + 2);
        let all_are_there = Arc::new(Barrier::new(many));
        let threads: Vec<_> = (0..many)
            .map(|_| {
                let (readers, all_are_there) = (Arc::clone(&readers), Arc::clone(&all_are_there));
                std::thread::spawn(move || {
                    let rows = readers.run_here(|db| {
                        all_are_there.wait();
                        db.query_row("select count(*) from feed", [], |row| row.get::<_, i64>(0))
                    });
                    assert_eq!(rows.unwrap(), 0);
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(readers.idle.lock().unwrap().len(), READERS);
    }
}
