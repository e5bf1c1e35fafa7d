//! The integration tests: one binary, real HTTP, real SMTP, real readers, all on loopback.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::missing_panics_doc,
    unreachable_pub,
    missing_docs,
    reason = "tests"
)]

mod cli;
mod container;
mod daemon;
mod digest;
mod edits;
mod fixtures;
mod guest;
mod identity;
mod layers;
mod metrics;
mod poll;
mod properties;
mod readers;
mod search;
mod sources;
mod store;
mod stories;
mod support;
mod web;
mod websub;
