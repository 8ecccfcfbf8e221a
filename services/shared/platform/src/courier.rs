//! Stub.
use crate::core::Core;
/// Courier.
#[derive(Clone, Debug)]
pub struct Courier;
pub(crate) fn start_publisher(_core: &Core, _courier: Courier) {}
