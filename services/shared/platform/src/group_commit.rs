//! Many submissions, one transaction: a writer task takes what waits.

use async_trait::async_trait;

use crate::core::{Core, CoreError};
use crate::work::Work;

/// At most this many submissions share a transaction.
pub const BATCH_MAX: usize = 256;

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
    /// makes the writer try each item alone, so a bad row fails only itself.
    async fn apply(
        &self,
        work: &Work,
        items: &[Self::Item],
    ) -> Result<Vec<Result<Self::Outcome, Self::Error>>, Self::Error>;
}

/// A handle to submit to the writer task. Cheap to clone.
pub struct GroupCommit<B: Batch> {
    sender: tokio::sync::mpsc::Sender<(B::Item, tokio::sync::oneshot::Sender<Result<B::Outcome, B::Error>>)>,
}

impl<B: Batch> GroupCommit<B> {
    /// Starts the writer task of `core`.
    pub fn start(core: &Core, batch: B) -> Self {
        let _ = (core, batch);
        todo!()
    }

    /// Submits one item; answers after its commit. Waits for nobody when it is alone.
    pub async fn submit(&self, item: B::Item) -> Result<B::Outcome, B::Error> {
        let _ = (&self.sender, item);
        todo!()
    }
}
