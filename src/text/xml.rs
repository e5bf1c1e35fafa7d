//! Writes XML: every text escaped, nothing that XML 1.0 cannot hold.

use memchr::memmem;
use quick_xml::escape::escape;

use crate::text::without_control_characters;

/// A document being written.
#[derive(Debug)]
pub struct Xml {
    text: String,
    /// What stands behind each element.
    line_end: &'static str,
}

impl Xml {
    /// A document with its declaration.
    #[must_use]
    pub fn new() -> Self {
        Self {
            text: "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n".to_owned(),
            line_end: "\n",
        }
    }

    /// A part of a document, for programs: without declaration and line ends.
    #[must_use]
    pub fn fragment() -> Self {
        Self {
            text: String::new(),
            line_end: "",
        }
    }

    /// Opens an element.
    pub fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.text.push('>');
    }

    /// Closes an element.
    pub fn close(&mut self, name: &str) {
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
        self.text.push_str(self.line_end);
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.text.push_str("/>");
        self.text.push_str(self.line_end);
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
        self.text.push_str("<![CDATA[");
        let text = without_control_characters(text);
        // The end mark within the text is parted in two sections.
        if memmem::find(text.as_bytes(), b"]]>").is_some() {
            self.text.push_str(&text.replace("]]>", "]]]]><![CDATA[>"));
        } else {
            self.text.push_str(&text);
        }
        self.text.push_str("]]>");
        self.close(name);
    }

    /// How many bytes are written and not taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether all that was written is taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What was written so far, to be sent ahead; more follows.
    #[must_use]
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// The whole document, or what of it was not taken.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (attribute, value) in attributes {
            self.text.push(' ');
            self.text.push_str(attribute);
            self.text.push_str("=\"");
            self.escaped(value);
            self.text.push('"');
        }
    }

    fn escaped(&mut self, text: &str) {
        self.text.push_str(&escape(without_control_characters(text).as_ref()));
    }
}

impl Default for Xml {
    fn default() -> Self {
        Self::new()
    }
}
