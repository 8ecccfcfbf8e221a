//! What one security administrator asks for and another one approves: roles, and a new way in.

use chrono::TimeDelta;
use hotline_kernel::time::Timestamp;
use uuid::Uuid;

/// A request that nobody decided in so long is over.
const OPEN_MAX: TimeDelta = TimeDelta::days(7);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// That the account has exactly these roles, and acts for this unit.
    Roles {
        /// Their words, in alphabetical order.
        roles: Vec<String>,
        /// Empty if none.
        unit_code: String,
    },
    /// That the account's person may choose a new password and second factor.
    Reset,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestState {
    /// Nobody decided yet.
    Open,
    /// A second person agreed, or it was made on this machine.
    Approved,
    /// A second person did not, or the first one thought better of it.
    Refused,
}

impl RequestState {
    /// Every state.
    pub(crate) const ALL: [Self; 3] = [Self::Open, Self::Approved, Self::Refused];

    /// Its word, as the column holds it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Refused => "refused",
        }
    }

    /// The state of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Its id.
    pub(crate) id: Uuid,
    /// Counts its changes, from 1.
    pub(crate) version: i64,
    /// For which account.
    pub(crate) account_id: Uuid,
    /// What is asked for.
    pub(crate) wish: Wish,
    /// The account's version then: what changed meanwhile was not what was asked for.
    pub(crate) account_version: i64,
    /// Why.
    pub(crate) reason: String,
    /// Who asked.
    pub(crate) asked_by: String,
    /// When.
    pub(crate) asked_at: Timestamp,
    /// Where it stands.
    pub(crate) state: RequestState,
    /// Who decided, empty if nobody did.
    pub(crate) decided_by: String,
    /// The hash of the asker's part of the link that an approval makes; `None` if it makes none, or if it was asked for on
    /// the machine.
    pub(crate) asker_part_hash: Option<Vec<u8>>,
}

/// Why a request is not decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Nobody gives himself anything.
    #[error("nobody gives himself roles or a new way in")]
    ForOneself,
    /// One person in two sessions is one person.
    #[error("a second person approves; whoever asked does not")]
    SamePerson,
    /// It was decided, or it is too old.
    #[error("the request is decided or older than 7 days")]
    Over,
    /// The account is another one now.
    #[error("the account changed since; ask again")]
    AccountChanged,
    /// The approver would have the whole link.
    #[error("the request is from before links came in two parts; refuse it and ask again")]
    AskedInOnePart,
}

/// Whether `asker` may ask for something for the account of `target`; both are names of principals.
pub(crate) fn may_ask(asker: &str, target: &str) -> Result<(), Refused> {
    if asker == target {
        return Err(Refused::ForOneself);
    }
    Ok(())
}

impl Request {
    /// Whether `approver` may approve it for the account of `target`, which has `account_version` now.
    pub(crate) fn may_approve(
        &self,
        approver: &str,
        target: &str,
        account_version: i64,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if approver == target {
            return Err(Refused::ForOneself);
        }
        if approver == self.asked_by {
            return Err(Refused::SamePerson);
        }
        self.may_be_decided(now)?;
        if account_version != self.account_version {
            return Err(Refused::AccountChanged);
        }
        Ok(())
    }

    /// Whether it still waits for a decision.
    pub(crate) fn may_be_decided(&self, now: Timestamp) -> Result<(), Refused> {
        if self.state != RequestState::Open || now - self.asked_at > OPEN_MAX {
            return Err(Refused::Over);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_two_people_neither_of_whom_is_the_one_it_is_for() {
        let asked_at = hotline_kernel::time::from_micros(1_780_000_000_000_000).unwrap();
        let request = |state| Request {
            id: Uuid::nil(),
            version: 1,
            account_id: Uuid::nil(),
            wish: Wish::Reset,
            account_version: 3,
            reason: String::new(),
            asked_by: "user:a".to_owned(),
            asked_at,
            state,
            decided_by: String::new(),
            asker_part_hash: None,
        };
        let open = request(RequestState::Open);
        let day = asked_at + TimeDelta::days(1);
        let cases = [
            (&open, "user:b", 3, day, Ok(())),
            (&open, "user:a", 3, day, Err(Refused::SamePerson)),
            (&open, "user:c", 3, day, Err(Refused::ForOneself)),
            (&open, "user:b", 4, day, Err(Refused::AccountChanged)),
            (
                &open,
                "user:b",
                3,
                asked_at + TimeDelta::days(8),
                Err(Refused::Over),
            ),
        ];
        for (request, approver, version, now, expected) in cases {
            let found = request.may_approve(approver, "user:c", version, now);
            assert_eq!(found, expected, "{approver} {version}");
        }
        for state in [RequestState::Approved, RequestState::Refused] {
            let found = request(state).may_approve("user:b", "user:c", 3, day);
            assert_eq!(found, Err(Refused::Over), "{state:?}");
        }
        assert_eq!(may_ask("user:c", "user:c"), Err(Refused::ForOneself));
    }
}
