//! The only truth of state and the only queue: one SQLite database.
//!
//! One writer thread commits the work of many callers together, and one that fails takes no other along; many readers see the last
//! commit (WAL). No transaction stays open over the network. Methods stand in the files of their tables:
//! [`feeds`], [`due`], [`hosts`], [`moves`], [`sync`], [`polls`], `arrivals`, [`edits`], [`places`], [`ties`], [`decisions`], [`stories`],
//! [`story_list`], [`choice`], [`search`], [`editions`], [`deliveries`], [`subscriptions`], [`pushes`].

mod arrivals;
mod checkpoint;
pub mod choice;
mod connection;
pub mod decisions;
pub mod deliveries;
pub mod due;
pub mod editions;
pub mod edits;
pub mod feeds;
pub mod hosts;
pub mod judge;
pub mod locks;
mod migrations;
pub mod moves;
mod passages;
pub mod places;
mod placing;
pub mod polls;
pub mod pushes;
mod readers;
mod regroup;
mod rows;
pub mod search;
pub mod stories;
pub mod story_list;
pub mod subscriptions;
pub mod sync;
mod tail;
pub mod ties;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use crate::store::readers::Readers;
use crate::store::tail::SharedTail;
use crate::store::writer::{Announced, Writer};

/// The store; clones share one database.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    tail: SharedTail,
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened.
    #[error("cannot open the database {0}")]
    Open(String, #[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The database was written by a newer tidings.
    #[error("the database is of schema {found}, and this tidings knows {known} at most; use the newer tidings")]
    Newer {
        /// The number of the last migration applied.
        found: i64,
        /// The number of the last migration known here.
        known: i64,
    },
    /// A migration that was applied reads differently now.
    #[error("migration {0} is not the one that was applied to this database; use the tidings that made it")]
    Changed(String),
    /// Another process holds the database for too long; nothing was written.
    #[error("the database is locked by another process ({0})")]
    Locked(&'static str),
    /// The store was closed.
    #[error("the store is closed ({0})")]
    Closed(&'static str),
    /// Anything else; nothing was written.
    #[error("the database failed while {0}")]
    Sqlite(&'static str, #[source] Arc<rusqlite::Error>),
}

impl StoreError {
    /// Whether what was to be done has failed, not the database: it would fail again.
    #[must_use]
    pub fn is_fault_of_work(&self) -> bool {
        match self {
            // Panics end so.
            Self::Closed(_) => true,
            Self::Sqlite(_, e) => !matches!(**e, rusqlite::Error::SqliteFailure(..)),
            _ => false,
        }
    }

    fn sqlite(operation: &'static str, error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Locked(operation),
            _ => Self::Sqlite(operation, Arc::new(error)),
        }
    }
}

/// What a transaction does for a caller.
type SqlResult<T> = rusqlite::Result<T>;

impl Store {
    /// Opens the database, makes it and its folder when missing, and brings it to the newest schema.
    ///
    /// # Errors
    /// When it cannot be opened, or is newer than this program.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let open_error = |e: Arc<dyn std::error::Error + Send + Sync>| StoreError::Open(path.display().to_string(), e);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| open_error(Arc::new(e)))?;
        }
        let mut connection = connection::open(path, connection::BUSY_TIMEOUT).map_err(|e| open_error(Arc::new(e)))?;
        migrations::apply(&mut connection)?;
        Self::of(connection, path, Some(path.to_owned()))
    }

    /// As [`Store::open`], for one who would rather do without writing than wait longer than `patience` for other processes; where the
    /// database may only be read, whatever is to be written fails.
    ///
    /// # Errors
    /// When it cannot be opened, or is not of the newest schema and cannot be brought to it.
    pub fn open_to_read(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        if !path.exists() {
            return Self::open(path);
        }
        let opened = connection::open(path, patience).or_else(|_| connection::open_reader(path));
        let mut connection = opened.map_err(|e| StoreError::Open(path.display().to_string(), Arc::new(e)))?;
        migrations::apply(&mut connection)?;
        // It leaves the log to those who write much.
        Self::of(connection, path, None)
    }

    fn of(writer: Connection, path: &Path, copied: Option<PathBuf>) -> Result<Self, StoreError> {
        let tail = SharedTail::default();
        let undone = tail.clone();
        let writer = Writer::start(writer, copied, move || undone.forget())
            .map_err(|e| StoreError::Open(path.display().to_string(), Arc::new(e)))?;
        Ok(Self {
            writer: Arc::new(writer),
            readers: Arc::new(Readers::new(path.to_owned())),
            tail,
        })
    }

    /// Runs `work` on a reader; it sees the last commit.
    async fn read<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        self.readers.run(operation, work).await
    }

    /// As `read`, on this thread, and beside the readers that are bounded there: for pieces of work that take long, of which there are as
    /// many as processors.
    fn read_here<T>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> SqlResult<T>,
    ) -> Result<T, StoreError> {
        let result = self.readers.run_here(work);
        result.map_err(|e| StoreError::sqlite(operation, e))
    }

    /// Runs `work` in a transaction, or in one shared with other callers; answers when it is committed.
    async fn write<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        self.writer.run(operation, false, work).await
    }

    /// As `write`, and answers only when the commit would survive a loss of power.
    async fn write_durably<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        self.writer.run(operation, true, work).await
    }

    /// As `write`, for work of which there is much and for which nobody waits: more of it is committed together, and it may be done again.
    async fn write_patiently<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> SqlResult<T> + Send + 'static,
    {
        self.writer.run_patiently(operation, work).await
    }

    /// As `write`, for work that may change most of the database: nobody else's is committed with it.
    async fn write_alone<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        self.writer.run_alone(operation, work).await
    }

    /// Says that the outcome of a poll will come, until what is returned is dropped: others wait to be committed with it.
    #[must_use]
    pub fn announce(&self) -> Announced {
        self.writer.announce()
    }

    /// Whether so much waits to be written that who has more of it should leave the processors to the writer.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.writer.is_behind()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read("answering", |db| db.query_row("select 1", [], |_| Ok(())))
            .await
    }
}
