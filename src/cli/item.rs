//! `tidings item`: what an item said before.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::{Usage, moment, open, print};
use crate::model::item::{ItemId, ItemText};
use crate::store::edits::{HistoryOf, ItemHistory, Revision};
use crate::text::canonical_url::canonical;
use crate::text::html::to_text;
use crate::text::word_diff::{COLOURED, Marks, PLAIN, Piece, is_same, marked, word_diff};

#[derive(Debug, Subcommand)]
pub(super) enum ItemCommand {
    /// Show what an item said before, as a word diff
    #[command(
        after_help = "Removed words are marked [-so-], added ones {+so+}; on a terminal by colours, unless NO_COLOR is set.\n\n\
                      Examples:\n  tidings item history https://example.org/news/1\n  tidings item history 4711 --json"
    )]
    History {
        /// The number of the item, or its address: then the items of all feeds that have it
        #[arg(value_name = "ID")]
        id: String,
        /// One line of JSON an item
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn item(file: Option<PathBuf>, command: ItemCommand) -> anyhow::Result<ExitCode> {
    let ItemCommand::History { id, json } = command;
    let (of, missing) = wanted(&id)?;
    let app = open(file.as_ref()).await?;
    let histories = app.store.histories(of).await?;
    if histories.is_empty() {
        bail!(missing);
    }
    let wants_no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let marks = if std::io::stdout().is_terminal() && !wants_no_colour {
        COLOURED
    } else {
        PLAIN
    };
    for history in &histories {
        print(&if json {
            format!("{}\n", serde_json::to_string(&said(history))?)
        } else {
            text(history, marks)
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is asked for, and what is said where it is not there.
fn wanted(id: &str) -> Result<(HistoryOf, Usage), Usage> {
    let id = id.trim();
    if let Ok(number) = id.parse() {
        let missing = Usage(format!(
            "there is no item {number}; an item is found by its address too"
        ));
        return Ok((HistoryOf::Item(ItemId(number)), missing));
    }
    match canonical(id) {
        Some(link) => Ok((
            HistoryOf::Link(link),
            Usage(format!(
                "no item has the address {id}; it is the one that `link` says in the feed"
            )),
        )),
        None => Err(Usage(format!(
            "{id:?} is neither the number of an item nor an address such as https://example.org/news/1"
        ))),
    }
}

#[derive(Serialize)]
struct Said<'a> {
    id: ItemId,
    feed: &'a str,
    link: &'a str,
    title: &'a str,
    text: String,
    first_seen_at: Timestamp,
    updated_at: Option<Timestamp>,
    revisions: Vec<SaidRevision<'a>>,
}

#[derive(Serialize)]
struct SaidRevision<'a> {
    revision: u32,
    title: &'a str,
    text: String,
    replaced_at: Timestamp,
    /// Whether readers were sent what took its place as updated.
    sent: bool,
    /// From this revision to the next that is kept.
    title_diff: Vec<Piece>,
    text_diff: Vec<Piece>,
}

/// For programs.
fn said(history: &ItemHistory) -> Said<'_> {
    let revisions = history.revisions.iter().zip(successors(history));
    let revisions = revisions.map(|(revision, next)| {
        let (title_diff, text_diff) = differences(&revision.text, next);
        SaidRevision {
            revision: revision.number,
            title: &revision.text.title,
            text: words(&revision.text),
            replaced_at: revision.replaced_at,
            sent: revision.is_material,
            title_diff,
            text_diff,
        }
    });
    Said {
        id: history.id,
        feed: &history.feed,
        link: &history.link,
        title: &history.text.title,
        text: words(&history.text),
        first_seen_at: history.first_seen_at,
        updated_at: history.updated_at,
        revisions: revisions.collect(),
    }
}

/// For people. Texts stand in lines of their own, so that each has its own direction.
fn text(history: &ItemHistory, marks: Marks) -> String {
    let mut text = format!("item {} of {}\n{}\n", history.id.0, history.feed, history.text.title);
    let mut line = |line: String| {
        // Writing into memory does not fail.
        let _ = writeln!(text, "{line}");
    };
    if !history.link.is_empty() {
        line(history.link.clone());
    }
    line(format!("  first seen    {}", moment(history.first_seen_at)));
    line(format!(
        "  last updated  {}",
        history.updated_at.map_or_else(|| "never".to_owned(), moment)
    ));
    if history.revisions.is_empty() {
        line("  its words have not changed".to_owned());
    }
    let mut expected = 0;
    for (revision, next) in history.revisions.iter().zip(successors(history)) {
        if revision.number > expected {
            line(format!(
                "\n  {} revisions are no longer kept",
                revision.number - expected
            ));
        }
        expected = revision.number + 1;
        let sent = if revision.is_material {
            "sent again as updated"
        } else {
            "not sent again"
        };
        line(format!(
            "\nrevision {} was replaced at {}; {sent}",
            revision.number,
            moment(revision.replaced_at)
        ));
        let (title, body) = differences(&revision.text, next);
        for (name, diff) in [("title", title), ("text", body)] {
            if !is_same(&diff) {
                line(format!("  {name}"));
                line(marked(&diff, marks));
            }
        }
    }
    let again = |revision: &&Revision| {
        revision.text.title == history.text.title && words(&revision.text) == words(&history.text)
    };
    if let Some(revision) = history.revisions.iter().find(again) {
        let number = revision.number;
        line(format!(
            "\nit says again what revision {number} said: it goes back and forth"
        ));
    }
    text
}

/// What took the place of each revision, as far as it is kept.
fn successors(history: &ItemHistory) -> impl Iterator<Item = &ItemText> {
    let later = history.revisions.iter().skip(1).map(|revision| &revision.text);
    later.chain([&history.text])
}

fn differences(old: &ItemText, new: &ItemText) -> (Vec<Piece>, Vec<Piece>) {
    (word_diff(&old.title, &new.title), word_diff(&words(old), &words(new)))
}

/// Content and summary as plain text.
fn words(text: &ItemText) -> String {
    let parts = [&text.content, &text.summary].map(|html| to_text(html));
    parts.join(" ").trim().to_owned()
}
