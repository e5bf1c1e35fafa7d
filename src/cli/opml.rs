//! `tidings opml export` and `tidings opml import`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use crate::cli::{print, read_config};
use crate::config::opml::{self, OpmlList};
use crate::output::opml::render;

#[derive(Debug, Subcommand)]
pub(super) enum OpmlCommand {
    /// Write the configured feeds as OPML to standard output
    #[command(after_help = "Example:\n  tidings opml export > feeds.opml")]
    Export,
    /// Read an OPML list and write its feeds as `[[feed]]` tables to standard output
    #[command(after_help = "Example:\n  tidings opml import feeds.opml >> tidings.toml")]
    Import {
        /// The list; - for standard input
        file: PathBuf,
    },
}

pub(super) fn opml(config: Option<&PathBuf>, command: OpmlCommand) -> anyhow::Result<ExitCode> {
    match command {
        OpmlCommand::Export => print(&render("tidings", &read_config(config)?.feeds))?,
        OpmlCommand::Import { file } => {
            let list = opml::read(&text(&file)?).with_context(|| format!("reading {}", file.display()))?;
            print(&tables(&list))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn text(file: &Path) -> anyhow::Result<String> {
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("reading standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

fn tables(list: &OpmlList) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut tables = String::new();
    for feed in &list.feeds {
        tables.push_str(&format!(
            "[[feed]]\nname = {}\nurl = {}\n",
            quoted(&feed.name),
            quoted(feed.url.as_str())
        ));
        if !feed.group.is_empty() {
            tables.push_str(&format!("group = {}\n", quoted(&feed.group)));
        }
        tables.push('\n');
    }
    for outline in &list.passed_over {
        tables.push_str(&format!("# passed over: {}\n", outline.replace(['\n', '\r'], " ")));
    }
    tables
}
