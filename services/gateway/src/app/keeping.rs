//! Keeping accounts: added, disabled, listed; roles taken away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use hotline_platform::access::Role;
use hotline_platform::core::{CommandContext, CoreError};
use hotline_platform::page::Page;
use hotline_platform::work::{Cause, Work};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::requests::new_request;
use super::set_up::offer;
use super::{Accounts, audit};
use crate::domain::account::{Account, AccountName, AccountState, RoleTraits, fit_together};
use crate::domain::request::{Request, Wish};
use crate::domain::token::{Opens, Token};
use crate::error::GatewayError;
use crate::store::{accounts, credentials, requests, sessions, set_up_links};

/// An account that somebody wants.
#[derive(Clone, Debug)]
pub(crate) struct NewAccount {
    pub(crate) name: AccountName,
    pub(crate) roles: Vec<String>,
    pub(crate) unit_code: String,
    pub(crate) outsourced: bool,
    /// Who it is at the identity provider; such an account needs no password, if that gives a second factor.
    pub(crate) oidc_subject: Option<String>,
    pub(crate) reason: String,
}

/// What became of an account. It has no `Debug`: the link opens it.
pub(crate) struct Kept {
    /// The account as it is now.
    pub(crate) account: Account,
    /// What waits for a second person, or did not need one.
    pub(crate) request: Option<Request>,
    /// For its person, once: a repetition is answered without it.
    pub(crate) link: Option<Token>,
    /// For its person beside the link that the approver will be given, once: a repetition is answered without it.
    pub(crate) asker_part: Option<Token>,
}

/// What a command remembers of itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) account_id: Uuid,
    pub(super) request_id: Option<Uuid>,
    pub(super) is_link_made: bool,
    /// Not in what was remembered before links came in two parts.
    #[serde(default)]
    pub(super) is_part_made: bool,
}

/// The hashes of what a command may give away.
pub(super) struct Fresh {
    /// Of the link.
    pub(super) link_hash: Vec<u8>,
    /// Of the asker's part of a link that an approval will make.
    pub(super) part_hash: Vec<u8>,
}

/// Whether a call comes from whoever sits at this machine: a principal with no session and no key, but perhaps the
/// machine's user in its place. It is signed by the installation's own key, or is in this process; who can do that owns
/// the databases anyway.
pub(super) fn is_on_this_machine(cause: &Cause) -> bool {
    cause.session.is_empty() || cause.session.starts_with("os:")
}

/// Roles by their words, in alphabetical order, with what the rules ask of them.
pub(super) fn roles(
    words: &[String],
    unit_code: &str,
    outsourced: bool,
) -> Result<Vec<String>, GatewayError> {
    let known: Option<Vec<Role>> = words.iter().map(|word| Role::of(word)).collect();
    let mut known = known.ok_or(GatewayError::Invalid {
        field: "roles",
        expected: "words of roles, such as operator or unit_clerk",
    })?;
    known.sort_unstable_by_key(|role| role.word());
    known.dedup();
    let traits: Vec<RoleTraits> = known
        .iter()
        .map(|role| RoleTraits {
            word: role.word(),
            stands_alone: role.stands_alone(),
            is_of_a_unit: role.is_of_a_unit(),
            is_of_staff: !matches!(role, Role::Channel | Role::Citizen),
        })
        .collect();
    fit_together(&traits, unit_code, outsourced)?;
    Ok(traits.iter().map(|role| role.word.to_owned()).collect())
}

impl Accounts {
    /// Adds an account. Its roles wait for a second person, unless this is done on this machine.
    pub(crate) async fn add_account(
        &self,
        context: CommandContext,
        wanted: NewAccount,
    ) -> Result<Kept, GatewayError> {
        keeps(&context)?;
        let words = roles(&wanted.roles, &wanted.unit_code, wanted.outsourced)?;
        let cause = context.cause.clone();
        // Whom no provider proves with two factors sets them up here, like everybody else.
        let is_signed_in_elsewhere = wanted.oidc_subject.is_some() && self.provider_vouches();
        let (id, request_id) = (
            self.core().ids().next(self.now()),
            self.core().ids().next(self.now()),
        );
        self.kept(context, move |work, fresh| {
            Box::pin(async move {
                let is_trusted = is_on_this_machine(&cause);
                let mut account = Account {
                    id,
                    version: 1,
                    name: wanted.name,
                    state: AccountState::Invited,
                    roles: Vec::new(),
                    unit_code: String::new(),
                    outsourced: wanted.outsourced,
                    oidc_subject: wanted.oidc_subject,
                    made_at: work.now(),
                    last_used_at: work.now(),
                };
                if is_signed_in_elsewhere {
                    account.state = AccountState::Active;
                }
                let wish = Wish::Roles {
                    roles: words,
                    unit_code: wanted.unit_code,
                };
                let mut request = new_request(work, &cause, request_id, &account, wish);
                request.reason = wanted.reason;
                if is_trusted {
                    request.grant_by(&cause.actor);
                    account = account.with(&request.wish);
                }
                if !accounts::insert(work.txn(), &account).await? {
                    return Err(GatewayError::AccountTaken);
                }
                let is_part_made = !is_trusted && !is_signed_in_elsewhere;
                request.asker_part_hash = is_part_made.then_some(fresh.part_hash);
                requests::insert(work.txn(), &request).await?;
                let is_link_made = is_trusted && !is_signed_in_elsewhere;
                if is_link_made {
                    offer(work, id, fresh.link_hash).await?;
                }
                audit(work, &cause, &account, "added", &request.reason);
                tell_roles(work, &cause, &account, &request);
                Ok(Done {
                    account_id: id,
                    request_id: Some(request_id),
                    is_link_made,
                    is_part_made,
                })
            })
        })
        .await
    }

    /// Disables an account; its sessions end at once.
    pub(crate) async fn disable_account(
        &self,
        context: CommandContext,
        name: AccountName,
        reason: String,
    ) -> Result<Kept, GatewayError> {
        keeps(&context)?;
        let (cause, expected) = (context.cause.clone(), context.expected_version);
        self.kept(context, move |work, _| {
            Box::pin(async move {
                let account = seen(work, &name, expected).await?;
                let account = Account {
                    version: account.version + 1,
                    state: AccountState::Disabled,
                    ..account
                };
                accounts::save(work.txn(), &account).await?;
                shut(work, account.id).await?;
                audit(work, &cause, &account, "disabled", &reason);
                Ok(Done {
                    account_id: account.id,
                    request_id: None,
                    is_link_made: false,
                    is_part_made: false,
                })
            })
        })
        .await
    }

    /// Takes roles away from an account, which needs no second person; its sessions end.
    pub(crate) async fn take_roles(
        &self,
        context: CommandContext,
        name: AccountName,
        taken: Vec<String>,
        reason: String,
    ) -> Result<Kept, GatewayError> {
        keeps(&context)?;
        let (cause, expected) = (context.cause.clone(), context.expected_version);
        self.kept(context, move |work, _| {
            Box::pin(async move {
                let mut account = seen(work, &name, expected).await?;
                account.version += 1;
                account.roles.retain(|role| !taken.contains(role));
                if account.roles.is_empty() {
                    account.unit_code = String::new();
                }
                accounts::save(work.txn(), &account).await?;
                sessions::end_others(work.txn(), account.id, None).await?;
                let told = format!("{}: {reason}", taken.join(" "));
                audit(work, &cause, &account, "roles taken", &told);
                Ok(Done {
                    account_id: account.id,
                    request_id: None,
                    is_link_made: false,
                    is_part_made: false,
                })
            })
        })
        .await
    }

    /// Accounts by name; one more than the page holds if there is a next one.
    pub(crate) async fn accounts(
        &self,
        context: &CommandContext,
        page: &Page<String>,
    ) -> Result<Vec<Account>, GatewayError> {
        keeps(context)?;
        Ok(accounts::list(self.core().db().read(), page).await?)
    }

    /// An account, for whoever keeps accounts.
    pub(super) async fn kept_account(
        &self,
        context: &CommandContext,
        name: &AccountName,
    ) -> Result<Account, GatewayError> {
        keeps(context)?;
        let found = accounts::by_name(self.core().db().read(), name).await?;
        found.ok_or(GatewayError::AccountNotFound)
    }

    /// Runs a command about an account. The link and the part that it may make are not remembered with its outcome.
    pub(super) async fn kept<F>(
        &self,
        context: CommandContext,
        work: F,
    ) -> Result<Kept, GatewayError>
    where
        F: for<'a> FnOnce(&'a Work, Fresh) -> BoxFuture<'a, Result<Done, GatewayError>>
            + Send
            + 'static,
    {
        let (link, part) = (self.token(Opens::SetUp), self.token(Opens::SetUpPart));
        let fresh = Fresh {
            link_hash: link.hash(),
            part_hash: part.hash(),
        };
        let has_run = Arc::new(AtomicBool::new(false));
        let runs = Arc::clone(&has_run);
        let done = self
            .core()
            .execute(
                context,
                move |unit| -> BoxFuture<'_, Result<Done, GatewayError>> {
                    runs.store(true, Ordering::SeqCst);
                    work(unit, fresh)
                },
            )
            .await?;
        let db = self.core().db().read();
        let account = accounts::by_id(db, done.account_id).await?;
        let request = match done.request_id {
            Some(id) => requests::by_id(db, id).await?,
            None => None,
        };
        let has_run = has_run.load(Ordering::SeqCst);
        Ok(Kept {
            account: account.ok_or(GatewayError::AccountNotFound)?,
            request,
            link: (done.is_link_made && has_run).then_some(link),
            asker_part: (done.is_part_made && has_run).then_some(part),
        })
    }
}

/// Accounts are kept by whoever reaches everything; nobody else is told that there are any.
pub(super) fn keeps(context: &CommandContext) -> Result<(), GatewayError> {
    if context.scope.is_everything() {
        return Ok(());
    }
    Err(GatewayError::AccountNotFound)
}

/// The account of a name, if it is still as the caller saw it.
pub(super) async fn seen(
    work: &Work,
    name: &AccountName,
    expected_version: i64,
) -> Result<Account, GatewayError> {
    let found = accounts::by_name(&**work.txn(), name).await?;
    let account = found.ok_or(GatewayError::AccountNotFound)?;
    if expected_version != 0 && expected_version != account.version {
        let current = account.version;
        return Err(CoreError::Stale { current }.into());
    }
    Ok(account)
}

/// Takes away everything by which somebody can come in.
pub(super) async fn shut(work: &Work, account_id: Uuid) -> Result<(), GatewayError> {
    let txn = work.txn();
    sessions::end_others(txn, account_id, None).await?;
    sessions::forget_devices(txn, account_id).await?;
    credentials::remove(txn, account_id).await?;
    set_up_links::remove(txn, account_id).await?;
    Ok(())
}

/// Writes down which roles were asked for or given, and why.
pub(super) fn tell_roles(work: &Work, cause: &Cause, account: &Account, request: &Request) {
    let (what, words) = match &request.wish {
        Wish::Roles { roles, .. } => ("roles", format!("{}: ", roles.join(" "))),
        Wish::Reset => ("reset", String::new()),
    };
    let action = format!("{what} {}", request.state.word());
    let reason = format!("{words}{} (request {})", request.reason, request.id);
    audit(work, cause, account, &action, &reason);
}
