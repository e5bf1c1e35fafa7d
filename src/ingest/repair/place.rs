//! What holds at a place of a document: namespaces, languages, base addresses, and what stands around it.

use url::Url;

use crate::ingest::repair::draft::Draft;
use crate::ingest::repair::reader::{MAX_ATTRIBUTES, MAX_BASE_BYTES, Open, Reader};
use crate::ingest::repair::tokens::attributes;
use crate::ingest::repair::values::{Attributes, language_tag};
use crate::ingest::repair::vocabulary::{Element, Space, local, space, usual};
use crate::model::feed::is_web;

impl Reader<'_> {
    /// An entry among the entries is one, whatever namespace it declares for itself.
    pub(super) fn adopt(&mut self, name: &str) {
        let is_entry = ["item", "entry"].iter().any(|entry| entry.eq_ignore_ascii_case(name));
        let parent = self.open.last().map(|open| open.element);
        if let Some((_, space)) = self.defaults.last_mut()
            && *space == Space::Other
            && is_entry
            && matches!(parent, Some(Element::Root | Element::Channel | Element::Group))
        {
            *space = Space::Core;
        }
    }

    /// The attributes by their names without prefix, in small letters; what changes addresses, languages and names is noted.
    pub(super) fn attributes(&mut self, raw: &str) -> Attributes {
        let mut said = Attributes::default();
        for (name, value) in attributes(raw).take(MAX_ATTRIBUTES) {
            let value = self.references.resolve(value).into_owned();
            let lower = name.to_ascii_lowercase();
            match lower.as_str() {
                "xmlns" => self.defaults.push((self.open.len() + 1, space(&value))),
                "xml:base" => self.bases.extend(self.base_of(&value)),
                "xml:lang" | "lang" => self.languages.push(language_tag(&value)),
                _ => {}
            }
            if let Some(prefix) = lower.strip_prefix("xmlns:") {
                self.prefixes.insert(prefix.to_owned(), space(&value));
            }
            let key = if lower.starts_with("xml") {
                lower
            } else {
                local(&lower).to_owned()
            };
            said.0.push((key, value));
        }
        said
    }

    /// The namespace of a name. Core elements of RSS and Atom may stand under any default namespace that nobody knows.
    pub(super) fn space(&self, name: &str) -> Space {
        match name.rsplit_once(':') {
            Some((prefix, _)) => {
                let prefix = prefix.to_ascii_lowercase();
                match self.prefixes.get(&prefix) {
                    Some(Space::Other) | None => usual(&prefix),
                    Some(space) => *space,
                }
            }
            None => match self.defaults.last() {
                Some((depth, Space::Other)) if *depth <= 2 => Space::Core,
                Some((_, space)) => *space,
                None => Space::Core,
            },
        }
    }

    /// The base address that an attribute gives, resolved by the one that holds so far.
    pub(super) fn base_of(&self, value: &str) -> Option<Url> {
        let base = self.base().join(value.trim()).ok()?;
        let is_usable = is_web(&base) && base.as_str().len() <= MAX_BASE_BYTES;
        is_usable.then_some(base)
    }

    pub(super) fn base(&self) -> &Url {
        self.bases.last().unwrap_or(&self.address)
    }

    pub(super) fn absolute(&self, link: &str) -> String {
        match link.trim() {
            "" => String::new(),
            // Line ends and tabs within do not count (URL Standard, "basic URL parser").
            link => self.base().join(link).map(String::from).unwrap_or_default(),
        }
    }

    /// Whether this is within something that has titles and links of its own. An unknown element of RSS itself is none: it may only
    /// be one that was never closed.
    pub(super) fn is_aside(&self) -> bool {
        self.around().any(|open| match open.element {
            Element::Aside | Element::Contributor => true,
            Element::Other => !matches!(open.space, Space::Rdf | Space::Core),
            _ => false,
        })
    }

    /// Whether this is within an element of RSS that nobody knows.
    pub(super) fn is_in_unknown(&self) -> bool {
        self.around().any(|open| open.element == Element::Other)
    }

    /// What is open around the innermost element, up to its entry.
    pub(super) fn around(&self) -> impl Iterator<Item = &Open<'_>> {
        self.open
            .iter()
            .rev()
            .skip(1)
            .take_while(|open| open.element != Element::Entry)
    }

    pub(super) fn within(&self, element: Element) -> bool {
        self.open
            .iter()
            .rev()
            .take_while(|open| open.element != Element::Entry)
            .any(|open| open.element == element)
    }

    pub(super) fn draft(&mut self) -> &mut Draft {
        self.entry.as_mut().unwrap_or(&mut self.feed)
    }

    pub(super) fn place(&self) -> String {
        if self.entry.is_some() {
            format!("item {}", self.entries.len() + 1)
        } else {
            "feed".to_owned()
        }
    }

    pub(super) fn is_atom(&self) -> bool {
        matches!(self.format, Some("atom" | "atom03"))
    }
}
