//! `/politeness`: how this program treats publishers. Where no other contact is configured, the User-Agent leads here.

use axum::http::header::CONTENT_TYPE;

/// The contract, as it is written.
const CONTRACT: &str = include_str!("../../docs/politeness.md");

pub(super) async fn politeness() -> ([(axum::http::HeaderName, &'static str); 1], &'static str) {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], CONTRACT)
}
