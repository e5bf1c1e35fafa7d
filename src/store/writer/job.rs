//! The work of one caller for the writer, and its way back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::{SqlResult, StoreError};

/// How the work of a caller is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Together with that of others.
    Shared,
    /// The same, and with more of them: there is much of it, and nobody waits for it. It can be done again.
    Patient,
    /// The same, and only when it would survive a loss of power.
    Durable,
    /// By itself.
    Alone,
}

impl Kind {
    /// Whether both can be committed in one transaction.
    pub(super) fn goes_with(self, other: Self) -> bool {
        let is_shared = |kind| matches!(kind, Self::Shared | Self::Patient);
        is_shared(self) && is_shared(other) || self == other
    }
}

/// The work of one caller, and where its answer goes.
pub(super) trait Job: Send {
    fn kind(&self) -> Kind;
    /// Does the work in a transaction, and says whether it went well. If not, nothing of it is left, if it is done `apart` from that of
    /// others; else all of the transaction is to be taken back.
    fn run(&mut self, transaction: &Connection, apart: bool) -> bool;
    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>);
}

/// Work with a result of this type.
struct Typed<T, F> {
    operation: &'static str,
    kind: Kind,
    work: F,
    /// None: it was not done, or panicked.
    result: Option<SqlResult<T>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

/// Work as a job, and its answer.
pub(super) fn job<T, F>(
    operation: &'static str,
    kind: Kind,
    work: F,
) -> (Box<dyn Job>, impl Future<Output = Result<T, StoreError>>)
where
    T: Send + 'static,
    F: FnMut(&Connection) -> Option<SqlResult<T>> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    let job = Typed {
        operation,
        kind,
        work,
        result: None,
        caller,
    };
    (Box::new(job), async move {
        answer.await.unwrap_or(Err(StoreError::Closed(operation)))
    })
}

impl<T, F> Job for Typed<T, F>
where
    T: Send,
    F: FnMut(&Connection) -> Option<SqlResult<T>> + Send,
{
    fn kind(&self) -> Kind {
        self.kind
    }

    fn run(&mut self, transaction: &Connection, apart: bool) -> bool {
        let mut work = || without_panic(transaction, &mut self.work);
        self.result = if apart { in_savepoint(transaction, work) } else { work() };
        matches!(self.result, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>) {
        let result = match (self.result, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(e)), _) => Err(StoreError::sqlite(self.operation, e)),
            (_, Err(e)) => Err(StoreError::sqlite(self.operation, copy(e))),
            (None, Ok(())) => Err(StoreError::Closed(self.operation)),
        };
        // A caller that is gone does not want the answer; its work is committed all the same.
        let _ = self.caller.send(result);
    }
}

/// Does the work of one caller, or nothing of it.
fn in_savepoint<T>(db: &Connection, work: impl FnOnce() -> Option<SqlResult<T>>) -> Option<SqlResult<T>> {
    let say = |sql| db.prepare_cached(sql)?.execute([]);
    if let Err(e) = say("savepoint job") {
        return Some(Err(e));
    }
    let outcome = work();
    let done = match &outcome {
        Some(Ok(_)) => Ok(0),
        _ => say("rollback to job"),
    };
    match done.and_then(|_| say("release job")) {
        Ok(_) => outcome,
        Err(e) => Some(Err(e)),
    }
}

/// A panic in the work of one caller must not take the writer from all others.
fn without_panic<T>(
    db: &Connection,
    work: &mut impl FnMut(&Connection) -> Option<SqlResult<T>>,
) -> Option<SqlResult<T>> {
    catch_unwind(AssertUnwindSafe(|| work(db))).ok().flatten()
}

/// One failed commit fails many callers, and rusqlite's error is not Clone.
fn copy(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, text) => rusqlite::Error::SqliteFailure(*code, text.clone()),
        other => rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(1), Some(other.to_string())),
    }
}
