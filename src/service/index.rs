//! Keeps the search complete: takes what has arrived into the index, behind the polls and in small pieces.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use crate::model::chain::chain;
use crate::store::{Store, StoreError};

/// Items indexed in one transaction: others who want to write wait no longer than for these.
const BATCH: usize = 100;
/// How often it looks although nobody told it to: items may have been edited, or polled by another process.
const LOOK: Duration = Duration::from_secs(30);
/// After each batch it rests for so many times as long as that took.
const REST: u32 = 2;

/// Indexes items.
#[derive(Debug, Clone)]
pub struct Index {
    store: Store,
    placed: Arc<Notify>,
}

impl Index {
    /// `placed` tells that items have come.
    #[must_use]
    pub fn new(store: Store, placed: Arc<Notify>) -> Self {
        Self { store, placed }
    }

    /// Takes everything into the index that is not in it, without rests; `seen` is told how many items each batch had.
    ///
    /// # Errors
    /// When the database fails; what was indexed before stays.
    pub async fn catch_up(&self, mut seen: impl FnMut(usize)) -> Result<(), StoreError> {
        loop {
            match self.store.index_some(BATCH).await? {
                0 => return Ok(()),
                count => seen(count),
            }
        }
    }

    /// Indexes items as they come, until `stop` is given. What is left then waits for the next start, or for a search.
    pub async fn run(&self, stop: &CancellationToken) {
        let mut sum = 0;
        while !stop.is_cancelled() {
            let began = Instant::now();
            let indexed = self.store.index_some(BATCH).await;
            let pause = match &indexed {
                Ok(0) | Err(_) => LOOK,
                Ok(_) => began.elapsed() * REST,
            };
            match indexed {
                Ok(0) if sum > 0 => {
                    debug!(items = sum, "indexed items");
                    sum = 0;
                }
                Ok(count) => sum += count,
                Err(e) => error!("the search falls behind: {}", chain(&e)),
            }
            tokio::select! {
                () = self.placed.notified(), if pause == LOOK => {}
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}
