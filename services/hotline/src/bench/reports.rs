//! The daily list, the month and the quarter over many tickets, beside plain SQL over the ticket rows.

use std::time::Instant;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Datelike, Days, Months, NaiveDate};
use hotline_proto::reporting::{Format, RenderDocumentRequest, Series};
use sea_orm::DatabaseConnection;

use super::Bench;
use super::fill::{self, Extent, Filler};
use super::ground::{Ground, Kind};
use super::report::{Goal, Section, Table, figure};
use super::sample;
use super::server::Server;
use crate::demo::city::{Clients, by, said};
use crate::services::Name;

/// How often each document is rendered.
const ROUNDS: usize = 5;
/// At ten million tickets a document is to be so many times as fast as plain SQL.
const GOAL: f64 = 50.0;
/// From here on the goal holds.
const GOAL_TICKETS: u64 = 10_000_000;
/// Tickets of a day, in the measured cities: a large one has ten million in three years.
pub(super) const TICKETS_A_DAY: u64 = 9_133;

/// What documents read of tickets.
const TABLES: &[&str] = &["appeal_view", "matter_view", "ticket_view", "tenure"];

/// A document, its period, and the same question in plain SQL.
struct Asked {
    label: &'static str,
    series: Series,
    period: String,
    first: NaiveDate,
    last: NaiveDate,
}

impl Asked {
    /// The rollups that its period is made of, as SQL.
    fn rollups(&self) -> String {
        let months = match self.series {
            Series::Quarterly => 3,
            Series::Monthly => 1,
            Series::Daily | Series::Unspecified => return format!("'{}'", self.period),
        };
        let month = |ordinal| {
            (self.first + Months::new(ordinal))
                .format("'%Y-%m'")
                .to_string()
        };
        (0..months).map(month).collect::<Vec<_>>().join(", ")
    }
}

/// Measures documents at each size.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::default();
    section.notes.push(
        "A document is rendered as CSV by RPC: read, checked against independent counts, written. It must reconcile, or the bench fails. \
         Plain SQL counts tickets received, concluded and concluded in time by unit in one pass over the ticket rows of reporting \
         (for the day: lists the tickets received); no index serves it."
            .to_owned(),
    );
    let sizes = &bench.sizes;
    for &kind in bench.grounds.kinds() {
        let counts = match kind {
            Kind::Postgres => vec![sizes.tickets, sizes.tickets_most],
            Kind::Sqlite => vec![sizes.tickets],
        };
        for tickets in counts {
            let ground = bench.grounds.make(kind).await?;
            measure_at(&ground, tickets, &mut section).await?;
            bench.grounds.clear().await;
        }
    }
    Ok(section)
}

async fn measure_at(ground: &Ground, tickets: u64, section: &mut Section) -> anyhow::Result<()> {
    let lived = sample::live(ground).await?;
    let database = ground.connect(Name::Reporting).await?;
    let now = fill::now(&database).await?;
    let days = i64::try_from(tickets / TICKETS_A_DAY)?.max(200);
    let filler = Filler {
        database: &database,
        extent: Extent { tickets, days, now },
    };
    let begun = Instant::now();
    filled(&filler, ground.kind, &lived).await?;
    let fill_s = begun.elapsed().as_secs_f64();

    let server = Server::start(ground, &[Name::Reporting], &[]).await?;
    let mut clients = server.clients()?;
    let label = ground.kind.label();
    let mut table = Table::new(
        &format!(
            "{label}, {tickets} tickets over {days} days (filled in {} s), median of {ROUNDS}, ms:",
            figure(fill_s)
        ),
        &[
            "document",
            "period",
            "document",
            "its rollups alone",
            "plain SQL",
            "plain / document",
        ],
    );
    for asked in periods(now)? {
        let document = median(rendered(&mut clients, &asked).await?);
        let rollups = median(timed(&database, &rollup_sql(&asked), ROUNDS).await?);
        let plain = median(timed(&database, &plain_sql(&asked), ROUNDS.min(3)).await?);
        let ratio = plain / document;
        table.rows.push(vec![
            asked.label.to_owned(),
            asked.period.clone(),
            figure(document),
            figure(rollups),
            figure(plain),
            figure(ratio),
        ]);
        if tickets >= GOAL_TICKETS {
            let what = format!(
                "{label}, {tickets} tickets, {}: as fast as plain SQL",
                asked.label
            );
            section.goals.push(Goal::at_least(&what, GOAL, ratio));
        }
    }
    table.rows.push(vec![
        "peak memory of the server, MiB".to_owned(),
        String::new(),
        figure(super::load::float(server.peak_memory_kib()?) / 1024.0),
        String::new(),
        String::new(),
        String::new(),
    ]);
    section.tables.push(table);
    server.stop().await?;
    Ok(database.close().await?)
}

async fn filled(
    filler: &Filler<'_>,
    kind: Kind,
    lived: &(sample::Lived, sample::Lived),
) -> anyhow::Result<()> {
    let facts = rollups_sql(kind == Kind::Sqlite);
    check_facts(filler, &facts).await?;
    if kind == Kind::Postgres {
        filler.unlog(TABLES).await?;
        filler.unlog(&["rollup"]).await?;
    }
    filler.fill(TABLES, &lived.0, &lived.1).await?;
    filler.run("DELETE FROM rollup").await?;
    let sum = format!("INSERT INTO rollup {facts}");
    if kind == Kind::Postgres {
        // Sums of ten million rows in memory, not by sorting them on the disk.
        filler
            .run(&format!(
                "BEGIN; SET LOCAL work_mem = '256MB'; {sum}; COMMIT"
            ))
            .await?;
    } else {
        filler.run(&sum).await?;
    }
    let settle = if kind == Kind::Sqlite {
        "ANALYZE rollup"
    } else {
        "VACUUM ANALYZE rollup"
    };
    filler.run(settle).await
}

/// What we compute of the tickets that really lived must be what reporting computed of their events.
async fn check_facts(filler: &Filler<'_>, facts: &str) -> anyhow::Result<()> {
    let stored =
        "SELECT dimension, period, measure, code, count FROM rollup WHERE measure <> 'reply'";
    let differing = format!(
        "SELECT count(*) AS n FROM (SELECT * FROM ({stored}) a EXCEPT SELECT * FROM ({facts}) b) c \
         UNION ALL SELECT count(*) FROM (SELECT * FROM ({facts}) b EXCEPT SELECT * FROM ({stored}) a) c"
    );
    for row in filler.ask(&differing).await? {
        let count: i64 = row.try_get("", "n")?;
        if count != 0 {
            bail!(
                "the rollups of two real tickets are not those that the fill computes ({count} differ)"
            );
        }
    }
    Ok(())
}

/// What rollups are summed along.
const DIMENSIONS: [&str; 4] = ["unit", "channel", "kind", "category"];

/// What some rows count for: their day, their measure, their code along each of [`DIMENSIONS`], and which they are.
struct Fact {
    day: String,
    measure: &'static str,
    codes: [&'static str; 4],
    rows: String,
}

/// The rollups of all rows: by day, and summed by month.
fn rollups_sql(is_sqlite: bool) -> String {
    let facts = facts(is_sqlite);
    let mut daily = Vec::new();
    for (ordinal, dimension) in DIMENSIONS.into_iter().enumerate() {
        for fact in &facts {
            daily.push(format!(
                "SELECT '{dimension}' AS dimension, {} AS period, {} AS measure, {} AS code, count(*) AS count \
                 FROM {} GROUP BY 2, 3, 4",
                fact.day, fact.measure, fact.codes[ordinal], fact.rows
            ));
        }
    }
    format!(
        "SELECT * FROM (WITH daily AS ({}) SELECT * FROM daily UNION ALL \
         SELECT dimension, substr(period, 1, 7), measure, code, CAST(sum(count) AS BIGINT) \
         FROM daily GROUP BY 1, 2, 3, 4) AS summed",
        daily.join(" UNION ALL ")
    )
}

/// The facts of all rows, as `domain/fact.rs` of reporting defines them.
fn facts(is_sqlite: bool) -> Vec<Fact> {
    const OF_APPEAL: [&str; 4] = ["''", "channel_code", "kind", "''"];
    const OF_TICKET: [&str; 4] = ["''", "channel_code", "kind", "category_code"];
    const OF_TENURE: [&str; 4] = ["unit_code", "channel_code", "kind", "category_code"];
    const OF_UNIT: [&str; 4] = ["unit_code", "''", "''", "''"];
    let of = |day: &str, measure, codes, rows: &str| Fact {
        day: day.to_owned(),
        measure,
        codes,
        rows: rows.to_owned(),
    };
    let tenure = |instant: &str, measure, codes, wanted: &str| {
        let day = fill::day(is_sqlite, instant);
        of(&day, measure, codes, &format!("tenure WHERE {wanted}"))
    };
    let in_time = "ended = 'concluded' AND until_at <= due_at";
    let signed = "(signed_at <= sign_due_at OR until_at <= sign_due_at)";
    let concluded = "ended = 'concluded'";
    let praised = "ordinal = 1 AND kind = 'praise'";
    let (due, sign_due) = ("(due_at - 1)", "(sign_due_at - 1)");
    let received = "received_day";
    let of_state = ["''"; 4];
    vec![
        of(received, "'appeal'", OF_APPEAL, "appeal_view"),
        of(received, "'appeal_' || state", of_state, "appeal_view"),
        of(received, "'ticket'", OF_TICKET, "ticket_view"),
        tenure("from_at", "began", OF_TENURE, "1 = 1"),
        tenure("from_at", "'praised'", OF_TENURE, praised),
        tenure("until_at", "ended", OF_TENURE, "until_at IS NOT NULL"),
        tenure(due, "'due'", OF_TENURE, "due_at IS NOT NULL"),
        tenure(due, "'due_on_time'", OF_TENURE, in_time),
        tenure(sign_due, "'sign_due'", OF_TENURE, "sign_due_at IS NOT NULL"),
        tenure(sign_due, "'signed_on_time'", OF_TENURE, signed),
        tenure("until_at", "'follow_up'", OF_UNIT, concluded),
        tenure("until_at", "'solved'", OF_UNIT, concluded),
        tenure("until_at", "'satisfied'", OF_UNIT, concluded),
    ]
}

fn periods(now: i64) -> anyhow::Result<[Asked; 3]> {
    let today = DateTime::from_timestamp_micros(now)
        .context("an instant")?
        .date_naive();
    let yesterday = today - Days::new(1);
    let this_month = today.with_day(1).context("a first of the month")?;
    let month = this_month - Months::new(1);
    let quarter = this_month - Months::new(this_month.month0() % 3) - Months::new(3);
    let last = |first: NaiveDate, months| first + Months::new(months) - Days::new(1);
    Ok([
        Asked {
            label: "daily list",
            series: Series::Daily,
            period: yesterday.to_string(),
            first: yesterday,
            last: yesterday,
        },
        Asked {
            label: "month",
            series: Series::Monthly,
            period: month.format("%Y-%m").to_string(),
            first: month,
            last: last(month, 1),
        },
        Asked {
            label: "quarter",
            series: Series::Quarterly,
            period: format!("{}-Q{}", quarter.year(), quarter.month0() / 3 + 1),
            first: quarter,
            last: last(quarter, 3),
        },
    ])
}

fn rollup_sql(asked: &Asked) -> String {
    format!(
        "SELECT measure, code, sum(count) FROM rollup WHERE dimension = 'unit' AND period IN ({}) GROUP BY 1, 2",
        asked.rollups()
    )
}

fn plain_sql(asked: &Asked) -> String {
    let (first, last) = (asked.first, asked.last);
    if asked.series == Series::Daily {
        // `|| ''` keeps the index out of it.
        return format!(
            "SELECT number, summary, kind, channel_code, lead_unit_code, due_at FROM ticket_view \
             WHERE received_day || '' = '{first}' ORDER BY received_at"
        );
    }
    let micros = |day: NaiveDate| {
        let start = day.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc();
        start.timestamp_micros() - 8 * 3_600_000_000
    };
    let concluded = format!(
        "concluded_at >= {} AND concluded_at < {}",
        micros(first),
        micros(last + Days::new(1))
    );
    format!(
        "SELECT lead_unit_code, count(*) FILTER (WHERE received_day BETWEEN '{first}' AND '{last}'), \
         count(*) FILTER (WHERE {concluded}), count(*) FILTER (WHERE {concluded} AND concluded_at <= due_at) \
         FROM ticket_view GROUP BY 1"
    )
}

/// Milliseconds of each rendering.
async fn rendered(clients: &mut Clients, asked: &Asked) -> anyhow::Result<Vec<f64>> {
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let request = RenderDocumentRequest {
            series: asked.series.into(),
            period: asked.period.clone(),
            format: Format::Csv.into(),
            blocks: Vec::new(),
        };
        let begun = Instant::now();
        let mut pieces = said(
            clients
                .reporting
                .render_document(by("reviewer", "bench", request))
                .await,
        )?;
        while let Some(piece) = pieces.message().await? {
            if let Some(head) = piece.head.filter(|head| !head.reconciles) {
                bail!(
                    "{} does not reconcile: {}",
                    asked.period,
                    head.differences.join("; ")
                );
            }
        }
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}

async fn timed(
    database: &DatabaseConnection,
    text: &str,
    rounds: usize,
) -> anyhow::Result<Vec<f64>> {
    let asking = Filler {
        database,
        extent: Extent::default(),
    };
    let mut took = Vec::new();
    for _ in 0..rounds {
        let begun = Instant::now();
        asking.ask(text).await?;
        took.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(took)
}

pub(super) fn median(mut took: Vec<f64>) -> f64 {
    took.sort_by(f64::total_cmp);
    took.get(took.len() / 2).copied().unwrap_or_default()
}
