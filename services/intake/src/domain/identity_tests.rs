//! Facts about dedup keys, content hashes, pseudonyms and query codes.

use super::*;
use crate::domain::registration::{Confidentiality, NewMatter};
use crate::domain::terms::Nature;

fn sample(identity: Identity) -> Registration {
    Registration {
        channel_code: "tel12345".to_owned(),
        line_number: String::new(),
        source: String::new(),
        identity,
        nature: Nature::New,
        said_at: None,
        contact: Contact {
            phone: "19900000001".to_owned(),
            ..Contact::default()
        },
        confidentiality: Confidentiality::default(),
        subject: "路灯".to_owned(),
        text: "第一行\n第二行".to_owned(),
        matters: vec![NewMatter::default()],
        imported: None,
    }
}

#[test]
fn keys_differ_wherever_the_identity_differs() {
    let mut other_channel = sample(Identity::SourceId("1".to_owned()));
    other_channel.channel_code = "mailbox".to_owned();
    let mut other_source = sample(Identity::SourceId("1".to_owned()));
    other_source.source = "board-2019".to_owned();
    let row = |occurrence| {
        sample(Identity::Row {
            content: [7; 32],
            occurrence,
        })
    };
    let all = [
        sample(Identity::SourceId("1".to_owned())),
        sample(Identity::SourceId("2".to_owned())),
        sample(Identity::ClientKey("1".to_owned())),
        other_channel,
        other_source,
        row(1),
        row(2),
    ];
    let keys: std::collections::HashSet<_> = all.iter().map(dedup_key).collect();
    assert_eq!(keys.len(), all.len());
}

#[test]
fn parts_cannot_be_shifted_into_each_other() {
    let mut left = sample(Identity::SourceId("bc".to_owned()));
    left.channel_code = "a".to_owned();
    let mut right = sample(Identity::SourceId("c".to_owned()));
    right.channel_code = "ab".to_owned();
    assert_ne!(dedup_key(&left), dedup_key(&right));
}

#[test]
fn content_is_what_was_said_not_how_it_was_typed() {
    type Case = (&'static str, fn(&mut Registration), bool);
    let cases: [Case; 8] = [
        ("as told", |_| (), true),
        (
            "windows line ends",
            |r| r.text = "第一行\r\n第二行".to_owned(),
            true,
        ),
        (
            "space around",
            |r| r.text = "\t第一行\n第二行 ".to_owned(),
            true,
        ),
        (
            "other moment",
            |r| r.said_at = chrono::DateTime::from_timestamp(0, 0),
            true,
        ),
        ("other text", |r| r.text.push('了'), false),
        (
            "other phone",
            |r| r.contact.phone = "19900000002".to_owned(),
            false,
        ),
        (
            "anonymous",
            |r| r.confidentiality.is_anonymous = true,
            false,
        ),
        (
            "two matters",
            |r| r.matters.push(NewMatter::default()),
            false,
        ),
    ];
    let told = content_hash(&sample(Identity::SourceId("1".to_owned())));
    for (label, change, is_same) in cases {
        let mut again = sample(Identity::SourceId("1".to_owned()));
        change(&mut again);
        assert_eq!(content_hash(&again) == told, is_same, "{label}");
    }
}

#[test]
fn a_citizen_is_known_by_phone_then_mail_then_account() {
    let key = [1; 32];
    let contact = |email: &str, account: &str| Contact {
        email: email.to_owned(),
        account: account.to_owned(),
        ..Contact::default()
    };
    let phone = pseudonym(
        &key,
        "a",
        Some("+8619900000001"),
        &contact("x@example.com", "u"),
    );
    assert_eq!(
        phone,
        pseudonym(&key, "b", Some("+8619900000001"), &contact("", ""))
    );
    let mail = pseudonym(&key, "a", None, &contact("X@example.com ", "u"));
    assert_eq!(
        mail,
        pseudonym(&key, "b", None, &contact("x@example.com", ""))
    );
    let account = pseudonym(&key, "a", None, &contact("", "u"));
    assert_ne!(
        account,
        pseudonym(&key, "b", None, &contact("", "u")),
        "an account belongs to its source"
    );
    assert_eq!(
        None,
        pseudonym(&key, "a", None, &contact(" ", "")),
        "nobody is known"
    );
    assert_ne!(
        phone,
        pseudonym(&[2; 32], "a", Some("+8619900000001"), &contact("", "")),
        "keyed"
    );
    assert_eq!(phone.map(|text| text.len()), Some(32));
}

#[test]
fn nothing_is_the_same_text_without_citizen_or_text() {
    assert_eq!(text_key("", "路灯不亮"), None);
    assert_eq!(text_key("c", ""), None);
    assert_eq!(text_key("c", "路灯不亮"), text_key("c", "路灯不亮"));
    assert_ne!(text_key("c", "路灯不亮"), text_key("d", "路灯不亮"));
}

#[test]
fn a_query_code_is_repeatable_and_needs_the_secret() {
    let code = query_code(&[1; 32], "261122-ABCDE-F");
    assert_eq!(code, query_code(&[1; 32], "261122-ABCDE-F"));
    assert_ne!(code, query_code(&[2; 32], "261122-ABCDE-F"));
    assert_ne!(code, query_code(&[1; 32], "261122-ABCDE-G"));
    assert_eq!(code.len(), CODE_LENGTH);
    assert!(code.bytes().all(|letter| CODE_ALPHABET.contains(&letter)));
    assert!(same_code(&code, &format!(" {} ", code.to_lowercase())));
    assert!(!same_code(&code, &code[1..]));
    assert!(!same_code(&code, ""));
}
