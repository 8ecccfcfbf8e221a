//! The service through its use cases, on real databases, with a clock in the test's hands.

mod attacks;
mod browser;
mod keys;
mod oidc;
mod pages;
mod people;
mod requests;
mod sessions;
mod set_up;

use std::time::Duration;

use hotline_kernel::time::{Timestamp, from_micros};
use hotline_platform::access::{Role, Scope};
use hotline_platform::core::{CommandContext, Core};
use hotline_platform::testing::{Databases, ManualClock, TestDatabase, core};
use hotline_platform::work::Cause;

use crate::app::Accounts;
use crate::app::keeping::NewAccount;
use crate::app::knowing::Known;
use crate::app::set_up::SetUp;
use crate::app::sign_in::{SignIn, SignedIn};
use crate::config::Config;
use crate::domain::account::AccountName;
use crate::domain::password::Password;
use crate::domain::second_factor::SharedSecret;
use crate::domain::token::{Opens, SetUpProof, Token};
use crate::error::GatewayError;
use crate::provider::Provider;
use crate::store;

/// A password that is nobody's.
pub(crate) const PASSWORD: &str = "violet-gravel-83";
/// How browsers reach the pages.
pub(crate) const PAGES: &str = "http://127.0.0.1:7080";
/// Where people sit who are not elsewhere.
pub(crate) const DESK: &str = "10.1.2.3";

/// A gateway on one of the databases.
pub(crate) struct Office {
    pub(crate) label: &'static str,
    pub(crate) accounts: Accounts,
    pub(crate) core: Core,
    pub(crate) clock: ManualClock,
    _database: TestDatabase,
}

/// A person with what he knows and has.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) secret: SharedSecret,
    pub(crate) recovery_codes: Vec<String>,
    pub(crate) device: Option<Token>,
}

pub(crate) fn config() -> Config {
    Config {
        password_memory_kib: 19 * 1024,
        password_passes: 2,
        ..Config::default()
    }
}

pub(crate) fn key_of(purpose: &str) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(purpose).into()
}

/// What is caused from `from_addr` by somebody who did not come in yet.
pub(crate) fn from(from_addr: &str) -> Cause {
    Cause {
        actor: "anonymous".to_owned(),
        session: String::new(),
        unit_code: String::new(),
        from_addr: from_addr.to_owned(),
        method: "test".to_owned(),
        trace_parent: String::new(),
    }
}

/// What `signed_in` causes.
pub(crate) fn by(signed_in: &SignedIn) -> Cause {
    Cause {
        actor: signed_in.account.name.actor(),
        session: signed_in.session.id.to_string(),
        ..from(DESK)
    }
}

/// What whoever sits at the machine causes.
pub(crate) fn machine() -> Cause {
    Cause {
        actor: "security_administrator:cli".to_owned(),
        from_addr: "in-process".to_owned(),
        ..from(DESK)
    }
}

/// A command of somebody who keeps accounts.
pub(crate) fn keeping(cause: Cause) -> CommandContext {
    CommandContext {
        cause,
        scope: Scope::own_work(),
        idempotency_key: String::new(),
        request_hash: [0; 32],
        expected_version: 0,
    }
}

pub(crate) fn name(text: &str) -> AccountName {
    AccountName::parse(text).expect("a name")
}

pub(crate) fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

impl Office {
    /// One per arrangement, on 1 June 2026.
    pub(crate) async fn all() -> Vec<Self> {
        Self::all_with(config()).await
    }

    pub(crate) async fn all_with(config: Config) -> Vec<Self> {
        Self::all_at(PAGES, config).await
    }

    /// The same, with pages that browsers reach at `pages`.
    pub(crate) async fn all_at(pages: &str, config: Config) -> Vec<Self> {
        let mut offices = Vec::new();
        for database in Databases::all().await {
            let clock = ManualClock::at(from_micros(1_780_300_800_000_000).expect("an instant"));
            let migrations = store::migration::migrations();
            let core = core("gateway", &database.url, migrations, &clock).await;
            let provider = config.oidc.as_ref();
            let provider =
                provider.map(|oidc| Provider::new(oidc, pages).expect("settings that fit"));
            let accounts = Accounts::new(core.clone(), key_of, &config, provider);
            let accounts = accounts.expect("settings that fit");
            offices.push(Self {
                label: database.label,
                accounts,
                core,
                clock,
                _database: database,
            });
        }
        offices
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.core.now()
    }

    pub(crate) fn seconds_pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The first security administrator.
    pub(crate) async fn first(&self) -> Person {
        let link = self
            .accounts
            .first_link()
            .await
            .expect("works")
            .expect("no account yet");
        self.sets_up(&link, Some("first")).await
    }

    /// Somebody with a role, added on this machine.
    pub(crate) async fn person(&self, who: &str, role: Role) -> Person {
        let unit = if role.is_of_a_unit() { "MID" } else { "" };
        let wanted = NewAccount {
            name: name(who),
            roles: vec![role.word().to_owned()],
            unit_code: unit.to_owned(),
            outsourced: false,
            oidc_subject: None,
            reason: "begins today".to_owned(),
        };
        let kept = self
            .accounts
            .add_account(keeping(machine()), wanted)
            .await
            .expect("added");
        self.sets_up(&kept.link.expect("a link"), None).await
    }

    /// Uses a link that was made on the machine.
    pub(crate) async fn sets_up(&self, link: &Token, who: Option<&str>) -> Person {
        self.sets_up_by(&alone(link), who).await
    }

    /// Uses a link with its other part.
    pub(crate) async fn sets_up_by(&self, proof: &SetUpProof, who: Option<&str>) -> Person {
        let offer = self
            .accounts
            .begin_set_up(from(DESK), proof)
            .await
            .expect("a good link");
        let secret = SharedSecret::new(base32(&offer.secret));
        let chosen = SetUp {
            proof: proof.clone(),
            name: who.map(name),
            password: password(PASSWORD),
            code: secret.code_at(self.now()),
        };
        let (name, codes) = self
            .accounts
            .complete_set_up(from(DESK), chosen)
            .await
            .expect("set up");
        self.seconds_pass(60);
        Person {
            name: name.as_str().to_owned(),
            secret,
            recovery_codes: codes.iter().map(|code| code.to_string()).collect(),
            device: None,
        }
    }

    /// Signs in as `person` says, with the code of the moment.
    pub(crate) async fn try_sign_in(
        &self,
        person: &Person,
        from_addr: &str,
        text: &str,
    ) -> Result<SignedIn, GatewayError> {
        let asked = self.asked(person, text);
        self.accounts.sign_in(from(from_addr), asked).await
    }

    pub(crate) fn asked(&self, person: &Person, text: &str) -> SignIn {
        SignIn {
            name: person.name.clone(),
            password: password(text),
            code: person.secret.code_at(self.now()),
            device: person.device.clone(),
            new_password: None,
            agent: "a browser".to_owned(),
        }
    }

    /// Signs in; a minute passes, so that the next code is another one.
    pub(crate) async fn signs_in(&self, person: &Person) -> SignedIn {
        let signed_in = self.try_sign_in(person, DESK, PASSWORD).await;
        self.seconds_pass(60);
        signed_in.unwrap_or_else(|error| panic!("{}: {}: {error}", self.label, person.name))
    }

    pub(crate) async fn knows(&self, secret: &str) -> Option<Known> {
        self.accounts.know(secret, DESK).await.ok()
    }

    pub(crate) async fn is_known(&self, token: &Token) -> bool {
        self.knows(token.reveal()).await.is_some()
    }

    /// What the audit trail says of accounts and keys: actor, resource id, action, reason; in order.
    pub(crate) async fn trail(&self) -> Vec<[String; 4]> {
        use sea_orm::ConnectionTrait as _;
        let db = self.core.db().read();
        let statement = sea_orm::Statement::from_sql_and_values(
            db.get_database_backend(),
            "SELECT actor, resource_id, action, reason FROM audit ORDER BY at, action",
            [],
        );
        let rows = db
            .query_all_raw(statement)
            .await
            .expect("the trail is readable");
        let told = |row: sea_orm::QueryResult| {
            ["actor", "resource_id", "action", "reason"]
                .map(|column| row.try_get::<String>("", column).expect("a text"))
        };
        rows.into_iter().map(told).collect()
    }

    pub(crate) async fn has_told(&self, actor: &str, resource_id: &str, action: &str) -> bool {
        let trail = self.trail().await;
        trail
            .iter()
            .any(|row| row[0] == actor && row[1] == resource_id && row[2] == action)
    }
}

/// A link that has no other part.
pub(crate) fn alone(link: &Token) -> SetUpProof {
    SetUpProof {
        link: link.clone(),
        asker_part: None,
    }
}

/// Reads base 32, as an authenticator does.
pub(crate) fn base32(text: &str) -> Vec<u8> {
    let secret = totp_rs::Secret::try_from_base32(text).expect("base 32");
    secret.as_bytes().to_vec()
}

pub(crate) fn is_refused<T>(answer: &Result<T, GatewayError>) -> bool {
    matches!(answer, Err(GatewayError::SignInRefused))
}

pub(crate) fn is_too_many<T>(answer: &Result<T, GatewayError>) -> bool {
    matches!(answer, Err(GatewayError::TooMany { .. }))
}

/// A token that nobody was given.
pub(crate) fn forged(opens: Opens, number: u64) -> Token {
    let mut random = [0; 32];
    random[..8].copy_from_slice(&number.to_be_bytes());
    Token::new(opens, &random)
}
