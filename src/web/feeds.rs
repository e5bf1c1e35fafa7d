//! `/feeds/VIEW.atom`, `.rss` and `.json`: rendered once for each state of the stories, compressed once, answered with 304 where
//! a reader has it already.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, VARY,
};
use axum::http::{Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use tracing::error;

use crate::model::chain::chain;
use crate::model::view::View;
use crate::output::{MergedFeed, atom, json_feed, rss};
use crate::store::StoreError;
use crate::story::selection::newest_stories;
use crate::web::{CurrentSite, Site};

/// Brotli's quality: twice as fast as gzip's usual level, and smaller.
const BROTLI_QUALITY: u32 = 5;

/// The documents as last rendered, by the name of their file.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<HashMap<String, Arc<Rendered>>>);

/// The documents of views with a hold are rendered anew so often, where somebody asks: stories come in though nothing is written.
const HOLD_LOOK_SECONDS: i64 = 10;

/// Of what a document is made: the version of the stories and, for a view with a hold, the time.
type Version = (i64, i64);

/// A document in one state of the stories.
#[derive(Debug)]
struct Rendered {
    version: Version,
    media_type: &'static str,
    /// Without quotes.
    tag: String,
    updated: Timestamp,
    plain: Bytes,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
}

/// How a document goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Brotli,
}

pub(super) async fn feed(
    State(site): State<CurrentSite>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let site = site.borrow().clone();
    match rendered(&site, &file).await {
        Ok(Some(rendered)) => answer(rendered, &headers).await,
        Ok(None) => plain(
            StatusCode::NOT_FOUND,
            "There is no such feed; the front page lists those that there are.\n",
        ),
        Err(e) => {
            error!("cannot render {file}: {}", chain(&e));
            plain(StatusCode::SERVICE_UNAVAILABLE, "The feed cannot be read just now.\n")
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

/// The document of a file name such as `all.atom`; None when there is none.
async fn rendered(site: &Arc<Site>, file: &str) -> Result<Option<Arc<Rendered>>, StoreError> {
    let known = file.rsplit_once('.').and_then(|(name, extension)| {
        let view = site.views.iter().find(|view| view.name == name)?;
        ["atom", "rss", "json"]
            .contains(&extension)
            .then_some((view, extension))
    });
    let Some((view, extension)) = known else {
        return Ok(None);
    };
    let now = site.clock.now();
    let look = if view.hold.is_zero() {
        0
    } else {
        now.as_second().div_euclid(HOLD_LOOK_SECONDS)
    };
    let version = (site.store.stories_version().await?, look);
    let cached = {
        let cache = site.cache.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(file).filter(|rendered| rendered.version == version).cloned()
    };
    if cached.is_some() {
        return Ok(cached);
    }
    let rendered = Arc::new(render(site, view, extension, (version, now)).await?);
    let mut cache = site.cache.0.lock().unwrap_or_else(PoisonError::into_inner);
    cache.insert(file.to_owned(), Arc::clone(&rendered));
    Ok(Some(rendered))
}

async fn render(
    site: &Site,
    view: &View,
    extension: &str,
    (version, now): (Version, Timestamp),
) -> Result<Rendered, StoreError> {
    let stories = newest_stories(&site.store, view, view.items, now).await?;
    let feed = MergedFeed::new(&view.name, &view.title, &site.public_url, extension, &stories);
    let (media_type, text) = match extension {
        "atom" => (atom::MEDIA_TYPE, atom::render(&feed)),
        "rss" => (rss::MEDIA_TYPE, rss::render(&feed)),
        _ => (json_feed::MEDIA_TYPE, json_feed::render(&feed)),
    };
    Ok(Rendered {
        version,
        media_type,
        tag: blake3::hash(text.as_bytes()).to_hex().chars().take(32).collect(),
        updated: feed.updated,
        plain: text.into(),
        gzip: OnceLock::new(),
        brotli: OnceLock::new(),
    })
}

async fn answer(rendered: Arc<Rendered>, request: &HeaderMap) -> Response<Body> {
    let coding = coding(request);
    // RFC 9110 §8.8.3.3: a strong tag stands for the bytes on the wire, so each coding has its own.
    let tag = match coding {
        Coding::Identity => format!("\"{}\"", rendered.tag),
        Coding::Gzip => format!("\"{}-gzip\"", rendered.tag),
        Coding::Brotli => format!("\"{}-br\"", rendered.tag),
    };
    let fresh = is_fresh(request, &tag, rendered.updated);
    let mut response = Response::builder()
        .header(ETAG, tag)
        .header(VARY, "Accept-Encoding")
        // Kept by whoever likes, but asked for again each time: it is cheap, and what is new is seen at once.
        .header(CACHE_CONTROL, "no-cache");
    if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&rendered.updated) {
        response = response.header(LAST_MODIFIED, date);
    }
    if fresh {
        let empty = response.status(StatusCode::NOT_MODIFIED).body(Body::empty());
        return empty.unwrap_or_else(|_| plain(StatusCode::NOT_MODIFIED, ""));
    }
    response = response.header(CONTENT_TYPE, rendered.media_type);
    response = match coding {
        Coding::Identity => response,
        Coding::Gzip => response.header(CONTENT_ENCODING, "gzip"),
        Coding::Brotli => response.header(CONTENT_ENCODING, "br"),
    };
    let body = tokio::task::spawn_blocking(move || rendered.coded(coding)).await;
    let full = response.body(Body::from(body.unwrap_or_default()));
    full.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, ""))
}

impl Rendered {
    fn coded(&self, coding: Coding) -> Bytes {
        let cell = match coding {
            Coding::Identity => return self.plain.clone(),
            Coding::Gzip => &self.gzip,
            Coding::Brotli => &self.brotli,
        };
        cell.get_or_init(|| compressed(&self.plain, coding)).clone()
    }
}

/// Writing into memory does not fail.
fn compressed(plain: &[u8], coding: Coding) -> Bytes {
    let coded = if coding == Coding::Gzip {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(plain).and_then(|()| encoder.finish())
    } else {
        let mut encoder = brotli::CompressorWriter::new(Vec::new(), 64 * 1024, BROTLI_QUALITY, 22);
        encoder.write_all(plain).map(|()| encoder.into_inner())
    };
    coded.unwrap_or_default().into()
}

/// The coding that the reader likes best of those it accepts; brotli where it does not care (RFC 9110 §12.5.3).
fn coding(request: &HeaderMap) -> Coding {
    let accepted = |name: &str| -> f32 {
        request
            .get_all(ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|part| {
                let mut part = part.split(';');
                (part.next()?.trim().eq_ignore_ascii_case(name)).then(|| {
                    let quality = part.find_map(|p| p.trim().strip_prefix("q=")?.parse().ok());
                    quality.unwrap_or(1.0)
                })
            })
            .fold(0.0, f32::max)
    };
    let (gzip, brotli) = (accepted("gzip"), accepted("br"));
    if brotli > 0.0 && brotli >= gzip {
        Coding::Brotli
    } else if gzip > 0.0 {
        Coding::Gzip
    } else {
        Coding::Identity
    }
}

/// Whether the reader has the document already (RFC 9110 §13.2.2: with a tag the date does not count).
fn is_fresh(request: &HeaderMap, tag: &str, updated: Timestamp) -> bool {
    let mut tags = request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .peekable();
    if tags.peek().is_some() {
        return tags
            .flat_map(|value| value.split(','))
            .map(|known| known.trim())
            .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag);
    }
    request
        .get(IF_MODIFIED_SINCE)
        .and_then(|value| DateTimeParser::new().parse_timestamp(value.to_str().ok()?).ok())
        .is_some_and(|since| updated.as_second() <= since.as_second())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{Coding, coding, is_fresh};
    use axum::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH};

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn the_coding_is_the_one_that_the_reader_likes_best() {
        for (accepted, expected) in [
            ("gzip, deflate, br", Coding::Brotli),
            ("gzip;q=1.0, br;q=0.5", Coding::Gzip),
            ("br;q=0, gzip", Coding::Gzip),
            ("identity", Coding::Identity),
            ("gzip;q=0", Coding::Identity),
        ] {
            assert_eq!(coding(&headers(&[(ACCEPT_ENCODING, accepted)])), expected, "{accepted}");
        }
        assert_eq!(coding(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn a_reader_that_has_the_document_is_told_so() {
        let updated = "2026-11-22T10:00:00.5Z".parse().unwrap();
        let fresh = |pairs: &[(HeaderName, &str)]| is_fresh(&headers(pairs), "\"a\"", updated);
        assert!(fresh(&[(IF_NONE_MATCH, "\"b\", W/\"a\"")]));
        assert!(fresh(&[(IF_NONE_MATCH, "*")]));
        assert!(fresh(&[(IF_MODIFIED_SINCE, "Sun, 22 Nov 2026 10:00:00 GMT")]));
        assert!(!fresh(&[(IF_MODIFIED_SINCE, "Sun, 22 Nov 2026 09:59:59 GMT")]));
        // The tag decides where there is one.
        assert!(!fresh(&[
            (IF_NONE_MATCH, "\"b\""),
            (IF_MODIFIED_SINCE, "Sun, 22 Nov 2026 10:00:00 GMT")
        ]));
        assert!(!fresh(&[]));
    }
}
