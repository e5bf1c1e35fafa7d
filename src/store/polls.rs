//! Writes what a poll brought: items, revisions, validators and the next poll, in one transaction.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::model::feed::FeedId;
use crate::model::identity::{IdentityPolicy, Learned};
use crate::model::item::{Hash16, ItemId, ItemKey, KnownItem, Lookalike, NewItem, Traces};
use crate::model::poll::{Committed, Gap, ItemChange, PollIntent, ReadDocument};
use crate::store::arrivals::Arrivals;
use crate::store::feeds::POLLS_KEPT;
use crate::store::rows::{bytes, maybe_instant, signed};
use crate::store::tail::SharedTail;
use crate::store::{SqlResult, Store, StoreError, due, edits, hosts, moves, subscriptions};
use crate::text::hash::text_hash;

/// Items of a feed with one link that an entry is compared with: the newest.
const SAME_LINK: u32 = 16;

const LOOKALIKE: &str =
    "select id, key, raw_hash, content_hash, guid, link, canonical_link, title, published_at, summary, content
     from item join item_text on item_id = id";

/// Gaps that are kept for each feed.
const GAPS_KEPT: u32 = 10;

impl Store {
    /// What is remembered of those items of a feed that have one of these keys. This thread waits for it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn known_items(
        &self,
        feed: FeedId,
        keys: impl ExactSizeIterator<Item = ItemKey>,
    ) -> Result<HashMap<ItemKey, KnownItem>, StoreError> {
        self.read_here("comparing items", |db| {
            let mut statement =
                db.prepare_cached("select id, raw_hash, content_hash from item where feed_id = ? and key = ?")?;
            let mut known = HashMap::with_capacity(keys.len());
            for key in keys {
                let row = statement.query_row(params![feed.0, key.0], known_item).optional()?;
                known.extend(row.map(|item| (key, item)));
            }
            Ok(known)
        })
    }

    /// The items of a feed to which these lead. This thread waits for them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lookalikes(&self, feed: FeedId, traces: Traces) -> Result<Vec<Lookalike>, StoreError> {
        self.read_here("comparing items by what is seen", |db| {
            let mut found = HashMap::new();
            let mut by_key = db.prepare_cached(&format!("{LOOKALIKE} where feed_id = ?1 and key = ?2"))?;
            for key in traces.keys {
                found.extend(by_key.query_map(params![feed.0, key.0], lookalike)?.collect::<SqlResult<Vec<_>>>()?);
            }
            let mut by_link = db.prepare_cached(&format!(
                "{LOOKALIKE} where canonical_link = ?2 and canonical_link <> '' and feed_id = ?1 order by id desc limit ?3"
            ))?;
            for link in traces.canonical_links {
                let rows = by_link.query_map(params![feed.0, link, SAME_LINK], lookalike)?;
                found.extend(rows.collect::<SqlResult<Vec<_>>>()?);
            }
            if traces.newest > 0 {
                // By the index of keys: the table is wide.
                let mut all = db.prepare_cached(&format!(
                    "{LOOKALIKE} where id in (select id from item where feed_id = ?1 order by +id desc limit ?2)"
                ))?;
                let rows = all.query_map(params![feed.0, signed(traces.newest)], lookalike)?;
                found.extend(rows.collect::<SqlResult<Vec<_>>>()?);
            }
            Ok(found.into_values().collect())
        })
    }

    /// Commits the outcome of a poll and gives back its lease: all of it, or nothing.
    ///
    /// # Errors
    /// When the database fails; then it is as if the poll had never been.
    pub async fn commit_poll(&self, intent: PollIntent) -> Result<Committed, StoreError> {
        let tail = self.tail.clone();
        self.write_patiently("storing the outcome of a poll", move |db| {
            let mut committed = match &intent.document {
                Some(document) => write_document(db, &tail, intent.feed, document, intent.finished_at)?,
                None => Committed::default(),
            };
            write_feed(db, &intent, &mut committed)?;
            write_history(db, &intent, committed)?;
            if let Some(sharing) = &intent.sharing {
                subscriptions::write_sharing(db, intent.feed, sharing)?;
            }
            Ok(committed)
        })
        .await
    }
}

fn known_item(row: &Row<'_>) -> SqlResult<KnownItem> {
    Ok(KnownItem {
        id: ItemId(row.get("id")?),
        raw_hash: bytes(row, "raw_hash")?,
        content_hash: bytes(row, "content_hash")?,
    })
}

fn lookalike(row: &Row<'_>) -> SqlResult<(ItemId, Lookalike)> {
    let item = known_item(row)?;
    let title: String = row.get("title")?;
    let text = |column: &str| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    let said = text_hash(&title, text("summary")?, text("content")?);
    let lookalike = Lookalike {
        item,
        key: ItemKey(bytes(row, "key")?),
        guid: row.get("guid")?,
        link: row.get("link")?,
        canonical_link: row.get("canonical_link")?,
        title,
        published: maybe_instant(row, "published_at")?,
        text: said,
    };
    Ok((item.id, lookalike))
}

fn write_document(
    db: &Connection,
    tail: &SharedTail,
    feed: FeedId,
    document: &ReadDocument,
    now: Timestamp,
) -> SqlResult<Committed> {
    if document.is_believed {
        write_facts(db, feed, document)?;
    } else {
        db.prepare_cached("update feed set shrunk = shrunk + 1, entry_marks = ?2 where id = ?1")?
            .execute(params![feed.0, document.entry_marks.as_bytes()])?;
    }
    if let Some(learned) = document.learned {
        write_learned(db, feed, learned, now)?;
    }
    write_changes(db, tail, feed, &document.changes, now)
}

fn write_learned(db: &Connection, feed: FeedId, learned: Learned, now: Timestamp) -> SqlResult<usize> {
    let policy = match learned.policy {
        IdentityPolicy::Guid => "",
        policy => policy.as_str(),
    };
    db.prepare_cached(
        "update feed set identity_since = iif(identity = ?2, identity_since, ?4), identity = ?2, identity_doubts = ?3 where id = ?1",
    )?
    .execute(params![feed.0, policy, learned.doubts, now.as_millisecond()])
}

/// Writes what became of the entries of a document.
pub(super) fn write_changes(
    db: &Connection,
    tail: &SharedTail,
    feed: FeedId,
    changes: &[ItemChange],
    now: Timestamp,
) -> SqlResult<Committed> {
    if changes.iter().all(|change| change.as_new().is_none()) {
        return write_each(db, changes, now, |_, _| Ok(false));
    }
    tail.lend(db, |tail| {
        let mut arrivals = Arrivals::new(db, feed, now, tail)?;
        let committed = write_each(db, changes, now, |hashes, item| arrivals.add(hashes, item))?;
        Ok(Committed {
            stories: arrivals.finish()?,
            ..committed
        })
    })
}

/// Writes changes in their order; `add` stores what is new, and says whether it is.
fn write_each(
    db: &Connection,
    changes: &[ItemChange],
    now: Timestamp,
    mut add: impl FnMut((&ItemKey, &Hash16, &Hash16), &NewItem) -> SqlResult<bool>,
) -> SqlResult<Committed> {
    let mut committed = Committed::default();
    for change in changes {
        match change {
            ItemChange::New {
                key,
                raw_hash,
                content_hash,
                item,
            } => committed.new += u64::from(add((key, raw_hash, content_hash), item)?),
            ItemChange::Edited {
                id,
                raw_hash,
                content_hash,
                item,
                edit,
            } => {
                edits::edit(db, *id, &(*raw_hash, *content_hash), item, edit, now)?;
                committed.updated += 1;
            }
            ItemChange::Rewritten {
                id,
                raw_hash,
                content_hash,
                item,
            } => edits::rewrite(db, *id, raw_hash, content_hash.as_ref(), item)?,
            ItemChange::Rekeyed { id, key, guid } => rekey(db, *id, key, guid)?,
        }
    }
    Ok(committed)
}

fn write_facts(db: &Connection, feed: FeedId, document: &ReadDocument) -> SqlResult<usize> {
    let facts = &document.facts;
    db.prepare_cached(
        "update feed set source_id = ?2, title = ?3, site_link = ?4, language = ?5, ttl_minutes = ?6, document_hash = ?7,
             offset_minutes = coalesce(?8, offset_minutes), entries = ?9, skip_hours = ?10, skip_days = ?11, hub_url = ?12,
             topic_url = ?13, entry_marks = ?14 where id = ?1",
    )?
    .execute(params![
        feed.0,
        facts.source_id,
        facts.title,
        facts.site_link,
        facts.language,
        facts.wishes.ttl_minutes,
        document.hash,
        facts.offset_minutes,
        document.entries,
        facts.wishes.skip_hours,
        facts.wishes.skip_days,
        facts.hub,
        facts.topic,
        document.entry_marks.as_bytes(),
    ])
}

/// An item whose new key another has keeps its own.
fn rekey(db: &Connection, id: ItemId, key: &ItemKey, guid: &str) -> SqlResult<()> {
    db.prepare_cached("update or ignore item set key = ?2, guid = iif(?3 = '', guid, ?3) where id = ?1")?
        .execute(params![id.0, key.0, guid])
        .map(|_| ())
}

fn write_feed(db: &Connection, intent: &PollIntent, committed: &mut Committed) -> SqlResult<()> {
    let feed = intent.feed.0;
    if let Some(validators) = &intent.validators {
        let from = validators.from.as_ref().map_or("", |from| from.as_str());
        db.prepare_cached("update feed set etag = ?2, last_modified = ?3, validators_url = ?4 where id = ?1")?
            .execute(params![feed, validators.etag, validators.last_modified, from])?;
    }
    if let Some(offered) = &intent.offered {
        db.prepare_cached("update feed set offered_url = iif(url = ?2, '', ?2) where id = ?1")?
            .execute(params![feed, offered.as_str()])?;
    }
    if let Some(rhythm) = &intent.rhythm {
        db.prepare_cached("update feed set rhythm = ?2 where id = ?1")?
            .execute(params![feed, rhythm])?;
    }
    if let Some(moving) = &intent.moving {
        committed.crowd = moves::write_moving(db, intent.feed, moving, intent.finished_at)?;
    }
    if let Some(proposed) = &intent.proposed {
        db.prepare_cached("update feed set proposed_url = ?2, searched_at = ?3 where id = ?1")?
            .execute(params![feed, proposed, intent.finished_at.as_millisecond()])?;
    }
    if let Some(gap) = &intent.gap {
        write_gap(db, intent, gap)?;
    }
    for rest in &intent.tally.rests {
        hosts::write_rest(db, rest, intent.finished_at)?;
    }
    write_sums(db, intent, *committed)
}

/// What every poll changes.
fn write_sums(db: &Connection, intent: &PollIntent, committed: Committed) -> SqlResult<()> {
    let (failure, error) = words(intent);
    let seconds = |wait: Option<Duration>| wait.map_or(0, |wait| signed(wait.as_secs()));
    db.prepare_cached(
        "update feed set next_poll_at = ?2, next_poll_why = ?3, pace = ?4, polls = polls + 1,
             failure = ?5, error = ?6, fresh_seconds = iif(?10 = 'failed' and ?7 = 0, fresh_seconds, ?7), retry_after_seconds = ?8,
             requests = requests + ?15, conditional_polls = conditional_polls + ?9,
             proposed_url = iif(?10 = 'failed', proposed_url, ''), not_modified_polls = not_modified_polls + (?10 = 'not_modified'),
             bytes_received = bytes_received + ?11, items_stored = items_stored + ?12,
             failures = iif(?10 = 'failed', failures + 1, 0),
             failing_since = iif(?10 = 'failed', coalesce(failing_since, ?13), null),
             shrunk = iif(?10 = 'failed' and ?14, shrunk, 0),
             last_success_at = iif(?10 = 'failed', last_success_at, ?13)
         where id = ?1",
    )?
    .execute(params![
        intent.feed.0,
        intent.next_poll_at.map(Timestamp::as_millisecond),
        intent.reason,
        intent.pace,
        failure,
        error,
        seconds(intent.said.0),
        seconds(intent.said.1),
        intent.tally.conditional,
        intent.outcome.as_str(),
        signed(intent.bytes),
        signed(committed.new),
        intent.finished_at.as_millisecond(),
        intent.document.is_some(),
        intent.tally.requests,
    ])?;
    due::give_back(db, intent.feed)
}

/// The name of a failure and what is said of it; empty: there was none.
fn words(intent: &PollIntent) -> (&str, &str) {
    let words = intent.error.as_ref();
    words.map_or(("", ""), |(failure, reason)| (failure.as_str(), reason.as_str()))
}

/// The last gaps of each feed are kept.
fn write_gap(db: &Connection, intent: &PollIntent, gap: &Gap) -> SqlResult<()> {
    db.prepare_cached("insert into gap (feed_id, after_at, before_at, filled, pages) values (?, ?, ?, ?, ?)")?
        .execute(params![
            intent.feed.0,
            gap.after.as_millisecond(),
            intent.finished_at.as_millisecond(),
            gap.filled,
            gap.pages,
        ])?;
    db.prepare_cached(
        "delete from gap where feed_id = ?1 and id not in (select id from gap where feed_id = ?1 order by id desc limit ?2)",
    )?
    .execute(params![intent.feed.0, GAPS_KEPT])?;
    Ok(())
}

fn write_history(db: &Connection, intent: &PollIntent, committed: Committed) -> SqlResult<()> {
    let losses = intent
        .document
        .as_ref()
        .map(|document| &document.losses[..])
        .unwrap_or_default();
    let losses = match losses {
        [] => "[]".to_owned(),
        losses => serde_json::json!(losses).to_string(),
    };
    let (failure, error) = words(intent);
    db.prepare_cached(
        "insert or replace into poll (feed_id, slot, started_at, finished_at, outcome, status, bytes, new, updated, error, losses,
             failure)
         values (?1, (select polls from feed where id = ?1) % ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        intent.feed.0,
        POLLS_KEPT,
        intent.started_at.as_millisecond(),
        intent.finished_at.as_millisecond(),
        intent.outcome.as_str(),
        intent.status,
        signed(intent.bytes),
        signed(committed.new),
        signed(committed.updated),
        error,
        losses,
        failure,
    ])?;
    Ok(())
}
