//! The search: an index of folded words (FTS5) that follows behind the items, and questions to it.
//!
//! What the index has and how far it has come are written in one transaction: whoever is killed leaves both as they were.

mod index;

pub(super) use self::index::edited;

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::model::clock::from_millis;
use crate::model::item::ItemId;
use crate::model::story::{Seq, StoryUid};
use crate::store::rows::{instant, signed};
use crate::store::{SqlResult, Store, StoreError};
use crate::text::fold::query::{Query, Term};

/// A word in a title weighs as much as so many in a text.
const TITLE_WEIGHT: f64 = 4.0;
/// A score is halved with each so many days of age.
const HALF_LIFE_DAYS: f64 = 30.0;
/// The newest items that have the words are compared; older ones would lose against them, whatever they say.
const MAX_COMPARED: usize = 20_000;

/// An item that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The item.
    pub item: ItemId,
    /// Its story: name for the world and place; None: it waits for one.
    pub story: Option<(StoryUid, Seq)>,
    /// The name of its feed.
    pub feed: String,
    /// Its plain title.
    pub title: String,
    /// Its address; empty: none.
    pub link: String,
    /// Sanitised HTML.
    pub summary: String,
    /// Sanitised HTML.
    pub content: String,
    /// When it was published, or first seen.
    pub published: Timestamp,
    /// How well it fits; above 0, and only to be compared with others of the same answer.
    pub score: f64,
}

/// An item that has the words, before it is compared.
struct Candidate {
    item: i64,
    story: Option<i64>,
    score: f64,
}

impl Store {
    /// The items that a query finds among those in the index, best first, at most `limit`; of one story only the best.
    ///
    /// The score is BM25, in which a word of a title counts for four, halved with each 30 days of age at `now`; of equals the one that arrived last is first.
    ///
    /// # Errors
    /// When the database fails. No query is wrong.
    pub async fn search(&self, query: &Query, limit: usize, now: Timestamp) -> Result<Vec<Found>, StoreError> {
        let expression = expression(query);
        self.read("searching", move |db| {
            let mut candidates = candidates(db, &expression, now)?;
            candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.item.cmp(&a.item)));
            let mut stories = HashSet::new();
            candidates.retain(|candidate| candidate.story.is_none_or(|story| stories.insert(story)));
            candidates.truncate(limit);
            candidates.iter().map(|candidate| found(db, candidate)).collect()
        })
        .await
    }
}

fn candidates(db: &Connection, expression: &str, now: Timestamp) -> SqlResult<Vec<Candidate>> {
    let mut statement = db.prepare_cached(
        "select item.id, item.story_id, coalesce(published_at, first_seen_at), rank
         from (select rowid, bm25(search, ?2, 1.0) as rank from search where search match ?1 order by rowid desc limit ?3) as hit
         join item on item.id = hit.rowid",
    )?;
    let rows = statement.query_map(params![expression, TITLE_WEIGHT, signed(MAX_COMPARED)], |row| {
        let published = from_millis(row.get(2)?);
        let days = now.duration_since(published).as_secs_f64().max(0.0) / 86_400.0;
        // The better the lower, says FTS5.
        let fit: f64 = -row.get::<_, f64>(3)?;
        Ok(Candidate {
            item: row.get(0)?,
            story: row.get(1)?,
            score: fit * (-days / HALF_LIFE_DAYS).exp2(),
        })
    })?;
    rows.collect()
}

fn found(db: &Connection, candidate: &Candidate) -> SqlResult<Found> {
    let mut statement = db.prepare_cached(
        "select item.id, uid, seq, feed.name, item.title, link, summary, content, coalesce(published_at, first_seen_at) as published
         from item join item_text on item_id = item.id join feed on feed.id = feed_id left join story on story.id = story_id
         where item.id = ?",
    )?;
    let story = |row: &Row<'_>| -> SqlResult<Option<(StoryUid, Seq)>> {
        let uid: Option<Vec<u8>> = row.get("uid")?;
        let uid = uid.and_then(|uid| uid.try_into().ok());
        uid.map(|uid| Ok((StoryUid(uid), Seq(row.get("seq")?)))).transpose()
    };
    statement.query_row([candidate.item], |row| {
        Ok(Found {
            item: ItemId(row.get("id")?),
            story: story(row)?,
            feed: row.get("name")?,
            title: row.get("title")?,
            link: row.get("link")?,
            summary: row.get("summary")?,
            content: row.get("content")?,
            published: instant(row, "published")?,
            score: candidate.score,
        })
    })
}

/// The query in the language of FTS5 (<https://sqlite.org/fts5.html>, "Full-text Query Syntax"). Its words are letters and digits: nothing
/// in them can mean anything there.
fn expression(query: &Query) -> String {
    let side = |is_excluded: bool, between: &str| {
        let terms = query.terms.iter().filter(|term| term.is_excluded == is_excluded);
        terms.map(term).collect::<Vec<_>>().join(between)
    };
    let (wanted, excluded) = (side(false, " AND "), side(true, " OR "));
    if excluded.is_empty() {
        wanted
    } else {
        format!("({wanted}) NOT ({excluded})")
    }
}

fn term(term: &Term) -> String {
    let star = if term.is_prefix { " *" } else { "" };
    let ways = term.ways.iter().map(|words| format!("\"{}\"{star}", words.join(" ")));
    format!("({})", ways.collect::<Vec<_>>().join(" OR "))
}
