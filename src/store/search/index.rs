//! How the index follows: new items in order of arrival, then those that were edited.

use rusqlite::{Connection, OptionalExtension, params};

use crate::model::item::ItemId;
use crate::store::rows::{signed, unsigned};
use crate::store::{SqlResult, Store, StoreError};
use crate::text::fold::{each_word, each_word_of_html};

/// A batch ends with the text that reaches this size, in bytes: others wait while it is written.
const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// An item, and the words by which it is found.
struct Words {
    item: i64,
    /// What it was when it was read.
    revision: i64,
    title: String,
    text: String,
}

/// Items to be indexed together.
struct Batch {
    /// How far the index had come when they were read.
    upto: i64,
    /// Items after that, in order of arrival.
    new: Vec<Words>,
    /// Items that were edited; only read when there are no new ones.
    edited: Vec<Words>,
}

impl Store {
    /// Takes up to `limit` items into the index; returns how many are in it that were not before. 0: it is complete.
    ///
    /// # Errors
    /// When the database fails; the index is as it was.
    pub async fn index_some(&self, limit: usize) -> Result<usize, StoreError> {
        let batch = self
            .read("reading what is new for the search", move |db| read(db, limit))
            .await?;
        let count = batch.new.len() + batch.edited.len();
        if count > 0 {
            self.write("indexing for the search", move |db| write(db, &batch))
                .await?;
        }
        Ok(count)
    }

    /// How many items the index does not have, or has as they were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn not_indexed(&self) -> Result<u64, StoreError> {
        self.read("looking how complete the search is", |db| {
            let sql = "select (select count(*) from item where id > ?) + (select count(*) from search_waiting)";
            db.query_row(sql, [upto(db)?], |row| row.get(0).map(unsigned))
        })
        .await
    }
}

/// Notes that an item was edited.
pub(in crate::store) fn edited(db: &Connection, item: ItemId) -> SqlResult<usize> {
    db.prepare_cached("insert into search_waiting values (?) on conflict do nothing")?
        .execute([item.0])
}

/// The last item that the index has.
fn upto(db: &Connection) -> SqlResult<i64> {
    let found = db
        .prepare_cached("select value from setting where name = 'searchable_upto'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or_default())
}

fn read(db: &Connection, limit: usize) -> SqlResult<Batch> {
    let upto = upto(db)?;
    let columns =
        "select item.id, revision, title, summary, content from item join item_text on item_text.item_id = item.id";
    let new = words(
        db,
        &format!("{columns} where item.id > ?1 order by item.id limit ?2"),
        upto,
        limit,
    )?;
    let mut edited = Vec::new();
    if new.is_empty() {
        let waiting =
            format!("{columns} where item.id in (select item_id from search_waiting where item_id > ?1 limit ?2)");
        edited = words(db, &waiting, 0, limit)?;
    }
    Ok(Batch { upto, new, edited })
}

fn words(db: &Connection, sql: &str, after: i64, limit: usize) -> SqlResult<Vec<Words>> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(params![after, signed(limit)])?;
    let (mut items, mut bytes) = (Vec::new(), 0);
    while bytes < MAX_BATCH_BYTES {
        let Some(row) = rows.next()? else { break };
        let (mut title, mut text) = (String::new(), String::new());
        each_word(row.get_ref(2)?.as_str()?, |word| add(&mut title, word));
        each_word_of_html(row.get_ref(4)?.as_str()?, |word| add(&mut text, word));
        each_word_of_html(row.get_ref(3)?.as_str()?, |word| add(&mut text, word));
        bytes += title.len() + text.len();
        items.push(Words {
            item: row.get(0)?,
            revision: row.get(1)?,
            title,
            text,
        });
    }
    Ok(items)
}

fn add(text: &mut String, word: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

fn write(db: &Connection, batch: &Batch) -> SqlResult<()> {
    let mut insert = db.prepare_cached("insert into search (rowid, title, text) values (?, ?, ?)")?;
    // Another process may have been faster.
    let new = if upto(db)? == batch.upto { &batch.new[..] } else { &[] };
    for words in new {
        insert.execute(params![words.item, words.title, words.text])?;
    }
    if let Some(last) = new.last() {
        db.prepare_cached(
            "insert into setting values ('searchable_upto', ?1) on conflict (name) do update set value = ?1",
        )?
        .execute([last.item])?;
    }
    // One that was edited again after it was read goes on waiting.
    let mut done = db.prepare_cached(
        "delete from search_waiting where item_id = ?1 and exists (select 1 from item where id = ?1 and revision = ?2)",
    )?;
    let mut delete = db.prepare_cached("delete from search where rowid = ?")?;
    for words in &batch.edited {
        if done.execute(params![words.item, words.revision])? > 0 {
            delete.execute([words.item])?;
            insert.execute(params![words.item, words.title, words.text])?;
        }
    }
    Ok(())
}
