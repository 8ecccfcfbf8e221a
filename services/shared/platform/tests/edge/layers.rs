//! Access rule, principal, size, deadline, admission: the same answers at both doors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_platform::access::Role;
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal, SERVICE_METADATA};
use hotline_platform::identity::{SignKey, Signer};
use hotline_platform::layers::Limits;
use hotline_platform::peers::{Outgoing, Peers};
use hotline_proto::event::event_log_client::EventLogClient;
use tonic::Code;
use tonic_types::StatusExt;
use tower::ServiceExt;

use crate::doors::{CITY, Doors, anonymous, ask, ask_as_operator, key, reason, within};

#[tokio::test]
async fn a_timeout_is_honoured_in_this_process_as_over_a_socket() {
    let doors = Doors::open(Limits::default()).await;
    for (label, mut client) in doors.both() {
        let begun = Instant::now();
        let call = client.heads(within(ask("never"), Duration::from_millis(200)));
        let status = call.await.expect_err(label);
        assert_eq!(status.code(), Code::DeadlineExceeded, "{label}: {status}");
        assert_eq!(reason(&status), "DEADLINE_EXCEEDED", "{label}");
        let elapsed = begun.elapsed();
        assert!(elapsed < Duration::from_secs(2), "{label}: {elapsed:?}");
        assert!(
            elapsed >= Duration::from_millis(100),
            "{label}: {elapsed:?}"
        );
    }
}

#[tokio::test]
async fn a_nested_call_has_only_what_is_left_of_the_deadline() {
    let doors = Doors::open(Limits::default()).await;
    for (label, mut client) in doors.both() {
        let asked = within(ask("nested"), Duration::from_secs(2));
        let answer = client.heads(asked).await.expect(label).into_inner();
        let left_ms = answer.heads[0].last_pub_seq;
        assert!((1..=1980).contains(&left_ms), "{label}: {left_ms}");
        assert_eq!(
            answer.heads[0].partition as usize,
            "service:routing".len(),
            "{label}"
        );

        // Without a timeout of the caller's, the method's rule caps it: 5 s.
        let answer = client.heads(ask("nested")).await.expect(label).into_inner();
        let left_ms = answer.heads[0].last_pub_seq;
        assert!((2001..=5000).contains(&left_ms), "{label}: {left_ms}");
    }
}

#[tokio::test]
async fn both_doors_refuse_with_the_same_code_message_and_details() {
    let doors = Doors::open(Limits::default()).await;
    let questions = [
        (
            "a field",
            ask("refused"),
            Code::InvalidArgument,
            "INVALID_FIELD",
        ),
        (
            "nobody",
            anonymous("intake"),
            Code::Unauthenticated,
            "PRINCIPAL_MISSING",
        ),
        (
            "too large",
            ask(&"x".repeat(5000)),
            Code::InvalidArgument,
            "REQUEST_TOO_LARGE",
        ),
    ];
    for (label, question, code, expected) in questions {
        let mut told = Vec::new();
        for (door, mut client) in doors.both() {
            let mut same = anonymous(&question.get_ref().producer);
            *same.metadata_mut() = question.metadata().clone();
            let status = client.heads(same).await.expect_err(label);
            assert_eq!(status.code(), code, "{label}, {door}: {status}");
            assert_eq!(reason(&status), expected, "{label}, {door}");
            told.push((status.message().to_owned(), status.details().to_vec()));
        }
        assert_eq!(told[0], told[1], "{label}");
    }
}

#[tokio::test]
async fn a_request_just_within_its_limit_passes() {
    let doors = Doors::open(Limits::default()).await;
    for (label, mut client) in doors.both() {
        // 4 KiB with the field's tag and length.
        let answer = client.heads(ask(&"x".repeat(4093))).await;
        assert!(answer.is_ok(), "{label}: {answer:?}");
        let status = client.heads(ask(&"x".repeat(4094))).await.expect_err(label);
        assert_eq!(reason(&status), "REQUEST_TOO_LARGE", "{label}");
    }
}

#[tokio::test]
async fn a_service_is_named_only_where_the_rule_names_it() {
    let doors = Doors::open(Limits::default()).await;
    for (label, mut client) in doors.both() {
        for (service, expected) in [("routing", None), ("gateway", Some(Code::PermissionDenied))] {
            let mut request = anonymous("intake");
            request
                .metadata_mut()
                .insert(SERVICE_METADATA, service.parse().expect("ASCII"));
            let code = client
                .heads(request)
                .await
                .err()
                .map(|status| status.code());
            assert_eq!(code, expected, "{service}, {label}");
        }
    }
}

#[tokio::test]
async fn a_principal_is_believed_over_a_socket_by_its_token_alone() {
    let doors = Doors::open(Limits::default()).await;
    let li = Principal::new("operator:li", Role::Operator);
    let stranger = SignKey::new(&[2; 32].into());
    let values = [
        // The method is for services, so that a person who is believed is denied, not unknown.
        (Signer::new(key(), CITY).sign(&li), "ROLE_NOT_ALLOWED"),
        (
            Signer::new(key(), "another city").sign(&li),
            "TOKEN_REFUSED",
        ),
        (Signer::new(stranger, CITY).sign(&li), "TOKEN_REFUSED"),
        (li.to_metadata(), "TOKEN_REFUSED"),
    ];
    for (value, expected) in values {
        let mut request = anonymous("intake");
        request
            .metadata_mut()
            .insert(PRINCIPAL_METADATA, value.parse().expect("ASCII"));
        let channel = doors.certified().dial(&doors);
        let status = EventLogClient::new(channel).heads(request).await;
        assert_eq!(reason(&status.expect_err("denied")), expected, "{value}");
    }
}

#[tokio::test]
async fn who_has_no_key_speaks_for_nobody_outside_his_process() {
    let doors = Doors::open(Limits::default()).await;
    let outgoing = Outgoing {
        signer: None,
        ..doors.outgoing()
    };
    let keyless = Peers::at(&doors.addresses(), &outgoing).expect("an address");
    let mut client = EventLogClient::new(Arc::new(keyless).transport("intake", None));
    let status = client
        .heads(ask_as_operator("intake"))
        .await
        .expect_err("no key");
    assert_eq!(reason(&status), "SIGNING_KEY_MISSING");
    // It still has its own name.
    client.heads(ask("intake")).await.expect("a service");
}

#[tokio::test]
async fn a_method_without_a_rule_is_refused() {
    let doors = Doors::open(Limits::default()).await;
    for (label, transport) in [
        ("in-process", doors.here.clone()),
        ("socket", doors.socket.clone()),
    ] {
        for path in [
            "/hotline.event.v1.EventLog/Forget",
            "/hotline.none.v1.Nobody/Do",
        ] {
            let request = http::Request::post(format!("http://localhost{path}"))
                .header("content-type", "application/grpc")
                .body(tonic::body::Body::empty())
                .expect("a request");
            let response = transport.clone().oneshot(request).await.expect(label);
            let status = tonic::Status::from_header_map(response.headers()).expect(label);
            assert_eq!(status.code(), Code::PermissionDenied, "{label} {path}");
        }
    }
}

#[tokio::test]
async fn overload_is_refused_with_a_hint_and_ends_when_a_place_is_free() {
    let mut doors = Doors::open(Limits {
        critical: 1,
        interactive: 8,
        bulk: 8,
    })
    .await;
    for (label, mut client) in doors.both() {
        let mut held = client.clone();
        let mut busy = Box::pin(held.heads(ask("never")));
        tokio::select! {
            answer = &mut busy => panic!("{label}: {answer:?}"),
            _ = doors.started.recv() => {}
        }
        let status = {
            let refused = client.heads(ask("intake"));
            tokio::pin!(refused);
            tokio::select! {
                answer = &mut busy => panic!("{label}: {answer:?}"),
                answer = &mut refused => answer.expect_err(label),
            }
        };
        assert_eq!(status.code(), Code::ResourceExhausted, "{label}: {status}");
        assert_eq!(reason(&status), "OVERLOADED", "{label}");
        let details = status.get_error_details();
        let after = details.retry_info().and_then(|retry| retry.retry_delay);
        assert!(
            after.is_some_and(|after| after > Duration::ZERO),
            "{label}: {after:?}"
        );

        // A caller that goes away frees its place.
        drop(busy);
        let begun = Instant::now();
        while client.heads(ask("intake")).await.is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(5),
                "{label}: the place stays taken"
            );
        }
        while doors.started.try_recv().is_ok() {}
    }
}
