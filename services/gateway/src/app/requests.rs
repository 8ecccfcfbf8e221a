//! Roles and new ways in: one security administrator asks, another one approves. On this machine one is enough: whoever
//! can act there owns the databases anyway, and somebody must be able to begin.

use futures::future::BoxFuture;
use hotline_platform::core::CommandContext;
use hotline_platform::page::Page;
use hotline_platform::work::{Cause, Work};
use uuid::Uuid;

use super::Accounts;
use super::keeping::{Done, Fresh, Kept, is_on_this_machine, keeps, roles, seen, shut, tell_roles};
use super::set_up::offer;
use crate::domain::account::{Account, AccountName, AccountState};
use crate::domain::request::{Refused, Request, RequestState, Wish, may_ask};
use crate::domain::token::joined;
use crate::error::GatewayError;
use crate::store::{accounts, requests, sessions};

impl Request {
    /// Approves it in the name of `actor`.
    pub(super) fn grant_by(&mut self, actor: &str) {
        self.state = RequestState::Approved;
        actor.clone_into(&mut self.decided_by);
    }
}

impl Account {
    /// The account as `wish` would have it.
    pub(super) fn with(self, wish: &Wish) -> Self {
        match wish {
            Wish::Roles { roles, unit_code } => Self {
                roles: roles.clone(),
                unit_code: unit_code.clone(),
                ..self
            },
            Wish::Reset => Self {
                state: AccountState::Invited,
                ..self
            },
        }
    }
}

/// A request of `cause` that nobody decided yet.
pub(super) fn new_request(
    work: &Work,
    cause: &Cause,
    id: Uuid,
    account: &Account,
    wish: Wish,
) -> Request {
    Request {
        id,
        version: 1,
        account_id: account.id,
        wish,
        account_version: account.version,
        reason: String::new(),
        asked_by: cause.actor.clone(),
        asked_at: work.now(),
        state: RequestState::Open,
        decided_by: String::new(),
        asker_part_hash: None,
    }
}

impl Accounts {
    /// Asks that an account has exactly these roles.
    pub(crate) async fn request_roles(
        &self,
        context: CommandContext,
        name: AccountName,
        (words, unit_code): (Vec<String>, String),
        reason: String,
    ) -> Result<Kept, GatewayError> {
        let account = self.kept_account(&context, &name).await?;
        let roles = roles(&words, &unit_code, account.outsourced)?;
        self.request(context, name, Wish::Roles { roles, unit_code }, reason)
            .await
    }

    /// Asks that an account's person may choose a new password and second factor; brings a disabled one back.
    pub(crate) async fn request_reset(
        &self,
        context: CommandContext,
        name: AccountName,
        reason: String,
    ) -> Result<Kept, GatewayError> {
        keeps(&context)?;
        self.request(context, name, Wish::Reset, reason).await
    }

    async fn request(
        &self,
        context: CommandContext,
        name: AccountName,
        wish: Wish,
        reason: String,
    ) -> Result<Kept, GatewayError> {
        let (cause, expected) = (context.cause.clone(), context.expected_version);
        let vouches = self.provider_vouches();
        let id = self.core().ids().next(self.now());
        self.kept(context, move |work, fresh| {
            Box::pin(async move {
                let account = seen(work, &name, expected).await?;
                may_ask(&cause.actor, &account.name.actor())?;
                let mut request = new_request(work, &cause, id, &account, wish);
                request.reason = reason;
                let is_trusted = is_on_this_machine(&cause);
                if is_trusted {
                    request.grant_by(&cause.actor);
                    requests::insert(work.txn(), &request).await?;
                    return grant(work, &cause, (account, request), vouches, fresh).await;
                }
                let is_part_made = opens_the_account(&account, &request.wish, vouches);
                request.asker_part_hash = is_part_made.then_some(fresh.part_hash);
                requests::insert(work.txn(), &request).await?;
                tell_roles(work, &cause, &account, &request);
                Ok(Done {
                    account_id: account.id,
                    request_id: Some(id),
                    is_link_made: false,
                    is_part_made,
                })
            })
        })
        .await
    }

    /// Approves what another security administrator asked for.
    pub(crate) async fn approve(
        &self,
        context: CommandContext,
        id: Uuid,
    ) -> Result<Kept, GatewayError> {
        keeps(&context)?;
        let (cause, vouches) = (context.cause.clone(), self.provider_vouches());
        self.kept(context, move |work, fresh| {
            Box::pin(async move {
                let (account, mut request) = asked(work, id).await?;
                request.may_approve(
                    &cause.actor,
                    &account.name.actor(),
                    account.version,
                    work.now(),
                )?;
                request.version += 1;
                request.grant_by(&cause.actor);
                requests::save(work.txn(), &request).await?;
                grant(work, &cause, (account, request), vouches, fresh).await
            })
        })
        .await
    }

    /// Refuses what a security administrator asked for; whoever asked may do that too.
    pub(crate) async fn refuse(
        &self,
        context: CommandContext,
        id: Uuid,
    ) -> Result<Kept, GatewayError> {
        keeps(&context)?;
        let cause = context.cause.clone();
        self.kept(context, move |work, _| -> BoxFuture<'_, _> {
            Box::pin(async move {
                let (account, mut request) = asked(work, id).await?;
                request.may_be_decided(work.now())?;
                request.version += 1;
                request.state = RequestState::Refused;
                cause.actor.clone_into(&mut request.decided_by);
                requests::save(work.txn(), &request).await?;
                tell_roles(work, &cause, &account, &request);
                Ok(Done {
                    account_id: account.id,
                    request_id: Some(id),
                    is_link_made: false,
                    is_part_made: false,
                })
            })
        })
        .await
    }

    /// Requests in a state, oldest first, each with its account; one more than the page holds if there is a next one.
    pub(crate) async fn requests(
        &self,
        context: &CommandContext,
        state: Option<RequestState>,
        page: &Page<Uuid>,
    ) -> Result<Vec<(Request, Account)>, GatewayError> {
        keeps(context)?;
        let db = self.core().db().read();
        let mut found = Vec::new();
        for request in requests::list(db, state, page).await? {
            let account = accounts::by_id(db, request.account_id).await?;
            found.push((request, account.ok_or(GatewayError::AccountNotFound)?));
        }
        Ok(found)
    }
}

async fn asked(work: &Work, id: Uuid) -> Result<(Account, Request), GatewayError> {
    let request = requests::by_id(&**work.txn(), id).await?;
    let request = request.ok_or(GatewayError::RequestNotFound)?;
    let account = accounts::by_id(&**work.txn(), request.account_id).await?;
    Ok((account.ok_or(GatewayError::AccountNotFound)?, request))
}

/// Whether the account's person chooses a password once `wish` is granted. Nobody does who signs in at the identity
/// provider, where that vouches for second factors.
fn opens_the_account(account: &Account, wish: &Wish, provider_vouches: bool) -> bool {
    let is_signed_in_elsewhere = account.oidc_subject.is_some() && provider_vouches;
    !is_signed_in_elsewhere && (*wish == Wish::Reset || account.state == AccountState::Invited)
}

/// The hash of the link that an approval makes. Whoever approves in another one's name than the machine's is given one
/// part of it; who asked has the other one.
fn link_hash(cause: &Cause, request: &Request, fresh: &Fresh) -> Result<Vec<u8>, Refused> {
    match &request.asker_part_hash {
        Some(part_hash) => Ok(joined(&fresh.link_hash, part_hash)),
        None if is_on_this_machine(cause) => Ok(fresh.link_hash.clone()),
        None => Err(Refused::AskedInOnePart),
    }
}

/// Does what an approved request asks for. Sessions end, so that nobody goes on with what he had before.
async fn grant(
    work: &Work,
    cause: &Cause,
    (account, request): (Account, Request),
    provider_vouches: bool,
    fresh: Fresh,
) -> Result<Done, GatewayError> {
    if account.state == AccountState::Disabled && request.wish != Wish::Reset {
        return Err(Refused::AccountChanged.into());
    }
    let is_link_made = opens_the_account(&account, &request.wish, provider_vouches);
    let mut account = Account {
        version: account.version + 1,
        last_used_at: work.now(),
        ..account.with(&request.wish)
    };
    if account.state == AccountState::Invited && !is_link_made {
        account.state = AccountState::Active;
    }
    accounts::save(work.txn(), &account).await?;
    if request.wish == Wish::Reset {
        shut(work, account.id).await?;
    } else {
        sessions::end_others(work.txn(), account.id, None).await?;
    }
    if is_link_made {
        let hash = link_hash(cause, &request, &fresh)?;
        offer(work, account.id, hash).await?;
    }
    tell_roles(work, cause, &account, &request);
    Ok(Done {
        account_id: account.id,
        request_id: Some(request.id),
        is_link_made,
        is_part_made: false,
    })
}
