//! What the platform's layers ask: whose a bearer secret is.

use async_trait::async_trait;
use hotline_kernel::time::micros;
use hotline_platform::access::Role;
use hotline_platform::core::CoreError;
use hotline_platform::identity::{Authenticate, Credential, Principal, Unauthenticated};
use hotline_proto::shared::Permission;

use crate::app::Accounts;
use crate::app::knowing::Known;
use crate::domain::key::Verb;
use crate::error::GatewayError;

/// Answers from the database of accounts, without a cache: what was ended is ended on the next call.
pub(crate) struct Bearers(pub(crate) Accounts);

#[async_trait]
impl Authenticate for Bearers {
    async fn authenticate(
        &self,
        credential: &Credential,
        from_addr: &str,
    ) -> Result<Principal, Unauthenticated> {
        match self.0.know(credential.reveal(), from_addr).await {
            Ok(known) => Ok(principal(known)),
            Err(GatewayError::TooMany { after }) => Err(Unauthenticated::TooMany { after }),
            Err(GatewayError::Core(error @ CoreError::Unavailable(_))) => {
                tracing::warn!(%error, "credentials cannot be checked");
                Err(Unauthenticated::Unavailable)
            }
            Err(GatewayError::SignInRefused) => Err(Unauthenticated::Refused),
            Err(error) => {
                tracing::error!(%error, "credentials cannot be checked");
                Err(Unauthenticated::Unavailable)
            }
        }
    }
}

/// The principal that the other services see.
fn principal(known: Known) -> Principal {
    match known {
        Known::Person { account, session } => {
            let roles = account.roles.iter().filter_map(|word| Role::of(word));
            let mut person = Principal::with_roles(&account.name.actor(), roles.collect());
            person.unit_code = account.unit_code;
            person.outsourced = account.outsourced;
            person.session = session.id.to_string();
            person.stepped_up_at = session.stepped_up_at.map(micros);
            person
        }
        Known::Program { key } => {
            let id = format!("key:{}", key.id);
            let mut program = Principal::new(&id, Role::Channel);
            program.session = id;
            program.permissions = key.verbs.iter().map(|verb| permission(*verb)).collect();
            program.channel_code = key.channel_code;
            program
        }
    }
}

fn permission(verb: Verb) -> Permission {
    match verb {
        Verb::Register => Permission::AppealRegister,
        Verb::Query => Permission::AppealQuery,
    }
}
