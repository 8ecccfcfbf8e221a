//! One simulation: some hundred steps drawn by a seed, then peace, then the verdict.

use std::pin::pin;

use hotline_platform::core::{Core, CoreError};
use hotline_platform::fault::plan::{self, Commit, Plan};
use hotline_platform::parked;
use hotline_platform::testing::steps;

use crate::judge::{Look, Verdict};
use crate::ledger::Command;
use crate::stage::Came;
use crate::world::{Late, World};

/// Steps with trouble.
const STEPS: u32 = 300;
/// Everything is looked at after so many steps.
const LOOK_EVERY: u32 = 50;

/// A run of one seed.
pub struct Run {
    pub world: World,
    pub seed: u64,
    pub step: u32,
    /// Commands that were answered, with the answer.
    pub answered: Vec<(Command, i64)>,
    /// How many of them the backup knows.
    pub backed_up: usize,
    /// Commands made so far.
    keys: u32,
    /// Whether steps crash, in so many of a hundred cases.
    pub crashes: u32,
    /// Whether commits fail, in so many of a hundred cases.
    pub commit_faults: u32,
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
            backed_up: 0,
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
                let at = crashed_at.expect("only planned crashes panic");
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
        let index = if let Some(index) = again {
            waiting[index]
        } else {
            let Some(index) = self.world.pick(free.len()) else {
                return Ok(());
            };
            let command = self.new_command(free[index]);
            self.world.unanswered.push(command);
            self.world.unanswered.len() - 1
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
    pub async fn send(&mut self, index: usize, plan: Plan) -> Verdict {
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

    pub async fn commit_late(&mut self) -> Verdict {
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

    pub async fn relay(&mut self) {
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

    pub async fn publisher(&mut self) {
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

    pub async fn step_of_mirror(&mut self, index: usize, plan: Plan) {
        plan::set(plan);
        let life = self.world.consumers[index].life.as_mut();
        let came = self.world.stage.step(life).await;
        let crashed_at = plan::end();
        if crashed_at.is_some() || matches!(came, Came::ToCrash) {
            let at = crashed_at.expect("only planned crashes panic");
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

    pub async fn retry_parked(&mut self) {
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
                let at = crashed_at.expect("only planned crashes panic");
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
}
