//! A city in this process: every service behind real gRPC, a clock in the test's hands.

pub mod door;
mod processes;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::NaiveDate;
use hotline::config::Config;
use hotline::identity::of_a_command;
use hotline::services::Name;
use hotline::{Parts, Running};
use hotline_kernel::time::{Clock, Timestamp, Zone};
use hotline_platform::identity::Signer;
use hotline_platform::peers::Transport;
use hotline_platform::testing::ManualClock;
use hotline_proto::intake::LoadRegistryRequest as LoadIntake;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::routing::LoadRegistryRequest as LoadRouting;
use hotline_proto::routing::LoadRegistryResponse;
use hotline_proto::routing::routing_service_client::RoutingServiceClient;
use hotline_proto::shared::RegistryTable;
use tonic::transport::Channel;
use tonic::{Response, Status};

use self::processes::processes;
use crate::principal::{Door, by};
use crate::process::Installation;
use crate::registry::{HOLIDAYS_2026, Owner, TABLES};

/// How long a city may take to come to rest.
const REST_MAX: Duration = Duration::from_mins(1);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Who hears whom, in every city.
pub const HEARS: [(Name, Name); 9] = [
    (Name::Intake, Name::Routing),
    (Name::Routing, Name::Intake),
    (Name::Routing, Name::Feedback),
    (Name::Routing, Name::Reporting),
    (Name::Feedback, Name::Intake),
    (Name::Feedback, Name::Routing),
    (Name::Reporting, Name::Intake),
    (Name::Reporting, Name::Routing),
    (Name::Reporting, Name::Feedback),
];
/// Ids and numbers are the same at every run.
const SEED: u64 = 20_260_901;

/// A running city.
pub struct City {
    /// `embedded` or `PostgreSQL + Redis`, for assert messages.
    pub label: &'static str,
    // Its folder and databases stay as long as the city.
    _installation: Installation,
    clock: ManualClock,
    processes: Vec<Process>,
    keys: AtomicU64,
    starts: u64,
}

/// Some services with a server of their own.
struct Process {
    services: &'static [Name],
    config: Config,
    channel: Door,
    plain: Channel,
    running: Option<Running>,
}

impl City {
    /// One city per arrangement, all services in one process, on Tuesday, 1 September 2026, 09:30.
    pub async fn all() -> Vec<Self> {
        Self::with(&[Name::ALL]).await
    }

    /// The same in two processes that reach each other over TCP: intake and feedback, routing and
    /// reporting.
    pub async fn all_in_two_processes() -> Vec<Self> {
        let first: &[Name] = &[Name::Intake, Name::Feedback];
        Self::with(&[first, &[Name::Routing, Name::Reporting]]).await
    }

    async fn with(groups: &[&'static [Name]]) -> Vec<Self> {
        let mut cities = Vec::new();
        for installation in Installation::all().await {
            let processes = processes(&installation, groups).await;
            let clock = ManualClock::at(at(2026, 9, 1, 9, 30));
            let (keys, label) = (AtomicU64::new(0), installation.label);
            let mut city = Self {
                label,
                _installation: installation,
                clock,
                processes,
                keys,
                starts: 0,
            };
            for number in 0..city.processes.len() {
                city.start_process(number).await;
            }
            city.load_tables().await;
            cities.push(city);
        }
        cities
    }

    /// Stops the process that runs `service`, as SIGTERM does.
    pub async fn stop(&mut self, service: Name) {
        let number = self.process_of(service);
        self.processes[number]
            .running
            .take()
            .expect("it runs")
            .stop()
            .await;
    }

    /// Starts the process of `service` again, on the same address and databases.
    pub async fn start(&mut self, service: Name) {
        self.start_process(self.process_of(service)).await;
    }

    /// Stops everything.
    pub async fn ends(mut self) {
        for process in &mut self.processes {
            if let Some(running) = process.running.take() {
                running.stop().await;
            }
        }
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets hours pass; timers that fall due on the way fire.
    pub async fn hours_pass(&self, hours: u64) {
        self.clock.advance(Duration::from_secs(hours * 3600));
        self.settles().await;
    }

    /// Lets minutes pass, as `hours_pass`.
    pub async fn minutes_pass(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
        self.settles().await;
    }

    /// A fresh set-up link for the first security administrator.
    pub async fn first_link(&self) -> String {
        let process = &self.processes[self.process_of(Name::Gateway)];
        let running = process.running.as_ref().expect("it runs");
        let link = running.first_link().await;
        let link = link.unwrap_or_else(|error| panic!("{}: {error:#}", self.label));
        link.expect("there is no account yet")
    }

    /// Moves to a wall-clock time of the city.
    pub async fn comes_to(&self, year: i32, month: u32, day: u32, hour: u32) {
        self.clock.set(at(year, month, day, hour, 0));
        self.settles().await;
    }

    /// Waits until every event is heard and every due timer has fired, in all processes that run.
    pub async fn settles(&self) {
        let rests = async {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            let mut quiet = 0;
            // Twice in a row: what one process heard while another was looked at may make it speak.
            while quiet < 2 {
                looks.tick().await;
                for running in self
                    .processes
                    .iter()
                    .filter_map(|process| process.running.as_ref())
                {
                    let settled = running.settle().await;
                    settled.unwrap_or_else(|error| panic!("{}: {error:#}", self.label));
                }
                quiet = if self.unheard().await == 0 {
                    quiet + 1
                } else {
                    0
                };
            }
        };
        let in_time = tokio::time::timeout(REST_MAX, rests).await;
        assert!(in_time.is_ok(), "{}: still not at rest", self.label);
    }

    /// Events that crossed no process yet. Within one process, settling saw to it.
    async fn unheard(&self) -> i64 {
        let mut unheard = 0;
        for (service, producer) in HEARS {
            let (here, there) = (self.process_of(service), self.process_of(producer));
            let is_running = |number: usize| self.processes[number].running.as_ref();
            let (Some(running), Some(_)) = (is_running(here), is_running(there)) else {
                continue;
            };
            if here != there {
                let lag = running.lag(service.word(), producer.word()).await;
                unheard += lag.unwrap_or_else(|error| panic!("{}: {error:#}", self.label));
            }
        }
        unheard
    }

    /// Loads the calendar of a year, or of several.
    pub async fn loads_calendar(&self, csv: &str) -> LoadRegistryResponse {
        let table = Some(table("holidays", csv));
        let request = by("administrator", "root", LoadRouting { table });
        let loaded = self.said(
            "load the calendar",
            self.routing().load_registry(request).await,
        );
        self.settles().await;
        loaded
    }

    /// Lets a service forget what it derived from events, and hear every log again.
    pub async fn forgets(&self, service: Name) {
        let process = &self.processes[self.process_of(service)];
        let running = process.running.as_ref().expect("it runs");
        let forgot = running.forget(service).await;
        forgot.unwrap_or_else(|error| panic!("{}: {error:#}", self.label));
    }

    /// What a channel's outbound file holds, a JSON object per line.
    pub fn outbound(&self, channel: &str) -> Vec<serde_json::Value> {
        let path = self
            .data_dir()
            .join("outbound")
            .join(format!("{channel}.jsonl"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect()
    }

    pub(crate) fn intake(&self) -> IntakeServiceClient<Door> {
        IntakeServiceClient::new(self.channel(Name::Intake))
    }

    pub(crate) fn routing(&self) -> RoutingServiceClient<Door> {
        RoutingServiceClient::new(self.channel(Name::Routing))
    }

    pub(crate) fn channel(&self, service: Name) -> Door {
        self.processes[self.process_of(service)].channel.clone()
    }

    /// The way to a service over its socket, without a signature.
    pub(crate) fn unsigned(&self, service: Name) -> Channel {
        self.processes[self.process_of(service)].plain.clone()
    }

    /// Signs as a command beside the city does.
    pub fn signer(&self) -> Arc<Signer> {
        let config = &self.processes[0].config;
        let outgoing = of_a_command(config).expect("a city's key is one");
        outgoing.signer.expect("the city has started")
    }

    /// The way to a service within its process, where services are believed.
    pub(crate) fn inside(&self, service: Name) -> Transport {
        let process = &self.processes[self.process_of(service)];
        process
            .running
            .as_ref()
            .expect("it runs")
            .transport(service.word())
    }

    pub(crate) fn database_url(&self, service: Name) -> String {
        let config = &self.processes[self.process_of(service)].config;
        config.database_url(service)
    }

    /// A fresh idempotency key.
    pub(crate) fn key(&self) -> String {
        format!("journey-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }

    /// The answer, or the end of the test.
    pub(crate) fn said<T>(&self, what: impl Display, answer: Result<Response<T>, Status>) -> T {
        match answer {
            Ok(answer) => answer.into_inner(),
            Err(status) => panic!(
                "{}: {what}: {:?} {}",
                self.label,
                status.code(),
                status.message()
            ),
        }
    }

    /// The courier's address, if it has one.
    pub(crate) fn redis(&self) -> Option<String> {
        let config = &self.processes[self.process_of(Name::Intake)].config;
        config.feed.redis_url.clone()
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.processes[self.process_of(Name::Feedback)]
            .config
            .data_dir
            .clone()
    }

    fn process_of(&self, service: Name) -> usize {
        let found = self
            .processes
            .iter()
            .position(|process| process.services.contains(&service));
        found.expect("the service is mounted")
    }

    async fn start_process(&mut self, number: usize) {
        self.starts += 1;
        let process = &mut self.processes[number];
        let clock: Arc<ManualClock> = Arc::new(self.clock.clone());
        // A second start with the first one's seed would make the first one's ids again.
        let parts = Parts {
            clock: Some(clock),
            seed: Some(SEED + self.starts),
            ..Parts::default()
        };
        let started =
            hotline::City::start_some(process.services, process.config.clone(), parts).await;
        process.running = Some(started.unwrap_or_else(|error| panic!("{}: {error:#}", self.label)));
    }

    async fn load_tables(&self) {
        for (owner, name, csv) in TABLES {
            let table = Some(table(name, csv));
            match owner {
                Owner::Intake => {
                    let request = by("administrator", "root", LoadIntake { table });
                    self.said(name, self.intake().load_registry(request).await);
                }
                Owner::Routing => {
                    let request = by("administrator", "root", LoadRouting { table });
                    self.said(name, self.routing().load_registry(request).await);
                }
            }
        }
        self.loads_calendar(HOLIDAYS_2026).await;
    }
}

/// A wall-clock time of the city.
pub fn at(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> Timestamp {
    let day = NaiveDate::from_ymd_opt(year, month, day).expect("a day of the calendar");
    Zone::SHANGHAI.at(day, hour, minute)
}

fn table(name: &str, csv: &str) -> RegistryTable {
    RegistryTable {
        name: name.to_owned(),
        csv: csv.as_bytes().to_vec(),
    }
}
