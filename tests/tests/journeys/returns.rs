//! Units that will not have it: the second counted return forces a consultation.

use hotline_proto::event::TicketChange;
use hotline_proto::shared::{ReturnReason, TicketState};
use hotline_tests::city::City;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn the_second_return_forces_a_consultation_whose_decision_binds() {
    for city in City::all().await {
        let said = city.citizen("李").calls("小区门口占道经营").await;
        let matter = city.operator().accepts_one(&said).await;
        let ticket = matter.ticket_id.as_str();
        assert_eq!(
            city.ticket(ticket).await.state(),
            TicketState::AwaitingDispatch,
            "{}",
            city.label
        );
        city.dispatcher().dispatches(ticket, "CGJ").await;

        city.unit("CGJ")
            .returns(ticket, ReturnReason::NotDuty, "ZJJ")
            .await;
        let reviewed = city.ticket(ticket).await;
        assert_eq!(
            reviewed.state(),
            TicketState::ReturnReview,
            "{}",
            city.label
        );
        assert_eq!(
            reviewed.lead_unit_code, "CGJ",
            "{}: it keeps acting until then",
            city.label
        );
        city.dispatcher().grants_the_return(ticket).await;
        let second = city.ticket(ticket).await;
        let stands = (
            second.state(),
            &*second.lead_unit_code,
            second.counted_returns,
        );
        assert_eq!(
            stands,
            (TicketState::Dispatched, "ZJJ", 1),
            "{}",
            city.label
        );

        city.unit("ZJJ")
            .returns(ticket, ReturnReason::NotDuty, "CGJ")
            .await;
        assert_eq!(
            city.ticket(ticket).await.state(),
            TicketState::Consultation,
            "{}",
            city.label
        );
        city.dispatcher()
            .decides_the_consultation(ticket, "CGJ")
            .await;
        let decided = city.ticket(ticket).await;
        let stands = (
            decided.state(),
            &*decided.lead_unit_code,
            decided.counted_returns,
        );
        assert_eq!(
            stands,
            (TicketState::Dispatched, "CGJ", 2),
            "{}",
            city.label
        );

        let again = city
            .unit("CGJ")
            .tries_to_return(ticket, ReturnReason::NotDuty, "ZJJ")
            .await;
        assert_eq!(
            again.unwrap_err().code(),
            Code::FailedPrecondition,
            "{}: it is bound",
            city.label
        );
        let proposals = city.catalogue_proposals().await;
        let proposed: Vec<_> = proposals
            .iter()
            .map(|proposal| (&*proposal.ticket_id, &*proposal.lead_unit_code))
            .collect();
        assert_eq!(proposed, [(ticket, "CGJ")], "{}", city.label);

        city.unit("CGJ")
            .settles_matter(ticket, "已清理占道摊点")
            .await;
        assert_eq!(city.outbound("tel").len(), 1, "{}", city.label);
        let changes: Vec<_> = city
            .history(ticket)
            .await
            .iter()
            .map(|step| step.change())
            .collect();
        let expected = [
            TicketChange::Opened,
            TicketChange::Dispatched,
            TicketChange::ReturnAsked,
            TicketChange::ReturnGranted,
        ];
        assert_eq!(changes[..4], expected, "{}", city.label);
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_information_does_not_count() {
    for city in City::all().await {
        let said = city.citizen("李").calls("文昌路路灯不亮").await;
        let ticket = city.operator().accepts_one(&said).await.ticket_id;
        for _ in 0..2 {
            city.unit("CGJ")
                .returns(&ticket, ReturnReason::MissingInfo, "")
                .await;
            city.dispatcher().refuses_the_return(&ticket).await;
        }
        let stands = city.ticket(&ticket).await;
        assert_eq!(
            (stands.returns, stands.counted_returns),
            (2, 0),
            "{}",
            city.label
        );
        assert_eq!(stands.state(), TicketState::Dispatched, "{}", city.label);
        city.ends().await;
    }
}
