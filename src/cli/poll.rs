//! `tidings poll`: one round by hand.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::{Cell, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::SignedDuration;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::cli::{named, open, print};
use crate::model::feed::FeedId;
use crate::model::poll::Outcome;
use crate::service::poll::Polled;

/// What to poll.
#[derive(Debug, Args)]
pub(super) struct PollArgs {
    /// Names of feeds to poll now; none: those that are due
    #[arg(value_name = "NAME", conflicts_with = "all")]
    names: Vec<String>,
    /// Poll every feed now, still with conditional requests
    #[arg(long)]
    all: bool,
    /// Print one line of JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// The sum of a round.
#[derive(Debug, Default, Serialize)]
struct Summary {
    feeds: u64,
    fetched: u64,
    not_modified: u64,
    unchanged: u64,
    failed: u64,
    postponed: u64,
    new: u64,
    updated: u64,
    bytes: u64,
    seconds: f64,
}

impl Summary {
    fn add(&mut self, polled: &Polled) {
        self.feeds += 1;
        match polled.outcome {
            Outcome::Fetched => self.fetched += 1,
            Outcome::NotModified => self.not_modified += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Postponed => self.postponed += 1,
        }
        self.new += polled.committed.new;
        self.updated += polled.committed.updated;
        self.bytes += polled.bytes;
    }
}

pub(super) async fn poll(file: Option<PathBuf>, args: PollArgs) -> anyhow::Result<ExitCode> {
    let app = open(file.as_ref()).await?;
    let wanted = wanted(&app, &args).await?;
    let began = app.clock.now();
    let bar = progress(&args, wanted.as_ref().map(|ids| ids.len() as u64));
    let stop = stop_on_interrupt();
    let stories_stop = CancellationToken::new();
    let (stories, scheduler) = (app.stories(), app.scheduler());
    let placing = tokio::spawn({
        let stop = stories_stop.clone();
        async move { stories.run(&stop).await }
    });
    let (mut summary, mut rows) = (Summary::default(), Vec::new());
    let seen = |polled: &Polled| {
        summary.add(polled);
        bar.inc(1);
        if !args.json && (polled.error.is_some() || polled.committed.new + polled.committed.updated > 0) {
            rows.push(polled.clone());
        }
    };
    let done = scheduler.round(wanted, &stop, seen).await;
    // Its connections end while the last items are placed.
    drop(scheduler);
    // What has arrived is placed even when the round broke off.
    stories_stop.cancel();
    placing.await?;
    done?;
    bar.finish_and_clear();
    let took: SignedDuration = app.clock.now().duration_since(began);
    summary.seconds = took.as_secs_f64();
    if args.json {
        print(&format!("{}\n", serde_json::to_string(&summary)?))?;
    } else {
        print(&table(&summary, &rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn wanted(app: &App, args: &PollArgs) -> anyhow::Result<Option<Vec<FeedId>>> {
    if !args.all && args.names.is_empty() {
        return Ok(None);
    }
    if args.all {
        let mut ids = app.store.feed_ids().await?;
        // Batches are taken from the end: the first in the list are polled first.
        ids.reverse();
        return Ok(Some(ids));
    }
    let mut ids = Vec::new();
    for name in &args.names {
        ids.push(named(app, name).await?.id);
    }
    Ok(Some(ids))
}

fn progress(args: &PollArgs, feeds: Option<u64>) -> ProgressBar {
    if args.json {
        return ProgressBar::hidden();
    }
    // Draws on standard error, and only where that is a terminal.
    let bar = ProgressBar::with_draw_target(feeds, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} feeds, {elapsed}");
    if let (Ok(style), Some(_)) = (style, feeds) {
        bar.set_style(style);
    }
    bar
}

/// The first Ctrl-C lets polls under way end; the second ends the program as usual.
fn stop_on_interrupt() -> CancellationToken {
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            token.cancel();
        }
    });
    stop
}

fn table(summary: &Summary, rows: &[Polled]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["feed", "outcome", "new", "changed", ""]);
    for polled in rows {
        table.add_row([
            Cell::new(&polled.name),
            Cell::new(polled.outcome.as_str().replace('_', " ")),
            Cell::new(polled.committed.new),
            Cell::new(polled.committed.updated),
            Cell::new(polled.error.as_deref().unwrap_or_default()),
        ]);
    }
    let table = if rows.is_empty() {
        String::new()
    } else {
        format!("{table}\n")
    };
    format!(
        "{table}{} polled: {} with news or changes read, {} not modified, {} the same, {} failed{}; {} new items, {} changed, in {:.1} s\n",
        counted(summary.feeds, "feed"),
        summary.fetched,
        summary.not_modified,
        summary.unchanged,
        summary.failed,
        match summary.postponed {
            0 => String::new(),
            postponed => format!(", {postponed} left for later as their hosts asked"),
        },
        summary.new,
        summary.updated,
        summary.seconds,
    )
}

fn counted(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
