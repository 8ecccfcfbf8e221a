//! The gRPC face of [`Accounts`]: decode, call, encode. Nothing is decided here.

use hotline_platform::core::CommandContext;
use hotline_platform::grpc::{cause, command};
use hotline_platform::page::Page;
use hotline_proto::gateway as pb;
use hotline_proto::gateway::account_service_server::AccountService;
use prost::Message;
use tonic::{Request, Response, Status};

use crate::app::Accounts;
use crate::app::keys::MadeKey;
use crate::app::set_up::SetUp;
use crate::convert;
use crate::error::GatewayError;

/// Serves [`Accounts`] over gRPC.
pub(crate) struct AccountsGrpc(pub(crate) Accounts);

type Answer<T> = Result<Response<T>, Status>;

/// The context of a question.
fn asking<T: Message>(request: &Request<T>) -> CommandContext {
    command(request, "", 0)
}

fn page<C: serde::Serialize + serde::de::DeserializeOwned>(
    size: u32,
    token: &str,
) -> Result<Page<C>, GatewayError> {
    Ok(Page::decode(size, token)?)
}

fn made(made: &MadeKey) -> (Option<pb::Key>, String) {
    let text = made.text.as_ref().map(|text| text.to_string());
    (Some(convert::key(&made.key)), text.unwrap_or_default())
}

#[tonic::async_trait]
impl AccountService for AccountsGrpc {
    async fn begin_set_up(
        &self,
        request: Request<pb::BeginSetUpRequest>,
    ) -> Answer<pb::BeginSetUpResponse> {
        let cause = cause(&request);
        let asked = request.get_ref();
        let proof = convert::proof(&asked.link, &asked.asker_part)?;
        let offer = self.0.begin_set_up(cause, &proof).await?;
        Ok(Response::new(pb::BeginSetUpResponse {
            name: offer
                .name
                .map(|name| name.as_str().to_owned())
                .unwrap_or_default(),
            secret: offer.secret.to_string(),
            url: offer.url.to_string(),
        }))
    }

    async fn complete_set_up(
        &self,
        request: Request<pb::CompleteSetUpRequest>,
    ) -> Answer<pb::CompleteSetUpResponse> {
        let cause = cause(&request);
        let asked = request.into_inner();
        let name = Some(&asked.name).filter(|name| !name.is_empty());
        let name = name.map(|name| convert::name("name", name)).transpose()?;
        let chosen = SetUp {
            proof: convert::proof(&asked.link, &asked.asker_part)?,
            name,
            password: convert::password("password", asked.password)?,
            code: asked.code,
        };
        let (name, codes) = self.0.complete_set_up(cause, chosen).await?;
        Ok(Response::new(pb::CompleteSetUpResponse {
            name: name.as_str().to_owned(),
            recovery_codes: codes.iter().map(|code| code.to_string()).collect(),
        }))
    }

    async fn sign_in(&self, request: Request<pb::SignInRequest>) -> Answer<pb::SignInResponse> {
        let cause = cause(&request);
        let asked = convert::sign_in(request.into_inner())?;
        let found = self.0.sign_in_evenly(cause, asked).await?;
        let own = found.session.id.to_string();
        Ok(Response::new(pb::SignInResponse {
            token: found.token.reveal().to_owned(),
            device: found
                .device
                .map(|device| device.reveal().to_owned())
                .unwrap_or_default(),
            account: Some(convert::account(&found.account)),
            session: Some(convert::session(&found.session, &own)),
        }))
    }

    async fn step_up(&self, request: Request<pb::StepUpRequest>) -> Answer<pb::StepUpResponse> {
        let cause = cause(&request);
        let token = self.0.step_up(cause, request.into_inner().code).await?;
        let token = token.reveal().to_owned();
        Ok(Response::new(pb::StepUpResponse { token }))
    }

    async fn sign_out(&self, request: Request<pb::SignOutRequest>) -> Answer<pb::SignOutResponse> {
        self.0.sign_out(cause(&request)).await?;
        Ok(Response::new(pb::SignOutResponse {}))
    }

    async fn get_own_account(
        &self,
        request: Request<pb::GetOwnAccountRequest>,
    ) -> Answer<pb::GetOwnAccountResponse> {
        let cause = cause(&request);
        let (session, account) = self.0.own_session(&cause).await?;
        Ok(Response::new(pb::GetOwnAccountResponse {
            account: Some(convert::account(&account)),
            session: Some(convert::session(&session, &cause.session)),
        }))
    }

    async fn list_own_sessions(
        &self,
        request: Request<pb::ListOwnSessionsRequest>,
    ) -> Answer<pb::ListOwnSessionsResponse> {
        let cause = cause(&request);
        let found = self.0.own_sessions(&cause).await?;
        let told = found
            .iter()
            .map(|found| convert::session(found, &cause.session));
        Ok(Response::new(pb::ListOwnSessionsResponse {
            sessions: told.collect(),
            next_page_token: String::new(),
        }))
    }

    async fn end_own_session(
        &self,
        request: Request<pb::EndOwnSessionRequest>,
    ) -> Answer<pb::EndOwnSessionResponse> {
        let session = convert::id("session_id", &request.get_ref().session_id)?;
        self.0.end_own_session(cause(&request), session).await?;
        Ok(Response::new(pb::EndOwnSessionResponse {}))
    }

    async fn change_password(
        &self,
        request: Request<pb::ChangePasswordRequest>,
    ) -> Answer<pb::ChangePasswordResponse> {
        let cause = cause(&request);
        let asked = request.into_inner();
        let old = convert::password("old_password", asked.old_password)?;
        let new = convert::password("new_password", asked.new_password)?;
        self.0.change_password(cause, old, new).await?;
        Ok(Response::new(pb::ChangePasswordResponse {}))
    }

    async fn list_accounts(
        &self,
        request: Request<pb::ListAccountsRequest>,
    ) -> Answer<pb::ListAccountsResponse> {
        let page = page(request.get_ref().page_size, &request.get_ref().page_token)?;
        let mut found = self.0.accounts(&asking(&request), &page).await?;
        let next = convert::cut(&mut found, &page, |last| last.name.as_str().to_owned());
        Ok(Response::new(pb::ListAccountsResponse {
            accounts: found.iter().map(convert::account).collect(),
            next_page_token: next,
        }))
    }

    async fn add_account(
        &self,
        request: Request<pb::AddAccountRequest>,
    ) -> Answer<pb::AddAccountResponse> {
        let asked = request.get_ref();
        let wanted = convert::new_account(asked)?;
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let kept = self.0.add_account(context, wanted).await?;
        let (account, request) = convert::kept(&kept);
        Ok(Response::new(pb::AddAccountResponse {
            account,
            request,
            link: convert::given(kept.link.as_ref()),
            asker_part: convert::given(kept.asker_part.as_ref()),
        }))
    }

    async fn disable_account(
        &self,
        request: Request<pb::DisableAccountRequest>,
    ) -> Answer<pb::DisableAccountResponse> {
        let asked = request.get_ref();
        let (name, reason) = (
            convert::name("name", &asked.name)?,
            convert::reason(&asked.reason)?,
        );
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let kept = self.0.disable_account(context, name, reason).await?;
        let account = Some(convert::account(&kept.account));
        Ok(Response::new(pb::DisableAccountResponse { account }))
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Answer<pb::ListSessionsResponse> {
        let name = convert::name("account_name", &request.get_ref().account_name)?;
        let context = asking(&request);
        let found = self.0.sessions_of(&context, &name).await?;
        let own = &context.cause.session;
        Ok(Response::new(pb::ListSessionsResponse {
            sessions: found
                .iter()
                .map(|found| convert::session(found, own))
                .collect(),
            next_page_token: String::new(),
        }))
    }

    async fn end_session(
        &self,
        request: Request<pb::EndSessionRequest>,
    ) -> Answer<pb::EndSessionResponse> {
        let name = convert::name("account_name", &request.get_ref().account_name)?;
        let session = convert::id("session_id", &request.get_ref().session_id)?;
        self.0
            .end_session_of(asking(&request), &name, session)
            .await?;
        Ok(Response::new(pb::EndSessionResponse {}))
    }

    async fn request_roles(
        &self,
        request: Request<pb::RequestRolesRequest>,
    ) -> Answer<pb::RequestRolesResponse> {
        let asked = request.get_ref();
        let (name, reason) = (
            convert::name("name", &asked.name)?,
            convert::reason(&asked.reason)?,
        );
        let wanted = (asked.roles.clone(), convert::unit_code(&asked.unit_code)?);
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let kept = self.0.request_roles(context, name, wanted, reason).await?;
        let (account, request) = convert::kept(&kept);
        Ok(Response::new(pb::RequestRolesResponse {
            account,
            request,
            link: convert::given(kept.link.as_ref()),
            asker_part: convert::given(kept.asker_part.as_ref()),
        }))
    }

    async fn request_reset(
        &self,
        request: Request<pb::RequestResetRequest>,
    ) -> Answer<pb::RequestResetResponse> {
        let asked = request.get_ref();
        let (name, reason) = (
            convert::name("name", &asked.name)?,
            convert::reason(&asked.reason)?,
        );
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let kept = self.0.request_reset(context, name, reason).await?;
        let (account, request) = convert::kept(&kept);
        Ok(Response::new(pb::RequestResetResponse {
            account,
            request,
            link: convert::given(kept.link.as_ref()),
            asker_part: convert::given(kept.asker_part.as_ref()),
        }))
    }

    async fn approve_request(
        &self,
        request: Request<pb::ApproveRequestRequest>,
    ) -> Answer<pb::ApproveRequestResponse> {
        let asked = request.get_ref();
        let id = convert::id("request_id", &asked.request_id)?;
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let kept = self.0.approve(context, id).await?;
        let (account, request) = convert::kept(&kept);
        Ok(Response::new(pb::ApproveRequestResponse {
            account,
            request,
            link: convert::given(kept.link.as_ref()),
        }))
    }

    async fn refuse_request(
        &self,
        request: Request<pb::RefuseRequestRequest>,
    ) -> Answer<pb::RefuseRequestResponse> {
        let asked = request.get_ref();
        let id = convert::id("request_id", &asked.request_id)?;
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let kept = self.0.refuse(context, id).await?;
        let (_, request) = convert::kept(&kept);
        Ok(Response::new(pb::RefuseRequestResponse { request }))
    }

    async fn list_requests(
        &self,
        request: Request<pb::ListRequestsRequest>,
    ) -> Answer<pb::ListRequestsResponse> {
        let asked = request.get_ref();
        let state = convert::request_state(asked.state)?;
        let page = page(asked.page_size, &asked.page_token)?;
        let mut found = self.0.requests(&asking(&request), state, &page).await?;
        let next = convert::cut(&mut found, &page, |(last, _)| last.id);
        let told = found
            .iter()
            .map(|(found, account)| convert::request(found, account));
        Ok(Response::new(pb::ListRequestsResponse {
            requests: told.collect(),
            next_page_token: next,
        }))
    }

    async fn take_roles(
        &self,
        request: Request<pb::TakeRolesRequest>,
    ) -> Answer<pb::TakeRolesResponse> {
        let asked = request.get_ref();
        let (name, reason) = (
            convert::name("name", &asked.name)?,
            convert::reason(&asked.reason)?,
        );
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let kept = self
            .0
            .take_roles(context, name, asked.roles.clone(), reason)
            .await?;
        let account = Some(convert::account(&kept.account));
        Ok(Response::new(pb::TakeRolesResponse { account }))
    }

    async fn create_key(
        &self,
        request: Request<pb::CreateKeyRequest>,
    ) -> Answer<pb::CreateKeyResponse> {
        let asked = request.get_ref();
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let (key, text) = made(&self.0.create_key(context, convert::new_key(asked)).await?);
        Ok(Response::new(pb::CreateKeyResponse { key, text }))
    }

    async fn rotate_key(
        &self,
        request: Request<pb::RotateKeyRequest>,
    ) -> Answer<pb::RotateKeyResponse> {
        let asked = request.get_ref();
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let (key, text) = made(&self.0.rotate_key(context, &asked.key_id).await?);
        Ok(Response::new(pb::RotateKeyResponse { key, text }))
    }

    async fn revoke_key(
        &self,
        request: Request<pb::RevokeKeyRequest>,
    ) -> Answer<pb::RevokeKeyResponse> {
        let asked = request.get_ref();
        let context = command(&request, &asked.idempotency_key, asked.expected_version);
        let key = self.0.revoke_key(context, asked.key_id.clone()).await?;
        let key = Some(convert::key(&key));
        Ok(Response::new(pb::RevokeKeyResponse { key }))
    }

    async fn list_keys(
        &self,
        request: Request<pb::ListKeysRequest>,
    ) -> Answer<pb::ListKeysResponse> {
        let page = page(request.get_ref().page_size, &request.get_ref().page_token)?;
        let mut found = self.0.keys(&asking(&request), &page).await?;
        let next = convert::cut(&mut found, &page, |last| last.id.clone());
        Ok(Response::new(pb::ListKeysResponse {
            keys: found.iter().map(convert::key).collect(),
            next_page_token: next,
        }))
    }
}
