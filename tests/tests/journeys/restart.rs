//! Two processes over TCP; one of them is away in the middle, then the other.

use hotline::services::Name;
use hotline_proto::shared::{AppealState, Satisfaction, Solved, TicketState};
use hotline_tests::city::City;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_a_service_was_away_is_caught_up_with() {
    for mut city in City::all_in_two_processes().await {
        let before = city.citizen("李").repeats("form-1", "文昌路路灯不亮").await;
        let early = city.operator().accepts_one(&before).await;

        // Without routing and reporting, citizens are received and accepted.
        city.stop(Name::Routing).await;
        let during = city.citizen("王").on("app").writes("夜间施工噪声").await;
        let late = city.operator().accepts_one(&during).await;
        assert_eq!(
            city.progress(&during).await.state(),
            AppealState::Accepted,
            "{}",
            city.label
        );
        city.start(Name::Routing).await;
        city.settles().await;
        assert_eq!(
            city.ticket(&late.ticket_id).await.lead_unit_code,
            "ZJJ",
            "{}",
            city.label
        );
        city.unit("ZJJ")
            .settles_matter(&late.ticket_id, "已责令停工")
            .await;
        assert_eq!(city.outbound("app").len(), 1, "{}", city.label);

        // Without intake and feedback, units go on.
        city.stop(Name::Intake).await;
        city.unit("CGJ")
            .settles_matter(&early.ticket_id, "已修好")
            .await;
        assert!(
            city.outbound("tel").is_empty(),
            "{}: nobody writes to him yet",
            city.label
        );
        city.start(Name::Intake).await;
        let again = city.citizen("李").repeats("form-1", "文昌路路灯不亮").await;
        assert_eq!(
            again, before,
            "{}: the receipt outlives the process",
            city.label
        );
        assert_eq!(city.outbound("tel").len(), 1, "{}", city.label);
        assert_eq!(
            city.outbound("app").len(),
            1,
            "{}: nothing is written twice",
            city.label
        );

        for matter in [&early, &late] {
            city.agent()
                .hears(matter, Solved::Solved, Satisfaction::Satisfied)
                .await;
            let ticket = city.ticket(&matter.ticket_id).await;
            assert_eq!(ticket.state(), TicketState::Archived, "{}", city.label);
        }
        city.ends().await;
    }
}
