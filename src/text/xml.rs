//! Writes XML: every text escaped, nothing that XML 1.0 cannot hold.

use memchr::memmem;
use quick_xml::escape::escape;

use crate::text::without_control_characters;

/// A document being written.
#[derive(Debug)]
pub struct Xml(String);

impl Xml {
    /// A document with its declaration.
    #[must_use]
    pub fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_owned())
    }

    /// A part of a document, without declaration, of about so many bytes.
    #[must_use]
    pub fn fragment(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Opens an element.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.0.push('>');
    }

    /// Closes an element.
    pub fn close(&mut self, name: &str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push_str(">\n");
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.0.push_str("/>\n");
    }

    /// An element with a text in it.
    pub fn text(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.escaped(text);
        self.close(name);
    }

    /// The same, unless the text is empty.
    pub fn text_if_any(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        if !text.is_empty() {
            self.text(name, attributes, text);
        }
    }

    /// An element with a text in it that may be long and full of markup: as CDATA, which readers take in one piece.
    pub fn literal(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.0.push_str("<![CDATA[");
        let text = without_control_characters(text);
        // The end mark within the text is parted in two sections.
        if memmem::find(text.as_bytes(), b"]]>").is_some() {
            self.0.push_str(&text.replace("]]>", "]]]]><![CDATA[>"));
        } else {
            self.0.push_str(&text);
        }
        self.0.push_str("]]>");
        self.close(name);
    }

    /// How many bytes are written and not taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether all that was written is taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was written so far, to be sent ahead; more follows.
    #[must_use]
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.0)
    }

    /// The whole document, or what of it was not taken.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            self.0.push(' ');
            self.0.push_str(attribute);
            self.0.push_str("=\"");
            self.escaped(value);
            self.0.push('"');
        }
    }

    fn escaped(&mut self, text: &str) {
        self.0.push_str(&escape(without_control_characters(text).as_ref()));
    }
}

impl Default for Xml {
    fn default() -> Self {
        Self::new()
    }
}
