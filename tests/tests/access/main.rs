//! Who may call what, and which rows he sees: real calls against a table that people have read, the decision
//! against a second one, and what is left of a call that was denied.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod against_a_second_hand;
mod auditor;
mod denied;
mod door;
mod matrix;
mod states;
mod trail;
mod units;

use hotline_platform::access::Role;
use hotline_platform::grpc::Principal;

/// The unit that unit roles act for.
const UNIT: &str = "MID";

/// Somebody with `role`; roles of a unit act for [`UNIT`].
fn somebody(role: Role) -> Principal {
    let id = format!("{}:somebody", role.word());
    let unit = if role.is_of_a_unit() { UNIT } else { "" };
    Principal::new(&id, role).of_unit(unit)
}

/// Compares with the file that people have read. `HOTLINE_BLESS=1` writes it anew, to be read again.
fn is_as_read(name: &str, found: &str, label: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name);
    if std::env::var_os("HOTLINE_BLESS").is_some() {
        std::fs::write(&path, found).expect("a writable folder");
        return;
    }
    let known = std::fs::read_to_string(&path).expect("the file is there");
    for (number, (known, found)) in known.lines().zip(found.lines()).enumerate() {
        let line = number + 1;
        assert_eq!(found, known, "{label}: line {line} of {}", path.display());
    }
    assert_eq!(
        found.lines().count(),
        known.lines().count(),
        "{label}: {}",
        path.display()
    );
}
