//! `tidings demo`: the whole way of the data on this machine alone, with a made-up agency and a made-up columnist.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::cli::print;
use crate::config::load::load;
use crate::model::clock::{Clock as _, SystemClock};
use crate::service::poll::Polled;

const AGENCY: &str = include_str!("agency.rss");
const COLUMNIST: &str = include_str!("columnist.atom");

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// End after the first round instead of serving until Ctrl-C
    #[arg(long)]
    once: bool,
}

pub(super) async fn demo(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let folder = std::env::temp_dir().join(format!("tidings-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let origin = start_origin().await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let listen = listener.local_addr()?;
    let file = write_config(&folder, &origin)?;
    let app = App::open_daemon(load(Some(&file), std::iter::empty())?, Arc::new(SystemClock)).await?;
    let url = app.public_url(listen);

    let stop = CancellationToken::new();
    let (mut items, mut stories) = (0, 0);
    let count = |polled: &Polled| {
        items += polled.committed.new;
        stories += polled.committed.stories;
    };
    app.scheduler().round(None, &stop, count).await?;
    stories += app.stories().place_all().await?.stories as u64;
    app.digests().make_now("demo").await?;
    app.outbox(&url)?.send_due(&stop).await?;
    print(&format!(
        "Polled two made-up feeds on {origin}: {} items, {} stories.\n\
         The merged feed:  {url}/feeds/demo.atom  (.rss, .json)\nThe digest:       {}\nEverything is in  {}\n",
        items,
        stories,
        mail_in(&folder.join("mail"))?.display(),
        folder.display()
    ))?;
    if args.once {
        return Ok(ExitCode::SUCCESS);
    }
    print("Press Ctrl-C to end.\n")?;
    let token = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            token.cancel();
        }
    });
    app.run(listener, watch::Sender::new(None), stop).await?;
    Ok(ExitCode::SUCCESS)
}

/// Serves the two documents, dated today, and gives the address.
async fn start_origin() -> anyhow::Result<String> {
    let now = SystemClock.now();
    let (agency, columnist) = (dated(AGENCY, now), dated(COLUMNIST, now));
    let router = Router::new()
        .route(
            "/agency.rss",
            get(|| async { ([(CONTENT_TYPE, "application/rss+xml")], agency) }),
        )
        .route(
            "/columnist.atom",
            get(|| async { ([(CONTENT_TYPE, "application/atom+xml")], columnist) }),
        );
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

/// `{HOURS}` stands for the time so many hours ago.
fn dated(document: &str, now: Timestamp) -> String {
    (1..=9).fold(document.to_owned(), |document, hours| {
        let at = now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(now);
        document.replace(&format!("{{{hours}}}"), &at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    })
}

fn write_config(folder: &Path, origin: &str) -> anyhow::Result<PathBuf> {
    let file = folder.join("tidings.toml");
    let text = format!(
        r#"[store]
url = "sqlite:tidings.db"

[fetch]
allow_private_networks = ["127.0.0.0/8"]
host_spacing = "0s"

[[feed]]
name = "agency"
url = "{origin}/agency.rss"
group = "agencies"

[[feed]]
name = "columnist"
url = "{origin}/columnist.atom"
group = "columnists"

[[view]]
name = "demo"
title = "tidings demo"

[mail]
from = "Tidings <tidings@localhost>"
transport = "directory"
directory = "mail"

[[digest]]
name = "demo"
view = "demo"
schedule = "0 7 * * *"
time_zone = "Asia/Tehran"
to = ["reader@localhost"]
"#
    );
    std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

fn mail_in(folder: &Path) -> anyhow::Result<PathBuf> {
    let first = std::fs::read_dir(folder)?.next().context("no digest was written")?;
    Ok(first?.path())
}
