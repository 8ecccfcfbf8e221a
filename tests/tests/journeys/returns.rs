//! Units that will not have it: the second counted return forces a consultation.

use hotline_proto::event::TicketChange;
use hotline_proto::routing::TicketStep;
use hotline_proto::shared::{ReturnReason, TicketState};
use hotline_tests::city::City;
use tonic::Code;

/// A stall nobody owns by the catalogue: dispatched, returned, granted, returned again, decided.
async fn returned_twice(city: &City) -> String {
    let said = city.citizen("李").calls("小区门口占道经营").await;
    let ticket = city.operator().accepts_one(&said).await.ticket_id;
    assert_eq!(
        stands(city, &ticket).await,
        (TicketState::AwaitingDispatch, String::new(), 0)
    );
    city.dispatcher().dispatches(&ticket, "CGJ").await;

    city.unit("CGJ")
        .returns(&ticket, ReturnReason::NotDuty, "ZJJ")
        .await;
    let reviewed = stands(city, &ticket).await;
    let expected = (TicketState::ReturnReview, "CGJ".to_owned(), 1);
    assert_eq!(
        reviewed, expected,
        "{}: it keeps acting until then",
        city.label
    );
    city.dispatcher().grants_the_return(&ticket).await;
    let expected = (TicketState::Dispatched, "ZJJ".to_owned(), 1);
    assert_eq!(stands(city, &ticket).await, expected, "{}", city.label);

    city.unit("ZJJ")
        .returns(&ticket, ReturnReason::NotDuty, "CGJ")
        .await;
    let expected = (TicketState::Consultation, "ZJJ".to_owned(), 2);
    assert_eq!(stands(city, &ticket).await, expected, "{}", city.label);
    city.dispatcher()
        .decides_the_consultation(&ticket, "CGJ")
        .await;
    let expected = (TicketState::Dispatched, "CGJ".to_owned(), 2);
    assert_eq!(stands(city, &ticket).await, expected, "{}", city.label);
    ticket
}

/// State, lead unit and counted returns of a ticket.
async fn stands(city: &City, ticket_id: &str) -> (TicketState, String, u32) {
    let ticket = city.ticket(ticket_id).await;
    (
        ticket.state(),
        ticket.lead_unit_code.clone(),
        ticket.counted_returns,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_return_forces_a_consultation_whose_decision_binds() {
    for city in City::all().await {
        let ticket = returned_twice(&city).await;
        let again = city
            .unit("CGJ")
            .tries_to_return(&ticket, ReturnReason::NotDuty, "ZJJ")
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
        assert_eq!(proposed, [(&*ticket, "CGJ")], "{}", city.label);

        city.unit("CGJ")
            .settles_matter(&ticket, "已清理占道摊点")
            .await;
        assert_eq!(city.outbound("tel").len(), 1, "{}", city.label);
        let changes: Vec<_> = city
            .history(&ticket)
            .await
            .iter()
            .map(TicketStep::change)
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
