//! Pages of lists: a size with a limit and an opaque token that holds where to go on.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::core::CoreError;

/// The size used when a request says 0.
pub const DEFAULT_SIZE: u32 = 20;
/// The largest page.
pub const MAX_SIZE: u32 = 200;
/// The longest token that is looked at, in characters.
const TOKEN_MAX: usize = 2048;

/// A page that was asked for; `C` is the list's cursor (the sort key of the last row seen).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<C> {
    /// Rows wanted, 1 to [`MAX_SIZE`].
    pub size: u64,
    /// Go on behind this row.
    pub after: Option<C>,
}

impl<C: Serialize + DeserializeOwned> Page<C> {
    /// Reads a request's `page_size` and `page_token`.
    ///
    /// # Errors
    ///
    /// [`CoreError::BadPageToken`] if the token is not one of [`token`].
    pub fn decode(size: u32, token: &str) -> Result<Self, CoreError> {
        let size = if size == 0 {
            DEFAULT_SIZE
        } else {
            size.min(MAX_SIZE)
        };
        let after = if token.is_empty() {
            None
        } else {
            Some(cursor(token)?)
        };
        Ok(Self {
            size: size.into(),
            after,
        })
    }
}

/// The token that goes on behind `cursor`.
///
/// A cursor is a plain tuple or struct; one that cannot be written as JSON gives an empty token,
/// which ends the list.
#[must_use]
pub fn token<C: Serialize>(cursor: &C) -> String {
    serde_json::to_vec(cursor)
        .map(hex::encode)
        .unwrap_or_default()
}

fn cursor<C: DeserializeOwned>(token: &str) -> Result<C, CoreError> {
    if token.len() > TOKEN_MAX {
        return Err(CoreError::BadPageToken);
    }
    let bytes = hex::decode(token).map_err(|_| CoreError::BadPageToken)?;
    serde_json::from_slice(&bytes).map_err(|_| CoreError::BadPageToken)
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_SIZE, MAX_SIZE, Page, token};

    #[test]
    fn a_token_comes_back_as_its_cursor_and_others_are_refused() {
        let cursor = (42_i64, "250102-ABCDE-F".to_owned());
        let page = Page::<(i64, String)>::decode(7, &token(&cursor)).expect("a token of ours");
        assert_eq!(
            page,
            Page {
                size: 7,
                after: Some(cursor)
            }
        );
        for bad in ["zz", "00", "7b7d", &"a".repeat(5000)] {
            assert!(Page::<(i64, String)>::decode(7, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_size_has_a_default_and_a_limit() {
        let sizes = [
            (0, DEFAULT_SIZE),
            (1, 1),
            (MAX_SIZE, MAX_SIZE),
            (u32::MAX, MAX_SIZE),
        ];
        for (asked, given) in sizes {
            assert_eq!(
                Page::<i64>::decode(asked, "").expect("no token").size,
                u64::from(given),
                "{asked}"
            );
        }
    }
}
