//! A digest as a mail: subject, HTML and plain text of one edition.

mod html;
mod text;

use jiff::tz::TimeZone;

use crate::model::edition::Edition;
use crate::model::story::{Quoted, StoryText};
use crate::output::{RenderedMail, title};
use crate::text::html::{excerpt, to_text};

/// How much of a story's text a mail tells, in characters.
const EXCERPT_CHARS: usize = 320;
/// Stories that quote one which are named with it.
const MAX_QUOTED_BY: usize = 3;

/// What a mail is made from.
#[derive(Debug)]
pub struct DigestMail<'a> {
    /// The edition.
    pub edition: &'a Edition,
    /// The title of its view.
    pub title: &'a str,
    /// By whose clock times are told.
    pub zone: &'a TimeZone,
    /// Its first stories, newest first.
    pub stories: &'a [StoryText],
    /// How many are told; the rest is counted.
    pub items: usize,
    /// Where the merged feed is.
    pub feed_url: &'a str,
}

/// Writes the mail.
#[must_use]
pub fn render(mail: &DigestMail<'_>) -> RenderedMail {
    let sections = sections(mail);
    let date = mail.edition.made_at.to_zoned(mail.zone.clone());
    let heading = Heading {
        title: mail.title,
        date: date.strftime("%A, %-d %B %Y").to_string(),
        count: counted(mail.edition.stories),
        more: mail.edition.stories.saturating_sub(mail.stories.len().min(mail.items)),
        feed_url: mail.feed_url,
    };
    RenderedMail {
        subject: format!("{}: {}, {}", mail.title, heading.count, date.strftime("%-d %B %Y")),
        html: html::page(&heading, &sections),
        text: text::page(&heading, &sections),
    }
}

fn counted(stories: usize) -> String {
    match stories {
        0 => "nothing new".to_owned(),
        1 => "1 story".to_owned(),
        more => format!("{more} stories"),
    }
}

struct Heading<'a> {
    title: &'a str,
    date: String,
    count: String,
    more: usize,
    feed_url: &'a str,
}

/// The stories of one group of feeds; the group is empty when there is only one section.
struct Section<'a> {
    group: &'a str,
    stories: Vec<Told<'a>>,
}

/// What is told of one story.
struct Told<'a> {
    title: String,
    link: &'a str,
    language: &'a str,
    /// Who tells it, when, and who else.
    byline: Byline<'a>,
    excerpt: String,
}

struct Byline<'a> {
    source: &'a str,
    time: String,
    also_in: &'a [String],
    /// Titles of the stories that it quotes.
    quotes: Vec<&'a str>,
    /// Titles of stories that quote it, some of them.
    quoted_by: Vec<&'a str>,
}

/// Groups in the order of their newest story, stories newest first.
fn sections<'a>(mail: &DigestMail<'a>) -> Vec<Section<'a>> {
    let mut sections: Vec<Section<'a>> = Vec::new();
    for story in mail.stories.iter().take(mail.items) {
        let group = story.feed.group.as_str();
        let told = told(story, mail);
        match sections.iter_mut().find(|section| section.group == group) {
            Some(section) => section.stories.push(told),
            None => sections.push(Section {
                group,
                stories: vec![told],
            }),
        }
    }
    if let [only] = sections.as_mut_slice() {
        only.group = "";
    }
    sections
}

fn told<'a>(story: &'a StoryText, mail: &DigestMail<'_>) -> Told<'a> {
    let published = story.published.to_zoned(mail.zone.clone());
    let made = mail.edition.made_at.to_zoned(mail.zone.clone());
    // The day is told only where it is not the day of the mail.
    let format = if published.date() == made.date() {
        "%H:%M"
    } else {
        "%-d %B, %H:%M"
    };
    let body = if story.summary.is_empty() {
        &story.content
    } else {
        &story.summary
    };
    Told {
        title: title(story),
        link: &story.link,
        language: &story.language,
        byline: Byline {
            source: &story.feed.title,
            time: published.strftime(format).to_string(),
            also_in: &story.also_in,
            quotes: titles(&story.quotes).collect(),
            quoted_by: titles(&story.quoted_by).take(MAX_QUOTED_BY).collect(),
        },
        excerpt: excerpt(&to_text(body), EXCERPT_CHARS),
    }
}

fn titles(stories: &[Quoted]) -> impl Iterator<Item = &str> {
    stories.iter().map(|story| story.title.as_str())
}

#[cfg(test)]
mod tests;
