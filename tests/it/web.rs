//! The pages over real HTTP: merged feeds, conditional requests, codings, health.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::header::{ACCEPT_ENCODING, HeaderMap};
use reqwest::{Client, Response, StatusCode};
use tidings::model::clock::Clock as _;
use tidings::web::{Site, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::app::{TestApp, feed};
use crate::support::origin::{Origin, atom, rss};

pub struct Pages {
    url: String,
    client: Client,
}

impl Pages {
    /// Serves the views of an app.
    pub async fn of(app: &TestApp) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let site = Site::new(
            app.app.store.clone(),
            app.app.config.views.clone(),
            url.clone(),
            app.app.beat(),
            app.clock.clone(),
            app.app.metrics(),
        );
        let (sender, current) = watch::channel(Arc::new(site));
        tokio::spawn(async move {
            let _sender = sender;
            serve(listener, current, CancellationToken::new()).await
        });
        // This client asks for no coding and shows what came as it came.
        let client = Client::builder()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build()
            .unwrap();
        Self { url, client }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(
                reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                value.parse().unwrap(),
            );
        }
        self.client
            .get(format!("{}{path}", self.url))
            .headers(map)
            .send()
            .await
            .unwrap()
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
        .unwrap_or_default()
}

async fn app(origin: &Origin) -> TestApp {
    origin.serve("/a", rss("Agency", &[("1", "One &amp; only", "https://a.example/1")]));
    origin.serve("/b", atom("وبلاگ", &[("x", "گفت‌وگو", "https://b.example/x")]));
    let views = "[[view]]\nname = \"all\"\n[[view]]\nname = \"fa\"\nlanguages = [\"fa\"]\n[[view]]\nname = \"one\"\nfeeds = [\"a\"]\n\
                 [[view]]\nname = \"words\"\ninclude = [\"گفتوگو\"]\n[[view]]\nname = \"without\"\nexclude = [\"only\"]\n";
    let app = TestApp::new(&(feed("a", &origin.url("/a")) + &feed("b", &origin.url("/b")) + views)).await;
    app.poll_all().await;
    app
}

#[tokio::test]
async fn each_format_has_its_type_and_every_story_once() {
    let origin = Origin::start().await;
    let app = app(&origin).await;
    let pages = Pages::of(&app).await;
    for (extension, media_type) in [
        ("atom", "application/atom+xml; charset=utf-8"),
        ("rss", "application/rss+xml; charset=utf-8"),
        ("json", "application/feed+json; charset=utf-8"),
    ] {
        let response = pages.get(&format!("/feeds/all.{extension}"), &[]).await;
        assert_eq!(header(&response, "content-type"), media_type);
        let text = response.text().await.unwrap();
        assert_eq!(text.matches("گفت‌وگو").count() % 2, 0, "title and text of the story");
        assert!(text.contains(&format!("{}/feeds/all.{extension}", pages.url)));
    }
    for missing in [
        "/feeds/none.atom",
        "/feeds/all.xml",
        "/feeds/all",
        "/feeds/..%2fall.atom",
    ] {
        assert_eq!(
            pages.get(missing, &[]).await.status(),
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
}

#[tokio::test]
async fn views_choose_by_feed_language_and_words() {
    let origin = Origin::start().await;
    let app = app(&origin).await;
    let pages = Pages::of(&app).await;
    for (view, english, persian) in [
        ("all", true, true),
        ("fa", false, true),
        ("one", true, false),
        ("words", false, true),
        ("without", false, true),
    ] {
        let text = pages
            .get(&format!("/feeds/{view}.json"), &[])
            .await
            .text()
            .await
            .unwrap();
        assert_eq!(
            (text.contains("One & only"), text.contains("گفت‌وگو")),
            (english, persian),
            "{view}"
        );
    }
}

#[tokio::test]
async fn who_has_the_feed_is_told_so_until_it_changes() {
    let origin = Origin::start().await;
    let app = app(&origin).await;
    let pages = Pages::of(&app).await;
    let first = pages.get("/feeds/all.atom", &[]).await;
    let (tag, date) = (
        header(&first, "etag").to_owned(),
        header(&first, "last-modified").to_owned(),
    );
    assert!(tag.starts_with('"'), "a strong tag: {tag}");
    let fresh = |headers: Vec<(&'static str, String)>| {
        let pages = &pages;
        async move {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let response = pages.get("/feeds/all.atom", &headers).await;
            let status = response.status();
            assert!(status == StatusCode::OK || response.bytes().await.unwrap().is_empty());
            status
        }
    };
    assert_eq!(
        fresh(vec![("if-none-match", tag.clone())]).await,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(
        fresh(vec![("if-modified-since", date.clone())]).await,
        StatusCode::NOT_MODIFIED
    );
    app.advance(SignedDuration::from_mins(1));
    origin.serve("/a", rss("Agency", &[("1", "One, corrected", "https://a.example/1")]));
    app.poll_all().await;
    assert_eq!(fresh(vec![("if-none-match", tag.clone())]).await, StatusCode::OK);
    assert_eq!(fresh(vec![("if-modified-since", date)]).await, StatusCode::OK);
    let second = pages.get("/feeds/all.atom", &[]).await.text().await.unwrap();
    let ids = |text: &str| text.matches("urn:uuid:").count();
    assert_eq!(ids(&second), 2);
    assert!(second.contains("One, corrected"));
}

#[tokio::test]
async fn each_coding_has_its_own_tag_and_the_same_text() {
    let origin = Origin::start().await;
    let app = app(&origin).await;
    let pages = Pages::of(&app).await;
    let plain = pages.get("/feeds/all.rss", &[]).await;
    let mut tags = vec![header(&plain, "etag").to_owned()];
    let text = plain.text().await.unwrap();
    for coding in ["gzip", "br"] {
        let coded = pages.get("/feeds/all.rss", &[(ACCEPT_ENCODING.as_str(), coding)]).await;
        assert_eq!(
            (header(&coded, "content-encoding"), header(&coded, "vary")),
            (coding, "Accept-Encoding")
        );
        tags.push(header(&coded, "etag").to_owned());
        let bytes = coded.bytes().await.unwrap();
        let mut decoded = String::new();
        match coding {
            "gzip" => std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut decoded),
            _ => std::io::Read::read_to_string(&mut brotli::Decompressor::new(&bytes[..], 4096), &mut decoded),
        }
        .unwrap();
        assert_eq!(decoded, text, "{coding}");
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 3);
}

#[tokio::test]
async fn ids_of_entries_are_the_same_in_a_database_made_anew() {
    let origin = Origin::start().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let app = app(&origin).await;
        let mut ids: Vec<String> = app.stories().await.iter().map(|story| story.uid.to_string()).collect();
        ids.sort();
        seen.push(ids);
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn health_is_told_apart_from_readiness() {
    let origin = Origin::start().await;
    let app = app(&origin).await;
    let pages = Pages::of(&app).await;
    app.app.beat().beat(app.clock.now());
    assert_eq!(pages.get("/readyz", &[]).await.status(), StatusCode::OK);
    app.advance(SignedDuration::from_mins(5));
    assert_eq!(pages.get("/healthz", &[]).await.status(), StatusCode::OK);
    let silent = pages.get("/readyz", &[]).await;
    assert_eq!(silent.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(silent.text().await.unwrap().contains("scheduler"));
}

#[tokio::test]
async fn the_front_page_leads_readers_to_the_feeds() {
    let origin = Origin::start().await;
    let app = app(&origin).await;
    let pages = Pages::of(&app).await;
    let page = pages.get("/", &[]).await.text().await.unwrap();
    assert!(page.contains(&format!(
        "type=\"application/atom+xml\" title=\"tidings: all\" href=\"{}/feeds/all.atom\"",
        pages.url
    )));
}
