//! When a permanent redirect is believed. Pure.
//!
//! RFC 9110 §15.4.2 and §15.4.9 say that 301 and 308 are for good; servers say them for an hour of maintenance, a captive portal or
//! a mistake. A feed moves when the new address has given the same feed at several polls over days.

use jiff::{SignedDuration, Timestamp};

use crate::model::feed::{Candidate, FeedUrl};
use crate::model::poll::Moving;

/// So many polls must have found the same feed at the new address, the first of them so long ago.
const POLLS: u32 = 4;
const OVER: SignedDuration = SignedDuration::from_hours(72);

/// What a poll knows of where its answer came from.
#[derive(Debug, Clone, Copy)]
pub struct Trace<'a> {
    /// Where permanent redirects led; None: the address answered itself, or sent elsewhere for a while.
    pub led_to: Option<&'a FeedUrl>,
    /// Whether what was found there is the feed that is known: most of its entries are, or it was confirmed by validators.
    pub is_same: bool,
    /// Whether it is another one: no entry of it is known.
    pub is_other: bool,
    /// Whether the feed was ever read before.
    pub is_known: bool,
}

/// What becomes of the redirects of a feed. None: nothing changes.
#[must_use]
pub fn judge(candidate: Option<&Candidate>, refused: &str, trace: Trace<'_>, now: Timestamp) -> Option<Moving> {
    let Some(to) = trace.led_to.filter(|to| to.as_str() != refused) else {
        // The address answers itself again: what was said of where it led is no longer true.
        let is_home = trace.led_to.is_none() && trace.is_same && !refused.is_empty();
        return match candidate {
            _ if is_home => Some(Moving::Home),
            candidate => candidate.map(|_| Moving::Forgotten),
        };
    };
    if trace.is_known && trace.is_other {
        return Some(Moving::Refused(to.clone()));
    }
    if trace.is_known && !trace.is_same {
        // Some of its entries are known: that proves nothing either way.
        return None;
    }
    let watched = match candidate {
        Some(known) if known.to == *to => Candidate {
            polls: known.polls.saturating_add(1),
            ..known.clone()
        },
        _ => Candidate {
            to: to.clone(),
            since: now,
            polls: 1,
        },
    };
    if watched.polls >= POLLS && now.duration_since(watched.since) >= OVER {
        Some(Moving::Believed(watched.to))
    } else {
        Some(Moving::Watched(watched))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::{Trace, judge};
    use crate::model::feed::{Candidate, FeedUrl};
    use crate::model::poll::Moving;
    use jiff::{SignedDuration, Timestamp};

    fn new() -> FeedUrl {
        FeedUrl::parse("https://new.example/feed").unwrap()
    }

    fn trace(led_to: Option<&FeedUrl>) -> Trace<'_> {
        Trace {
            led_to,
            is_same: true,
            is_other: false,
            is_known: true,
        }
    }

    fn hours(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours)
    }

    fn watch(polls: &[i64]) -> (Option<Candidate>, Option<Moving>) {
        let (mut candidate, mut last) = (None, None);
        for poll in polls {
            last = judge(candidate.as_ref(), "", trace(Some(&new())), hours(*poll));
            if let Some(Moving::Watched(watched)) = &last {
                candidate = Some(watched.clone());
            }
        }
        (candidate, last)
    }

    #[test]
    fn a_move_is_believed_after_several_polls_over_days() {
        assert!(matches!(watch(&[0, 24, 48]).1, Some(Moving::Watched(_))));
        assert!(
            matches!(watch(&[0, 1, 2, 3, 4, 5, 71]).1, Some(Moving::Watched(_))),
            "many polls, too few days"
        );
        assert!(
            matches!(watch(&[0, 71, 73]).1, Some(Moving::Watched(_))),
            "many days, too few polls"
        );
        assert_eq!(watch(&[0, 24, 48, 72]).1, Some(Moving::Believed(new())));
    }

    #[test]
    fn an_answer_of_the_old_address_ends_the_watch() {
        let (candidate, _) = watch(&[0, 24, 48]);
        assert_eq!(
            judge(candidate.as_ref(), "", trace(None), hours(72)),
            Some(Moving::Forgotten)
        );
        assert_eq!(judge(None, "", trace(None), hours(72)), None);
    }

    #[test]
    fn another_feed_at_the_new_address_is_never_believed() {
        let address = new();
        let other = Trace {
            is_same: false,
            is_other: true,
            ..trace(Some(&address))
        };
        assert_eq!(judge(None, "", other, hours(0)), Some(Moving::Refused(new())));
        assert_eq!(
            judge(None, new().as_str(), other, hours(1)),
            None,
            "and it is not said twice"
        );
        let home = judge(None, new().as_str(), trace(None), hours(2));
        assert_eq!(home, Some(Moving::Home), "and no longer when it is over");
    }
}
