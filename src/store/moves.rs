//! Where feeds move: watched, believed, refused, and taken back by the operator.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::model::feed::{FeedId, FeedUrl};
use crate::model::poll::Moving;
use crate::store::rows::unsigned;
use crate::store::{SqlResult, Store, StoreError};

/// What an operator decides of where a feed is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Ask it there from now on.
    MoveTo(FeedUrl),
    /// Ask it where the configuration says, and do not move it again to where it is now.
    Back,
}

impl Store {
    /// Does what the operator decided: the feed is due at once, and asked without validators of the other address. Says whether it was
    /// done: not while the feed is being polled, whose outcome is that of the old address.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn decide_move(&self, feed: FeedId, decision: Decision, now: Timestamp) -> Result<bool, StoreError> {
        self.write("moving a feed", move |db| {
            let (to, why) = match &decision {
                Decision::MoveTo(to) => (to.as_str(), "the operator moved it"),
                Decision::Back => ("", "the operator took its move back"),
            };
            db.prepare_cached(
                "update feed set refused_url = iif(?2 = '', moved_url, ''), moved_url = ?2, moved_at = null, move_url = '',
                     proposed_url = '', notice = '', etag = null, last_modified = null, failures = 0, failing_since = null,
                     next_poll_at = 0, next_poll_why = ?3 where id = ?1
                     and not exists (select 1 from lease where feed_id = ?1 and until > ?4)",
            )?
            .execute(params![feed.0, to, why, now.as_millisecond()])
            .map(|done| done > 0)
        })
        .await
    }
}

/// Writes what becomes of redirects. Returns how many other feeds are at, or on their way to, the address that this one would move to:
/// then it does not, for many feeds at one address are a mistake of somebody.
pub(super) fn write_moving(db: &Connection, feed: FeedId, moving: &Moving, now: Timestamp) -> SqlResult<u64> {
    let now = now.as_millisecond();
    match moving {
        Moving::Forgotten => {
            db.prepare_cached("update feed set move_url = '', move_since = null, move_polls = 0 where id = ?")?
                .execute([feed.0])?;
        }
        Moving::Home => {
            let sql = "update feed set move_url = '', move_since = null, move_polls = 0, notice = iif(moved_url = '', '', notice)
                 where id = ?";
            db.prepare_cached(sql)?.execute([feed.0])?;
        }
        Moving::Watched(candidate) => {
            db.prepare_cached("update feed set move_url = ?2, move_since = ?3, move_polls = ?4 where id = ?1")?
                .execute(params![
                    feed.0,
                    candidate.to.as_str(),
                    candidate.since.as_millisecond(),
                    candidate.polls
                ])?;
        }
        Moving::Refused(to) => {
            let notice = format!("its address leads for good to {to}, which is another feed; it stays where it is");
            db.prepare_cached("update feed set move_url = '', refused_url = ?2, notice = ?3 where id = ?1")?
                .execute(params![feed.0, to.as_str(), notice])?;
        }
        Moving::Believed(to) => return believe(db, feed, to, now),
    }
    Ok(0)
}

fn believe(db: &Connection, feed: FeedId, to: &FeedUrl, now: i64) -> SqlResult<u64> {
    let others: i64 = db
        .prepare_cached(
            "select count(*) from (
                 select id from feed where move_url = ?2 and move_url <> '' and configured = 1
                 union select id from feed where moved_url = ?2 and moved_url <> '' and configured = 1
                 union select id from feed where refused_url = ?2 and refused_url <> '' and configured = 1
                 union select id from feed where url = ?2 and configured = 1)
             where id <> ?1",
        )?
        .query_row(params![feed.0, to.as_str()], |row| row.get(0))?;
    if others > 0 {
        let notice =
            format!("its address leads for good to {to}, and so do those of {others} others; it stays where it is");
        db.prepare_cached("update feed set move_url = ?2, refused_url = ?2, notice = ?3 where id = ?1")?
            .execute(params![feed.0, to.as_str(), notice])?;
        return Ok(unsigned(others));
    }
    let notice = format!("it has moved to {to}; put that address into the configuration");
    db.prepare_cached(
        "update feed set moved_url = ?2, moved_at = ?3, move_url = '', move_since = null, move_polls = 0, notice = ?4 where id = ?1",
    )?
    .execute(params![feed.0, to.as_str(), now, notice])?;
    Ok(0)
}
