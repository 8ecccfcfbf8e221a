//! What processes use, read from /proc.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// The kernel counts processor time in hundredths of a second for every program.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of a process so far, user and system.
pub(super) fn of(pid: u32) -> anyhow::Result<Duration> {
    let fields = Stat::read(pid)?;
    Ok(TICK * (fields.user + fields.system))
}

/// Processor time of the children of this process that have ended.
pub(super) fn of_ended_children() -> anyhow::Result<Duration> {
    let fields = Stat::read(std::process::id())?;
    Ok(TICK * fields.ended_children)
}

/// Processor time of a process with all its children, living and ended.
pub(super) fn of_family(parent: u32) -> anyhow::Result<Duration> {
    loop {
        let fields = Stat::read(parent)?;
        let time = with_children(parent, &fields)?;
        // A child that ended meanwhile may be in neither: its time is its parent's by now.
        if Stat::read(parent)?.ended_children == fields.ended_children {
            return Ok(time);
        }
    }
}

fn with_children(parent: u32, fields: &Stat) -> anyhow::Result<Duration> {
    let mut ticks = fields.user + fields.system + fields.ended_children;
    for entry in fs::read_dir("/proc")? {
        let pid = entry?.file_name().to_string_lossy().parse::<u32>();
        let Some(child) = pid.ok().and_then(|pid| Stat::read(pid).ok()) else {
            continue;
        };
        if child.parent == parent {
            ticks += child.user + child.system;
        }
    }
    Ok(TICK * ticks)
}

/// The parent of a process.
pub(super) fn parent_of(pid: u32) -> anyhow::Result<u32> {
    Ok(Stat::read(pid)?.parent)
}

/// The most memory a process has held at once, in KiB.
pub(super) fn peak_memory_kib(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let figure = line.and_then(|line| line.split_whitespace().nth(1));
    figure
        .context("/proc/…/status without VmHWM")?
        .parse()
        .context("VmHWM")
}

/// Of `/proc/PID/stat`, what is needed here, in ticks.
struct Stat {
    parent: u32,
    user: u32,
    system: u32,
    ended_children: u32,
}

impl Stat {
    fn read(pid: u32) -> anyhow::Result<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        Self::parse(&text).with_context(|| format!("/proc/{pid}/stat is not as expected"))
    }

    /// The name of the program stands in brackets and may hold anything; fields are counted behind it.
    fn parse(text: &str) -> Option<Self> {
        let (_, behind) = text.rsplit_once(')')?;
        let fields: Vec<&str> = behind.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
        Some(Self {
            parent: number(1)?,
            user: number(11)?,
            system: number(12)?,
            ended_children: number(13)? + number(14)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Stat;

    #[test]
    fn a_program_may_be_called_anything() {
        let text = "42 (a) R 1 (b) S 7 42 42 0 -1 4194560 1 2 3 4 11 12 13 14 20 0 1 0 99";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.parent, 7);
        assert_eq!((stat.user, stat.system, stat.ended_children), (11, 12, 27));
    }
}
