//! `tidings feed`: what is known of feeds, and which there are.

mod edit;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use comfy_table::{Cell, Table, presets};
use jiff::Timestamp;

use crate::cli::{Usage, moment, named, open, print};
use crate::ingest::cadence::is_dead;
use crate::model::feed::FeedUrl;
use crate::store::feeds::FeedStatus;
use crate::store::moves::Decision;

/// Feeds that are read and printed at once; of more, each so many are a table of their own.
const PAGE: usize = 1000;

#[derive(Debug, Subcommand)]
pub(super) enum FeedCommand {
    /// List all feeds
    #[command(after_help = "Example:\n  tidings feed list --json")]
    List {
        /// One line of JSON a feed
        #[arg(long)]
        json: bool,
    },
    /// Show all that is known of a feed
    #[command(after_help = "Example:\n  tidings feed show borna-en")]
    Show {
        /// The name of the feed
        name: String,
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask a feed at another address: the one that was found for it, or one of your own
    #[command(
        after_help = "The configuration stays as it is.\n\nExample:\n  tidings feed move borna-en\n  tidings feed move borna-en --back"
    )]
    Move {
        /// The name of the feed
        name: String,
        /// The address; none: the one that `feed show` proposes
        #[arg(conflicts_with = "back")]
        url: Option<String>,
        /// Back to the address of the configuration
        #[arg(long)]
        back: bool,
    },
    /// Look at a feed, or at the one that a page offers, and add it to the configuration file
    #[command(
        after_help = "Example:\n  tidings --config tidings.toml feed add https://example.org/blog --group columnists"
    )]
    Add(edit::AddArgs),
    /// Take a feed out of the configuration file; its items stay
    #[command(after_help = "Example:\n  tidings --config tidings.toml feed remove borna-en")]
    Remove {
        /// The name of the feed
        name: String,
    },
}

pub(super) async fn feed(file: Option<PathBuf>, command: FeedCommand) -> anyhow::Result<ExitCode> {
    match command {
        FeedCommand::Add(args) => edit::add(file, args).await?,
        FeedCommand::Remove { name } => edit::remove(file, &name)?,
        FeedCommand::List { json } => {
            let app = open(file.as_ref()).await?;
            let mut page = app.store.feeds_after("", PAGE).await?;
            loop {
                print(&if json {
                    lines(&page)?
                } else {
                    list(&page, app.clock.now())
                })?;
                let Some(last) = page.last().filter(|_| page.len() == PAGE) else {
                    break;
                };
                page = app.store.feeds_after(&last.name, PAGE).await?;
            }
        }
        FeedCommand::Show { name, json } => {
            let app = open(file.as_ref()).await?;
            let feed = named(&app, &name).await?;
            let known = show::Known {
                polls: app.store.recent_polls(feed.id).await?,
                gaps: app.store.gaps(feed.id).await?,
                subscriptions: app.store.subscriptions(feed.id).await?,
                feed,
            };
            if json {
                print(&format!("{}\n", serde_json::to_string(&known)?))?;
            } else {
                print(&show::text(&known, app.clock.now()))?;
            }
        }
        FeedCommand::Move { name, url, back } => {
            let app = open(file.as_ref()).await?;
            let feed = named(&app, &name).await?;
            let (decision, said) = decision(&feed, url.as_deref(), back)?;
            if !app.store.decide_move(feed.id, decision, app.clock.now()).await? {
                bail!("{name:?} is being polled right now; nothing was changed, try again in a minute");
            }
            print(&format!("{said}\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a feed is asked from now on, and what is said of it.
fn decision(feed: &FeedStatus, url: Option<&str>, back: bool) -> Result<(Decision, String), Usage> {
    let name = &feed.name;
    if back {
        return match feed.moved_url.as_str() {
            "" => {
                let url = if feed.offered_url.is_empty() {
                    &feed.url
                } else {
                    &feed.offered_url
                };
                Err(Usage(format!("{name:?} has not moved; it is asked at {url}")))
            }
            moved => Ok((
                Decision::Back,
                format!("{name:?} is asked at {} again, and no longer at {moved}.", feed.url),
            )),
        };
    }
    let to = match url.unwrap_or(&feed.proposed_url) {
        "" => {
            return Err(Usage(format!(
                "nothing is proposed for {name:?}; say the address: tidings feed move {name} https://..."
            )));
        }
        to => FeedUrl::parse(to).map_err(|e| Usage(format!("{to:?} {e}")))?,
    };
    let said = format!(
        "{name:?} is asked at {to} from now on. Put that address into the configuration too; `--back` takes this back."
    );
    Ok((Decision::MoveTo(to), said))
}

fn lines(feeds: &[FeedStatus]) -> anyhow::Result<String> {
    let lines: Result<Vec<String>, _> = feeds.iter().map(serde_json::to_string).collect();
    Ok(lines?.iter().map(|line| format!("{line}\n")).collect())
}

fn list(feeds: &[FeedStatus], now: Timestamp) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["name", "group", "items", "next poll", "state", "address"]);
    for feed in feeds {
        table.add_row([
            Cell::new(&feed.name),
            Cell::new(&feed.group),
            Cell::new(feed.items),
            Cell::new(next(feed)),
            Cell::new(state(feed, now)),
            Cell::new(&feed.url),
        ]);
    }
    format!("{table}\n")
}

fn state(feed: &FeedStatus, now: Timestamp) -> String {
    match (feed.polls, feed.failures) {
        (_, 0) if !feed.notice.is_empty() => feed.notice.clone(),
        (0, _) => "never polled".to_owned(),
        (_, 0) => "good".to_owned(),
        (_, failures) if is_dead(failures, feed.failing_since, now) => "dead".to_owned(),
        (_, failures) => format!("{}, {failures} in a row", feed.failure.replace('_', " ")),
    }
}

fn next(feed: &FeedStatus) -> String {
    match feed.next_poll_at {
        None => "never".to_owned(),
        Some(at) if at.as_millisecond() == 0 => "now".to_owned(),
        Some(at) => moment(at),
    }
}
