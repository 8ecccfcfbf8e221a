//! Which messages hold personal data, by the marks on their fields.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Value};

use crate::Failure;

/// What a text field is called that may hold what a person said or who he is. A field of such a name says what it
/// holds, or that it holds nothing personal.
const TELLING: [&str; 24] = [
    "account",
    "address",
    "answer",
    "cells",
    "clause",
    "client_address",
    "decision",
    "email",
    "file_name",
    "found",
    "handling_report",
    "header",
    "name",
    "note",
    "order",
    "phone",
    "purpose",
    "query",
    "reason",
    "reply",
    "subject",
    "summary",
    "text",
    "unit_name",
];
/// Whose messages are looked through for them.
const PACKAGES: [&str; 5] = [
    "hotline.event.v1",
    "hotline.feedback.v1",
    "hotline.intake.v1",
    "hotline.reporting.v1",
    "hotline.routing.v1",
];
/// From this number of `Pii` on a field holds nothing that must be hidden: `PII_MASKED_TEXT`.
const SHOWN_FROM: i32 = 20;

/// The messages with a field that is marked clear, and those that hold them, as `skip_debug` wants them: they get no
/// `Debug`, so that none can be logged by accident.
pub fn messages(encoded: &[u8]) -> Result<Vec<String>, Failure> {
    let pool = DescriptorPool::decode(encoded)?;
    let ours = pool
        .all_messages()
        .filter(|message| message.full_name().starts_with("hotline."));
    let messages: Vec<MessageDescriptor> = ours.collect();
    for message in &messages {
        for field in message.fields() {
            is_marked(message, &field)?;
        }
    }
    let mut personal: BTreeSet<String> = messages
        .iter()
        .filter(|message| message.fields().any(|field| is_clear(&field)))
        .map(|message| message.full_name().to_owned())
        .collect();
    // Whoever holds one is one.
    loop {
        let holds = |message: &&MessageDescriptor| {
            message.fields().any(|field| match field.kind() {
                Kind::Message(held) => personal.contains(held.full_name()),
                _ => false,
            })
        };
        let found: Vec<String> = messages
            .iter()
            .filter(|message| !personal.contains(message.full_name()))
            .filter(holds)
            .map(|message| message.full_name().to_owned())
            .collect();
        if found.is_empty() {
            break;
        }
        personal.extend(found);
    }
    Ok(personal.iter().map(|name| format!(".{name}")).collect())
}

/// The number of a field's mark, 0 for none.
fn mark(field: &FieldDescriptor) -> i32 {
    let pool = field.parent_pool();
    let Some(pii) = pool.get_extension_by_name("hotline.shared.v1.pii") else {
        return 0;
    };
    match field.options().get_extension(&pii).as_ref() {
        Value::EnumNumber(number) => *number,
        _ => 0,
    }
}

fn is_clear(field: &FieldDescriptor) -> bool {
    (1..SHOWN_FROM).contains(&mark(field))
}

fn is_marked(message: &MessageDescriptor, field: &FieldDescriptor) -> Result<(), Failure> {
    let is_telling = field.kind() == Kind::String
        && TELLING.contains(&field.name())
        && PACKAGES.contains(&message.package_name());
    if is_telling && mark(field) == 0 {
        let told = format!(
            "{}: a text of that name must be marked with (hotline.shared.v1.pii), PII_NOT_PERSONAL if it is not",
            field.full_name()
        );
        return Err(told.into());
    }
    Ok(())
}
