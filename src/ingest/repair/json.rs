//! JSON Feed, any version: each item by itself, so that a bad one costs only itself.

use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use crate::ingest::repair::draft::{Draft, File, Person, Text, prefer};
use crate::ingest::repair::json_mend::{mended, split};
use crate::ingest::repair::values::{language_tag, whole};
use crate::ingest::repair::{Entries, Losses, MAX_ITEMS, ReadDate, RepairError, Repaired};

/// Keys whose values are texts.
const TEXTS: [&str; 11] = [
    "id",
    "url",
    "external_url",
    "title",
    "summary",
    "content_html",
    "content_text",
    "image",
    "banner_image",
    "date_published",
    "date_modified",
];

pub(super) fn repair(text: &str, address: &Url, date: ReadDate<'_>) -> Result<Repaired, RepairError> {
    let mut losses = Losses::default();
    let (value, items) = read(text, &mut losses)?;
    let mut feed = common(&value, address);
    feed.page(1, absolute(&value, "home_page_url", address));
    feed.id = string(&value, "feed_url");
    feed.relate("self", absolute(&value, "feed_url", address));
    feed.relate("next", absolute(&value, "next_url", address));
    for hub in list(&value, "hubs").iter().filter_map(Value::as_object) {
        if string(hub, "type").eq_ignore_ascii_case("websub") {
            feed.relate("hub", absolute(hub, "url", address));
        }
    }
    feed.summary = plain(&value, "description");
    for (rank, key) in [(2, "icon"), (1, "favicon")] {
        feed.picture(rank, absolute(&value, key, address));
    }
    let mut entries = Entries::new();
    for (at, item) in items.iter().take(MAX_ITEMS).enumerate() {
        match item {
            Value::Object(item) => {
                let place = format!("item {}", at + 1);
                let entry = entry(item, address, date, (&place, &mut losses));
                if entry.is_empty() {
                    losses.add("empty_item", &place, "it says nothing");
                } else {
                    entries.push(entry);
                }
            }
            other => losses.add("item", &format!("item {}", at + 1), &other.to_string()),
        }
    }
    Ok(entries.finish(&feed, "json", losses))
}

/// The feed and its items. What is nearly JSON is mended; an item that is none even then costs itself.
fn read(text: &str, losses: &mut Losses) -> Result<(Map<String, Value>, Vec<Value>), RepairError> {
    // What follows the object is junk: only its first value is read.
    let first = |text: &str| serde_json::Deserializer::from_str(text).into_iter::<Value>().next();
    let value = match first(text) {
        Some(Err(e)) => {
            losses.add("json", "feed", &e.to_string());
            let mended = mended(text);
            match first(&mended) {
                Some(Ok(value)) => Some(value),
                _ => return by_items(&mended, losses).ok_or_else(|| RepairError::Json(e.to_string())),
            }
        }
        other => other.and_then(Result::ok),
    };
    let Some(Value::Object(mut feed)) = value else {
        return Err(RepairError::Json("it is no object".to_owned()));
    };
    match feed.remove("items") {
        Some(Value::Array(items)) => Ok((feed, items)),
        _ => Err(RepairError::Json("it has no list of items".to_owned())),
    }
}

fn by_items(text: &str, losses: &mut Losses) -> Option<(Map<String, Value>, Vec<Value>)> {
    let (elements, rest) = split(text, "items")?;
    let mut items = Vec::new();
    for (at, element) in elements.into_iter().enumerate() {
        match serde_json::from_str(element) {
            Ok(item) => items.push(item),
            Err(e) => losses.add("item", &format!("item {}", at + 1), &e.to_string()),
        }
    }
    Some((serde_json::from_str(&rest).ok()?, items))
}

/// What a feed and an item have in common.
fn common(value: &Map<String, Value>, address: &Url) -> Draft {
    let mut draft = Draft {
        title: plain(value, "title"),
        language: (1, language_tag(&string(value, "language"))),
        ..Draft::default()
    };
    for author in list(value, "authors").iter().chain(value.get("author")) {
        let person = match author {
            Value::Object(author) => Person {
                name: string(author, "name"),
                uri: absolute(author, "url", address),
                ..Person::default()
            },
            other => Person {
                name: text_of(other),
                ..Person::default()
            },
        };
        draft.author(person);
    }
    draft
}

fn entry(item: &Map<String, Value>, address: &Url, date: ReadDate<'_>, (place, losses): (&str, &mut Losses)) -> Draft {
    for key in TEXTS {
        if item.get(key).is_some_and(|value| value.is_array() || value.is_object()) {
            losses.add("value", &format!("{place}/{key}"), "it is no text");
        }
    }
    let mut draft = common(item, address);
    draft.id = string(item, "id");
    draft.page(2, absolute(item, "url", address));
    draft.page(1, absolute(item, "external_url", address));
    draft.page_from_id();
    draft.summary = plain(item, "summary");
    draft.content = Text {
        text: string(item, "content_html"),
        is_html: true,
        rank: 0,
    };
    let plain_content = plain(item, "content_text");
    if draft.content.text.is_empty() {
        draft.content = plain_content;
    } else {
        draft.summary.offer(plain_content);
    }
    for (rank, key) in [(2, "image"), (1, "banner_image")] {
        draft.picture(rank, absolute(item, key, address));
    }
    let mut read = |key: &str| -> Option<Timestamp> {
        let text = string(item, key);
        let read = date(&text).map(|date| date.at);
        if read.is_none() && !text.is_empty() {
            losses.add("date", &format!("{place}/{key}"), &text);
        }
        read
    };
    for (place, key) in [
        (&mut draft.published, "date_published"),
        (&mut draft.updated, "date_modified"),
    ] {
        if let Some(date) = read(key) {
            prefer(place, 1, date);
        }
    }
    for tag in list(item, "tags") {
        draft.category(&text_of(tag));
    }
    for file in list(item, "attachments") {
        let Some(file) = file.as_object().filter(|file| file.contains_key("url")) else {
            losses.add("value", &format!("{place}/attachments"), &file.to_string());
            continue;
        };
        draft.file(File {
            url: absolute(file, "url", address),
            media_type: string(file, "mime_type"),
            length: number(file, "size_in_bytes"),
            seconds: number(file, "duration_in_seconds"),
        });
    }
    draft
}

/// A list; a value where a list is meant is a list of one.
fn list<'a>(value: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    match value.get(key) {
        Some(Value::Array(list)) => list,
        Some(Value::Null) | None => &[],
        Some(lone) => std::slice::from_ref(lone),
    }
}

fn string(value: &Map<String, Value>, key: &str) -> String {
    value.get(key).map(text_of).unwrap_or_default()
}

/// Numbers stand where texts are meant, ids above all.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// A number, as a number or as a text, without its fraction.
fn number(value: &Map<String, Value>, key: &str) -> Option<u64> {
    string(value, key).parse::<f64>().ok().and_then(whole)
}

fn plain(value: &Map<String, Value>, key: &str) -> Text {
    Text {
        text: string(value, key),
        is_html: false,
        rank: 0,
    }
}

fn absolute(value: &Map<String, Value>, key: &str, address: &Url) -> String {
    match string(value, key).as_str() {
        "" => String::new(),
        link => address.join(link).map(String::from).unwrap_or_default(),
    }
}
