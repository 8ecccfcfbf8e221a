//! Has somebody complained about it already? Searching what citizens said, from registration to replay.

use hotline::services::Name;
use hotline_proto::shared::TicketState;
use hotline_tests::city::City;

/// A number of a range that is not given out.
const PHONE: &str = "19900000007";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_citizen_said_is_found_where_it_stands() {
    for city in City::all().await {
        let text = format!("阳光花园小区暖气不热,请回电{PHONE}");
        let li = city.citizen("李").calls(&text).await;
        assert!(
            city.finds("暖气").await.is_empty(),
            "{}: no ticket yet",
            city.label
        );
        let of_li = city.operator().accepts_one(&li).await;
        let wang = city
            .citizen("王")
            .on("app")
            .writes("陽光花園供暖不熱")
            .await;
        let of_wang = city.operator().accepts_one(&wang).await;
        city.settles().await;

        let numbers = |found: &[hotline_proto::reporting::FoundTicket]| -> Vec<String> {
            found.iter().map(|ticket| ticket.number.clone()).collect()
        };
        let found = city.finds("阳光花园").await;
        assert_eq!(found.len(), 2, "{}: {found:?}", city.label);
        assert_eq!(
            numbers(&city.finds("暖气不热").await),
            [li.number.as_str()],
            "{}",
            city.label
        );
        for masked in [PHONE, "0007", "199"] {
            assert!(
                city.finds(masked).await.is_empty(),
                "{}: {masked}",
                city.label
            );
        }

        city.hours_pass(1).await;
        city.operator().merges(&of_wang, &of_li.ticket_id).await;
        city.settles().await;
        for query in ["阳光花园", "供暖", "暖气 供暖", &wang.number, &li.number] {
            let found = city.finds(query).await;
            assert_eq!(
                numbers(&found),
                [li.number.as_str()],
                "{} {query}",
                city.label
            );
            assert_ne!(found[0].state(), TicketState::Absorbed, "{}", city.label);
        }

        let before = city.finds("阳光花园").await;
        city.forgets(Name::Reporting).await;
        city.settles().await;
        assert_eq!(city.finds("阳光花园").await, before, "{}", city.label);
        city.ends().await;
    }
}
