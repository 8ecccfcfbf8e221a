//! Personal data that occurs nowhere else goes through a city; then it is looked for wherever something is kept or
//! told: within the process, and by everything that a process or a command tells outside.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod collector;
mod inside;
mod outside;

use hotline_tests::kept::{Kept, places};

const NAME: &str = "样隐小标";
const EMAIL: &str = "canary.hit@example.com";
const ACCOUNT: &str = "canary_account_7731";
/// Of the area 999900, which is nowhere.
const IDENTITY: &str = "999900199001010014";
/// In the contact, in what is said, answered and replied, in a row that is taken and one that is refused.
const PHONES: [&str; 6] = [
    "19900000731",
    "19900000732",
    "19900000733",
    "19900000734",
    "19900000735",
    "19900000736",
];

/// Where any of it stands in clear.
fn hits(kept: &[Kept]) -> Vec<String> {
    let markers = [NAME, EMAIL, ACCOUNT, IDENTITY];
    let markers = markers.iter().chain(&PHONES);
    markers.flat_map(|marker| places(kept, marker)).collect()
}
