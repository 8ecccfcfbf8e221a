//! One installation that dies and starts again, and the client that never gives up.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use hotline_proto::intake::GetConservationRequest;
use hotline_proto::reporting::GetOverviewRequest;
use hotline_tests::principal::by;
use hotline_tests::process::Installation;

use crate::cases::{Before, Case, Flow};
use crate::ledger::Ledger;
use crate::life::Life;
use crate::scripts::{Importer, Office};
use crate::server::{Gone, Server, Wait, is_told};
use crate::tables::Tables;

/// Registrations that are sent at once.
const TOGETHER: usize = 4;
/// Batches of them before a flow is through; more than any hit.
const BATCHES: usize = 6;
/// Lives, files and calendars before a flow is through.
const TIMES: usize = 3;
/// How often, and how many times, it is looked whether the sealer came by.
const SEAL_LOOK: Duration = Duration::from_millis(100);
/// See [`SEAL_LOOK`].
const SEAL_LOOKS: usize = 100;

/// An installation and all that its client knows.
pub struct City<'a> {
    installation: &'a Installation,
    tables: Option<Tables>,
    ledger: Ledger,
    lives: Vec<Life>,
    importer: Importer,
    office: Office,
    is_founded: bool,
    /// There is poison that nobody was seen to park.
    is_poisoned: bool,
    /// There is an unknown timer that nobody was seen to set aside.
    is_armed: bool,
}

impl<'a> City<'a> {
    pub fn new(installation: &'a Installation) -> Self {
        Self {
            installation,
            tables: None,
            ledger: Ledger::default(),
            lives: Vec::new(),
            importer: Importer::default(),
            office: Office::default(),
            is_founded: false,
            is_poisoned: false,
            is_armed: false,
        }
    }

    /// Plays the flow with the point armed; whether the process ended there.
    pub async fn dies(&mut self, case: Case) -> bool {
        let armed = match case.hit {
            1 => format!("{}=return(kill)", case.point),
            hit => format!("{}={}*off->return(kill)", case.point, hit - 1),
        };
        if let Flow::Command(before, args) = case.flow {
            self.prepare(before).await;
            let is_dead = self.commands(args, &armed, case.point).await;
            if matches!(args, ["parked", "skip"] | ["timers", "retry"]) {
                self.commands_well(args).await;
            }
            return is_dead;
        }
        self.spoils(case.flow).await;
        self.leases_run_out().await;
        let with_redis = case.flow != Flow::WithoutRedis;
        let mut server = Server::start(self.installation, &armed, with_redis);
        let mut played = self.plays(&mut server, case.flow).await;
        if played.is_ok() && case.point.starts_with("sealer.") {
            played = seals(&mut server).await;
        }
        if played.is_err() {
            return server.ended_at(case.point);
        }
        server.kill();
        false
    }

    async fn plays(&mut self, server: &mut Server, flow: Flow) -> Result<(), Gone> {
        server.serves().await?;
        if flow == Flow::Start {
            return self.settles(server).await;
        }
        self.recovers(server).await?;
        match flow {
            Flow::Registration | Flow::WithoutRedis => {
                for _ in 0..BATCHES {
                    let batch: Vec<usize> = (0..TOGETHER)
                        .map(|_| self.ledger.intend("样例路的井盖松动"))
                        .collect();
                    self.ledger.together(server, &batch).await?;
                    self.settles(server).await?;
                }
            }
            Flow::Life => {
                for _ in 0..TIMES {
                    self.lives.push(Life::begin(&mut self.ledger));
                    self.lives_go_on(server).await?;
                    self.settles(server).await?;
                }
            }
            Flow::Import => {
                for _ in 0..TIMES {
                    self.importer.imports(server).await?;
                }
                self.settles(server).await?;
            }
            Flow::Office => {
                let today = self.ledger.first_day();
                for _ in 0..TIMES {
                    self.office.loads(server).await?;
                    self.settles(server).await?;
                    self.office.issues(server, &today).await?;
                }
                self.settles(server).await?;
            }
            Flow::Stop => return Err(server.stops().await),
            Flow::Poison => self.is_parked(server).await?,
            Flow::UnknownTimer => self.is_failed(server).await?,
            Flow::Start | Flow::Command(..) => {}
        }
        Ok(())
    }

    /// What the last death cut off is repeated, and what was acknowledged before is found.
    async fn recovers(&mut self, server: &mut Server) -> Result<(), Gone> {
        if !self.is_founded {
            self.office.founds(server).await?;
            self.is_founded = true;
        }
        if self.tables.is_none() {
            self.tables = Some(Tables::open(self.installation).await);
        }
        self.ledger.repeats(server).await?;
        self.ledger.is_found(server).await?;
        self.lives_go_on(server).await
    }

    async fn lives_go_on(&mut self, server: &mut Server) -> Result<(), Gone> {
        for life in self.lives.iter_mut().filter(|life| !life.is_over()) {
            life.goes_on(&mut self.ledger, server).await?;
        }
        Ok(())
    }

    /// Waits until every consumer has reached the end and every due timer has fired.
    async fn settles(&mut self, server: &mut Server) -> Result<(), Gone> {
        if self.tables.is_none() {
            self.tables = Some(Tables::open(self.installation).await);
        }
        let tables = self.tables.as_ref().expect("opened just now");
        let mut wait = Wait::begin("everything is heard");
        while !tables.is_all_leased().await || tables.backlog().await > 0 {
            server.is_there()?;
            wait.on().await;
        }
        Ok(())
    }

    /// The next process need not wait for the leases of the dead one. With SQLite it knows by itself that
    /// nobody else lives; a first start has none.
    async fn leases_run_out(&self) {
        if let Some(tables) = &self.tables {
            tables.leases_run_out().await;
        }
    }

    fn tables(&self) -> &Tables {
        self.tables.as_ref().expect("the city was founded")
    }

    /// Spoils something on purpose, unless what was spoiled before was not met yet.
    async fn spoils(&mut self, flow: Flow) {
        if flow == Flow::Poison && !self.is_poisoned {
            self.tables().poison(2).await;
            self.is_poisoned = true;
        }
        if flow == Flow::UnknownTimer && !self.is_armed {
            self.tables().arm_unknown().await;
            self.is_armed = true;
        }
    }

    /// Waits until the poison is parked.
    async fn is_parked(&mut self, server: &mut Server) -> Result<(), Gone> {
        self.settles(server).await?;
        assert!(self.tables().parked().await > 0, "the poison was taken");
        self.is_poisoned = false;
        Ok(())
    }

    /// Waits until the timer that nobody knows has failed.
    async fn is_failed(&mut self, server: &mut Server) -> Result<(), Gone> {
        self.settles(server).await?;
        assert!(
            self.tables().failed_timers().await > 0,
            "the unknown timer fired"
        );
        self.is_armed = false;
        Ok(())
    }

    /// Whether nothing is parked and no timer has failed: what `hotline check` would tell of.
    pub async fn is_in_order(&self) -> bool {
        match &self.tables {
            None => true,
            Some(tables) => {
                !self.is_poisoned
                    && !self.is_armed
                    && tables.parked().await + tables.failed_timers().await == 0
            }
        }
    }

    /// Mends what was spoiled on purpose, and has it retried.
    pub async fn clears_up(&mut self) {
        self.leases_run_out().await;
        let mut server = Server::start(self.installation, "", true);
        self.lives_through(&mut server, Flow::Start).await;
        server.kill();
        self.tables().mend_parked().await;
        self.tables().mend_timers().await;
        self.commands_well(&["parked", "retry"]).await;
        self.commands_well(&["timers", "retry"]).await;
        (self.is_poisoned, self.is_armed) = (false, false);
        assert_eq!(self.tables().parked().await, 0, "parked after the retry");
    }

    async fn lives_through(&mut self, server: &mut Server, flow: Flow) {
        self.plays(server, flow).await.expect("nothing is armed");
    }

    async fn prepare(&mut self, before: Before) {
        let flow = match before {
            Before::Nothing => return,
            Before::Parked | Before::MendedParked => Flow::Poison,
            Before::MendedTimer => Flow::UnknownTimer,
        };
        let is_waiting = match before {
            Before::MendedTimer => self.tables().failed_timers().await > 0,
            // So many are left that the next retry has enough to do.
            _ => self.tables().parked().await > 2,
        };
        if !is_waiting || self.is_poisoned || self.is_armed {
            self.spoils(flow).await;
            self.leases_run_out().await;
            let mut server = Server::start(self.installation, "", true);
            self.lives_through(&mut server, flow).await;
            server.kill();
        }
        match before {
            Before::MendedParked => self.tables().mend_parked().await,
            Before::MendedTimer => self.tables().mend_timers().await,
            Before::Parked | Before::Nothing => {}
        }
    }

    /// Gives a command with the point armed; whether it ended there.
    async fn commands(&self, args: &[&str], armed: &str, point: &str) -> bool {
        let args = self.with_event(args).await;
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = self.installation.command(&args);
        command.env("FAILPOINTS", armed).stderr(Stdio::piped());
        let output = command.output().expect("the binary starts");
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.signal().is_none() {
            return false;
        }
        assert!(is_told(&told, point), "not at {point}: {told}");
        true
    }

    /// Gives a command that nothing stops.
    async fn commands_well(&self, args: &[&str]) {
        let args = self.with_event(args).await;
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = self.installation.command(&args);
        let output = command
            .stderr(Stdio::piped())
            .output()
            .expect("the binary starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {told}");
    }

    /// A skip names the event.
    async fn with_event(&self, args: &[&str]) -> Vec<String> {
        let mut args: Vec<String> = args.iter().map(|&word| word.to_owned()).collect();
        if args[1] == "skip" {
            args.extend([
                self.tables().first_parked().await,
                "--reason".to_owned(),
                "unreadable".to_owned(),
            ]);
        }
        args
    }

    /// Everything that was begun ends, and everything that was promised is there. `armed` must not be
    /// reached by that.
    pub async fn ends_well(&mut self, armed: &str) {
        if !self.is_in_order().await {
            self.clears_up().await;
        }
        self.leases_run_out().await;
        let mut server = Server::start(self.installation, armed, true);
        let ended = self.is_whole(&mut server).await;
        ended.expect("the process lives on");
        server.stops().await;
        assert!(server.ended_well(), "it was only asked to stop");
        self.replies_are_written_once();
        self.installation.check();
    }

    async fn is_whole(&mut self, server: &mut Server) -> Result<(), Gone> {
        server.serves().await?;
        self.recovers(server).await?;
        for flow in [Flow::Registration, Flow::Import, Flow::Office, Flow::Life] {
            self.plays(server, flow).await?;
        }
        self.ledger.is_kept(server).await?;
        self.office.documents(server).await?;

        let registered =
            i64::try_from(self.ledger.len()).expect("a count") + self.importer.registered();
        let request = by("administrator", "test", GetConservationRequest {});
        let answer = server.intake().get_conservation(request).await;
        let channels = server.said(answer).await?.channels;
        let found: i64 = channels.iter().map(|channel| channel.registered).sum();
        assert_eq!(found, registered, "appeals registered");
        let request = by("analyst", "test", GetOverviewRequest::default());
        let answer = server.reporting().get_overview(request).await;
        assert_eq!(
            server.said(answer).await?.appeals,
            registered,
            "appeals that reporting heard of"
        );

        let tickets: HashSet<&String> = self.lives.iter().map(|life| &life.ticket_id).collect();
        assert_eq!(tickets.len(), self.lives.len(), "a ticket for each");
        let mut histories = BTreeSet::new();
        for life in &self.lives {
            histories.insert(life.history(server).await?);
        }
        assert_eq!(
            histories.len(),
            1,
            "every ticket lived the same life: {histories:?}"
        );
        Ok(())
    }

    /// Each citizen whose ticket was concluded has one reply, in a line of its own.
    fn replies_are_written_once(&self) {
        let path = self
            .installation
            .config()
            .data_dir
            .join("outbound/tel.jsonl");
        let text = std::fs::read_to_string(path).expect("replies");
        let mut replies: HashMap<String, usize> = HashMap::new();
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            let number = line["appeal_number"].as_str().expect("a number").to_owned();
            *replies.entry(number).or_default() += 1;
        }
        assert_eq!(replies.len(), self.lives.len(), "citizens who were told");
        assert!(replies.values().all(|&count| count == 1), "{replies:?}");
    }
}

/// Rows are sealed a moment after they were written, and later while the dead process's lock still stands: waits as
/// long as that may take, or until the process is gone.
async fn seals(server: &mut Server) -> Result<(), Gone> {
    let mut looks = tokio::time::interval(SEAL_LOOK);
    for _ in 0..SEAL_LOOKS {
        server.is_there()?;
        looks.tick().await;
    }
    Ok(())
}
