//! What runs: polling, asking hubs and reading what they push, giving stories their places, making editions, sending mails. Each is
//! a step that a test can take by hand, and a loop that takes it when it is due.

pub mod digests;
pub mod outbox;
pub mod poll;
pub mod push;
pub mod scheduler;
pub mod stories;
pub mod subscriptions;
