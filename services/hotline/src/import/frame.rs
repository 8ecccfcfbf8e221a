//! What the sandboxed parser says to its parent: length-prefixed frames on a pipe.
//!
//! A frame is a `u32` length (little endian) and that many bytes, the first of which is its tag.
//! A stream that ends without an [`Frame::End`] or [`Frame::Problem`] was cut off: the parser died.

use std::io::{self, Read, Write};

/// The longest frame that is written or believed: one row.
pub(super) const FRAME_MAX: usize = 8 << 20;

const ROW: u8 = b'R';
const END: u8 = b'E';
const PROBLEM: u8 = b'X';

/// One thing the parser says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A row that is not empty.
    Row {
        /// The sheet row, from 1.
        line: u64,
        /// Its cells as text, from the first column.
        cells: Vec<String>,
    },
    /// Every row was told.
    End,
    /// The file is not what it should be; why, for a person.
    Problem(String),
}

/// Writes `frame`.
///
/// # Errors
///
/// Those of `out`, and `InvalidData` for a row longer than [`FRAME_MAX`].
pub(super) fn write(out: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let mut body = Vec::new();
    match frame {
        Frame::Row { line, cells } => {
            body.push(ROW);
            body.extend(line.to_le_bytes());
            body.extend(length(cells.len())?.to_le_bytes());
            for cell in cells {
                body.extend(length(cell.len())?.to_le_bytes());
                body.extend(cell.as_bytes());
            }
        }
        Frame::End => body.push(END),
        Frame::Problem(why) => {
            body.push(PROBLEM);
            body.extend(why.as_bytes());
        }
    }
    if body.len() > FRAME_MAX {
        return Err(invalid("the row is longer than 8 MiB"));
    }
    out.write_all(&length(body.len())?.to_le_bytes())?;
    out.write_all(&body)
}

/// Reads the next frame; `None` where the stream ends between two frames.
///
/// # Errors
///
/// Those of `from`; `InvalidData` for anything that [`write`] does not write. The parser handles
/// hostile files, so its parent believes nothing it says without looking.
pub(super) fn read(from: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut prefix = [0; 4];
    match from.read(&mut prefix)? {
        0 => return Ok(None),
        got => from.read_exact(&mut prefix[got..])?,
    }
    let size = u32::from_le_bytes(prefix) as usize;
    if size == 0 || size > FRAME_MAX {
        return Err(invalid("a frame of an impossible length"));
    }
    let mut body = vec![0; size];
    from.read_exact(&mut body)?;
    let (tag, mut rest) = (body[0], &body[1..]);
    match tag {
        END => Ok(Some(Frame::End)),
        PROBLEM => Ok(Some(Frame::Problem(text(rest)?))),
        ROW => row(&mut rest).map(Some),
        _ => Err(invalid("a frame of an unknown kind")),
    }
}

fn row(rest: &mut &[u8]) -> io::Result<Frame> {
    let mut line = [0; 8];
    rest.read_exact(&mut line)?;
    let count = number(rest)?;
    let mut cells = Vec::new();
    for _ in 0..count {
        let size = number(rest)?;
        let (cell, tail) = rest
            .split_at_checked(size)
            .ok_or_else(|| invalid("a cell beyond its frame"))?;
        cells.push(text(cell)?);
        *rest = tail;
    }
    Ok(Frame::Row {
        line: u64::from_le_bytes(line),
        cells,
    })
}

fn number(rest: &mut &[u8]) -> io::Result<usize> {
    let mut bytes = [0; 4];
    rest.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes) as usize)
}

fn text(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| invalid("text that is not UTF-8"))
}

fn length(of: usize) -> io::Result<u32> {
    u32::try_from(of).map_err(|_| invalid("longer than a frame can say"))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let frames = [
            Frame::Row {
                line: 7,
                cells: vec!["编号".into(), String::new(), "a\nb".into()],
            },
            Frame::Problem("no sheet".into()),
            Frame::End,
        ];
        let mut pipe = Vec::new();
        for frame in &frames {
            write(&mut pipe, frame).unwrap();
        }
        let mut from = pipe.as_slice();
        for frame in frames {
            assert_eq!(read(&mut from).unwrap(), Some(frame));
        }
        assert_eq!(read(&mut from).unwrap(), None);
    }

    #[test]
    fn a_frame_that_was_not_written_here_is_refused() {
        let cut = [9u8, 0, 0, 0, b'R', 1];
        let huge = [255u8, 255, 255, 255, b'R'];
        let unknown = [1u8, 0, 0, 0, b'?'];
        // one cell of 4 GiB in a frame of 17 bytes
        let mut lying = vec![17u8, 0, 0, 0, b'R'];
        lying.extend([0; 8]);
        lying.extend([1, 0, 0, 0, 255, 255, 255, 255]);
        for bytes in [&cut[..], &huge, &unknown, &lying] {
            assert!(read(&mut &bytes[..]).is_err(), "{bytes:?}");
        }
    }
}
