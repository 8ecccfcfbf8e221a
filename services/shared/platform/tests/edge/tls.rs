//! Mutual TLS: who gets no connection, whose name is not believed, and certificates that change under load.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use hotline_platform::config::ServerConfig;
use hotline_platform::layers::Limits;
use hotline_platform::peers::{Outgoing, Peers};
use hotline_platform::serve::{Server, ServerParts};
use hotline_platform::tasks::Tasks;
use hotline_platform::tls::authority::{self, Issued};
use hotline_platform::tls::{Clients, Tls};
use hotline_proto::event::event_log_client::EventLogClient;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, Issuer, KeyPair, SanType, date_time_ymd,
};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::certificates::{LIFE, issued};
use crate::doors::{Doors, ask, ask_as_operator, reason};

/// A certificate of `authority` with these names alone, good until the end of `until`.
fn forged(authority: &Issued, names: Vec<SanType>, until: i32) -> Issued {
    let mut parent = CertificateParams::default();
    parent.distinguished_name = DistinguishedName::new();
    parent
        .distinguished_name
        .push(DnType::CommonName, "hotline city authority");
    let key = KeyPair::from_pem(&authority.key).expect("its key");
    let issuer = Issuer::new(parent, key);
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    params.not_after = date_time_ymd(until, 12, 31);
    let own = KeyPair::generate().expect("a key");
    let made = params.signed_by(&own, &issuer).expect("a certificate");
    Issued {
        certificate: made.pem(),
        key: own.serialize_pem().into(),
    }
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("ASCII"))
}

fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().expect("ASCII"))
}

async fn code(channel: Channel) -> Option<Code> {
    let answered = EventLogClient::new(channel).heads(ask("intake")).await;
    answered.err().map(|status| status.code())
}

#[tokio::test]
async fn who_shows_no_certificate_of_the_city_gets_no_connection() {
    let doors = Doors::open(Limits::default()).await;
    assert_eq!(
        code(doors.certified().dial(&doors)).await,
        None,
        "the good one"
    );

    let certificates = &doors.certificates;
    let ours = &certificates.authority;
    let other = authority::found(LIFE).expect("an authority");
    let feedback = || vec![dns("feedback.hotline"), uri("spiffe://hotline/feedback")];
    let shows = |name: &str, shown: &Issued| certificates.write(name, shown, ours).client();

    let mut nothing = doors.certified();
    (nothing.chain, nothing.key) = (Vec::new(), None);
    let mut old = doors.certified();
    old.version = &rustls::version::TLS12;
    let plain = Endpoint::from_shared(format!("http://{}", doors.server.addr()));
    let attempts = [
        ("no certificate", nothing.dial(&doors)),
        (
            "another authority",
            shows("other", &issued(&other, &["feedback"])).dial(&doors),
        ),
        (
            "expired",
            shows("expired", &forged(ours, feedback(), 2020)).dial(&doors),
        ),
        ("TLS 1.2", old.dial(&doors)),
        ("in the clear", plain.expect("an address").connect_lazy()),
    ];
    for (label, channel) in attempts {
        let code = code(channel).await;
        let is_cut = matches!(
            code,
            Some(Code::Unavailable | Code::Unknown | Code::Internal)
        );
        assert!(is_cut, "{label}: {code:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_the_city_is_believed_for_its_own_names_only() {
    let doors = Doors::open(Limits::default()).await;
    let ours = &doors.certificates.authority;
    let cases: [(&str, Vec<SanType>); 6] = [
        (
            "another service",
            vec![dns("gateway.hotline"), uri("spiffe://hotline/gateway")],
        ),
        ("the name as DNS alone", vec![dns("feedback.hotline")]),
        ("a longer path", vec![uri("spiffe://hotline/feedback/x")]),
        ("another domain", vec![uri("spiffe://elsewhere/feedback")]),
        ("another scheme", vec![uri("https://hotline/feedback")]),
        ("capitals", vec![uri("spiffe://hotline/Feedback")]),
    ];
    for (label, names) in cases {
        let shown = forged(ours, names, 4000);
        let client = doors.certificates.write("wrong", &shown, ours).client();
        let answered = EventLogClient::new(client.dial(&doors))
            .heads(ask("intake"))
            .await;
        let status = answered.expect_err(label);
        assert_eq!(reason(&status), "SERVICE_NOT_PROVEN", "{label}");
    }
    let shown = forged(ours, vec![uri("spiffe://hotline/feedback")], 4000);
    let client = doors.certificates.write("right", &shown, ours).client();
    assert_eq!(code(client.dial(&doors)).await, None, "its own name");
}

/// A server of the doors' routes that shows something else.
async fn server(doors: &Doors, tasks: &Tasks, tls: Option<Arc<Tls>>) -> Server {
    let config = ServerConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        ..ServerConfig::default()
    };
    let parts = ServerParts {
        config: &config,
        routes: doors.routes.clone(),
        descriptors: hotline_proto::DESCRIPTORS,
        tls,
        tasks,
    };
    Server::start(parts).await.expect("a free port")
}

#[tokio::test]
async fn a_server_that_cannot_prove_its_name_hears_nothing() {
    let doors = Doors::open(Limits::default()).await;
    let (tasks, ours) = (Tasks::new(), &doors.certificates.authority);
    let other = authority::found(LIFE).expect("an authority");
    let intake = || vec![dns("intake.hotline"), uri("spiffe://hotline/intake")];
    let shown = |name: &str, shown: &Issued| doors.certificates.write(name, shown, ours).open();
    let servers = [
        (
            "itself",
            Some(shown("good", &issued(ours, &["routing", "intake"]))),
            true,
        ),
        (
            "another service",
            Some(shown("routing", &issued(ours, &["routing"]))),
            false,
        ),
        (
            "another authority",
            Some(shown("other", &issued(&other, &["intake"]))),
            false,
        ),
        (
            "expired",
            Some(shown("old", &forged(ours, intake(), 2020))),
            false,
        ),
        (
            "DNS alone",
            Some(shown(
                "dns",
                &forged(ours, vec![dns("intake.hotline")], 4000),
            )),
            false,
        ),
        (
            "URI alone",
            Some(shown(
                "uri",
                &forged(ours, vec![uri("spiffe://hotline/intake")], 4000),
            )),
            false,
        ),
        ("in the clear", None, false),
    ];
    for (label, tls, is_believed) in servers {
        let server = server(&doors, &tasks, tls).await;
        let addresses = [("intake".to_owned(), format!("https://{}", server.addr()))].into();
        let peers = Peers::at(&addresses, &doors.outgoing()).expect("an address");
        let mut client = EventLogClient::new(Arc::new(peers).transport("intake", None));
        let answered = client.heads(ask("intake")).await;
        assert_eq!(answered.is_ok(), is_believed, "{label}: {answered:?}");
    }
}

#[tokio::test]
async fn where_certificates_are_optional_a_person_needs_his_token_and_a_service_still_its_certificate()
 {
    let doors = Doors::open(Limits::default()).await;
    let tasks = Tasks::new();
    let mut files = doors.certificates.process("optional", &["intake"]);
    files.0.clients = Clients::Optional;
    let server = server(&doors, &tasks, Some(files.open())).await;
    let mut nothing = doors.certified();
    (nothing.chain, nothing.key) = (Vec::new(), None);
    let mut client = EventLogClient::new(nothing.dial_at(server.addr()));
    let status = client
        .heads(ask("intake"))
        .await
        .expect_err("no certificate");
    assert_eq!(reason(&status), "SERVICE_NOT_PROVEN");
    let status = client.heads(ask_as_operator("intake")).await;
    assert_eq!(reason(&status.expect_err("plain words")), "TOKEN_REFUSED");
    let other = authority::found(LIFE).expect("an authority");
    let foreign = doors.certificates.write(
        "foreign",
        &issued(&other, &["feedback"]),
        &doors.certificates.authority,
    );
    let foreign = foreign.client().dial_at(server.addr());
    assert!(
        code(foreign).await.is_some(),
        "a wrong one is worse than none"
    );
    let good = doors.certified().dial_at(server.addr());
    assert_eq!(code(good).await, None);
}

#[tokio::test]
async fn who_connects_and_says_nothing_keeps_nobody_out() {
    let config = ServerConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        connections_max: 2,
        ..ServerConfig::default()
    };
    let doors = Doors::open_as(&config).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(
            TcpStream::connect(doors.server.addr())
                .await
                .expect("connects"),
        );
    }
    let [_, (_, mut client)] = doors.both();
    // Long before the silent ones are cut off.
    let answered = tokio::time::timeout(Duration::from_secs(3), client.heads(ask("intake"))).await;
    assert!(answered.is_ok_and(|answer| answer.is_ok()));
}

/// How often all certificates change, and the calls that begin a connection of their own meanwhile.
const ROTATIONS: usize = 6;
const CALLERS: usize = 8;
const CALLS_MIN: usize = 400;

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_their_authority_change_under_load_and_no_call_fails() {
    let doors = Doors::open(Limits::default()).await;
    let (tasks, first) = (Tasks::new(), &doors.certificates.authority);
    let serving = doors.certificates.process("serving", &["intake"]);
    let calling = doors.certificates.process("calling", &["feedback"]);
    let (shown, carried) = (serving.open(), calling.open());
    let server = server(&doors, &tasks, Some(Arc::clone(&shown))).await;
    let addresses = [("intake".to_owned(), format!("https://{}", server.addr()))].into();
    let outgoing = Outgoing {
        tls: Some(Arc::clone(&carried)),
        ..Outgoing::default()
    };
    let call = async || {
        // A connection of its own, so that each call shakes hands.
        let peers = Peers::at(&addresses, &outgoing).expect("an address");
        let mut client = EventLogClient::new(Arc::new(peers).transport("intake", None));
        client.heads(ask("intake")).await.map(drop)
    };
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let done = std::sync::atomic::AtomicUsize::new(0);
    let relaxed = std::sync::atomic::Ordering::Relaxed;
    let caller = async || {
        while !is_over.load(relaxed) {
            call().await.expect("no call fails");
            done.fetch_add(1, relaxed);
        }
    };
    let look = || {
        shown.look().expect("files that go together");
        carried.look().expect("files that go together");
    };
    let rotates = async {
        let mut old = Issued {
            certificate: first.certificate.clone(),
            key: first.key.clone(),
        };
        for rotation in 1..=ROTATIONS {
            let new = authority::found(LIFE).expect("an authority");
            let steps: [&dyn Fn(); 3] = [
                &|| {
                    serving.believe(&[&old, &new]);
                    calling.believe(&[&old, &new]);
                },
                &|| {
                    serving.show(&issued(&new, &["intake"]));
                    calling.show(&issued(&new, &["feedback"]));
                },
                &|| {
                    serving.believe(&[&new]);
                    calling.believe(&[&new]);
                },
            ];
            for (step, change) in steps.iter().enumerate() {
                change();
                look();
                let enough = CALLS_MIN * (3 * (rotation - 1) + step + 1) / (3 * ROTATIONS);
                while done.load(relaxed) < enough {
                    tokio::task::yield_now().await;
                }
            }
            old = new;
        }
        is_over.store(true, relaxed);
    };
    let load = join_all((0..CALLERS).map(|_| caller()));
    let both = tokio::time::timeout(Duration::from_mins(1), futures::future::join(load, rotates));
    both.await.expect("in time");
    assert!(done.load(relaxed) >= CALLS_MIN);

    // A half-written pair is not taken, and what was there before still answers.
    std::fs::write(&serving.0.key_file, "half").expect("a writable folder");
    assert!(shown.look().is_err());
    call().await.expect("answered");
}

#[test]
fn files_that_do_not_go_together_stop_the_start() {
    let certificates = crate::certificates::Certificates::new();
    let files = certificates.process("good", &["intake"]);
    assert!(Tls::open(&files.0).is_ok());
    let told =
        |files: &crate::certificates::Files| Tls::open(&files.0).expect_err("refused").to_string();
    let other = issued(&certificates.authority, &["intake"]);
    std::fs::write(&files.0.key_file, other.key.as_str()).expect("a writable folder");
    assert!(told(&files).contains("do not go together"), "another's key");
    std::fs::write(&files.0.key_file, "x").expect("a writable folder");
    assert!(told(&files).contains("a private key in PEM"));
    std::fs::write(&files.0.certificate_file, "").expect("a writable folder");
    assert!(told(&files).contains("certificates in PEM"));
    std::fs::remove_file(&files.0.ca_file).expect("it is there");
    assert!(told(&files).contains("cannot read"));
}

#[tokio::test]
async fn nobody_else_is_listened_to_in_the_clear() {
    let doors = Doors::open(Limits::default()).await;
    let tasks = Tasks::new();
    let config = ServerConfig {
        listen: "0.0.0.0:0".parse().expect("an address"),
        ..ServerConfig::default()
    };
    let parts = |tls| ServerParts {
        config: &config,
        routes: doors.routes.clone(),
        descriptors: hotline_proto::DESCRIPTORS,
        tls,
        tasks: &tasks,
    };
    let refused = Server::start(parts(None)).await.err().expect("refused");
    assert!(refused.to_string().contains("expected [tls]"), "{refused}");
    let tls = doors.certificates.process("open", &["intake"]).open();
    assert!(Server::start(parts(Some(tls))).await.is_ok());
}
