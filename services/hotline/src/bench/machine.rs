//! What was measured on: without it a figure says nothing.

use std::fs;
use std::process::Command;

use anyhow::Context as _;
use sea_orm::{ConnectionTrait, Database, Statement};
use serde::Serialize;

/// The machine, the program and how it was called.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    processor: String,
    cores: usize,
    memory_gib: u64,
    kernel: String,
    /// Version of the PostgreSQL server, if one is measured.
    postgres: Option<String>,
    /// Of the working folder, with `+` if it holds changes.
    commit: String,
    profile: &'static str,
    command: String,
    day: String,
}

impl Machine {
    pub(super) async fn look(postgres: Option<&str>) -> anyhow::Result<Self> {
        let postgres = match postgres {
            Some(url) => Some(version(url).await?),
            None => None,
        };
        Ok(Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_gib: memory_kib().div_ceil(1 << 20),
            kernel: said("uname", &["-sr"]),
            postgres,
            commit: commit(),
            profile: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
            command: command(),
            day: said("date", &["-u", "+%F"]),
        })
    }

    /// One line, as it stands under every result.
    pub(super) fn line(&self) -> String {
        let postgres = self.postgres.as_deref().unwrap_or("no PostgreSQL");
        let warning = if cfg!(debug_assertions) {
            "**DEBUG BUILD: these figures mean nothing.** "
        } else {
            ""
        };
        format!(
            "{warning}{}, {} cores, {} GiB; {}; {postgres}; commit {}, {} build; {}; `{}`",
            self.processor,
            self.cores,
            self.memory_gib,
            self.kernel,
            self.commit,
            self.profile,
            self.day,
            self.command
        )
    }
}

async fn version(url: &str) -> anyhow::Result<String> {
    let connection = Database::connect(url)
        .await
        .context("--postgres cannot be reached")?;
    let asked = Statement::from_sql_and_values(
        connection.get_database_backend(),
        "SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync, \
         current_setting('synchronous_commit') AS commit",
        [],
    );
    let row = connection.query_one_raw(asked).await?;
    let row = row.context("a server says its version")?;
    let read = |name: &str| row.try_get::<String>("", name);
    let told = format!(
        "PostgreSQL {} (fsync {}, synchronous_commit {})",
        read("version")?,
        read("fsync")?,
        read("commit")?
    );
    connection.close().await?;
    Ok(told)
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_kib() -> u64 {
    let total = field("/proc/meminfo", "MemTotal");
    total
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

fn commit() -> String {
    let commit = said("git", &["rev-parse", "--short", "HEAD"]);
    if commit.is_empty() {
        return "unknown".to_owned();
    }
    let changes = said(
        "git",
        &[
            "status",
            "--porcelain",
            "--untracked-files=no",
            "--",
            ":!docs",
        ],
    );
    let mark = if changes.is_empty() { "" } else { "+" };
    format!("{commit}{mark}")
}

/// As it was typed, but for passwords.
fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).map(without_password).collect();
    format!("hotline {}", words.join(" "))
}

fn without_password(word: String) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word;
    };
    match rest.split_once('@') {
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{place}")
        }
        None => word,
    }
}

/// What a program prints, empty if it cannot be asked.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::without_password;

    #[test]
    fn a_password_is_left_out_of_the_command() {
        let cases = [
            (
                "postgres://hotline:secret@db/postgres",
                "postgres://hotline@db/postgres",
            ),
            ("postgres://db/postgres", "postgres://db/postgres"),
            ("intake", "intake"),
        ];
        for (typed, shown) in cases {
            assert_eq!(without_password(typed.to_owned()), shown);
        }
    }
}
