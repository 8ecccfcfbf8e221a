//! The walls around the parser of hostile files: it shuts itself in before it reads a byte.
//!
//! Three layers, each enough against most faults: resource limits (memory, time, descriptors, no core
//! file), Landlock (no file, no port) and a seccomp filter that knows only the calls a parser needs, so
//! that opening, connecting, starting programs or threads answers `EPERM`.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::process::Command;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus};
use rlimit::Resource;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Address space of the parser, bytes.
const MEMORY: u64 = 512 << 20;
/// Processor seconds of the parser; the kernel ends it one second later at the latest.
const CPU_SECONDS: u64 = 60;
/// Open descriptors of the parser.
const DESCRIPTORS: u64 = 16;

/// A wall could not be put up; nothing may be parsed then.
#[derive(Debug, thiserror::Error)]
pub(super) enum SandboxError {
    /// A resource limit was not taken.
    #[error("the parser cannot limit itself: {0}")]
    Limit(#[from] std::io::Error),
    /// The kernel refused the Landlock rules.
    #[error("the parser cannot give up the file system: {0}")]
    Landlock(#[from] landlock::RulesetError),
    /// The kernel refused the seccomp filter.
    #[error("the parser cannot give up system calls: {0}")]
    Seccomp(#[from] seccompiler::Error),
    /// The filter cannot be built for this processor.
    #[error("the parser has no filter for this processor: {0}")]
    Filter(#[from] seccompiler::BackendError),
}

/// Shuts the calling process in, for good. It must have one thread only.
///
/// # Errors
///
/// [`SandboxError`] if a wall does not stand. A kernel without Landlock is not an error: the seccomp
/// filter denies every way to open a file or socket by itself.
pub(super) fn enter() -> Result<(), SandboxError> {
    limit()?;
    give_up_files()?;
    give_up_calls()
}

fn limit() -> Result<(), SandboxError> {
    Resource::AS.set(MEMORY, MEMORY)?;
    Resource::CPU.set(CPU_SECONDS, CPU_SECONDS + 1)?;
    Resource::NOFILE.set(DESCRIPTORS, DESCRIPTORS)?;
    Resource::CORE.set(0, 0)?;
    Ok(())
}

/// Tells whether the kernel enforces it.
fn give_up_files() -> Result<bool, SandboxError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// The calls a parser makes: read, write, memory, time, and its own end.
const CALLS: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

fn give_up_calls() -> Result<(), SandboxError> {
    let rules: BTreeMap<i64, Vec<_>> = CALLS.iter().map(|&call| (call, Vec::new())).collect();
    let denied = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(
        rules,
        denied,
        SeccompAction::Allow,
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}

/// Goes into the sandbox and tries what must not work there. One line per attempt: `denied WHAT` or
/// `ALLOWED WHAT`. For `hotline parse-sheet --probe`, so that an installation can see its walls stand.
///
/// # Errors
///
/// [`SandboxError`] if a wall does not stand at all.
pub(super) fn probe() -> Result<Vec<String>, SandboxError> {
    // Looked up before, as the sandbox cannot look up anything.
    let program = std::env::current_exe()?;
    let mut lines = Vec::new();
    let mut say = |denied: bool, what: &str| {
        lines.push(format!(
            "{} {what}",
            if denied { "denied" } else { "ALLOWED" }
        ));
    };
    limit()?;
    if give_up_files()? {
        say(File::open(&program).is_err(), "open, by Landlock");
    }
    give_up_calls()?;
    say(File::open(&program).is_err(), "open");
    say(
        File::create("/tmp/hotline-sandbox-probe").is_err(),
        "create",
    );
    say(TcpListener::bind("127.0.0.1:0").is_err(), "socket");
    say(
        Command::new(&program).arg("--version").status().is_err(),
        "exec",
    );
    say(std::thread::Builder::new().spawn(|| ()).is_err(), "thread");
    Ok(lines)
}
