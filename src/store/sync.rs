//! Makes the table of feeds say what the configuration says.
//!
//! The list goes past the table a few times, feed by feed, and each feed is looked up by an index; of a million feeds only ids and
//! places in the list are kept. Rows that say the right thing already are not written.
//!
//! What is there under a name and an address, or has moved to that address by itself, is the same feed. Then what is there under the
//! address has a new name. Then what is there under the name has a new address, and starts afresh. What is left of the list is new,
//! and what is left of the table is no longer configured: it keeps its items and its history, and comes back as it was.

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use serde::Serialize;

use crate::model::feed_list::{FeedList, ListedFeed};
use crate::store::{SqlResult, Store, StoreError};

/// Pages that stay in memory while many feeds are stored, in KiB; each insert touches all indexes.
const CACHE_KIB: u32 = 64_000;
/// From so many feeds on.
const MANY: usize = 10_000;

/// What is forgotten with the address that it was true of.
const AFRESH: &str = "etag = null, last_modified = null, document_hash = null, offered_url = '', last_success_at = null,
     entries = 0, shrunk = 0, failures = 0, failure = '', failing_since = null, rhythm = null, pace = 6, fresh_seconds = 0,
     retry_after_seconds = 0, move_url = '', move_since = null, move_polls = 0, moved_url = '', moved_at = null, refused_url = '',
     proposed_url = '', searched_at = null, notice = '', hub_url = '', topic_url = '',
     next_poll_at = 0, next_poll_why = 'its address is new'";

/// A feed that had moved by itself is where the configuration says now.
const ARRIVE: &str =
    "update feed set url = ?2, moved_url = '', moved_at = null, move_url = '', move_since = null, move_polls = 0,
     notice = '' where id = ?1 and url <> ?2";

impl Store {
    /// Makes the table of feeds say what the configuration says. Feeds that are gone from it keep their items and their history,
    /// and come back as they were. A feed under a new name at a known address is the same feed. A new address starts afresh, unless
    /// the feed has moved there by itself.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn sync_feeds(&self, feeds: FeedList) -> Result<(), StoreError> {
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
        self.write_alone("storing the list of feeds", move |db| {
            let cache: i64 = db.query_row("pragma cache_size", [], |row| row.get(0))?;
            if feeds.len() >= MANY {
                db.pragma_update(None, "cache_size", -i64::from(CACHE_KIB))?;
            }
            let done = sync(db, &feeds);
            db.pragma_update(None, "cache_size", cache)?;
            done?;
            db.execute("insert or replace into setting values ('feeds', ?)", [&digest[..]])?;
            Ok(())
        })
        .await
    }
}

fn digest_of(feeds: &FeedList) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for feed in feeds.iter() {
        for text in [feed.name, feed.url, feed.group, &json(feed.manner), &access(feed)] {
            hasher.update(text.as_bytes());
            hasher.update(&[0]);
        }
    }
    *hasher.finalize().as_bytes()
}

fn json(said: &impl Serialize) -> String {
    serde_json::to_string(said).unwrap_or_else(|_| "{}".to_owned())
}

/// Empty: it is asked like all others.
fn access(feed: ListedFeed<'_>) -> String {
    let access = json(feed.access);
    if access == "{}" { String::new() } else { access }
}

/// What the configuration says of a feed, as it is stored.
fn said(feed: ListedFeed<'_>) -> [ToSqlOutput<'_>; 5] {
    let (manner, access) = (json(feed.manner), access(feed));
    [
        feed.name.into(),
        feed.url.into(),
        feed.group.into(),
        manner.into(),
        access.into(),
    ]
}

fn sync(db: &Connection, feeds: &FeedList) -> SqlResult<()> {
    let mut rows = Rows {
        last: db.query_row("select coalesce(max(id), 0) from feed", [], |row| row.get(0))?,
        taken: Vec::new(),
    };
    if rows.last == 0 {
        // A million questions less.
        let all: Vec<usize> = (0..feeds.len()).collect();
        return place(db, feeds, &all, &mut rows);
    }
    let others = same(db, feeds, &mut rows)?;
    let (renamed, others) = under_other_names(db, feeds, &others, &mut rows)?;
    rename(db, feeds, &renamed)?;
    place(db, feeds, &others, &mut rows)?;
    retire(db, &rows)
}

/// The rows that were there before.
struct Rows {
    /// The last of them.
    last: i64,
    /// By id, whether a feed of the list has taken it.
    taken: Vec<bool>,
}

impl Rows {
    fn take(&mut self, id: i64) {
        let at = usize::try_from(id).unwrap_or_default();
        if self.taken.len() <= at {
            self.taken.resize(at + 1, false);
        }
        if let Some(taken) = self.taken.get_mut(at) {
            *taken = true;
        }
    }

    fn is_taken(&self, id: i64) -> bool {
        usize::try_from(id).is_ok_and(|at| self.taken.get(at) == Some(&true))
    }
}

/// Takes the rows under the names and addresses of the list; returns the places in the list of the other feeds.
fn same(db: &Connection, feeds: &FeedList, rows: &mut Rows) -> SqlResult<Vec<usize>> {
    let mut find = db.prepare(
        "select id, configured = 1 and url = ?2 and feed_group = ?3 and manner = ?4 and access = ?5 from feed
         where name = ?1 and (url = ?2 or moved_url = ?2)",
    )?;
    let mut arrive = db.prepare(ARRIVE)?;
    let mut keep = Keep::prepare(db)?;
    let mut others = Vec::new();
    for (at, feed) in feeds.iter().enumerate() {
        let found = find
            .query_row(said(feed), |row| Ok((row.get(0)?, row.get::<_, bool>(1)?)))
            .optional()?;
        match found {
            Some((id, says_so)) => {
                rows.take(id);
                if !says_so {
                    arrive.execute(params![id, feed.url])?;
                    keep.run(id, feed)?;
                }
            }
            None => others.push(at),
        }
    }
    Ok(others)
}

/// Takes the rows under the addresses of feeds; returns these with their rows, and the other feeds. Names are unique, and may go round
/// in a circle: all that change are freed before any is given.
#[expect(clippy::type_complexity, reason = "two lists of places")]
fn under_other_names(
    db: &Connection,
    feeds: &FeedList,
    places: &[usize],
    rows: &mut Rows,
) -> SqlResult<(Vec<(usize, i64)>, Vec<usize>)> {
    // Of several under one address, the configured one comes first; one that has moved there by itself comes last.
    let mut find = db.prepare(
        "select id from feed where url = ?1 or (moved_url = ?1 and moved_url <> '')
         order by url = ?1 desc, configured desc, id desc",
    )?;
    let mut free = db.prepare("update feed set name = 'former ' || id || ': ' || name where id = ?")?;
    let (mut found, mut others) = (Vec::new(), Vec::new());
    for at in places {
        let Some(feed) = feeds.get(*at) else { continue };
        let mut id = None;
        let mut twins = find.query([feed.url])?;
        while let (None, Some(row)) = (id, twins.next()?) {
            id = Some(row.get(0)?).filter(|id| !rows.is_taken(*id));
        }
        match id {
            Some(id) => {
                rows.take(id);
                free.execute([id])?;
                found.push((*at, id));
            }
            None => others.push(*at),
        }
    }
    Ok((found, others))
}

/// Gives rows the names of feeds.
fn rename(db: &Connection, feeds: &FeedList, renamed: &[(usize, i64)]) -> SqlResult<()> {
    // A feed that is no longer polled may hold the name still.
    let mut free = db.prepare("update feed set name = 'former ' || id || ': ' || name where name = ?")?;
    let mut arrive = db.prepare(ARRIVE)?;
    let mut keep = Keep::prepare(db)?;
    for (at, id) in renamed {
        let Some(feed) = feeds.get(*at) else { continue };
        free.execute([feed.name])?;
        arrive.execute(params![id, feed.url])?;
        keep.run(*id, feed)?;
    }
    Ok(())
}

/// Stores the feeds whose addresses are new: under their names where there are such, else as new rows.
fn place(db: &Connection, feeds: &FeedList, places: &[usize], rows: &mut Rows) -> SqlResult<()> {
    let mut find = db.prepare("select id from feed where name = ?1 and ?2 > 0")?;
    let mut relocate = db.prepare(&format!(
        "update feed set configured = 1, url = ?2, feed_group = ?3, manner = ?4, access = ?5, {AFRESH} where name = ?1"
    ))?;
    let mut insert = db.prepare("insert into feed (name, url, feed_group, manner, access) values (?, ?, ?, ?, ?)")?;
    for at in places {
        let Some(feed) = feeds.get(*at) else { continue };
        let holder = find
            .query_row(params![feed.name, rows.last], |row| row.get(0))
            .optional()?;
        let store = match holder {
            Some(id) => {
                rows.take(id);
                &mut relocate
            }
            None => &mut insert,
        };
        store.execute(said(feed))?;
    }
    Ok(())
}

/// Rows that nobody has taken are configured no longer.
fn retire(db: &Connection, rows: &Rows) -> SqlResult<()> {
    let mut statement = db.prepare("select id from feed where configured = 1 and id <= ?")?;
    let mut left: Vec<i64> = Vec::new();
    let mut found = statement.query([rows.last])?;
    while let Some(row) = found.next()? {
        left.extend(Some(row.get(0)?).filter(|id| !rows.is_taken(*id)));
    }
    let mut retire = db.prepare("update feed set configured = 0 where id = ?")?;
    left.iter().try_for_each(|id| retire.execute([id]).map(|_| ()))
}

/// What is done with the row of a feed that is known.
struct Keep<'a> {
    keep: Statement<'a>,
    ask_anew: Statement<'a>,
    read_anew: Statement<'a>,
    hold: Statement<'a>,
}

impl<'a> Keep<'a> {
    fn prepare(db: &'a Connection) -> SqlResult<Self> {
        // Who is to be read in another manner is asked for the whole document again, at once; with other selectors it is another source.
        let other = "json_extract(manner, '$.select') is not json_extract(?2, '$.select')";
        Ok(Self {
            keep: db.prepare("update feed set configured = 1, name = ?2, feed_group = ?3 where id = ?1")?,
            // Who is asked in another way may answer now.
            ask_anew: db.prepare(
                "update feed set access = ?2, next_poll_at = 0, next_poll_why = 'it is asked in another way', failures = 0,
                     failing_since = null where id = ?1 and access <> ?2",
            )?,
            read_anew: db.prepare(&format!(
                "update feed set manner = ?2, etag = null, last_modified = null, document_hash = null, entries = 0, shrunk = 0,
                     next_poll_at = 0, next_poll_why = 'it is read in another manner', failures = 0, failing_since = null,
                     offered_url = iif({other}, '', offered_url), last_success_at = iif({other}, null, last_success_at)
                 where id = ?1 and json_remove(manner, '$.hold_seconds') <> json_remove(?2, '$.hold_seconds')"
            ))?,
            // How long items wait changes nothing of what is asked.
            hold: db.prepare("update feed set manner = ?2 where id = ?1 and manner <> ?2")?,
        })
    }

    fn run(&mut self, id: i64, feed: ListedFeed<'_>) -> SqlResult<()> {
        self.keep.execute(params![id, feed.name, feed.group])?;
        self.ask_anew.execute(params![id, access(feed)])?;
        let manner = json(feed.manner);
        self.read_anew.execute(params![id, manner])?;
        self.hold.execute(params![id, manner]).map(|_| ())
    }
}
