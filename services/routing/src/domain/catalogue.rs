//! The dispatch catalogue (派单目录): whose a category is, area by area.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use hotline_kernel::id::TicketId;
use hotline_kernel::time::Timestamp;

/// One row of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is about; holds for the categories under it too.
    pub category_code: String,
    /// Where; holds for the areas under it too. Empty means anywhere.
    pub area_code: String,
    /// Who leads (主办).
    pub lead_unit_code: String,
    /// Who assists (协办).
    pub assisting_unit_codes: Vec<String>,
    /// The document that says so.
    pub source: String,
    /// Its first day; `None` if it always held.
    pub valid_from: Option<NaiveDate>,
    /// Its last day; `None` while it holds.
    pub valid_until: Option<NaiveDate>,
}

impl Entry {
    fn holds_on(&self, day: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= day)
            && self.valid_until.is_none_or(|until| day <= until)
    }
}

/// Where something happened, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// One area, with those above it, nearest first.
    Known(Vec<String>),
    /// No area was named, or several.
    Unknown,
}

/// The whole catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    by_category: BTreeMap<String, Vec<Entry>>,
}

impl Catalogue {
    /// A catalogue of `entries`.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut by_category: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            by_category
                .entry(entry.category_code.clone())
                .or_default()
                .push(entry);
        }
        Self { by_category }
    }

    /// The rows that decide, most specific first: the exact category in the exact area, in an area above it,
    /// anywhere; then the same for the category above.
    ///
    /// While the area is unknown every row of the category may be the right one, so all of them are given.
    #[must_use]
    pub fn deciding(
        &self,
        categories: &[&str],
        whereabouts: &Whereabouts,
        day: NaiveDate,
    ) -> Vec<&Entry> {
        for category in categories {
            let rows = self
                .by_category
                .get(*category)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let holding: Vec<&Entry> = rows.iter().filter(|entry| entry.holds_on(day)).collect();
            let found = match whereabouts {
                Whereabouts::Unknown => holding,
                Whereabouts::Known(areas) => nearest(&holding, areas),
            };
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

fn nearest<'a>(rows: &[&'a Entry], areas: &[String]) -> Vec<&'a Entry> {
    let anywhere = std::iter::once("");
    for area in areas.iter().map(String::as_str).chain(anywhere) {
        let found: Vec<&Entry> = rows
            .iter()
            .filter(|entry| entry.area_code == area)
            .copied()
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// The leads that `entries` name, each once.
#[must_use]
pub fn leads<'a>(entries: &[&'a Entry]) -> BTreeSet<&'a str> {
    entries
        .iter()
        .map(|entry| entry.lead_unit_code.as_str())
        .collect()
}

/// A change of the catalogue that a consultation proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CatalogueProposal {
    /// The ticket it came from.
    pub ticket_id: TicketId,
    /// Its number.
    pub ticket_number: String,
    /// What it is about.
    pub category_code: String,
    /// Where; empty if not known.
    pub area_code: String,
    /// Whose it shall be.
    pub lead_unit_code: String,
    /// What was decided; masked.
    pub decision: String,
    /// When.
    pub decided_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(category: &str, area: &str, lead: &str) -> Entry {
        Entry {
            category_code: category.to_owned(),
            area_code: area.to_owned(),
            lead_unit_code: lead.to_owned(),
            assisting_unit_codes: vec![],
            source: "catalogue 2026".to_owned(),
            valid_from: None,
            valid_until: None,
        }
    }

    fn known(chain: &[&str]) -> Whereabouts {
        Whereabouts::Known(chain.iter().map(|area| (*area).to_owned()).collect())
    }

    fn sample() -> Catalogue {
        let old = Entry {
            valid_until: "2025-12-31".parse().ok(),
            ..entry("0101", "TOWN", "FORMER")
        };
        let coming = Entry {
            valid_from: "2027-01-01".parse().ok(),
            ..entry("0101", "TOWN", "COMING")
        };
        Catalogue::new([
            old,
            coming,
            entry("0101", "TOWN", "TOWN_OFFICE"),
            entry("0101", "DISTRICT", "DISTRICT_HOUSING"),
            entry("0101", "", "HOUSING"),
            entry("01", "DISTRICT", "DISTRICT_GOV"),
            entry("01", "", "CITY_GOV"),
            entry("0102", "TOWN", "ONLY_THERE"),
        ])
    }

    #[test]
    fn the_most_specific_row_wins() {
        let catalogue = sample();
        // (label, categories, areas or ? for unknown, leads)
        let cases = [
            (
                "exact category, exact area",
                "0101 01",
                "TOWN DISTRICT",
                "TOWN_OFFICE",
            ),
            (
                "exact category, area above",
                "0101 01",
                "OTHER DISTRICT",
                "DISTRICT_HOUSING",
            ),
            (
                "exact category, anywhere",
                "0101 01",
                "ELSEWHERE",
                "HOUSING",
            ),
            (
                "category above, area",
                "0199 01",
                "DISTRICT",
                "DISTRICT_GOV",
            ),
            (
                "category above, anywhere",
                "0199 01",
                "ELSEWHERE",
                "CITY_GOV",
            ),
            (
                "a row of another area does not count",
                "0102 01",
                "ELSEWHERE",
                "CITY_GOV",
            ),
            (
                "area unknown",
                "0101 01",
                "?",
                "DISTRICT_HOUSING HOUSING TOWN_OFFICE",
            ),
            ("no row", "99", "TOWN", ""),
        ];
        for (label, categories, areas, expected) in cases {
            let categories: Vec<&str> = categories.split(' ').collect();
            let areas: Vec<&str> = areas.split(' ').collect();
            let whereabouts = if areas == ["?"] {
                Whereabouts::Unknown
            } else {
                known(&areas)
            };
            let found =
                catalogue.deciding(&categories, &whereabouts, "2026-06-01".parse().unwrap());
            let named: Vec<&str> = leads(&found).into_iter().collect();
            assert_eq!(named.join(" "), expected, "{label}");
        }
        let later = catalogue.deciding(&["0101"], &known(&["TOWN"]), "2027-01-01".parse().unwrap());
        assert_eq!(
            leads(&later).into_iter().collect::<Vec<_>>(),
            ["COMING", "TOWN_OFFICE"],
            "both hold from 2027"
        );
    }
}
