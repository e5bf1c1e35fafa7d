//! The table of subscriptions: which hub was asked for what, what it has agreed to, and until when (WebSub).

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::model::clock::later;
use crate::model::feed::FeedId;
use crate::model::poll::Sharing;
use crate::model::subscription::{HubRequest, NewSubscription, SubscriptionId, Unsubscribed, Wish};
use crate::store::rows::{maybe_instant, signed, unsigned};
use crate::store::{SqlResult, Store, StoreError};

/// New subscriptions in one transaction.
const BATCH: usize = 500;
/// After so many requests without an answer a hub is left without its consent: its lease runs out by itself.
const LAST_WORDS: u32 = 6;
/// The address under which a hub knows a feed: what the feed says, or else the address asked.
const TOPIC: &str = "coalesce(nullif(topic_url, ''), nullif(moved_url, ''), nullif(offered_url, ''), url)";

/// A subscription as an operator sees it.
#[derive(Debug, Clone, Serialize)]
pub struct SubscriptionStatus {
    /// The address of the hub.
    pub hub: String,
    /// The address under which the hub knows the feed.
    pub topic: String,
    /// `wanted`, `active`, `denied` or `leaving`.
    pub state: String,
    /// Whether polls are rare, since the hub pushes.
    pub trusted: bool,
    /// Until when the hub has agreed to push; null: it never has, or has refused since.
    pub lease_ends_at: Option<Timestamp>,
    /// When the hub is asked next.
    pub next_attempt_at: Option<Timestamp>,
    /// The last document that came and was read.
    pub last_push_at: Option<Timestamp>,
    /// Documents that were read.
    pub pushes: u64,
    /// Documents that were not worth it: not signed as agreed, or no feed.
    pub ignored: u64,
    /// Documents that gave way to newer ones before they were read.
    pub dropped: u64,
    /// What went wrong last, or empty.
    pub error: String,
}

/// What a hub asks at an address of ours: whose the address is.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The subscription.
    pub id: SubscriptionId,
    /// By which the hub signs; empty: none.
    pub secret: String,
}

impl Store {
    /// Compares subscriptions with feeds (but those that are asked in a way of their own: their hubs would be asked in another):
    /// leaves hubs that no configured feed names any more, and those that would call another
    /// address than one under `base` (without a slash at its end; None: no hub could call), ends what is over, and says what is missing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn compare_subscriptions(
        &self,
        base: Option<String>,
        now: Timestamp,
    ) -> Result<Vec<Unsubscribed>, StoreError> {
        self.write("comparing subscriptions", move |db| {
            let now = now.as_millisecond();
            db.prepare_cached(&format!(
                "update subscription set state = 'leaving', pending = '', attempts = 0, next_attempt_at = ?1, trusted = 0
                 where state <> 'leaving' and not exists (
                     select 1 from feed where id = feed_id and configured = 1 and next_poll_at is not null and hub_url = hub
                         and access = ''
                         and {TOPIC} = topic and callback = ?2 || '/websub/' || token)"
            ))?
            .execute(params![now, base.as_deref().unwrap_or_default()])?;
            db.prepare_cached(
                "update subscription set state = 'wanted', trusted = 0 where state = 'active' and lease_ends_at <= ?",
            )?
            .execute([now])?;
            bring_back_polls(db)?;
            // Where no lease was ever given, or it is over, there is nothing to end.
            db.prepare_cached(
                "delete from subscription where state = 'leaving' and (lease_ends_at is null or lease_ends_at <= ?1
                     or (attempts >= ?2 and next_attempt_at <= ?1))",
            )?
            .execute(params![now, LAST_WORDS])?;
            if base.is_none() {
                return Ok(Vec::new());
            }
            let mut statement = db.prepare_cached(&format!(
                "select id, hub_url, {TOPIC} as topic from feed
                 where configured = 1 and hub_url <> '' and next_poll_at is not null and access = ''
                     and not exists (select 1 from subscription where feed_id = feed.id and state <> 'leaving') limit ?"
            ))?;
            let rows = statement.query_map([signed(BATCH)], |row| {
                Ok(Unsubscribed {
                    feed: FeedId(row.get("id")?),
                    hub: row.get("hub_url")?,
                    topic: row.get("topic")?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Stores subscriptions that the hubs are to be asked for, at once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_subscriptions(&self, new: Vec<NewSubscription>, now: Timestamp) -> Result<(), StoreError> {
        self.write("storing subscriptions", move |db| {
            let mut insert = db.prepare_cached(
                "insert into subscription (feed_id, hub, topic, token, callback, secret, next_attempt_at)
                 values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing",
            )?;
            for NewSubscription {
                of,
                token,
                callback,
                secret,
            } in new
            {
                let next = now.as_millisecond();
                insert.execute(params![of.feed.0, of.hub, of.topic, token, callback, secret, next])?;
            }
            Ok(())
        })
        .await
    }

    /// Takes requests that are due: nobody else gets them until `lease` is over or their outcome is stored. From now on the hub may
    /// confirm what it is asked for: it may do so before it answers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_hub_requests(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<HubRequest>, StoreError> {
        self.write("taking requests to hubs that are due", move |db| {
            let until = later(now, lease).as_millisecond();
            let mut statement = db.prepare_cached(
                "update subscription set leased_until = ?2, attempts = attempts + 1,
                     pending = iif(state = 'leaving', 'unsubscribe', 'subscribe')
                 where id in (select id from subscription where next_attempt_at <= ?1 and leased_until <= ?1
                     order by next_attempt_at, id limit ?3) returning *",
            )?;
            let rows = statement.query_map(params![now.as_millisecond(), until, signed(limit)], hub_request)?;
            rows.collect()
        })
        .await
    }

    /// Gives back requests that were taken and not made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn give_back_hub_requests(&self, requests: Vec<SubscriptionId>) -> Result<(), StoreError> {
        self.write("giving back requests to hubs", move |db| {
            let mut statement = db.prepare_cached("update subscription set leased_until = 0 where id = ?")?;
            requests.iter().try_for_each(|id| statement.execute([id.0]).map(|_| ()))
        })
        .await
    }

    /// Stores that a hub was asked: it is asked again at `next`, unless it has confirmed already, or does so until then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hub_asked(&self, id: SubscriptionId, error: String, next: Timestamp) -> Result<(), StoreError> {
        self.write("storing that a hub was asked", move |db| {
            db.prepare_cached(
                "update subscription set leased_until = 0, next_attempt_at = iif(pending = '', next_attempt_at, ?2),
                     error = iif(pending = '', error, ?3) where id = ?1",
            )?
            .execute(params![id.0, next.as_millisecond(), error])
            .map(|_| ())
        })
        .await
    }

    /// Lets a hub confirm that it will push until `lease_ends_at`; it is asked again at `next`. It may confirm again: our answer may have
    /// been lost. False: it was not asked for that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm_subscription(
        &self,
        token: String,
        topic: String,
        lease_ends_at: Timestamp,
        next: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("storing what a hub confirmed", move |db| {
            let confirmed = db
                .prepare_cached(
                    "update subscription set state = 'active', pending = '', attempts = 0, error = '', lease_ends_at = ?3,
                         next_attempt_at = ?4
                     where token = ?1 and topic = ?2 and (pending = 'subscribe' or state = 'active') and state <> 'leaving'
                         and exists (select 1 from feed where id = feed_id and configured = 1)",
                )?
                .execute(params![token, topic, lease_ends_at.as_millisecond(), next.as_millisecond()])?;
            Ok(confirmed > 0)
        })
        .await
    }

    /// Lets a hub confirm that it will push no more. False: it was not asked for that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn confirm_unsubscription(&self, token: String, topic: String) -> Result<bool, StoreError> {
        self.write("storing that a hub pushes no more", move |db| {
            let sql = "delete from subscription where token = ? and topic = ? and pending = 'unsubscribe'";
            Ok(db.prepare_cached(sql)?.execute([token, topic])? > 0)
        })
        .await
    }

    /// Lets a hub refuse to push (any more); it is asked again at `next`. False: there is no such subscription.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deny_subscription(
        &self,
        token: String,
        topic: String,
        reason: String,
        next: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write("storing that a hub refused", move |db| {
            let denied = db
                .prepare_cached(
                    "update subscription set state = 'denied', pending = '', attempts = 0, trusted = 0, lease_ends_at = null,
                         next_attempt_at = ?3, error = ?4 where token = ?1 and topic = ?2 and state <> 'leaving'",
                )?
                .execute(params![token, topic, next.as_millisecond(), reason])?;
            bring_back_polls(db)?;
            let left = db
                .prepare_cached("delete from subscription where token = ? and topic = ? and state = 'leaving'")?
                .execute([token, topic])?;
            Ok(denied + left > 0)
        })
        .await
    }

    /// Whose address a hub calls to push; None: nobody's (any more).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn callback(&self, token: String) -> Result<Option<Callback>, StoreError> {
        self.read("looking for a subscription", move |db| {
            db.prepare_cached(
                "select subscription.id, secret from subscription join feed on feed.id = feed_id
                 where token = ? and state in ('active', 'wanted') and lease_ends_at is not null and configured = 1",
            )?
            .query_row([token], |row| {
                Ok(Callback {
                    id: SubscriptionId(row.get(0)?),
                    secret: row.get(1)?,
                })
            })
            .optional()
        })
        .await
    }

    /// When a hub is asked next; None when there is no subscription.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_hub_request(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read("looking for the next request to a hub", |db| {
            db.query_row(
                "select min(max(next_attempt_at, leased_until)) as due from subscription",
                [],
                |row| maybe_instant(row, "due"),
            )
        })
        .await
    }

    /// The subscriptions of a feed, the current one first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscriptions(&self, feed: FeedId) -> Result<Vec<SubscriptionStatus>, StoreError> {
        self.read("reading subscriptions", move |db| {
            let mut statement =
                db.prepare_cached("select * from subscription where feed_id = ? order by state = 'leaving', id desc")?;
            let rows = statement.query_map([feed.0], status)?;
            rows.collect()
        })
        .await
    }
}

/// Stores how pushes and polls share a feed. A subscription that is no longer active gives its polls back at the next comparison.
pub(super) fn write_sharing(db: &Connection, feed: FeedId, sharing: &Sharing) -> SqlResult<()> {
    db.prepare_cached(
        "update subscription set trusted = ?2, unpushed_poll_at = iif(?2, coalesce(?3, unpushed_poll_at), null)
         where feed_id = ?1 and state <> 'leaving'",
    )?
    .execute(params![
        feed.0,
        sharing.trusted,
        sharing.unpushed_poll_at.map(Timestamp::as_millisecond)
    ])
    .map(|_| ())
}

/// Feeds that were polled rarely because of a hub that pushes no more are polled when they would be without it.
fn bring_back_polls(db: &Connection) -> SqlResult<()> {
    db.prepare_cached(
        "update feed set next_poll_at = unpushed_poll_at, next_poll_why = 'its hub no longer pushes it' from subscription
         where feed_id = feed.id and unpushed_poll_at is not null and state <> 'active' and next_poll_at > unpushed_poll_at",
    )?
    .execute([])?;
    db.prepare_cached(
        "update subscription set unpushed_poll_at = null where unpushed_poll_at is not null and state <> 'active'",
    )?
    .execute([])
    .map(|_| ())
}

fn hub_request(row: &Row<'_>) -> SqlResult<HubRequest> {
    let is_leaving = row.get_ref("state")?.as_str()? == "leaving";
    Ok(HubRequest {
        id: SubscriptionId(row.get("id")?),
        wish: if is_leaving { Wish::Unsubscribe } else { Wish::Subscribe },
        hub: row.get("hub")?,
        topic: row.get("topic")?,
        callback: row.get("callback")?,
        secret: row.get("secret")?,
        attempts: unsigned(row.get("attempts")?),
    })
}

fn status(row: &Row<'_>) -> SqlResult<SubscriptionStatus> {
    Ok(SubscriptionStatus {
        hub: row.get("hub")?,
        topic: row.get("topic")?,
        state: row.get("state")?,
        trusted: row.get("trusted")?,
        lease_ends_at: maybe_instant(row, "lease_ends_at")?,
        next_attempt_at: maybe_instant(row, "next_attempt_at")?,
        last_push_at: maybe_instant(row, "last_push_at")?,
        pushes: unsigned(row.get("pushes")?),
        ignored: unsigned(row.get("ignored")?),
        dropped: unsigned(row.get("dropped")?),
        error: row.get("error")?,
    })
}
