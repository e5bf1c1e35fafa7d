//! An edition: one digest of one view for one period. A delivery: one edition to one recipient.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::item::ItemId;

/// The row of an edition in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EditionId(pub i64);

/// The row of a delivery in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct DeliveryId(pub i64);

/// A frozen list of stories: those that came into the view with the arrivals (`after`, `upto`].
#[derive(Debug, Clone)]
pub struct Edition {
    /// The edition.
    pub id: EditionId,
    /// The name of the digest.
    pub digest: String,
    /// 1, 2, 3 ... within the digest.
    pub number: i64,
    /// The arrival after which it begins: where the edition before it ended.
    pub after: ItemId,
    /// The last arrival that it covers.
    pub upto: ItemId,
    /// How many stories it tells.
    pub stories: usize,
    /// When it was made; the Date of its mails.
    pub made_at: Timestamp,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits for its next attempt.
    Pending,
    /// The server took it.
    Sent,
    /// Given up: refused for good, or too many attempts.
    Parked,
}

impl DeliveryState {
    /// The word in the store and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Parked => "parked",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One edition that is to go to one recipient.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The delivery.
    pub id: DeliveryId,
    /// What is sent.
    pub edition: EditionId,
    /// To whom, an address with or without a name.
    pub recipient: String,
    /// The same at every attempt, so that a mail that came twice is recognised as one.
    pub message_id: String,
    /// How often it was tried before.
    pub attempts: u32,
}
