#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::time::Duration;

use super::{ConfigError, DEFAULT, load};
use crate::config::{Config, SmtpSecurity, Transport};
use crate::model::identity::IdentityPolicy;

fn load_text(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tidings.toml");
    std::fs::write(&file, text).unwrap();
    let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    load(Some(&file), environment)
}

fn faults(text: &str) -> Vec<String> {
    let error = load_text(text, &[]).unwrap_err();
    let ConfigError::Faults(_) = error else {
        panic!("{error}")
    };
    // The file stands in a temporary folder: from the line number on, the text is always the same.
    let shorten = |line: &str| line.split_once("tidings.toml:").map(|(_, rest)| rest.to_owned());
    error.to_string().lines().filter_map(shorten).collect()
}

#[test]
fn the_built_in_configuration_is_without_fault() {
    let config = load(None, std::iter::empty()).unwrap();
    assert_eq!(config.feeds.len(), 5);
    assert_eq!(config.views.len(), 1);
    assert_eq!(config.digests.len(), 1);
    assert!(load_text(DEFAULT, &[]).is_ok());
}

#[test]
fn what_a_file_leaves_out_comes_from_the_built_in_one_but_no_feeds_do() {
    let config = load_text("[poll]\ninterval = \"20m\"\n", &[]).unwrap();
    assert_eq!(config.poll.interval, Duration::from_secs(1200));
    assert_eq!(config.poll.concurrency, 64);
    assert!(config.feeds.is_empty());
    assert_eq!(config.views.first().unwrap().name, "all");
}

#[test]
fn the_environment_wins() {
    let environment = [
        ("TIDINGS_WEB__LISTEN", "127.0.0.1:0"),
        ("TIDINGS_FETCH__HOST_CONNECTIONS", "4"),
    ];
    let config = load_text("[web]\nlisten = \"127.0.0.1:9\"\n", &environment).unwrap();
    assert_eq!(config.web.listen.port(), 0);
    assert_eq!(config.fetch.host_connections, 4);
    let error = load_text("", &[("TIDINGS_POLL__INTERVAL", "soon")])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("environment, TIDINGS_POLL__INTERVAL: poll.interval"),
        "{error}"
    );
}

#[test]
fn all_faults_are_reported_at_once_with_their_lines() {
    let found = faults(
        r#"[poll]
interval = "soon"
intervall = "1h"
[fetch]
host_connections = 0
allow_private_networks = ["10.0.0.0/33"]
[[feed]]
name = "a"
url = "ftp://example.org/"
[[feed]]
name = "b"
url = "https://example.org/feed"
[[feed]]
name = "b"
url = "https://example.org/other"
colour = "red"
[[view]]
name = "v"
feeds = ["nobody"]
[[digest]]
name = "d"
view = "w"
schedule = "0 7 * *"
time_zone = "Mars/Olympus"
to = ["nobody", "a@b.example", "A <a@b.example>"]
"#,
    );
    let expected = [
        "5: fetch.host_connections: must be from 1 to 64, is 0",
        "6: fetch.allow_private_networks: \"10.0.0.0/33\" is no network",
        "2: poll.interval: \"soon\" is not a length of time",
        "3: poll.intervall: unknown key; did you mean \"interval\"?",
        "9: feed[0].url: ftp: addresses are not polled",
        "14: feed[2].name: another feed is called \"b\" already",
        "16: feed[2].colour: unknown key",
        "19: view[0].feeds: names no feed: \"nobody\"",
        "22: digest[0].view: there is no view \"w\"",
        "24: digest[0].time_zone: \"Mars/Olympus\" is no time zone",
        "23: digest[0].schedule: \"0 7 * *\" has 4 fields",
        "25: digest[0].to: \"nobody\" is no mail address",
        "25: digest[0].to: names a@b.example twice",
    ];
    for fault in expected {
        assert!(found.iter().any(|line| line.starts_with(fault)), "{fault}\n{found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn trackers_of_links_are_names_or_beginnings_of_names() {
    let config = load_text("[links]\ntrackers = [\"ref_id\", \"Promo_*\"]\n", &[]).unwrap();
    let canonical = config.links.canonical("https://a.example/1?REF_id=2&promo_x=3&id=4");
    assert_eq!(canonical.as_deref(), Some("https://a.example/1?id=4"));
    let found = faults("[links]\ntrackers = [\"*\", \"a=b\", \"fine\"]\ntracker = []\n");
    assert_eq!(found.len(), 3, "{found:#?}");
    for part in [
        "links.trackers: \"*\" names no parameter",
        "\"a=b\" names no parameter",
        "did you mean \"trackers\"?",
    ] {
        assert!(found.iter().any(|fault| fault.contains(part)), "{part}: {found:#?}");
    }
}

#[test]
fn a_fault_in_the_syntax_names_the_place() {
    let error = load_text("[poll]\ninterval = \n", &[]).unwrap_err();
    let chain = format!("{:#}", anyhow::Error::from(error));
    assert!(chain.contains("tidings.toml") && chain.contains("line 2"), "{chain}");
}

#[test]
fn a_mail_server_can_be_set_from_the_environment_alone() {
    let environment = [
        ("TIDINGS_MAIL__TRANSPORT", "smtp"),
        ("TIDINGS_MAIL__URL", "smtp://127.0.0.1:25"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = load(None, environment.into_iter()).unwrap();
    assert!(matches!(config.mail.transport, Transport::Smtp(_)));
}

#[test]
fn what_could_never_match_is_a_fault() {
    let text = "[web]\npublic_url = \"https://x.example/?a=1\"\n[[view]]\nname = \"v\"\nlanguages = [\"persian text\"]\ninclude = [\"!\"]\n";
    let found = faults(text);
    for fault in ["2: web.public_url", "5: view[0].languages", "6: view[0].include"] {
        assert!(found.iter().any(|line| line.starts_with(fault)), "{fault}\n{found:#?}");
    }
    let config = load_text("[[view]]\nname = \"v\"\nlanguages = [\"fa-IR\"]\n", &[]).unwrap();
    assert_eq!(config.views.first().unwrap().languages, ["fa"]);
}

#[test]
fn smtp_addresses_say_how_the_connection_is_protected() {
    let smtp = |url: &str, rest: &str| {
        let text = format!("[mail]\nfrom = \"t@example.org\"\ntransport = \"smtp\"\nurl = \"{url}\"\n{rest}");
        load_text(&text, &[]).map(|config| match config.mail.transport {
            Transport::Smtp(smtp) => (smtp.security, smtp.port, smtp.user),
            Transport::Directory(path) => panic!("{path:?}"),
        })
    };
    let login = "password_file = \"pw\"\n";
    let user = Some("a@b.example".to_owned());
    assert_eq!(
        smtp("smtps://a%40b.example@mail.example", login).unwrap(),
        (SmtpSecurity::Tls, 465, user)
    );
    assert_eq!(
        smtp("smtp://mail.example", "").unwrap(),
        (SmtpSecurity::StartTls, 587, None)
    );
    assert_eq!(
        smtp("smtp://127.0.0.1:2525", "").unwrap(),
        (SmtpSecurity::PlainLoopback, 2525, None)
    );
    assert_eq!(
        smtp("smtp://[::1]", "").unwrap(),
        (SmtpSecurity::PlainLoopback, 25, None)
    );
    for (url, rest) in [
        ("smtps://u:secret@mail.example", login),
        ("smtps://u@mail.example", ""),
        ("smtps://mail.example", login),
        ("https://mail.example", ""),
        ("mail.example", ""),
    ] {
        assert!(smtp(url, rest).is_err(), "{url}");
    }
}

#[test]
fn feeds_of_a_list_join_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let list = r#"<opml version="2.0"><body><outline text="G"><outline text="a" xmlUrl="https://x.example/1"/>
        <outline text="twin" xmlUrl="https://x.example/2"/></outline></body></opml>"#;
    std::fs::write(folder.path().join("list.opml"), list).unwrap();
    let file = folder.path().join("tidings.toml");
    let text = "feeds_from = [\"list.opml\"]\n[[feed]]\nname = \"a\"\nurl = \"https://x.example/2\"\n";
    std::fs::write(&file, text).unwrap();
    let config = load(Some(&file), std::iter::empty()).unwrap();
    let seen: Vec<_> = config.feeds.iter().map(|f| (f.name, f.url)).collect();
    assert_eq!(seen, [("a", "https://x.example/2"), ("a (2)", "https://x.example/1")]);
    std::fs::remove_file(folder.path().join("list.opml")).unwrap();
    let error = load(Some(&file), std::iter::empty()).unwrap_err().to_string();
    assert!(error.contains("feeds_from: cannot read"), "{error}");
}

#[test]
fn how_a_feed_and_a_host_are_asked_is_read_with_files_beside_the_configuration() {
    let config = load_text(
        r#"[[host]]
name = "*.Example.ORG"
connections = 4
spacing = "0s"
shares_rest = false
[[feed]]
name = "a"
url = "https://x.example/1"
[feed.access]
user = "me"
password_file = "secret"
proxy = "socks5h://127.0.0.1:9050"
ca_file = "/etc/ca.pem"
timeout = "1m"
[feed.access.headers]
X-Key = "a b"
[[feed]]
name = "b"
url = "https://x.example/2"
"#,
        &[],
    )
    .unwrap();
    let (a, b) = (config.feeds.get(0).unwrap(), config.feeds.get(1).unwrap());
    assert!(a.access.password_file.as_ref().unwrap().is_absolute());
    assert!(a.access.password_file.as_ref().unwrap().ends_with("secret"));
    assert_eq!(a.access.ca_file.as_deref(), Some(std::path::Path::new("/etc/ca.pem")));
    assert_eq!(a.access.timeout_seconds, Some(60));
    assert_eq!(a.access.headers.get("X-Key").map(String::as_str), Some("a b"));
    assert_eq!(*b.access, crate::model::feed::Access::default());
    let [host] = &config.fetch.hosts[..] else {
        panic!("{:?}", config.fetch.hosts)
    };
    assert_eq!(
        (host.connections, host.spacing, host.shares_rest),
        (Some(4), Some(Duration::ZERO), false)
    );
    assert!(host.is_of("feeds.example.org") && !host.is_of("example.com"));
}

/// Each of these texts after this one is one fault, which begins so.
fn assert_faults(before: &str, cases: &[(&str, &str)]) {
    for (text, fault) in cases {
        let found = faults(&format!("{before}{text}\n"));
        assert!(
            found.len() == 1 && found.iter().all(|line| line.contains(fault)),
            "{text}: {fault}\n{found:#?}"
        );
    }
}

const ACCESS: &str = "[[feed]]\nname = \"a\"\nurl = \"https://x.example/\"\n[feed.access]\n";

#[test]
fn what_makes_no_sense_of_how_a_feed_is_asked_is_a_fault() {
    let both = "feed[0].access.user: user and password_file belong together";
    let cases = [
        ("user = \"me\"", both),
        ("password_file = \"x\"", both),
        (
            "user = \"me\"\npassword_file = \"x\"\ntoken_file = \"y\"",
            "feed[0].access.token_file: a feed is asked with a token or with a password",
        ),
        (
            "proxy = \"ftp://x.example\"",
            "feed[0].access.proxy: \"ftp://x.example\" is no proxy",
        ),
        (
            "proxy = \"127.0.0.1:9050\"",
            "feed[0].access.proxy: \"127.0.0.1:9050\" is no proxy",
        ),
        ("timeout = \"0s\"", "feed[0].access.timeout: must be from 1s to 10m"),
        ("timeout = 30", "feed[0].access.timeout: must be"),
        ("pasword_file = \"x\"", "unknown key; did you mean \"password_file\"?"),
    ];
    assert_faults(ACCESS, &cases);
}

#[test]
fn headers_that_are_not_the_operators_to_set_are_faults() {
    let cases = [
        (
            "authorization = \"x\"",
            "\"authorization\" is no header that can be set here",
        ),
        (
            "If-None-Match = \"x\"",
            "\"If-None-Match\" is no header that can be set here",
        ),
        ("\"X Y\" = \"x\"", "\"X Y\" is no header that can be set here"),
        (
            "X-Y = \"a\\r\\nb\"",
            "the value of \"X-Y\" must be plain ASCII on one line",
        ),
        ("X-Y = 1", "feed[0].access.headers"),
    ];
    assert_faults(&format!("{ACCESS}[feed.access.headers]\n"), &cases);
    assert_faults(ACCESS, &[("headers = \"X: y\"", "feed[0].access.headers: must be")]);
}

#[test]
fn what_makes_no_sense_of_how_a_host_is_asked_is_a_fault() {
    let cases = [
        ("connections = 1", "host[0].name"),
        (
            "name = \"http://x.example\"",
            "host[0].name: \"http://x.example\" is no host",
        ),
        ("name = \"x.example:80\"", "host[0].name: \"x.example:80\" is no host"),
        ("name = \"*\"", "host[0].name: \"*\" is no host"),
        ("name = \"*.\"", "host[0].name: \"*.\" is no host"),
        (
            "name = \"x\"\nconnections = 0",
            "host[0].connections: must be from 1 to 64",
        ),
        (
            "name = \"x\"\nspacing = \"2h\"",
            "host[0].spacing: must be from 0s to 1h",
        ),
        ("name = \"x\"\nshares_rest = \"no\"", "host[0].shares_rest: must be"),
        ("name = \"x\"\nspace = \"1s\"", "host[0].space: unknown key"),
    ];
    assert_faults("[[host]]\n", &cases);
}

#[test]
fn the_built_in_file_names_every_key_of_how_feeds_and_hosts_are_asked() {
    // What stands there as a comment is a configuration without fault too.
    let (before, rest) = DEFAULT.split_once("# [[feed]]\n").unwrap();
    let (example, _) = rest.split_once("\n\n").unwrap();
    let (_, host) = before.split_once("# [[host]]\n").unwrap();
    let (host, _) = host.split_once("\n\n").unwrap();
    let said = |text: &str| -> String {
        let lines = text.lines().filter_map(|line| line.strip_prefix("# "));
        let lines = lines.filter(|line| line.contains(" = ") || line.starts_with('['));
        lines.map(|line| format!("{line}\n")).collect()
    };
    // A feed has a password or a token.
    let example = said(example).replace("token_file = \"town-hall-token\"\n", "");
    let config = load_text(&format!("[[host]]\n{}[[feed]]\n{example}", said(host)), &[]).unwrap();
    let feed = config.feeds.get(0).unwrap();
    let access = feed.access;
    assert_eq!(feed.manner.identity, Some(IdentityPolicy::Link));
    assert!(feed.manner.select.is_some() && !access.user.is_empty() && !access.proxy.is_empty());
    assert!(access.password_file.is_some() && access.ca_file.is_some() && access.timeout_seconds.is_some());
    assert_eq!(access.headers.len(), 1);
    let host = config.fetch.hosts.first().unwrap();
    assert!(host.connections.is_some() && host.spacing.is_some() && !host.shares_rest);
}

#[test]
fn a_hold_of_a_feed_and_of_a_view_is_a_day_at_most() {
    let feed = "[[feed]]\nname = \"a\"\nurl = \"https://a.example/\"\n";
    let config = load_text(
        &format!("{feed}hold = \"10m\"\n[[view]]\nname = \"v\"\nhold = \"24h\"\n"),
        &[],
    )
    .unwrap();
    assert_eq!(config.feeds.get(0).unwrap().manner.hold_seconds, 600);
    assert_eq!(config.views.first().unwrap().hold.as_secs(), 86_400);
    assert_faults(feed, &[("hold = \"25h\"", "feed[0].hold: must be from 0s to 24h")]);
    assert_faults("[[view]]\nname = \"v\"\n", &[("hold = 10", "view[0].hold: must be")]);
}

#[test]
fn by_what_entries_are_told_apart_is_one_of_four_words() {
    let feed = "[[feed]]\nname = \"a\"\nurl = \"https://a.example/\"\n";
    let cases = [
        (
            "identity = \"title\"",
            "feed[0].identity: \"title\" is none of \"guid\", \"link\", \"title_and_date\", \"text\"",
        ),
        ("identity = 1", "feed[0].identity: must be a text"),
    ];
    assert_faults(feed, &cases);
    for policy in IdentityPolicy::ALL {
        let config = load_text(&format!("{feed}identity = \"{}\"\n", policy.as_str()), &[]).unwrap();
        assert_eq!(config.feeds.get(0).unwrap().manner.identity, Some(policy));
    }
}
