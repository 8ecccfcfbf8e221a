//! The reports come out of the events alone: forgotten and read again, they are the same.

use hotline::services::Name;
use hotline_proto::reporting::Series;
use hotline_proto::shared::{FailureClass, Satisfaction, Solved};
use hotline_tests::city::City;

const DOCUMENTS: [(Series, &str); 4] = [
    (Series::Daily, "2026-09-01"),
    (Series::Daily, "2026-09-02"),
    (Series::Monthly, "2026-09"),
    (Series::Quarterly, "2026-Q3"),
];

/// A busy day and the next: merges, a return, a rework, an answer at the desk, one left open.
async fn busy_days(city: &City) {
    let li = city.citizen("李").calls("文昌路路灯不亮").await;
    let wang = city
        .citizen("王")
        .on("mail")
        .writes("文昌路的路灯坏了")
        .await;
    let zhao = city.citizen("赵").on("app").writes("夜间施工噪声").await;
    let asked = city.citizen("张").calls("社保卡在哪里办?").await;
    city.operator().answers(&asked, "可在政务大厅办理").await;
    let of_li = city.operator().accepts_one(&li).await;
    let of_wang = city.operator().accepts_one(&wang).await;
    let of_wang = city.operator().merges(&of_wang, &of_li.ticket_id).await;
    city.operator().accepts_one(&zhao).await;
    city.unit("CGJ")
        .settles_matter(&of_li.ticket_id, "已修好")
        .await;
    city.agent()
        .hears(&of_li, Solved::Unsolved, Satisfaction::Unsatisfied)
        .await;
    city.agent()
        .classifies(&of_li, FailureClass::UnitFault)
        .await;
    city.agent()
        .hears(&of_wang, Solved::Solved, Satisfaction::Satisfied)
        .await;
    city.hours_pass(24).await;
    city.unit("CGJ")
        .settles_matter(&of_li.ticket_id, "又修好了")
        .await;
    city.agent()
        .hears(&of_li, Solved::Solved, Satisfaction::Satisfied)
        .await;
    let stranger = city.stranger().on("board").writes("占道经营没人管").await;
    city.operator().accepts_one(&stranger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reports_are_rebuilt_by_replay_to_the_same_content() {
    for city in City::all().await {
        busy_days(&city).await;
        let mut before = Vec::new();
        for (series, period) in DOCUMENTS {
            let (head, content) = city.document(series, period).await;
            assert!(
                head.reconciles,
                "{} {period}: {:?}",
                city.label, head.differences
            );
            assert!(
                content.lines().count() > 1,
                "{} {period}: {content}",
                city.label
            );
            before.push((head, content));
        }

        city.forgets(Name::Reporting).await;
        city.settles().await;

        for ((series, period), before) in DOCUMENTS.into_iter().zip(before) {
            let after = city.document(series, period).await;
            assert_eq!(after, before, "{} {period}", city.label);
        }
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_is_empty_until_the_logs_can_be_read_again() {
    for mut city in City::all_in_two_processes().await {
        let said = city.citizen("李").calls("文昌路路灯不亮").await;
        let matter = city.operator().accepts_one(&said).await;
        let (head, daily) = city.document(Series::Daily, "2026-09-01").await;
        assert!(
            head.reconciles && daily.contains(&matter.number),
            "{}:\n{daily}",
            city.label
        );

        city.stop(Name::Intake).await;
        city.forgets(Name::Reporting).await;
        let without = city.document(Series::Daily, "2026-09-01").await;
        assert_ne!(
            without.1, daily,
            "{}: nobody tells of the appeals",
            city.label
        );
        city.start(Name::Intake).await;

        city.settles().await;
        let after = city.document(Series::Daily, "2026-09-01").await;
        assert_eq!(after, (head, daily), "{}", city.label);
        city.ends().await;
    }
}
