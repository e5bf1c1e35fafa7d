//! Addresses that only lead to another one, and carry it in themselves: those of the larger feed, mail and network services.
//!
//! # Not supported
//! Short links and feed services that keep the target to themselves (`t.co`, `feedproxy.google.com`): what they lead to would
//! have to be asked. There the document's own word counts (`feedburner:origLink`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::text::canonical_url::parts::{Parts, is_web_address, resolved};

/// Host, beginning of the path, and the parameters that may hold the target.
const BY_PARAMETER: [(&str, &str, &[&str]); 30] = [
    ("away.vk.com", "/away.php", &["to"]),
    ("bing.com", "/news/apiclick.aspx", &["url"]),
    ("disq.us", "/url", &["url"]),
    ("duckduckgo.com", "/l", &["uddg"]),
    ("exit.sc", "", &["url"]),
    ("facebook.com", "/flx/warn", &["u"]),
    ("facebook.com", "/l.php", &["u"]),
    ("gate.sc", "", &["url"]),
    ("getpocket.com", "/redirect", &["url"]),
    ("go.redirectingat.com", "", &["url"]),
    ("go.skimresources.com", "", &["url"]),
    ("instagram.com", "/linkshim", &["u"]),
    ("l.instagram.com", "", &["u"]),
    ("l.messenger.com", "/l.php", &["u"]),
    ("l.threads.com", "", &["u"]),
    ("l.threads.net", "", &["u"]),
    ("l.wl.co", "/l", &["u"]),
    ("linkedin.com", "/redir", &["url"]),
    ("linkedin.com", "/safety/go", &["url"]),
    ("medium.com", "/r", &["url"]),
    ("news.google.com", "/news/url", &["url"]),
    ("out.reddit.com", "", &["url"]),
    ("safelinks.protection.outlook.com", "", &["url"]),
    ("slack-redir.net", "/link", &["url"]),
    ("steamcommunity.com", "/linkfilter", &["u", "url"]),
    ("t.me", "/iv", &["url"]),
    ("t.umblr.com", "/redirect", &["z"]),
    ("twitter.com", "/i/redirect", &["url"]),
    ("vk.com", "/away.php", &["to"]),
    ("youtube.com", "/redirect", &["q"]),
];
/// Hosts whose whole query is the target.
const BY_QUERY: [&str; 3] = ["anonym.to", "href.li", "nullrefer.com"];
/// What feedsportal.com writes for signs and frequent parts of addresses, each after a 0.
const FEEDSPORTAL: [(char, &str); 26] = [
    ('A', "0"),
    ('B', "."),
    ('C', "/"),
    ('D', "?"),
    ('E', "-"),
    ('F', "="),
    ('G', "&"),
    ('H', ","),
    ('I', "_"),
    ('J', "%"),
    ('K', "+"),
    ('L', "http://"),
    ('M', "https://"),
    ('N', ".com"),
    ('O', ".co.uk"),
    ('P', ";"),
    ('Q', "|"),
    ('R', ":"),
    ('S', "www."),
    ('T', "#"),
    ('U', "$"),
    ('V', "~"),
    ('W', "!"),
    ('X', "("),
    ('Y', ")"),
    ('Z', "Z"),
];

/// The http or https address that an address only leads to.
pub(super) fn target(parts: &Parts) -> Option<String> {
    if parts.port.is_some() {
        return None;
    }
    let host = parts.host.as_str();
    let target = match BY_PARAMETER
        .iter()
        .find(|(at, path, _)| parts.is_at(at) && is_under(&parts.path, path))
    {
        Some((at, _, names)) => by_parameter(parts, at, names),
        None if BY_QUERY.contains(&host) => by_query(parts),
        None if is_google(host) => google(parts),
        None if parts.is_at("news.google.com") => google_news(&parts.path),
        None if parts.is_at("feedsportal.com") => feedsportal(&parts.path),
        None if parts.is_at("cdn.ampproject.org") => kept_copy(parts, &["/c/", "/v/"]),
        None => None,
    };
    target.filter(|target| is_web_address(target))
}

fn is_under(path: &str, start: &str) -> bool {
    path.strip_prefix(start)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn by_parameter(parts: &Parts, host: &str, names: &[&str]) -> Option<String> {
    let values = names.iter().flat_map(|name| parts.values(name));
    values
        .map(|value| match value.rsplit_once(':') {
            // It signs its targets: a colon, and a hash.
            Some((target, hash)) if host == "disq.us" && hash.len() >= 20 && !hash.contains('/') => target.to_owned(),
            _ => value,
        })
        .find(|value| is_web_address(value))
}

/// The target, and all that follows it, which is its own unless it was escaped as a whole.
fn by_query(parts: &Parts) -> Option<String> {
    // What follows belongs to the target, so that its host must have ended before.
    let has_path = |pair: &str| {
        let mut parts = pair.split('/').skip(2);
        parts.next().is_some_and(|host| !host.is_empty()) && parts.next().is_some()
    };
    let is_start = |pair: &String| pair.starts_with("http") && has_path(pair) && is_web_address(pair);
    let at = parts.pairs.iter().position(is_start)?;
    let target = parts.pairs.get(at..)?.join("&");
    match &parts.fragment {
        Some(fragment) => Some(format!("{target}#{fragment}")),
        None if target.contains(['=', '&']) => Some(target),
        None => Some(resolved(&target)),
    }
}

/// `google.com`, `google.de`, `google.co.uk`.
fn is_google(host: &str) -> bool {
    host.strip_prefix("google.").is_some_and(|country| country.len() <= 6)
}

/// What its search and alerts lead to, and the pages of publishers that it shows in a frame of its own.
fn google(parts: &Parts) -> Option<String> {
    match parts.path.as_str() {
        "/url" => by_parameter(parts, "google.com", &["url", "q"]),
        _ => kept_copy(parts, &["/amp/"]),
    }
}

/// `/c/s/HOST/PATH`: the publisher's page of which a copy is kept for phones, `s/` for https.
fn kept_copy(parts: &Parts, starts: &[&str]) -> Option<String> {
    let rest = starts.iter().find_map(|start| parts.path.strip_prefix(start))?;
    let (scheme, rest) = rest.strip_prefix("s/").map_or(("http", rest), |rest| ("https", rest));
    let host = rest.split('/').next().filter(|host| host.contains('.'))?;
    (!host.contains(':')).then(|| parts.with_query(&format!("{scheme}://{rest}")))
}

/// The articles of news.google.com are records in base 64, with the address in plain in the older ones: field 1 is the number
/// 19, field 4 the address.
fn google_news(path: &str) -> Option<String> {
    let (_, record) = path.rsplit_once("/articles/")?;
    let record = URL_SAFE_NO_PAD.decode(record.trim_end_matches('=')).ok()?;
    let rest = record.strip_prefix(&[0x08, 0x13, 0x22])?;
    let (&first, rest) = rest.split_first()?;
    // A length of 128 and more has a second byte.
    let (length, rest) = match (first < 0x80, rest.split_first()) {
        (true, _) => (usize::from(first), rest),
        (false, Some((second, rest))) => (usize::from(first & 0x7f) | usize::from(*second) << 7, rest),
        (false, None) => return None,
    };
    String::from_utf8(rest.get(..length)?.to_vec()).ok()
}

/// Its path holds the target in letters and digits only, from `0L` on.
fn feedsportal(path: &str) -> Option<String> {
    let is_code = |segment: &&str| segment.starts_with("0L") || segment.starts_with("0M");
    let code = path.rsplit('/').find(is_code)?;
    let mut target = String::with_capacity(code.len());
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        if letter == '0' {
            let sign = letters.next()?;
            target.push_str(FEEDSPORTAL.iter().find(|(known, _)| *known == sign)?.1);
        } else {
            target.push(letter);
        }
    }
    Some(target)
}

#[cfg(test)]
mod tests {
    use super::BY_PARAMETER;
    use crate::text::canonical_url::canonical;

    #[test]
    fn no_redirector_stands_in_the_way_of_another() {
        for (host, path, names) in BY_PARAMETER {
            for name in names {
                let link = format!("https://{host}{path}/?x=1&{name}=https%3A%2F%2Fa.example%2F1");
                assert_eq!(canonical(&link).as_deref(), Some("https://a.example/1"), "{link}");
            }
        }
    }
}
