//! A Redis server of a test's own, which it may kill and start again.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::free_port;

/// How long a start may take before the test gives up.
const START_MAX: Duration = Duration::from_mins(1);

/// A private server on a free port, which keeps nothing on disk: what is killed is forgotten.
pub struct RedisServer {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl RedisServer {
    /// A running server.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        Self {
            child: spawn(port, folder.path()),
            port,
            folder,
        }
    }

    /// How to reach it.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it was started");
    }

    /// Starts it, empty, after a kill.
    pub fn start_again(&mut self) {
        self.child = spawn(self.port, self.folder.path());
    }

    /// Its process, for signals.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may stand killed already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(port: u16, folder: &std::path::Path) -> Child {
    let child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Redis is installed; tests/run does it");
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < START_MAX, "Redis did not answer");
        std::thread::yield_now();
    }
    child
}

#[cfg(test)]
mod tests {
    use super::RedisServer;

    #[test]
    fn a_killed_redis_answers_again_at_the_same_address() {
        let mut redis = RedisServer::start();
        let url = redis.url();
        redis.kill();
        redis.start_again();
        assert_eq!(redis.url(), url);
    }
}
