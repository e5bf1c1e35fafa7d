//! A web page as a tree, and CSS selectors to find one's way in it. The only door to scraper.

use scraper::{ElementRef, Html, Selector};

use crate::text::html::{cut, for_looking};

/// The largest page that is read, in bytes; what is longer is cut before.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// A CSS selector.
#[derive(Debug, Clone)]
pub struct Css(Selector);

impl Css {
    /// Reads a selector (Selectors Level 4, as far as it does not need a browser).
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    ///
    /// ```
    /// assert!(tidings::text::html::page::Css::parse("article > h2 a[href]").is_ok());
    /// assert!(tidings::text::html::page::Css::parse("article >").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        Selector::parse(text)
            .map(Self)
            .map_err(|_| format!("{text:?} is no CSS selector, such as \"article h2 a\""))
    }
}

/// A web page.
#[derive(Debug)]
pub struct Page(Html);

impl Page {
    /// Reads a page; whatever is wrong with it is mended as browsers mend it.
    #[must_use]
    pub fn parse(html: &str) -> Self {
        Self(Html::parse_document(&for_looking(cut(html, MAX_PAGE_BYTES))))
    }

    /// The elements that a selector finds, in the order of the page.
    pub fn select<'a>(&'a self, css: &'a Css) -> impl Iterator<Item = Part<'a>> {
        self.0.select(&css.0).map(Part)
    }
}

/// An element of a page.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a>(ElementRef<'a>);

impl<'a> Part<'a> {
    /// The elements within this one that a selector finds.
    pub fn select<'b>(&self, css: &'b Css) -> impl Iterator<Item = Part<'a>> + use<'a, 'b> {
        self.0.select(&css.0).map(Part)
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.0.attr(name)
    }

    /// The words within it, in one line.
    #[must_use]
    pub fn words(&self) -> String {
        let text: String = self.0.text().collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The markup within it.
    #[must_use]
    pub fn markup(&self) -> String {
        self.0.inner_html()
    }
}
