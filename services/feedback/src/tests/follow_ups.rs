//! Attempts, classification, and what they mean for the ticket.

use hotline_platform::core::CoreError;
use hotline_proto::event::{MatterMove, TicketChange, Verdict};
use hotline_proto::shared::TicketState;

use super::told::{a_matter, concluded, ticket_changed};
use super::{ANGRY, CONTENT, benches, context, follow_up_facts};
use crate::app::RecordAttempt;
use crate::domain::follow_up::FailureClass;
use crate::error::FeedbackError;

#[tokio::test]
async fn three_unreached_attempts_at_different_hours_archive_the_ticket() {
    for bench in benches().await {
        bench
            .hears([a_matter(1).opened(), concluded(1, 9, 1, &[1])])
            .await;
        for (hours, expected) in [(0, "open"), (0, "open"), (3, "open"), (4, "unreachable")] {
            bench.hours_pass(hours);
            let follow_up = bench.rings(1, None).await;
            assert_eq!(
                follow_up.state.word(),
                expected,
                "{} after {hours} h",
                bench.label
            );
        }
        assert_eq!(bench.follow_ups().await[0].attempts, 4, "{}", bench.label);
        assert_eq!(
            bench.verdicts().await,
            [Verdict::Archive],
            "{}",
            bench.label
        );
    }
}

#[tokio::test]
async fn a_content_citizen_archives_the_ticket() {
    for bench in benches().await {
        bench
            .hears([a_matter(1).opened(), concluded(1, 9, 1, &[1])])
            .await;
        bench.rings(1, Some(CONTENT)).await;

        let told = bench.told_follow_ups().await;
        let follow_up = told.last().unwrap().follow_up.as_ref().unwrap();
        assert_eq!(follow_up.lead_unit_code, "CGJ", "{}", bench.label);
        assert_eq!(
            (follow_up.attempts, follow_up.round),
            (1, 1),
            "{}",
            bench.label
        );
        assert_eq!(
            bench.verdicts().await,
            [Verdict::Archive],
            "{}",
            bench.label
        );
    }
}

#[tokio::test]
async fn one_units_fault_reworks_the_ticket_once_when_everybody_was_asked() {
    for bench in benches().await {
        let matters = [a_matter(1), a_matter(2), a_matter(3)];
        bench
            .hears(matters.iter().map(super::told::MatterTold::opened))
            .await;
        bench.hears(matters[1].merged_into(1)).await;
        bench.hears(matters[2].merged_into(1)).await;
        bench.hears([concluded(1, 9, 1, &[1, 2, 3])]).await;

        bench.rings(1, Some(ANGRY)).await;
        bench.classifies(1, FailureClass::UnitFault).await.unwrap();
        bench.rings(2, Some(CONTENT)).await;
        assert!(
            bench.verdicts().await.is_empty(),
            "{}: one is still to be asked",
            bench.label
        );
        bench.rings(3, Some(ANGRY)).await;
        bench.classifies(3, FailureClass::UnitFault).await.unwrap();
        assert_eq!(bench.verdicts().await, [Verdict::Rework], "{}", bench.label);

        bench
            .hears([
                ticket_changed(1, 10, TicketState::Dispatched, TicketChange::Reworked),
                concluded(1, 14, 2, &[1, 2, 3]),
            ])
            .await;
        for matter in 1..=3 {
            bench.rings(matter, Some(CONTENT)).await;
        }
        assert_eq!(
            bench.verdicts().await,
            [Verdict::Rework, Verdict::Archive],
            "{}",
            bench.label
        );
        let rounds = bench
            .follow_ups()
            .await
            .iter()
            .filter(|follow_up| follow_up.round == 2)
            .count();
        assert_eq!(rounds, 3, "{}", bench.label);
    }
}

#[tokio::test]
async fn other_failures_archive_the_ticket() {
    let classes = [
        FailureClass::NeedsTime,
        FailureClass::PolicyLimit,
        FailureClass::Unreasonable,
        FailureClass::NewMatter,
    ];
    for bench in benches().await {
        for (number, class) in (1..).zip(classes) {
            bench
                .hears([
                    a_matter(number).opened(),
                    concluded(number, 9, 1, &[number]),
                ])
                .await;
            bench.rings(number, Some(ANGRY)).await;
            bench.classifies(number, class).await.unwrap();
        }
        assert_eq!(
            bench.verdicts().await,
            [Verdict::Archive; 4],
            "{}",
            bench.label
        );
    }
}

#[tokio::test]
async fn the_last_open_matter_that_leaves_gives_the_verdict() {
    for bench in benches().await {
        let (first, second) = (a_matter(1), a_matter(2));
        bench.hears([first.opened(), second.opened()]).await;
        bench.hears(second.merged_into(1)).await;
        bench.hears([concluded(1, 9, 1, &[1, 2])]).await;
        bench.rings(1, Some(CONTENT)).await;
        assert!(bench.verdicts().await.is_empty(), "{}", bench.label);

        bench.hears(second.unmerged_from(1)).await;
        assert_eq!(
            bench.verdicts().await,
            [Verdict::Archive],
            "{}",
            bench.label
        );
    }
}

#[tokio::test]
async fn nobody_is_asked_after_the_ticket_went_on() {
    for bench in benches().await {
        bench
            .hears([a_matter(1).opened(), concluded(1, 9, 1, &[1])])
            .await;
        let follow_up = bench.live(1).await;
        bench
            .hears([ticket_changed(
                1,
                10,
                TicketState::Archived,
                TicketChange::Archived,
            )])
            .await;

        let facts = follow_up_facts(&bench.follow_ups().await);
        assert_eq!(facts, [(1, 1, 1, "cancelled")], "{}", bench.label);
        let attempt = RecordAttempt {
            follow_up: follow_up.id,
            answer: None,
            note: String::new(),
        };
        let refused = bench
            .feedback
            .record_attempt(context("late", 0), attempt)
            .await
            .unwrap_err();
        let message = "cannot record an unreached attempt on a follow-up that is cancelled";
        assert_eq!(refused.to_string(), message, "{}", bench.label);
        assert!(bench.verdicts().await.is_empty(), "{}", bench.label);
    }
}

#[tokio::test]
async fn a_withdrawn_matter_is_not_asked_about() {
    for bench in benches().await {
        let matter = a_matter(1);
        bench
            .hears([matter.opened(), concluded(1, 9, 1, &[1])])
            .await;
        bench
            .hears([matter.detached(2, 1, None, MatterMove::Withdrawn)])
            .await;
        let facts = follow_up_facts(&bench.follow_ups().await);
        assert_eq!(facts, [(1, 1, 1, "cancelled")], "{}", bench.label);
    }
}

#[tokio::test]
async fn a_ticket_that_concludes_twice_in_one_round_is_replied_to_twice() {
    for bench in benches().await {
        bench
            .hears([a_matter(1).opened(), concluded(1, 9, 1, &[1])])
            .await;
        bench
            .hears([
                ticket_changed(1, 10, TicketState::Absorbed, TicketChange::Absorbed),
                ticket_changed(1, 11, TicketState::AwaitingDispatch, TicketChange::Reopened),
                concluded(1, 15, 1, &[1]),
            ])
            .await;
        assert_eq!(bench.replies().await.len(), 2, "{}", bench.label);
        let facts = follow_up_facts(&bench.follow_ups().await);
        assert_eq!(
            facts,
            [(1, 1, 1, "cancelled"), (1, 1, 1, "open")],
            "{}",
            bench.label
        );
    }
}

#[tokio::test]
async fn the_same_key_records_one_attempt() {
    for bench in benches().await {
        bench
            .hears([a_matter(1).opened(), concluded(1, 9, 1, &[1])])
            .await;
        let follow_up = bench.live(1).await.id;
        let attempt = RecordAttempt {
            follow_up,
            answer: None,
            note: String::new(),
        };
        let first = bench
            .feedback
            .record_attempt(context("once", 1), attempt.clone())
            .await
            .unwrap();
        let again = bench
            .feedback
            .record_attempt(context("once", 1), attempt)
            .await
            .unwrap();
        assert_eq!(first, again, "{}", bench.label);
        assert_eq!(bench.live(1).await.attempts, 1, "{}", bench.label);
    }
}

#[tokio::test]
async fn a_version_that_was_overtaken_is_refused() {
    for bench in benches().await {
        bench
            .hears([a_matter(1).opened(), concluded(1, 9, 1, &[1])])
            .await;
        let follow_up = bench.rings(1, None).await.id;
        let attempt = RecordAttempt {
            follow_up,
            answer: Some(CONTENT),
            note: String::new(),
        };
        let refused = bench
            .feedback
            .record_attempt(context("second", 1), attempt)
            .await
            .unwrap_err();
        let is_stale = matches!(
            refused,
            FeedbackError::Core(CoreError::Stale { current: 2 })
        );
        assert!(is_stale, "{}: {refused}", bench.label);
        assert_eq!(bench.live(1).await.attempts, 1, "{}", bench.label);
    }
}

#[tokio::test]
async fn a_note_is_masked_before_anybody_reads_it() {
    for bench in benches().await {
        bench
            .hears([a_matter(1).opened(), concluded(1, 9, 1, &[1])])
            .await;
        let follow_up = bench.live(1).await.id;
        let note = "他要求改打19900000001".to_owned();
        let attempt = RecordAttempt {
            follow_up,
            answer: None,
            note,
        };
        bench
            .feedback
            .record_attempt(context("note", 0), attempt)
            .await
            .unwrap();
        let note = bench.live(1).await.note;
        assert!(
            note.starts_with("他要求改打") && !note.contains("19900000001"),
            "{}: {note}",
            bench.label
        );
    }
}

/// On PostgreSQL these really run at the same time; whoever is second must see the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_that_end_at_the_same_moment_one_gives_the_verdict() {
    for bench in benches().await {
        for round in 0..10 {
            let (own, other) = (100 + 2 * round, 101 + 2 * round);
            let second = a_matter(other);
            bench.hears([a_matter(own).opened(), second.opened()]).await;
            bench.hears(second.merged_into(own)).await;
            bench.hears([concluded(own, 9, 1, &[own, other])]).await;
            let before = bench.verdicts().await.len();

            tokio::join!(
                bench.rings(own, Some(CONTENT)),
                bench.rings(other, Some(CONTENT))
            );

            assert_eq!(
                bench.verdicts().await.len(),
                before + 1,
                "{} {round}",
                bench.label
            );
        }
    }
}
