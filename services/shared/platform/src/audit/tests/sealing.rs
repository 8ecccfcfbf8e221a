//! What is written is sealed in its order, and what is gone before that is missed.

use sea_orm::ConnectionTrait;

use super::{Trail, anchors, cause, compared, entry, lift_fences, number, writes};
use crate::audit::sealer::{self, Batch, Sealer};
use crate::audit::verify::{Part, verify};
use crate::core::Core;
use crate::db::sql;
use crate::work::Work;

#[tokio::test]
async fn what_was_written_is_sealed_in_the_order_of_its_commits_and_found_as_it_was() {
    for trail in Trail::all().await {
        for rows in [1, 2, 30] {
            trail.writes(rows).await;
            trail.seals().await;
        }
        trail.writes(2).await;
        let report = verify(&trail.core, &Part::default()).await.unwrap();
        assert_eq!(report.findings, [], "{}", trail.label());
        let counted = (
            report.rows,
            report.seals,
            report.end,
            report.unsealed,
            report.uncoded,
        );
        assert_eq!(counted, (33, 3, 33, 2, 0), "{}", trail.label());
        let named = "SELECT COUNT(*) FROM audit WHERE session = 's-1' AND \
                     trace_id = '4bf92f3577b34da6a3ce929d0e0e4736'";
        assert_eq!(number(&trail.core, named).await, 35, "{}", trail.label());
    }
}

#[tokio::test]
async fn a_row_is_written_in_the_transaction_of_what_it_tells_of() {
    for trail in Trail::all().await {
        let work = Work::begin(&trail.core).await.unwrap();
        work.audit(&cause(), entry(1));
        work.flush().await.unwrap();
        let counted = sql(&**work.txn(), "SELECT COUNT(*) FROM audit", vec![]);
        let row = work.txn().query_one_raw(counted).await.unwrap().unwrap();
        let inside: i64 = row.try_get_by_index(0).unwrap();
        work.roll_back().await;
        let outside = number(&trail.core, "SELECT COUNT(*) FROM audit").await;
        assert_eq!(
            (inside, outside),
            (1, 0),
            "{}: inside, outside",
            trail.label()
        );
    }
}

#[tokio::test]
async fn a_write_that_was_given_up_leaves_no_hole_that_is_taken_for_a_deletion() {
    for trail in Trail::all().await {
        let given_up = Work::begin(&trail.core).await.unwrap();
        given_up.audit(&cause(), entry(1));
        given_up.flush().await.unwrap();
        given_up.roll_back().await;
        trail.writes(3).await;
        let mut sealer = Sealer::new(&trail.core);
        for _ in 0..2 {
            sealer.pass().await.unwrap();
        }
        let all = number(&trail.core, "SELECT COUNT(*) FROM audit").await;
        assert_eq!((all, trail.found().await), (3, vec![]), "{}", trail.label());
    }
}

#[tokio::test]
async fn what_is_committed_late_is_sealed_late_and_missed_by_nobody() {
    for trail in Trail::all()
        .await
        .into_iter()
        .filter(|trail| trail.label() == "postgres")
    {
        let mut sealer = Sealer::new(&trail.core);
        let late = Work::begin(&trail.core).await.unwrap();
        late.audit(&cause(), entry(1));
        late.flush().await.unwrap();
        trail.writes(4).await;
        assert_eq!(sealer.pass().await.unwrap(), 4);
        late.commit().await.unwrap();
        assert_eq!(sealer.pass().await.unwrap(), 1);
        assert_eq!(sealer.pass().await.unwrap(), 0);
        let first = number(&trail.core, "SELECT seq FROM audit WHERE chain_seq = 5").await;
        let least = number(&trail.core, "SELECT MIN(seq) FROM audit").await;
        assert_eq!((first, trail.found().await), (least, vec![]));
    }
}

#[tokio::test]
async fn a_row_that_is_deleted_before_it_was_sealed_is_missed_by_its_writer() {
    for trail in Trail::all().await {
        let mut sealer = Sealer::new(&trail.core);
        trail.writes(3).await;
        sealer.pass().await.unwrap();
        trail.writes(3).await;
        lift_fences(&trail.core).await;
        trail
            .does("DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)")
            .await;
        for _ in 0..3 {
            sealer.pass().await.unwrap();
        }
        let told = "SELECT COUNT(*) FROM audit WHERE action = 'missing' AND chain_seq IS NOT NULL";
        assert_eq!(number(&trail.core, told).await, 1, "{}", trail.label());
    }
}

#[tokio::test]
async fn many_sealers_and_writers_make_one_chain_and_miss_nothing() {
    for trail in Trail::all().await {
        let twin = trail.twin().await;
        let life = |core: Core| async move {
            let mut sealer = Sealer::new(&core);
            for _ in 0..20 {
                writes(&core, 5).await;
                sealer.pass().await.unwrap();
            }
            sealer
        };
        let (mut one, mut other) = tokio::join!(life(trail.core.clone()), life(twin));
        for _ in 0..2 {
            one.pass().await.unwrap();
            other.pass().await.unwrap();
        }
        let report = verify(&trail.core, &Part::default()).await.unwrap();
        let counted = (report.rows, report.end, report.unsealed, report.findings);
        assert_eq!(counted, (200, 200, 0, vec![]), "{}", trail.label());
    }
}

#[tokio::test]
async fn a_chain_that_is_cut_back_is_noticed_by_whoever_knew_it() {
    for trail in Trail::all().await {
        let mut sealer = Sealer::new(&trail.core);
        for _ in 0..3 {
            trail.writes(4).await;
            sealer.pass().await.unwrap();
        }
        lift_fences(&trail.core).await;
        trail.does("DELETE FROM audit WHERE chain_seq > 8").await;
        trail
            .does("DELETE FROM audit_seal WHERE chain_seq > 8")
            .await;
        assert_eq!(trail.found().await, [], "nothing tells in the database");
        for _ in 0..3 {
            sealer.pass().await.unwrap();
        }
        let told = "SELECT COUNT(*) FROM audit WHERE action = 'cut back'";
        assert_eq!(number(&trail.core, told).await, 1, "{}", trail.label());
    }
}

#[tokio::test]
async fn a_chain_that_is_cut_back_is_told_of_by_a_sealer_that_another_one_was_faster_than() {
    for trail in Trail::all().await {
        let twin = trail.twin().await;
        let mut sealer = Sealer::new(&trail.core);
        for _ in 0..3 {
            trail.writes(4).await;
            sealer.pass().await.unwrap();
        }
        lift_fences(&trail.core).await;
        trail.does("DELETE FROM audit WHERE chain_seq > 8").await;
        trail
            .does("DELETE FROM audit_seal WHERE chain_seq > 8")
            .await;
        // Work that it sees, and that is done when its turn comes.
        trail.writes(1).await;
        sealer::seal_all(&twin).await.unwrap();
        let batch = sealer.batch().await.unwrap();
        assert!(matches!(batch, Batch::Sealed(0)), "{}", trail.label());
        let told = "SELECT COUNT(*) FROM audit WHERE action = 'cut back'";
        assert_eq!(number(&trail.core, told).await, 1, "{}", trail.label());
        for _ in 0..2 {
            sealer.pass().await.unwrap();
        }
        assert_eq!(number(&trail.core, told).await, 1, "{}", trail.label());
    }
}

#[tokio::test]
async fn what_a_command_wrote_is_sealed_and_anchored_when_it_ends() {
    for trail in Trail::all().await {
        let folder = tempfile::tempdir().unwrap();
        let anchors = anchors(folder.path());
        trail.writes(3).await;
        let sealed = sealer::seal_rest(&trail.core, &anchors).await.unwrap();
        assert_eq!(sealed, 3, "{}", trail.label());
        let report = compared(&trail.core, folder.path()).await;
        let counted = (report.end, report.unsealed, report.anchors, report.found);
        assert_eq!(counted, (3, 0, 1, 0), "{}", trail.label());

        // What another one wrote is his to seal, or the next sealer's.
        writes(&trail.twin().await, 2).await;
        let sealed = sealer::seal_rest(&trail.core, &anchors).await.unwrap();
        assert_eq!(sealed, 0, "{}", trail.label());
    }
}

#[tokio::test]
async fn a_sealer_that_runs_seals_within_a_second_and_anchors_what_it_sealed() {
    for trail in Trail::all().await {
        let folder = tempfile::tempdir().unwrap();
        sealer::start(&trail.core, anchors(folder.path()));
        trail.writes(5).await;
        let begun = tokio::time::Instant::now();
        while number(
            &trail.core,
            "SELECT COUNT(*) FROM audit WHERE chain_seq IS NULL",
        )
        .await
            > 0
        {
            assert!(
                begun.elapsed().as_secs() < 20,
                "{}: never sealed",
                trail.label()
            );
            tokio::task::yield_now().await;
        }
        trail.writes(1).await;
        trail.core.tasks().drain().await;
        let report = compared(&trail.core, folder.path()).await;
        let counted = (report.end, report.unsealed, report.found);
        assert_eq!(counted, (6, 0, 0), "{}", trail.label());
        assert!(report.anchors >= 1, "{}", trail.label());
    }
}
