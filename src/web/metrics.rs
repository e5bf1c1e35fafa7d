//! `/metrics`: numbers for those who watch, in OpenMetrics text.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use crate::telemetry::metrics::MEDIA_TYPE;
use crate::web::CurrentSite;

pub(super) async fn metrics(State(site): State<CurrentSite>) -> impl IntoResponse {
    ([(CONTENT_TYPE, MEDIA_TYPE)], site.borrow().metrics.text())
}
