//! One file to import: which it is (its hash), and its rows whatever its format.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::records;
use super::sheet::SheetParser;
use super::source::{ReadError, RowSource};

/// The first bytes of a zip archive (XLSX).
const ZIP: &[u8] = b"PK\x03\x04";
/// The first bytes of an OLE container (XLS, and encrypted XLSX).
const OLE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];

/// SHA-256 of a file, in hex: which import it is.
///
/// # Errors
///
/// [`ReadError::File`].
pub(super) fn sha256(path: &Path) -> Result<String, ReadError> {
    let failed = |source| ReadError::File {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let got = file.read(&mut chunk).map_err(failed)?;
        if got == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&chunk[..got]);
    }
}

/// Opens a file by what its first bytes say, not by its name.
///
/// # Errors
///
/// [`ReadError`] if it cannot be read or is of no known format.
pub fn open(path: &Path, parser: &SheetParser) -> Result<Box<dyn RowSource>, ReadError> {
    let failed = |source| ReadError::File {
        path: path.to_owned(),
        source,
    };
    let mut magic = Vec::new();
    File::open(path)
        .map_err(failed)?
        .take(8)
        .read_to_end(&mut magic)
        .map_err(failed)?;
    if magic.starts_with(ZIP) || magic.starts_with(OLE) {
        let file = File::open(path).map_err(failed)?;
        return Ok(Box::new(parser.open(file)?));
    }
    records::open(path)
}
