//! Many clients, few keys; and a Redis that forgets everything all the time.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{
    AcceptAppealRequest, Contact, GetAppealRequest, Receipt, RegisterAppealRequest,
    get_appeal_request,
};
use hotline_proto::routing::ListTicketsRequest;
use hotline_proto::routing::routing_service_client::RoutingServiceClient;
use hotline_proto::shared::Kind;
use hotline_tests::principal::{Door, by};
use hotline_tests::process::{Installation, Process};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;

const CLIENTS: usize = 64;
const SUBMISSIONS: usize = 1_000;
const KEYS: usize = 200;
/// Acceptances between two FLUSHALL.
const FLUSH_EVERY: usize = 5;
/// How long events may take to become tickets before the test gives up.
const VISIBLE_MAX: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_submissions_of_two_hundred_keys_give_two_hundred_tickets() {
    for installation in Installation::all().await {
        let label = installation.label;
        let process = installation.start().await;
        installation.load_sample();

        let receipts = submit_all(&process).await;
        assert_eq!(
            receipts.values().map(Vec::len).sum::<usize>(),
            SUBMISSIONS,
            "{label}"
        );
        for (key, found) in &receipts {
            assert!(
                found.iter().all(|receipt| receipt == &found[0]),
                "{label}: receipts of key {key} differ"
            );
        }
        let numbers: HashSet<&String> = receipts.values().map(|found| &found[0].number).collect();
        assert_eq!(numbers.len(), KEYS, "{label}: numbers");

        for found in receipts.values() {
            accept(&process, &found[0]).await;
        }
        let tickets = tickets_when(&process, KEYS).await;
        assert_eq!(
            tickets,
            numbers.into_iter().cloned().collect(),
            "{label}: tickets"
        );
        process.kill();
        installation.check();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_forgets_everything_loses_nothing() {
    let Some(redis) = hotline_platform::testing::redis_url() else {
        eprintln!("not run: HOTLINE_TEST_REDIS names no Redis");
        return;
    };
    let all = Installation::all().await;
    let Some(installation) = all
        .iter()
        .find(|installation| installation.label != "embedded")
    else {
        eprintln!("not run: HOTLINE_TEST_POSTGRES names no PostgreSQL");
        return;
    };
    let mut process = installation.start().await;
    installation.load_sample();

    let client = redis::Client::open(redis).expect("a Redis address");
    let connection = client.get_multiplexed_async_connection().await;
    let mut connection = connection.expect("a Redis that answers");
    let receipts = submit_all(&process).await;
    for (turn, found) in receipts.values().enumerate() {
        accept(&process, &found[0]).await;
        if turn % FLUSH_EVERY == 0 {
            // Takes with it what the last acceptances said, if nobody has read it yet.
            redis::cmd("FLUSHALL")
                .exec_async(&mut connection)
                .await
                .expect("FLUSHALL");
        }
    }
    let tickets = tickets_when(&process, KEYS).await;

    assert_eq!(tickets.len(), KEYS, "lost");
    assert!(process.is_running(), "the process went down");
    process.kill();
    installation.check();
}

/// Every client sends its share, keys drawn at random, every key at least once.
async fn submit_all(process: &Process) -> HashMap<usize, Vec<Receipt>> {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let channel = process.channel();
        clients.spawn(async move {
            let mut random = StdRng::seed_from_u64(client as u64);
            let mut intake = IntakeServiceClient::new(channel);
            let mut said = Vec::new();
            for turn in (client..SUBMISSIONS).step_by(CLIENTS) {
                let key = if turn < KEYS {
                    turn
                } else {
                    random.random_range(0..KEYS)
                };
                said.push((key, submit(&mut intake, key).await));
            }
            said
        });
    }
    let mut receipts: HashMap<usize, Vec<Receipt>> = HashMap::new();
    while let Some(said) = clients.join_next().await {
        for (key, receipt) in said.expect("a client ends") {
            receipts.entry(key).or_default().push(receipt);
        }
    }
    receipts
}

async fn submit(intake: &mut IntakeServiceClient<Door>, key: usize) -> Receipt {
    let request = RegisterAppealRequest {
        idempotency_key: format!("key-{key}"),
        channel_code: "wechat".to_owned(),
        contact: Some(Contact {
            phone: format!("199000{key:05}"),
            ..Contact::default()
        }),
        subject: format!("第{key}件事"),
        text: format!("第{key}号小区门口的井盖松动，车辆经过时响声很大。"),
        kind: Kind::Complaint.into(),
        ..RegisterAppealRequest::default()
    };
    let answer = intake
        .register_appeal(by("channel", "wechat", request))
        .await;
    answer
        .expect("a receipt")
        .into_inner()
        .receipt
        .expect("a receipt")
}

async fn accept(process: &Process, receipt: &Receipt) {
    let mut intake = IntakeServiceClient::new(process.channel());
    let by_id = Some(get_appeal_request::By::AppealId(receipt.appeal_id.clone()));
    let view = intake
        .get_appeal(by("operator", "test", GetAppealRequest { by: by_id }))
        .await;
    let view = view
        .expect("the appeal")
        .into_inner()
        .appeal
        .expect("the appeal");
    let request = AcceptAppealRequest {
        idempotency_key: format!("accept-{}", receipt.number),
        expected_version: view.version,
        appeal_id: receipt.appeal_id.clone(),
        matters: Vec::new(),
    };
    intake
        .accept_appeal(by("operator", "test", request))
        .await
        .expect("accepted");
}

/// Numbers of all open tickets, once there are at least `count`.
async fn tickets_when(process: &Process, count: usize) -> HashSet<String> {
    let begun = Instant::now();
    loop {
        let numbers = ticket_numbers(process).await;
        if numbers.len() >= count || begun.elapsed() > VISIBLE_MAX {
            return numbers.into_iter().collect();
        }
    }
}

async fn ticket_numbers(process: &Process) -> Vec<String> {
    let mut routing = RoutingServiceClient::new(process.channel());
    let mut numbers = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListTicketsRequest {
            page_size: 200,
            page_token,
            ..ListTicketsRequest::default()
        };
        let page = routing
            .list_tickets(by("dispatcher", "test", request))
            .await
            .expect("a page")
            .into_inner();
        numbers.extend(
            page.tickets
                .into_iter()
                .filter_map(|view| view.ticket)
                .map(|ticket| ticket.number),
        );
        page_token = page.next_page_token;
        if page_token.is_empty() {
            let distinct: HashSet<&String> = numbers.iter().collect();
            assert_eq!(distinct.len(), numbers.len(), "a ticket is listed twice");
            return numbers;
        }
    }
}
