//! Parts items into stories anew, and keeps the table of stories in step: which stay, open, become part of another, or come back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::model::item::{ItemId, ItemKey};
use crate::model::story::{Member, StoryId, StoryUid, Ties};
use crate::model::view::View;
use crate::store::judge::Judge;
use crate::store::rows::{bytes, instant, signed};
use crate::store::stories::{self, number_anew};
use crate::store::{SqlResult, ties};

/// Items of one story that are parted anew together; what a larger one has more stays where it is.
const MAX_MEMBERS: usize = 512;

/// The stories, while items are given to them.
pub(super) struct Book<'a> {
    db: &'a Connection,
    judge: &'a Judge,
    now: Timestamp,
    /// The last place given.
    last: i64,
    /// Stories that were opened.
    pub(super) opened: usize,
    /// Leaves its story to the others, even if it came first.
    leaving: Option<ItemId>,
}

impl<'a> Book<'a> {
    pub(super) fn new(db: &'a Connection, judge: &'a Judge, now: Timestamp) -> SqlResult<Self> {
        Ok(Self {
            db,
            judge,
            now,
            last: db.query_row("select coalesce(max(seq), 0) from story", [], |row| row.get(0))?,
            opened: 0,
            leaving: None,
        })
    }

    /// Opens a story for items, the first of which gives it its name for the world.
    pub(super) fn open(&mut self, items: &[ItemId]) -> SqlResult<StoryId> {
        let first = items.iter().min().copied().unwrap_or_default();
        let uid = self.free_uid(uid(self.db, first)?)?;
        self.last += 1;
        self.opened += 1;
        stories::open(self.db, (self.last, uid), first, self.now)
    }

    /// A name that no story has: an item may have opened one that others have kept.
    fn free_uid(&self, mut uid: StoryUid) -> SqlResult<StoryUid> {
        let mut taken = self
            .db
            .prepare_cached("select exists (select 1 from story where uid = ?)")?;
        while taken.query_row([uid.0], |row| row.get(0))? {
            let mut bits = [0; 16];
            blake3::Hasher::new().update(&uid.0).finalize_xof().fill(&mut bits);
            uid = StoryUid::from_hash(bits);
        }
        Ok(uid)
    }

    /// An item joins a story where nothing speaks against it: no decision, no quotation, no link that is all. Says whether that is so; if not, all of it is to be parted anew.
    pub(super) fn join(&self, item: ItemId, tied: &[ItemId]) -> SqlResult<bool> {
        let is_decided: bool = self
            .db
            .prepare_cached("select exists (select 1 from decision where undone_at is null)")?
            .query_row([], |row| row.get(0))?;
        let members = members(self.db, tied, 0)?;
        let stories: HashSet<StoryId> = members.into_values().flatten().collect();
        let is_apart = is_decided || ties::is_in_quotation(self.db, item)? || ties::has_bare_link(self.db, item, tied)?;
        let (false, [story]) = (is_apart, &stories.into_iter().collect::<Vec<_>>()[..]) else {
            return Ok(false);
        };
        self.give(*story, &[item])?;
        self.lead(*story)?;
        Ok(true)
    }

    pub(super) fn give(&self, story: StoryId, items: &[ItemId]) -> SqlResult<()> {
        let mut give = self
            .db
            .prepare_cached("update item set story_id = ?1 where id = ?2 and story_id is not ?1")?;
        items
            .iter()
            .try_for_each(|item| give.execute(params![story.0, item.0]).map(|_| ()))
    }

    /// Parts an item from the others of its story, which keep it.
    pub(super) fn part_from_others(&mut self, item: ItemId) -> SqlResult<()> {
        self.leaving = Some(item);
        let parted = self.regroup(&[item]);
        self.leaving = None;
        parted
    }

    /// Parts these items, all that tell a story with any of them, and those that something has kept from it, into stories anew.
    pub(super) fn regroup(&mut self, items: &[ItemId]) -> SqlResult<()> {
        let json = |members: &BTreeMap<ItemId, _>| serde_json::json!(members.keys().collect::<Vec<_>>()).to_string();
        let mut members = members(self.db, items, MAX_MEMBERS)?;
        let kept_apart = ties::same_elsewhere(self.db, &json(&members))?;
        for other in kept_apart {
            let room = MAX_MEMBERS.saturating_sub(members.len());
            if room > 0 {
                members.append(&mut self::members(self.db, &[other], room)?);
            }
        }
        let list = json(&members);
        let items: Vec<ItemId> = members.keys().copied().collect();
        let (same, quoting) = (ties::same(self.db, &list)?, ties::quoting(self.db, &list)?);
        let ties = Ties {
            same: &same,
            quoting: &quoting,
        };
        let groups = (self.judge.groups)(&items, ties, &ties::decided(self.db, &list)?);
        let mut kept = self.keepers(&members, &groups)?;
        let mut told = Vec::new();
        for (at, group) in groups.iter().enumerate() {
            let mut stories = kept.remove(&at).unwrap_or_default().into_iter();
            let story = match stories.next() {
                Some(story) => story,
                None => self.part(group, &members)?,
            };
            let is_as_before = group.iter().all(|item| members.get(item) == Some(&Some(story)))
                && members.values().filter(|of| **of == Some(story)).count() == group.len();
            self.give(story, group)?;
            told.push((story, stories, is_as_before));
        }
        for (story, others, is_as_before) in told {
            for other in others {
                self.become_part(other, story)?;
            }
            self.db
                .prepare_cached("update story set merged_into = null where id = ? and merged_into is not null")?
                .execute([story.0])?;
            match is_as_before {
                true => self.lead_if_changed(story)?,
                false => self.lead(story)?,
            }
        }
        Ok(())
    }

    /// A story for items that leave theirs: the one that they had before, or a new one. Both arrive now, for digests too.
    fn part(&mut self, group: &[ItemId], members: &BTreeMap<ItemId, Option<StoryId>>) -> SqlResult<StoryId> {
        let story = match self.former(group)? {
            Some(story) => story,
            None => self.open(group)?,
        };
        for item in group {
            if members.get(item).is_some_and(Option::is_some) {
                number_anew(self.db, *item)?;
            }
        }
        Ok(story)
    }

    /// The empty story that one of these items has opened.
    fn former(&self, group: &[ItemId]) -> SqlResult<Option<StoryId>> {
        let mut find = self.db.prepare_cached(
            "select id from story where uid = ? and not exists (select 1 from item where story_id = story.id)",
        )?;
        for item in group {
            let found = find.query_row([uid(self.db, *item)?.0], |row| row.get(0).map(StoryId));
            if let Some(story) = found.optional()? {
                return Ok(Some(story));
            }
        }
        Ok(None)
    }

    /// All that is left of a story goes to another.
    fn become_part(&self, other: StoryId, story: StoryId) -> SqlResult<()> {
        self.db
            .prepare_cached("update item set story_id = ?1 where story_id = ?2")?
            .execute(params![story.0, other.0])?;
        self.db
            .prepare_cached("update story set merged_into = ?1 where id = ?2")?
            .execute(params![story.0, other.0])
            .map(|_| ())
    }

    /// Which stories each group keeps, by its place in the list, the first place first: a story stays with the item that opened it, or
    /// else with the one that came first.
    fn keepers(
        &self,
        members: &BTreeMap<ItemId, Option<StoryId>>,
        groups: &[Vec<ItemId>],
    ) -> SqlResult<HashMap<usize, Vec<StoryId>>> {
        let mut of_story: BTreeMap<StoryId, Vec<ItemId>> = BTreeMap::new();
        for (item, story) in members {
            if let Some(story) = story {
                of_story.entry(*story).or_default().push(*item);
            }
        }
        let group_of = |item: &ItemId| groups.iter().position(|group| group.contains(item)).unwrap_or_default();
        let mut row = self.db.prepare_cached("select seq, uid from story where id = ?")?;
        let mut placed: Vec<(i64, StoryId, usize)> = Vec::new();
        for (story, items) in of_story {
            let (seq, name): (i64, [u8; 16]) = row.query_row([story.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let mut keeper = items.first().map(group_of).unwrap_or_default();
            if items.iter().any(|item| group_of(item) != keeper) {
                for item in &items {
                    if uid(self.db, *item)? == StoryUid(name) {
                        keeper = group_of(item);
                    }
                }
            }
            let stays = items
                .iter()
                .find(|item| Some(**item) != self.leaving && group_of(item) != keeper);
            if let (Some(leaving), Some(stays)) = (self.leaving, stays)
                && keeper == group_of(&leaving)
            {
                keeper = group_of(stays);
            }
            placed.push((seq, story, keeper));
        }
        placed.sort_unstable();
        let mut kept: HashMap<usize, Vec<StoryId>> = HashMap::new();
        for (_, story, keeper) in placed {
            kept.entry(keeper).or_default().push(story);
        }
        Ok(kept)
    }

    /// Chooses who leads a story, which has changed.
    pub(super) fn lead(&self, story: StoryId) -> SqlResult<()> {
        let leader = self.leader(story)?;
        self.db
            .prepare_cached(
                "update story set leader_item_id = coalesce(?2, leader_item_id), changed_at = ?3 where id = ?1",
            )?
            .execute(params![story.0, leader.map(|item| item.0), self.now.as_millisecond()])
            .map(|_| ())
    }

    /// Chooses who leads a story, which has changed if that is another.
    pub(super) fn lead_if_changed(&self, story: StoryId) -> SqlResult<()> {
        let Some(leader) = self.leader(story)? else {
            return Ok(());
        };
        self.db
            .prepare_cached(
                "update story set leader_item_id = ?2, changed_at = ?3 where id = ?1 and leader_item_id <> ?2",
            )?
            .execute(params![story.0, leader.0, self.now.as_millisecond()])
            .map(|_| ())
    }

    fn leader(&self, story: StoryId) -> SqlResult<Option<ItemId>> {
        let prefer = &self.judge.prefer;
        let mut statement = self.db.prepare_cached(
            "select item.id, coalesce(published_at, first_seen_at) as at, name, link,
                 exists (select 1 from quotation where other_id = item.id)
                     or exists (select 1 from tie where other_id = item.id and kind = 'same' and cites = 1) as is_cited
             from item join feed on feed.id = feed_id where story_id = ? limit ?",
        )?;
        let rows = statement.query_map(params![story.0, signed(MAX_MEMBERS)], |row| {
            let feed: String = row.get("name")?;
            let place = prefer.iter().position(|name| View::name_matches(name, &feed));
            Ok(Member {
                item: ItemId(row.get(0)?),
                at: instant(row, "at")?,
                is_cited: row.get("is_cited")?,
                preference: place.unwrap_or(usize::MAX),
                feed,
                link: row.get("link")?,
            })
        })?;
        Ok((self.judge.leader)(&rows.collect::<SqlResult<Vec<_>>>()?))
    }
}

/// These items and, up to `limit` for each, those that tell a story with them, with their stories.
fn members(db: &Connection, items: &[ItemId], limit: usize) -> SqlResult<BTreeMap<ItemId, Option<StoryId>>> {
    let mut members = BTreeMap::new();
    let mut story = db.prepare_cached("select story_id from item where id = ?")?;
    let mut of_story = db.prepare_cached("select id from item where story_id = ? order by id limit ?")?;
    for item in items {
        let story: Option<i64> = story.query_row([item.0], |row| row.get(0))?;
        if members.insert(*item, story.map(StoryId)).is_some() {
            continue;
        }
        let Some(story) = story.filter(|_| limit > 0) else {
            continue;
        };
        let mut rows = of_story.query(params![story, signed(limit)])?;
        while let Some(row) = rows.next()? {
            members.insert(ItemId(row.get(0)?), Some(StoryId(story)));
        }
    }
    Ok(members)
}

fn uid(db: &Connection, item: ItemId) -> SqlResult<StoryUid> {
    db.prepare_cached("select name, key from item join feed on feed.id = feed_id where item.id = ?")?
        .query_row([item.0], |row| {
            Ok(uid_of(row.get_ref(0)?.as_str()?, &ItemKey(bytes(row, "key")?)))
        })
}

/// The same item of the same feed gives the same name for the world, in any database.
pub(super) fn uid_of(feed: &str, key: &ItemKey) -> StoryUid {
    static NAMES: LazyLock<blake3::Hasher> = LazyLock::new(|| blake3::Hasher::new_derive_key("tidings 2026 story uid"));
    let mut hasher = NAMES.clone();
    hasher.update(feed.as_bytes());
    hasher.update(&[0]);
    hasher.update(&key.0);
    let mut bits = [0; 16];
    hasher.finalize_xof().fill(&mut bits);
    StoryUid::from_hash(bits)
}
