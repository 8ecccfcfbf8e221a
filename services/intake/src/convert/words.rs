//! Enums and instants on the wire.
//!
//! A closed list of ours and its proto enum have the same words: `in_hand` is `NATURE_IN_HAND`. A
//! test walks every list, so neither side can gain a word alone.

use hotline_kernel::id::Id;
use hotline_kernel::time::{Timestamp, from_micros};
use hotline_proto::shared;

use crate::domain::Invalid;
use crate::domain::terms::Term;

/// A proto enum whose words are those of a closed list of ours.
pub trait WireEnum: Copy + Into<i32> + TryFrom<i32> {
    /// What its names start with.
    const PREFIX: &'static str;

    /// Its name, prefix and all.
    fn name(self) -> &'static str;

    /// The member of a name.
    fn named(name: &str) -> Option<Self>;
}

/// The wire's number of a word of ours.
pub fn wire_word<T: Term, W: WireEnum>(ours: T) -> i32 {
    let name = format!("{}{}", W::PREFIX, ours.word().to_ascii_uppercase());
    W::named(&name).map_or(0, Into::into)
}

/// Our word of a number on the wire; `None` for unspecified.
///
/// # Errors
///
/// [`Invalid`] for a number the contract does not know.
pub fn optional_word<T: Term, W: WireEnum>(field: &str, number: i32) -> Result<Option<T>, Invalid> {
    if number == 0 {
        return Ok(None);
    }
    let word = W::try_from(number).ok().and_then(|member| {
        let name = member.name().strip_prefix(W::PREFIX)?;
        T::parse(&name.to_ascii_lowercase())
    });
    word.map(Some)
        .ok_or_else(|| Invalid::new(field, "a value of its enumeration"))
}

/// Our word of a number on the wire, which must be there.
///
/// # Errors
///
/// [`Invalid`] for unspecified and for numbers the contract does not know.
pub fn word<T: Term, W: WireEnum>(field: &str, number: i32) -> Result<T, Invalid> {
    optional_word::<T, W>(field, number)?.ok_or_else(|| Invalid::new(field, "stated"))
}

/// An instant on the wire.
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos: i32::try_from(at.timestamp_subsec_micros() * 1000).unwrap_or_default(),
    }
}

/// Our instant of one on the wire, in whole microseconds; absent stays absent.
///
/// # Errors
///
/// [`Invalid`] if it is no instant between the years 1970 and 9999.
pub fn optional_instant(
    field: &str,
    at: Option<prost_types::Timestamp>,
) -> Result<Option<Timestamp>, Invalid> {
    const YEAR_10000_S: i64 = 253_402_300_800;
    let Some(at) = at else { return Ok(None) };
    let expected = || Invalid::new(field, "an instant between 1970 and 9999");
    if !(0..YEAR_10000_S).contains(&at.seconds) || !(0..1_000_000_000).contains(&at.nanos) {
        return Err(expected());
    }
    let micros = at.seconds * 1_000_000 + i64::from(at.nanos / 1000);
    from_micros(micros).map(Some).ok_or_else(expected)
}

/// An id on the wire.
///
/// # Errors
///
/// [`Invalid`] if it is no UUID.
pub fn parse_id<K>(field: &str, text: &str) -> Result<Id<K>, Invalid> {
    text.parse()
        .map_err(|_| Invalid::new(field, "a UUID such as 0192d1a0-0000-7000-8000-000000000000"))
}

impl WireEnum for shared::Kind {
    const PREFIX: &'static str = "KIND_";

    fn name(self) -> &'static str {
        self.as_str_name()
    }

    fn named(name: &str) -> Option<Self> {
        Self::from_str_name(name)
    }
}

impl WireEnum for shared::Urgency {
    const PREFIX: &'static str = "URGENCY_";

    fn name(self) -> &'static str {
        self.as_str_name()
    }

    fn named(name: &str) -> Option<Self> {
        Self::from_str_name(name)
    }
}

impl WireEnum for shared::Nature {
    const PREFIX: &'static str = "NATURE_";

    fn name(self) -> &'static str {
        self.as_str_name()
    }

    fn named(name: &str) -> Option<Self> {
        Self::from_str_name(name)
    }
}

impl WireEnum for shared::AppealState {
    const PREFIX: &'static str = "APPEAL_STATE_";

    fn name(self) -> &'static str {
        self.as_str_name()
    }

    fn named(name: &str) -> Option<Self> {
        Self::from_str_name(name)
    }
}

impl WireEnum for shared::TicketState {
    const PREFIX: &'static str = "TICKET_STATE_";

    fn name(self) -> &'static str {
        self.as_str_name()
    }

    fn named(name: &str) -> Option<Self> {
        Self::from_str_name(name)
    }
}

impl WireEnum for shared::GuideReason {
    const PREFIX: &'static str = "GUIDE_REASON_";

    fn name(self) -> &'static str {
        self.as_str_name()
    }

    fn named(name: &str) -> Option<Self> {
        Self::from_str_name(name)
    }
}

#[cfg(test)]
mod tests {
    use hotline_proto::intake as pb;

    use super::*;
    use crate::domain::reveal::{ContactField, Purpose};
    use crate::domain::terms::{AppealState, GuideReason, Kind, Nature, TicketState, Urgency};

    fn same_words<T: Term + std::fmt::Debug, W: WireEnum>() {
        let mut numbers = Vec::new();
        for (member, word) in T::WORDS {
            let number = wire_word::<T, W>(*member);
            assert_ne!(number, 0, "{word} is not in {}", W::PREFIX);
            assert_eq!(super::word::<T, W>("f", number), Ok(*member), "{word}");
            numbers.push(number);
        }
        let on_wire: Vec<i32> = (1..100)
            .filter(|number| W::try_from(*number).is_ok())
            .collect();
        numbers.sort_unstable();
        assert_eq!(numbers, on_wire, "{}", W::PREFIX);
    }

    #[test]
    fn the_wire_and_the_domain_have_the_same_words() {
        same_words::<Kind, shared::Kind>();
        same_words::<Urgency, shared::Urgency>();
        same_words::<Nature, shared::Nature>();
        same_words::<AppealState, shared::AppealState>();
        same_words::<TicketState, shared::TicketState>();
        same_words::<GuideReason, shared::GuideReason>();
        same_words::<ContactField, pb::ContactField>();
        same_words::<Purpose, pb::RevealPurpose>();
    }

    #[test]
    fn unspecified_is_absent_and_unknown_is_refused() {
        assert_eq!(optional_word::<Kind, shared::Kind>("kind", 0), Ok(None));
        assert!(optional_word::<Kind, shared::Kind>("kind", 99).is_err());
        assert!(word::<Kind, shared::Kind>("kind", 0).is_err());
    }

    #[test]
    fn instants_go_to_the_wire_and_back_in_microseconds() {
        let at = from_micros(1_700_000_000_123_456).expect("in range");
        assert_eq!(
            optional_instant("said_at", Some(timestamp(at))),
            Ok(Some(at))
        );
        let negative = prost_types::Timestamp {
            seconds: -1,
            nanos: 0,
        };
        assert!(optional_instant("said_at", Some(negative)).is_err());
        let nanos = prost_types::Timestamp {
            seconds: 0,
            nanos: 1_000_000_000,
        };
        assert!(optional_instant("said_at", Some(nanos)).is_err());
    }
}
