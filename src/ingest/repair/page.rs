//! The items of a web page that offers no feed, by the CSS selectors that the configuration gives.
//!
//! The `link rel=canonical` of the page speaks of the page, and not of its items: it does not count.

use url::Url;

use crate::ingest::repair::draft::{Draft, Text, prefer};
use crate::ingest::repair::values::language_tag;
use crate::ingest::repair::{Entries, Losses, MAX_ITEMS, ReadDate, RepairError, Repaired};
use crate::model::feed::{Select, is_web};
use crate::text::html::page::{Css, Page, Part};

/// The selectors of one feed.
struct Selectors {
    item: Css,
    title: Option<Css>,
    link: Css,
    date: Option<Css>,
    summary: Option<Css>,
}

impl Selectors {
    fn parse(select: &Select) -> Result<Self, RepairError> {
        let css = |text: &str| Css::parse(text).map_err(RepairError::Selector);
        let maybe = |text: &str| (!text.is_empty()).then(|| css(text)).transpose();
        Ok(Self {
            item: css(&select.item)?,
            title: maybe(&select.title)?,
            link: css(if select.link.is_empty() {
                "a[href]"
            } else {
                &select.link
            })?,
            date: maybe(&select.date)?,
            summary: maybe(&select.summary)?,
        })
    }
}

/// Reads the items that `select` finds on the page at `address`.
pub(super) fn repair(html: &str, address: &Url, select: &Select, date: ReadDate<'_>) -> Result<Repaired, RepairError> {
    let selectors = Selectors::parse(select)?;
    let page = Page::parse(html);
    let base = attribute_of(&page, "base[href]", "href").and_then(|href| address.join(&href).ok());
    let base = base.filter(is_web).unwrap_or_else(|| address.clone());
    let mut feed = Draft {
        title: plain(page_words(&page, "title")),
        summary: plain(attribute_of(&page, "meta[name=description]", "content").unwrap_or_default()),
        language: (
            1,
            language_tag(&attribute_of(&page, "html[lang]", "lang").unwrap_or_default()),
        ),
        ..Draft::default()
    };
    feed.page(1, address.to_string());
    let (mut losses, mut entries) = (Losses::default(), Entries::new());
    // Items within items say the same again and again.
    let mut budget = html.len();
    for (at, part) in page.select(&selectors.item).take(MAX_ITEMS).enumerate() {
        let place = format!("item {}", at + 1);
        if budget == 0 {
            losses.add(
                "too_much_text",
                &place,
                "the items before it say more than a page holds",
            );
            break;
        }
        let entry = entry(part, &selectors, &base, date, (&place, &mut losses));
        budget = budget.saturating_sub(entry.title.text.len() + entry.summary.text.len());
        if entry.title.text.is_empty() && entry.link.1.is_empty() {
            losses.add("empty_item", &place, "it has neither link nor title");
        } else {
            entries.push(entry);
        }
    }
    if entries.len() == 0 {
        return Err(RepairError::NothingSelected(select.item.clone()));
    }
    Ok(entries.finish(&feed, "page", losses))
}

fn entry(
    part: Part<'_>,
    selectors: &Selectors,
    base: &Url,
    date: ReadDate<'_>,
    (place, losses): (&str, &mut Losses),
) -> Draft {
    let first = |css: &Css| part.select(css).next();
    let linked = first(&selectors.link).or(part.attribute("href").map(|_| part));
    let titled = match &selectors.title {
        Some(css) => first(css),
        None => linked,
    };
    let mut draft = Draft {
        title: plain(titled.map(|part| part.words()).unwrap_or_default()),
        summary: Text {
            text: selectors
                .summary
                .as_ref()
                .and_then(first)
                .map(|part| part.markup())
                .unwrap_or_default(),
            is_html: true,
            rank: 0,
        },
        base: base.to_string(),
        ..Draft::default()
    };
    let link = linked
        .and_then(address_within)
        .and_then(|href| base.join(href.trim()).ok());
    draft.page(1, link.map(String::from).unwrap_or_default());
    let written = selectors
        .date
        .as_ref()
        .and_then(first)
        .map(written_date)
        .unwrap_or_default();
    match date(&written) {
        Some(date) => prefer(&mut draft.published, 1, date.at),
        None if written.is_empty() => {}
        None => losses.add("date", place, &written),
    }
    draft
}

fn plain(text: String) -> Text {
    Text {
        text,
        is_html: false,
        rank: 0,
    }
}

/// The address that an element holds, or the first within it.
fn address_within(part: Part<'_>) -> Option<&str> {
    let within = || part.select(&Css::parse("[href]").ok()?).next()?.attribute("href");
    part.attribute("href").or_else(within)
}

/// What `time` says for programs, or what it says for people.
fn written_date(part: Part<'_>) -> String {
    let for_programs = ["datetime", "content"]
        .into_iter()
        .find_map(|name| part.attribute(name));
    for_programs.map_or_else(|| part.words(), str::to_owned)
}

fn attribute_of(page: &Page, css: &str, name: &str) -> Option<String> {
    let css = Css::parse(css).ok()?;
    page.select(&css)
        .next()?
        .attribute(name)
        .map(|value| value.trim().to_owned())
}

fn page_words(page: &Page, css: &str) -> String {
    let Ok(css) = Css::parse(css) else { return String::new() };
    page.select(&css).next().map(|part| part.words()).unwrap_or_default()
}
