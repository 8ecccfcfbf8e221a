//! A deadline that reaches a year nobody has published.

use hotline_proto::event::TicketChange;
use hotline_proto::shared::Card;
use hotline_tests::city::{City, at};
use hotline_tests::registry::{HOLIDAYS_2026, HOLIDAYS_2027};

#[tokio::test(flavor = "multi_thread")]
async fn a_provisional_deadline_is_settled_when_its_year_is_loaded() {
    for city in City::all().await {
        city.comes_to(2026, 12, 21, 9).await;
        let said = city.citizen("李").calls("文昌路路灯不亮").await;
        let id = city.operator().accepts_one(&said).await.ticket_id;
        let ticket = city.ticket(&id).await;
        let due = |at: Option<prost_types::Timestamp>| at.map(|at| at.seconds);
        assert!(ticket.due_provisional, "{}", city.label);
        let first = at(2027, 1, 12, 0, 0).timestamp();
        assert_eq!(
            due(ticket.citizen_due_at),
            Some(first),
            "{}: Monday to Friday",
            city.label
        );
        city.unit("CGJ").signs(&id).await;

        let (_, rows) = HOLIDAYS_2027.split_once('\n').expect("a header");
        let loaded = city.loads_calendar(&format!("{HOLIDAYS_2026}{rows}")).await;
        assert_eq!(loaded.recomputed, 1, "{}", city.label);
        let ticket = city.ticket(&id).await;
        assert!(!ticket.due_provisional, "{}", city.label);
        // Two of the days are holidays after all.
        let second = at(2027, 1, 14, 0, 0).timestamp();
        assert_eq!(due(ticket.citizen_due_at), Some(second), "{}", city.label);
        assert_eq!(due(ticket.unit_due_at), Some(second), "{}", city.label);
        let steps = city.history(&id).await;
        let recomputed = steps
            .iter()
            .any(|step| step.change() == TicketChange::DeadlineRecomputed);
        assert!(recomputed, "{}", city.label);

        city.comes_to(2027, 1, 13, 12).await;
        assert_ne!(
            city.ticket(&id).await.card(),
            Card::Red,
            "{}: the old deadline is void",
            city.label
        );
        city.comes_to(2027, 1, 14, 1).await;
        assert_eq!(city.ticket(&id).await.card(), Card::Red, "{}", city.label);
        city.ends().await;
    }
}
