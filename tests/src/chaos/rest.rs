//! When the city has come to rest: what the databases say is still under way.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::fleet::{Fleet, SERVICES};
use crate::city::HEARS;
use crate::cluster::Cluster;

/// How long a city may take to come to rest.
const REST_MAX: Duration = Duration::from_mins(3);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Waits until everything is numbered and heard and every due timer has fired.
pub async fn comes(fleet: &Fleet) {
    let begun = Instant::now();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let mut quiet = 0;
    // Twice in a row: what was heard while another was looked at may make its hearer speak.
    while quiet < 2 {
        looks.tick().await;
        fleet.tend();
        let left = backlog(&fleet.cluster);
        quiet = if left.is_empty() { quiet + 1 } else { 0 };
        assert!(begun.elapsed() < REST_MAX, "still not at rest: {left:?}");
    }
}

/// What is not numbered, heard or fired yet.
fn backlog(cluster: &Cluster) -> Vec<String> {
    let mut left = Vec::new();
    let mut heads = HashMap::new();
    for service in SERVICES {
        let text = "SELECT (SELECT COUNT(*) FROM outbox WHERE pub_seq IS NULL), \
                    (SELECT COUNT(*) FROM timer WHERE state = 'armed' \
                     AND next_at <= EXTRACT(EPOCH FROM now()) * 1000000), \
                    (SELECT SUM(next_seq - 1) FROM outbox_head)";
        let counts = cluster.execute(service, text);
        let counts: Vec<&str> = counts.trim().split('|').collect();
        if counts[..2] != ["0", "0"] {
            left.push(format!(
                "{service}: {} not numbered, {} not fired",
                counts[0], counts[1]
            ));
        }
        heads.insert(service, counts[2].to_owned());
    }
    for (hearer, producer) in HEARS {
        let (hearer, producer) = (hearer.word(), producer.word());
        let text = format!("SELECT SUM(pos) FROM consumer_offset WHERE producer = '{producer}'");
        let heard = cluster.execute(hearer, &text);
        if heard.trim() != heads[producer] {
            left.push(format!(
                "{hearer} heard {} of {}",
                heard.trim(),
                heads[producer]
            ));
        }
    }
    left
}
