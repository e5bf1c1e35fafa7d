//! Connections, and the one thread that writes: it commits in groups.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::store::checkpoint::Checkpoints;
use crate::store::{SqlResult, StoreError};

/// How long a connection waits for another process's transaction.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The most callers whose work is committed together ...
const GROUP: usize = 256;
/// ... and how long more of it is taken up: who gets no answer begins nothing new.
const LONG: Duration = Duration::from_millis(20);
/// Patient work waits so long for more that was announced: a commit costs as much as the work of several callers ...
const PATIENCE: Duration = Duration::from_millis(5);
/// ... unless so much is there already.
const ENOUGH: usize = 32;
/// With more jobs than these before it the thread has fallen behind.
const MUCH: usize = 8;
/// Prepared statements that a connection remembers.
const STATEMENTS: usize = 128;

/// Opens a connection that may write.
pub(super) fn open(path: &Path, patience: Duration) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    db.busy_timeout(patience)?;
    db.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on;
         pragma wal_autocheckpoint = 8000; pragma cache_size = -16000; pragma temp_store = memory;
         pragma journal_size_limit = 67108864;",
    )?;
    plan_once(&db)?;
    Ok(db)
}

/// A statement is planned once and not again for each value that is bound to it.
fn plan_once(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(|_| ())
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|db| {
        db.busy_timeout(BUSY_TIMEOUT)?;
        db.query_row("select count(*) from sqlite_schema", [], |_| Ok(()))?;
        Ok(db)
    });
    let db = match (opened, still(path)) {
        // The log cannot even be made: nobody else could be writing, or it would be there.
        (Err(_), Some(still)) => Connection::open_with_flags(still, flags | OpenFlags::SQLITE_OPEN_URI)?,
        (opened, _) => opened?,
    };
    db.execute_batch("pragma query_only = on; pragma cache_size = -4000; pragma temp_store = memory;")?;
    plan_once(&db)?;
    Ok(db)
}

/// The address of a database that nothing changes: nobody has a log of changes beside it.
fn still(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let mut log = path.clone();
    log.as_mut_os_string().push("-wal");
    let mut url = url::Url::from_file_path(&path).ok().filter(|_| !log.exists())?;
    url.set_query(Some("immutable=1"));
    Some(url.into())
}

/// How the work of a caller is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Together with that of others.
    Shared,
    /// The same, and with more of them: there is much of it, and nobody waits for it.
    Patient,
    /// The same, and only when it would survive a loss of power.
    Durable,
    /// By itself.
    Alone,
}

impl Kind {
    /// Whether both can be committed in one transaction.
    fn goes_with(self, other: Self) -> bool {
        let is_shared = |kind| matches!(kind, Self::Shared | Self::Patient);
        is_shared(self) && is_shared(other) || self == other
    }
}

/// The work of one caller, and where its answer goes.
trait Job: Send {
    fn kind(&self) -> Kind;
    /// Whether it went well. If not, nothing of it is left, unless it is alone in its transaction.
    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool;
    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>);
}

struct Typed<T, F> {
    operation: &'static str,
    kind: Kind,
    work: Option<F>,
    result: Option<SqlResult<T>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnOnce(&Connection) -> SqlResult<T> + Send> Job for Typed<T, F> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn run(&mut self, transaction: &mut Transaction<'_>) -> bool {
        if let Some(work) = self.work.take() {
            self.result = match self.kind {
                Kind::Alone => without_panic(transaction, work),
                Kind::Shared | Kind::Patient | Kind::Durable => in_savepoint(transaction, work),
            };
        }
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

/// Does the work of one caller, or nothing of it. None: it panicked.
fn in_savepoint<T>(db: &Connection, work: impl FnOnce(&Connection) -> SqlResult<T>) -> Option<SqlResult<T>> {
    let say = |sql| db.prepare_cached(sql)?.execute([]);
    if let Err(e) = say("savepoint job") {
        return Some(Err(e));
    }
    let outcome = without_panic(db, work);
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
fn without_panic<T>(db: &Connection, work: impl FnOnce(&Connection) -> SqlResult<T>) -> Option<SqlResult<T>> {
    catch_unwind(AssertUnwindSafe(|| work(db))).ok()
}

/// One failed commit fails many callers, and rusqlite's error is not Clone.
fn copy(error: &rusqlite::Error) -> rusqlite::Error {
    match error {
        rusqlite::Error::SqliteFailure(code, text) => rusqlite::Error::SqliteFailure(*code, text.clone()),
        other => rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(1), Some(other.to_string())),
    }
}

/// What the thread has before it.
#[derive(Debug, Default)]
struct Queue {
    /// Jobs that were given to it and not taken up.
    waiting: AtomicUsize,
    /// Callers who have said that they will come with patient work.
    coming: AtomicUsize,
}

/// Where jobs come from.
struct Jobs {
    given: mpsc::Receiver<Box<dyn Job>>,
    queue: Arc<Queue>,
}

impl Jobs {
    /// The next one; None: there will be no more.
    fn next(&self) -> Option<Box<dyn Job>> {
        self.given.recv().ok().inspect(|_| self.taken())
    }

    /// The next one, if it comes in time.
    fn next_within(&self, patience: Duration) -> Option<Box<dyn Job>> {
        self.given.recv_timeout(patience).ok().inspect(|_| self.taken())
    }

    fn taken(&self) {
        self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Somebody who will come with patient work, until this is dropped.
#[derive(Debug)]
pub struct Announced(Arc<Queue>);

impl Drop for Announced {
    fn drop(&mut self) {
        self.0.coming.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The thread that writes. It ends, all work done, when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Has the log of the database `copied` beside its own work, if one is named. `undone` is told, before any other work, that the work
    /// of a caller was taken back.
    pub(super) fn start(
        connection: Connection,
        copied: Option<PathBuf>,
        undone: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, given) = mpsc::channel();
        let queue = Arc::new(Queue::default());
        let jobs_given = Jobs {
            given,
            queue: Arc::clone(&queue),
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work_off(connection, &jobs_given, copied.map(Checkpoints::new), &undone))?;
        Ok(Self {
            jobs: Some(jobs),
            queue,
            thread: Some(thread),
        })
    }

    /// Whether so much waits to be written that who has more of it should leave the processors to the thread.
    pub(super) fn is_behind(&self) -> bool {
        self.queue.waiting.load(Ordering::Relaxed) > MUCH
    }

    /// Says that patient work will come: others wait to be committed with it.
    pub(super) fn announce(&self) -> Announced {
        self.queue.coming.fetch_add(1, Ordering::Relaxed);
        Announced(Arc::clone(&self.queue))
    }

    pub(super) async fn run<T, F>(&self, operation: &'static str, durable: bool, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        let kind = if durable { Kind::Durable } else { Kind::Shared };
        self.submit(operation, kind, work).await
    }

    /// As `run`, for work that may change most of the database: in a savepoint, all that it changes would be held in memory.
    pub(super) async fn run_alone<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        self.submit(operation, Kind::Alone, work).await
    }

    /// As `run`, for work that may take a little longer, so that more of it is committed together.
    pub(super) async fn run_patiently<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        self.submit(operation, Kind::Patient, work).await
    }

    async fn submit<T, F>(&self, operation: &'static str, kind: Kind, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = Typed {
            operation,
            kind,
            work: Some(work),
            result: None,
            caller,
        };
        self.queue.waiting.fetch_add(1, Ordering::Relaxed);
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(Box::new(job)));
        if !matches!(sent, Some(Ok(()))) {
            return Err(StoreError::Closed(operation));
        }
        answer.await.unwrap_or(Err(StoreError::Closed(operation)))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the writer was answered to its callers as `Closed`.
            let _ = thread.join();
        }
    }
}

fn work_off(mut connection: Connection, jobs: &Jobs, mut checkpoints: Option<Checkpoints>, undone: &dyn Fn()) {
    let mut held: Option<Box<dyn Job>> = None;
    // Connections are opened with synchronous=normal.
    let mut is_durable = false;
    while let Some(first) = held.take().or_else(|| jobs.next()) {
        let mut group = vec![first];
        let durable = group.first().is_some_and(|job| job.kind() == Kind::Durable);
        let committed = set_durable(&connection, &mut is_durable, durable)
            .and_then(|()| commit_group(&mut connection, &mut group, &mut held, jobs, undone));
        if committed.is_err() {
            undone();
        }
        for job in group {
            job.answer(committed.as_ref().copied());
        }
        if let Some(checkpoints) = &mut checkpoints {
            checkpoints.consider(&connection);
        }
    }
}

/// In WAL mode a commit with synchronous=normal survives a crash of the process; with full, a loss of power too.
fn set_durable(connection: &Connection, is_durable: &mut bool, durable: bool) -> SqlResult<()> {
    if *is_durable != durable {
        connection.pragma_update(None, "synchronous", if durable { "full" } else { "normal" })?;
        *is_durable = durable;
    }
    Ok(())
}

/// Commits the first job and all of its kind that arrive meanwhile; one of the other kind is held for the next group.
fn commit_group(
    connection: &mut Connection,
    group: &mut Vec<Box<dyn Job>>,
    held: &mut Option<Box<dyn Job>>,
    jobs: &Jobs,
    undone: &dyn Fn(),
) -> SqlResult<()> {
    let kind = group.first().map_or(Kind::Shared, |job| job.kind());
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut is_patient, began) = (true, Instant::now());
    let mut done = 0;
    while let Some(job) = group.get_mut(done) {
        let went_well = job.run(&mut transaction);
        if !went_well {
            undone();
        }
        if kind == Kind::Alone && !went_well {
            // Why is in its own answer.
            return transaction.rollback();
        }
        is_patient &= job.kind() == Kind::Patient;
        done += 1;
        let took = began.elapsed();
        if done < GROUP && took < LONG && held.is_none() && kind != Kind::Alone {
            // Nothing left of it: only what is there already is taken.
            let patience = PATIENCE.saturating_sub(took);
            let patience = if is_patient && done < ENOUGH && jobs.queue.coming.load(Ordering::Relaxed) > 0 {
                patience
            } else {
                Duration::ZERO
            };
            match jobs.next_within(patience) {
                Some(next) if next.kind().goes_with(kind) => group.push(next),
                next => *held = next,
            }
        }
    }
    transaction.commit()
}

#[cfg(test)]
mod tests;
