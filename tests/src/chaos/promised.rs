//! The ledger put in order: what was said and promised, by key.

use std::collections::BTreeMap;

use super::ledger::Entry;

/// The ledger, by key.
#[derive(Default)]
pub(super) struct Promised {
    /// What each submission says.
    pub(super) texts: BTreeMap<String, String>,
    /// The receipt of each key: appeal, number, query code.
    pub(super) receipts: BTreeMap<String, (String, String, String)>,
    /// Keys that were given two receipts.
    pub(super) differing: Vec<String>,
    pub(super) commands: BTreeMap<String, Command>,
}

/// A command and what became of it.
pub(super) struct Command {
    pub(super) service: String,
    pub(super) deed: String,
    pub(super) actor: String,
    pub(super) subject_id: String,
    /// The version that was seen.
    pub(super) version: i64,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Unknown,
    Done(i64),
    Refused,
}

impl Promised {
    pub(super) fn of(entries: Vec<Entry>) -> Self {
        let mut promised = Self::default();
        for entry in entries {
            promised.note(entry);
        }
        promised
    }

    fn note(&mut self, entry: Entry) {
        match entry {
            Entry::Submission { key, text } => {
                self.texts.insert(key, text);
            }
            Entry::Receipt {
                key,
                appeal_id,
                number,
                query_code,
            } => {
                let receipt = (appeal_id, number, query_code);
                let first = self.receipts.entry(key.clone());
                if *first.or_insert_with(|| receipt.clone()) != receipt {
                    self.differing.push(key);
                }
            }
            Entry::Command {
                key,
                service,
                deed,
                actor,
                subject_id,
                version,
            } => {
                let command = Command {
                    service,
                    deed,
                    actor,
                    subject_id,
                    version,
                    outcome: Outcome::Unknown,
                };
                self.commands.insert(key, command);
            }
            Entry::Done { key, version } => self.ended(&key, Outcome::Done(version)),
            Entry::Refused { key, .. } => self.ended(&key, Outcome::Refused),
        }
    }

    fn ended(&mut self, key: &str, outcome: Outcome) {
        let command = self.commands.get_mut(key);
        command.expect("an intent stands before its end").outcome = outcome;
    }
}
