//! Compiles the protos without protoc and generates the table of access rules.
//!
//! A method without an `auth` option, or with one that leaves permission, scope, personal-data
//! level, priority, deadline or size open, stops the build here. So does one that asks for a reason or a second
//! person and has no field for it, and one for anonymous callers that reaches rows. And a text with a telling name
//! that is not marked as personal data or as none (`build/personal.rs`).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MethodDescriptor, Value};

#[path = "build/personal.rs"]
mod personal;

/// Messages that hold what opens an account: as little to be logged.
const SECRET: [&str; 15] = [
    ".hotline.gateway.v1.BeginSetUpRequest",
    ".hotline.gateway.v1.BeginSetUpResponse",
    ".hotline.gateway.v1.CompleteSetUpRequest",
    ".hotline.gateway.v1.CompleteSetUpResponse",
    ".hotline.gateway.v1.SignInRequest",
    ".hotline.gateway.v1.SignInResponse",
    ".hotline.gateway.v1.StepUpRequest",
    ".hotline.gateway.v1.StepUpResponse",
    ".hotline.gateway.v1.ChangePasswordRequest",
    ".hotline.gateway.v1.AddAccountResponse",
    ".hotline.gateway.v1.RequestRolesResponse",
    ".hotline.gateway.v1.RequestResetResponse",
    ".hotline.gateway.v1.ApproveRequestResponse",
    ".hotline.gateway.v1.CreateKeyResponse",
    ".hotline.gateway.v1.RotateKeyResponse",
];

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    println!("cargo:rerun-if-changed=hotline");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    let mut files = Vec::new();
    collect_protos(Path::new("hotline"), &mut files)?;
    files.sort();
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files)?;
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.bin"), &encoded)?;
    fs::write(out.join("rules.rs"), rules(&encoded)?)?;

    tonic_prost_build::configure()
        .skip_debug(personal::messages(&encoded)?)
        .skip_debug(SECRET)
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

fn collect_protos(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_protos(&path, found)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            found.push(path);
        }
    }
    Ok(())
}

fn rules(encoded: &[u8]) -> Result<String, Failure> {
    let pool = DescriptorPool::decode(encoded)?;
    let auth = pool
        .get_extension_by_name("hotline.shared.v1.auth")
        .ok_or("access.proto defines the auth option")?;
    let mut methods: Vec<MethodDescriptor> = pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect();
    methods.sort_by_key(|method| method.full_name().to_owned());

    let mut source = String::from(
        "/// Every method's rule, by path, sorted.\npub static RULES: &[(&str, Rule)] = &[\n",
    );
    for method in methods {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let options = method.options();
        let value = options.get_extension(&auth);
        let rule = value
            .as_message()
            .filter(|_| options.has_extension(&auth))
            .ok_or_else(|| format!("{path} has no auth option"))?;
        has_fields_for(&path, &method, rule)?;
        writeln!(source, "    ({path:?}, {}),", literal(&path, rule)?)?;
    }
    source.push_str("];\n");
    Ok(source)
}

/// `SCOPE_KIND_NONE`.
const SCOPE_NONE: i32 = 1;

/// Whether what the rule asks of the caller can be said in the request, and whether its parts go together.
fn has_fields_for(
    path: &str,
    method: &MethodDescriptor,
    rule: &DynamicMessage,
) -> Result<(), Failure> {
    let input = method.input();
    let has_string = |name: &str| {
        input
            .get_field_by_name(name)
            .is_some_and(|field| field.kind() == Kind::String && !field.is_list())
    };
    for (option, field) in [("reason_required", "reason"), ("two_person", "approval_id")] {
        if flag(rule, option) && !has_string(field) {
            return Err(
                format!("{path}: `{option}` needs a string `{field}` in its request").into(),
            );
        }
    }
    let scope = rule.get_field_by_name("scope");
    let reaches_rows = scope.and_then(|scope| scope.as_enum_number()) != Some(SCOPE_NONE);
    if flag(rule, "anonymous") && (reaches_rows || flag(rule, "step_up")) {
        return Err(
            format!("{path}: `anonymous` goes with scope NONE and without `step_up`").into(),
        );
    }
    Ok(())
}

fn flag(rule: &DynamicMessage, name: &str) -> bool {
    rule.get_field_by_name(name)
        .and_then(|value| value.as_bool())
        .unwrap_or(false)
}

fn literal(path: &str, rule: &DynamicMessage) -> Result<String, Failure> {
    let number = |name: &str| -> Result<i64, Failure> {
        let found = match rule.get_field_by_name(name).as_deref() {
            Some(Value::EnumNumber(number)) => i64::from(*number),
            Some(Value::U32(number)) => i64::from(*number),
            _ => 0,
        };
        if found == 0 {
            return Err(format!("{path}: the auth option must state `{name}`").into());
        }
        Ok(found)
    };
    let callers: Vec<String> = rule
        .get_field_by_name("service_callers")
        .and_then(|value| value.as_list().map(<[Value]>::to_vec))
        .unwrap_or_default()
        .iter()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    Ok(format!(
        "Rule {{ permission: {}, scope: {}, pii: {}, priority: {}, deadline_ms: {}, max_request_kib: {}, \
         reason_required: {}, two_person: {}, step_up: {}, idempotent: {}, anonymous: {}, \
         service_callers: &{callers:?} }}",
        number("permission")?,
        number("scope")?,
        number("pii")?,
        number("priority")?,
        grouped(number("deadline_ms")?),
        number("max_request_kib")?,
        flag(rule, "reason_required"),
        flag(rule, "two_person"),
        flag(rule, "step_up"),
        flag(rule, "idempotent"),
        flag(rule, "anonymous"),
    ))
}

/// A number as code writes it: `3_600_000`.
fn grouped(number: i64) -> String {
    match number {
        ..1_000 => number.to_string(),
        _ => format!("{}_{:03}", grouped(number / 1_000), number % 1_000),
    }
}
