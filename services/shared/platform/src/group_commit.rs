//! Many submissions, one transaction: a writer task takes what waits.
//!
//! While one batch commits the next one gathers, so throughput grows with load and a lone
//! submission waits for nobody.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::core::{Core, CoreError};
use crate::fault::{self, Bug};
use crate::work::Work;

/// At most this many submissions share a transaction.
pub const BATCH_MAX: usize = 256;
/// At most this many submissions wait; more wait in their callers.
const QUEUE_MAX: usize = 4 * BATCH_MAX;

/// What a group commit does with what waited.
#[async_trait]
pub trait Batch: Send + Sync + 'static {
    /// One submission.
    type Item: Send + Sync + 'static;
    /// What its submitter gets.
    type Outcome: Send + 'static;
    /// How one submission is refused.
    type Error: From<CoreError> + Send + 'static;

    /// Applies `items` in one transaction; one result per item, in order. An `Err` for the whole
    /// makes the writer try each item alone, so a bad row fails only itself; so does a commit whose
    /// outcome is not known, so an item that was applied before must be recognised.
    async fn apply(
        &self,
        work: &Work,
        items: &[Self::Item],
    ) -> Result<Vec<Result<Self::Outcome, Self::Error>>, Self::Error>;
}

type Answer<B> = Result<<B as Batch>::Outcome, <B as Batch>::Error>;
type Waiting<B> = (<B as Batch>::Item, oneshot::Sender<Answer<B>>);

/// A handle to submit to the writer task. Cheap to clone.
pub struct GroupCommit<B: Batch> {
    sender: mpsc::Sender<Waiting<B>>,
}

impl<B: Batch> Clone for GroupCommit<B> {
    fn clone(&self) -> Self {
        Self {
            sender: self.sender.clone(),
        }
    }
}

impl<B: Batch> std::fmt::Debug for GroupCommit<B> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("GroupCommit")
            .finish_non_exhaustive()
    }
}

impl<B: Batch> GroupCommit<B> {
    /// Starts the writer task of `core`.
    pub fn start(core: &Core, batch: B) -> Self {
        Self::start_with(core, batch, BATCH_MAX)
    }

    /// Starts the writer task of `core` with at most `batch_max` submissions in a transaction, one at least.
    pub fn start_with(core: &Core, batch: B, batch_max: usize) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let batch_max = batch_max.clamp(1, BATCH_MAX);
        core.tasks()
            .spawn(write(core.clone(), Arc::new(batch), receiver, batch_max));
        Self { sender }
    }

    /// Submits one item; answers after its commit. Waits for nobody when it is alone.
    ///
    /// # Errors
    ///
    /// What the batch refuses the item with, or [`CoreError::Unavailable`] while the process stops.
    pub async fn submit(&self, item: B::Item) -> Result<B::Outcome, B::Error> {
        let stopping = || B::Error::from(CoreError::Unavailable("the service is stopping".into()));
        let (answer, answered) = oneshot::channel();
        self.sender
            .send((item, answer))
            .await
            .map_err(|_| stopping())?;
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }
}

/// The writer task: ends when every handle is dropped, or at stop after what waits is written.
async fn write<B: Batch>(
    core: Core,
    batch: Arc<B>,
    mut receiver: mpsc::Receiver<Waiting<B>>,
    batch_max: usize,
) {
    let stop = core.tasks().stop().clone();
    loop {
        let mut waiting = Vec::new();
        tokio::select! {
            biased;
            taken = receiver.recv_many(&mut waiting, batch_max) => if taken == 0 { return },
            () = stop.cancelled() => receiver.close(),
        }
        if waiting.is_empty() {
            continue;
        }
        fault::point("group.taken");
        let (items, answers): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        // In a task of its own, so that a panic costs this batch and not the writer.
        let running = core
            .tasks()
            .spawn(apply(core.clone(), batch.clone(), items));
        let count = answers.len();
        let results = running
            .await
            .unwrap_or_else(|error| failed_all::<B>(count, &error.to_string()));
        for (answer, result) in answers.into_iter().zip(results) {
            // A submitter that went away is not an error; its item is committed all the same.
            drop(answer.send(result));
            fault::point("group.answered");
        }
    }
}

/// Applies items together, or one by one if that fails, so that only the culprit does. While storage is
/// away none is tried again: each would wait as long as all of them did.
async fn apply<B: Batch>(core: Core, batch: Arc<B>, items: Vec<B::Item>) -> Vec<Answer<B>> {
    metrics::histogram!("hotline_group_commit_size", "service" => core.name())
        .record(size(items.len()));
    let mut results = Vec::with_capacity(items.len());
    match try_together(&core, batch.as_ref(), &items).await {
        Ok(together) => return together,
        Err(Failure::Refused(error)) if items.len() == 1 => return vec![Err(error)],
        Err(Failure::Refused(_)) => {}
        Err(Failure::Away(away)) => {
            results.resize_with(items.len(), || Err(is_away::<B>(&away)));
            return results;
        }
    }
    for item in items.chunks(1) {
        match try_together(&core, batch.as_ref(), item).await {
            Ok(alone) => results.extend(alone),
            Err(Failure::Refused(error)) => results.push(Err(error)),
            Err(Failure::Away(away)) => {
                results.resize_with(items.len(), || Err(is_away::<B>(&away)));
                break;
            }
        }
    }
    results
}

/// Why items were not written.
enum Failure<B: Batch> {
    /// No transaction could begin.
    Away(CoreError),
    /// These items, or their commit, failed.
    Refused(B::Error),
}

async fn try_together<B: Batch>(
    core: &Core,
    batch: &B,
    items: &[B::Item],
) -> Result<Vec<Answer<B>>, Failure<B>> {
    let work = Work::begin(core).await.map_err(Failure::Away)?;
    match batch.apply(&work, items).await {
        Ok(results) if results.len() == items.len() => {
            fault::point("group.applied");
            if fault::is_seeded(Bug::AcknowledgeBeforeCommit) {
                core.tasks().spawn(work.commit());
                return Ok(results);
            }
            let committed = work.commit().await;
            committed.map_err(|error| Failure::Refused(error.into()))?;
            fault::point("group.committed");
            Ok(results)
        }
        Ok(_) => {
            work.roll_back().await;
            Err(Failure::Refused(miscounted::<B>()))
        }
        Err(error) => {
            work.roll_back().await;
            Err(Failure::Refused(error))
        }
    }
}

fn is_away<B: Batch>(error: &CoreError) -> B::Error {
    let told = error.to_string().into();
    match error {
        CoreError::Unavailable(_) => CoreError::Unavailable(told).into(),
        _ => CoreError::Storage(told).into(),
    }
}

fn miscounted<B: Batch>() -> B::Error {
    CoreError::Storage("a batch must give one result per item".into()).into()
}

fn failed_all<B: Batch>(count: usize, reason: &str) -> Vec<Answer<B>> {
    (0..count)
        .map(|_| Err(CoreError::Storage(reason.to_owned().into()).into()))
        .collect()
}

/// A count as a sample; batches are far below what a float holds exactly.
fn size(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
