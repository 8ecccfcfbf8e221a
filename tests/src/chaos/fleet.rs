//! The processes of a city: every service twice, a PostgreSQL and a Redis of their own.

use std::fmt::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hotline::config::Config;
use hotline_platform::peers::{self, Outgoing};
use hotline_platform::tls::{Tls, TlsConfig};
use hotline_proto::feedback::feedback_service_client::FeedbackServiceClient;
use hotline_proto::intake::LoadRegistryRequest as LoadIntake;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::routing::LoadRegistryRequest as LoadRouting;
use hotline_proto::routing::routing_service_client::RoutingServiceClient;
use hotline_proto::shared::RegistryTable;

use crate::certificates::Authority;
use crate::cluster::Cluster;
use crate::machine::free_port;
use crate::principal::{Door, Signing, by};
use crate::process::binary;
use crate::redis_server::RedisServer;
use crate::registry::{HOLIDAYS_2026, Owner, TABLES};

/// The services that a ticket goes through, each with a database of its own.
pub const SERVICES: [&str; 4] = ["intake", "routing", "feedback", "reporting"];
/// Processes of each service.
pub const REPLICAS: usize = 2;
/// How long a silent process keeps the logs it reads, in seconds: short, so that much happens in a run.
pub const LEASE_S: u64 = 3;
/// How long a call may take before its client goes to the other replica.
const CALL_MAX: Duration = Duration::from_secs(5);
/// How long the fleet may take to start.
const START_MAX: Duration = Duration::from_mins(2);
/// What a process says when it has started.
const SERVING: &str = "serving";

/// The whole city.
pub struct Fleet {
    /// Its databases.
    pub cluster: Cluster,
    /// Its courier.
    pub redis: Mutex<RedisServer>,
    members: Vec<Mutex<Member>>,
    doors: Doors,
    /// Processes that had served and then ended without being killed.
    ended: AtomicU32,
    // Removed when the fleet goes, after its processes.
    folder: tempfile::TempDir,
}

/// One process.
struct Member {
    service: &'static str,
    config: PathBuf,
    port: u16,
    tls: TlsConfig,
    metrics_port: u16,
    child: Option<Child>,
    log: PathBuf,
    starts: u32,
    is_paused: bool,
}

/// Ways to both replicas of every service.
#[derive(Clone)]
pub struct Doors {
    channels: Vec<Door>,
}

impl Fleet {
    /// Starts everything and loads the invented city's tables.
    pub async fn start() -> Self {
        let cluster = Cluster::start_with(&["max_connections=400"]);
        let redis = RedisServer::start();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "a secret of an invented city").expect("a writable folder");
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600))
            .expect("its owner's");
        for service in SERVICES {
            cluster.create_database(service);
        }
        let authority = Authority::found(folder.path());
        authority.issues(&SERVICES);
        let ports: Vec<u16> = (0..SERVICES.len() * REPLICAS)
            .map(|_| free_port())
            .collect();
        let mut members = Vec::new();
        for replica in 0..REPLICAS {
            let own = &ports[replica * SERVICES.len()..][..SERVICES.len()];
            let config = folder.path().join(format!("hotline{replica}.toml"));
            let text = config_text(folder.path(), &cluster, &redis, own);
            std::fs::write(&config, text).expect("a writable folder");
            for (service, &port) in SERVICES.iter().zip(own) {
                let tls = authority.issues(&[service]);
                members.push(Mutex::new(Member::new(service, &config, port, tls)));
            }
        }
        let config = Config::read(Some(&folder.path().join("hotline0.toml")));
        let config = config.expect("it was written by us");
        let fleet = Self {
            cluster,
            redis: Mutex::new(redis),
            members,
            doors: Doors::to(&ports, &config),
            ended: AtomicU32::new(0),
            folder,
        };
        let migrated = fleet.command("migrate").args(SERVICES).status();
        assert!(migrated.expect("the binary starts").success(), "migrate");
        for number in 0..fleet.members.len() {
            fleet.member(number).start();
        }
        fleet.answers().await;
        fleet.load_tables().await;
        fleet
    }

    /// How many processes there are.
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// Ways to its services.
    pub fn doors(&self) -> Doors {
        self.doors.clone()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps its folder with logs and ledger, for whoever looks into a failure.
    pub fn keep_folder(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// `hotline NAME --config …` with output thrown away.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binary());
        command
            .arg(name)
            .arg("--config")
            .arg(&self.member(0).config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// SIGKILL; false if it stands paused or is not running. It is started again by [`Fleet::tend`].
    pub fn kill(&self, number: usize) -> bool {
        let mut member = self.member(number);
        if member.is_paused {
            return false;
        }
        let Some(mut child) = member.child.take() else {
            return false;
        };
        child.kill().expect("it is ours");
        child.wait().expect("it was started");
        true
    }

    /// SIGSTOP; false if it or its twin stands paused already, or it is not running.
    pub fn pause(&self, number: usize) -> bool {
        let twin = (number + SERVICES.len()) % self.members.len();
        if self.member(twin).is_paused {
            return false;
        }
        let mut member = self.member(number);
        if member.is_paused || member.child.is_none() {
            return false;
        }
        member.signal("STOP");
        member.is_paused = true;
        true
    }

    /// SIGCONT.
    pub fn resume(&self, number: usize) {
        let mut member = self.member(number);
        member.signal("CONT");
        member.is_paused = false;
    }

    /// Starts what has ended, as whoever supervises processes does.
    pub fn tend(&self) {
        for number in 0..self.members.len() {
            let mut member = self.member(number);
            let has_ended = match member.child.as_mut() {
                None => true,
                Some(child) => !matches!(child.try_wait(), Ok(None)),
            };
            if !has_ended {
                continue;
            }
            if member.child.is_some() && member.has_served() {
                self.ended.fetch_add(1, Ordering::Relaxed);
            }
            member.start();
        }
    }

    /// How many processes had served and then ended without being killed.
    pub fn ended(&self) -> u32 {
        self.ended.load(Ordering::Relaxed)
    }

    /// What processes logged as errors.
    pub fn errors(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder()).expect("it is ours");
        let logs = files.flatten().map(|file| file.path());
        let logs = logs.filter(|path| path.extension().is_some_and(|found| found == "log"));
        let mut errors = Vec::new();
        for path in logs {
            let text = std::fs::read(&path).expect("a log can be read");
            let text = String::from_utf8_lossy(&text).into_owned();
            let found = text
                .lines()
                .filter(|line| line.contains(" ERROR ") || line.contains("panicked"));
            errors.extend(found.map(|line| format!("{}: {line}", path.display())));
        }
        errors
    }

    /// Kills every process.
    pub fn stop(&self) {
        for number in 0..self.members.len() {
            self.kill(number);
        }
    }

    /// Waits until every process has started.
    pub async fn answers(&self) {
        let begun = Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(50));
        for number in 0..self.members.len() {
            while !self.member(number).is_listening() {
                looks.tick().await;
                assert!(
                    begun.elapsed() < START_MAX,
                    "process {number} did not start"
                );
                self.tend();
            }
        }
    }

    async fn load_tables(&self) {
        let calendar = (Owner::Routing, "holidays", HOLIDAYS_2026);
        for (owner, name, csv) in TABLES.into_iter().chain([calendar]) {
            let table = Some(RegistryTable {
                name: name.to_owned(),
                csv: csv.as_bytes().to_vec(),
            });
            match owner {
                Owner::Intake => {
                    let request = by("administrator", "root", LoadIntake { table });
                    let loaded = self.doors.intake(0).load_registry(request).await;
                    loaded.expect("intake takes a table");
                }
                Owner::Routing => {
                    let request = by("administrator", "root", LoadRouting { table });
                    let loaded = self.doors.routing(0).load_registry(request).await;
                    loaded.expect("routing takes a table");
                }
            }
        }
    }

    fn member(&self, number: usize) -> MutexGuard<'_, Member> {
        let member = self.members[number].lock();
        member.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    fn new(service: &'static str, config: &Path, port: u16, tls: TlsConfig) -> Self {
        Self {
            service,
            config: config.to_owned(),
            port,
            tls,
            metrics_port: free_port(),
            child: None,
            log: PathBuf::new(),
            starts: 0,
            is_paused: false,
        }
    }

    fn start(&mut self) {
        self.starts += 1;
        let name = format!("{}-{}.{}.log", self.service, self.port, self.starts);
        self.log = self.config.with_file_name(name);
        let log = std::fs::File::create(&self.log).expect("a writable folder");
        let listen = |port| format!("127.0.0.1:{port}");
        let mut command = Command::new(binary());
        command.args(["run", self.service, "--config"]);
        command
            .arg(&self.config)
            .env("HOTLINE__SERVER__LISTEN", listen(self.port))
            .env("HOTLINE__SERVER__METRICS_LISTEN", listen(self.metrics_port))
            .env("HOTLINE__TLS__CERTIFICATE_FILE", &self.tls.certificate_file)
            .env("HOTLINE__TLS__KEY_FILE", &self.tls.key_file)
            .stdin(Stdio::null())
            .stderr(log.try_clone().expect("a second handle"))
            .stdout(log);
        self.child = Some(command.spawn().expect("the binary starts"));
    }

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().expect("it runs");
        let mut kill = Command::new("kill");
        let sent = kill.arg(format!("-{name}")).arg(child.id().to_string());
        assert!(sent.status().expect("kill can be run").success(), "{name}");
    }

    fn is_listening(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    fn has_served(&self) -> bool {
        std::fs::read_to_string(&self.log).is_ok_and(|log| log.contains(SERVING))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(child) = self.child.as_mut() {
            // SIGKILL ends a paused process too.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Doors {
    fn to(ports: &[u16], config: &Config) -> Self {
        let signing = Signing::of(config);
        let tls = config.tls.as_ref().expect("it was written by us");
        let outgoing = Outgoing {
            tls: Some(Tls::open(tls).expect("files that go together")),
            ..Outgoing::default()
        };
        let channel = |(number, port): (usize, &u16)| {
            let (service, address) = (
                SERVICES[number % SERVICES.len()],
                format!("https://127.0.0.1:{port}"),
            );
            let channel = peers::channel(service, &address, &outgoing, CALL_MAX);
            signing.on(channel.expect("an address"))
        };
        Self {
            channels: ports.iter().enumerate().map(channel).collect(),
        }
    }

    /// Intake, by one of its replicas.
    pub fn intake(&self, replica: usize) -> IntakeServiceClient<Door> {
        IntakeServiceClient::new(self.channel(0, replica))
    }

    /// Routing, by one of its replicas.
    pub fn routing(&self, replica: usize) -> RoutingServiceClient<Door> {
        RoutingServiceClient::new(self.channel(1, replica))
    }

    /// Feedback, by one of its replicas.
    pub fn feedback(&self, replica: usize) -> FeedbackServiceClient<Door> {
        FeedbackServiceClient::new(self.channel(2, replica))
    }

    fn channel(&self, service: usize, replica: usize) -> Door {
        self.channels[replica % REPLICAS * SERVICES.len() + service].clone()
    }
}

/// The configuration of one replica of each service: they are each other's peers.
fn config_text(folder: &Path, cluster: &Cluster, redis: &RedisServer, ports: &[u16]) -> String {
    let mut text = format!(
        "data_dir = \"{folder}/data\"\n\
         [city]\nsecret_file = \"{folder}/secret\"\n\
         [server]\nreflection = false\n\
         [database]\nurl = \"{url}\"\nauto_migrate = false\n\
         [feed]\nredis_url = \"{redis}\"\nlease_s = {LEASE_S}\n\
         [tls]\ncertificate_file = \"{folder}/{all}.pem\"\nkey_file = \"{folder}/{all}.key\"\n\
         ca_file = \"{folder}/ca.pem\"\n\
         [telemetry]\nlog_filter = \"info\"\n\
         [peers]\n",
        folder = folder.display(),
        url = cluster.url("{service}"),
        redis = redis.url(),
        all = SERVICES.join("_"),
    );
    for (service, port) in SERVICES.iter().zip(ports) {
        writeln!(text, "{service} = \"https://127.0.0.1:{port}\"").expect("a string grows");
    }
    text
}
