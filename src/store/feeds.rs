//! The table of feeds: what is configured, what is due, and who is polling it.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::model::feed::{FeedId, FeedIntent, Manner, Select};
use crate::model::poll::Loss;
use crate::store::rows::{instant, maybe_instant, unsigned};
use crate::store::{SqlResult, Store, StoreError};

/// Length of the ring of polls that is kept for each feed.
pub const POLLS_KEPT: u32 = 10;

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
    /// The first of them.
    pub failing_since: Option<Timestamp>,
    /// The name of the last failure; empty: it did not fail.
    pub failure: String,
    /// Why the last poll failed; empty: it did not.
    pub error: String,
    /// What the operator should know, though nothing failed; empty: nothing.
    pub notice: String,
    /// Where it has moved, and is asked since `moved_at`; empty: where the configuration says.
    pub moved_url: String,
    /// When it moved; null: it did not, or the operator moved it.
    pub moved_at: Option<Timestamp>,
    /// Where permanent redirects lead, not yet believed; empty: nowhere.
    pub move_url: String,
    /// A feed that was found on its site while it failed; empty: none.
    pub proposed_url: String,
    /// What the publisher asked for.
    pub asked: AskedFor,
    /// How it was treated.
    pub politeness: Politeness,
    /// Items kept.
    pub items: u64,
}

/// What a publisher asked for, last.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AskedFor {
    /// `max-age` or `Expires`, in seconds; 0: neither.
    pub fresh_seconds: u64,
    /// `Retry-After`, in seconds; 0: none.
    pub retry_after_seconds: u64,
    /// RSS `ttl`; 0: none.
    pub ttl_minutes: u32,
    /// RSS `skipHours`, in UTC.
    pub skip_hours: Vec<u32>,
    /// RSS `skipDays`, in UTC.
    pub skip_days: Vec<&'static str>,
}

/// How a publisher was treated, over all polls.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Politeness {
    /// Polls.
    pub requests: u64,
    /// Of those, sent with validators.
    pub conditional: u64,
    /// Of those, answered 304.
    pub not_modified: u64,
    /// Bytes received, decompressed.
    pub bytes: u64,
    /// Items stored.
    pub new_items: u64,
}

/// A time in which items were probably missed.
#[derive(Debug, Clone, Serialize)]
pub struct GapStatus {
    /// The last poll before it.
    pub after: Timestamp,
    /// The first poll after it.
    pub before: Timestamp,
    /// Items found in older documents.
    pub filled: u64,
    /// Older documents that were read.
    pub pages: u64,
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
    /// The name of the failure; empty: it did not fail.
    pub failure: String,
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

    /// The configured feed of this name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed(&self, name: &str) -> Result<Option<FeedStatus>, StoreError> {
        let name = name.to_owned();
        self.read("looking up a feed", move |db| {
            db.prepare_cached(
                "select feed.*, (select count(*) from item where feed_id = feed.id) as items
                 from feed where configured = 1 and name = ?",
            )?
            .query_row([name], status)
            .optional()
        })
        .await
    }

    /// The last gaps of a feed, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn gaps(&self, feed: FeedId) -> Result<Vec<GapStatus>, StoreError> {
        self.read("listing gaps", move |db| {
            let mut statement = db.prepare_cached("select * from gap where feed_id = ? order by id desc")?;
            let rows = statement.query_map([feed.0], |row| {
                Ok(GapStatus {
                    after: instant(row, "after_at")?,
                    before: instant(row, "before_at")?,
                    filled: unsigned(row.get("filled")?),
                    pages: unsigned(row.get("pages")?),
                })
            })?;
            rows.collect()
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
        failing_since: maybe_instant(row, "failing_since")?,
        failure: row.get("failure")?,
        error: row.get("error")?,
        notice: row.get("notice")?,
        moved_url: row.get("moved_url")?,
        moved_at: maybe_instant(row, "moved_at")?,
        move_url: row.get("move_url")?,
        proposed_url: row.get("proposed_url")?,
        asked: asked_for(row)?,
        politeness: Politeness {
            requests: unsigned(row.get("polls")?),
            conditional: unsigned(row.get("conditional_polls")?),
            not_modified: unsigned(row.get("not_modified_polls")?),
            bytes: unsigned(row.get("bytes_received")?),
            new_items: unsigned(row.get("items_stored")?),
        },
        items: unsigned(row.get("items")?),
    })
}

fn asked_for(row: &Row<'_>) -> SqlResult<AskedFor> {
    const DAYS: [&str; 7] = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    let (hours, days): (u32, u32) = (unsigned(row.get("skip_hours")?), unsigned(row.get("skip_days")?));
    Ok(AskedFor {
        fresh_seconds: unsigned(row.get("fresh_seconds")?),
        retry_after_seconds: unsigned(row.get("retry_after_seconds")?),
        ttl_minutes: unsigned(row.get("ttl_minutes")?),
        skip_hours: (0..24).filter(|hour| hours >> hour & 1 == 1).collect(),
        skip_days: DAYS
            .into_iter()
            .enumerate()
            .filter_map(|(day, name)| (days >> day & 1 == 1).then_some(name))
            .collect(),
    })
}

fn poll_status(row: &Row<'_>) -> SqlResult<PollStatus> {
    Ok(PollStatus {
        started_at: instant(row, "started_at")?,
        finished_at: instant(row, "finished_at")?,
        outcome: row.get("outcome")?,
        failure: row.get("failure")?,
        status: row.get::<_, Option<i64>>("status")?.map(unsigned),
        bytes: unsigned(row.get("bytes")?),
        new: unsigned(row.get("new")?),
        updated: unsigned(row.get("updated")?),
        error: row.get("error")?,
        losses: serde_json::from_str(&row.get::<_, String>("losses")?).unwrap_or_default(),
    })
}
