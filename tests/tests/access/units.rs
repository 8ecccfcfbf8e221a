//! Whose tickets somebody reads and acts on. The tickets stand in every relation to one unit, two of them complain
//! about the unit above it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hotline_platform::access::Role;
use hotline_platform::grpc::Principal;
use hotline_proto::access::RULES;
use hotline_proto::intake::{
    AcceptAppealRequest, AcceptAppealResponse, ContactField, RegisterAppealRequest,
    RegisterAppealResponse, RevealContactRequest, RevealPurpose, reveal_contact_request,
};
use hotline_proto::routing::{
    DispatchTicketRequest, GetTicketRequest, ListTicketsRequest, ListTicketsResponse,
    LoadRegistryRequest, ReturnTicketRequest, SignTicketRequest, get_ticket_request,
};
use hotline_proto::shared::{Confidentiality, Kind, RegistryTable, ReturnReason};
use hotline_tests::city::City;
use prost::Message;
use tonic::Code;

use crate::{UNIT, is_as_read, somebody};

/// A version that no ticket has: who gets as far as to be told so may act, and nothing changes.
const NEVER: i64 = 999_999;
/// A ticket that does not exist.
const ABSENT: &str = "0190aaaa-0000-7000-8000-00000000dead";

/// What [`UNIT`] is to a ticket: (relation, lead, assisting, complained against).
const RELATIONS: [(&str, &str, &str, &str); 8] = [
    ("leads", "MID", "", ""),
    ("assists", "OTHER", "MID", ""),
    ("below_leads", "LOW", "", ""),
    ("below_assists", "OTHER", "LOW", ""),
    ("above_leads", "TOP", "", ""),
    ("other_leads", "OTHER", "", ""),
    ("accused_leads", "MID", "", "BOSS"),
    ("accused_assists", "OTHER", "MID", "BOSS"),
];

/// A ticket, and what [`UNIT`] is to it.
struct Stands {
    relation: &'static str,
    id: String,
    number: String,
}

/// `GetTicket`, by the number instead of the id.
const BY_NUMBER: &str = "GetTicket by number";

/// Intake's one method that narrows to a unit. The appeals are anonymous: who gets as far as to be told so, reaches.
const REVEAL: &str = "RevealContact";

/// The methods of one ticket, by the kind of request that they take.
const OF_A_TICKET: [&str; 16] = [
    "GetTicket",
    BY_NUMBER,
    "GetTicketHistory",
    "ProposeDispatch",
    "DispatchTicket",
    "SignTicket",
    "ReturnTicket",
    "HandleTicket",
    "DecideReturn",
    "DecideConsultation",
    "SendBackTicket",
    "ConcludeTicket",
    "ReworkTicket",
    "ArchiveTicket",
    "SuperviseTicket",
    REVEAL,
];

fn routing(method: &str) -> String {
    format!("/hotline.routing.v1.RoutingService/{method}")
}

fn intake(method: &str) -> String {
    format!("/hotline.intake.v1.IntakeService/{method}")
}

async fn done<T: Message + Default>(
    city: &City,
    path: &str,
    role: Role,
    message: &impl Message,
) -> T {
    let outcome = city.calls(path, &somebody(role), message).await;
    assert_eq!(
        outcome.code,
        Code::Ok,
        "{}: {path}: {}",
        city.label,
        outcome.message
    );
    T::decode(outcome.answer.as_slice()).expect("an answer")
}

async fn load_units(city: &City, above: &str) {
    let csv = format!(
        "code,name,parent_code,group,kind\nTOP,甲,,市直部门,bureau\nBOSS,乙,,市直部门,bureau\n\
         OTHER,丙,,市直部门,bureau\nMID,丁,{above},市直部门,bureau\nLOW,戊,MID,市直部门,bureau\n\
         CGJ,市城管局,,市直部门,bureau\nZJJ,市住建局,,市直部门,bureau\nGAJ,市公安局,,市直部门,bureau\n"
    );
    let table = RegistryTable {
        name: "units".to_owned(),
        csv: csv.into_bytes(),
    };
    let request = LoadRegistryRequest { table: Some(table) };
    let path = routing("LoadRegistry");
    done::<()>(city, &path, Role::Administrator, &request).await;
}

/// A ticket that complains about `accused`, if anybody, and waits for its dispatch.
async fn opened(city: &City, number: usize, relation: &'static str, accused: &str) -> Stands {
    let request = RegisterAppealRequest {
        idempotency_key: format!("relation-{number}"),
        channel_code: "tel".to_owned(),
        text: format!("第{number}处占道经营"),
        kind: Kind::Complaint.into(),
        confidentiality: Some(Confidentiality {
            anonymous: true,
            complained_unit_codes: [accused]
                .map(str::to_owned)
                .into_iter()
                .filter(|unit| !unit.is_empty())
                .collect(),
            ..Confidentiality::default()
        }),
        ..RegisterAppealRequest::default()
    };
    let registered: RegisterAppealResponse =
        done(city, &intake("RegisterAppeal"), Role::Channel, &request).await;
    let receipt = registered.receipt.expect("a receipt");
    let request = AcceptAppealRequest {
        appeal_id: receipt.appeal_id,
        ..AcceptAppealRequest::default()
    };
    let accepted: AcceptAppealResponse =
        done(city, &intake("AcceptAppeal"), Role::Operator, &request).await;
    city.settles().await;
    let mut matters = accepted.appeal.expect("an appeal").matters;
    Stands {
        relation,
        id: matters.remove(0).matter.expect("a matter").ticket_id,
        number: receipt.number,
    }
}

/// A ticket in every relation to [`UNIT`], by its name. The accused unit comes to stand above it in the end.
async fn tickets(city: &City) -> Vec<Stands> {
    load_units(city, "TOP").await;
    let mut tickets = Vec::new();
    for (number, (relation, lead, assisting, accused)) in RELATIONS.into_iter().enumerate() {
        let ticket = opened(city, number, relation, accused).await;
        let assisting = [assisting].map(str::to_owned).into_iter();
        let request = DispatchTicketRequest {
            ticket_id: ticket.id.clone(),
            lead_unit_code: lead.to_owned(),
            assisting_unit_codes: assisting.filter(|unit| !unit.is_empty()).collect(),
            ..DispatchTicketRequest::default()
        };
        done::<()>(city, &routing("DispatchTicket"), Role::Dispatcher, &request).await;
        tickets.push(ticket);
    }
    tickets.push(opened(city, RELATIONS.len(), "nobody_leads", "").await);
    tickets.push(Stands {
        relation: "absent",
        id: ABSENT.to_owned(),
        number: "261122-7K3QD-M".to_owned(),
    });
    load_units(city, "BOSS").await;
    city.settles().await;
    tickets
}

/// One call about one ticket: `reaches` it, `hidden`, or why it is denied.
async fn outcome(city: &City, method: &str, principal: &Principal, ticket: &Stands) -> String {
    let (path, ticket_id) = (routing(method), ticket.id.clone());
    let mut asked_by = &ticket.id;
    let outcome = match method {
        "GetTicket" => {
            let by = Some(get_ticket_request::By::TicketId(ticket_id));
            city.calls(&path, principal, &GetTicketRequest { by }).await
        }
        BY_NUMBER => {
            asked_by = &ticket.number;
            let by = Some(get_ticket_request::By::Number(asked_by.clone()));
            city.calls(&routing("GetTicket"), principal, &GetTicketRequest { by })
                .await
        }
        REVEAL => return revealed(city, principal, &ticket.number).await,
        "GetTicketHistory" | "ProposeDispatch" => {
            // The ticket's id is the first field of both.
            let request = hotline_proto::routing::ProposeDispatchRequest { ticket_id };
            city.calls(&path, principal, &request).await
        }
        "ReturnTicket" => {
            let request = ReturnTicketRequest {
                ticket_id,
                expected_version: NEVER,
                reason: ReturnReason::MissingInfo.into(),
                ..ReturnTicketRequest::default()
            };
            city.calls(&path, principal, &request).await
        }
        _ => {
            // Key, version and ticket are the first fields of every command.
            let request = SignTicketRequest {
                ticket_id,
                expected_version: NEVER,
                ..SignTicketRequest::default()
            };
            city.calls(&path, principal, &request).await
        }
    };
    match outcome.code {
        Code::Ok | Code::Aborted => "reaches".to_owned(),
        Code::NotFound => {
            // What is forbidden is told in the very words of what is absent.
            assert_eq!(outcome.message, format!("no ticket {asked_by}"), "{method}");
            assert_eq!(outcome.reason, "TICKET_NOT_FOUND", "{method}");
            "hidden".to_owned()
        }
        Code::PermissionDenied => outcome.reason,
        code => format!("{code:?} {}", outcome.message),
    }
}

/// A look at the contact behind a ticket: `reaches` it, `hidden`, or why it is denied.
async fn revealed(city: &City, principal: &Principal, number: &str) -> String {
    let request = RevealContactRequest {
        of: Some(reveal_contact_request::Of::Number(number.to_owned())),
        fields: vec![ContactField::Phone.into()],
        purpose: RevealPurpose::CallBack.into(),
        reason: "回电核实".to_owned(),
        ..RevealContactRequest::default()
    };
    let outcome = city.calls(&intake(REVEAL), principal, &request).await;
    match outcome.code {
        Code::FailedPrecondition => {
            assert_eq!(outcome.message, "nobody left a contact");
            "reaches".to_owned()
        }
        Code::NotFound => {
            assert_eq!(outcome.message, "no such appeal");
            "hidden".to_owned()
        }
        Code::PermissionDenied => outcome.reason,
        code => format!("{code:?} {}", outcome.message),
    }
}

/// The relations of the tickets that somebody's list shows.
async fn listed(city: &City, principal: &Principal, tickets: &[Stands]) -> String {
    let request = ListTicketsRequest {
        page_size: 200,
        ..ListTicketsRequest::default()
    };
    let outcome = city
        .calls(&routing("ListTickets"), principal, &request)
        .await;
    if outcome.code != Code::Ok {
        return outcome.reason;
    }
    let answer = ListTicketsResponse::decode(outcome.answer.as_slice()).expect("an answer");
    let ids = answer.tickets.into_iter().filter_map(|view| view.ticket);
    let ids: Vec<String> = ids.map(|ticket| ticket.id).collect();
    let seen = tickets.iter().filter(|ticket| ids.contains(&ticket.id));
    let seen: Vec<&str> = seen.map(|ticket| ticket.relation).collect();
    format!("reaches: {}", seen.join(" "))
}

/// Every role, those of a unit for [`UNIT`]; and somebody of the accused unit above it and of the one under it.
fn callers() -> Vec<(String, Principal)> {
    let named = |role: Role| (role.word().to_owned(), somebody(role));
    let of = |unit: &str| {
        let clerk = somebody(Role::UnitClerk).of_unit(unit);
        (format!("unit_clerk({unit})"), clerk)
    };
    let others = ["BOSS", "LOW"].map(of);
    Role::ALL.into_iter().map(named).chain(others).collect()
}

/// Callers with the same lines, together.
fn together(by_lines: BTreeMap<String, Vec<String>>) -> String {
    let mut text = String::new();
    for (lines, names) in by_lines {
        write!(text, "  {}\n{lines}", names.join(" ")).expect("text");
    }
    text
}

async fn relations(city: &City) -> String {
    let tickets = tickets(city).await;
    let mut text = format!(
        "# Which tickets somebody reads and acts on, found by calling. Roles of a unit act for {UNIT} (or the\n\
         # unit in brackets), which stands under BOSS; LOW stands under {UNIT}. The accused is BOSS. `hidden` is\n\
         # told like `absent`.\n"
    );
    for method in OF_A_TICKET {
        let mut by_lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, principal) in callers() {
            let mut by_outcome: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for ticket in &tickets {
                let outcome = outcome(city, method, &principal, ticket).await;
                by_outcome.entry(outcome).or_default().push(ticket.relation);
            }
            let line = |(outcome, found): (String, Vec<&str>)| match found.len() {
                count if count == tickets.len() => format!("    {outcome}\n"),
                _ => format!("    {outcome}: {}\n", found.join(" ")),
            };
            let lines: String = by_outcome.into_iter().map(line).collect();
            by_lines.entry(lines).or_default().push(name);
        }
        write!(text, "\n{method}\n{}", together(by_lines)).expect("text");
    }
    let mut by_lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, principal) in callers() {
        let line = listed(city, &principal, &tickets).await;
        let line = format!("    {line}\n");
        by_lines.entry(line).or_default().push(name);
    }
    write!(text, "\nListTickets\n{}", together(by_lines)).expect("text");
    text
}

#[tokio::test]
async fn a_unit_reaches_its_own_tickets_and_none_that_complains_about_it_or_above() {
    for city in City::all().await {
        let found = relations(&city).await;
        is_as_read("access_units.txt", &found, city.label);
        city.ends().await;
    }
}

#[test]
fn every_method_that_narrows_to_a_unit_is_tried() {
    let narrowed = RULES
        .iter()
        .filter(|(_, rule)| [4, 5].contains(&rule.scope));
    for (path, _) in narrowed {
        let tried = OF_A_TICKET.iter().chain(&["ListTickets"]);
        let is_tried = tried
            .into_iter()
            .any(|method| [routing(method), intake(method)].contains(&(*path).to_owned()));
        assert!(is_tried, "{path}");
    }
}
