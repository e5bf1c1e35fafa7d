//! Makes broken XML well-formed, in one pass.
//!
//! Mended are bare ampersands, entities of HTML, tags that are unclosed, crossed or stray, a cut end, control characters, and
//! nesting that is too deep for the parser's stack.

use std::borrow::Cow;
use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_html5_entity, resolve_xml_entity, unescape_with};
use quick_xml::events::{BytesStart, Event};

/// Elements within elements that reach the parser; deeper ones lose their tags. The parser recurses on the stack for some.
const MAX_DEPTH: usize = 200;
/// Attributes of one element that reach the parser, which takes quadratic time over them.
const MAX_ATTRIBUTES: usize = 64;
/// Elements that reach the parser: far more than any feed has, far fewer than would fill the memory.
const MAX_ELEMENTS: usize = 400_000;

/// The document with every element closed, every reference resolved and nothing that XML forbids.
#[must_use]
pub fn repair(xml: &str) -> String {
    let start = xml.find('<').unwrap_or_default();
    let mut reader = Reader::from_str(xml.get(start..).unwrap_or_default());
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut out = Output {
        xml: String::with_capacity(xml.len() + xml.len() / 8),
        open: Vec::new(),
        counts: HashMap::new(),
        elements: 0,
    };
    while out.elements < MAX_ELEMENTS {
        match reader.read_event() {
            Ok(Event::Start(tag)) => out.start(&tag),
            Ok(Event::Empty(tag)) => out.empty(&tag),
            Ok(Event::End(tag)) => out.end(tag.name().as_ref()),
            Ok(Event::Text(text)) => out.text(&text),
            Ok(Event::CData(text)) => out.text(&text),
            Ok(Event::GeneralRef(name)) => out.text(&resolved(&format!("&{};", &*name))),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    out.finish()
}

struct Output {
    xml: String,
    open: Vec<String>,
    /// How many elements of each name are open: a stray end is known without a search.
    counts: HashMap<String, usize>,
    elements: usize,
}

impl Output {
    fn start(&mut self, tag: &BytesStart<'_>) {
        if self.open.len() < MAX_DEPTH {
            self.tag(tag, ">");
        }
        let name = tag.name().as_ref().to_owned();
        *self.counts.entry(name.clone()).or_default() += 1;
        self.open.push(name);
    }

    fn empty(&mut self, tag: &BytesStart<'_>) {
        if self.open.len() < MAX_DEPTH {
            self.tag(tag, "/>");
        }
    }

    fn tag(&mut self, tag: &BytesStart<'_>, end: &str) {
        self.elements += 1;
        self.xml.push('<');
        self.xml.push_str(tag.name().as_ref());
        let mut seen: Vec<&str> = Vec::new();
        for attribute in tag.html_attributes().with_checks(false).flatten().take(MAX_ATTRIBUTES) {
            let name = attribute.key.0;
            let is_name = name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.'));
            if !is_name || seen.contains(&name) {
                continue;
            }
            seen.push(name);
            let value = resolved(&attribute.value).into_owned();
            self.xml
                .push_str(&format!(" {name}=\"{}\"", escape(allowed(&value).as_ref())));
        }
        self.xml.push_str(end);
    }

    /// Closes what is open inside; a tag that closes nothing is dropped.
    fn end(&mut self, name: &str) {
        let is_open = self.counts.get(name).is_some_and(|count| *count > 0);
        if is_open && let Some(at) = self.open.iter().rposition(|open| open == name) {
            self.close_down_to(at);
        }
    }

    fn close_down_to(&mut self, depth: usize) {
        while self.open.len() > depth
            && let Some(name) = self.open.pop()
        {
            // Those beyond the depth were never opened.
            if self.open.len() < MAX_DEPTH {
                self.xml.push_str(&format!("</{name}>"));
            }
            self.counts.entry(name).and_modify(|count| *count -= 1);
        }
    }

    fn text(&mut self, text: &str) {
        self.xml.push_str(&escape(allowed(text).as_ref()));
    }

    fn finish(mut self) -> String {
        self.close_down_to(0);
        self.xml
    }
}

/// Without the characters that XML 1.0 §2.2 cannot hold.
fn allowed(text: &str) -> Cow<'_, str> {
    crate::text::without_control_characters(text)
}

/// References of XML and HTML resolved; what is none stays as it is.
fn resolved(text: &str) -> Cow<'_, str> {
    let known = |name: &str| resolve_xml_entity(name).or_else(|| resolve_html5_entity(name));
    unescape_with(text, known).unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::repair;

    #[test]
    fn what_is_broken_becomes_well_formed() {
        for (broken, repaired) in [
            ("<a>AT&T &nbsp;&amp; x</a>", "<a>AT&amp;T \u{a0}&amp; x</a>"),
            ("<a><b>x</a>", "<a><b>x</b></a>"),
            ("<a><b><i>x</b></i></a>", "<a><b><i>x</i></b></a>"),
            ("<a>x</i></a>", "<a>x</a>"),
            ("junk<a x=1 x=2 y>z", "<a x=\"1\" y=\"\">z</a>"),
            (
                "<a><![CDATA[<p>x & y\u{1}</p>]]>",
                "<a>&lt;p&gt;x &amp; y&lt;/p&gt;</a>",
            ),
            ("<a>x<b", "<a>x</a>"),
        ] {
            assert_eq!(repair(broken), repaired, "{broken}");
        }
    }

    #[test]
    fn nesting_is_cut_where_the_stack_of_the_parser_would_end() {
        let deep = format!("{}x{}", "<a>".repeat(100_000), "</a>".repeat(100_000));
        let repaired = repair(&deep);
        assert_eq!(repaired, format!("{}x{}", "<a>".repeat(200), "</a>".repeat(200)));
        let hidden = "<a b=\"/>\">".repeat(5000);
        assert_eq!(repair(&hidden).matches("<a ").count(), 200);
    }
}
