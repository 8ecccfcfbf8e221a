//! The access rule of every method, generated from the `auth` options of the protos.

/// What a method declares about who may call it and how heavy it is.
///
/// The numbers are those of the enums in `hotline.shared.v1` (`Permission`, `ScopeKind`,
/// `PiiLevel`, `Priority`); the build refuses a method that leaves one unspecified.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a declared option of its own"
)]
pub struct Rule {
    /// A `Permission`.
    pub permission: i32,
    /// A `ScopeKind`.
    pub scope: i32,
    /// A `PiiLevel`.
    pub pii: i32,
    /// A `Priority`.
    pub priority: i32,
    /// The longest a call may take, in milliseconds.
    pub deadline_ms: u32,
    /// The largest request, in KiB.
    pub max_request_kib: u32,
    /// The caller must say why, in `reason`; the handler refuses an empty one.
    pub reason_required: bool,
    /// A second person must agree; the handler looks at `approval_id`.
    pub two_person: bool,
    /// A fresh second factor is needed.
    pub step_up: bool,
    /// May be repeated without harm.
    pub idempotent: bool,
    /// Served to callers whom nobody knows too.
    pub anonymous: bool,
    /// Services that may call it on their own behalf.
    pub service_callers: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// The rule of `path` (`/package.Service/Method`), `None` for a method that does not exist.
#[must_use]
pub fn rule(path: &str) -> Option<&'static Rule> {
    let found = RULES.binary_search_by_key(&path, |(known, _)| known).ok()?;
    RULES.get(found).map(|(_, rule)| rule)
}
