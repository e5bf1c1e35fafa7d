//! The plain part of a digest: for readers without HTML, and for those who prefer it.

use crate::output::digest::{Heading, Section, Told};

pub(super) fn page(heading: &Heading<'_>, sections: &[Section<'_>]) -> String {
    let mut page = format!("{}\n{} · {}\n", heading.title, heading.date, heading.count);
    for section in sections {
        if !section.group.is_empty() {
            page.push_str(&format!("\n\n== {} ==\n", section.group));
        }
        section.stories.iter().for_each(|told| story(&mut page, told));
    }
    if heading.more > 0 {
        page.push_str(&format!("\nAnd {} more in the feed.\n", heading.more));
    }
    // RFC 3676 §4.3: two hyphens and a space part the signature from the text.
    page.push_str(&format!("\n-- \nThe same stories as a feed: {}\n", heading.feed_url));
    page
}

fn story(page: &mut String, story: &Told<'_>) {
    let byline = &story.byline;
    // U+2068 and U+2069 isolate names, so that none turns the rest of the line around.
    page.push_str(&format!(
        "\n{}\n\u{2068}{}\u{2069} · {}",
        story.title, byline.source, byline.time
    ));
    let also_in = byline.also_in.iter().map(String::as_str).collect();
    let (quotes, quoted_by) = (byline.quotes.clone(), byline.quoted_by.clone());
    for (what, names) in [("also in", also_in), ("quotes", quotes), ("quoted by", quoted_by)] {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| format!("\u{2068}{name}\u{2069}")).collect();
            page.push_str(&format!(" · {what} {}", names.join(", ")));
        }
    }
    page.push('\n');
    for line in [story.excerpt.as_str(), story.link] {
        if !line.is_empty() {
            page.push_str(line);
            page.push('\n');
        }
    }
}
