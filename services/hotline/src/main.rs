//! The one binary.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use hotline::cli::{Cli, Outcome};

fn main() -> ExitCode {
    // Before anything else, and before there is a second thread: the sandboxed parser of workbooks.
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(hotline::import::sheet::SUBCOMMAND) {
        return hotline::import::sheet::parse_sheet(args.next().as_deref() == Some("--probe"));
    }
    let cli = Cli::parse();
    if cli.keeps_to_one_core() {
        keep_to_one_core();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers())
        .enable_all()
        .build();
    let ended = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(cli.run()));
    match ended {
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody is left to tell if standard error is gone too.
            drop(writeln!(std::io::stderr(), "hotline: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Threads started from here on run on the core that this one runs on (`docs/decisions/0016`).
fn keep_to_one_core() {
    let mut one = rustix::thread::CpuSet::new();
    one.set(rustix::thread::sched_getcpu());
    if let Err(error) = rustix::thread::sched_setaffinity(None, &one) {
        drop(writeln!(
            std::io::stderr(),
            "the demo takes longer on several cores, but cannot keep to one: {error}"
        ));
    }
}

/// At least two: the exporter of traces blocks one while another must carry its calls.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2))
}
