//! Two persons about who is behind a tip-off.

use std::time::Duration;

use hotline_platform::access::Role;
use hotline_platform::grpc::Principal;
use hotline_platform::page::Page;

use super::{NAME, PHONE, by, operator, wish};
use crate::domain::registration::Confidentiality;
use crate::domain::reveal::Hidden;
use crate::error::IntakeError;
use crate::tests::city::{cities, uuid};

#[tokio::test]
async fn behind_a_tip_off_is_looked_by_two_persons_once_and_soon() {
    for city in cities().await {
        let flags = Confidentiality {
            is_tip_off: true,
            ..Confidentiality::default()
        };
        let (receipt, _) = city.opens_with("有人偷排", flags).await;
        let (li, chen) = (operator("li"), operator("chen"));
        let supervisor = Principal::new("supervisor:zhou", Role::ShiftSupervisor);
        let told = |error: IntakeError| error.reason();
        let alone = city
            .reveals(&li, wish(&receipt))
            .await
            .expect_err("needs two");
        assert!(
            matches!(alone, IntakeError::ContactHidden(Hidden::NeedsApproval)),
            "{}: {alone}",
            city.label
        );
        let ask = |principal: &Principal| {
            city.intake
                .ask_reveal(by(principal, "RequestReveal"), wish(&receipt))
        };
        let approve = |principal: &Principal, id| {
            let context = by(principal, "ApproveReveal");
            city.intake
                .approve_reveal(context, id, "涉及人身安全".to_owned())
        };
        let look = |principal: &Principal, id| {
            let context = by(principal, "RevealContact");
            city.intake.reveal(context, wish(&receipt), Some(id))
        };

        // Whoever asks does not approve, in another session neither.
        let (own, _) = ask(&supervisor).await.expect("asked");
        let mut elsewhere = by(&supervisor, "ApproveReveal");
        elsewhere.cause.session = "another".to_owned();
        let by_himself = city
            .intake
            .approve_reveal(elsewhere, own, "同意查看".to_owned());
        assert_eq!(told(by_himself.await.expect_err("himself")), "NOT_APPROVED");
        assert_eq!(
            told(look(&supervisor, own).await.expect_err("pending")),
            "NOT_APPROVED"
        );

        let (id, _) = ask(&li).await.expect("asked");
        assert_eq!(
            told(look(&li, id).await.expect_err("pending")),
            "NOT_APPROVED"
        );
        approve(&supervisor, id).await.expect("approved");
        assert_eq!(
            told(approve(&supervisor, id).await.expect_err("twice")),
            "NOT_APPROVED"
        );
        assert_eq!(
            told(look(&chen, id).await.expect_err("not his")),
            "NOT_APPROVED"
        );
        assert_eq!(
            look(&li, id).await.expect("shown").phone,
            PHONE,
            "{}",
            city.label
        );
        assert_eq!(told(look(&li, id).await.expect_err("once")), "NOT_APPROVED");

        let (late, _) = ask(&li).await.expect("asked");
        approve(&supervisor, late).await.expect("approved");
        city.clock.advance(Duration::from_secs(15 * 60 + 1));
        assert_eq!(
            told(look(&li, late).await.expect_err("late")),
            "NOT_APPROVED"
        );
        let never = look(&li, uuid(5)).await.expect_err("never asked");
        assert_eq!(told(never), "NOT_APPROVED", "{}", city.label);
        assert_eq!(city.counts("reveal").await, 1, "{}", city.label);
        for (action, count) in [("identity asked for", 3), ("identity approved", 2)] {
            let rows = format!("audit WHERE action = '{action}'");
            assert_eq!(city.counts(&rows).await, count, "{}: {action}", city.label);
        }
    }
}

#[tokio::test]
async fn who_approves_a_look_is_shown_what_it_is_about_and_not_who_is_behind_it() {
    for city in cities().await {
        let flags = Confidentiality {
            is_tip_off: true,
            ..Confidentiality::default()
        };
        let (receipt, _) = city.opens_with("有人偷排", flags).await;
        let (li, leader) = (operator("li"), Principal::new("leader:he", Role::Leader));
        let waiting = async || {
            let page = Page {
                size: 10,
                after: None,
            };
            let scope = by(&leader, "ListRevealRequests").scope;
            let found = city.intake.pending_reveals(&scope, &page).await;
            found.expect("listed").0
        };
        let ask = || {
            city.intake
                .ask_reveal(by(&li, "RequestReveal"), wish(&receipt))
        };
        let (id, _) = ask().await.expect("asked");
        let shown = waiting().await;
        assert_eq!(shown.len(), 1, "{}", city.label);
        assert_eq!(
            (shown[0].id, &shown[0].number, shown[0].approval.appeal),
            (id, &receipt.number, receipt.appeal_id),
            "{}",
            city.label
        );
        assert_eq!(shown[0].approval.asked_by, "operator:li");
        assert!(!shown[0].reason.is_empty(), "{}", city.label);
        let whole = format!("{shown:?}");
        for hidden in [PHONE, NAME] {
            assert!(!whole.contains(hidden), "{}: {whole}", city.label);
        }
        // What he writes down names nobody either.
        let reason = format!("同意查看{NAME}");
        city.intake
            .approve_reveal(by(&leader, "ApproveReveal"), id, reason)
            .await
            .expect("approved");
        let named = format!("audit WHERE reason LIKE '%{NAME}%'");
        assert_eq!(city.counts(&named).await, 0, "{}", city.label);
        assert!(waiting().await.is_empty(), "{}: decided", city.label);

        ask().await.expect("asked");
        city.clock.advance(Duration::from_secs(60 * 60 + 1));
        assert!(waiting().await.is_empty(), "{}: too late", city.label);
    }
}

#[tokio::test]
async fn what_two_use_at_once_is_used_once() {
    for city in cities().await {
        let flags = Confidentiality {
            is_tip_off: true,
            ..Confidentiality::default()
        };
        let (receipt, _) = city.opens_with("有人偷排", flags).await;
        let (li, leader) = (operator("li"), Principal::new("leader:he", Role::Leader));
        let asked = city
            .intake
            .ask_reveal(by(&li, "RequestReveal"), wish(&receipt));
        let (id, _) = asked.await.expect("asked");
        let approved =
            city.intake
                .approve_reveal(by(&leader, "ApproveReveal"), id, "同意查看".to_owned());
        approved.await.expect("approved");
        let looks = (0..8).map(|_| {
            let context = by(&li, "RevealContact");
            city.intake.reveal(context, wish(&receipt), Some(id))
        });
        let shown = futures::future::join_all(looks).await;
        assert_eq!(
            shown.iter().filter(|look| look.is_ok()).count(),
            1,
            "{}",
            city.label
        );
    }
}
