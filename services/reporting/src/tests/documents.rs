//! What documents say of the story.

use super::eight_appeals::story;
use super::story::shuffled;
use super::{benches, figure, rows, table};
use crate::domain::period::Series;

#[tokio::test]
async fn the_daily_list_has_every_ticket_in_its_blocks() {
    for bench in benches().await {
        bench.hear(&shuffled(&story().events, 3)).await;
        let numbers = |rows: Vec<Vec<String>>| {
            rows.into_iter()
                .map(|row| row[1].clone())
                .collect::<Vec<_>>()
        };

        let second = bench.document(Series::Daily, "2026-03-02").await;
        let received = rows(&second, "当日受理");
        assert_eq!(received.len(), 1);
        let expected = [
            "1",
            "260301-AAAA1-K",
            "2026-03-02 09:00",
            "市长信箱",
            "市民c1f0",
            "投诉",
            "物业管理",
        ];
        assert_eq!(received[0][..7], expected, "{}", bench.label);
        assert_eq!(second.differences, []);

        let third = bench.document(Series::Daily, "2026-03-03").await;
        let states: Vec<_> = rows(&third, "当日受理")
            .into_iter()
            .map(|row| (row[12].clone(), row[14].clone()))
            .collect();
        assert_eq!(
            states,
            [
                ("直接答复".to_owned(), String::new()),
                ("分类引导".to_owned(), "向法院起诉".to_owned())
            ]
        );

        let fourth = bench.document(Series::Daily, "2026-03-04").await;
        assert_eq!(numbers(rows(&fourth, "退单")), ["260303-TTTT3-K"]);
        assert!(
            rows(&fourth, "退单")[0][14].starts_with("退单理由：非本单位职责，不属本单位管理范围")
        );
        assert_eq!(numbers(rows(&fourth, "重复诉求")), ["260304-AAAA4-K"]);
        assert_eq!(
            rows(&fourth, "重复诉求")[0][14],
            "并入260303-TTTT3-K；退单1次"
        );
        assert_eq!(fourth.differences, []);

        let thirteenth = bench.document(Series::Daily, "2026-03-13").await;
        assert_eq!(
            numbers(rows(&thirteenth, "当日到期")),
            ["260303-TTTT3-K"],
            "due at 24:00 of that day"
        );
        assert_eq!(numbers(rows(&thirteenth, "超期未办")), ["260303-TTTT3-K"]);

        let last = bench.document(Series::Daily, "2026-03-31").await;
        assert_eq!(
            numbers(rows(&last, "超期未办")),
            ["260307-TTTT7-K", "260303-TTTT3-K"].map(str::to_owned),
            "the urgent one first"
        );
        assert_eq!(numbers(rows(&last, "未签收")), ["260307-TTTT7-K"]);
        assert_eq!(rows(&last, "未签收")[0][10], "未签收（超时）");
        assert_eq!(numbers(rows(&last, "突发/紧急")), ["260307-TTTT7-K"]);
        assert_eq!(last.differences, []);
    }
}

#[tokio::test]
async fn the_monthly_summary_balances_every_unit() {
    for bench in benches().await {
        bench.hear(&shuffled(&story().events, 5)).await;
        let month = bench.document(Series::Monthly, "2026-03").await;
        assert_eq!(month.differences, [], "{}", bench.label);
        let head = rows(&month, "承办单位办理情况");
        // 上期结转 受理 转入 办结 转出 在办 按期办结率 超期 退单 重办 解决率 满意率
        let expected = [
            [
                "市住建局",
                "0",
                "2",
                "2",
                "2",
                "0",
                "2",
                "33.33%(1/3)",
                "2",
                "0",
                "1",
                "50.00%(1/2)",
                "50.00%(1/2)",
            ],
            [
                "市交通局",
                "0",
                "3",
                "0",
                "0",
                "2",
                "1",
                "0.00%(0/1)",
                "1",
                "1",
                "0",
                "—(0/0)",
                "—(0/0)",
            ],
            [
                "合计",
                "0",
                "5",
                "2",
                "2",
                "2",
                "3",
                "25.00%(1/4)",
                "3",
                "1",
                "1",
                "50.00%(1/2)",
                "50.00%(1/2)",
            ],
        ];
        assert_eq!(head, expected, "{}", bench.label);
        assert_eq!(figure(&month, "受理总量"), "7");
        assert_eq!(figure(&month, "受理环比（与上一期）"), "—（基期0）");
        assert_eq!(figure(&month, "历史导入（不参与考核）"), "1");
        assert_eq!(figure(&month, "有效回访率（办结口径）"), "100.00%(2/2)");
        let sources = rows(&month, "来源渠道");
        assert_eq!(sources[0], ["12345电话", "4", "57.14%(4/7)"]);
        assert_eq!(sources.last().unwrap(), &["合计", "7", "100.00%(7/7)"]);
        let hot = rows(&month, "热点类别");
        assert_eq!(hot[0][1..4], ["城乡建设/物业管理", "3", "60.00%(3/5)"]);

        let april = bench.document(Series::Monthly, "2026-04").await;
        assert_eq!(april.differences, [], "{}", bench.label);
        assert_eq!(
            rows(&april, "承办单位办理情况")[0][..7],
            ["市住建局", "2", "0", "0", "0", "0", "2"]
        );
        assert_eq!(figure(&april, "受理环比（与上一期）"), "-100.00%（基期7）");
        assert!(
            april
                .head
                .iter()
                .any(|line| line.contains("统计期间未结束"))
        );
    }
}

#[tokio::test]
async fn the_quarterly_circular_names_units_and_tickets() {
    for bench in benches().await {
        bench.hear(&shuffled(&story().events, 8)).await;
        let quarter = bench.document(Series::Quarterly, "2026-Q1").await;
        assert_eq!(quarter.differences, [], "{}", bench.label);
        let ledger = rows(&quarter, "督办件台账");
        assert_eq!(ledger.len(), 1);
        assert_eq!(
            ledger[0][1..6],
            [
                "260307-TTTT7-K",
                "第7件：小区路灯不亮，请尽快修理",
                "市交通局",
                "2026-03-31",
                "1"
            ]
        );
        let places = rows(&quarter, "承办单位排名·市直部门");
        assert!(
            places.iter().all(|row| row[0] == "单列"),
            "fewer than ten tickets each: {places:?}"
        );
        let months: Vec<_> = rows(&quarter, "分月趋势")
            .into_iter()
            .map(|row| row[1].clone())
            .collect();
        assert_eq!(months, ["0", "0", "7"]);
        let named: Vec<_> = rows(&quarter, "存在问题单位")
            .into_iter()
            .map(|row| row.join(" "))
            .collect();
        assert_eq!(
            named,
            ["市住建局 2 1 0 0 1 0", "市交通局 1 1 2 1 0 1"],
            "{}",
            bench.label
        );
        assert!(table(&quarter, "多次退单件").rows.is_empty());
    }
}

#[tokio::test]
async fn a_tampered_rollup_makes_a_draft_with_the_difference() {
    for bench in benches().await {
        bench.hear(&story().events).await;
        bench.tamper("UPDATE rollup SET count = count + 1 WHERE measure = 'concluded' AND period = '2026-03'").await;
        let month = bench.document(Series::Monthly, "2026-03").await;
        let found: Vec<_> = month
            .differences
            .iter()
            .map(|difference| difference.what.as_str())
            .collect();
        assert_eq!(
            found,
            ["办结总量与各单位", "市住建局收支"],
            "{}",
            bench.label
        );
        assert!(month.full_title().starts_with("【草稿】"));
        let february = bench.document(Series::Monthly, "2026-02").await;
        assert_eq!(february.differences, []);
    }
}

#[tokio::test]
async fn an_empty_city_has_empty_documents_that_reconcile() {
    for bench in benches().await {
        let rows = [
            (Series::Daily, "2026-03-31"),
            (Series::Monthly, "2026-03"),
            (Series::Quarterly, "2026-Q1"),
        ];
        for (series, period) in rows {
            let document = bench.document(series, period).await;
            assert_eq!(document.differences, [], "{} {period}", bench.label);
            assert!(document.head.iter().any(|line| line.contains("尚无数据")));
        }
    }
}
