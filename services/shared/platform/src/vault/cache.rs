//! A bounded number of unwrapped data keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::cipher::Key;

/// Unwrapped data keys by id. That one is here says nothing about whether it may still be used: its row in the
/// database does.
pub(super) struct Cache {
    most: usize,
    held: Mutex<Held>,
}

/// Two generations: what was not used since the last change of generations is thrown away at the next.
#[derive(Default)]
struct Held {
    young: HashMap<Uuid, Arc<Key>>,
    old: HashMap<Uuid, Arc<Key>>,
}

impl Cache {
    pub(super) fn holding(most: usize) -> Self {
        Self {
            most,
            held: Mutex::default(),
        }
    }

    pub(super) fn get(&self, id: Uuid) -> Option<Arc<Key>> {
        let mut held = self.held();
        if let Some(found) = held.young.get(&id) {
            return Some(Arc::clone(found));
        }
        let found = held.old.remove(&id)?;
        self.keep(&mut held, Arc::clone(&found));
        Some(found)
    }

    pub(super) fn put(&self, key: Arc<Key>) {
        let mut held = self.held();
        self.keep(&mut held, key);
    }

    pub(super) fn forget(&self, id: Uuid) {
        let mut held = self.held();
        held.young.remove(&id);
        held.old.remove(&id);
    }

    fn keep(&self, held: &mut Held, key: Arc<Key>) {
        if held.young.len() >= self.most / 2 {
            held.old = std::mem::take(&mut held.young);
        }
        held.young.insert(key.id, key);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let held = self.held();
        held.young.len() + held.old.len()
    }
}
