//! `tidings feed`: what is known of feeds, and which there are.

mod edit;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use comfy_table::{Cell, Table, presets};
use jiff::Timestamp;

use crate::cli::{Usage, open, print};
use crate::store::feeds::{FeedStatus, PollStatus};
use crate::store::subscriptions::SubscriptionStatus;

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
            let feeds = open(file.as_ref()).await?.store.feeds().await?;
            if json {
                let lines: Result<Vec<String>, _> = feeds.iter().map(serde_json::to_string).collect();
                print(&lines?.iter().map(|line| format!("{line}\n")).collect::<String>())?;
            } else {
                print(&list(&feeds))?;
            }
        }
        FeedCommand::Show { name } => {
            let app = open(file.as_ref()).await?;
            let feeds = app.store.feeds().await?;
            let found = feeds.iter().find(|feed| feed.name == name);
            let feed = found.ok_or_else(|| {
                Usage(format!(
                    "there is no feed {name:?}; `tidings feed list` shows the names"
                ))
            })?;
            let subscriptions = app.store.subscriptions(feed.id).await?;
            print(&show(feed, &subscriptions, &app.store.recent_polls(feed.id).await?))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(feeds: &[FeedStatus]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["name", "group", "items", "next poll", "state", "address"]);
    for feed in feeds {
        table.add_row([
            Cell::new(&feed.name),
            Cell::new(&feed.group),
            Cell::new(feed.items),
            Cell::new(next(feed)),
            Cell::new(state(feed)),
            Cell::new(&feed.url),
        ]);
    }
    format!("{table}\n")
}

fn state(feed: &FeedStatus) -> String {
    match (feed.polls, feed.failures) {
        (0, _) => "never polled".to_owned(),
        (_, 0) => "good".to_owned(),
        (_, failures) => format!("failed {failures} in a row"),
    }
}

fn next(feed: &FeedStatus) -> String {
    match feed.next_poll_at {
        None => "never".to_owned(),
        Some(at) if at.as_millisecond() == 0 => "now".to_owned(),
        Some(at) => moment(at),
    }
}

/// To the second, in UTC.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// What was agreed with a hub, and what came of it.
fn hub(subscription: &SubscriptionStatus) -> String {
    let moment_after = |words: &str, at: Option<Timestamp>| at.map(|at| format!("{words}{}", moment(at)));
    format!(
        "{} ({}{}); {} pushed{}, {} ignored, {} dropped",
        subscription.hub,
        subscription.state,
        moment_after(" until ", subscription.lease_ends_at).unwrap_or_default(),
        subscription.pushes,
        moment_after(", the last at ", subscription.last_push_at).unwrap_or_default(),
        subscription.ignored,
        subscription.dropped,
    )
}

fn show(feed: &FeedStatus, subscriptions: &[SubscriptionStatus], polls: &[PollStatus]) -> String {
    let mut text = format!("{}\n", feed.name);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<14}{value}\n"));
        }
    };
    line("title", &feed.title);
    line("address", &feed.url);
    line("offers", &feed.offered_url);
    line("site", &feed.site_link);
    line("group", &feed.group);
    line("items", &feed.items.to_string());
    line(
        "next poll",
        &format!("{}, because of: {}", next(feed), feed.next_poll_why),
    );
    line("last success", &feed.last_success_at.map(moment).unwrap_or_default());
    line("error", &feed.error);
    for subscription in subscriptions {
        line("hub", &hub(subscription));
        line("hub error", &subscription.error);
    }
    if polls.is_empty() {
        return text;
    }
    text.push_str("  last polls\n");
    for poll in polls {
        let status = poll.status.map(|status| status.to_string()).unwrap_or_default();
        text.push_str(&format!(
            "    {}  {:<13}{status:<5}{} bytes, {} new, {} changed  {}\n",
            moment(poll.started_at),
            poll.outcome.replace('_', " "),
            poll.bytes,
            poll.new,
            poll.updated,
            poll.error
        ));
    }
    // The newest document that was read is the one whose losses matter.
    let read = polls.iter().find(|poll| poll.outcome == "fetched");
    if let Some(read) = read.filter(|read| !read.losses.is_empty()) {
        text.push_str("  lost or guessed in the last document\n");
        for loss in &read.losses {
            text.push_str(&format!("    {loss}\n"));
        }
    }
    text
}
