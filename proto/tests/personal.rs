//! What the marks of personal data on fields promise: to events, to answers and to logs.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use hotline_proto::access::RULES;
use hotline_proto::shared::{Pii, PiiLevel};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Value};

fn contract() -> DescriptorPool {
    DescriptorPool::decode(hotline_proto::DESCRIPTORS).expect("the build wrote valid descriptors")
}

fn mark(field: &FieldDescriptor) -> Pii {
    let pool = field.parent_pool();
    let pii = pool.get_extension_by_name("hotline.shared.v1.pii");
    let pii = pii.expect("access.proto defines the mark");
    match field.options().get_extension(&pii).as_ref() {
        Value::EnumNumber(number) => Pii::try_from(*number).expect("a known mark"),
        _ => Pii::Unspecified,
    }
}

fn is_clear(field: &FieldDescriptor) -> bool {
    !matches!(
        mark(field),
        Pii::Unspecified | Pii::MaskedText | Pii::NotPersonal
    )
}

/// The fields of a message, and of those in it, that are marked clear.
fn clear(message: &MessageDescriptor, seen: &mut BTreeSet<String>) -> Vec<String> {
    if !seen.insert(message.full_name().to_owned()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for field in message.fields() {
        if is_clear(&field) {
            found.push(field.full_name().to_owned());
        }
        if let Kind::Message(held) = field.kind() {
            found.extend(clear(&held, seen));
        }
    }
    found
}

#[test]
fn no_event_holds_personal_data_and_its_texts_are_masked() {
    let mut masked = 0;
    for message in contract().all_messages() {
        if message.package_name() != "hotline.event.v1" {
            continue;
        }
        let found = clear(&message, &mut BTreeSet::new());
        assert!(found.is_empty(), "{}: {found:?}", message.full_name());
        let texts = message
            .fields()
            .filter(|field| mark(field) == Pii::MaskedText);
        masked += texts.count();
    }
    assert!(masked >= 15, "the texts of events are marked: {masked}");
}

#[test]
fn only_answers_of_calls_that_say_so_hold_personal_data() {
    let mut holding = Vec::new();
    for service in contract().services() {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let found = clear(&method.output(), &mut BTreeSet::new());
            if found.is_empty() {
                continue;
            }
            let rule = RULES.iter().find(|(known, _)| *known == path);
            let (_, rule) = rule.expect("every method has a rule");
            assert_eq!(rule.pii, PiiLevel::Clear as i32, "{path}: {found:?}");
            if !path.contains(".gateway.") {
                holding.push(method.name().to_owned());
            }
        }
    }
    holding.sort();
    assert_eq!(holding, ["GetContact", "ListRefusedRows", "RevealContact"]);
}

#[test]
fn what_holds_personal_data_has_no_debug() {
    // Of the generated source: a message with `Debug` derives it, one without has it nowhere.
    let generated = include_str!(concat!(env!("OUT_DIR"), "/hotline.intake.v1.rs"));
    for name in [
        "Contact",
        "RawRow",
        "RegisterAppealRequest",
        "ImportRowsRequest",
    ] {
        let (before, _) = generated
            .split_once(&format!("pub struct {name} {{"))
            .expect("it is generated");
        let derives = before.rsplit("\n\n").next().unwrap_or(before);
        let derives = derives.rsplit('}').next().unwrap_or(derives);
        assert!(derives.contains("skip_debug"), "{name}: {derives}");
    }
}
