//! Writes queued replies into their channel's outbound file, each exactly once.
//!
//! `<data_dir>/outbound/<channel>.jsonl` holds one JSON object per line and no personal data: who
//! delivers asks intake for the contact at that moment. How much of a file is committed stands in
//! the database, in the same transaction as the replies' new state. What a crash left behind the
//! committed end was never written as far as anybody knows, so it is cut off before the next append
//! (`committed`); whoever delivers may take a file away at any time, and a new one is begun.

mod committed;

use std::collections::HashSet;
use std::io::SeekFrom;
use std::path::PathBuf;

use async_trait::async_trait;
use hotline_kernel::mask::Masker;
use hotline_platform::core::CoreError;
use hotline_platform::fault;
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

/// What is appended at once.
#[derive(Debug, Default)]
struct Lines {
    /// The replies in it; none of them is committed yet, wherever their lines already stand.
    reply_ids: HashSet<String>,
    text: String,
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

        let mut batch = Lines::default();
        for reply in &queued {
            batch.reply_ids.insert(reply.id.to_string());
            batch.text.push_str(&self.line(reply)?);
            batch.text.push('\n');
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
            .append(&channel, committed.bytes, &batch)
            .await
            .map_err(|error| ReactionError::Transient(Box::new(error)))?;
        let lines = committed.lines + queued.len() as u64;
        fault::point("outbound.synced");
        outbound::save(work.txn(), &channel, Committed { bytes, lines }).await?;
        fault::point("outbound.noted");
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

    /// Appends `lines` behind what is committed and forces them to the disk; the file's new length.
    async fn append(&self, channel: &str, committed: u64, lines: &Lines) -> std::io::Result<u64> {
        fs::create_dir_all(&self.folder).await?;
        let path = self.folder.join(file_name(channel));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .await?;
        let end = committed::end(&mut file, committed, &lines.reply_ids).await?;
        file.set_len(end).await?;
        file.seek(SeekFrom::Start(end)).await?;
        file.write_all(lines.text.as_bytes()).await?;
        file.flush().await?;
        fault::point("outbound.written");
        file.sync_all().await?;
        // The name of a new file must survive too.
        File::open(&self.folder).await?.sync_all().await?;
        Ok(end + lines.text.len() as u64)
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

    #[tokio::test]
    async fn what_was_not_committed_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let outbound = Outbound::new(folder.path().join("outbound"));
        let path = folder.path().join("outbound/tel.jsonl");
        let (one, lost, two) = (line("1", "一"), line("2", "lost"), line("2", "二"));

        let first = outbound.append("tel", 0, &one).await.unwrap();
        outbound.append("tel", first, &lost).await.unwrap();
        let second = outbound.append("tel", first, &two).await.unwrap();

        assert_eq!(first, one.text.len() as u64);
        assert_eq!(second, first + two.text.len() as u64);
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written, one.text + &two.text);
    }

    /// The file is taken away, a crash loses the transaction of the next lines, and they come again,
    /// with one more: whatever the lengths of the two files, each line stands there once.
    #[tokio::test]
    async fn a_crash_after_the_file_was_taken_away_doubles_nothing() {
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
                let outbound = Outbound::new(folder.path().to_owned());
                let path = folder.path().join("tel.jsonl");
                let lost = together(&[line("2", "二"), line("3", "三")]);
                let again = together(&[line("2", "二"), line("3", "三"), line("4", "四")]);

                let first = outbound.append("tel", 0, &together(&before)).await.unwrap();
                std::fs::remove_file(&path).unwrap();
                let torn = outbound.append("tel", first, &lost).await.unwrap();
                if is_torn {
                    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                    file.set_len(torn - 3).unwrap();
                }
                let end = outbound.append("tel", first, &again).await.unwrap();

                let written = std::fs::read_to_string(&path).unwrap();
                assert_eq!(written, again.text, "{label}, torn: {is_torn}");
                assert_eq!(end, again.text.len() as u64, "{label}, torn: {is_torn}");
            }
        }
    }

    #[tokio::test]
    async fn what_the_deliverer_left_in_a_shortened_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let outbound = Outbound::new(folder.path().to_owned());
        let path = folder.path().join("tel.jsonl");
        let both = together(&[line("1", "一"), line("2", "二")]);
        let first = outbound.append("tel", 0, &both).await.unwrap();
        std::fs::write(&path, line("2", "二").text).unwrap();

        outbound
            .append("tel", first, &line("3", "三"))
            .await
            .unwrap();

        let expected = together(&[line("2", "二"), line("3", "三")]).text;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    }

    #[tokio::test]
    async fn a_file_that_was_taken_away_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let outbound = Outbound::new(folder.path().to_owned());
        let path = folder.path().join("tel.jsonl");
        let first = outbound.append("tel", 0, &line("1", "一")).await.unwrap();
        std::fs::remove_file(&path).unwrap();
        let two = line("2", "二");

        let end = outbound.append("tel", first, &two).await.unwrap();

        assert_eq!(end, two.text.len() as u64);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), two.text);
    }
}
