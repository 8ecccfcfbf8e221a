//! Tells the story: starts the city, loads its tables, moves the clock from task to task.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use chrono::{Datelike, NaiveDate};
use hotline_kernel::calendar::{Calendar, DayKind};
use hotline_kernel::time::{Timestamp, Zone};
use hotline_platform::clock::ManualClock;
use hotline_proto::reporting::{Format, IssueDocumentRequest, Series};
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::Deserialize;

use super::callers::Callers;
use super::city::{Clients, by, said};
use super::desk::Desk;
use super::directory::Directory;
use super::founding::{load_city, refuse_inhabited};
use super::memory::{Memory, Task};
use super::offices::Offices;
use super::plan::{Frame, Plan};
use super::story::{Story, rows};
use super::{sample, show};
use crate::config::Config;
use crate::{City, Parts, Running};

/// Hours at which the offices take a turn; the centre and the units outside working hours only see
/// what is urgent.
const OFFICE_HOURS: &[u32] = &[0, 8, 9, 11, 14, 16, 18, 21];
/// Hours at which follow-up agents ring.
const CALLING_HOURS: &[u32] = &[11, 16, 18];
/// When the mayor's list lies on his desk.
const LEADER_HOUR: u32 = 8;

/// `hotline demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The same seed prints the same.
    #[arg(long, default_value_t = 20_260_331)]
    pub seed: u64,
    /// How many appeals are made, spam and storm included.
    #[arg(long, default_value_t = 640)]
    pub appeals: usize,
    /// How many days the story takes.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub days: u32,
    /// The last day, a date of a year whose calendar the sample city has.
    #[arg(long, default_value = "2026-03-31")]
    pub last_day: NaiveDate,
    /// Folder for databases and documents; a fresh one is made beside it if it is not empty.
    #[arg(long, default_value = "data/demo")]
    pub data: PathBuf,
    /// Where the city lives, if not in embedded databases.
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// Appends the number of every acknowledged appeal to this file, on disk before the next is made.
    #[arg(long)]
    pub ledger: Option<PathBuf>,
    /// Leaves the city served when the story is told.
    #[arg(long)]
    pub keep: bool,
}

impl Args {
    fn frame(&self, zone: Zone) -> Frame {
        Frame {
            seed: self.seed,
            last_day: self.last_day,
            days: self.days,
            appeals: self.appeals,
            zone,
        }
    }

    fn say_where(&self, folder: &Path, data_dir: &Path) {
        match &self.config {
            None => eprintln!("databases and outbound replies in {}", folder.display()),
            Some(file) => eprintln!(
                "databases where {} says; outbound replies in {}",
                file.display(),
                data_dir.display()
            ),
        }
    }
}

/// The sample city's calendar, which must hold the year of `last_day`.
fn calendar_of(last_day: NaiveDate) -> anyhow::Result<Calendar> {
    let calendar = calendar()?;
    if !calendar.is_loaded(last_day.year()) {
        bail!(
            "--last-day: expected a date of a year whose calendar the sample city has, found {last_day}"
        );
    }
    Ok(calendar)
}

/// Tells the story and prints what came of it.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let begun = std::time::Instant::now();
    let zone = Zone::SHANGHAI;
    let story = Story::load()?;
    let directory = Directory::load()?;
    let calendar = calendar_of(args.last_day)?;
    let plan = Plan::draw(&story, args.frame(zone));
    let first_day = *plan
        .days
        .first()
        .context("a story takes at least one day")?;

    let clock = ManualClock::at(zone.start_of(first_day));
    let (config, folder) = place(&args)?;
    let parts = Parts {
        clock: Some(std::sync::Arc::new(clock.clone())),
        seed: Some(args.seed),
        ..Parts::default()
    };
    if args.config.is_some() {
        refuse_inhabited(&config, parts.clone()).await?;
    }
    let data_dir = config.data_dir.clone();
    let running = City::start(config, parts).await?;
    let clients = Clients::new(|service| running.transport(service));
    load_city(&clients).await?;

    let mut teller = Teller {
        clock,
        running: &running,
        clients: clients.clone(),
        memory: Memory::default(),
        desk: Desk {
            clients: clients.clone(),
            plan: &plan,
            lines: lines()?,
            zone,
            ledger: ledger(&args)?,
        },
        offices: Offices {
            clients: clients.clone(),
            directory: &directory,
            story: &story,
            random: StdRng::seed_from_u64(args.seed ^ 1),
        },
        callers: Callers {
            clients: clients.clone(),
            plan: &plan,
            story: &story,
            random: StdRng::seed_from_u64(args.seed ^ 2),
            zone,
        },
        calendar,
        zone,
        issued: HashSet::new(),
    };
    teller.tell(&plan).await?;
    present(&clients, &folder, args.last_day).await?;
    args.say_where(&folder, &data_dir);
    eprintln!("told in {:.1} s", begun.elapsed().as_secs_f64());
    if args.keep {
        eprintln!("\nserved at {} until Ctrl-C", running.addr());
        running.until_stopped().await;
    }
    running.stop().await;
    Ok(())
}

struct Teller<'a> {
    clock: ManualClock,
    running: &'a Running,
    clients: Clients,
    memory: Memory,
    desk: Desk<'a>,
    offices: Offices<'a>,
    callers: Callers<'a>,
    calendar: Calendar,
    zone: Zone,
    issued: HashSet<String>,
}

impl Teller<'_> {
    async fn tell(&mut self, plan: &Plan) -> anyhow::Result<()> {
        for (index, appeal) in plan.appeals.iter().enumerate() {
            self.memory.note(appeal.at, Task::Say(index));
        }
        let bar = ProgressBar::new(plan.days.len() as u64);
        bar.set_style(ProgressStyle::with_template(
            "{bar:40} {pos}/{len} days  {msg}  {elapsed}",
        )?);
        for &day in &plan.days {
            for &hour in OFFICE_HOURS {
                self.memory.note(self.zone.at(day, hour, 0), Task::Office);
            }
            let midnight = self.zone.end_of(day);
            while self.memory.next_at().is_some_and(|at| at < midnight) {
                self.next().await?;
            }
            self.running.settle().await?;
            self.issue_month_before(day).await?;
            bar.set_message(day.to_string());
            bar.inc(1);
        }
        bar.finish_and_clear();
        // The last day ends at its 24:00, so that its list is complete.
        self.running.settle().await?;
        if let Some(&last) = plan.days.last() {
            self.clock.set(self.zone.end_of(last));
        }
        self.running.settle().await
    }

    async fn next(&mut self) -> anyhow::Result<()> {
        let Some(now) = self.memory.next_at() else {
            return Ok(());
        };
        let Some(task) = self.memory.take() else {
            return Ok(());
        };
        // First what the last task set off comes to its end, in its own time; then what falls due.
        self.running.settle().await?;
        self.clock.set(now);
        self.running.settle().await?;
        let memory = &mut self.memory;
        match task {
            Task::Say(index) => self.desk.say(index, now, memory).await,
            Task::Triage(index) => self.desk.triage(index, now, memory).await,
            Task::Unmerge(index) => self.desk.unmerge(index, memory).await,
            Task::Withdraw(index) => self.desk.withdraw(index, memory).await,
            Task::LookAgain(index) => self.desk.look_again(index, memory).await,
            Task::Office => self.office(now).await,
        }
    }

    async fn office(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let day = self.zone.day(now);
        let hour = chrono::Timelike::hour(&self.zone.wall(now));
        let is_working = self.calendar.is_working(day) && (9..=17).contains(&hour);
        self.offices.turn(now, is_working, &mut self.memory).await?;
        if CALLING_HOURS.contains(&hour) {
            self.running.settle().await?;
            self.callers.turn(now, &self.memory).await?;
        }
        if hour == LEADER_HOUR && self.calendar.is_working(day) {
            self.callers.instruct(now, &self.memory).await?;
        }
        Ok(())
    }

    /// On the first days of a month the last month's summary is issued.
    async fn issue_month_before(&mut self, day: NaiveDate) -> anyhow::Result<()> {
        let Some(last_month) = day.with_day(1).and_then(|first| first.pred_opt()) else {
            return Ok(());
        };
        let period = last_month.format("%Y-%m").to_string();
        if day.day() != 3 || !self.issued.insert(period.clone()) {
            return Ok(());
        }
        self.running.settle().await?;
        let request = IssueDocumentRequest {
            idempotency_key: format!("issue-{period}"),
            expected_version: 0,
            series: Series::Monthly.into(),
            period,
        };
        said(
            self.clients
                .reporting
                .issue_document(by("reviewer", "office", request))
                .await,
        )
        .map(drop)
        .context("issue the month's summary")
    }
}

/// The configuration of the demo's city and the folder its documents go to.
fn place(args: &Args) -> anyhow::Result<(Config, PathBuf)> {
    let mut folder = args.data.clone();
    let mut turn = 1;
    while folder
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some())
    {
        turn += 1;
        folder = args.data.with_file_name(format!(
            "{}-{turn}",
            args.data.file_name().unwrap_or_default().to_string_lossy()
        ));
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let mut config = match &args.config {
        Some(file) => Config::read(Some(file))?,
        None => Config::embedded(&folder),
    };
    config.server.reflection |= args.config.is_none(); // for a look with any client
    if !args.keep {
        config.server.listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    }
    Ok((config, folder))
}

fn ledger(args: &Args) -> anyhow::Result<Option<std::fs::File>> {
    let Some(path) = &args.ledger else {
        return Ok(None);
    };
    let opened = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path);
    opened
        .map(Some)
        .with_context(|| format!("open {}", path.display()))
}

#[derive(Deserialize)]
struct Holiday {
    date: NaiveDate,
    kind: String,
}

fn calendar() -> anyhow::Result<Calendar> {
    let days: Vec<(NaiveDate, DayKind)> = rows::<Holiday>(sample::HOLIDAYS)
        .context("holidays.csv")?
        .into_iter()
        .map(|row| {
            (
                row.date,
                if row.kind == "workday" {
                    DayKind::Workday
                } else {
                    DayKind::Holiday
                },
            )
        })
        .collect();
    let years: std::collections::BTreeSet<i32> = days.iter().map(|(day, _)| day.year()).collect();
    Ok(Calendar::new(days, years))
}

#[derive(Deserialize)]
struct LineRow {
    number: String,
    exempt: String,
}

/// The numbers a call may have come by: every line that is not exempt.
fn lines() -> anyhow::Result<Vec<String>> {
    let lines = sample::TABLES
        .iter()
        .find(|table| table.name == "lines")
        .map_or("", |table| table.csv);
    let rows = rows::<LineRow>(lines).context("lines.csv")?;
    Ok(rows
        .into_iter()
        .filter(|row| row.exempt != "yes")
        .map(|row| row.number)
        .collect())
}

#[expect(
    clippy::print_stdout,
    reason = "the demo's result goes to standard output"
)]
async fn present(
    clients: &Clients,
    folder: &std::path::Path,
    last_day: NaiveDate,
) -> anyhow::Result<()> {
    let month = last_day.format("%Y-%m").to_string();
    let quarter = format!("{}-Q{}", last_day.year(), last_day.month0() / 3 + 1);
    let day = last_day.to_string();
    let shown: [(Series, &str, &[&str]); 3] = [
        (Series::Daily, &day, &[]),
        (Series::Monthly, &month, &["units"]),
        (Series::Quarterly, &quarter, &["ranking"]),
    ];
    for (series, period, blocks) in shown {
        let rendered = show::render(clients, series, period, Format::Terminal, blocks).await?;
        println!("{}\n", String::from_utf8_lossy(&rendered.bytes));
    }
    for line in show::overview(clients).await? {
        println!("{line}");
    }
    let documents = folder.join("documents");
    let mut files = Vec::new();
    for (series, period, _) in shown {
        files.extend(show::write_files(clients, &documents, series, period).await?);
    }
    // What differs from run to run goes to standard error: the same seed prints the same.
    eprintln!("\ndocuments in {}:", documents.display());
    for file in files {
        eprintln!(
            "  {}",
            file.file_name().unwrap_or_default().to_string_lossy()
        );
    }
    Ok(())
}
