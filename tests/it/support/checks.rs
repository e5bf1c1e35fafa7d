//! What must hold for any input, whoever makes it up: shared by the property tests and the fuzz targets (`tests/fuzz`).

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use scraper::Html;
use tidings::ingest::normalise::Normaliser;
use tidings::ingest::repair::{SaidDate, repair};
use tidings::ingest::{Input, Reading, date, identity, read};
use tidings::model::feed::Manner;
use tidings::model::identity::IdentityPolicy;
use tidings::model::item::{NewItem, ParsedFeed};
use tidings::text::canonical_url::archives::archived;
use tidings::text::canonical_url::canonical;
use tidings::text::canonical_url::cited::cited;
use tidings::text::html::{Sanitiser, plain_line, to_text};
use url::Url;

/// Elements that may be left in sanitised HTML.
const HARMLESS: &str = "a abbr acronym area article aside audio b bdi bdo blockquote br caption center cite code col colgroup data dd del \
    details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hgroup hr i img ins kbd li map mark nav ol p pre q rp rt rtc \
    ruby s samp small source span strike strong sub summary sup table tbody td th thead time tr tt u ul var video wbr \
    html head body tfoot";

fn address() -> Url {
    Url::parse("https://base.example/dir/feed.xml").unwrap()
}

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// Sanitised HTML, parsed again: only harmless elements, no handlers, and only addresses of the web and of mail.
pub fn check_harmless(html: &str) {
    let page = Html::parse_fragment(html);
    let harmless: HashSet<&str> = HARMLESS.split_whitespace().collect();
    for node in page.tree.values() {
        let Some(element) = node.as_element() else { continue };
        assert!(harmless.contains(element.name()), "<{}> in {html:?}", element.name());
        for (name, value) in element.attrs() {
            assert!(!name.starts_with("on") && name != "style", "{name} in {html:?}");
            if matches!(
                name,
                "href" | "src" | "poster" | "cite" | "action" | "formaction" | "background" | "srcset" | "data"
            ) {
                check_web_address(value, true);
            }
        }
    }
}

fn check_web_address(address: &str, may_be_mail: bool) {
    let url = Url::parse(address).unwrap_or_else(|e| panic!("{address:?} is no absolute address: {e}"));
    let is_known = matches!(url.scheme(), "http" | "https") || (may_be_mail && url.scheme() == "mailto");
    assert!(is_known, "{address:?}");
}

/// A plain text: one line, no control characters.
fn check_plain(text: &str) {
    assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
    assert_eq!(text.trim(), text);
}

/// HTML is made harmless, and once is enough.
pub fn check_html(html: &str) {
    for sanitiser in [Sanitiser::new(None), Sanitiser::new(Some(&address()))] {
        let once = sanitiser.clean(html);
        check_harmless(&once);
        assert_eq!(sanitiser.clean(&once), once, "from {html:?}");
        check_plain(&to_text(&once));
    }
    check_plain(&plain_line(html));
}

/// A date is read as the same instant when it is written out again.
pub fn check_date(text: &str) {
    for zone in [TimeZone::UTC, TimeZone::get("Asia/Tehran").unwrap()] {
        if let Some(read) = date::parse(text, &zone) {
            let again = date::parse(&read.at.to_string(), &zone).unwrap();
            assert_eq!(again.at, read.at, "{text:?}");
        }
    }
}

/// A link has one canonical form, which is its own; what is found within it is an address of the web.
pub fn check_link(text: &str) {
    let once = canonical(text);
    if let Some(once) = &once {
        check_web_address(once, false);
    }
    assert_eq!(once.as_deref().and_then(canonical), once, "{text:?}");
    if let Some(original) = archived(text).and_then(|copy| copy.original) {
        check_web_address(&original, false);
    }
    let cited = cited(std::iter::once(text));
    assert_eq!(cited.first().map(|cited| &cited.canonical), once.as_ref(), "{text:?}");
}

/// A document is read or refused; what is read is harmless, complete and the same again.
pub fn check_document(bytes: &[u8]) {
    let (address, manner) = (address(), Manner::default());
    let read_it = |bytes: &[u8]| {
        let content_type = "";
        read(&Input {
            bytes,
            content_type,
            address: &address,
            manner: &manner,
            offset_minutes: None,
            now: now(),
        })
    };
    let Ok(reading) = read_it(bytes) else { return };
    check_said(&reading, &address);
    let again = read_it(bytes).unwrap();
    assert_eq!(said(again.feed), said(reading.feed), "the same bytes say the same");
    check_repair_once(bytes, &address);
}

fn check_said(reading: &Reading, address: &Url) {
    let (facts, about) = (&reading.feed.facts, &reading.feed.about);
    for text in [&facts.title, &about.subtitle, &facts.language]
        .into_iter()
        .chain(&about.authors)
        .chain(&about.categories)
    {
        check_plain(text);
    }
    for link in [&facts.site_link, &about.image]
        .into_iter()
        .filter(|link| !link.is_empty())
    {
        check_web_address(link, false);
    }
    let normaliser = Normaliser::new(address, &facts.language);
    for policy in IdentityPolicy::ALL {
        let keyed = identity::keyed(reading.feed.items.clone(), policy);
        let keys: HashSet<_> = keyed.iter().map(|item| item.key).collect();
        assert_eq!(keys.len(), keyed.len(), "each key once");
    }
    for item in identity::keyed(reading.feed.items.clone(), IdentityPolicy::Guid) {
        check_item(&normaliser.item(&item.raw, Timestamp::UNIX_EPOCH));
    }
}

fn check_item(item: &NewItem) {
    check_harmless(&item.content);
    check_harmless(&item.summary);
    let details = &item.details;
    let texts = details.authors.iter().chain(&details.categories);
    for text in texts.chain([&item.title, &item.language, &details.source.title]) {
        check_plain(text);
    }
    let links = [&item.link, &details.comments, &details.image, &details.source.link];
    let files = details.enclosures.iter().map(|file| &file.url);
    for link in links.into_iter().chain(files).filter(|link| !link.is_empty()) {
        check_web_address(link, false);
    }
}

/// What is repaired needs no repair.
fn check_repair_once(bytes: &[u8], address: &Url) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let dated = |text: &str| {
        let at = date::parse(text, &TimeZone::UTC)?.at;
        Some(SaidDate {
            at,
            is_future: at > now(),
        })
    };
    let Ok(once) = repair(text, address, None, &dated) else {
        return;
    };
    let twice = repair(&once.xml, address, None, &dated).unwrap();
    let of = |xml: &str| {
        let (content_type, manner) = ("", &Manner::default());
        let bytes = xml.as_bytes();
        said(
            read(&Input {
                bytes,
                content_type,
                address,
                manner,
                offset_minutes: None,
                now: now(),
            })
            .unwrap()
            .feed,
        )
    };
    assert_eq!(of(&twice.xml), of(&once.xml), "repaired again");
}

/// What a document says, to be compared.
fn said(feed: ParsedFeed) -> Vec<String> {
    let items = feed.items.into_iter().map(|item| {
        format!(
            "{:?}",
            (
                item.guid,
                item.title,
                item.link,
                item.authors,
                item.summary,
                item.content,
                item.categories,
                item.published,
                item.updated
            )
        )
    });
    [feed.facts.title, feed.facts.source_id]
        .into_iter()
        .chain(items)
        .collect()
}
