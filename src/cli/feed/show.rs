//! `tidings feed show`: when a feed is polled next and why, by what its items are told apart, what its publisher asked for, and how it
//! was treated.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cli::feed::next;
use crate::cli::moment;
use crate::ingest::cadence::is_dead;
use crate::model::identity::IdentityPolicy;
use crate::store::feeds::{AskedFor, FeedStatus, GapStatus, IdentityStatus, Politeness, PollStatus};
use crate::store::subscriptions::SubscriptionStatus;

/// All that is known of a feed.
#[derive(Debug, Serialize)]
pub(super) struct Known {
    #[serde(flatten)]
    pub(super) feed: FeedStatus,
    /// Newest first.
    pub(super) polls: Vec<PollStatus>,
    /// Newest first.
    pub(super) gaps: Vec<GapStatus>,
    /// What was agreed with hubs.
    pub(super) subscriptions: Vec<SubscriptionStatus>,
}

/// For people.
pub(super) fn text(known: &Known, now: Timestamp) -> String {
    let (feed, polls) = (&known.feed, &known.polls);
    let mut text = format!("{}\n", feed.name);
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&format!("  {name:<14}{value}\n"));
        }
    };
    line("title", &feed.title);
    line("address", &feed.url);
    line("offers", &feed.offered_url);
    line("moved to", &moved(feed));
    line("leads to", &feed.move_url);
    line("proposed", &proposed(feed));
    line("site", &feed.site_link);
    line("group", &feed.group);
    line("items", &feed.items.to_string());
    line("told apart by", &identity(&feed.identity));
    line(
        "next poll",
        &format!("{}, because of: {}", next(feed), feed.next_poll_why),
    );
    line("last success", &feed.last_success_at.map(moment).unwrap_or_default());
    if is_dead(feed.failures, feed.failing_since, now) {
        line("dead since", &feed.failing_since.map(moment).unwrap_or_default());
    }
    line("error", &feed.error);
    line("notice", &feed.notice);
    line("asks", &asked(&feed.asked));
    line("politeness", &politeness(&feed.politeness));
    for subscription in &known.subscriptions {
        line("hub", &hub(subscription));
        line("hub error", &subscription.error);
    }
    for gap in &known.gaps {
        line("items missed", &missed(gap));
    }
    text.push_str(&history(polls));
    text
}

fn identity(identity: &IdentityStatus) -> String {
    let (policy, because) = match identity.policy {
        IdentityPolicy::Guid => ("guid", ""),
        IdentityPolicy::Link => ("link", "its guids do not tell them apart"),
        IdentityPolicy::TitleAndDate => ("title and date", "its guids and links do not tell them apart"),
        IdentityPolicy::Text => ("text", "nothing else does"),
    };
    match identity.since {
        Some(at) => format!("{policy}, learned on {}: {because}", moment(at)),
        None if identity.why == "configured" => format!("{policy}, as the configuration says"),
        None => format!("{policy}, as usual"),
    }
}

fn moved(feed: &FeedStatus) -> String {
    match (feed.moved_url.as_str(), feed.moved_at) {
        ("", _) => String::new(),
        (to, Some(at)) => format!(
            "{to} on {}; `tidings feed move {} --back` takes it back",
            moment(at),
            feed.name
        ),
        (to, None) => format!("{to} by you; `tidings feed move {} --back` takes it back", feed.name),
    }
}

fn proposed(feed: &FeedStatus) -> String {
    match feed.proposed_url.as_str() {
        "" => String::new(),
        url => format!("its site offers {url}; `tidings feed move {}` asks there", feed.name),
    }
}

fn asked(asked: &AskedFor) -> String {
    let spoken = |seconds: u64| {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        format!("{:#}", SignedDuration::from_secs(seconds))
    };
    let mut wishes = Vec::new();
    if asked.retry_after_seconds > 0 {
        wishes.push(format!("to wait {} (Retry-After)", spoken(asked.retry_after_seconds)));
    }
    if asked.fresh_seconds > 0 {
        wishes.push(format!(
            "fresh for {} (Cache-Control or Expires)",
            spoken(asked.fresh_seconds)
        ));
    }
    if asked.ttl_minutes > 0 {
        wishes.push(format!("every {} minutes at most (ttl)", asked.ttl_minutes));
    }
    if !asked.skip_hours.is_empty() {
        let hours: Vec<String> = asked.skip_hours.iter().map(u32::to_string).collect();
        wishes.push(format!("not in the hours {} UTC (skipHours)", hours.join(", ")));
    }
    if !asked.skip_days.is_empty() {
        wishes.push(format!("not on {} UTC (skipDays)", asked.skip_days.join(", ")));
    }
    wishes.join("; ")
}

fn politeness(counts: &Politeness) -> String {
    let share = |part: u64| (part * 100).checked_div(counts.requests).unwrap_or_default();
    let per_item = match counts.bytes.checked_div(counts.new_items) {
        Some(bytes) => format!("{bytes} bytes for each new item"),
        None => format!("{} bytes and no new item", counts.bytes),
    };
    format!(
        "{} requests, {}% conditional, {}% answered not modified, {per_item}",
        counts.requests,
        share(counts.conditional),
        share(counts.not_modified),
    )
}

/// What was agreed with a hub, and what came of it.
fn hub(subscription: &SubscriptionStatus) -> String {
    let moment_after = |words: &str, at: Option<Timestamp>| at.map(|at| format!("{words}{}", moment(at)));
    format!(
        "{} ({}{}); {} pushed{}, {} ignored, {} dropped",
        subscription.hub,
        subscription.state,
        moment_after(" until ", subscription.lease_ends_at).unwrap_or_default(),
        subscription.pushes,
        moment_after(", the last at ", subscription.last_push_at).unwrap_or_default(),
        subscription.ignored,
        subscription.dropped,
    )
}

fn missed(gap: &GapStatus) -> String {
    let found = match (gap.filled, gap.pages) {
        (_, 0) => "nothing older could be read".to_owned(),
        (filled, pages) => format!("{filled} items were found in {pages} older documents"),
    };
    format!(
        "probably, between {} and {}; {found}",
        moment(gap.after),
        moment(gap.before)
    )
}

fn history(polls: &[PollStatus]) -> String {
    if polls.is_empty() {
        return String::new();
    }
    let mut text = "  last polls\n".to_owned();
    for poll in polls {
        let status = poll.status.map(|status| status.to_string()).unwrap_or_default();
        let outcome = if poll.failure.is_empty() {
            &poll.outcome
        } else {
            &poll.failure
        };
        text.push_str(&format!(
            "    {}  {:<18}{status:<5}{} bytes, {} new, {} changed  {}\n",
            moment(poll.started_at),
            outcome.replace('_', " "),
            poll.bytes,
            poll.new,
            poll.updated,
            poll.error
        ));
    }
    // The newest document that was read is the one whose losses matter.
    let read = polls.iter().find(|poll| poll.outcome == "fetched");
    if let Some(read) = read.filter(|read| !read.losses.is_empty()) {
        text.push_str("  lost or guessed in the last document\n");
        for loss in &read.losses {
            text.push_str(&format!("    {loss}\n"));
        }
    }
    text
}
