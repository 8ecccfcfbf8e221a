//! Several citizens, one ticket; and back.

use hotline_proto::event::{FollowUpState, TicketChange};
use hotline_proto::shared::TicketState;
use hotline_tests::city::City;
use hotline_tests::people::{Matter, Said};
use tonic::Code;

/// Three citizens on three channels, and their matters on the first one's ticket.
struct Merged {
    li: Said,
    wang: Said,
    zhao: Said,
    of_wang: Matter,
    of_zhao: Matter,
    shared: String,
}

async fn three_merged(city: &City) -> Merged {
    let li = city.citizen("李").calls("文昌路路灯不亮").await;
    let wang = city
        .citizen("王")
        .on("app")
        .writes("文昌路的路灯坏了")
        .await;
    let zhao = city
        .citizen("赵")
        .on("mail")
        .writes("路灯一直不亮,请处理")
        .await;
    let shared = city.operator().accepts_one(&li).await.ticket_id;
    let of_wang = city.operator().accepts_one(&wang).await;
    let of_zhao = city.operator().accepts_one(&zhao).await;
    city.hours_pass(2).await;
    let of_wang = city.operator().merges(&of_wang, &shared).await;
    let of_zhao = city.operator().merges(&of_zhao, &shared).await;
    Merged {
        li,
        wang,
        zhao,
        of_wang,
        of_zhao,
        shared,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_merged_citizens_is_answered_on_his_channel() {
    for city in City::all().await {
        let merged = three_merged(&city).await;
        let shared = merged.shared.as_str();
        assert_eq!(
            city.ticket(shared).await.matter_ids.len(),
            3,
            "{}",
            city.label
        );
        for own in [&merged.of_wang.own_ticket_id, &merged.of_zhao.own_ticket_id] {
            assert_eq!(
                city.ticket(own).await.state(),
                TicketState::Absorbed,
                "{}",
                city.label
            );
        }
        let progress = city.progress(&merged.wang).await;
        assert_eq!(
            progress.matters[0].ticket_number, merged.li.number,
            "{}",
            city.label
        );

        city.unit("CGJ")
            .settles_matter(shared, "三盏路灯已修好")
            .await;
        for (said, channel) in [
            (&merged.li, "tel"),
            (&merged.wang, "app"),
            (&merged.zhao, "mail"),
        ] {
            let written = city.outbound(channel);
            assert_eq!(written.len(), 1, "{} {channel}", city.label);
            assert_eq!(
                written[0]["appeal_number"], said.number,
                "{} {channel}",
                city.label
            );
            assert_eq!(
                written[0]["text"], "三盏路灯已修好",
                "{} {channel}",
                city.label
            );
        }
        assert_eq!(city.follow_ups(shared).await.len(), 3, "{}", city.label);
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unmerged_matter_goes_back_to_its_own_ticket_and_clock() {
    for city in City::all().await {
        let merged = three_merged(&city).await;
        let shared = merged.shared.as_str();
        city.unit("CGJ")
            .settles_matter(shared, "三盏路灯已修好")
            .await;
        let of_zhao = city.operator().unmerges(&merged.of_zhao).await;

        assert_eq!(of_zhao.ticket_id, of_zhao.own_ticket_id, "{}", city.label);
        let own = city.ticket(&of_zhao.ticket_id).await;
        assert_ne!(
            own.state(),
            TicketState::Absorbed,
            "{}: it lives again",
            city.label
        );
        let (received, of_shared) = (own.received_at, city.ticket(shared).await.received_at);
        assert_eq!(
            received, of_shared,
            "{}: the clock of its own receipt",
            city.label
        );
        let mut asked = city.follow_ups(shared).await;
        asked.retain(|asked| asked.state() == FollowUpState::Cancelled);
        assert_eq!(asked.len(), 1, "{}", city.label);
        assert_eq!(asked[0].matter_id, of_zhao.id, "{}", city.label);
        assert_eq!(
            city.replies_to(&merged.zhao).await.len(),
            1,
            "{}: his reply is kept",
            city.label
        );

        if own.state() == TicketState::AwaitingDispatch {
            city.dispatcher().dispatches(&own.id, "CGJ").await;
        }
        city.unit("CGJ")
            .settles_matter(&own.id, "您门前的路灯另行修好")
            .await;
        let replies = city.replies_to(&merged.zhao).await;
        let texts: Vec<_> = replies.iter().map(|reply| reply.text.as_str()).collect();
        assert_eq!(
            texts,
            ["三盏路灯已修好", "您门前的路灯另行修好"],
            "{}",
            city.label
        );
        assert_eq!(city.outbound("mail").len(), 2, "{}", city.label);
        assert_eq!(
            city.outbound("tel").len(),
            1,
            "{}: nobody else hears of it",
            city.label
        );
        let steps = city.history(&own.id).await;
        assert!(
            steps
                .iter()
                .any(|step| step.change() == TicketChange::Reopened),
            "{}",
            city.label
        );
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_words_of_the_same_citizen_attach_by_themselves() {
    for city in City::all().await {
        let first = city.citizen("李").calls("建设路夜间施工噪声").await;
        let of_first = city.operator().accepts_one(&first).await;
        let again = city
            .citizen("李")
            .on("app")
            .writes("建设路夜间施工噪声")
            .await;
        let other = city
            .citizen("王")
            .on("app")
            .writes("建设路夜间施工噪声")
            .await;

        let of_again = city.operator().sees(&again).await;
        assert_eq!(of_again[0].ticket_id, of_first.ticket_id, "{}", city.label);
        assert_eq!(
            city.ticket(&of_first.ticket_id).await.matter_ids.len(),
            2,
            "{}",
            city.label
        );
        let of_other = city.operator().accepts_one(&other).await;
        assert_ne!(
            of_other.ticket_id, of_first.ticket_id,
            "{}: another citizen",
            city.label
        );

        city.unit("ZJJ")
            .settles_matter(&of_first.ticket_id, "已责令停工")
            .await;
        assert_eq!(city.outbound("tel").len(), 1, "{}", city.label);
        assert_eq!(city.outbound("app").len(), 1, "{}", city.label);
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_merged_into_a_concluded_ticket() {
    for city in City::all().await {
        let first = city.citizen("李").calls("文昌路路灯不亮").await;
        let of_first = city.operator().accepts_one(&first).await;
        city.unit("CGJ")
            .settles_matter(&of_first.ticket_id, "已修好")
            .await;
        let second = city.citizen("王").calls("东门路路灯不亮").await;
        let of_second = city.operator().accepts_one(&second).await;

        let refused = city
            .operator()
            .tries_to_merge(&of_second, &of_first.ticket_id)
            .await;
        assert_eq!(
            refused.unwrap_err().code(),
            Code::FailedPrecondition,
            "{}",
            city.label
        );
        assert_eq!(
            city.operator().sees(&second).await,
            [of_second],
            "{}",
            city.label
        );
        city.ends().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_appeal_is_asked_nothing() {
    for city in City::all().await {
        let said = city.citizen("李").calls("文昌路路灯不亮").await;
        let matter = city.operator().accepts_one(&said).await;
        city.operator().withdraws(&said).await;

        assert_eq!(
            city.ticket(&matter.ticket_id).await.state(),
            TicketState::Archived,
            "{}",
            city.label
        );
        assert!(
            city.follow_ups(&matter.ticket_id).await.is_empty(),
            "{}",
            city.label
        );
        assert!(city.outbound("tel").is_empty(), "{}", city.label);
        city.ends().await;
    }
}
