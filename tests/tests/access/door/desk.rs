//! Somebody on the other side of a door: with a signature, a session or a key.

use hotline::services::Name;
use hotline_platform::access::Role;
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal};
use hotline_proto::gateway::{
    AddAccountRequest, AddAccountResponse, ApproveRequestRequest, ApproveRequestResponse,
    BeginSetUpRequest, BeginSetUpResponse, CompleteSetUpRequest, SignInRequest, SignInResponse,
};
use hotline_tests::access::Outcome;
use hotline_tests::authenticator::Authenticator;
use hotline_tests::city::City;
use hotline_tests::city::door::Door;
use hotline_tests::tables::AuditRow;
use prost::Message;
use tonic::Code;

const PASSWORD: &str = "violet-gravel-83";

pub fn accounts(method: &str) -> String {
    format!("/hotline.gateway.v1.AccountService/{method}")
}

/// Somebody on the other side of a door.
pub struct Desk<'a> {
    pub city: &'a City,
    pub door: Door,
}

impl<'a> Desk<'a> {
    pub async fn of(city: &'a City) -> Self {
        let door = city.door().await;
        Self { city, door }
    }

    pub async fn calls(&self, proof: &Proof, path: &str, message: &impl Message) -> Outcome {
        let metadata = match proof {
            Proof::Signed(person) => Some((PRINCIPAL_METADATA, self.city.signer().sign(person))),
            Proof::Bearer(secret) => Some(("authorization", format!("Bearer {secret}"))),
            Proof::None => None,
        };
        let outcome = self
            .city
            .sends_through(&self.door, path, metadata, message)
            .await;
        self.city.settles().await;
        outcome
    }

    pub async fn told<A: Message + Default>(
        &self,
        proof: &Proof,
        path: &str,
        message: &impl Message,
    ) -> A {
        let outcome = self.calls(proof, path, message).await;
        assert_eq!(
            outcome.code,
            Code::Ok,
            "{}: {path}: {} {}",
            self.city.label,
            outcome.reason,
            outcome.message
        );
        A::decode(outcome.answer.as_slice()).expect("an answer of this kind")
    }

    /// The rows of a service that tell of a method.
    pub async fn rows(&self, service: Name, path: &str) -> Vec<AuditRow> {
        let rows = self.city.tables(service).await.trail_behind(0).await;
        let of = |row: &AuditRow| row.method == path;
        rows.into_iter().filter(of).collect()
    }

    pub async fn one_row(&self, service: Name, path: &str) -> AuditRow {
        let mut rows = self.rows(service, path).await;
        assert_eq!(rows.len(), 1, "{}: {path}: {rows:?}", self.city.label);
        rows.remove(0)
    }
}

pub enum Proof {
    Signed(Principal),
    Bearer(String),
    None,
}

pub fn keeper(id: &str, city: &City) -> Proof {
    let mut person = Principal::new(id, Role::SecurityAdministrator);
    person.stepped_up_at = Some(city.now().timestamp_micros());
    // Whoever has none sits at the machine, and needs nobody else.
    person.session = format!("session of {id}");
    Proof::Signed(person)
}

/// Sets up the account called `name`, whose link this is, and signs in.
async fn comes_in(desk: &Desk<'_>, link: String, asker_part: String, name: &str) -> SignInResponse {
    let city = desk.city;
    let asked = BeginSetUpRequest {
        link: link.clone(),
        asker_part: asker_part.clone(),
    };
    let path = accounts("BeginSetUp");
    let offer: BeginSetUpResponse = desk.told(&Proof::None, &path, &asked).await;
    let authenticator = Authenticator::new(&offer.secret);
    let chosen = CompleteSetUpRequest {
        link,
        name: String::new(),
        password: PASSWORD.to_owned(),
        code: authenticator.code_at(city.now()),
        asker_part,
    };
    let path = accounts("CompleteSetUp");
    desk.told::<()>(&Proof::None, &path, &chosen).await;
    city.minutes_pass(1).await;
    let asked = SignInRequest {
        name: name.to_owned(),
        password: PASSWORD.to_owned(),
        code: authenticator.code_at(city.now()),
        ..SignInRequest::default()
    };
    desk.told(&Proof::None, &accounts("SignIn"), &asked).await
}

/// A session of a person with `role`.
pub async fn session(desk: &Desk<'_>, name: &str, role: Role) -> SignInResponse {
    let city = desk.city;
    let asked = AddAccountRequest {
        idempotency_key: format!("add {name}"),
        name: name.to_owned(),
        roles: vec![role.word().to_owned()],
        reason: "begins today".to_owned(),
        ..AddAccountRequest::default()
    };
    let (a, b) = (
        keeper("security_administrator:a", city),
        keeper("security_administrator:b", city),
    );
    let added: AddAccountResponse = desk.told(&a, &accounts("AddAccount"), &asked).await;
    let asked = ApproveRequestRequest {
        idempotency_key: format!("approve {name}"),
        request_id: added.request.expect("a request").id,
        ..ApproveRequestRequest::default()
    };
    let path = accounts("ApproveRequest");
    let approved: ApproveRequestResponse = desk.told(&b, &path, &asked).await;
    comes_in(desk, approved.link, added.asker_part, name).await
}
