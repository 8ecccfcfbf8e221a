//! Setting an account up: by a link that is good once and for a day, its person chooses a password and pairs his
//! authenticator. The first account of an installation comes into being in no other way.

use chrono::TimeDelta;
use futures::future::BoxFuture;
use hotline_platform::access::Role;
use hotline_platform::core::CoreError;
use hotline_platform::work::{Cause, Work};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Accounts, audit, unremembered};
use crate::domain::account::{Account, AccountName, AccountState};
use crate::domain::password::Password;
use crate::domain::second_factor::{
    RECOVERY_CODES, SharedSecret, recovery_code, recovery_code_typed,
};
use crate::domain::token::{Opens, SetUpProof, Token};
use crate::error::GatewayError;
use crate::store::credentials::{self, Credential};
use crate::store::set_up_links::{self, SetUpLink};
use crate::store::{accounts, sessions};

/// How long a link is good.
const LINK_LASTS: TimeDelta = TimeDelta::hours(24);
/// For whom the first link is: an account that is not there yet.
const FIRST: Uuid = Uuid::nil();
/// Who issues codes, as authenticators show it.
const ISSUER: &str = "hotline";

/// What somebody with a link is shown. It has no `Debug`.
pub(crate) struct SetUpOffer {
    /// The account's name; `None`: he chooses it, for this is the first one.
    pub(crate) name: Option<AccountName>,
    /// The secret to type into an authenticator.
    pub(crate) secret: Zeroizing<String>,
    /// The same for a picture.
    pub(crate) url: Zeroizing<String>,
}

/// What somebody with a link chooses. It has no `Debug`.
pub(crate) struct SetUp {
    /// The link, with the asker's part.
    pub(crate) proof: SetUpProof,
    /// The name of the first account; nobody else chooses.
    pub(crate) name: Option<AccountName>,
    /// The password.
    pub(crate) password: Password,
    /// What the authenticator shows, to see that it was paired.
    pub(crate) code: String,
}

impl Accounts {
    /// A fresh link for the first account, which replaces an earlier one; `None` once there is an account.
    pub(crate) async fn first_link(&self) -> Result<Option<Token>, GatewayError> {
        if accounts::is_any(self.core().db().read()).await? {
            return Ok(None);
        }
        let token = self.token(Opens::SetUp);
        let hash = token.hash();
        let cause = machine("first set-up link");
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move { offer(work, FIRST, hash).await })
                },
            )
            .await?;
        Ok(Some(token))
    }

    /// What a link offers: the secret for the authenticator, the same as often as it is asked.
    pub(crate) async fn begin_set_up(
        &self,
        cause: Cause,
        proof: &SetUpProof,
    ) -> Result<SetUpOffer, GatewayError> {
        let (mut link, account) = self.link(proof).await?;
        if link.shared_secret.is_none() {
            self.pair(cause, &link).await?;
            // Of two who begin at the same moment, both are shown what the first one was given.
            (link, _) = self.link(proof).await?;
        }
        let sealed = link.shared_secret.ok_or(GatewayError::LinkNotFound)?;
        let secret = self.inner.seal.open(link.account_id, &sealed)?;
        let name = account.map(|account| account.name);
        let label = name.as_ref().map_or("administrator", AccountName::as_str);
        let url = secret.url(ISSUER, label);
        Ok(SetUpOffer {
            secret: secret.base32(),
            url: url.ok_or(GatewayError::Failed("no URL for an authenticator"))?,
            name,
        })
    }

    async fn pair(&self, cause: Cause, link: &SetUpLink) -> Result<(), GatewayError> {
        let secret = SharedSecret::new(self.random::<20>().to_vec());
        let sealed = self
            .inner
            .seal
            .seal(link.account_id, &secret, self.random())?;
        let token_hash = link.token_hash.clone();
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move {
                        set_up_links::keep_secret(work.txn(), token_hash, sealed).await?;
                        Ok(())
                    })
                },
            )
            .await?;
        Ok(())
    }

    /// The link of a proof, if it is good, and the account that it is for.
    async fn link(&self, proof: &SetUpProof) -> Result<(SetUpLink, Option<Account>), GatewayError> {
        let db = self.core().db().read();
        let link = set_up_links::find(db, proof.hash()).await?;
        let link = link.filter(|link| self.now() < link.expires_at);
        let link = link.ok_or(GatewayError::LinkNotFound)?;
        let account = accounts::by_id(db, link.account_id).await?;
        if account.is_none() && link.account_id != FIRST {
            return Err(GatewayError::LinkNotFound);
        }
        Ok((link, account))
    }

    /// Uses a link up; returns the recovery codes, which nobody can be shown again.
    pub(crate) async fn complete_set_up(
        &self,
        cause: Cause,
        chosen: SetUp,
    ) -> Result<(AccountName, Vec<Zeroizing<String>>), GatewayError> {
        let (link, account) = self.link(&chosen.proof).await?;
        let name = account.as_ref().map(|account| account.name.clone());
        let name = name.or(chosen.name).ok_or(GatewayError::Invalid {
            field: "name",
            expected: AccountName::EXPECTED,
        })?;
        chosen.password.is_fit(name.as_str())?;
        let sealed = link.shared_secret.clone().ok_or(GatewayError::CodeWrong)?;
        let secret = self.inner.seal.open(link.account_id, &sealed)?;
        let step = secret
            .accept(&chosen.code, 0, self.now())
            .ok_or(GatewayError::CodeWrong)?;

        let now = self.now();
        let account = account.unwrap_or_else(|| self.first_account(&name));
        let turn = self.inner.hasher.turn().await?;
        let codes: Vec<_> = (0..RECOVERY_CODES)
            .map(|_| recovery_code(&self.random()))
            .collect();
        let credential = Credential {
            account_id: account.id,
            version: 1,
            password_hash: self
                .inner
                .hasher
                .hash(turn, chosen.password, self.random())
                .await?,
            password_changed_at: now,
            shared_secret: self.inner.seal.seal(account.id, &secret, self.random())?,
            last_step: step,
        };
        let hashes = codes
            .iter()
            .map(|code| self.recovery_code_hash(account.id, code))
            .collect();
        let cause = Cause {
            actor: name.actor(),
            ..cause
        };
        let is_first = link.account_id == FIRST;
        let token_hash = link.token_hash;
        self.core()
            .execute(
                unremembered(&cause),
                move |work| -> BoxFuture<'_, Result<(), GatewayError>> {
                    Box::pin(async move {
                        let ready = Ready {
                            account,
                            credential,
                            hashes,
                            token_hash,
                            is_first,
                        };
                        set_up(work, &cause, ready).await
                    })
                },
            )
            .await?;
        Ok((name, codes))
    }

    fn first_account(&self, name: &AccountName) -> Account {
        let now = self.now();
        Account {
            id: self.core().ids().next(now),
            version: 0,
            name: name.clone(),
            state: AccountState::Invited,
            roles: vec![Role::SecurityAdministrator.word().to_owned()],
            unit_code: String::new(),
            outsourced: false,
            oidc_subject: None,
            made_at: now,
            last_used_at: now,
        }
    }

    fn recovery_code_hash(&self, account_id: Uuid, code: &str) -> Vec<u8> {
        let typed = recovery_code_typed(code).unwrap_or_default();
        self.inner
            .recovery_codes
            .mac(&[account_id.as_bytes(), typed.as_bytes()])
    }
}

/// An account that is about to be ready.
struct Ready {
    account: Account,
    credential: Credential,
    hashes: Vec<Vec<u8>>,
    token_hash: Vec<u8>,
    is_first: bool,
}

async fn set_up(work: &Work, cause: &Cause, ready: Ready) -> Result<(), GatewayError> {
    let (txn, now) = (work.txn(), work.now());
    // Whoever takes the link away sets up; of two at the same moment the other one finds none.
    if !set_up_links::use_up(txn, ready.token_hash).await? {
        return Err(GatewayError::LinkNotFound);
    }
    let account = Account {
        version: ready.account.version + 1,
        state: AccountState::Active,
        last_used_at: now,
        ..ready.account
    };
    if ready.is_first {
        if accounts::is_any(&**txn).await? || !accounts::insert(txn, &account).await? {
            return Err(GatewayError::LinkNotFound);
        }
    } else {
        accounts::save(txn, &account)
            .await
            .map_err(|error| match error {
                CoreError::Stale { .. } => GatewayError::LinkNotFound,
                other => other.into(),
            })?;
    }
    credentials::replace(txn, ready.credential, &ready.hashes).await?;
    sessions::end_others(txn, account.id, None).await?;
    sessions::forget_devices(txn, account.id).await?;
    let reason = if ready.is_first {
        "the first account"
    } else {
        ""
    };
    audit(work, cause, &account, "set up", reason);
    Ok(())
}

/// Offers a set-up to an account's person, in the place of an earlier offer.
pub(super) async fn offer(
    work: &Work,
    account_id: Uuid,
    token_hash: Vec<u8>,
) -> Result<(), GatewayError> {
    let link = SetUpLink {
        account_id,
        token_hash,
        expires_at: work.now() + LINK_LASTS,
        shared_secret: None,
    };
    Ok(set_up_links::replace(work.txn(), link).await?)
}

/// What whoever sits at this machine causes.
fn machine(method: &str) -> Cause {
    Cause {
        actor: "security_administrator:cli".to_owned(),
        session: String::new(),
        unit_code: String::new(),
        from_addr: "in-process".to_owned(),
        method: format!("cli:{method}"),
        trace_parent: String::new(),
    }
}
