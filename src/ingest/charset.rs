//! From bytes to text: byte order mark, then the HTTP charset, then the XML declaration, then a look at the bytes.
//!
//! A wrong declaration costs nothing where the bytes are valid UTF-8, and a broken byte costs one character.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

/// How far into a document the XML declaration may reach, in bytes.
const DECLARATION_BYTES: usize = 256;

/// The text of a document, without byte order mark. `content_type` is the HTTP header or empty.
#[must_use]
pub fn decode<'a>(bytes: &'a [u8], content_type: &str) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let body = bytes.get(mark..).unwrap_or_default();
        return encoding.decode_without_bom_handling(body).0;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        // Valid UTF-8 by chance is rarer than a wrong declaration. Only what is ASCII throughout may be an escape encoding.
        return Cow::Borrowed(text);
    }
    let encoding = http_charset(content_type)
        .or_else(|| declared(bytes))
        .filter(|encoding| *encoding != UTF_8 || mostly_utf8(bytes))
        .unwrap_or_else(|| detect(bytes));
    encoding.decode_without_bom_handling(bytes).0
}

fn http_charset(content_type: &str) -> Option<&'static Encoding> {
    content_type
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .and_then(|(_, label)| Encoding::for_label(label.trim().trim_matches(['"', '\'']).as_bytes()))
}

/// The encoding that the XML declaration names.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..DECLARATION_BYTES.min(bytes.len()))?;
    let head = String::from_utf8_lossy(head);
    let declaration = head.get(head.find("<?xml")?..)?;
    let declaration = declaration.get(..declaration.find("?>")?)?;
    let value = declaration.get(declaration.find("encoding")? + "encoding".len()..)?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Encoding::for_label(value.get(1..)?.split(quote).next()?.as_bytes())
}

/// Whether the text is UTF-8 but for a few broken bytes.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut broken, mut multibyte) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        broken += usize::from(!chunk.invalid().is_empty());
        multibyte += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
    }
    broken * 8 <= multibyte
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    if mostly_utf8(bytes) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Deny)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn the_byte_order_mark_wins() {
        assert_eq!(decode(b"\xef\xbb\xbf<a/>", "text/xml; charset=windows-1252"), "<a/>");
        assert_eq!(decode(b"\xff\xfe<\0a\0/\0>\0", ""), "<a/>");
    }

    #[test]
    fn the_http_charset_goes_before_the_declaration() {
        let bytes = b"<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>\xd3\xe1\xc7\xe3</a>";
        assert!(decode(bytes, "text/xml; Charset=\"windows-1256\"").contains("سلام"));
        assert!(decode(bytes, "text/xml").contains("ÓáÇã"));
    }

    #[test]
    fn utf8_under_a_wrong_name_is_read_as_utf8() {
        let text = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a>سلام</a>";
        assert_eq!(decode(text.as_bytes(), "text/xml; charset=us-ascii"), text);
    }

    #[test]
    fn one_broken_byte_costs_one_character() {
        let mut bytes = "<a>سلام دنیا سلام دنیا</a>".as_bytes().to_vec();
        bytes.insert(3, 0xff);
        assert_eq!(
            decode(&bytes, "text/xml; charset=utf-8"),
            "<a>\u{fffd}سلام دنیا سلام دنیا</a>"
        );
    }

    #[test]
    fn undeclared_bytes_are_looked_at() {
        let bytes = b"<a>caf\xe9 na\xefve d\xe9j\xe0 vu, un garcon tr\xe8s \xe9l\xe9gant</a>";
        assert!(decode(bytes, "").contains("café naïve déjà vu"));
    }
}
