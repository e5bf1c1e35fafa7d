//! The items of a web page that offers no feed, by the CSS selectors that the configuration gives.

use url::Url;

use crate::ingest::date::zone::Dates;
use crate::ingest::repair::{Losses, MAX_ITEMS};
use crate::model::feed::{FeedFacts, Select};
use crate::model::item::{FeedAbout, ParsedFeed, RawItem};
use crate::text::html::as_html;
use crate::text::html::page::{Css, Page, Part};

/// Why no items can be read of a page.
#[derive(Debug, thiserror::Error)]
pub enum SelectError {
    /// The configuration was checked, so this is seen by nobody who uses it.
    #[error("{0}")]
    Selector(String),
    /// The page has changed, or the selector was never right.
    #[error("the selector {0:?} (feed.select.item) finds nothing on the page; it may look different now")]
    Nothing(String),
}

/// The selectors of one feed.
struct Selectors {
    item: Css,
    title: Option<Css>,
    link: Css,
    date: Option<Css>,
    summary: Option<Css>,
}

impl Selectors {
    fn parse(select: &Select) -> Result<Self, SelectError> {
        let css = |text: &str| Css::parse(text).map_err(SelectError::Selector);
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

/// Reads the items of the page at `address`; what they lack is noted in `losses`.
///
/// # Errors
/// When there are none.
pub(super) fn read(
    html: &str,
    address: &Url,
    select: &Select,
    dates: &Dates,
    losses: &mut Losses,
) -> Result<ParsedFeed, SelectError> {
    let selectors = Selectors::parse(select)?;
    let page = Page::parse(html);
    let base = attribute_of(&page, "base[href]", "href").unwrap_or_default();
    let mut items = Vec::new();
    for (at, part) in page.select(&selectors.item).take(MAX_ITEMS).enumerate() {
        let place = format!("item {}", at + 1);
        let item = item(part, &selectors, dates, (&place, losses));
        if item.link.is_empty() && item.title.is_empty() {
            losses.add("empty_item", &place, "it has neither link nor title");
        } else {
            items.push(RawItem {
                base: base.clone(),
                ..item
            });
        }
    }
    if items.is_empty() {
        return Err(SelectError::Nothing(select.item.clone()));
    }
    Ok(ParsedFeed {
        facts: FeedFacts {
            title: first_words(&page, "title"),
            site_link: address.to_string(),
            language: attribute_of(&page, "html[lang]", "lang").unwrap_or_default(),
            ..FeedFacts::default()
        },
        about: FeedAbout {
            subtitle: attribute_of(&page, "meta[name=description]", "content").unwrap_or_default(),
            ..FeedAbout::default()
        },
        items,
    })
}

fn item(part: Part<'_>, selectors: &Selectors, dates: &Dates, (place, losses): (&str, &mut Losses)) -> RawItem {
    let first = |css: &Css| part.select(css).next();
    let linked = first(&selectors.link).or(part.attribute("href").map(|_| part));
    let titled = match &selectors.title {
        Some(css) => first(css),
        None => linked,
    };
    let date = selectors
        .date
        .as_ref()
        .and_then(first)
        .map(written_date)
        .unwrap_or_default();
    let published = dates.read(&date);
    if published.is_none() && !date.is_empty() {
        losses.add("date", place, &date);
    }
    RawItem {
        link: linked.and_then(address).unwrap_or_default(),
        title: titled.map(|part| as_html(&part.words())).unwrap_or_default(),
        summary: selectors
            .summary
            .as_ref()
            .and_then(first)
            .map(|part| part.markup())
            .unwrap_or_default(),
        published,
        ..RawItem::default()
    }
}

/// The address that an element holds, or the first within it.
fn address(part: Part<'_>) -> Option<String> {
    let within = || part.select(&Css::parse("[href]").ok()?).next()?.attribute("href");
    part.attribute("href").or_else(within).map(str::to_owned)
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

fn first_words(page: &Page, css: &str) -> String {
    let Ok(css) = Css::parse(css) else { return String::new() };
    page.select(&css).next().map(|part| part.words()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::read;
    use crate::ingest::date::zone::Dates;
    use crate::ingest::repair::Losses;
    use crate::model::feed::Select;
    use crate::model::item::ParsedFeed;
    use jiff::tz::TimeZone;
    use url::Url;

    const PAGE: &str = "<html lang=fa><head><title>روزنامه &amp; خبر</title><base href='/news/'></head><body>
        <div class=story><h2><a href='1'>One &lt;b></a></h2><time datetime='2026-11-22T10:00+03:30'>today</time><p>First <b>text</b></p></div>
        <div class=story><h2><a href='2'>Two</a></h2><time>۱ آذر ۱۴۰۵</time></div>
        <div class=story><time>some day</time></div></body></html>";

    fn select(item: &str) -> Select {
        Select {
            item: item.to_owned(),
            title: "h2".to_owned(),
            date: "time".to_owned(),
            summary: "p".to_owned(),
            ..Select::default()
        }
    }

    fn said(item: &str, losses: &mut Losses) -> Result<ParsedFeed, String> {
        let address = Url::parse("https://n.example/front").unwrap();
        let dates = Dates::new(TimeZone::UTC);
        read(PAGE, &address, &select(item), &dates, losses).map_err(|e| e.to_string())
    }

    #[test]
    fn the_items_of_a_page_are_what_the_selectors_find() {
        let mut losses = Losses::default();
        let feed = said(".story", &mut losses).unwrap();
        assert_eq!(
            (feed.facts.title.as_str(), feed.facts.language.as_str()),
            ("روزنامه & خبر", "fa")
        );
        let [one, two] = &feed.items[..] else {
            panic!("{:?}", feed.items)
        };
        assert_eq!(
            (one.title.as_str(), one.link.as_str(), one.base.as_str()),
            ("One &lt;b>", "1", "/news/")
        );
        assert_eq!(one.summary, "First <b>text</b>");
        assert_eq!(one.published.unwrap().to_string(), "2026-11-22T06:30:00Z");
        assert_eq!(two.published.unwrap().to_string(), "2026-11-22T00:00:00Z");
        let kinds: Vec<String> = losses.list().into_iter().map(|loss| loss.kind).collect();
        assert_eq!(kinds, ["date", "empty_item"]);
    }

    #[test]
    fn a_page_on_which_nothing_is_found_is_an_error() {
        let error = said(".gone", &mut Losses::default()).unwrap_err();
        assert!(error.contains(".gone"), "{error}");
    }
}
