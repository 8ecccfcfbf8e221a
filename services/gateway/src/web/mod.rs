//! The pages of accounts: set-up, sign-in, one's own sessions. Decode, call, render; nothing is decided here.
//!
//! No page holds a script or a style of its own, so that the browser runs nothing that is not in `assets/`.

mod assets;
mod guard;
mod home;
mod oidc;
mod render;
mod set_up;
mod sign_in;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use hotline_kernel::time::Zone;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::app::Accounts;
use crate::app::sealing::MacKey;

/// The largest form, in bytes.
const FORM_MAX_BYTES: usize = 16 * 1024;
/// Pages that are made at once; the others wait.
const AT_ONCE: usize = 64;

/// What every page has at hand. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Site {
    accounts: Accounts,
    /// For the codes in forms, which other sites cannot know.
    forms: Arc<MacKey>,
    /// How browsers reach the pages, such as `https://hotline.example`; it decides which origin may send forms.
    origin: Arc<str>,
    /// The city's: in which pages tell instants.
    zone: Zone,
}

impl Site {
    /// Pages over `accounts`, reached at `origin`, in a city of `zone`.
    pub(crate) fn new(accounts: Accounts, forms_key: [u8; 32], origin: &str, zone: Zone) -> Self {
        Self {
            accounts,
            forms: Arc::new(MacKey::new(forms_key)),
            origin: origin.into(),
            zone,
        }
    }
}

/// Every page, with what guards them.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/", get(home::show))
        // What a form is answered with stands at its address, and may be asked for again in the other language.
        .route("/password", get(home::show).post(home::change_password))
        .route("/step-up", get(home::show).post(home::step_up))
        .route("/sessions/end", get(home::show).post(home::end_session))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", get(home::show).post(sign_in::sign_out))
        .route("/set-up", get(set_up::show).post(set_up::begin))
        .route("/set-up/finish", get(set_up::show).post(set_up::finish))
        .route("/oidc/start", get(oidc::start))
        .route("/oidc/step-up", get(oidc::step_up))
        .route("/oidc/callback", get(oidc::callback))
        .route("/oidc/code", get(sign_in::show).post(oidc::code))
        .route("/assets/{name}", get(assets::serve))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
        .layer(from_fn_with_state(site.clone(), guard::forms))
        // Who waits for a place waits in his time.
        .layer(GlobalConcurrencyLimitLayer::new(AT_ONCE))
        .layer(from_fn(guard::in_time))
        .layer(from_fn(guard::headers))
        .with_state(site)
}
