//! Who may do what: roles, what each may do, and the decision about one call.
//!
//! What a call needs is declared with it (`AuthRule` in its proto), what a role may do stands in one table
//! ([`Role::grants`]), and [`decide`] puts the two together. Nothing else decides.

mod decide;
mod role;
mod word;

pub use decide::{Denied, Rows, Scope, decide};
pub use role::{Grant, Role};
pub use word::{permission_of, word_of};
