//! A command of this program as a process of its own: how long it takes, and how much memory.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::cpu;

/// How often the memory of the process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What a command took and said.
pub(super) struct Ended {
    pub(super) seconds: f64,
    /// The most memory that it was seen to hold at once.
    pub(super) peak_kib: u64,
    pub(super) said: String,
}

/// Runs a command that says little to its end; one that fails is an error with what it said.
pub(super) async fn run(command: &mut Command, name: &str) -> anyhow::Result<Ended> {
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().context("a process has an id")?;
    let mut peak_kib = 0;
    let status = loop {
        // It may end between two looks.
        peak_kib = cpu::peak_memory_kib(pid).unwrap_or(peak_kib).max(peak_kib);
        tokio::select! {
            ended = child.wait() => break ended?,
            () = tokio::time::sleep(LOOK) => {}
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    let output = child.wait_with_output().await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !status.success() {
        bail!("{name}: {said}{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(Ended {
        seconds,
        peak_kib,
        said,
    })
}
