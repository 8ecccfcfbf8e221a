//! The use cases of the gateway. Every way in (gRPC, pages, the command line) calls these.

pub(crate) mod guessing;
pub(crate) mod hashing;
pub(crate) mod keeping;
pub(crate) mod keys;
pub(crate) mod knowing;
pub(crate) mod oidc;
pub(crate) mod requests;
pub(crate) mod sealing;
pub(crate) mod sessions;
pub(crate) mod set_up;
pub(crate) mod sign_in;

use std::sync::Arc;

use hotline_kernel::time::Timestamp;
use hotline_platform::access::Scope;
use hotline_platform::core::{CommandContext, Core};
use hotline_platform::ids::Ids;
use hotline_platform::work::{AuditEntry, Cause, Work};

use self::hashing::Hasher;
use self::keys::Quotas;
use self::sealing::{MacKey, Seal};
use crate::config::Config;
use crate::domain::account::Account;
use crate::domain::token::{Opens, Token};
use crate::error::GatewayError;
use crate::provider::Provider;

/// The service's use cases. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    core: Core,
    /// From the operating system, in a repeatable city too: nobody shall guess a secret.
    random: Ids,
    hasher: Hasher,
    seal: Seal,
    recovery_codes: MacKey,
    counters: MacKey,
    keys: MacKey,
    quotas: Quotas,
    trips: Seal,
    provider: Option<Provider>,
    password_days: u32,
    key_environment: String,
}

impl Accounts {
    /// The use cases over `core`; `derive_key` makes keys of the installation's secret. Without a `provider`
    /// everybody has a password here.
    pub(crate) fn new(
        core: Core,
        derive_key: impl Fn(&str) -> [u8; 32],
        config: &Config,
        provider: Option<Provider>,
    ) -> Result<Self, GatewayError> {
        let pepper = derive_key("gateway password pepper");
        let hasher = Hasher::new(pepper, config.password_memory_kib, config.password_passes)?;
        let inner = Inner {
            core,
            random: Ids::from_os(),
            hasher,
            seal: Seal::new(derive_key("gateway shared secrets")),
            recovery_codes: MacKey::new(derive_key("gateway recovery codes")),
            counters: MacKey::new(derive_key("gateway counters")),
            keys: MacKey::new(derive_key("gateway API keys")),
            quotas: Quotas::default(),
            trips: Seal::new(derive_key("gateway trips")),
            provider,
            password_days: config.password_days,
            key_environment: config.key_environment.clone(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    fn core(&self) -> &Core {
        &self.inner.core
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.core().now()
    }

    /// Random bytes that nobody can guess.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.inner.random.draw_wide().to_be_bytes();
            chunk.copy_from_slice(&drawn[..chunk.len()]);
        }
        bytes
    }

    fn token(&self, opens: Opens) -> Token {
        Token::new(opens, &self.random())
    }
}

/// The context of what is done without a caller's key: nothing of it is remembered.
fn unremembered(cause: &Cause) -> CommandContext {
    CommandContext {
        cause: cause.clone(),
        scope: Scope::nothing(),
        idempotency_key: String::new(),
        request_hash: [0; 32],
        expected_version: 0,
    }
}

/// Writes down what became of an account.
fn audit(work: &Work, cause: &Cause, account: &Account, action: &str, reason: &str) {
    let entry = AuditEntry {
        resource: "account",
        resource_id: account.name.as_str().to_owned(),
        version: account.version,
        action: action.to_owned(),
        reason: reason.to_owned(),
    };
    work.audit(cause, entry);
}
