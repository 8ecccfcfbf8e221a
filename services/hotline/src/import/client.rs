//! The rows of a file on their way to intake.
//!
//! A thread reads ahead by two chunks while one is being registered. Every chunk can be sent again:
//! intake counts a row once, and tells after an interruption where to go on.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use hotline_platform::access::Role;
use hotline_platform::peers::Transport;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{
    FinishImportRequest, ImportRowsRequest, ImportRowsResponse, ImportSums, RawRow,
    StartImportRequest,
};
use hotline_proto::shared::Nature;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tonic::{Code, Response, Status};

use super::file;
use super::sheet::SheetParser;
use super::source::{ReadError, RowSource};
use crate::cli::reach::{by, said};

/// Most rows in one call.
const CHUNK_ROWS: usize = 500;
/// Most bytes of cells in one call, but for a single row that is longer.
const CHUNK_BYTES: usize = 2 << 20;
/// Chunks that are read ahead.
const AHEAD: usize = 2;
/// How long one call may take.
const CALL_MAX: Duration = Duration::from_mins(1);
/// How often a call is made again that did not get through.
const ATTEMPTS: u32 = 7;
/// How long the first repetition waits; each further one twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A file that is to be imported.
#[derive(Clone, Debug)]
pub struct Import {
    /// Where it is.
    pub path: PathBuf,
    /// The channel its messages came by.
    pub channel_code: String,
    /// What they are to the clocks.
    pub nature: Nature,
    /// A mapping file; empty means headers carry our field names.
    pub mapping_toml: String,
    /// Parses workbooks.
    pub parser: SheetParser,
}

/// How an import ended.
#[derive(Debug)]
pub struct Ended {
    /// The run.
    pub batch_id: String,
    /// What became of the rows.
    pub sums: ImportSums,
    /// The row that comes next; behind the last one when all were taken in.
    pub next_row: i64,
    /// Somebody wanted it to stop.
    pub is_interrupted: bool,
    /// Why the file's end was not reached, if it was not.
    pub failure: Option<anyhow::Error>,
}

/// Imports a file. `progress` hears the sums after each chunk, and how much of the file was read in
/// parts of 1 if that is known. When `interrupted` ends, the running chunk is the last one.
///
/// # Errors
///
/// The file cannot be read at all, or intake refuses the import as a whole. What happens later is
/// told in [`Ended`].
pub async fn send(
    import: &Import,
    transport: Transport,
    progress: &mut (dyn FnMut(&ImportSums, Option<f64>) + Send),
    interrupted: impl Future<Output = ()>,
) -> anyhow::Result<Ended> {
    let opened = open(import).await?;
    let mut intake = IntakeServiceClient::new(transport);
    let asked = StartImportRequest {
        channel_code: import.channel_code.clone(),
        nature: import.nature.into(),
        file_name: import
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        file_sha256: opened.sha256,
        mapping_toml: import.mapping_toml.clone(),
        header: opened.source.header().to_vec(),
    };
    let started = said(intake.start_import(by(Role::Administrator, asked)).await)
        .context("the import was not opened")?;
    let (sender, mut chunks) = channel(AHEAD);
    let (mut source, from_row) = (opened.source, started.next_row);
    let reader = std::thread::Builder::new().name("import-reader".to_owned());
    reader.spawn(move || read_ahead(source.as_mut(), from_row, &sender))?;
    let mut run = Run {
        intake,
        ended: Ended {
            batch_id: started.batch_id,
            sums: ImportSums::default(),
            next_row: from_row,
            is_interrupted: false,
            failure: None,
        },
    };
    if let Err(failure) = run.carry(&mut chunks, progress, interrupted).await {
        run.ended.failure = Some(failure);
    }
    Ok(run.ended)
}

struct Opened {
    sha256: String,
    source: Box<dyn RowSource>,
}

/// Hashing and looking at a file takes a while, so it is done beside the async threads.
async fn open(import: &Import) -> Result<Opened, anyhow::Error> {
    let (path, parser) = (import.path.clone(), import.parser.clone());
    let looked = tokio::task::spawn_blocking(move || {
        Ok::<_, ReadError>(Opened {
            sha256: file::sha256(&path)?,
            source: file::open(&path, &parser)?,
        })
    });
    Ok(looked.await??)
}

/// What the reader says.
enum Told {
    /// Some more rows.
    Rows(Chunk),
    /// Every row was told.
    End,
    /// The rest of the file cannot be read.
    Failed(ReadError),
}

/// Rows that are sent together.
#[derive(Default)]
struct Chunk {
    rows: Vec<RawRow>,
    bytes: usize,
    done: Option<f64>,
}

/// Reads the file to its end, or until nobody listens; rows before `from_row` are known to intake.
fn read_ahead(source: &mut dyn RowSource, from_row: i64, to: &Sender<Told>) {
    let mut chunk = Chunk::default();
    for row_no in 1.. {
        let row = match source.next_row() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(error) => {
                // What was read before it counts; if nobody listens, nobody needs the error.
                let told = chunk.rows.is_empty() || to.blocking_send(Told::Rows(chunk)).is_ok();
                drop(told.then(|| to.blocking_send(Told::Failed(error))));
                return;
            }
        };
        if row_no < from_row {
            continue;
        }
        let bytes = row.cells.iter().map(String::len).sum::<usize>() + row.unreadable.len();
        let is_full = chunk.rows.len() == CHUNK_ROWS || chunk.bytes + bytes > CHUNK_BYTES;
        if is_full && !chunk.rows.is_empty() {
            let full = std::mem::take(&mut chunk);
            if to
                .blocking_send(Told::Rows(Chunk {
                    done: source.done(),
                    ..full
                }))
                .is_err()
            {
                return;
            }
        }
        let source_line = i64::try_from(row.line).unwrap_or(i64::MAX);
        chunk.bytes += bytes;
        chunk.rows.push(RawRow {
            row_no,
            cells: row.cells,
            source_line,
            unreadable: row.unreadable,
        });
    }
    let last = Chunk {
        done: Some(1.0),
        ..chunk
    };
    let told = last.rows.is_empty() || to.blocking_send(Told::Rows(last)).is_ok();
    drop(told.then(|| to.blocking_send(Told::End)));
}

/// The next chunk; `None` at the file's end. A reader that goes without telling the end has died.
async fn next_chunk(chunks: &mut Receiver<Told>) -> anyhow::Result<Option<Chunk>> {
    match chunks.recv().await {
        Some(Told::Rows(chunk)) => Ok(Some(chunk)),
        Some(Told::End) => Ok(None),
        Some(Told::Failed(error)) => Err(error.into()),
        None => anyhow::bail!("the file's reader died before the file's end"),
    }
}

struct Run {
    intake: IntakeServiceClient<Transport>,
    ended: Ended,
}

impl Run {
    async fn carry(
        &mut self,
        chunks: &mut Receiver<Told>,
        progress: &mut (dyn FnMut(&ImportSums, Option<f64>) + Send),
        interrupted: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        tokio::pin!(interrupted);
        loop {
            let chunk = tokio::select! {
                biased;
                () = &mut interrupted => {
                    self.ended.is_interrupted = true;
                    return Ok(());
                }
                chunk = next_chunk(chunks) => chunk?,
            };
            let Some(chunk) = chunk else { break };
            let answer = self.send(chunk.rows).await?;
            self.ended.next_row = answer.next_row;
            self.ended.sums = answer.sums.unwrap_or_default();
            progress(&self.ended.sums, chunk.done);
        }
        let batch_id = self.ended.batch_id.clone();
        let asked = || {
            by(
                Role::Administrator,
                FinishImportRequest {
                    batch_id: batch_id.clone(),
                },
            )
        };
        let mut intake = self.intake.clone();
        let finished = persist(async || intake.finish_import(asked()).await).await?;
        self.ended.sums = finished.sums.unwrap_or_default();
        Ok(())
    }

    async fn send(&mut self, rows: Vec<RawRow>) -> anyhow::Result<ImportRowsResponse> {
        let message = ImportRowsRequest {
            batch_id: self.ended.batch_id.clone(),
            rows,
        };
        let mut intake = self.intake.clone();
        persist(async || {
            let mut asked = by(Role::Administrator, message.clone());
            asked.set_timeout(CALL_MAX);
            intake.import_rows(asked).await
        })
        .await
    }
}

/// Calls again, ever more slowly, while the answer says that a repetition may help. Every call of an
/// import can be repeated.
async fn persist<T>(
    mut call: impl AsyncFnMut() -> Result<Response<T>, Status>,
) -> anyhow::Result<T> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match call().await {
            Err(status) if is_passing(status.code()) => tokio::time::sleep(pause).await,
            answer => return said(answer),
        }
        pause *= 2;
    }
    said(call().await)
}

fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::ResourceExhausted | Code::Aborted | Code::DeadlineExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::source::SourceRow;

    /// A file of two rows whose reader then does something else.
    struct Rows {
        given: u64,
        then: fn() -> Result<Option<SourceRow>, ReadError>,
    }

    impl RowSource for Rows {
        fn header(&self) -> &[String] {
            &[]
        }

        fn next_row(&mut self) -> Result<Option<SourceRow>, ReadError> {
            self.given += 1;
            if self.given > 2 {
                return (self.then)();
            }
            Ok(Some(SourceRow::read(self.given, vec!["路灯".to_owned()])))
        }
    }

    /// Rows heard until the reader's end, and whether that was the file's.
    async fn heard(then: fn() -> Result<Option<SourceRow>, ReadError>) -> (usize, bool) {
        let (sender, mut chunks) = channel(AHEAD);
        std::thread::spawn(move || read_ahead(&mut Rows { given: 0, then }, 1, &sender));
        let mut rows = 0;
        loop {
            match next_chunk(&mut chunks).await {
                Ok(Some(chunk)) => rows += chunk.rows.len(),
                Ok(None) => return (rows, true),
                Err(_) => return (rows, false),
            }
        }
    }

    #[tokio::test]
    async fn a_file_is_at_its_end_only_when_its_reader_says_so() {
        assert_eq!(heard(|| Ok(None)).await, (2, true));
        assert_eq!(heard(|| Err(ReadError::NoHeader)).await, (2, false));
        assert_eq!(heard(|| panic!("a broken reader")).await, (0, false));
    }
}
