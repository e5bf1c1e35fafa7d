//! The inbox: documents that hubs have pushed wait here until their feed is free. It is bounded, and the newest win.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::clock::from_millis;
use crate::model::entry_marks::EntryMarks;
use crate::model::feed::{FeedId, Wishes};
use crate::model::poll::{Committed, ItemChange};
use crate::model::subscription::{Push, PushId, PushIntent, SubscriptionId};
use crate::store::rows::{signed, unsigned};
use crate::store::{SqlResult, Store, StoreError, due, polls, subscriptions};

/// Documents of one feed that wait.
pub const WAITING_PER_FEED: u32 = 8;
/// Bytes of all documents that wait; the newest may wait alone, however large it is.
const WAITING_BYTES: u64 = 64 << 20;
/// After so many begun readings a document is given up: it may be what stops them.
const MAX_TRIES: u32 = 3;
/// What waits for longer is older than what polls have brought since.
const TOO_OLD: Duration = Duration::from_secs(86_400);

impl Store {
    /// Stores what a hub has pushed; what does not fit beside it is dropped, and counted. `body` None: only that there is something new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn receive_push(
        &self,
        subscription: SubscriptionId,
        content_type: String,
        body: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write("storing a pushed document", move |db| {
            // Who says twice that there is something new has said it.
            let inserted = db
                .prepare_cached(
                    "insert into push (feed_id, received_at, content_type, body)
                     select feed_id, ?2, ?3, ?4 from subscription as s where id = ?1
                         and (?4 is not null or not exists (select 1 from push where feed_id = s.feed_id and body is null))",
                )?
                .execute(params![subscription.0, now.as_millisecond(), content_type, body])?;
            if inserted > 0 { make_room(db) } else { Ok(()) }
        })
        .await
    }

    /// Counts something that a hub has pushed, and that is not believed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ignore_push(&self, subscription: SubscriptionId, reason: &'static str) -> Result<(), StoreError> {
        self.write("counting an ignored push", move |db| {
            db.prepare_cached("update subscription set ignored = ignored + 1, error = ? where id = ?")?
                .execute(params![reason, subscription.0])
                .map(|_| ())
        })
        .await
    }

    /// Feeds with documents that wait and that nobody polls, longest waiting first; and whether others wait.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn pushed_feeds(&self, now: Timestamp) -> Result<(Vec<FeedId>, bool), StoreError> {
        self.write("looking into the inbox", move |db| {
            db.prepare_cached("delete from push where not exists (select 1 from feed where id = feed_id and configured = 1)")?
                .execute([])?;
            let oldest = now.as_millisecond().saturating_sub(signed(TOO_OLD.as_millis()));
            let given_up = {
                let mut statement =
                    db.prepare_cached("delete from push where received_at < ?1 or tries >= ?2 returning feed_id")?;
                let rows = statement.query_map(params![oldest, MAX_TRIES], |row| row.get(0))?;
                rows.collect::<SqlResult<Vec<i64>>>()?
            };
            dropped(db, given_up, "what its hub pushed could not be taken in")?;
            let mut statement = db.prepare_cached(
                "select feed_id, not exists (select 1 from lease where lease.feed_id = push.feed_id and until > ?) from push
                 group by feed_id order by min(id)",
            )?;
            let rows = statement.query_map([now.as_millisecond()], |row| Ok((FeedId(row.get(0)?), row.get(1)?)))?;
            let rows = rows.collect::<SqlResult<Vec<(FeedId, bool)>>>()?;
            let (free, busy): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, is_free)| *is_free);
            Ok((free.into_iter().map(|(feed, _)| feed).collect(), !busy.is_empty()))
        })
        .await
    }

    /// The document of a feed that has waited longest; it stays until it is struck off.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_push(&self, feed: FeedId) -> Result<Option<Push>, StoreError> {
        self.write("taking a pushed document", move |db| {
            db.prepare_cached(
                "update push set tries = tries + 1 where id = (select min(id) from push where feed_id = ?)
                 returning id, feed_id, content_type, body",
            )?
            .query_row([feed.0], |row| {
                Ok(Push {
                    id: PushId(row.get(0)?),
                    feed: FeedId(row.get(1)?),
                    content_type: row.get(2)?,
                    body: row.get(3)?,
                })
            })
            .optional()
        })
        .await
    }

    /// Commits what a pushed document brought, strikes it off and gives back the lease of its feed: all of it, or nothing. Nobody was
    /// asked: it counts as no poll.
    ///
    /// # Errors
    /// When the database fails; then it is as if the document had not been read.
    pub async fn commit_push(&self, intent: PushIntent) -> Result<Committed, StoreError> {
        let tail = self.tail.clone();
        self.write("storing what a hub has pushed", move |db| {
            let feed = intent.feed;
            let committed = polls::write_changes(db, &tail, feed, &intent.changes, intent.read_at)?;
            // A hub may be behind its publisher: what it changed is looked at again, whole, by the next poll. Who is gone stays so.
            let is_edited = intent
                .changes
                .iter()
                .any(|change| !matches!(change, ItemChange::New { .. }));
            if is_edited {
                db.prepare_cached(
                    "update feed set etag = null, last_modified = null, document_hash = null where id = ?",
                )?
                .execute([feed.0])?;
            }
            db.prepare_cached(
                "update feed set next_poll_at = iif(next_poll_at is null, null, ?2),
                     next_poll_why = iif(next_poll_at is null, next_poll_why, coalesce(?3, next_poll_why)),
                     pace = iif(?3 is null, pace, ?4), rhythm = coalesce(?5, rhythm), entry_marks = ?6 where id = ?1",
            )?
            .execute(params![
                feed.0,
                intent.sharing.next_poll_at.map(Timestamp::as_millisecond),
                intent.reason,
                intent.pace,
                intent.rhythm,
                intent.entry_marks.as_ref().map(EntryMarks::as_bytes),
            ])?;
            due::give_back(db, feed)?;
            subscriptions::write_sharing(db, feed, &intent.sharing)?;
            strike_off(db, intent.push, feed, None, intent.read_at)?;
            Ok(committed)
        })
        .await
    }

    /// Strikes off what brought no items: it said only that there is something new, or was not worth it for this reason.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn strike_off_push(
        &self,
        push: PushId,
        feed: FeedId,
        error: Option<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write("striking off a pushed document", move |db| {
            strike_off(db, push, feed, error.as_deref(), now)
        })
        .await
    }

    /// Polls a feed soon: its hub says that there is something new. Not before `gap` has passed since its last poll, not while it
    /// fails, and not when its publisher wants to be left alone: `welcome` gives the first instant at which it does not, by the feed's
    /// wishes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn poll_soon(
        &self,
        feed: FeedId,
        gap: Duration,
        now: Timestamp,
        welcome: fn(Timestamp, Wishes) -> Timestamp,
    ) -> Result<(), StoreError> {
        self.write("hastening a poll", move |db| {
            let last = db
                .prepare_cached("select coalesce(max(finished_at), 0) from poll where feed_id = ?")?
                .query_row([feed.0], |row| row.get::<_, i64>(0))?;
            let soon = last.saturating_add(signed(gap.as_millis())).max(now.as_millisecond());
            let wishes = db
                .prepare_cached(
                    "select ttl_minutes, skip_hours, skip_days, max(fresh_seconds, retry_after_seconds, 60 * ttl_minutes)
                     from feed where id = ?",
                )?
                .query_row([feed.0], |row| {
                    let wishes = Wishes {
                        ttl_minutes: unsigned(row.get(0)?),
                        skip_hours: unsigned(row.get(1)?),
                        skip_days: unsigned(row.get(2)?),
                    };
                    Ok((wishes, row.get::<_, i64>(3)?))
                })
                .optional()?;
            let Some((wishes, seconds)) = wishes else {
                return Ok(());
            };
            let asked = last.saturating_add(seconds.saturating_mul(1000));
            let at = welcome(from_millis(soon.max(asked)), wishes);
            db.prepare_cached(
                "update feed set next_poll_at = ?2, next_poll_why = 'its hub says that there is something new'
                 where id = ?1 and configured = 1 and failures = 0 and next_poll_at > ?2",
            )?
            .execute([feed.0, at.as_millisecond()])
            .map(|_| ())
        })
        .await
    }
}

fn strike_off(db: &Connection, push: PushId, feed: FeedId, error: Option<&str>, now: Timestamp) -> SqlResult<()> {
    db.prepare_cached("delete from push where id = ?")?.execute([push.0])?;
    db.prepare_cached(
        "update subscription set pushes = pushes + (?2 is null), ignored = ignored + (?2 is not null),
             last_push_at = iif(?2 is null, ?3, last_push_at), error = coalesce(?2, '')
         where feed_id = ?1 and state <> 'leaving'",
    )?
    .execute(params![feed.0, error, now.as_millisecond()])
    .map(|_| ())
}

/// Drops the oldest documents where there are too many. What they said is found by a poll, which comes when it would without the hub.
fn make_room(db: &Connection) -> SqlResult<()> {
    let mut statement = db.prepare_cached(
        "delete from push where id in (
             select id from (
                 select id, row_number() over (partition by feed_id order by id desc) as place,
                     sum(length(body)) over (order by id desc) as bytes, max(id) over () as newest
                 from push)
             where place > ?1 or (bytes > ?2 and id < newest)) returning feed_id",
    )?;
    let rows = statement.query_map(params![WAITING_PER_FEED, signed(WAITING_BYTES)], |row| row.get(0))?;
    let feeds = rows.collect::<SqlResult<Vec<i64>>>()?;
    dropped(db, feeds, "its hub pushed more than could be kept")
}

/// Documents of these feeds were dropped: they are polled when they would be without their hubs.
fn dropped(db: &Connection, feeds: Vec<i64>, why: &str) -> SqlResult<()> {
    for feed in feeds {
        db.prepare_cached(
            "update feed set next_poll_at = unpushed_poll_at, next_poll_why = ?2
             from subscription where feed.id = ?1 and feed_id = feed.id and next_poll_at > unpushed_poll_at",
        )?
        .execute(params![feed, why])?;
        db.prepare_cached("update subscription set dropped = dropped + 1 where feed_id = ? and state <> 'leaving'")?
            .execute([feed])?;
    }
    Ok(())
}
