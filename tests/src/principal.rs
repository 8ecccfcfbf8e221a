//! Calls in somebody's name, signed with the city's key where they leave the test's process.

use std::sync::{Arc, OnceLock};

use hotline::config::Config;
use hotline::identity::of_a_command;
use hotline_platform::grpc::{PRINCIPAL_METADATA, Principal};
use hotline_platform::identity::Signer;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// A channel to a city; whom calls are made for is signed on the way.
pub type Door = InterceptedService<Channel, Signing>;

/// Signs as a command beside the city does. Before the city's first start there is no key and nothing is signed.
#[derive(Clone)]
pub struct Signing {
    config: Arc<Config>,
    signer: Arc<OnceLock<Arc<Signer>>>,
}

impl Signing {
    /// With the key of a city of this configuration.
    pub fn of(config: &Config) -> Self {
        Self {
            config: Arc::new(config.clone()),
            signer: Arc::default(),
        }
    }

    /// A door that is opened at the first call.
    pub fn on(&self, channel: Channel) -> Door {
        InterceptedService::new(channel, self.clone())
    }

    fn signer(&self) -> Option<&Signer> {
        if self.signer.get().is_none() {
            let outgoing = of_a_command(&self.config).expect("a city's key is one");
            // Somebody else may have been faster; it is the same key.
            drop(outgoing.signer.map(|signer| self.signer.set(signer)));
        }
        self.signer.get().map(AsRef::as_ref)
    }
}

impl Interceptor for Signing {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let plain = request.metadata().get(PRINCIPAL_METADATA);
        let principal = plain.and_then(|value| Principal::of_metadata(value.as_bytes()));
        let principal: Option<Principal> = principal;
        if let Some((principal, signer)) = principal.zip(self.signer()) {
            let token = signer.sign(&principal).parse().expect("a token is ASCII");
            request.metadata_mut().insert(PRINCIPAL_METADATA, token);
        }
        Ok(request)
    }
}

/// `message` as said by a person with `role`.
pub fn by<T>(role: &str, name: &str, message: T) -> Request<T> {
    signed(&format!("{role}:{name}"), role, "", message)
}

/// `message` as said by a clerk of `unit`.
pub fn by_unit<T>(unit: &str, message: T) -> Request<T> {
    signed(&format!("unit:{unit}"), "unit_clerk", unit, message)
}

fn signed<T>(id: &str, role: &str, unit: &str, message: T) -> Request<T> {
    let principal = serde_json::json!({ "id": id, "roles": [role], "unit_code": unit });
    let mut request = Request::new(message);
    let value = principal.to_string().parse().expect("a principal is ASCII");
    request.metadata_mut().insert("hotline-principal", value);
    request
}
