//! A process on a disk whose power fails, or that refuses: `tests/shim/disk.c` under the real binary.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Numbers of the control file, in the order of `enum control` of the shim.
const CONTROLS: u64 = 5;

/// How a disk refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Writes, truncations and syncs fail: EIO.
    Broken,
    /// What needs room fails: ENOSPC.
    Full,
}

impl Refusal {
    const fn errno(self) -> u64 {
        match self {
            Self::Broken => 5,
            Self::Full => 28,
        }
    }
}

/// The shim, compiled, and what it shares with one process at a time.
pub struct Shim {
    folder: tempfile::TempDir,
    control: std::fs::File,
}

impl Shim {
    /// Compiles the shim.
    pub fn compile() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/disk.c");
        let compiled = Command::new("cc")
            .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror"])
            .args(["-shared", "-fPIC", "-pthread", "-o"])
            .arg(folder.path().join("disk.so"))
            .arg(source)
            .status();
        let compiled = compiled.expect("a C compiler is installed; tests/run does it");
        assert!(compiled.success(), "tests/shim/disk.c was not compiled");
        let control = std::fs::File::options()
            .create_new(true)
            .read(true)
            .write(true)
            .open(folder.path().join("control"))
            .expect("a temporary folder can be written");
        control.set_len(CONTROLS * 8).expect("a file grows");
        Self { folder, control }
    }

    /// Puts `command` on the disk that holds `data`, with an empty trace; nothing fails yet.
    pub fn put_under(&self, command: &mut Command, data: &Path) {
        for place in 0..CONTROLS {
            self.set(place, 0);
        }
        drop(std::fs::remove_file(self.trace_path())); // there is none before the first process
        command
            .env("LD_PRELOAD", self.folder.path().join("disk.so"))
            .env("DISK_FOLDER", data)
            .env("DISK_TRACE", self.trace_path())
            .env("DISK_CONTROL", self.folder.path().join("control"));
    }

    /// How many changes the process tried so far.
    pub fn count(&self) -> u64 {
        let mut bytes = [0; 8];
        let read = self.control.read_exact_at(&mut bytes, 0);
        read.expect("the control file can be read");
        u64::from_le_bytes(bytes)
    }

    /// Power fails at the `change`-th change from the start of the process.
    pub fn cut_at(&self, change: u64) {
        self.set(1, change);
    }

    /// Power fails at the next change.
    pub fn cut_now(&self) {
        self.cut_at(1);
    }

    /// `count` changes are refused, from the `skipped`-th from now.
    pub fn refuse(&self, refusal: Refusal, skipped: u64, count: u64) {
        let from = self.count() + skipped;
        self.set(4, refusal.errno());
        self.set(2, from);
        self.set(3, from.saturating_add(count));
    }

    /// Nothing is refused any more.
    pub fn allow(&self) {
        self.set(3, 0);
    }

    /// What was changed, in order; for [`crate::disk::Disk::follow`].
    pub fn trace(&self) -> Vec<u8> {
        std::fs::read(self.trace_path()).expect("the shim writes a trace")
    }

    fn set(&self, place: u64, number: u64) {
        let written = self.control.write_all_at(&number.to_le_bytes(), place * 8);
        written.expect("the control file can be written");
    }

    fn trace_path(&self) -> PathBuf {
        self.folder.path().join("trace")
    }
}
