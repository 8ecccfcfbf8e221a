//! The databases behind the city: how far everybody is, and what no public door would let in.

use hotline::services::Name;
use hotline_platform::migration::PARTITIONS;
use hotline_platform::outbox::partition;
use hotline_proto::event::Envelope;
use hotline_tests::city::HEARS;
use hotline_tests::process::Installation;
use prost::Message;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement, Value};
use uuid::Uuid;

/// A connection to every service's database.
pub struct Tables(Vec<(Name, DatabaseConnection)>);

impl Tables {
    pub async fn open(installation: &Installation) -> Self {
        let config = installation.config();
        let mut opened = Vec::new();
        for &name in Name::ALL {
            let connection = Database::connect(config.database_url(name)).await;
            opened.push((name, connection.expect("the database opens")));
        }
        Self(opened)
    }

    /// What is under way in all services together: events to number and to hear, timers that
    /// are due at once.
    pub async fn backlog(&self) -> i64 {
        let mut backlog = 0;
        for (name, _) in &self.0 {
            backlog += self
                .count(
                    *name,
                    "SELECT COUNT(*) FROM outbox WHERE pub_seq IS NULL",
                    vec![],
                )
                .await;
            let due = "SELECT COUNT(*) FROM timer WHERE state = 'armed' AND kind IN ('write_outbound', 'unknown')";
            backlog += self.count(*name, due, vec![]).await;
        }
        for (consumer, producer) in HEARS {
            let written = "SELECT CAST(SUM(next_seq - 1) AS BIGINT) FROM outbox_head";
            let heard = "SELECT CAST(COALESCE(SUM(pos), 0) AS BIGINT) FROM consumer_offset WHERE producer = $1";
            backlog += self.count(producer, written, vec![]).await;
            backlog -= self
                .count(consumer, heard, vec![producer.word().into()])
                .await;
        }
        backlog
    }

    /// What a dead process held runs out, as it would by itself after a while.
    pub async fn leases_run_out(&self) {
        for (name, _) in &self.0 {
            let text = "UPDATE consumer_offset SET lease_until = 0";
            self.run(*name, text, vec![]).await;
        }
    }

    /// Whether somebody reads every partition of every log.
    pub async fn is_all_leased(&self) -> bool {
        let mut leased = 0;
        for (name, _) in &self.0 {
            let text = "SELECT COUNT(*) FROM consumer_offset WHERE lease_until > 0";
            leased += self.count(*name, text, vec![]).await;
        }
        leased == i64::from(PARTITIONS) * i64::try_from(HEARS.len()).expect("a few")
    }

    /// Events that are parked, in all services together.
    pub async fn parked(&self) -> i64 {
        let mut parked = 0;
        for (name, _) in &self.0 {
            parked += self
                .count(
                    *name,
                    "SELECT COUNT(*) FROM parked WHERE state = 'parked'",
                    vec![],
                )
                .await;
        }
        parked
    }

    /// The event that a command would find first.
    pub async fn first_parked(&self) -> String {
        for (_, connection) in &self.0 {
            let text = "SELECT event_id FROM parked WHERE state = 'parked' ORDER BY seq LIMIT 1";
            let row = connection
                .query_one_raw(statement(connection, text, vec![]))
                .await;
            if let Some(row) = row.expect("parked events") {
                return row
                    .try_get::<Uuid>("", "event_id")
                    .expect("an id")
                    .to_string();
            }
        }
        panic!("nothing is parked");
    }

    /// Timers of feedback that have failed for good.
    pub async fn failed_timers(&self) -> i64 {
        self.count(
            Name::Feedback,
            "SELECT COUNT(*) FROM timer WHERE state = 'failed'",
            vec![],
        )
        .await
    }

    /// Writes `count` events of one stream into intake's log that nobody can read.
    pub async fn poison(&self, count: i64) {
        let (stream, aggregate) = (fresh(), fresh());
        for version in 1..=count {
            let text = "INSERT INTO outbox (event_id, partition, stream_id, aggregate_id, version, type, \
                        schema_version, occurred_at, actor, trace_parent, body) \
                        VALUES ($1, $2, $3, $4, $5, 'hotline.event.v1.Unheard', 1, 1, 'test', '', $6)";
            let values = vec![
                fresh().into(),
                i32::from(partition(stream)).into(),
                stream.into(),
                aggregate.into(),
                version.into(),
                vec![0xff_u8].into(),
            ];
            self.run(Name::Intake, text, values).await;
        }
    }

    /// Makes what is parked readable, as a mended program would find it.
    pub async fn mend_parked(&self) {
        for (name, connection) in &self.0 {
            let text = "SELECT seq, envelope FROM parked WHERE state = 'parked'";
            let rows = connection
                .query_all_raw(statement(connection, text, vec![]))
                .await;
            for row in rows.expect("parked events") {
                let seq: i64 = row.try_get("", "seq").expect("a number");
                let bytes: Vec<u8> = row.try_get("", "envelope").expect("an envelope");
                let envelope = Envelope::decode(bytes.as_slice()).expect("an envelope");
                let mended = Envelope {
                    body: Vec::new(),
                    ..envelope
                };
                let text = "UPDATE parked SET envelope = $1 WHERE seq = $2";
                self.run(*name, text, vec![mended.encode_to_vec().into(), seq.into()])
                    .await;
            }
        }
    }

    /// Arms a timer in feedback of which nobody knows what it means.
    pub async fn arm_unknown(&self) {
        let text = "INSERT INTO timer (aggregate_id, kind, due_at, armed_version, state, attempts, next_at) \
                    VALUES ($1, 'unknown', 1, 1, 'armed', 0, 1)";
        self.run(Name::Feedback, text, vec![fresh().into()]).await;
    }

    /// Gives that timer a meaning: a reply that is gone, so there is nothing to do.
    pub async fn mend_timers(&self) {
        self.run(
            Name::Feedback,
            "UPDATE timer SET kind = 'write_outbound' WHERE kind = 'unknown'",
            vec![],
        )
        .await;
    }

    async fn count(&self, name: Name, text: &str, values: Vec<Value>) -> i64 {
        let connection = self.of(name);
        let row = connection
            .query_one_raw(statement(connection, text, values))
            .await;
        row.expect("a count")
            .expect("a row")
            .try_get_by_index(0)
            .expect("a number")
    }

    async fn run(&self, name: Name, text: &str, values: Vec<Value>) {
        let connection = self.of(name);
        connection
            .execute_raw(statement(connection, text, values))
            .await
            .expect("written");
    }

    fn of(&self, name: Name) -> &DatabaseConnection {
        &self
            .0
            .iter()
            .find(|(found, _)| *found == name)
            .expect("every service")
            .1
    }
}

fn statement(connection: &DatabaseConnection, text: &str, values: Vec<Value>) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}

fn fresh() -> Uuid {
    Uuid::from_u128(rand::random())
}
