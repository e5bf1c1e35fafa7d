//! The feeds of a configuration: its own tables, and the lists that it names.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::config::access::access;
use crate::config::opml;
use crate::config::pieces::Cut;
use crate::config::section::{Faults, Section};
use crate::config::taken::Taken;
use crate::model::chain::chain;
use crate::model::feed::{FeedIntent, FeedUrl, Manner, Select};
use crate::model::feed_list::FeedList;
use crate::model::identity::IdentityPolicy;
use crate::model::item::MAX_HOLD;
use crate::text::html::page::Css;

/// With so many faults, the feeds behind are not looked at any more.
const MAX_FAULTS: usize = 1000;

/// All feeds: those of the file, then those that the OPML lists hold and the file does not.
pub(super) fn feeds(
    root: &mut Section,
    cut: &Cut<'_>,
    folder: &Path,
    faults: &Faults,
    warnings: &mut Vec<String>,
) -> Result<FeedList, Box<toml::de::Error>> {
    let (mut feeds, mut taken) = (FeedList::default(), Taken::default());
    // Those that are written inline; tables are cut out, and understood one by one.
    for section in root.sections("feed") {
        own(section, folder, &mut feeds, &mut taken);
    }
    for (at, piece) in cut.feeds().enumerate() {
        let known = faults.count();
        if known >= MAX_FAULTS {
            faults.add(
                "feed",
                format!("has faults enough: feed[{at}] and those behind it were not looked at"),
            );
            break;
        }
        for section in Section::root(piece.table()?, faults.clone()).sections_from("feed", at) {
            own(section, folder, &mut feeds, &mut taken);
        }
        faults.locate(known, |key| piece.line_of(at, key));
    }
    lists(root, folder, &mut feeds, &mut taken, warnings);
    Ok(feeds)
}

fn own(mut section: Section, folder: &Path, feeds: &mut FeedList, taken: &mut Taken) {
    let name = section.required_text("name");
    let text = section.required_text("url");
    let group = section.text("group").unwrap_or_default();
    let manner = manner(&mut section);
    let access = section.has("access").then(|| access(section.section("access"), folder));
    if !name.is_empty() && !taken.take_name(&name) {
        section.fault(
            "name",
            format!("another feed is called {name:?} already; names must differ"),
        );
    }
    match FeedUrl::parse(&text) {
        Ok(url) => {
            if !taken.take_address(&url) {
                let other = feeds.iter().find(|feed| feed.url == url.as_str());
                let other = other.map(|feed| feed.name).unwrap_or_default();
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

fn manner(section: &mut Section) -> Manner {
    let time_zone = section.text("time_zone").unwrap_or_default();
    if !time_zone.is_empty()
        && let Err(e) = TimeZone::get(&time_zone)
    {
        section.fault("time_zone", format!("{e}; write a name such as \"Asia/Tehran\""));
    }
    let identity = identity(section);
    let select = section.has("select").then(|| select(section.section("select")));
    let hold = section.duration("hold", Duration::ZERO..=MAX_HOLD, Duration::ZERO);
    Manner {
        time_zone,
        identity,
        select,
        hold_seconds: hold.as_secs(),
    }
}

fn identity(section: &mut Section) -> Option<IdentityPolicy> {
    let word = section.text("identity")?;
    let policy = IdentityPolicy::parse(&word);
    if policy.is_none() {
        let words = IdentityPolicy::ALL
            .map(|policy| format!("{:?}", policy.as_str()))
            .join(", ");
        section.fault("identity", format!("{word:?} is none of {words}"));
    }
    policy
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
fn lists(root: &mut Section, folder: &Path, feeds: &mut FeedList, taken: &mut Taken, warnings: &mut Vec<String>) {
    for file in root.texts("feeds_from") {
        let path = folder.join(&file);
        let passed_over = File::open(&path)
            .map_err(|e| format!("cannot read {}: {e}", path.display()))
            .and_then(|list| {
                opml::read(BufReader::new(list), taken, |feed| feeds.push(feed))
                    .map_err(|e| format!("{}: {}", path.display(), chain(&e)))
            });
        match passed_over {
            Ok(passed_over) => warnings.extend(passed_over.lines().map(|line| format!("{file}: passed over {line}"))),
            Err(reason) => root.fault("feeds_from", reason),
        }
    }
}
