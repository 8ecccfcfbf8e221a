//! Tables that month and quarter share: sources, kinds, categories, and the units' head table.

use super::document::{Cell, ColumnKind, Table};
use super::fact::measure;
use super::figures::{PeriodFigures, Sums, UnitLine};
use super::names::Names;
use super::rate::{Change, Rate};
use super::words;

/// Categories that a table of hot ones names.
pub const HOT_MAX: usize = 10;

/// Note under the head table: what its columns count and which cohorts its rates are of.
pub const HEAD_NOTE: &str = "平衡关系：上期结转+受理+转入=办结+转出+在办。转入含改派转入和重办；转出含改派转出、并单和撤诉。\
按期办结率=当期到期件中按期办结数/当期到期数（到期口径，到期前已转出的不计）；超期=当期到期未按期办结数；\
解决率=已解决/（已解决+部分解决+未解决），满意率=满意及以上/有效评价，均为当期办结件的有效回访（办结口径）。分母为0以“—”表示。";

/// Where appeals came from.
#[must_use]
pub fn channels(figures: &PeriodFigures, names: &Names) -> Table {
    let rows = shares("来源渠道", "渠道", &figures.now.channels, |code| {
        names.channel(code)
    });
    rows.noted("口径：当期受理（含直接答复、分类引导等）；占比=该渠道数/受理总量。")
}

/// What appeals wanted.
#[must_use]
pub fn kinds(figures: &PeriodFigures) -> Table {
    let rows = shares("诉求类型", "类型", &figures.now.kinds, |code| {
        words::kind(code).to_owned()
    });
    rows.noted("口径：当期受理；占比=该类型数/受理总量。")
}

/// The most frequent categories with their change against the period before, and all others in one row.
#[must_use]
pub fn hot_categories(figures: &PeriodFigures, names: &Names) -> Table {
    let columns = [
        ("序号", ColumnKind::Count),
        ("类别", ColumnKind::Text),
        ("件数", ColumnKind::Count),
        ("占比", ColumnKind::Rate),
        ("环比", ColumnKind::Rate),
        ("同比", ColumnKind::Rate),
    ];
    let mut table = Table::new("热点类别", &columns)
        .noted("口径：当期受理工单；环比与上一期比，同比与上年同期比，基期为0以“—”表示。");
    let total = figures.now.categories.total(measure::TICKET);
    let ranked = figures.now.categories.ranked(measure::TICKET);
    let bases = [
        &figures.previous.categories,
        &figures.year_before.categories,
    ];
    let mut listed_bases = [0, 0];
    for (ordinal, (code, count)) in (1..).zip(ranked.iter().take(HOT_MAX)) {
        let base = bases.map(|sums| sums.get(measure::TICKET, code));
        listed_bases = [listed_bases[0] + base[0], listed_bases[1] + base[1]];
        table.rows.push(category_row(
            ordinal,
            names.category(code),
            *count,
            total,
            base,
        ));
    }
    let others: i64 = ranked.iter().skip(HOT_MAX).map(|row| row.1).sum();
    if others > 0 {
        let base = [0, 1].map(|index| bases[index].total(measure::TICKET) - listed_bases[index]);
        let ordinal = i64::try_from(HOT_MAX).unwrap_or_default() + 1;
        table.rows.push(category_row(
            ordinal,
            "其他类别合计".to_owned(),
            others,
            total,
            base,
        ));
    }
    table
}

fn category_row(ordinal: i64, name: String, count: i64, total: i64, base: [i64; 2]) -> Vec<Cell> {
    vec![
        Cell::Count(ordinal),
        Cell::text(name),
        Cell::Count(count),
        Cell::Rate(Rate::of(count, total)),
        Cell::Change(Change::from(base[0], count)),
        Cell::Change(Change::from(base[1], count)),
    ]
}

/// The units' head table, with the sum of all in its last row.
#[must_use]
pub fn head(title: &str, lines: &[UnitLine], names: &Names) -> Table {
    let columns = [
        ("承办单位", ColumnKind::Text),
        ("上期结转", ColumnKind::Count),
        ("受理", ColumnKind::Count),
        ("转入", ColumnKind::Count),
        ("办结", ColumnKind::Count),
        ("转出", ColumnKind::Count),
        ("在办", ColumnKind::Count),
        ("按期办结率", ColumnKind::Rate),
        ("超期", ColumnKind::Count),
        ("退单", ColumnKind::Count),
        ("重办", ColumnKind::Count),
        ("解决率", ColumnKind::Rate),
        ("满意率", ColumnKind::Rate),
    ];
    let mut table = Table::new(title, &columns).noted(HEAD_NOTE);
    let mut ordered: Vec<_> = lines.iter().collect();
    ordered.sort_by(|left, right| {
        right
            .got()
            .cmp(&left.got())
            .then_with(|| left.unit_code.cmp(&right.unit_code))
    });
    table.rows.extend(
        ordered
            .into_iter()
            .map(|line| head_row(names.unit(&line.unit_code), line)),
    );
    if !lines.is_empty() {
        table
            .rows
            .push(head_row("合计".to_owned(), &PeriodFigures::sum(lines)));
    }
    table
}

fn head_row(name: String, line: &UnitLine) -> Vec<Cell> {
    vec![
        Cell::text(name),
        Cell::Count(line.carried),
        Cell::Count(line.received),
        Cell::Count(line.transferred_in),
        Cell::Count(line.concluded),
        Cell::Count(line.transferred_out),
        Cell::Count(line.in_hand),
        Cell::Rate(line.on_time),
        Cell::Count(line.late()),
        Cell::Count(line.returned),
        Cell::Count(line.reworked),
        Cell::Rate(line.solved),
        Cell::Rate(line.satisfied),
    ]
}

fn shares(title: &str, column: &str, sums: &Sums, name: impl Fn(&str) -> String) -> Table {
    let columns = [
        (column, ColumnKind::Text),
        ("件数", ColumnKind::Count),
        ("占比", ColumnKind::Rate),
    ];
    let mut table = Table::new(title, &columns);
    let total = sums.total(measure::APPEAL);
    for (code, count) in sums.ranked(measure::APPEAL) {
        table.rows.push(vec![
            Cell::text(name(&code)),
            Cell::Count(count),
            Cell::Rate(Rate::of(count, total)),
        ]);
    }
    table.rows.push(vec![
        Cell::text("合计"),
        Cell::Count(total),
        Cell::Rate(Rate::of(total, total)),
    ]);
    table
}

#[cfg(test)]
mod tests {
    use super::super::figures::{RatePolicy, sample};
    use super::super::period::Series;
    use super::*;

    fn shown(table: &Table) -> Vec<Vec<String>> {
        table
            .rows
            .iter()
            .map(|row| row.iter().map(Cell::shown).collect())
            .collect()
    }

    #[test]
    fn every_rate_of_the_head_table_prints_its_base() {
        let figures = sample::march(Series::Monthly, "2026-03");
        let table = head(
            "承办单位办理情况",
            &figures.unit_lines(&RatePolicy::default()),
            &Names::default(),
        );
        let rows = shown(&table);
        assert_eq!(
            rows[0][..8],
            ["HOUSING", "3", "14", "1", "12", "2", "4", "84.62%(11/13)"]
        );
        assert_eq!(
            rows[2][..8],
            ["合计", "3", "20", "3", "17", "3", "6", "88.89%(16/18)"]
        );
    }

    #[test]
    fn hot_categories_beyond_the_named_ones_are_summed_in_one_row() {
        let mut figures = sample::march(Series::Monthly, "2026-03");
        for ordinal in 0..12 {
            figures
                .now
                .categories
                .add(measure::TICKET, &format!("09{ordinal:02}"), 2);
            figures
                .previous
                .categories
                .add(measure::TICKET, &format!("09{ordinal:02}"), 1);
        }
        let rows = shown(&hot_categories(&figures, &Names::default()));
        assert_eq!(rows.len(), HOT_MAX + 1);
        assert_eq!(
            rows[0][1..],
            [
                "0101",
                "14",
                "31.82%(14/44)",
                "+100.00%（基期7）",
                "—（基期0）"
            ]
        );
        assert_eq!(
            rows[HOT_MAX][1..],
            [
                "其他类别合计",
                "8",
                "18.18%(8/44)",
                "+100.00%（基期4）",
                "—（基期0）"
            ]
        );
    }

    #[test]
    fn shares_of_a_table_are_of_its_printed_total() {
        let rows = shown(&channels(
            &sample::march(Series::Monthly, "2026-03"),
            &Names::default(),
        ));
        assert_eq!(rows[0], ["mayor_mailbox", "20", "50.00%(20/40)"]);
        assert_eq!(rows[3], ["合计", "40", "100.00%(40/40)"]);
    }
}
