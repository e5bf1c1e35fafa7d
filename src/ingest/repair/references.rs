//! Character references: those of XML and HTML 5, those that a document type defines as plain text, and the numbers 128 to 159,
//! by which people mean the typographic characters of windows-1252 (HTML, "numeric character reference end state").

use std::borrow::Cow;
use std::collections::HashMap;

use web_atoms::NAMED_ENTITIES;

use crate::text::without_control_characters;

/// Entities that a document may define, and how long each may be: enough for names, too little to blow anything up.
const MAX_ENTITIES: usize = 256;
const MAX_ENTITY_BYTES: usize = 1024;
/// The longest name that is looked up.
const MAX_NAME_BYTES: usize = 40;

/// windows-1252 from 0x80 to 0x9f.
const TYPOGRAPHIC: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// What references stand for in one document.
#[derive(Debug, Default)]
pub(super) struct References {
    own: HashMap<String, String>,
    /// References that stand for nothing known; they were kept as they are written.
    pub(super) unknown: usize,
}

impl References {
    /// Reads the entities that a document type defines as plain text. Those that name files are never followed.
    pub(super) fn define(&mut self, doctype: &str) {
        for declaration in doctype.split("<!ENTITY").skip(1).take(MAX_ENTITIES) {
            let Some((name, value)) = declaration.trim_start().split_once(char::is_whitespace) else {
                continue;
            };
            let value = value.trim_start();
            let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
                continue;
            };
            let text = value
                .get(1..)
                .and_then(|value| value.split(quote).next())
                .unwrap_or_default();
            if name != "%" && text.len() <= MAX_ENTITY_BYTES {
                // An entity in an entity is one that was defined before it; together they stay short. The first definition counts.
                let text = self.resolve(text).into_owned();
                if text.len() <= MAX_ENTITY_BYTES {
                    self.own.entry(name.to_owned()).or_insert(text);
                }
            }
        }
    }

    /// A tidy text with its references resolved, tidy again.
    pub(super) fn resolve<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if memchr::memchr(b'&', text.as_bytes()).is_none() {
            return Cow::Borrowed(text);
        }
        let mut resolved = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
            let (before, reference) = rest.split_at(at);
            resolved.push_str(before);
            let name = reference
                .get(1..)
                .and_then(|rest| rest.get(..rest.floor_char_boundary(MAX_NAME_BYTES)))
                .unwrap_or_default();
            match name
                .split_once(';')
                .and_then(|(name, _)| Some((name.len(), self.value(name)?)))
            {
                Some((length, value)) => {
                    resolved.push_str(&value);
                    rest = reference.get(length + 2..).unwrap_or_default();
                }
                None => {
                    let looks_meant = name
                        .split_once(';')
                        .is_some_and(|(name, _)| name.chars().all(char::is_alphanumeric));
                    self.unknown += usize::from(looks_meant && !name.starts_with(';'));
                    resolved.push('&');
                    rest = reference.get(1..).unwrap_or_default();
                }
            }
        }
        resolved.push_str(rest);
        match tidy(&resolved) {
            Cow::Borrowed(_) => Cow::Owned(resolved),
            Cow::Owned(tidied) => Cow::Owned(tidied),
        }
    }

    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        // Nobody may give those of XML another meaning (XML 1.0 §4.6).
        let of_xml = match name {
            "lt" => Some("<"),
            "gt" => Some(">"),
            "amp" => Some("&"),
            "quot" => Some("\""),
            "apos" => Some("'"),
            _ => None,
        };
        if let Some(of_xml) = of_xml {
            return Some(Cow::Borrowed(of_xml));
        }
        if let Some(number) = name.strip_prefix('#') {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            return Some(char::from_u32(code.ok()?).unwrap_or('\u{fffd}').to_string().into());
        }
        if let Some(own) = self.own.get(name) {
            return Some(own.as_str().into());
        }
        named(name).map(Cow::Owned)
    }
}

/// What a name of HTML 5 stands for: one or two characters.
fn named(name: &str) -> Option<String> {
    // The table also holds the beginnings of names, which stand for nothing, and some names that may lack their semicolon.
    let (first, second) = NAMED_ENTITIES
        .get(&*format!("{name};"))
        .filter(|(first, _)| *first > 0)?;
    let characters = [*first, *second].into_iter().filter(|code| *code > 0);
    characters.map(char::from_u32).collect()
}

/// Control characters go, even from the middle of names; those of the upper half become what windows-1252 makes of them, if it makes
/// anything of them.
pub(super) fn tidy(text: &str) -> Cow<'_, str> {
    let text = without_control_characters(text);
    // In UTF-8 those of the upper half are the byte 0xc2 and one below 0xa0.
    let bytes = text.as_bytes();
    let pairs = bytes.iter().zip(bytes.iter().skip(1));
    if !pairs.fold(false, |found, (first, second)| {
        found | ((*first == 0xc2) & (*second < 0xa0))
    }) {
        return text;
    }
    let upper = |c: char| ('\u{80}'..='\u{9f}').contains(&c);
    let typographic = |c: char| match usize::try_from(u32::from(c).wrapping_sub(0x80))
        .ok()
        .and_then(|at| TYPOGRAPHIC.get(at))
    {
        Some(meant) => *meant,
        None => c,
    };
    Cow::Owned(text.chars().map(typographic).filter(|c| !upper(*c)).collect())
}

#[cfg(test)]
mod tests {
    use super::References;

    #[test]
    fn references_of_every_kind_are_resolved() {
        let mut references = References::default();
        references.define(
            " r [<!ENTITY co \"Borna &amp; Co\"><!ENTITY file SYSTEM \"file:///etc/passwd\"><!ENTITY % p \"x\">",
        );
        for (text, resolved) in [
            ("&lt;&amp;&quot;&apos;", "<&\"'"),
            (
                "&nbsp;&zwnj;&eacute;&alpha;&OElig;&scaron;&lstrok;",
                "\u{a0}\u{200c}éαŒšł",
            ),
            ("&NotEqualTilde;&fjlig;&notanything;&am;", "≂̸fj&notanything;&am;"),
            ("&#146;&#x93;", "’“"),
            ("&#1;&#xD800;&#99999999;", "\u{fffd}\u{fffd}"),
            (
                "&co; &file; &nothing; & &; AT&T",
                "Borna & Co &file; &nothing; & &; AT&T",
            ),
        ] {
            assert_eq!(references.resolve(text), resolved, "{text}");
        }
        assert_eq!(references.unknown, 4);
    }

    #[test]
    fn entities_do_not_multiply() {
        let laughs: String = (1..20)
            .map(|n| format!("<!ENTITY l{n} \"&l{0};&l{0};&l{0};\">", n - 1))
            .collect();
        let mut references = References::default();
        references.define(&format!("<!ENTITY l0 \"lol\">{laughs}"));
        assert!(references.resolve("&l19;").len() < 100);
    }
}
