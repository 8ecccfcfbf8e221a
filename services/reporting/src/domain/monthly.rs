//! 一月一汇总: the month in figures, by source, kind, unit and category.

use super::document::{Block, Cell, ColumnKind, Document, Figure, Section, Table};
use super::fact::measure;
use super::figures::{PeriodFigures, RatePolicy, UnitLine, historical};
use super::names::Names;
use super::rate::Rate;
use super::tables;
use super::words::APPEAL_STATES;

/// Builds the monthly summary.
#[must_use]
pub fn build(
    figures: &PeriodFigures,
    policy: &RatePolicy,
    names: &Names,
    head: Vec<String>,
) -> Document {
    let lines = figures.unit_lines(policy);
    let checks = figures.checks(&lines, |code| names.unit(code));
    let basics = vec![
        Block::Paragraph(overview(figures, &lines)),
        Block::Figures(basics(figures, &lines)),
    ];
    let table = |key: &str, heading: &str, table: Table| {
        Section::headed(key, heading, vec![Block::Table(table)])
    };
    let units = tables::head("承办单位办理情况", &lines, names);
    let sections = vec![
        Section::headed("overview", "一、基本情况", basics),
        table("channels", "二、来源渠道", tables::channels(figures, names)),
        table("kinds", "三、诉求类型", tables::kinds(figures)),
        table("units", "四、承办单位办理情况", units),
        table(
            "categories",
            "五、热点类别",
            tables::hot_categories(figures, names),
        ),
        table("groups", "六、分组情况", groups(&lines, names)),
    ];
    let title = format!(
        "{}{}",
        figures.period.label(),
        figures.period.series.title()
    );
    Document::checked(title, head, sections, &checks)
}

/// The opening sentence: total, 同比 and 环比 each against its own base, and where it went.
#[must_use]
pub fn overview(figures: &PeriodFigures, lines: &[UnitLine]) -> String {
    let sum = PeriodFigures::sum(lines);
    let year = figures.against_year_before(measure::APPEAL);
    let previous = figures.against_previous(measure::APPEAL);
    let states: Vec<_> = APPEAL_STATES
        .into_iter()
        .map(|(word, label)| {
            (
                label,
                figures
                    .now
                    .total(&format!("{}{word}", measure::APPEAL_STATE)),
            )
        })
        .filter(|(_, count)| *count > 0)
        .map(|(label, count)| format!("{label}{count}件"))
        .collect();
    let split = if states.is_empty() {
        String::new()
    } else {
        format!("其中：{}。", states.join("，"))
    };
    format!(
        "{}共受理群众诉求{}件，同比{}，环比{}。{split}形成工单{}件；承办单位办结{}件，期末在办{}件。",
        figures.period.label(),
        figures.counted.appeals,
        year.text(),
        previous.text(),
        figures.counted.tickets,
        sum.concluded,
        sum.in_hand
    )
}

/// The period's main figures, each rate with its cohort.
#[must_use]
pub fn basics(figures: &PeriodFigures, lines: &[UnitLine]) -> Vec<Figure> {
    let sum = PeriodFigures::sum(lines);
    let count = |label: &str, count| Figure::new(label, Cell::Count(count));
    let rate = |label: &str, rate| Figure::new(label, Cell::Rate(rate));
    let mut all = vec![
        count("受理总量", figures.counted.appeals),
        Figure::new(
            "受理同比（与上年同期）",
            Cell::Change(figures.against_year_before(measure::APPEAL)),
        ),
        Figure::new(
            "受理环比（与上一期）",
            Cell::Change(figures.against_previous(measure::APPEAL)),
        ),
        count("工单总量", figures.counted.tickets),
        count("办结", sum.concluded),
        Figure::new(
            "办结环比（与上一期）",
            Cell::Change(figures.against_previous(measure::CONCLUDED)),
        ),
        count("期末在办", sum.in_hand),
        count("期末超期未办", sum.overdue_in_hand),
        rate("按期办结率（到期口径）", sum.on_time),
        rate("签收及时率（到期口径）", sum.signed_on_time),
        rate("退单率（退单/承接）", Rate::of(sum.returned, sum.got())),
        rate("有效回访率（办结口径）", reached(figures)),
        rate("解决率（办结口径）", sum.solved),
        rate("满意率（办结口径）", sum.satisfied),
    ];
    let historical = historical(&figures.now);
    if historical > 0 {
        all.push(count("历史导入（不参与考核）", historical));
    }
    all
}

/// Follow-ups that reached the citizen, of those on conclusions of the period.
fn reached(figures: &PeriodFigures) -> Rate {
    Rate::of(figures.answers(), figures.now.total(measure::FOLLOW_UP))
}

fn groups(lines: &[UnitLine], names: &Names) -> Table {
    let mut grouped: std::collections::BTreeMap<String, Vec<UnitLine>> =
        std::collections::BTreeMap::new();
    for line in lines {
        grouped
            .entry(names.group(&line.unit_code))
            .or_default()
            .push(line.clone());
    }
    let columns = [
        ("分组", ColumnKind::Text),
        ("单位数", ColumnKind::Count),
        ("承接", ColumnKind::Count),
        ("办结", ColumnKind::Count),
        ("在办", ColumnKind::Count),
        ("按期办结率", ColumnKind::Rate),
        ("解决率", ColumnKind::Rate),
        ("满意率", ColumnKind::Rate),
    ];
    let mut table =
        Table::new("分组情况", &columns).noted("承接=受理+转入。各率口径同承办单位办理情况表。");
    for (group, lines) in &grouped {
        let sum = PeriodFigures::sum(lines);
        table.rows.push(vec![
            Cell::text(group),
            Cell::Count(i64::try_from(lines.len()).unwrap_or(i64::MAX)),
            Cell::Count(sum.got()),
            Cell::Count(sum.concluded),
            Cell::Count(sum.in_hand),
            Cell::Rate(sum.on_time),
            Cell::Rate(sum.solved),
            Cell::Rate(sum.satisfied),
        ]);
    }
    table
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::figures::sample;
    use super::super::period::Series;
    use super::*;

    /// The summary of the sample March.
    pub fn summary() -> Document {
        let figures = sample::march(Series::Monthly, "2026-03");
        build(
            &figures,
            &RatePolicy::default(),
            &Names::default(),
            vec!["数据截至 2026-03-31 23:59".to_owned()],
        )
    }

    #[test]
    fn month_on_month_and_year_on_year_stand_apart_with_their_own_bases() {
        let document = summary();
        let Block::Paragraph(text) = &document.sections[0].blocks[1] else {
            panic!("the overview is a paragraph")
        };
        assert!(
            text.contains("同比—（基期0），环比+25.00%（基期32）"),
            "{text}"
        );
        assert!(
            text.contains("已受理20件，直接答复15件，分类引导5件"),
            "{text}"
        );
        assert_eq!(document.differences, []);
    }

    #[test]
    fn a_tampered_rollup_makes_a_draft_that_shows_the_difference() {
        let mut figures = sample::march(Series::Monthly, "2026-03");
        figures.now.channels.add(measure::APPEAL, "wechat", 7);
        let document = build(
            &figures,
            &RatePolicy::default(),
            &Names::default(),
            Vec::new(),
        );
        assert!(!document.reconciles());
        assert_eq!(
            document.differences[0].to_string(),
            "受理总量与各渠道：应为各项之和47，实为总数40（相差-7）"
        );
    }

    #[test]
    fn a_document_survives_being_frozen() {
        let document = summary();
        let frozen = serde_json::to_string(&document).expect("json");
        assert_eq!(
            serde_json::from_str::<Document>(&frozen).expect("a document"),
            document
        );
    }
}
