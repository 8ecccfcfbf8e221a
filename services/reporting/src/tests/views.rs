//! The read models hold the same whatever way led to them.

use super::benches;
use super::eight_appeals::story;
use super::story::shuffled;

#[tokio::test]
async fn any_order_of_the_producers_logs_gives_the_same_read_models() {
    let events = story().events;
    let mut expected: Option<String> = None;
    for bench in benches().await {
        for seed in 0..6 {
            bench.reset().await;
            bench.hear(&shuffled(&events, seed)).await;
            let found = bench.dump().await;
            let expected = expected.get_or_insert_with(|| found.clone());
            assert_eq!(&found, expected, "{} in order {seed}", bench.label);
        }
        bench.reset().await;
        bench.hear(&events).await;
        assert_eq!(
            Some(&bench.dump().await),
            expected.as_ref(),
            "{} in order",
            bench.label
        );
    }
}

#[tokio::test]
async fn an_event_heard_again_changes_nothing() {
    let events = story().events;
    for bench in benches().await {
        bench.hear(&events).await;
        let once = bench.dump().await;
        assert!(once.contains("rollup"), "{once}");
        bench.hear(&shuffled(&events, 7)).await;
        assert_eq!(bench.dump().await, once, "{}", bench.label);
    }
}

#[tokio::test]
async fn a_reset_empties_and_a_replay_rebuilds_byte_for_byte() {
    let events = story().events;
    for bench in benches().await {
        let empty = bench.dump().await;
        bench.hear(&events).await;
        let built = bench.dump().await;
        assert_ne!(built, empty);
        bench.reset().await;
        assert_eq!(bench.dump().await, empty, "{}", bench.label);
        bench.hear(&events).await;
        assert_eq!(bench.dump().await, built, "{}", bench.label);
    }
}
