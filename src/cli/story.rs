//! `tidings story`: what the program decided of stories, decided otherwise, and taken back.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::app::App;
use crate::cli::{Usage, open, print};
use crate::model::item::ItemId;
use crate::model::story::StoryId;
use crate::text::canonical_url::canonical;

#[derive(Debug, Subcommand)]
pub(super) enum StoryCommand {
    /// Take an item out of its story; it becomes one of its own, and is not put back
    #[command(after_help = "Example:\n  tidings story split 4711")]
    Split {
        /// The number of the item, or its address
        item: String,
    },
    /// Make one story of two
    #[command(after_help = "Example:\n  tidings story merge 120 133")]
    Merge {
        /// A story: its place, or its id
        one: String,
        /// The other
        other: String,
    },
    /// Take a decision back: the last one, or this
    #[command(after_help = "Example:\n  tidings story undo")]
    Undo {
        /// The number of the decision, as `split` and `merge` tell it
        decision: Option<i64>,
    },
}

pub(super) async fn story(file: Option<PathBuf>, command: StoryCommand) -> anyhow::Result<ExitCode> {
    let app = open(file.as_ref()).await?;
    let (now, judge) = (app.clock.now(), app.judge());
    let said = match command {
        StoryCommand::Split { item } => {
            let item = item_named(&app, &item).await?;
            match app.store.split_story(item, now, &judge).await? {
                Some(decision) => format!("item {} is a story of its own (decision {decision})", item.0),
                None => format!("item {} has no others in its story; nothing was changed", item.0),
            }
        }
        StoryCommand::Merge { one, other } => {
            let stories = (story_named(&app, &one).await?, story_named(&app, &other).await?);
            match app.store.merge_stories(stories, now, &judge).await? {
                Some(decision) => format!("they are one story (decision {decision})"),
                None => "they are one story already; nothing was changed".to_owned(),
            }
        }
        StoryCommand::Undo { decision } => match app.store.undo_decision(decision, now, &judge).await? {
            Some(decision) => format!("decision {decision} is taken back"),
            None => return Err(Usage("there is no such decision that stands".to_owned()).into()),
        },
    };
    print(&format!("{said}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The items that a number or an address names, one at least.
pub(super) async fn items_named(app: &App, name: &str) -> anyhow::Result<Vec<ItemId>> {
    let address = canonical(name).unwrap_or_default();
    let found = app.store.items_named(name.parse().ok(), &address).await?;
    if found.is_empty() {
        let missing = format!("there is no item {name:?}; `tidings stories` shows numbers and addresses");
        return Err(Usage(missing).into());
    }
    Ok(found)
}

/// The one item that a number or an address names.
pub(super) async fn item_named(app: &App, name: &str) -> anyhow::Result<ItemId> {
    match items_named(app, name).await?.as_slice() {
        [item] => Ok(*item),
        several => {
            let numbers: Vec<String> = several.iter().map(|item| item.0.to_string()).collect();
            Err(Usage(format!(
                "{name} is the address of several items; name one by its number: {}",
                numbers.join(", ")
            ))
            .into())
        }
    }
}

/// The story that a place or an id names.
pub(super) async fn story_named(app: &App, name: &str) -> anyhow::Result<StoryId> {
    let found = app.store.story_named(name.parse().ok(), uid(name)).await?;
    let missing = || {
        Usage(format!(
            "there is no story {name:?}; `tidings stories` shows their places, with --json their ids"
        ))
    };
    Ok(found.ok_or_else(missing)?)
}

/// The bits of a UUID, with or without `urn:uuid:`.
fn uid(name: &str) -> Option<[u8; 16]> {
    let digits = name.strip_prefix("urn:uuid:").unwrap_or(name).replace('-', "");
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some(number.to_be_bytes())
}
