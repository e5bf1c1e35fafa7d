//! What a publisher says beside the document: validators, freshness, and how long to wait.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{
    AGE, CACHE_CONTROL, DATE, ETAG, EXPIRES, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, RETRY_AFTER,
};

use crate::model::feed::Validators;

/// What a publisher says beside the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// To be sent back next time.
    pub validators: Validators,
    /// For how long the answer stays fresh (RFC 9111 §4.2); zero: it does not; None: nothing is said of it.
    pub fresh_for: Option<Duration>,
    /// `Retry-After` (RFC 9110 §10.2.3).
    pub retry_after: Option<Duration>,
}

impl Signals {
    /// Reads the headers of an answer that came at `now`. Dates in it count from its own `Date`: publishers' clocks go wrong by years.
    pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        let bytes = |name: HeaderName| headers.get(name).map(|value| value.as_bytes().to_vec());
        let sent = text(headers, DATE).and_then(|date| http_date(&date)).unwrap_or(now);
        Self {
            validators: Validators {
                etag: bytes(ETAG),
                last_modified: bytes(LAST_MODIFIED),
                from: None,
            },
            fresh_for: fresh_for(headers, sent),
            retry_after: text(headers, RETRY_AFTER).and_then(|value| retry_after(&value, sent)),
        }
    }
}

/// RFC 9110 §13.1.3: a server that knows the entity tag ignores the date; both go back as they came, to who gave them (`is_theirs`).
/// To others goes only the tag: a date is later than that of any older document.
pub(super) fn conditions(validators: &Validators, is_theirs: bool) -> HeaderMap {
    let date = validators.last_modified.as_ref().filter(|_| is_theirs);
    let pair = [(IF_NONE_MATCH, validators.etag.as_ref()), (IF_MODIFIED_SINCE, date)];
    pair.into_iter()
        .filter_map(|(name, value)| Some((name, HeaderValue::from_bytes(value?).ok()?)))
        .collect()
}

/// Whether a 304 confirms another document than the one that is known: it carries another entity tag (RFC 9110 §15.4.5).
///
/// Servers that compress add to the tag or take from it, and some forget quotes or weakness: that is the same tag.
pub(super) fn contradicts(known: &Validators, confirmed: &Validators) -> bool {
    match (&known.etag, &confirmed.etag) {
        (Some(known), Some(confirmed)) => bare(known) != bare(confirmed),
        _ => false,
    }
}

fn bare(tag: &[u8]) -> String {
    let tag = String::from_utf8_lossy(tag);
    let tag = tag
        .trim()
        .trim_start_matches("W/")
        .trim_start_matches("w/")
        .trim_matches('"');
    let mut tag = tag.to_owned();
    for coding in ["gzip", "br", "deflate", "df", "zstd"] {
        for mark in ["--", "-", ";", ":"] {
            if let Some(plain) = tag
                .strip_suffix(&format!("{mark}{coding}"))
                .filter(|plain| !plain.is_empty())
            {
                tag = plain.to_owned();
                break;
            }
        }
    }
    tag.trim_matches('"').to_owned()
}

pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// `max-age`, else `Expires` (RFC 9111 §5.3), less what the answer has aged in caches on its way (§4.2.3).
fn fresh_for(headers: &HeaderMap, sent: Timestamp) -> Option<Duration> {
    let lines = headers.get_all(CACHE_CONTROL).iter();
    let lines: Vec<_> = lines.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    let age = text(headers, AGE)
        .and_then(|age| age.trim().parse().ok())
        .map_or(Duration::ZERO, Duration::from_secs);
    let lifetime = match said_of_caches(&lines.join(",")) {
        Said::NotToBeKept => return Some(Duration::ZERO),
        Said::Age(lifetime) => lifetime,
        // A date that cannot be read, such as 0, has passed.
        Said::Nothing => {
            let expires = http_date(&text(headers, EXPIRES)?);
            let left = expires.map(|expires| expires.duration_since(sent));
            left.and_then(|left| Duration::try_from(left).ok()).unwrap_or_default()
        }
    };
    Some(lifetime.saturating_sub(age))
}

#[derive(Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    NotToBeKept,
    Age(Duration),
}

fn said_of_caches(cache_control: &str) -> Said {
    let directives = || cache_control.split(',').map(|d| d.trim().to_ascii_lowercase());
    if directives().any(|directive| matches!(directive.as_str(), "no-cache" | "no-store")) {
        return Said::NotToBeKept;
    }
    directives()
        .find_map(|directive| seconds(directive.strip_prefix("max-age=")?.trim_matches('"')))
        .map_or(Said::Nothing, Said::Age)
}

/// Seconds, or a date.
fn retry_after(value: &str, sent: Timestamp) -> Option<Duration> {
    if let Some(seconds) = seconds(value) {
        return Some(seconds);
    }
    Duration::try_from(http_date(value)?.duration_since(sent)).ok()
}

/// RFC 9111 §1.2.2: what is too large to be counted is very large.
fn seconds(text: &str) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))))
}

/// A date in any of the forms of RFC 9110 §5.6.7; as mails have it too, for servers that copy those.
fn http_date(value: &str) -> Option<Timestamp> {
    let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let as_mail = parser.parse_timestamp(value.trim()).ok();
    as_mail.or_else(|| {
        let date = httpdate::parse_http_date(value.trim()).ok()?;
        let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
        // The last day of the year 9999 means never.
        Some(Timestamp::from_second(since.as_secs().try_into().ok()?).unwrap_or(Timestamp::MAX))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{Signals, contradicts};
    use crate::model::feed::Validators;
    use jiff::Timestamp;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
    use std::time::Duration;

    fn signals(headers: &[(&'static str, &'static str)]) -> Signals {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        Signals::read(&headers, Timestamp::UNIX_EPOCH)
    }

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let wait = |value| signals(&[("retry-after", value)]).retry_after;
        assert_eq!(wait("120"), seconds(120));
        assert_eq!(wait("Thu, 01 Jan 1970 00:02:00 GMT"), seconds(120));
        assert_eq!(wait("Thursday, 01-Jan-70 00:02:00 GMT"), seconds(120), "RFC 850");
        assert_eq!(wait("Thu Jan  1 00:02:00 1970"), seconds(120), "asctime");
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn freshness_is_max_age_or_expires_less_the_age_unless_the_answer_must_not_be_kept() {
        let fresh = |headers: &[_]| signals(headers).fresh_for;
        let later = ("expires", "Thu, 01 Jan 1970 00:10:00 GMT");
        assert_eq!(fresh(&[("cache-control", "public, Max-Age=600")]), seconds(600));
        assert_eq!(fresh(&[("cache-control", "max-age=600"), ("age", "200")]), seconds(400));
        assert_eq!(fresh(&[("cache-control", "no-cache, max-age=600")]), seconds(0));
        assert_eq!(fresh(&[("cache-control", "private")]), None);
        assert_eq!(fresh(&[later]), seconds(600));
        assert_eq!(fresh(&[later, ("cache-control", "max-age=60")]), seconds(60));
        assert_eq!(fresh(&[later, ("cache-control", "no-store")]), seconds(0));
        assert_eq!(fresh(&[("expires", "0")]), seconds(0));
        let never = fresh(&[("expires", "Fri, 31 Dec 9999 23:59:59 GMT")]);
        assert!(never > seconds(1_000_000_000), "{never:?}");
    }

    #[test]
    fn dates_count_from_the_publishers_own_clock() {
        let wrong = ("date", "Fri, 01 Jan 1999 00:00:00 GMT");
        let said = signals(&[
            wrong,
            ("expires", "Fri, 01 Jan 1999 01:00:00 GMT"),
            ("retry-after", "Fri, 01 Jan 1999 00:01:00 GMT"),
        ]);
        assert_eq!((said.fresh_for, said.retry_after), (seconds(3600), seconds(60)));
    }

    #[test]
    fn a_tag_that_compression_has_touched_is_the_same_tag() {
        let tag = |etag: &str| Validators {
            etag: Some(etag.as_bytes().to_vec()),
            ..Validators::default()
        };
        for same in [
            "\"a1\"",
            "W/\"a1\"",
            "\"a1-gzip\"",
            "\"a1\"-gzip",
            "a1",
            "\"a1;gzip\"",
            "W/\"a1--br\"",
        ] {
            assert!(!contradicts(&tag("\"a1\""), &tag(same)), "{same}");
        }
        assert!(contradicts(&tag("\"a1\""), &tag("\"a2\"")));
        assert!(!contradicts(&tag("\"a1\""), &Validators::default()));
    }
}
