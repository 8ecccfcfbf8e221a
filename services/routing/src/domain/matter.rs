//! The matters on a ticket, and what they bring with them.

use hotline_kernel::id::MatterId;
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Separate flags on any kind of appeal; none follows from another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confidentiality {
    /// The citizen is not known.
    pub is_anonymous: bool,
    /// The citizen asked for it.
    pub is_confidential: bool,
    /// The citizen informs against somebody.
    pub is_tip_off: bool,
    /// Units complained against: they and their children are never dispatched to.
    pub complained_unit_codes: Vec<String>,
}

impl Confidentiality {
    /// What protects both.
    #[must_use]
    pub fn joined(mut self, other: &Self) -> Self {
        self.is_anonymous |= other.is_anonymous;
        self.is_confidential |= other.is_confidential;
        self.is_tip_off |= other.is_tip_off;
        for code in &other.complained_unit_codes {
            if !self.complained_unit_codes.contains(code) {
                self.complained_unit_codes.push(code.clone());
            }
        }
        self
    }
}

/// A matter as its ticket knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatterOnTicket {
    /// Which one.
    pub id: MatterId,
    /// When the city received it: the citizen's clock starts here.
    pub received_at: Timestamp,
    /// What it asks to be kept from whom.
    pub confidentiality: Confidentiality,
}
