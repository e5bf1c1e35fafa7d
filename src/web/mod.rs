//! The web side: merged feeds, a front page that lists them, addresses that hubs call, and three for those who watch the daemon.

mod feeds;
mod front;
mod health;
mod metrics;
mod politeness;
pub mod push;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::model::clock::SharedClock;
use crate::model::heartbeat::Heartbeat;
use crate::model::view::View;
use crate::store::Store;
use crate::telemetry::metrics::Metrics;
use crate::web::feeds::Cache;
use crate::web::push::Inbox;

/// What the pages need to know; a new one is made when the configuration changes.
#[derive(Debug)]
pub struct Site {
    /// The stories.
    pub store: Store,
    /// The views that are published.
    pub views: Vec<View>,
    /// Under which address readers come, without a slash at its end.
    pub public_url: String,
    /// The scheduler's sign of life.
    pub beat: Arc<Heartbeat>,
    /// Tells the time.
    pub clock: SharedClock,
    /// What hubs push.
    pub inbox: Inbox,
    /// What services have done.
    pub metrics: Arc<Metrics>,
    cache: Cache,
}

impl Site {
    /// The pages of these views. No hub can push until [`Site::with_inbox`].
    #[must_use]
    pub fn new(
        store: Store,
        views: Vec<View>,
        public_url: String,
        beat: Arc<Heartbeat>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            store,
            views,
            public_url,
            beat,
            clock,
            inbox: Inbox::new(0, Duration::ZERO, Arc::default()),
            metrics,
            cache: Cache::default(),
        }
    }

    /// The same pages, and an inbox for what hubs push.
    #[must_use]
    pub fn with_inbox(self, inbox: Inbox) -> Self {
        Self { inbox, ..self }
    }
}

/// The site as it is now; requests under way keep the one that they began with.
pub type CurrentSite = tokio::sync::watch::Receiver<Arc<Site>>;

/// Serves until `stop` is given; requests under way are answered.
///
/// # Errors
/// When the listener fails.
pub async fn serve(listener: TcpListener, site: CurrentSite, stop: CancellationToken) -> std::io::Result<()> {
    let router = Router::new()
        .route("/", get(front::front))
        .route("/feeds/{file}", get(feeds::feed))
        .route("/websub/{token}", get(push::intent).post(push::content))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/politeness", get(politeness::politeness))
        .with_state(site);
    axum::serve(listener, router)
        .with_graceful_shutdown(stop.cancelled_owned())
        .await
}
