//! `hotline export` of every ticket into a CSV file, beside a plain read of the same columns.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::bail;
use sea_orm::DatabaseConnection;
use tokio::process::Command;

use super::Bench;
use super::fill::{self, Extent, Filler};
use super::ground::{Ground, Kind};
use super::load::float;
use super::report::{Goal, Section, Table, figure};
use super::reports::{TICKETS_A_DAY, median};
use super::server::Server;
use super::{pgbench, sample};
use crate::services::Name;

/// How often the file is written, each time behind the plain read.
const ROUNDS: usize = 3;
/// The export may take so many times as long as COPY.
const GOAL: f64 = 3.0;
/// Ten times the tickets may take so many times the memory: what is flat differs by chance only.
const FLAT: f64 = 1.5;
/// From here on the goals hold.
const GOAL_TICKETS: u64 = 1_000_000;
/// What an export reads.
const TABLES: &[&str] = &["matter_view", "ticket_view"];

/// Measures the export on every database there is.
pub(super) async fn measure(bench: &Bench) -> anyhow::Result<Section> {
    let mut section = Section::default();
    section.notes.push(
        "`hotline export` as a process of its own takes every ticket from reporting as a process of its own and writes a file; \
         beside it psql writes a file by `COPY (SELECT …) TO STDOUT` of the same columns with the same names and citizens, quoted, in the \
         same order. Both files are forced to the disk. On SQLite the same SELECT is read within the bench and written nowhere."
            .to_owned(),
    );
    let mut table = Table::new(
        &format!("Median of {ROUNDS}; peak memory is resident, of reporting:"),
        &[
            "database",
            "tickets",
            "export s",
            "plain s",
            "export / plain",
            "tickets/s",
            "file MiB",
            "memory MiB",
        ],
    );
    let most = bench.sizes.tickets;
    for &kind in bench.grounds.kinds() {
        let counts = match kind {
            Kind::Postgres => vec![most / 10, most],
            Kind::Sqlite => vec![most / 10],
        };
        let mut memory = Vec::new();
        for tickets in counts {
            let ground = bench.grounds.make(kind).await?;
            let found = one(&ground, tickets).await?;
            bench.grounds.clear().await;
            table.rows.push(found.row(kind, tickets));
            memory.push(found.memory_mib);
            if kind == Kind::Postgres && tickets >= GOAL_TICKETS {
                let what = format!("{tickets} tickets: time of COPY");
                let goal = Goal::at_most(&what, GOAL, found.export_s / found.plain_s, "times");
                section.goals.push(goal);
            }
        }
        if let (&[few, many], true) = (&memory[..], most >= GOAL_TICKETS) {
            let what = format!("{most} tickets: memory of a tenth of them");
            let goal = Goal::at_most(&what, FLAT, many / few, "times");
            section.goals.push(goal);
        }
    }
    section.tables.push(table);
    Ok(section)
}

/// What was found at one size.
struct Found {
    export_s: f64,
    plain_s: f64,
    file_bytes: u64,
    memory_mib: f64,
}

impl Found {
    fn row(&self, kind: Kind, tickets: u64) -> Vec<String> {
        vec![
            kind.label().to_owned(),
            tickets.to_string(),
            figure(self.export_s),
            figure(self.plain_s),
            figure(self.export_s / self.plain_s),
            figure(float(tickets) / self.export_s),
            figure(float(self.file_bytes) / 1_048_576.0),
            figure(self.memory_mib),
        ]
    }
}

async fn one(ground: &Ground, tickets: u64) -> anyhow::Result<Found> {
    let lived = sample::live(ground).await?;
    let database = ground.connect(Name::Reporting).await?;
    let now = fill::now(&database).await?;
    let days = i64::try_from(tickets / TICKETS_A_DAY)?.max(200);
    let filler = Filler {
        database: &database,
        extent: Extent { tickets, days, now },
    };
    if ground.kind == Kind::Postgres {
        filler.unlog(TABLES).await?;
    }
    filler.fill(TABLES, &lived.0, &lived.1).await?;

    let server = Server::start(ground, &[Name::Reporting], &[]).await?;
    let file = ground.folder().join("tickets.csv");
    let (mut exports, mut plains) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        plain(ground, &database).await?;
        plains.push(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        export(ground, &server, &file).await?;
        exports.push(begun.elapsed().as_secs_f64());
    }
    check(&file, tickets)?;
    let found = Found {
        export_s: median(exports),
        plain_s: median(plains),
        file_bytes: std::fs::metadata(&file)?.len(),
        memory_mib: float(server.peak_memory_kib()?) / 1024.0,
    };
    server.stop().await?;
    database.close().await?;
    Ok(found)
}

async fn export(ground: &Ground, server: &Server, file: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("export")
        .arg("--out")
        .arg(file)
        .arg("--config")
        .arg(ground.config_file())
        .env("HOTLINE__PEERS__REPORTING", server.url())
        .current_dir(ground.folder());
    run(command.stdout(Stdio::null()), "hotline export").await
}

/// Reads the same columns without us; on PostgreSQL into a file.
async fn plain(ground: &Ground, database: &DatabaseConnection) -> anyhow::Result<()> {
    let select = select(ground.kind);
    if ground.kind == Kind::Sqlite {
        let asking = Filler {
            database,
            extent: Extent::default(),
        };
        asking.ask(&select).await?;
        return Ok(());
    }
    let file = File::create(ground.folder().join("copied.csv"))?;
    let mut psql = Command::new(psql()?);
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c"])
        .arg(format!(
            "COPY ({select}) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE *)"
        ))
        .arg(ground.url(Name::Reporting)?);
    run(psql.stdout(file.try_clone()?), "psql").await?;
    Ok(file.sync_all()?)
}

/// PostgreSQL's client stands beside its load generator, or in the path.
fn psql() -> anyhow::Result<PathBuf> {
    let beside = pgbench::find()?.with_file_name("psql");
    Ok(if beside.is_file() {
        beside
    } else {
        PathBuf::from("psql")
    })
}

async fn run(command: &mut Command, name: &str) -> anyhow::Result<()> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?
        .wait_with_output()
        .await?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// The columns of `domain/export.rs` of reporting; a citizen's pseudonym and how many matters stand for
/// who applied.
fn select(kind: Kind) -> String {
    let instant = |column: &str| match kind {
        Kind::Postgres => format!("to_timestamp({column} / 1000000)"),
        Kind::Sqlite => format!("datetime({column} / 1000000, 'unixepoch')"),
    };
    let name = |table: &str, code: &str| {
        format!(
            "LEFT JOIN registry_name {table} ON {table}.table_name = '{table}' AND {table}.code = t.{code}"
        )
    };
    format!(
        "SELECT t.number, {}, coalesce(channels.name, t.channel_code), m.citizen, t.kind, \
         coalesce(categories.name, t.category_code), t.summary, t.urgency, coalesce(units.name, t.lead_unit_code), \
         t.assisting_unit_codes, t.state, t.round, {}, {}, t.is_due_provisional, {}, t.returns, t.supervision_orders, \
         t.card, t.reply FROM ticket_view t {} {} {} \
         LEFT JOIN (SELECT ticket_id, min(citizen) || ' ' || count(*) AS citizen FROM matter_view \
         WHERE last_move <> 'withdrawn' GROUP BY ticket_id) m ON m.ticket_id = t.id ORDER BY t.id",
        instant("t.received_at"),
        instant("t.signed_at"),
        instant("t.due_at"),
        instant("t.concluded_at"),
        name("channels", "channel_code"),
        name("categories", "category_code"),
        name("units", "lead_unit_code"),
    )
}

/// Every ticket stands in the file, and nothing else: those that were filled and the two that lived.
fn check(file: &Path, tickets: u64) -> anyhow::Result<()> {
    let mut records = csv::Reader::from_path(file)?;
    let (mut record, mut found) = (csv::ByteRecord::new(), 0);
    while records.read_byte_record(&mut record)? {
        found += 1;
    }
    if found != tickets + 2 {
        bail!("{found} records of {} tickets were exported", tickets + 2);
    }
    Ok(())
}
