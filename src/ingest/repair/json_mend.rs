//! JSON that is nearly right: commas too many, line ends in texts, a cut end. Linear in time; what it makes may still be no JSON.

/// The text with control characters in texts escaped, commas before closing brackets dropped, and all that is open closed.
pub(super) fn mended(text: &str) -> String {
    let mut mended = String::with_capacity(text.len() + 16);
    let mut open = Vec::new();
    let mut scan = Scan::default();
    for c in text.chars() {
        match (scan.step(c), c) {
            (true, '\n') => mended.push_str("\\n"),
            (true, '\t') => mended.push_str("\\t"),
            (true, c) if c.is_control() => {}
            (false, '{') => open.push('}'),
            (false, '[') => open.push(']'),
            (false, '}' | ']') => {
                without_comma(&mut mended);
                if open.pop().is_none() {
                    break;
                }
            }
            _ => {}
        }
        if !(scan.was_in_text && c.is_control()) {
            mended.push(c);
        }
        if open.is_empty() && c == '}' && !scan.in_text {
            return mended;
        }
    }
    if scan.escaped {
        mended.pop();
    }
    if scan.in_text {
        mended.push('"');
    }
    close(&mut mended, &open);
    mended
}

/// Closes what is open; a key without a value gets one.
fn close(text: &mut String, open: &[char]) {
    for bracket in open.iter().rev() {
        without_comma(text);
        if text.trim_end().ends_with(':') {
            text.push_str("null");
        } else if *bracket == '}' && ends_with_key(text) {
            text.push_str(":null");
        }
        text.push(*bracket);
    }
}

/// Whether an object ends with a text that no value follows: before it stands a comma or the opening bracket.
fn ends_with_key(text: &str) -> bool {
    let Some(inside) = text.trim_end().strip_suffix('"') else {
        return false;
    };
    let Some(start) = inside.rfind('"') else { return false };
    inside
        .get(..start)
        .is_some_and(|before| before.trim_end().ends_with([',', '{']))
}

fn without_comma(text: &mut String) {
    let end = text.trim_end();
    if let Some(kept) = end.strip_suffix(',') {
        text.truncate(kept.len());
    }
}

/// The elements of the list under `key` in the outermost object, each as it is written, and the text with the list empty.
pub(super) fn split<'a>(text: &'a str, key: &str) -> Option<(Vec<&'a str>, String)> {
    let list = list_of(text, key)?;
    let (mut elements, mut depth, mut start) = (Vec::new(), 0_usize, list);
    let mut scan = Scan::default();
    for (at, c) in text.get(list..)?.char_indices() {
        if scan.step(c) {
            continue;
        }
        match c {
            '{' | '[' => depth += 1,
            ',' | ']' if depth == 0 => {
                elements.push(text.get(start..list + at)?.trim());
                start = list + at + 1;
                if c == ']' {
                    let rest = format!("{}{}", text.get(..list)?, text.get(list + at..)?);
                    elements.retain(|element| !element.is_empty());
                    return Some((elements, rest));
                }
            }
            '}' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Where the list under `key` begins, behind its bracket.
fn list_of(text: &str, key: &str) -> Option<usize> {
    let (mut depth, mut scan) = (0_usize, Scan::default());
    for (at, c) in text.char_indices() {
        if scan.step(c) {
            continue;
        }
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            '"' if depth == 1 => {
                let rest = text.get(at + 1..)?;
                let after = rest.strip_prefix(key).and_then(|rest| rest.strip_prefix('"'));
                let value = after
                    .and_then(|rest| rest.trim_start().strip_prefix(':'))
                    .map(str::trim_start);
                if let Some(list) = value.and_then(|value| value.strip_prefix('[')) {
                    return Some(text.len() - list.len());
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether a place is within a text.
#[derive(Default)]
struct Scan {
    in_text: bool,
    was_in_text: bool,
    escaped: bool,
}

impl Scan {
    /// Takes a character, and says whether it stands within a text; the quotes around it do not.
    fn step(&mut self, c: char) -> bool {
        self.was_in_text = self.in_text;
        match (self.in_text, self.escaped, c) {
            (true, true, _) => self.escaped = false,
            (true, false, '\\') => self.escaped = true,
            (true, false, '"') => {
                self.in_text = false;
                return false;
            }
            (false, _, '"') => self.in_text = true,
            _ => {}
        }
        self.was_in_text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::{mended, split};

    #[test]
    fn json_that_is_nearly_right_becomes_json() {
        for (text, right) in [
            (r#"{"a": [1, 2,], "b": "x",}"#, r#"{"a": [1, 2], "b": "x"}"#),
            (
                "{\"a\": \"one\ntwo\tthree\u{1}\"} junk",
                "{\"a\": \"one\\ntwo\\tthree\"}",
            ),
            (r#"{"a": [{"b": "c\"d"#, r#"{"a": [{"b": "c\"d"}]}"#),
            (r#"{"a": [{"b": "c\"#, r#"{"a": [{"b": "c"}]}"#),
            (r#"{"a": [{"b":"#, r#"{"a": [{"b":null}]}"#),
            (r#"{"a": [{"b""#, r#"{"a": [{"b":null}]}"#),
            (r#"{"a": [{"b": 1}, "#, r#"{"a": [{"b": 1}]}"#),
        ] {
            let mended = mended(text);
            assert_eq!(mended, right);
            assert!(serde_json::from_str::<serde_json::Value>(&mended).is_ok(), "{mended}");
        }
    }

    #[test]
    fn a_list_is_split_into_its_elements() {
        let text = r#"{"x": {"items": [0]}, "items": [{"a": [1, "]"]}, 2, oops], "y": 1}"#;
        let (elements, rest) = split(text, "items").unwrap();
        assert_eq!(elements, [r#"{"a": [1, "]"]}"#, "2", "oops"]);
        assert_eq!(rest, r#"{"x": {"items": [0]}, "items": [], "y": 1}"#);
        assert!(split("{}", "items").is_none());
    }
}
