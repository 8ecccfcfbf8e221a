//! What feedback knows of a matter: whose it is, how he can be answered, and which ticket it is on.

use hotline_kernel::id::{AppealId, MatterId, TicketId};

/// A matter as intake last told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matter {
    pub(crate) id: MatterId,
    /// The newest version heard of.
    pub(crate) version: i64,
    pub(crate) appeal_id: AppealId,
    pub(crate) appeal_number: String,
    pub(crate) channel_code: String,
    /// Opaque; empty if the citizen left none.
    pub(crate) contact_ref: String,
    /// Imported as closed: no messages, no follow-up.
    pub(crate) is_historical: bool,
    /// Where it stands, `None` once withdrawn.
    pub(crate) ticket_id: Option<TicketId>,
    /// Every ticket it is known to have stood on.
    pub(crate) visited: Vec<TicketId>,
}

impl Matter {
    /// Merges what is `known` with what was just `heard`, in whichever order they come.
    pub(crate) fn merged(known: Option<&Self>, heard: Self) -> Self {
        let Some(known) = known else { return heard };
        let (newer, older) = if heard.version > known.version {
            (&heard, known)
        } else {
            (known, &heard)
        };
        let mut merged = newer.clone();
        for ticket in &older.visited {
            if !merged.visited.contains(ticket) {
                merged.visited.push(*ticket);
            }
        }
        merged.visited.sort_unstable();
        merged
    }

    /// Whether it still is on `ticket`, which routing concluded with it.
    ///
    /// Routing may know of a move before we do: as long as we never heard that the matter came to
    /// `ticket`, routing's word is the newer one.
    pub(crate) fn is_on(&self, ticket: TicketId) -> bool {
        self.ticket_id == Some(ticket) || !self.visited.contains(&ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn ticket(number: u128) -> TicketId {
        Uuid::from_u128(number).into()
    }

    fn heard(version: i64, at: Option<u128>, visited: &[u128]) -> Matter {
        Matter {
            id: Uuid::from_u128(100).into(),
            version,
            appeal_id: Uuid::from_u128(200).into(),
            appeal_number: "260901-ABCDE-2".to_owned(),
            channel_code: "tel12345".to_owned(),
            contact_ref: "c1".to_owned(),
            is_historical: false,
            ticket_id: at.map(ticket),
            visited: visited.iter().copied().map(ticket).collect(),
        }
    }

    #[test]
    fn what_is_known_does_not_depend_on_the_order_of_hearing() {
        let opened = heard(1, Some(1), &[1]);
        let left = heard(2, Some(2), &[1]);
        let merged = heard(3, Some(2), &[2]);
        let orders = [
            [&opened, &left, &merged],
            [&opened, &merged, &left],
            [&left, &opened, &merged],
            [&left, &merged, &opened],
            [&merged, &opened, &left],
            [&merged, &left, &opened],
        ];
        for order in orders {
            let mut known: Option<Matter> = None;
            for event in order {
                known = Some(Matter::merged(known.as_ref(), event.clone()));
            }
            let known = known.unwrap();
            assert_eq!(known.ticket_id, Some(ticket(2)));
            assert_eq!(known.visited, [ticket(1), ticket(2)]);
        }
    }

    #[test]
    fn routing_is_believed_until_intake_tells_of_the_ticket() {
        let cases = [
            ("not heard of the move yet", heard(1, Some(1), &[1]), true),
            ("heard of the move", heard(3, Some(2), &[1, 2]), true),
            (
                "heard that it left again",
                heard(5, Some(1), &[1, 2]),
                false,
            ),
            ("withdrawn from there", heard(4, None, &[1, 2]), false),
        ];
        for (label, matter, expected) in cases {
            assert_eq!(matter.is_on(ticket(2)), expected, "{label}");
        }
    }
}
