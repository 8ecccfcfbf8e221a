//! What is left of a denied call: one row in the audit trail of the service that it was sent to, and nothing else.

use hotline::services::Name;
use hotline_platform::grpc::Principal;
use hotline_platform::layers::denial::ROWS_AT_ONCE;
use hotline_proto::access::RULES;
use hotline_tests::city::City;
use tonic::Code;

const LIST_TICKETS: &str = "/hotline.routing.v1.RoutingService/ListTickets";

/// Somebody without a role.
fn nobody() -> Principal {
    Principal::nobody("nobody:somebody")
}

/// What nobody may call without a role: all but what strangers may call too.
fn guarded() -> impl Iterator<Item = &'static str> {
    let guarded = RULES.iter().filter(|(_, rule)| !rule.anonymous);
    guarded.map(|(path, _)| *path)
}

async fn denied(city: &City, path: &str) {
    let outcome = city.calls(path, &nobody(), &()).await;
    assert_eq!(
        outcome.code,
        Code::PermissionDenied,
        "{}: {path}",
        city.label
    );
}

pub async fn dumps(city: &City) -> Vec<String> {
    let mut dumps = Vec::new();
    for &name in Name::ALL {
        dumps.push(city.tables(name).await.dump().await);
    }
    dumps
}

#[tokio::test]
async fn a_denied_call_leaves_an_audit_row_where_it_was_sent_and_changes_nothing() {
    for city in City::all().await {
        let said = city.citizen("李").calls("路灯不亮").await;
        city.operator().accepts_one(&said).await;
        let before = dumps(&city).await;
        assert!(
            before.iter().any(|dump| dump.contains("路灯不亮")),
            "{}",
            city.label
        );
        for path in guarded() {
            denied(&city, path).await;
        }
        for (&name, (before, after)) in Name::ALL.iter().zip(before.iter().zip(dumps(&city).await))
        {
            assert!(*before == after, "{}: {} changed", city.label, name.word());
            let of = |path: &&str| path.contains(&format!(".{}.", name.word()));
            let sent: Vec<_> = guarded().filter(of).collect();
            let rows = city.tables(name).await.denied().await;
            for path in &sent {
                let row = (
                    "nobody:somebody".to_owned(),
                    (*path).to_owned(),
                    "ROLE_NOT_ALLOWED".to_owned(),
                );
                let count = rows.iter().filter(|found| **found == row).count();
                assert_eq!(count, 1, "{}: {path}", city.label);
            }
            // The log's two methods and the trail's belong to the first service of the process.
            let logs = if name == Name::Intake { 3 } else { 0 };
            assert_eq!(
                rows.len(),
                sent.len() + logs,
                "{}: {}",
                city.label,
                name.word()
            );
        }
        city.ends().await;
    }
}

#[tokio::test]
async fn a_storm_of_denied_calls_is_counted_and_not_written_down_one_by_one() {
    for city in City::all().await {
        let at_once = usize::try_from(ROWS_AT_ONCE).expect("a few");
        for _ in 0..at_once + 100 {
            denied(&city, LIST_TICKETS).await;
        }
        let rows = city.tables(Name::Routing).await.denied().await;
        assert_eq!(rows.len(), at_once, "{}", city.label);

        // The other services are not silenced by it, and the next hour tells how many there were.
        denied(&city, "/hotline.feedback.v1.FeedbackService/ListReplies").await;
        let elsewhere = city.tables(Name::Feedback).await.denied().await;
        assert_eq!(elsewhere.len(), 1, "{}", city.label);
        city.hours_pass(1).await;
        denied(&city, LIST_TICKETS).await;
        let rows = city.tables(Name::Routing).await.denied().await;
        let (_, _, reason) = rows.last().expect("rows");
        assert_eq!(
            reason, "ROLE_NOT_ALLOWED; 100 more were only counted",
            "{}",
            city.label
        );
        city.ends().await;
    }
}
