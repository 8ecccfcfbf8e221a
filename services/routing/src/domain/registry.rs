//! The registry: units, areas, categories, catalogue, keywords, calendar and policies, ready for use.

use std::collections::BTreeMap;

use aho_corasick::BuildError;
use chrono::{Datelike, NaiveDate};
use hotline_kernel::calendar::{Calendar, DayKind};
use hotline_kernel::time::{Timestamp, Zone};

use super::catalogue::{Catalogue, Entry};
use super::deadline::Almanac;
use super::evidence::{Finder, Hint};
use super::policy::{CategoryDeadlines, Policy, Terms, version_on};
use super::ticket::Demand;
use super::unit::Tree;

/// A unit (承办单位).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its code.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// The unit above, empty if none.
    pub parent_code: String,
    /// Units are ranked within their group.
    pub group: String,
    /// What kind of body it is.
    pub kind: String,
}

/// Another name of a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitAlias {
    /// As it stands in texts.
    pub alias: String,
    /// The unit it means.
    pub unit_code: String,
}

/// An area of the city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// Its code.
    pub code: String,
    /// What people call it.
    pub name: String,
    /// The area around it, empty if none.
    pub parent_code: String,
    /// Other names.
    pub aliases: Vec<String>,
}

/// What a demand is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Its code.
    pub code: String,
    /// The category above, empty if none.
    pub parent_code: String,
    /// What people call it.
    pub name: String,
    /// Whose it is where the catalogue says nothing; empty if nobody's.
    pub default_unit_code: String,
    /// Where its deadlines differ.
    pub deadlines: CategoryDeadlines,
}

/// A day that differs from Monday to Friday.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// The day.
    pub date: NaiveDate,
    /// What it is instead.
    pub kind: DayKind,
    /// Why.
    pub name: String,
}

/// Every table's rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Units.
    pub units: Vec<Unit>,
    /// Their other names.
    pub unit_aliases: Vec<UnitAlias>,
    /// Areas.
    pub areas: Vec<Area>,
    /// Categories.
    pub categories: Vec<Category>,
    /// The dispatch catalogue.
    pub catalogue: Vec<Entry>,
    /// Words that speak for categories.
    pub keywords: Vec<Hint>,
    /// The published calendar; a year is loaded when it has a row.
    pub holidays: Vec<Holiday>,
    /// Policy profiles.
    pub policies: Vec<Policy>,
}

/// The registry, ready for use.
#[derive(Clone, Debug)]
pub struct Registry {
    /// Units by code.
    pub units: BTreeMap<String, Unit>,
    /// Who stands under whom.
    pub unit_tree: Tree,
    /// Which area lies in which.
    pub area_tree: Tree,
    /// Categories by code.
    pub categories: BTreeMap<String, Category>,
    /// Which category is part of which.
    pub category_tree: Tree,
    /// Whose is what.
    pub catalogue: Catalogue,
    /// Finds keywords of categories.
    pub keyword_finder: Finder,
    /// Finds names of areas.
    pub area_finder: Finder,
    /// Finds names of units.
    pub unit_finder: Finder,
    /// Working days.
    pub calendar: Calendar,
    policies: Vec<Policy>,
    built_in: Policy,
}

impl Registry {
    /// The registry of `rows`.
    ///
    /// # Errors
    ///
    /// If a table has too many words to search for.
    pub fn new(rows: Rows) -> Result<Self, BuildError> {
        let name = |word: &str, code: &str| Hint {
            word: word.to_owned(),
            code: code.to_owned(),
            weight: 1.0,
        };
        let own_names = rows.units.iter().map(|unit| name(&unit.name, &unit.code));
        let other_names = rows
            .unit_aliases
            .iter()
            .map(|alias| name(&alias.alias, &alias.unit_code));
        let unit_finder = Finder::new(own_names.chain(other_names))?;
        let area_names = rows.areas.iter().flat_map(|area| {
            let words = std::iter::once(&area.name).chain(&area.aliases);
            words.map(|word| name(word, &area.code)).collect::<Vec<_>>()
        });
        let area_finder = Finder::new(area_names)?;
        let loaded_years: Vec<i32> = rows
            .holidays
            .iter()
            .map(|holiday| holiday.date.year())
            .collect();
        let days = rows
            .holidays
            .iter()
            .map(|holiday| (holiday.date, holiday.kind));
        Ok(Self {
            unit_tree: Tree::new(
                rows.units
                    .iter()
                    .map(|unit| (unit.code.clone(), unit.parent_code.clone())),
            ),
            area_tree: Tree::new(
                rows.areas
                    .iter()
                    .map(|area| (area.code.clone(), area.parent_code.clone())),
            ),
            category_tree: Tree::new(
                rows.categories
                    .iter()
                    .map(|row| (row.code.clone(), row.parent_code.clone())),
            ),
            units: rows
                .units
                .into_iter()
                .map(|unit| (unit.code.clone(), unit))
                .collect(),
            categories: rows
                .categories
                .into_iter()
                .map(|category| (category.code.clone(), category))
                .collect(),
            catalogue: Catalogue::new(rows.catalogue),
            keyword_finder: Finder::new(rows.keywords)?,
            area_finder,
            unit_finder,
            calendar: Calendar::new(days, loaded_years),
            policies: rows.policies,
            built_in: Policy::sichuan_2025(),
        })
    }

    /// What every deadline is counted with.
    #[must_use]
    pub fn almanac(&self, zone: Zone) -> Almanac<'_> {
        Almanac {
            calendar: &self.calendar,
            zone,
        }
    }

    /// What applies to `demand` for a clock that starts at `from`. Where `profile` has not been loaded, the
    /// built-in one stands in.
    #[must_use]
    pub fn terms(&self, profile: &str, zone: Zone, demand: &Demand, from: Timestamp) -> Terms {
        let policy = version_on(&self.policies, profile, zone.day(from)).unwrap_or(&self.built_in);
        policy.terms(
            demand.kind,
            demand.urgency,
            self.deadlines_of(&demand.category_code).as_ref(),
        )
    }

    /// Where a category's deadlines differ, its own words before those of the categories above it.
    fn deadlines_of(&self, category: &str) -> Option<CategoryDeadlines> {
        let chain = self.category_tree.chain(category);
        let rows = chain.iter().filter_map(|code| self.categories.get(*code));
        rows.map(|row| row.deadlines.clone())
            .reduce(|nearer, above| CategoryDeadlines {
                days: nearer.days.into_iter().chain(above.days).collect(),
                urgent_hours: nearer.urgent_hours.or(above.urgent_hours),
            })
    }
}
