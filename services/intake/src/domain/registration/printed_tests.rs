//! What is printed of what comes in.

use super::*;

#[test]
fn what_was_said_and_who_said_it_is_not_printed() {
    let said = "personal-canary".to_owned();
    let matter = NewMatter {
        subject: said.clone(),
        text: said.clone(),
        category_code: "road".to_owned(),
        ..NewMatter::default()
    };
    let registration = Registration {
        channel_code: "web".to_owned(),
        line_number: String::new(),
        source: String::new(),
        identity: Identity::SourceId(said.clone()),
        nature: Nature::New,
        said_at: None,
        contact: Contact {
            name: said.clone(),
            phone: said.clone(),
            ..Contact::default()
        },
        confidentiality: Confidentiality::default(),
        subject: said.clone(),
        text: said.clone(),
        matters: vec![matter],
        imported: Some(Imported {
            batch_id: uuid::Uuid::nil().into(),
            old_number: String::new(),
            received_at: None,
            due_at: None,
            reply: Some(ImportedReply {
                text: said.clone(),
                replied_at: None,
            }),
        }),
    };
    let printed = format!("{registration:?}");
    assert!(!printed.contains(&said), "{printed}");
    assert!(
        printed.contains("web") && printed.contains("road"),
        "{printed}"
    );
}
