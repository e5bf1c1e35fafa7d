//! What addresses say of a visit: the programs of some sites write its number into each link.

use std::borrow::Cow;

/// Parameters that hold nothing else, by name.
const NAMES: [&str; 9] = [
    "asp.net_sessionid",
    "cfid",
    "cftoken",
    "jsessionid",
    "oscsid",
    "phpsessid",
    "sessid",
    "xtcsid",
    "zenid",
];
/// The same by the beginning of the name.
const PREFIX: &str = "aspsessionid";
/// Parameters that may hold one: where the value is that of a hash.
const PERHAPS: [&str; 5] = ["s", "session", "session_id", "sessionid", "sid"];
/// Digits of the shortest hash.
const HASH_DIGITS: usize = 32;
/// Ends of paths that are programs and no pages: they show what their parameters name.
const PROGRAMS: [&str; 8] = [".asp", ".aspx", ".cfm", ".cgi", ".do", ".jsp", ".php", ".pl"];
/// What begins a session in a segment of a path.
const IN_SEGMENT: [&str; 2] = [";jsessionid=", ";phpsessid="];

/// Whether a parameter holds only the number of a visit, by its name in small letters.
pub(super) fn is_session(name: &str) -> bool {
    NAMES.contains(&name) || name.starts_with(PREFIX)
}

/// Whether a parameter may be the number of a visit.
pub(super) fn may_be_session((name, value): (&str, &str)) -> bool {
    let is_hash = value.len() >= HASH_DIGITS && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash && PERHAPS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a path is that of one page among others: its end has a number or many words, and is no program.
pub(super) fn is_page(path: &str) -> bool {
    let end = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    end.contains(|c: char| c.is_ascii_digit() || c == '-') && !PROGRAMS.iter().any(|program| end.ends_with(program))
}

/// A path without the number of a visit: `;jsessionid=...` of Java, `/(S(...))` of ASP.NET.
pub(super) fn without_session(path: &str) -> Cow<'_, str> {
    if !path.contains([';', '(']) {
        return Cow::Borrowed(path);
    }
    let segments = path.split('/').filter(|segment| !is_visit(segment)).map(page);
    Cow::Owned(segments.collect::<Vec<_>>().join("/"))
}

fn page(segment: &str) -> &str {
    let small = segment.to_ascii_lowercase();
    let begins = IN_SEGMENT.iter().filter_map(|mark| small.find(mark)).min();
    let page = begins.and_then(|at| segment.get(..at)).unwrap_or(segment);
    // What would be left is no name but a step: then it was none before either.
    if matches!(page, "." | "..") { segment } else { page }
}

/// `(S(24 letters and digits))`, maybe with others of its kind: `(X(1)F(...)S(...))`.
fn is_visit(segment: &str) -> bool {
    let inside = segment.strip_prefix('(').and_then(|inside| inside.strip_suffix("))"));
    inside.is_some_and(|inside| {
        inside.split(')').all(|part| part.chars().nth(1) == Some('('))
            && inside.split(')').any(|part| part.starts_with("S(") && part.len() >= 22)
    })
}
