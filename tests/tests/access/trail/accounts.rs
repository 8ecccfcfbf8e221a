//! Accounts: set up, signed in to, given roles by two persons, disabled.

use hotline_platform::access::Role;
use hotline_platform::grpc::Principal;
use hotline_proto::gateway::{
    AddAccountRequest, AddAccountResponse, ApproveRequestRequest, BeginSetUpRequest,
    BeginSetUpResponse, ChangePasswordRequest, CompleteSetUpRequest, DisableAccountRequest,
    EndOwnSessionRequest, EndSessionRequest, GetOwnAccountRequest, ListAccountsRequest,
    ListOwnSessionsRequest, ListRequestsRequest, ListSessionsRequest, RefuseRequestRequest,
    RequestResetRequest, RequestResetResponse, RequestRolesRequest, RequestRolesResponse,
    SignInRequest, SignInResponse, SignOutRequest, StepUpRequest, StepUpResponse, TakeRolesRequest,
};

use super::visit::Who;
use super::{Trail, another};
use hotline_tests::authenticator::Authenticator;

const PASSWORD: &str = "violet-gravel-83";
const CHANGED: &str = "copper-meadow-52";

pub fn path(method: &str) -> String {
    format!("/hotline.gateway.v1.AccountService/{method}")
}

/// Everything that is done with accounts.
pub async fn all(trail: &mut Trail<'_>) {
    let authenticator = set_up(trail).await;
    let session = signed_in(trail, &authenticator).await;
    let session = looked_after(trail, &authenticator, &session).await;
    kept(trail).await;
    granted(trail).await;
    ended(trail, &authenticator, &session).await;
}

async fn set_up(trail: &mut Trail<'_>) -> Authenticator {
    let city = trail.city;
    let link = city.first_link().await;
    let mut visit = trail.visit(&path("BeginSetUp")).await;
    let of = |link: &str| BeginSetUpRequest {
        link: link.to_owned(),
        ..BeginSetUpRequest::default()
    };
    let offer: BeginSetUpResponse = visit.allowed(&Who::Stranger, &of(&link)).await;
    let forged = format!("hl_{}", "0".repeat(64));
    visit.refused("invalid", &Who::Stranger, &of(&forged)).await;
    visit.ends().await;

    let authenticator = Authenticator::new(&offer.secret);
    let mut visit = trail.visit(&path("CompleteSetUp")).await;
    let of = |password: &str| CompleteSetUpRequest {
        link: link.clone(),
        name: "first".to_owned(),
        password: password.to_owned(),
        code: authenticator.code_at(city.now()),
        ..CompleteSetUpRequest::default()
    };
    visit.refused("invalid", &Who::Stranger, &of("short")).await;
    visit.allowed::<()>(&Who::Stranger, &of(PASSWORD)).await;
    visit
        .refused("conflict", &Who::Stranger, &of(PASSWORD))
        .await;
    visit.ends().await;
    city.minutes_pass(1).await;
    authenticator
}

async fn signed_in(trail: &mut Trail<'_>, authenticator: &Authenticator) -> SignInResponse {
    let city = trail.city;
    let mut visit = trail.visit(&path("SignIn")).await;
    let of = |name: &str, password: &str| SignInRequest {
        name: name.to_owned(),
        password: password.to_owned(),
        code: authenticator.code_at(city.now()),
        agent: "a browser".to_owned(),
        ..SignInRequest::default()
    };
    visit
        .refused("invalid", &Who::Stranger, &of("", PASSWORD))
        .await;
    visit
        .does("a wrong password", &Who::Stranger, &of("first", CHANGED))
        .await;
    visit
        .does("nobody's name", &Who::Stranger, &of("nobody", PASSWORD))
        .await;
    let answer: SignInResponse = visit.allowed(&Who::Stranger, &of("first", PASSWORD)).await;
    visit.calls(&session_id(&answer), "session");
    visit
        .does("the code once more", &Who::Stranger, &of("first", PASSWORD))
        .await;
    visit.ends().await;
    city.minutes_pass(1).await;
    answer
}

fn session_id(answer: &SignInResponse) -> String {
    answer.session.clone().expect("a session").id
}

/// What somebody does with his own account; with which session he goes on.
async fn looked_after(
    trail: &mut Trail<'_>,
    authenticator: &Authenticator,
    session: &SignInResponse,
) -> Who {
    let city = trail.city;
    let mut visit = trail.visit(&path("StepUp")).await;
    let of = |code: String| StepUpRequest { code };
    let who = Who::Bearer(session.token.clone());
    visit.does("a wrong code", &who, &of("x".to_owned())).await;
    let code = authenticator.code_at(city.now());
    let stepped: StepUpResponse = visit.allowed(&who, &of(code)).await;
    let who = Who::Bearer(stepped.token);
    visit
        .does("a wrong code in the new session", &who, &of("x".to_owned()))
        .await;
    visit.ends().await;

    for (method, is_list) in [("GetOwnAccount", false), ("ListOwnSessions", true)] {
        let mut visit = trail.visit(&path(method)).await;
        if is_list {
            let request = ListOwnSessionsRequest::default();
            visit.allowed::<()>(&who, &request).await;
        } else {
            visit.allowed::<()>(&who, &GetOwnAccountRequest {}).await;
        }
        visit.ends().await;
    }

    city.minutes_pass(1).await;
    let other = signs_in(trail, authenticator, PASSWORD).await;
    trail.call(&session_id(&other), "second session");
    let mut visit = trail.visit(&path("EndOwnSession")).await;
    let of = |session_id: String| EndOwnSessionRequest { session_id };
    visit.allowed::<()>(&who, &of(session_id(&other))).await;
    visit
        .refused("conflict", &who, &of(session_id(&other)))
        .await;
    visit
        .refused("invalid", &who, &of("nothing".to_owned()))
        .await;
    visit.ends().await;

    let mut visit = trail.visit(&path("ChangePassword")).await;
    let of = |old: &str, new: &str| ChangePasswordRequest {
        old_password: old.to_owned(),
        new_password: new.to_owned(),
    };
    visit
        .does("a wrong password", &who, &of(CHANGED, "amber-lantern-19"))
        .await;
    visit.refused("invalid", &who, &of(PASSWORD, "short")).await;
    visit.allowed::<()>(&who, &of(PASSWORD, CHANGED)).await;
    visit.ends().await;
    who
}

async fn signs_in(
    trail: &Trail<'_>,
    authenticator: &Authenticator,
    password: &str,
) -> SignInResponse {
    let city = trail.city;
    let asked = SignInRequest {
        name: "first".to_owned(),
        password: password.to_owned(),
        code: authenticator.code_at(city.now()),
        ..SignInRequest::default()
    };
    let sent = prost::Message::encode_to_vec(&asked);
    let outcome = city.sends(&path("SignIn"), None, sent, false).await;
    assert_eq!(outcome.code, tonic::Code::Ok, "{}", outcome.message);
    prost::Message::decode(outcome.answer.as_slice()).expect("an answer")
}

fn keeper(trail: &Trail<'_>) -> Who {
    trail.able(&path("AddAccount"))
}

fn new_account(key: &str, name: &str, role: Role) -> AddAccountRequest {
    AddAccountRequest {
        idempotency_key: key.to_owned(),
        name: name.to_owned(),
        roles: vec![role.word().to_owned()],
        reason: "begins today".to_owned(),
        ..AddAccountRequest::default()
    }
}

/// Accounts that are added, given to by a second person, and refused.
async fn kept(trail: &mut Trail<'_>) {
    let who = keeper(trail);
    let mut visit = trail.visit(&path("AddAccount")).await;
    let asked = new_account("add", "li", Role::Operator);
    let answer: AddAccountResponse = visit.allowed(&who, &asked).await;
    let request = answer.request.expect("a request").id;
    visit.calls(&request, "request");
    visit.repeated().await;
    let taken = new_account("add again", "li", Role::Operator);
    visit.refused("conflict", &who, &taken).await;
    let unfit = new_account("add badly", "!", Role::Operator);
    visit.refused("invalid", &who, &unfit).await;
    visit.ends().await;

    let mut visit = trail.visit(&path("ApproveRequest")).await;
    let of = |key: &str| ApproveRequestRequest {
        idempotency_key: key.to_owned(),
        request_id: request.clone(),
        ..ApproveRequestRequest::default()
    };
    visit.refused("by himself", &who, &of("himself")).await;
    visit.allowed::<()>(&another(&who), &of("approve")).await;
    // A link is shown once, so a repetition has another answer and leaves nothing.
    visit
        .refused("conflict", &another(&who), &of("approve again"))
        .await;
    visit.ends().await;

    let answer = adds(trail, &who, new_account("add wang", "wang", Role::Operator)).await;
    let request = answer.request.expect("a request").id;
    trail.call(&request, "request of wang");
    let request = |idempotency_key| RefuseRequestRequest {
        idempotency_key,
        expected_version: 0,
        request_id: request.clone(),
    };
    let other = another(&who);
    trail
        .command::<(), _>(&path("RefuseRequest"), &other, request)
        .await;
}

async fn adds(trail: &Trail<'_>, who: &Who, asked: AddAccountRequest) -> AddAccountResponse {
    let principal: &Principal = who.principal();
    let outcome = trail
        .city
        .calls(&path("AddAccount"), principal, &asked)
        .await;
    assert_eq!(outcome.code, tonic::Code::Ok, "{}", outcome.message);
    prost::Message::decode(outcome.answer.as_slice()).expect("an answer")
}

/// Roles and ways in that are asked for and taken away.
async fn granted(trail: &mut Trail<'_>) {
    let who = keeper(trail);
    let mut visit = trail.visit(&path("RequestRoles")).await;
    let of = |key: &str, roles: &[Role]| RequestRolesRequest {
        idempotency_key: key.to_owned(),
        name: "li".to_owned(),
        roles: roles.iter().map(|role| role.word().to_owned()).collect(),
        reason: "helps out".to_owned(),
        ..RequestRolesRequest::default()
    };
    let asked = of("more", &[Role::Operator, Role::Dispatcher]);
    let answer: RequestRolesResponse = visit.allowed(&who, &asked).await;
    visit.calls(&answer.request.expect("a request").id, "request for roles");
    visit.repeated().await;
    let unfit = of("unfit", &[Role::Auditor, Role::Dispatcher]);
    visit.refused("invalid", &who, &unfit).await;
    visit.ends().await;

    let mut visit = trail.visit(&path("RequestReset")).await;
    let of = |key: &str, name: &str| RequestResetRequest {
        idempotency_key: key.to_owned(),
        name: name.to_owned(),
        reason: "lost his telephone".to_owned(),
        ..RequestResetRequest::default()
    };
    let answer: RequestResetResponse = visit.allowed(&who, &of("reset", "li")).await;
    visit.calls(&answer.request.expect("a request").id, "request for a link");
    visit.repeated().await;
    visit
        .refused("invalid", &who, &of("reset nobody", "nobody"))
        .await;
    visit.ends().await;

    let mut visit = trail.visit(&path("TakeRoles")).await;
    let of = |key: &str, name: &str| TakeRolesRequest {
        idempotency_key: key.to_owned(),
        name: name.to_owned(),
        roles: vec![Role::Operator.word().to_owned()],
        reason: "leaves the desk".to_owned(),
        ..TakeRolesRequest::default()
    };
    visit.allowed::<()>(&who, &of("take", "li")).await;
    visit.repeated().await;
    visit
        .refused("invalid", &who, &of("take nobody", "nobody"))
        .await;
    visit.ends().await;

    let of = |page_token: &str| ListAccountsRequest {
        page_token: page_token.to_owned(),
        ..ListAccountsRequest::default()
    };
    trail
        .reading(&path("ListAccounts"), &of(""), &of("nothing"))
        .await;
    let of = |page_token: &str| ListRequestsRequest {
        page_token: page_token.to_owned(),
        ..ListRequestsRequest::default()
    };
    trail
        .reading(&path("ListRequests"), &of(""), &of("nothing"))
        .await;
}

/// Sessions and accounts that are ended by others, and one by himself.
async fn ended(trail: &mut Trail<'_>, authenticator: &Authenticator, own: &Who) {
    let of = |account_name: &str| ListSessionsRequest {
        account_name: account_name.to_owned(),
        ..ListSessionsRequest::default()
    };
    trail
        .reading(&path("ListSessions"), &of("first"), &of("nobody"))
        .await;

    let mut visit = trail.visit(&path("SignOut")).await;
    visit.allowed::<()>(own, &SignOutRequest {}).await;
    visit.refused("conflict", own, &SignOutRequest {}).await;
    visit.ends().await;

    trail.city.minutes_pass(1).await;
    let last = session_id(&signs_in(trail, authenticator, CHANGED).await);
    trail.call(&last, "last session");
    let who = keeper(trail);
    let mut visit = trail.visit(&path("EndSession")).await;
    let of = |session_id: &str| EndSessionRequest {
        account_name: "first".to_owned(),
        session_id: session_id.to_owned(),
    };
    visit.allowed::<()>(&who, &of(&last)).await;
    visit.refused("conflict", &who, &of(&last)).await;
    visit.refused("invalid", &who, &of("nothing")).await;
    visit.ends().await;

    let request = |idempotency_key: String| DisableAccountRequest {
        // The second time somebody who saw the account before.
        expected_version: i64::from(idempotency_key.ends_with("again")),
        idempotency_key,
        name: "li".to_owned(),
        reason: "left".to_owned(),
    };
    trail
        .command::<(), _>(&path("DisableAccount"), &who, request)
        .await;
}
