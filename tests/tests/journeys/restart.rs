//! Two processes over TCP; one of them is away in the middle, then the other.

use hotline::services::Name;
use hotline_proto::shared::{Satisfaction, Solved, TicketState};
use hotline_tests::city::City;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_a_service_was_away_is_caught_up_with() {
    for mut city in City::all_in_two_processes().await {
        let before = city.citizen("李").repeats("form-1", "文昌路路灯不亮").await;
        let early = city.operator().accepts_one(&before).await;
        city.until("the first ticket is open", || {
            city.has_ticket(&early.ticket_id)
        })
        .await;

        city.stop(Name::Routing).await;
        let during = city.citizen("王").on("app").writes("夜间施工噪声").await;
        let late = city.operator().accepts_one(&during).await;
        city.start(Name::Routing).await;
        city.until("the second ticket is open", || {
            city.has_ticket(&late.ticket_id)
        })
        .await;
        city.unit("ZJJ")
            .settles_matter(&late.ticket_id, "已责令停工")
            .await;
        city.unit("CGJ")
            .settles_matter(&early.ticket_id, "已修好")
            .await;
        city.until("both are answered", || async {
            city.outbound("tel").len() == 1 && city.outbound("app").len() == 1
        })
        .await;

        city.stop(Name::Intake).await;
        let concluded = city.ticket(&early.ticket_id).await;
        assert_eq!(concluded.state(), TicketState::Concluded, "{}", city.label);
        city.start(Name::Intake).await;
        let again = city.citizen("李").repeats("form-1", "文昌路路灯不亮").await;
        assert_eq!(
            again, before,
            "{}: the receipt outlives the process",
            city.label
        );
        assert_eq!(
            city.outbound("tel").len(),
            1,
            "{}: nothing is written twice",
            city.label
        );

        for matter in [&early, &late] {
            city.until("the follow-up is there", || async {
                city.follow_ups(&matter.ticket_id).await.len() == 1
            })
            .await;
            city.agent()
                .hears(matter, Solved::Solved, Satisfaction::Satisfied)
                .await;
            city.until("the ticket is archived", || async {
                city.ticket(&matter.ticket_id).await.state() == TicketState::Archived
            })
            .await;
        }
        city.ends().await;
    }
}
