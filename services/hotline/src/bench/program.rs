//! Which program is measured: this one, or an older release of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hotline_platform::peers::{self, Outgoing, Transport, Unreachable};
use tower::ServiceExt as _;

use crate::services::Name;

/// The longest call of an older release.
const CALL_MAX: Duration = Duration::from_secs(30);

/// A program that serves a city.
#[derive(Clone, Debug, Default)]
pub(super) enum Program {
    /// This one: access, encryption and audit are on, and nothing turns them off.
    #[default]
    This,
    /// The binary of a release from before any of that. It believes whoever calls from its machine.
    Before(Arc<PathBuf>),
}

impl Program {
    /// What is started.
    pub(super) fn binary(&self) -> anyhow::Result<PathBuf> {
        match self {
            Self::This => Ok(std::env::current_exe()?),
            Self::Before(binary) => Ok(binary.as_ref().clone()),
        }
    }

    /// The services that it has and keeps data for.
    pub(super) fn services(&self) -> &'static [Name] {
        match self {
            Self::This => Name::ALL,
            Self::Before(_) => Name::FLOW,
        }
    }

    /// Counts what is still to be done behind the answers of its intake.
    pub(super) fn unnumbered(&self) -> &'static [&'static str] {
        const EVENTS: &str = "SELECT count(*) AS waiting FROM outbox WHERE pub_seq IS NULL";
        const AUDIT: &str = "SELECT count(*) AS waiting FROM audit WHERE chain_seq IS NULL";
        match self {
            Self::This => &[EVENTS, AUDIT],
            Self::Before(_) => &[EVENTS],
        }
    }

    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::This => "**this program**",
            Self::Before(_) => "the release before",
        }
    }
}

/// A way to a program that believes its callers' word.
pub(super) fn believing(url: &str) -> anyhow::Result<Transport> {
    let channel = peers::channel("server", url, &Outgoing::default(), CALL_MAX)?;
    Ok(Transport::new(tower::service_fn(move |request| {
        let channel = channel.clone();
        async move { channel.oneshot(request).await.map_err(Unreachable::because) }
    })))
}
