//! Whether the registry's tables fit together: every code that a row names must stand in its table.

use std::collections::BTreeSet;

use chrono::Datelike;

use super::load::Table;
use super::registry::{Holiday, Rows};
use super::table::{PROBLEMS_MAX, Problem};
use super::unit::{DEPTH_MAX, Tree};
use super::word::Word;

/// The years that `rows` have days of.
#[must_use]
pub fn years(rows: &[Holiday]) -> BTreeSet<i32> {
    rows.iter().map(|holiday| holiday.date.year()).collect()
}

/// What does not fit in `rows` now that `loaded` was replaced; empty if everything does.
///
/// `units_in_use` are the units that open tickets are with. Problems of other tables name them in the column.
#[must_use]
pub fn problems(rows: &Rows, loaded: Table, units_in_use: &[String]) -> Vec<Problem> {
    let tree = |pairs: Vec<Pair<'_>>| {
        Tree::new(
            pairs
                .into_iter()
                .map(|(code, parent)| (code.clone(), parent.clone())),
        )
    };
    let units: Vec<Pair<'_>> = rows
        .units
        .iter()
        .map(|row| (&row.code, &row.parent_code))
        .collect();
    let areas: Vec<Pair<'_>> = rows
        .areas
        .iter()
        .map(|row| (&row.code, &row.parent_code))
        .collect();
    let categories: Vec<Pair<'_>> = rows
        .categories
        .iter()
        .map(|row| (&row.code, &row.parent_code))
        .collect();
    let mut check = Check {
        loaded,
        units: tree(units.clone()),
        areas: tree(areas.clone()),
        categories: tree(categories.clone()),
        problems: Vec::new(),
    };
    check.parents(Table::Units, &units);
    check.parents(Table::Areas, &areas);
    check.parents(Table::Categories, &categories);
    check.names(rows);
    check.catalogue(rows);
    if loaded == Table::Units {
        check.in_use(units_in_use);
    }
    check.problems.truncate(PROBLEMS_MAX);
    check.problems
}

/// A code and its parent's.
type Pair<'a> = (&'a String, &'a String);

/// Which table a code must stand in.
#[derive(Clone, Copy)]
enum Of {
    Units,
    Areas,
    Categories,
}

struct Check {
    loaded: Table,
    units: Tree,
    areas: Tree,
    categories: Tree,
    problems: Vec<Problem>,
}

impl Check {
    fn tree(&self, of: Of) -> &Tree {
        match of {
            Of::Units => &self.units,
            Of::Areas => &self.areas,
            Of::Categories => &self.categories,
        }
    }

    /// Notes `code` if its table does not have it. The n-th row stands on line n + 2 of a file without line breaks
    /// in cells; a row of another table than the loaded one has no line.
    fn known(&mut self, (table, place): (Table, usize), column: &str, of: Of, code: &str) {
        if self.tree(of).contains(code) {
            return;
        }
        let is_loaded = table == self.loaded;
        let row = if is_loaded { place as u64 + 2 } else { 0 };
        let column = if is_loaded {
            column.to_owned()
        } else {
            format!("{}.{column}", table.word())
        };
        self.problems.push(Problem::new(
            row,
            &column,
            "a code that its table has",
            code,
        ));
    }

    fn parents(&mut self, table: Table, pairs: &[Pair<'_>]) {
        let of = match table {
            Table::Units => Of::Units,
            Table::Areas => Of::Areas,
            _ => Of::Categories,
        };
        for (place, (code, parent)) in pairs.iter().enumerate() {
            if !parent.is_empty() {
                self.known((table, place), "parent_code", of, parent);
            }
            if self.tree(of).chain(code).len() >= DEPTH_MAX {
                let expected = format!("fewer than {DEPTH_MAX} levels and no circle");
                self.problems.push(Problem::new(
                    place as u64 + 2,
                    "parent_code",
                    expected,
                    parent,
                ));
            }
        }
    }

    /// Other names of units, default units of categories, keywords.
    fn names(&mut self, rows: &Rows) {
        for (place, row) in rows.unit_aliases.iter().enumerate() {
            self.known(
                (Table::UnitAliases, place),
                "unit_code",
                Of::Units,
                &row.unit_code,
            );
        }
        for (place, row) in rows.categories.iter().enumerate() {
            if !row.default_unit_code.is_empty() {
                self.known(
                    (Table::Categories, place),
                    "default_unit_code",
                    Of::Units,
                    &row.default_unit_code,
                );
            }
        }
        for (place, row) in rows.keywords.iter().enumerate() {
            self.known(
                (Table::Keywords, place),
                "category_code",
                Of::Categories,
                &row.code,
            );
        }
    }

    fn catalogue(&mut self, rows: &Rows) {
        for (place, row) in rows.catalogue.iter().enumerate() {
            let at = (Table::Catalogue, place);
            self.known(at, "category_code", Of::Categories, &row.category_code);
            self.known(at, "lead_unit_code", Of::Units, &row.lead_unit_code);
            if !row.area_code.is_empty() {
                self.known(at, "area_code", Of::Areas, &row.area_code);
            }
            for unit in &row.assisting_unit_codes {
                self.known(at, "assisting_unit_codes", Of::Units, unit);
            }
        }
    }

    fn in_use(&mut self, units: &[String]) {
        for unit in units {
            if !self.units.contains(unit) {
                let expected = "every unit that an open ticket is with";
                self.problems.push(Problem::new(0, "code", expected, unit));
            }
        }
    }
}
