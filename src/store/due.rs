//! Which feeds are due, and who is polling them: claims by leases, so that no transaction stays open over the network.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError};
use rusqlite::{Connection, Row, params};
use serde::de::DeserializeOwned;

use crate::model::clock::{from_millis, later};
use crate::model::entry_marks::EntryMarks;
use crate::model::feed::Pushed;
use crate::model::feed::{Candidate, FeedForPoll, FeedId, FeedUrl, Validators, Wishes};
use crate::model::identity::{IdentityPolicy, Learned};
use crate::model::item::MAX_HOLD;
use crate::store::rows::{signed, unsigned};
use crate::store::{SqlResult, Store, StoreError};

/// No feed and no mail ever waits longer: publishers may ask for 30 days, spreading adds a tenth, and days to skip a week.
const LONGEST_WAIT: Duration = Duration::from_secs(42 * 86_400);

/// Classes of feeds by how rarely they are polled (see `ingest/cadence::pace`).
const PACES: u32 = 17;
const MINUTE_MS: i64 = 60_000;

/// Which feeds a poll wants.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Those that are due.
    Due,
    /// These, due or not.
    These(Vec<FeedId>),
}

impl Store {
    /// Takes feeds for polling: nobody else gets them until `lease` is over or the poll is committed.
    ///
    /// Of those that are due, the ones come first that are late by most of their usual waits: after a standstill, who has news every
    /// hour is asked before who has some every week. One that was never polled counts as late by one wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(
        &self,
        wanted: Wanted,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<FeedForPoll>, StoreError> {
        self.write("taking feeds that are due", move |db| {
            let ids = match wanted {
                Wanted::Due => most_late(db, now, limit)?,
                Wanted::These(ids) => ids,
            };
            let ids = serde_json::json!(ids).to_string();
            let until = later(now, lease).as_millisecond();
            let mut statement = db.prepare_cached(CLAIM)?;
            let rows = statement.query_map(params![now.as_millisecond(), ids], for_poll)?;
            let mut feeds = rows.collect::<SqlResult<Vec<_>>>()?;
            let mut lease = db.prepare_cached("insert or replace into lease (feed_id, until) values (?, ?)")?;
            for feed in &feeds {
                lease.execute(params![feed.id.0, until])?;
            }
            feeds.sort_by_key(|feed| (feed.due_at, feed.id));
            Ok(feeds)
        })
        .await
    }

    /// When the next feed is due, or a claim of a feed that is due runs out; None when none ever is.
    ///
    /// To be asked when nothing was left to claim: what is due and claimed by somebody is looked at row by row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read("looking for the next due feed", move |db| {
            let now = now.as_millisecond();
            let mut coming = db.prepare_cached(
                "select min(next_poll_at) from feed where configured = 1 and pace = ?1 and next_poll_at > ?2",
            )?;
            let mut leased = db.prepare_cached(
                "select min(max(coalesce(until, 0), next_poll_at)) from feed left join lease on feed_id = id
                 where configured = 1 and pace = ?1 and next_poll_at <= ?2",
            )?;
            let mut first: Option<i64> = None;
            for pace in 0..PACES {
                for statement in [&mut coming, &mut leased] {
                    let due = statement.query_row(params![pace, now], |row| row.get::<_, Option<i64>>(0))?;
                    first = first.into_iter().chain(due).min();
                }
            }
            Ok(first.map(from_millis))
        })
        .await
    }

    /// Gives back feeds that were claimed, each to be polled at another time, for a reason.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn postpone(&self, feeds: Vec<(FeedId, Timestamp, String)>) -> Result<(), StoreError> {
        self.write("postponing polls", move |db| {
            let mut statement =
                db.prepare_cached("update feed set next_poll_at = ?2, next_poll_why = ?3 where id = ?1")?;
            for (feed, at, why) in &feeds {
                statement.execute(params![feed.0, at.as_millisecond(), why])?;
                give_back(db, *feed)?;
            }
            Ok(())
        })
        .await
    }

    /// Gives back feeds that were claimed and not polled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self, feeds: Vec<FeedId>) -> Result<(), StoreError> {
        self.write("giving back feeds", move |db| {
            feeds.iter().try_for_each(|feed| give_back(db, *feed))
        })
        .await
    }

    /// Gives back everything that was being polled or sent by processes that are gone. Only for who knows that there are no others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_leases(&self) -> Result<(), StoreError> {
        self.write("giving back leases", |db| {
            db.execute("delete from lease", [])?;
            db.execute("update delivery set leased_until = 0 where leased_until > 0", [])?;
            db.execute("update subscription set leased_until = 0 where leased_until > 0", [])?;
            Ok(())
        })
        .await
    }

    /// Makes due what waits for a time beyond any wait that is ever given: a clock that was ahead has left it there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn mend_due_times(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write("mending due times", move |db| {
            let (beyond, now) = (later(now, LONGEST_WAIT).as_millisecond(), now.as_millisecond());
            db.execute(
                "update feed set next_poll_at = ?1 where next_poll_at > ?2",
                [now, beyond],
            )?;
            db.execute("delete from lease where until > ?1", [beyond])?;
            db.execute("update host set wait_until = ?1 where wait_until > ?2", [now, beyond])?;
            db.execute(
                "update item set held_until = ?1 where story_id is null and held_until > ?1 + ?2",
                [now, signed(MAX_HOLD.as_millis())],
            )?;
            db.execute(
                "update delivery set next_attempt_at = ?1 where next_attempt_at > ?2",
                [now, beyond],
            )?;
            db.execute(
                "update subscription set next_attempt_at = ?1, leased_until = 0 where next_attempt_at > ?2",
                [now, beyond],
            )?;
            db.execute(
                "update subscription set lease_ends_at = ?1 where lease_ends_at > ?2",
                [now, beyond],
            )?;
            Ok(())
        })
        .await
    }
}

/// Nobody polls the feed any more.
pub(super) fn give_back(db: &Connection, feed: FeedId) -> SqlResult<()> {
    db.prepare_cached("delete from lease where feed_id = ?")?
        .execute([feed.0])
        .map(|_| ())
}

/// The feeds that are due and late by most of their usual waits. Within a pace those are the ones due longest, which the index knows.
fn most_late(db: &Connection, now: Timestamp, limit: usize) -> SqlResult<Vec<FeedId>> {
    let now = now.as_millisecond();
    let mut of_pace = db.prepare_cached(
        "select id, next_poll_at from feed where configured = 1 and pace = ?1 and next_poll_at <= ?2
         and not exists (select 1 from lease where feed_id = id and until > ?2) order by next_poll_at limit ?3",
    )?;
    let mut late: Vec<(i64, FeedId)> = Vec::new();
    for pace in 0..PACES {
        let mut rows = of_pace.query(params![pace, now, signed(limit)])?;
        while let Some(row) = rows.next()? {
            let due: i64 = row.get(1)?;
            let waited = if due == 0 { MINUTE_MS << pace } else { now - due };
            // In thousandths of the shortest wait of this pace.
            late.push((waited.saturating_mul(1000) / (MINUTE_MS << pace), FeedId(row.get(0)?)));
        }
    }
    late.sort_unstable_by_key(|(waits, id)| (std::cmp::Reverse(*waits), *id));
    late.truncate(limit);
    Ok(late.into_iter().map(|(_, id)| id).collect())
}

/// The columns of a claim, in the order in which [`for_poll`] takes them. The last tells of the feed's hub.
const CLAIM: &str = "select id, name, url, etag, last_modified, validators_url, document_hash, failures, failing_since, last_success_at, rhythm,
         ttl_minutes, skip_hours, skip_days, fresh_seconds, next_poll_at, offered_url, moved_url, move_url, move_since, move_polls, refused_url,
         site_link, searched_at, access, manner, offset_minutes, entries, entry_marks, shrunk, identity, identity_doubts,
         (select trusted from subscription where feed_id = feed.id and state = 'active' and lease_ends_at > ?1)
     from feed where configured = 1 and id in (select value from json_each(?2))
         and not exists (select 1 from lease where feed_id = feed.id and until > ?1)";

/// Takes the columns of a row one after another.
struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl Columns<'_> {
    fn take<T: FromSql>(&mut self) -> SqlResult<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    fn number<T: TryFrom<i64> + Default>(&mut self) -> SqlResult<T> {
        self.take().map(unsigned)
    }

    fn instant(&mut self) -> SqlResult<Option<Timestamp>> {
        self.take::<Option<i64>>().map(|millis| millis.map(from_millis))
    }

    /// An address; None: empty.
    fn address(&mut self) -> SqlResult<Option<FeedUrl>> {
        let text: String = self.take()?;
        let wrong = |e| FromSqlError::Other(format!("{text}: {e}").into()).into();
        (!text.is_empty())
            .then(|| FeedUrl::parse(&text).map_err(wrong))
            .transpose()
    }

    /// What is stored as JSON; the default where it is empty.
    fn json<T: DeserializeOwned + Default>(&mut self) -> SqlResult<T> {
        let text: String = self.take()?;
        Ok(match text.as_str() {
            "" | "{}" => T::default(),
            text => serde_json::from_str(text).unwrap_or_default(),
        })
    }
}

fn for_poll(row: &Row<'_>) -> SqlResult<FeedForPoll> {
    let mut columns = Columns { row, next: 0 };
    // Fields are read in the order in which they are written here.
    Ok(FeedForPoll {
        id: FeedId(columns.take()?),
        name: columns.take()?,
        url: columns
            .address()?
            .ok_or_else(|| FromSqlError::Other("a feed without an address".into()))?,
        validators: Validators {
            etag: columns.take()?,
            last_modified: columns.take()?,
            from: columns.address()?,
        },
        document_hash: columns.take::<Option<Vec<u8>>>()?.and_then(|hash| hash.try_into().ok()),
        failures: columns.number()?,
        failing_since: columns.instant()?,
        last_success_at: columns.instant()?,
        rhythm: columns.take()?,
        wishes: Wishes {
            ttl_minutes: columns.number()?,
            skip_hours: columns.number()?,
            skip_days: columns.number()?,
        },
        fresh_for: Some(columns.number()?)
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs),
        due_at: columns.instant()?.filter(|at| at.as_millisecond() > 0),
        offered: columns.address()?,
        moved: columns.address()?,
        candidate: candidate(columns.address()?, columns.instant()?, columns.number()?),
        refused: columns.take()?,
        site_link: columns.take()?,
        searched_at: columns.instant()?,
        access: columns.json()?,
        manner: columns.json()?,
        offset_minutes: columns.take()?,
        entries: columns.number()?,
        entry_marks: columns
            .take::<Option<Vec<u8>>>()?
            .map(|marks| EntryMarks::from_bytes(&marks)),
        shrunk: columns.number()?,
        identity: Learned {
            policy: IdentityPolicy::parse(&columns.take::<String>()?).unwrap_or_default(),
            doubts: columns.number()?,
        },
        pushed: match columns.take::<Option<bool>>()? {
            None => Pushed::Never,
            Some(false) => Pushed::Promised,
            Some(true) => Pushed::Proven,
        },
    })
}

fn candidate(to: Option<FeedUrl>, since: Option<Timestamp>, polls: u32) -> Option<Candidate> {
    Some(Candidate {
        to: to?,
        since: since?,
        polls,
    })
}
