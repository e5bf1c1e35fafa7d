//! `tidings search`: what was told of something, newest and best first.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::{Usage, moment, print, read_quietly};
use crate::model::chain::chain;
use crate::model::clock::{Clock as _, SystemClock};
use crate::model::item::ItemId;
use crate::model::story::Seq;
use crate::service::index::Index;
use crate::store::Store;
use crate::store::search::Found;
use crate::text::fold::excerpt::{Excerpt, Wanted};
use crate::text::fold::query::Query;
use crate::text::html::to_text;

/// How long others may keep the database to themselves before the answer is given without what is new.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many items are indexed in a moment: no bar is shown for fewer.
const SHORT: u64 = 2_000;
/// The most results of one search.
const MAX_LIMIT: u64 = 1_000;

/// What to look for.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// Words that must all be there; -WORD must not, WORD* is a beginning, "WORD WORD" stands side by side
    #[arg(value_name = "WORDS", required = true, allow_hyphen_values = true)]
    words: Vec<String>,
    /// The most results
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=MAX_LIMIT))]
    limit: u64,
    /// Print one line of JSON for each result
    #[arg(long)]
    json: bool,
}

/// A result for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    item: ItemId,
    story: Option<String>,
    seq: Option<Seq>,
    feed: &'a str,
    title: &'a str,
    link: &'a str,
    published: Timestamp,
    excerpt: &'a str,
    score: f64,
}

pub(super) async fn search(file: Option<PathBuf>, args: SearchArgs) -> anyhow::Result<ExitCode> {
    let query = Query::parse(&args.words.join(" ")).ok_or_else(|| {
        Usage(
            "there is no word to look for; say at least one that is not excluded: tidings search peace -war".to_owned(),
        )
    })?;
    // The feeds of the configuration do not matter here, and a database that may only be read will do.
    let config = read_quietly(file.as_ref())?;
    let store = Store::open_waiting(&config.store.path, PATIENCE)?;
    complete(&store, args.json).await;
    let limit = usize::try_from(args.limit)?;
    let found = store.search(&query, limit, SystemClock.now()).await?;
    let wanted = Wanted::new(&query);
    let marks = if std::io::stdout().is_terminal() {
        ("\x1b[1m", "\x1b[0m")
    } else {
        ("[", "]")
    };
    let mut text = String::new();
    for found in &found {
        let excerpt = excerpt(&wanted, found);
        text.push_str(&if args.json {
            line(found, &excerpt)?
        } else {
            shown(found, &wanted, &excerpt, marks)
        });
    }
    if found.is_empty() && !args.json {
        text.push_str("nothing was found\n");
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Indexes what is new; where that cannot be done, says what the answer lacks.
async fn complete(store: &Store, is_quiet: bool) {
    let waiting = store.not_indexed().await.unwrap_or_default();
    if waiting == 0 {
        return;
    }
    let bar = progress(waiting, is_quiet);
    let index = Index::new(store.clone(), Arc::default());
    let indexed = index.catch_up(|count| bar.inc(count as u64)).await;
    bar.finish_and_clear();
    if let Err(e) = indexed {
        let left = store.not_indexed().await.unwrap_or(waiting);
        let _ = writeln!(
            std::io::stderr(),
            "tidings: the newest {left} items are not searched: {}",
            chain(&e)
        );
    }
}

fn progress(items: u64, is_quiet: bool) -> ProgressBar {
    if is_quiet || items < SHORT {
        return ProgressBar::hidden();
    }
    // Draws on standard error, and only where that is a terminal.
    let bar = ProgressBar::with_draw_target(Some(items), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} items made searchable, {elapsed}") {
        bar.set_style(style);
    }
    bar
}

/// From the text that has the words: the content, else the summary.
fn excerpt(wanted: &Wanted<'_>, found: &Found) -> Excerpt {
    let content = wanted.excerpt(&to_text(&found.content));
    if !content.hits.is_empty() || found.summary.is_empty() {
        return content;
    }
    let summary = wanted.excerpt(&to_text(&found.summary));
    if summary.hits.is_empty() && !content.text.is_empty() {
        content
    } else {
        summary
    }
}

fn line(found: &Found, excerpt: &Excerpt) -> anyhow::Result<String> {
    let line = Line {
        item: found.item,
        story: found.story.map(|(uid, _)| uid.to_string()),
        seq: found.story.map(|(_, seq)| seq),
        feed: &found.feed,
        title: &found.title,
        link: &found.link,
        published: found.published,
        excerpt: &excerpt.text,
        score: found.score,
    };
    Ok(format!("{}\n", serde_json::to_string(&line)?))
}

/// For people, with the words that were looked for between two marks.
fn shown(found: &Found, wanted: &Wanted<'_>, excerpt: &Excerpt, (before, after): (&str, &str)) -> String {
    let title = wanted.all(&found.title).marked(before, after);
    let mut text = format!("{title}\n  {}, {}", found.feed, moment(found.published));
    if !found.link.is_empty() {
        text.push_str(&format!(", {}", found.link));
    }
    if !excerpt.text.is_empty() {
        text.push_str(&format!("\n  {}", excerpt.marked(before, after)));
    }
    format!("{text}\n\n")
}
