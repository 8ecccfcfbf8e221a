//! Was every promise kept? What clients were told, read from their ledger, against what stands in the
//! databases and what the public doors say.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use hotline_proto::intake::{GetConservationRequest, QueryProgressRequest};

use super::fleet::{Doors, Fleet, SERVICES};
use super::ledger::{Entry, Ledger};
use crate::cluster::Cluster;
use crate::principal::by;

/// How long a city may take to come to rest.
const REST_MAX: Duration = Duration::from_mins(3);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Queries of receipts at once.
const QUERIES: usize = 16;
/// How many examples of a fault are told.
const SHOWN_MAX: usize = 5;

/// Who hears whom.
const HEARS: [(&str, &str); 9] = [
    ("intake", "routing"),
    ("routing", "intake"),
    ("routing", "feedback"),
    ("routing", "reporting"),
    ("feedback", "intake"),
    ("feedback", "routing"),
    ("reporting", "intake"),
    ("reporting", "routing"),
    ("reporting", "feedback"),
];

/// Which service writes a subject's history, and under which type of event.
const SUBJECTS: [(&str, &str); 3] = [
    ("intake", "AppealChanged"),
    ("routing", "TicketChanged"),
    ("feedback", "FollowUpChanged"),
];

/// What was found; nothing in it is a kept promise.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Submissions in the ledger.
    pub submissions: usize,
    /// Of them, with a receipt.
    pub receipts: usize,
    /// Of them, without one to the end.
    pub unanswered: Vec<String>,
    /// Receipts whose appeal is not there.
    pub lost: Vec<String>,
    /// Keys with two appeals or two receipts.
    pub doubled: Vec<String>,
    /// Steps that are missing, double, out of turn or nobody's; readers that went back or fell behind.
    pub disordered: Vec<String>,
    /// Sums that do not add up.
    pub unbalanced: Vec<String>,
    /// What `hotline check` says is broken, and what a process logged as an error: it would wake a person.
    pub broken: Vec<String>,
    /// How often a partition changed its reader.
    pub takeovers: i64,
}

impl Verdict {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.faults().iter().all(|(_, found)| found.is_empty())
    }

    /// Every fault, a few examples of each kind.
    pub fn examples(&self) -> String {
        let faults = self.faults().into_iter();
        let told = faults.filter(|(_, found)| !found.is_empty());
        let told = told.map(|(name, found)| {
            let shown = found[..found.len().min(SHOWN_MAX)].join("\n    ");
            format!("{name} {}:\n    {shown}\n", found.len())
        });
        told.collect()
    }

    fn faults(&self) -> [(&'static str, &[String]); 6] {
        [
            ("unanswered", &self.unanswered),
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("out of order", &self.disordered),
            ("unbalanced", &self.unbalanced),
            ("broken", &self.broken),
        ]
    }
}

/// Notes in the databases every move of a reader back to where it was before: nobody may be fenced
/// off and still write.
pub fn watch(cluster: &Cluster) {
    for service in SERVICES {
        cluster.execute(
            service,
            "CREATE TABLE moved_back (told text);
             CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF NEW.epoch = OLD.epoch AND NEW.pos < OLD.pos THEN
                 INSERT INTO moved_back VALUES (format('%s hears %s, partition %s: from %s back to %s',
                   NEW.consumer, NEW.producer, NEW.partition, OLD.pos, NEW.pos));
               END IF;
               RETURN NEW; END $$;
             CREATE TRIGGER note_move BEFORE UPDATE ON consumer_offset
               FOR EACH ROW EXECUTE FUNCTION note_move()",
        );
    }
}

/// Waits until everything is numbered and heard and every due timer has fired.
pub async fn rests(fleet: &Fleet) {
    let begun = Instant::now();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let mut quiet = 0;
    // Twice in a row: what was heard while another was looked at may make its hearer speak.
    while quiet < 2 {
        looks.tick().await;
        fleet.tend();
        let left = backlog(&fleet.cluster);
        quiet = if left.is_empty() { quiet + 1 } else { 0 };
        assert!(begun.elapsed() < REST_MAX, "still not at rest: {left:?}");
    }
}

/// What is not numbered, heard or fired yet.
fn backlog(cluster: &Cluster) -> Vec<String> {
    let mut left = Vec::new();
    let mut heads = HashMap::new();
    for service in SERVICES {
        let text = "SELECT (SELECT COUNT(*) FROM outbox WHERE pub_seq IS NULL), \
                    (SELECT COUNT(*) FROM timer WHERE state = 'armed' \
                     AND next_at <= EXTRACT(EPOCH FROM now()) * 1000000), \
                    (SELECT SUM(next_seq - 1) FROM outbox_head)";
        let counts = cluster.execute(service, text);
        let counts: Vec<&str> = counts.trim().split('|').collect();
        if counts[..2] != ["0", "0"] {
            left.push(format!("{service}: {} not numbered, {} not fired", counts[0], counts[1]));
        }
        heads.insert(service, counts[2].to_owned());
    }
    for (hearer, producer) in HEARS {
        let text =
            format!("SELECT SUM(pos) FROM consumer_offset WHERE producer = '{producer}'");
        let heard = cluster.execute(hearer, &text);
        if heard.trim() != heads[producer] {
            left.push(format!("{hearer} heard {} of {}", heard.trim(), heads[producer]));
        }
    }
    left
}

/// Looks at everything, once the city is at rest.
pub async fn check(fleet: &Fleet, ledger: &Path) -> Verdict {
    let promised = Promised::of(Ledger::read(ledger));
    let mut verdict = Verdict {
        submissions: promised.texts.len(),
        receipts: promised.receipts.len(),
        ..Verdict::default()
    };
    submissions(&fleet.cluster, &promised, &mut verdict);
    verdict.lost.extend(unknown(&fleet.doors(), &promised).await);
    for (service, change) in SUBJECTS {
        histories(&fleet.cluster, (service, change), &promised, &mut verdict);
    }
    readers(&fleet.cluster, &mut verdict);
    outbound(fleet, &mut verdict);
    conservation(&fleet.doors(), &promised, &mut verdict).await;
    verdict.broken.extend(fleet.errors());
    let mut check = fleet.command("check");
    let said = check.stdout(std::process::Stdio::piped()).output();
    let said = said.expect("the binary starts");
    if !said.status.success() {
        let told = String::from_utf8_lossy(&said.stdout);
        verdict.broken.extend(told.lines().map(str::to_owned));
    }
    verdict
}

/// The ledger, by key.
#[derive(Default)]
struct Promised {
    /// What each submission says.
    texts: BTreeMap<String, String>,
    /// The receipt of each key: appeal, number, query code.
    receipts: BTreeMap<String, (String, String, String)>,
    /// Keys that were given two receipts.
    differing: Vec<String>,
    commands: BTreeMap<String, Command>,
}

/// A command and what became of it.
struct Command {
    service: String,
    deed: String,
    actor: String,
    subject_id: String,
    version: i64,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Unknown,
    Done(i64),
    Refused,
}

impl Promised {
    fn of(entries: Vec<Entry>) -> Self {
        let mut promised = Self::default();
        for entry in entries {
            promised.note(entry);
        }
        promised
    }

    fn note(&mut self, entry: Entry) {
        match entry {
            Entry::Submission { key, text } => {
                self.texts.insert(key, text);
            }
            Entry::Receipt {
                key,
                appeal_id,
                number,
                query_code,
            } => {
                let receipt = (appeal_id, number, query_code);
                let first = self.receipts.entry(key.clone());
                if *first.or_insert_with(|| receipt.clone()) != receipt {
                    self.differing.push(key);
                }
            }
            Entry::Command {
                key,
                service,
                deed,
                actor,
                subject_id,
                version,
            } => {
                let command = Command {
                    service,
                    deed,
                    actor,
                    subject_id,
                    version,
                    outcome: Outcome::Unknown,
                };
                self.commands.insert(key, command);
            }
            Entry::Done { key, version } => self.ended(&key, Outcome::Done(version)),
            Entry::Refused { key, .. } => self.ended(&key, Outcome::Refused),
        }
    }

    fn ended(&mut self, key: &str, outcome: Outcome) {
        let command = self.commands.get_mut(key);
        command.expect("an intent stands before its end").outcome = outcome;
    }
}

/// Every key has one appeal, and every receipt names it.
fn submissions(cluster: &Cluster, promised: &Promised, verdict: &mut Verdict) {
    let text = "SELECT original_text, id, number FROM appeal";
    let mut appeals: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in rows(cluster, "intake", text) {
        let [text, id, number] = <[String; 3]>::try_from(row).expect("three columns");
        appeals.entry(text).or_default().push((id, number));
    }
    for (key, text) in &promised.texts {
        let found = appeals.remove(text).unwrap_or_default();
        if found.len() > 1 {
            verdict.doubled.push(format!("{key}: {} appeals", found.len()));
        }
        match promised.receipts.get(key) {
            None => verdict.unanswered.push(key.clone()),
            Some((id, number, _)) if !found.contains(&(id.clone(), number.clone())) => {
                verdict.lost.push(format!("{key}: no appeal {number}"));
            }
            Some(_) => {}
        }
    }
    let strange = appeals.into_keys().map(|text| format!("nobody said {text}"));
    verdict.doubled.extend(strange);
    let differing = promised.differing.iter();
    let differing = differing.map(|key| format!("{key}: two receipts"));
    verdict.doubled.extend(differing);
    let numbers: HashSet<_> = promised.receipts.values().map(|found| &found.1).collect();
    if numbers.len() < promised.receipts.len() {
        verdict.doubled.push("two keys have one number".to_owned());
    }
}

/// Receipts that the citizens' own query does not know.
async fn unknown(doors: &Doors, promised: &Promised) -> Vec<String> {
    let queries = promised.receipts.iter().map(|(key, (_, number, code))| {
        let request = QueryProgressRequest {
            number: number.clone(),
            query_code: code.clone(),
        };
        async move {
            let mut intake = doors.intake(0);
            let answer = intake.query_progress(by("citizen", "anyone", request)).await;
            let status = answer.err()?;
            Some(format!("{key}: query of {number}: {:?}", status.code()))
        }
    });
    let answers = futures::stream::iter(queries).buffer_unordered(QUERIES);
    answers.filter_map(|found| async move { found }).collect().await
}

/// Every command that was carried out is exactly one step of its subject's history, by its actor;
/// every other step of that actor is a command whose answer never came.
fn histories(
    cluster: &Cluster,
    (service, change): (&str, &str),
    promised: &Promised,
    verdict: &mut Verdict,
) {
    let text = format!(
        "SELECT aggregate_id, version, actor FROM outbox WHERE type = '{change}' \
         ORDER BY aggregate_id, version"
    );
    let mut steps: HashMap<(String, i64), String> = HashMap::new();
    let mut last = (String::new(), 0);
    for row in rows(cluster, service, &text) {
        let [id, version, actor] = <[String; 3]>::try_from(row).expect("three columns");
        let version: i64 = version.parse().expect("a version");
        let expected = if last.0 == id { last.1 + 1 } else { 1 };
        if version != expected {
            verdict.disordered.push(format!("{change} {id}: {version} stands where {expected} should"));
        }
        last = (id.clone(), version);
        steps.insert((id, version), actor);
    }
    // Others' events name whoever caused them; only these command this service.
    let commands = promised.commands.values();
    let commanding = commands.filter(|command| command.service == service);
    let actors: HashSet<&str> = commanding.map(|command| command.actor.as_str()).collect();
    for (key, command) in &promised.commands {
        let Outcome::Done(version) = command.outcome else {
            continue;
        };
        if command.service != service {
            continue;
        }
        if version != command.version + 1 {
            verdict.disordered.push(format!(
                "{} {key}: from version {} to {version}",
                command.deed, command.version
            ));
        }
        match steps.remove(&(command.subject_id.clone(), version)) {
            Some(actor) if actor == command.actor => {}
            Some(actor) => verdict.disordered.push(format!("{} {key} is {actor}'s step", command.deed)),
            None => verdict.disordered.push(format!("{} {key}: its step is missing or another's", command.deed)),
        }
    }
    let unknown: HashSet<(&str, i64)> = promised
        .commands
        .values()
        .filter(|command| command.outcome == Outcome::Unknown)
        .map(|command| (command.subject_id.as_str(), command.version + 1))
        .collect();
    let strange = steps.iter().filter(|((id, version), actor)| {
        actors.contains(actor.as_str()) && !unknown.contains(&(id.as_str(), *version))
    });
    let strange = strange.map(|((id, version), actor)| format!("{change} {id} version {version}: a step of {actor} that he never asked for"));
    verdict.disordered.extend(strange);
}

/// No reader went back, and all of them know what there is to know.
fn readers(cluster: &Cluster, verdict: &mut Verdict) {
    for service in SERVICES {
        let went = rows(cluster, service, "SELECT told FROM moved_back");
        verdict.disordered.extend(went.into_iter().flatten());
        let fences = cluster.execute(service, "SELECT COALESCE(SUM(fence), 0) FROM consumer_offset");
        verdict.takeovers += fences.trim().parse::<i64>().expect("a sum");
    }
    let pairs = [
        ("routing", "ticket", "intake", "ticket_seen"),
        ("routing", "ticket", "reporting", "ticket_view"),
        ("intake", "appeal", "reporting", "appeal_view"),
        ("intake", "(SELECT id, version FROM matter WHERE version > 0)", "reporting", "matter_view"),
        ("feedback", "follow_ups", "reporting", "follow_up_view"),
        ("feedback", "replies", "reporting", "reply_view"),
    ];
    for (owner, table, hearer, view) in pairs {
        let versions = |service: &str, table: &str| -> BTreeMap<String, String> {
            let text = format!("SELECT id, version FROM {table} AS found");
            let found = rows(cluster, service, &text).into_iter();
            found.map(|mut row| (row.remove(0), row.remove(0))).collect()
        };
        let (truth, heard) = (versions(owner, table), versions(hearer, view));
        let behind = truth.iter().filter(|(id, version)| heard.get(*id) != Some(version));
        let behind = behind.map(|(id, version)| format!("{hearer}.{view} {id}: {:?} for {version}", heard.get(id)));
        verdict.disordered.extend(behind);
        let strange = heard.keys().filter(|id| !truth.contains_key(*id));
        verdict.disordered.extend(strange.map(|id| format!("{hearer}.{view} {id} is nobody's")));
    }
}

/// Every reply that counts as written stands once in its channel's file.
fn outbound(fleet: &Fleet, verdict: &mut Verdict) {
    let mut written: HashMap<String, u32> = HashMap::new();
    let folder = fleet.folder().join("data/outbound");
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(file.path()).expect("an outbound file can be read");
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            let id = line["reply_id"].as_str().expect("a line has its reply");
            *written.entry(id.to_owned()).or_default() += 1;
        }
    }
    for row in rows(&fleet.cluster, "feedback", "SELECT id FROM replies WHERE state = 'written'") {
        match written.remove(&row[0]) {
            Some(1) => {}
            Some(times) => verdict.doubled.push(format!("reply {} is written {times} times", row[0])),
            None => verdict.lost.push(format!("reply {} is not in its file", row[0])),
        }
    }
    let strange = written.into_keys().map(|id| format!("reply {id} is in a file and not written"));
    verdict.doubled.extend(strange);
}

/// What stands in the books is what was promised, exactly.
async fn conservation(doors: &Doors, promised: &Promised, verdict: &mut Verdict) {
    let request = by("administrator", "root", GetConservationRequest {});
    let answer = doors.intake(0).get_conservation(request).await;
    let channels = answer.expect("intake counts").into_inner().channels;
    let registered: i64 = channels.iter().map(|channel| channel.registered).sum();
    let answered = i64::try_from(promised.receipts.len()).expect("few receipts");
    let offered = i64::try_from(promised.texts.len()).expect("few submissions");
    // What was never answered may be there or not.
    if !(answered..=offered).contains(&registered) {
        verdict.unbalanced.push(format!("{registered} registered for {answered} receipts"));
    }
    for channel in channels {
        let standing = channel.awaiting_triage
            + channel.accepted
            + channel.merged
            + channel.answered
            + channel.guided
            + channel.diverted
            + channel.quarantined
            + channel.withdrawn;
        if standing != channel.registered {
            verdict.unbalanced.push(format!("{channel:?}"));
        }
    }
}

fn rows(cluster: &Cluster, database: &str, text: &str) -> Vec<Vec<String>> {
    let found = cluster.execute(database, text);
    let row = |line: &str| line.split('|').map(str::to_owned).collect();
    found.lines().map(row).collect()
}
