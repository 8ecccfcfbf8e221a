//! Who calls, as the rest of the platform knows him.

use hotline_proto::shared::Permission;
use serde::{Serialize, Serializer};

use super::claims;
use crate::access::{Role, word_of};

/// Who calls. Put into the request's extensions by the platform's layer. It is read in one place, `claims::read`, which is
/// strict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Principal {
    /// Such as `operator:li` or `unit:HOUSING:wang`.
    pub id: String,
    /// What it is there for; without one it may do nothing.
    pub roles: Vec<Role>,
    /// The unit it acts for, empty if none.
    pub unit_code: String,
    /// An account of a contractor's: it may record and answer directly, whatever its roles.
    pub outsourced: bool,
    /// The id of the session or key that it came by, empty if none. No secret.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// When it last proved a second factor, in microseconds since 1970; `None` if never in this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stepped_up_at: Option<i64>,
    /// The channel whose key it came by, empty if none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub channel_code: String,
    /// The only things that its key may be used for, of those that its roles give; empty: all of them.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "words")]
    pub permissions: Vec<Permission>,
    /// Where the process that named him saw him, as an address; empty where that is where the call comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from_addr: String,
    /// The service that calls on its own behalf. Nobody can say so in JSON.
    #[serde(skip)]
    pub(super) service: Option<String>,
}

/// Permissions as they travel: words.
fn words<S: Serializer>(permissions: &[Permission], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(permissions.iter().map(|permission| word_of(*permission)))
}

impl Principal {
    /// A principal with one role and no unit.
    #[must_use]
    pub fn new(id: &str, role: Role) -> Self {
        Self::with_roles(id, vec![role])
    }

    /// A principal without a role, which may do nothing.
    #[must_use]
    pub fn nobody(id: &str) -> Self {
        Self::with_roles(id, Vec::new())
    }

    /// A principal with these roles and no unit.
    #[must_use]
    pub fn with_roles(id: &str, roles: Vec<Role>) -> Self {
        Self {
            id: id.to_owned(),
            roles,
            unit_code: String::new(),
            outsourced: false,
            session: String::new(),
            stepped_up_at: None,
            channel_code: String::new(),
            permissions: Vec::new(),
            from_addr: String::new(),
            service: None,
        }
    }

    /// A service that calls on its own behalf, with no role.
    #[must_use]
    pub fn of_service(service: &str) -> Self {
        Self {
            service: Some(service.to_owned()),
            ..Self::nobody(&format!("service:{service}"))
        }
    }

    /// The service that calls on its own behalf, `None` for everybody else.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// The same principal as an outsourced account.
    #[must_use]
    pub fn outsourced(self) -> Self {
        Self {
            outsourced: true,
            ..self
        }
    }

    /// The same principal acting for a unit.
    #[must_use]
    pub fn of_unit(self, unit_code: &str) -> Self {
        Self {
            unit_code: unit_code.to_owned(),
            ..self
        }
    }

    /// Reads what [`Principal::to_metadata`] wrote; `None` for what is not understood whole.
    #[must_use]
    pub fn of_metadata(json: &[u8]) -> Option<Self> {
        claims::read(json).ok()
    }

    /// The same principal, seen at `from_addr` by this process; what is no address says nothing.
    #[must_use]
    pub fn seen_at(&self, from_addr: &str) -> Self {
        let is_address = from_addr.parse::<std::net::IpAddr>().is_ok();
        let from_addr = if is_address { from_addr } else { "" };
        Self {
            from_addr: from_addr.to_owned(),
            ..self.clone()
        }
    }

    /// The value of [`PRINCIPAL_METADATA`](crate::grpc::PRINCIPAL_METADATA) that names it: JSON in visible ASCII.
    #[must_use]
    pub fn to_metadata(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        let mut ascii = String::with_capacity(json.len());
        for unit in json.encode_utf16() {
            match u8::try_from(unit) {
                Ok(byte @ 0x20..=0x7e) => ascii.push(char::from(byte)),
                _ => ascii.extend(format!("\\u{unit:04x}").chars()),
            }
        }
        ascii
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_travels_as_ascii_and_comes_back_the_same() {
        let principal = Principal {
            session: "s7".to_owned(),
            stepped_up_at: Some(1_780_000_000_000_000),
            permissions: vec![Permission::TicketRead, Permission::TicketHandle],
            ..Principal::new("unit:李", Role::UnitClerk).of_unit("HOUSING")
        };
        let metadata = principal.to_metadata();
        assert!(metadata.is_ascii());
        let read = Principal::of_metadata(metadata.as_bytes());
        assert_eq!(read, Some(principal));
    }
}
