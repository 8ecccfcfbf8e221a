//! One life of the process under test: calls are answered, refused, or the process is gone.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hotline_proto::feedback::feedback_service_client::FeedbackServiceClient;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::reporting::reporting_service_client::ReportingServiceClient;
use hotline_proto::routing::routing_service_client::RoutingServiceClient;
use hotline_tests::principal::Door;
use hotline_tests::process::{Installation, Process};
use tokio::time::{Interval, interval};
use tonic::{Code, Response, Status};

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// SIGABRT on Linux: how `std::process::abort` ends a process.
const SIGABRT: i32 = 6;

/// The process has ended.
#[derive(Debug)]
pub struct Gone;

/// A process that may end at any moment.
pub struct Server {
    process: Process,
    channel: Door,
    errors: PathBuf,
}

impl Server {
    /// Starts it with crash points armed; `points` in the syntax of the crate `fail`.
    pub fn start(installation: &Installation, points: &str, with_redis: bool) -> Self {
        let errors = installation.folder().join("errors.txt");
        let mut environment = vec![
            ("FAILPOINTS", points),
            ("HOTLINE__TELEMETRY__LOG_FILTER", "warn"),
        ];
        if !with_redis {
            // Nobody listens at this port.
            environment.push(("HOTLINE__FEED__REDIS_URL", "redis://127.0.0.1:1/"));
        }
        let process = installation.spawn(&environment, &errors);
        let channel = process.channel();
        Self {
            process,
            channel,
            errors,
        }
    }

    /// Waits until it serves.
    pub async fn serves(&mut self) -> Result<(), Gone> {
        let mut wait = Wait::begin("the process serves");
        while !self.process.answers().await {
            self.is_there()?;
            wait.on().await;
        }
        Ok(())
    }

    pub fn is_there(&mut self) -> Result<(), Gone> {
        self.process.ended().map_or(Ok(()), |_| Err(Gone))
    }

    /// The answer; a refusal ends the test.
    pub async fn said<T>(&mut self, answer: Result<Response<T>, Status>) -> Result<T, Gone> {
        let heard = self.heard(answer).await?;
        Ok(heard
            .unwrap_or_else(|status| panic!("refused: {:?} {}", status.code(), status.message())))
    }

    /// The answer, or how it was refused.
    pub async fn heard<T>(
        &mut self,
        answer: Result<Response<T>, Status>,
    ) -> Result<Result<T, Status>, Gone> {
        let status = match answer {
            Ok(answer) => return Ok(Ok(answer.into_inner())),
            Err(status) => status,
        };
        let is_cut = matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled
        );
        if !is_cut {
            return Ok(Err(status));
        }
        // A connection ends a moment before its process has.
        let mut wait = Wait::begin(&format!(
            "the process ends after {:?} {}",
            status.code(),
            status.message()
        ));
        loop {
            self.is_there()?;
            wait.on().await;
        }
    }

    /// SIGTERM, and waits for the end.
    pub async fn stops(&mut self) -> Gone {
        self.process.ask_to_stop();
        self.ends().await
    }

    pub async fn ends(&mut self) -> Gone {
        let mut wait = Wait::begin("the process ends");
        while self.is_there().is_ok() {
            wait.on().await;
        }
        Gone
    }

    /// Whether it has ended at `point`; false if it only did as it was asked. Any other end ends the test.
    pub fn ended_at(&mut self, point: &str) -> bool {
        let status = self.process.ended().expect("it has ended");
        if status.success() {
            return false;
        }
        let told = std::fs::read_to_string(&self.errors).expect("what it said");
        let is_there = status.signal() == Some(SIGABRT) && is_told(&told, point);
        assert!(is_there, "not at {point}, but {status}: {told}");
        true
    }

    /// Whether it has ended as it was asked to.
    pub fn ended_well(&mut self) -> bool {
        self.process.ended().is_some_and(|status| status.success())
    }

    /// SIGKILL.
    pub fn kill(self) {
        self.process.kill();
    }

    pub fn intake(&self) -> IntakeServiceClient<Door> {
        IntakeServiceClient::new(self.channel.clone())
    }

    pub fn routing(&self) -> RoutingServiceClient<Door> {
        RoutingServiceClient::new(self.channel.clone())
    }

    pub fn feedback(&self) -> FeedbackServiceClient<Door> {
        FeedbackServiceClient::new(self.channel.clone())
    }

    pub fn reporting(&self) -> ReportingServiceClient<Door> {
        ReportingServiceClient::new(self.channel.clone())
    }
}

/// Whether a process said that it ended at `point`; other threads may have spoken since.
pub fn is_told(told: &str, point: &str) -> bool {
    let last_word = format!("ended at {point}");
    told.lines().any(|line| line == last_word)
}

/// Looks again and again, but not for ever.
pub struct Wait {
    what: String,
    begun: Instant,
    looks: Interval,
}

impl Wait {
    pub fn begin(what: &str) -> Self {
        Self {
            what: what.to_owned(),
            begun: Instant::now(),
            looks: interval(LOOK_EVERY),
        }
    }

    pub async fn on(&mut self) {
        assert!(
            self.begun.elapsed() < PATIENCE,
            "waited too long until {}",
            self.what
        );
        self.looks.tick().await;
    }
}
