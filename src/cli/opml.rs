//! `tidings opml export` and `tidings opml import`.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use crate::cli::{print, read_config};
use crate::config::opml::{OpmlError, PassedOver, read};
use crate::config::taken::Taken;
use crate::model::feed_list::{FeedList, ListedFeed};
use crate::output::opml::render;

/// Feeds that are printed at once.
const PAGE: usize = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum OpmlCommand {
    /// Write the configured feeds as OPML to standard output
    #[command(after_help = "Example:\n  tidings opml export > feeds.opml")]
    Export,
    /// Read an OPML list and write its feeds as `[[feed]]` tables to standard output
    #[command(after_help = "Example:\n  tidings opml import feeds.opml >> tidings.toml")]
    Import {
        /// The list; - for standard input
        file: PathBuf,
    },
}

pub(super) fn opml(config: Option<&PathBuf>, command: OpmlCommand) -> anyhow::Result<ExitCode> {
    match command {
        OpmlCommand::Export => render("tidings", &read_config(config)?.feeds, print)?,
        OpmlCommand::Import { file } => {
            // All of it is read before any of it is printed: half a list is none.
            let mut feeds = FeedList::default();
            let passed_over = list(&file, &mut feeds)?.with_context(|| format!("reading {}", file.display()))?;
            let mut tables = String::new();
            for (at, feed) in feeds.iter().enumerate() {
                if at % PAGE == 0 {
                    print(&std::mem::take(&mut tables))?;
                }
                tables.push_str(&table(feed));
            }
            for outline in passed_over.lines() {
                tables.push_str(&format!("# passed over: {}\n", outline.replace(['\n', '\r'], " ")));
            }
            print(&tables)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(file: &Path, feeds: &mut FeedList) -> anyhow::Result<Result<PassedOver, OpmlError>> {
    let mut taken = Taken::default();
    if file.as_os_str() == "-" {
        return Ok(read(std::io::stdin().lock(), &mut taken, |feed| feeds.push(feed)));
    }
    let source = File::open(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(read(BufReader::new(source), &mut taken, |feed| feeds.push(feed)))
}

fn table(feed: ListedFeed<'_>) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let (name, url) = (quoted(feed.name), quoted(feed.url));
    let group = if feed.group.is_empty() {
        String::new()
    } else {
        format!("group = {}\n", quoted(feed.group))
    };
    format!("[[feed]]\nname = {name}\nurl = {url}\n{group}\n")
}
