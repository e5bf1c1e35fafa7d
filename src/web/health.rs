//! For those who watch: `/healthz` (the process answers) and `/readyz` (the database answers and the scheduler beats).

use axum::extract::State;
use axum::http::StatusCode;

use crate::web::CurrentSite;

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(State(site): State<CurrentSite>) -> (StatusCode, String) {
    let site = site.borrow().clone();
    let unready = |reason: String| (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n"));
    if let Err(e) = site.store.ping().await {
        return unready(format!("the database does not answer: {e}"));
    }
    if !site.beat.is_alive(site.clock.now()) {
        return unready("the scheduler does not beat".to_owned());
    }
    (StatusCode::OK, "ok\n".to_owned())
}
