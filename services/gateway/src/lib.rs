//! The edge: console and public pages. An empty place for now.

use hotline_platform::runtime::Runtime;

/// Mounts the edge. It serves nothing yet and keeps nothing, so there is no base to give back.
pub fn mount(runtime: &Runtime) {
    tracing::debug!(data_dir = %runtime.data_dir().display(), "the gateway has no pages yet");
}
