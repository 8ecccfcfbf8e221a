//! What clients meant to do and what they were promised: a file of its own, on the disk before it counts.
//!
//! An intent is forced to the disk before its call is sent, an acknowledgement before it is counted,
//! so the checker knows what was promised from nobody's memory but the disk's.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

/// Lines that share an fdatasync at most.
const BATCH_MAX: usize = 1024;

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Entry {
    /// A submission will be sent, as often as it takes.
    Submission {
        /// Its idempotency key.
        key: String,
        /// What is said; no other submission says the same.
        text: String,
    },
    /// A submission got its receipt; once for each time it was sent.
    Receipt {
        /// Of which submission.
        key: String,
        /// The appeal's id.
        appeal_id: String,
        /// The appeal's number.
        number: String,
        /// Opens the progress query with the number.
        query_code: String,
    },
    /// A command will be sent, as often as it takes.
    Command {
        /// Its idempotency key.
        key: String,
        /// Which service carries it out.
        service: String,
        /// What it does.
        deed: String,
        /// Who gives it, as histories name him.
        actor: String,
        /// What it changes: an appeal, a ticket, a follow-up.
        subject_id: String,
        /// The version that was seen.
        version: i64,
    },
    /// A command was carried out.
    Done {
        /// Which one.
        key: String,
        /// The subject's version after it.
        version: i64,
    },
    /// A command was refused for good.
    Refused {
        /// Which one.
        key: String,
        /// The status code.
        code: String,
    },
}

type Line = (String, oneshot::Sender<()>);

/// The open ledger. Cheap to share by reference; dropping it ends its writer.
pub struct Ledger {
    sender: Option<Sender<Line>>,
    writer: Option<JoinHandle<()>>,
}

impl Ledger {
    /// A new ledger at `path`.
    pub fn create(path: &Path) -> Self {
        let file = OpenOptions::new().append(true).create_new(true).open(path);
        let file = file.expect("a new file");
        let (sender, receiver) = channel();
        let writer = std::thread::spawn(move || write(file, &receiver));
        Self {
            sender: Some(sender),
            writer: Some(writer),
        }
    }

    /// Writes `entry`; returns once it is on the disk.
    pub async fn write(&self, entry: &Entry) {
        let mut line = serde_json::to_string(entry).expect("an entry is JSON");
        line.push('\n');
        let (written, is_written) = oneshot::channel();
        let sender = self.sender.as_ref().expect("open until it is dropped");
        sender.send((line, written)).expect("the writer lives");
        is_written.await.expect("the disk takes it");
    }

    /// Every entry of the ledger at `path`, in order.
    pub fn read(path: &Path) -> Vec<Entry> {
        let text = std::fs::read_to_string(path).expect("the ledger can be read");
        let entry = |line| serde_json::from_str(line).expect("a line is an entry");
        text.lines().map(entry).collect()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
    }
}

fn write(mut file: File, receiver: &Receiver<Line>) {
    while let Ok(first) = receiver.recv() {
        let more = receiver.try_iter().take(BATCH_MAX - 1);
        let batch: Vec<Line> = std::iter::once(first).chain(more).collect();
        let text: String = batch.iter().map(|(line, _)| line.as_str()).collect();
        file.write_all(text.as_bytes()).expect("room on the disk");
        file.sync_data().expect("the disk takes it");
        for (_, written) in batch {
            // Who asked may have been stopped meanwhile; the line stands all the same.
            written.send(()).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Ledger};

    #[tokio::test]
    async fn what_was_written_is_read_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let entries: Vec<Entry> = (0..3)
            .map(|number| Entry::Submission {
                key: format!("key-{number}"),
                text: "路灯不亮".to_owned(),
            })
            .collect();
        let ledger = Ledger::create(&path);
        for entry in &entries {
            ledger.write(entry).await;
        }
        assert_eq!(Ledger::read(&path), entries);
    }
}
