//! What the actors remember between their turns.

use std::collections::{BinaryHeap, HashMap, HashSet};

use hotline_kernel::time::Timestamp;

use super::plan::Fate;

/// Something that somebody will do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// A citizen says planned appeal n.
    Say(usize),
    /// An operator takes it up.
    Triage(usize),
    /// An operator undoes a merge.
    Unmerge(usize),
    /// The citizen takes it back.
    Withdraw(usize),
    /// A second look at what was quarantined.
    LookAgain(usize),
    /// The city's offices do what lies on their desks.
    Office,
}

/// What became of a planned appeal.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Its id at intake.
    pub appeal_id: String,
    /// Its matters, in order.
    pub matter_ids: Vec<String>,
    /// The tickets they stand on, in order.
    pub ticket_ids: Vec<String>,
}

/// Tasks ahead and facts behind.
#[derive(Default)]
pub struct Memory {
    tasks: BinaryHeap<std::cmp::Reverse<(Timestamp, usize, Task)>>,
    added: usize,
    /// By index of the plan.
    pub appeals: HashMap<usize, Said>,
    /// By id of the ticket a matter opened.
    pub fates: HashMap<String, Fate>,
    /// Tickets that were returned, with how often.
    pub returned: HashMap<String, u32>,
    /// Tickets that were sent back.
    pub sent_back: HashSet<String>,
    /// Merges that were made: (matter, number of merges so far).
    pub merged: HashSet<usize>,
}

impl Memory {
    /// Notes that `task` is to be done at `at`; tasks of one instant keep their order.
    pub fn note(&mut self, at: Timestamp, task: Task) {
        self.added += 1;
        self.tasks.push(std::cmp::Reverse((at, self.added, task)));
    }

    /// The instant of the next task.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.tasks.peek().map(|std::cmp::Reverse((at, _, _))| *at)
    }

    /// Takes the next task.
    pub fn take(&mut self) -> Option<Task> {
        self.tasks.pop().map(|std::cmp::Reverse((_, _, task))| task)
    }
}
