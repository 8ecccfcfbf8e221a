//! A PostgreSQL server of a test's own, which it may stop without warning and start again.
//!
//! The server that `tests/run` starts is everybody's; whoever wants to break one starts it here.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::machine::{LastWill, free_port, is_root};

/// Whom PostgreSQL runs as where tests run as root, which it refuses.
const SERVER_USER: &str = "postgres";
/// Who owns the databases.
const OWNER: &str = "hotline";

/// A private server on a free port. Its files stay over stops; dropping it stops it and removes them.
pub struct Cluster {
    folder: tempfile::TempDir,
    port: u16,
    settings: Vec<String>,
    _will: LastWill,
}

impl Cluster {
    /// A running server with the settings of `tests/run`: durability stays on.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A running server with `settings` (`name=value`) besides.
    pub fn start_with(settings: &[&str]) -> Self {
        Self::start_in(&std::env::temp_dir(), settings)
    }

    /// A running server whose files, WAL too, are under `parent`.
    pub fn start_in(parent: &Path, settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("hotline-cluster.")
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir_in(parent)
            .expect("a temporary folder");
        if is_root() {
            let mut chown = Command::new("chown");
            run(chown.arg(SERVER_USER).arg(folder.path()));
        }
        // pg_ctl puts the server into a session of its own: nothing that kills the test reaches it.
        let stop = "server=$(head -n 1 \"$1/data/postmaster.pid\") && kill -QUIT $server; \
                    while kill -0 $server; do sleep 0.1; done; rm -rf \"$1\"";
        let cluster = Self {
            _will: LastWill::new(stop, folder.path(), &[]),
            folder,
            port: free_port(),
            settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
        };
        let mut initdb = tool("initdb");
        initdb.args(["-U", OWNER, "-A", "trust", "-E", "UTF8"]);
        // Small segments, so that a small disk has room for some. What initdb wrote needs no power cut.
        initdb.args(["--locale=C.UTF-8", "-k", "--wal-segsize=1", "--no-sync"]);
        run(initdb.arg("-D").arg(cluster.data()));
        cluster.start_again();
        cluster
    }

    /// How to reach `database`.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes an empty database and says how to reach it.
    pub fn create_database(&self, name: &str) -> String {
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    /// Runs one statement with `psql` and returns its rows, unaligned.
    pub fn execute(&self, database: &str, statement: &str) -> String {
        let mut psql = tool("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c"]);
        run(psql.arg(statement).arg(self.url(database)))
    }

    /// Every process of the server ends at once, as in a crash; nothing is flushed.
    pub fn stop_immediate(&self) {
        let mut stop = tool("pg_ctl");
        run(stop
            .args(["stop", "-m", "immediate", "-w", "-D"])
            .arg(self.data()));
    }

    /// Starts it after a stop and waits until it has recovered and answers.
    pub fn start_again(&self) {
        let folder = self.folder.path();
        let mut options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c recovery_init_sync_method=syncfs \
             -c unix_socket_directories={}",
            self.port,
            folder.display()
        );
        for setting in &self.settings {
            options.push_str(" -c ");
            options.push_str(setting);
        }
        let mut start = tool("pg_ctl");
        start.args(["start", "-w", "-o", &options, "-D"]);
        run(start.arg(self.data()).arg("-l").arg(folder.join("log")));
    }

    /// Whether its first process lives.
    pub fn is_running(&self) -> bool {
        let mut status = tool("pg_ctl");
        let status = status.args(["status", "-D"]).arg(self.data());
        let status = status.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.expect("pg_ctl can be run").success()
    }

    /// What it wrote into its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = tool("pg_ctl");
        stop.args(["stop", "-m", "immediate", "-w", "-D"])
            .arg(self.data());
        // It may stand stopped already.
        drop(stop.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

/// One of PostgreSQL's programs, as the user that may run it.
fn tool(name: &str) -> Command {
    let program = programs().join(name);
    let mut command = if is_root() {
        let mut runuser = Command::new("runuser");
        runuser.args(["-u", SERVER_USER, "--"]).arg(program);
        runuser
    } else {
        Command::new(program)
    };
    // The folder of the test need not be open to the server's user.
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// A client program of PostgreSQL, such as `pg_dump`.
pub fn client(name: &str) -> Command {
    Command::new(programs().join(name))
}

/// Where the newest installed PostgreSQL keeps its programs.
fn programs() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter();
    let versions = installed.flatten().flatten().map(|entry| entry.path());
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.max_by_key(number);
    newest
        .map(|version| version.join("bin"))
        .expect("PostgreSQL is installed; tests/run does it")
}

fn run(command: &mut Command) -> String {
    // A server that stays would hold a pipe open: what pg_ctl says goes nowhere.
    let is_start = command.get_args().any(|argument| argument == "start");
    let said = if is_start {
        command.stdout(Stdio::null()).stderr(Stdio::null()).output()
    } else {
        command.output()
    };
    let said = said.expect("PostgreSQL's programs can be run");
    assert!(
        said.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&said.stderr)
    );
    String::from_utf8_lossy(&said.stdout).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Cluster;

    #[test]
    fn what_was_committed_stands_after_an_immediate_stop() {
        let cluster = Cluster::start();
        cluster.create_database("city");
        cluster.execute("city", "CREATE TABLE said (word text)");
        cluster.execute("city", "INSERT INTO said VALUES ('stays')");
        cluster.stop_immediate();
        assert!(!cluster.is_running());
        cluster.start_again();
        assert_eq!(cluster.execute("city", "SELECT word FROM said"), "stays\n");
    }
}
