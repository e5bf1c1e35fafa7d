//! Hashes by which texts are recognised again.

use xxhash_rust::xxh3::Xxh3Default;

/// A 128-bit hash of several texts; where one ends counts.
#[must_use]
pub fn hash_of<'a>(parts: impl Iterator<Item = &'a str>) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut hash = [0; 16];
    hasher.finalize_xof().fill(&mut hash);
    hash
}

/// The same, made fast: whoever writes the texts can make two with one hash, if there is anything in it for them.
#[must_use]
pub fn fast_hash_of<'a>(parts: impl Iterator<Item = &'a str>) -> [u8; 16] {
    let mut hasher = Xxh3Default::new();
    for part in parts {
        hasher.update(&part.len().to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.digest128().to_le_bytes()
}

/// A hash of what an item says, wherever it is; None: nothing.
#[must_use]
pub fn text_hash(title: &str, summary: &str, content: &str) -> Option<[u8; 16]> {
    let said = [title, summary, content];
    said.iter()
        .any(|text| !text.is_empty())
        .then(|| hash_of(said.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::{fast_hash_of, hash_of};

    #[test]
    fn where_a_text_ends_counts() {
        assert_ne!(hash_of(["ab", "c"].into_iter()), hash_of(["a", "bc"].into_iter()));
        assert_eq!(hash_of(["ab", "c"].into_iter()), hash_of(["ab", "c"].into_iter()));
        assert_ne!(
            fast_hash_of(["ab", "c"].into_iter()),
            fast_hash_of(["a", "bc"].into_iter())
        );
        assert_eq!(
            fast_hash_of(["ab", "c"].into_iter()),
            fast_hash_of(["ab", "c"].into_iter())
        );
    }
}
