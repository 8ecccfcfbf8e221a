//! Messages into what the use cases take, and back.

use hotline_kernel::time::Timestamp;
use hotline_platform::page::{Page, token};
use hotline_proto::gateway as pb;
use uuid::Uuid;

use crate::app::keeping::{Kept, NewAccount};
use crate::app::keys::NewKey;
use crate::app::sign_in::SignIn;
use crate::domain::account::{Account, AccountName, AccountState};
use crate::domain::key::{Key, Network, Verb};
use crate::domain::password::Password;
use crate::domain::request::{Request, RequestState, Wish};
use crate::domain::session::Session;
use crate::domain::token::{Opens, SetUpProof, Token};
use crate::error::GatewayError;

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;
/// The longest unit code, and the longest name of a person at the identity provider, in characters.
const WORD_CHARS_MAX: usize = 200;

fn invalid(field: &'static str, expected: &'static str) -> GatewayError {
    GatewayError::Invalid { field, expected }
}

/// The name of an account.
pub(crate) fn name(field: &'static str, text: &str) -> Result<AccountName, GatewayError> {
    AccountName::parse(text).ok_or(invalid(field, AccountName::EXPECTED))
}

/// An id.
pub(crate) fn id(field: &'static str, text: &str) -> Result<Uuid, GatewayError> {
    text.parse()
        .map_err(|_| invalid(field, "an id that a list gave"))
}

/// What a set-up link holds, and the asker's part of it, empty if there is none.
pub(crate) fn proof(link: &str, asker_part: &str) -> Result<SetUpProof, GatewayError> {
    let link = Token::parse(Opens::SetUp, link).ok_or(invalid(
        "link",
        "what the set-up link holds, hl_ and 64 digits",
    ))?;
    let asker_part = match asker_part {
        "" => None,
        text => Some(Token::parse(Opens::SetUpPart, text).ok_or(invalid(
            "asker_part",
            "what was given to whoever asked, hp_ and 64 digits, or nothing",
        ))?),
    };
    Ok(SetUpProof { link, asker_part })
}

/// A password that somebody typed.
pub(crate) fn password(field: &'static str, text: String) -> Result<Password, GatewayError> {
    let password = Password::new(text);
    if password.is_empty() {
        return Err(invalid(field, "a password"));
    }
    Ok(password)
}

/// Why something is done to an account.
pub(crate) fn reason(text: &str) -> Result<String, GatewayError> {
    word(
        "reason",
        text,
        "why, in 1 to 500 characters",
        REASON_CHARS_MAX,
    )
}

fn word(
    field: &'static str,
    text: &str,
    expected: &'static str,
    chars_max: usize,
) -> Result<String, GatewayError> {
    let text = text.trim();
    let is_fit =
        (1..=chars_max).contains(&text.chars().count()) && !text.contains(char::is_control);
    is_fit
        .then(|| text.to_owned())
        .ok_or(invalid(field, expected))
}

/// A unit's code, empty if none.
pub(crate) fn unit_code(text: &str) -> Result<String, GatewayError> {
    if text.is_empty() {
        return Ok(String::new());
    }
    word("unit_code", text, "the code of a unit", WORD_CHARS_MAX)
}

/// What somebody says who wants to come in.
pub(crate) fn sign_in(asked: pb::SignInRequest) -> Result<SignIn, GatewayError> {
    if asked.name.is_empty() {
        return Err(invalid("name", "the name of an account"));
    }
    let new = Some(asked.new_password).filter(|text| !text.is_empty());
    Ok(SignIn {
        name: asked.name,
        password: password("password", asked.password)?,
        code: asked.code,
        device: Token::parse(Opens::Device, &asked.device),
        new_password: new.map(Password::new),
        agent: asked.agent,
    })
}

/// An account that somebody wants.
pub(crate) fn new_account(asked: &pb::AddAccountRequest) -> Result<NewAccount, GatewayError> {
    let subject = Some(&asked.oidc_subject).filter(|text| !text.is_empty());
    let expected = "who it is at the identity provider, its `sub`";
    let subject = subject.map(|text| word("oidc_subject", text, expected, WORD_CHARS_MAX));
    Ok(NewAccount {
        name: name("name", &asked.name)?,
        roles: asked.roles.clone(),
        unit_code: unit_code(&asked.unit_code)?,
        outsourced: asked.outsourced,
        oidc_subject: subject.transpose()?,
        reason: reason(&asked.reason)?,
    })
}

/// A key that somebody wants.
pub(crate) fn new_key(asked: &pb::CreateKeyRequest) -> NewKey {
    NewKey {
        owner: asked.owner.clone(),
        channel_code: asked.channel_code.clone(),
        verbs: asked.verbs.clone(),
        networks: asked.networks.clone(),
        days: asked.days,
        per_minute: asked.per_minute,
        per_day: asked.per_day,
    }
}

/// A state of requests, `None` for any.
pub(crate) fn request_state(state: i32) -> Result<Option<RequestState>, GatewayError> {
    match pb::RequestState::try_from(state) {
        Ok(pb::RequestState::Unspecified) => Ok(None),
        Ok(pb::RequestState::Open) => Ok(Some(RequestState::Open)),
        Ok(pb::RequestState::Approved) => Ok(Some(RequestState::Approved)),
        Ok(pb::RequestState::Refused) => Ok(Some(RequestState::Refused)),
        Err(_) => Err(invalid("state", "a state of requests")),
    }
}

#[expect(
    clippy::cast_possible_wrap,
    reason = "fewer than a billion nanoseconds"
)]
fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.timestamp(),
        nanos: at.timestamp_subsec_nanos() as i32,
    }
}

/// An account, as it is told.
pub(crate) fn account(account: &Account) -> pb::Account {
    let state = match account.state {
        AccountState::Invited => pb::AccountState::Invited,
        AccountState::Active => pb::AccountState::Active,
        AccountState::Disabled => pb::AccountState::Disabled,
    };
    pb::Account {
        name: account.name.as_str().to_owned(),
        state: state.into(),
        roles: account.roles.clone(),
        unit_code: account.unit_code.clone(),
        outsourced: account.outsourced,
        has_oidc_subject: account.oidc_subject.is_some(),
        made_at: Some(timestamp(account.made_at)),
        last_used_at: Some(timestamp(account.last_used_at)),
        version: account.version,
    }
}

/// A session, as it is told to whoever came by `own`.
pub(crate) fn session(session: &Session, own: &str) -> pb::Session {
    let id = session.id.to_string();
    pb::Session {
        is_this_one: id == own,
        id,
        from_addr: session.from_addr.clone(),
        agent: session.agent.clone(),
        made_at: Some(timestamp(session.made_at)),
        seen_at: Some(timestamp(session.seen_at)),
        ends_at: Some(timestamp(session.ends_at())),
        stepped_up_at: session.stepped_up_at.map(timestamp),
    }
}

/// A request for `account`, as it is told to whoever decides about it.
pub(crate) fn request(request: &Request, account: &Account) -> pb::AccountRequest {
    let (roles, unit_code, is_reset) = match &request.wish {
        Wish::Roles { roles, unit_code } => (roles.clone(), unit_code.clone(), false),
        Wish::Reset => (Vec::new(), String::new(), true),
    };
    let state = match request.state {
        RequestState::Open => pb::RequestState::Open,
        RequestState::Approved => pb::RequestState::Approved,
        RequestState::Refused => pb::RequestState::Refused,
    };
    pb::AccountRequest {
        id: request.id.to_string(),
        account_name: account.name.as_str().to_owned(),
        roles,
        unit_code,
        is_reset,
        reason: request.reason.clone(),
        asked_by: request.asked_by.clone(),
        asked_at: Some(timestamp(request.asked_at)),
        state: state.into(),
        decided_by: request.decided_by.clone(),
        version: request.version,
        oidc_subject: account.oidc_subject.clone().unwrap_or_default(),
    }
}

/// What somebody is given for an account's person, once; empty if there is none.
pub(crate) fn given(token: Option<&Token>) -> String {
    token
        .map(|token| token.reveal().to_owned())
        .unwrap_or_default()
}

/// What became of an account: itself, and the request.
pub(crate) fn kept(kept: &Kept) -> (Option<pb::Account>, Option<pb::AccountRequest>) {
    let asked = kept.request.as_ref();
    (
        Some(account(&kept.account)),
        asked.map(|asked| request(asked, &kept.account)),
    )
}

/// A key, as it is told.
pub(crate) fn key(key: &Key) -> pb::Key {
    pb::Key {
        id: key.id.clone(),
        owner: key.owner.clone(),
        channel_code: key.channel_code.clone(),
        verbs: key
            .verbs
            .iter()
            .copied()
            .map(Verb::word)
            .map(str::to_owned)
            .collect(),
        networks: key.networks.iter().map(Network::word).collect(),
        per_minute: key.per_minute,
        per_day: key.per_day,
        made_at: Some(timestamp(key.made_at)),
        expires_at: Some(timestamp(key.expires_at)),
        revoked_at: key.revoked_at.map(timestamp),
        version: key.version,
    }
}

/// Cuts the surplus row off; the token that goes on behind the last one left, empty if that is all.
pub(crate) fn cut<T, C: serde::Serialize>(
    rows: &mut Vec<T>,
    page: &Page<C>,
    cursor: impl Fn(&T) -> C,
) -> String {
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return String::new();
    }
    rows.truncate(size);
    rows.last()
        .map(|last| token(&cursor(last)))
        .unwrap_or_default()
}
