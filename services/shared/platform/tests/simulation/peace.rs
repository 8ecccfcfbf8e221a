//! After the trouble: everybody must reach the end, and everything must hold.

use std::sync::atomic::Ordering;

use hotline_platform::fault::plan::Plan;
use hotline_platform::testing::steps;
use hotline_platform::timers;

use crate::carrier::Habits;
use crate::judge::{self, Ends, Look, Verdict};
use crate::ledger::cause;
use crate::mirror::Trouble;
use crate::run::Run;

/// Rounds in which everybody must reach the end.
const ROUNDS_MAX: u32 = 100;

impl Run {
    /// No new trouble: everybody reaches the end, first past what stays poisoned, then with nothing left.
    pub async fn peace(&mut self) -> Verdict {
        self.world.trace.note("world", "peace");
        self.calm();
        while !self.world.late.is_empty() {
            self.commit_late_in_peace().await?;
        }
        self.everybody_until("everybody reaches the end", 2_000, Ends::is_at_end)
            .await?;
        Look::at(&self.world).await.judge()?;
        self.world.troubles.lock().expect("unpoisoned").clear();
        self.world
            .timers
            .troubled
            .lock()
            .expect("unpoisoned")
            .clear();
        self.rearm().await;
        self.everybody_until("nothing is left", 3_600_000, Ends::is_over)
            .await?;
        let look = Look::at(&self.world).await;
        look.judge()?;
        judge::commands_are_done_once(&self.world, &self.answered).await?;
        self.world.trace.note("world", look.told());
        Ok(())
    }

    /// Faults end; what is poisoned stays so.
    fn calm(&mut self) {
        self.crashes = 0;
        self.commit_faults = 0;
        self.world.carrier.set(Habits::default());
        self.world.is_log_away.store(false, Ordering::Relaxed);
        let mut troubles = self.world.troubles.lock().expect("unpoisoned");
        troubles.retain(|_, trouble| *trouble != Trouble::Transient);
    }

    async fn commit_late_in_peace(&mut self) -> Verdict {
        let before = self.world.late.len();
        self.commit_late().await?;
        assert!(self.world.late.len() < before, "a late write ends");
        Ok(())
    }

    async fn everybody_until(
        &mut self,
        what: &str,
        millis: i64,
        is_reached: fn(&Ends) -> bool,
    ) -> Verdict {
        for _ in 0..ROUNDS_MAX {
            self.world.stage.advance(millis * 1000);
            while !self.world.unanswered.is_empty() {
                self.send(0, Plan::default()).await?;
            }
            for index in 0..self.world.producers.len() {
                let core = self.world.producers[index].core.clone();
                let handler = self.world.timers.clone();
                while steps::fire(&core, &handler)
                    .await
                    .is_ok_and(|fired| fired > 0)
                {}
            }
            self.relay().await;
            self.publisher().await;
            for index in 0..self.world.consumers.len() {
                for _ in 0..3 {
                    self.step_of_mirror(index, Plan::default()).await;
                }
            }
            self.retry_parked().await;
            if is_reached(&Ends::at(&self.world).await) {
                return Ok(());
            }
        }
        Err(format!(
            "not within {ROUNDS_MAX} rounds: {what}: {:?}",
            Ends::at(&self.world).await
        ))
    }

    /// Arms failed timers again, as a person would.
    async fn rearm(&mut self) {
        let core = self.world.producers[0].core.clone();
        let failed = timers::failed(&core, None, 1000).await.expect("readable");
        for timer in failed {
            let cause = cause("administrator");
            let is_armed = timers::rearm(&core, timer.seq, &cause).await;
            assert!(is_armed.expect("written"), "it had failed");
        }
    }
}
