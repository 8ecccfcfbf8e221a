//! Typed ids. An id of a ticket cannot be passed for an id of an appeal.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::Uuid;

/// An id of a `K`: a UUID that remembers what it names.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// Names of things that have ids.
pub mod kind {
    /// What one citizen said, once, on one channel (诉求).
    pub enum Appeal {}
    /// One thing asked in an appeal (事项).
    pub enum Matter {}
    /// What the government does about one or more matters (工单).
    pub enum Ticket {}
    /// What a citizen reads (答复).
    pub enum Reply {}
    /// Asking a citizen whether it is solved (回访).
    pub enum FollowUp {}
    /// How a citizen can be answered; opaque outside intake.
    pub enum Contact {}
    /// One run of an import file.
    pub enum ImportBatch {}
    /// An issued document.
    pub enum Document {}
    /// A leader's instruction (批示).
    pub enum Instruction {}
}

/// Id of an appeal.
pub type AppealId = Id<kind::Appeal>;
/// Id of a matter.
pub type MatterId = Id<kind::Matter>;
/// Id of a ticket.
pub type TicketId = Id<kind::Ticket>;
/// Id of a reply.
pub type ReplyId = Id<kind::Reply>;
/// Id of a follow-up.
pub type FollowUpId = Id<kind::FollowUp>;
/// Opaque reference to a contact.
pub type ContactId = Id<kind::Contact>;
/// Id of an import batch.
pub type ImportBatchId = Id<kind::ImportBatch>;
/// Id of an issued document.
pub type DocumentId = Id<kind::Document>;
/// Id of an instruction.
pub type InstructionId = Id<kind::Instruction>;

impl<K> Id<K> {
    /// The bare UUID, for columns and wires.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K> From<Uuid> for Id<K> {
    fn from(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }
}

impl<K> FromStr for Id<K> {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self::from)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl<K> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, K> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Uuid::deserialize(deserializer).map(Self::from)
    }
}
