//! The one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else, and before there is a second thread: the sandboxed parser of workbooks.
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(hotline::import::sheet::SUBCOMMAND) {
        return hotline::import::sheet::parse_sheet(args.next().as_deref() == Some("--probe"));
    }
    ExitCode::SUCCESS
}
