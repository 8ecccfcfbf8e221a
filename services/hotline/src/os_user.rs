//! Who sits at this machine, as the operating system knows him: the audit trail has it beside the name that he says.

use std::os::unix::fs::MetadataExt as _;

/// What stands for "nobody signed in" where the kernel keeps who did.
const NOBODY: u32 = u32::MAX;
/// The longest name that is told, in bytes.
const NAME_MAX: usize = 64;

/// The user who runs this program, such as `os:wang`: who signed in to the machine where that is kept, which `sudo` does
/// not change, else who the process runs as; `os:uid-1000` for one without a name.
#[must_use]
pub fn os_user() -> String {
    let signed_in = std::fs::read_to_string("/proc/self/loginuid").ok();
    let signed_in = signed_in.and_then(|text| text.trim().parse().ok());
    let runs_as = || std::fs::metadata("/proc/self").ok().map(|own| own.uid());
    let uid = signed_in.filter(|uid| *uid != NOBODY).or_else(runs_as);
    let Some(uid) = uid else {
        return "os:unknown".to_owned();
    };
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    named(&users, uid)
}

fn named(users: &str, uid: u32) -> String {
    let name_of = |line: &str| {
        let mut parts = line.split(':');
        let (name, number) = (parts.next()?, parts.nth(1)?);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_his = number.parse() == Ok(uid);
        let is_fit = (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_plain);
        (is_his && is_fit).then(|| name.to_owned())
    };
    match users.lines().find_map(name_of) {
        Some(name) => format!("os:{name}"),
        None => format!("os:uid-{uid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_told_by_his_name_or_by_his_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nwang:x:1000:1000::/home/wang:/bin/sh\nbad name:x:7:7:::\n";
        assert_eq!(named(users, 0), "os:root");
        assert_eq!(named(users, 1000), "os:wang");
        assert_eq!(named(users, 7), "os:uid-7");
        assert_eq!(named("", 1001), "os:uid-1001");
        assert!(os_user().starts_with("os:"), "{}", os_user());
    }
}
