//! `tidings run`: the daemon under its signals, and its words to systemd.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sd_notify::NotifyState;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::app::App;
use crate::cli::{print, read_config};
use crate::config::Config;
use crate::model::clock::{Clock as _, SystemClock};
use crate::model::heartbeat::Heartbeat;

/// How often systemd hears from us where it did not say.
const WATCHDOG: Duration = Duration::from_secs(15);

pub(super) async fn run(file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let config = read_config(file.as_ref())?;
    let (listen, feeds) = (config.web.listen, config.feeds.len());
    let app = App::open_daemon(config, Arc::new(SystemClock)).await?;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("listening on {listen}"))?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let configs = watch::Sender::new(None);
    let beat = app.beat();
    let signals = Signals::new().context("setting up signals")?;
    let public_url = app.public_url(address);
    info!(
        version = env!("CARGO_PKG_VERSION"),
        feeds, "tidings listens on http://{address}"
    );
    print(&format!(
        "tidings listens on http://{address}; merged feeds at {public_url}/\n"
    ))?;
    let listening = tokio::spawn(signals.listen(file, configs.clone(), stop.clone()));
    let watching = tokio::spawn(watchdog(beat));
    tell(&[NotifyState::Ready]);
    let done = app.run(listener, configs, stop).await;
    listening.abort();
    watching.abort();
    done.map(|()| ExitCode::SUCCESS)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn listen(mut self, file: Option<PathBuf>, configs: watch::Sender<Option<Config>>, stop: CancellationToken) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                _ = self.hang_up.recv() => reload(file.as_ref(), &configs),
            }
        }
        info!("stopping");
        tell(&[NotifyState::Stopping]);
        stop.cancel();
    }
}

/// A configuration that is wrong is refused with its reasons, and the one in use stays.
fn reload(file: Option<&PathBuf>, configs: &watch::Sender<Option<Config>>) {
    let begun = NotifyState::monotonic_usec_now().map(|now| [NotifyState::Reloading, now]);
    begun.iter().for_each(|states| tell(states));
    match read_config(file) {
        // Of several in a row, the last counts.
        Ok(config) => {
            configs.send_replace(Some(config));
        }
        Err(e) => error!(
            "the new configuration is refused, the old one stays: {:#}",
            anyhow::Error::from(e)
        ),
    }
    tell(&[NotifyState::Ready]);
}

/// Says to systemd that all is well, as long as the scheduler shows that it lives.
async fn watchdog(beat: Arc<Heartbeat>) {
    let period = sd_notify::watchdog_enabled().map_or(WATCHDOG, |limit| limit / 2);
    let mut ticks = tokio::time::interval(period);
    loop {
        ticks.tick().await;
        if beat.is_alive(SystemClock.now()) {
            tell(&[NotifyState::Watchdog]);
        }
    }
}

/// Without systemd nobody listens, and that is no fault.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(e) = sd_notify::notify(states) {
        tracing::warn!("systemd was not told: {e}");
    }
}
