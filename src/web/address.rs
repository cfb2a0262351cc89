//! Addresses that nobody may have the bot ask.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where clouds tell a machine its credentials, beside 169.254.169.254: Alibaba, Oracle, and
/// Azure's wire server.
const METADATA: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

/// Why that address is never asked, such as `an address of this machine`; `None`: it may be.
///
/// What listens on the bot's own machine or link often asks for no credentials, as nobody else
/// should get there. An IPv4 address within an IPv6 one counts as itself.
pub fn why_refused(address: IpAddr) -> Option<&'static str> {
    let address = address.to_canonical();
    if METADATA.contains(&address) {
        return Some("where a cloud tells its machines their credentials");
    }
    match address {
        IpAddr::V4(address) => of_v4(address),
        IpAddr::V6(address) => of_v6(address),
    }
}

fn of_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        // Linux takes 0.0.0.0 for this machine.
        [0, ..] => Some("no address of a service"),
        [127, ..] => Some("an address of this machine"),
        [169, 254, ..] => Some("a link-local address, where a cloud tells its machines their credentials"),
        [224..=239, ..] => Some("a multicast address"),
        [255, 255, 255, 255] => Some("the broadcast address"),
        _ => None,
    }
}

fn of_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_loopback() {
        return Some("an address of this machine");
    }
    if address.is_unspecified() {
        return Some("no address of a service");
    }
    match address.segments() {
        // The local services of AWS, Google and Scaleway over IPv6.
        [0xfd00, 0xec2, ..] | [0xfd20, 0xce, 0, 0, ..] | [0xfd00, 0x42, 0, 0, ..] => {
            Some("where a cloud tells its machines their credentials")
        }
        // fe80::/10, and fec0::/10, which it was before.
        [0xfe80..=0xfeff, ..] => Some("a link-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        _ => why_refused(IpAddr::V4(embedded(address)?)),
    }
}

/// The IPv4 address that what is sent there may end at: of `::a.b.c.d`, `::ffff:0:a.b.c.d`,
/// NAT64 and 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] => of(high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] => of(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => of(high, low),
        [0x64, 0xff9b, 1, .., high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_this_machine_its_link_or_metadata_is_refused_however_it_is_written() {
        for refused in [
            "127.0.0.1",
            "127.255.0.9",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "169.254.0.1",
            "224.0.0.1",
            "239.1.1.1",
            "255.255.255.255",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd00:ec2::253",
            "fd00:ec2:1::1",
            "fd20:ce::254",
            "fd20:ce::1:2",
            "fd00:42::42",
            "::ffff:0:127.0.0.1",
            "::ffff:0:169.254.169.254",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "::ffff:0.0.0.0",
        ] {
            assert!(why_refused(refused.parse().unwrap()).is_some(), "{refused}");
        }
    }

    #[test]
    fn pods_services_and_hosts_may_be_asked() {
        for allowed in [
            "10.96.0.12",
            "172.16.4.5",
            "192.168.1.9",
            "100.64.0.1",
            "203.0.113.7",
            "fd12:3456::9",
            "fd00:ec3::254",
            "fd20:ce:1::254",
            "fd00:42:1::42",
            "::ffff:0:10.0.0.1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
        ] {
            assert_eq!(why_refused(allowed.parse().unwrap()), None, "{allowed}");
        }
    }
}
