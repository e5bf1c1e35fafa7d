//! `tidings parse`: what a document says, after repair and normalising, without storing anything.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use url::Url;

use crate::cli::{print, read_config};
use crate::ingest::fetch::{Fetched, Fetcher};
use crate::ingest::normalise::Normaliser;
use crate::ingest::{Reading, identity, read};
use crate::model::clock::{Clock as _, SystemClock};
use crate::model::feed::{FeedUrl, Validators};
use crate::model::item::{Enclosure, ItemSource, KeyedItem};
use crate::text::html::plain_line;

#[derive(Debug, Args)]
pub(super) struct ParseArgs {
    /// A file, an http or https address, or - for standard input
    #[arg(value_name = "FILE|URL")]
    what: String,
    /// The address that relative links start from, for a file
    #[arg(long, value_name = "URL")]
    base: Option<Url>,
    /// The HTTP Content-Type that a file would have come with
    #[arg(long, value_name = "TYPE", default_value = "")]
    content_type: String,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// A document to be read.
struct Input {
    bytes: Vec<u8>,
    content_type: String,
    address: Url,
}

#[derive(Serialize)]
struct Said {
    format: &'static str,
    encoding: String,
    feed: SaidFeed,
    entries: Vec<SaidEntry>,
    losses: Vec<SaidLoss>,
}

#[derive(Serialize)]
struct SaidFeed {
    id: String,
    title: String,
    subtitle: String,
    link: String,
    language: String,
    author: String,
    updated: Option<Timestamp>,
    image: String,
    categories: Vec<String>,
    ttl_minutes: Option<u32>,
}

#[derive(Serialize)]
struct SaidEntry {
    key: String,
    id: String,
    title: String,
    link: String,
    author: String,
    authors: Vec<String>,
    published: Option<Timestamp>,
    updated: Option<Timestamp>,
    summary: String,
    content: String,
    categories: Vec<String>,
    language: String,
    comments: String,
    source: ItemSource,
    enclosures: Vec<SaidFile>,
    image: String,
}

#[derive(Serialize)]
struct SaidFile {
    url: String,
    #[serde(rename = "type")]
    media_type: String,
    length: Option<u64>,
    duration_seconds: Option<u64>,
}

#[derive(Serialize)]
struct SaidLoss {
    kind: String,
    at: String,
    detail: String,
}

pub(super) async fn parse(config: Option<PathBuf>, args: ParseArgs) -> anyhow::Result<ExitCode> {
    let json = args.json;
    let input = input(config.as_ref(), args).await?;
    let reading = read(&input.bytes, &input.content_type, &input.address, &TimeZone::UTC)?;
    let said = said(reading, &input.address);
    if json {
        print(&format!("{}\n", serde_json::to_string(&said)?))?;
    } else {
        print(&shown(&said))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn input(config: Option<&PathBuf>, args: ParseArgs) -> anyhow::Result<Input> {
    if args.what.starts_with("http://") || args.what.starts_with("https://") {
        return fetched(config, &FeedUrl::parse(&args.what)?).await;
    }
    let mut bytes = Vec::new();
    if args.what == "-" {
        std::io::stdin()
            .read_to_end(&mut bytes)
            .context("reading standard input")?;
    } else {
        bytes = std::fs::read(Path::new(&args.what)).with_context(|| format!("reading {}", args.what))?;
    }
    // An address that leads nowhere: relative links stay recognisable as such.
    let nowhere = || Url::parse("http://relative.invalid/").context("making up an address");
    Ok(Input {
        bytes,
        content_type: args.content_type,
        address: args.base.map_or_else(nowhere, Ok)?,
    })
}

async fn fetched(config: Option<&PathBuf>, url: &FeedUrl) -> anyhow::Result<Input> {
    let config = read_config(config)?;
    let fetcher = Fetcher::new(&config.fetch, 1);
    match fetcher.fetch(url, &Validators::default(), SystemClock.now()).await? {
        Fetched::Document(document) => Ok(Input {
            bytes: document.bytes,
            content_type: document.content_type,
            address: document.address.as_url().clone(),
        }),
        Fetched::NotModified(_) | Fetched::Gone => bail!("{url} has no document any more"),
    }
}

fn said(reading: Reading, address: &Url) -> Said {
    let (facts, about) = (reading.feed.facts, reading.feed.about);
    let language = facts.language.clone();
    let normaliser = Normaliser::new(address, &language);
    let mut entries: Vec<KeyedItem> = identity::keyed(reading.feed.items);
    // As the document lists them.
    entries.sort_by_key(|entry| entry.position);
    let detail = |detail: String, count: usize| {
        if count > 1 {
            format!("{detail} ({count} times)")
        } else {
            detail
        }
    };
    Said {
        format: reading.format,
        encoding: reading.encoding,
        feed: SaidFeed {
            id: facts.source_id,
            title: facts.title,
            subtitle: plain_line(&about.subtitle),
            link: facts.site_link,
            language: facts.language,
            author: about.authors.first().cloned().unwrap_or_default(),
            updated: about.updated,
            image: about.image,
            categories: about.categories,
            ttl_minutes: Some(facts.ttl_minutes).filter(|minutes| *minutes > 0),
        },
        entries: entries
            .into_iter()
            .map(|entry| said_entry(entry, &normaliser, &language))
            .collect(),
        losses: reading
            .losses
            .into_iter()
            .map(|loss| SaidLoss {
                kind: loss.kind,
                at: loss.at,
                detail: detail(loss.detail, loss.count),
            })
            .collect(),
    }
}

fn said_entry(entry: KeyedItem, normaliser: &Normaliser<'_>, language: &str) -> SaidEntry {
    let raw = entry.raw;
    let item = normaliser.item(&raw, SystemClock.now());
    // Where the summary is all there is, it is the fullest body too.
    let only_summary = item.summary.is_empty() && !raw.summary.trim().is_empty();
    SaidEntry {
        key: format!("{:?}", entry.key),
        id: item.guid,
        title: item.title,
        link: item.link,
        author: item.details.authors.first().cloned().unwrap_or_default(),
        authors: item.details.authors,
        published: raw.published,
        updated: raw.updated,
        summary: if only_summary {
            item.content.clone()
        } else {
            item.summary
        },
        content: item.content,
        categories: item.details.categories,
        language: if raw.language.is_empty() {
            language.to_owned()
        } else {
            raw.language
        },
        comments: item.details.comments,
        source: item.details.source,
        enclosures: item.details.enclosures.into_iter().map(said_file).collect(),
        image: item.details.image,
    }
}

fn said_file(file: Enclosure) -> SaidFile {
    SaidFile {
        url: file.url,
        media_type: file.media_type,
        length: file.length,
        duration_seconds: file.duration_seconds,
    }
}

/// For people: the feed, a line an entry, and the losses.
fn shown(said: &Said) -> String {
    let mut text = format!(
        "{}\n  {}, {}, {} entries\n",
        said.feed.title,
        said.format,
        said.encoding,
        said.entries.len()
    );
    for entry in &said.entries {
        let date = entry
            .published
            .or(entry.updated)
            .map(|date| date.to_string())
            .unwrap_or_default();
        text.push_str(&format!("  {date:<22}{}\n  {:<22}{}\n", entry.title, "", entry.link));
    }
    for loss in &said.losses {
        text.push_str(&format!(
            "  lost or guessed: {}, {}: {}\n",
            loss.kind, loss.at, loss.detail
        ));
    }
    text
}
