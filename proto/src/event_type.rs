//! The name of what happened, for logs and the parked list.

use crate::event::Body;
use crate::event::body::Event;

impl Body {
    /// The name of the variant; `Unknown` for one that this program does not know.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match &self.event {
            Some(Event::AppealChanged(_)) => "AppealChanged",
            Some(Event::MatterAttached(_)) => "MatterAttached",
            Some(Event::MatterDetached(_)) => "MatterDetached",
            Some(Event::TicketChanged(_)) => "TicketChanged",
            Some(Event::AttachRefused(_)) => "AttachRefused",
            Some(Event::ReplyChanged(_)) => "ReplyChanged",
            Some(Event::FollowUpChanged(_)) => "FollowUpChanged",
            Some(Event::DocumentIssued(_)) => "DocumentIssued",
            Some(Event::InstructionGiven(_)) => "InstructionGiven",
            Some(Event::RegistryLoaded(_)) => "RegistryLoaded",
            None => "Unknown",
        }
    }
}
