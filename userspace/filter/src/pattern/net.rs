//! Networks in prefix notation.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::PatternError;

/// An IPv4 or IPv6 network. Host bits are dropped: `10.1.2.3/8` is `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpNet {
    base: IpAddr,
    prefix: u8,
}

impl IpNet {
    /// First address.
    #[must_use]
    pub const fn base(&self) -> IpAddr {
        self.base
    }

    /// Length of the prefix in bits.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether the address lies inside; one of the other family never does.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address, self.prefix) == Some(self.base) && address.is_ipv4() == self.base.is_ipv4()
    }
}

/// The address with all bits after the prefix cleared; none if the prefix is too long.
fn masked(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(prefix)?).unwrap_or(0);
            Some(IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask)))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(prefix)?).unwrap_or(0);
            Some(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask)))
        }
    }
}

impl FromStr for IpNet {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = text.split_once('/').ok_or(PatternError::Net)?;
        let address: IpAddr = address.parse().map_err(|_| PatternError::Net)?;
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PatternError::Net);
        }
        let prefix: u8 = prefix.parse().map_err(|_| PatternError::Net)?;
        let base = masked(address, prefix).ok_or(PatternError::Net)?;
        Ok(Self { base, prefix })
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("1.2.3.4/32", "1.2.3.4", true),
            ("1.2.3.4/32", "1.2.3.5", false),
            ("fc00::/7", "fd12::1", true),
            ("fc00::/7", "fe00::1", false),
            ("::/0", "::1", true),
            ("::/0", "1.2.3.4", false),
            ("0.0.0.0/0", "::1", false),
            ("::1/128", "::1", true),
        ];
        for (net, address, inside) in cases {
            assert_eq!(net.parse::<IpNet>().unwrap().contains(address.parse().unwrap()), inside, "{net} {address}");
        }
        assert_eq!("10.1.2.3/8".parse::<IpNet>().unwrap().to_string(), "10.0.0.0/8");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "10.0.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "x/8",
            "",
            "/",
            "10.0.0.0/8/8",
        ] {
            assert_eq!(text.parse::<IpNet>(), Err(PatternError::Net), "{text}");
        }
    }
}
