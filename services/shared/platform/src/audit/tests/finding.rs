//! What the fences refuse, and what a walk along the chain finds.

use std::time::Duration;

use chrono::TimeDelta;

use super::{Trail, does, kinds, lift_fences};
use crate::audit::verify::{Kind, Part, verify};
use crate::core::Core;
use crate::testing;

#[tokio::test]
async fn a_part_of_a_trail_is_walked_by_its_time_and_by_its_rows() {
    for trail in Trail::all().await {
        let begun = trail.core.now();
        for _ in 0..5 {
            trail.seals().await;
            trail.writes(10).await;
        }
        trail.seals().await;
        let seconds = |tenths: i64| Some(begun + TimeDelta::milliseconds(100 * tenths));
        let cases = [
            (
                Part {
                    from: seconds(8),
                    ..Part::default()
                },
                40,
            ),
            (
                Part {
                    to: seconds(8),
                    ..Part::default()
                },
                20,
            ),
            (
                Part {
                    from: seconds(8),
                    to: seconds(15),
                    ..Part::default()
                },
                20,
            ),
            (
                Part {
                    from: seconds(900),
                    ..Part::default()
                },
                0,
            ),
            (
                Part {
                    rows_max: Some(15),
                    ..Part::default()
                },
                20,
            ),
            (
                Part {
                    rows_max: Some(1000),
                    ..Part::default()
                },
                50,
            ),
        ];
        for (part, rows) in cases {
            let report = verify(&trail.core, &part).await.unwrap();
            assert_eq!(
                (report.rows, report.found),
                (rows, 0),
                "{}: {part:?}",
                trail.label()
            );
        }
    }
}

#[tokio::test]
async fn the_fences_refuse_to_change_or_delete_what_was_written() {
    for trail in Trail::all().await {
        trail.writes(3).await;
        trail.seals().await;
        trail.writes(1).await;
        let refused = [
            "UPDATE audit SET reason = 'another'",
            "UPDATE audit SET chain_seq = 9 WHERE chain_seq = 1",
            "UPDATE audit SET chain_seq = NULL WHERE chain_seq = 1",
            "UPDATE audit SET actor = 'another' WHERE chain_seq IS NULL",
            "DELETE FROM audit WHERE chain_seq = 1",
            "DELETE FROM audit WHERE chain_seq IS NULL",
            "UPDATE audit_seal SET at = 1",
            "DELETE FROM audit_seal",
            "UPDATE audit_head SET id = 2",
            "DELETE FROM audit_head",
        ];
        for text in refused {
            let error = does(&trail.core, text).await.unwrap_err().to_string();
            assert!(
                error.contains("never changed or deleted"),
                "{}: {text}: {error}",
                trail.label()
            );
        }
        if trail.label() == "postgres" {
            assert!(does(&trail.core, "TRUNCATE audit").await.is_err());
        }
        assert_eq!(trail.found().await, [], "{}", trail.label());
    }
}

#[tokio::test]
async fn rows_from_before_the_codes_are_sealed_as_they_stood_and_later_ones_without_code_are_found()
{
    let uncoded = "INSERT INTO audit (at, actor, unit_code, from_addr, method, resource, resource_id, version, action, reason) \
                   VALUES (1, 'operator:li', '', '', '/old', 'account', '1', 1, 'raised', '')";
    for trail in Trail::all().await {
        for _ in 0..3 {
            trail.does(uncoded).await;
        }
        let report = verify(&trail.core, &Part::default()).await.unwrap();
        assert_eq!((report.found, report.uncoded), (0, 3), "{}", trail.label());
        trail.seals().await;
        trail.writes(3).await;
        trail.seals().await;
        let report = verify(&trail.core, &Part::default()).await.unwrap();
        assert_eq!((report.found, report.uncoded), (0, 3), "{}", trail.label());

        trail.does(uncoded).await;
        assert_eq!(
            trail.found().await[0],
            Kind::Inserted,
            "{}: before it is sealed",
            trail.label()
        );
        trail.seals().await;
        assert_eq!(
            trail.found().await,
            [Kind::Inserted],
            "{}: and after",
            trail.label()
        );
        let part = Part {
            rows_max: Some(1),
            ..Part::default()
        };
        let report = verify(&trail.core, &part).await.unwrap();
        assert_eq!(
            kinds(&report),
            [Kind::Inserted],
            "{}: and alone",
            trail.label()
        );

        lift_fences(&trail.core).await;
        trail
            .does("UPDATE audit SET actor = 'operator:wu' WHERE chain_seq = 2")
            .await;
        assert_eq!(
            trail.found().await,
            [Kind::Changed, Kind::Inserted],
            "{}",
            trail.label()
        );
    }
}

#[tokio::test]
async fn rows_that_wait_for_a_sealer_are_no_finding_however_long_it_takes() {
    for trail in Trail::all().await {
        trail.writes(2).await;
        trail.seals().await;
        trail.writes(1).await;
        trail.clock.advance(Duration::from_hours(1));
        trail.writes(1).await;
        assert_eq!(trail.found().await, [], "{}", trail.label());
        trail.seals().await;
        assert_eq!(trail.found().await, [], "{}", trail.label());
    }
}

#[tokio::test]
async fn a_row_that_the_sealer_passed_over_is_found() {
    for trail in Trail::all().await {
        trail.writes(1).await;
        trail.clock.advance(Duration::from_hours(1));
        trail.writes(1).await;
        trail.seals().await;
        assert_eq!(trail.found().await, [], "{}", trail.label());
        lift_fences(&trail.core).await;
        let passed_over = "UPDATE audit SET chain_seq = NULL WHERE chain_seq = 1";
        trail.does(passed_over).await;
        let found = trail.found().await;
        assert!(
            found.contains(&Kind::UnsealedTooLong),
            "{}: {found:?}",
            trail.label()
        );
    }
}

#[tokio::test]
async fn the_trail_of_another_installation_or_service_is_foreign() {
    for trail in Trail::all().await {
        trail.writes(2).await;
        trail.seals().await;
        let foreign = |name, key| {
            Core::new(crate::core::CoreParts {
                name,
                db: trail.core.db().clone(),
                clock: std::sync::Arc::new(trail.clock.clone()),
                ids: crate::ids::Ids::from_os(),
                tasks: crate::tasks::Tasks::new(),
                audit_key: key,
            })
        };
        let others = [
            foreign("ledger", crate::audit::AuditKey::new(&[1; 32])),
            foreign("mirror", testing::audit_key()),
        ];
        for other in others {
            let report = verify(&other, &Part::default()).await.unwrap();
            let expected = [Kind::Changed, Kind::Changed, Kind::ForeignSeal];
            assert_eq!(kinds(&report), expected, "{}", trail.label());
        }
    }
}
