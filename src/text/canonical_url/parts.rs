//! The parts of an address that say which page it is, each written in the one way that RFC 3986 §6.2.2 calls normal.

use std::borrow::Cow;

use url::Url;

use crate::model::feed::is_web;
use crate::text::canonical_url::sessions;

/// What stands for itself in a path beside letters and digits. Escaped it means the same to servers: a page of an encyclopedia
/// has its brackets in either way. What could part something (`;`, `=`, `&`, `+`, `$`) stays as it was written.
const IN_PATH: &[u8] = b"-._~!'()*,:@";
/// The same in a query and a fragment, where a path has no meaning.
const IN_QUERY: &[u8] = b"-._~!'()*,:@/?";

/// An http or https address in parts.
pub(super) struct Parts {
    /// In small letters, without `www.`; a name in another script as `xn--`.
    pub(super) host: String,
    /// Only where it is no scheme's own.
    pub(super) port: Option<u16>,
    /// Without a slash at its end.
    pub(super) path: String,
    /// The parameters in their order, as `name=value`.
    pub(super) pairs: Vec<String>,
    /// Only where it is the address of a page in an application of one page.
    pub(super) fragment: Option<String>,
}

impl Parts {
    pub(super) fn of(link: &str) -> Option<Self> {
        let url = Url::parse(link.trim()).ok().filter(is_web)?;
        let host = url.host_str()?;
        let mut host = host.strip_suffix('.').unwrap_or(host);
        while let Some(rest) = host.strip_prefix("www.") {
            host = rest;
        }
        if host.split('.').any(str::is_empty) {
            return None;
        }
        let path = normal(url.path(), b"/;=&+$", IN_PATH);
        let pairs = url.query().into_iter().flat_map(|query| query.split('&'));
        let pairs = pairs.filter(|pair| !pair.is_empty());
        Some(Self {
            host: host.to_owned(),
            // The schemes count as one, and so do their ports.
            port: url.port().filter(|port| !matches!(port, 80 | 443)),
            path: sessions::without_session(&path).trim_end_matches('/').to_owned(),
            pairs: pairs.map(|pair| normal(pair, b";=+$", IN_QUERY).into_owned()).collect(),
            fragment: url.fragment().and_then(page_within),
        })
    }

    /// The values of the parameters of a name, escapes resolved.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.pairs
            .iter()
            .filter_map(|pair| pair.split_once('='))
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| resolved(value))
    }

    /// An address that stands in the path, with the query and fragment, which are its own.
    pub(super) fn with_query(&self, address: &str) -> String {
        let query = self.pairs.join("&");
        let parts = [
            ("", Some(address)),
            ("?", Some(query.as_str())),
            ("#", self.fragment.as_deref()),
        ];
        let parts = parts.into_iter().filter_map(|(before, part)| Some((before, part?)));
        let parts = parts.filter(|(_, part)| !part.is_empty());
        parts.flat_map(|(before, part)| [before, part]).collect()
    }

    /// Whether the host is this one, or one under it.
    pub(super) fn is_at(&self, host: &str) -> bool {
        is_within(&self.host, host)
    }
}

/// Whether a host is this domain, or one under it.
pub(super) fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether a text is an http or https address.
pub(super) fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_web(&url))
}

/// A fragment that begins with `!` or `/`, up to what only marks a place in its text (`:~:`).
fn page_within(fragment: &str) -> Option<String> {
    let fragment = normal(fragment, b";=&+$", IN_QUERY);
    let page = fragment.split(":~:").next().unwrap_or_default();
    let is_page = page.starts_with(['!', '/']) && !page.trim_matches(['!', '/']).is_empty();
    is_page.then(|| page.to_owned())
}

/// Escapes in capitals, and only where they must be: never of letters, digits and `free` characters. Those of `parting` characters
/// stay escaped or not, as they were written.
fn normal<'a>(text: &'a str, parting: &[u8], free: &[u8]) -> Cow<'a, str> {
    let is_free = |byte: u8| byte.is_ascii_alphanumeric() || free.contains(&byte);
    let stays = |byte: u8| is_free(byte) || parting.contains(&byte);
    if text.bytes().all(stays) {
        return Cow::Borrowed(text);
    }
    let mut normal = String::with_capacity(text.len() + 8);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let escaped = (byte == b'%').then(|| escaped_byte(&mut bytes)).flatten();
        match escaped {
            Some(byte) if is_free(byte) => normal.push(char::from(byte)),
            None if stays(byte) => normal.push(char::from(byte)),
            _ => push_escape(&mut normal, escaped.unwrap_or(byte)),
        }
    }
    Cow::Owned(normal)
}

/// A text with its escapes resolved.
pub(super) fn resolved(text: &str) -> String {
    let mut resolved = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let escaped = (byte == b'%').then(|| escaped_byte(&mut bytes)).flatten();
        resolved.push(escaped.unwrap_or(byte));
    }
    String::from_utf8_lossy(&resolved).into_owned()
}

/// The byte that two hexadecimal digits stand for; nothing is taken where there are none.
fn escaped_byte(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let mut ahead = bytes.clone();
    let mut digit = || {
        char::from(ahead.next()?)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let byte = digit()? << 4 | digit()?;
    *bytes = ahead;
    Some(byte)
}

fn push_escape(text: &mut String, byte: u8) {
    let digit = |digit: u8| char::from_digit(u32::from(digit), 16).map(|digit| digit.to_ascii_uppercase());
    text.push('%');
    text.extend([digit(byte >> 4), digit(byte & 15)].into_iter().flatten());
}
