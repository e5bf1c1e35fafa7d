//! The links of sanitised HTML.

use crate::text::html::{decoded, tag_end};

/// The addresses that sanitised HTML links to, in their order.
#[must_use]
pub fn links_in(clean: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut rest = clean;
    while let Some(tag) = rest.find('<').and_then(|open| rest.get(open..)) {
        let (tag, after) = tag.split_at(tag_end(tag));
        // Within a tag, quotes are references: what looks like an attribute is one.
        let value = tag.split_once(" href=\"").and_then(|(_, value)| value.split_once('"'));
        links.extend(value.map(|(link, _)| decoded(link).into_owned()));
        rest = after;
    }
    links
}

#[cfg(test)]
mod tests {
    use super::links_in;
    use crate::text::html::Sanitiser;

    #[test]
    fn links_are_those_of_tags_with_references_resolved() {
        let html = "<p>write &lt;a href=\"no\"> or x href=\"no\" <a title='2 > 1 href=\"no\"' href='https://a.example/?a=1&amp;b=2'>a</a>
             <img src=https://a.example/no.png><a>no</a> <a href=https://b.example/ب>b</a> &lt;<a href=\"mailto:c@d.example\">c</a> < a";
        assert_eq!(
            links_in(&Sanitiser::new(None).clean(html)),
            [
                "https://a.example/?a=1&b=2",
                "https://b.example/ب",
                "mailto:c@d.example"
            ]
        );
        assert_eq!(links_in("<a href=\"cut"), Vec::<String>::new());
    }
}
