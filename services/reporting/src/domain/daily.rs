//! 一日一清单: what came, what was concluded, what is due, late, unsigned, returned and instructed.

use super::document::{Block, Cell, Document, Figure, Section};
use super::fact::measure;
use super::figures::{PeriodFigures, RatePolicy};
use super::listing::{self, Lines};
use super::names::Names;
use super::reconcile::Check;
use super::tables;
use super::words::APPEAL_STATES;

/// The blocks of the list, as the store found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    /// 当日受理: a line per matter, and per appeal on no ticket.
    pub received: Lines,
    /// Of those, appeals.
    pub received_appeals: i64,
    /// 当日办结.
    pub concluded: Lines,
    /// 当日到期.
    pub due: Lines,
    /// 超期未办.
    pub overdue: Lines,
    /// 待派单: with no unit, at the data's moment; no unit's line counts them.
    pub waiting: Lines,
    /// 未签收.
    pub unsigned: Lines,
    /// 退单.
    pub returned: Lines,
    /// 领导批示件.
    pub instructed: Lines,
    /// 突发/紧急.
    pub urgent: Lines,
    /// 重复诉求.
    pub repeated: Lines,
}

/// Builds the daily list.
#[must_use]
pub fn build(
    figures: &PeriodFigures,
    blocks: Blocks,
    policy: &RatePolicy,
    names: &Names,
    head: Vec<String>,
) -> Document {
    let lines = figures.unit_lines(policy);
    let mut checks = figures.checks(&lines, |code| names.unit(code));
    let listed = |what: &str, total, listed| Check::Parts {
        what: what.to_owned(),
        total,
        parts: vec![listed],
    };
    checks.push(listed(
        "当日受理件数与清单",
        figures.counted.appeals,
        blocks.received_appeals,
    ));
    checks.push(listed(
        "当日办结件数与清单",
        figures.counted.concluded,
        blocks.concluded.count(),
    ));
    let title = format!(
        "{}{}",
        figures.period.label(),
        figures.period.series.title()
    );
    let mut sections = vec![Section::new(
        "summary",
        vec![Block::Figures(summary(figures, &blocks))],
    )];
    let titled = [
        ("received", "当日受理", blocks.received),
        ("concluded", "当日办结", blocks.concluded),
        ("due", "当日到期", blocks.due),
        ("overdue", "超期未办", blocks.overdue),
        ("waiting", "待派单", blocks.waiting),
        ("unsigned", "未签收", blocks.unsigned),
        ("returned", "退单", blocks.returned),
        ("instructed", "领导批示件", blocks.instructed),
        ("urgent", "突发/紧急", blocks.urgent),
        ("repeated", "重复诉求", blocks.repeated),
    ];
    let section =
        |(key, title, lines)| Section::new(key, vec![Block::Table(listing::table(title, lines))]);
    sections.extend(titled.map(section));
    let balance = tables::head("承办单位当日收支", &lines, names);
    sections.push(Section::new("units", vec![Block::Table(balance)]));
    Document::checked(title, head, sections, &checks)
}

fn summary(figures: &PeriodFigures, blocks: &Blocks) -> Vec<Figure> {
    let count = |label: &str, count| Figure::new(label, Cell::Count(count));
    let mut all = vec![
        count("当日受理", figures.counted.appeals),
        count(
            "其中市长信箱",
            figures
                .now
                .channels
                .get(measure::APPEAL, super::words::MAYOR_MAILBOX),
        ),
        Figure::new(
            "比前一日",
            Cell::Change(figures.against_previous(measure::APPEAL)),
        ),
    ];
    for (word, label) in APPEAL_STATES {
        all.push(count(
            label,
            figures
                .now
                .total(&format!("{}{word}", measure::APPEAL_STATE)),
        ));
    }
    let historical = super::figures::historical(&figures.now);
    all.extend([
        count("当日办结", blocks.concluded.count()),
        count("当日到期", blocks.due.count()),
        count("超期未办", blocks.overdue.count()),
        count("待派单", blocks.waiting.count()),
        count("未签收", blocks.unsigned.count()),
        count("退单", blocks.returned.count()),
        count("领导批示件", blocks.instructed.count()),
        count("突发/紧急", blocks.urgent.count()),
        count("重复诉求", blocks.repeated.count()),
    ]);
    if historical > 0 {
        all.push(count("历史导入（不参与考核）", historical));
    }
    all
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::figures::sample;
    use super::super::listing::tests::{context, ticket};
    use super::super::period::Series;
    use super::*;

    /// A daily list of `count` received tickets, one of them a mayor's letter.
    pub fn list(count: i64) -> Document {
        let names = Names::default();
        let line = |minute: i64| {
            let channel = if minute == 3 {
                "mayor_mailbox"
            } else {
                "tel12345"
            };
            listing::of_ticket(
                context(&names),
                &ticket(&format!("260331-{minute:05}-K"), channel, minute),
                &[],
            )
        };
        let lines = |count: i64| Lines {
            lines: (1..=count).map(line).collect(),
            left_out: 0,
        };
        let blocks = Blocks {
            received: lines(count),
            received_appeals: 40,
            concluded: lines(17),
            ..Blocks::default()
        };
        let figures = sample::march(Series::Daily, "2026-03-31");
        build(
            &figures,
            blocks,
            &RatePolicy::default(),
            &names,
            vec!["数据截至 2026-03-31 23:59".to_owned()],
        )
    }

    #[test]
    fn the_list_has_its_blocks_in_order_and_the_mayors_letter_first() {
        let document = list(40);
        let tables: Vec<_> = document
            .blocks()
            .filter_map(|block| {
                if let Block::Table(table) = block {
                    Some(table)
                } else {
                    None
                }
            })
            .collect();
        let titles: Vec<_> = tables.iter().map(|table| table.title.as_str()).collect();
        let expected = [
            "当日受理",
            "当日办结",
            "当日到期",
            "超期未办",
            "待派单",
            "未签收",
            "退单",
            "领导批示件",
            "突发/紧急",
            "重复诉求",
            "承办单位当日收支",
        ];
        assert_eq!(titles, expected);
        assert_eq!(tables[0].rows[0][1].shown(), "260331-00003-K");
        assert_eq!(document.differences, []);
        assert_eq!(document.title, "2026年3月31日群众诉求日清单");
    }

    #[test]
    fn a_list_that_lacks_what_was_counted_does_not_reconcile() {
        let names = Names::default();
        let figures = sample::march(Series::Daily, "2026-03-31");
        let document = build(
            &figures,
            Blocks::default(),
            &RatePolicy::default(),
            &names,
            Vec::new(),
        );
        let found: Vec<_> = document
            .differences
            .iter()
            .map(|difference| difference.what.as_str())
            .collect();
        assert_eq!(found, ["当日受理件数与清单", "当日办结件数与清单"]);
        assert!(document.full_title().starts_with("【草稿】"));
    }
}
