//! Pages of lists: a size with a limit and an opaque token that holds where to go on.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::CoreError;

/// The size used when a request says 0.
pub const DEFAULT_SIZE: u32 = 20;
/// The largest page.
pub const MAX_SIZE: u32 = 200;

/// A page that was asked for; `C` is the list's cursor (the sort key of the last row seen).
#[derive(Clone, Debug)]
pub struct Page<C> {
    /// Rows wanted, 1 to [`MAX_SIZE`].
    pub size: u64,
    /// Go on behind this row.
    pub after: Option<C>,
}

impl<C: Serialize + DeserializeOwned> Page<C> {
    /// Reads a request's `page_size` and `page_token`.
    pub fn decode(size: u32, token: &str) -> Result<Self, CoreError> {
        let _ = (size, token);
        todo!()
    }
}

/// The token that goes on behind `cursor`.
pub fn token<C: Serialize>(cursor: &C) -> String {
    let _ = cursor;
    todo!()
}
