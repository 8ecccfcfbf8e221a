//! The wire contract may grow, never break: it is compared with `released.binpb`.
//!
//! After an intended addition, write the new contract down with
//! `HOTLINE_RELEASE_CONTRACT=1 cargo test -p hotline-proto --test compatibility`.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor, MethodDescriptor};

/// What a caller relies on: each promise by its full name, with what it promises.
fn promises(pool: &DescriptorPool) -> BTreeMap<String, String> {
    let ours = |name: &str| name.starts_with("hotline.");
    let mut found = BTreeMap::new();
    for message in pool
        .all_messages()
        .filter(|message| ours(message.full_name()))
    {
        message_promises(&message, &mut found);
    }
    for kind in pool.all_enums().filter(|kind| ours(kind.full_name())) {
        enum_promises(&kind, &mut found);
    }
    for method in pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        let promise = format!(
            "{}{} -> {}{}",
            if method.is_client_streaming() {
                "stream "
            } else {
                ""
            },
            method.input().full_name(),
            if method.is_server_streaming() {
                "stream "
            } else {
                ""
            },
            method.output().full_name(),
        );
        found.insert(format!("rpc {}", method.full_name()), promise);
    }
    found
}

fn message_promises(message: &MessageDescriptor, found: &mut BTreeMap<String, String>) {
    let reserved: Vec<_> = message.reserved_ranges().collect();
    found.insert(format!("message {}", message.full_name()), String::new());
    for field in message.fields() {
        let oneof = field
            .containing_oneof()
            .map(|oneof| oneof.name().to_owned())
            .unwrap_or_default();
        let promise = format!(
            "{} {:?} {:?} {oneof}",
            field.name(),
            field.kind(),
            field.cardinality()
        );
        found.insert(
            format!("field {}#{}", message.full_name(), field.number()),
            promise,
        );
    }
    for range in reserved {
        for number in range {
            found.insert(
                format!("reserved {}#{number}", message.full_name()),
                String::new(),
            );
        }
    }
}

fn enum_promises(kind: &EnumDescriptor, found: &mut BTreeMap<String, String>) {
    for value in kind.values() {
        found.insert(
            format!("value {}#{}", kind.full_name(), value.number()),
            value.name().to_owned(),
        );
    }
}

/// Every promise of `released` that `now` does not keep.
fn breaks(released: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, promise) in released {
        match now.get(name) {
            Some(kept) if kept == promise => {}
            Some(other) => broken.push(format!("{name}: was `{promise}`, is `{other}`")),
            None if is_reserved(name, now) => {}
            None => broken.push(format!("{name}: was `{promise}`, is gone and not reserved")),
        }
    }
    broken
}

fn is_reserved(name: &str, now: &BTreeMap<String, String>) -> bool {
    name.strip_prefix("field ")
        .is_some_and(|field| now.contains_key(&format!("reserved {field}")))
}

fn contract() -> DescriptorPool {
    DescriptorPool::decode(hotline_proto::DESCRIPTORS).expect("the build wrote valid descriptors")
}

#[test]
fn the_contract_keeps_every_released_promise() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("released.binpb");
    if env::var_os("HOTLINE_RELEASE_CONTRACT").is_some() {
        let mut set =
            prost_reflect::prost_types::FileDescriptorSet::decode(hotline_proto::DESCRIPTORS)
                .expect("the build wrote a descriptor set");
        for file in &mut set.file {
            file.source_code_info = None;
        }
        fs::write(&path, set.encode_to_vec()).expect("the crate's folder is writable");
    }
    let released = fs::read(&path).expect("proto/released.binpb is committed");
    let released = DescriptorPool::decode(released.as_slice()).expect("a descriptor set");
    let broken = breaks(&promises(&released), &promises(&contract()));
    assert!(
        broken.is_empty(),
        "breaking changes:\n{}",
        broken.join("\n")
    );
}

#[test]
fn a_removed_field_a_changed_type_and_a_renamed_value_are_breaks() {
    let now = promises(&contract());
    let cases = [
        (
            "field hotline.intake.v1.Receipt#2",
            "number Int64 Optional ",
        ),
        (
            "field hotline.intake.v1.Receipt#99",
            "gone String Optional ",
        ),
        ("value hotline.shared.v1.Kind#1", "KIND_QUESTION"),
        ("rpc hotline.intake.v1.IntakeService.Forget", "a -> b"),
    ];
    for (name, promise) in cases {
        let released = BTreeMap::from([(name.to_owned(), promise.to_owned())]);
        assert_eq!(breaks(&released, &now).len(), 1, "{name}");
    }
}

#[test]
fn every_method_is_explained_and_has_its_own_request_and_response() {
    for method in contract()
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        assert_eq!(
            method.input().name(),
            format!("{}Request", method.name()),
            "{}",
            method.full_name()
        );
        assert_eq!(
            method.output().name(),
            format!("{}Response", method.name()),
            "{}",
            method.full_name()
        );
        assert!(
            comment(&method).is_some(),
            "{} has no comment",
            method.full_name()
        );
    }
}

fn comment(method: &MethodDescriptor) -> Option<String> {
    let file = method.parent_file();
    let info = file.file_descriptor_proto().source_code_info.clone()?;
    let path = method.path();
    let location = info
        .location
        .iter()
        .find(|location| location.path == path)?;
    location
        .leading_comments
        .clone()
        .filter(|text| !text.trim().is_empty())
}

#[test]
fn lists_have_page_tokens_and_commands_have_key_and_version() {
    for method in contract()
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        let name = method.full_name();
        let has = |field: &str| method.input().get_field_by_name(field).is_some();
        if method.name().starts_with("List") {
            let next = method
                .output()
                .get_field_by_name("next_page_token")
                .is_some();
            assert!(
                has("page_size") && has("page_token") && next,
                "{name} lists without pages"
            );
        }
        let rule = hotline_proto::access::rule(&format!(
            "/{}/{}",
            method.parent_service().full_name(),
            method.name()
        ))
        .unwrap_or_else(|| panic!("{name} has no access rule"));
        // A look at a contact is written down each time, and changes nothing.
        let reads = ["Get", "Reveal"];
        let is_read = reads.iter().any(|word| method.name().starts_with(word));
        if !rule.idempotent && !is_read {
            assert!(
                has("idempotency_key") && has("expected_version"),
                "{name} is a command without key and version"
            );
        }
    }
}

#[test]
fn every_enum_begins_with_unspecified() {
    for kind in contract()
        .all_enums()
        .filter(|kind| kind.full_name().starts_with("hotline."))
    {
        assert!(
            kind.default_value().name().ends_with("_UNSPECIFIED"),
            "{}",
            kind.full_name()
        );
    }
}
