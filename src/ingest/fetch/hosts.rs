//! One host, one door: how many requests go to a host at once, how far apart they begin, over all its feeds, and when it wants to be
//! left alone by all of them (429, 503 with `Retry-After`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::config::{FetchConfig, HostConfig};
use crate::model::clock::later;
use crate::model::poll::HostRest;

/// Hosts remembered before those that nobody asks are forgotten.
const REMEMBERED: usize = 4096;
/// Polls that may wait at one door for each request that may be made at once; others get a time of their own.
const WAITING: usize = 8;
/// Nobody waits longer in memory for the spacing of a host.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The rest of a host that does not say how long; doubled with each such answer in a row.
const REST: Duration = Duration::from_secs(15 * 60);
/// The longest rest that is ours to choose.
const LONGEST_REST: Duration = Duration::from_secs(86_400);
/// No host is believed that asks for a longer one: its feeds would never be polled again.
const LONGEST_ASKED: Duration = Duration::from_secs(30 * 86_400);
/// A host that asked for rest is asked so much more slowly at most: the spacing doubles so often.
const MAX_DOUBLINGS: u32 = 6;
/// What doubles where no spacing is configured.
const LEAST_SPACING: Duration = Duration::from_secs(1);
/// Good answers after which one such answer is forgiven.
const FORGIVEN_AFTER: u32 = 20;

/// The doors of all hosts.
#[derive(Debug)]
pub struct Hosts {
    connections: usize,
    spacing: Duration,
    concurrency: usize,
    own: Vec<HostConfig>,
    all: Arc<Semaphore>,
    doors: Arc<Mutex<HashMap<String, Door>>>,
    waiting: AtomicUsize,
}

#[derive(Debug)]
struct Door {
    places: Arc<Semaphore>,
    /// When the next request may begin.
    next: Instant,
    /// Polls that were let to wait here.
    waiting: usize,
    /// The last time that was given to a poll for which there was no room to wait.
    given: Timestamp,
    /// Until then nobody is let in.
    rest_until: Timestamp,
    /// Answers that asked for rest, each not yet forgiven.
    strikes: u32,
    /// Good answers since.
    good: u32,
}

/// A request that may be made; its places are free again when this is dropped.
#[derive(Debug)]
pub struct Entrance {
    _at_host: Option<OwnedSemaphorePermit>,
    _of_all: Option<OwnedSemaphorePermit>,
}

/// Room to wait at a door, until this is dropped.
#[derive(Debug)]
pub struct Ticket {
    host: String,
    doors: Arc<Mutex<HashMap<String, Door>>>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(door) = doors.get_mut(&self.host) {
            door.waiting = door.waiting.saturating_sub(1);
        }
    }
}

/// Counts a request that waits, until this is dropped: a poll that is stopped waits no longer.
struct Waits<'a>(&'a AtomicUsize);

impl<'a> Waits<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a poll is told at the door.
#[derive(Debug)]
pub enum Place {
    /// It may wait.
    Here(Ticket),
    /// It is to come back then, for this reason.
    Later(Timestamp, &'static str),
}

impl Hosts {
    /// The doors as they are configured; `all` requests at once to all hosts together.
    #[must_use]
    pub fn new(config: &FetchConfig, all: usize) -> Self {
        Self {
            connections: config.host_connections,
            spacing: config.host_spacing,
            concurrency: all,
            own: config.hosts.clone(),
            all: Arc::new(Semaphore::new(all)),
            doors: Arc::default(),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Hosts that asked other processes for rest, before this one began or beside it.
    pub fn remember(&self, rests: Vec<HostRest>) {
        for rest in rests {
            self.with_door(&rest.name, |door| {
                // What this one was told later counts.
                if rest.until > door.rest_until {
                    door.rest_until = rest.until;
                    door.strikes = rest.strikes;
                }
            });
        }
    }

    /// Waits until a request to the host may begin. Who waits for one host takes no place from those who ask another.
    pub async fn enter(&self, host: &str) -> Entrance {
        let _waits = Waits::new(&self.waiting);
        // No semaphore here is ever closed, so no place is ever refused.
        let places = self.with_door(host, |door| Arc::clone(&door.places));
        let at_host = places.acquire_owned().await.ok();
        let spacing = self.spacing_of(host);
        let begin = self.with_door(host, |door| {
            let begin = door.next.max(Instant::now());
            door.next = begin + slowed(spacing, door.strikes);
            begin
        });
        if begin > Instant::now() {
            tokio::time::sleep_until(begin).await;
        }
        let of_all = Arc::clone(&self.all).acquire_owned().await.ok();
        // It begins only now: the next one counts from here.
        self.with_door(host, |door| {
            door.next = door.next.max(Instant::now() + slowed(spacing, door.strikes));
        });
        Entrance {
            _at_host: at_host,
            _of_all: of_all,
        }
    }

    /// Requests that wait until they may begin.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Until when the host wants to be left alone; None: it does not.
    #[must_use]
    pub fn resting(&self, host: &str, now: Timestamp) -> Option<Timestamp> {
        self.with_door(host, |door| Some(door.rest_until).filter(|until| *until > now))
    }

    /// Room to wait for the host, or the time to come back: so the feeds of one host never fill the room of all others.
    #[must_use]
    pub fn place(&self, host: &str, now: Timestamp) -> Place {
        let most = (WAITING * self.connections_of(host)).min(self.concurrency / 2);
        let spacing = self.spacing_of(host);
        self.with_door(host, |door| {
            let spacing = slowed(spacing, door.strikes);
            // So many that each has its turn before long.
            let in_time = LONGEST_WAIT.as_millis().checked_div(spacing.as_millis());
            let in_time = in_time.map_or(usize::MAX, |turns| usize::try_from(turns).unwrap_or(usize::MAX));
            let room = most.min(in_time).max(1);
            if door.rest_until > now {
                return Place::Later(door.rest_until, "its host asked to be left alone until then");
            }
            if door.waiting < room {
                door.waiting += 1;
                let (host, doors) = (host.to_owned(), Arc::clone(&self.doors));
                return Place::Here(Ticket { host, doors });
            }
            let spacing = spacing.max(LEAST_SPACING);
            let after_these = later(now, spacing.saturating_mul(u32::try_from(room).unwrap_or(u32::MAX)));
            door.given = later(door.given, spacing).max(after_these);
            Place::Later(door.given, "other feeds of its host are polled before it")
        })
    }

    /// The host asked for rest, of this length or of ours. None: one of the operator's own, where that concerns only the feed.
    pub fn strike(&self, host: &str, asked: Option<Duration>, now: Timestamp, why: &str) -> Option<HostRest> {
        if self.own(host).is_some_and(|own| !own.shares_rest) {
            return None;
        }
        Some(self.with_door(host, |door| {
            door.strikes = door.strikes.saturating_add(1);
            door.good = 0;
            let doubled = REST
                .saturating_mul(2_u32.saturating_pow(door.strikes - 1))
                .min(LONGEST_REST);
            door.rest_until = door
                .rest_until
                .max(later(now, asked.map_or(doubled, |asked| asked.min(LONGEST_ASKED))));
            HostRest {
                name: host.to_owned(),
                until: door.rest_until,
                strikes: door.strikes,
                why: why.to_owned(),
            }
        }))
    }

    /// The host answered well. Some: that was the last of the good answers which make up for one that asked for rest.
    pub fn ease(&self, host: &str) -> Option<HostRest> {
        self.with_door(host, |door| {
            door.good = door.good.saturating_add(1);
            if door.strikes == 0 || door.good < FORGIVEN_AFTER {
                return None;
            }
            door.good = 0;
            door.strikes -= 1;
            Some(HostRest {
                name: host.to_owned(),
                until: door.rest_until,
                strikes: door.strikes,
                why: "it answers again".to_owned(),
            })
        })
    }

    fn own(&self, host: &str) -> Option<&HostConfig> {
        self.own.iter().find(|own| own.is_of(host))
    }

    fn connections_of(&self, host: &str) -> usize {
        self.own(host)
            .and_then(|own| own.connections)
            .unwrap_or(self.connections)
    }

    fn spacing_of(&self, host: &str) -> Duration {
        self.own(host).and_then(|own| own.spacing).unwrap_or(self.spacing)
    }

    fn with_door<T>(&self, host: &str, act: impl FnOnce(&mut Door) -> T) -> T {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(door) = doors.get_mut(host) {
            return act(door);
        }
        if doors.len() >= REMEMBERED {
            let now = Instant::now();
            doors.retain(|_, door| {
                door.waiting > 0 || door.strikes > 0 || door.next > now || Arc::strong_count(&door.places) > 1
            });
        }
        act(doors.entry(host.to_owned()).or_insert_with(|| Door {
            places: Arc::new(Semaphore::new(self.connections_of(host))),
            next: Instant::now(),
            waiting: 0,
            given: Timestamp::MIN,
            rest_until: Timestamp::MIN,
            strikes: 0,
            good: 0,
        }))
    }
}

/// The spacing of a host that asked for rest so often.
fn slowed(spacing: Duration, strikes: u32) -> Duration {
    match strikes {
        0 => spacing,
        strikes => spacing.max(LEAST_SPACING) * 2_u32.pow(strikes.min(MAX_DOUBLINGS)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]
    use super::{Hosts, Place};
    use crate::config::{FetchConfig, HostConfig};
    use crate::model::poll::HostRest;
    use jiff::{SignedDuration, Timestamp};
    use std::time::Duration;
    use tokio::time::Instant;

    fn hosts(spacing: Duration) -> Hosts {
        let config = FetchConfig {
            allow_private_networks: Vec::new(),
            host_connections: 1,
            host_spacing: spacing,
            hosts: vec![HostConfig {
                name: "*.mine.example".to_owned(),
                connections: Some(4),
                spacing: Some(Duration::ZERO),
                shares_rest: false,
            }],
            timeout: Duration::from_secs(1),
            max_body_bytes: 1,
            contact: String::new(),
        };
        Hosts::new(&config, 64)
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn what_another_process_was_told_counts_unless_this_one_was_told_more() {
        let hosts = hosts(Duration::ZERO);
        let hours = |hours| NOW + SignedDuration::from_hours(hours);
        let told = |until| HostRest {
            name: "a.example".to_owned(),
            until,
            strikes: 1,
            why: String::new(),
        };
        hosts.remember(vec![told(hours(2))]);
        assert_eq!(hosts.resting("a.example", NOW), Some(hours(2)));
        hosts.strike("a.example", Some(Duration::from_secs(5 * 3600)), NOW, "");
        hosts.remember(vec![told(hours(3))]);
        assert_eq!(hosts.resting("a.example", NOW), Some(hours(5)));
        hosts.remember(vec![told(hours(7))]);
        assert_eq!(hosts.resting("a.example", NOW), Some(hours(7)));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_to_one_host_begin_apart_and_other_hosts_do_not_wait() {
        let hosts = hosts(Duration::from_secs(2));
        let start = Instant::now();
        for expected in [0, 2, 4] {
            drop(hosts.enter("a.example").await);
            assert_eq!(start.elapsed(), Duration::from_secs(expected));
        }
        drop(hosts.enter("b.example").await);
        drop(hosts.enter("x.mine.example").await);
        drop(hosts.enter("x.mine.example").await);
        assert_eq!(start.elapsed(), Duration::from_secs(4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_is_being_asked_is_not_asked_again_meanwhile() {
        let hosts = hosts(Duration::ZERO);
        let first = hosts.enter("a.example").await;
        let second = tokio::time::timeout(Duration::from_secs(3600), hosts.enter("a.example"));
        assert!(second.await.is_err());
        drop(first);
        drop(hosts.enter("a.example").await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bare_429_stops_a_host_for_longer_each_time_and_slows_it_until_it_is_forgiven() {
        let hosts = hosts(Duration::from_secs(1));
        let rest = |asked| {
            hosts
                .strike("a.example", asked, NOW, "429")
                .map(|rest| rest.until.as_second() / 60)
        };
        assert_eq!([rest(None), rest(None)], [Some(15), Some(30)]);
        assert_eq!(rest(Some(Duration::from_secs(7200))), Some(120));
        assert!(
            hosts
                .resting("a.example", NOW + SignedDuration::from_mins(119))
                .is_some()
        );
        assert!(
            hosts
                .resting("a.example", NOW + SignedDuration::from_mins(121))
                .is_none()
        );
        assert!(hosts.resting("b.example", NOW).is_none());
        let start = Instant::now();
        for expected in [0, 8, 16] {
            drop(hosts.enter("a.example").await);
            assert_eq!(start.elapsed(), Duration::from_secs(expected));
        }
        let forgiven = (0..60).filter_map(|_| hosts.ease("a.example")).map(|rest| rest.strikes);
        assert_eq!(forgiven.collect::<Vec<_>>(), [2, 1, 0]);
    }

    #[test]
    fn ones_own_host_may_answer_429_to_one_feed_only() {
        let hosts = hosts(Duration::from_secs(1));
        assert!(hosts.strike("x.mine.example", None, NOW, "429").is_none());
        assert!(hosts.resting("x.mine.example", NOW).is_none());
    }

    #[test]
    fn more_feeds_of_a_host_than_can_wait_get_times_of_their_own() {
        let hosts = hosts(Duration::from_secs(2));
        let mut here = Vec::new();
        let mut times = Vec::new();
        for _ in 0..12 {
            match hosts.place("a.example", NOW) {
                Place::Here(ticket) => here.push(ticket),
                Place::Later(at, _) => times.push(at.as_second()),
            }
        }
        assert_eq!((here.len(), &times[..]), (8, &[16, 18, 20, 22][..]));
        drop(here);
        let Place::Here(_) = hosts.place("a.example", NOW) else {
            panic!("there is room again");
        };
    }
}
