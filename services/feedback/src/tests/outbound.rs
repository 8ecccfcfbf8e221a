//! Outbound files: every reply stands there exactly once, whatever happens between file and commit.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Mutex;

use hotline_platform::reaction::{DueTimer, ReactionError, TimerHandler};
use hotline_platform::testing;
use hotline_platform::work::Work;
use hotline_proto::event::body::Event;
use hotline_proto::event::{AppealChange, ReplyState};

use super::told::appeal_changed;
use super::{Bench, benches};
use crate::app::outbound::{Lines, Outbound, Turn};
use crate::domain::reply::Reply;

/// Writes the file and then loses the transaction, as a kill between the two does.
struct Killed<'a>(&'a Outbound);

#[async_trait::async_trait]
impl TimerHandler for Killed<'_> {
    async fn fire(&self, work: &Work, timer: &DueTimer) -> Result<(), ReactionError> {
        self.0.fire(work, timer).await?;
        Err(ReactionError::Transient(
            "killed between the file and the commit".into(),
        ))
    }
}

/// Takes its turn and comes no further, and its transaction is rolled back.
struct Stopped<'a> {
    outbound: &'a Outbound,
    replies: Vec<Reply>,
    about_to_write: Mutex<Option<(Turn, Lines)>>,
}

#[async_trait::async_trait]
impl TimerHandler for Stopped<'_> {
    async fn fire(&self, work: &Work, _: &DueTimer) -> Result<(), ReactionError> {
        let is_first = self.about_to_write.lock().unwrap().is_none();
        if is_first {
            let turn = self.outbound.turn(work, "tel").await?;
            let lines = self.outbound.lines(&self.replies)?;
            *self.about_to_write.lock().unwrap() = Some((turn, lines));
        }
        Err(ReactionError::Transient("its session was ended".into()))
    }
}

async fn answers(bench: &Bench, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        bench
            .hears([appeal_changed(
                number,
                AppealChange::Answered,
                "可在窗口办理",
            )])
            .await;
    }
}

fn written(bench: &Bench) -> Vec<String> {
    bench
        .outbound_lines("tel")
        .iter()
        .map(|line| line["reply_id"].to_string())
        .collect()
}

#[tokio::test]
async fn a_kill_between_file_and_commit_doubles_and_loses_nothing() {
    for bench in benches().await {
        answers(&bench, 1..=3).await;
        bench.fires().await;
        answers(&bench, 4..=5).await;
        let killed = testing::fire_due(&bench.core, &Killed(&bench.outbound)).await;
        assert!(killed.is_err(), "{}: {killed:?}", bench.label);
        assert_eq!(
            written(&bench).len(),
            5,
            "{}: the killed write reached the file",
            bench.label
        );
        let queued = bench
            .replies()
            .await
            .iter()
            .filter(|reply| reply.state.word() == "queued")
            .count();
        assert_eq!(queued, 2, "{}: but not the ledger", bench.label);

        answers(&bench, 6..=6).await;
        bench.hours_pass(1);
        bench.fires().await;

        let written = written(&bench);
        let once: HashSet<_> = written.iter().collect();
        assert_eq!((written.len(), once.len()), (6, 6), "{}", bench.label);
        assert!(
            bench
                .replies()
                .await
                .iter()
                .all(|reply| reply.state.word() == "written")
        );
    }
}

/// Two processes run feedback. One is stopped when it is about to write; the server ends its session; the
/// other one writes more; the first goes on.
#[tokio::test]
async fn a_writer_that_was_stopped_cuts_off_nothing_that_another_committed() {
    for bench in benches().await {
        answers(&bench, 1..=1).await;
        let stopped = Stopped {
            outbound: &bench.outbound,
            replies: bench.replies().await,
            about_to_write: Mutex::default(),
        };
        let session_ended = testing::fire_due(&bench.core, &stopped).await;
        assert!(session_ended.is_err(), "{}", bench.label);

        let other = Outbound::new(bench.folder.path().join("outbound")).impatient();
        answers(&bench, 2..=3).await;
        // It waits for the one that is stopped, or has written everything.
        drop(testing::fire_due(&bench.core, &other).await);
        let about_to_write = stopped.about_to_write.into_inner().unwrap();
        let (turn, lines) = about_to_write.expect("it was its turn");
        turn.append(lines).await.unwrap();
        testing::fire_due(&bench.core, &other).await.unwrap();

        let written = written(&bench);
        let once: HashSet<_> = written.iter().collect();
        assert_eq!((written.len(), once.len()), (3, 3), "{}", bench.label);
    }
}

#[tokio::test]
async fn a_torn_line_is_cut_off() {
    for bench in benches().await {
        answers(&bench, 1..=1).await;
        bench.fires().await;
        let path = bench.folder.path().join("outbound/tel.jsonl");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"{\"reply_id\":\"torn").unwrap();
        drop(file);

        answers(&bench, 2..=2).await;
        bench.fires().await;
        assert_eq!(written(&bench).len(), 2, "{}", bench.label);
    }
}

#[tokio::test]
async fn many_replies_of_a_channel_are_written_together_and_told_once_each() {
    for bench in benches().await {
        answers(&bench, 1..=300).await;
        bench.fires().await;

        let written = written(&bench);
        let once: HashSet<_> = written.iter().collect();
        assert_eq!((written.len(), once.len()), (300, 300), "{}", bench.label);
        let log = testing::log(&bench.core).await;
        let told = log.iter().filter(|(_, body)| match &body.event {
            Some(Event::ReplyChanged(changed)) => {
                changed.reply.as_ref().unwrap().state() == ReplyState::Written
            }
            _ => false,
        });
        assert_eq!(told.count(), 300, "{}", bench.label);
    }
}

#[tokio::test]
async fn an_outbound_line_holds_these_fields_and_no_others() {
    for bench in benches().await {
        answers(&bench, 1..=1).await;
        bench.fires().await;
        let lines = bench.outbound_lines("tel");
        let mut fields: Vec<_> = lines[0]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        fields.sort_unstable();
        let expected = [
            "appeal_number",
            "channel",
            "contact_ref",
            "kind",
            "replied_at",
            "reply_id",
            "text",
        ];
        assert_eq!(fields, expected, "{}", bench.label);
    }
}
