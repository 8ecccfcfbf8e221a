//! The decision: one call, one principal, one answer. Pure; the only place that makes a [`Scope`].

use hotline_kernel::time::{Timestamp, micros};
use hotline_proto::access::Rule;
use hotline_proto::shared::{Permission, PiiLevel, ScopeKind};

use super::role::{Grant, OUTSOURCED, Role};
use crate::grpc::Principal;

/// How old a second factor may be where a rule asks for a fresh one, in microseconds: 5 minutes.
const STEP_UP_MAX: i64 = 300_000_000;
/// How far ahead of ours the clock may be that says when it was given, in microseconds: 1 minute.
const STEP_UP_AHEAD: i64 = 60_000_000;

/// The rows that a call may touch. Only [`decide`] gives one to a caller, and what reads or writes rows for callers
/// asks for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    reach: Reach,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reach {
    Everything,
    Tree(String),
    Unit(String),
    Nothing,
}

/// The rows of a [`Scope`], for whoever knows which rows are a unit's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows<'a> {
    /// Everybody's.
    All,
    /// Those of this unit and of the units under it, except what complains about it.
    Below(&'a str),
    /// Those of this unit alone, except what complains about it.
    Of(&'a str),
    /// None: the call is answered without rows of anybody's, or against a secret of its own.
    None,
}

impl Scope {
    /// For what a service does by itself: reactions, timers, its own look at its rows. Never for a caller.
    #[must_use]
    pub fn own_work() -> Self {
        Self {
            reach: Reach::Everything,
        }
    }

    /// No rows: a call about which nobody decided.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            reach: Reach::Nothing,
        }
    }

    /// The rows it reaches.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        match &self.reach {
            Reach::Everything => Rows::All,
            Reach::Tree(unit) => Rows::Below(unit),
            Reach::Unit(unit) => Rows::Of(unit),
            Reach::Nothing => Rows::None,
        }
    }

    /// Whether it reaches everybody's rows. What cannot tell whose a row is shows nothing to a narrower scope.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.reach == Reach::Everything
    }

    /// Its width, to choose the wider of two.
    fn width(&self) -> u8 {
        match self.reach {
            Reach::Nothing => 0,
            Reach::Unit(_) => 1,
            Reach::Tree(_) => 2,
            Reach::Everything => 3,
        }
    }
}

/// Why a call is denied. Says nothing about rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Denied {
    /// No role of the principal's has the permission.
    #[error("no role of yours may make this call")]
    Role,
    /// The permission reaches some rows only, and the call cannot be narrowed to them.
    #[error("this call reaches further than your role")]
    Scope,
    /// The call shows or takes more personal data than the role may see.
    #[error("this call holds more personal data than your role may see")]
    Pii,
    /// Outsourced accounts record and answer directly, nothing else.
    #[error("outsourced accounts may record and answer directly only")]
    Outsourced,
    /// The method is not for the service that calls.
    #[error("this method is not for that service")]
    Service,
    /// Administration, accounts and audit go with no other role.
    #[error("administrator, security_administrator and auditor go with no other role")]
    RolesExclude,
    /// A unit's role without a unit.
    #[error("a unit's role needs a unit_code")]
    UnitMissing,
    /// A unit with a role that is none of a unit's.
    #[error("a unit_code goes with roles of a unit only")]
    UnitUnexpected,
    /// The key that the principal came by is limited to other things.
    #[error("your key may not be used for this call")]
    Limited,
    /// The rule asks for a second factor given lately.
    #[error("this call needs a second factor given at most 5 minutes ago")]
    StepUp,
}

impl Denied {
    /// A stable word for programs.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Role => "ROLE_NOT_ALLOWED",
            Self::Scope => "SCOPE_NOT_ALLOWED",
            Self::Pii => "PERSONAL_DATA_NOT_ALLOWED",
            Self::Outsourced => "OUTSOURCED_NOT_ALLOWED",
            Self::Service => "SERVICE_NOT_ALLOWED",
            Self::RolesExclude => "ROLES_EXCLUDE_EACH_OTHER",
            Self::UnitMissing => "UNIT_MISSING",
            Self::UnitUnexpected => "UNIT_UNEXPECTED",
            Self::Limited => "KEY_NOT_ALLOWED",
            Self::StepUp => "STEP_UP_NEEDED",
        }
    }
}

/// Whether `principal` may make a call with `rule` at `now`, and which rows the call may touch then.
///
/// That a reason is given and that a second person agreed is looked at where they are read, in the handler.
///
/// # Errors
///
/// [`Denied`], for the same principal, rule and instant always the same.
pub fn decide(principal: &Principal, rule: &Rule, now: Timestamp) -> Result<Scope, Denied> {
    if let Some(service) = principal.service() {
        let is_named = rule.service_callers.contains(&service);
        let everything = Scope::own_work();
        return is_named.then_some(everything).ok_or(Denied::Service);
    }
    if rule.anonymous {
        return is_fresh_enough(principal, rule, now).map(|()| Scope::nothing());
    }
    is_consistent(principal)?;
    let permission = Permission::try_from(rule.permission).map_err(|_| Denied::Role)?;
    let grants: Vec<&Grant> = principal
        .roles
        .iter()
        .flat_map(|role| role.grants())
        .filter(|grant| grant.permission == permission)
        .collect();
    if grants.is_empty() {
        return Err(Denied::Role);
    }
    if principal.outsourced && !OUTSOURCED.contains(&permission) {
        return Err(Denied::Outsourced);
    }
    let limits = &principal.permissions;
    if !limits.is_empty() && !limits.contains(&permission) {
        return Err(Denied::Limited);
    }
    is_fresh_enough(principal, rule, now)?;
    let reached = grants
        .into_iter()
        .map(|grant| reach(grant, rule, &principal.unit_code));
    // One grant must allow the whole call; of several, the widest counts.
    let mut best: Result<Scope, Denied> = Err(Denied::Role);
    for found in reached {
        best = match (best, found) {
            (Ok(known), Ok(new)) if new.width() > known.width() => Ok(new),
            (Ok(known), _) => Ok(known),
            (Err(_), Ok(new)) => Ok(new),
            (Err(known), Err(new)) => Err(known.max(new)),
        };
    }
    best
}

/// Whether the second factor is as fresh as the rule wants it.
fn is_fresh_enough(principal: &Principal, rule: &Rule, now: Timestamp) -> Result<(), Denied> {
    if !rule.step_up {
        return Ok(());
    }
    let age = |given: i64| micros(now).checked_sub(given);
    let is_fresh = principal
        .stepped_up_at
        .and_then(age)
        .is_some_and(|age| (-STEP_UP_AHEAD..=STEP_UP_MAX).contains(&age));
    is_fresh.then_some(()).ok_or(Denied::StepUp)
}

/// A principal is of the centre or of one unit, and of one of the powers that are kept apart.
fn is_consistent(principal: &Principal) -> Result<(), Denied> {
    let roles = &principal.roles;
    let alone = roles.iter().find(|role| role.stands_alone());
    if alone.is_some_and(|alone| roles.iter().any(|role| role != alone)) {
        return Err(Denied::RolesExclude);
    }
    let (has_unit, mut sides) = (
        !principal.unit_code.is_empty(),
        roles.iter().copied().map(Role::is_of_a_unit),
    );
    match has_unit {
        true if sides.any(|is_of_a_unit| !is_of_a_unit) => Err(Denied::UnitUnexpected),
        false if sides.any(|is_of_a_unit| is_of_a_unit) => Err(Denied::UnitMissing),
        _ => Ok(()),
    }
}

/// The rows that one grant reaches through a method.
fn reach(grant: &Grant, rule: &Rule, unit_code: &str) -> Result<Scope, Denied> {
    if rule.pii > i32::from(grant.pii) {
        return Err(Denied::Pii);
    }
    let method = ScopeKind::try_from(rule.scope).map_err(|_| Denied::Scope)?;
    let unit = || unit_code.to_owned();
    let reach = match (grant.scope, method) {
        (_, ScopeKind::Unspecified) => return Err(Denied::Scope),
        (_, ScopeKind::None) => Reach::Nothing,
        (ScopeKind::Any, _) => Reach::Everything,
        // The narrower of what the role has and what the method gives a unit.
        (ScopeKind::UnitTree, ScopeKind::UnitTree) => Reach::Tree(unit()),
        (ScopeKind::UnitTree, ScopeKind::OwnUnit)
        | (ScopeKind::OwnUnit, ScopeKind::UnitTree | ScopeKind::OwnUnit) => Reach::Unit(unit()),
        _ => return Err(Denied::Scope),
    };
    Ok(Scope { reach })
}

/// So that nobody mistakes the order of the numbers: more personal data is a greater number.
const _: () = assert!(
    (PiiLevel::None as i32) < (PiiLevel::Masked as i32)
        && (PiiLevel::Masked as i32) < (PiiLevel::Clear as i32)
);
