//! Which numbers of which writers have been seen: one bit each, so that a row that stands twice is found.

use std::collections::HashMap;

use uuid::Uuid;

const WORDS: usize = 64;
const NUMBERS: i64 = 64 * 64;

/// Numbers come nearly dense, so a page of bits costs about a bit a row.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pages: HashMap<(Uuid, i64), [u64; WORDS]>,
}

impl Seen {
    /// Notes a row; false if it was seen before.
    pub(super) fn note(&mut self, writer: Uuid, number: i64) -> bool {
        let key = (writer, number.div_euclid(NUMBERS));
        let page = self.pages.entry(key).or_insert([0; WORDS]);
        let bit = usize::try_from(number.rem_euclid(NUMBERS)).unwrap_or_default();
        let mask = 1_u64 << (bit % 64);
        let word = &mut page[bit / 64];
        let is_new = *word & mask == 0;
        *word |= mask;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_of_each_writer_is_new_once() {
        let mut seen = Seen::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for number in [0, 1, 63, 64, 4095, 4096, i64::MAX, -1, i64::MIN] {
            assert!(seen.note(one, number), "{number}");
            assert!(seen.note(other, number), "{number}");
            assert!(!seen.note(one, number), "{number}");
        }
        assert_eq!(seen.pages.len(), 2 * 5);
    }
}
