//! One item matched against a window of a million: how long until it has its story, and what the window takes on disk.
//!
//! `cargo bench --bench window`; `WINDOW_ITEMS` (1000000) is the size of the window, `WINDOW_ARRIVALS` (2000) how many items are matched.
//! Items have 300 words each; every second arrival is a reprint of an item in the window, the others are new. One in 50 items of the
//! window keeps its text (the reprints are of these); all have their marks. Each arrival is placed by itself, as it would be in a
//! quiet daemon, and the time is that of the whole transaction.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "a bench"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, params};
use tidings::model::feed::{Access, FeedIntent, FeedUrl, Manner};
use tidings::service::stories::judge;
use tidings::store::Store;
use tidings::story::fingerprint::marks;
use tokio::time::Instant;

/// Items of the window that keep their text: one in so many.
const WITH_TEXT: u64 = 50;
const FEEDS: u64 = 100;

fn main() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let (items, arrivals) = (number("WINDOW_ITEMS", 1_000_000), number("WINDOW_ARRIVALS", 2000));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidings.db");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::open(&file).unwrap();
        store.sync_feeds((0..FEEDS).map(feed).collect()).await.unwrap();
        drop(store);
    });
    let began = Instant::now();
    let marks = fill(&file, items);
    let took = began.elapsed().as_secs_f64();
    println!(
        "{items} items in {took:.0} s, {:.1} marks each",
        marks as f64 / items as f64
    );
    disk(&file, items);
    let mut times = runtime.block_on(matched(&file, items, arrivals));
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!(
        "{} arrivals: median {:.3} ms, p90 {:.3} ms, p99 {:.3} ms, longest {:.3} ms",
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    );
    println!("peak memory {} MB", peak_memory_kb() / 1024);
}

fn feed(number: u64) -> FeedIntent {
    FeedIntent {
        name: format!("feed{number}"),
        url: FeedUrl::parse(&format!("https://feed{number}.example/")).unwrap(),
        group: String::new(),
        manner: Manner::default(),
        access: Access::default(),
    }
}

/// The text of an item: 300 words of some 30,000.
fn text(number: u64) -> String {
    let mut seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut html = String::from("<p>");
    for _ in 0..300 {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let word = (seed >> 33) % 30_011;
        html.push_str(&format!("w{word:x} "));
    }
    html + "</p>"
}

/// A key as long as those of items are.
fn key(number: u64, kind: u8) -> [u8; 17] {
    let mut key = [kind; 17];
    key[1..9].copy_from_slice(&number.to_be_bytes());
    key
}

/// Fills the window; returns how many marks it has.
fn fill(file: &Path, items: u64) -> usize {
    let mut db = Connection::open(file).unwrap();
    db.execute_batch("pragma synchronous = off; pragma cache_size = -400000;")
        .unwrap();
    let transaction = db.transaction().unwrap();
    let mut rows: Vec<(i32, i64)> = Vec::new();
    {
        let mut item = transaction
            .prepare(
                "insert into item (id, feed_id, key, raw_hash, content_hash, guid, link, canonical_link, title, language, details,
                     first_seen_at, story_id) values (?1, ?2, ?3, x'00', x'00', ?4, ?5, ?5, ?6, 'en', '{}', 1790000000000, ?1)",
            )
            .unwrap();
        let mut body = transaction
            .prepare("insert into item_text (item_id, summary, content) values (?, '', ?)")
            .unwrap();
        let mut sketch = transaction
            .prepare("insert into sketch (item_id, marks) values (?, ?)")
            .unwrap();
        let mut story = transaction
            .prepare("insert into story (id, seq, uid, leader_item_id, changed_at) values (?1, ?1, ?2, ?1, 0)")
            .unwrap();
        for number in 1..=items {
            let id = i64::try_from(number).unwrap();
            let (html, title) = (text(number), format!("Title of the item {number:x}"));
            let own = marks(&title, &html);
            let key = key(number, 7);
            story.execute(params![id, &key[1..]]).unwrap();
            let link = format!("https://site.example/{number}");
            let feed = i64::try_from(number % FEEDS).unwrap() + 1;
            item.execute(params![id, feed, key, number.to_string(), link, title])
                .unwrap();
            body.execute(params![id, if number % WITH_TEXT == 0 { html } else { String::new() }])
                .unwrap();
            let bytes: Vec<u8> = own.iter().flat_map(|mark| mark.to_le_bytes()).collect();
            sketch.execute(params![id, bytes]).unwrap();
            rows.extend(own.into_iter().map(|mark| (mark, id)));
        }
        rows.sort_unstable();
        let mut passage = transaction
            .prepare("insert into passage (mark, item_id) values (?, ?)")
            .unwrap();
        for (mark, id) in &rows {
            passage.execute(params![mark, id]).unwrap();
        }
        let last = i64::try_from(items).unwrap();
        transaction
            .execute("insert into setting values ('passages_upto', ?)", [last])
            .unwrap();
    }
    transaction.commit().unwrap();
    rows.len()
}

/// What the marks take.
fn disk(file: &Path, items: u64) {
    let db = Connection::open(file).unwrap();
    for table in ["passage", "sketch"] {
        let bytes: i64 = db
            .query_row("select sum(pgsize) from dbstat where name = ?", [table], |row| {
                row.get(0)
            })
            .unwrap();
        println!("{table}: {} bytes an item", bytes / i64::try_from(items).unwrap());
    }
}

/// Places arrivals one by one, after all have come.
async fn matched(file: &Path, items: u64, arrivals: u64) -> Vec<Duration> {
    let (store, judge) = (Store::open(file).unwrap(), judge(Arc::from([])));
    let db = Connection::open(file).unwrap();
    db.busy_timeout(Duration::from_secs(10)).unwrap();
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let (mut times, mut joined) = (Vec::new(), 0);
    for number in 0..arrivals {
        let is_reprint = number % 2 == 0;
        let old = (number * 7919 % (items / WITH_TEXT) + 1) * WITH_TEXT;
        let html = if is_reprint {
            format!("{}<p>Reprint</p>", text(old))
        } else {
            text(items + number + 1)
        };
        let title = format!("Another title {number:x} of today");
        let bytes: Vec<u8> = marks(&title, &html)
            .iter()
            .flat_map(|mark| mark.to_le_bytes())
            .collect();
        let key = key(number, 9);
        // Of another feed than the old one.
        let feed = i64::try_from((old + 1) % FEEDS).unwrap() + 1;
        db.execute(
            "insert into item (feed_id, key, raw_hash, content_hash, guid, link, canonical_link, title, language, details, first_seen_at)
             values (?, ?, x'00', x'00', '', '', '', ?, 'en', '{}', 1790000000000)",
            params![feed, key, title],
        )
        .unwrap();
        let id = db.last_insert_rowid();
        db.execute(
            "insert into item_text (item_id, summary, content) values (?, '', ?)",
            params![id, html],
        )
        .unwrap();
        db.execute("insert into sketch (item_id, marks) values (?, ?)", params![id, bytes])
            .unwrap();
    }
    for _ in 0..arrivals {
        let began = Instant::now();
        let placed = store.place_arrivals(1, now, &judge).await.unwrap();
        times.push(began.elapsed());
        joined += u64::from(placed.stories == 0);
    }
    assert_eq!(
        joined,
        arrivals.div_ceil(2),
        "each reprint is told with its original, and nothing else is"
    );
    times
}

fn peak_memory_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}
