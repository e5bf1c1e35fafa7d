//! An app in this process: its own folder and database, a clock that stands still, services that are taken step by step.

use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tidings::app::App;
use tidings::config::load::load;
use tidings::model::clock::{Clock as _, ManualClock};
use tidings::model::feed::FeedId;
use tidings::model::story::StoryText;
use tidings::service::outbox::Sent;
use tidings::service::poll::Polled;
use tidings::service::push::Received;
use tidings::service::scheduler::Scheduler;
use tidings::service::subscriptions::Asked;
use tidings::store::feeds::FeedStatus;
use tidings::story::selection::newest_stories;
use tidings::web::serve;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::daemon::tidings;

pub struct TestApp {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub folder: TempDir,
}

/// What every test configuration says first.
pub const BASICS: &str = "[fetch]\nallow_private_networks = [\"127.0.0.0/8\"]\nhost_connections = 8\nhost_spacing = \"0s\"\ntimeout = \"5s\"\n";

impl TestApp {
    /// An app with this configuration (after [`BASICS`]), at noon UTC of 2026-11-22.
    pub async fn new(config: &str) -> Self {
        Self::without_basics(&format!("{BASICS}{config}")).await
    }

    /// An app with this configuration and nothing else: no private address may be reached.
    pub async fn without_basics(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap()));
        let app = open(folder.path(), config, &clock).await;
        Self { app, clock, folder }
    }

    /// The same folder and clock under another configuration, as after a restart.
    pub async fn restart(self, config: &str) -> Self {
        drop(self.app);
        let app = open(self.folder.path(), &format!("{BASICS}{config}"), &self.clock).await;
        Self {
            app,
            clock: self.clock,
            folder: self.folder,
        }
    }

    /// Polls what is due and places what came.
    pub async fn poll(&self) -> Vec<Polled> {
        self.poll_these(false).await
    }

    /// Polls every feed and places what came.
    pub async fn poll_all(&self) -> Vec<Polled> {
        self.poll_these(true).await
    }

    async fn poll_these(&self, all: bool) -> Vec<Polled> {
        let wanted = if all {
            Some(self.app.store.feed_ids().await.unwrap())
        } else {
            None
        };
        let mut polls = self.round(&self.app.scheduler(), wanted).await;
        polls.sort_by(|a, b| a.name.cmp(&b.name));
        polls
    }

    /// Polls these feeds, due or not, and places what came; in the order in which the polls ended.
    pub async fn poll_named(&self, names: &[&str]) -> Vec<Polled> {
        self.poll_by(&self.app.scheduler(), names).await
    }

    /// The same by a scheduler that lives on: it remembers hosts and connections.
    pub async fn poll_by(&self, scheduler: &Scheduler, names: &[&str]) -> Vec<Polled> {
        let mut ids = Vec::new();
        for name in names {
            ids.push(self.app.store.feed(name).await.unwrap().unwrap().id);
        }
        self.round(scheduler, Some(ids)).await
    }

    async fn round(&self, scheduler: &Scheduler, wanted: Option<Vec<FeedId>>) -> Vec<Polled> {
        let mut polls = Vec::new();
        let stop = CancellationToken::new();
        let round = scheduler.round(wanted, &stop, |polled| polls.push(polled.clone()));
        round.await.unwrap();
        self.app.stories().place_all().await.unwrap();
        polls
    }

    /// What is known of a feed.
    pub async fn status(&self, name: &str) -> FeedStatus {
        self.app.store.feed(name).await.unwrap().expect("a feed of this name")
    }

    /// What a command prints.
    pub async fn said(&self, words: &[&str]) -> String {
        let mut command = tidings(&self.folder.path().join("tidings.toml"));
        let output = command.args(words).output().await.unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The stories of the first view, newest first.
    pub async fn stories(&self) -> Vec<StoryText> {
        let view = &self.app.config.views[0];
        newest_stories(&self.app.store, view, 10_000, self.now()).await.unwrap()
    }

    pub async fn titles(&self) -> Vec<String> {
        self.stories().await.into_iter().map(|story| story.title).collect()
    }

    /// Makes digests that are due; returns when the next is.
    pub async fn digest(&self) -> Option<Timestamp> {
        self.app.digests().make_due().await
    }

    pub async fn send(&self) -> Sent {
        let outbox = self.app.outbox("http://tidings.example").unwrap();
        outbox.send_due(&CancellationToken::new()).await.unwrap()
    }

    /// Asks the hubs that are due.
    pub async fn ask_hubs(&self) -> Asked {
        self.app.subscriptions().look(&CancellationToken::new()).await.unwrap()
    }

    /// Reads what hubs have pushed, and places what came.
    pub async fn read_pushes(&self) -> Received {
        let received = self.app.pushes().read(&CancellationToken::new()).await.unwrap();
        self.app.stories().place_all().await.unwrap();
        received
    }

    /// Serves the pages as they are configured now.
    pub fn serve(&self, listener: TcpListener) {
        let (sender, current) = watch::channel(Arc::new(self.app.site(listener.local_addr().unwrap())));
        tokio::spawn(async move {
            let _sender = sender;
            serve(listener, current, CancellationToken::new()).await
        });
    }

    pub fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }
}

async fn open(folder: &Path, config: &str, clock: &Arc<ManualClock>) -> App {
    let file = folder.join("tidings.toml");
    std::fs::write(&file, config).unwrap();
    let config = load(Some(&file), std::iter::empty()).unwrap();
    App::open(config, Arc::clone(clock) as _).await.unwrap()
}

/// A `[[feed]]` table.
pub fn feed(name: &str, url: &str) -> String {
    format!("[[feed]]\nname = \"{name}\"\nurl = \"{url}\"\n")
}
