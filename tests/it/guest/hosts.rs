//! How a host is asked: one thing at a time, in the way that the operator wants, and never inside a network.

use std::path::Path;

use tidings::model::poll::{Failure, Outcome};

use crate::guest::{answer, assert_failed, simple, with_feed};
use crate::support::app::{TestApp, feed};
use crate::support::has_program;
use crate::support::origin::{Answer, Origin};
use crate::support::proxy::Proxy;
use crate::support::raw::{Raw, Wire};
use crate::support::tls::Certificates;
use crate::web::Pages;

/// Loopback may be asked, and all else is as it is for everybody.
const USUAL: &str = "[fetch]\nallow_private_networks = [\"127.0.0.0/8\"]\n";

#[tokio::test]
async fn who_asks_says_so_and_how_to_be_reached() {
    let origin = Origin::start().await;
    origin.serve("/feed", simple(&["1"]));
    let contact = "contact = \"https://me.example/feeds\"\n";
    let app = TestApp::new(&format!("{contact}{}", feed("a", &origin.url("/feed")))).await;
    app.poll_all().await;
    let headers = &origin.asked("/feed")[0].headers;
    let agent = headers["user-agent"].to_str().unwrap();
    assert!(
        agent.starts_with("tidings/") && agent.ends_with(" (+https://me.example/feeds)"),
        "{agent}"
    );
    for coding in ["gzip", "br", "zstd", "deflate"] {
        assert!(
            headers["accept-encoding"].to_str().unwrap().contains(coding),
            "{coding}"
        );
    }
    assert!(headers["accept"].to_str().unwrap().starts_with("application/atom+xml"));
    assert!(headers.get("referer").is_none() && headers.get("cookie").is_none());
}

#[tokio::test]
async fn without_a_contact_the_agent_leads_to_the_contract_that_is_served() {
    let origin = Origin::start().await;
    origin.serve("/feed", simple(&["1"]));
    let public = "[web]\npublic_url = \"https://feeds.example/tidings/\"\n";
    let app = TestApp::new(&format!("{}{public}", feed("a", &origin.url("/feed")))).await;
    app.poll_all().await;
    let agent = origin.asked("/feed")[0].headers["user-agent"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        agent.ends_with(" (+https://feeds.example/tidings/politeness)"),
        "{agent}"
    );
    let page = Pages::of(&app).await.get("/politeness", &[]).await;
    assert_eq!(page.status(), 200);
    assert!(
        page.text()
            .await
            .unwrap()
            .starts_with("# How tidings treats publishers")
    );
}

#[tokio::test]
async fn one_request_at_a_time_goes_to_a_host_over_all_its_feeds() {
    let origin = Origin::start().await;
    let mut config = format!("{USUAL}host_spacing = \"0s\"\n");
    for (host, names) in [("127.0.0.1", &["a", "b", "c", "d"][..]), ("localhost", &["x", "y"])] {
        for name in names {
            let path = format!("/{name}");
            origin.set(&path, Answer::Held(Box::new(Answer::Tagged(simple(&["1"])))));
            config += &feed(name, &origin.url_at(host, &path));
        }
    }
    let app = TestApp::without_basics(&config).await;
    let publisher = async {
        // One of each host waits for its answer: all others have had their chance.
        origin.held(2).await;
        origin.let_go(6);
    };
    let (polls, ()) = tokio::join!(app.poll(), publisher);
    assert!(polls.iter().all(|polled| polled.outcome == Outcome::Fetched) && polls.len() == 6);
    let most = ["127.0.0.1", "localhost", ""].map(|host| origin.most_at_once(host));
    assert_eq!(most, [1, 1, 2]);
}

#[tokio::test]
async fn connections_are_used_again_by_other_feeds_of_their_host() {
    let origin = Origin::start().await;
    let names = ["a", "b", "c", "d"];
    let feeds = names.map(|name| {
        origin.serve(&format!("/{name}"), simple(&[name]));
        feed(name, &origin.url(&format!("/{name}")))
    });
    let app = TestApp::new(&feeds.concat()).await;
    let scheduler = app.app.scheduler();
    for _ in 0..2 {
        for name in names {
            app.poll_by(&scheduler, &[name]).await;
        }
    }
    let asked = origin.all_asked();
    assert_eq!(asked.len(), 8);
    assert!(
        asked[0].peer.is_some() && asked.iter().all(|other| other.peer == asked[0].peer),
        "{asked:#?}"
    );
}

#[tokio::test]
async fn feeds_that_wait_for_their_host_take_no_turn_from_those_of_others() {
    let origin = Origin::start().await;
    let mut config = format!("[poll]\nconcurrency = 2\n{USUAL}host_spacing = \"0s\"\n");
    // Whichever end is begun with, one host has more feeds than there are turns.
    let feeds = ["a", "b", "x", "c", "d"];
    for name in feeds {
        let (path, host) = (format!("/{name}"), if name == "x" { "localhost" } else { "127.0.0.1" });
        origin.set(&path, Answer::Held(Box::new(Answer::Tagged(simple(&["1"])))));
        config += &feed(name, &origin.url_at(host, &path));
    }
    let app = TestApp::without_basics(&config).await;
    let publisher = async {
        origin.held(2).await;
        assert_eq!(origin.asked("/x").len(), 1);
        origin.let_go(feeds.len());
    };
    let (polls, ()) = tokio::join!(app.poll_named(&feeds), publisher);
    assert_eq!(polls.len(), feeds.len());
}

#[tokio::test]
async fn a_host_may_be_given_more_connections() {
    let origin = Origin::start().await;
    let mut config = format!("{USUAL}host_spacing = \"0s\"\n[[host]]\nname = \"127.0.0.1\"\nconnections = 3\n");
    for name in ["a", "b", "c", "d"] {
        origin.set(
            &format!("/{name}"),
            Answer::Held(Box::new(Answer::Tagged(simple(&["1"])))),
        );
        config += &feed(name, &origin.url(&format!("/{name}")));
    }
    let app = TestApp::without_basics(&config).await;
    let publisher = async {
        origin.held(3).await;
        origin.let_go(4);
    };
    tokio::join!(app.poll(), publisher);
    assert_eq!(origin.most_at_once("127.0.0.1"), 3);
}

#[tokio::test]
async fn requests_to_one_host_begin_apart_and_another_host_does_not_wait() {
    let origin = Origin::start().await;
    let mut config = format!("{USUAL}host_spacing = \"0s\"\n[[host]]\nname = \"localhost\"\nspacing = \"1s\"\n");
    for (host, name) in [
        ("localhost", "slow1"),
        ("localhost", "slow2"),
        ("127.0.0.1", "fast1"),
        ("127.0.0.1", "fast2"),
        ("127.0.0.1", "fast3"),
    ] {
        let path = format!("/{name}");
        origin.serve(&path, simple(&["1"]));
        config += &feed(name, &origin.url_at(host, &path));
    }
    let app = TestApp::without_basics(&config).await;
    app.poll().await;
    let hosts: Vec<String> = origin.all_asked().into_iter().map(|asked| asked.host).collect();
    assert_eq!((hosts.len(), hosts[4].as_str()), (5, "localhost"), "{hosts:?}");
    assert_eq!(
        hosts[..4].iter().filter(|host| *host == "localhost").count(),
        1,
        "{hosts:?}"
    );
}

#[tokio::test]
async fn the_hops_of_a_redirect_wait_at_the_door_of_their_host() {
    let origin = Origin::start().await;
    let config = format!("{USUAL}host_spacing = \"0s\"\n");
    origin.set("/end", Answer::Held(Box::new(Answer::Tagged(simple(&["1"])))));
    let mut feeds = String::new();
    for name in ["a", "b", "c"] {
        let path = format!("/{name}");
        origin.redirect(&path, 302, &origin.url_at("localhost", "/end"));
        feeds += &feed(name, &origin.url(&path));
    }
    let app = TestApp::without_basics(&format!("{config}{feeds}")).await;
    let publisher = async {
        origin.held(1).await;
        origin.let_go(3);
    };
    let (polls, ()) = tokio::join!(app.poll(), publisher);
    assert!(
        polls.iter().all(|polled| polled.outcome == Outcome::Fetched),
        "{polls:?}"
    );
    assert_eq!(origin.most_at_once("localhost"), 1);
}

#[tokio::test]
async fn addresses_inside_a_network_are_refused_by_number_and_by_name() {
    let origin = Origin::start().await;
    origin.serve("/feed", simple(&["1"]));
    for url in [
        origin.url("/feed"),
        origin.url_at("localhost", "/feed"),
        origin.url_at("127.1", "/feed"),
        origin.url_at("2130706433", "/feed"),
        origin.url_at("[::ffff:127.0.0.1]", "/feed"),
        "http://[::1]/feed".to_owned(),
        "http://10.0.0.1/feed".to_owned(),
        "http://192.168.1.1/feed".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://100.64.0.1/feed".to_owned(),
        "http://[fd00::1]/feed".to_owned(),
        "http://0.0.0.0/feed".to_owned(),
    ] {
        let app = TestApp::without_basics(&feed("a", &url)).await;
        let polled = app.poll_all().await.remove(0);
        assert_failed(&polled, Failure::PrivateAddress);
        assert!(polled.error.unwrap().contains("is not a public address"));
    }
    assert!(origin.all_asked().is_empty());
}

#[tokio::test]
async fn addresses_inside_a_network_are_refused_on_every_hop() {
    let inside = Origin::start().await;
    inside.serve("/feed", simple(&["1"]));
    let outside = Origin::start_at("127.0.0.2:0").await;
    for hop in [inside.url("/feed"), inside.url_at("localhost", "/feed")] {
        outside.redirect("/feed", 302, "/hop");
        outside.redirect("/hop", 302, &hop);
        let config = format!(
            "[fetch]\nallow_private_networks = [\"127.0.0.2\"]\nhost_spacing = \"0s\"\n{}",
            feed("a", &outside.url("/feed"))
        );
        let app = TestApp::without_basics(&config).await;
        assert_failed(&app.poll_all().await[0], Failure::PrivateAddress);
    }
    assert_eq!(outside.asked("/hop").len(), 2);
    assert!(inside.all_asked().is_empty());
}

fn with_access(origin: &Origin, access: &str) -> String {
    format!("{}[feed.access]\n{access}", feed("a", &origin.url("/feed")))
}

fn header(origin: &Origin, name: &str) -> String {
    let asked = origin.asked("/feed").pop().unwrap();
    let value = asked.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    value.unwrap_or_default()
}

#[tokio::test]
async fn a_password_goes_to_its_feed_alone_and_a_changed_file_is_a_changed_password() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = folder.path().join("password");
    origin.serve("/feed", simple(&["1"]));
    origin.serve("/other", simple(&["1"]));
    let access = format!("user = \"me\"\npassword_file = \"{}\"\n", file.display());
    let app = TestApp::new(&format!(
        "{}{}",
        with_access(&origin, &access),
        feed("b", &origin.url("/other"))
    ))
    .await;
    for (text, expected) in [
        ("secret\nnot this line\n", "Basic bWU6c2VjcmV0"),
        ("  changed  \n", "Basic bWU6Y2hhbmdlZA=="),
    ] {
        std::fs::write(&file, text).unwrap();
        app.poll_all().await;
        assert_eq!(header(&origin, "authorization"), expected);
    }
    assert!(
        origin
            .asked("/other")
            .iter()
            .all(|asked| !asked.headers.contains_key("authorization"))
    );
}

#[tokio::test]
async fn a_token_goes_to_its_feed_as_bearer() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = folder.path().join("token");
    std::fs::write(&file, "abc.def\n").unwrap();
    origin.serve("/feed", simple(&["1"]));
    let app = TestApp::new(&with_access(&origin, &format!("token_file = \"{}\"\n", file.display()))).await;
    app.poll_all().await;
    assert_eq!(header(&origin, "authorization"), "Bearer abc.def");
}

#[tokio::test]
async fn a_file_with_credentials_that_is_missing_or_empty_is_a_failure_and_nobody_is_asked() {
    let (origin, folder) = (Origin::start().await, tempfile::tempdir().unwrap());
    let file = folder.path().join("credential");
    origin.serve("/feed", simple(&["1"]));
    for access in [
        format!("user = \"me\"\npassword_file = \"{}\"\n", file.display()),
        format!("token_file = \"{}\"\n", file.display()),
    ] {
        let app = TestApp::new(&with_access(&origin, &access)).await;
        let polled = app.poll_all().await.remove(0);
        assert_failed(&polled, Failure::Credentials);
        assert!(polled.error.unwrap().contains("credential"), "it names the file");
        std::fs::write(&file, "\nsecond line\n").unwrap();
        assert_failed(&app.poll_all().await[0], Failure::Credentials);
        assert!(origin.all_asked().is_empty());
        std::fs::remove_file(&file).unwrap();
    }
    let secure = feed("a", "https://127.0.0.1:9/feed");
    let app = TestApp::new(&format!("{secure}[feed.access]\nca_file = \"{}\"\n", file.display())).await;
    assert_failed(&app.poll_all().await[0], Failure::Credentials);
}

#[tokio::test]
async fn a_wrong_password_is_a_failure_of_its_own() {
    for status in [401, 403, 407] {
        let origin = Origin::start().await;
        origin.set(
            "/feed",
            answer(status, &[("www-authenticate", "Basic")], "who are you?"),
        );
        let app = with_feed(&origin).await;
        let polled = app.poll_all().await.remove(0);
        assert_failed(&polled, Failure::Unauthorised);
        assert!(polled.error.unwrap().contains("who are you?"));
    }
}

#[tokio::test]
async fn headers_of_its_own_go_to_their_feed() {
    let origin = Origin::start().await;
    origin.serve("/feed", simple(&["1"]));
    let headers = "[feed.access.headers]\nX-Key = \"a b\"\nCookie = \"consent=1\"\nAccept-Language = \"fa\"\n";
    let app = TestApp::new(&with_access(&origin, headers)).await;
    app.poll_all().await;
    app.poll_all().await;
    let sent = ["x-key", "cookie", "accept-language"].map(|name| header(&origin, name));
    assert_eq!(sent, ["a b", "consent=1", "fa"]);
    assert_ne!(header(&origin, "if-none-match"), "", "beside the validators");
}

#[tokio::test]
async fn a_feed_may_be_asked_through_an_http_proxy() {
    let proxy = Origin::start().await;
    proxy.serve("/feed", simple(&["1"]));
    let config = format!(
        "{}[feed.access]\nproxy = \"{}\"\n{}",
        feed("a", "http://feeds.invalid/feed"),
        proxy.url_at("localhost", ""),
        feed("b", "http://feeds.invalid/other")
    );
    // The proxy is the operator's own: it may stand inside the network, and nothing else may.
    let app = TestApp::without_basics(&config).await;
    let polls = app.poll_all().await;
    assert_eq!(polls[0].outcome, Outcome::Fetched, "{polls:?}");
    assert_failed(&polls[1], Failure::Unreachable);
    let asked = proxy.all_asked();
    assert_eq!((asked.len(), asked[0].host.as_str()), (1, "feeds.invalid"));
    let inside = format!(
        "{}[feed.access]\nproxy = \"{}\"\n",
        feed("a", "http://10.0.0.1/feed"),
        proxy.url("")
    );
    let app = TestApp::without_basics(&inside).await;
    assert_failed(&app.poll_all().await[0], Failure::PrivateAddress);
}

#[tokio::test]
async fn a_feed_may_be_asked_through_a_socks_proxy_that_resolves_its_name_or_does_not() {
    let origin = Origin::start().await;
    origin.serve("/feed", simple(&["1"]));
    let proxy = Proxy::socks(origin.address).await;
    let through = |scheme: &str, url: &str| {
        let feed = feed("a", url);
        format!("{feed}[feed.access]\nproxy = \"{scheme}://{}\"\n", proxy.address)
    };
    let app = TestApp::new(&through("socks5h", "http://feeds.invalid/feed")).await;
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
    let app = TestApp::new(&through("socks5", "http://localhost/feed")).await;
    assert_eq!(app.poll_all().await[0].outcome, Outcome::Fetched);
    assert_eq!(proxy.asked(), ["feeds.invalid:80", "127.0.0.1:80"]);
    // What is resolved here is guarded here.
    let app = TestApp::without_basics(&through("socks5", "http://localhost/feed")).await;
    assert_failed(&app.poll_all().await[0], Failure::PrivateAddress);
    let app = TestApp::new(&through("socks5", "http://feeds.invalid/feed")).await;
    assert_failed(&app.poll_all().await[0], Failure::Unreachable);
    assert_eq!(proxy.asked().len(), 2);
}

#[tokio::test]
async fn a_proxy_sees_nothing_of_what_is_asked_over_https() {
    if !has_program("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let origin = Origin::start_tls(&certificates.good).await;
    origin.serve("/feed", simple(&["1"]));
    let socks = Proxy::socks(origin.address).await;
    let http = Proxy::http(origin.address).await;
    for (scheme, proxy) in [("socks5h", &socks), ("http", &http)] {
        let config = format!(
            "{}[feed.access]\nproxy = \"{scheme}://{}\"\n{}",
            feed("a", "https://localhost/feed"),
            proxy.address,
            access_with(&certificates.authority)
        );
        let app = TestApp::new(&config).await;
        let polled = app.poll_all().await.remove(0);
        assert_eq!(polled.outcome, Outcome::Fetched, "{scheme}: {polled:?}");
        assert_eq!(proxy.asked(), ["localhost:443"]);
    }
}

fn access_with(file: &Path) -> String {
    format!("ca_file = \"{}\"\n", file.display())
}

#[tokio::test]
async fn certificates_of_ones_own_authority_are_trusted_for_their_feed_alone() {
    if !has_program("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let origin = Origin::start_tls(&certificates.good).await;
    origin.serve("/feed", simple(&["1"]));
    let config = with_access(&origin, &access_with(&certificates.authority)) + &feed("b", &origin.url("/feed?b"));
    let app = TestApp::new(&config).await;
    let polls = app.poll_all().await;
    assert_eq!(polls[0].outcome, Outcome::Fetched, "{polls:?}");
    assert_failed(&polls[1], Failure::Tls);
    assert_eq!(origin.all_asked().len(), 1);
}

#[tokio::test]
async fn a_proxy_behind_tls_is_trusted_by_the_same_authority() {
    if !has_program("openssl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::make(folder.path());
    let proxy = Origin::start_tls(&certificates.good).await;
    proxy.serve("/feed", simple(&["1"]));
    let config = format!(
        "{}[feed.access]\nproxy = \"{}\"\n{}",
        feed("a", "http://feeds.invalid/feed"),
        proxy.url(""),
        access_with(&certificates.authority)
    );
    let app = TestApp::new(&config).await;
    let polled = app.poll_all().await.remove(0);
    assert_eq!(polled.outcome, Outcome::Fetched, "{polled:?}");
}

#[tokio::test]
async fn a_feed_may_be_given_another_time_limit() {
    let origin = Origin::start().await;
    origin.set("/feed", Answer::Stalling(b"<rss".to_vec()));
    let app = TestApp::new(&with_access(&origin, "timeout = \"1s\"\n")).await;
    let polled = app.poll_all().await.remove(0);
    assert_failed(&polled, Failure::Timeout);
    assert!(polled.error.unwrap().contains("no complete answer within 1s"));
}

#[tokio::test]
async fn publishers_that_never_end_cost_nobody_but_themselves() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n<rss>".to_vec();
    let silent = Raw::start_at("127.0.0.2:0", [Wire::Silent]).await;
    let dripping = Raw::start_at("127.0.0.3:0", [Wire::Drips(head)]).await;
    let slow_head = Raw::start_at("127.0.0.4:0", [Wire::Drips(b"HTTP/1.1 200 OK\r\nx-y:".to_vec())]).await;
    let (endless, bomb) = (
        Origin::start_at("127.0.0.5:0").await,
        Origin::start_at("127.0.0.6:0").await,
    );
    endless.set("/feed", Answer::Endless);
    let packed = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![b' '; 50_000_000]).unwrap();
        encoder.finish().unwrap()
    };
    bomb.set(
        "/feed",
        Answer::Plain(200, vec![("content-encoding", "gzip".to_owned())], packed),
    );
    let good = Origin::start().await;
    let mut config = format!("{USUAL}timeout = \"1s\"\nhost_spacing = \"0s\"\nmax_body_bytes = 1000000\n");
    let bad = [
        ("bomb", bomb.url("/feed"), Failure::TooLarge),
        ("dripping", dripping.url("/feed"), Failure::Timeout),
        ("endless", endless.url("/feed"), Failure::TooLarge),
        ("silent", silent.url("/feed"), Failure::Timeout),
        ("slow head", slow_head.url("/feed"), Failure::Timeout),
    ];
    for (name, url, _) in &bad {
        config += &feed(name, url);
    }
    for name in ["good1", "good2", "good3", "good4"] {
        good.serve(&format!("/{name}"), simple(&["1"]));
        config += &feed(name, &good.url(&format!("/{name}")));
    }
    let app = TestApp::without_basics(&config).await;
    let names = bad.iter().map(|(name, ..)| *name);
    let names: Vec<&str> = names.chain(["good1", "good2", "good3", "good4"]).collect();
    let polls = app.poll_named(&names).await;
    let place = |name: &str| polls.iter().position(|polled| polled.name == name).unwrap();
    for (name, _, failure) in &bad {
        assert_failed(&polls[place(name)], *failure);
    }
    // Those that were waited for ended last: the others were polled meanwhile.
    let last: Vec<usize> = ["silent", "dripping", "slow head"].map(place).to_vec();
    for name in ["good1", "good2", "good3", "good4"] {
        assert_eq!(polls[place(name)].outcome, Outcome::Fetched);
        assert!(last.iter().all(|end| *end > place(name)), "{polls:?}");
    }
}
