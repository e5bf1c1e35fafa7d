//! Signatures of bodies, as hubs write them (WebSub §8): `method=hex`, an HMAC of the body under a shared secret. Pure.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// Whether a signature such as `sha256=4a5b...` is that of `body` under `secret`. Takes as long for a wrong one as for a right one.
///
/// Known methods are sha1, sha256, sha384 and sha512; under an empty secret nothing is signed.
///
/// ```
/// use tidings::text::signature::is_signed;
///
/// assert!(is_signed(b"the body\n", "sha1=c6d021a778345e576f1723a3bf1256a6a7faadb7", b"the secret"));
/// assert!(!is_signed(b"another\n", "sha1=c6d021a778345e576f1723a3bf1256a6a7faadb7", b"the secret"));
/// ```
#[must_use]
pub fn is_signed(body: &[u8], signature: &str, secret: &[u8]) -> bool {
    let Some((method, hex)) = signature.trim().split_once('=') else {
        return false;
    };
    let Some(code) = from_hex(hex.trim()).filter(|_| !secret.is_empty()) else {
        return false;
    };
    match method.trim().to_ascii_lowercase().as_str() {
        "sha1" => is_code::<Hmac<Sha1>>(body, &code, secret),
        "sha256" => is_code::<Hmac<Sha256>>(body, &code, secret),
        "sha384" => is_code::<Hmac<Sha384>>(body, &code, secret),
        "sha512" => is_code::<Hmac<Sha512>>(body, &code, secret),
        _ => false,
    }
}

fn is_code<M: Mac + KeyInit>(body: &[u8], code: &[u8], secret: &[u8]) -> bool {
    let Ok(mac) = <M as KeyInit>::new_from_slice(secret) else {
        return false;
    };
    mac.chain_update(body).verify_slice(code).is_ok()
}

/// Bytes as hexadecimal digits in lower case.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| u8::try_from(char::from(c).to_digit(16)?).ok();
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{is_signed, to_hex};

    const BODY: &[u8] = b"the body\n";
    const SECRET: &[u8] = b"the secret";
    /// printf 'the body\n' | openssl dgst -sha1 -hmac 'the secret', and so on.
    const KNOWN: [&str; 4] = [
        "sha1=c6d021a778345e576f1723a3bf1256a6a7faadb7",
        "sha256=7e0d811ee6f45363e5cd40fae2e8b6cafeade426ac83e72c6d7e4d69a69574db",
        "sha384=70ff995feb823f265329b3f9c37314ef47ce43415e6c7aa3eb318a21f67ad57265b93a5ebc701fbb7f80f8b5ab0f7890",
        "sha512=5e339d4cdbb0f3f8b54b58ba944eaf60681ab1181d6e4ece5ab6dcf62d6c362d\
         6b455e019720a185f2b98ea2b6b03dd6f95c28691fefa6946326650e376e8cca",
    ];

    #[test]
    fn the_signatures_of_openssl_are_known_in_either_case() {
        for signature in KNOWN {
            assert!(is_signed(BODY, signature, SECRET), "{signature}");
            assert!(is_signed(BODY, &signature.to_ascii_uppercase(), SECRET), "{signature}");
        }
    }

    #[test]
    fn another_body_secret_method_or_code_is_not_signed() {
        for signature in KNOWN {
            assert!(!is_signed(b"the body", signature, SECRET));
            assert!(!is_signed(BODY, signature, b"another secret"));
            assert!(!is_signed(BODY, signature, b""));
            let (method, code) = signature.split_once('=').unwrap_or_default();
            for wrong in [
                format!("md5={code}"),
                code.to_owned(),
                format!("{method}={}", code.get(2..).unwrap_or_default()),
                format!("{method}={code}00"),
                format!("{method}={code}0"),
                format!("{method}=zz{}", code.get(2..).unwrap_or_default()),
                format!("{method}="),
                format!("{method}=é"),
                String::new(),
            ] {
                assert!(!is_signed(BODY, &wrong, SECRET), "{wrong}");
            }
        }
    }

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        assert_eq!(to_hex(&[0, 10, 255]), "000aff");
    }
}
