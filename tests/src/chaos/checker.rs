//! Was every promise kept? What clients were told, read from their ledger, against what stands in the
//! databases and what the public doors say.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use futures::StreamExt as _;
use hotline_proto::intake::{GetConservationRequest, QueryProgressRequest};

use super::fleet::{Doors, Fleet, SERVICES};
use super::ledger::Ledger;
use super::promised::{Outcome, Promised};
use crate::cluster::Cluster;
use crate::principal::by;

/// Queries of receipts at once.
const QUERIES: usize = 16;
/// How many examples of a fault are told.
const SHOWN_MAX: usize = 5;

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
             CREATE TABLE taken_over (told text);
             CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF NEW.epoch = OLD.epoch AND NEW.pos < OLD.pos THEN
                 INSERT INTO moved_back VALUES (format('%s hears %s, partition %s: from %s back to %s',
                   NEW.consumer, NEW.producer, NEW.partition, OLD.pos, NEW.pos));
               END IF;
               IF NEW.owner <> OLD.owner THEN
                 INSERT INTO taken_over VALUES (format('%s hears %s, partition %s', NEW.consumer, NEW.producer, NEW.partition));
               END IF;
               RETURN NEW; END $$;
             CREATE TRIGGER note_move BEFORE UPDATE ON consumer_offset
               FOR EACH ROW EXECUTE FUNCTION note_move()",
        );
    }
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
    verdict
        .lost
        .extend(unknown(&fleet.doors(), &promised).await);
    // One that neither knows is one that is lost.
    verdict.lost.sort_unstable();
    verdict
        .lost
        .dedup_by(|one, other| one.split(':').next() == other.split(':').next());
    for (service, change) in SUBJECTS {
        histories(&fleet.cluster, (service, change), &promised, &mut verdict);
    }
    readers(&fleet.cluster, &mut verdict);
    views(&fleet.cluster, &mut verdict);
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

/// Every key has one appeal, and every receipt names it.
fn submissions(cluster: &Cluster, promised: &Promised, verdict: &mut Verdict) {
    let text = "SELECT masked_text, id, number FROM appeal";
    let mut appeals: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in rows(cluster, "intake", text) {
        let [text, id, number] = <[String; 3]>::try_from(row).expect("three columns");
        appeals.entry(text).or_default().push((id, number));
    }
    for (key, text) in &promised.texts {
        let found = appeals.remove(text).unwrap_or_default();
        if found.len() > 1 {
            verdict
                .doubled
                .push(format!("{key}: {} appeals", found.len()));
        }
        match promised.receipts.get(key) {
            None => verdict.unanswered.push(key.clone()),
            Some((id, number, _)) if !found.contains(&(id.clone(), number.clone())) => {
                verdict.lost.push(format!("{key}: no appeal {number}"));
            }
            Some(_) => {}
        }
    }
    let strange = appeals
        .into_keys()
        .map(|text| format!("nobody said {text}"));
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
            ..QueryProgressRequest::default()
        };
        async move {
            let mut intake = doors.intake(0);
            let answer = intake
                .query_progress(by("citizen", "anyone", request))
                .await;
            let status = answer.err()?;
            Some(format!("{key}: query of {number}: {:?}", status.code()))
        }
    });
    let answers = futures::stream::iter(queries).buffer_unordered(QUERIES);
    answers
        .filter_map(|found| async move { found })
        .collect()
        .await
}

/// Every command that was carried out is exactly one step of its subject's history, by its actor;
/// every other step of that actor is a command whose answer never came.
fn histories(
    cluster: &Cluster,
    (service, change): (&str, &str),
    promised: &Promised,
    verdict: &mut Verdict,
) {
    let mut steps = steps(cluster, (service, change), verdict);
    let commands = promised.commands.iter();
    let own = commands.filter(|(_, command)| command.service == service);
    let mut unanswered: HashSet<(&str, i64)> = HashSet::new();
    // Others' events name whoever caused them; only these command this service.
    let mut actors: HashSet<&str> = HashSet::new();
    for (key, command) in own {
        let next = command.version + 1;
        actors.insert(&command.actor);
        let version = match command.outcome {
            Outcome::Done(version) => version,
            Outcome::Refused => continue,
            Outcome::Unknown => {
                unanswered.insert((&command.subject_id, next));
                continue;
            }
        };
        let step = steps.remove(&(command.subject_id.clone(), version));
        let is_its_own = step.as_deref() == Some(command.actor.as_str());
        if version != next || !is_its_own {
            verdict.disordered.push(format!(
                "{} {key} of {}: from version {} to {version}, a step of {step:?}",
                command.deed, command.actor, command.version
            ));
        }
    }
    let strange = steps.iter().filter(|((id, version), actor)| {
        actors.contains(actor.as_str()) && !unanswered.contains(&(id.as_str(), *version))
    });
    let strange = strange.map(|((id, version), actor)| {
        format!("{change} {id} version {version}: a step that {actor} never asked for")
    });
    verdict.disordered.extend(strange);
}

/// Who took each step of every subject; the steps must be 1, 2, 3 without a gap.
fn steps(
    cluster: &Cluster,
    (service, change): (&str, &str),
    verdict: &mut Verdict,
) -> HashMap<(String, i64), String> {
    let text = format!(
        "SELECT aggregate_id, version, actor FROM outbox WHERE type = '{change}' \
         ORDER BY aggregate_id, version"
    );
    let mut steps = HashMap::new();
    let mut last = (String::new(), 0);
    for row in rows(cluster, service, &text) {
        let [id, version, actor] = <[String; 3]>::try_from(row).expect("three columns");
        let version: i64 = version.parse().expect("a version");
        let expected = if last.0 == id { last.1 + 1 } else { 1 };
        if version != expected {
            let told = format!("{change} {id}: {version} stands where {expected} should");
            verdict.disordered.push(told);
        }
        last = (id.clone(), version);
        steps.insert((id, version), actor);
    }
    steps
}

/// No reader went back to where it had been.
fn readers(cluster: &Cluster, verdict: &mut Verdict) {
    for service in SERVICES {
        let went = rows(cluster, service, "SELECT told FROM moved_back");
        verdict.disordered.extend(went.into_iter().flatten());
        let taken = cluster.execute(service, "SELECT COUNT(*) FROM taken_over");
        verdict.takeovers += taken.trim().parse::<i64>().expect("a count");
    }
}

/// Whoever derives something from another's events knows the last version of everything, once.
fn views(cluster: &Cluster, verdict: &mut Verdict) {
    let pairs = [
        ("routing", "ticket", "intake", "ticket_seen"),
        ("routing", "ticket", "reporting", "ticket_view"),
        ("intake", "appeal", "reporting", "appeal_view"),
        (
            "intake",
            "(SELECT id, version FROM matter WHERE version > 0)",
            "reporting",
            "matter_view",
        ),
        ("feedback", "follow_ups", "reporting", "follow_up_view"),
        ("feedback", "replies", "reporting", "reply_view"),
    ];
    for (owner, table, hearer, view) in pairs {
        let versions = |service: &str, table: &str| -> BTreeMap<String, String> {
            let text = format!("SELECT id, version FROM {table} AS found");
            let found = rows(cluster, service, &text).into_iter();
            found
                .map(|mut row| (row.remove(0), row.remove(0)))
                .collect()
        };
        let (truth, heard) = (versions(owner, table), versions(hearer, view));
        let behind = truth
            .iter()
            .filter(|(id, version)| heard.get(*id) != Some(version));
        let behind = behind.map(|(id, version)| {
            format!("{hearer}.{view} {id}: {:?} for {version}", heard.get(id))
        });
        verdict.disordered.extend(behind);
        let strange = heard.keys().filter(|id| !truth.contains_key(*id));
        verdict
            .disordered
            .extend(strange.map(|id| format!("{hearer}.{view} {id} is nobody's")));
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
    for row in rows(
        &fleet.cluster,
        "feedback",
        "SELECT id FROM replies WHERE state = 'written'",
    ) {
        match written.remove(&row[0]) {
            Some(1) => {}
            Some(times) => verdict
                .doubled
                .push(format!("reply {} is written {times} times", row[0])),
            None => verdict
                .lost
                .push(format!("reply {} is not in its file", row[0])),
        }
    }
    let strange = written
        .into_keys()
        .map(|id| format!("reply {id} is in a file and not written"));
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
        verdict
            .unbalanced
            .push(format!("{registered} registered for {answered} receipts"));
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
