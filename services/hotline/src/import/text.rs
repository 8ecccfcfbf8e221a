//! Text of unknown encoding as a stream of UTF-8, in flat memory.
//!
//! Strict UTF-8 is tried first, on the whole content: Chinese text in GB18030 practically never is
//! valid UTF-8. Else GB18030, which holds GBK and GB2312. A byte-order mark decides at once. Where
//! neither is clean, the one with fewer faults is taken; what it cannot read becomes U+FFFD, and the
//! rows that hold one are refused with that reason.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding, GB18030, UTF_8};
use flate2::read::MultiGzDecoder;

use super::source::ReadError;

/// The longest record of CSV or JSON lines, bytes of UTF-8.
pub(super) const RECORD_MAX: u64 = 1 << 20;

/// More faults than one in this many bytes, and it is no text.
const FAULTS_ONE_IN: u64 = 50;

const CHUNK: usize = 64 << 10;

/// A plain or gzipped file, from its beginning.
pub(super) type Raw = Box<dyn Read + Send>;

/// Opens a file, through gzip if its first bytes say so. `read` counts the bytes taken from disk.
///
/// # Errors
///
/// Those of the file system.
pub(super) fn open(path: &Path, read: Arc<AtomicU64>) -> io::Result<Raw> {
    let mut file = File::open(path)?;
    let mut magic = [0; 2];
    let gzip = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    file.seek(SeekFrom::Start(0))?;
    let counted = BufReader::with_capacity(CHUNK, Counted { inner: file, read });
    Ok(if gzip {
        Box::new(MultiGzDecoder::new(counted))
    } else {
        Box::new(counted)
    })
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.read.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got)
    }
}

/// Finds the encoding by reading all of a file once or twice.
///
/// # Errors
///
/// [`ReadError::UnknownFormat`] for what is no text; the errors of the file system.
pub(super) fn detect(path: &Path) -> Result<&'static Encoding, ReadError> {
    let failed = |source| ReadError::File {
        path: path.to_owned(),
        source,
    };
    let open = || open(path, Arc::default()).map_err(failed);
    let mut first = Vec::new();
    open()?.take(4096).read_to_end(&mut first).map_err(failed)?;
    if let Some((encoding, _)) = Encoding::for_bom(&first) {
        return Ok(encoding);
    }
    if first.contains(&0) {
        return Err(ReadError::UnknownFormat("bytes that are no text"));
    }
    let utf8 = faults(open()?, UTF_8).map_err(failed)?;
    if utf8.faults == 0 {
        return Ok(UTF_8);
    }
    let gb18030 = faults(open()?, GB18030).map_err(failed)?;
    let (found, encoding) = if gb18030.faults < utf8.faults {
        (gb18030, GB18030)
    } else {
        (utf8, UTF_8)
    };
    if found.faults * FAULTS_ONE_IN > found.bytes {
        return Err(ReadError::UnknownFormat(
            "bytes that are no text in UTF-8 or GB18030",
        ));
    }
    Ok(encoding)
}

struct Count {
    bytes: u64,
    faults: u64,
}

fn faults(mut from: Raw, encoding: &'static Encoding) -> io::Result<Count> {
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut raw = vec![0; CHUNK];
    let mut text = vec![0; CHUNK];
    let mut count = Count {
        bytes: 0,
        faults: 0,
    };
    loop {
        let got = from.read(&mut raw)?;
        count.bytes += got as u64;
        let mut rest = &raw[..got];
        loop {
            let (result, read, _) =
                decoder.decode_to_utf8_without_replacement(rest, &mut text, got == 0);
            rest = &rest[read..];
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => count.faults += 1,
            }
        }
        if got == 0 {
            return Ok(count);
        }
    }
}

/// A stream decoded to UTF-8; faults become U+FFFD, every kind of line end becomes `\n`, and the last line
/// has one. Stops a record that never ends.
pub(super) struct Decoded {
    from: Raw,
    decoder: Decoder,
    raw: Vec<u8>,
    pending: std::ops::Range<usize>,
    ended: bool,
    finished: bool,
    after_return: bool,
    text: Vec<u8>,
    given: usize,
    left: Arc<AtomicU64>,
}

/// Lets a reader of records tell [`Decoded`] that another one begins.
pub(super) struct RecordGuard(Arc<AtomicU64>);

impl RecordGuard {
    /// Another record begins: it may again be as long as [`RECORD_MAX`].
    pub(super) fn renew(&self) {
        self.0
            .store(RECORD_MAX + 2 * CHUNK as u64, Ordering::Relaxed);
    }

    /// Whether the stream was stopped because a record was too long.
    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Decoded {
    /// Decodes `from`.
    pub(super) fn new(from: Raw, encoding: &'static Encoding) -> (Self, RecordGuard) {
        let left = Arc::new(AtomicU64::new(0));
        let guard = RecordGuard(Arc::clone(&left));
        guard.renew();
        let stream = Self {
            from,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; CHUNK],
            pending: 0..0,
            ended: false,
            finished: false,
            after_return: false,
            text: Vec::with_capacity(3 * CHUNK),
            given: 0,
            left,
        };
        (stream, guard)
    }

    fn refill(&mut self) -> io::Result<()> {
        if self.pending.is_empty() && !self.ended {
            let got = self.from.read(&mut self.raw)?;
            self.pending = 0..got;
            self.ended = got == 0;
        }
        self.text.resize(3 * CHUNK, 0);
        let input = &self.raw[self.pending.clone()];
        let (result, read, written, _) =
            self.decoder
                .decode_to_utf8(input, &mut self.text, self.ended);
        self.pending.start += read;
        self.text.truncate(written);
        self.given = 0;
        self.finished = self.ended && result == CoderResult::InputEmpty;
        self.unify_line_ends();
        Ok(())
    }

    fn unify_line_ends(&mut self) {
        let after_return = &mut self.after_return;
        self.text.retain(|&byte| {
            let is_second_half = *after_return && byte == b'\n';
            *after_return = byte == b'\r';
            !is_second_half
        });
        for byte in &mut self.text {
            if *byte == b'\r' {
                *byte = b'\n';
            }
        }
        if self.finished {
            self.text.push(b'\n');
        }
    }
}

impl Read for Decoded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.finished {
            self.refill()?;
        }
        let ready = &self.text[self.given..];
        let size = ready.len().min(buffer.len());
        let left = self.left.load(Ordering::Relaxed);
        self.left
            .store(left.saturating_sub(size as u64), Ordering::Relaxed);
        if size as u64 >= left && size > 0 {
            return Err(io::Error::other("a record without end"));
        }
        buffer[..size].copy_from_slice(&ready[..size]);
        self.given += size;
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(bytes).unwrap();
        gz.finish().unwrap()
    }

    fn text_of(path: &Path) -> String {
        let encoding = detect(path).unwrap();
        let (mut decoded, _) = Decoded::new(open(path, Arc::default()).unwrap(), encoding);
        let mut text = String::new();
        decoded.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        // 㐂 is in GB18030 as four bytes and not in GBK
        let text = "编号,诉求\n1,路灯不亮㐂\n\n";
        let told = text.trim_end_matches('\n').replace('\n', "\r\n") + "\r";
        let utf16: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(told.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let gb18030 = GB18030.encode(&told).0.into_owned();
        let cases = [
            told.as_bytes().to_vec(),
            ["\u{feff}", &told].concat().into_bytes(),
            gb18030,
            utf16,
        ];
        for bytes in cases {
            assert_eq!(text_of(file(&bytes).path()), text, "{bytes:?}");
            assert_eq!(
                text_of(file(&gzip(&bytes)).path()),
                text,
                "gzip of {bytes:?}"
            );
        }
    }

    #[test]
    fn a_character_across_two_chunks_is_whole() {
        for shift in 0..3 {
            let text = format!("{}{}\n", "a".repeat(shift), "诉求".repeat(CHUNK));
            let told = text.trim_end();
            assert!(
                text_of(file(told.as_bytes()).path()) == text,
                "UTF-8, {shift}"
            );
            assert!(
                text_of(file(&GB18030.encode(told).0).path()) == text,
                "GB18030, {shift}"
            );
        }
    }

    #[test]
    fn one_bad_byte_spoils_one_character() {
        let mut bytes = "诉求".repeat(100).into_bytes();
        bytes.push(0xff);
        assert!(text_of(file(&bytes).path()).ends_with("求\u{fffd}\n"));
    }

    #[test]
    fn noise_is_no_text() {
        let noise: Vec<u8> = (0..9000u32)
            .map(|i| i.wrapping_mul(2_654_435_761).to_be_bytes()[1] | 1)
            .collect();
        assert!(matches!(
            detect(file(&noise).path()),
            Err(ReadError::UnknownFormat(_))
        ));
        assert!(matches!(
            detect(file(b"a,b\n\0\0").path()),
            Err(ReadError::UnknownFormat(_))
        ));
    }
}
