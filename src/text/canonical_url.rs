//! Links in canonical form: two addresses of one article become one text, two articles never do.
//!
//! Syntax as the URL standard normalises it (case of scheme and host, default port, dot segments), then: `http` counts as
//! `https`, `www.` and a slash at the end do not count, nor do fragments and parameters that only track readers.

use std::borrow::Cow;

use url::Url;

use crate::model::feed::is_web;

/// Parameters that never choose what is shown, by their whole name.
const TRACKERS: [&str; 34] = [
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "_openstat",
    "action_object_map",
    "cmpid",
    "dclid",
    "fbclid",
    "gbraid",
    "gclid",
    "gclsrc",
    "guccounter",
    "guce_referrer",
    "guce_referrer_sig",
    "igsh",
    "igshid",
    "irclickid",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "ncid",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "s_cid",
    "smid",
    "twclid",
    "ttclid",
    "vero_id",
    "wbraid",
    "wickedid",
    "yclid",
];
/// Parameters that never choose what is shown, by the beginning of their name.
const TRACKER_PREFIXES: [&str; 7] = ["utm_", "hsa_", "pk_", "piwik_", "matomo_", "mtm_", "at_medium"];

/// The canonical form of a link, by which items of different feeds are compared; None for what names no single article
/// (no http address, or the front page of a site).
#[must_use]
pub fn canonical(link: &str) -> Option<String> {
    let url = Url::parse(link.trim()).ok()?;
    if !is_web(&url) {
        return None;
    }
    let host = url.host_str()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    let path = url.path().trim_end_matches('/');
    let query = query(&url);
    // A fragment that begins with `!` or `/` is the address of a page in an application of one page.
    let fragment = url.fragment().filter(|f| f.starts_with(['!', '/']));
    if path.is_empty() && query.is_empty() && fragment.is_none() {
        return None;
    }
    let mut canonical = format!("https://{host}");
    // A port that is not the scheme's own belongs to the address, whichever the scheme.
    if let Some(port) = url.port() {
        canonical.push_str(&format!(":{port}"));
    }
    canonical.push_str(path);
    for (before, text) in [("?", Some(query.as_str())), ("#", fragment)] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            canonical.push_str(before);
            canonical.push_str(text);
        }
    }
    Some(canonical)
}

/// The query without what tracks readers, the rest in the order of its names.
fn query(url: &Url) -> String {
    let Some(query) = url.query() else {
        return String::new();
    };
    let mut kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_tracker(pair))
        .collect();
    kept.sort_by_key(|pair| name(pair));
    kept.join("&")
}

fn name(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

fn is_tracker(pair: &str) -> bool {
    let name: Cow<'_, str> = name(pair).to_ascii_lowercase().into();
    TRACKERS.contains(&&*name) || TRACKER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn addresses_of_one_article_become_one() {
        let one = canonical("https://example.org/news/1");
        for link in [
            "http://www.example.org/news/1/",
            "HTTPS://EXAMPLE.org:443/news/./1?utm_source=rss&utm_medium=feed#comments",
            "https://example.org/news/1?fbclid=abc",
        ] {
            assert_eq!(canonical(link), one, "{link}");
        }
        assert_eq!(
            canonical("https://a.example/?b=2&a=1"),
            canonical("https://a.example/?a=1&b=2")
        );
    }

    #[test]
    fn two_articles_stay_two() {
        let links = [
            "https://example.org/news/1",
            "https://example.org/news/2",
            "https://example.org/News/1",
            "https://example.org/?p=1",
            "https://example.org/?p=2",
            "https://example.org/?p=1&page=2",
            "https://example.org/#!/1",
            "https://example.org:8443/news/1",
            "https://m.example.org/news/1",
        ];
        let canonical: std::collections::HashSet<_> = links.iter().map(|link| canonical(link)).collect();
        assert_eq!(canonical.len(), links.len(), "{canonical:?}");
    }

    #[test]
    fn a_front_page_is_no_article() {
        for link in [
            "https://example.org/",
            "https://www.example.org?utm_source=rss",
            "mailto:a@example.org",
            "news/1",
        ] {
            assert_eq!(canonical(link), None, "{link}");
        }
    }
}
