//! What stands in block quotations.

/// The parts of sanitised HTML that stand in block quotations, one after another.
#[must_use]
pub fn block_quotations(clean: &str) -> String {
    const NAME: &str = "blockquote";
    let (mut quoted, mut depth, mut rest) = (String::new(), 0_usize, clean);
    while let Some(at) = rest.find(NAME) {
        let (before, after) = rest.split_at(at);
        let tag_start = before.strip_suffix("</").or_else(|| before.strip_suffix('<'));
        let is_end = before.ends_with('/');
        // The word in a text is no tag.
        let (text, length) = match tag_start {
            Some(text) => (text, after.find('>').map_or(after.len(), |end| end + 1)),
            None => (rest.get(..at + NAME.len()).unwrap_or_default(), NAME.len()),
        };
        if depth > 0 {
            quoted.push_str(text);
        }
        match (tag_start, is_end) {
            (None, _) => {}
            (Some(_), false) => depth += 1,
            (Some(_), true) => {
                depth = depth.saturating_sub(1);
                // Nothing runs from one into the next.
                quoted.push_str("<br>");
            }
        }
        rest = after.get(length..).unwrap_or_default();
    }
    if depth > 0 {
        quoted.push_str(rest);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::block_quotations;
    use crate::text::html::to_text;

    #[test]
    fn only_what_is_quoted_is_given() {
        for (html, quoted) in [
            ("<p>a</p><blockquote><p>b</p></blockquote><p>c</p>", "b"),
            (
                "a <blockquote dir=\"rtl\">b <blockquote>c</blockquote> d</blockquote> e",
                "b c d",
            ),
            ("<blockquote>a</blockquote>b<blockquote>c</blockquote>", "a c"),
            ("a blockquote is none", ""),
            ("<blockquote>a blockquote is one", "a blockquote is one"),
            ("", ""),
        ] {
            assert_eq!(to_text(&block_quotations(html)), quoted, "{html}");
        }
    }
}
