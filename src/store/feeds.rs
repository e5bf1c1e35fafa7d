//! The table of feeds: what is configured, what is due, and who is polling it.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::model::clock::{from_millis, later};
use crate::model::feed::{FeedForPoll, FeedId, FeedIntent, FeedUrl, Manner, Select, Validators, Wishes};
use crate::model::poll::Loss;
use crate::store::rows::{instant, maybe_instant, signed, unsigned};
use crate::store::subscriptions::{self, PUSHED};
use crate::store::{SqlResult, Store, StoreError};

/// Length of the ring of polls that is kept for each feed.
pub const POLLS_KEPT: u32 = 16;

/// No feed and no mail ever waits longer: publishers may ask for 30 days, and spreading adds a tenth.
const LONGEST_WAIT: Duration = Duration::from_secs(34 * 86_400);

/// Which feeds a poll wants.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// Those that are due.
    Due,
    /// These, due or not.
    These(Vec<FeedId>),
}

/// A feed as an operator sees it.
#[derive(Debug, Clone, Serialize)]
pub struct FeedStatus {
    /// The row.
    pub id: FeedId,
    /// As configured.
    pub name: String,
    /// The address, as configured.
    pub url: String,
    /// The feed that the page there offers, which is polled instead; empty: the address is the feed's own.
    pub offered_url: String,
    /// The group, or empty.
    pub group: String,
    /// What the feed calls itself, or empty.
    pub title: String,
    /// The site that the feed belongs to, or empty.
    pub site_link: String,
    /// When it is due; null: never again.
    pub next_poll_at: Option<Timestamp>,
    /// Why then.
    pub next_poll_why: String,
    /// The last poll that brought or confirmed a document.
    pub last_success_at: Option<Timestamp>,
    /// Polls so far.
    pub polls: u64,
    /// Failed polls in a row.
    pub failures: u32,
    /// Why the last poll failed; empty: it did not.
    pub error: String,
    /// Items kept.
    pub items: u64,
}

/// One of the last polls of a feed.
#[derive(Debug, Clone, Serialize)]
pub struct PollStatus {
    /// When it began.
    pub started_at: Timestamp,
    /// When its outcome was known.
    pub finished_at: Timestamp,
    /// `fetched`, `not_modified`, `unchanged` or `failed`.
    pub outcome: String,
    /// The HTTP status; null: no answer.
    pub status: Option<u16>,
    /// Bytes of the body.
    pub bytes: u64,
    /// Items stored.
    pub new: u64,
    /// Items changed.
    pub updated: u64,
    /// Why it failed, or empty.
    pub error: String,
    /// What of the document was lost or guessed.
    pub losses: Vec<Loss>,
}

impl Store {
    /// Makes the table of feeds say what the configuration says. Feeds that are gone from it keep their items and their history,
    /// and come back as they were. A feed under a new name at a known address is the same feed. A new address starts afresh.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn sync_feeds(&self, feeds: Vec<FeedIntent>) -> Result<(), StoreError> {
        let digest = digest_of(&feeds);
        let known = self
            .read("comparing feeds", |db| {
                db.query_row("select value from setting where name = 'feeds'", [], |row| {
                    row.get::<_, Vec<u8>>(0)
                })
                .optional()
            })
            .await?;
        if known.as_deref() == Some(&digest) {
            return Ok(());
        }
        self.write("storing the list of feeds", move |db| {
            sync(db, &feeds)?;
            db.execute("insert or replace into setting values ('feeds', ?)", [&digest[..]])?;
            Ok(())
        })
        .await
    }

    /// Takes feeds for polling: nobody else gets them until `lease` is over or the poll is committed.
    ///
    /// Of those that are due, the ones due longest come first.
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
            let until = later(now, lease).as_millisecond();
            let now = now.as_millisecond();
            match wanted {
                Wanted::Due => claimed(
                    db,
                    &format!(
                        "update feed set leased_until = ?2 where id in (
                             select id from feed where configured = 1 and next_poll_at <= ?1 and leased_until <= ?1
                             order by next_poll_at limit ?3) returning *, {PUSHED}"
                    ),
                    params![now, until, signed(limit)],
                ),
                Wanted::These(ids) => claimed(
                    db,
                    &format!(
                        "update feed set leased_until = ?2 where configured = 1 and leased_until <= ?1
                             and id in (select value from json_each(?3)) returning *, {PUSHED}"
                    ),
                    params![now, until, serde_json::json!(ids).to_string()],
                ),
            }
        })
        .await
    }

    /// When the next feed is due, or a claim of a feed that is due runs out; None when none ever is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read("looking for the next due feed", move |db| {
            // Each half by the index: feeds that are due are few, and of the others only the first is looked at.
            let sql = "select min(due) from (
                     select min(next_poll_at) as due from feed where configured = 1 and next_poll_at > ?1
                     union all select min(max(leased_until, next_poll_at)) from feed where configured = 1 and next_poll_at <= ?1)";
            db.prepare_cached(sql)?
                .query_row([now.as_millisecond()], |row| row.get::<_, Option<i64>>(0))
                .map(|due| due.map(from_millis))
        })
        .await
    }

    /// Gives back feeds that were claimed and not polled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back(&self, feeds: Vec<FeedId>) -> Result<(), StoreError> {
        self.write("giving back feeds", move |db| {
            db.prepare_cached("update feed set leased_until = 0 where id in (select value from json_each(?))")?
                .execute([serde_json::json!(feeds).to_string()])
                .map(|_| ())
        })
        .await
    }

    /// Gives back everything that was being polled or sent by processes that are gone. Only for who knows that there are no others.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_leases(&self) -> Result<(), StoreError> {
        self.write("giving back leases", |db| {
            db.execute("update feed set leased_until = 0 where leased_until > 0", [])?;
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
            db.execute("update feed set leased_until = 0 where leased_until > ?1", [beyond])?;
            db.execute(
                "update delivery set next_attempt_at = ?1 where next_attempt_at > ?2",
                [now, beyond],
            )?;
            db.execute(
                "update subscription set next_attempt_at = ?1, leased_until = 0 where next_attempt_at > ?2",
                [now, beyond],
            )?;
            Ok(())
        })
        .await
    }

    /// All configured feeds, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feeds(&self) -> Result<Vec<FeedStatus>, StoreError> {
        self.read("listing feeds", |db| {
            let mut statement = db.prepare_cached(
                "select feed.*, (select count(*) from item where feed_id = feed.id) as items
                 from feed where configured = 1 order by name",
            )?;
            let rows = statement.query_map([], status)?;
            rows.collect()
        })
        .await
    }

    /// Ids, names and groups of the configured feeds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_names(&self) -> Result<Vec<(FeedId, String, String)>, StoreError> {
        self.read("listing feeds", |db| {
            let mut statement = db.prepare_cached("select id, name, feed_group from feed where configured = 1")?;
            let rows = statement.query_map([], |row| Ok((FeedId(row.get(0)?), row.get(1)?, row.get(2)?)))?;
            rows.collect()
        })
        .await
    }

    /// Whether there are feeds that the configuration no longer names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_former_feeds(&self) -> Result<bool, StoreError> {
        self.read("looking for former feeds", |db| {
            db.prepare_cached("select exists (select 1 from feed where configured = 0)")?
                .query_row([], |row| row.get(0))
        })
        .await
    }

    /// The last polls of a feed, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recent_polls(&self, feed: FeedId) -> Result<Vec<PollStatus>, StoreError> {
        self.read("listing polls", move |db| {
            let mut statement = db.prepare_cached("select * from poll where feed_id = ? order by started_at desc")?;
            let rows = statement.query_map([feed.0], poll_status)?;
            rows.collect()
        })
        .await
    }
}

fn digest_of(feeds: &[FeedIntent]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for feed in feeds {
        for text in [&feed.name, feed.url.as_str(), &feed.group, &manner(feed)] {
            hasher.update(text.as_bytes());
            hasher.update(&[0]);
        }
    }
    *hasher.finalize().as_bytes()
}

/// What is there under a name and address is the same feed; then what is there under the address has a new name; then what is
/// there under the name has a new address, and starts afresh.
fn sync(db: &Connection, feeds: &[FeedIntent]) -> SqlResult<()> {
    let mut rows = Rows::read(db)?;
    db.execute("update feed set configured = 0 where configured = 1", [])?;
    let (same, others): (Vec<_>, Vec<_>) = feeds.iter().partition(|feed| rows.is_same(feed));
    let mut keep = db.prepare("update feed set configured = 1, name = ?2, feed_group = ?3 where id = ?1")?;
    // Who is to be read in another manner is asked for the whole document again, at once; with other selectors it is another source.
    let mut read_anew = db.prepare(
        "update feed set manner = ?2, etag = null, last_modified = null, document_hash = null, entries = 0, shrunk = 0,
             next_poll_at = 0, next_poll_why = 'it is read in another manner', failures = 0,
             offered_url = iif(?3, '', offered_url), last_success_at = iif(?3, null, last_success_at)
         where id = ?1 and manner <> ?2",
    )?;
    for feed in same {
        if let Some(id) = rows.take_by_name(&feed.name) {
            keep.execute(params![id, feed.name, feed.group])?;
            read_anew.execute(params![id, manner(feed), rows.selects_otherwise(id, feed)])?;
        }
    }
    let (moved, new): (Vec<_>, Vec<_>) = others
        .into_iter()
        .map(|feed| (rows.take_by_address(feed.url.as_str()), feed))
        .partition(|(id, _)| id.is_some());
    // Names are unique, and may go round in a circle: all that change are freed before any is given.
    let mut free = db.prepare("update feed set name = 'former ' || id || ': ' || name where id = ?")?;
    for (id, _) in &moved {
        free.execute([id])?;
    }
    let mut relocate = db.prepare(
        "update feed set configured = 1, url = ?2, feed_group = ?3, etag = null, last_modified = null, document_hash = null,
             offered_url = '', last_success_at = null, entries = 0, shrunk = 0, manner = ?4,
             next_poll_at = 0, next_poll_why = 'its address is new', failures = 0 where id = ?1",
    )?;
    let mut insert = db.prepare("insert into feed (name, url, feed_group, manner) values (?, ?, ?, ?)")?;
    for (id, feed) in moved {
        // A feed that is no longer polled may hold the name still.
        if let Some(holder) = rows.take_by_name(&feed.name) {
            free.execute([holder])?;
        }
        keep.execute(params![id, feed.name, feed.group])?;
        read_anew.execute(params![
            id,
            manner(feed),
            id.is_some_and(|id| rows.selects_otherwise(id, feed))
        ])?;
    }
    for (_, feed) in new {
        match rows.take_by_name(&feed.name) {
            Some(id) => relocate.execute(params![id, feed.url.as_str(), feed.group, manner(feed)])?,
            None => insert.execute(params![feed.name, feed.url.as_str(), feed.group, manner(feed)])?,
        };
    }
    Ok(())
}

fn manner(feed: &FeedIntent) -> String {
    serde_json::to_string(&feed.manner).unwrap_or_else(|_| "{}".to_owned())
}

/// The feeds that are there, until each is taken.
#[derive(Default)]
struct Rows {
    by_name: HashMap<String, (i64, String)>,
    by_address: HashMap<String, Vec<(i64, String)>>,
    /// Selectors of those that have any.
    selectors: HashMap<i64, Select>,
}

impl Rows {
    fn read(db: &Connection) -> SqlResult<Self> {
        let mut rows = Self::default();
        // Of several under one address, the configured one is the last, and taken first.
        let mut statement = db.prepare("select id, name, url, manner from feed order by configured, id")?;
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let (id, name, url): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let manner: Manner = serde_json::from_str(row.get_ref(3)?.as_str()?).unwrap_or_default();
            rows.selectors.extend(manner.select.map(|select| (id, select)));
            rows.by_address.entry(url.clone()).or_default().push((id, name.clone()));
            rows.by_name.insert(name, (id, url));
        }
        Ok(rows)
    }

    fn selects_otherwise(&self, id: i64, feed: &FeedIntent) -> bool {
        self.selectors.get(&id) != feed.manner.select.as_ref()
    }

    fn is_same(&self, feed: &FeedIntent) -> bool {
        self.by_name
            .get(&feed.name)
            .is_some_and(|(_, url)| url == feed.url.as_str())
    }

    fn take_by_name(&mut self, name: &str) -> Option<i64> {
        let (id, url) = self.by_name.remove(name)?;
        if let Some(twins) = self.by_address.get_mut(&url) {
            twins.retain(|(other, _)| *other != id);
        }
        Some(id)
    }

    fn take_by_address(&mut self, url: &str) -> Option<i64> {
        let (id, name) = self.by_address.get_mut(url)?.pop()?;
        self.by_name.remove(&name);
        Some(id)
    }
}

fn claimed(db: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> SqlResult<Vec<FeedForPoll>> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map(values, for_poll)?;
    let mut feeds = rows.collect::<SqlResult<Vec<_>>>()?;
    feeds.sort_by_key(|feed| (feed.due_at, feed.id));
    Ok(feeds)
}

fn for_poll(row: &Row<'_>) -> SqlResult<FeedForPoll> {
    let address = |text: String| {
        FeedUrl::parse(&text).map_err(|e| {
            rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, format!("{text}: {e}").into())
        })
    };
    let offered: String = row.get("offered_url")?;
    let manner: String = row.get("manner")?;
    let hash: Option<Vec<u8>> = row.get("document_hash")?;
    let due_at = maybe_instant(row, "next_poll_at")?;
    Ok(FeedForPoll {
        id: FeedId(row.get("id")?),
        name: row.get("name")?,
        url: address(row.get("url")?)?,
        validators: Validators {
            etag: row.get("etag")?,
            last_modified: row.get("last_modified")?,
        },
        document_hash: hash.and_then(|hash| hash.try_into().ok()),
        failures: unsigned(row.get("failures")?),
        wishes: Wishes {
            ttl_minutes: unsigned(row.get("ttl_minutes")?),
            skip_hours: unsigned(row.get("skip_hours")?),
            skip_days: unsigned(row.get("skip_days")?),
        },
        due_at: due_at.filter(|at| at.as_millisecond() > 0),
        was_read: row.get::<_, Option<i64>>("last_success_at")?.is_some(),
        offered: (!offered.is_empty()).then(|| address(offered)).transpose()?,
        manner: serde_json::from_str(&manner).unwrap_or_default(),
        offset_minutes: row.get("offset_minutes")?,
        entries: unsigned(row.get("entries")?),
        shrunk: unsigned(row.get("shrunk")?),
        pushed: subscriptions::pushed(row)?,
    })
}

fn status(row: &Row<'_>) -> SqlResult<FeedStatus> {
    Ok(FeedStatus {
        id: FeedId(row.get("id")?),
        name: row.get("name")?,
        url: row.get("url")?,
        offered_url: row.get("offered_url")?,
        group: row.get("feed_group")?,
        title: row.get("title")?,
        site_link: row.get("site_link")?,
        next_poll_at: maybe_instant(row, "next_poll_at")?,
        next_poll_why: row.get("next_poll_why")?,
        last_success_at: maybe_instant(row, "last_success_at")?,
        polls: unsigned(row.get("polls")?),
        failures: unsigned(row.get("failures")?),
        error: row.get("error")?,
        items: unsigned(row.get("items")?),
    })
}

fn poll_status(row: &Row<'_>) -> SqlResult<PollStatus> {
    Ok(PollStatus {
        started_at: instant(row, "started_at")?,
        finished_at: instant(row, "finished_at")?,
        outcome: row.get("outcome")?,
        status: row.get::<_, Option<i64>>("status")?.map(unsigned),
        bytes: unsigned(row.get("bytes")?),
        new: unsigned(row.get("new")?),
        updated: unsigned(row.get("updated")?),
        error: row.get("error")?,
        losses: serde_json::from_str(&row.get::<_, String>("losses")?).unwrap_or_default(),
    })
}
