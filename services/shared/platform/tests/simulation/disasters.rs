//! What can go wrong from outside, one at a time.

use std::sync::atomic::Ordering;

use hotline_platform::core::CoreError;
use hotline_platform::testing::steps;
use hotline_platform::{epoch, parked, replay};
use sea_orm::ConnectionTrait;

use crate::carrier::Habits;
use crate::judge::Verdict;
use crate::ledger::{bound, cause, get, rows};
use crate::mirror::Trouble;
use crate::run::Run;

impl Run {
    pub async fn disaster(&mut self) -> Verdict {
        let kind = self.world.fate.draw(18);
        match kind {
            0 => self.note_and("the courier forgets", |run| run.world.carrier.forget()),
            1 => self.note_and("the courier goes back", |run| run.world.carrier.go_back()),
            2 => self.note_and("the courier will remember", |run| {
                run.world.carrier.remember();
            }),
            3 => self.note_and("the courier is spoilt", |run| run.world.carrier.spoil()),
            4 | 5 => self.habits(),
            6 => {
                let index = self
                    .world
                    .pick(self.world.producers.len())
                    .unwrap_or_default();
                self.note_and("a process of the ledger is killed", |run| {
                    run.world.restart_producer(run.seed, index);
                });
            }
            7 => {
                let index = self
                    .world
                    .pick(self.world.consumers.len())
                    .unwrap_or_default();
                self.note_and("a process of the mirror is killed", |run| {
                    run.world.restart_consumer(run.seed, index);
                });
            }
            8 | 9 => self.fall_asleep(),
            10 => self.trouble(),
            11 => self.heal(),
            12 => self.trouble_timers(),
            13 => self.cut_the_way(),
            14 => self.back_up().await,
            15 => self.restore().await,
            16 => self.raise_epoch().await,
            _ => self.person().await?,
        }
        Ok(())
    }

    fn note_and(&mut self, what: &str, happens: impl FnOnce(&mut Self)) {
        self.world.trace.note("world", what);
        happens(self);
    }

    fn habits(&mut self) {
        let fate = &self.world.fate;
        let bad = |percent| {
            if fate.draw(2) == 0 {
                0
            } else {
                fate.draw(percent)
            }
        };
        let habits = Habits {
            fails: bad(40),
            loses: bad(40),
            muddles: bad(60),
            dawdles: bad(60),
        };
        self.world.carrier.set(habits);
        self.world
            .trace
            .note("world", "the courier has other habits");
    }

    /// A reader sleeps, wherever it is; its lease ends meanwhile.
    fn fall_asleep(&mut self) {
        let index = self
            .world
            .pick(self.world.consumers.len())
            .unwrap_or_default();
        let steps = 20 + self.world.fate.draw(60);
        self.world.consumers[index].asleep_until = self.step + steps;
        self.world.stage.advance(16_000_000);
        self.world
            .trace
            .note("mirror", format_args!("{index} sleeps for {steps} steps"));
    }

    fn trouble(&mut self) {
        let Some(index) = self.world.pick(self.world.accounts.len()) else {
            return;
        };
        let trouble = match self.world.fate.draw(4) {
            0 => Trouble::Transient,
            1 => Trouble::Permanent,
            2 => Trouble::Unknown,
            _ => Trouble::Panic,
        };
        let account = self.world.accounts[index];
        self.world
            .troubles
            .lock()
            .expect("unpoisoned")
            .insert(account, trouble);
        self.world.trace.note(
            "world",
            format_args!("{account} is {trouble:?} to the mirror"),
        );
    }

    fn heal(&mut self) {
        self.world.troubles.lock().expect("unpoisoned").clear();
        self.world
            .timers
            .troubled
            .lock()
            .expect("unpoisoned")
            .clear();
        self.world.trace.note("world", "everything heals");
    }

    fn trouble_timers(&mut self) {
        if let Some(index) = self.world.pick(self.world.accounts.len()) {
            let account = self.world.accounts[index];
            self.world
                .timers
                .troubled
                .lock()
                .expect("unpoisoned")
                .insert(account);
            self.world
                .trace
                .note("world", format_args!("timers of {account} fail"));
        }
    }

    fn cut_the_way(&mut self) {
        let was_away = self.world.is_log_away.fetch_xor(true, Ordering::Relaxed);
        self.world
            .trace
            .note("world", format_args!("the log is away: {}", !was_away));
    }

    async fn back_up(&mut self) {
        self.world.storage_rests().await;
        let folder = &self.world.folder;
        std::fs::copy(folder.join("ledger.db"), folder.join("backup.db")).expect("copied");
        self.backed_up = self.answered.len();
        self.world.trace.note("world", "the ledger is backed up");
    }

    /// Everything stops, the ledger goes back to its backup and begins a new epoch, as operators do it.
    async fn restore(&mut self) {
        let backup = self.world.folder.join("backup.db");
        if !backup.exists() {
            return;
        }
        self.world.trace.note("world", "the ledger is restored");
        self.world.storage_rests().await;
        self.world.producers.clear();
        self.world.consumers.clear();
        self.world.late.clear();
        self.world.timers.locked.lock().expect("unpoisoned").clear();
        self.answered.truncate(self.backed_up);
        self.world.ledger.close().await;
        let file = self.world.folder.join("ledger.db");
        std::fs::copy(&backup, &file).expect("copied");
        self.world.ledger = steps::open(&file).await.expect("opens");
        self.forget_the_lost_future().await;
        self.world.start_all(self.seed);
        let (ledger, mirror) = (&self.world.producers[0].core, &self.world.consumers[0].core);
        epoch::raise(ledger, &[mirror], &cause("administrator"))
            .await
            .expect("raised");
        epoch::enter(mirror, ledger).await.expect("entered");
    }

    /// What the mirror heard of events that are no more is its own to undo.
    async fn forget_the_lost_future(&self) {
        let mirror = self.world.mirror.read();
        let heads = rows(
            self.world.ledger.read(),
            "SELECT partition, next_seq FROM outbox_head",
        )
        .await;
        for head in heads {
            for table in ["heard", "parked"] {
                let text = format!("DELETE FROM {table} WHERE partition = $1 AND pub_seq >= $2");
                let values = vec![
                    get::<i32>(&head, "partition").into(),
                    get::<i64>(&head, "next_seq").into(),
                ];
                mirror
                    .execute_raw(bound(&text, values))
                    .await
                    .expect("deleted");
            }
        }
    }

    /// A new epoch without a loss, while everybody runs.
    async fn raise_epoch(&mut self) {
        let core = &self.world.producers[0].core;
        let raised = epoch::raise(core, &[], &cause("administrator"))
            .await
            .expect("raised");
        self.world
            .trace
            .note("world", format_args!("the log begins epoch {raised}"));
    }

    /// A person replays the mirror, skips what is parked, or sends again what was answered.
    async fn person(&mut self) -> Verdict {
        match self.world.fate.draw(3) {
            0 => {
                let reaction = self.world.reaction();
                let core = &self.world.consumers[0].core;
                replay::replay(core, &reaction, &cause("administrator"))
                    .await
                    .expect("replayed");
                self.world.trace.note("world", "the mirror is replayed");
            }
            1 => {
                let core = &self.world.consumers[0].core;
                let parked = parked::list(core, None, 1).await.expect("readable");
                for event in parked {
                    let cause = cause("administrator");
                    parked::skip(core, event.event_id, &cause, "no use")
                        .await
                        .expect("skipped");
                    self.world.trace.note(
                        "world",
                        format_args!("{}:{} is skipped", event.partition, event.pub_seq),
                    );
                }
            }
            _ => self.send_again().await?,
        }
        Ok(())
    }

    async fn send_again(&mut self) -> Verdict {
        let Some(index) = self.world.pick(self.answered.len()) else {
            return Ok(());
        };
        let (command, version) = self.answered[index].clone();
        let core = self.world.producers[0].core.clone();
        let again = core
            .execute::<i64, CoreError, _>(command.context(), command.clone().work())
            .await;
        match again {
            Ok(told) if told == version => Ok(()),
            other => Err(format!(
                "{} was answered {version}, then {other:?}",
                command.key
            )),
        }
    }
}
