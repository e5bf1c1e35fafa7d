//! `Link` headers (RFC 8288): the documents that a publisher names beside the one that it sends. Pure.

/// A link of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The address as written: absolute, or relative to the document.
    pub href: String,
    /// Names in lower case, and values without their quotes.
    parameters: Vec<(String, String)>,
}

impl Link {
    /// The value of a parameter, or empty. RFC 8288 §3.3: the first of a name counts.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Whether it says of what it leads to that it is this, such as `hub`.
    #[must_use]
    pub fn is(&self, relation: &str) -> bool {
        let mut relations = self.parameter("rel").split_ascii_whitespace();
        relations.any(|rel| rel.eq_ignore_ascii_case(relation))
    }
}

/// The links of header values such as `<address>; rel="alternate"; type="application/atom+xml", <...>` (RFC 8288 §3).
///
/// Without those that speak of another document (`anchor`). What cannot be read is left out.
#[must_use]
pub fn parse(values: &[String]) -> Vec<Link> {
    let parts = values.iter().flat_map(|value| split_outside_quotes(value, ','));
    let links = parts.filter_map(link);
    links.filter(|link| link.parameter("anchor").is_empty()).collect()
}

fn link(text: &str) -> Option<Link> {
    let (href, parameters) = text.trim().strip_prefix('<')?.split_once('>')?;
    let parameters = split_outside_quotes(parameters, ';')
        .into_iter()
        .filter_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches('"').replace('\\', "");
            Some((name.trim().to_ascii_lowercase(), value))
        })
        .collect();
    Some(Link {
        href: href.to_owned(),
        parameters,
    })
}

/// The parts of a header's value; what stands in quotes or in angle brackets is not parted.
fn split_outside_quotes(text: &str, mark: char) -> Vec<&str> {
    let (mut parts, mut start, mut inside, mut escaped) = (Vec::new(), 0, None, false);
    for (at, c) in text.char_indices() {
        match (inside, c) {
            _ if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(end), c) if c == end => inside = None,
            (Some(_), _) => {}
            (None, '"') => inside = Some('"'),
            (None, '<') => inside = Some('>'),
            (None, c) if c == mark => {
                parts.extend(text.get(start..at));
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::parse;

    #[test]
    fn links_are_parted_outside_of_quotes_and_know_what_they_are() {
        let links = parse(&[
            "</a,b>; title=\"x; rel=next, <c>\"; REL=\"Hub self\"; rel=none, </c>; rel=hub; anchor=\"/other\""
                .to_owned(),
            "nothing, <open".to_owned(),
            "</d>;rel=self".to_owned(),
        ]);
        let hrefs: Vec<&str> = links.iter().map(|link| link.href.as_str()).collect();
        assert_eq!(hrefs, ["/a,b", "/d"]);
        assert!(links[0].is("hub") && links[0].is("self") && !links[0].is("next"));
        assert_eq!(links[0].parameter("title"), "x; rel=next, <c>");
        assert!(links[1].is("self") && !links[1].is("hub"));
    }
}
