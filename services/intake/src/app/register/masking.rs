//! Masks what a registration says, each different text once.
//!
//! Masking is the dearest part of a registration, so the gRPC path does it before its turn in the
//! writer, outside the transaction.

use std::collections::HashMap;

use hotline_kernel::personal::PersonName;
use hotline_kernel::text::normalise;

use super::Settings;
use crate::domain::registration::Registration;

/// The masked form of every text of a registration.
#[derive(Clone)]
pub struct Masks(HashMap<String, String>);

impl Masks {
    /// Masks every text of `registration`.
    #[must_use]
    pub fn of(settings: &Settings, registration: &Registration) -> Self {
        let mut masks = HashMap::new();
        let imported = registration.imported.as_ref();
        let reply = imported
            .and_then(|imported| imported.reply.as_ref())
            .map(|reply| &reply.text);
        let matters = registration
            .matters
            .iter()
            .flat_map(|matter| [&matter.subject, &matter.text]);
        let own = [&registration.subject, &registration.text];
        for text in own.into_iter().chain(matters).chain(reply) {
            if !masks.contains_key(text) {
                masks.insert(
                    text.clone(),
                    settings.mask(text, &registration.contact.name),
                );
            }
        }
        Self(masks)
    }

    /// The masked form of `text`; empty for a text that was not masked.
    #[must_use]
    pub fn get(&self, text: &str) -> String {
        self.0.get(text).cloned().unwrap_or_default()
    }
}

impl std::fmt::Debug for Masks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Masks").field(&self.0.len()).finish()
    }
}

impl Settings {
    /// Masks a text: what the rules find, and `name` wherever it stands.
    #[must_use]
    pub fn mask(&self, text: &str, name: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        let masked = self.masker.internal(&normalise(text));
        let name = name.trim();
        match PersonName::new(name) {
            Some(person) if name.chars().count() > 1 => masked.replace(name, &person.to_string()),
            _ => masked,
        }
    }
}
