//! Digests and their editions: each an interval of places, frozen with its deliveries in one transaction.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::edition::{Edition, EditionId};
use crate::model::story::{Seq, StoryId, StoryText};
use crate::store::rows::instant;
use crate::store::stories::{select_story, texts};
use crate::store::{SqlResult, Store, StoreError};

/// An edition that is to be made.
#[derive(Debug, Clone)]
pub struct NewEdition {
    /// The name of the digest.
    pub digest: String,
    /// Where the edition before it ended, as read by [`Store::edition_end`].
    pub after: Seq,
    /// The last place that it covers.
    pub upto: Seq,
    /// Its stories, in the order in which they are told.
    pub stories: Vec<StoryId>,
    /// Recipient and Message-ID of each mail.
    pub deliveries: Vec<(String, String)>,
    /// Now.
    pub made_at: Timestamp,
}

impl Store {
    /// When a digest is due. One that is new, or whose schedule has changed, is due at `next`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn digest_due(&self, digest: String, schedule: String, next: Timestamp) -> Result<Timestamp, StoreError> {
        self.write("looking for the next digest", move |db| {
            let known = db
                .prepare_cached("select next_due_at from digest where name = ? and schedule = ?")?
                .query_row([&digest, &schedule], |row| instant(row, "next_due_at"))
                .optional()?;
            if let Some(due) = known {
                return Ok(due);
            }
            db.prepare_cached("insert or replace into digest (name, next_due_at, schedule) values (?, ?, ?)")?
                .execute(params![digest, next.as_millisecond(), schedule])?;
            Ok(next)
        })
        .await
    }

    /// Sets when a digest is due, without an edition: nothing was to be told.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn postpone_digest(&self, digest: String, next: Timestamp) -> Result<(), StoreError> {
        self.write_durably("postponing a digest", move |db| set_due(db, &digest, next))
            .await
    }

    /// The last place that an edition of the digest covers, and the number of editions so far.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn edition_end(&self, digest: String) -> Result<(Seq, i64), StoreError> {
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
            let (after, editions) = end(db, &edition.digest)?;
            if after != edition.after {
                return Ok(None);
            }
            let made_at = edition.made_at.as_millisecond();
            let number = editions + 1;
            db.execute(
                "insert into edition (digest, number, after_seq, upto_seq, made_at) values (?, ?, ?, ?, ?)",
                params![edition.digest, number, after.0, edition.upto.0, made_at],
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
            if let Some(next) = next_due {
                set_due(db, &edition.digest, next)?;
            }
            Ok(Some(Edition {
                id: EditionId(id),
                digest: edition.digest,
                number,
                after,
                upto: edition.upto,
                made_at: edition.made_at,
            }))
        })
        .await
    }

    /// An edition with its stories, in the order in which they are told.
    ///
    /// # Errors
    /// When the database fails, or has no such edition.
    pub async fn edition(&self, id: EditionId) -> Result<(Edition, Vec<StoryText>), StoreError> {
        self.read("reading an edition", move |db| {
            let edition = db.query_row("select * from edition where id = ?", [id.0], |row| {
                Ok(Edition {
                    id,
                    digest: row.get("digest")?,
                    number: row.get("number")?,
                    after: Seq(row.get("after_seq")?),
                    upto: Seq(row.get("upto_seq")?),
                    made_at: instant(row, "made_at")?,
                })
            })?;
            let sql = format!(
                "{} join edition_story on edition_story.story_id = story.id where edition_id = ? order by position",
                select_story()
            );
            Ok((edition, texts(db, &sql, params![id.0])?))
        })
        .await
    }
}

fn end(db: &Connection, digest: &str) -> SqlResult<(Seq, i64)> {
    db.prepare_cached("select coalesce(max(upto_seq), 0), count(*) from edition where digest = ?")?
        .query_row([digest], |row| Ok((Seq(row.get(0)?), row.get(1)?)))
}

fn set_due(db: &Connection, digest: &str, next: Timestamp) -> SqlResult<()> {
    db.execute(
        "update digest set next_due_at = ? where name = ?",
        params![next.as_millisecond(), digest],
    )
    .map(|_| ())
}
