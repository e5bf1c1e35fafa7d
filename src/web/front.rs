//! The front page: which merged feeds there are, to be found by people and, through `link rel=alternate`, by readers.

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;
use quick_xml::escape::escape;

use crate::web::{CurrentSite, Site};

pub(super) async fn front(State(site): State<CurrentSite>) -> impl IntoResponse {
    let site = site.borrow().clone();
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (headers, page(&site))
}

fn page(site: &Site) -> String {
    let (mut links, mut rows) = (String::new(), String::new());
    for view in &site.views {
        let title = escape(&view.title);
        let url = |extension: &str| format!("{}/feeds/{}.{extension}", escape(&site.public_url), view.name);
        links.push_str(&format!(
            "<link rel=\"alternate\" type=\"application/atom+xml\" title=\"{title}\" href=\"{}\">\n",
            url("atom")
        ));
        rows.push_str(&format!(
            "<li><bdi>{title}</bdi>: <a href=\"{}\">Atom</a>, <a href=\"{}\">RSS</a>, <a href=\"{}\">JSON Feed</a></li>\n",
            url("atom"),
            url("rss"),
            url("json")
        ));
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>tidings</title>\n{links}\
         <style>body{{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}}</style>\n</head>\n\
         <body>\n<h1>tidings</h1>\n<p>Merged feeds. Give one of these addresses to your reader.</p>\n<ul>\n{rows}</ul>\n</body>\n</html>\n"
    )
}
