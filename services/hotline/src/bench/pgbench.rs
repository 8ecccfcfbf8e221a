//! pgbench, PostgreSQL's own load generator, as a baseline.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::cpu;
use super::ground::Ground;
use super::load::{self, Measured, Spent, Window, float};

/// Where distributions put it when it is not in the path.
const PACKAGES: &str = "/usr/lib/postgresql";

/// What it shall run.
pub(super) struct Job<'a> {
    pub(super) ground: &'a Ground,
    pub(super) url: &'a str,
    pub(super) script: &'a str,
    pub(super) values: &'a [String],
    pub(super) clients: usize,
    pub(super) window: Window,
}

/// The newest pgbench of this machine.
pub(super) fn find() -> anyhow::Result<PathBuf> {
    let in_path = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect::<Vec<_>>())
        .unwrap_or_default();
    let mut folders: Vec<PathBuf> = in_path;
    if let Ok(versions) = std::fs::read_dir(PACKAGES) {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let mut found = folders.into_iter().map(|folder| folder.join("pgbench"));
    found.find(|file| file.is_file()).with_context(|| {
        format!(
            "pgbench is neither in the path nor under {PACKAGES}; it comes with the server's packages (Debian: postgresql-contrib or postgresql)"
        )
    })
}

/// Runs `job`; times are pgbench's own, of every transaction.
pub(super) async fn run(job: Job<'_>) -> anyhow::Result<Measured> {
    let folder = tempfile::tempdir_in(job.ground.folder())?;
    let script = folder.path().join("script.sql");
    std::fs::write(&script, job.script)?;
    let seconds = (job.window.warm_up + job.window.measured).as_secs();
    let threads = std::thread::available_parallelism()?.get().min(job.clients);
    let mut command = Command::new(find()?);
    command
        .args(["--no-vacuum", "--protocol=prepared", "--log"])
        .arg(format!("--client={}", job.clients))
        .arg(format!("--jobs={threads}"))
        .arg(format!("--time={seconds}"))
        .arg(format!(
            "--log-prefix={}",
            folder.path().join("log").display()
        ))
        .arg("--file")
        .arg(&script);
    for value in job.values {
        command.arg("--define").arg(value);
    }
    command.arg(job.url).stdin(Stdio::null()).kill_on_drop(true);
    let spent = || {
        anyhow::Ok(Spent {
            server: std::time::Duration::ZERO,
            client: cpu::of_ended_children()?,
            database: job.ground.database_cpu()?,
        })
    };
    let before = spent()?;
    let output = command.output().await?;
    let spent = spent()?.since(before);
    if !output.status.success() {
        bail!("pgbench: {}", String::from_utf8_lossy(&output.stderr));
    }
    read(folder.path(), job.window, spent)
}

/// A transaction in pgbench's log: when it ended and how long it took, in microseconds.
struct Line {
    at: u64,
    took: u64,
}

impl Line {
    /// `client number took script second microsecond`.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<u64> = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        let [_, _, took, _, second, microsecond, ..] = fields[..] else {
            return None;
        };
        Some(Self {
            at: second * 1_000_000 + microsecond,
            took,
        })
    }
}

fn read(folder: &Path, window: Window, spent: Spent) -> anyhow::Result<Measured> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("log.") {
            let text = std::fs::read_to_string(entry.path())?;
            lines.extend(text.lines().filter_map(Line::parse));
        }
    }
    let first = lines.iter().map(|line| line.at).min();
    let begin = first.context("pgbench did nothing")? + micros(window.warm_up);
    let end = begin + micros(window.measured);
    let mut times = load::times()?;
    for line in lines.iter().filter(|line| (begin..end).contains(&line.at)) {
        times.saturating_record(line.took.max(1));
    }
    // What it spent was for all transactions, those of the warm-up too.
    let share = float(times.len()) / float(u64::try_from(lines.len())?.max(1));
    Ok(Measured {
        calls: times.len(),
        seconds: window.measured.as_secs_f64(),
        times,
        spent: Spent {
            server: spent.server,
            client: spent.client.mul_f64(share),
            database: spent.database.map(|time| time.mul_f64(share)),
        },
    })
}

fn micros(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
