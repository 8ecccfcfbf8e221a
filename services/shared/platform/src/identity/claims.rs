//! A principal as it travels, read strictly: what is not understood whole is refused whole.

use std::net::IpAddr;

use hotline_proto::shared::Permission;
use serde::{Deserialize, Serialize};

use super::Principal;
use crate::access::{Role, permission_of, word_of};

/// The longest principal in JSON, in bytes.
pub(crate) const PRINCIPAL_MAX_BYTES: usize = 4096;

/// As it travels; roles and permissions are words here, so that an unknown one can be named.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    id: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    unit_code: String,
    #[serde(default)]
    outsourced: bool,
    #[serde(default)]
    session: String,
    #[serde(default)]
    stepped_up_at: Option<i64>,
    #[serde(default)]
    channel_code: String,
    #[serde(default)]
    permissions: Vec<String>,
    /// Left out where it says nothing: whoever is older refuses what he does not know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    from_addr: String,
}

/// Why a principal is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Misread {
    /// It is no JSON of a principal.
    #[error(
        "expected `hotline-principal` as JSON {{id, roles, unit_code, outsourced, session, stepped_up_at, \
         channel_code, permissions, from_addr}}"
    )]
    Malformed,
    /// It has a role that does not exist.
    #[error("unknown role {word:?}; expected one of {known}")]
    Role {
        /// Which.
        word: String,
        /// Those that exist.
        known: String,
    },
    /// It is limited to a permission that does not exist.
    #[error("unknown permission {word:?}; expected one such as {example}")]
    Permission {
        /// Which.
        word: String,
        /// One that exists.
        example: String,
    },
}

impl Misread {
    /// A stable word for programs.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "PRINCIPAL_MALFORMED",
            Self::Role { .. } => "ROLE_UNKNOWN",
            Self::Permission { .. } => "PERMISSION_UNKNOWN",
        }
    }
}

/// Reads a principal in JSON.
pub(crate) fn read(json: &[u8]) -> Result<Principal, Misread> {
    if json.len() > PRINCIPAL_MAX_BYTES {
        return Err(Misread::Malformed);
    }
    let claims: Claims = serde_json::from_slice(json).map_err(|_| Misread::Malformed)?;
    claims.principal()
}

impl Claims {
    /// What `principal` says of itself. A service that calls on its own behalf has nothing to say.
    pub(super) fn of(principal: &Principal) -> Self {
        Self {
            id: principal.id.clone(),
            roles: principal
                .roles
                .iter()
                .map(|role| role.word().to_owned())
                .collect(),
            unit_code: principal.unit_code.clone(),
            outsourced: principal.outsourced,
            session: principal.session.clone(),
            stepped_up_at: principal.stepped_up_at,
            channel_code: principal.channel_code.clone(),
            permissions: principal.permissions.iter().copied().map(word_of).collect(),
            from_addr: principal.from_addr.clone(),
        }
    }

    pub(super) fn principal(self) -> Result<Principal, Misread> {
        let texts = [&self.id, &self.unit_code, &self.session, &self.channel_code];
        if self.id.is_empty() || texts.iter().any(|text| text.contains(char::is_control)) {
            return Err(Misread::Malformed);
        }
        if !self.from_addr.is_empty() && self.from_addr.parse::<IpAddr>().is_err() {
            return Err(Misread::Malformed);
        }
        let roles: Result<_, _> = self.roles.into_iter().map(role).collect();
        let permissions: Result<_, _> = self.permissions.into_iter().map(permission).collect();
        Ok(Principal {
            unit_code: self.unit_code,
            outsourced: self.outsourced,
            session: self.session,
            stepped_up_at: self.stepped_up_at,
            channel_code: self.channel_code,
            permissions: permissions?,
            from_addr: self.from_addr,
            ..Principal::with_roles(&self.id, roles?)
        })
    }
}

fn role(word: String) -> Result<Role, Misread> {
    Role::of(&word).ok_or_else(|| Misread::Role {
        known: Role::ALL.map(Role::word).join(", "),
        word,
    })
}

fn permission(word: String) -> Result<Permission, Misread> {
    permission_of(&word).ok_or_else(|| Misread::Permission {
        example: word_of(Permission::AppealRegister),
        word,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_that_is_not_understood_is_refused_whole() {
        let cases = [
            ("li", "PRINCIPAL_MALFORMED"),
            (r#"{"id":""}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","admin":true}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","id":"b"}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a\u0000"}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","unit_code":"M\n"}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","session":"s\n"}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","from_addr":"here"}"#, "PRINCIPAL_MALFORMED"),
            (
                r#"{"id":"a","from_addr":"192.0.2.7:80"}"#,
                "PRINCIPAL_MALFORMED",
            ),
            (r#"{"id":"a","stepped_up_at":"now"}"#, "PRINCIPAL_MALFORMED"),
            // Nobody makes himself a service.
            (r#"{"id":"a","service":"routing"}"#, "PRINCIPAL_MALFORMED"),
            (r#"{"id":"a","roles":["operator","king"]}"#, "ROLE_UNKNOWN"),
            (r#"{"id":"a","roles":["Operator"]}"#, "ROLE_UNKNOWN"),
            (r#"{"id":"a","roles":[""]}"#, "ROLE_UNKNOWN"),
            (r#"{"id":"a","permissions":["fly"]}"#, "PERMISSION_UNKNOWN"),
            (r#"{"id":"a","permissions":[""]}"#, "PERMISSION_UNKNOWN"),
        ];
        for (json, expected) in cases {
            let found = read(json.as_bytes()).map_err(|misread| misread.reason());
            assert_eq!(found, Err(expected), "{json}");
        }
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(PRINCIPAL_MAX_BYTES));
        assert_eq!(read(long.as_bytes()), Err(Misread::Malformed));
    }

    #[test]
    fn everything_a_principal_says_of_itself_is_taken_over() {
        let told = r#"{"id":"u","roles":["unit_clerk","unit_lead"],"unit_code":"MID","outsourced":true,
            "session":"s7","stepped_up_at":1780000000000000,"channel_code":"app",
            "permissions":["appeal_register"],"from_addr":"192.0.2.7"}"#;
        let roles = vec![Role::UnitClerk, Role::UnitLead];
        let expected = Principal {
            session: "s7".to_owned(),
            stepped_up_at: Some(1_780_000_000_000_000),
            channel_code: "app".to_owned(),
            permissions: vec![Permission::AppealRegister],
            from_addr: "192.0.2.7".to_owned(),
            ..Principal::with_roles("u", roles)
                .of_unit("MID")
                .outsourced()
        };
        assert_eq!(read(told.as_bytes()), Ok(expected.clone()));
        assert_eq!(read(expected.to_metadata().as_bytes()), Ok(expected));
    }
}
