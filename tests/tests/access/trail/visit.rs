//! One method, called in all the ways that leave something or must not.

use std::collections::HashSet;
use std::fmt::Write as _;

use hotline::services::Name;
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal, SERVICE_METADATA};
use hotline_tests::access::Outcome;
use hotline_tests::tables::AuditRow;
use prost::Message;
use tonic::Code;

use super::{FROM, Trail, declared};

/// Bytes that are no message.
const UNREADABLE: [u8; 1] = [0xff];

/// Who calls, and how he proves it.
#[derive(Clone)]
pub enum Who {
    /// A person, by a signed token.
    Person(Principal),
    /// A service, from within the process.
    Service(Principal),
    /// Whoever a secret stands for.
    Bearer(String),
    /// Somebody who does not say who he is.
    Stranger,
}

impl Who {
    /// A person with a session of his own.
    pub fn person(mut principal: Principal) -> Self {
        principal.session = format!("session of {}", principal.id);
        Self::Person(principal)
    }

    pub fn principal(&self) -> &Principal {
        match self {
            Self::Person(principal) | Self::Service(principal) => principal,
            Self::Bearer(_) | Self::Stranger => panic!("he is known by what he shows"),
        }
    }
}

/// One method while it is looked at.
pub struct Visit<'t, 'a> {
    trail: &'t mut Trail<'a>,
    path: &'static str,
    service: Name,
    last: Option<(Who, Vec<u8>, Outcome)>,
    told: String,
    tables: String,
}

impl<'t, 'a> Visit<'t, 'a> {
    pub async fn begin(trail: &'t mut Trail<'a>, path: &'static str) -> Self {
        let of = |name: &&Name| path.contains(&format!(".{}.", name.word()));
        let service = Name::ALL.iter().find(of).copied().unwrap_or(Name::Intake);
        let tables = trail.dump(service).await;
        let told = trail.told.remove(path).unwrap_or_default();
        Self {
            trail,
            path,
            service,
            last: None,
            told,
            tables,
        }
    }

    /// He may, and it is done: what he is answered.
    pub async fn allowed<A: Message + Default>(&mut self, who: &Who, message: &impl Message) -> A {
        let outcome = self.does("allowed", who, message).await;
        assert_eq!(outcome.code, Code::Ok, "{}: {}", self.path, outcome.message);
        A::decode(outcome.answer.as_slice()).expect("an answer of this kind")
    }

    /// The same once more: it is answered, and nothing else is left. A secret is told once, so answers may differ.
    pub async fn repeated(&mut self) {
        let (who, message, first) = self.last.clone().expect("it was called before");
        let (outcome, _) = self.call("repeated", &who, message).await;
        assert_eq!(outcome.code, first.code, "{} repeated", self.path);
        self.nothing_is_left("repeated").await;
    }

    /// He may, but it cannot be: he is told why, and nothing else.
    pub async fn refused(&mut self, case: &str, who: &Who, message: &impl Message) {
        let (outcome, rows) = self.call(case, who, message.encode_to_vec()).await;
        assert_ne!(outcome.code, Code::Ok, "{} {case}", self.path);
        assert_ne!(outcome.code, Code::PermissionDenied, "{} {case}", self.path);
        assert!(rows.is_empty(), "{} {case}: {rows:?}", self.path);
        self.nothing_is_left(case).await;
    }

    /// Something that is done, or refused and noted nevertheless.
    pub async fn does(&mut self, case: &str, who: &Who, message: &impl Message) -> Outcome {
        let message = message.encode_to_vec();
        let (outcome, rows) = self.call(case, who, message.clone()).await;
        let tables = self.trail.dump(self.service).await;
        let is_changed = tables != self.tables;
        let is_told = rows.iter().any(|(name, _)| *name == self.service);
        assert!(
            is_told || !is_changed || is_unaudited(self.path),
            "{} {case} changed a table and left no row",
            self.path
        );
        if is_changed {
            writeln!(self.told, "        changes {}", self.service).expect("text");
        }
        self.tables = tables;
        self.last = Some((who.clone(), message, outcome.clone()));
        outcome
    }

    /// From now on `text` is called `name`.
    pub fn calls(&mut self, text: &str, name: &str) {
        self.trail.call(text, name);
    }

    /// And what is not understood or not allowed leaves.
    pub async fn ends(mut self) {
        let (who, _, _) = self.last.clone().expect("it was called");
        let (outcome, rows) = self.call("unreadable", &who, UNREADABLE.to_vec()).await;
        assert_ne!(outcome.code, Code::Ok, "{}", self.path);
        assert!(rows.is_empty(), "{}: {rows:?}", self.path);
        if !declared(self.path).anonymous {
            let nobody = Who::person(Principal::nobody("nobody:somebody"));
            let (outcome, rows) = self.call("denied", &nobody, Vec::new()).await;
            assert_eq!(outcome.code, Code::PermissionDenied, "{}", self.path);
            let [(service, row)] = rows.as_slice() else {
                panic!("{} denied: expected one row, found {rows:?}", self.path);
            };
            assert_eq!((*service, row.action.as_str()), (self.service, "denied"));
        }
        self.nothing_is_left("unreadable or denied").await;
        self.trail.told.insert(self.path, self.told);
    }

    async fn nothing_is_left(&self, case: &str) {
        let tables = self.trail.dump(self.service).await;
        let known: HashSet<&str> = self.tables.lines().collect();
        let changed: Vec<&str> = tables
            .lines()
            .filter(|line| !known.contains(line))
            .collect();
        assert!(
            tables == self.tables,
            "{} {case} changed a table: {changed:?}",
            self.path
        );
    }

    /// Makes the call and writes down what it left.
    async fn call(
        &mut self,
        case: &str,
        who: &Who,
        message: Vec<u8>,
    ) -> (Outcome, Vec<(Name, AuditRow)>) {
        let city = self.trail.city;
        let metadata = match who {
            Who::Person(principal) => Some((PRINCIPAL_METADATA, city.signer().sign(principal))),
            Who::Service(principal) => {
                let service = principal.service().expect("a service");
                Some((SERVICE_METADATA, service.to_owned()))
            }
            Who::Bearer(secret) => Some(("authorization", format!("Bearer {secret}"))),
            Who::Stranger => None,
        };
        let is_inside = matches!(who, Who::Service(_));
        let marks = self.trail.marks().await;
        let outcome = city.sends(self.path, metadata, message, is_inside).await;
        city.settles().await;
        let rows = self.trail.since(&marks).await;
        writeln!(
            self.told,
            "    {case}: {:?} {}",
            outcome.code, outcome.reason
        )
        .expect("text");
        let (own, heard): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .partition(|(_, row)| row.method == self.path);
        for (service, row) in &own {
            assert!(row.is_signed, "{} {case}: {row:?}", self.path);
            self.is_his(who, row);
            let told = told_of(*service, row);
            writeln!(self.told, "        {told}").expect("text");
        }
        for (service, row) in &heard {
            assert!(row.is_signed, "{} {case}: {row:?}", self.path);
            let told = told_of(*service, row);
            writeln!(self.told, "        then {told}, by way of {}", row.method).expect("text");
        }
        (outcome, own)
    }

    /// The row says who it was, by what he came and from where.
    fn is_his(&self, who: &Who, row: &AuditRow) {
        let said = (&*row.actor, &*row.session, &*row.unit_code, &*row.from_addr);
        match who {
            Who::Person(person) => {
                let expected = (&*person.id, &*person.session, &*person.unit_code, FROM);
                assert_eq!(said, expected, "{}", self.path);
            }
            Who::Service(service) => {
                let expected = (&*service.id, "", "", "in-process");
                assert_eq!(said, expected, "{}", self.path);
            }
            Who::Bearer(_) | Who::Stranger => assert_eq!(row.from_addr, FROM, "{}", self.path),
        }
    }
}

fn told_of(service: Name, row: &AuditRow) -> String {
    let mut told = format!("{service}: {}", row.resource);
    if !row.resource_id.is_empty() && row.resource_id != row.method {
        write!(told, " {}", row.resource_id).expect("text");
    }
    if row.version != 0 {
        write!(told, " v{}", row.version).expect("text");
    }
    write!(told, " {:?} by {}", row.action, row.actor).expect("text");
    if !row.session.is_empty() && !row.session.starts_with("session of ") {
        write!(told, " in {}", row.session).expect("text");
    }
    if !row.reason.is_empty() {
        write!(told, " because {:?}", row.reason).expect("text");
    }
    told
}

/// Methods that leave no row although they write: what they write is nobody's state.
fn is_unaudited(path: &str) -> bool {
    // Wrong numbers and codes of citizens are counted; whoever has a link is shown a secret, and using it leaves a row.
    path.ends_with("/QueryProgress") || path.ends_with("/BeginSetUp")
}
