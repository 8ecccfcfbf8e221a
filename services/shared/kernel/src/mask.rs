//! Masks personal data in Chinese text.
//!
//! [`Masker::internal`] is for lists, events and people who need no original: the text stays readable.
//! [`Masker::public`] is for publication, before people check it. The text is compared in a plain form
//! (`shadow`), and only what was found is replaced, so everything else stays as it was written.
//! Numbers are found by walking runs of digits (`digits`), the rest by patterns (`patterns`); what all
//! rules are is the table in `rules`.

mod checks;
mod digits;
mod patterns;
mod rules;
mod shadow;

use std::collections::BTreeMap;

use self::patterns::Patterns;
use self::shadow::Shadow;

pub use self::rules::{RULES, Rule};
pub use self::shadow::half_width;

/// Replacing can bring to light what a replaced part hid; more passes than this never happen in practice.
const PASSES_MAX: usize = 8;

/// Finds and masks personal data by the rules of [`RULES`]; make one and keep it.
#[derive(Clone, Debug)]
pub struct Masker {
    patterns: Patterns,
}

/// Who will read the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Audience {
    Internal,
    Public,
}

/// A part of the text, in symbols, and what stands there afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    /// Which rule found it; where two overlap, the one that stands first in [`RULES`] wins.
    rule: &'static str,
    start: usize,
    end: usize,
    internal: String,
    public: String,
}

impl Masker {
    /// A masker by the compiled-in rules.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            patterns: Patterns::compiled(),
        }
    }

    /// Masked for work inside: who it is is hidden, what it is about stays readable.
    #[must_use]
    pub fn internal(&self, text: &str) -> String {
        self.mask(text, Audience::Internal)
    }

    /// Masked for publication: numbers are removed, names become 张某某.
    #[must_use]
    pub fn public(&self, text: &str) -> String {
        self.mask(text, Audience::Public)
    }

    /// The rules that apply to `text`, in the order of the places where they do.
    #[must_use]
    pub fn findings(&self, text: &str) -> Vec<&'static str> {
        self.find(&Shadow::of(text))
            .into_iter()
            .map(|found| found.rule)
            .collect()
    }

    fn mask(&self, text: &str, audience: Audience) -> String {
        let mut masked = text.to_owned();
        for _ in 0..PASSES_MAX {
            let next = self.pass(&masked, audience);
            if next == masked {
                break;
            }
            masked = next;
        }
        masked
    }

    fn pass(&self, text: &str, audience: Audience) -> String {
        let shadow = Shadow::of(text);
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        for found in self.find(&shadow) {
            masked.push_str(shadow.original(text, done, found.start));
            masked.push_str(match audience {
                Audience::Internal => &found.internal,
                Audience::Public => &found.public,
            });
            done = found.end;
        }
        masked.push_str(shadow.original(text, done, shadow.len()));
        masked
    }

    /// Everything found, in order and without overlaps.
    fn find(&self, shadow: &Shadow) -> Vec<Found> {
        let mut all = digits::find(shadow);
        all.extend(self.patterns.find(shadow));
        all.sort_by_key(|found| (rules::priority(found.rule), found.start));
        let mut kept: BTreeMap<usize, Found> = BTreeMap::new();
        for found in all {
            let overlaps_before = kept
                .range(..=found.start)
                .next_back()
                .is_some_and(|(_, other)| other.end > found.start);
            let overlaps_after = kept
                .range(found.start..)
                .next()
                .is_some_and(|(&start, _)| start < found.end);
            if !overlaps_before && !overlaps_after {
                kept.insert(found.start, found);
            }
        }
        kept.into_values().collect()
    }
}

#[cfg(test)]
mod tests;
