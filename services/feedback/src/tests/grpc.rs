//! Lists by pages, and requests that are not as expected.

use hotline_proto::event::{AppealChange, ReplyState};
use hotline_proto::feedback::feedback_service_server::FeedbackService;
use hotline_proto::feedback::{
    ClassifyFailureRequest, ListFollowUpsRequest, ListRepliesRequest, RecordAttemptRequest,
};
use hotline_proto::shared::{FailureClass, Satisfaction, Solved};
use tonic::Code;

use super::told::{a_matter, appeal, appeal_changed, concluded, ticket};
use super::{Bench, benches, said};
use crate::grpc::FeedbackGrpc;

fn face(bench: &Bench) -> FeedbackGrpc {
    FeedbackGrpc::new(bench.feedback.clone())
}

async fn page_through(bench: &Bench, request: ListRepliesRequest) -> Vec<usize> {
    let mut request = request;
    let mut sizes = Vec::new();
    loop {
        let page = face(bench)
            .list_replies(said(request.clone()))
            .await
            .unwrap()
            .into_inner();
        sizes.push(page.replies.len());
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return sizes;
        }
    }
}

/// Narrows what a list asks for.
type Narrow = fn(&mut ListRepliesRequest);

#[tokio::test]
async fn replies_are_listed_by_pages_and_filters() {
    for bench in benches().await {
        for number in 1..=5 {
            bench
                .hears([appeal_changed(number, AppealChange::Answered, "好")])
                .await;
        }
        bench
            .hears([
                a_matter(9).on_channel("web").opened(),
                concluded(9, 5, 1, &[9]),
            ])
            .await;
        bench.fires().await;
        bench
            .hears([appeal_changed(6, AppealChange::Answered, "好")])
            .await;

        let cases: [(&str, Narrow, &[usize]); 6] = [
            ("all", |_| {}, &[2, 2, 2, 1]),
            (
                "a channel",
                |asked| asked.channel_code = "web".to_owned(),
                &[1],
            ),
            (
                "a state",
                |asked| asked.state = ReplyState::Written.into(),
                &[2, 2, 2],
            ),
            (
                "an appeal",
                |asked| asked.appeal_id = appeal(3).to_string(),
                &[1],
            ),
            (
                "a ticket",
                |asked| asked.ticket_id = ticket(9).to_string(),
                &[1],
            ),
            (
                "nothing",
                |asked| asked.ticket_id = ticket(3).to_string(),
                &[0],
            ),
        ];
        for (label, narrow, expected) in cases {
            let mut asked = ListRepliesRequest {
                page_size: 2,
                ..ListRepliesRequest::default()
            };
            narrow(&mut asked);
            let pages = page_through(&bench, asked).await;
            assert_eq!(pages, expected, "{} {label}", bench.label);
        }
    }
}

#[tokio::test]
async fn follow_ups_are_listed_by_ticket_and_state() {
    for bench in benches().await {
        for number in 1..=3 {
            bench
                .hears([
                    a_matter(number).opened(),
                    concluded(number, 5, 1, &[number]),
                ])
                .await;
        }
        bench.rings(2, Some(super::ANGRY)).await;
        let open = hotline_proto::event::FollowUpState::Open.into();
        let classifying = hotline_proto::event::FollowUpState::Classifying.into();
        let any = ListFollowUpsRequest::default();
        let cases = [
            ("all", any.clone(), 3),
            (
                "open",
                ListFollowUpsRequest {
                    state: open,
                    ..any.clone()
                },
                2,
            ),
            (
                "to classify",
                ListFollowUpsRequest {
                    state: classifying,
                    ..any.clone()
                },
                1,
            ),
            (
                "a ticket",
                ListFollowUpsRequest {
                    ticket_id: ticket(2).to_string(),
                    ..any
                },
                1,
            ),
        ];
        for (label, request, expected) in cases {
            let page = face(&bench)
                .list_follow_ups(said(request))
                .await
                .unwrap()
                .into_inner();
            assert_eq!(page.follow_ups.len(), expected, "{} {label}", bench.label);
        }
    }
}

#[tokio::test]
async fn an_attempt_must_fit_together() {
    type Spoil = fn(&mut RecordAttemptRequest);
    let cases: [(&str, Spoil, Code); 7] = [
        (
            "no id",
            |asked| asked.follow_up_id = "x".to_owned(),
            Code::InvalidArgument,
        ),
        (
            "reached, no word",
            |asked| asked.solved = 0,
            Code::InvalidArgument,
        ),
        (
            "reached, no grade",
            |asked| asked.satisfaction = 0,
            Code::InvalidArgument,
        ),
        (
            "unreached, a word",
            |asked| (asked.reached, asked.satisfaction) = (false, 0),
            Code::InvalidArgument,
        ),
        (
            "unreached, a grade",
            |asked| (asked.reached, asked.solved) = (false, 0),
            Code::InvalidArgument,
        ),
        (
            "a long note",
            |asked| asked.note = "长".repeat(2001),
            Code::InvalidArgument,
        ),
        ("nobody there", |_| {}, Code::NotFound),
    ];
    for bench in benches().await.into_iter().take(1) {
        for (label, spoil, expected) in cases {
            let mut asked = RecordAttemptRequest {
                follow_up_id: appeal(1).to_string(),
                reached: true,
                solved: Solved::Solved.into(),
                satisfaction: Satisfaction::Satisfied.into(),
                ..RecordAttemptRequest::default()
            };
            spoil(&mut asked);
            let refused = face(&bench).record_attempt(said(asked)).await.unwrap_err();
            assert_eq!(refused.code(), expected, "{label}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn a_note_is_kept_in_one_form_on_every_database() {
    for bench in benches().await {
        bench
            .hears([a_matter(1).opened(), concluded(1, 5, 1, &[1])])
            .await;
        let told = RecordAttemptRequest {
            follow_up_id: bench.live(1).await.id.to_string(),
            note: " 无人\0接听\r\n ".to_owned(),
            ..RecordAttemptRequest::default()
        };
        let answer = face(&bench)
            .record_attempt(said(told))
            .await
            .unwrap()
            .into_inner();
        let follow_up = answer.follow_up.unwrap().follow_up.unwrap();
        assert_eq!(follow_up.note, "无人接听", "{}", bench.label);
        let list = ListRepliesRequest {
            channel_code: "web\0".to_owned(),
            ..ListRepliesRequest::default()
        };
        let refused = face(&bench).list_replies(said(list)).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{}", bench.label);
    }
}

#[tokio::test]
async fn only_what_failed_can_be_classified() {
    for bench in benches().await {
        bench
            .hears([a_matter(1).opened(), concluded(1, 5, 1, &[1])])
            .await;
        let follow_up = bench.live(1).await;
        let fault: i32 = FailureClass::UnitFault.into();
        let cases = [
            ("no class", 0, 0, Code::InvalidArgument),
            ("still open", fault, 0, Code::FailedPrecondition),
            ("another version", fault, 7, Code::Aborted),
        ];
        for (label, failure_class, expected_version, expected) in cases {
            let request = ClassifyFailureRequest {
                follow_up_id: follow_up.id.to_string(),
                failure_class,
                expected_version,
                ..ClassifyFailureRequest::default()
            };
            let refused = face(&bench)
                .classify_failure(said(request))
                .await
                .unwrap_err();
            assert_eq!(
                refused.code(),
                expected,
                "{} {label}: {refused:?}",
                bench.label
            );
        }
    }
}
