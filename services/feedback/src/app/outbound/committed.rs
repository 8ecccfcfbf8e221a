//! Where the committed part of an outbound file ends, also in one begun since the last commit.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Result, Seek, SeekFrom};

use serde::Deserialize;

/// A line is sought this many bytes back from the committed end; if it is longer, the file is read whole.
const LINE_BYTES_MAX: u64 = 256 * 1024;

/// What tells lines apart.
#[derive(Deserialize)]
struct Written {
    reply_id: String,
}

/// Where the committed part of `file` ends; what stands behind it was never written as far as
/// anybody knows.
///
/// `committed` is what the database says of the file that was there at the last commit. If another
/// has taken its place since, a write that was never committed may have begun it: its lines are
/// known by `uncommitted`, the replies that are about to be written.
pub(super) fn end(file: &mut File, committed: u64, uncommitted: &HashSet<String>) -> Result<u64> {
    let length = file.metadata()?.len();
    if committed <= length && is_the_same(file, committed, uncommitted)? {
        return Ok(committed);
    }
    first_uncommitted(file, uncommitted)
}

/// Whether a committed line ends at `committed`: then this is the file that was committed.
fn is_the_same(file: &mut File, committed: u64, uncommitted: &HashSet<String>) -> Result<bool> {
    let start = committed.saturating_sub(LINE_BYTES_MAX);
    file.seek(SeekFrom::Start(start))?;
    let mut before = Vec::new();
    file.take(committed - start).read_to_end(&mut before)?;
    let Some(lines) = before.strip_suffix(b"\n") else {
        return Ok(committed == 0);
    };
    let last = match lines.iter().rposition(|&byte| byte == b'\n') {
        Some(at) => &lines[at + 1..],
        None if start == 0 => lines,
        None => return Ok(false),
    };
    Ok(!is_one_of(last, uncommitted))
}

/// Where the first line of an uncommitted reply begins, or one that is torn; else the file's end.
fn first_uncommitted(file: &mut File, uncommitted: &HashSet<String>) -> Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let (mut end, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        let is_whole = line.ends_with(b"\n");
        if !is_whole || is_one_of(&line, uncommitted) {
            return Ok(end);
        }
        end += read as u64;
    }
}

fn is_one_of(line: &[u8], replies: &HashSet<String>) -> bool {
    serde_json::from_slice::<Written>(line).is_ok_and(|line| replies.contains(&line.reply_id))
}
