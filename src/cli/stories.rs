//! `tidings stories`: the newest stories, with where else they ran and whom they quote.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::cli::{open, print};
use crate::model::item::ItemId;
use crate::model::story::{ListedItem, ListedStory, QuoteOf, Seq};

/// Stories read at once.
const PAGE: usize = 500;

/// Which stories to list.
#[derive(Debug, Args)]
pub(super) struct StoriesArgs {
    /// The most stories to list
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Print one line of JSON a story
    #[arg(long)]
    json: bool,
}

/// A story for programs.
#[derive(Debug, Serialize)]
pub(super) struct StoryLine<'a> {
    id: String,
    seq: Seq,
    title: &'a str,
    link: &'a str,
    feed: &'a str,
    items: Vec<ItemLine<'a>>,
    quotes: Vec<QuoteLine>,
    quoted_by: Vec<QuoteLine>,
}

/// An item for programs.
#[derive(Debug, Serialize)]
pub(super) struct ItemLine<'a> {
    id: String,
    feed: &'a str,
    title: &'a str,
    link: &'a str,
}

impl<'a> ItemLine<'a> {
    pub(super) fn new(item: &'a ListedItem) -> Self {
        Self {
            id: item.id.0.to_string(),
            feed: &item.feed,
            title: &item.title,
            link: &item.link,
        }
    }
}

/// How much of the quoted text stands in the other.
#[derive(Debug, Serialize)]
struct QuoteLine {
    story: String,
    share: f64,
}

impl<'a> StoryLine<'a> {
    pub(super) fn new(story: &'a ListedStory) -> Self {
        let quotes = |quotes: &[QuoteOf]| {
            let line = |quote: &QuoteOf| QuoteLine {
                story: quote.story.to_string(),
                share: rounded(quote.share),
            };
            quotes.iter().map(line).collect()
        };
        let leader = story.items.first();
        Self {
            id: story.uid.to_string(),
            seq: story.seq,
            title: leader.map_or("", |item| &item.title),
            link: leader.map_or("", |item| &item.link),
            feed: leader.map_or("", |item| &item.feed),
            items: story.items.iter().map(ItemLine::new).collect(),
            quotes: quotes(&story.quotes),
            quoted_by: quotes(&story.quoted_by),
        }
    }
}

/// A share with two digits: more say nothing.
pub(super) fn rounded(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

pub(super) async fn stories(file: Option<PathBuf>, args: StoriesArgs) -> anyhow::Result<ExitCode> {
    let app = open(file.as_ref()).await?;
    let (mut before, mut left) = (None, args.limit);
    while left > 0 {
        let page = app.store.listed_stories(before, left.min(PAGE)).await?;
        let Some(last) = page.last() else { break };
        (before, left) = (Some(last.seq), left.saturating_sub(page.len()));
        let lines = page.iter().map(|story| match args.json {
            true => Ok(format!("{}\n", serde_json::to_string(&StoryLine::new(story))?)),
            false => Ok(text(story)),
        });
        print(&lines.collect::<anyhow::Result<String>>()?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// For people.
pub(super) fn text(story: &ListedStory) -> String {
    let mut text = String::new();
    for (
        at,
        ListedItem {
            id: ItemId(id),
            feed,
            title,
            link,
        },
    ) in story.items.iter().enumerate()
    {
        match at {
            0 => text.push_str(&format!(
                "{:>6}  {title}\n        {feed}, item {id}  {link}\n",
                story.seq.0
            )),
            _ => text.push_str(&format!("        also {feed}, item {id}: {title}  {link}\n")),
        }
    }
    for (what, quotes) in [("quotes", &story.quotes), ("quoted by", &story.quoted_by)] {
        for quote in quotes {
            text.push_str(&format!(
                "        {what} story {} ({:.0} %)\n",
                quote.seq.0,
                quote.share * 100.0
            ));
        }
    }
    text
}
