//! Reading the eight registry tables, and checking that they fit together.

use chrono::Datelike;
use hotline_kernel::calendar::{CountStart, DayKind};

use super::catalogue::Entry;
use super::check::years;
use super::evidence::Hint;
use super::policy::{CategoryDeadlines, Counting, KindDays, Policy};
use super::registry::{Area, Category, Holiday, Rows, Unit, UnitAlias};
use super::table::{Cells, Problem, Sheet};
use super::word::{Kind, Word};

/// The tables that are loaded, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Units with parents and groups.
    Units,
    /// Their other names.
    UnitAliases,
    /// Areas with other names.
    Areas,
    /// Categories with default units and deadlines.
    Categories,
    /// The dispatch catalogue.
    Catalogue,
    /// Words that speak for categories.
    Keywords,
    /// The published calendar, year by year.
    Holidays,
    /// Policy profiles by date.
    PolicyProfiles,
}

impl Word for Table {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Units, "units"),
        (Self::UnitAliases, "unit_aliases"),
        (Self::Areas, "areas"),
        (Self::Categories, "categories"),
        (Self::Catalogue, "catalogue"),
        (Self::Keywords, "keywords"),
        (Self::Holidays, "holidays"),
        (Self::PolicyProfiles, "policy_profiles"),
    ];
}

/// One table's rows.
#[derive(Clone, Debug, PartialEq)]
pub enum TableRows {
    /// Units.
    Units(Vec<Unit>),
    /// Other names of units.
    UnitAliases(Vec<UnitAlias>),
    /// Areas.
    Areas(Vec<Area>),
    /// Categories.
    Categories(Vec<Category>),
    /// The dispatch catalogue.
    Catalogue(Vec<Entry>),
    /// Keywords.
    Keywords(Vec<Hint>),
    /// The published calendar.
    Holidays(Vec<Holiday>),
    /// Policy profiles.
    PolicyProfiles(Vec<Policy>),
}

/// Reads `csv` as `table`.
///
/// # Errors
///
/// The cells that are not as expected; then nothing of the table is used.
pub fn read(table: Table, csv: &[u8]) -> Result<TableRows, Vec<Problem>> {
    let sheet = |required: &[&str]| Sheet::read(csv, required);
    match table {
        Table::Units => sheet(&["code", "name", "parent_code", "group"])?
            .rows("code", unit)
            .map(TableRows::Units),
        Table::UnitAliases => sheet(&["alias", "unit_code"])?
            .rows("alias", unit_alias)
            .map(TableRows::UnitAliases),
        Table::Areas => sheet(&["code", "name", "parent_code"])?
            .rows("code", area)
            .map(TableRows::Areas),
        Table::Categories => sheet(&["code", "parent_code", "name"])?
            .rows("code", category)
            .map(TableRows::Categories),
        Table::Catalogue => sheet(&["category_code", "area_code", "lead_unit_code", "source"])?
            .rows("category_code", entry)
            .map(TableRows::Catalogue),
        Table::Keywords => sheet(&["keyword", "category_code", "weight"])?
            .rows("keyword", keyword)
            .map(TableRows::Keywords),
        Table::Holidays => sheet(&["date", "kind", "name"])?
            .rows("date", holiday)
            .map(TableRows::Holidays),
        Table::PolicyProfiles => sheet(&["profile", "counts", "valid_from"])?
            .rows("profile", policy)
            .map(TableRows::PolicyProfiles),
    }
}

fn unit(cells: &mut Cells<'_>) -> (String, Unit) {
    let code = cells.required("code");
    let name = cells.required("name");
    let unit = Unit {
        code: code.clone(),
        name,
        parent_code: cells.text("parent_code"),
        group: cells.text("group"),
        kind: cells.text("kind"),
    };
    (code, unit)
}

fn unit_alias(cells: &mut Cells<'_>) -> (String, UnitAlias) {
    let alias = cells.required("alias");
    let unit_code = cells.required("unit_code");
    (
        format!("{alias} {unit_code}"),
        UnitAlias { alias, unit_code },
    )
}

fn area(cells: &mut Cells<'_>) -> (String, Area) {
    let code = cells.required("code");
    let name = cells.required("name");
    let area = Area {
        code: code.clone(),
        name,
        parent_code: cells.text("parent_code"),
        aliases: cells.list("aliases"),
    };
    (code, area)
}

fn category(cells: &mut Cells<'_>) -> (String, Category) {
    let code = cells.required("code");
    let name = cells.required("name");
    let mut deadlines = category_deadlines(cells);
    deadlines.urgent_hours = cells
        .parsed("urgent_hours", "natural hours, or nothing")
        .or(deadlines.urgent_hours);
    let category = Category {
        code: code.clone(),
        parent_code: cells.text("parent_code"),
        name,
        default_unit_code: cells.text("default_unit_code"),
        deadlines,
    };
    (code, category)
}

/// Reads `consult:3;help:7;urgent_h:2`.
fn category_deadlines(cells: &mut Cells<'_>) -> CategoryDeadlines {
    let mut deadlines = CategoryDeadlines::default();
    let cell = cells.text("deadlines");
    for pair in cell
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
    {
        let (word, number) = pair.split_once(':').unwrap_or((pair, ""));
        match (Kind::parse(word), number.parse::<u32>()) {
            (Some(kind), Ok(days)) => deadlines.days.push((kind, days)),
            (None, Ok(hours)) if word == "urgent_h" => deadlines.urgent_hours = Some(hours),
            _ => cells.problem("deadlines", "pairs such as consult:3;help:7", pair),
        }
    }
    deadlines
}

fn entry(cells: &mut Cells<'_>) -> (String, Entry) {
    let category_code = cells.required("category_code");
    let lead_unit_code = cells.required("lead_unit_code");
    let source = cells.required("source");
    let (valid_from, valid_until) = (cells.day("valid_from"), cells.day("valid_until"));
    if let (Some(from), Some(until)) = (valid_from, valid_until)
        && until < from
    {
        cells.problem(
            "valid_until",
            "a day not before valid_from",
            &until.to_string(),
        );
    }
    let entry = Entry {
        category_code,
        area_code: cells.text("area_code"),
        lead_unit_code,
        assisting_unit_codes: cells.list("assisting_unit_codes"),
        source,
        valid_from,
        valid_until,
    };
    let key = format!(
        "{} {} {} {valid_from:?}",
        entry.category_code, entry.area_code, entry.lead_unit_code
    );
    (key, entry)
}

fn keyword(cells: &mut Cells<'_>) -> (String, Hint) {
    let word = cells.required("keyword");
    let code = cells.required("category_code");
    let expected = "a number above 0";
    let weight: f64 = cells.parsed("weight", expected).unwrap_or(1.0);
    if !(weight.is_finite() && weight > 0.0) {
        let found = cells.text("weight");
        cells.problem("weight", expected, &found);
    }
    (format!("{word} {code}"), Hint { word, code, weight })
}

fn holiday(cells: &mut Cells<'_>) -> (String, Holiday) {
    cells.required("date");
    let date = cells.day("date").unwrap_or_default();
    let kind = match cells.text("kind").as_str() {
        "workday" => DayKind::Workday,
        "holiday" => DayKind::Holiday,
        other => {
            cells.problem("kind", "holiday or workday", other);
            DayKind::Holiday
        }
    };
    (
        date.to_string(),
        Holiday {
            date,
            kind,
            name: cells.text("name"),
        },
    )
}

fn policy(cells: &mut Cells<'_>) -> (String, Policy) {
    let profile = cells.required("profile");
    cells.required("valid_from");
    let valid_from = cells.day("valid_from").unwrap_or_default();
    let counts = cells.text("counts");
    let counting = Counting::parse(&counts);
    if counting.is_none() {
        cells.problem("counts", "workdays or natural_days", &counts);
    }
    let start = cells.text("count_start");
    let count_start = if start == "same_day" {
        CountStart::SameDay
    } else {
        CountStart::NextDay
    };
    if !["", "next_day", "same_day"].contains(&start.as_str()) {
        cells.problem("count_start", "next_day, same_day or nothing", &start);
    }
    let days = kind_days(cells);
    if days.is_empty() {
        cells.problem("consult", "days for at least one kind", "");
    }
    let policy = Policy {
        profile,
        valid_from,
        counting: counting.unwrap_or(Counting::Workdays),
        count_start,
        days,
        sign_workdays: cells.parsed("sign_workdays", "working days, or nothing"),
        return_workdays: cells
            .parsed("return_workdays", "working days, or nothing")
            .unwrap_or(1),
        urgent_hours: cells.parsed("urgent_hours", "natural hours, or nothing"),
    };
    (format!("{} {valid_from}", policy.profile), policy)
}

fn kind_days(cells: &mut Cells<'_>) -> KindDays {
    let kinds = Kind::ALL.iter();
    kinds
        .filter_map(|(kind, word)| {
            cells
                .parsed(word, "days, or nothing")
                .map(|days| (*kind, days))
        })
        .collect()
}

impl TableRows {
    /// Which table they are of.
    #[must_use]
    pub fn table(&self) -> Table {
        match self {
            Self::Units(_) => Table::Units,
            Self::UnitAliases(_) => Table::UnitAliases,
            Self::Areas(_) => Table::Areas,
            Self::Categories(_) => Table::Categories,
            Self::Catalogue(_) => Table::Catalogue,
            Self::Keywords(_) => Table::Keywords,
            Self::Holidays(_) => Table::Holidays,
            Self::PolicyProfiles(_) => Table::PolicyProfiles,
        }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Units(rows) => rows.len(),
            Self::UnitAliases(rows) => rows.len(),
            Self::Areas(rows) => rows.len(),
            Self::Categories(rows) => rows.len(),
            Self::Catalogue(rows) => rows.len(),
            Self::Keywords(rows) => rows.len(),
            Self::Holidays(rows) => rows.len(),
            Self::PolicyProfiles(rows) => rows.len(),
        }
    }
}

impl Rows {
    /// Puts `loaded` in the place of its table. A calendar replaces only the years it has rows of.
    pub fn replace(&mut self, loaded: TableRows) {
        match loaded {
            TableRows::Units(rows) => self.units = rows,
            TableRows::UnitAliases(rows) => self.unit_aliases = rows,
            TableRows::Areas(rows) => self.areas = rows,
            TableRows::Categories(rows) => self.categories = rows,
            TableRows::Catalogue(rows) => self.catalogue = rows,
            TableRows::Keywords(rows) => self.keywords = rows,
            TableRows::PolicyProfiles(rows) => self.policies = rows,
            TableRows::Holidays(rows) => {
                let years = years(&rows);
                self.holidays
                    .retain(|holiday| !years.contains(&holiday.date.year()));
                self.holidays.extend(rows);
                self.holidays.sort_by_key(|holiday| holiday.date);
            }
        }
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
