//! Texts: where one begins, of which kind it is, what belongs to it, and where it ends.

use std::borrow::Cow;

use quick_xml::escape::escape;

use crate::ingest::repair::capture::{Capture, Kind};
use crate::ingest::repair::reader::{MAX_ATTRIBUTES, MAX_DEPTH, Reader};
use crate::ingest::repair::tokens::attributes;
use crate::ingest::repair::values::Attributes;
use crate::ingest::repair::vocabulary::{Element, Space, element, local};

impl Reader<'_> {
    pub(super) fn text(&mut self, text: &str, is_literal: bool) {
        let text = if is_literal {
            Cow::Borrowed(text)
        } else {
            self.references.resolve(text)
        };
        if let Some(capture) = &mut self.capture {
            return capture.text(text);
        }
        let text = text.trim();
        if text.is_empty() || self.is_aside() {
            return;
        }
        match self.open.last().map(|open| open.element) {
            // People and sources are written as texts in RSS.
            Some(Element::Author) => self.person.name.push_str(text),
            Some(Element::Source) => {
                if let Some(entry) = &mut self.entry {
                    entry.source.1.push_str(text);
                }
            }
            _ => {}
        }
    }

    pub(super) fn begin_capture(&mut self, what: Element, space: Space, said: &Attributes) {
        let Some(open) = self.open.last() else { return };
        let kind = self.kind(what, space, said);
        let attribute = match what {
            Element::Guid => said.get("ispermalink").unwrap_or_default(),
            Element::Link => said.get("href").unwrap_or_default(),
            _ => "",
        };
        let attribute = attribute.to_owned();
        self.capture = Some(Capture::new(open.name, (what, space), kind, attribute));
    }

    fn kind(&self, what: Element, space: Space, said: &Attributes) -> Kind {
        let is_text = matches!(
            what,
            Element::Title | Element::Subtitle | Element::Summary | Element::Content
        );
        if space == Space::Xhtml {
            return Kind::Inline;
        }
        if !is_text || (!self.is_atom() && said.get("type").is_none()) {
            return if is_text { Kind::Html } else { Kind::Plain };
        }
        let mode = said.get("mode").unwrap_or_default().trim().to_ascii_lowercase();
        let kind = said.get("type").unwrap_or_default().trim().to_ascii_lowercase();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        match (kind, mode.as_str()) {
            (kind, "base64") => {
                let is_html = !matches!(kind, "" | "text" | "plain" | "text/plain");
                Kind::Base64 { is_html }
            }
            ("html" | "text/html" | "application/html" | "text/x-html", "xml") => Kind::Inline,
            ("html" | "text/html" | "application/html" | "text/x-html", _) => Kind::Html,
            ("xhtml" | "application/xhtml+xml" | "text/xhtml", _) => Kind::Inline,
            ("" | "text" | "plain" | "text/plain", _) => Kind::Plain,
            (kind, _) if kind.ends_with("xml") => Kind::Inline,
            (kind, _) if kind.starts_with("text/") || !kind.contains('/') => Kind::Plain,
            _ => Kind::Base64 { is_html: true },
        }
    }

    pub(super) fn capture_start(&mut self, name: &str, raw: &str) {
        let Some(mut capture) = self.capture.take() else { return };
        if capture.name.eq_ignore_ascii_case(name) {
            capture.nested += 1;
        }
        if capture.is_full() {
            self.capture = Some(capture);
            return;
        }
        let what = element(Space::Core, local(name));
        capture.holders += usize::from(matches!(what, Element::Entry | Element::Channel | Element::Root));
        capture.inner += 1;
        let base = attributes(raw).find(|(key, _)| key.eq_ignore_ascii_case("xml:base"));
        if let Some(base) = base
            .and_then(|(_, base)| self.base_of(base))
            .filter(|_| self.bases.len() < MAX_DEPTH)
        {
            self.bases.push(base);
            capture.inner_bases.push(capture.inner);
        }
        let mut tag = format!("<{}", local(name));
        for (key, value) in attributes(raw).take(MAX_ATTRIBUTES) {
            if key.starts_with("xmlns")
                || key.starts_with("xml:base")
                || key.contains(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | ':')))
            {
                continue;
            }
            let value = self.references.resolve(value);
            let value = if matches!(key, "href" | "src" | "poster") && !self.bases.is_empty() {
                Cow::Owned(self.absolute(&value))
            } else {
                value
            };
            tag.push_str(&format!(
                " {}=\"{}\"",
                key.strip_prefix("xml:").unwrap_or(key),
                escape(value.as_ref())
            ));
        }
        tag.push('>');
        capture.tag(name, &tag);
        self.capture = Some(capture);
    }

    pub(super) fn end_capture(&mut self) {
        let Some(capture) = self.capture.take() else { return };
        self.captured(capture);
        // The element of the text is the innermost open one.
        self.close();
    }
}
