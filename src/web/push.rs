//! `/websub/TOKEN`: where hubs ask whether we really want what they were asked for (WebSub §5.3), refuse it (§5.2), and push
//! documents (§7, §8). What they push goes into the inbox unread.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Response, StatusCode};
use tokio::sync::{Notify, Semaphore};
use tracing::{error, info, warn};
use url::form_urlencoded;

use crate::model::chain::chain;
use crate::model::clock::later;
use crate::store::StoreError;
use crate::text::html::{as_html, excerpt, plain_line};
use crate::text::signature::is_signed;
use crate::web::{CurrentSite, Site};

/// Bodies that are received at once.
const AT_ONCE: usize = 8;
/// The longest challenge that is sent back, in bytes.
const MAX_CHALLENGE: usize = 4096;
/// The longest reason that is kept, in characters.
const MAX_REASON: usize = 200;
/// The longest media type that is kept, in bytes.
const MAX_TYPE: usize = 200;
/// Leases that are believed, and the one of hubs that do not say how long theirs is.
const SHORTEST_LEASE: Duration = Duration::from_secs(5 * 60);
const LONGEST_LEASE: Duration = Duration::from_secs(30 * 86_400);
const USUAL_LEASE: Duration = Duration::from_secs(10 * 86_400);
/// How long a hub that has refused is left alone.
const AFTER_DENIAL: Duration = Duration::from_secs(7 * 86_400);

/// What bounds the documents that hubs push, and who is told of them.
#[derive(Debug)]
pub struct Inbox {
    max_body_bytes: u64,
    timeout: Duration,
    told: Arc<Notify>,
    places: Semaphore,
}

impl Inbox {
    /// An inbox for documents of so many bytes, each received in so much time; `told` hears of each.
    #[must_use]
    pub fn new(max_body_bytes: u64, timeout: Duration, told: Arc<Notify>) -> Self {
        Self {
            max_body_bytes,
            timeout,
            told,
            places: Semaphore::new(AT_ONCE),
        }
    }
}

/// What a hub says with a GET. Absent is empty.
#[derive(Debug, Default)]
struct Said {
    mode: String,
    topic: String,
    challenge: String,
    lease_seconds: String,
    reason: String,
}

impl Said {
    /// The first of each name counts.
    fn parse(query: &str) -> Self {
        let mut said = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "hub.mode" => &mut said.mode,
                "hub.topic" => &mut said.topic,
                "hub.challenge" => &mut said.challenge,
                "hub.lease_seconds" => &mut said.lease_seconds,
                "hub.reason" => &mut said.reason,
                _ => continue,
            };
            if place.is_empty() {
                *place = value.into_owned();
            }
        }
        said
    }
}

pub(super) async fn intent(
    State(site): State<CurrentSite>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let site = site.borrow().clone();
    let said = Said::parse(&query.unwrap_or_default());
    match is_wanted(&site, token, &said).await {
        Ok(true) => {
            info!("a hub says {:?} for {:?}", said.mode, said.topic);
            let mut response = answer(StatusCode::OK, said.challenge);
            let headers = response.headers_mut();
            // What is sent back came from outside: no browser may take it for a page.
            headers.insert(
                CONTENT_TYPE,
                axum::http::HeaderValue::from_static("text/plain; charset=utf-8"),
            );
            headers.insert(X_CONTENT_TYPE_OPTIONS, axum::http::HeaderValue::from_static("nosniff"));
            response
        }
        Ok(false) => answer(StatusCode::NOT_FOUND, "Nobody here has asked for that.\n"),
        Err(e) => failed(&e),
    }
}

/// Whether a hub says what it was asked for, or refuses it; then that is stored.
async fn is_wanted(site: &Site, token: String, said: &Said) -> Result<bool, StoreError> {
    let (now, topic) = (site.clock.now(), said.topic.clone());
    let is_challenge = !said.challenge.is_empty() && said.challenge.len() <= MAX_CHALLENGE;
    match said.mode.as_str() {
        "subscribe" if is_challenge => {
            let lease = lease(&said.lease_seconds);
            // Renewed when a quarter of it is left.
            let (end, renewal) = (later(now, lease), later(now, lease * 3 / 4));
            site.store.confirm_subscription(token, topic, end, renewal).await
        }
        "unsubscribe" if is_challenge => site.store.confirm_unsubscription(token, topic).await,
        "denied" => {
            let reason = excerpt(&plain_line(&as_html(&said.reason)), MAX_REASON);
            let reason = format!("the hub refused: {reason}");
            let next = later(now, AFTER_DENIAL);
            site.store.deny_subscription(token, topic, reason, next).await
        }
        _ => Ok(false),
    }
}

/// How long a hub that says this is taken to push.
fn lease(seconds: &str) -> Duration {
    let said = seconds.trim().parse().map(Duration::from_secs);
    said.map_or(USUAL_LEASE, |lease| lease.clamp(SHORTEST_LEASE, LONGEST_LEASE))
}

pub(super) async fn content(
    State(site): State<CurrentSite>,
    Path(token): Path<String>,
    request: Request,
) -> Response<Body> {
    let site = site.borrow().clone();
    match receive(&site, token, request).await {
        Ok(response) => response,
        Err(e) => failed(&e),
    }
}

async fn receive(site: &Site, token: String, request: Request) -> Result<Response<Body>, StoreError> {
    // Looked for before anything is read: a stranger sends nothing here.
    let Some(callback) = site.store.callback(token).await? else {
        return Ok(answer(StatusCode::GONE, "Nobody here wants that.\n"));
    };
    let inbox = &site.inbox;
    let Ok(_place) = inbox.places.try_acquire() else {
        let mut busy = answer(StatusCode::SERVICE_UNAVAILABLE, "Too much at once.\n");
        busy.headers_mut().insert(RETRY_AFTER, 10.into());
        return Ok(busy);
    };
    let (parts, body) = request.into_parts();
    if is_coded(&parts.headers) {
        return Ok(answer(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Without Content-Encoding, please.\n",
        ));
    }
    let limit = usize::try_from(inbox.max_body_bytes).unwrap_or(usize::MAX);
    let too_large = || answer(StatusCode::PAYLOAD_TOO_LARGE, "That is too large.\n");
    if header(&parts.headers, CONTENT_LENGTH.as_str())
        .parse()
        .is_ok_and(|length: usize| length > limit)
    {
        return Ok(too_large());
    }
    let body = match tokio::time::timeout(inbox.timeout, to_bytes(body, limit)).await {
        Ok(Ok(body)) => Vec::from(body),
        Ok(Err(_)) => return Ok(too_large()),
        Err(_) => return Ok(answer(StatusCode::REQUEST_TIMEOUT, "That takes too long.\n")),
    };
    // WebSub §8: who signs wrongly is told nothing of it.
    let accepted = answer(StatusCode::ACCEPTED, "Thank you.\n");
    let signed = parts.headers.get_all("x-hub-signature").iter();
    let mut signed = signed.filter_map(|signature| signature.to_str().ok());
    let body = if callback.secret.is_empty() {
        None
    } else if signed.any(|signature| is_signed(&body, signature, callback.secret.as_bytes())) {
        Some(body)
    } else {
        warn!(
            subscription.id = callback.id.0,
            "a push was not signed as agreed, and is ignored"
        );
        let reason = "what it pushed was not signed as agreed";
        site.store.ignore_push(callback.id, reason).await?;
        site.metrics.push_ignored();
        return Ok(accepted);
    };
    let content_type = excerpt(header(&parts.headers, CONTENT_TYPE.as_str()), MAX_TYPE);
    let now = site.clock.now();
    site.store.receive_push(callback.id, content_type, body, now).await?;
    inbox.told.notify_one();
    Ok(accepted)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default()
}

fn is_coded(headers: &HeaderMap) -> bool {
    let coding = header(headers, CONTENT_ENCODING.as_str()).trim();
    !coding.is_empty() && !coding.eq_ignore_ascii_case("identity")
}

fn answer(status: StatusCode, text: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
}

fn failed(error: &StoreError) -> Response<Body> {
    error!("cannot answer a hub: {}", chain(error));
    answer(StatusCode::SERVICE_UNAVAILABLE, "Try again later.\n")
}

#[cfg(test)]
mod tests {
    use super::{Said, lease};

    #[test]
    fn leases_are_believed_within_bounds() {
        for (seconds, days) in [
            ("864000", 10.0),
            ("3153600000", 30.0),
            ("", 10.0),
            ("-1", 10.0),
            ("1e3", 10.0),
        ] {
            assert_eq!(lease(seconds).as_secs_f64() / 86_400.0, days, "{seconds}");
        }
        for seconds in ["0", "1", "300"] {
            assert_eq!(lease(seconds).as_secs(), 300, "{seconds}");
        }
        assert_eq!(lease("99999999999999999999").as_secs(), 864_000);
    }

    #[test]
    fn the_first_of_each_name_counts_and_others_do_not() {
        let said =
            Said::parse("hub.mode=denied&hub.mode=subscribe&hub.topic=https%3A%2F%2Fa.example%2F%3Fb%3D1+2&mode=x");
        assert_eq!(
            (said.mode.as_str(), said.topic.as_str()),
            ("denied", "https://a.example/?b=1 2")
        );
        assert!(said.challenge.is_empty());
    }
}
