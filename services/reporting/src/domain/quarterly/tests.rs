//! Parts, names and discretion of the circular.

use super::super::figures::sample;
use super::super::listing::Discretion;
use super::super::listing::tests::ticket;
use super::super::period::Series;
use super::*;

/// The circular of a quarter that has the sample's figures.
pub fn circular() -> Document {
    let figures = sample::march(Series::Quarterly, "2026-Q1");
    let tip_off = Discretion {
        tip_off: true,
        ..Discretion::default()
    };
    let supervised = Ticket {
        supervision_orders: 1,
        round: 3,
        discretion: tip_off,
        ..ticket("260105-AAAAA-2", "tel12345", 1)
    };
    let cases = Cases {
        supervised: vec![(
            supervised,
            NaiveDate::from_ymd_opt(2026, 3, 5).expect("a day"),
        )],
        returned_often: vec![Ticket {
            returns: 2,
            ..ticket("260106-BBBBB-3", "wechat", 2)
        }],
        typical: vec![Ticket {
            reply: "已更换路灯12盏。".to_owned(),
            ..ticket("260107-CCCCC-4", "wechat", 3)
        }],
    };
    let names = Names::default();
    let policy = RatePolicy::default();
    let setting = Setting {
        policy: &policy,
        names: &names,
        zone: Zone::SHANGHAI,
    };
    build(
        &figures,
        &[],
        &cases,
        setting,
        vec!["数据截至 2026-03-31 23:59".to_owned()],
    )
}

fn table<'a>(document: &'a Document, title: &str) -> &'a Table {
    let found = document.blocks().find_map(|block| match block {
        Block::Table(table) if table.title == title => Some(table),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no table {title}"))
}

#[test]
fn the_circular_has_all_its_parts() {
    let document = circular();
    let headings: Vec<_> = document
        .blocks()
        .filter_map(|block| {
            if let Block::Heading(text) = block {
                Some(text.as_str())
            } else {
                None
            }
        })
        .collect();
    let expected = [
        "一、总体情况",
        "二、渠道构成",
        "三、类型与类别",
        "四、热点与趋势",
        "五、承办单位排名",
        "六、表扬",
        "七、存在问题",
        "八、督办件台账",
        "九、典型案例",
        "十、下一步要求",
        "附表",
    ];
    assert_eq!(headings, expected);
    assert_eq!(document.differences, []);
}

#[test]
fn units_are_named_for_what_they_left_undone() {
    let document = circular();
    let units_named = table(&document, "存在问题单位");
    let rows: Vec<Vec<_>> = units_named
        .rows
        .iter()
        .map(|row| row.iter().map(Cell::shown).collect())
        .collect();
    assert_eq!(rows, [["HOUSING", "2", "2", "0", "0", "0", "0"]]);
    let ranked = table(&document, "承办单位排名·未分组");
    assert_eq!(
        ranked.rows[0][..2],
        [Cell::text("1"), Cell::text("HOUSING")]
    );
    assert_eq!(ranked.rows[1][0], Cell::text("单列"));
}

#[test]
fn a_tip_offs_content_is_not_spread() {
    let ledger = circular();
    let ledger = table(&ledger, "督办件台账");
    assert_eq!(ledger.rows[0][2].shown(), "举报件，摘要从略");
}
