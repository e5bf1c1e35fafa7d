//! tidings: a daemon that polls feeds, keeps each story once, and gives it back as one merged feed and one digest mail.
//!
//! The floors, from the ground up: `model`, then `text`, then `config` and `store`, then `ingest`, `story`, `output` and
//! `telemetry`, then `service` and `web`, then `app`, then `cli`. A module imports only from below.

pub mod app;
pub mod cli;
pub mod config;
pub mod ingest;
pub mod model;
pub mod output;
pub mod service;
pub mod store;
pub mod story;
pub mod telemetry;
pub mod text;
pub mod web;
