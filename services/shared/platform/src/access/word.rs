//! The words of permissions, as keys and configuration have them.

use hotline_proto::shared::Permission as P;

/// What begins a permission's name in the proto.
const PERMISSION_PREFIX: &str = "PERMISSION_";

/// The word of a permission, as keys and configuration have it: `appeal_register`.
#[must_use]
pub fn word_of(permission: P) -> String {
    let name = permission.as_str_name();
    name.strip_prefix(PERMISSION_PREFIX)
        .unwrap_or(name)
        .to_ascii_lowercase()
}

/// The permission of a word.
#[must_use]
pub fn permission_of(word: &str) -> Option<P> {
    let is_a_word = word
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let name = format!("{PERMISSION_PREFIX}{}", word.to_ascii_uppercase());
    P::from_str_name(&name).filter(|found| is_a_word && *found != P::Unspecified)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;

    #[test]
    fn a_permission_has_one_word_and_nothing_else_is_one() {
        assert_eq!(word_of(P::AppealRegister), "appeal_register");
        for role in Role::ALL {
            for grant in role.grants() {
                let word = word_of(grant.permission);
                assert_eq!(permission_of(&word), Some(grant.permission), "{word}");
            }
        }
        for word in [
            "",
            "unspecified",
            "APPEAL_READ",
            "Appeal_read",
            "appeal read",
        ] {
            assert_eq!(permission_of(word), None, "{word}");
        }
    }
}
