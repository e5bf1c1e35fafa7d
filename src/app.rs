//! The only wiring: from a configuration to a store, services and pages, and the stop signal through all of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::config::Config;
use crate::ingest::fetch::Fetcher;
use crate::model::clock::SharedClock;
use crate::model::heartbeat::Heartbeat;
use crate::output::mailer::MailError;
use crate::service::digests::Digests;
use crate::service::index::Index;
use crate::service::outbox::Outbox;
use crate::service::poll::Poller;
use crate::service::push::Pushes;
use crate::service::scheduler::Scheduler;
use crate::service::stories::{Stories, judge};
use crate::service::subscriptions::Subscriptions;
use crate::store::Store;
use crate::store::judge::Judge;
use crate::store::locks::Locks;
use crate::telemetry::metrics::Metrics;
use crate::web::push::Inbox;
use crate::web::{self, Site};

/// How long services may take to end; what is under way after that is dropped, and done again by the next start.
const GRACE: Duration = Duration::from_secs(5);
/// How long readers may take to be answered after that. Together less than ten seconds: service managers wait no longer.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// A configuration with its store, from which services are made.
#[derive(Debug)]
pub struct App {
    /// What the operator wants; the feeds of it are let go as soon as they are in the store.
    pub config: Config,
    /// The state.
    pub store: Store,
    /// Tells the time to all services.
    pub clock: SharedClock,
    /// Tell other processes on the store that this one is there.
    locks: Locks,
    /// Told by polls when items have arrived.
    arrived: Arc<Notify>,
    /// Told when these have got their stories.
    placed: Arc<Notify>,
    /// Told by the pages when a hub has pushed something.
    pushed: Arc<Notify>,
    /// The scheduler's sign of life.
    beat: Arc<Heartbeat>,
    /// Counted by all services, through every configuration.
    metrics: Arc<Metrics>,
}

impl App {
    /// Opens the store for a command. Its feeds become those of the configuration, unless a daemon runs on the store: then they are
    /// the daemon's.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub async fn open(config: Config, clock: SharedClock) -> anyhow::Result<Self> {
        let mut app = Self::new(config, clock)?;
        let feeds = std::mem::take(&mut app.config.feeds);
        if app.locks.become_command() {
            app.store.sync_feeds(feeds).await?;
        }
        Ok(app)
    }

    /// Opens the store for the daemon, whose configuration is the one that counts.
    ///
    /// # Errors
    /// When the store cannot be opened, or another daemon runs on it.
    pub async fn open_daemon(config: Config, clock: SharedClock) -> anyhow::Result<Self> {
        let mut app = Self::new(config, clock)?;
        if !app.locks.become_daemon() {
            bail!("another tidings runs on {}", app.config.store.path.display());
        }
        if app.locks.no_commands() {
            app.store.release_leases().await?;
        }
        app.store.mend_due_times(app.clock.now()).await?;
        app.store.sync_feeds(std::mem::take(&mut app.config.feeds)).await?;
        Ok(app)
    }

    fn new(config: Config, clock: SharedClock) -> anyhow::Result<Self> {
        config.warnings.iter().for_each(|warning| warn!("{warning}"));
        let store = Store::open(&config.store.path)?;
        Ok(Self {
            locks: Locks::open(&config.store.path)?,
            config,
            store,
            clock,
            arrived: Arc::default(),
            placed: Arc::default(),
            pushed: Arc::default(),
            beat: Arc::default(),
            metrics: Arc::default(),
        })
    }

    /// Polls feeds.
    #[must_use]
    pub fn scheduler(&self) -> Scheduler {
        self.scheduler_of(self.poller(&self.fetcher()))
    }

    fn scheduler_of(&self, poller: Arc<Poller>) -> Scheduler {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        Scheduler::new(
            store,
            poller,
            clock,
            self.config.poll.concurrency,
            self.beat(),
            self.metrics(),
        )
    }

    fn fetcher(&self) -> Arc<Fetcher> {
        Arc::new(Fetcher::new(&self.config.fetch, self.config.poll.concurrency))
    }

    fn poller(&self, fetcher: &Arc<Fetcher>) -> Arc<Poller> {
        Arc::new(Poller::new(
            self.store.clone(),
            Arc::clone(fetcher),
            (&self.config.poll, &self.config.links),
            Arc::clone(&self.clock),
            Arc::clone(&self.arrived),
            self.metrics(),
        ))
    }

    /// Asks hubs to push feeds.
    #[must_use]
    pub fn subscriptions(&self) -> Subscriptions {
        self.subscriptions_by(self.fetcher())
    }

    fn subscriptions_by(&self, fetcher: Arc<Fetcher>) -> Subscriptions {
        // Hubs call from outside: the address listened on is none that they could use.
        let url = self.config.web.public_url.as_ref();
        let url = url.filter(|url| fetcher.could_be_called(url));
        let base = url.map(|url| url.as_str().trim_end_matches('/').to_owned());
        Subscriptions::new(self.store.clone(), fetcher, Arc::clone(&self.clock), base)
    }

    /// Reads what hubs have pushed.
    #[must_use]
    pub fn pushes(&self) -> Pushes {
        self.pushes_by(self.poller(&self.fetcher()))
    }

    fn pushes_by(&self, poller: Arc<Poller>) -> Pushes {
        Pushes::new(self.store.clone(), poller, Arc::clone(&self.clock), &self.config.poll)
    }

    /// Gives stories their places.
    #[must_use]
    pub fn stories(&self) -> Stories {
        Stories::new(
            self.store.clone(),
            Arc::clone(&self.clock),
            (Arc::clone(&self.arrived), Arc::clone(&self.placed)),
            self.metrics(),
            self.judge(),
        )
    }

    /// What decides of stories.
    #[must_use]
    pub fn judge(&self) -> Judge {
        judge(Arc::from(self.config.prefer.as_slice()))
    }

    /// Keeps the search complete.
    #[must_use]
    pub fn index(&self) -> Index {
        Index::new(self.store.clone(), Arc::clone(&self.placed))
    }

    /// Makes editions.
    #[must_use]
    pub fn digests(&self) -> Digests {
        Digests::new(self.store.clone(), Arc::clone(&self.clock), &self.config)
    }

    /// Sends mails, in which the pages are reached at `public_url`.
    ///
    /// # Errors
    /// When the way out cannot be set up.
    pub fn outbox(&self, public_url: &str) -> anyhow::Result<Outbox> {
        let outbox = self.outbox_of(&self.config, public_url);
        outbox.context("setting up the mailer")
    }

    fn outbox_of(&self, config: &Config, public_url: &str) -> Result<Outbox, MailError> {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        Outbox::new(store, clock, config, public_url, self.metrics())
    }

    /// The address under which readers reach the pages, when they are listened for at `listen`.
    #[must_use]
    pub fn public_url(&self, listen: SocketAddr) -> String {
        public_url(&self.config, listen)
    }

    /// Whether the scheduler has lately shown that it lives.
    #[must_use]
    pub fn beat(&self) -> Arc<Heartbeat> {
        Arc::clone(&self.beat)
    }

    /// What this process has done since it began.
    #[must_use]
    pub fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    /// Runs the daemon until `stop` is given. Each configuration that is put into `configs` is taken from there, and takes the place of
    /// the one before.
    ///
    /// # Errors
    /// When a part fails for good.
    pub async fn run(
        mut self,
        listener: TcpListener,
        configs: watch::Sender<Option<Config>>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let listen = listener.local_addr()?;
        let mut told = configs.subscribe();
        let (site, current) = watch::channel(Arc::new(self.site(listen)));
        // The pages stop last, and by a token of their own: that they end at any other time is a failure.
        let pages_stop = CancellationToken::new();
        let mut pages = tokio::spawn(web::serve(listener, current, pages_stop.clone()));
        let mut outbox = self.outbox(&self.public_url(listen))?;
        loop {
            let round = stop.child_token();
            let mut services = self.start(outbox, &round);
            self.beat.beat(self.clock.now());
            let next = loop {
                tokio::select! {
                    // A stop ends the services too: it is looked at before them.
                    biased;
                    () = stop.cancelled() => break None,
                    Ok(()) = told.changed() => match taken(&configs).and_then(|config| self.checked(config, listen)) {
                        Some(next) => break Some(next),
                        None => continue,
                    },
                    ended = &mut pages => bail!("the listener ended: {ended:?}"),
                    // They end when they are told to, and have not been.
                    Some(ended) = services.join_next() => bail!("a service ended: {ended:?}"),
                }
            };
            round.cancel();
            finish(services, &stop).await;
            let Some((config, next_outbox)) = next.filter(|_| !stop.is_cancelled()) else {
                break;
            };
            outbox = next_outbox;
            self.take(config).await;
            // Requests under way keep the site that they began with.
            site.send_replace(Arc::new(self.site(listen)));
            info!("the new configuration is in use");
        }
        pages_stop.cancel();
        if tokio::time::timeout(LAST_ANSWERS, pages).await.is_err() {
            warn!("readers that would not hang up are left");
        }
        Ok(())
    }

    /// A configuration with all that could fail made from it; None, and the old one stays, when something does.
    fn checked(&self, config: Config, listen: SocketAddr) -> Option<(Config, Outbox)> {
        match self.outbox_of(&config, &public_url(&config, listen)) {
            Ok(outbox) => Some((config, outbox)),
            Err(e) => {
                error!(
                    "the new configuration is refused, the old one stays: {:#}",
                    anyhow::Error::from(e)
                );
                None
            }
        }
    }

    async fn take(&mut self, mut config: Config) {
        if config.store != self.config.store || config.web.listen != self.config.web.listen {
            warn!("store.url and web.listen are taken only at the next start");
        }
        config.warnings.iter().for_each(|warning| warn!("{warning}"));
        if let Err(e) = self.store.sync_feeds(std::mem::take(&mut config.feeds)).await {
            error!("the list of feeds stays as it was: {:#}", anyhow::Error::from(e));
        }
        self.config = config;
    }

    /// The pages, when they are listened for at `listen`.
    #[must_use]
    pub fn site(&self, listen: SocketAddr) -> Site {
        let fetch = &self.config.fetch;
        let inbox = Inbox::new(fetch.max_body_bytes, fetch.timeout, Arc::clone(&self.pushed));
        let (store, views) = (self.store.clone(), self.config.views.clone());
        Site::new(
            store,
            views,
            self.public_url(listen),
            self.beat(),
            Arc::clone(&self.clock),
            self.metrics(),
        )
        .with_inbox(inbox)
    }

    /// Starts all that runs beside the pages.
    fn start(&self, outbox: Outbox, stop: &CancellationToken) -> JoinSet<()> {
        let mut services = JoinSet::new();
        let (fetcher, stories, digests) = (self.fetcher(), self.stories(), self.digests());
        let poller = self.poller(&fetcher);
        let (scheduler, subscriptions) = (self.scheduler_of(Arc::clone(&poller)), self.subscriptions_by(fetcher));
        let (pushes, pushed) = (self.pushes_by(poller), Arc::clone(&self.pushed));
        let mails = Arc::new(Notify::new());
        let (told, token) = (Arc::clone(&mails), stop.clone());
        services.spawn(async move { outbox.run(&told, &token).await });
        let token = stop.clone();
        services.spawn(async move { digests.run(&mails, &token).await });
        let token = stop.clone();
        services.spawn(async move { stories.run(&token).await });
        let (index, token) = (self.index(), stop.clone());
        services.spawn(async move { index.run(&token).await });
        let token = stop.clone();
        services.spawn(async move { scheduler.run(&token).await });
        // Without a public address it leaves the hubs that are left, and rests.
        let token = stop.clone();
        services.spawn(async move { subscriptions.run(&token).await });
        if self.config.web.public_url.is_some() {
            let token = stop.clone();
            services.spawn(async move { pushes.run(&pushed, &token).await });
        }
        services
    }
}

/// The configuration that was put there last. Nobody is told that it is gone.
fn taken(configs: &watch::Sender<Option<Config>>) -> Option<Config> {
    let mut config = None;
    configs.send_if_modified(|place| {
        config = place.take();
        false
    });
    config
}

fn public_url(config: &Config, listen: SocketAddr) -> String {
    let url = match &config.web.public_url {
        Some(url) => url.to_string(),
        // No reader gets anywhere with the address that stands for all of a machine's.
        None if listen.ip().is_unspecified() => format!("http://localhost:{}", listen.port()),
        None => format!("http://{listen}"),
    };
    url.trim_end_matches('/').to_owned()
}

/// Waits until services have ended. On the way to a new configuration they may take the time they need; once `stop` is given,
/// what is under way after a while is dropped, and done again by the next start.
async fn finish(mut services: JoinSet<()>, stop: &CancellationToken) {
    let ending = async { while services.join_next().await.is_some() {} };
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        () = ending => {}
        () = late => warn!("what was under way is dropped, and will be done again"),
    }
    services.shutdown().await;
}
