use chrono::DateTime;
use hotline_kernel::id::ContactId;
use uuid::Uuid;

use super::*;
use crate::domain::appeal::Outcome;
use crate::domain::registration::Confidentiality;
use crate::domain::terms::{AppealState, Nature};

fn noon() -> Timestamp {
    DateTime::UNIX_EPOCH + TimeDelta::hours(12)
}

fn appeal(confidentiality: Confidentiality) -> Appeal {
    Appeal {
        id: Uuid::from_u128(1).into(),
        number: String::new(),
        version: 1,
        state: AppealState::Accepted,
        nature: Nature::New,
        channel_code: String::new(),
        line_number: String::new(),
        citizen: String::new(),
        contact: Some(ContactId::from(Uuid::from_u128(2))),
        subject: String::new(),
        text: String::new(),
        said_at: noon(),
        received_at: noon(),
        confidentiality,
        outcome: Outcome::default(),
        old_number: String::new(),
        import_batch: None,
    }
}

fn part(unit: &str, chain: &[&str], leads: &[&str]) -> UnitsPart {
    let owned = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
    UnitsPart {
        unit_code: unit.to_owned(),
        chain: owned(chain),
        leads: owned(leads),
    }
}

#[test]
fn a_contact_is_shown_to_the_centre_and_to_the_unit_that_leads() {
    let plain = Confidentiality::default();
    let against = |unit: &str| Confidentiality {
        complained_unit_codes: vec![unit.to_owned()],
        ..plain.clone()
    };
    let tip_off = Confidentiality {
        is_tip_off: true,
        ..plain.clone()
    };
    let confidential = Confidentiality {
        is_confidential: true,
        ..plain.clone()
    };
    let anonymous = Confidentiality {
        is_anonymous: true,
        ..plain.clone()
    };
    let low = || Some(part("LOW", &["LOW", "MID", "TOP"], &["LOW"]));
    let cases = [
        ("the centre", &plain, None, Ok(())),
        ("who leads", &plain, low(), Ok(())),
        (
            "who does not lead",
            &plain,
            Some(part("LOW", &["LOW", "MID"], &["MID"])),
            Err(Hidden::OutOfReach),
        ),
        ("against another", &against("OTHER"), low(), Ok(())),
        (
            "against it",
            &against("LOW"),
            low(),
            Err(Hidden::OutOfReach),
        ),
        (
            "against one above",
            &against("TOP"),
            low(),
            Err(Hidden::OutOfReach),
        ),
        (
            "against somebody, and the unit is not known",
            &against("OTHER"),
            Some(part("LOW", &[], &["LOW"])),
            Err(Hidden::OutOfReach),
        ),
        ("confidential, to the centre", &confidential, None, Ok(())),
        (
            "confidential, to a unit",
            &confidential,
            low(),
            Err(Hidden::Protected),
        ),
        (
            "a tip-off, to the centre",
            &tip_off,
            None,
            Err(Hidden::NeedsApproval),
        ),
        (
            "a tip-off, to a unit",
            &tip_off,
            low(),
            Err(Hidden::Protected),
        ),
        ("anonymous", &anonymous, None, Err(Hidden::Nothing)),
        (
            "anonymous, to a unit",
            &anonymous,
            low(),
            Err(Hidden::Nothing),
        ),
    ];
    for (label, flags, unit, expected) in cases {
        let found = may_be_shown(&appeal(flags.clone()), unit.as_ref(), false);
        assert_eq!(found, expected, "{label}");
    }
    assert_eq!(may_be_shown(&appeal(tip_off.clone()), None, true), Ok(()));
    let to_a_unit = may_be_shown(&appeal(tip_off), low().as_ref(), true);
    assert_eq!(to_a_unit, Err(Hidden::Protected), "approved or not");
    let mut unanswerable = appeal(plain);
    unanswerable.contact = None;
    assert_eq!(
        may_be_shown(&unanswerable, None, true),
        Err(Hidden::Nothing)
    );
}

fn asked() -> Approval {
    Approval {
        appeal: Uuid::from_u128(1).into(),
        fields: vec![ContactField::Name, ContactField::Phone],
        purpose: Purpose::Safety,
        asked_by: "operator:li".to_owned(),
        asked_at: noon(),
        approved: None,
        is_used: false,
    }
}

#[test]
fn whoever_asked_does_not_approve_and_nobody_approves_twice_or_late() {
    let later = |minutes| noon() + TimeDelta::minutes(minutes);
    assert_eq!(
        asked().approve("operator:li", noon()),
        Err(NotApproved::SamePerson)
    );
    assert_eq!(asked().approve("leader:wang", later(60)), Ok(()));
    assert_eq!(
        asked().approve("leader:wang", later(61)),
        Err(NotApproved::Late)
    );
    let twice = Approval {
        approved: Some(("leader:wang".to_owned(), noon())),
        ..asked()
    };
    assert_eq!(
        twice.approve("leader:chen", noon()),
        Err(NotApproved::Twice)
    );
}

#[test]
fn an_approval_is_for_one_person_one_appeal_these_fields_a_quarter_of_an_hour_and_once() {
    let good = Approval {
        approved: Some(("leader:wang".to_owned(), noon())),
        ..asked()
    };
    let (this, other) = (good.appeal, Uuid::from_u128(9).into());
    let phone = [ContactField::Phone];
    let later = |minutes| noon() + TimeDelta::minutes(minutes);
    let used = Approval {
        is_used: true,
        ..good.clone()
    };
    let own = Approval {
        approved: Some(("operator:li".to_owned(), noon())),
        ..asked()
    };
    let li = "operator:li";
    let email = [ContactField::Phone, ContactField::Email];
    let cases = [
        ("good", &good, li, this, &phone[..], 15, Ok(())),
        ("late", &good, li, this, &phone, 16, Err(NotApproved::Late)),
        (
            "another person",
            &good,
            "operator:chen",
            this,
            &phone,
            1,
            Err(NotApproved::NotThis),
        ),
        (
            "the approver",
            &good,
            "leader:wang",
            this,
            &phone,
            1,
            Err(NotApproved::NotThis),
        ),
        (
            "another appeal",
            &good,
            li,
            other,
            &phone,
            1,
            Err(NotApproved::NotThis),
        ),
        (
            "more fields",
            &good,
            li,
            this,
            &email,
            1,
            Err(NotApproved::NotThis),
        ),
        (
            "used",
            &used,
            li,
            this,
            &phone,
            1,
            Err(NotApproved::NotThis),
        ),
        (
            "not approved",
            &asked(),
            li,
            this,
            &phone,
            1,
            Err(NotApproved::Pending),
        ),
        (
            "approved by himself",
            &own,
            li,
            this,
            &phone,
            1,
            Err(NotApproved::SamePerson),
        ),
    ];
    for (label, approval, by, appeal, fields, minutes, expected) in cases {
        let found = approval.use_for(by, appeal, fields, later(minutes));
        assert_eq!(found, expected, "{label}");
    }
}

#[test]
fn only_what_was_asked_for_is_shown() {
    let contact = || Contact {
        name: "样小明".to_owned(),
        phone: "19900000001".to_owned(),
        email: "a@example.com".to_owned(),
        account: "wx1".to_owned(),
    };
    let shown = ContactField::only(&[ContactField::Phone], contact());
    assert_eq!(shown.phone, "19900000001");
    assert!(
        [&shown.name, &shown.email, &shown.account]
            .iter()
            .all(|part| part.is_empty())
    );
}
