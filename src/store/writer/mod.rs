//! The one thread that writes: it commits in groups.

mod job;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::time::Instant;

use crate::store::checkpoint::Checkpoints;
use crate::store::writer::job::{Job, Kind, job};
use crate::store::{SqlResult, StoreError};

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
        self.submit(operation, kind, once(work)).await
    }

    /// As `run`, for work that may change most of the database: in a savepoint, all that it changes would be held in memory.
    pub(super) async fn run_alone<T, F>(&self, operation: &'static str, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    {
        self.submit(operation, Kind::Alone, once(work)).await
    }

    /// As `run`, for work that may take a little longer, so that more of it is committed together. It is done again if that of others
    /// has to be taken back.
    pub(super) async fn run_patiently<T, F>(&self, operation: &'static str, mut work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> SqlResult<T> + Send + 'static,
    {
        self.submit(operation, Kind::Patient, move |db| Some(work(db))).await
    }

    async fn submit<T, F>(&self, operation: &'static str, kind: Kind, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> Option<SqlResult<T>> + Send + 'static,
    {
        let (job, answer) = job(operation, kind, work);
        self.queue.waiting.fetch_add(1, Ordering::Relaxed);
        let sent = self.jobs.as_ref().map(|jobs| jobs.send(job));
        if !matches!(sent, Some(Ok(()))) {
            return Err(StoreError::Closed(operation));
        }
        answer.await
    }
}

/// Work that can be done but once; nobody asks for it again.
fn once<T>(work: impl FnOnce(&Connection) -> SqlResult<T>) -> impl FnMut(&Connection) -> Option<SqlResult<T>> {
    let mut work = Some(work);
    move |db| work.take().map(|work| work(db))
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
    let (mut is_patient, mut is_careful, began) = (true, false, Instant::now());
    let mut done = 0;
    while let Some(job) = group.get_mut(done) {
        is_patient &= job.kind() == Kind::Patient;
        // To be able to take back the work of one caller costs a copy of each page that it changes. Work that can be done again does
        // without: hardly any fails.
        let apart = kind != Kind::Alone && (is_careful || !is_patient);
        let went_well = job.run(&transaction, apart);
        if !went_well {
            undone();
            if !apart {
                transaction.finish()?;
                if kind == Kind::Alone {
                    // Why is in its own answer.
                    return Ok(());
                }
                transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                (is_careful, done) = (true, 0);
                continue;
            }
            if transaction.is_autocommit() {
                // It took all others with it, which the commit will say.
                break;
            }
        }
        done += 1;
        let took = began.elapsed();
        let is_last = done == group.len();
        if is_last && done < GROUP && took < LONG && held.is_none() && kind != Kind::Alone {
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
