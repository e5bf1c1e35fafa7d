//! The feeds that a web page offers.
//!
//! Those that its `Link` headers name (RFC 8288), those that its head names (`link rel=alternate`, HTML), and links in its body that
//! look like feeds. No address is made up.

use url::Url;

use crate::model::feed::{FeedUrl, is_web};
use crate::text::html::page::{Css, Page, Part};
use crate::text::html::{as_html, excerpt, plain_line};
use crate::text::link_header;

/// Feeds of one page that are told.
const MAX_OFFERS: usize = 20;
/// The longest title of an offer, in characters.
const MAX_TITLE: usize = 100;
/// Media types of feeds.
const FEED_TYPES: [&str; 6] = [
    "application/rss+xml",
    "application/atom+xml",
    "application/rdf+xml",
    "application/feed+json",
    "application/xml",
    "text/xml",
];
/// Last parts of the paths of feeds.
const FEED_NAMES: [&str; 8] = [
    "feed",
    "feeds",
    "rss",
    "rss2",
    "atom",
    "feed.json",
    "index.xml",
    "feed.xml",
];
/// Ends of the last parts of the paths of feeds.
const FEED_ENDS: [&str; 6] = [".rss", ".atom", ".rdf", "rss.xml", "atom.xml", "-feed.xml"];
/// Names and values of parameters that ask for a feed.
const FEED_PARAMETERS: [&str; 6] = [
    "feed=rss",
    "feed=atom",
    "format=rss",
    "format=atom",
    "format=feed",
    "type=rss",
];
/// Words of links to feeds.
const FEED_WORDS: [&str; 6] = ["rss", "atom", "feed", "xml feed", "خوراک", "آر اس اس"];

/// A feed that a page offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its address.
    pub url: FeedUrl,
    /// What the page calls it, in one line, or empty.
    pub title: String,
    /// How surely it is a feed.
    rank: u8,
}

/// The feeds that the page at `address` offers, the likeliest first. `links` are the values of its `Link` headers.
#[must_use]
pub fn discover(html: &str, links: &[String], address: &Url) -> Vec<Offer> {
    let page = Page::parse(html);
    let base = base(&page, address);
    let mut named: Vec<Offer> = from_headers(links, address)
        .into_iter()
        .chain(from_head(&page, &base))
        .collect();
    named.sort_by_key(|offer| std::cmp::Reverse(offer.rank));
    // Comments are not what people follow a page for, and a body may link many feeds that are not its own.
    let (comments, posts): (Vec<Offer>, Vec<Offer>) = named.into_iter().partition(is_of_comments);
    let (comments_below, below): (Vec<Offer>, Vec<Offer>) =
        from_body(&page, &base).into_iter().partition(is_of_comments);
    let mut offers: Vec<Offer> = Vec::new();
    for offer in posts.into_iter().chain(below).chain(comments).chain(comments_below) {
        let is_new = offers.iter().all(|known| known.url != offer.url);
        if is_new && offer.url.as_url() != address && offers.len() < MAX_OFFERS {
            offers.push(offer);
        }
    }
    offers
}

fn is_of_comments(offer: &Offer) -> bool {
    let title = offer.title.to_lowercase();
    ["comment", "نظر", "kommentar", "commentaire"]
        .iter()
        .any(|word| title.contains(word))
        || offer.url.as_url().path().contains("/comments/")
}

fn base(page: &Page, address: &Url) -> Url {
    let found = Css::parse("base[href]").ok().and_then(|css| {
        let href = page.select(&css).next()?.attribute("href")?;
        address.join(href.trim()).ok()
    });
    let found = found.filter(is_web);
    found.unwrap_or_else(|| address.clone())
}

/// An offer, if it leads to where a feed may be: from a protected page never to an unprotected address, but to the same one, protected.
fn offer(base: &Url, href: &str, title: &str, rank: u8) -> Option<Offer> {
    let mut url = base.join(href.trim()).ok()?;
    if base.scheme() == "https" && url.scheme() == "http" {
        if url.host_str() != base.host_str() {
            return None;
        }
        url.set_scheme("https").ok()?;
    }
    let title = excerpt(&plain_line(&as_html(title)), MAX_TITLE);
    let url = FeedUrl::from_url(url).ok()?;
    Some(Offer { url, title, rank })
}

fn is_feed_type(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    FEED_TYPES.iter().any(|known| essence.eq_ignore_ascii_case(known))
}

fn from_headers(links: &[String], address: &Url) -> Vec<Offer> {
    let offered = link_header::parse(links).into_iter().filter_map(|link| {
        let (rel, media_type) = (link.parameter("rel"), link.parameter("type"));
        is_offer(rel, media_type, &link.href)
            .then(|| offer(address, &link.href, link.parameter("title"), rank(media_type)))?
    });
    offered.collect()
}

/// Whether a link with these values leads to a feed.
fn is_offer(rel: &str, media_type: &str, href: &str) -> bool {
    let rel = rel.to_ascii_lowercase();
    let has = |wanted: &str| rel.split_ascii_whitespace().any(|rel| rel == wanted);
    // JSON of any kind is offered as an alternate: an interface for programs, an oEmbed.
    let is_json_feed = media_type.eq_ignore_ascii_case("application/json") && href.contains("feed");
    // `rel=feed` says it without a type.
    !has("stylesheet") && (has("feed") || (has("alternate") && (is_feed_type(media_type) || is_json_feed)))
}

/// How surely a media type is that of a feed.
fn rank(media_type: &str) -> u8 {
    u8::from(!media_type.to_ascii_lowercase().contains("/xml"))
}

fn from_head(page: &Page, base: &Url) -> Vec<Offer> {
    let Ok(css) = Css::parse("link[rel][href]") else {
        return Vec::new();
    };
    let offered = page.select(&css).filter_map(|link| {
        let value = |name: &str| link.attribute(name).unwrap_or_default();
        let (media_type, href) = (value("type"), value("href"));
        is_offer(value("rel"), media_type, href).then(|| offer(base, href, value("title"), rank(media_type)))?
    });
    offered.collect()
}

fn from_body(page: &Page, base: &Url) -> Vec<Offer> {
    let Ok(css) = Css::parse("a[href]") else {
        return Vec::new();
    };
    let mut sure = Vec::new();
    let mut likely = Vec::new();
    for link in page.select(&css) {
        let words = words_of(link);
        let Some(offer) = link.attribute("href").and_then(|href| offer(base, href, &words, 0)) else {
            continue;
        };
        let (by_address, by_words) = (looks_like_feed(offer.url.as_url()), says_feed(&words));
        match (by_address, by_words) {
            (true, true) => sure.push(offer),
            (true, false) => likely.push(offer),
            // A page about feeds links many pages that are none: words alone do not do.
            (false, _) => {}
        }
    }
    sure.append(&mut likely);
    sure
}

/// What a link says, in text, or in the alternative of its picture.
fn words_of(link: Part<'_>) -> String {
    let words = link.words();
    if !words.is_empty() {
        return words;
    }
    let alternative = Css::parse("img[alt]")
        .ok()
        .and_then(|css| link.select(&css).next()?.attribute("alt"));
    let title = link.attribute("title").or_else(|| link.attribute("aria-label"));
    title.or(alternative).unwrap_or_default().trim().to_owned()
}

fn says_feed(words: &str) -> bool {
    let words = words.to_lowercase();
    words.chars().count() <= 60 && FEED_WORDS.iter().any(|word| words.contains(word))
}

fn looks_like_feed(url: &Url) -> bool {
    let path = url.path().trim_end_matches('/').to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    let query = url.query().unwrap_or_default().to_ascii_lowercase();
    FEED_NAMES.contains(&last)
        || FEED_ENDS.iter().any(|end| last.ends_with(end))
        || FEED_PARAMETERS.iter().any(|parameter| query.contains(parameter))
        || (last.ends_with(".xml") && ["rss", "feed", "atom"].iter().any(|word| path.contains(word)))
        || url.host_str().is_some_and(|host| host.starts_with("feeds."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::discover;
    use url::Url;

    fn found(html: &str, links: &[&str]) -> Vec<String> {
        let address = Url::parse("https://n.example/blog/").unwrap();
        let links: Vec<String> = links.iter().map(|&link| link.to_owned()).collect();
        let offers = discover(html, &links, &address);
        offers.into_iter().map(|offer| offer.url.to_string()).collect()
    }

    #[test]
    fn what_headers_and_head_name_comes_before_what_the_body_links_and_comments_come_last() {
        let page = "<head><base href='/'>
            <link rel=alternate type='application/rss+xml' title='Comments Feed' href='comments/feed/'>
            <link rel='ALTERNATE home' type='Application/RSS+xml; charset=utf-8' title=Posts href=feed/>
            <link rel=alternate type='application/json+oembed' href=oembed>
            <link rel=stylesheet href=feed.css></head>
            <a href='/about'>About feeds</a> <a href='/news.rss'>News</a> <a href='?format=rss'><img alt='RSS'></a>
            <a href='mailto:feed@n.example'>feed</a> <a href='/feed/'>again</a>";
        let header = "<https://n.example/atom>; rel=\"alternate\"; type=\"application/atom+xml\", <x>; rel=next";
        assert_eq!(
            found(page, &[header]),
            [
                "https://n.example/atom",
                "https://n.example/feed/",
                "https://n.example/?format=rss",
                "https://n.example/news.rss",
                "https://n.example/comments/feed/",
            ]
        );
    }

    #[test]
    fn headers_are_read_with_their_quotes() {
        let feed = "rel=\"alternate\"; type=\"application/rss+xml\"";
        assert_eq!(
            found(
                "",
                &[
                    &format!("</a,b>; title=\"a; rel=next, <x>\"; {feed}, </c>; anchor=\"/other\"; {feed}"),
                    "</d>; rel=feed",
                    "</e>; rel=next",
                ]
            ),
            ["https://n.example/a,b", "https://n.example/d"]
        );
    }

    #[test]
    fn what_is_offered_is_no_style_sheet_and_no_less_protected_than_the_page() {
        let page = "<base href='data:x'><link rel='alternate stylesheet' type=text/xml href=/s.xsl><link rel=alternate type=text/xml href=/maybe>
            <link rel=alternate type=application/rss+xml href=http://n.example/feed title='a&#27;[31m&#10;b'>
            <link rel=alternate type=application/rss+xml href=http://other.example/feed>";
        assert_eq!(found(page, &[]), ["https://n.example/feed", "https://n.example/maybe"]);
        let address = Url::parse("https://n.example/").unwrap();
        assert_eq!(discover(page, &[], &address)[0].title, "a[31m b");
    }

    #[test]
    fn a_page_without_feeds_offers_none_and_no_address_is_made_up() {
        assert!(
            found(
                "<title>Feed the birds</title><a href='/rss-reader-review'>Feed</a>",
                &[]
            )
            .is_empty()
        );
        assert!(found("", &["<", "<x>; rel=alternate"]).is_empty());
    }
}
