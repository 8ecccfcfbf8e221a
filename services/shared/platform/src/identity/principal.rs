//! Who calls, as the rest of the platform knows him.

use hotline_proto::shared::Permission;
use serde::{Deserialize, Serialize};

use crate::access::{Role, permission_of, word_of};

/// Who calls. Put into the request's extensions by the platform's layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Principal {
    /// Such as `operator:li` or `unit:HOUSING:wang`.
    pub id: String,
    /// What it is there for; without one it may do nothing.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// The unit it acts for, empty if none.
    #[serde(default)]
    pub unit_code: String,
    /// An account of a contractor's: it may record and answer directly, whatever its roles.
    #[serde(default)]
    pub outsourced: bool,
    /// The id of the session or key that it came by, empty if none. No secret.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// When it last proved a second factor, in microseconds since 1970; `None` if never in this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stepped_up_at: Option<i64>,
    /// The channel whose key it came by, empty if none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub channel_code: String,
    /// The only things that its key may be used for, of those that its roles give; empty: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "words")]
    pub permissions: Vec<Permission>,
    /// The service that calls on its own behalf. Nobody can say so in JSON.
    #[serde(skip)]
    pub(super) service: Option<String>,
}

/// Permissions as they travel: words.
mod words {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{Permission, permission_of, word_of};

    pub(super) fn serialize<S: Serializer>(
        permissions: &[Permission],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(permissions.iter().map(|permission| word_of(*permission)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Permission>, D::Error> {
        let unknown = |word: &str| D::Error::custom(format!("unknown permission {word:?}"));
        let words = Vec::<String>::deserialize(deserializer)?;
        words
            .iter()
            .map(|word| permission_of(word).ok_or_else(|| unknown(word)))
            .collect()
    }
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
        assert_eq!(
            serde_json::from_str::<Principal>(&metadata).unwrap(),
            principal
        );
    }
}
