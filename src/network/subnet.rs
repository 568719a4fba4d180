//! Subnets as they are written, `10.5.0.0/16` or `fd00::/64`, and what lies in them. No I/O.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use rand::Rng;

use crate::error::Problem;

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Subnet {
    /// The first one.
    address: IpAddr,
    /// How many bits all of them have in common.
    prefix: u8,
}

impl Subnet {
    /// Parses one; `noun` is what it is called in a problem.
    pub(super) fn parse(text: &str, noun: &str) -> Result<Self, Problem> {
        let refuse = |why: &str, hint: String| {
            Err(Problem::new(format!("`{text}` is not {noun}{why}"), hint))
        };
        let example = || "write it as `10.5.0.0/16` or `fd00:5::/64`".to_owned();
        let Some((address, prefix)) = text.split_once('/') else {
            return match text.parse::<IpAddr>() {
                Ok(address) => refuse(
                    ": its prefix is missing",
                    format!("say how many bits its addresses have in common: `{address}/24`"),
                ),
                Err(_) => refuse("", example()),
            };
        };
        let Ok(address) = address.parse::<IpAddr>() else {
            return refuse(&format!(": `{address}` is not an IP address"), example());
        };
        let (bits, family) = if address.is_ipv4() { (32, "IPv4") } else { (128, "IPv6") };
        let parsed = prefix.parse::<u8>().ok().filter(|length| *length <= bits);
        let Some(prefix) = parsed.filter(|_| prefix.bytes().all(|byte| byte.is_ascii_digit()))
        else {
            return refuse(
                &format!(": `{prefix}` is not the length of a prefix"),
                format!("an address of {family} has {bits} bits"),
            );
        };
        let subnet = Subnet { address, prefix };
        let first = Subnet { address: subnet.first(), prefix };
        if first != subnet {
            return refuse(
                ": its address has bits behind the prefix",
                format!("did you mean `{first}`?"),
            );
        }
        Ok(subnet)
    }

    /// One of the addresses that everybody may use at home (RFC 4193), so random that no two are ever the same.
    pub(super) fn random_ipv6() -> Self {
        let random: u64 = rand::thread_rng().gen();
        let network = 0xfd00_0000_0000_0000 | (random >> 8);
        Subnet { address: Ipv6Addr::from(u128::from(network) << 64).into(), prefix: 64 }
    }

    /// The address that Docker gives to the engine itself.
    pub(super) fn first_host(&self) -> IpAddr {
        match self.address {
            IpAddr::V4(address) => {
                std::net::Ipv4Addr::from(u32::from(address).saturating_add(1)).into()
            }
            IpAddr::V6(address) => Ipv6Addr::from(u128::from(address).saturating_add(1)).into(),
        }
    }

    pub(super) fn is_ipv6(&self) -> bool {
        self.address.is_ipv6()
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let shift = 128 - u32::from(self.prefix);
        let common = |address: IpAddr| bits(address).checked_shr(shift).unwrap_or(0);
        self.address.is_ipv4() == address.is_ipv4() && common(self.address) == common(address)
    }

    /// Whether every address of the other one is one of these.
    pub(super) fn holds(&self, other: &Subnet) -> bool {
        self.prefix <= other.prefix && self.contains(other.address)
    }

    pub(super) fn overlaps(&self, other: &Subnet) -> bool {
        self.holds(other) || other.holds(self)
    }

    fn first(&self) -> IpAddr {
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
        let bits = bits(self.address) & mask;
        match self.address {
            // The mask has 128 bits: an address of IPv4 has the highest 32 of them.
            IpAddr::V4(_) => std::net::Ipv4Addr::from((bits >> 96) as u32).into(),
            IpAddr::V6(_) => Ipv6Addr::from(bits).into(),
        }
    }
}

/// The bits of an address, from the highest on.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => address.into(),
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(text: &str) -> Subnet {
        Subnet::parse(text, "a subnet").unwrap()
    }

    #[test]
    fn both_families_are_read_and_written() {
        for text in ["10.5.0.0/16", "0.0.0.0/0", "10.5.0.7/32", "fd00:5::/64", "::/0", "::1/128"] {
            assert_eq!(subnet(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_none_says_why_and_what_to_write() {
        let check = |text: &str, what: &str, hint: &str| {
            let problem = Subnet::parse(text, "a subnet").unwrap_err();
            assert_eq!(problem, Problem::new(what, hint));
        };
        let example = "write it as `10.5.0.0/16` or `fd00:5::/64`";
        check("home", "`home` is not a subnet", example);
        check("10.5/16", "`10.5/16` is not a subnet: `10.5` is not an IP address", example);
        check(
            "10.5.0.0",
            "`10.5.0.0` is not a subnet: its prefix is missing",
            "say how many bits its addresses have in common: `10.5.0.0/24`",
        );
        check(
            "10.5.0.0/33",
            "`10.5.0.0/33` is not a subnet: `33` is not the length of a prefix",
            "an address of IPv4 has 32 bits",
        );
        check(
            "fd00::/+4",
            "`fd00::/+4` is not a subnet: `+4` is not the length of a prefix",
            "an address of IPv6 has 128 bits",
        );
        check(
            "10.5.7.1/16",
            "`10.5.7.1/16` is not a subnet: its address has bits behind the prefix",
            "did you mean `10.5.0.0/16`?",
        );
        check(
            "fd00:5::1/64",
            "`fd00:5::1/64` is not a subnet: its address has bits behind the prefix",
            "did you mean `fd00:5::/64`?",
        );
    }

    #[test]
    fn addresses_and_blocks_lie_in_a_subnet_or_not() {
        let home = subnet("10.5.0.0/16");
        assert!(home.contains("10.5.255.255".parse().unwrap()));
        assert!(!home.contains("10.6.0.0".parse().unwrap()));
        assert!(!home.contains("::1".parse().unwrap()));
        assert!(home.holds(&subnet("10.5.3.0/24")) && !subnet("10.5.3.0/24").holds(&home));
        assert!(subnet("10.5.3.0/24").overlaps(&home) && home.overlaps(&home));
        assert!(!home.overlaps(&subnet("10.6.0.0/16")));
        assert!(subnet("0.0.0.0/0").holds(&home) && !subnet("::/0").holds(&home));
    }

    #[test]
    fn a_random_one_is_local_and_of_64_bits() {
        let random = Subnet::random_ipv6();
        assert!(subnet("fd00::/8").holds(&random), "{random}");
        assert_eq!(Subnet::parse(&random.to_string(), "a subnet"), Ok(random));
        assert!(
            random.contains(random.first_host())
                && random.first_host().to_string().ends_with("::1")
        );
        assert_ne!(random, Subnet::random_ipv6());
    }
}
