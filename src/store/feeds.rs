//! The table of feeds, as an operator sees it.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use crate::model::feed::{FeedId, Manner};
use crate::model::identity::IdentityPolicy;
use crate::model::poll::Loss;
use crate::store::rows::{instant, maybe_instant, signed, unsigned};
use crate::store::{SqlResult, Store, StoreError};

/// Length of the ring of polls that is kept for each feed.
pub const POLLS_KEPT: u32 = 10;

/// The configured feeds, each with the number of its items.
const STATUS: &str =
    "select feed.*, (select count(*) from item where feed_id = feed.id) as items from feed where configured = 1";

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
    /// By what its items are told apart.
    pub identity: IdentityStatus,
    /// What the publisher asked for.
    pub asked: AskedFor,
    /// How it was treated.
    pub politeness: Politeness,
    /// Items kept.
    pub items: u64,
}

/// By what the items of a feed are told apart, and why.
#[derive(Debug, Clone, Serialize)]
pub struct IdentityStatus {
    /// The policy in force.
    pub policy: IdentityPolicy,
    /// `configured`, `learned`, or `usual`.
    pub why: &'static str,
    /// When it was learned; null: it was not.
    pub since: Option<Timestamp>,
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
    /// The configured feeds whose names come after this one, by name: at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feeds_after(&self, name: &str, limit: usize) -> Result<Vec<FeedStatus>, StoreError> {
        let name = name.to_owned();
        self.read("listing feeds", move |db| {
            let sql = format!("{STATUS} and name > ? order by name limit ?");
            let mut statement = db.prepare_cached(&sql)?;
            let rows = statement.query_map(params![name, signed(limit)], status)?;
            rows.collect()
        })
        .await
    }

    /// Ids of the configured feeds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed_ids(&self) -> Result<Vec<FeedId>, StoreError> {
        self.read("listing feeds", |db| {
            let mut statement = db.prepare_cached("select id from feed where configured = 1 order by id")?;
            let rows = statement.query_map([], |row| row.get(0).map(FeedId))?;
            rows.collect()
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
            db.prepare_cached(&format!("{STATUS} and name = ?"))?
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
        identity: identity(row)?,
        asked: asked_for(row)?,
        politeness: Politeness {
            requests: unsigned(row.get("requests")?),
            conditional: unsigned(row.get("conditional_polls")?),
            not_modified: unsigned(row.get("not_modified_polls")?),
            bytes: unsigned(row.get("bytes_received")?),
            new_items: unsigned(row.get("items_stored")?),
        },
        items: unsigned(row.get("items")?),
    })
}

fn identity(row: &Row<'_>) -> SqlResult<IdentityStatus> {
    let manner: String = row.get("manner")?;
    let configured = serde_json::from_str::<Manner>(&manner).unwrap_or_default().identity;
    let learned = IdentityPolicy::parse(&row.get::<_, String>("identity")?);
    Ok(IdentityStatus {
        policy: configured.or(learned).unwrap_or_default(),
        why: match (configured, learned) {
            (Some(_), _) => "configured",
            (None, Some(_)) => "learned",
            (None, None) => "usual",
        },
        since: maybe_instant(row, "identity_since")?.filter(|_| configured.is_none()),
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
