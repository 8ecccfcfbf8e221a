//! A courier that does to entries what Redis may do on its worst days.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use hotline_platform::courier::{Added, Brought, Carried, Carrier, Entry, Line, Stream, Wanted};
use hotline_platform::db::BoxError;
use hotline_platform::ids::Ids;

use crate::stage::Stage;

/// Entries of a read at most.
const READ_MAX: usize = 200;
/// A stream's key holds something else.
const FOREIGN: i64 = i64::MAX;

/// What a courier does wrong, each in so many of a hundred cases.
#[derive(Clone, Copy, Default)]
pub struct Habits {
    /// A call fails.
    pub fails: u32,
    /// An entry is taken and lost.
    pub loses: u32,
    /// A read brings entries twice, in another order, or not all.
    pub muddles: u32,
    /// A read takes its time: others go on meanwhile.
    pub dawdles: u32,
}

/// A carrier in memory. Cheap to clone; clones are one carrier.
#[derive(Clone)]
pub struct Worst {
    stage: Stage,
    fate: Ids,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    habits: Habits,
    held: BTreeMap<Stream, Held>,
    /// What it held once.
    past: Vec<BTreeMap<Stream, Held>>,
}

/// A stream's entries by number, and the highest number it ever had.
#[derive(Clone, Default)]
struct Held {
    top: i64,
    entries: BTreeMap<i64, Carried>,
}

impl Worst {
    pub fn new(stage: &Stage, fate: Ids) -> Self {
        Self {
            stage: stage.clone(),
            fate,
            inner: Arc::default(),
        }
    }

    pub fn set(&self, habits: Habits) {
        self.inner().habits = habits;
    }

    /// Remembers what it holds, for later.
    pub fn remember(&self) {
        let mut inner = self.inner();
        let held = inner.held.clone();
        inner.past.push(held);
    }

    /// Goes back to something it held once.
    pub fn go_back(&self) {
        let mut inner = self.inner();
        let count = u32::try_from(inner.past.len()).unwrap_or_default();
        let index = usize::try_from(self.fate.draw(count)).unwrap_or_default();
        inner.held = inner.past.get(index).cloned().unwrap_or_default();
    }

    /// Forgets everything.
    pub fn forget(&self) {
        self.inner().held.clear();
    }

    /// Puts into a stream what nobody published, or in its place what is no stream.
    pub fn spoil(&self) {
        let mut inner = self.inner();
        let count = u32::try_from(inner.held.len()).unwrap_or_default();
        let index = usize::try_from(self.fate.draw(count)).unwrap_or_default();
        let Some(held) = inner.held.values_mut().nth(index) else {
            return;
        };
        match self.fate.draw(4) {
            _ if held.top == FOREIGN => {}
            0 => held.top = FOREIGN,
            1 => {
                held.top += 1 + i64::from(self.fate.draw(50));
                held.entries.insert(held.top, junk(held.top));
            }
            2 => drop(held.entries.pop_last()),
            _ => {
                if let Some(mut middle) = held.entries.first_entry() {
                    let number = *middle.key();
                    middle.insert(junk(number));
                }
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("unpoisoned")
    }

    fn happens(&self, percent: u32) -> bool {
        percent > 0 && self.fate.draw(100) < percent
    }

    fn answers(&self) -> Result<(), BoxError> {
        let percent = self.inner().habits.fails;
        if self.happens(percent) {
            return Err("the courier does not answer".into());
        }
        Ok(())
    }
}

impl Carrier for Worst {
    fn line(&self, _block: Duration) -> Box<dyn Line> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Line for Worst {
    async fn add(&mut self, entries: &[Entry]) -> Result<Vec<Added>, BoxError> {
        self.answers()?;
        let loses = self.inner().habits.loses;
        let mut answers = Vec::new();
        for entry in entries {
            let is_lost = self.happens(loses);
            let mut inner = self.inner();
            let held = inner.held.entry(entry.stream.clone()).or_default();
            answers.push(if held.top == FOREIGN {
                Added::Foreign
            } else if entry.number <= held.top {
                Added::Refused
            } else {
                held.top = entry.number;
                if !is_lost {
                    held.entries.insert(entry.number, carried(entry));
                }
                Added::Taken
            });
        }
        self.answers()?; // everything is there, and nobody is told
        Ok(answers)
    }

    async fn read(
        &mut self,
        wanted: &[Wanted],
        _block: Duration,
    ) -> Result<Vec<Brought>, BoxError> {
        let Habits {
            muddles, dawdles, ..
        } = self.inner().habits;
        if self.happens(dawdles) {
            self.stage.gate().await;
        }
        self.answers()?;
        let mut all = Vec::new();
        for want in wanted {
            let held = self
                .inner()
                .held
                .get(&want.stream)
                .cloned()
                .unwrap_or_default();
            if held.top == FOREIGN {
                return Err("what is at this key is no stream".into());
            }
            let after = want.after.saturating_add(1)..;
            let mut entries: Vec<_> = held
                .entries
                .range(after)
                .take(READ_MAX)
                .map(|(_, entry)| entry.clone())
                .collect();
            if self.happens(muddles) {
                self.muddle(&mut entries);
            }
            if !entries.is_empty() {
                let stream = want.stream.clone();
                all.push(Brought { stream, entries });
            }
        }
        Ok(all)
    }

    async fn top(&mut self, stream: &Stream) -> Result<Option<i64>, BoxError> {
        self.answers()?;
        let inner = self.inner();
        let held = inner.held.get(stream).ok_or("no such stream")?;
        Ok(Some(held.top))
    }

    async fn remove(&mut self, stream: &Stream) -> Result<(), BoxError> {
        self.answers()?;
        self.inner().held.remove(stream);
        Ok(())
    }
}

impl Worst {
    fn muddle(&self, entries: &mut Vec<Carried>) {
        let count = u32::try_from(entries.len()).unwrap_or_default();
        let pick = || usize::try_from(self.fate.draw(count)).unwrap_or_default();
        if count == 0 {
            return;
        }
        match self.fate.draw(3) {
            0 => entries.swap(pick(), pick()),
            1 => {
                let again = entries[pick()].clone();
                entries.insert(pick(), again);
            }
            _ => drop(entries.remove(pick())),
        }
    }
}

fn carried(entry: &Entry) -> Carried {
    Carried {
        number: Some(entry.number),
        bytes: entry.bytes.clone(),
        seal: entry.seal.clone(),
    }
}

fn junk(number: i64) -> Carried {
    Carried {
        number: Some(number),
        bytes: b"junk".to_vec(),
        seal: vec![0; 32],
    }
}
