//! A trip: from our page to the identity provider and back, in one browser, once.

use chrono::TimeDelta;
use hotline_kernel::time::Timestamp;
use uuid::Uuid;

/// How long somebody may take at the provider.
pub(crate) const TRIP_MAX: TimeDelta = TimeDelta::minutes(10);
/// How long somebody who came back may take to give his code.
const HALF_WAY_MAX: TimeDelta = TimeDelta::minutes(5);
/// How far the provider's clock may differ from ours.
pub(crate) const SKEW: TimeDelta = TimeDelta::seconds(60);

/// What a trip is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To begin a session.
    SignIn,
    /// To prove himself again in this session.
    StepUp(Uuid),
}

/// Whether somebody who left at `since` may still come back at `now`.
pub(crate) fn may_come_back(since: Timestamp, now: Timestamp) -> bool {
    (since..=since + TRIP_MAX).contains(&now)
}

/// Whether somebody whom the provider proved at `since` may still give his code at `now`.
pub(crate) fn may_give_code(since: Timestamp, now: Timestamp) -> bool {
    (since..=since + HALF_WAY_MAX).contains(&now)
}

/// Which of the provider's words say that it asked for a second factor: `acr` and `amr` of `OpenID` Connect Core 2.
/// They count only if the configuration names them; what one provider calls `mfa` another one calls nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vouching {
    /// Classes of authentication, one of which is enough.
    pub(crate) acr: Vec<String>,
    /// Methods of authentication, one of which is enough.
    pub(crate) amr: Vec<String>,
}

impl Vouching {
    /// Whether any word is agreed on; otherwise the second factor is ours.
    pub(crate) fn is_agreed(&self) -> bool {
        !self.acr.is_empty() || !self.amr.is_empty()
    }

    /// Whether the provider says that there was a second factor.
    pub(crate) fn is_given<'a>(
        &self,
        acr: Option<&str>,
        mut amr: impl Iterator<Item = &'a str>,
    ) -> bool {
        let is_class = acr.is_some_and(|told| self.acr.iter().any(|known| known == told));
        is_class || amr.any(|told| self.amr.iter().any(|known| known == told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_are_agreed_on_are_a_second_factor() {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        let agreed = Vouching {
            acr: words(&["urn:city:two"]),
            amr: words(&["otp", "hwk"]),
        };
        let nothing = Vouching::default();
        assert!(agreed.is_agreed() && !nothing.is_agreed());
        let cases: [(Option<&str>, &[&str], bool); 7] = [
            (Some("urn:city:two"), &[], true),
            (None, &["pwd", "otp"], true),
            (Some("urn:city:one"), &["hwk"], true),
            (Some("urn:city:one"), &["pwd"], false),
            (Some("otp"), &["urn:city:two"], false),
            (Some(""), &[""], false),
            (None, &[], false),
        ];
        for (acr, amr, expected) in cases {
            let found = agreed.is_given(acr, amr.iter().copied());
            assert_eq!(found, expected, "{acr:?} {amr:?}");
            assert!(!nothing.is_given(acr, amr.iter().copied()));
        }
    }

    #[test]
    fn nobody_comes_back_late_or_before_he_left() {
        let left = hotline_kernel::time::from_micros(1_780_000_000_000_000).unwrap();
        for (seconds, back, code) in [
            (-1, false, false),
            (0, true, true),
            (300, true, true),
            (301, true, false),
            (600, true, false),
            (601, false, false),
        ] {
            let now = left + TimeDelta::seconds(seconds);
            assert_eq!(may_come_back(left, now), back, "{seconds}");
            assert_eq!(may_give_code(left, now), code, "{seconds}");
        }
    }
}
