//! `tidings why`: the keys of an item, what it was compared with, and what followed.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::app::App;
use crate::cli::stories::{ItemLine, StoryLine, rounded, text};
use crate::cli::story::{items_named, story_named};
use crate::cli::{open, print};
use crate::model::item::ItemId;
use crate::model::story::{Comparison, Decided, ListedItem, ListedStory, StoryId};
use crate::store::decisions::Reasons;

/// Of which item.
#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// The number of the item, its address, or the id of a story
    #[arg(value_name = "ID|URL")]
    item: String,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn why(file: Option<PathBuf>, args: WhyArgs) -> anyhow::Result<ExitCode> {
    let app = open(file.as_ref()).await?;
    let items = match items_named(&app, &args.item).await {
        Ok(items) => items,
        // The id of a story names its leader; a number is always that of an item.
        Err(e) => match story_named(&app, &args.item).await {
            Ok(story) => {
                let story = app.store.listed_story(story).await?;
                vec![story.items.first().map(|item| item.id).ok_or(e)?]
            }
            Err(_) => return Err(e),
        },
    };
    for item in items {
        print(&why_of(&app, item, args.json).await?)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn why_of(app: &App, item: ItemId, json: bool) -> anyhow::Result<String> {
    let reasons = app.store.reasons(item, app.clock.now(), &app.judge()).await?;
    let story = match reasons.story {
        Some(story) => Some(app.store.listed_story(story).await?),
        None => None,
    };
    Ok(if json {
        format!("{}\n", as_json(&reasons, story.as_ref()))
    } else {
        as_text(&reasons, story.as_ref())
    })
}

/// What followed from a comparison, in words: the tie that is kept, and what it would be now, if that is another.
fn followed(compared: &Comparison, reasons: &Reasons) -> String {
    let kept = reasons.ties.iter().find(|tie| tie.other == compared.other);
    let kept = kept.map_or_else(
        || "not tied".to_owned(),
        |tie| match tie.kind.as_str() {
            "quotes" => format!("quotes it: {}", tie.rule),
            "quoted by" => format!("quoted by it: {}", tie.rule),
            kind => format!("{kind}: {}", tie.rule),
        },
    );
    let anew = compared.tie.as_ref().map_or("not tied", |tie| tie.rule);
    if kept.ends_with(anew) {
        kept
    } else {
        format!("{kept} (compared now: {anew})")
    }
}

fn decided(decided: Decided) -> &'static str {
    match decided {
        Decided::Together => "together",
        Decided::Apart => "apart",
    }
}

fn as_json(reasons: &Reasons, story: Option<&ListedStory>) -> Value {
    let compared = |(other, story, compared): &(ListedItem, Option<StoryId>, Comparison)| {
        json!({
            "item": ItemLine::new(other), "story": story,
            "share_of_this_in_other": rounded(compared.shares.0), "share_of_other_in_this": rounded(compared.shares.1),
            "own_words": compared.own.0, "own_words_of_other": compared.own.1, "titles": rounded(compared.titles),
            "decision": followed(compared, reasons),
        })
    };
    let tie = |tie: &crate::store::decisions::StoredTie| {
        json!({"item": tie.other.0.to_string(), "kind": tie.kind, "rule": tie.rule, "share_of_other_in_this": rounded(tie.share),
            "share_of_this_in_other": rounded(tie.back)})
    };
    let decision = |(id, kind, other): &(i64, Decided, ItemId)| json!({"decision": id, "kind": decided(*kind), "item": other.0.to_string()});
    json!({
        "item": ItemLine::new(&reasons.item), "key": reasons.key, "told_apart_by": reasons.told_apart_by, "guid": reasons.guid, "canonical_link": reasons.canonical_link,
        "first_seen_at": reasons.first_seen_at, "held_until": reasons.held_until, "marks": reasons.marks, "recurring_runs_of_feed": reasons.recurring,
        "compared": reasons.compared.iter().map(compared).collect::<Vec<_>>(),
        "ties": reasons.ties.iter().map(tie).collect::<Vec<_>>(),
        "decisions": reasons.decisions.iter().map(decision).collect::<Vec<_>>(),
        "story": story.map(StoryLine::new),
    })
}

fn as_text(reasons: &Reasons, story: Option<&ListedStory>) -> String {
    let item = &reasons.item;
    let mut said = format!("{}\n", item.title);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            said.push_str(&format!("  {name:<14}{value}\n"));
        }
    };
    line("item", &format!("{} of {}", item.id.0, item.feed));
    line("link", &item.link);
    line("compared as", &reasons.canonical_link);
    line("guid", &reasons.guid);
    line(
        "key",
        &format!(
            "{} (rule {}; its feed tells entries apart by {})",
            reasons.key,
            reasons.key.get(..2).unwrap_or_default(),
            reasons.told_apart_by.replace('_', " "),
        ),
    );
    line("first seen", &reasons.first_seen_at.to_string());
    line(
        "marks",
        &format!(
            "{}; {} runs of words recur over its feed and do not count",
            reasons.marks, reasons.recurring
        ),
    );
    for (other, _, compared) in &reasons.compared {
        line(
            "compared with",
            &format!("item {} of {}: {}", other.id.0, other.feed, other.title),
        );
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        line(
            "",
            &format!(
                "{} of it stands in this, {} of this in it, titles {}: {}",
                percent(compared.shares.1),
                percent(compared.shares.0),
                percent(compared.titles),
                followed(compared, reasons)
            ),
        );
    }
    for (id, kind, other) in &reasons.decisions {
        line(
            "decided",
            &format!(
                "{} with item {} (decision {id}; `tidings story undo {id}`)",
                decided(*kind),
                other.0
            ),
        );
    }
    match story {
        Some(story) => said.push_str(&format!("  story\n{}", text(story))),
        None => match reasons.held_until {
            Some(until) => said.push_str(&format!("  its feed has a hold: waits for its place until {until}\n")),
            None => said.push_str("  waits for its place\n"),
        },
    }
    said
}
