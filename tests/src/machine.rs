//! What tests ask of the machine they run on.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Whom the test runs as.
pub fn user_id() -> u32 {
    std::fs::metadata("/proc/self")
        .expect("a process of Linux")
        .uid()
}

/// Whether the test runs as root, as it does in CI.
pub fn is_root() -> bool {
    user_id() == 0
}

/// A program that root runs: itself, or through a sudo that asks nothing.
pub fn as_root(program: &str) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", program]);
    sudo
}

/// Sees to it that what runs apart from the test does not outlive it, however it ends.
///
/// A shell in a session of its own, which no signal to the test's group reaches, waits for the end of a
/// pipe that the test holds; only then it does what it was told.
pub struct LastWill {
    // Dropping it closes the pipe.
    _shell: Child,
}

impl LastWill {
    /// Runs `script` when the test has ended, if the folder `$1` is still there. `arguments` are `$2` and
    /// so on.
    pub fn new(script: &str, folder: &Path, arguments: &[&str]) -> Self {
        let whole = format!("cat; [ -d \"$1\" ] || exit 0; {script}");
        let shell = Command::new("setsid")
            .args(["sh", "-c", &whole, "last-will"])
            .arg(folder)
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self {
            _shell: shell.expect("a shell starts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::LastWill;

    #[test]
    fn a_last_will_is_carried_out_once_nobody_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join("left");
        std::fs::write(&left, "").unwrap();
        let will = LastWill::new("rm \"$1/$2\"", folder.path(), &["left"]);
        assert!(left.exists());
        drop(will);
        let begun = Instant::now();
        while left.exists() {
            assert!(begun.elapsed() < Duration::from_mins(1), "it stays");
            std::thread::yield_now();
        }
    }
}
