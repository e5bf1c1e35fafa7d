//! `tidings search`: what was told of something, newest and best first.

use std::io::{IsTerminal as _, Write as _};
use std::iter;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser};
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
/// As many as a person reads.
const LIMIT: u64 = 20;

/// What to look for.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// Words that must all be there; -WORD must not, WORD* is a beginning, "WORD WORD" stands side by side
    #[arg(value_name = "WORDS", required = true, allow_hyphen_values = true)]
    words: Vec<String>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Args)]
struct Options {
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=MAX_LIMIT), help = format!("The most results [default: {LIMIT}]"))]
    limit: Option<u64>,
    /// Print one line of JSON for each result
    #[arg(long)]
    json: bool,
}

/// Options that stand behind the first word.
#[derive(Debug, Parser)]
#[command(name = "tidings search")]
struct Late {
    #[command(flatten)]
    options: Options,
    #[arg(long)]
    config: Option<PathBuf>,
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
    let (words, late) = parted(args.words);
    let late = Late::try_parse_from(iter::once("tidings search".to_owned()).chain(late)).unwrap_or_else(|e| e.exit());
    let is_json = args.options.json || late.options.json;
    let limit = args.options.limit.or(late.options.limit).unwrap_or(LIMIT);
    let query = Query::parse(&words.join(" ")).ok_or_else(|| {
        Usage(
            "there is no word to look for; say at least one that is not excluded: tidings search peace -war".to_owned(),
        )
    })?;
    // The feeds of the configuration do not matter here, and a database that may only be read will do.
    let config = read_quietly(late.config.or(file).as_ref())?;
    let store = Store::open_to_read(&config.store.path, PATIENCE)?;
    complete(&store, is_json).await;
    let limit = usize::try_from(limit)?;
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
        text.push_str(&if is_json {
            line(found, &excerpt)?
        } else {
            shown(found, &wanted, &excerpt, marks)
        });
    }
    if found.is_empty() && !is_json {
        text.push_str("nothing was found\n");
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Words may begin with a hyphen, so whatever follows the first one is taken for a word: options among them are given back.
fn parted(given: Vec<String>) -> (Vec<String>, Vec<String>) {
    let (mut words, mut options) = (Vec::new(), Vec::new());
    let mut given = given.into_iter();
    while let Some(word) = given.next() {
        if word.len() > 2 && word.starts_with("--") {
            let takes_value = matches!(&*word, "--limit" | "--config");
            options.push(word);
            if takes_value {
                options.extend(given.next());
            }
        } else {
            words.push(word);
        }
    }
    (words, options)
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
