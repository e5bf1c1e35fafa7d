//! Digests and their editions: each an interval of arrivals, frozen with its deliveries in one transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::edition::{Edition, EditionId};
use crate::model::item::ItemId;
use crate::model::story::{StoryId, StoryText};
use crate::store::rows::{instant, signed, unsigned};
use crate::store::stories::{select_story, texts};
use crate::store::{SqlResult, Store, StoreError};

/// An edition that is to be made.
#[derive(Debug, Clone)]
pub struct NewEdition {
    /// The name of the digest.
    pub digest: String,
    /// 1, 2, 3 ... within the digest: one more than [`Store::edition_end`] counted.
    pub number: i64,
    /// Where the edition before it ended, as read by [`Store::edition_end`].
    pub after: ItemId,
    /// The last arrival that it covers.
    pub upto: ItemId,
    /// Its stories, in the order in which they are told.
    pub stories: Vec<StoryId>,
    /// Recipient and Message-ID of each mail.
    pub deliveries: Vec<(String, String)>,
    /// Now.
    pub made_at: Timestamp,
}

impl Store {
    /// When a digest is due. One that is new, or whose schedule has changed, is due at `next`; none is due later than that, whatever
    /// a clock that was wrong has left behind.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn digest_due(&self, digest: String, schedule: String, next: Timestamp) -> Result<Timestamp, StoreError> {
        self.write("looking for the next digest", move |db| {
            let known = db
                .prepare_cached("select next_due_at from digest where name = ? and schedule = ?")?
                .query_row([&digest, &schedule], |row| instant(row, "next_due_at"))
                .optional()?;
            if let Some(due) = known.filter(|due| *due <= next) {
                return Ok(due);
            }
            db.prepare_cached(
                "insert into digest (name, next_due_at, schedule) values (?, ?, ?)
                 on conflict (name) do update set next_due_at = excluded.next_due_at, schedule = excluded.schedule",
            )?
            .execute(params![digest, next.as_millisecond(), schedule])?;
            Ok(next)
        })
        .await
    }

    /// Makes no edition of the arrivals up to `upto`, in which there is nothing to tell, and sets when the digest is due next (None:
    /// that stays).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn skip_edition(
        &self,
        digest: String,
        upto: ItemId,
        next_due: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.write_durably("passing over an edition", move |db| {
            db.execute(
                "update digest set seen_item = max(seen_item, ?) where name = ?",
                params![upto.0, digest],
            )?;
            set_due(db, &digest, next_due)
        })
        .await
    }

    /// The last arrival that the editions of the digest cover, and their number so far.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn edition_end(&self, digest: String) -> Result<(ItemId, i64), StoreError> {
        self.read("reading the last edition", move |db| end(db, &digest)).await
    }

    /// Makes an edition with its deliveries, and sets when its digest is due next (None: that stays), in one transaction that
    /// survives a loss of power. None when another process has made it meanwhile.
    ///
    /// # Errors
    /// When the database fails; then there is no edition.
    pub async fn make_edition(
        &self,
        edition: NewEdition,
        next_due: Option<Timestamp>,
    ) -> Result<Option<Edition>, StoreError> {
        self.write_durably("making an edition", move |db| {
            // Whoever lost the race has lost the due time too: it is the winner's now.
            set_due(db, &edition.digest, next_due)?;
            if end(db, &edition.digest)? != (edition.after, edition.number - 1) {
                return Ok(None);
            }
            let made_at = edition.made_at.as_millisecond();
            db.execute(
                "insert into edition (digest, number, after_item, upto_item, made_at) values (?, ?, ?, ?, ?)",
                params![edition.digest, edition.number, edition.after.0, edition.upto.0, made_at],
            )?;
            let id = db.last_insert_rowid();
            let mut freeze = db.prepare_cached("insert into edition_story values (?, ?, ?)")?;
            for (position, story) in (1_i64..).zip(&edition.stories) {
                freeze.execute(params![id, position, story.0])?;
            }
            for (recipient, message_id) in &edition.deliveries {
                db.execute(
                    "insert into delivery (edition_id, recipient, message_id, next_attempt_at) values (?, ?, ?, ?)",
                    params![id, recipient, message_id, made_at],
                )?;
            }
            Ok(Some(Edition {
                id: EditionId(id),
                digest: edition.digest,
                number: edition.number,
                after: edition.after,
                upto: edition.upto,
                stories: edition.stories.len(),
                made_at: edition.made_at,
            }))
        })
        .await
    }

    /// An edition with its first `limit` stories, in the order in which they are told.
    ///
    /// # Errors
    /// When the database fails, or has no such edition.
    pub async fn edition(&self, id: EditionId, limit: usize) -> Result<(Edition, Vec<StoryText>), StoreError> {
        self.read("reading an edition", move |db| {
            let sql = "select *, (select count(*) from edition_story where edition_id = edition.id) as stories
                 from edition where id = ?";
            let edition = db.query_row(sql, [id.0], |row| {
                Ok(Edition {
                    id,
                    digest: row.get("digest")?,
                    number: row.get("number")?,
                    after: ItemId(row.get("after_item")?),
                    upto: ItemId(row.get("upto_item")?),
                    stories: unsigned(row.get("stories")?),
                    made_at: instant(row, "made_at")?,
                })
            })?;
            let sql = format!(
                "{} join edition_story on edition_story.story_id = story.id where edition_id = ? order by position limit ?",
                select_story()
            );
            Ok((edition, texts(db, &sql, params![id.0, signed(limit)])?))
        })
        .await
    }

    /// These stories, in this order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stories_by_id(&self, ids: Vec<StoryId>) -> Result<Vec<StoryText>, StoreError> {
        self.read("reading stories", move |db| {
            let sql = format!(
                "{} join json_each(?) as wanted on wanted.value = story.id order by wanted.key",
                select_story()
            );
            texts(db, &sql, params![serde_json::json!(ids).to_string()])
        })
        .await
    }
}

fn end(db: &Connection, digest: &str) -> SqlResult<(ItemId, i64)> {
    let sql = "select max(coalesce((select max(upto_item) from edition where digest = ?1), 0),
             coalesce((select seen_item from digest where name = ?1), 0)),
         (select count(*) from edition where digest = ?1)";
    db.prepare_cached(sql)?
        .query_row([digest], |row| Ok((ItemId(row.get(0)?), row.get(1)?)))
}

fn set_due(db: &Connection, digest: &str, next: Option<Timestamp>) -> SqlResult<()> {
    let Some(next) = next else { return Ok(()) };
    let sql = "update digest set next_due_at = ? where name = ?";
    db.execute(sql, params![next.as_millisecond(), digest]).map(|_| ())
}
