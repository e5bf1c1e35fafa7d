//! Links in canonical form: two addresses of one article become one text, two articles never do.
//!
//! Syntax as the URL standard normalises it (case of scheme and host, default port, dot segments) and escapes as RFC 3986 §6.2.2
//! does; then: `http` counts as `https`, `www.`, names of users and a slash at the end do not count, nor do fragments (but those
//! that are addresses within one page), sessions and parameters that only track readers. Redirectors and archive copies that name
//! their target in their address count as that target.
//!
//! # Not supported
//! Twins for small screens (`m.example.org`, `/amp`) are never guessed: only a document's word (`link rel=canonical`) folds them.

pub mod archives;
pub mod cited;
mod parts;
mod redirectors;
mod sessions;
pub mod trackers;

use std::sync::Arc;

use url::Url;

use crate::text::canonical_url::parts::Parts;
use crate::text::canonical_url::trackers::Tracker;

/// Redirectors and archive copies within each other that are followed; what is nested deeper names nothing.
const MAX_NESTED: usize = 3;

/// How links are compared: by what is known here, and by what the operator adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    trackers: Arc<[Tracker]>,
}

/// The canonical form of a link, by which items of different feeds are compared; None for what names no single article
/// (no http address, or the front page of a site).
///
/// ```
/// use tidings::text::canonical_url::canonical;
/// let one = canonical("http://www.example.org/news/1/?utm_source=rss#comments");
/// assert_eq!(one.as_deref(), Some("https://example.org/news/1"));
/// ```
#[must_use]
pub fn canonical(link: &str) -> Option<String> {
    Links::default().canonical(link)
}

impl Links {
    /// With parameters that track readers beside those that are known.
    #[must_use]
    pub fn new(trackers: Vec<Tracker>) -> Self {
        let trackers = trackers.into();
        Self { trackers }
    }

    /// The same as [`canonical`], without the parameters that were added too.
    #[must_use]
    pub fn canonical(&self, link: &str) -> Option<String> {
        self.written(&Named::by(link)?.parts)
    }

    fn written(&self, parts: &Parts) -> Option<String> {
        let mut kept: Vec<&str> = parts
            .pairs
            .iter()
            .map(String::as_str)
            .filter(|pair| !self.is_idle(&parts.host, pair))
            .collect();
        let is_session = |pair: &&str| sessions::may_be_session(name_and_value(pair));
        // What looks like a session may be the only name of the article.
        let names = |pair: &&str| !is_session(pair) && pair.contains(|c: char| c.is_ascii_digit());
        if sessions::is_page(&parts.path) || kept.iter().any(names) {
            kept.retain(|pair| !is_session(pair));
        }
        if parts.path.is_empty() && kept.is_empty() && parts.fragment.is_none() {
            return None;
        }
        // Of one name, the order may mean something.
        kept.sort_by_key(|pair| name_and_value(pair).0);
        let mut canonical = format!("https://{}", parts.host);
        if let Some(port) = parts.port {
            canonical.push_str(&format!(":{port}"));
        }
        canonical.push_str(&parts.path);
        for (at, pair) in kept.iter().enumerate() {
            canonical.push(if at == 0 { '?' } else { '&' });
            canonical.push_str(pair);
        }
        if let Some(fragment) = &parts.fragment {
            canonical.push('#');
            canonical.push_str(fragment);
        }
        Some(canonical)
    }

    /// Whether a parameter never chooses what is shown.
    fn is_idle(&self, host: &str, pair: &str) -> bool {
        let (name, value) = name_and_value(pair);
        let name = name.to_ascii_lowercase();
        trackers::is_tracker(host, &name, value)
            || sessions::is_session(&name)
            || self.trackers.iter().any(|tracker| tracker.is_of(&name))
    }
}

/// What a link leads to, once redirectors and archives are out of the way.
struct Named {
    parts: Parts,
    /// An archive copy was among them.
    by_copy: bool,
}

impl Named {
    fn by(link: &str) -> Option<Self> {
        let mut parts = Parts::of(link)?;
        let mut by_copy = false;
        for _ in 0..=MAX_NESTED {
            let original = || archives::original(&parts).inspect(|_| by_copy = true);
            let Some(next) = redirectors::target(&parts).or_else(original) else {
                return Some(Self { parts, by_copy });
            };
            parts = Parts::of(&next)?;
        }
        None
    }
}

/// Whether two links of one canonical form may lead to two pages: what looks like a place in a page or like a session differs.
///
/// ```
/// use tidings::text::canonical_url::may_be_two_pages;
/// assert!(may_be_two_pages("https://a.example/changes.html#v2", "https://a.example/changes.html#v1"));
/// assert!(!may_be_two_pages("https://a.example/1?utm_source=a", "https://a.example/1?utm_source=b"));
/// ```
#[must_use]
pub fn may_be_two_pages(one: &str, other: &str) -> bool {
    let names = |link: &str| {
        let url = Url::parse(link).ok()?;
        let is_session =
            |name: &str, value: &str| sessions::is_session(name) || sessions::may_be_session((name, value));
        let sessions = url
            .query_pairs()
            .filter(|(name, value)| is_session(&name.to_ascii_lowercase(), value));
        let sessions = sessions.map(|(_, value)| value.into_owned()).collect::<Vec<String>>();
        Some((url.fragment().unwrap_or_default().to_owned(), sessions))
    };
    let (Some((place, sessions)), Some((other_place, other_sessions))) = (names(one), names(other)) else {
        return false;
    };
    let differ = |is_empty: bool, is_same: bool| !is_empty && !is_same;
    differ(place.is_empty() || other_place.is_empty(), place == other_place)
        || differ(
            sessions.is_empty() || other_sessions.is_empty(),
            sessions == other_sessions,
        )
}

fn name_and_value(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

#[cfg(test)]
mod tests;
