//! One host, one door: how many requests go to a host at once, and how far apart they begin, over all its feeds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Hosts remembered before those that nobody asks are forgotten.
const REMEMBERED: usize = 4096;

/// The doors of all hosts.
#[derive(Debug)]
pub struct Hosts {
    connections: usize,
    spacing: Duration,
    all: Arc<Semaphore>,
    doors: Mutex<HashMap<String, Door>>,
}

#[derive(Debug)]
struct Door {
    places: Arc<Semaphore>,
    /// When the next request may begin.
    next: Instant,
}

/// A request that may be made; its places are free again when this is dropped.
#[derive(Debug)]
pub struct Entrance {
    _at_host: Option<OwnedSemaphorePermit>,
    _of_all: Option<OwnedSemaphorePermit>,
}

impl Hosts {
    /// `connections` at once to one host, their beginnings `spacing` apart; `all` at once to all hosts together.
    #[must_use]
    pub fn new(connections: usize, spacing: Duration, all: usize) -> Self {
        Self {
            connections,
            spacing,
            all: Arc::new(Semaphore::new(all)),
            doors: Mutex::new(HashMap::new()),
        }
    }

    /// Waits until a request to the host may begin. Who waits for one host takes no place from those who ask another.
    pub async fn enter(&self, host: &str) -> Entrance {
        // No semaphore here is ever closed, so no place is ever refused.
        let places = self.with_door(host, |door| Arc::clone(&door.places));
        let at_host = places.acquire_owned().await.ok();
        let begin = self.with_door(host, |door| {
            let begin = door.next.max(Instant::now());
            door.next = begin + self.spacing;
            begin
        });
        if begin > Instant::now() {
            tokio::time::sleep_until(begin).await;
        }
        Entrance {
            _at_host: at_host,
            _of_all: Arc::clone(&self.all).acquire_owned().await.ok(),
        }
    }

    fn with_door<T>(&self, host: &str, act: impl FnOnce(&mut Door) -> T) -> T {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        if doors.len() >= REMEMBERED && !doors.contains_key(host) {
            let now = Instant::now();
            doors.retain(|_, door| Arc::strong_count(&door.places) > 1 || door.next > now);
        }
        if let Some(door) = doors.get_mut(host) {
            return act(door);
        }
        act(doors.entry(host.to_owned()).or_insert_with(|| Door {
            places: Arc::new(Semaphore::new(self.connections)),
            next: Instant::now(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::Hosts;
    use std::time::Duration;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn requests_to_one_host_begin_apart_and_other_hosts_do_not_wait() {
        let hosts = Hosts::new(1, Duration::from_secs(2), 8);
        let start = Instant::now();
        for expected in [0, 2, 4] {
            drop(hosts.enter("a.example").await);
            assert_eq!(start.elapsed(), Duration::from_secs(expected));
        }
        drop(hosts.enter("b.example").await);
        assert_eq!(start.elapsed(), Duration::from_secs(4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_is_being_asked_is_not_asked_again_meanwhile() {
        let hosts = Hosts::new(1, Duration::ZERO, 8);
        let first = hosts.enter("a.example").await;
        let second = tokio::time::timeout(Duration::from_secs(3600), hosts.enter("a.example"));
        assert!(second.await.is_err());
        drop(first);
        drop(hosts.enter("a.example").await);
    }
}
