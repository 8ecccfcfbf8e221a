//! Workbooks: parsed by a child process that shuts itself in, read here as rows.
//!
//! Whatever happens to the child (abort, out of memory, too slow), the parent gets a sentence.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::{Child, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::frame::{self, Frame};
use super::sandbox;
use super::source::{ReadError, RowSource, SourceRow};
use super::workbook::{self, WorkbookError};

/// The hidden subcommand of `hotline` that parses a workbook from stdin.
pub const SUBCOMMAND: &str = "parse-sheet";

/// How long the parser may say nothing. It ends by its own limit of processor time before that.
const SILENCE: Duration = Duration::from_mins(2);

/// Rows that wait between the parser and the reader.
const AHEAD: usize = 256;

/// Which program parses workbooks: `hotline` itself.
#[derive(Clone, Debug)]
pub struct SheetParser {
    program: PathBuf,
}

impl SheetParser {
    /// The program that is running now.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn this_program() -> io::Result<Self> {
        std::env::current_exe().map(Self::program)
    }

    /// Another `hotline`, for tests that are not `hotline` themselves.
    #[must_use]
    pub fn program(program: PathBuf) -> Self {
        Self { program }
    }

    /// Starts a parser on `file` and reads its header.
    ///
    /// # Errors
    ///
    /// [`ReadError`] if it cannot be started, or the workbook cannot be read.
    pub(super) fn open(&self, file: File) -> Result<SheetRows, ReadError> {
        let mut child = std::process::Command::new(&self.program)
            .arg(SUBCOMMAND)
            .env_clear()
            .stdin(Stdio::from(file))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(ReadError::ParserStart)?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| ReadError::ParserStart(io::Error::other("no pipe")))?;
        let (sender, frames) = sync_channel(AHEAD);
        std::thread::Builder::new()
            .name("sheet-frames".to_owned())
            .spawn(move || pump(&mut BufReader::new(stdout), &sender))
            .map_err(ReadError::ParserStart)?;
        let mut rows = SheetRows {
            child,
            frames,
            header: Vec::new(),
            ended: false,
        };
        let header = rows.next_row()?.ok_or(ReadError::NoHeader)?;
        rows.header = header
            .cells
            .iter()
            .map(|name| name.trim().to_owned())
            .collect();
        Ok(rows)
    }
}

fn pump(from: &mut impl io::Read, to: &SyncSender<io::Result<Frame>>) {
    loop {
        let frame = frame::read(from);
        let last = !matches!(frame, Ok(Some(Frame::Row { .. })));
        let Some(frame) = frame.transpose() else {
            return;
        };
        if to.send(frame).is_err() || last {
            return;
        }
    }
}

/// The rows of a workbook, as its parser tells them.
pub(super) struct SheetRows {
    child: Child,
    frames: Receiver<io::Result<Frame>>,
    header: Vec<String>,
    ended: bool,
}

impl RowSource for SheetRows {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn next_row(&mut self) -> Result<Option<SourceRow>, ReadError> {
        if self.ended {
            return Ok(None);
        }
        match self.frames.recv_timeout(SILENCE) {
            Ok(Ok(Frame::Row { line, cells })) => Ok(Some(SourceRow::read(line, cells))),
            Ok(Ok(Frame::End)) => {
                self.ended = true;
                Ok(None)
            }
            Ok(Ok(Frame::Problem(why))) => Err(ReadError::Workbook(why)),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(self.obituary()),
            Err(RecvTimeoutError::Timeout) => {
                Err(ReadError::ParserDied("took too long".to_owned()))
            }
        }
    }
}

impl SheetRows {
    /// The pipe ended before the workbook did: says why, as far as the exit status tells.
    fn obituary(&mut self) -> ReadError {
        ReadError::ParserDied(match self.child.wait() {
            Ok(status) => cause_of(status),
            Err(error) => format!("is lost: {error}"),
        })
    }
}

fn cause_of(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.signal(), status.code()) {
        (Some(libc::SIGXCPU | libc::SIGKILL), _) => {
            "took too much processor time and was ended".to_owned()
        }
        (Some(libc::SIGABRT | libc::SIGSEGV), _) => {
            "needed more memory than it is given (512 MiB)".to_owned()
        }
        (Some(signal), _) => format!("was ended by signal {signal}"),
        (None, Some(PANICKED)) => {
            "met a structure that it cannot read; the file is damaged".to_owned()
        }
        (None, Some(code)) => format!("ended with code {code}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The exit code of a Rust program that panicked.
const PANICKED: i32 = 101;

impl Drop for SheetRows {
    fn drop(&mut self) {
        // Killing one that has ended is an error that changes nothing.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The body of `hotline parse-sheet`: shuts itself in, then parses stdin to stdout. To be called
/// before the program has a second thread. With `--probe` it tries what must not work, and says so.
#[must_use]
pub fn parse_sheet(probe: bool) -> ExitCode {
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    if probe {
        return match sandbox::probe() {
            Ok(lines) => {
                let all_denied = lines.iter().all(|line| line.starts_with("denied"));
                let said = writeln!(out, "{}", lines.join("\n")).and_then(|()| out.flush());
                if all_denied && said.is_ok() {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::FAILURE
                }
            }
            Err(_) => ExitCode::FAILURE,
        };
    }
    let parsed = match sandbox::enter() {
        Ok(()) => workbook::parse(&mut io::stdin().lock(), &mut out),
        Err(error) => Err(WorkbookError::Refused(error.to_string())),
    };
    let told = match parsed {
        Ok(()) => Ok(()),
        Err(WorkbookError::Io(error)) => Err(error),
        Err(WorkbookError::Refused(why)) => {
            frame::write(&mut out, &Frame::Problem(why)).and_then(|()| out.flush())
        }
    };
    if told.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
