//! Looking at a contact: who may, how often, and what a second person has to do with it.

use chrono::TimeDelta;
use hotline_kernel::id::AppealId;
use hotline_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::appeal::Appeal;
use super::registration::Contact;
use super::terms::Term;

/// How long a request waits for another person, in minutes.
pub const APPROVE_WITHIN_MINUTES: i64 = 60;
/// How long an approval can be used, in minutes.
pub const USE_WITHIN_MINUTES: i64 = 15;
/// Characters of a reason, at least and at most: a word is no reason.
pub const REASON_CHARS: std::ops::RangeInclusive<usize> = 4..=500;
/// Units above a unit that are looked at, itself with them; routing refuses deeper trees.
pub const DEPTH_MAX: usize = 8;

/// A part of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactField {
    /// The name.
    Name,
    /// The phone number.
    Phone,
    /// The e-mail address.
    Email,
    /// The account at the source.
    Account,
}

impl Term for ContactField {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Name, "name"),
        (Self::Phone, "phone"),
        (Self::Email, "email"),
        (Self::Account, "account"),
    ];
}

impl ContactField {
    /// The parts of `contact` that were asked for; the others are empty.
    #[must_use]
    pub fn only(fields: &[Self], contact: Contact) -> Contact {
        let keep = |field: Self, value: String| {
            if fields.contains(&field) {
                value
            } else {
                String::new()
            }
        };
        Contact {
            name: keep(Self::Name, contact.name),
            phone: keep(Self::Phone, contact.phone),
            email: keep(Self::Email, contact.email),
            account: keep(Self::Account, contact.account),
        }
    }
}

/// What a contact is looked at for. The citizen may be told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// 回电核实
    CallBack,
    /// 现场联系
    SiteVisit,
    /// 回访
    FollowUp,
    /// 人身安全
    Safety,
    /// 依法提供
    LegalDuty,
}

impl Term for Purpose {
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::CallBack, "call_back"),
        (Self::SiteVisit, "site_visit"),
        (Self::FollowUp, "follow_up"),
        (Self::Safety, "safety"),
        (Self::LegalDuty, "legal_duty"),
    ];
}

/// How often a person may look at contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevealLimits {
    /// In an hour, at most.
    pub per_hour: u32,
    /// In an hour, beyond which it is unusual.
    pub unusual_per_hour: u32,
}

/// Why a contact is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hidden {
    /// The appeal is not the caller's to know of: told like one that does not exist.
    OutOfReach,
    /// The citizen asked not to be known to units, or informs against somebody.
    Protected,
    /// Nobody left a contact.
    Nothing,
    /// The identity behind a tip-off needs another person's approval.
    NeedsApproval,
}

/// What a unit that asks is to an appeal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitsPart {
    /// Its code.
    pub unit_code: String,
    /// It and those above it; empty if it is not known.
    pub chain: Vec<String>,
    /// Who leads the open tickets that the appeal's matters stand on.
    pub leads: Vec<String>,
}

/// Whether the contact of `appeal` may be shown: to the centre, or to a unit.
///
/// A unit is shown it while it leads a ticket of the appeal, never if the appeal complains about it or a unit above
/// it, and never who asked to stay unknown.
///
/// # Errors
///
/// [`Hidden`].
pub fn may_be_shown(
    appeal: &Appeal,
    unit: Option<&UnitsPart>,
    is_approved: bool,
) -> Result<(), Hidden> {
    let flags = &appeal.confidentiality;
    if let Some(unit) = unit {
        let complained = &flags.complained_unit_codes;
        // Who is above a unit that is not known is not known either.
        let is_accused = !complained.is_empty()
            && (unit.chain.is_empty() || unit.chain.iter().any(|code| complained.contains(code)));
        if !unit.leads.contains(&unit.unit_code) || is_accused {
            return Err(Hidden::OutOfReach);
        }
        if flags.is_confidential || flags.is_tip_off {
            return Err(Hidden::Protected);
        }
    }
    if flags.is_anonymous || appeal.contact.is_none() {
        return Err(Hidden::Nothing);
    }
    if flags.is_tip_off && !is_approved {
        return Err(Hidden::NeedsApproval);
    }
    Ok(())
}

/// A look at a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reveal {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The unit he acted for, empty for the centre.
    pub unit_code: String,
    /// Whose contact.
    pub appeal: AppealId,
    /// What of it.
    pub fields: Vec<ContactField>,
    /// What for.
    pub purpose: Purpose,
    /// Why, masked.
    pub reason: String,
    /// The approval that was used.
    pub approval: Option<Uuid>,
    /// Who approved it, empty if nobody had to.
    pub approved_by: String,
}

/// A wish of one person to know who is behind a tip-off, and what another one said to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Of which appeal.
    pub appeal: AppealId,
    /// What of the contact.
    pub fields: Vec<ContactField>,
    /// What for.
    pub purpose: Purpose,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: Timestamp,
    /// Who approved, and when.
    pub approved: Option<(String, Timestamp)>,
    /// It was used.
    pub is_used: bool,
}

/// A wish that waits for another person, as he is shown it: nothing of who is behind the tip-off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingApproval {
    /// Its id.
    pub id: Uuid,
    /// The wish.
    pub approval: Approval,
    /// Why, masked.
    pub reason: String,
    /// The receipt's number.
    pub number: String,
    /// What the tip-off is about, masked.
    pub subject: String,
}

/// Why an approval is not given, or not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum NotApproved {
    /// Whoever asks does not approve, in whatever session.
    #[error("another person must approve it than the one who asked")]
    SamePerson,
    /// It was approved before.
    #[error("it was approved already")]
    Twice,
    /// Nobody approved it in time, or it was not used in time.
    #[error("its time is over; ask again")]
    Late,
    /// Nobody approved it yet.
    #[error("nobody has approved it yet")]
    Pending,
    /// It was used, or is not for this person, this appeal or these fields.
    #[error("it is not an approval of this look")]
    NotThis,
}

impl Approval {
    /// `by` approves it.
    ///
    /// # Errors
    ///
    /// [`NotApproved`].
    pub fn approve(&self, by: &str, now: Timestamp) -> Result<(), NotApproved> {
        if by == self.asked_by {
            return Err(NotApproved::SamePerson);
        }
        if self.approved.is_some() {
            return Err(NotApproved::Twice);
        }
        if now > self.approve_until() {
            return Err(NotApproved::Late);
        }
        Ok(())
    }

    /// `by` uses it to look at `fields` of the contact of `appeal`.
    ///
    /// # Errors
    ///
    /// [`NotApproved`].
    pub fn use_for(
        &self,
        by: &str,
        appeal: AppealId,
        fields: &[ContactField],
        now: Timestamp,
    ) -> Result<(), NotApproved> {
        let is_within = fields.iter().all(|field| self.fields.contains(field));
        if self.is_used || by != self.asked_by || appeal != self.appeal || !is_within {
            return Err(NotApproved::NotThis);
        }
        let (approver, approved_at) = self.approved.as_ref().ok_or(NotApproved::Pending)?;
        if approver == by {
            return Err(NotApproved::SamePerson);
        }
        if now > Self::use_until(*approved_at) {
            return Err(NotApproved::Late);
        }
        Ok(())
    }

    /// 1 while it was asked for only, 2 once it was approved, 3 once it was used.
    #[must_use]
    pub fn version(&self) -> i64 {
        1 + i64::from(self.approved.is_some()) + i64::from(self.is_used)
    }

    /// Since when what can still be approved at `now` was asked.
    #[must_use]
    pub fn asked_since(now: Timestamp) -> Timestamp {
        now - TimeDelta::minutes(APPROVE_WITHIN_MINUTES)
    }

    /// Until when it can be approved.
    #[must_use]
    pub fn approve_until(&self) -> Timestamp {
        self.asked_at + TimeDelta::minutes(APPROVE_WITHIN_MINUTES)
    }

    /// Until when it can be used.
    #[must_use]
    pub fn use_until(approved_at: Timestamp) -> Timestamp {
        approved_at + TimeDelta::minutes(USE_WITHIN_MINUTES)
    }
}

#[cfg(test)]
#[path = "reveal_tests.rs"]
mod tests;
