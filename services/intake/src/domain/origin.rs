//! Where a question comes from: what wrong tries are counted by.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where a question comes from. What is printed of it says neither.
#[derive(Clone, PartialEq, Eq)]
pub enum Origin {
    /// An address of the network.
    Network(IpAddr),
    /// Who calls, where no address is known: another part of this process.
    Caller(String),
}

impl Origin {
    /// What [`Origin::parse`] expects, to end the sentence "must be …".
    pub const EXPECTED: &'static str =
        "an IP address such as 192.0.2.7 or 2001:db8::7, without port or zone, or nothing";

    /// Reads an address as somebody tells it; an IPv4 address that is written as IPv6 is one of IPv4.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let address: IpAddr = text.trim().parse().ok()?;
        Some(Self::Network(address.to_canonical()))
    }

    /// What one household or device has: an IPv4 address, or the /64 of IPv6 in which it takes as many addresses as
    /// it likes.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Network(IpAddr::V4(address)) => address.to_string(),
            Self::Network(IpAddr::V6(address)) => format!("{}/64", first_bits(*address, 64)),
            Self::Caller(name) => name.clone(),
        }
    }

    /// What one customer of a provider can easily have many addresses in: a /24 of IPv4, a /48 of IPv6.
    #[must_use]
    pub fn network(&self) -> String {
        match self {
            Self::Network(IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                format!("{}/24", Ipv4Addr::new(a, b, c, 0))
            }
            Self::Network(IpAddr::V6(address)) => format!("{}/48", first_bits(*address, 48)),
            Self::Caller(name) => name.clone(),
        }
    }
}

fn first_bits(address: Ipv6Addr, count: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - count)))
}

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Network(IpAddr::V4(_)) => "Origin(IPv4)",
            Self::Network(IpAddr::V6(_)) => "Origin(IPv6)",
            Self::Caller(_) => "Origin(caller)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_many_addresses_is_counted_by_what_he_has_them_in() {
        for (text, address, network) in [
            ("192.0.2.7", "192.0.2.7", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.7", "192.0.2.0/24"),
            (
                "2001:db8:1:2:3:4:5:6",
                "2001:db8:1:2::/64",
                "2001:db8:1::/48",
            ),
            (" 2001:DB8:1:2::9 ", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ] {
            let origin = Origin::parse(text).unwrap();
            assert_eq!(origin.address(), address, "{text}");
            assert_eq!(origin.network(), network, "{text}");
            assert!(!format!("{origin:?}").contains("db8"), "{origin:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_not_taken_for_one() {
        for text in [
            "",
            "somebody",
            "192.0.2.7:80",
            "[::1]",
            "fe80::1%eth0",
            "192.0.2",
            "192.0.2.0/24",
            "192.0.2.7, 10.0.0.1",
        ] {
            assert!(Origin::parse(text).is_none(), "{text}");
        }
    }
}
