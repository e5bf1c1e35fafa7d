//! Archive copies: what others keep of a page, under an address that names the page or does not.

use url::Url;

use crate::model::feed::is_web;
use crate::text::canonical_url::parts::{Parts, resolved};

/// The names of one archive that has many.
const TODAY: [&str; 7] = [
    "archive.fo",
    "archive.is",
    "archive.li",
    "archive.md",
    "archive.ph",
    "archive.today",
    "archive.vn",
];
/// Its pages that are no copies.
const NO_CODES: [&str; 7] = ["about", "blog", "donate", "faq", "post", "search", "submit"];
/// Archives whose paths hold times (or numbers of collections) and then the address of the page: host, and what stands before.
const BY_TIME: [(&str, &str); 12] = [
    ("archive.org", "/save/"),
    ("archive.org", "/web/"),
    ("arquivo.pt", "/noFrame/replay/"),
    ("arquivo.pt", "/wayback/"),
    ("megalodon.jp", "/"),
    ("vefsafn.is", "/is/"),
    ("wayback.archive-it.org", "/"),
    ("webarchive.loc.gov", "/all/"),
    ("webarchive.nationalarchives.gov.uk", "/"),
    ("webarchive.nationalarchives.gov.uk", "/ukgwa/"),
    ("webarchive.org.uk", "/wayback/archive/"),
    ("webarchive.parliament.uk", "/"),
];
/// Archives whose addresses tell nothing but a code: host, and what stands before it.
const BY_CODE: [(&str, &str); 5] = [
    ("freezepage.com", "/"),
    ("ghostarchive.org", "/archive/"),
    ("ghostarchive.org", "/varchive/"),
    ("perma.cc", "/"),
    ("webcitation.org", "/"),
];

/// An archive's copy of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// The address of the page; None: that of the copy does not tell it.
    pub original: Option<String>,
}

/// What an address is an archive copy of; None: it is none.
///
/// ```
/// use tidings::text::canonical_url::archives::archived;
/// let copy = archived("https://web.archive.org/web/20261122/https://example.org/news/1");
/// assert_eq!(copy.and_then(|copy| copy.original).as_deref(), Some("https://example.org/news/1"));
/// ```
#[must_use]
pub fn archived(link: &str) -> Option<Archived> {
    let parts = Parts::of(link)?;
    let original = original(&parts);
    (original.is_some() || is_unnamed(&parts)).then_some(Archived { original })
}

/// The page of which this is a copy, where the address names it.
pub(super) fn original(parts: &Parts) -> Option<String> {
    if parts.port.is_some() {
        return None;
    }
    match parts.host.as_str() {
        host if TODAY.contains(&host) => of_today(parts),
        "webcitation.org" | "cachedview.com" | "cachedview.nl" => parts.values("url").find_map(|url| address(&url)),
        "webcache.googleusercontent.com" => parts.values("q").find_map(|query| searched(&query)),
        _ => BY_TIME
            .iter()
            .filter(|(host, _)| parts.is_at(host))
            .filter_map(|(_, start)| parts.path.strip_prefix(start))
            .find_map(|rest| after_times(parts, rest)),
    }
}

/// Whether this is a copy of a page that its address does not name. Asked when there is no [`original`].
pub(super) fn is_unnamed(parts: &Parts) -> bool {
    let path = parts.path.strip_prefix('/').unwrap_or_default();
    if TODAY.contains(&parts.host.as_str()) {
        let path = path.strip_prefix("wip/").unwrap_or(path);
        let code = path.split('/').next().unwrap_or_default();
        return matches!(code.len(), 3..=6)
            && code.bytes().all(|b| b.is_ascii_alphanumeric())
            && !NO_CODES.contains(&code);
    }
    let is_code = |code: &str| {
        let code = code.split('/').next().unwrap_or_default();
        code.len() >= 4 && code.contains(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase())
    };
    BY_CODE
        .iter()
        .any(|(host, start)| parts.host == *host && parts.path.strip_prefix(start).is_some_and(is_code))
}

/// `/newest/URL`, `/20261122/URL`, `/o/CODE/URL`, `/URL`, `/?url=URL`.
fn of_today(parts: &Parts) -> Option<String> {
    let path = parts.path.strip_prefix('/').unwrap_or_default();
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let page = match first {
        "" | "submit" => return parts.values("url").find_map(|url| address(&url)),
        "newest" | "oldest" | "timegate" => rest,
        "o" => rest.split_once('/')?.1,
        _ if is_time(first) => rest,
        _ if has_scheme(path) => path,
        _ => return None,
    };
    Some(parts.with_query(&address(page)?))
}

/// `cache:CODE:URL+words`, with or without a code.
fn searched(query: &str) -> Option<String> {
    let page = query.strip_prefix("cache:")?.split(['+', ' ']).next()?;
    address(page).or_else(|| address(page.split_once(':')?.1))
}

/// `20261122id_/URL`. Without a time, only what has a scheme is sure to be an address.
fn after_times(parts: &Parts, path: &str) -> Option<String> {
    let mut page = path;
    while let Some((_, rest)) = page.split_once('/').filter(|(first, _)| is_time(first)) {
        page = rest;
    }
    let page = address(page).filter(|_| page.len() < path.len() || has_scheme(page))?;
    Some(parts.with_query(&page))
}

/// A time, a part of one with a star, or the number of a collection; two letters and `_` say how the copy is shown.
fn is_time(segment: &str) -> bool {
    let time = segment
        .strip_suffix('_')
        .map_or(segment, |time| time.trim_end_matches(|c: char| c.is_ascii_lowercase()));
    !time.is_empty()
        && time
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'-' | b'.'))
}

fn has_scheme(text: &str) -> bool {
    ["http:", "https:"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// An address as archives write it: whole, escaped as a whole, or without its scheme.
fn address(text: &str) -> Option<String> {
    let is_escaped = || text.contains(":%2F") && !text.contains(":/");
    let address = match has_scheme(text) {
        true if is_escaped() => resolved(text),
        true => text.to_owned(),
        false if begins_with_host(text) => format!("http://{text}"),
        false => return None,
    };
    Url::parse(&address).ok().filter(is_web).map(String::from)
}

fn begins_with_host(text: &str) -> bool {
    let host = text.split(['/', '?', '#', ':']).next().unwrap_or_default();
    let is_name = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    let ends_well = |end: &str| end.len() >= 2 && (end.starts_with("xn--") || end.chars().all(char::is_alphabetic));
    host.split('.').all(is_name) && host.rsplit_once('.').is_some_and(|(_, end)| ends_well(end))
}
