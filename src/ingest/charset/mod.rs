//! From bytes to text: byte order mark, then the HTTP charset, then the XML declaration, then a look at the bytes.
//!
//! UTF-16 and UTF-32 are known by their zeros even without a mark. A wrong declaration costs nothing where the bytes are valid
//! UTF-8, and a broken byte costs one character. ISO 8859-1 is read as windows-1252, as the web does (Encoding standard); `pages` has
//! what that standard leaves out.

mod pages;

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::ingest::charset::pages::Page;

/// How far into a document the XML declaration may reach, in bytes.
const DECLARATION_BYTES: usize = 512;

/// A document as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// Without byte order mark.
    pub text: Cow<'a, str>,
    /// The encoding that it was read in, in small letters.
    pub encoding: String,
    /// What was declared, where that is not what it was read in.
    pub instead_of: Option<String>,
    /// Bytes that could not be read, each now U+FFFD.
    pub broken: usize,
}

/// How the characters of a document are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Of(&'static Encoding),
    Utf32 { big: bool },
    Page(&'static Page),
}

impl Form {
    /// By a label, as the web knows them, and as programs spell them.
    fn for_label(label: &str) -> Option<Self> {
        let label = label.trim();
        let of_the_web = Encoding::for_label(label.as_bytes());
        of_the_web.map(Self::Of).or_else(|| {
            let label = label.to_ascii_lowercase().replace('_', "-");
            let alias = match label.as_str() {
                "ms-cyrl" => "windows-1251",
                "maccyrillic" | "mac-cyrillic" => "x-mac-cyrillic",
                "macroman" | "mac-roman" => "macintosh",
                other => other,
            };
            let page = Page::for_label(alias).map(Self::Page);
            page.or_else(|| Encoding::for_label(alias.as_bytes()).map(Self::Of))
        })
    }

    /// The name in small letters.
    fn name(self) -> String {
        match self {
            Self::Of(encoding) => encoding.name().to_ascii_lowercase(),
            Self::Utf32 { big: true } => "utf-32be".to_owned(),
            Self::Utf32 { big: false } => "utf-32le".to_owned(),
            Self::Page(page) => page.name.to_owned(),
        }
    }
}

/// Reads a document. `content_type` is the HTTP header or empty.
#[must_use]
pub fn decode<'a>(bytes: &'a [u8], content_type: &str) -> Decoded<'a> {
    let (form, body) = match marked(bytes) {
        Some((form, mark)) => (Some(form), bytes.get(mark..).unwrap_or_default()),
        None => (by_zeros(bytes), bytes),
    };
    let label = http_charset(content_type)
        .filter(|label| Form::for_label(label).is_some())
        .or_else(|| declared(body));
    let declared = label.as_deref().and_then(Form::for_label);
    let utf8 = std::str::from_utf8(body).ok();
    let form = form.unwrap_or_else(|| judge(body, declared, utf8.is_some()));
    let encoding = form.name();
    let (text, broken) = match form {
        Form::Utf32 { big } => owned(from_utf32(body, big)),
        Form::Page(page) => owned(page.decode(body)),
        Form::Of(encoding) if encoding == UTF_8 && utf8.is_some() => (Cow::Borrowed(utf8.unwrap_or_default()), 0),
        Form::Of(encoding) => {
            let text = encoding.decode_without_bom_handling(body).0;
            let broken = if matches!(text, Cow::Borrowed(_)) {
                0
            } else {
                text.matches('\u{fffd}').count()
            };
            (text, broken)
        }
    };
    let is_unicode = |name: &str| name.starts_with("utf-");
    let instead_of = match declared {
        Some(declared) => {
            Some(declared.name()).filter(|name| *name != encoding && !(is_unicode(name) && is_unicode(&encoding)))
        }
        // A name that nobody knows, but for those of the ways to write Unicode.
        None => label.filter(|label| !(is_unicode(&encoding) && is_of_unicode(label))),
    };
    Decoded {
        // A mark may be written twice, or behind a declaration that hid it.
        text: match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
            Cow::Owned(text) => match text.strip_prefix('\u{feff}') {
                Some(rest) => Cow::Owned(rest.to_owned()),
                None => Cow::Owned(text),
            },
        },
        encoding,
        instead_of,
        broken,
    }
}

fn owned<'a>((text, broken): (String, usize)) -> (Cow<'a, str>, usize) {
    (Cow::Owned(text), broken)
}

fn is_of_unicode(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    ["utf", "ucs", "unicode", "iso-10646"]
        .iter()
        .any(|start| label.starts_with(start))
}

/// The byte order mark, and its length. UTF-32's begins with that of UTF-16.
fn marked(bytes: &[u8]) -> Option<(Form, usize)> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Some((Form::Utf32 { big: false }, 4)),
        [0, 0, 0xfe, 0xff, ..] => Some((Form::Utf32 { big: true }, 4)),
        _ => Encoding::for_bom(bytes).map(|(encoding, length)| (Form::Of(encoding), length)),
    }
}

/// XML 1.0 appendix F: where the zeros stand in the first characters, which are ASCII.
fn by_zeros(bytes: &[u8]) -> Option<Form> {
    match bytes {
        [0, 0, 0, b, ..] if *b > 0 => Some(Form::Utf32 { big: true }),
        [a, 0, 0, 0, ..] if *a > 0 => Some(Form::Utf32 { big: false }),
        [0, a, 0, b, ..] if *a > 0 && *b > 0 => Some(Form::Of(UTF_16BE)),
        [a, 0, b, 0, ..] if *a > 0 && *b > 0 => Some(Form::Of(UTF_16LE)),
        _ => None,
    }
}

fn from_utf32(bytes: &[u8], big: bool) -> (String, usize) {
    let mut broken = 0;
    let mut text = String::with_capacity(bytes.len() / 4);
    for unit in bytes.chunks(4) {
        let code = match *unit {
            [a, b, c, d] if big => u32::from_be_bytes([a, b, c, d]),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => u32::MAX,
        };
        text.push(char::from_u32(code).unwrap_or_else(|| {
            broken += 1;
            '\u{fffd}'
        }));
    }
    (text, broken)
}

/// The encoding of bytes that are neither UTF-16 nor UTF-32.
fn judge(bytes: &[u8], declared: Option<Form>, is_utf8: bool) -> Form {
    let is_wide = |encoding: &'static Encoding| [UTF_16BE, UTF_16LE].contains(&encoding);
    match declared {
        // Escape encodings look like ASCII; they are believed where they are declared.
        Some(Form::Of(encoding)) if !encoding.is_ascii_compatible() && !is_wide(encoding) => Form::Of(encoding),
        Some(Form::Page(page)) if !page.is_ascii_compatible() && is_ebcdic(bytes) => Form::Page(page),
        // Valid UTF-8 by chance is rarer than a wrong declaration.
        _ if is_utf8 => Form::Of(UTF_8),
        // UTF-16 has its zeros; a declaration that lacks them was copied from elsewhere.
        Some(Form::Of(encoding)) if encoding == UTF_8 || is_wide(encoding) => detect(bytes),
        // A text that is UTF-8 but for a few bytes is UTF-8, whatever a one-byte encoding would make of it.
        Some(Form::Of(encoding)) if encoding.is_single_byte() && mostly_utf8(bytes) => Form::Of(UTF_8),
        Some(Form::Page(page)) if mostly_utf8(bytes) || !page.is_ascii_compatible() => detect(bytes),
        Some(declared) => declared,
        None => detect(bytes),
    }
}

/// Whether the bytes begin as an XML document does in EBCDIC (XML 1.0 appendix F).
fn is_ebcdic(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x4c\x6f\xa7\x94")
}

fn http_charset(content_type: &str) -> Option<String> {
    content_type
        .split(';')
        .skip(1)
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, label)| label.trim().trim_matches(['"', '\'']).to_owned())
}

/// The label of the encoding that the XML declaration names. In UTF-16 and UTF-32 the letters have zeros between them, and in
/// EBCDIC those of a label are the same on all pages.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..DECLARATION_BYTES.min(bytes.len()))?;
    let head: String = if is_ebcdic(head) {
        Page::for_label("cp037")?.decode(head).0
    } else {
        let ascii = head.iter().filter(|byte| **byte != 0 && byte.is_ascii());
        ascii.map(|byte| char::from(*byte)).collect()
    };
    let declaration = head.get(head.find("<?xml")?..)?;
    let declaration = declaration.get(..declaration.find('>')?)?;
    let value = declaration.get(declaration.find("encoding")? + "encoding".len()..)?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(value.get(1..)?.split(quote).next()?.trim().to_owned())
}

/// Whether the text is UTF-8 but for a few broken bytes.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut broken, mut multibyte) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        broken += usize::from(!chunk.invalid().is_empty());
        multibyte += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
    }
    multibyte > 0 && broken * 2 <= multibyte
}

fn detect(bytes: &[u8]) -> Form {
    if mostly_utf8(bytes) {
        return Form::Of(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    Form::Of(detector.guess(None, Utf8Detection::Deny))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::decode;

    fn text(bytes: &[u8], content_type: &str) -> String {
        decode(bytes, content_type).text.into_owned()
    }

    fn wide(text: &str, bytes: fn(u32) -> Vec<u8>) -> Vec<u8> {
        text.chars().flat_map(|c| bytes(u32::from(c))).collect()
    }

    #[test]
    fn the_byte_order_mark_wins() {
        assert_eq!(text(b"\xef\xbb\xbf<a/>", "text/xml; charset=windows-1252"), "<a/>");
        assert_eq!(text(b"\xff\xfe<\0a\0/\0>\0", ""), "<a/>");
        assert_eq!(text(b"\xff\xfe\0\0<\0\0\0a\0\0\0", ""), "<a");
        assert_eq!(text(b"\0\0\xfe\xff\0\0\0<\0\0\0a", ""), "<a");
    }

    #[test]
    fn wide_encodings_are_known_without_a_mark_and_whatever_is_declared() {
        let document = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>سلام</a>";
        let forms: [fn(u32) -> Vec<u8>; 4] = [
            |c| u16::try_from(c).unwrap().to_le_bytes().to_vec(),
            |c| u16::try_from(c).unwrap().to_be_bytes().to_vec(),
            |c| c.to_le_bytes().to_vec(),
            |c| c.to_be_bytes().to_vec(),
        ];
        for (form, name) in forms.into_iter().zip(["utf-16le", "utf-16be", "utf-32le", "utf-32be"]) {
            let bytes = wide(document, form);
            let decoded = decode(&bytes, "text/xml; charset=windows-1252");
            assert_eq!((&*decoded.text, decoded.encoding.as_str()), (document, name));
        }
        // Declared wide, written in single bytes.
        assert_eq!(text(document.as_bytes(), ""), document);
    }

    #[test]
    fn the_http_charset_goes_before_the_declaration() {
        let bytes = b"<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>\xd3\xe1\xc7\xe3</a>";
        let decoded = decode(bytes, "text/xml; Charset=\"windows-1256\"");
        assert!(decoded.text.contains("سلام") && decoded.encoding == "windows-1256" && decoded.instead_of.is_none());
        assert!(text(bytes, "text/xml").contains("ÓáÇã"));
    }

    #[test]
    fn utf8_under_a_wrong_name_is_read_as_utf8_and_that_is_told() {
        let document = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a>سلام</a>";
        let decoded = decode(document.as_bytes(), "");
        assert_eq!(
            (&*decoded.text, decoded.instead_of.as_deref()),
            (document, Some("windows-1252"))
        );
    }

    #[test]
    fn one_broken_byte_costs_one_character() {
        let mut bytes = "<a>سلام دنیا سلام دنیا</a>".as_bytes().to_vec();
        bytes.insert(3, 0xff);
        for content_type in ["text/xml; charset=utf-8", "text/xml; charset=iso-8859-1", ""] {
            let decoded = decode(&bytes, content_type);
            assert_eq!(
                (&*decoded.text, decoded.broken),
                ("<a>\u{fffd}سلام دنیا سلام دنیا</a>", 1),
                "{content_type}"
            );
        }
    }

    #[test]
    fn undeclared_bytes_are_looked_at() {
        let bytes = b"<a>caf\xe9 na\xefve d\xe9j\xe0 vu, un garcon tr\xe8s \xe9l\xe9gant</a>";
        assert!(text(bytes, "").contains("café naïve déjà vu"));
        assert!(text(bytes, "text/xml; charset=utf-8").contains("café naïve déjà vu"));
    }

    #[test]
    fn pages_that_the_web_does_not_know_are_read_where_they_are_declared() {
        let ebcdic = b"\x4c\x6f\xa7\x94\x93\x40\x85\x95\x83\x96\x84\x89\x95\x87\x7e\x7d\x83\x97\xf5\xf0\xf0\x7d\x6f\x6e\x4c\x81\x61\x6e";
        assert_eq!(text(ebcdic, ""), "<?xml encoding='cp500'?><a/>");
        let decoded = decode(b"<?xml encoding='IBM_437'?><a>caf\x82</a>", "");
        assert!(decoded.instead_of.is_some(), "{decoded:?}");
        let decoded = decode(b"<?xml encoding='CP437'?><a>caf\x82</a>", "");
        assert!(decoded.text.contains("café") && decoded.encoding == "cp437" && decoded.instead_of.is_none());
        assert!(text(b"<?xml encoding='Windows_1251'?><a>\xcc</a>", "").contains('М'));
    }

    #[test]
    fn an_escape_encoding_is_read_where_it_is_declared() {
        let bytes = b"<?xml version=\"1.0\" encoding=\"iso-2022-jp\"?><a>\x1b$B%F%9%H\x1b(B</a>";
        assert!(text(bytes, "").contains("テスト"));
    }
}
