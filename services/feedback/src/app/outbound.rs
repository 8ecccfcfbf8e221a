//! Writes queued replies into their channel's outbound file, each exactly once.
//!
//! `<data_dir>/outbound/<channel>.jsonl` holds one JSON object per line and no personal data: who
//! delivers asks intake for the contact at that moment. How much of a file is committed stands in
//! the database, in the same transaction as the replies' new state. What a crash left behind the
//! committed end was never written as far as anybody knows, so it is cut off before the next append
//! (`committed`); whoever delivers may take a file away at any time, and a new one is begun.
//!
//! The row of a channel keeps the processes that run feedback apart only while the session lives: one
//! that is stopped between row and file may go on when its transaction is long rolled back, and would
//! cut off what another has committed since. So whoever writes holds a lock of the operating system
//! ([`Turn`]), from before the row is read until the file is written.

mod committed;
mod turn;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use hotline_kernel::mask::Masker;
use hotline_platform::core::CoreError;
use hotline_platform::fault;
use hotline_platform::reaction::{DueTimer, ReactionError, TimerHandler};
use hotline_platform::work::{Cause, Work};
use serde::Serialize;

pub(crate) use self::turn::{Lines, Turn};
use super::settle::{WRITE_OUTBOUND, tell_reply};
use crate::domain::reply::{Reply, ReplyState, ReplyStep};
use crate::store::outbound::Committed;
use crate::store::{outbound, replies};

/// At most this many replies are written with one fsync.
const BATCH_MAX: u64 = 256;
/// How long another process may take to write, as long as its row in the database may be locked.
const PATIENCE: Duration = Duration::from_secs(10);

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
    patience: Duration,
}

impl Outbound {
    /// Files in `folder`, which is made when the first reply is written.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            masker: Masker::standard(),
            patience: PATIENCE,
        }
    }

    /// The same, which waits for no other process.
    #[cfg(test)]
    pub(crate) fn impatient(mut self) -> Self {
        self.patience = Duration::ZERO;
        self
    }

    /// Writes all queued replies of a channel, up to [`BATCH_MAX`], `asked` among them.
    async fn write(&self, work: &Work, cause: &Cause, asked: Reply) -> Result<(), ReactionError> {
        let channel = asked.channel_code.clone();
        let turn = self.turn(work, &channel).await?;
        let mut queued =
            replies::oldest(&**work.txn(), &channel, ReplyState::Queued, BATCH_MAX).await?;
        if !queued.iter().any(|reply| reply.id == asked.id) {
            queued.push(asked);
        }

        let batch = self.lines(&queued)?;
        for reply in &mut queued {
            let written = reply.state.after(ReplyStep::Write);
            reply.state =
                written.map_err(|refused| ReactionError::Permanent(refused.to_string()))?;
            reply.version += 1;
            replies::save_state(work.txn(), reply).await?;
            tell_reply(work, cause, reply);
        }

        let lines = turn.committed.lines + queued.len() as u64;
        let bytes = turn.append(batch).await.map_err(transient)?;
        fault::point("outbound.synced");
        outbound::save(work.txn(), &channel, Committed { bytes, lines }).await?;
        fault::point("outbound.noted");
        Ok(())
    }

    /// A turn at a channel's file. The operating system's lock comes first: what the row says then stays
    /// true until the turn is over, whatever becomes of the session.
    pub(crate) async fn turn(&self, work: &Work, channel: &str) -> Result<Turn, ReactionError> {
        let held = turn::hold(&self.folder, self.patience)
            .await
            .map_err(transient)?;
        let committed = outbound::lock(work.txn(), channel).await?;
        let path = self.folder.join(file_name(channel));
        Ok(Turn {
            held,
            committed,
            path,
        })
    }

    /// The lines of these replies.
    pub(crate) fn lines(&self, replies: &[Reply]) -> Result<Lines, CoreError> {
        let mut lines = Lines::default();
        for reply in replies {
            lines.reply_ids.insert(reply.id.to_string());
            lines.text.push_str(&self.line(reply)?);
            lines.text.push('\n');
        }
        Ok(lines)
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

fn transient(error: std::io::Error) -> ReactionError {
    ReactionError::Transient(Box::new(error))
}

fn timer_cause() -> Cause {
    Cause {
        actor: "timer".to_owned(),
        session: String::new(),
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
}
