//! Tables are read whole, or refused with the row, the column, what was expected and what stood there.

use super::super::check::problems;
use super::super::proposal::tests::city;
use super::*;

/// Rows of: table, then the file with `|` for line breaks, then what is told.
const WRONG: [(Table, &str, &str); 13] = [
    (
        Table::Units,
        "code,name|A,甲",
        "row 1, column parent_code: expected this column, found `code,name`",
    ),
    (
        Table::Units,
        "code,name,parent_code,group|A,,,",
        "row 2, column name: expected a value, found ``",
    ),
    (
        Table::Units,
        "code,name,parent_code,group|A,甲,,|A,乙,,",
        "row 3, column code: expected a value that no row above has, found `A`",
    ),
    (
        Table::Units,
        "code,name,parent_code,group|A,甲",
        "row 2, column row: expected 4 cells",
    ),
    (
        Table::Keywords,
        "keyword,category_code,weight|路灯,0201,0",
        "row 2, column weight: expected a number above 0, found `0`",
    ),
    (
        Table::Keywords,
        "keyword,category_code,weight|路灯,0201,viel",
        "row 2, column weight: expected a number above 0, found `viel`",
    ),
    (
        Table::Holidays,
        "date,kind,name|2027-01-01,off,元旦",
        "row 2, column kind: expected holiday or workday, found `off`",
    ),
    (
        Table::Holidays,
        "date,kind,name|01.01.2027,holiday,元旦",
        "row 2, column date: expected a day as 2026-03-31, found `01.01.2027`",
    ),
    (
        Table::Categories,
        "code,parent_code,name,deadlines|01,,城建,consult:x",
        "row 2, column deadlines: expected pairs such as consult:3;help:7, found `consult:x`",
    ),
    (
        Table::Catalogue,
        "category_code,area_code,lead_unit_code,source,valid_from,valid_until|01,,A,文,2026-05-01,2026-04-01",
        "row 2, column valid_until: expected a day not before valid_from, found `2026-04-01`",
    ),
    (
        Table::PolicyProfiles,
        "profile,counts,valid_from,consult|p,weeks,2026-01-01,3",
        "row 2, column counts: expected workdays or natural_days, found `weeks`",
    ),
    (
        Table::PolicyProfiles,
        "profile,counts,valid_from,consult|p,workdays,,3",
        "row 2, column valid_from: expected a value, found ``",
    ),
    (
        Table::PolicyProfiles,
        "profile,counts,valid_from,consult|p,workdays,2026-01-01,",
        "row 2, column consult: expected days for at least one kind, found ``",
    ),
];

#[test]
fn a_wrong_cell_is_named() {
    for (table, file, expected) in WRONG {
        let problems = read(table, file.replace('|', "\n").as_bytes()).unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let is_told = told.iter().any(|problem| problem.starts_with(expected));
        assert!(is_told, "{expected}\nbut: {told:?}");
    }
}

#[test]
fn every_wrong_row_is_told_up_to_a_limit() {
    let header = "code,name,parent_code,group\n";
    let csv = format!("{header}{}", "A,,,\n".repeat(50));
    assert_eq!(
        read(Table::Units, csv.as_bytes()).unwrap_err().len(),
        super::super::table::PROBLEMS_MAX
    );
}

#[test]
fn a_byte_order_mark_and_blanks_around_cells_do_not_matter() {
    let csv = "\u{feff}code , name,parent_code,group\n A , 甲 ,, \n";
    let TableRows::Units(units) = read(Table::Units, csv.as_bytes()).unwrap() else {
        panic!("units were read")
    };
    assert_eq!(
        (units[0].code.as_str(), units[0].name.as_str()),
        ("A", "甲")
    );
}

#[test]
fn a_code_that_no_table_has_is_named() {
    let cases = [
        (
            Table::Catalogue,
            "category_code,area_code,lead_unit_code,source\n0101,E,NOBODY,文\n",
            "row 2, column lead_unit_code",
        ),
        (
            Table::Catalogue,
            "category_code,area_code,lead_unit_code,source\n0101,NOWHERE,UMB,文\n",
            "row 2, column area_code",
        ),
        (
            Table::Keywords,
            "keyword,category_code,weight\n水,8888,1\n",
            "row 2, column category_code",
        ),
        (
            Table::UnitAliases,
            "alias,unit_code\n城管,UMB\n环保局,ECO\n",
            "row 3, column unit_code",
        ),
        (
            Table::Units,
            "code,name,parent_code,group\nUMB,城管,NONE,\n",
            "row 2, column parent_code",
        ),
        (
            Table::Units,
            "code,name,parent_code,group\nUMB,城管,,\n",
            "row 0, column unit_aliases.unit_code",
        ),
        (
            Table::Areas,
            "code,name,parent_code\nE,东区,W\nW,西区,E\n",
            "row 2, column parent_code: expected fewer than 8 levels",
        ),
    ];
    for (table, csv, expected) in cases {
        let mut rows = city();
        rows.replace(read(table, csv.as_bytes()).unwrap());
        let told: Vec<String> = problems(&rows, table, &[])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(
            told.iter().any(|problem| problem.starts_with(expected)),
            "{expected}\nbut: {told:?}"
        );
    }
    assert_eq!(problems(&city(), Table::Units, &["UMB".to_owned()]), []);
    let lost = problems(&city(), Table::Units, &["GONE".to_owned()]);
    assert_eq!(
        lost[0].to_string(),
        "row 0, column code: expected every unit that an open ticket is with, found `GONE`"
    );
}

#[test]
fn a_new_year_does_not_empty_the_others() {
    let mut rows = Rows::default();
    let mut load = |csv: &str| rows.replace(read(Table::Holidays, csv.as_bytes()).unwrap());
    load("date,kind,name\n2026-10-01,holiday,国庆\n2026-10-10,workday,国庆\n");
    load("date,kind,name\n2027-01-01,holiday,元旦\n");
    load("date,kind,name\n2026-10-02,holiday,国庆\n");
    let days: Vec<String> = rows
        .holidays
        .iter()
        .map(|holiday| holiday.date.to_string())
        .collect();
    assert_eq!(days, ["2026-10-02", "2027-01-01"]);
}
