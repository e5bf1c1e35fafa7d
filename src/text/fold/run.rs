//! How far a run of ASCII letters and digits goes, seen eight bytes at a time: where words end cannot be foretold, and to guess
//! wrong at each of them costs more than to read it.

const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGH: u64 = 0x80 * ONES;
/// What makes capitals small.
const SMALL: u64 = 0x20 * ONES;

/// The length of the run that `bytes` begin with, and whether it has capitals.
pub(super) fn run_of(bytes: &[u8]) -> (usize, bool) {
    let (mut length, mut has_capitals) = (0, false);
    while let Some(next) = bytes.get(length..).and_then(<[u8]>::first_chunk) {
        let (more, are_capitals) = run_of_eight(*next);
        length += more;
        has_capitals |= are_capitals;
        if more < 8 {
            return (length, has_capitals);
        }
    }
    let rest = bytes.get(length..).unwrap_or_default();
    let rest = rest
        .split(|byte| !byte.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    (
        length + rest.len(),
        has_capitals || rest.iter().any(u8::is_ascii_uppercase),
    )
}

/// The same of eight bytes.
fn run_of_eight(bytes: [u8; 8]) -> (usize, bool) {
    // The first byte is the lowest.
    let bytes = u64::from_le_bytes(bytes);
    let low = bytes & !HIGH;
    let capitals = within(low, b'A', b'Z');
    let (letters, digits) = (within(low | SMALL, b'a', b'z'), within(low, b'0', b'9'));
    let others = (bytes | !(letters | digits)) & HIGH;
    let before = others.wrapping_sub(1) & !others;
    (others.trailing_zeros() as usize / 8, capitals & before != 0)
}

/// The highest bit of each byte from `first` to `last`, of bytes without their highest bits.
fn within(low: u64, first: u8, last: u8) -> u64 {
    let from = low + ONES * u64::from(0x80 - first);
    let behind = low + ONES * u64::from(0x7f - last);
    from & !behind & HIGH
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "tests")]
    use super::run_of;

    #[test]
    fn each_byte_at_each_place_is_told_from_all_others() {
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[place] = byte;
                let length = if byte.is_ascii_alphanumeric() { 20 } else { place };
                assert_eq!(run_of(&bytes), (length, byte.is_ascii_uppercase()), "{byte} at {place}");
            }
        }
    }

    #[test]
    fn capitals_behind_the_run_are_not_its_own() {
        assert_eq!(run_of(b"run Of eight bytes"), (3, false));
        assert_eq!(run_of(b"Run of eight bytes"), (3, true));
        assert_eq!(run_of("runé Of".as_bytes()), (3, false));
        assert_eq!(run_of(b"sixteen0letters0"), (16, false));
        assert_eq!(run_of(b""), (0, false));
    }
}
