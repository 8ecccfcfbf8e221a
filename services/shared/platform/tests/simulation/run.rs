//! One simulation: some hundred steps drawn by a seed, then peace, then the verdict.

use std::pin::pin;

use hotline_platform::core::{Core, CoreError};
use hotline_platform::fault::plan::{self, Commit, Plan};
use hotline_platform::parked;
use hotline_platform::testing::steps;

use crate::judge::{self, Ends, Look, Verdict};
use crate::ledger::Command;
use crate::mirror::Trouble;
use crate::stage::Came;
use crate::world::{Late, World};

/// Steps with trouble.
const STEPS: u32 = 300;
/// Everything is looked at after so many steps.
const LOOK_EVERY: u32 = 50;
/// Rounds of peace in which everybody must reach the end.
const ROUNDS_MAX: u32 = 100;

/// A run of one seed.
pub struct Run {
    pub world: World,
    pub seed: u64,
    pub step: u32,
    /// Commands that were answered, with the answer.
    pub answered: Vec<(Command, i64)>,
    /// Commands made so far.
    keys: u32,
    /// Whether steps crash, in so many of a hundred cases.
    crashes: u32,
    /// Whether commits fail, in so many of a hundred cases.
    commit_faults: u32,
}

impl Run {
    pub fn new(world: World, seed: u64) -> Self {
        let draw = |percent| {
            if world.fate.draw(3) == 0 {
                0
            } else {
                world.fate.draw(percent)
            }
        };
        let (crashes, commit_faults) = (draw(10), draw(12));
        Self {
            world,
            seed,
            step: 0,
            answered: Vec::new(),
            keys: 0,
            crashes,
            commit_faults,
        }
    }

    /// Lives through trouble and peace.
    pub async fn live(&mut self) -> Verdict {
        while self.step < STEPS {
            self.step += 1;
            self.any_step().await?;
            if self.step.is_multiple_of(LOOK_EVERY) {
                Look::at(&self.world).await.judge()?;
            }
        }
        self.peace().await
    }

    async fn any_step(&mut self) -> Verdict {
        match self.world.fate.draw(100) {
            0..20 => self.client().await?,
            20..26 => self.late_writer().await?,
            26..40 => self.relay().await,
            40..50 => self.publisher().await,
            50..78 => self.reader().await,
            78..84 => self.timers().await,
            84..88 => self.retry_parked().await,
            88..95 => self.time(),
            _ => self.disaster().await?,
        }
        Ok(())
    }

    /// Draws what happens to a step.
    fn plan(&self) -> Plan {
        let fate = &self.world.fate;
        let fits = |percent| fate.draw(100) < percent;
        let crash_after = fits(self.crashes).then(|| fate.draw(14));
        let commit = fits(self.commit_faults).then(|| {
            let ending = if fate.draw(2) == 0 {
                Commit::Failed
            } else {
                Commit::Unanswered
            };
            (fate.draw(2), ending)
        });
        Plan {
            crash_after,
            commit,
        }
    }

    /// Runs a step of the ledger's process `index` under a plan; `None` if the process crashed.
    async fn step_of_ledger<T>(
        &mut self,
        index: usize,
        name: &str,
        plan: Plan,
        step: impl Future<Output = T>,
    ) -> Option<T> {
        plan::set(plan);
        let came = self.world.stage.step(pin!(step)).await;
        let crashed_at = plan::end();
        match came {
            Came::Through(outcome) if crashed_at.is_none() => Some(outcome),
            Came::ToRest => unreachable!("{name} waits for nothing"),
            Came::Through(_) | Came::ToCrash => {
                let at = crashed_at.unwrap_or("a panic");
                self.world
                    .trace
                    .note("ledger", format_args!("{index} crashes at {at} in {name}"));
                self.world.restart_producer(self.seed, index);
                None
            }
        }
    }

    fn any_ledger(&self) -> (usize, Core) {
        let index = self
            .world
            .pick(self.world.producers.len())
            .unwrap_or_default();
        (index, self.world.producers[index].core.clone())
    }

    async fn client(&mut self) -> Verdict {
        let free = self.world.free_accounts();
        let waiting: Vec<usize> = (0..self.world.unanswered.len())
            .filter(|index| free.contains(&self.world.unanswered[*index].account))
            .collect();
        let again = self
            .world
            .pick(waiting.len())
            .filter(|_| self.world.fate.draw(3) == 0);
        let index = match again {
            Some(index) => waiting[index],
            None => {
                let Some(index) = self.world.pick(free.len()) else {
                    return Ok(());
                };
                let command = self.new_command(free[index]);
                self.world.unanswered.push(command);
                self.world.unanswered.len() - 1
            }
        };
        let plan = self.plan();
        self.send(index, plan).await
    }

    fn new_command(&mut self, account: uuid::Uuid) -> Command {
        self.keys += 1;
        let fate = &self.world.fate;
        Command {
            key: format!("key {}", self.keys),
            account,
            times: if fate.draw(300) == 0 { 250 } else { 1 },
            timer_after: (fate.draw(3) == 0).then(|| i64::from(fate.draw(60))),
            disarms: fate.draw(8) == 0,
        }
    }

    /// Sends an unanswered command.
    async fn send(&mut self, index: usize, plan: Plan) -> Verdict {
        let command = self.world.unanswered[index].clone();
        let (process, core) = self.any_ledger();
        let sent = core.execute::<i64, CoreError, _>(command.context(), command.clone().work());
        let answer = self.step_of_ledger(process, "a command", plan, sent).await;
        match answer {
            Some(Ok(version)) => {
                self.world.trace.note(
                    "client",
                    format_args!(
                        "{} done: {} has version {version}",
                        command.key, command.account
                    ),
                );
                self.world.unanswered.remove(index);
                self.answered.push((command, version));
                Ok(())
            }
            Some(Err(error @ (CoreError::Unavailable(_) | CoreError::Storage(_)))) => {
                self.world
                    .trace
                    .note("client", format_args!("{} unknown: {error}", command.key));
                Ok(())
            }
            Some(Err(error)) => Err(format!("{} was refused: {error}", command.key)),
            None => Ok(()),
        }
    }

    /// Begins a transaction that draws its insertion id now, or commits one.
    async fn late_writer(&mut self) -> Verdict {
        let free = self.world.free_accounts();
        let is_to_begin = self.world.late.len() < 2 && self.world.fate.draw(2) == 0;
        match self.world.pick(free.len()).filter(|_| is_to_begin) {
            Some(index) => {
                let Ok(seq) = steps::draw_seq(&self.world.producers[0].core).await else {
                    return Ok(()); // nothing was written yet
                };
                let mut command = self.new_command(free[index]);
                command.times = 1;
                self.world
                    .timers
                    .locked
                    .lock()
                    .expect("unpoisoned")
                    .insert(command.account);
                self.world
                    .trace
                    .note("late", format_args!("{} draws {seq}", command.key));
                self.world.late.push(Late { seq, command });
                Ok(())
            }
            None => self.commit_late().await,
        }
    }

    async fn commit_late(&mut self) -> Verdict {
        let Some(index) = self.world.pick(self.world.late.len()) else {
            return Ok(());
        };
        let Late { seq, command } = self.world.late.remove(index);
        let (process, core) = self.any_ledger();
        self.world
            .timers
            .locked
            .lock()
            .expect("unpoisoned")
            .remove(&command.account);
        let key = command.key.clone();
        let written = steps::write_late(&core, seq, command.work());
        // Whether it is written is between it and the database: no client waits for it.
        let plan = self.plan();
        if let Some(outcome) = self
            .step_of_ledger(process, "a late write", plan, written)
            .await
        {
            let told = outcome.map_or_else(
                |error| error.to_string(),
                |version| format!("version {version}"),
            );
            self.world
                .trace
                .note("late", format_args!("{key} under {seq}: {told}"));
        }
        Ok(())
    }

    async fn relay(&mut self) {
        let (index, core) = self.any_ledger();
        let plan = self.plan();
        let passed = self
            .step_of_ledger(index, "the relay", plan, steps::number(&core))
            .await;
        let told = passed
            .map(|passed| passed.map_or_else(|error| error.to_string(), |count| count.to_string()));
        self.world
            .trace
            .note("relay", format_args!("{index} numbers {told:?}"));
    }

    async fn publisher(&mut self) {
        let (index, _) = self.any_ledger();
        let Some(mut publishing) = self.world.producers[index].publishing.take() else {
            return;
        };
        let plan = self.plan();
        let published = async move {
            let told = publishing
                .publish()
                .await
                .map_err(|error| error.to_string());
            (publishing, told)
        };
        if let Some((publishing, told)) = self
            .step_of_ledger(index, "the publisher", plan, published)
            .await
        {
            self.world.producers[index].publishing = Some(publishing);
            self.world
                .trace
                .note("publisher", format_args!("{index} {told:?}"));
        }
    }

    async fn reader(&mut self) {
        let index = self
            .world
            .pick(self.world.consumers.len())
            .unwrap_or_default();
        if self.world.consumers[index].asleep_until <= self.step {
            let plan = self.plan();
            self.step_of_mirror(index, plan).await;
        }
    }

    async fn step_of_mirror(&mut self, index: usize, plan: Plan) {
        plan::set(plan);
        let life = self.world.consumers[index].life.as_mut();
        let came = self.world.stage.step(life).await;
        let crashed_at = plan::end();
        if crashed_at.is_some() || matches!(came, Came::ToCrash) {
            let at = crashed_at.unwrap_or("a panic");
            self.world
                .trace
                .note("mirror", format_args!("{index} crashes at {at}"));
            self.world.restart_consumer(self.seed, index);
        }
    }

    async fn timers(&mut self) {
        let (index, core) = self.any_ledger();
        let handler = self.world.timers.clone();
        let plan = self.plan();
        let fired = self
            .step_of_ledger(index, "timers", plan, steps::fire(&core, &handler))
            .await;
        let told = fired
            .map(|fired| fired.map_or_else(|error| error.to_string(), |count| count.to_string()));
        self.world
            .trace
            .note("timers", format_args!("{index} fires {told:?}"));
    }

    async fn retry_parked(&mut self) {
        let index = self
            .world
            .pick(self.world.consumers.len())
            .unwrap_or_default();
        let (core, reaction) = (
            self.world.consumers[index].core.clone(),
            self.world.reaction(),
        );
        plan::set(self.plan());
        let came = self
            .world
            .stage
            .step(pin!(parked::retry_due(&core, &reaction)))
            .await;
        match (plan::end(), came) {
            (None, Came::Through(retried)) => {
                let told =
                    retried.map_or_else(|error| error.to_string(), |count| count.to_string());
                self.world
                    .trace
                    .note("mirror", format_args!("{index} retries {told}"));
            }
            (crashed_at, _) => {
                let at = crashed_at.unwrap_or("a panic");
                self.world
                    .trace
                    .note("mirror", format_args!("{index} crashes at {at} in a retry"));
                self.world.restart_consumer(self.seed, index);
            }
        }
    }

    fn time(&mut self) {
        let fate = &self.world.fate;
        let millis = match fate.draw(100) {
            0..60 => fate.draw(200),
            60..90 => fate.draw(3_000),
            90..98 => 15_000 + fate.draw(15_000),
            _ => 60_000 + fate.draw(900_000),
        };
        self.world.stage.advance(i64::from(millis) * 1000);
        self.world
            .trace
            .note("time", format_args!("{}", self.world.stage.passed()));
    }

    /// No new trouble: everybody reaches the end, first past what stays poisoned, then with nothing left.
    async fn peace(&mut self) -> Verdict {
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
        judge::commands_are_done_once(&self.world).await?;
        self.world.trace.note("world", look.told());
        Ok(())
    }

    /// Faults end; what is poisoned stays so.
    fn calm(&mut self) {
        self.crashes = 0;
        self.commit_faults = 0;
        self.world.carrier.set(crate::carrier::Habits::default());
        self.world
            .is_log_away
            .store(false, std::sync::atomic::Ordering::Relaxed);
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
        let failed = hotline_platform::timers::failed(&core, None, 1000)
            .await
            .expect("readable");
        for timer in failed {
            let cause = crate::ledger::cause("administrator");
            let is_armed = hotline_platform::timers::rearm(&core, timer.seq, &cause).await;
            assert!(is_armed.expect("written"), "it had failed");
        }
    }
}
