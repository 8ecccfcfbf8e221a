//! What a power cut leaves of a folder: everything that was synced, and anything of the rest.
//!
//! A [`Disk`] follows the trace that `tests/shim/disk.c` writes. A change of a file is *pending* until the
//! file is synced, a change of names until the folder is. [`Disk::cut`] keeps a random part of what is
//! pending: of each file any of its changes, whole or torn into sectors, truncations too; of the names the
//! first few changes, because file systems keep a journal of them.

mod trace;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rand::Rng;
use rand::rngs::StdRng;

use self::trace::{Operation, Record};

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;
/// Files that are memory of a process; power takes them away.
const MEMORY_SUFFIX: &str = "-shm";

/// A folder as a process sees it, and as its disk holds it.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    /// Names as the process sees them, and what they stand for.
    seen: BTreeMap<String, usize>,
    /// Names that outlive a power cut.
    held: BTreeMap<String, usize>,
    renamings: Vec<Renaming>,
}

#[derive(Clone, Debug, Default)]
struct File {
    seen: Vec<u8>,
    held: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, data: Vec<u8> },
    Truncate { bytes: usize },
}

#[derive(Clone, Debug)]
enum Renaming {
    Add { name: String, file: usize },
    Remove { name: String },
}

/// How much of what is pending outlives a cut.
#[derive(Clone, Copy, Debug)]
enum Survival {
    Nothing,
    Everything,
    Parts,
}

impl Disk {
    /// The files of `folder`, all of them safe.
    pub fn read(folder: &Path) -> Self {
        let mut disk = Self::default();
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().expect("a file has a name");
            let name = name.to_str().expect("a plain name").to_owned();
            if path.is_file() && !name.ends_with(MEMORY_SUFFIX) {
                let data = std::fs::read(&path).expect("the file can be read");
                disk.seen.insert(name, disk.files.len());
                disk.files.push(File {
                    held: data.clone(),
                    seen: data,
                    pending: Vec::new(),
                });
            }
        }
        disk.held.clone_from(&disk.seen);
        disk
    }

    /// Follows a trace to its end. What a sync that failed leaves of a file is drawn from `random`: the
    /// system forgets that the rest was ever to be written, so no later sync brings it.
    pub fn follow(&mut self, trace: &[u8], random: &mut StdRng) {
        let mut rest = trace;
        while !rest.is_empty() {
            let (record, behind) = Record::read(rest);
            self.apply(&record, random);
            rest = behind;
        }
    }

    /// Panics unless `folder` holds what the process saw: the trace has everything.
    pub fn assert_seen(&self, folder: &Path) {
        let found = Self::read(folder);
        let names: Vec<&String> = self.seen.keys().collect();
        assert_eq!(found.seen.keys().collect::<Vec<_>>(), names, "names");
        for (name, &file) in &self.seen {
            let is_same = found.files[found.seen[name]].seen == self.files[file].seen;
            assert!(is_same, "{name} was changed past the trace");
        }
    }

    /// The disk after a power cut now.
    #[must_use]
    pub fn cut(mut self, random: &mut StdRng) -> Self {
        let survival = match random.random_range(0..4) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            _ => Survival::Parts,
        };
        let kept = match survival {
            Survival::Nothing => 0,
            Survival::Everything => self.renamings.len(),
            Survival::Parts => random.random_range(0..=self.renamings.len()),
        };
        self.renamings.truncate(kept);
        self.hold_names();
        let mut after = Self::default();
        for (name, file) in std::mem::take(&mut self.held) {
            self.files[file].hold_some(survival, random);
            let held = self.files[file].held.clone();
            after.held.insert(name, after.files.len());
            after.files.push(File {
                seen: held.clone(),
                held,
                pending: Vec::new(),
            });
        }
        after.seen.clone_from(&after.held);
        after
    }

    /// Makes `folder` hold exactly this disk.
    pub fn write(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_file() {
                std::fs::remove_file(path).expect("the file can be removed");
            }
        }
        for (name, &file) in &self.held {
            // As the process makes those that nobody else may read.
            let opened = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(folder.join(name));
            let mut opened = opened.expect("the folder can be written");
            let written = opened.write_all(&self.files[file].held);
            written.expect("the file can be written");
        }
    }

    /// How many changes a cut could take back now.
    pub fn pending(&self) -> usize {
        let of_files: usize = self.files.iter().map(|file| file.pending.len()).sum();
        of_files + self.renamings.len()
    }

    fn apply(&mut self, record: &Record<'_>, random: &mut StdRng) {
        let name = record.name.to_owned();
        match record.operation {
            Operation::Create => {
                self.add_name(name, self.files.len());
                self.files.push(File::default());
            }
            Operation::Write => self.change(
                &name,
                Change::Write {
                    offset: record.offset,
                    data: record.data.to_vec(),
                },
            ),
            Operation::Truncate => self.change(
                &name,
                Change::Truncate {
                    bytes: record.offset,
                },
            ),
            Operation::Unlink => self.remove_name(name),
            Operation::Rename => {
                let file = self.seen[&name];
                self.add_name(record.text().to_owned(), file);
                self.remove_name(name);
            }
            Operation::Link => self.add_name(record.text().to_owned(), self.seen[&name]),
            Operation::Sync if name.is_empty() => self.hold_names(),
            Operation::Sync => self.file(&name).hold_some(Survival::Everything, random),
            // A journal of names is written again; a file's pages are not.
            Operation::SyncFailed if name.is_empty() => {}
            Operation::SyncFailed => self.file(&name).hold_some(Survival::Parts, random),
        }
    }

    fn file(&mut self, name: &str) -> &mut File {
        &mut self.files[self.seen[name]]
    }

    fn change(&mut self, name: &str, change: Change) {
        let file = self.file(name);
        change.make(&mut file.seen);
        file.pending.push(change);
    }

    fn add_name(&mut self, name: String, file: usize) {
        self.seen.insert(name.clone(), file);
        self.renamings.push(Renaming::Add { name, file });
    }

    fn remove_name(&mut self, name: String) {
        self.seen.remove(&name);
        self.renamings.push(Renaming::Remove { name });
    }

    fn hold_names(&mut self) {
        for renaming in self.renamings.drain(..) {
            match renaming {
                Renaming::Add { name, file } => self.held.insert(name, file),
                Renaming::Remove { name } => self.held.remove(&name),
            };
        }
    }
}

impl File {
    /// Brings what survives of the pending changes to the disk, in their order; the rest is forgotten.
    fn hold_some(&mut self, survival: Survival, random: &mut StdRng) {
        for change in self.pending.drain(..) {
            match survival {
                Survival::Nothing => {}
                Survival::Everything => change.make(&mut self.held),
                Survival::Parts => match random.random_range(0..8) {
                    0..4 => {}
                    4..6 => change.make(&mut self.held),
                    _ => change.make_torn(&mut self.held, random),
                },
            }
        }
    }
}

impl Change {
    fn make(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, data } => put(content, *offset, data),
            Self::Truncate { bytes } => content.resize(*bytes, 0),
        }
    }

    /// Any of its sectors.
    fn make_torn(&self, content: &mut Vec<u8>, random: &mut StdRng) {
        let Self::Write { offset, data } = self else {
            return self.make(content);
        };
        let mut begin = 0;
        while begin < data.len() {
            let room = SECTOR_BYTES - (offset + begin) % SECTOR_BYTES;
            let end = data.len().min(begin + room);
            if random.random() {
                put(content, offset + begin, &data[begin..end]);
            }
            begin = end;
        }
    }
}

fn put(content: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(data);
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn record(operation: Operation, name: &str, offset: u64, data: &[u8]) -> Vec<u8> {
        let place = Operation::ALL.iter().position(|&each| each == operation);
        let mut bytes = u32::try_from(place.unwrap() + 1)
            .unwrap()
            .to_le_bytes()
            .to_vec();
        bytes.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes.extend((data.len() as u64).to_le_bytes());
        bytes.extend(name.bytes());
        bytes.extend(data);
        bytes
    }

    /// What stands in `a` after each of a hundred cuts.
    fn outcomes(trace: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        let outcome = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            let mut disk = Disk::default();
            disk.follow(&trace.concat(), &mut random);
            let disk = disk.cut(&mut random);
            let file = disk.held.get("a");
            file.map(|&file| disk.files[file].held.clone())
        };
        (0..100).map(outcome).collect()
    }

    #[test]
    fn what_was_synced_with_its_name_outlives_every_cut() {
        let trace = [
            record(Operation::Create, "a", 0, b""),
            record(Operation::Write, "a", 0, b"kept"),
            record(Operation::Sync, "a", 0, b""),
            record(Operation::Sync, "", 0, b""),
        ];
        for outcome in outcomes(&trace) {
            assert_eq!(outcome.as_deref(), Some(&b"kept"[..]));
        }
    }

    #[test]
    fn what_was_not_synced_is_lost_kept_or_torn() {
        let trace = [
            record(Operation::Create, "a", 0, b""),
            record(Operation::Sync, "", 0, b""),
            record(Operation::Write, "a", 0, &[1; 2 * SECTOR_BYTES]),
        ];
        let found = outcomes(&trace);
        let whole = vec![1; 2 * SECTOR_BYTES];
        let torn = [vec![0; SECTOR_BYTES], vec![1; SECTOR_BYTES]].concat();
        for expected in [Vec::new(), whole, torn] {
            assert!(found.contains(&Some(expected.clone())), "{expected:?}");
        }
    }

    #[test]
    fn a_name_that_was_not_synced_may_be_lost_with_its_file() {
        let trace = [
            record(Operation::Create, "a", 0, b""),
            record(Operation::Write, "a", 0, b"kept"),
            record(Operation::Sync, "a", 0, b""),
        ];
        let found = outcomes(&trace);
        assert!(found.contains(&None) && found.contains(&Some(b"kept".to_vec())));
    }

    #[test]
    fn a_sync_after_one_that_failed_does_not_bring_what_it_lost() {
        let trace = [
            record(Operation::Create, "a", 0, b""),
            record(Operation::Sync, "", 0, b""),
            record(Operation::Write, "a", 0, b"lost"),
            record(Operation::SyncFailed, "a", 0, b""),
            record(Operation::Sync, "a", 0, b""),
        ];
        assert!(outcomes(&trace).contains(&Some(Vec::new())));
    }
}
