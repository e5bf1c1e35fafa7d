//! What runs: polls, subscriptions to hubs and what they push, stories, the index of the search, editions, mails.
//!
//! Each is a step that a test can take by hand, and a loop that takes it when it is due.

pub mod digests;
pub mod index;
pub mod outbox;
pub mod poll;
pub mod push;
pub mod scheduler;
pub mod stories;
pub mod subscriptions;
