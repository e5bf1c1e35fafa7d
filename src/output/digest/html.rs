//! The HTML part of a digest: one column, styles in place (mail programs drop style sheets), each block in its own direction.

use quick_xml::escape::escape;

use crate::output::digest::{Byline, Heading, Section, Told};
use crate::text::language::direction;

const FONT: &str = "font-family:Vazirmatn,'Segoe UI',-apple-system,Roboto,'Helvetica Neue',Tahoma,Arial,sans-serif";

pub(super) fn page(heading: &Heading<'_>, sections: &[Section<'_>]) -> String {
    let stories: String = sections.iter().map(section).collect();
    format!(
        "<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n</head>\n\
         <body style=\"margin:0;padding:0;{FONT};line-height:1.6\">\n\
         <div style=\"max-width:38em;margin:0 auto;padding:24px 16px\">\n\
         <h1 dir=\"auto\" style=\"font-size:22px;line-height:1.3;margin:0\">{title}</h1>\n\
         <p style=\"margin:4px 0 0;font-size:14px;opacity:.7\">{date} · {count}</p>\n\
         {stories}{more}\
         <p style=\"margin:32px 0 0;padding-top:12px;border-top:1px solid #8884;font-size:13px;opacity:.7\">\
         The same stories as a feed: <a href=\"{url}\">{url}</a></p>\n</div>\n</body>\n</html>\n",
        title = escape(heading.title),
        date = escape(&heading.date),
        count = heading.count,
        more = more(heading),
        url = escape(heading.feed_url),
    )
}

fn more(heading: &Heading<'_>) -> String {
    match heading.more {
        0 => String::new(),
        more => format!(
            "<p style=\"margin:32px 0 0\">And {more} more, <a href=\"{}\">in the feed</a>.</p>\n",
            escape(heading.feed_url)
        ),
    }
}

fn section(section: &Section<'_>) -> String {
    let heading = match section.group {
        "" => String::new(),
        group => format!(
            "<h2 dir=\"auto\" style=\"font-size:15px;margin:36px 0 0;padding-bottom:4px;border-bottom:1px solid #8884\">{}</h2>\n",
            escape(group)
        ),
    };
    let stories: String = section.stories.iter().map(story).collect();
    heading + &stories
}

fn story(story: &Told<'_>) -> String {
    let language = match story.language {
        "" => String::new(),
        language => format!(" lang=\"{}\"", escape(language)),
    };
    let title = escape(&story.title);
    let title = match story.link {
        "" => title.into_owned(),
        link => format!(
            "<a href=\"{}\" style=\"color:inherit;text-decoration:none\">{title}</a>",
            escape(link)
        ),
    };
    let excerpt = match story.excerpt.as_str() {
        "" => String::new(),
        text => format!(
            "<p dir=\"auto\" style=\"margin:4px 0 0;font-size:15px\">{}</p>\n",
            escape(text)
        ),
    };
    format!(
        "<div{language} dir=\"{}\" style=\"margin:24px 0 0\">\n\
         <h3 dir=\"auto\" style=\"font-size:18px;line-height:1.4;margin:0\">{title}</h3>\n\
         <p style=\"margin:2px 0 0;font-size:13px;opacity:.7\">{}</p>\n{excerpt}</div>\n",
        direction(&story.title),
        byline(&story.byline)
    )
}

/// Names of both directions stand in one line: each is isolated, so that none turns the others around.
fn byline(byline: &Byline<'_>) -> String {
    let isolated = |name: &str| format!("<bdi>{}</bdi>", escape(name));
    let named = |what: &str, names: Vec<String>| match names.as_slice() {
        [] => String::new(),
        names => format!(" · {what} {}", names.join(", ")),
    };
    let also = named("also in", byline.also_in.iter().map(|name| isolated(name)).collect());
    let quotes = named("quotes", byline.quotes.iter().map(|title| isolated(title)).collect());
    let quoted_by = named(
        "quoted by",
        byline.quoted_by.iter().map(|title| isolated(title)).collect(),
    );
    format!(
        "{} · <bdi>{}</bdi>{also}{quotes}{quoted_by}",
        isolated(byline.source),
        byline.time
    )
}
