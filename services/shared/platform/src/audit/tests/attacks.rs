//! A thousand attacks on a sealed trail, by somebody who may do everything in the database and does not have the
//! key: every one is found. And nothing is found while nobody does anything.

use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm::ConnectionTrait;

use super::tampering::{Attack, tamper};
use super::{Trail, anchors, compared, does, lift_fences, number};
use crate::audit::sealer;
use crate::core::Core;
use crate::testing;

const ATTACKS: u32 = 1_000;
/// What is kept of the trail to begin anew after each attack.
const TABLES: [&str; 3] = ["audit", "audit_seal", "audit_head"];

/// Keeps a copy of every table under `prefix`.
async fn keep(core: &Core, prefix: &str) {
    for table in TABLES {
        let text = format!("CREATE TABLE {prefix}_{table} AS SELECT * FROM {table}");
        does(core, &text).await.unwrap();
    }
}

/// Puts the copies back: what an administrator does who replays an old backup.
pub(super) async fn put_back(core: &Core, prefix: &str) {
    let txn = core.db().begin_write().await.unwrap();
    for table in TABLES {
        for text in [
            format!("DELETE FROM {table}"),
            format!("INSERT INTO {table} SELECT * FROM {prefix}_{table}"),
        ] {
            txn.execute_unprepared(&text).await.unwrap();
        }
    }
    txn.commit().await.unwrap();
}

/// A trail of some seals, with anchors; an old copy of it is kept as `old`, the whole as `kept`.
async fn sealed(trail: &Trail, folder: &Path) {
    let anchors = anchors(folder);
    for (round, rows) in [3, 40, 1, 25, 60, 2].into_iter().enumerate() {
        trail.writes(rows).await;
        trail.seals().await;
        sealer::anchor(&trail.core, &anchors).await.unwrap();
        if round == 3 {
            keep(&trail.core, "old").await;
        }
    }
    keep(&trail.core, "kept").await;
    lift_fences(&trail.core).await;
}

#[tokio::test]
async fn a_thousand_of_a_thousand_attacks_are_found_and_an_untouched_trail_is_found_whole() {
    let seed = testing::seed();
    for trail in Trail::all().await {
        let folder = tempfile::tempdir().unwrap();
        sealed(&trail, folder.path()).await;
        let rows = number(&trail.core, "SELECT COUNT(*) FROM audit").await;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut untouched = 0;
        let attacks = ATTACKS * testing::times();
        for round in 0..attacks {
            let attack = Attack::any(&mut rng);
            let told = tamper(&trail, attack, rows, &mut rng).await;
            let report = compared(&trail.core, folder.path()).await;
            assert!(
                report.found > 0,
                "{}: seed {seed}, attack {round} was not found: {attack:?}: {told}",
                trail.label()
            );
            put_back(&trail.core, "kept").await;
            if rng.random_ratio(1, 20) {
                let report = compared(&trail.core, folder.path()).await;
                assert_eq!(
                    report.findings,
                    [],
                    "{}: seed {seed}, after attack {round}",
                    trail.label()
                );
                untouched += 1;
            }
        }
        eprintln!(
            "{}: {attacks} of {attacks} attacks found, 0 findings in {untouched} looks at the untouched trail",
            trail.label()
        );
    }
}
