//! Who gets a reply, and on which channel.

use hotline_proto::event::{AppealChange, MatterMove, TicketChange};
use hotline_proto::shared::TicketState;

use super::told::{
    a_matter, appeal_changed, channels_loaded, concluded, historical_ticket, ticket_changed,
};
use super::{benches, follow_up_facts, reply_facts};

#[tokio::test]
async fn each_citizen_of_a_merged_ticket_gets_his_reply_on_his_own_channel() {
    for bench in benches().await {
        let (first, second) = (a_matter(1), a_matter(2).on_channel("web"));
        bench.hears([first.opened(), second.opened()]).await;
        bench.hears(second.merged_into(1)).await;
        bench.hears([concluded(1, 9, 1, &[1, 2])]).await;
        bench.fires().await;

        let expected = are(&[("tel", "written"), ("web", "written")]);
        assert_eq!(states(&bench).await, expected, "{}", bench.label);
        for (channel, contact, number) in
            [("tel", "contact-1", "00001"), ("web", "contact-2", "00002")]
        {
            let lines = bench.outbound_lines(channel);
            assert_eq!(lines.len(), 1, "{} {channel}", bench.label);
            assert_eq!(lines[0]["contact_ref"], contact);
            assert_eq!(lines[0]["appeal_number"], format!("260901-{number}-2"));
            assert_eq!(lines[0]["kind"], "conclusion");
        }
        let facts = follow_up_facts(&bench.follow_ups().await);
        assert_eq!(
            facts,
            [(1, 1, 1, "open"), (2, 1, 1, "open")],
            "{}",
            bench.label
        );
    }
}

#[tokio::test]
async fn an_event_heard_twice_makes_no_second_reply() {
    for bench in benches().await {
        for _ in 0..2 {
            bench
                .hears([a_matter(1).opened(), concluded(1, 9, 1, &[1])])
                .await;
            bench
                .hears([appeal_changed(3, AppealChange::Answered, "可在窗口办理")])
                .await;
        }
        assert_eq!(bench.replies().await.len(), 2, "{}", bench.label);
        assert_eq!(bench.follow_ups().await.len(), 1, "{}", bench.label);
    }
}

#[tokio::test]
async fn what_was_answered_at_the_desk_is_replied_to() {
    for bench in benches().await {
        bench
            .hears([appeal_changed(3, AppealChange::Answered, "可在窗口办理")])
            .await;
        bench
            .hears([appeal_changed(4, AppealChange::Guided, "")])
            .await;
        bench
            .hears([appeal_changed(5, AppealChange::Registered, "")])
            .await;
        bench.fires().await;

        let mut told: Vec<_> = bench
            .outbound_lines("tel")
            .iter()
            .map(|line| (line["kind"].to_string(), line["text"].to_string()))
            .collect();
        told.sort_unstable();
        let expected = [
            (
                "\"direct_answer\"".to_owned(),
                "\"可在窗口办理\"".to_owned(),
            ),
            (
                "\"guidance\"".to_owned(),
                "\"某区人民法院:依法提起诉讼\"".to_owned(),
            ),
        ];
        assert_eq!(told, expected, "{}", bench.label);
        assert!(bench.follow_ups().await.is_empty(), "{}", bench.label);
    }
}

#[tokio::test]
async fn what_is_historical_is_kept_and_never_sent() {
    for bench in benches().await {
        let old = a_matter(1).historical("已于去年答复");
        bench
            .hears([old.opened(), historical_ticket(1), old.opened()])
            .await;

        assert_eq!(
            bench.fires().await,
            0,
            "{}: no timer was armed",
            bench.label
        );
        let facts = reply_facts(&bench.replies().await);
        let expected = [(
            1,
            1,
            "tel".to_owned(),
            "historical",
            "已于去年答复".to_owned(),
        )];
        assert_eq!(facts, expected, "{}", bench.label);
        assert!(bench.outbound_lines("tel").is_empty(), "{}", bench.label);
        assert!(bench.follow_ups().await.is_empty(), "{}", bench.label);
    }
}

#[tokio::test]
async fn the_anonymous_are_answered_where_answers_are_public() {
    for bench in benches().await {
        let on_board = a_matter(1).on_channel("board").without_contact();
        let by_phone = a_matter(2).without_contact();
        bench.hears([on_board.opened(), by_phone.opened()]).await;
        bench
            .hears([concluded(1, 9, 1, &[1]), concluded(2, 9, 1, &[2])])
            .await;
        let expected = are(&[("board", "undeliverable"), ("tel", "undeliverable")]);
        assert_eq!(
            states(&bench).await,
            expected,
            "{}: channels unknown",
            bench.label
        );

        bench
            .hears([channels_loaded(1, &[("board", "yes"), ("tel", "no")])])
            .await;
        bench.fires().await;

        let expected = are(&[("board", "written"), ("tel", "undeliverable")]);
        assert_eq!(states(&bench).await, expected, "{}", bench.label);
        let lines = bench.outbound_lines("board");
        let published = lines[0]["text"].as_str().unwrap();
        assert!(
            !published.contains("19900000001"),
            "{}: {published}",
            bench.label
        );
        assert!(bench.outbound_lines("tel").is_empty(), "{}", bench.label);
    }
}

#[tokio::test]
async fn a_channel_that_turns_public_later_publishes_nothing_old() {
    for bench in benches().await {
        bench.hears([channels_loaded(1, &[("board", "no")])]).await;
        let on_board = a_matter(1).on_channel("board").without_contact();
        bench
            .hears([on_board.opened(), concluded(1, 9, 1, &[1])])
            .await;
        bench.hears([channels_loaded(2, &[("board", "yes")])]).await;

        assert_eq!(bench.fires().await, 0, "{}", bench.label);
        assert_eq!(
            bench.replies().await[0].state.word(),
            "undeliverable",
            "{}",
            bench.label
        );
    }
}

#[tokio::test]
async fn a_matter_that_was_unmerged_keeps_its_reply_and_gets_another_from_its_own_ticket() {
    for bench in benches().await {
        let (first, second) = (a_matter(1), a_matter(2));
        bench.hears([first.opened(), second.opened()]).await;
        bench.hears(second.merged_into(1)).await;
        bench.hears([concluded(1, 9, 1, &[1, 2])]).await;
        bench.hears(second.unmerged_from(1)).await;

        let facts = follow_up_facts(&bench.follow_ups().await);
        assert_eq!(
            facts,
            [(1, 1, 1, "open"), (2, 1, 1, "cancelled")],
            "{}",
            bench.label
        );

        bench
            .hears([ticket_changed(
                2,
                4,
                TicketState::AwaitingDispatch,
                TicketChange::Reopened,
            )])
            .await;
        bench.hears([concluded(2, 8, 1, &[2])]).await;
        let facts = follow_up_facts(&bench.follow_ups().await);
        let expected = [(1, 1, 1, "open"), (2, 1, 1, "cancelled"), (2, 2, 1, "open")];
        assert_eq!(facts, expected, "{}", bench.label);
        let replies = bench.replies().await;
        let to_second = replies
            .iter()
            .filter(|reply| reply.contact_ref == "contact-2")
            .count();
        assert_eq!(to_second, 2, "{}", bench.label);
    }
}

#[tokio::test]
async fn a_matter_that_comes_back_is_asked_about_again() {
    for bench in benches().await {
        let first = a_matter(1);
        bench
            .hears([first.opened(), concluded(1, 9, 1, &[1])])
            .await;
        bench.hears(first.merged_into(2)).await;
        let facts = follow_up_facts(&bench.follow_ups().await);
        assert_eq!(facts, [(1, 1, 1, "cancelled")], "{}", bench.label);

        bench
            .hears([first.attached(4, 1, MatterMove::Refused)])
            .await;
        let facts = follow_up_facts(&bench.follow_ups().await);
        assert_eq!(facts, [(1, 1, 1, "open")], "{}", bench.label);
        assert_eq!(bench.replies().await.len(), 1, "{}", bench.label);
    }
}

/// Channel and state of every reply, by channel.
async fn states(bench: &super::Bench) -> Vec<(String, &'static str)> {
    let replies = bench.replies().await;
    let state =
        |reply: &crate::domain::reply::Reply| (reply.channel_code.clone(), reply.state.word());
    let mut states: Vec<_> = replies.iter().map(state).collect();
    states.sort_unstable();
    states
}

/// The same, as a test writes it.
fn are(expected: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    expected
        .iter()
        .map(|(channel, state)| ((*channel).to_owned(), *state))
        .collect()
}
