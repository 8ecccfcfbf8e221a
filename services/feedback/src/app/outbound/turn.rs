//! A turn at an outbound file: what it appends, and how others are kept from it.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Error, ErrorKind, Result, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotline_platform::fault;

use super::committed;
use crate::store::outbound::Committed;

/// How often a lock that another process holds is tried.
const LOOK: Duration = Duration::from_millis(20);

/// What is appended at once.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The replies in it; none of them is committed yet, wherever their lines already stand.
    pub(super) reply_ids: HashSet<String>,
    pub(super) text: String,
}

/// The lock of all outbound files of a data folder. The operating system ends it with the process.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "held open: closing it is what unlocks")] File);

/// A channel's file, for one writer alone.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(super) held: Held,
    /// How far the file is committed.
    pub(super) committed: Committed,
    pub(super) path: PathBuf,
}

/// Takes the lock of the outbound files in `folder`, which is made if it is missing. The lock lies beside
/// it, so that whoever delivers can take away all that is in it.
pub(super) async fn hold(folder: &Path, patience: Duration) -> Result<Held> {
    fs::create_dir_all(folder)?;
    let path = folder.with_extension("lock");
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let taken = async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    };
    let told = "another process writes the outbound files";
    let taken = tokio::time::timeout(patience, taken).await;
    taken.unwrap_or_else(|_| Err(Error::new(ErrorKind::WouldBlock, told)))?;
    Ok(Held(file))
}

impl Turn {
    /// Appends `lines` and ends the turn; the file's new length. Whoever stops waiting for it does not
    /// end it.
    pub(crate) async fn append(self, lines: Lines) -> Result<u64> {
        let appended = tokio::task::spawn_blocking(move || {
            let end = append(&self.path, self.committed.bytes, &lines);
            drop(self.held);
            end
        });
        appended.await.map_err(Error::other)?
    }
}

/// Appends `lines` behind what is committed and forces them to the disk; the file's new length.
fn append(path: &Path, committed: u64, lines: &Lines) -> Result<u64> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let end = committed::end(&mut file, committed, &lines.reply_ids)?;
    file.set_len(end)?;
    file.seek(SeekFrom::Start(end))?;
    file.write_all(lines.text.as_bytes())?;
    fault::point("outbound.written");
    file.sync_all()?;
    // The name of a new file must survive too.
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(end + lines.text.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, text: &str) -> Lines {
        Lines {
            reply_ids: HashSet::from([id.to_owned()]),
            text: format!("{{\"reply_id\":\"{id}\",\"text\":\"{text}\"}}\n"),
        }
    }

    fn together(lines: &[Lines]) -> Lines {
        Lines {
            reply_ids: lines
                .iter()
                .flat_map(|lines| lines.reply_ids.clone())
                .collect(),
            text: lines.iter().map(|lines| lines.text.as_str()).collect(),
        }
    }

    #[test]
    fn what_was_not_committed_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tel.jsonl");
        let (one, lost, two) = (line("1", "一"), line("2", "lost"), line("2", "二"));

        let first = append(&path, 0, &one).unwrap();
        append(&path, first, &lost).unwrap();
        let second = append(&path, first, &two).unwrap();

        assert_eq!(first, one.text.len() as u64);
        assert_eq!(second, first + two.text.len() as u64);
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written, one.text + &two.text);
    }

    /// The file is taken away, a crash loses the transaction of the next lines, and they come again,
    /// with one more: whatever the lengths of the two files, each line stands there once.
    #[test]
    fn a_crash_after_the_file_was_taken_away_doubles_nothing() {
        let cases = [
            (
                "a longer file before",
                vec![line("1", "很长很长很长很长的一行")],
            ),
            ("one just as long", vec![line("1", "二")]),
            ("a shorter one", vec![line("1", "")]),
            ("several", vec![line("0", "二"), line("1", "二")]),
        ];
        for (label, before) in cases {
            for is_torn in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("tel.jsonl");
                let lost = together(&[line("2", "二"), line("3", "三")]);
                let again = together(&[line("2", "二"), line("3", "三"), line("4", "四")]);

                let first = append(&path, 0, &together(&before)).unwrap();
                std::fs::remove_file(&path).unwrap();
                let torn = append(&path, first, &lost).unwrap();
                if is_torn {
                    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                    file.set_len(torn - 3).unwrap();
                }
                let end = append(&path, first, &again).unwrap();

                let written = std::fs::read_to_string(&path).unwrap();
                assert_eq!(written, again.text, "{label}, torn: {is_torn}");
                assert_eq!(end, again.text.len() as u64, "{label}, torn: {is_torn}");
            }
        }
    }

    #[test]
    fn what_the_deliverer_left_in_a_shortened_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tel.jsonl");
        let both = together(&[line("1", "一"), line("2", "二")]);
        let first = append(&path, 0, &both).unwrap();
        std::fs::write(&path, line("2", "二").text).unwrap();

        append(&path, first, &line("3", "三")).unwrap();

        let expected = together(&[line("2", "二"), line("3", "三")]).text;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn a_file_that_was_taken_away_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tel.jsonl");
        let first = append(&path, 0, &line("1", "一")).unwrap();
        std::fs::remove_file(&path).unwrap();
        let two = line("2", "二");

        let end = append(&path, first, &two).unwrap();

        assert_eq!(end, two.text.len() as u64);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), two.text);
    }
}
