//! `tidings check` and `tidings config default`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::cli::{environment, print};
use crate::config::load::{DEFAULT, load};

#[derive(Debug, Clone, Copy, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the annotated default configuration
    #[command(after_help = "Example:\n  tidings config default > tidings.toml")]
    Default,
}

pub(super) fn check(file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let config = load(file.as_deref(), environment())?;
    for warning in &config.warnings {
        print(&format!("warning: {warning}\n"))?;
    }
    let name = file.map_or_else(
        || "the built-in configuration".to_owned(),
        |file| file.display().to_string(),
    );
    print(&format!(
        "{name} is fine: feeds {}, views {}, digests {}\n",
        config.feeds.len(),
        config.views.len(),
        config.digests.len()
    ))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn config(command: ConfigCommand) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Default => print(DEFAULT)?,
    }
    Ok(ExitCode::SUCCESS)
}
