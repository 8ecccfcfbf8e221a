//! What a text says about category, area and units: keywords and aliases found in it.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use hotline_kernel::text;

/// A word, and what it speaks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Hint {
    /// As it stands in texts.
    pub word: String,
    /// A code of the table that the finder is for.
    pub code: String,
    /// How strongly it speaks; above 0.
    pub weight: f64,
}

/// A word that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The word as the table has it.
    pub word: String,
    /// What it speaks for.
    pub code: String,
    /// How strongly.
    pub weight: f64,
}

/// Finds many words in one pass over a text.
#[derive(Clone, Debug)]
pub struct Finder {
    automaton: AhoCorasick,
    // By pattern number: the hints that share its folded word.
    hints: Vec<Vec<Hint>>,
}

impl Finder {
    /// A finder of `hints`; those without a letter or digit find nothing.
    ///
    /// # Errors
    ///
    /// If the words together are too many for an automaton.
    pub fn new(hints: impl IntoIterator<Item = Hint>) -> Result<Self, BuildError> {
        let mut by_word: BTreeMap<String, Vec<Hint>> = BTreeMap::new();
        for hint in hints {
            let folded = text::fold(&hint.word);
            if !folded.is_empty() {
                by_word.entry(folded).or_default().push(hint);
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(by_word.keys())?;
        Ok(Self {
            automaton,
            hints: by_word.into_values().collect(),
        })
    }

    /// What stands in `folded` (see [`folded`]); each hint once, the longest word where words overlap.
    #[must_use]
    pub fn find(&self, folded: &str) -> Vec<Found> {
        let patterns: BTreeSet<usize> = self
            .automaton
            .find_iter(folded)
            .map(|found| found.pattern().as_usize())
            .collect();
        let hints = patterns
            .into_iter()
            .filter_map(|pattern| self.hints.get(pattern))
            .flatten();
        hints
            .map(|hint| Found {
                word: hint.word.clone(),
                code: hint.code.clone(),
                weight: hint.weight,
            })
            .collect()
    }
}

/// The form in which texts are searched: folded piece by piece, so that no word reaches over a full stop.
#[must_use]
pub fn folded(text: &str) -> String {
    let pieces = text
        .split(|symbol: char| !symbol.is_alphanumeric())
        .map(text::fold);
    pieces
        .filter(|piece| !piece.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_word_is_found_once_and_never_over_a_full_stop() {
        let hint = |word: &str, code: &str| Hint {
            word: word.to_owned(),
            code: code.to_owned(),
            weight: 1.0,
        };
        let finder = Finder::new([
            hint("路灯", "a"),
            hint("路灯不亮", "b"),
            hint("停水", "c"),
            hint("ＬＥＤ", "d"),
        ])
        .unwrap();
        let cases: [(&str, &[&str]); 5] = [
            ("样例路的路灯不亮。路灯不亮!", &["b"]),
            ("路灯坏了，停水", &["a", "c"]),
            ("车停。水管", &[]),
            ("led 屏幕", &["d"]),
            ("", &[]),
        ];
        for (text, expected) in cases {
            let mut codes: Vec<String> = finder
                .find(&folded(text))
                .into_iter()
                .map(|found| found.code)
                .collect();
            codes.sort();
            assert_eq!(codes, expected, "{text}");
        }
    }
}
