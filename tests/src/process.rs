//! The real binary as a child process: started, killed with SIGKILL, started again.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use hotline::services::Name;
use hotline_platform::testing::{Databases, TestDatabase};
use hotline_proto::intake::ListChannelsRequest;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use tonic::transport::Endpoint;

use crate::machine::free_port;
use crate::principal::{Door, Signing, by};

/// The services of a city, each with a database of its own.
const SERVICES: [&str; 5] = ["intake", "routing", "feedback", "reporting", "gateway"];
/// How long a start may take before the test gives up.
const START_MAX: Duration = Duration::from_mins(1);
/// How long an end may take that is sure to come.
const END_MAX: Duration = Duration::from_mins(1);
/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A city on disk: configuration, databases, data folder. Processes come and go; it stays.
pub struct Installation {
    /// `embedded` or `PostgreSQL + Redis`.
    pub label: &'static str,
    /// Where it can be reached.
    pub addr: SocketAddr,
    config: PathBuf,
    folder: tempfile::TempDir,
    // Kept until the installation goes.
    _databases: Vec<TestDatabase>,
}

impl Installation {
    /// One per arrangement that the environment offers.
    pub async fn all() -> Vec<Self> {
        let mut per_service = Vec::new();
        for _ in SERVICES {
            per_service.push(Databases::all().await);
        }
        let arrangements = per_service[0].len();
        let mut found = Vec::new();
        for _ in 0..arrangements {
            let databases: Vec<TestDatabase> =
                per_service.iter_mut().map(|all| all.remove(0)).collect();
            found.push(Self::new(databases));
        }
        found
    }

    fn new(databases: Vec<TestDatabase>) -> Self {
        let is_postgres = databases[0].url.starts_with("postgres");
        let mut settings = "[database]\nauto_migrate = true\n".to_owned();
        if let Some(redis) = hotline_platform::testing::redis_url().filter(|_| is_postgres) {
            writeln!(settings, "[feed]\nredis_url = {redis:?}").expect("a string grows");
        }
        for (service, database) in SERVICES.iter().zip(&databases) {
            writeln!(settings, "[{service}]\ndatabase_url = {:?}", database.url)
                .expect("a string grows");
        }
        let label = if is_postgres {
            "PostgreSQL + Redis"
        } else {
            "embedded"
        };
        Self {
            _databases: databases,
            ..Self::configured(label, &settings)
        }
    }

    /// The embedded default: the data folder holds everything.
    pub fn embedded() -> Self {
        Self::configured("embedded", "")
    }

    /// One with `settings`, sections of a configuration other than `[server]`.
    pub fn configured(label: &'static str, settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a writable folder");
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let toml = format!(
            "data_dir = \"{}\"\n[server]\nlisten = \"{addr}\"\n{settings}",
            data.display()
        );
        let config = folder.path().join("hotline.toml");
        std::fs::write(&config, toml).expect("a writable folder");
        Self {
            label,
            addr,
            config,
            folder,
            _databases: Vec::new(),
        }
    }

    /// Its configuration.
    pub fn config(&self) -> hotline::config::Config {
        let config = hotline::config::Config::read(Some(&self.config));
        let mut config = config.expect("it was written by us");
        config.gateway.own.listen = None;
        config
    }

    /// The databases of its services.
    pub fn databases(&self) -> Vec<(Name, String)> {
        let config = self.config();
        let of = |&name: &Name| (name, config.database_url(name));
        Name::ALL.iter().map(of).collect()
    }

    /// Signs calls as a command beside it does.
    pub fn signing(&self) -> Signing {
        Signing::of(&self.config())
    }

    /// Its folder, for files of the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `hotline ARGS --config …` with output thrown away.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(args).arg("--config").arg(&self.config);
        // Any port: nobody looks at pages, and cities stand side by side.
        command.env("HOTLINE__GATEWAY__LISTEN", "127.0.0.1:0");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts every service in one process and does not wait; what it says on standard error is kept in
    /// a file of the test's folder.
    pub fn spawn(&self, environment: &[(&str, &str)], errors: &Path) -> Process {
        let errors = std::fs::File::create(errors).expect("a writable folder");
        let mut command = self.command(&["run"]);
        command.envs(environment.iter().copied()).stderr(errors);
        Process {
            child: command.spawn().expect("the binary starts"),
            addr: self.addr,
            signing: self.signing(),
        }
    }

    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts every service in one process and waits until it answers.
    pub async fn start(&self) -> Process {
        let process = self.start_as(self.command(&["run"])).await;
        process.unwrap_or_else(|status| panic!("{}: the process ended: {status}", self.label))
    }

    /// Starts `command`, a `run` with more around it, and waits until it answers; an error says how it
    /// ended before.
    pub async fn start_as(&self, mut command: Command) -> Result<Process, ExitStatus> {
        let mut process = Process {
            child: command.spawn().expect("the binary starts"),
            addr: self.addr,
            signing: self.signing(),
        };
        let begun = Instant::now();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        while !process.answers().await {
            looks.tick().await;
            if let Some(status) = process.child.try_wait().expect("it is ours") {
                return Err(status);
            }
            assert!(
                begun.elapsed() < START_MAX,
                "{}: the process did not answer",
                self.label
            );
        }
        Ok(process)
    }

    /// Loads the sample city's tables through `hotline load`.
    pub fn load_sample(&self) {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sample");
        let mut command = self.command(&["load"]);
        let loaded = command.arg(sample).status();
        assert!(
            loaded.expect("the binary starts").success(),
            "{}: the sample city was not loaded",
            self.label
        );
    }

    /// `hotline check` finds nothing.
    pub fn check(&self) {
        for command in [&["check"][..], &["audit", "verify"]] {
            let output = self
                .command(command)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .output();
            let output = output.expect("the binary starts");
            let told = String::from_utf8_lossy(&output.stdout);
            let erred = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{}: hotline {} found:\n{told}{erred}",
                self.label,
                command.join(" ")
            );
        }
    }
}

/// The binary that cargo built beside this test, or the one that `HOTLINE_TEST_BINARY` names.
pub fn binary() -> PathBuf {
    if let Some(named) = hotline_platform::testing::binary() {
        return named;
    }
    let test = std::env::current_exe().expect("a test knows where it is");
    let folder = test.parent().and_then(Path::parent).expect("target/debug");
    folder.join("hotline")
}

/// A running process; dropping it kills it.
pub struct Process {
    child: Child,
    addr: SocketAddr,
    signing: Signing,
}

impl Process {
    /// SIGKILL: no time to finish anything.
    pub fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it was started");
    }

    /// Waits for its end, which something else brings about.
    pub async fn end(mut self) -> ExitStatus {
        let begun = Instant::now();
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status;
            }
            assert!(begun.elapsed() < END_MAX, "the process did not end");
        }
    }

    /// False once it has ended by itself.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is ours")
    }

    /// SIGTERM: it ends what it is doing.
    pub fn ask_to_stop(&self) {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.expect("kill starts").success(), "SIGTERM");
    }

    /// A channel to it, connected at the first call.
    pub fn channel(&self) -> Door {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.addr))
            .expect("an address")
            .connect_timeout(Duration::from_secs(2))
            .timeout(Duration::from_secs(30));
        self.signing.on(endpoint.connect_lazy())
    }

    /// Whether it serves.
    pub async fn answers(&self) -> bool {
        let mut intake = IntakeServiceClient::new(self.channel());
        let asked =
            intake.list_channels(by("administrator", "test", ListChannelsRequest::default()));
        matches!(
            tokio::time::timeout(Duration::from_millis(500), asked).await,
            Ok(Ok(_))
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
