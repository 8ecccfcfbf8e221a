//! From a call to the archive.

use hotline_proto::event::{FollowUpState, ReplyState, TicketChange};
use hotline_proto::reporting::Series;
use hotline_proto::routing::TicketStep;
use hotline_proto::shared::{AppealState, Satisfaction, Solved, TicketState};
use hotline_tests::city::{City, at};

/// The unit's work on a ticket: signed, handed in too early, sent back, handed in, concluded.
async fn handled_with_a_detour(city: &City, ticket_id: &str) {
    city.unit("CGJ").signs(ticket_id).await;
    city.hours_pass(20).await;
    city.unit("CGJ").hands_in(ticket_id, "我们会去看").await;
    city.dispatcher().sends_back(ticket_id).await;
    city.unit("CGJ").hands_in(ticket_id, "路灯已修好").await;
    city.dispatcher().concludes(ticket_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_life_of_an_appeal() {
    for city in City::all().await {
        let said = city
            .citizen("李")
            .calls("云溪区路灯不亮,请打19900000046")
            .await;
        assert_eq!(
            city.progress(&said).await.state(),
            AppealState::Registered,
            "{}",
            city.label
        );
        let matter = city.operator().accepts_one(&said).await;
        let ticket = city.ticket(&matter.ticket_id).await;
        assert_eq!(
            ticket.state(),
            TicketState::Dispatched,
            "{}: the catalogue decides",
            city.label
        );
        assert_eq!(
            (&*ticket.number, &*ticket.lead_unit_code),
            (&*said.number, "CGJ"),
            "{}",
            city.label
        );
        handled_with_a_detour(&city, &ticket.id).await;
        let replies = city.replies_to(&said).await;
        let told: Vec<_> = replies
            .iter()
            .map(|reply| (&*reply.text, reply.state()))
            .collect();
        assert_eq!(
            told,
            [("路灯已修好", ReplyState::Written)],
            "{}",
            city.label
        );
        let written = city.outbound("tel");
        assert_eq!(written.len(), 1, "{}", city.label);
        assert_eq!(written[0]["appeal_number"], said.number, "{}", city.label);

        city.agent().reaches_nobody(&matter).await;
        city.hours_pass(3).await;
        city.agent()
            .hears(&matter, Solved::Solved, Satisfaction::Satisfied)
            .await;
        let follow_ups = city.follow_ups(&ticket.id).await;
        let asked: Vec<_> = follow_ups
            .iter()
            .map(|asked| (asked.state(), asked.attempts))
            .collect();
        assert_eq!(asked, [(FollowUpState::Closed, 2)], "{}", city.label);
        let progress = city.progress(&said).await;
        assert_eq!(
            progress.matters[0].ticket_state(),
            TicketState::Archived,
            "{}",
            city.label
        );

        let steps: Vec<_> = city
            .history(&ticket.id)
            .await
            .iter()
            .map(TicketStep::change)
            .collect();
        assert_eq!(steps, LIFE, "{}", city.label);
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kind_and_the_calendar_decide_the_deadline() {
    for city in City::all().await {
        let said = city.citizen("李").calls("云溪区路灯不亮").await;
        let matter = city.operator().accepts_one(&said).await;
        let ticket = city.ticket(&matter.ticket_id).await;
        // A complaint has 15 working days, counted from the next one; Sunday the 20th is one of them.
        let due = ticket.citizen_due_at.map(|at| at.seconds);
        assert_eq!(
            due,
            Some(at(2026, 9, 22, 0, 0).timestamp()),
            "{}",
            city.label
        );
        assert!(!ticket.due_provisional, "{}", city.label);
        city.ends().await;
    }
}

/// Every step of that life.
const LIFE: [TicketChange; 8] = [
    TicketChange::Opened,
    TicketChange::Dispatched,
    TicketChange::Signed,
    TicketChange::Handled,
    TicketChange::SentBack,
    TicketChange::Handled,
    TicketChange::Concluded,
    TicketChange::Archived,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_telephone_number_leaves_intake_nowhere() {
    for city in City::all().await {
        let said = city
            .citizen("李")
            .calls("云溪区路灯不亮,请打19900000046")
            .await;
        let matter = city.operator().accepts_one(&said).await;
        handled_with_a_detour(&city, &matter.ticket_id).await;
        city.agent()
            .hears(&matter, Solved::Solved, Satisfaction::Satisfied)
            .await;

        let ticket = city.ticket(&matter.ticket_id).await;
        let (head, daily) = city.document(Series::Daily, "2026-09-01").await;
        assert!(head.reconciles, "{}: {:?}", city.label, head.differences);
        assert!(daily.contains(&ticket.number), "{}:\n{daily}", city.label);
        let appeal = city
            .appeal(&said)
            .await
            .appeal
            .expect("a view has its appeal");
        let outbound = city.outbound("tel")[0].to_string();
        for seen in [
            &ticket.text,
            &ticket.subject,
            &appeal.text,
            &appeal.subject,
            &daily,
            &outbound,
        ] {
            assert!(!seen.contains("199000000"), "{}: {seen}", city.label);
        }
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_or_guided_at_the_desk_makes_no_ticket() {
    for city in City::all().await {
        let asked = city.citizen("王").writes("社保卡在哪里办?").await;
        let sued = city.citizen("赵").on("app").writes("法院判决不公").await;
        city.operator().answers(&asked, "可在政务大厅办理").await;
        city.operator()
            .guides(&sued, "云溪区人民法院", "请依法上诉")
            .await;

        let texts = |lines: Vec<serde_json::Value>| -> Vec<String> {
            lines
                .iter()
                .map(|line| format!("{} {}", line["kind"], line["text"]))
                .collect()
        };
        assert_eq!(
            texts(city.outbound("tel")),
            ["\"direct_answer\" \"可在政务大厅办理\""],
            "{}",
            city.label
        );
        assert_eq!(
            texts(city.outbound("app")),
            ["\"guidance\" \"请依法上诉\""],
            "{}",
            city.label
        );
        assert!(city.open_tickets().await.is_empty(), "{}", city.label);
        assert_eq!(
            city.progress(&asked).await.state(),
            AppealState::Answered,
            "{}",
            city.label
        );
        assert_eq!(
            city.progress(&sued).await.state(),
            AppealState::Guided,
            "{}",
            city.label
        );
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_submission_gets_the_same_receipt() {
    for city in City::all().await {
        let first = city.citizen("李").repeats("form-7", "路灯不亮").await;
        let again = city.citizen("李").repeats("form-7", "路灯不亮").await;
        assert_eq!(first, again, "{}", city.label);
        let other = city.citizen("李").repeats("form-8", "噪声扰民").await;
        assert_ne!(first.number, other.number, "{}", city.label);
        city.ends().await;
    }
}
