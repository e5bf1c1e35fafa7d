//! A subscription: what was agreed with a hub that pushes a feed (WebSub).

use jiff::Timestamp;

use crate::model::entry_marks::EntryMarks;
use crate::model::feed::FeedId;
use crate::model::poll::{ItemChange, Sharing};

/// The row of a subscription in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub i64);

/// The row of a pushed document in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PushId(pub i64);

/// What a hub is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To push from now on, or for longer.
    Subscribe,
    /// To push no more.
    Unsubscribe,
}

impl Wish {
    /// The word in the store and in `hub.mode`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
        }
    }
}

/// A feed that names a hub, and has no subscription there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribed {
    /// The feed.
    pub feed: FeedId,
    /// The address of the hub, as the feed writes it.
    pub hub: String,
    /// The address under which the hub knows the feed.
    pub topic: String,
}

/// A subscription that is to be.
#[derive(Debug, Clone)]
pub struct NewSubscription {
    /// What is subscribed to.
    pub of: Unsubscribed,
    /// The end of `callback`, which cannot be guessed.
    pub token: String,
    /// The address that the hub calls.
    pub callback: String,
    /// By which the hub signs; empty: none that could be kept.
    pub secret: String,
}

/// A request to a hub that is due.
#[derive(Debug, Clone)]
pub struct HubRequest {
    /// The subscription.
    pub id: SubscriptionId,
    /// What is asked for.
    pub wish: Wish,
    /// The address of the hub, as the feed writes it.
    pub hub: String,
    /// The address under which the hub knows the feed.
    pub topic: String,
    /// The address that the hub calls.
    pub callback: String,
    /// By which the hub signs; empty: none.
    pub secret: String,
    /// Requests since the hub last confirmed one, this one included.
    pub attempts: u32,
}

/// What a hub has pushed.
#[derive(Debug, Clone)]
pub struct Push {
    /// The row.
    pub id: PushId,
    /// The feed that it is of.
    pub feed: FeedId,
    /// The value of `Content-Type`, or empty.
    pub content_type: String,
    /// The document; None: the hub could not sign it, and it says only that there is something new.
    pub body: Option<Vec<u8>>,
}

/// All that the reading of a pushed document writes.
#[derive(Debug, Clone)]
pub struct PushIntent {
    /// The document, which is struck off.
    pub push: PushId,
    /// Its feed.
    pub feed: FeedId,
    /// When it was read.
    pub read_at: Timestamp,
    /// What became of its entries, oldest first.
    pub changes: Vec<ItemChange>,
    /// Which entries the last document and what was pushed since have had; None: not known.
    pub entry_marks: Option<EntryMarks>,
    /// When the items of the feed come, if that has changed.
    pub rhythm: Option<Vec<u8>>,
    /// How pushes and polls share the feed from now on.
    pub sharing: Sharing,
    /// How rarely it is polled: the logarithm to base 2 of the wait in minutes.
    pub pace: u32,
    /// Why it is polled then, for a person; None: for the same reason as before.
    pub reason: Option<String>,
}
