//! `tidings digest preview` and `tidings digest send`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Subcommand, ValueEnum};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::cli::{Usage, open, print};

#[derive(Debug, Subcommand)]
pub(super) enum DigestCommand {
    /// Print what the next edition would say, without making it
    #[command(after_help = "Example:\n  tidings digest preview daily --format html > daily.html")]
    Preview {
        /// The name of the digest
        name: String,
        /// What to print
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Make an edition of what is new and send it now
    #[command(after_help = "Example:\n  tidings digest send daily")]
    Send {
        /// The name of the digest
        name: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// The HTML part
    Html,
    /// The plain part
    Text,
    /// The whole mail
    Eml,
}

pub(super) async fn digest(file: Option<PathBuf>, command: DigestCommand) -> anyhow::Result<ExitCode> {
    let app = open(file.as_ref()).await?;
    app.stories().place_all().await?;
    match command {
        DigestCommand::Preview { name, format } => preview(&app, &name, format).await?,
        DigestCommand::Send { name } => send(&app, &name).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn known(app: &App, name: &str) -> anyhow::Result<String> {
    let Some(digest) = app.config.digests.iter().find(|digest| digest.name == name) else {
        let names: Vec<&str> = app.config.digests.iter().map(|digest| digest.name.as_str()).collect();
        bail!(Usage(format!(
            "there is no digest {name:?}; there are: {}",
            names.join(", ")
        )));
    };
    // A digest without a recipient is a fault of the configuration.
    Ok(digest.to.first().map(ToString::to_string).unwrap_or_default())
}

async fn preview(app: &App, name: &str, format: Format) -> anyhow::Result<()> {
    let recipient = known(app, name)?;
    let Some((edition, stories)) = app.digests().preview(name).await? else {
        return Ok(());
    };
    let outbox = app.outbox(&app.public_url(app.config.web.listen))?;
    let rendered = outbox.render(&edition, &stories);
    match format {
        Format::Html => print(&rendered.html),
        Format::Text => print(&rendered.text),
        Format::Eml => print(&String::from_utf8_lossy(
            &outbox.compose(&edition, &rendered, &recipient)?,
        )),
    }
}

async fn send(app: &App, name: &str) -> anyhow::Result<()> {
    known(app, name)?;
    let Some(edition) = app.digests().make_now(name).await? else {
        return print(&format!("digest {name:?}: nothing new, nothing sent\n"));
    };
    let outbox = app.outbox(&app.public_url(app.config.web.listen))?;
    outbox.send_due(&CancellationToken::new()).await?;
    let counts = app.store.delivery_counts(edition.id).await?;
    print(&format!(
        "digest {name:?}, edition {}: {} sent, {} waiting, {} given up\n",
        edition.number, counts.sent, counts.pending, counts.parked
    ))?;
    if counts.pending + counts.parked > 0 {
        let reason = app.store.delivery_error(edition.id).await?;
        bail!("not every mail was taken: {reason}; the daemon tries again what waits");
    }
    Ok(())
}
