//! Do the promises hold in a service's tables? Read-only; run it on a city that runs or stands.

use std::collections::BTreeMap;

use hotline_kernel::time::micros;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult};

use crate::audit::verify::{self, Kind, Part};
use crate::core::{Core, CoreError};
use crate::db::sql;

/// Rows that a finding names at most.
const SHOWN_MAX: u32 = 5;
/// So many rows at the end of the audit trail are looked at.
const AUDIT_ROWS: i64 = 100_000;

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whose tables.
    pub service: String,
    /// What was promised.
    pub promise: &'static str,
    /// The rows that break it. Ids and numbers only.
    pub rows: String,
}

/// The end of each partition of a log, or a consumer's place in it: partition to (epoch, number).
pub type Places = BTreeMap<i32, (i32, i64)>;

/// A promise and the rows that break it, as a query with two text columns or fewer.
struct Promise {
    text: &'static str,
    breaks: &'static str,
}

const PROMISES: &[Promise] = &[
    Promise {
        text: "numbers of a log's partition are dense from 1",
        breaks: "SELECT 'partition ' || CAST(partition AS TEXT) AS broken FROM outbox \
                 WHERE pub_seq IS NOT NULL GROUP BY partition \
                 HAVING MIN(pub_seq) <> 1 OR MAX(pub_seq) <> COUNT(*)",
    },
    Promise {
        text: "the head of a partition is right behind its last number",
        breaks: "SELECT 'partition ' || CAST(outbox_head.partition AS TEXT) AS broken FROM outbox_head \
                 WHERE next_seq <> 1 + COALESCE((SELECT MAX(pub_seq) FROM outbox \
                 WHERE outbox.partition = outbox_head.partition), 0)",
    },
    Promise {
        text: "versions of an aggregate are 1, 2, 3 without a gap",
        breaks: "SELECT MIN(type) || ' of ' || CAST(COUNT(*) AS TEXT) || ' versions, highest ' \
                 || CAST(MAX(version) AS TEXT) AS broken FROM outbox GROUP BY aggregate_id \
                 HAVING MIN(version) <> 1 OR MAX(version) <> COUNT(*)",
    },
    Promise {
        text: "a later version of an aggregate has a later number",
        breaks: "SELECT 'partition ' || CAST(earlier.partition AS TEXT) || ' number ' || CAST(earlier.pub_seq AS TEXT) \
                 AS broken FROM outbox AS earlier JOIN outbox AS later ON later.aggregate_id = earlier.aggregate_id \
                 AND later.version = earlier.version + 1 AND later.partition = earlier.partition \
                 WHERE later.pub_seq < earlier.pub_seq",
    },
    Promise {
        text: "no event is parked",
        breaks: "SELECT consumer || ' hears ' || type || ' of ' || producer || ', partition ' \
                 || CAST(partition AS TEXT) || ' number ' || CAST(pub_seq AS TEXT) AS broken \
                 FROM parked WHERE state = 'parked'",
    },
    Promise {
        text: "no timer fires before it is due",
        breaks: "SELECT kind || ' ' || CAST(seq AS TEXT) AS broken FROM timer \
                 WHERE state = 'fired' AND ended_at < due_at",
    },
    Promise {
        text: "no timer has failed for good",
        breaks: "SELECT kind || ' ' || CAST(seq AS TEXT) AS broken FROM timer WHERE state = 'failed'",
    },
];

/// Everything that does not hold in one service's tables.
pub async fn findings(core: &Core) -> Result<Vec<Finding>, CoreError> {
    let mut found = Vec::new();
    for promise in PROMISES {
        let rows = texts(core, promise.breaks).await?;
        if !rows.is_empty() {
            let service = core.name().to_owned();
            found.push(Finding {
                service,
                promise: promise.text,
                rows: rows.join("; "),
            });
        }
    }
    found.extend(audit_findings(core).await?);
    if core.db().read().get_database_backend() == DbBackend::Sqlite {
        let answers = texts(core, "SELECT quick_check AS broken FROM pragma_quick_check").await?;
        if answers != ["ok"] {
            let (service, rows) = (core.name().to_owned(), answers.join("; "));
            found.push(Finding {
                service,
                promise: "the database file is sound",
                rows,
            });
        }
    }
    Ok(found)
}

/// The end of the audit trail; `hotline audit verify` walks all of it. A row that waits for its seal is no broken
/// promise here: the service may stand still.
async fn audit_findings(core: &Core) -> Result<Option<Finding>, CoreError> {
    let part = Part {
        rows_max: Some(AUDIT_ROWS),
        ..Part::default()
    };
    let report = verify::verify(core, &part).await?;
    let wrong = |finding: &&verify::Finding| finding.kind != Kind::UnsealedTooLong;
    let rows: Vec<String> = report
        .findings
        .iter()
        .filter(wrong)
        .take(SHOWN_MAX as usize)
        .map(ToString::to_string)
        .collect();
    Ok((!rows.is_empty()).then(|| Finding {
        service: core.name().to_owned(),
        promise: "the audit trail is as it was written",
        rows: rows.join("; "),
    }))
}

/// What is under way and no promise broken, for a person: name to count.
pub async fn backlog(core: &Core) -> Result<Vec<(&'static str, i64)>, CoreError> {
    let now = micros(core.now());
    let counts = [
        (
            "events not numbered yet",
            "SELECT COUNT(*) FROM outbox WHERE pub_seq IS NULL AND occurred_at <= $1",
        ),
        (
            "audit rows not sealed yet",
            "SELECT COUNT(*) FROM audit WHERE chain_seq IS NULL AND at <= $1",
        ),
        (
            "timers due and not fired yet",
            "SELECT COUNT(*) FROM timer WHERE state = 'armed' AND next_at <= $1",
        ),
    ];
    let mut backlog = Vec::new();
    for (name, text) in counts {
        let statement = sql(core.db().read(), text, vec![now.into()]);
        let row = core.db().read().query_one_raw(statement).await?;
        let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
        if count > 0 {
            backlog.push((name, count));
        }
    }
    Ok(backlog)
}

/// How far a service's log is numbered.
pub async fn heads(core: &Core) -> Result<Places, CoreError> {
    let text = "SELECT partition, epoch, next_seq - 1 AS pos FROM outbox_head";
    let rows = core
        .db()
        .read()
        .query_all_raw(sql(core.db().read(), text, vec![]))
        .await?;
    rows.iter().map(place).collect()
}

/// How far a service has come in a producer's log.
pub async fn positions(core: &Core, producer: &str) -> Result<Places, CoreError> {
    let text = "SELECT partition, epoch, pos FROM consumer_offset WHERE producer = $1";
    let rows = core
        .db()
        .read()
        .query_all_raw(sql(core.db().read(), text, vec![producer.into()]))
        .await?;
    rows.iter().map(place).collect()
}

/// A consumer ahead of its producer has read what does not exist (a database was restored).
#[must_use]
pub fn ahead(consumer: &str, producer: &str, reached: &Places, heads: &Places) -> Option<Finding> {
    let is_ahead = |(partition, place): &(&i32, &(i32, i64))| {
        heads.get(*partition).is_none_or(|head| *place > head)
    };
    let partitions: Vec<String> = reached
        .iter()
        .filter(is_ahead)
        .map(|(partition, _)| partition.to_string())
        .collect();
    if partitions.is_empty() {
        return None;
    }
    let rows = format!("{producer}, partitions {}", partitions.join(", "));
    Some(Finding {
        service: consumer.to_owned(),
        promise: "no consumer is ahead of its producer's log",
        rows,
    })
}

/// How many events a consumer has still to read.
#[must_use]
pub fn lag(reached: &Places, heads: &Places) -> i64 {
    let behind = |(partition, (_, last)): (&i32, &(i32, i64))| {
        last - reached.get(partition).map_or(0, |(_, pos)| *pos).min(*last)
    };
    heads.iter().map(behind).sum()
}

fn place(row: &QueryResult) -> Result<(i32, (i32, i64)), CoreError> {
    Ok((
        row.try_get("", "partition")?,
        (row.try_get("", "epoch")?, row.try_get("", "pos")?),
    ))
}

async fn texts(core: &Core, query: &str) -> Result<Vec<String>, CoreError> {
    let text = format!("{query} LIMIT {SHOWN_MAX}");
    let rows = core
        .db()
        .read()
        .query_all_raw(sql(core.db().read(), text, vec![]))
        .await?;
    rows.iter()
        .map(|row| Ok(row.try_get("", "broken")?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Places, ahead, lag};

    #[test]
    fn a_consumer_is_ahead_only_beyond_the_end_or_in_a_later_epoch() {
        let heads: Places = [(0, (1, 10)), (1, (1, 0))].into();
        let cases: [(&str, Places, bool, i64); 6] = [
            ("nothing read", [].into(), false, 10),
            ("behind", [(0, (1, 4))].into(), false, 6),
            ("at the end", [(0, (1, 10)), (1, (1, 0))].into(), false, 0),
            ("beyond the end", [(0, (1, 11))].into(), true, 0),
            ("a later epoch", [(0, (2, 1))].into(), true, 9),
            (
                "a partition that is not there",
                [(7, (1, 0))].into(),
                true,
                10,
            ),
        ];
        for (label, reached, is_ahead, behind) in cases {
            let found = ahead("routing", "intake", &reached, &heads);
            assert_eq!(found.is_some(), is_ahead, "{label}");
            assert_eq!(lag(&reached, &heads), behind, "{label}");
        }
    }
}
