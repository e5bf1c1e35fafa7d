//! Layers and checks the configuration: the built-in file, the user's file, then `TIDINGS_SECTION__KEY` from the environment.
//!
//! All faults are reported at once, each with file, line, key and reason. Relative paths start from the file's folder.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::config::Config;
use crate::config::pieces::{Cut, line_of};
use crate::config::read::read;
use crate::config::section::Faults;

/// The annotated default configuration.
pub const DEFAULT: &str = include_str!("../../config/tidings.toml");

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {0}")]
    Read(PathBuf, #[source] std::io::Error),
    /// The file is not TOML.
    #[error("{0} is not TOML")]
    Toml(String, #[source] Box<toml::de::Error>),
    /// Something in it is wrong.
    #[error("{0}")]
    Faults(FaultReport),
}

/// All faults of one configuration, for a person.
#[derive(Debug)]
pub struct FaultReport(Vec<String>);

impl fmt::Display for FaultReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(
            f,
            "{count} {} in the configuration:",
            if count == 1 { "fault" } else { "faults" }
        )?;
        self.0.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

/// Reads the configuration from `file`, or the built-in one when there is none, and lays `environment` over it.
///
/// # Errors
/// When the file cannot be read, is not TOML, or says anything that makes no sense; then with all faults at once.
pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    match file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| ConfigError::Read(path.to_owned(), e))?;
            understood(&text, Some(path), environment)
        }
        None => understood(DEFAULT, None, environment),
    }
}

/// The same, for what `file` would say if it held `text`.
///
/// # Errors
/// As [`load`].
pub fn understood(
    text: &str,
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let (name, folder) = match file {
        Some(path) => (
            path.display().to_string(),
            path.parent().unwrap_or(Path::new("")).to_owned(),
        ),
        None => ("the built-in configuration".to_owned(), PathBuf::new()),
    };
    let not_toml = |e| ConfigError::Toml(name.clone(), e);
    let mut cut = Cut::new(text);
    let mut table = parse_rest(&cut).map_err(not_toml)?;
    if table.contains_key("feed") && cut.has_feeds() {
        // Feeds in two ways of writing: only the whole text can say what that means.
        cut = Cut::none(text);
        table = parse_rest(&cut).map_err(not_toml)?;
    }
    if file.is_some() {
        fill_scalars(&mut table, parse_rest(&Cut::new(DEFAULT)).map_err(not_toml)?);
    }
    let faults = Faults::default();
    let from_environment = overlay(&mut table, environment, &faults);
    let config = read(table, &cut, &folder, &faults).map_err(not_toml)?;
    let found = faults.take();
    if let (Some(config), true) = (config, found.is_empty()) {
        return Ok(config);
    }
    let rest = cut.rest_in_place();
    let lines = found.iter().map(|fault| {
        let line = || fault.line.or_else(|| line_of(&rest, &fault.key));
        let place = match from_environment.get(&fault.key) {
            Some(variable) => format!("environment, {variable}"),
            None => line().map_or_else(|| name.clone(), |line| format!("{name}:{line}")),
        };
        format!("{place}: {}: {}", fault.key, fault.reason)
    });
    Err(ConfigError::Faults(FaultReport(lines.collect())))
}

/// All but the tables of feeds.
fn parse_rest(cut: &Cut<'_>) -> Result<Table, Box<toml::de::Error>> {
    // What is wrong is said of its place in the whole text.
    let in_place = |_| cut.rest_in_place().parse::<Table>().map_err(Box::new);
    cut.rest().parse::<Table>().or_else(in_place)
}

/// Lays the built-in sections under the user's; lists (feeds, views, digests) are the user's alone.
fn fill_scalars(table: &mut Table, builtin: Table) {
    for (name, value) in builtin {
        let Value::Table(section) = value else { continue };
        let mine = table.entry(name.clone()).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(mine) = mine else { continue };
        // A transport brings its own keys: the built-in directory means nothing beside the user's SMTP server.
        let other_transport = name == "mail" && mine.contains_key("transport");
        for (key, value) in section {
            if !(other_transport && key == "directory") {
                mine.entry(key).or_insert(value);
            }
        }
    }
}

/// Lays `TIDINGS_SECTION__KEY` over the table and returns which variable stands behind which key.
fn overlay(
    table: &mut Table,
    environment: impl Iterator<Item = (String, String)>,
    faults: &Faults,
) -> HashMap<String, String> {
    let mut variables = HashMap::new();
    for (variable, text) in environment {
        let Some(path) = variable.strip_prefix("TIDINGS_") else {
            continue;
        };
        let Some((section, key)) = path.split_once("__") else {
            continue;
        };
        let (section, key) = (section.to_lowercase(), key.to_lowercase());
        let full = format!("{section}.{key}");
        let value = format!("value = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut t| t.remove("value"))
            .unwrap_or(Value::String(text));
        match table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(section) => {
                section.insert(key, value);
            }
            _ => faults.add(
                full.clone(),
                "names a list; only single values can be set from the environment",
            ),
        }
        variables.insert(full, variable);
    }
    variables
}

#[cfg(test)]
mod tests;
