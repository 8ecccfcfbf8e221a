//! Writes queued replies into their channel's outbound file, each exactly once.
//!
//! `<data_dir>/outbound/<channel>.jsonl` holds one JSON object per line and no personal data: who
//! delivers asks intake for the contact at that moment. How much of a file is committed stands in
//! the database, in the same transaction as the replies' new state. What a crash left behind the
//! committed end was never written as far as anybody knows, so it is cut off before the next append.

use std::io::SeekFrom;
use std::path::PathBuf;

use async_trait::async_trait;
use hotline_kernel::mask::Masker;
use hotline_platform::core::CoreError;
use hotline_platform::reaction::{DueTimer, ReactionError, TimerHandler};
use hotline_platform::work::{Cause, Work};
use serde::Serialize;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::settle::{WRITE_OUTBOUND, tell_reply};
use crate::domain::reply::{Reply, ReplyState, ReplyStep};
use crate::store::outbound::Committed;
use crate::store::{outbound, replies};

/// At most this many replies are written with one fsync.
const BATCH_MAX: u64 = 256;

/// A line of an outbound file.
#[derive(Debug, Serialize)]
struct Line<'a> {
    reply_id: String,
    appeal_number: &'a str,
    channel: &'a str,
    contact_ref: &'a str,
    kind: &'static str,
    text: &'a str,
    replied_at: String,
}

/// The outbound files, and the timer that writes them.
pub(crate) struct Outbound {
    folder: PathBuf,
    masker: Masker,
}

impl Outbound {
    /// Files in `folder`, which is made when the first reply is written.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            masker: Masker::standard(),
        }
    }

    /// Writes all queued replies of a channel, up to [`BATCH_MAX`], `asked` among them.
    async fn write(&self, work: &Work, cause: &Cause, asked: Reply) -> Result<(), ReactionError> {
        let channel = asked.channel_code.clone();
        let committed = outbound::lock(work.txn(), &channel).await?;
        let mut queued =
            replies::oldest(&**work.txn(), &channel, ReplyState::Queued, BATCH_MAX).await?;
        if !queued.iter().any(|reply| reply.id == asked.id) {
            queued.push(asked);
        }

        let mut lines = String::new();
        for reply in &queued {
            lines.push_str(&self.line(reply)?);
            lines.push('\n');
        }
        for reply in &mut queued {
            let written = reply.state.after(ReplyStep::Write);
            reply.state =
                written.map_err(|refused| ReactionError::Permanent(refused.to_string()))?;
            reply.version += 1;
            replies::save_state(work.txn(), reply).await?;
            tell_reply(work, cause, reply);
        }

        let bytes = self
            .append(&channel, committed.bytes, lines.as_bytes())
            .await
            .map_err(|error| ReactionError::Transient(Box::new(error)))?;
        let lines = committed.lines + queued.len() as u64;
        outbound::save(work.txn(), &channel, Committed { bytes, lines }).await?;
        Ok(())
    }

    fn line(&self, reply: &Reply) -> Result<String, CoreError> {
        let is_published = reply.contact_ref.is_empty();
        let text = if is_published {
            self.masker.public(&reply.text)
        } else {
            reply.text.clone()
        };
        let line = Line {
            reply_id: reply.id.to_string(),
            appeal_number: &reply.appeal_number,
            channel: &reply.channel_code,
            contact_ref: &reply.contact_ref,
            kind: reply.cause.word(),
            text: &text,
            replied_at: reply
                .replied_at
                .to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        };
        serde_json::to_string(&line).map_err(|error| CoreError::Storage(Box::new(error)))
    }

    /// Appends `lines` behind the committed end and forces them to the disk; the file's new length.
    async fn append(&self, channel: &str, committed: u64, lines: &[u8]) -> std::io::Result<u64> {
        fs::create_dir_all(&self.folder).await?;
        let path = self.folder.join(file_name(channel));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .await?;
        let length = file.metadata().await?.len();
        // A shorter file was taken away by whoever delivers; the new one begins where it ends.
        let end = committed.min(length);
        file.set_len(end).await?;
        file.seek(SeekFrom::Start(end)).await?;
        file.write_all(lines).await?;
        file.flush().await?;
        file.sync_all().await?;
        // The name of a new file must survive too.
        File::open(&self.folder).await?.sync_all().await?;
        Ok(end + lines.len() as u64)
    }
}

#[async_trait]
impl TimerHandler for Outbound {
    async fn fire(&self, work: &Work, timer: &DueTimer) -> Result<(), ReactionError> {
        if timer.kind != WRITE_OUTBOUND {
            return Err(ReactionError::Permanent(format!(
                "feedback has no timer {}",
                timer.kind
            )));
        }
        let found = replies::find(&**work.txn(), timer.aggregate_id.into()).await?;
        let Some(reply) = found.filter(|reply| reply.state == ReplyState::Queued) else {
            return Ok(()); // written along with another one
        };
        self.write(work, &timer_cause(), reply).await
    }
}

fn timer_cause() -> Cause {
    Cause {
        actor: "timer".to_owned(),
        unit_code: String::new(),
        from_addr: String::new(),
        method: format!("timer:{WRITE_OUTBOUND}"),
        trace_parent: String::new(),
    }
}

/// A channel's file. Codes are a city's own words, so whatever is no plain letter is written as hex.
fn file_name(channel: &str) -> String {
    let mut name = String::new();
    for byte in channel.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' {
            name.push(char::from(byte));
        } else {
            name.extend(format!("%{byte:02X}").chars());
        }
    }
    name + ".jsonl"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_code_cannot_leave_the_folder() {
        let cases = [
            ("tel12345", "tel12345.jsonl"),
            ("mayor_mailbox", "mayor_mailbox.jsonl"),
            ("../escape", "%2E%2E%2Fescape.jsonl"),
            ("市长", "%E5%B8%82%E9%95%BF.jsonl"),
        ];
        for (code, expected) in cases {
            assert_eq!(file_name(code), expected);
        }
    }

    #[tokio::test]
    async fn what_was_not_committed_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let outbound = Outbound::new(folder.path().join("outbound"));
        let path = folder.path().join("outbound/tel.jsonl");

        let first = outbound.append("tel", 0, b"one\n").await.unwrap();
        outbound.append("tel", first, b"lost wi").await.unwrap();
        let second = outbound.append("tel", first, b"two\n").await.unwrap();

        assert_eq!((first, second), (4, 8));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }

    #[tokio::test]
    async fn a_file_that_was_taken_away_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let outbound = Outbound::new(folder.path().to_owned());
        let first = outbound.append("tel", 0, b"one\n").await.unwrap();
        std::fs::remove_file(folder.path().join("tel.jsonl")).unwrap();

        let end = outbound.append("tel", first, b"two\n").await.unwrap();

        assert_eq!(end, 4);
        assert_eq!(
            std::fs::read_to_string(folder.path().join("tel.jsonl")).unwrap(),
            "two\n"
        );
    }
}
