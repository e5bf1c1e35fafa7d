//! The hub of a feed (WebSub): who names it, and how pushes and polls share the feed. Pure.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::model::clock::later;
use crate::model::feed::Pushed;
use crate::model::feed::{FeedFacts, FeedUrl};
use crate::model::poll::Sharing;
use crate::text::link_header;

/// Why a feed that a hub pushes is polled so rarely.
pub const REASON: &str = "the hub pushes it";

/// Lets the `Link` headers of a document name its hub and its topic: they win over the document itself (WebSub §4).
pub fn name_by_headers(facts: &mut FeedFacts, links: &[String], address: &Url) {
    if links.is_empty() {
        return;
    }
    let links = link_header::parse(links);
    let named = |relation| {
        let mut found = links.iter().filter(|link| link.is(relation));
        found.find_map(|link| FeedUrl::from_url(address.join(link.href.trim()).ok()?).ok())
    };
    if let Some(hub) = named("hub") {
        facts.hub = hub.to_string();
    }
    if let Some(topic) = named("self") {
        facts.topic = topic.to_string();
    }
}

/// When a feed is polled next after a poll, where a hub may push it; None: as if there were no hub.
///
/// `ordinary` is when it would be polled without the hub; `news`: there were items that no push had brought; `longest` is our
/// longest wait. Who is trusted spares the publisher all polls but one in `longest`. That one finds what was not pushed, and then
/// the hub is trusted no more until it pushes again.
#[must_use]
pub fn after_poll(
    pushed: Pushed,
    news: bool,
    ordinary: Option<Timestamp>,
    now: Timestamp,
    longest: Duration,
) -> Option<Sharing> {
    (pushed == Pushed::Proven).then(|| Sharing {
        trusted: !news,
        next_poll_at: ordinary.map(|at| if news { at } else { at.max(later(now, longest)) }),
        unpushed_poll_at: ordinary,
    })
}

/// When a feed is polled next after a push, where it was `due` before (None: at once).
///
/// The first push with `news` of a hub that has agreed puts off the next poll, unless that is due already. Further ones put off none,
/// and those that bring nothing new earn no trust: a hub that brings old things every day cannot keep the new ones away.
#[must_use]
pub fn after_push(pushed: Pushed, news: bool, due: Option<Timestamp>, now: Timestamp, longest: Duration) -> Sharing {
    let is_first = pushed == Pushed::Promised && news;
    let due = due.unwrap_or(now);
    Sharing {
        trusted: is_first || pushed == Pushed::Proven,
        next_poll_at: Some(if is_first && due > now {
            due.max(later(now, longest))
        } else {
            due
        }),
        unpushed_poll_at: is_first.then_some(due),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{after_poll, after_push, name_by_headers};
    use crate::model::clock::later;
    use crate::model::feed::FeedFacts;
    use crate::model::feed::Pushed;
    use crate::model::poll::Sharing;
    use jiff::Timestamp;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const DAY: Duration = Duration::from_secs(86_400);

    fn hours(hours: u64) -> Option<Timestamp> {
        Some(later(NOW, Duration::from_secs(hours * 3600)))
    }

    fn pushed(before: Pushed, due: Option<Timestamp>) -> (bool, Option<Timestamp>) {
        let Sharing {
            trusted, next_poll_at, ..
        } = after_push(before, true, due, NOW, DAY);
        (trusted, next_poll_at)
    }

    fn polled(news: bool, ordinary: Option<Timestamp>) -> (bool, Option<Timestamp>) {
        let Sharing {
            trusted, next_poll_at, ..
        } = after_poll(Pushed::Proven, news, ordinary, NOW, DAY).unwrap();
        (trusted, next_poll_at)
    }

    #[test]
    fn polls_go_on_as_ever_until_a_hub_has_pushed() {
        for before in [Pushed::Never, Pushed::Promised] {
            for news in [false, true] {
                assert_eq!(after_poll(before, news, hours(1), NOW, DAY), None);
            }
        }
    }

    #[test]
    fn polls_become_rare_with_the_first_push_and_stay_so_while_they_find_nothing() {
        assert_eq!(pushed(Pushed::Promised, hours(1)), (true, hours(24)));
        assert_eq!(polled(false, hours(1)), (true, hours(24)));
        let first = after_push(Pushed::Promised, true, hours(1), NOW, DAY);
        assert_eq!(first.unpushed_poll_at, hours(1), "this is what comes back");
        let stale = after_push(Pushed::Promised, false, hours(1), NOW, DAY);
        assert_eq!(
            (stale.trusted, stale.next_poll_at),
            (false, hours(1)),
            "old things earn no trust"
        );
    }

    #[test]
    fn a_poll_that_finds_what_was_not_pushed_ends_the_trust() {
        assert_eq!(polled(true, hours(1)), (false, hours(1)));
    }

    #[test]
    fn pushes_that_go_on_put_off_no_poll() {
        assert_eq!(pushed(Pushed::Proven, hours(3)), (true, hours(3)));
        assert_eq!(pushed(Pushed::Never, hours(3)), (false, hours(3)));
        assert_eq!(
            after_push(Pushed::Proven, true, hours(3), NOW, DAY).unpushed_poll_at,
            None
        );
    }

    #[test]
    fn no_poll_is_hastened_and_none_put_off_that_is_due() {
        assert_eq!(pushed(Pushed::Promised, hours(100)), (true, hours(100)));
        assert_eq!(polled(false, hours(100)), (true, hours(100)));
        assert_eq!(pushed(Pushed::Promised, Some(NOW)), (true, Some(NOW)));
        assert_eq!(pushed(Pushed::Promised, None), (true, Some(NOW)), "never polled");
    }

    #[test]
    fn a_feed_that_is_gone_stays_so() {
        assert_eq!(polled(false, None), (true, None));
    }

    #[test]
    fn headers_win_over_the_document_each_for_itself() {
        let address = "https://a.example/dir/feed".parse().unwrap();
        let said = || FeedFacts {
            hub: "https://said.example/".to_owned(),
            topic: "https://said.example/feed".to_owned(),
            ..FeedFacts::default()
        };
        let named = |links: &[&str]| {
            let mut facts = said();
            let links: Vec<String> = links.iter().map(|&link| link.to_owned()).collect();
            name_by_headers(&mut facts, &links, &address);
            (facts.hub, facts.topic)
        };
        let (hub, topic) = (said().hub, said().topic);
        assert_eq!(named(&[]), (hub.clone(), topic.clone()));
        assert_eq!(
            named(&["<mailto:hub@h.example>; rel=hub, </hub>; rel=\"hub\", <https://other.example/>; rel=hub"]),
            ("https://a.example/hub".to_owned(), topic)
        );
        assert_eq!(
            named(&["<feed?a=1>; rel=self", "<x>; rel=next"]),
            (hub, "https://a.example/dir/feed?a=1".to_owned())
        );
    }
}
