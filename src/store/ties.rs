//! The tables of ties and decisions: how items belong together, and what the operator has decided of them.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::model::item::ItemId;
use crate::model::story::{Close, Decided, Tie};
use crate::store::SqlResult;
use crate::store::rows::signed;

/// Items with which one that is looked at again is compared because it was tied to them.
const MAX_TIED: usize = 256;

/// Writes how an item belongs together with others; of several ways for one pair the last.
pub(super) fn write(db: &Connection, ties: &[Tie]) -> SqlResult<()> {
    let mut insert = db.prepare_cached(
        "insert or replace into tie (item_id, other_id, kind, rule, share, back, cites) values (?, ?, ?, ?, ?, ?, ?)",
    )?;
    for tie in ties {
        insert.execute(params![
            tie.item.0,
            tie.other.0,
            tie.kind.as_str(),
            tie.rule,
            tie.share,
            tie.back,
            tie.cites,
        ])?;
    }
    Ok(())
}

/// Forgets how an item belongs together with others, before it is compared again; returns some of those.
pub(super) fn forget(db: &Connection, item: ItemId) -> SqlResult<Vec<ItemId>> {
    let mut tied = Vec::new();
    for sql in [
        "delete from tie where item_id = ? returning other_id",
        "delete from tie where other_id = ? returning item_id",
    ] {
        let mut statement = db.prepare_cached(sql)?;
        let rows = statement.query_map([item.0], |row| row.get(0).map(ItemId))?;
        tied.extend(rows.collect::<SqlResult<Vec<_>>>()?);
    }
    tied.truncate(MAX_TIED);
    Ok(tied)
}

/// The items that one quotes, and itself: who leads their stories may have changed with a quotation of it.
pub(super) fn around_quotation(db: &Connection, quoting: ItemId) -> SqlResult<Vec<ItemId>> {
    let mut statement =
        db.prepare_cached("select other_id from tie where item_id = ?1 and kind = 'quotes' union select ?1")?;
    let rows = statement.query_map([quoting.0], |row| row.get(0).map(ItemId))?;
    rows.collect()
}

/// Keeps of what an item quotes only so many, of which the most stands in it: who quotes everybody quotes nobody.
pub(super) fn bound_quotations(db: &Connection, item: ItemId, most: usize) -> SqlResult<()> {
    db.prepare_cached(
        "delete from tie where item_id = ?1 and kind = 'quotes' and other_id not in (
             select tie.other_id from tie join item on item.id = tie.other_id
             left join quotation q on q.item_id = tie.item_id and q.other_id = tie.other_id
             where tie.item_id = ?1 and kind = 'quotes' order by q.item_id is null, tie.share desc, key limit ?2)",
    )?
    .execute(params![item.0, signed(most)])
    .map(|_| ())
}

/// Pairs among these items that tell one story, in an order that does not depend on when they came, with their closeness: one link is
/// as close as can be, unless it is all that they have in common, which is less than nothing. `items` is a JSON list.
pub(super) fn same(db: &Connection, items: &str) -> SqlResult<Vec<Close>> {
    let closeness =
        "case rule when 'the same link' then 1.0 when 'the same link alone' then -1.0 else min(share, back) end";
    pairs(db, closeness, "kind = 'same'", items)
}

/// Items that one of these is tied to as telling one story, and that are not among them. `items` is a JSON list.
pub(super) fn same_elsewhere(db: &Connection, items: &str) -> SqlResult<Vec<ItemId>> {
    let mut statement = db.prepare_cached(
        "with mine as (select value as id from json_each(?1)),
             tied as (select other_id as id from tie where kind = 'same' and item_id in mine
                 union select item_id from tie where kind = 'same' and other_id in mine)
         select id from tied where id not in mine limit ?2",
    )?;
    let rows = statement.query_map(params![items, signed(MAX_TIED)], |row| row.get(0).map(ItemId))?;
    rows.collect()
}

/// Pairs among these items of which one quotes the other, and says so by a link, with their closeness. `items` is a JSON list.
pub(super) fn quoting(db: &Connection, items: &str) -> SqlResult<Vec<Close>> {
    pairs(db, "min(share, back)", "kind = 'quotes' and cites = 1", items)
}

fn pairs(db: &Connection, closeness: &str, which: &str, items: &str) -> SqlResult<Vec<Close>> {
    let mut statement = db.prepare_cached(&format!(
        "select item_id, other_id, {closeness} from tie join item one on one.id = item_id join item other on other.id = other_id
         where {which} and item_id in (select value from json_each(?1)) and +other_id in (select value from json_each(?1))
         order by min(one.key, other.key), max(one.key, other.key), one.feed_id + other.feed_id"
    ))?;
    let rows = statement.query_map([items], |row| {
        Ok((ItemId(row.get(0)?), ItemId(row.get(1)?), row.get(2)?))
    })?;
    rows.collect()
}

/// Whether an item quotes any other or is quoted, with a link.
pub(super) fn is_in_quotation(db: &Connection, item: ItemId) -> SqlResult<bool> {
    db.prepare_cached(
        "select exists (select 1 from tie where item_id = ?1 and kind = 'quotes' and cites = 1)
             or exists (select 1 from tie where other_id = ?1 and kind = 'quotes' and cites = 1)",
    )?
    .query_row([item.0], |row| row.get(0))
}

/// Whether an item, or any in a story with one of these, is tied to another by nothing but a link.
pub(super) fn has_bare_link(db: &Connection, item: ItemId, others: &[ItemId]) -> SqlResult<bool> {
    let others = serde_json::json!(others).to_string();
    db.prepare_cached(
        "select exists (
             select 1 from item i join tie on item_id = i.id or other_id = i.id where rule = 'the same link alone' and (i.id = ?1
                 or i.story_id in (select story_id from item where id in (select value from json_each(?2)))))",
    )?
    .query_row(params![item.0, others], |row| row.get(0))
}

/// What was decided last of pairs among these items.
pub(super) fn decided(db: &Connection, items: &str) -> SqlResult<Vec<(ItemId, ItemId, Decided)>> {
    let mut statement = db.prepare_cached(
        "select item_id, other_id, kind, max(decision_id) from decision_pair join decision on id = decision_id
         where undone_at is null and item_id in (select value from json_each(?1))
             and +other_id in (select value from json_each(?1))
         group by item_id, other_id",
    )?;
    let rows = statement.query_map([items], |row| {
        let kind: String = row.get(2)?;
        Ok((ItemId(row.get(0)?), ItemId(row.get(1)?), decided_as(&kind)))
    })?;
    rows.collect()
}

/// Keeps a decision of pairs of items; returns its number.
pub(super) fn decide(db: &Connection, decided: Decided, pairs: &[(ItemId, ItemId)], now: Timestamp) -> SqlResult<i64> {
    let kind = match decided {
        Decided::Together => "together",
        Decided::Apart => "apart",
    };
    db.prepare_cached("insert into decision (kind, made_at) values (?, ?)")?
        .execute(params![kind, now.as_millisecond()])?;
    let id = db.last_insert_rowid();
    let mut insert =
        db.prepare_cached("insert or ignore into decision_pair (item_id, other_id, decision_id) values (?, ?, ?)")?;
    for (a, b) in pairs {
        insert.execute(params![a.0.min(b.0), a.0.max(b.0), id])?;
    }
    Ok(id)
}

/// What holds of an item: the numbers of decisions, what was decided, and of which other item.
pub(super) fn of(db: &Connection, item: ItemId) -> SqlResult<Vec<(i64, Decided, ItemId)>> {
    let mut statement = db.prepare_cached(
        "select decision.id, kind, iif(item_id = ?1, other_id, item_id) from decision_pair join decision on id = decision_id
         where undone_at is null and (item_id = ?1 or other_id = ?1) order by decision.id",
    )?;
    let rows = statement.query_map([item.0], |row| {
        let kind: String = row.get(1)?;
        Ok((row.get(0)?, decided_as(&kind), ItemId(row.get(2)?)))
    })?;
    rows.collect()
}

fn decided_as(kind: &str) -> Decided {
    match kind {
        "together" => Decided::Together,
        _ => Decided::Apart,
    }
}
