//! What a person sees while an import runs: a bar on a terminal, plain lines elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use hotline_proto::intake::ImportSums;
use indicatif::{ProgressBar, ProgressStyle};

/// Lines are said after so many further rows.
const LINE_EVERY: i64 = 2_000;
/// Length of a bar that shows parts of a file.
const PARTS: u64 = 1_000;

/// A bar, or plain lines, on standard error.
pub(super) enum Progress {
    /// On a terminal: the bar, and rows that were read before this run of the command.
    Bar(ProgressBar, Option<i64>),
    /// Elsewhere: rows that were told last.
    Lines(i64),
}

impl Progress {
    /// A bar if standard error is a terminal.
    pub(super) fn start() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines(0);
        }
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(200));
        Self::Bar(bar, None)
    }

    /// Shows the sums; `done` is the part of the file that was read, if known.
    pub(super) fn show(&mut self, sums: &ImportSums, done: Option<f64>) {
        match self {
            Self::Bar(bar, before) => {
                let before = *before.get_or_insert(sums.rows_read);
                show_on(bar, sums, before, done);
            }
            Self::Lines(told) if sums.rows_read >= *told + LINE_EVERY => {
                *told = sums.rows_read;
                // A closed standard error does not stop an import.
                drop(writeln!(std::io::stderr(), "{}", in_words(sums)));
            }
            Self::Lines(_) => {}
        }
    }

    /// Clears the bar.
    pub(super) fn end(&self) {
        if let Self::Bar(bar, _) = self {
            bar.finish_and_clear();
        }
    }
}

fn show_on(bar: &ProgressBar, sums: &ImportSums, before: i64, done: Option<f64>) {
    let elapsed = bar.elapsed().as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = (sums.rows_read - before) as f64 / elapsed;
    bar.set_message(format!("{}, {rate:.0} rows/s", in_words(sums)));
    let Some(done) = done else { return };
    if bar.length().is_none() {
        bar.set_length(PARTS);
        if let Ok(style) = ProgressStyle::with_template("{spinner} [{bar:30}] {percent}% {msg}") {
            bar.set_style(style);
        }
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "0 to 1000"
    )]
    bar.set_position((done.clamp(0.0, 1.0) * PARTS as f64) as u64);
}

fn in_words(sums: &ImportSums) -> String {
    format!(
        "{} rows: {} registered, {} already present, {} refused",
        sums.rows_read, sums.registered, sums.present, sums.refused
    )
}
