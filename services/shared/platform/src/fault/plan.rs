//! What a simulation does to the steps of its own thread: a crash at some point, commits that fail.
//!
//! Simulated processes share a thread, and simulations run side by side on threads of their own; so
//! the plan is a thread's, unlike what the environment chooses.

use std::cell::RefCell;

/// How a commit ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Commit {
    /// Written and answered.
    #[default]
    Done,
    /// Not written; the caller gets an error.
    Failed,
    /// Written, but the caller gets an error.
    Unanswered,
}

/// What shall happen to the next step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// It crashes at the point that it passes after so many.
    pub crash_after: Option<u32>,
    /// The commit that follows after so many others ends like this.
    pub commit: Option<(u32, Commit)>,
}

/// A step's plan and how far it has come.
#[derive(Default)]
struct Running {
    plan: Plan,
    crashed_at: Option<&'static str>,
}

/// What unwinds a step that crashes.
struct Crash;

thread_local! {
    static RUNNING: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// From now on this thread's steps go by `plan`.
pub fn set(plan: Plan) {
    let running = Running {
        plan,
        crashed_at: None,
    };
    RUNNING.with_borrow_mut(|slot| *slot = Some(running));
}

/// Ends the plan; tells where the step crashed, if it did.
#[must_use]
pub fn end() -> Option<&'static str> {
    RUNNING.take().and_then(|running| running.crashed_at)
}

/// Unwinds if the plan says so. Whoever catches that comes no further than to the next point.
pub(super) fn pass(name: &'static str) {
    let is_over = RUNNING.with_borrow_mut(|slot| {
        let Some(running) = slot else {
            return false;
        };
        match &mut running.plan.crash_after {
            None => {}
            Some(0) => {
                running.crashed_at.get_or_insert(name);
            }
            Some(left) => *left -= 1,
        }
        running.crashed_at.is_some()
    });
    if is_over {
        std::panic::resume_unwind(Box::new(Crash));
    }
}

/// How the commit that is about to be made shall end.
pub(super) fn commit() -> Commit {
    RUNNING.with_borrow_mut(|slot| {
        let Some((left, fate)) = slot
            .as_mut()
            .and_then(|running| running.plan.commit.as_mut())
        else {
            return Commit::Done;
        };
        if *left > 0 {
            *left -= 1;
            return Commit::Done;
        }
        std::mem::take(fate)
    })
}
