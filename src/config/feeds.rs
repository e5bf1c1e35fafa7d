//! The feeds of a configuration: its own tables, and the lists that it names.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use jiff::tz::TimeZone;

use crate::config::access::access;
use crate::config::opml;
use crate::config::section::Section;
use crate::model::feed::{FeedIntent, FeedUrl, Manner, Select};
use crate::text::html::page::Css;

/// All feeds: those of the file, then those that the OPML lists hold and the file does not.
pub(super) fn feeds(root: &mut Section, folder: &Path, warnings: &mut Vec<String>) -> Vec<FeedIntent> {
    let mut feeds = own(root, folder);
    lists(root, folder, &mut feeds, warnings);
    feeds
}

fn own(root: &mut Section, folder: &Path) -> Vec<FeedIntent> {
    let mut feeds: Vec<FeedIntent> = Vec::new();
    let mut names = HashSet::new();
    let mut addresses: HashMap<FeedUrl, String> = HashMap::new();
    for mut section in root.sections("feed") {
        let name = section.required_text("name");
        let text = section.required_text("url");
        let group = section.text("group").unwrap_or_default();
        let manner = manner(&mut section);
        let access = section.has("access").then(|| access(section.section("access"), folder));
        if !name.is_empty() && !names.insert(name.clone()) {
            section.fault(
                "name",
                format!("another feed is called {name:?} already; names must differ"),
            );
        }
        match FeedUrl::parse(&text) {
            Ok(url) => {
                if let Some(other) = addresses.insert(url.clone(), name.clone()) {
                    section.fault("url", format!("the feed {other:?} has this address already"));
                }
                feeds.push(FeedIntent {
                    name,
                    url,
                    group,
                    manner,
                    access: access.unwrap_or_default(),
                });
            }
            Err(_) if text.is_empty() => {}
            Err(e) => section.fault("url", e.to_string()),
        }
        section.finish();
    }
    feeds
}

fn manner(section: &mut Section) -> Manner {
    let time_zone = section.text("time_zone").unwrap_or_default();
    if !time_zone.is_empty()
        && let Err(e) = TimeZone::get(&time_zone)
    {
        section.fault("time_zone", format!("{e}; write a name such as \"Asia/Tehran\""));
    }
    let select = section.has("select").then(|| select(section.section("select")));
    Manner { time_zone, select }
}

fn select(mut section: Section) -> Select {
    let mut css = |name| {
        let text = section.text(name).unwrap_or_default();
        if !text.is_empty()
            && let Err(reason) = Css::parse(&text)
        {
            section.fault(name, reason);
        }
        text
    };
    let select = Select {
        item: css("item"),
        title: css("title"),
        link: css("link"),
        date: css("date"),
        summary: css("summary"),
    };
    if select.item.is_empty() {
        section.fault(
            "item",
            "is missing: the selector that finds each item, such as \"article\"",
        );
    }
    section.finish();
    select
}

/// Adds what the OPML lists hold and the file does not.
fn lists(root: &mut Section, folder: &Path, feeds: &mut Vec<FeedIntent>, warnings: &mut Vec<String>) {
    let mut names: HashSet<String> = feeds.iter().map(|f| f.name.clone()).collect();
    let mut addresses: HashSet<FeedUrl> = feeds.iter().map(|f| f.url.clone()).collect();
    for file in root.texts("feeds_from") {
        let path = folder.join(&file);
        let list = std::fs::read_to_string(&path)
            .map_err(|e| format!("cannot read {}: {e}", path.display()))
            .and_then(|text| opml::read(&text).map_err(|e| format!("{}: {e}", path.display())));
        let list = match list {
            Ok(list) => list,
            Err(reason) => {
                root.fault("feeds_from", reason);
                continue;
            }
        };
        warnings.extend(
            list.passed_over
                .into_iter()
                .map(|outline| format!("{file}: passed over {outline}")),
        );
        for mut feed in list.feeds {
            if addresses.insert(feed.url.clone()) {
                let plain = feed.name.clone();
                let mut number = 2_u64;
                while !names.insert(feed.name.clone()) {
                    feed.name = format!("{plain} ({number})");
                    number += 1;
                }
                feeds.push(feed);
            }
        }
    }
}
