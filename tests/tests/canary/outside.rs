//! The real binary as a process: its page of figures, what it exports by OTLP, what it logs and how it panics; what
//! commands print and write; dumps of its databases.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use hotline_kernel::time::Zone;
use hotline_proto::intake::intake_service_client::IntakeServiceClient;
use hotline_proto::intake::{
    AcceptAppealRequest, AnswerAppealRequest, Contact, ContactField, LoadRegistryRequest,
    RegisterAppealRequest, RevealContactRequest, RevealPurpose, reveal_contact_request,
};
use hotline_proto::routing::LoadRegistryRequest as LoadRouting;
use hotline_proto::routing::routing_service_client::RoutingServiceClient;
use hotline_proto::shared::{Kind, RegistryTable};
use hotline_tests::cluster;
use hotline_tests::kept::{Kept, places};
use hotline_tests::machine::free_port;
use hotline_tests::principal::{Door, by};
use hotline_tests::process::{Installation, Process};
use hotline_tests::registry::{HOLIDAYS_2026, Owner, TABLES};
use sea_orm::ConnectionTrait as _;
use tonic::Status;

use super::collector::Collector;
use super::{ACCOUNT, EMAIL, IDENTITY, NAME, PHONES, hits};

/// Registrations that are taken before one meets the point where the process is made to panic.
const TAKEN: usize = 2;

fn kept(place: &str, bytes: Vec<u8>) -> Kept {
    Kept {
        place: place.to_owned(),
        bytes,
    }
}

async fn load(process: &Process) {
    let table = |name: &str, csv: &str| {
        Some(RegistryTable {
            name: name.to_owned(),
            csv: csv.as_bytes().to_vec(),
        })
    };
    let mut intake = IntakeServiceClient::new(process.channel());
    let mut routing = RoutingServiceClient::new(process.channel());
    let calendar = (Owner::Routing, "holidays", HOLIDAYS_2026);
    for (owner, name, csv) in TABLES.into_iter().chain([calendar]) {
        let table = table(name, csv);
        match owner {
            Owner::Intake => {
                let request = by("administrator", "root", LoadRegistryRequest { table });
                intake.load_registry(request).await.expect(name);
            }
            Owner::Routing => {
                let request = by("administrator", "root", LoadRouting { table });
                routing.load_registry(request).await.expect(name);
            }
        }
    }
}

fn appeal(key: &str, channel: &str) -> RegisterAppealRequest {
    RegisterAppealRequest {
        idempotency_key: key.to_owned(),
        channel_code: channel.to_owned(),
        contact: Some(Contact {
            name: NAME.to_owned(),
            phone: PHONES[0].to_owned(),
            email: EMAIL.to_owned(),
            account: ACCOUNT.to_owned(),
        }),
        subject: format!("{NAME}说路灯不亮"),
        text: format!(
            "{NAME}说云溪区路灯不亮{key},请打{},证件{IDENTITY},邮箱{EMAIL}",
            PHONES[1]
        ),
        kind: Kind::Complaint.into(),
        ..RegisterAppealRequest::default()
    }
}

async fn says(
    intake: &mut IntakeServiceClient<Door>,
    key: &str,
    channel: &str,
) -> Result<String, Status> {
    let request = by("channel", "tel", appeal(key, channel));
    let answer = intake.register_appeal(request).await?.into_inner();
    Ok(answer.receipt.expect("a receipt").appeal_id)
}

/// Said, accepted, answered, looked at; refused for what is wrong; and lost in a panic.
async fn lives(process: &Process) {
    let mut intake = IntakeServiceClient::new(process.channel());
    let first = says(&mut intake, "first", "tel").await.expect("taken");
    let second = says(&mut intake, "second", "tel").await.expect("taken");
    let accept = AcceptAppealRequest {
        idempotency_key: "accept".to_owned(),
        expected_version: 1,
        appeal_id: first.clone(),
        ..AcceptAppealRequest::default()
    };
    let accepted = intake.accept_appeal(by("operator", "li", accept)).await;
    accepted.expect("accepted");
    let answer = AnswerAppealRequest {
        idempotency_key: "answer".to_owned(),
        expected_version: 1,
        appeal_id: second,
        answer: format!("{NAME}您好,请打{}", PHONES[2]),
    };
    let answered = intake.answer_appeal(by("operator", "li", answer)).await;
    answered.expect("answered");
    let look = RevealContactRequest {
        of: Some(reveal_contact_request::Of::AppealId(first)),
        fields: vec![ContactField::Phone.into()],
        purpose: RevealPurpose::CallBack.into(),
        reason: format!("回电{}核实", PHONES[3]),
        ..RevealContactRequest::default()
    };
    let shown = intake.reveal_contact(by("operator", "li", look)).await;
    let shown = shown.expect("shown").into_inner().contact;
    assert!(shown.expect("a contact").phone.ends_with("0731"));
    // What is wrong is told to whoever said it, and to nobody else.
    says(&mut intake, "third", NAME)
        .await
        .expect_err("no such channel");
    let lost = says(&mut intake, "lost", "tell").await;
    lost.expect_err("no such channel");
    says(&mut intake, "lost", "tel").await.expect_err("a panic");
}

fn figures(addr: SocketAddr) -> Vec<u8> {
    let mut socket = TcpStream::connect(addr).expect("the page is served");
    socket
        .write_all(b"GET /metrics HTTP/1.0\r\n\r\n")
        .expect("asked");
    let mut page = Vec::new();
    socket.read_to_end(&mut page).expect("answered");
    page
}

/// What a command prints, and the file that it writes, if any.
fn command(installation: &Installation, args: &[&str], out: Option<&Path>) -> Vec<Kept> {
    let mut command = installation.command(args);
    if let Some(out) = out {
        command.arg("--out").arg(out);
    }
    let output = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .expect("the binary starts");
    let place = format!("hotline {}", args.join(" "));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{place}: {told}");
    let mut found = vec![kept(&place, [output.stdout, output.stderr].concat())];
    if let Some(out) = out {
        let bytes = std::fs::read(out).expect("it was written");
        found.push(kept(&format!("{place}: its file"), unpacked(bytes)));
    }
    found
}

/// A workbook as the texts in it, anything else as it is.
fn unpacked(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.starts_with(b"PK") {
        return bytes;
    }
    let mut workbook = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("a workbook");
    let mut parts = Vec::new();
    for index in 0..workbook.len() {
        let mut part = workbook.by_index(index).expect("a part");
        part.read_to_end(&mut parts).expect("it unpacks");
    }
    parts
}

/// The databases as backups have them.
async fn dumps(installation: &Installation) -> Vec<Kept> {
    let mut found = Vec::new();
    for (service, url) in installation.databases() {
        let copy = installation.folder().join(format!("{service}.dump"));
        dump(&url, &copy).await;
        let bytes = std::fs::read(&copy).expect("it was written");
        assert!(!bytes.is_empty(), "{service}: the dump is empty");
        found.push(kept(&format!("dump of {service}"), bytes));
    }
    found
}

async fn dump(url: &str, copy: &Path) {
    if url.starts_with("postgres") {
        let mut command = cluster::client("pg_dump");
        command.arg("--dbname").arg(url).arg("--file").arg(copy);
        let dumped = command.status().expect("pg_dump starts");
        assert!(dumped.success(), "pg_dump");
        return;
    }
    let database = sea_orm::Database::connect(url).await.expect("it opens");
    let text = format!("VACUUM INTO '{}'", copy.display());
    database.execute_unprepared(&text).await.expect("a copy");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the process goes by the machine's time"
)]
fn today() -> String {
    let now = std::time::SystemTime::now().into();
    Zone::SHANGHAI.day(now).to_string()
}

fn commands(installation: &Installation) -> Vec<Kept> {
    let file = |name: &str| -> PathBuf { installation.folder().join(name) };
    let today = today();
    let mut found = command(installation, &["check"], None);
    found.extend(command(
        installation,
        &["export"],
        Some(&file("tickets.csv")),
    ));
    for format in ["csv", "xlsx"] {
        let args = ["report", "daily", &today, "--format", format];
        let out = file(&format!("daily.{format}"));
        found.extend(command(installation, &args, Some(&out)));
    }
    let trails = file("trails.csv");
    found.extend(command(installation, &["audit", "export"], Some(&trails)));
    found.extend(command(installation, &["search", "路灯"], None));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_and_its_commands_tell_outside_names_no_citizen() {
    for installation in Installation::all().await {
        let label = installation.label;
        let collector = Collector::start().await;
        let errors = installation.folder().join("errors");
        let page = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut run = installation.command(&["run"]);
        run.env("HOTLINE__SERVER__METRICS_LISTEN", page.to_string())
            .env(
                "HOTLINE__TELEMETRY__OTLP_ENDPOINT",
                format!("http://{}", collector.addr),
            )
            .env("HOTLINE__TELEMETRY__LOG_FILTER", "info,hotline=trace")
            .env("RUST_BACKTRACE", "full")
            .env(
                "FAILPOINTS",
                format!("register.contacts_saved={TAKEN}*off->panic(made to)"),
            )
            .stderr(std::fs::File::create(&errors).expect("a writable folder"));
        let started = installation.start_as(run).await;
        let process = started.unwrap_or_else(|status| panic!("{label}: {status}"));
        load(&process).await;
        lives(&process).await;
        let mut found = vec![kept("figures", figures(page))];
        process.ask_to_stop();
        assert!(process.end().await.success(), "{label}: it ends in order");

        let logged = std::fs::read(&errors).expect("it was written");
        found.push(kept("log and panics", logged));
        found.push(kept("exported spans", collector.bytes()));
        found.extend(tokio::task::block_in_place(|| commands(&installation)));
        found.extend(dumps(&installation).await);
        assert_eq!(hits(&found), Vec::<String>::new(), "{label}");

        // Each part was there to be looked at: what may be told stands in it.
        let names = collector.names();
        assert!(
            names.iter().any(|name| name.ends_with("/RegisterAppeal")),
            "{label}: {names:?}"
        );
        for (place, told) in [
            ("figures", "hotline_rpc_total"),
            ("exported spans", "/RegisterAppeal"),
            ("log and panics", "made to"),
            ("hotline check", "0 findings"),
            ("hotline export: its file", "路灯不亮"),
            ("--format csv: its file", "路灯"),
            ("--format xlsx: its file", "路灯"),
            ("hotline audit export: its file", "contact revealed"),
            ("hotline search 路灯", "路灯"),
            ("dump of intake", "路灯不亮"),
        ] {
            let seen = places(&found, told);
            let is_there = seen.iter().any(|seen| seen.contains(place));
            assert!(is_there, "{label}: {place}: {seen:?}");
        }
    }
}
