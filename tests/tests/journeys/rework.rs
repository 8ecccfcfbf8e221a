//! Not solved: the second round, the third with a supervision order, then the shift supervisor.

use hotline_proto::event::FollowUpState;
use hotline_proto::shared::{FailureClass, Satisfaction, Solved, TicketState};
use hotline_tests::city::City;
use hotline_tests::people::Matter;

/// The unit answers, the citizen is not content, and it is the unit's fault.
async fn fails(city: &City, matter: &Matter) {
    city.unit("CGJ")
        .settles_matter(&matter.ticket_id, "已处理")
        .await;
    city.agent()
        .hears(matter, Solved::Unsolved, Satisfaction::VeryUnsatisfied)
        .await;
    city.agent()
        .classifies(matter, FailureClass::UnitFault)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_failure_goes_to_the_shift_supervisor() {
    for city in City::all().await {
        let said = city.citizen("李").calls("文昌路路灯不亮").await;
        let matter = city.operator().accepts_one(&said).await;
        let expected = [
            (TicketState::Dispatched, 2, 0, false),
            (TicketState::Dispatched, 3, 1, false),
            (TicketState::Concluded, 3, 1, true),
        ];
        for (failure, expected) in (1..).zip(expected) {
            fails(&city, &matter).await;
            let ticket = city.ticket(&matter.ticket_id).await;
            let stands = (
                ticket.state(),
                ticket.round,
                ticket.supervision_orders,
                ticket.escalated,
            );
            assert_eq!(stands, expected, "{} after failure {failure}", city.label);
            city.hours_pass(24).await;
        }
        let rounds: Vec<_> = city
            .replies_to(&said)
            .await
            .iter()
            .map(|reply| reply.round)
            .collect();
        assert_eq!(rounds, [1, 2, 3], "{}: a reply for each round", city.label);

        city.dispatcher().reworks(&matter.ticket_id).await;
        city.unit("CGJ")
            .settles_matter(&matter.ticket_id, "值班长现场督办,已修好")
            .await;
        city.agent()
            .hears(&matter, Solved::Solved, Satisfaction::Basic)
            .await;
        let ticket = city.ticket(&matter.ticket_id).await;
        assert_eq!(
            (ticket.state(), ticket.round),
            (TicketState::Archived, 4),
            "{}",
            city.label
        );
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_failure_among_several_citizens_reworks_once() {
    for city in City::all().await {
        let li = city.citizen("李").calls("文昌路路灯不亮").await;
        let wang = city.citizen("王").calls("文昌路的路灯坏了").await;
        let of_li = city.operator().accepts_one(&li).await;
        let of_wang = city.operator().accepts_one(&wang).await;
        let of_wang = city.operator().merges(&of_wang, &of_li.ticket_id).await;
        let ticket = of_li.ticket_id.as_str();

        fails(&city, &of_li).await;
        assert_eq!(
            city.ticket(ticket).await.round,
            1,
            "{}: one is still to be asked",
            city.label
        );
        city.agent()
            .hears(&of_wang, Solved::Solved, Satisfaction::Satisfied)
            .await;
        let again = city.ticket(ticket).await;
        assert_eq!(
            (again.state(), again.round),
            (TicketState::Dispatched, 2),
            "{}",
            city.label
        );

        city.unit("CGJ").settles_matter(ticket, "又修了一遍").await;
        let second: Vec<_> = city
            .follow_ups(ticket)
            .await
            .into_iter()
            .filter(|asked| asked.round == 2)
            .collect();
        assert_eq!(second.len(), 2, "{}: both are asked again", city.label);
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_reasons_do_not_rework() {
    for city in City::all().await {
        let said = city.citizen("李").calls("文昌路路灯不亮").await;
        let matter = city.operator().accepts_one(&said).await;
        city.unit("CGJ")
            .settles_matter(&matter.ticket_id, "需等新灯杆到货")
            .await;
        city.agent()
            .hears(&matter, Solved::Partly, Satisfaction::Basic)
            .await;
        city.agent()
            .classifies(&matter, FailureClass::NeedsTime)
            .await;
        let ticket = city.ticket(&matter.ticket_id).await;
        assert_eq!(
            (ticket.state(), ticket.round),
            (TicketState::Archived, 1),
            "{}",
            city.label
        );
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_nobody_reaches_is_left_in_peace() {
    for city in City::all().await {
        let said = city.citizen("李").calls("文昌路路灯不亮").await;
        let matter = city.operator().accepts_one(&said).await;
        city.unit("CGJ")
            .settles_matter(&matter.ticket_id, "已修好")
            .await;
        for _ in 0..3 {
            city.agent().reaches_nobody(&matter).await;
            city.hours_pass(2).await;
        }
        let follow_ups = city.follow_ups(&matter.ticket_id).await;
        assert_eq!(
            follow_ups[0].state(),
            FollowUpState::Unreachable,
            "{}",
            city.label
        );
        assert_eq!(
            city.ticket(&matter.ticket_id).await.state(),
            TicketState::Archived,
            "{}",
            city.label
        );
        city.ends().await;
    }
}
