//! `tidings parse`: what a document says, after repair and normalising, without storing anything.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use jiff::Timestamp;
use url::Url;

use crate::cli::said::{said, shown};
use crate::cli::{print, read_config};
use crate::ingest::fetch::{Fetched, Fetcher};
use crate::ingest::{self, read};
use crate::model::clock::{Clock as _, SystemClock};
use crate::model::feed::{FeedUrl, Manner};

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
    /// Read the document as at this instant: dates later than that are doubted
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// A document to be read.
struct Input {
    bytes: Vec<u8>,
    content_type: String,
    address: Url,
    /// Of the configured feed with this address.
    manner: Manner,
}

pub(super) async fn parse(config: Option<PathBuf>, args: ParseArgs) -> anyhow::Result<ExitCode> {
    let (json, now) = (args.json, args.now.unwrap_or_else(|| SystemClock.now()));
    let input = input(config.as_ref(), args).await?;
    let reading = read(&ingest::Input {
        bytes: &input.bytes,
        content_type: &input.content_type,
        address: &input.address,
        manner: &input.manner,
        offset_minutes: None,
        now,
    })?;
    let said = said(reading, &input.address, now);
    if json {
        print(&format!("{}\n", serde_json::to_string(&said)?))?;
    } else {
        print(&shown(&said, usize::MAX))?;
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
        manner: Manner::default(),
    })
}

async fn fetched(config: Option<&PathBuf>, url: &FeedUrl) -> anyhow::Result<Input> {
    let config = read_config(config)?;
    let fetcher = Fetcher::new(&config.fetch, 1);
    let configured = config.feeds.iter().find(|feed| feed.url == url.as_str());
    let (manner, access) = configured
        .map(|feed| (feed.manner.clone(), feed.access.clone()))
        .unwrap_or_default();
    match fetcher.fetch(url, &access, SystemClock.now()).await? {
        Fetched::Document(document) => Ok(Input {
            bytes: document.bytes,
            content_type: document.content_type,
            address: document.address.as_url().clone(),
            manner,
        }),
        Fetched::NotModified(_) | Fetched::Gone(_) | Fetched::Later(..) => bail!("{url} has no document any more"),
    }
}
