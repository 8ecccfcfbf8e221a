//! Finding tickets by what citizens said: what is asked, by which words a ticket is found, and in which order.

use std::collections::BTreeSet;

use hotline_kernel::search::{words_asked, words_of};
use hotline_kernel::time::{Timestamp, micros};

use super::listing::Ticket;

/// Longest query, in characters.
pub const QUERY_CHARS_MAX: usize = 200;
/// Words that a ticket is found by, at most; only one that hundreds are merged into has more.
const WORDS_MAX: usize = 20_000;
/// Places of one millisecond, as a power of two.
pub const PLACE_BITS: u32 = 20;
/// Places of a span, as a power of two: 25 days.
const SPAN_BITS: u32 = PLACE_BITS + 31;
/// Stands before a code, and in no word of a text.
const CODE_MARK: char = '§';

/// What a search asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// All of these words.
    pub words: BTreeSet<String>,
    /// Received at this instant or later.
    pub from: Option<Timestamp>,
    /// Received before this instant.
    pub before: Option<Timestamp>,
}

impl Search {
    /// Asks for what `query` says; `None` if it holds no letter or digit.
    #[must_use]
    pub fn of(query: &str) -> Option<Self> {
        let words = words_asked(query);
        (!words.is_empty()).then_some(Self {
            words,
            from: None,
            before: None,
        })
    }

    /// Only tickets of this lead unit.
    #[must_use]
    pub fn of_unit(mut self, code: &str) -> Self {
        self.words.insert(code_word('u', code));
        self
    }

    /// Only tickets of this category.
    #[must_use]
    pub fn of_category(mut self, code: &str) -> Self {
        self.words.insert(code_word('c', code));
        self
    }
}

/// What was said in a matter, masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Numbers of its appeal and of the ticket it opens.
    pub numbers: String,
    /// Subject and text; empty for a tip-off, whose content is not spread.
    pub text: String,
}

/// The words by which a ticket is found, with what was said in the matters on it.
#[must_use]
pub fn words(ticket: &Ticket, said: &[Said]) -> BTreeSet<String> {
    let mut words = words_of(&ticket.number);
    for code in [('u', &ticket.lead_unit_code), ('c', &ticket.category_code)] {
        words.insert(code_word(code.0, code.1));
    }
    for said in said {
        if words.len() >= WORDS_MAX {
            break;
        }
        words.extend(words_of(&said.numbers));
        if !ticket.discretion.tip_off {
            words.extend(words_of(&said.text));
        }
    }
    words
}

/// Whether a change of a ticket changes its words.
#[must_use]
pub fn is_found_otherwise(before: &Ticket, after: &Ticket) -> bool {
    let of = |ticket: &Ticket| {
        (
            ticket.number.clone(),
            ticket.lead_unit_code.clone(),
            ticket.category_code.clone(),
            ticket.discretion.tip_off,
        )
    };
    of(before) != of(after)
}

/// A code as one word of letters and digits, whatever it is made of.
fn code_word(table: char, code: &str) -> String {
    let mut word = String::from_iter([CODE_MARK, table]);
    for byte in code.bytes() {
        word.extend(char::from_digit(u32::from(byte >> 4), 16));
        word.extend(char::from_digit(u32::from(byte & 15), 16));
    }
    word
}

/// The first place of the millisecond of an instant: later ones have greater places. Tickets of the same
/// millisecond (an import that knows days only) follow each other.
#[must_use]
pub fn first_place(at: Timestamp) -> i64 {
    micros(at).div_euclid(1_000) << PLACE_BITS
}

/// The last place of the millisecond that begins at `first`.
#[must_use]
pub fn last_place(first: i64) -> i64 {
    first | ((1 << PLACE_BITS) - 1)
}

/// The word of the span of places that a ticket stands in, and of the span before it. A search that asks for
/// one of both collects the hits of some weeks instead of all.
#[must_use]
pub fn span_words(place: i64) -> [String; 2] {
    let span = place >> SPAN_BITS;
    [span, span - 1].map(|span| code_word('t', &span.to_string()))
}

#[cfg(test)]
mod tests {
    use hotline_kernel::time::from_micros;

    use super::*;

    #[test]
    fn a_code_is_a_word_of_its_own_that_no_text_has() {
        assert_ne!(code_word('u', "A-1"), code_word('u', "A_1"));
        assert_ne!(code_word('u', "01"), code_word('c', "01"));
        let word = code_word('u', "住建局 1");
        assert!(
            word.chars()
                .skip(1)
                .all(|symbol| symbol.is_ascii_alphanumeric()),
            "{word}"
        );
        assert!(!words_of(&word).contains(&word));
    }

    #[test]
    fn later_receipts_have_greater_places() {
        let instants = [
            -5_000_000,
            -1,
            0,
            999,
            1_000,
            1_790_000_000_000_000,
            4_102_444_800_000_000,
        ];
        let places: Vec<_> = instants
            .map(|micros| first_place(from_micros(micros).expect("an instant")))
            .into();
        assert!(places.is_sorted(), "{places:?}");
        for place in places {
            assert!(last_place(place) > place);
            assert_eq!(first_place(from_micros(0).expect("an instant")), 0);
        }
    }
}
