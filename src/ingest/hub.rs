//! The hub of a feed (WebSub): who names it, and how pushes and polls share the feed. Pure.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::model::clock::later;
use crate::model::feed::{FeedFacts, FeedUrl};
use crate::model::subscription::{Pushed, Sharing};
use crate::text::link_header;

/// How a document came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// The publisher was asked.
    Polled {
        /// Whether there were items in it that no push had brought.
        news: bool,
    },
    /// A hub brought it.
    Pushed,
}

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

/// When a feed is polled next that a hub may push; None: as if there were no hub.
///
/// `ordinary` is when it would be polled by what is known of it else: for a document that was polled, what its cadence says; for a
/// pushed one, when it was to be polled before. `longest` is our longest wait.
///
/// Whoever is trusted spares the publisher all polls but one in `longest`: that one finds what was not pushed, and then the hub is
/// trusted no more until it pushes again. Pushes put off no poll but the first time, so that a hub that brings
/// old things every day cannot keep the new ones away; and none that is due already.
#[must_use]
pub fn share(
    pushed: Pushed,
    came: Came,
    ordinary: Option<Timestamp>,
    now: Timestamp,
    longest: Duration,
) -> Option<Sharing> {
    let rarely = |ordinary: Timestamp| ordinary.max(later(now, longest));
    match (pushed, came) {
        (Pushed::Never | Pushed::Promised, Came::Polled { .. }) => None,
        (Pushed::Proven, Came::Polled { news }) => Some(Sharing {
            trusted: !news,
            next_poll_at: if news { ordinary } else { ordinary.map(rarely) },
            unpushed_poll_at: ordinary,
        }),
        (Pushed::Promised, Came::Pushed) => Some(Sharing {
            trusted: true,
            next_poll_at: ordinary.map(|at| if at > now { rarely(at) } else { at }).or(Some(now)),
            unpushed_poll_at: ordinary,
        }),
        (Pushed::Never | Pushed::Proven, Came::Pushed) => Some(Sharing {
            trusted: pushed == Pushed::Proven,
            next_poll_at: ordinary.or(Some(now)),
            unpushed_poll_at: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{Came, name_by_headers, share};
    use crate::model::clock::later;
    use crate::model::feed::FeedFacts;
    use crate::model::subscription::{Pushed, Sharing};
    use jiff::Timestamp;
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const DAY: Duration = Duration::from_secs(86_400);
    const QUIET: Came = Came::Polled { news: false };
    const NEWS: Came = Came::Polled { news: true };

    fn hours(hours: u64) -> Option<Timestamp> {
        Some(later(NOW, Duration::from_secs(hours * 3600)))
    }

    fn shared(pushed: Pushed, came: Came, ordinary: Option<Timestamp>) -> (bool, Option<Timestamp>) {
        let Sharing {
            trusted, next_poll_at, ..
        } = share(pushed, came, ordinary, NOW, DAY).unwrap();
        (trusted, next_poll_at)
    }

    #[test]
    fn polls_go_on_as_ever_until_a_hub_has_pushed() {
        for pushed in [Pushed::Never, Pushed::Promised] {
            for came in [QUIET, NEWS] {
                assert_eq!(share(pushed, came, hours(1), NOW, DAY), None);
            }
        }
    }

    #[test]
    fn polls_become_rare_with_the_first_push_and_stay_so_while_they_find_nothing() {
        assert_eq!(shared(Pushed::Promised, Came::Pushed, hours(1)), (true, hours(24)));
        assert_eq!(shared(Pushed::Proven, QUIET, hours(1)), (true, hours(24)));
        let first = share(Pushed::Promised, Came::Pushed, hours(1), NOW, DAY).unwrap();
        assert_eq!(first.unpushed_poll_at, hours(1), "this is what comes back");
    }

    #[test]
    fn a_poll_that_finds_what_was_not_pushed_ends_the_trust() {
        assert_eq!(shared(Pushed::Proven, NEWS, hours(1)), (false, hours(1)));
    }

    #[test]
    fn pushes_that_go_on_put_off_no_poll() {
        assert_eq!(shared(Pushed::Proven, Came::Pushed, hours(3)), (true, hours(3)));
        assert_eq!(shared(Pushed::Never, Came::Pushed, hours(3)), (false, hours(3)));
    }

    #[test]
    fn a_push_never_hastens_a_poll_and_puts_off_none_that_is_due() {
        assert_eq!(shared(Pushed::Promised, Came::Pushed, hours(100)), (true, hours(100)));
        assert_eq!(shared(Pushed::Proven, QUIET, hours(100)), (true, hours(100)));
        assert_eq!(shared(Pushed::Promised, Came::Pushed, Some(NOW)), (true, Some(NOW)));
        assert_eq!(
            shared(Pushed::Promised, Came::Pushed, None),
            (true, Some(NOW)),
            "never polled"
        );
    }

    #[test]
    fn a_feed_that_is_gone_stays_so() {
        assert_eq!(shared(Pushed::Proven, QUIET, None), (true, None));
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
