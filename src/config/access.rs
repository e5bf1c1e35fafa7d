//! How single feeds and hosts are asked: `[feed.access]` and `[[host]]`.

use std::path::Path;
use std::time::Duration;

use url::Url;

use crate::config::HostConfig;
use crate::config::section::Section;
use crate::model::feed::Access;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
/// Headers that are ours to send: validators, codings, who asks, and what the connection is about.
const OURS: [&str; 9] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "host",
    "if-modified-since",
    "if-none-match",
    "transfer-encoding",
    "user-agent",
];

/// Reads `[feed.access]`; files start from `folder`.
pub(super) fn access(mut section: Section, folder: &Path) -> Access {
    let mut file = |name| {
        section
            .text(name)
            .filter(|path| !path.is_empty())
            .map(|path| folder.join(path))
    };
    let (password_file, token_file, ca_file) = (file("password_file"), file("token_file"), file("ca_file"));
    let user = section.text("user").unwrap_or_default();
    if user.is_empty() != password_file.is_none() {
        section.fault("user", "user and password_file belong together: one of them is missing");
    }
    if token_file.is_some() && password_file.is_some() {
        section.fault(
            "token_file",
            "a feed is asked with a token or with a password, not with both",
        );
    }
    let headers = section.named_texts("headers");
    for (name, value) in &headers {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !is_name || OURS.contains(&name.to_ascii_lowercase().as_str()) {
            section.fault("headers", format!("{name:?} is no header that can be set here"));
        }
        if !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            section.fault(
                "headers",
                format!("the value of {name:?} must be plain ASCII on one line"),
            );
        }
    }
    let proxy = section.text("proxy").unwrap_or_default();
    let is_proxy = |url: Url| matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h") && url.has_host();
    if !proxy.is_empty() && !Url::parse(&proxy).is_ok_and(is_proxy) {
        section.fault(
            "proxy",
            format!("{proxy:?} is no proxy, such as \"socks5h://127.0.0.1:9050\" or \"http://proxy.example:3128\""),
        );
    }
    let has_timeout = section.has("timeout");
    let timeout = section.duration("timeout", SECOND..=600 * SECOND, 30 * SECOND);
    let access = Access {
        user,
        password_file,
        token_file,
        headers,
        proxy,
        ca_file,
        timeout_seconds: has_timeout.then_some(timeout.as_secs()),
    };
    section.finish();
    access
}

/// Reads `[[host]]`.
pub(super) fn hosts(root: &mut Section) -> Vec<HostConfig> {
    let hosts = root.sections("host").into_iter().map(|mut section| {
        let name = section.required_text("name").to_ascii_lowercase();
        let plain = name.strip_prefix("*.").unwrap_or(&name);
        if !name.is_empty() && (plain.is_empty() || plain.contains(['*', '/', ':', '@', ' '])) {
            section.fault(
                "name",
                format!("{name:?} is no host, such as \"feeds.example.org\" or \"*.example.org\""),
            );
        }
        let (has_connections, has_spacing) = (section.has("connections"), section.has("spacing"));
        let connections = section.integer("connections", 1..=64, 1);
        let spacing = section.duration("spacing", Duration::ZERO..=HOUR, SECOND);
        let host = HostConfig {
            name,
            connections: has_connections.then(|| usize::try_from(connections).unwrap_or(1)),
            spacing: has_spacing.then_some(spacing),
            shares_rest: section.boolean("shares_rest", true),
        };
        section.finish();
        host
    });
    hosts.collect()
}
