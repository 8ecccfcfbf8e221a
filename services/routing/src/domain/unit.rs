//! Trees of codes: units under units, areas under areas, categories under categories.

use std::collections::BTreeMap;

/// The deepest tree that is walked; a table with a longer chain is refused when it is loaded.
pub const DEPTH_MAX: usize = 8;

/// Who stands under whom, by code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    parents: BTreeMap<String, String>,
}

impl Tree {
    /// A tree of (code, parent code) pairs; an empty parent is a root.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            parents: pairs.into_iter().collect(),
        }
    }

    /// Whether `code` is in it.
    #[must_use]
    pub fn contains(&self, code: &str) -> bool {
        self.parents.contains_key(code)
    }

    /// `code` and everything above it, nearest first; empty if it is not known.
    #[must_use]
    pub fn chain<'a>(&'a self, code: &str) -> Vec<&'a str> {
        let mut chain = Vec::new();
        let mut next = self.parents.get_key_value(code);
        while let Some((code, parent)) = next {
            chain.push(code.as_str());
            if chain.len() >= DEPTH_MAX {
                break;
            }
            next = self.parents.get_key_value(parent.as_str());
        }
        chain
    }

    /// Whether `code` is `ancestor` or stands under it.
    #[must_use]
    pub fn is_within(&self, code: &str, ancestor: &str) -> bool {
        code == ancestor || self.chain(code).contains(&ancestor)
    }

    /// `code` and everything under it.
    #[must_use]
    pub fn subtree(&self, code: &str) -> Vec<String> {
        self.parents
            .keys()
            .filter(|below| self.is_within(below, code))
            .cloned()
            .collect()
    }

    /// The complained-against unit under which `unit` stands, if any: neither it nor
    /// a unit below it can ever be dispatched to.
    #[must_use]
    pub fn complained_above<'a>(&self, unit: &str, complained: &'a [String]) -> Option<&'a str> {
        complained
            .iter()
            .map(String::as_str)
            .find(|against| self.is_within(unit, against))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let pairs = [
            ("CITY", ""),
            ("HOUSING", "CITY"),
            ("DISTRICT", ""),
            ("TOWN", "DISTRICT"),
            ("VILLAGE", "TOWN"),
        ];
        Tree::new(pairs.map(|(code, parent)| (code.to_owned(), parent.to_owned())))
    }

    #[test]
    fn a_unit_is_within_itself_and_everything_above() {
        let cases = [
            ("VILLAGE", "VILLAGE", true),
            ("VILLAGE", "DISTRICT", true),
            ("DISTRICT", "VILLAGE", false),
            ("VILLAGE", "CITY", false),
            ("UNKNOWN", "CITY", false),
        ];
        for (unit, ancestor, expected) in cases {
            assert_eq!(
                tree().is_within(unit, ancestor),
                expected,
                "{unit} in {ancestor}"
            );
        }
        assert_eq!(tree().subtree("DISTRICT"), ["DISTRICT", "TOWN", "VILLAGE"]);
    }

    #[test]
    fn children_of_a_complained_unit_are_complained_against_too() {
        let against = ["TOWN".to_owned()];
        let cases = [
            ("TOWN", Some("TOWN")),
            ("VILLAGE", Some("TOWN")),
            ("DISTRICT", None),
            ("HOUSING", None),
        ];
        for (unit, expected) in cases {
            assert_eq!(tree().complained_above(unit, &against), expected, "{unit}");
        }
    }

    #[test]
    fn a_circle_does_not_hang() {
        let circle = Tree::new(
            [("A", "B"), ("B", "A")].map(|(code, parent)| (code.to_owned(), parent.to_owned())),
        );
        assert_eq!(circle.chain("A").len(), DEPTH_MAX);
    }
}
