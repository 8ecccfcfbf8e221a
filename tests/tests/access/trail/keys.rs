//! Keys of programs.

use hotline_proto::gateway::{
    CreateKeyRequest, CreateKeyResponse, ListKeysRequest, RevokeKeyRequest, RotateKeyRequest,
    RotateKeyResponse,
};

use super::Trail;
use super::accounts::path;

/// Everything that is done with keys.
pub async fn all(trail: &mut Trail<'_>) {
    let who = trail.able(&path("CreateKey"));
    let mut visit = trail.visit(&path("CreateKey")).await;
    let of = |key: &str, channel_code: &str| CreateKeyRequest {
        idempotency_key: key.to_owned(),
        expected_version: 0,
        owner: "12345 app".to_owned(),
        channel_code: channel_code.to_owned(),
        verbs: vec!["register".to_owned()],
        networks: vec!["10.1.0.0/16".to_owned()],
        days: 90,
        per_minute: 100,
        per_day: 1000,
    };
    let made: CreateKeyResponse = visit.allowed(&who, &of("key", "app")).await;
    let first = made.key.expect("a key").id;
    visit.calls(&first, "key");
    visit.refused("invalid", &who, &of("another", "")).await;
    visit.ends().await;

    let mut visit = trail.visit(&path("RotateKey")).await;
    let of = |key: &str, key_id: &str| RotateKeyRequest {
        idempotency_key: key.to_owned(),
        expected_version: 0,
        key_id: key_id.to_owned(),
    };
    let made: RotateKeyResponse = visit.allowed(&who, &of("rotate", &first)).await;
    visit.calls(&made.key.expect("a key").id, "second key");
    visit
        .refused("conflict", &who, &of("rotate again", &first))
        .await;
    visit
        .refused("invalid", &who, &of("rotate nothing", "nothing"))
        .await;
    visit.ends().await;

    let mut visit = trail.visit(&path("RevokeKey")).await;
    let of = |key: &str, key_id: &str| RevokeKeyRequest {
        idempotency_key: key.to_owned(),
        expected_version: 0,
        key_id: key_id.to_owned(),
    };
    visit.allowed::<()>(&who, &of("revoke", &first)).await;
    visit.repeated().await;
    visit
        .refused("invalid", &who, &of("revoke nothing", "nothing"))
        .await;
    visit.ends().await;

    let of = |page_token: &str| ListKeysRequest {
        page_token: page_token.to_owned(),
        ..ListKeysRequest::default()
    };
    trail
        .reading(&path("ListKeys"), &of(""), &of("nothing"))
        .await;
}
