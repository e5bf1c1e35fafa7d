//! The command line: one file a command.

mod check;
mod demo;
mod digest;
mod feed;
mod item;
mod opml;
mod parse;
mod poll;
mod run;
mod said;
mod search;
mod stories;
mod story;
mod why;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use jiff::Timestamp;

use crate::app::App;
use crate::config::load::{ConfigError, load};
use crate::config::{Config, LogConfig};
use crate::model::clock::SystemClock;
use crate::store::feeds::FeedStatus;
use crate::telemetry;

/// Exit status: something failed.
const FAILED: u8 = 1;
/// Exit status: the command line or the configuration is wrong.
const WRONG_USAGE: u8 = 2;

/// How long work on other threads may take to end when a daemon does.
const LAST_WORK: Duration = Duration::from_millis(500);

#[derive(Debug, Parser)]
#[command(
    name = "tidings",
    version,
    about = "Polls feeds, keeps each story once, and gives it back as one merged feed and one digest mail.",
    after_help = "Example:\n  tidings --config /etc/tidings/tidings.toml run"
)]
struct Cli {
    /// The configuration; without it, the built-in one (see `tidings config default`)
    #[arg(long, short, global = true, value_name = "FILE", env = "TIDINGS_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: poll, serve merged feeds, send digests (the default)
    #[command(
        after_help = "Example:\n  tidings --config tidings.toml run\n\nSIGTERM and Ctrl-C stop it, SIGHUP reads the configuration again."
    )]
    Run,
    /// Poll feeds once, give new stories their places, and end
    #[command(
        after_help = "Examples:\n  tidings poll                 what is due\n  tidings poll borna-en        this feed now\n  tidings poll --all --json    every feed now, one line of JSON"
    )]
    Poll(poll::PollArgs),
    /// Look at a digest, or send it now
    #[command(subcommand, after_help = "Example:\n  tidings digest preview daily --format text")]
    Digest(digest::DigestCommand),
    /// Read the configuration and report every fault at once
    #[command(after_help = "Example:\n  tidings --config tidings.toml check")]
    Check,
    /// Print the annotated default configuration
    #[command(subcommand, after_help = "Example:\n  tidings config default > tidings.toml")]
    Config(check::ConfigCommand),
    /// List feeds, show all that is known of one, add and remove them
    #[command(subcommand, after_help = "Example:\n  tidings feed show borna-en")]
    Feed(feed::FeedCommand),
    /// List the newest stories: where each ran, whom it quotes and who quotes it
    #[command(after_help = "Example:\n  tidings stories --limit 20 --json")]
    Stories(stories::StoriesArgs),
    /// Decide otherwise of stories: split, merge, and take it back
    #[command(subcommand, after_help = "Example:\n  tidings story split 4711")]
    Story(story::StoryCommand),
    /// Explain why an item is in its story: its keys, what it was compared with, the scores, the decision
    #[command(after_help = "Examples:\n  tidings why 4711\n  tidings why https://example.org/news/1 --json")]
    Why(why::WhyArgs),
    /// Show what an item said before it was edited
    #[command(
        subcommand,
        after_help = "Example:\n  tidings item history https://example.org/news/1"
    )]
    Item(item::ItemCommand),
    /// Show what a document says, without storing anything
    #[command(
        after_help = "Examples:\n  tidings parse https://example.org/feed.xml\n  tidings parse --base https://example.org/ --json feed.xml"
    )]
    Parse(parse::ParseArgs),
    /// Find what was told of something: newest and best first, Persian in every spelling
    #[command(
        after_help = "Examples:\n  tidings search peace talks\n  tidings search '\"peace talks\" -war tech*' --json\n  tidings search گفت‌وگو --limit 5\n\nIt may run beside the daemon. What is new is made searchable first."
    )]
    Search(search::SearchArgs),
    /// Exchange lists of feeds with other readers
    #[command(subcommand, after_help = "Example:\n  tidings opml export > feeds.opml")]
    Opml(opml::OpmlCommand),
    /// Show everything with made-up feeds: no network, no set-up
    #[command(after_help = "Example:\n  tidings demo")]
    Demo(demo::DemoArgs),
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let serves = matches!(cli.command, None | Some(Command::Run | Command::Demo(_)));
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            // As a task like all others: what ends beside it wakes no other thread.
            let status = match runtime.block_on(runtime.spawn(dispatch(cli))) {
                Ok(status) => status,
                Err(e) => complain(&anyhow::Error::from(e).context("a fault of this program")),
            };
            // Readers that would not hang up may hold the store until here; a name server that does not answer must not keep a program
            // that is done. Other commands have put everything away, and not even their threads are waited for.
            runtime.shutdown_timeout(if serves { LAST_WORK } else { Duration::ZERO });
            status
        }
        Err(e) => complain(&anyhow::Error::from(e).context("starting")),
    }
}

async fn dispatch(cli: Cli) -> ExitCode {
    let done = match cli.command.unwrap_or(Command::Run) {
        Command::Run => run::run(cli.config).await,
        Command::Poll(args) => poll::poll(cli.config, args).await,
        Command::Digest(command) => digest::digest(cli.config, command).await,
        Command::Check => check::check(cli.config),
        Command::Config(command) => check::config(command),
        Command::Feed(command) => feed::feed(cli.config, command).await,
        Command::Stories(args) => stories::stories(cli.config, args).await,
        Command::Story(command) => story::story(cli.config, command).await,
        Command::Why(args) => why::why(cli.config, args).await,
        Command::Item(command) => item::item(cli.config, command).await,
        Command::Parse(args) => parse::parse(cli.config, args).await,
        Command::Search(args) => search::search(cli.config, args).await,
        Command::Opml(command) => opml::opml(cli.config.as_ref(), command),
        Command::Demo(args) => demo::demo(args).await,
    };
    done.unwrap_or_else(|e| complain(&e))
}

/// Says what went wrong, as one chain, and gives the exit status.
fn complain(error: &anyhow::Error) -> ExitCode {
    // Where standard error is gone, the status is all that is left to say.
    let _ = writeln!(std::io::stderr(), "tidings: {error:#}");
    let wrong_usage = error.is::<Usage>() || error.is::<ConfigError>();
    ExitCode::from(if wrong_usage { WRONG_USAGE } else { FAILED })
}

/// The command names something that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// What of the environment is text; nothing else can be a setting.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn read_config(file: Option<&PathBuf>) -> Result<Config, ConfigError> {
    let config = load(file.map(PathBuf::as_path), environment())?;
    telemetry::start(&config.log);
    Ok(config)
}

/// Reads the configuration, for commands that end by themselves: only what is wrong is logged.
fn read_quietly(file: Option<&PathBuf>) -> Result<Config, ConfigError> {
    let config = load(file.map(PathBuf::as_path), environment())?;
    telemetry::start(&LogConfig {
        filter: "error".to_owned(),
        ..config.log.clone()
    });
    Ok(config)
}

/// Reads the configuration and opens the store, for commands that end by themselves.
async fn open(file: Option<&PathBuf>) -> anyhow::Result<App> {
    App::open(read_quietly(file)?, Arc::new(SystemClock)).await
}

/// The configured feed of this name.
async fn named(app: &App, name: &str) -> anyhow::Result<FeedStatus> {
    let found = app.store.feed(name).await?;
    let missing = || {
        Usage(format!(
            "there is no feed {name:?}; `tidings feed list` shows the names"
        ))
    };
    Ok(found.ok_or_else(missing)?)
}

/// To the second, in UTC.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Writes to standard output. A reader that has hung up (`| head`) has seen enough: that is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(e).context("writing the answer"))
        }
        _ => Ok(()),
    }
}
