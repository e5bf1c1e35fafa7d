//! `tidings feed add` and `tidings feed remove`: changes to the configuration file, shown before and told after.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cli::said::{said, shown};
use crate::cli::{Usage, environment, print};
use crate::config::Config;
use crate::config::edit::{save, with_feed, without_feed};
use crate::config::load::understood;
use crate::config::taken::{Numbers, unique_name};
use crate::ingest::discover::Offer;
use crate::ingest::fetch::{Document, Fetched, Fetcher};
use crate::ingest::{Input, Reading, offers, read};
use crate::model::clock::{Clock as _, SystemClock};
use crate::model::feed::{Access, FeedIntent, FeedUrl, Manner};

/// Entries that are shown of a feed before it is added.
const SHOWN: usize = 5;
/// How a running daemon learns of a change.
const FOLLOW: &str =
    "A running daemon follows on SIGHUP: `systemctl reload tidings`, or `kill -HUP` and its process id.";

#[derive(Debug, Args)]
pub(in crate::cli) struct AddArgs {
    /// The address of a feed, or of a page that offers one
    url: String,
    /// What to call it; default: its title
    #[arg(long)]
    name: Option<String>,
    /// The group it belongs to
    #[arg(long, default_value = "")]
    group: String,
}

/// A configuration file, and what it says.
struct ConfigFile {
    path: PathBuf,
    text: String,
    config: Config,
}

impl ConfigFile {
    fn open(path: Option<PathBuf>) -> anyhow::Result<Self> {
        let path = path.ok_or_else(|| {
            let hint = "there is no configuration file to change: make one with `tidings config default > tidings.toml`, and name it with --config";
            Usage(hint.to_owned())
        })?;
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let config = understood(&text, Some(&path), environment())?;
        Ok(Self { path, text, config })
    }

    /// Writes a new text, if it is a configuration that can be used.
    fn replace(&self, text: &str) -> anyhow::Result<()> {
        understood(text, Some(&self.path), environment()).context("nothing was changed")?;
        save(&self.path, &self.text, text).with_context(|| format!("nothing was changed in {}", self.path.display()))
    }
}

/// A feed that was looked at.
struct Found {
    url: FeedUrl,
    document: Document,
    reading: Reading,
    /// What else the page offers.
    others: Vec<Offer>,
}

pub(super) async fn add(path: Option<PathBuf>, args: AddArgs) -> anyhow::Result<()> {
    let file = ConfigFile::open(path)?;
    let url = address(&args.url)?;
    refuse_known(&file.config, &url)?;
    let found = find(&file.config, url).await?;
    refuse_known(&file.config, &found.url)?;
    let is_free = |name: &str| !file.config.feeds.iter().any(|feed| feed.name == name);
    let name = match args.name {
        Some(name) if !is_free(&name) => bail!(Usage(format!("another feed is called {name:?} already"))),
        Some(name) => name,
        None => unique_name(
            &found.reading.feed.facts.title,
            &found.url,
            &mut Numbers::default(),
            is_free,
        ),
    };
    let feed = FeedIntent {
        name,
        url: found.url,
        group: args.group,
        manner: Manner::default(),
        access: Access::default(),
    };
    print(&shown(
        &said(found.reading, found.document.address.as_url(), SystemClock.now()),
        SHOWN,
    ))?;
    for other in found.others {
        print(&format!(
            "  the page offers another feed: {} {}\n",
            other.url, other.title
        ))?;
    }
    file.replace(&with_feed(&file.text, &feed)?)?;
    let path = file.path.display();
    print(&format!(
        "Added the feed {:?}, {}, to {path}.\n{FOLLOW}\n",
        feed.name, feed.url
    ))
}

/// An address as people write it: https where no scheme is said.
fn address(text: &str) -> Result<FeedUrl, Usage> {
    let text = text.trim();
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    FeedUrl::parse(&full).map_err(|e| Usage(format!("{text:?} {e}")))
}

fn refuse_known(config: &Config, url: &FeedUrl) -> Result<(), Usage> {
    match config.feeds.iter().find(|feed| feed.url == url.as_str()) {
        Some(feed) => Err(Usage(format!("{url} is there already: the feed {:?}", feed.name))),
        None => Ok(()),
    }
}

/// Asks for the document at an address, and if it is a page, for the first feed that it offers.
async fn find(config: &Config, url: FeedUrl) -> anyhow::Result<Found> {
    let fetcher = Fetcher::new(&config.fetch, 1);
    let document = fetched(&fetcher, &url).await?;
    let manner = Manner::default();
    let page = match read(&input(&document, &manner)) {
        Ok(reading) => {
            let others = Vec::new();
            return Ok(Found {
                url,
                document,
                reading,
                others,
            });
        }
        Err(e) if !e.is_web_page() => return Err(e).with_context(|| format!("nothing was added: {url}")),
        Err(_) => document,
    };
    let mut offered = offers(&input(&page, &manner), &page.links).into_iter();
    let Some(first) = offered.next() else {
        bail!(
            "nothing was added: {url} is a web page that offers no feed; to read the page itself, name its items \
             in a [feed.select] table (`tidings config default` explains it)"
        );
    };
    let url = first.url;
    let document = fetched(&fetcher, &url).await?;
    let reading =
        read(&input(&document, &manner)).with_context(|| format!("nothing was added: the page offers {url}"))?;
    let others = offered.collect();
    Ok(Found {
        url,
        document,
        reading,
        others,
    })
}

fn input<'a>(document: &'a Document, manner: &'a Manner) -> Input<'a> {
    Input {
        bytes: &document.bytes,
        content_type: &document.content_type,
        address: document.address.as_url(),
        manner,
        offset_minutes: None,
        now: SystemClock.now(),
    }
}

async fn fetched(fetcher: &Fetcher, url: &FeedUrl) -> anyhow::Result<Document> {
    let answer = fetcher.fetch(url, &Access::default(), SystemClock.now()).await;
    match answer.with_context(|| format!("nothing was added: asking for {url}"))? {
        Fetched::Document(document) => Ok(*document),
        Fetched::NotModified(_) | Fetched::Gone(_) | Fetched::Later(..) => {
            bail!("nothing was added: {url} is gone for good")
        }
    }
}

pub(super) fn remove(path: Option<PathBuf>, name: &str) -> anyhow::Result<()> {
    let file = ConfigFile::open(path)?;
    let path: &Path = &file.path;
    let Some(text) = without_feed(&file.text, name)? else {
        let is_listed = file.config.feeds.iter().any(|feed| feed.name == name);
        bail!(Usage(if is_listed {
            format!("the feed {name:?} stands in an OPML list (feeds_from): take it out there")
        } else {
            format!("there is no feed {name:?}; `tidings feed list` shows the names")
        }));
    };
    file.replace(&text)?;
    print(&format!(
        "Removed the feed {name:?} from {}. Its items stay.\n{FOLLOW}\n",
        path.display()
    ))
}
