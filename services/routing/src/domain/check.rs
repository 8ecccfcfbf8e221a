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
    let units = Tree::new(
        rows.units
            .iter()
            .map(|unit| (unit.code.clone(), unit.parent_code.clone())),
    );
    let areas = Tree::new(
        rows.areas
            .iter()
            .map(|area| (area.code.clone(), area.parent_code.clone())),
    );
    let categories = Tree::new(
        rows.categories
            .iter()
            .map(|row| (row.code.clone(), row.parent_code.clone())),
    );
    let mut check = Check {
        loaded,
        problems: Vec::new(),
    };

    check.parents(
        Table::Units,
        &units,
        rows.units
            .iter()
            .map(|unit| (&unit.code, &unit.parent_code)),
    );
    check.parents(
        Table::Areas,
        &areas,
        rows.areas
            .iter()
            .map(|area| (&area.code, &area.parent_code)),
    );
    check.parents(
        Table::Categories,
        &categories,
        rows.categories
            .iter()
            .map(|row| (&row.code, &row.parent_code)),
    );
    for (place, row) in rows.unit_aliases.iter().enumerate() {
        check.known(
            Table::UnitAliases,
            place,
            "unit_code",
            &units,
            &row.unit_code,
        );
    }
    for (place, row) in rows
        .categories
        .iter()
        .enumerate()
        .filter(|(_, row)| !row.default_unit_code.is_empty())
    {
        check.known(
            Table::Categories,
            place,
            "default_unit_code",
            &units,
            &row.default_unit_code,
        );
    }
    for (place, row) in rows.keywords.iter().enumerate() {
        check.known(
            Table::Keywords,
            place,
            "category_code",
            &categories,
            &row.code,
        );
    }
    for (place, row) in rows.catalogue.iter().enumerate() {
        check.known(
            Table::Catalogue,
            place,
            "category_code",
            &categories,
            &row.category_code,
        );
        check.known(
            Table::Catalogue,
            place,
            "lead_unit_code",
            &units,
            &row.lead_unit_code,
        );
        if !row.area_code.is_empty() {
            check.known(Table::Catalogue, place, "area_code", &areas, &row.area_code);
        }
        for unit in &row.assisting_unit_codes {
            check.known(
                Table::Catalogue,
                place,
                "assisting_unit_codes",
                &units,
                unit,
            );
        }
    }
    for unit in units_in_use
        .iter()
        .filter(|unit| loaded == Table::Units && !units.contains(unit))
    {
        check.problems.push(Problem::new(
            0,
            "code",
            "every unit that an open ticket is with",
            unit,
        ));
    }
    check.problems.truncate(PROBLEMS_MAX);
    check.problems
}

struct Check {
    loaded: Table,
    problems: Vec<Problem>,
}

impl Check {
    /// Notes `code` if it is not in `tree`. The n-th row stands on line n + 2 of a file without line breaks in
    /// cells; a row of another table than the loaded one has no line.
    fn known(&mut self, table: Table, place: usize, column: &str, tree: &Tree, code: &str) {
        if tree.contains(code) {
            return;
        }
        let row = if table == self.loaded {
            place as u64 + 2
        } else {
            0
        };
        let column = if table == self.loaded {
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

    fn parents<'a>(
        &mut self,
        table: Table,
        tree: &Tree,
        rows: impl Iterator<Item = (&'a String, &'a String)>,
    ) {
        for (place, (code, parent)) in rows.enumerate() {
            if !parent.is_empty() {
                self.known(table, place, "parent_code", tree, parent);
            }
            if tree.chain(code).len() >= DEPTH_MAX {
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
}
