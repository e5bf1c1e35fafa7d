//! The only wiring: from a configuration to a store, services and pages, and the stop signal through all of them.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::Config;
use crate::ingest::fetch::Fetcher;
use crate::model::clock::SharedClock;
use crate::model::heartbeat::Heartbeat;
use crate::service::digests::Digests;
use crate::service::outbox::Outbox;
use crate::service::poll::Poller;
use crate::service::scheduler::Scheduler;
use crate::service::stories::Stories;
use crate::store::Store;
use crate::web::{self, Site};

/// How long services may take to end; what is under way after that is dropped, and done again by the next start.
const GRACE: Duration = Duration::from_secs(7);
/// How long readers may take to be answered after that. Together less than ten seconds: service managers wait no longer.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// A configuration with its store, from which services are made.
#[derive(Debug)]
pub struct App {
    /// What the operator wants.
    pub config: Config,
    /// The state.
    pub store: Store,
    /// Tells the time to all services.
    pub clock: SharedClock,
    /// Told by polls when items have arrived.
    arrived: Arc<Notify>,
    /// The scheduler's sign of life.
    beat: Arc<Heartbeat>,
}

impl App {
    /// Opens the store and makes its feeds those of the configuration.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub async fn open(config: Config, clock: SharedClock) -> anyhow::Result<Self> {
        config.warnings.iter().for_each(|warning| warn!("{warning}"));
        let store = Store::open(&config.store.path)?;
        store.sync_feeds(config.feeds.clone()).await?;
        Ok(Self {
            config,
            store,
            clock,
            arrived: Arc::default(),
            beat: Arc::default(),
        })
    }

    /// Polls feeds.
    #[must_use]
    pub fn scheduler(&self) -> Scheduler {
        let (store, clock, poll) = (self.store.clone(), Arc::clone(&self.clock), &self.config.poll);
        let fetcher = Fetcher::new(&self.config.fetch, poll.concurrency);
        let poller = Poller::new(
            store.clone(),
            fetcher,
            poll,
            Arc::clone(&clock),
            Arc::clone(&self.arrived),
        );
        Scheduler::new(store, Arc::new(poller), clock, poll.concurrency, Arc::clone(&self.beat))
    }

    /// Gives stories their places.
    #[must_use]
    pub fn stories(&self) -> Stories {
        Stories::new(self.store.clone(), Arc::clone(&self.clock), Arc::clone(&self.arrived))
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
        let outbox = Outbox::new(self.store.clone(), Arc::clone(&self.clock), &self.config, public_url);
        outbox.context("setting up the mailer")
    }

    /// The address under which readers reach the pages, when they are listened for at `listen`.
    #[must_use]
    pub fn public_url(&self, listen: SocketAddr) -> String {
        let url = match &self.config.web.public_url {
            Some(url) => url.to_string(),
            // No reader gets anywhere with the address that stands for all of a machine's.
            None if listen.ip().is_unspecified() => format!("http://localhost:{}", listen.port()),
            None => format!("http://{listen}"),
        };
        url.trim_end_matches('/').to_owned()
    }

    /// Whether the scheduler has lately shown that it lives.
    #[must_use]
    pub fn beat(&self) -> Arc<Heartbeat> {
        Arc::clone(&self.beat)
    }

    /// Runs the daemon until `stop` is given. Each configuration that comes through `configs` takes the place of the one before.
    ///
    /// # Errors
    /// When another daemon runs on this store, or a part fails for good.
    pub async fn run(
        mut self,
        listener: TcpListener,
        mut configs: mpsc::Receiver<Config>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let _lock = self.lock()?;
        self.store.release_leases().await?;
        let listen = listener.local_addr()?;
        let (site, current) = watch::channel(Arc::new(self.site(listen)));
        // The pages stop last, and by a token of their own: that they end at any other time is a failure.
        let pages_stop = CancellationToken::new();
        let mut pages = tokio::spawn(web::serve(listener, current, pages_stop.clone()));
        loop {
            let round = stop.child_token();
            let services = self.start(listen, &round)?;
            self.beat.beat(self.clock.now());
            let next = tokio::select! {
                config = configs.recv() => config,
                () = stop.cancelled() => None,
                ended = &mut pages => bail!("the listener ended: {ended:?}"),
            };
            round.cancel();
            finish(services).await;
            match next {
                Some(config) if !stop.is_cancelled() => self.take(config).await?,
                _ => break,
            }
            // Nobody may be waiting for a site, and a new one is nothing to wait for either.
            site.send_replace(Arc::new(self.site(listen)));
            info!("the new configuration is in use");
        }
        pages_stop.cancel();
        if tokio::time::timeout(LAST_ANSWERS, pages).await.is_err() {
            warn!("readers that would not hang up are left");
        }
        Ok(())
    }

    async fn take(&mut self, config: Config) -> anyhow::Result<()> {
        if config.store != self.config.store || config.web.listen != self.config.web.listen {
            warn!("store.url and web.listen are taken only at the next start");
        }
        config.warnings.iter().for_each(|warning| warn!("{warning}"));
        self.store.sync_feeds(config.feeds.clone()).await?;
        self.config = config;
        Ok(())
    }

    fn site(&self, listen: SocketAddr) -> Site {
        let (store, views) = (self.store.clone(), self.config.views.clone());
        Site::new(
            store,
            views,
            self.public_url(listen),
            self.beat(),
            Arc::clone(&self.clock),
        )
    }

    /// Starts all that runs beside the pages.
    fn start(&self, listen: SocketAddr, stop: &CancellationToken) -> anyhow::Result<JoinSet<()>> {
        let mut services = JoinSet::new();
        let outbox = self.outbox(&self.public_url(listen))?;
        let (scheduler, stories, digests) = (self.scheduler(), self.stories(), self.digests());
        let mails = Arc::new(Notify::new());
        let (told, token) = (Arc::clone(&mails), stop.clone());
        services.spawn(async move { outbox.run(&told, &token).await });
        let token = stop.clone();
        services.spawn(async move { digests.run(&mails, &token).await });
        let token = stop.clone();
        services.spawn(async move { stories.run(&token).await });
        let token = stop.clone();
        services.spawn(async move { scheduler.run(&token).await });
        Ok(services)
    }

    /// One daemon a store: the lock goes with the process, however it ends.
    fn lock(&self) -> anyhow::Result<File> {
        let mut path: PathBuf = self.config.store.path.clone();
        path.as_mut_os_string().push(".lock");
        let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
        if let Err(e) = file.try_lock() {
            bail!("another tidings runs on {} ({e})", self.config.store.path.display());
        }
        Ok(file)
    }
}

async fn finish(mut services: JoinSet<()>) {
    let ending = async { while services.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, ending).await.is_err() {
        warn!("what was under way is dropped, and will be done again");
    }
    services.shutdown().await;
}
