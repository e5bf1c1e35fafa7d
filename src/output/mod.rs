//! What leaves the house: merged feeds in three formats, OPML, and digests as mails.
//!
//! Here stands the merged feed as data, before it takes one of its formats.

pub mod atom;
pub mod digest;
pub mod json_feed;
pub mod mailer;
pub mod opml;
pub mod relations;
pub mod rss;

use jiff::Timestamp;

use crate::model::story::StoryText;
use crate::text::html::{excerpt, plain_line, to_text};

/// The longest title made from a text, in characters.
const TITLE_CHARS: usize = 80;

/// What a merged feed says.
#[derive(Debug)]
pub struct MergedFeed<'a> {
    /// The name of the view.
    pub view: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Where tidings is reached, without a slash at the end.
    pub public_url: &'a str,
    /// The address of this document.
    pub self_url: String,
    /// When anything in it last changed.
    pub updated: Timestamp,
    /// Its stories, newest place first.
    pub stories: &'a [StoryText],
}

impl<'a> MergedFeed<'a> {
    /// The merged feed of a view in the format with this extension (`atom`, `rss` or `json`).
    #[must_use]
    pub fn new(view: &'a str, title: &'a str, public_url: &'a str, extension: &str, stories: &'a [StoryText]) -> Self {
        Self {
            view,
            title,
            public_url,
            self_url: format!("{public_url}/feeds/{view}.{extension}"),
            // An empty feed has never changed.
            updated: stories
                .iter()
                .map(|story| story.changed_at)
                .max()
                .unwrap_or(Timestamp::UNIX_EPOCH),
            stories,
        }
    }
}

/// A mail, ready to be addressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedMail {
    /// The subject.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The plain part.
    pub text: String,
}

/// The name of a story for the world (RFC 9562 §4).
#[must_use]
pub fn entry_id(story: &StoryText) -> String {
    format!("urn:uuid:{}", story.uid)
}

/// The story's title; of one without, the beginning of its text, or else its address.
#[must_use]
pub fn title(story: &StoryText) -> String {
    if !story.title.is_empty() {
        return story.title.clone();
    }
    let text = to_text(if story.summary.is_empty() {
        &story.content
    } else {
        &story.summary
    });
    match text.as_str() {
        "" => plain_line(&story.link),
        text => excerpt(text, TITLE_CHARS),
    }
}

/// The story's HTML in a block that finds its own direction; empty when there is none.
#[must_use]
pub fn block(html: &str) -> String {
    if html.is_empty() {
        return String::new();
    }
    format!("<div dir=\"auto\">{html}</div>")
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
