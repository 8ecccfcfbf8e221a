//! Health, reflection and the end of a server.

use std::time::Duration;

use hotline_platform::config::ServerConfig;
use hotline_platform::layers::Limits;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use crate::doors::{Doors, ask, reason, within};

async fn health(doors: &Doors, service: &str) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = HealthClient::new(doors.socket.clone()).check(request).await;
    answer
        .map(|answer| answer.into_inner().status())
        .map_err(|status| status.code())
}

#[tokio::test]
async fn health_says_no_until_the_services_serve_and_needs_no_principal() {
    let doors = Doors::open(Limits::default()).await;
    assert_eq!(health(&doors, "").await, Ok(ServingStatus::NotServing));
    assert_eq!(health(&doors, "intake").await, Err(Code::NotFound));
    doors.server.set_serving(["intake"]).await;
    assert_eq!(health(&doors, "").await, Ok(ServingStatus::Serving));
    assert_eq!(health(&doors, "intake").await, Ok(ServingStatus::Serving));
}

#[tokio::test]
async fn a_stock_client_can_explore_only_where_it_is_allowed() {
    for is_allowed in [true, false] {
        let config = ServerConfig {
            listen: "127.0.0.1:0".parse().expect("an address"),
            reflection: is_allowed,
            ..ServerConfig::default()
        };
        let doors = Doors::open_as(&config).await;
        let question = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let questions = tokio_stream::iter([question]);
        let mut client = ServerReflectionClient::new(doors.socket.clone());
        let answer = client.server_reflection_info(questions).await;
        if !is_allowed {
            assert_eq!(answer.expect_err("refused").code(), Code::PermissionDenied);
            continue;
        }
        let answer = answer.expect("answered").into_inner().message().await;
        let answer = answer
            .expect("a message")
            .expect("one answer")
            .message_response;
        let Some(MessageResponse::ListServicesResponse(list)) = answer else {
            panic!("not a list: {answer:?}");
        };
        let names: Vec<_> = list
            .service
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        assert!(
            names.contains(&"hotline.intake.v1.IntakeService"),
            "{names:?}"
        );
        assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
    }
}

#[tokio::test]
async fn who_watches_the_health_keeps_nobody_from_asking_and_watchers_are_few() {
    let doors = Doors::open(Limits::default()).await;
    let mut client = HealthClient::new(doors.socket.clone());
    let mut watching = Vec::new();
    let refused = loop {
        match client.watch(HealthCheckRequest::default()).await {
            Ok(watched) => watching.push(watched),
            Err(refused) => break refused,
        }
        assert!(watching.len() < 1_000, "nobody is refused");
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(reason(&refused), "OVERLOADED");
    assert_eq!(watching.len(), 64);
    assert_eq!(health(&doors, "").await, Ok(ServingStatus::NotServing));

    // Whoever goes makes room.
    watching.pop();
    let begun = std::time::Instant::now();
    while client.watch(HealthCheckRequest::default()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "no room");
    }
}

#[tokio::test]
async fn a_call_that_runs_is_ended_before_the_server_is_and_nothing_new_is_taken() {
    let mut doors = Doors::open(Limits::default()).await;
    doors.server.set_serving(["intake"]).await;
    let [_, (_, mut client)] = doors.both();
    let running = client.heads(within(ask("never"), Duration::from_millis(400)));
    tokio::pin!(running);
    tokio::select! {
        answer = &mut running => panic!("{answer:?}"),
        _ = doors.started.recv() => {}
    }
    let address = doors.server.addr();
    let (answer, ()) = tokio::join!(running, doors.server.stop(["intake"]));
    // It ran until its own deadline; a cut connection would say something else.
    assert_eq!(
        answer.expect_err("it never answers").code(),
        Code::DeadlineExceeded
    );
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_call_that_does_not_end_is_cut_when_the_time_to_drain_is_over() {
    let config = ServerConfig {
        listen: "127.0.0.1:0".parse().expect("an address"),
        drain_s: 0,
        ..ServerConfig::default()
    };
    let mut doors = Doors::open_as(&config).await;
    let [_, (_, mut client)] = doors.both();
    let running = client.heads(ask("never"));
    tokio::pin!(running);
    tokio::select! {
        answer = &mut running => panic!("{answer:?}"),
        _ = doors.started.recv() => {}
    }
    let stopped = tokio::time::timeout(Duration::from_secs(3), doors.server.stop([]));
    tokio::select! {
        stopped = stopped => assert!(stopped.is_ok(), "stopping took too long"),
        answer = &mut running => assert!(answer.is_err(), "a call that never ends was answered"),
    }
}
