//! A sign of life of a loop, for those who watch it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::clock::from_millis;

/// How long a loop may be silent and still count as alive: four of its longest sleeps.
const PATIENCE: Duration = Duration::from_secs(60);

/// When a loop last showed that it lives. Written by the loop, read by whoever watches.
#[derive(Debug, Default)]
pub struct Heartbeat(AtomicI64);

impl Heartbeat {
    /// Shows that the loop lives.
    pub fn beat(&self, now: Timestamp) {
        self.0.store(now.as_millisecond(), Ordering::Relaxed);
    }

    /// Whether it has shown so lately.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        let silence = now.duration_since(from_millis(self.0.load(Ordering::Relaxed)));
        Duration::try_from(silence).unwrap_or_default() <= PATIENCE
    }
}
