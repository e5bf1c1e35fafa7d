//! A million feeds, each due every half hour: does the daemon hold 560 polls a second, on time, in little memory?
//!
//! `cargo bench --bench million`; `MILLION_FEEDS` (1,000,000) and `MILLION_SECONDS` (600) make it smaller and shorter.
//! `docs/scale.md` says what came of it.
//!
//! # Method
//! Three processes of this one binary, so that processor time and memory are the daemon's alone:
//! - this one fills a database: feeds as they are after months (validators, rhythm, a full ring of ten polls each), due times drawn
//!   at random over the rhythm; afterwards it compares what the database holds with what the publisher gave;
//! - a publisher behind many loopback addresses, each a host by the rules for hosts: 95 % of its answers are 304, 3 % a new document
//!   of three items, 1.5 % are 500 and 404, and 0.5 % are silence, which ends with the daemon's time limit of 5 s. Each answer takes
//!   20 to 380 ms;
//! - the daemon as `App::run` starts it, all services and the pages, on that database, under a clock that begins with the first due
//!   time.
//!
//! Feeds are polled every `feeds / 562` seconds: about half an hour for a million. The same rate is then run with 10,000 feeds: what a
//! poll costs must not depend on how many feeds there are. Lateness runs from the due time to the request, the wait at the host's
//! door included; it comes from the histogram of `/metrics`, so quantiles lie between bounds and the largest is a bound.
//!
//! # Not measured
//! TLS and DNS (plain HTTP to addresses as numbers), items from before (the tables of items begin empty), and a list of feeds in the
//! configuration: the feeds stand in the database only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    missing_docs,
    reason = "a bench"
)]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use tidings::app::App;
use tidings::config::load::load;
use tidings::ingest::cadence::pace;
use tidings::ingest::cadence::rhythm::Rhythm;
use tidings::model::clock::{Clock, SystemClock, from_millis};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// That of the program.
#[global_allocator]
static MEMORY: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Polls a second that are offered, and that must be held. A million feeds in half an hour are 555.5.
const OFFERED: f64 = 562.0;
const HELD: f64 = 555.0;
/// Due times are spread over a tenth of the wait, so the mean wait is so much longer than the interval.
const MEAN_SPREAD: f64 = 1.05;
/// Feeds share so many hosts, whatever their number: the same rate for each host.
const HOSTS: u64 = 5000;
/// With how many feeds the cost of a poll is compared, and for how long.
const FEW: u64 = 10_000;
const FEW_SECONDS: u64 = 120;
/// Goals.
const LATE_SECONDS: f64 = 60.0;
const MEMORY_MB: f64 = 300.0;
const COST_RATIO: f64 = 1.5;
/// A run as short as this is too noisy for the goals: they are printed and not demanded.
const DEMANDING_SECONDS: u64 = 120;
/// Polls that each feed had before.
const POLLS_BEFORE: u64 = 100;
/// Processor time is counted in these (`CLK_TCK`).
const TICKS: f64 = 100.0;
/// Polls that may be dropped in mid-answer when the daemon stops.
const DROPPED: u64 = 20;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments[1..] {
        ["publisher"] => runtime.block_on(publisher()),
        ["daemon", folder, feeds, seconds, start] => {
            let start = start.parse().unwrap();
            let measured = runtime.block_on(daemon(Path::new(folder), number(feeds), number(seconds), start));
            println!("{}", serde_json::to_string(&measured).unwrap());
        }
        _ => return compare(),
    }
    ExitCode::SUCCESS
}

fn number(text: &str) -> u64 {
    text.parse().expect("a whole number")
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| number(&text))
}

/// Runs many feeds and few, and judges.
fn compare() -> ExitCode {
    let (feeds, seconds) = (setting("MILLION_FEEDS", 1_000_000), setting("MILLION_SECONDS", 600));
    let mut faults = Vec::new();
    let many = run(feeds, seconds, &mut faults);
    let few = run(FEW, seconds.min(FEW_SECONDS), &mut faults);
    let ratio = many.cost_us() / few.cost_us();
    println!("\na poll costs {ratio:.2} times what it costs with {FEW} feeds");
    println!(
        "to repeat it: MILLION_FEEDS={feeds} MILLION_SECONDS={seconds} cargo bench --bench million (docs/scale.md)"
    );
    let mut missed = Vec::new();
    let mut goal = |held: bool, text: String| {
        if !held {
            missed.push(text);
        }
    };
    goal(many.rate() >= HELD, format!("{:.1} polls/s, not {HELD}", many.rate()));
    let late = many.late(0.99);
    goal(
        late < LATE_SECONDS,
        format!("1 % of polls are {late} s late or more, not {LATE_SECONDS}"),
    );
    goal(
        many.peak_mb < MEMORY_MB,
        format!("{:.0} MB, not {MEMORY_MB}", many.peak_mb),
    );
    goal(
        ratio <= COST_RATIO,
        format!("a poll costs {ratio:.2} times as much, not {COST_RATIO}"),
    );
    missed.iter().for_each(|goal| println!("goal missed: {goal}"));
    faults.iter().for_each(|fault| println!("WRONG: {fault}"));
    let demanded = seconds >= DEMANDING_SECONDS;
    if faults.is_empty() && (missed.is_empty() || !demanded) {
        println!(
            "OK{}",
            if missed.is_empty() {
                ""
            } else {
                " (too short to demand the goals)"
            }
        );
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

// ---------------------------------------------------------------------------------------------------------- one run

/// Runs a daemon on so many feeds, for so long, and checks that nothing was lost.
fn run(feeds: u64, seconds: u64, faults: &mut Vec<String>) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let mut publisher = Publisher::start();
    let start = SystemClock.now();
    let begun = Instant::now();
    fill(folder.path(), feeds, publisher.port, start);
    let database = folder.path().join("tidings.db");
    let megabytes = |path: &Path| std::fs::metadata(path).map_or(0.0, |file| file.len() as f64 / 1e6);
    println!(
        "\n{feeds} feeds on {HOSTS} hosts, {seconds} s (database of {:.0} MB, filled in {:.0} s)",
        megabytes(&database),
        begun.elapsed().as_secs_f64()
    );
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["daemon".as_ref(), folder.path().as_os_str()])
        .args([feeds.to_string(), seconds.to_string(), start.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let measured: Measured = text
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok())
        .unwrap_or_else(|| fail(&format!("the daemon ended: {} {text}", output.status)));
    let given = publisher.end();
    measured.print(feeds);
    check(&database, feeds, &measured, &given, faults);
    measured
}

fn fail(why: &str) -> ! {
    println!("WRONG: {why}");
    std::process::exit(1)
}

/// What the daemon counted, what the publisher gave and what the database holds must be the same.
fn check(database: &Path, feeds: u64, measured: &Measured, given: &Given, faults: &mut Vec<String>) {
    let db = Connection::open(database).unwrap();
    let count = |sql: &str| -> u64 { db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as u64 };
    let mut demand = |holds: bool, fault: String| {
        if !holds {
            faults.push(format!("{feeds} feeds: {fault}"));
        }
    };
    // A poll that was answered when the daemon stopped may have been dropped, to be done again.
    let mut outcomes = measured.outcomes.clone();
    for (outcome, given) in [
        ("not_modified", given.not_modified),
        ("fetched", given.documents),
        ("server_error", given.errors),
        ("missing", given.missing),
    ] {
        let counted = outcomes.remove(outcome).unwrap_or_default();
        let holds = counted <= given && given <= counted + DROPPED;
        demand(
            holds,
            format!("{given} answers became {counted} polls that ended as {outcome}"),
        );
    }
    let timeouts = outcomes.remove("timeout").unwrap_or_default();
    demand(
        timeouts <= given.silent,
        format!("{timeouts} timeouts, {} silences", given.silent),
    );
    outcomes.retain(|_, count| *count > 0);
    demand(
        outcomes.is_empty(),
        format!("polls that ended in other ways: {outcomes:?}"),
    );
    demand(
        given.unconditional == 0,
        format!("{} requests without validators", given.unconditional),
    );

    let dropped = given.documents - measured.outcome("fetched").min(given.documents);
    let items = count("select count(*) from item");
    let holds = items == measured.items && items <= given.items && given.items <= items + 3 * dropped;
    demand(
        holds,
        format!(
            "{} items given, {} counted, {items} stored",
            given.items, measured.items
        ),
    );
    let places = count("select count(*) from story");
    let waiting = count("select count(*) from item where story_id is null");
    demand(
        places + waiting == items,
        format!("{items} items, {places} stories, {waiting} items that wait"),
    );
    let polls = count("select sum(polls) from feed") - feeds * POLLS_BEFORE;
    demand(
        polls == measured.polls_in_all(),
        format!("{} polls counted, {polls} stored", measured.polls_in_all()),
    );
    let leased = count("select count(*) from lease");
    demand(leased == 0, format!("{leased} feeds were not given back"));
}

/// Makes a database with feeds as they are after months of polls; the first is due at `start`.
fn fill(folder: &Path, feeds: u64, port: u16, start: Timestamp) {
    std::fs::write(folder.join("tidings.toml"), CONFIG).unwrap();
    let database = folder.join("tidings.db");
    // The schema, and the (empty) list of feeds that the configuration names.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = load(Some(&folder.join("tidings.toml")), std::iter::empty()).unwrap();
    drop(runtime.block_on(App::open(config, Arc::new(SystemClock))).unwrap());

    let mut db = Connection::open(database).unwrap();
    db.execute_batch(
        "pragma locking_mode = exclusive; pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -200000;",
    )
    .unwrap();
    let indices: Vec<(String, String)> = db
        .prepare("select name, sql from sqlite_master where type = 'index' and tbl_name in ('feed', 'poll') and sql is not null")
        .and_then(|mut found| found.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .unwrap();
    let work = db.transaction().unwrap();
    for (name, _) in &indices {
        work.execute_batch(&format!("drop index {name}")).unwrap();
    }
    insert_feeds(&work, feeds, port, start);
    work.execute_batch(
        "with recursive slots (slot) as (select 0 union all select slot + 1 from slots where slot < 9)
         insert into poll (feed_id, slot, started_at, finished_at, outcome, status, bytes, new, updated)
         select id, slot, last_success_at - slot * 1800000 - 300, last_success_at - slot * 1800000, 'not_modified', 304, 0, 0, 0
         from feed cross join slots order by id, slot",
    )
    .unwrap();
    for (_, sql) in &indices {
        work.execute_batch(sql).unwrap();
    }
    work.commit().unwrap();
    db.execute_batch("pragma journal_mode = wal").unwrap();
}

fn insert_feeds(db: &Connection, feeds: u64, port: u16, start: Timestamp) {
    let mut insert = db
        .prepare(
            "insert into feed (name, url, feed_group, title, site_link, language, etag, last_modified, document_hash, next_poll_at,
                 next_poll_why, polls, last_success_at, rhythm, pace, entries, conditional_polls, not_modified_polls,
                 bytes_received, items_stored)
             values (?1, ?2, 'all', ?3, ?4, 'en', ?5, cast('Sun, 22 Nov 2026 10:20:30 GMT' as blob), ?6, ?7,
                 'news is likely by then (about 3 times a week)', ?8, ?9, ?10, ?11, 1, ?8, ?8, 100000, 10)",
        )
        .unwrap();
    let hours = |hours: i64| start - SignedDuration::from_hours(hours);
    let rhythm = Rhythm::from_dates(&[hours(30), hours(90), hours(170), hours(300)], start).to_bytes();
    let period_ms = feeds as f64 / OFFERED * 1000.0;
    let pace = pace(SignedDuration::from_millis(period_ms as i64));
    for feed in 0..feeds {
        let drawn = mixed(feed);
        let due = start.as_millisecond() + (drawn as f64 / u64::MAX as f64 * period_ms) as i64;
        let host = host(feed % HOSTS);
        insert
            .execute(params![
                format!("feed-{feed:07}"),
                format!("http://{host}:{port}/feed/{feed}"),
                format!("The news of the town number {feed}"),
                format!("http://{host}:{port}/"),
                format!("\"{drawn:032x}\"").into_bytes(),
                [drawn.to_le_bytes(); 4].as_flattened(),
                due,
                POLLS_BEFORE as i64,
                due - period_ms as i64,
                rhythm,
                pace,
            ])
            .unwrap();
    }
}

fn host(number: u64) -> Ipv4Addr {
    let [.., high, low] = u16::try_from(number).unwrap().to_be_bytes();
    Ipv4Addr::new(127, 77, high, low)
}

/// A number that looks drawn at random (splitmix64), the same for the same.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const CONFIG: &str = "[store]\nurl = \"sqlite:tidings.db\"\n[web]\nlisten = \"127.0.0.1:0\"\n\
    [fetch]\nallow_private_networks = [\"127.0.0.0/8\"]\ntimeout = \"5s\"\n[poll]\nconcurrency = 512\n[[view]]\nname = \"all\"\n";

// ------------------------------------------------------------------------------------------------------- the daemon

/// What a daemon did while it was watched.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    open_seconds: f64,
    seconds: f64,
    polls: u64,
    items: u64,
    stories_in_window: u64,
    user_seconds: f64,
    system_seconds: f64,
    writer_seconds: f64,
    peak_mb: f64,
    wal_mb: f64,
    written_mb: f64,
    files: usize,
    waiting: u64,
    host_waits: u64,
    /// All polls until the daemon ended, by outcome.
    outcomes: HashMap<String, u64>,
    /// Polls that were late by no more than so many seconds.
    lateness: Vec<(f64, u64)>,
}

impl Measured {
    fn rate(&self) -> f64 {
        self.polls as f64 / self.seconds
    }

    fn cost_us(&self) -> f64 {
        (self.user_seconds + self.system_seconds) / self.polls as f64 * 1e6
    }

    fn outcome(&self, name: &str) -> u64 {
        self.outcomes.get(name).copied().unwrap_or_default()
    }

    fn polls_in_all(&self) -> u64 {
        self.outcomes.values().sum::<u64>() - self.outcome("postponed")
    }

    /// The lateness below which this part of all polls is: between two bounds on a straight line.
    fn late(&self, part: f64) -> f64 {
        let all = self.lateness.last().map_or(0, |(_, count)| *count);
        let wanted = all as f64 * part;
        let (mut from, mut below) = (0.0, 0);
        for (bound, count) in &self.lateness {
            if *count as f64 >= wanted {
                return from + (bound - from) * (wanted - below as f64) / (count - below).max(1) as f64;
            }
            (from, below) = (*bound, *count);
        }
        from
    }

    /// The first bound that no poll passed.
    fn latest(&self) -> f64 {
        let all = self.lateness.last().map_or(0, |(_, count)| *count);
        self.lateness
            .iter()
            .find(|(_, count)| *count == all)
            .map_or(0.0, |(bound, _)| *bound)
    }

    fn print(&self, feeds: u64) {
        let items = self.items as f64 / self.seconds;
        println!(
            "  polls       {:.1}/s ({} in {:.0} s); items {items:.1}/s",
            self.rate(),
            self.polls,
            self.seconds
        );
        println!(
            "  processor   {:.0} us a poll (user {:.0}, system {:.0}); {:.1} % of one processor, the writer's thread {:.1} %",
            self.cost_us(),
            self.user_seconds / self.polls as f64 * 1e6,
            self.system_seconds / self.polls as f64 * 1e6,
            (self.user_seconds + self.system_seconds) / self.seconds * 100.0,
            self.writer_seconds / self.seconds * 100.0,
        );
        println!(
            "  late        p50 {:.2} s, p99 {:.2} s, none by more than {} s",
            self.late(0.5),
            self.late(0.99),
            self.latest()
        );
        println!("  memory      {:.0} MB at most (VmHWM)", self.peak_mb);
        println!(
            "  besides     opened in {:.1} s; WAL {:.0} MB at most, {:.1} MB/s written; {} files open; {} polls waiting for hosts at the end, {} put off; {} stories",
            self.open_seconds,
            self.wal_mb,
            self.written_mb / self.seconds,
            self.files,
            self.waiting,
            self.host_waits,
            self.stories_in_window
        );
        let mut outcomes: Vec<_> = self.outcomes.iter().filter(|(_, count)| **count > 0).collect();
        outcomes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        println!("  outcomes    {outcomes:?} of {feeds} feeds");
    }
}

/// A clock that can be put back: it runs from the first due time when all is ready.
#[derive(Debug, Default)]
struct Shifted(AtomicI64);

impl Shifted {
    fn set(&self, to: Timestamp) {
        let shift = SystemClock.now().as_millisecond() - to.as_millisecond();
        self.0.store(shift, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        from_millis(SystemClock.now().as_millisecond() - self.0.load(Ordering::SeqCst))
    }
}

async fn daemon(folder: &Path, feeds: u64, seconds: u64, start: Timestamp) -> Measured {
    let mut config = load(Some(&folder.join("tidings.toml")), std::iter::empty()).unwrap();
    let interval = Duration::from_secs_f64(feeds as f64 / OFFERED / MEAN_SPREAD);
    (config.poll.interval, config.poll.min_interval, config.poll.max_interval) = (interval, interval, interval);
    let clock = Arc::new(Shifted::default());
    let begun = Instant::now();
    // An hour before anything is due.
    clock.set(start - SignedDuration::from_hours(1));
    let app = App::open_daemon(config, Arc::clone(&clock) as _).await.unwrap();
    let open_seconds = begun.elapsed().as_secs_f64();
    let (metrics, stop) = (app.metrics(), CancellationToken::new());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (configs, _) = watch::channel(None);
    clock.set(start);
    let running = tokio::spawn(app.run(listener, configs, stop.clone()));
    let (window, before) = (Instant::now(), Used::now());
    let written = written_mb();
    let (mut wal_mb, mut files) = (0.0_f64, 0);
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    while window.elapsed() < Duration::from_secs(seconds) {
        ticks.tick().await;
        let wal = std::fs::metadata(folder.join("tidings.db-wal")).map_or(0, |file| file.len());
        wal_mb = wal_mb.max(wal as f64 / 1e6);
        files = files.max(std::fs::read_dir("/proc/self/fd").unwrap().count());
        if running.is_finished() {
            fail("the daemon ended by itself");
        }
    }
    let (elapsed, used, then) = (window.elapsed(), Used::now(), Told::new(&metrics.text()));
    stop.cancel();
    running.await.unwrap().unwrap();
    let last = Told::new(&metrics.text());
    let outcomes = last.outcomes();
    Measured {
        open_seconds,
        seconds: elapsed.as_secs_f64(),
        polls: then
            .outcomes()
            .into_iter()
            .filter(|(name, _)| name != "postponed")
            .map(|(_, count)| count)
            .sum(),
        items: last.value("tidings_new_items_total"),
        stories_in_window: then.value("tidings_stories_placed_total"),
        user_seconds: used.user - before.user,
        system_seconds: used.system - before.system,
        writer_seconds: used.writer - before.writer,
        peak_mb: peak_mb(),
        wal_mb,
        written_mb: written_mb() - written,
        files,
        waiting: then.value("tidings_polls_waiting"),
        host_waits: then.value("tidings_host_waits_total"),
        outcomes,
        lateness: then.lateness(),
    }
}

/// What `/metrics` tells.
struct Told(HashMap<String, f64>, Vec<(f64, u64)>);

impl Told {
    fn new(text: &str) -> Self {
        let lines = || {
            text.lines()
                .filter(|line| !line.starts_with('#'))
                .filter_map(|line| line.rsplit_once(' '))
        };
        let bound = |(name, value): (&str, &str)| {
            let bound = name
                .strip_prefix("tidings_poll_lateness_seconds_bucket{le=\"")?
                .strip_suffix("\"}")?;
            let bound = if bound == "+Inf" {
                f64::INFINITY
            } else {
                bound.parse().ok()?
            };
            Some((bound, value.parse().ok()?))
        };
        let all = lines().filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        Self(all.collect(), lines().filter_map(bound).collect())
    }

    fn value(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default() as u64
    }

    fn outcomes(&self) -> HashMap<String, u64> {
        let outcome = |name: &str| {
            Some(
                name.strip_prefix("tidings_polls_total{outcome=\"")?
                    .strip_suffix("\"}")?
                    .to_owned(),
            )
        };
        self.0
            .iter()
            .filter_map(|(name, value)| Some((outcome(name)?, *value as u64)))
            .collect()
    }

    fn lateness(&self) -> Vec<(f64, u64)> {
        // JSON knows no infinity, and no poll is later than a week here.
        self.1.iter().copied().filter(|(bound, _)| bound.is_finite()).collect()
    }
}

/// Processor time of this process so far, in seconds.
struct Used {
    user: f64,
    system: f64,
    /// Of the thread that writes to the database.
    writer: f64,
}

impl Used {
    fn now() -> Self {
        let (user, system) = times("/proc/self/stat").unwrap();
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let writer = tasks
            .filter_map(|task| {
                let task = task.ok()?.path();
                let name = std::fs::read_to_string(task.join("comm")).ok()?;
                let (user, system) = times(task.join("stat").to_str()?)?;
                (name.trim() == "store-writer").then_some(user + system)
            })
            .sum();
        Self { user, system, writer }
    }
}

fn times(stat: &str) -> Option<(f64, f64)> {
    let stat = std::fs::read_to_string(stat).ok()?;
    // The name, in brackets, may have spaces in it; user and system time are the 14th and 15th field.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let seconds = |at: usize| Some(fields.get(at)?.parse::<f64>().ok()? / TICKS);
    Some((seconds(11)?, seconds(12)?))
}

/// What this process has given to the disk so far.
fn written_mb() -> f64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap();
    line.parse::<f64>().unwrap() / 1e6
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1000.0
}

// ----------------------------------------------------------------------------------------------------- the publisher

/// What the publisher gave.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Given {
    not_modified: u64,
    documents: u64,
    items: u64,
    errors: u64,
    missing: u64,
    silent: u64,
    unconditional: u64,
}

/// The publisher in a process of its own.
struct Publisher {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    port: u16,
}

impl Publisher {
    fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("publisher")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the publisher's port");
        Self { child, lines, port }
    }

    fn end(&mut self) -> Given {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.lines.read_to_string(&mut text).unwrap();
        self.child.wait().unwrap();
        serde_json::from_str(&text).expect("what the publisher gave")
    }
}

#[derive(Debug, Default)]
struct Desk {
    asked: AtomicU64,
    given: Mutex<Given>,
    /// How many documents each feed has given, where it has given any.
    documents: Mutex<HashMap<u64, u64>>,
}

/// Answers on all loopback addresses until its standard input ends; then says what it gave.
async fn publisher() {
    let desk = Arc::new(Desk::default());
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    std::io::stdout().flush().unwrap();
    let router = Router::new()
        .route("/feed/{feed}", get(answer))
        .with_state(Arc::clone(&desk));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let _ = ended.await;
    // Nobody may be there to read it.
    let _ = writeln!(
        std::io::stdout(),
        "{}",
        serde_json::to_string(&*desk.given.lock().unwrap()).unwrap()
    );
    // Silent answers are still open.
    std::process::exit(0);
}

async fn answer(State(desk): State<Arc<Desk>>, UrlPath(feed): UrlPath<u64>, headers: HeaderMap) -> Response {
    let drawn = mixed(desk.asked.fetch_add(1, Ordering::Relaxed));
    let Some(known) = headers.get("if-none-match").cloned() else {
        desk.given.lock().unwrap().unconditional += 1;
        return StatusCode::BAD_REQUEST.into_response();
    };
    if drawn % 1000 < 5 {
        desk.given.lock().unwrap().silent += 1;
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(Duration::from_millis(20 + drawn / 1000 % 360)).await;
    let mut given = desk.given.lock().unwrap();
    match drawn % 1000 {
        5..12 => {
            given.errors += 1;
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        12..20 => {
            given.missing += 1;
            StatusCode::NOT_FOUND.into_response()
        }
        20..50 => {
            let version = {
                let mut documents = desk.documents.lock().unwrap();
                let version = documents.entry(feed).or_default();
                *version += 1;
                *version
            };
            given.documents += 1;
            // One of the three stays in the feed for ever.
            given.items += if version == 1 { 3 } else { 2 };
            let tag = format!("\"{feed}-{version}\"");
            let headers = [("etag", tag.as_str()), ("content-type", "application/rss+xml")];
            (headers, document(feed, version)).into_response()
        }
        _ => {
            given.not_modified += 1;
            (StatusCode::NOT_MODIFIED, [("etag", known)]).into_response()
        }
    }
}

fn document(feed: u64, version: u64) -> String {
    let items: String = [format!("{version}-a"), format!("{version}-b"), "0".to_owned()]
        .iter()
        .map(|item| {
            let text = text(&format!("{feed}-{item}"));
            format!(
                "<item><title>Item {item} of {feed}</title><link>https://news.example/{feed}/{item}</link>\
                 <guid isPermaLink=\"false\">{feed}-{item}</guid><pubDate>Sat, 21 Nov 2020 10:00:00 GMT</pubDate>\
                 <description>&lt;p&gt;{text}&lt;/p&gt;</description></item>"
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>The news of the town number {feed}</title>\
         <link>https://news.example/{feed}/</link><language>en</language>{items}</channel></rss>"
    )
}

/// The text of an item: no other says the same, for each is to be a story of its own.
fn text(of: &str) -> String {
    let mut seed = of
        .bytes()
        .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let word = |_| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        format!("word{} ", (seed >> 33) % 9973)
    };
    (0..60).map(word).collect()
}
