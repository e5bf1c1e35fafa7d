//! From the tables of a configuration to its types: every key, its range, and what must fit together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;
use toml::Table;
use url::{Host, Url};

use crate::config::access::hosts;
use crate::config::feeds::feeds;
use crate::config::pieces::Cut;
use crate::config::schedule::Schedule;
use crate::config::section::{Faults, Section, size};
use crate::config::views::{check_name, views};
use crate::config::{
    Config, DigestConfig, FetchConfig, LogConfig, MailConfig, PollConfig, SmtpConfig, SmtpSecurity, StoreConfig,
    Transport, WebConfig,
};
use crate::model::feed::is_web;
use crate::model::feed_list::FeedList;
use crate::model::view::View;
use crate::text::canonical_url::Links;
use crate::text::canonical_url::trackers::Tracker;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const KIB: u64 = 1024;
const MIB: u64 = 1024 * 1024;

/// Reads the merged tables, and the feeds that were cut out of them; relative paths start from `folder`. None only beside a fault.
pub(super) fn read(
    table: Table,
    cut: &Cut<'_>,
    folder: &Path,
    faults: &Faults,
) -> Result<Option<Config>, Box<toml::de::Error>> {
    let mut root = Section::root(table, faults.clone());
    let mut warnings = Vec::new();
    let (store, web, log) = (store(&mut root, folder), web(&mut root), log(&mut root));
    let (mut fetch, poll, mail) = (fetch(&mut root), poll(&mut root), mail(&mut root, folder));
    if fetch.contact.is_empty() {
        fetch.contact = contract(&web).unwrap_or_default();
    }
    let links = links(&mut root);
    let feeds = feeds(&mut root, cut, folder, faults, &mut warnings)?;
    let views = views(&mut root, &feeds, faults);
    let digests = digests(&mut root, &views);
    let prefer = stories(&mut root, &feeds);
    root.finish();
    if feeds.is_empty() {
        warnings.push("there are no feeds: add [[feed]] tables, or an OPML list with feeds_from".to_owned());
    }
    Ok(mail.map(|mail| Config {
        store,
        web,
        fetch,
        poll,
        links,
        feeds,
        views,
        mail,
        digests,
        prefer,
        log,
        warnings,
    }))
}

fn store(root: &mut Section, folder: &Path) -> StoreConfig {
    let mut section = root.section("store");
    let url = section.required_text("url");
    let path = url.strip_prefix("sqlite:").unwrap_or_else(|| {
        section.fault(
            "url",
            format!("{url:?} is no store; write sqlite:PATH, as in \"sqlite:data/tidings.db\""),
        );
        ""
    });
    let path = folder.join(path.strip_prefix("//").unwrap_or(path));
    section.finish();
    StoreConfig { path }
}

fn web(root: &mut Section) -> WebConfig {
    let mut section = root.section("web");
    let listen = section.required_text("listen");
    let listen = listen.replace("localhost:", "127.0.0.1:").parse().unwrap_or_else(|_| {
        section.fault(
            "listen",
            format!("{listen:?} is no ADDRESS:PORT, such as \"127.0.0.1:8080\" or \"[::1]:0\""),
        );
        ([127, 0, 0, 1], 0).into()
    });
    let public_url = section
        .text("public_url")
        .filter(|text| !text.is_empty())
        .and_then(|text| {
            let url = Url::parse(&text)
                .ok()
                .filter(|url| is_web(url) && url.query().is_none() && url.fragment().is_none());
            if url.is_none() {
                section.fault(
                    "public_url",
                    format!("{text:?} is no http or https address (without ? and #)"),
                );
            }
            url
        });
    section.finish();
    WebConfig { listen, public_url }
}

/// The feeds that lead stories where nothing else decides.
fn stories(root: &mut Section, feeds: &FeedList) -> Vec<String> {
    let mut section = root.section("stories");
    let prefer = section.texts("prefer");
    for name in &prefer {
        if !feeds.iter().any(|feed| View::name_matches(name, feed.name)) {
            section.fault(
                "prefer",
                format!("names no feed: {name:?}; `tidings feed list` shows the names"),
            );
        }
    }
    section.finish();
    prefer
}

fn log(root: &mut Section) -> LogConfig {
    let mut section = root.section("log");
    let format = section.text("format").unwrap_or_default();
    if !matches!(format.as_str(), "plain" | "json") {
        section.fault("format", format!("must be \"plain\" or \"json\", is {format:?}"));
    }
    let filter = section.required_text("filter");
    if let Err(e) = filter.parse::<tracing_subscriber::filter::Targets>() {
        section.fault(
            "filter",
            format!("{filter:?} is no log filter ({e}); write a level such as \"info\""),
        );
    }
    section.finish();
    LogConfig {
        json: format == "json",
        filter,
    }
}

/// The page that tells publishers how they are treated, where anybody can reach it.
fn contract(web: &WebConfig) -> Option<String> {
    let url = web.public_url.as_ref()?.as_str().trim_end_matches('/');
    (!url.contains(['(', ')'])).then(|| format!("{url}/politeness"))
}

fn fetch(root: &mut Section) -> FetchConfig {
    let mut section = root.section("fetch");
    let allow_private_networks = section
        .texts("allow_private_networks")
        .into_iter()
        .filter_map(|text| {
            let network = text
                .parse::<IpNet>()
                .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
            if network.is_err() {
                section.fault(
                    "allow_private_networks",
                    format!("{text:?} is no network, such as \"192.168.1.0/24\""),
                );
            }
            network.ok()
        })
        .collect();
    let contact = section.text("contact").unwrap_or_default();
    if !contact.chars().all(|c| c.is_ascii_graphic()) || contact.contains(['(', ')']) {
        section.fault("contact", "must be a web or mail address: it goes into an HTTP header");
    }
    let config = FetchConfig {
        allow_private_networks,
        host_connections: size(section.integer("host_connections", 1..=64, 1)),
        host_spacing: section.duration("host_spacing", Duration::ZERO..=HOUR, SECOND),
        hosts: hosts(root),
        timeout: section.duration("timeout", SECOND..=10 * MINUTE, 30 * SECOND),
        max_body_bytes: section.integer("max_body_bytes", KIB..=256 * MIB, 10 * MIB),
        contact,
    };
    section.finish();
    config
}

fn poll(root: &mut Section) -> PollConfig {
    let mut section = root.section("poll");
    let config = PollConfig {
        interval: section.duration("interval", MINUTE..=30 * DAY, HOUR),
        min_interval: section.duration("min_interval", MINUTE..=30 * DAY, 15 * MINUTE),
        max_interval: section.duration("max_interval", MINUTE..=30 * DAY, DAY),
        concurrency: size(section.integer("concurrency", 1..=1024, 64)),
    };
    if !(config.min_interval..=config.max_interval).contains(&config.interval) {
        section.fault("interval", "must lie between min_interval and max_interval");
    }
    section.finish();
    config
}

fn links(root: &mut Section) -> Links {
    let mut section = root.section("links");
    let mut trackers = Vec::new();
    for text in section.texts("trackers") {
        match Tracker::parse(&text) {
            Ok(tracker) => trackers.push(tracker),
            Err(e) => section.fault("trackers", e.to_string()),
        }
    }
    section.finish();
    Links::new(trackers)
}

fn mail(root: &mut Section, folder: &Path) -> Option<MailConfig> {
    let mut section = root.section("mail");
    let from = section.required_text("from");
    let from = mailbox(&section, "from", &from);
    let kind = section.text("transport").unwrap_or_default();
    let transport = match kind.as_str() {
        "directory" => Some(Transport::Directory(folder.join(section.required_text("directory")))),
        "smtp" => {
            // Set where one transport was taken for another: it means nothing here.
            section.text("directory");
            let url = section.required_text("url");
            let password_file = section.text("password_file").map(|path| folder.join(path));
            match smtp(&url, password_file) {
                Ok(smtp) => Some(Transport::Smtp(smtp)),
                Err(reason) => {
                    section.fault("url", reason);
                    None
                }
            }
        }
        other => {
            section.fault("transport", format!("must be \"directory\" or \"smtp\", is {other:?}"));
            None
        }
    };
    section.finish();
    Some(MailConfig {
        from: from?,
        transport: transport?,
    })
}

fn mailbox(section: &Section, key: &str, text: &str) -> Option<Mailbox> {
    let mailbox = text.parse().ok();
    if mailbox.is_none() {
        section.fault(
            key,
            format!("{text:?} is no mail address, such as \"Name <name@example.org>\""),
        );
    }
    mailbox
}

/// Reads `smtps://user@host:465`, `smtp://user@host:587`.
fn smtp(text: &str, password_file: Option<PathBuf>) -> Result<SmtpConfig, String> {
    let hint = "write smtps://user@host:465 or smtp://user@host:587";
    let url = Url::parse(text).map_err(|e| format!("{text:?} is no address ({e}); {hint}"))?;
    // `url` reads hosts of schemes it does not know as opaque text: numbers in it become addresses here.
    let host = match url.host() {
        Some(Host::Domain(name)) if !name.is_empty() => name.to_lowercase(),
        Some(Host::Ipv4(ip)) => ip.to_string(),
        Some(Host::Ipv6(ip)) => ip.to_string(),
        _ => return Err(format!("{text:?} names no host; {hint}")),
    };
    if url.password().is_some() {
        return Err("must not hold a password; put it into a file and name that as password_file".to_owned());
    }
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let (security, port) = match url.scheme() {
        "smtps" => (SmtpSecurity::Tls, 465),
        "smtp" if loopback => (SmtpSecurity::PlainLoopback, 25),
        "smtp" => (SmtpSecurity::StartTls, 587),
        other => return Err(format!("{other}: is no way to send mail; {hint}")),
    };
    let user = percent_decoded(url.username());
    if user.is_empty() && password_file.is_some() {
        return Err(format!("names no user, but there is a password_file; {hint}"));
    }
    if !user.is_empty() && password_file.is_none() {
        return Err("names a user, but password_file is missing".to_owned());
    }
    Ok(SmtpConfig {
        security,
        host,
        port: url.port().unwrap_or(port),
        user: (!user.is_empty()).then_some(user),
        password_file,
    })
}

fn percent_decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("u={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn digests(root: &mut Section, views: &[View]) -> Vec<DigestConfig> {
    let mut digests: Vec<DigestConfig> = Vec::new();
    for mut section in root.sections("digest") {
        let name = section.required_text("name");
        check_name(&section, &name, digests.iter().any(|d| d.name == name));
        let view = section.required_text("view");
        if !view.is_empty() && !views.iter().any(|v| v.name == view) {
            section.fault("view", format!("there is no view {view:?}"));
        }
        let zone = section.text("time_zone").unwrap_or_else(|| "UTC".to_owned());
        let zone = TimeZone::get(&zone).unwrap_or_else(|_| {
            section.fault(
                "time_zone",
                format!("{zone:?} is no time zone; write one such as \"Asia/Tehran\""),
            );
            TimeZone::UTC
        });
        let text = section.required_text("schedule");
        let schedule = Schedule::parse(&text, zone);
        if let (Err(e), false) = (&schedule, text.is_empty()) {
            section.fault("schedule", e.to_string());
        }
        let to = section.texts("to");
        if to.is_empty() {
            section.fault("to", "names no recipient");
        }
        let to = recipients(&section, &to);
        let skip_if_empty = section.boolean("skip_if_empty", true);
        let items = size(section.integer("items", 1..=1000, 100));
        section.finish();
        if let Ok(schedule) = schedule {
            digests.push(DigestConfig {
                name,
                view,
                schedule,
                to,
                skip_if_empty,
                items,
            });
        }
    }
    digests
}

/// The recipients; each address once.
fn recipients(section: &Section, addresses: &[String]) -> Vec<Mailbox> {
    let mut recipients: Vec<Mailbox> = Vec::new();
    for recipient in addresses.iter().filter_map(|address| mailbox(section, "to", address)) {
        if recipients.iter().any(|known| known.email == recipient.email) {
            section.fault("to", format!("names {} twice", recipient.email));
        }
        recipients.push(recipient);
    }
    recipients
}
