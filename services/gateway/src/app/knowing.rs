//! Who a bearer of a secret is: asked on every call, answered from the database, so that what is ended is ended at once.

use futures::future::BoxFuture;
use hotline_platform::work::Cause;

use super::keys::Draw;
use super::{Accounts, unremembered};
use crate::domain::account::Account;
use crate::domain::key::{Key, KeyText, PREFIX};
use crate::domain::session::Session;
use crate::domain::token::{Opens, Token};
use crate::error::GatewayError;
use crate::store::{accounts, keys, sessions};

/// Who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// A person in a session.
    Person {
        /// His account.
        account: Account,
        /// The session.
        session: Session,
    },
    /// A channel's program, by its key.
    Program {
        /// The key.
        key: Key,
    },
}

impl Accounts {
    /// Who the bearer of `secret` at `from_addr` is.
    ///
    /// # Errors
    ///
    /// [`GatewayError::SignInRefused`] if he is nobody; [`GatewayError::TooMany`] if his quota is used up.
    pub(crate) async fn know(&self, secret: &str, from_addr: &str) -> Result<Known, GatewayError> {
        if secret.starts_with(PREFIX) {
            return self.know_key(secret, from_addr).await;
        }
        let token = Token::parse(Opens::Session, secret).ok_or(GatewayError::SignInRefused)?;
        let (db, now) = (self.core().db().read(), self.now());
        let session = sessions::by_token(db, token.hash()).await?;
        let session = session.filter(|found| found.is_alive(now));
        let session = session.ok_or(GatewayError::SignInRefused)?;
        let account = accounts::by_id(db, session.account_id).await?;
        let account = account.filter(|found| found.is_open(now));
        let account = account.ok_or(GatewayError::SignInRefused)?;
        if session.is_to_be_noted(now) {
            self.note_use(&session).await?;
        }
        Ok(Known::Person { account, session })
    }

    async fn note_use(&self, session: &Session) -> Result<(), GatewayError> {
        let cause = Cause {
            actor: "gateway".to_owned(),
            session: session.id.to_string(),
            unit_code: String::new(),
            from_addr: String::new(),
            method: "note the use of a session".to_owned(),
            trace_parent: String::new(),
        };
        let id = session.id;
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(
                        async move { Ok(sessions::note_use(work.txn(), id, work.now()).await?) },
                    )
                },
            )
            .await
    }

    async fn know_key(&self, text: &str, from_addr: &str) -> Result<Known, GatewayError> {
        let refused = GatewayError::SignInRefused;
        let Some(told) = KeyText::parse(&self.inner.key_environment, text) else {
            return Err(refused);
        };
        let found = keys::by_id(self.core().db().read(), &told.id).await?;
        let Some((key, mac)) = found else {
            return Err(refused);
        };
        let is_right = self.inner.keys.is_right(&[told.secret.as_bytes()], &mac);
        if !is_right || !key.is_active(self.now()) || !key.may_come_from(from_addr) {
            return Err(refused);
        }
        match self.draw(&key).await? {
            Draw::Granted => Ok(Known::Program { key }),
            Draw::UsedUp { after } => Err(GatewayError::TooMany { after }),
        }
    }
}
