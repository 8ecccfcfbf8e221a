//! What somebody does who is signed in: prove himself again, look at his sessions, end them, change his password.

use futures::future::BoxFuture;
use hotline_platform::core::CommandContext;
use hotline_platform::work::{AuditEntry, Cause, Work};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::guessing::{Counters, forgive};
use super::hashing::Match;
use super::{Accounts, audit, unremembered};
use crate::domain::account::{Account, AccountName};
use crate::domain::password::{Password, Weak};
use crate::domain::session::Session;
use crate::domain::token::{Opens, Token};
use crate::error::GatewayError;
use crate::store::credentials;
use crate::store::{accounts, failures, sessions};

/// Whether a second factor was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Proof {
    Right,
    Wrong,
}

impl Accounts {
    /// The session that a call came by, and its account.
    pub(crate) async fn own_session(
        &self,
        cause: &Cause,
    ) -> Result<(Session, Account), GatewayError> {
        let id: Uuid = cause
            .session
            .parse()
            .map_err(|_| GatewayError::SessionNotFound)?;
        let db = self.core().db().read();
        let session = sessions::by_id(db, id).await?;
        let session = session.filter(|found| found.is_alive(self.now()));
        let session = session.ok_or(GatewayError::SessionNotFound)?;
        let account = accounts::by_id(db, session.account_id).await?;
        Ok((session, account.ok_or(GatewayError::SessionNotFound)?))
    }

    /// Takes a second factor in a session: it counts for five minutes, and the session has another token from now on.
    pub(crate) async fn step_up(&self, cause: Cause, code: String) -> Result<Token, GatewayError> {
        let (session, account) = self.own_session(&cause).await?;
        let counters = Counters::of_session(account.id);
        self.has_time(&counters).await?;
        let entry = told(&account, "second factor tried");
        let counted = self.count_guess(&cause, &counters, entry).await?;
        let token = self.token(Opens::Session);
        let (accounts, token_hash) = (self.clone(), token.hash());
        let proof = self
            .core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<Proof, GatewayError>> {
                    Box::pin(async move {
                        let Some(factor) = accounts.proven(work, account.id, &code).await? else {
                            return Ok(Proof::Wrong);
                        };
                        forgive(work, &counters, counted).await?;
                        sessions::step_up(work.txn(), session.id, token_hash, work.now()).await?;
                        audit(work, &cause, &account, "stepped up", factor);
                        Ok(Proof::Right)
                    })
                },
            )
            .await?;
        match proof {
            Proof::Right => Ok(token),
            Proof::Wrong => Err(GatewayError::CodeWrong),
        }
    }

    /// Whether `code` is the account's second factor, which is used up then.
    pub(super) async fn proven(
        &self,
        work: &Work,
        account_id: Uuid,
        code: &str,
    ) -> Result<Option<&'static str>, GatewayError> {
        let Some(mut credential) = credentials::find(&**work.txn(), account_id).await? else {
            return Ok(None);
        };
        let factor = self.second_factor(work, &mut credential, code).await?;
        if factor.is_some() {
            credentials::save(work.txn(), credential).await?;
        }
        Ok(factor)
    }

    /// Ends the session that the call came by.
    pub(crate) async fn sign_out(&self, cause: Cause) -> Result<(), GatewayError> {
        let (session, account) = self.own_session(&cause).await?;
        self.end(cause, account, session.id, "signed out").await
    }

    /// The sessions of the account whose session the call came by.
    pub(crate) async fn own_sessions(&self, cause: &Cause) -> Result<Vec<Session>, GatewayError> {
        let (_, account) = self.own_session(cause).await?;
        Ok(sessions::of_account(self.core().db().read(), account.id, self.now()).await?)
    }

    /// Whether an account has a password and an authenticator of ours.
    pub(crate) async fn has_password(&self, account_id: Uuid) -> Result<bool, GatewayError> {
        let found = credentials::find(self.core().db().read(), account_id).await?;
        Ok(found.is_some())
    }

    /// Ends one of them.
    pub(crate) async fn end_own_session(
        &self,
        cause: Cause,
        session: Uuid,
    ) -> Result<(), GatewayError> {
        let (_, account) = self.own_session(&cause).await?;
        self.end(cause, account, session, "session ended").await
    }

    /// The sessions of any account, for whoever keeps accounts.
    pub(crate) async fn sessions_of(
        &self,
        context: &CommandContext,
        name: &AccountName,
    ) -> Result<Vec<Session>, GatewayError> {
        let account = self.kept_account(context, name).await?;
        Ok(sessions::of_account(self.core().db().read(), account.id, self.now()).await?)
    }

    /// Ends a session of any account, for whoever keeps accounts.
    pub(crate) async fn end_session_of(
        &self,
        context: CommandContext,
        name: &AccountName,
        session: Uuid,
    ) -> Result<(), GatewayError> {
        let account = self.kept_account(&context, name).await?;
        self.end(context.cause, account, session, "session ended")
            .await
    }

    async fn end(
        &self,
        cause: Cause,
        account: Account,
        session: Uuid,
        action: &'static str,
    ) -> Result<(), GatewayError> {
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move {
                        if !sessions::end(work.txn(), account.id, session).await? {
                            return Err(GatewayError::SessionNotFound);
                        }
                        audit(work, &cause, &account, action, &session.to_string());
                        Ok(())
                    })
                },
            )
            .await
    }

    /// Changes the password of the account whose session the call came by; its other sessions end.
    pub(crate) async fn change_password(
        &self,
        cause: Cause,
        old: Password,
        new: Password,
    ) -> Result<(), GatewayError> {
        let (session, account) = self.own_session(&cause).await?;
        new.is_fit(account.name.as_str())?;
        if new.bytes() == old.bytes() {
            return Err(Weak::Unchanged.into());
        }
        if !old.is_of_a_length() {
            return Err(GatewayError::SignInRefused);
        }
        let counters = Counters::of_session(account.id);
        self.has_time(&counters).await?;
        let turn = self.inner.hasher.turn().await?;
        let entry = told(&account, "password change tried");
        let counted = self.count_guess(&cause, &counters, entry).await?;
        let credential = credentials::find(self.core().db().read(), account.id).await?;
        let stored = credential.as_ref().map(|found| found.password_hash.clone());
        let found = self.inner.hasher.compare(turn, old, stored).await?;
        let (Some(mut credential), true) = (credential, found != Match::Wrong) else {
            return Err(GatewayError::SignInRefused);
        };
        let turn = self.inner.hasher.turn().await?;
        credential.password_hash = self.inner.hasher.hash(turn, new, self.random()).await?;
        credential.version += 1;
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move {
                        credential.password_changed_at = work.now();
                        credentials::save(work.txn(), credential).await?;
                        sessions::end_others(work.txn(), account.id, Some(session.id)).await?;
                        forgive(work, &counters, counted).await?;
                        audit(work, &cause, &account, "password changed", "");
                        Ok(())
                    })
                },
            )
            .await
    }

    /// Takes away what is over by itself. That it fails now harms nobody: the next one does it.
    pub(super) async fn tidy(&self) {
        let cause = Cause {
            actor: "gateway".to_owned(),
            session: String::new(),
            unit_code: String::new(),
            from_addr: String::new(),
            method: "tidy".to_owned(),
            trace_parent: String::new(),
        };
        let tidied = self
            .core()
            .execute(
                unremembered(&cause),
                |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move {
                        sessions::forget(work.txn(), work.now()).await?;
                        failures::forget(work.txn(), work.now()).await?;
                        Ok(())
                    })
                },
            )
            .await;
        if let Err(error) = tidied {
            tracing::debug!(%error, "what is over was not taken away");
        }
    }
}

fn told(account: &Account, action: &str) -> AuditEntry {
    AuditEntry {
        resource: "account",
        resource_id: account.name.as_str().to_owned(),
        version: account.version,
        action: action.to_owned(),
        reason: String::new(),
    }
}
