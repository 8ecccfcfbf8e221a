//! What attaches by itself: the same text of the same known citizen, and nothing else.

use hotline_proto::shared::TicketState;

use super::city::{appeal, appeal_of, cities, command, everybodys};
use crate::app::register::Registered;
use crate::app::triage::Decision;
use crate::domain::terms::AppealState;

const LAMP: &str = "样例路12号路灯不亮, 已经三天";
const LAMP_AGAIN: &str = "样例路１２号路灯不亮，已经三天！！";

#[tokio::test]
async fn the_same_text_of_a_known_citizen_attaches_by_itself() {
    for city in cities().await {
        let first = city
            .register(appeal_of("19900000001", "a", LAMP))
            .await
            .expect("registered");
        let view = city.accept(&first).await;
        let mut elsewhere = appeal_of("+86 199-0000-0001", "b", LAMP_AGAIN);
        elsewhere.channel_code = "mailbox".to_owned();
        let second = city.register(elsewhere).await.expect("registered");
        assert_ne!(
            first.number, second.number,
            "every citizen keeps a receipt of his own"
        );
        let attached = city
            .intake
            .appeal(&everybodys(), second.appeal_id)
            .await
            .expect("found");
        assert_eq!(
            attached.appeal.state,
            AppealState::Accepted,
            "{}",
            city.label
        );
        assert_eq!(
            attached.matters[0].matter.ticket(),
            Some(view.matters[0].matter.reserved_ticket)
        );
        let expected = [
            "appeal registered 1",
            "appeal accepted 2",
            "attached opened 1",
            "appeal accepted 1",
            "attached same_text 1",
        ];
        assert_eq!(city.story().await, expected, "{}", city.label);
        let sums = city.assert_conserved().await;
        assert_eq!((sums["accepted"], sums["merged"]), (1, 1), "{}", city.label);
    }
}

#[tokio::test]
async fn others_do_not_attach_by_themselves() {
    for city in cities().await {
        let first = city
            .register(appeal_of("19900000001", "a", LAMP))
            .await
            .expect("registered");
        city.accept(&first).await;
        let mut anonymous = appeal_of("19900000001", "b", LAMP);
        anonymous.confidentiality.is_anonymous = true;
        let cases = [
            ("somebody else", appeal_of("19900000002", "c", LAMP)),
            ("nobody known", appeal("d", LAMP)),
            ("anonymous", anonymous),
            (
                "another text",
                appeal_of("19900000001", "e", "样例路13号路灯不亮, 已经三天"),
            ),
        ];
        for (label, told) in cases {
            let receipt = city.register(told).await.expect("registered");
            let view = city
                .intake
                .appeal(&everybodys(), receipt.appeal_id)
                .await
                .expect("found");
            assert_eq!(
                view.appeal.state,
                AppealState::Registered,
                "{} {label}",
                city.label
            );
        }
    }
}

#[tokio::test]
async fn of_two_in_one_batch_the_second_attaches_when_it_is_accepted() {
    for city in cities().await {
        let batch = vec![
            appeal_of("19900000001", "a", LAMP),
            appeal_of("19900000001", "b", LAMP),
        ];
        let receipts: Vec<_> = city
            .apply(batch)
            .await
            .into_iter()
            .map(|result| match result.expect("registered") {
                Registered::New {
                    receipt,
                    is_attached: false,
                } => receipt,
                other => panic!("{other:?}"),
            })
            .collect();
        let first = city.accept(&receipts[0]).await;
        let second = city.accept(&receipts[1]).await;
        let (first, second) = (&first.matters[0].matter, &second.matters[0].matter);
        assert_eq!(
            second.ticket(),
            Some(first.reserved_ticket),
            "{}",
            city.label
        );
        city.assert_versions_are_dense().await;
    }
}

#[tokio::test]
async fn two_accepted_at_once_open_one_ticket() {
    for city in cities().await {
        let mut receipts = Vec::new();
        for turn in 0..8 {
            let told = appeal_of("19900000001", &format!("k{turn}"), LAMP);
            receipts.push(city.register(told).await.expect("registered"));
        }
        let mut tasks = tokio::task::JoinSet::new();
        for receipt in receipts {
            let intake = city.intake.clone();
            let decision = Decision::Accept {
                corrections: Vec::new(),
            };
            tasks.spawn(async move { intake.triage(command(), receipt.appeal_id, decision).await });
        }
        let mut tickets = std::collections::HashSet::new();
        while let Some(done) = tasks.join_next().await {
            let view = done.expect("ran").expect("accepted");
            tickets.insert(view.matters[0].matter.ticket());
        }
        assert_eq!(tickets.len(), 1, "{}", city.label);
    }
}

#[tokio::test]
async fn a_text_said_again_after_its_ticket_concluded_is_a_new_matter() {
    for city in cities().await {
        let first = city
            .register(appeal_of("19900000001", "a", LAMP))
            .await
            .expect("registered");
        let ticket = city.accept(&first).await.matters[0].matter.reserved_ticket;
        city.hears(ticket, TicketState::Concluded, 5).await;
        let state_of = async |key: &str| {
            let receipt = city
                .register(appeal_of("19900000001", key, LAMP))
                .await
                .expect("registered");
            city.intake
                .appeal(&everybodys(), receipt.appeal_id)
                .await
                .expect("found")
                .appeal
                .state
        };
        assert_eq!(
            state_of("b").await,
            AppealState::Registered,
            "{}",
            city.label
        );
        city.hears(ticket, TicketState::Dispatched, 6).await;
        assert_eq!(
            state_of("c").await,
            AppealState::Accepted,
            "reworked: open again, {}",
            city.label
        );
        city.hears(ticket, TicketState::Concluded, 5).await;
        assert_eq!(
            state_of("d").await,
            AppealState::Accepted,
            "old news changes nothing, {}",
            city.label
        );
    }
}
