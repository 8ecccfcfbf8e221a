//! Signing in: name, password and second factor, in one step, so that nobody learns which of them was wrong.

use futures::future::BoxFuture;
use hotline_kernel::time::Timestamp;
use hotline_platform::core::CoreError;
use hotline_platform::work::{AuditEntry, Cause, Work};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::guessing::{Counters, forgive};
use super::hashing::Match;
use super::{Accounts, audit, unremembered};
use crate::domain::account::{Account, AccountName, AccountState};
use crate::domain::password::{self, Password, Weak};
use crate::domain::second_factor::recovery_code_typed;
use crate::domain::session::Session;
use crate::domain::token::{Opens, Token};
use crate::error::GatewayError;
use crate::store::credentials::{self, Credential};
use crate::store::{accounts, sessions};

/// Whose device and credential are read where a name has no account: nobody's.
const NOBODY: Uuid = Uuid::nil();
/// The longest description of a program that is kept, in characters.
const AGENT_CHARS_MAX: usize = 200;

/// What somebody says who wants to come in. It has no `Debug`.
#[derive(Clone)]
pub(crate) struct SignIn {
    /// The account's name, as it was typed.
    pub(crate) name: String,
    /// The password.
    pub(crate) password: Password,
    /// What his authenticator shows, or a recovery code.
    pub(crate) code: String,
    /// What the device was given when it signed in before.
    pub(crate) device: Option<Token>,
    /// A new password, if the old one has expired.
    pub(crate) new_password: Option<Password>,
    /// The program he uses, as that says of itself.
    pub(crate) agent: String,
}

/// Somebody came in. It has no `Debug`.
pub(crate) struct SignedIn {
    /// His account.
    pub(crate) account: Account,
    /// His session.
    pub(crate) session: Session,
    /// What opens it.
    pub(crate) token: Token,
    /// For the device, if it was not known.
    pub(crate) device: Option<Token>,
}

/// Who it may be, and where his guess counts.
struct Guess {
    account: Option<Account>,
    credential: Option<Credential>,
    device: Option<Uuid>,
    counters: Counters,
}

/// What the second look at everything led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Admission {
    Granted,
    Refused,
    /// Everything was right, but the password is too old. The code is used up all the same.
    PasswordExpired,
}

/// Everything that is written when somebody comes in.
#[derive(Clone)]
struct Entry {
    account_id: Uuid,
    counters: Counters,
    counted: Timestamp,
    code: String,
    password_hash: Option<String>,
    is_new_password: bool,
    session: Session,
    token_hash: Vec<u8>,
    known_device: Option<Uuid>,
    new_device: (Uuid, Vec<u8>),
}

impl Accounts {
    /// Lets somebody in.
    ///
    /// # Errors
    ///
    /// [`GatewayError::SignInRefused`] whatever was wrong; [`GatewayError::TooMany`] before anything is compared;
    /// [`GatewayError::PasswordExpired`] if only that is left to be done.
    pub(crate) async fn sign_in(
        &self,
        cause: Cause,
        asked: SignIn,
    ) -> Result<SignedIn, GatewayError> {
        if let Some(new) = &asked.new_password {
            new.is_fit(&asked.name.to_lowercase())?;
            if new.bytes() == asked.password.bytes() {
                return Err(Weak::Unchanged.into());
            }
        }
        if !asked.password.is_of_a_length() {
            return Err(GatewayError::SignInRefused);
        }
        let guess = self.locate(&cause, &asked).await?;
        self.has_time(&guess.counters).await?;
        let turn = self.inner.hasher.turn().await?;
        let entry = tried(guess.account.as_ref());
        let counted = self.count_guess(&cause, &guess.counters, entry).await?;
        let stored = guess
            .credential
            .as_ref()
            .map(|found| found.password_hash.clone());
        let found = self
            .inner
            .hasher
            .compare(turn, asked.password.clone(), stored)
            .await?;
        // A new password is hashed whatever the old one was, or the time would tell that it was right.
        let password_hash = self.rehashed(&asked, found).await?;
        let (Some(account), true) = (guess.account, found != Match::Wrong) else {
            return Err(GatewayError::SignInRefused);
        };
        let (token, device) = (self.token(Opens::Session), self.token(Opens::Device));
        let entry = Entry {
            account_id: account.id,
            counters: guess.counters,
            counted,
            code: asked.code.clone(),
            password_hash,
            is_new_password: asked.new_password.is_some(),
            session: self.new_session(&cause, account.id, &asked.agent),
            token_hash: token.hash(),
            known_device: guess.device,
            new_device: (self.core().ids().next(self.now()), device.hash()),
        };
        self.admit(cause, &account, entry.clone()).await?;
        self.tidy().await;
        Ok(SignedIn {
            account,
            session: entry.session,
            token,
            device: guess.device.is_none().then_some(device),
        })
    }

    pub(super) fn new_session(&self, cause: &Cause, account_id: Uuid, agent: &str) -> Session {
        let now = self.now();
        Session {
            id: self.core().ids().next(now),
            account_id,
            from_addr: cause.from_addr.clone(),
            agent: agent
                .chars()
                .filter(|letter| !letter.is_control())
                .take(AGENT_CHARS_MAX)
                .collect(),
            made_at: now,
            seen_at: now,
            stepped_up_at: None,
        }
    }

    async fn locate(&self, cause: &Cause, asked: &SignIn) -> Result<Guess, GatewayError> {
        let db = self.core().db().read();
        let name = AccountName::parse(&asked.name);
        let account = match &name {
            Some(name) => accounts::by_name(db, name).await?,
            None => None,
        };
        // The same is read of somebody and of nobody, so that the time of an answer tells no difference.
        let id = account.as_ref().map_or(NOBODY, |account| account.id);
        let device = match &asked.device {
            Some(token) => sessions::device(db, id, token.hash(), self.now()).await?,
            None => None,
        };
        let credential = credentials::find(db, id).await?;
        let Some(account) = account else {
            return Ok(Guess {
                account: None,
                credential: None,
                device: None,
                // By the name as accounts have it: other spellings of one name share its counter too.
                counters: self.counters_of_nobody(
                    name.as_ref().map_or(&asked.name, AccountName::as_str),
                    &cause.from_addr,
                ),
            });
        };
        let counters = match device {
            Some(device) => Counters::of_device(device),
            None => self.counters_of_stranger(account.id, &cause.from_addr),
        };
        Ok(Guess {
            credential,
            account: Some(account),
            device,
            counters,
        })
    }

    /// What the password's hash becomes: of the new one, or of the same as it is done now.
    async fn rehashed(&self, asked: &SignIn, found: Match) -> Result<Option<String>, GatewayError> {
        let wanted = match (&asked.new_password, found) {
            (Some(new), _) => new.clone(),
            (None, Match::RightButOutdated) => asked.password.clone(),
            (None, _) => return Ok(None),
        };
        let turn = self.inner.hasher.turn().await?;
        Ok(Some(
            self.inner.hasher.hash(turn, wanted, self.random()).await?,
        ))
    }

    /// Looks at everything again in the transaction that lets him in: what was read before may have changed.
    async fn admit(
        &self,
        cause: Cause,
        account: &Account,
        entry: Entry,
    ) -> Result<(), GatewayError> {
        let cause = Cause {
            actor: account.name.actor(),
            session: entry.session.id.to_string(),
            ..cause
        };
        let accounts = self.clone();
        let context = unremembered(&cause);
        let admission = self
            .core()
            .execute(
                context,
                move |work| -> BoxFuture<'_, Result<Admission, GatewayError>> {
                    Box::pin(async move { accounts.admit_now(work, &cause, entry).await })
                },
            )
            .await;
        match admission {
            Ok(Admission::Granted) => Ok(()),
            Ok(Admission::PasswordExpired) => Err(GatewayError::PasswordExpired),
            // Two sign-ins with one code at the same moment: one of them is too late.
            Ok(Admission::Refused) | Err(GatewayError::Core(CoreError::Stale { .. })) => {
                Err(GatewayError::SignInRefused)
            }
            Err(error) => Err(error),
        }
    }

    async fn admit_now(
        &self,
        work: &Work,
        cause: &Cause,
        entry: Entry,
    ) -> Result<Admission, GatewayError> {
        let (txn, now) = (work.txn(), work.now());
        let account = accounts::by_id(&**txn, entry.account_id).await?;
        let account = account.ok_or(GatewayError::SignInRefused)?;
        let credential = credentials::find(&**txn, account.id).await?;
        let mut credential = credential.ok_or(GatewayError::SignInRefused)?;
        if !account.is_open(now) {
            refuse_closed(work, cause, account).await?;
            return Ok(Admission::Refused);
        }
        let Some(factor) = self
            .second_factor(work, &mut credential, &entry.code)
            .await?
        else {
            audit(
                work,
                cause,
                &account,
                "sign-in refused",
                "password right, code wrong",
            );
            return Ok(Admission::Refused);
        };
        if let Some(hash) = entry.password_hash {
            credential.password_hash = hash;
        }
        if entry.is_new_password {
            credential.password_changed_at = now;
            sessions::end_others(txn, account.id, None).await?;
        } else if password::is_expired(
            credential.password_changed_at,
            self.inner.password_days,
            now,
        ) {
            // Who looked over his shoulder shall not come in with the code of the moment.
            credentials::save(txn, credential).await?;
            audit(work, cause, &account, "sign-in refused", "password expired");
            return Ok(Admission::PasswordExpired);
        }
        credentials::save(txn, credential).await?;
        accounts::note_use(txn, account.id, now).await?;
        forgive(work, &entry.counters, entry.counted).await?;
        sessions::insert(txn, &entry.session, entry.token_hash).await?;
        if let Some(device) = entry.known_device {
            sessions::note_device(txn, device, now).await?;
        } else {
            let (id, hash) = entry.new_device;
            sessions::remember_device(txn, account.id, id, hash, now).await?;
        }
        let action = if entry.is_new_password {
            "signed in and changed the password"
        } else {
            "signed in"
        };
        audit(work, cause, &account, action, factor);
        Ok(Admission::Granted)
    }

    /// Checks a second factor and uses it up; the word of which one it was. `None` if it is wrong.
    pub(super) async fn second_factor(
        &self,
        work: &Work,
        credential: &mut Credential,
        code: &str,
    ) -> Result<Option<&'static str>, GatewayError> {
        credential.version += 1;
        if let Some(typed) = recovery_code_typed(code) {
            let parts: [&[u8]; 2] = [credential.account_id.as_bytes(), typed.as_bytes()];
            let hash = self.inner.recovery_codes.mac(&parts);
            let is_used =
                credentials::use_recovery_code(work.txn(), credential.account_id, hash).await?;
            return Ok(is_used.then_some("recovery code"));
        }
        let secret = self
            .inner
            .seal
            .open(credential.account_id, &credential.shared_secret)?;
        let Some(step) = secret.accept(code, credential.last_step, work.now()) else {
            return Ok(None);
        };
        credential.last_step = step;
        Ok(Some("authenticator"))
    }
}

/// Everything was right, but nobody may come in: an account that lay idle is disabled now.
pub(super) async fn refuse_closed(
    work: &Work,
    cause: &Cause,
    account: Account,
) -> Result<(), GatewayError> {
    if account.state != AccountState::Active || !account.is_idle(work.now()) {
        audit(
            work,
            cause,
            &account,
            "sign-in refused",
            "disabled or without a role",
        );
        return Ok(());
    }
    let disabled = Account {
        version: account.version + 1,
        state: AccountState::Disabled,
        ..account
    };
    accounts::save(work.txn(), &disabled).await?;
    audit(
        work,
        cause,
        &disabled,
        "disabled",
        "nobody signed in for 60 days",
    );
    Ok(())
}

/// A guess, as the audit trail has it. A name that no account has is not written down: it may be a password.
fn tried(account: Option<&Account>) -> AuditEntry {
    let name = account.map_or("unknown", |account| account.name.as_str());
    AuditEntry {
        resource: "account",
        resource_id: name.to_owned(),
        version: 0,
        action: "sign-in tried".to_owned(),
        reason: String::new(),
    }
}
