//! A request that somebody be forgotten: one person asks, another approves.

use hotline_kernel::id::AppealId;
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whom a request is about, as far as who decides about it may know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The appeal that was named, or the citizen's latest one; `None` if there is none.
    pub appeal: Option<AppealId>,
    /// Its number, empty if there is none.
    pub number: String,
    /// The citizen's name, masked; empty if it is not known or was forgotten, and not remembered with the command.
    #[serde(skip)]
    pub name: String,
    /// How many appeals are forgotten; 0 when it is done.
    pub appeals: u64,
}

/// A request that somebody be forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its id.
    pub id: Uuid,
    /// Whose data key is to be destroyed; empty when it is done, and not remembered with the command.
    #[serde(skip)]
    pub owner: String,
    /// Whom it is about. What was remembered before says nothing of it.
    #[serde(default)]
    pub subject: Subject,
    /// Why, masked.
    pub reason: String,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: Timestamp,
    /// Who approved, and when.
    pub approved: Option<(String, Timestamp)>,
}

/// Why a request cannot be approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Two persons are needed.
    #[error("who asked for an erasure cannot approve it; expected another person")]
    SamePerson,
    /// It is done.
    #[error("this erasure was approved before")]
    Approved,
}

impl Erasure {
    /// 1 while it waits, 2 when it is done.
    #[must_use]
    pub fn version(&self) -> i64 {
        if self.approved.is_some() { 2 } else { 1 }
    }

    /// The request as approved by `by`.
    ///
    /// # Errors
    ///
    /// [`Refused`] for the person who asked, and for a request that is approved already.
    pub fn approve(self, by: &str, at: Timestamp) -> Result<Self, Refused> {
        if self.approved.is_some() {
            return Err(Refused::Approved);
        }
        if self.requested_by == by {
            return Err(Refused::SamePerson);
        }
        Ok(Self {
            approved: Some((by.to_owned(), at)),
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_person_approves_and_only_once() {
        let at = hotline_kernel::time::from_micros(0).unwrap();
        let asked = Erasure {
            id: Uuid::nil(),
            owner: "c".to_owned(),
            subject: Subject::default(),
            reason: "本人申请".to_owned(),
            requested_by: "user:li".to_owned(),
            requested_at: at,
            approved: None,
        };
        assert_eq!(
            asked.clone().approve("user:li", at),
            Err(Refused::SamePerson)
        );
        let approved = asked.approve("user:wang", at).unwrap();
        assert_eq!(approved.approved, Some(("user:wang".to_owned(), at)));
        assert_eq!(approved.approve("user:zhao", at), Err(Refused::Approved));
    }
}
