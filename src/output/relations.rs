//! Where else a story ran, what it quotes and who quotes it, as a line of HTML below its text.

use crate::model::story::{Quoted, StoryText};
use crate::output::block;
use crate::text::html::as_html;
use crate::text::language::direction;

/// Names that one line tells.
const MAX_NAMES: usize = 8;

/// Summary and content of a story, each in a block that finds its own direction, or empty; the line stands below the fuller one.
#[must_use]
pub fn bodies(story: &StoryText) -> (String, String) {
    let (mut summary, mut content) = (block(&story.summary), block(&story.content));
    let fuller = if content.is_empty() { &mut summary } else { &mut content };
    fuller.push_str(&line(story));
    (summary, content)
}

/// The line; empty: there is nothing to tell.
fn line(story: &StoryText) -> String {
    let words = if story.language == "fa" { PERSIAN } else { ENGLISH };
    let mut parts = Vec::new();
    for (what, stories) in [(words.quotes, &story.quotes), (words.quoted_by, &story.quoted_by)] {
        if !stories.is_empty() {
            let named: Vec<String> = stories.iter().take(MAX_NAMES).map(link).collect();
            parts.push(format!("{what} {}", named.join(words.and)));
        }
    }
    if !story.also_in.is_empty() {
        let named: Vec<String> = story
            .also_in
            .iter()
            .take(MAX_NAMES)
            .map(|name| isolated(name))
            .collect();
        parts.push(format!("{} {}", words.also_in, named.join(words.and)));
    }
    if parts.is_empty() {
        return String::new();
    }
    let direction = direction(words.quotes);
    format!("<p dir=\"{direction}\"><small>{}</small></p>", parts.join(" · "))
}

struct Words {
    quotes: &'static str,
    quoted_by: &'static str,
    also_in: &'static str,
    and: &'static str,
}

const ENGLISH: Words = Words {
    quotes: "Quotes:",
    quoted_by: "Quoted by:",
    also_in: "Also in:",
    and: ", ",
};

const PERSIAN: Words = Words {
    quotes: "نقل از:",
    quoted_by: "نقل‌شده در:",
    also_in: "همچنین در:",
    and: "، ",
};

fn link(quoted: &Quoted) -> String {
    let title = match quoted.title.as_str() {
        "" => &quoted.link,
        title => title,
    };
    let title = isolated(title);
    let named = match quoted.link.as_str() {
        "" => title,
        address => format!(
            "<a href=\"{}\" rel=\"noopener noreferrer\">{title}</a>",
            as_html(address).replace('"', "&quot;")
        ),
    };
    format!("{named} ({})", isolated(&quoted.feed))
}

/// A text of any direction in a line of another.
fn isolated(text: &str) -> String {
    format!("<bdi>{}</bdi>", as_html(text))
}

#[cfg(test)]
mod tests {
    use super::bodies;
    use crate::model::story::Quoted;
    use crate::output::samples;

    #[test]
    fn a_line_tells_whom_a_story_quotes_and_who_carries_it_too() {
        let mut story = samples::stories().remove(0);
        story.content = "<p>Text</p>".to_owned();
        story.language = "en".to_owned();
        story.quotes = vec![Quoted {
            title: "A <b> & «گزارش»".to_owned(),
            link: "https://a.example/?a=1&b=\"2".to_owned(),
            feed: "Borna".to_owned(),
            share: 0.97,
        }];
        (story.quoted_by, story.also_in) = (Vec::new(), vec!["Third & Co".to_owned()]);
        let (_, html) = bodies(&story);
        assert!(
            html.ends_with(
                "<p dir=\"ltr\"><small>Quotes: <a href=\"https://a.example/?a=1&amp;b=&quot;2\" rel=\"noopener noreferrer\">\
                 <bdi>A &lt;b> &amp; «گزارش»</bdi></a> (<bdi>Borna</bdi>) · Also in: <bdi>Third &amp; Co</bdi></small></p>"
            ),
            "{html}"
        );
        story.language = "fa".to_owned();
        assert!(bodies(&story).1.contains("<p dir=\"rtl\"><small>نقل از: "));
        story.quotes.clear();
        story.also_in.clear();
        assert!(!bodies(&story).1.contains("<small>"));
    }
}
