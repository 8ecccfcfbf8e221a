//! Accounts: a person, the roles he was given, and whether he may come in.

use chrono::TimeDelta;
use hotline_kernel::time::Timestamp;
use uuid::Uuid;

/// An account that nobody signed in to for so long is disabled (GB/T 22239-2019 8.1.4.2 c: superfluous and
/// expired accounts are disabled in time).
const IDLE_MAX: TimeDelta = TimeDelta::days(60);
/// The longest name, in characters.
const NAME_MAX: usize = 32;

/// What an account is called: never given to another person, for the audit trail names people by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountName(String);

impl AccountName {
    /// Reads a name; capital letters count as small ones.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase();
        let is_fit = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let begins_well = name.starts_with(|first: char| first.is_ascii_lowercase());
        let is_known = name
            .chars()
            .all(|letter| is_fit(letter) || matches!(letter, '.' | '_' | '-'));
        (begins_well && is_known && (2..=NAME_MAX).contains(&name.len())).then_some(Self(name))
    }

    /// What [`AccountName::parse`] expects, to end the sentence "must be …".
    pub(crate) const EXPECTED: &'static str =
        "2 to 32 small letters, digits, dots, dashes and underscores, a letter first";

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its principal, in audit and history.
    pub(crate) fn actor(&self) -> String {
        format!("user:{}", self.0)
    }
}

/// Whether somebody can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountState {
    /// Waits for its person to choose a password.
    Invited,
    /// Can be signed in to.
    Active,
    /// Cannot.
    Disabled,
}

impl AccountState {
    /// Every state.
    pub(crate) const ALL: [Self; 3] = [Self::Invited, Self::Active, Self::Disabled];

    /// Its word, as the column holds it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// The state of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    /// Its id.
    pub(crate) id: Uuid,
    /// Counts its changes, from 1.
    pub(crate) version: i64,
    /// Its name.
    pub(crate) name: AccountName,
    /// Whether it can be signed in to.
    pub(crate) state: AccountState,
    /// The words of its roles, in alphabetical order.
    pub(crate) roles: Vec<String>,
    /// The unit it acts for, empty if none.
    pub(crate) unit_code: String,
    /// A contractor's.
    pub(crate) outsourced: bool,
    /// Who it is at the identity provider, if it signs in there.
    pub(crate) oidc_subject: Option<String>,
    /// When it was made.
    pub(crate) made_at: Timestamp,
    /// When it was last signed in to, or made ready to be.
    pub(crate) last_used_at: Timestamp,
}

impl Account {
    /// Whether nobody used it for so long that it is to be disabled.
    pub(crate) fn is_idle(&self, now: Timestamp) -> bool {
        now - self.last_used_at > IDLE_MAX
    }

    /// Whether its person may come in: active, in use and with something to do.
    pub(crate) fn is_open(&self, now: Timestamp) -> bool {
        self.state == AccountState::Active && !self.roles.is_empty() && !self.is_idle(now)
    }
}

/// What the rules ask of a role, told by whoever knows the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoleTraits {
    /// Its word.
    pub(crate) word: &'static str,
    /// Goes with no other role.
    pub(crate) stands_alone: bool,
    /// Acts for a unit.
    pub(crate) is_of_a_unit: bool,
    /// Is a person's; programs have keys, citizens have receipts.
    pub(crate) is_of_staff: bool,
}

/// Why roles do not go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// Administration, accounts and audit are kept apart (GB/T 22239-2019, 8.1.5).
    #[error("administrator, security_administrator and auditor go with no other role")]
    RolesExclude,
    /// A program's or a citizen's role.
    #[error("channels have keys and citizens have receipts; neither role is an account's")]
    NotOfStaff,
    /// A unit's role without a unit.
    #[error("a unit's role needs a unit")]
    UnitMissing,
    /// A unit with a role that is none of a unit's.
    #[error("a unit goes with roles of a unit only")]
    UnitUnexpected,
    /// A contractor would keep accounts, configuration or the audit trail.
    #[error("an outsourced account is no administrator, security_administrator or auditor")]
    Outsourced,
}

/// Whether one account may have these roles together.
pub(crate) fn fit_together(
    roles: &[RoleTraits],
    unit_code: &str,
    outsourced: bool,
) -> Result<(), Unfit> {
    if roles.iter().any(|role| !role.is_of_staff) {
        return Err(Unfit::NotOfStaff);
    }
    let stands_alone = roles.iter().any(|role| role.stands_alone);
    if stands_alone && roles.len() > 1 {
        return Err(Unfit::RolesExclude);
    }
    if stands_alone && outsourced {
        return Err(Unfit::Outsourced);
    }
    if unit_code.is_empty() && roles.iter().any(|role| role.is_of_a_unit) {
        return Err(Unfit::UnitMissing);
    }
    if !unit_code.is_empty() && roles.iter().any(|role| !role.is_of_a_unit) {
        return Err(Unfit::UnitUnexpected);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(word: &'static str) -> RoleTraits {
        RoleTraits {
            word,
            stands_alone: matches!(word, "administrator" | "security_administrator" | "auditor"),
            is_of_a_unit: word.starts_with("unit"),
            is_of_staff: !matches!(word, "channel" | "citizen"),
        }
    }

    #[test]
    fn a_name_is_plain_and_small() {
        for (text, expected) in [
            ("Wang.Li", Some("wang.li")),
            (" li ", Some("li")),
            ("l", None),
            ("7li", None),
            ("li wang", None),
            ("李", None),
            ("a:b", None),
            (&"a".repeat(33), None),
        ] {
            let found = AccountName::parse(text);
            assert_eq!(found.as_ref().map(AccountName::as_str), expected, "{text}");
        }
    }

    #[test]
    fn powers_that_are_kept_apart_are_never_one_accounts() {
        type Case = (
            &'static [&'static str],
            &'static str,
            bool,
            Result<(), Unfit>,
        );
        let cases: &[Case] = &[
            (&["operator", "dispatcher"], "", false, Ok(())),
            (&["unit_clerk", "unit_lead"], "MID", false, Ok(())),
            (&["operator"], "", true, Ok(())),
            (&[], "", false, Ok(())),
            (&["auditor"], "", false, Ok(())),
            (
                &["auditor", "operator"],
                "",
                false,
                Err(Unfit::RolesExclude),
            ),
            (
                &["administrator", "security_administrator"],
                "",
                false,
                Err(Unfit::RolesExclude),
            ),
            (&["auditor"], "", true, Err(Unfit::Outsourced)),
            (&["channel"], "", false, Err(Unfit::NotOfStaff)),
            (&["citizen", "operator"], "", false, Err(Unfit::NotOfStaff)),
            (&["unit_clerk"], "", false, Err(Unfit::UnitMissing)),
            (&["operator"], "MID", false, Err(Unfit::UnitUnexpected)),
        ];
        for (words, unit, outsourced, expected) in cases {
            let roles: Vec<_> = words.iter().map(|word| role(word)).collect();
            assert_eq!(
                fit_together(&roles, unit, *outsourced),
                *expected,
                "{words:?}"
            );
        }
    }
}
