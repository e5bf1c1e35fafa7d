#![allow(clippy::unwrap_used, reason = "tests")]
use super::{MIGRATIONS, applied, apply, apply_up_to};
use crate::store::StoreError;
use rusqlite::Connection;
use std::collections::BTreeMap;

#[test]
fn an_empty_database_comes_to_the_newest_schema_once() {
    let mut db = Connection::open_in_memory().unwrap();
    apply(&mut db).unwrap();
    apply(&mut db).unwrap();
    assert_eq!(applied(&db).unwrap().len(), MIGRATIONS.len());
}

/// Tables, indexes and triggers by name; of tables what stands between their commas, sorted, and their columns in order.
fn shape(db: &Connection) -> BTreeMap<String, Vec<String>> {
    let mut statement = db
        .prepare("select name, type, sql from sqlite_schema where sql is not null and name not like 'search\\_%' escape '\\' or type = 'trigger'")
        .unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    let shape = rows.map(|row| {
        let (name, kind, sql): (String, String, String) = row.unwrap();
        let said: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap()).collect();
        let said = said.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        let parts = match said.split_once(" (").filter(|_| kind == "table" && name != "search") {
            Some((head, body)) => {
                let (body, tail) = body.rsplit_once(')').unwrap();
                let mut parts: Vec<String> = definitions(body);
                parts.sort();
                parts.extend([head.to_owned(), tail.to_owned()]);
                parts.extend(columns(db, &name));
                parts
            }
            None => vec![said],
        };
        (name, parts)
    });
    shape.collect()
}

/// What stands between the commas that are in no parentheses.
fn definitions(body: &str) -> Vec<String> {
    let mut depth = 0;
    let parts = body.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(|part| part.trim().to_owned()).collect()
}

fn columns(db: &Connection, table: &str) -> Vec<String> {
    let mut statement = db.prepare("select name from pragma_table_info(?)").unwrap();
    statement
        .query_map([table], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn a_new_database_is_what_all_migrations_make_of_an_empty_one() {
    let mut grown = Connection::open_in_memory().unwrap();
    apply_up_to(&mut grown, &MIGRATIONS, None).unwrap();
    let mut new = Connection::open_in_memory().unwrap();
    apply(&mut new).unwrap();
    let (grown, new) = (shape(&grown), shape(&new));
    assert_eq!(grown.keys().collect::<Vec<_>>(), new.keys().collect::<Vec<_>>());
    for (name, shape) in grown {
        assert_eq!(Some(&shape), new.get(&name), "{name}");
    }
}

#[test]
fn an_older_database_keeps_its_rows() {
    let mut db = Connection::open_in_memory().unwrap();
    let (_, older) = MIGRATIONS.split_last().unwrap();
    apply_up_to(&mut db, older, None).unwrap();
    db.execute("insert into feed (name, url) values ('a', 'https://a.example/')", [])
        .unwrap();
    apply(&mut db).unwrap();
    let feeds: i64 = db.query_row("select count(*) from feed", [], |row| row.get(0)).unwrap();
    assert_eq!(feeds, 1);
}

#[test]
fn a_newer_database_is_refused() {
    let mut db = Connection::open_in_memory().unwrap();
    apply(&mut db).unwrap();
    db.execute("insert into migration values (99, '0099_later', x'00')", [])
        .unwrap();
    assert!(matches!(apply(&mut db), Err(StoreError::Newer { found, known }) if found == known + 1));
}

#[test]
fn a_changed_migration_is_refused() {
    let mut db = Connection::open_in_memory().unwrap();
    apply(&mut db).unwrap();
    db.execute("update migration set hash = x'00' where number = 1", [])
        .unwrap();
    assert!(matches!(apply(&mut db), Err(StoreError::Changed(name)) if name == MIGRATIONS[0].0));
}
