//! The blocks of addresses that the internet at large does not use.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whether IANA's registry of special-purpose IPv4 addresses leaves `address` to the internet.
pub(super) fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = a == 0
        || a >= 240
        || (a, b & 0xc0) == (100, 64) // shared address space
        || (a, b & 0xfe) == (198, 18) // benchmarking
        || (a, b, c) == (192, 0, 0) // protocol assignments
        || (a, b, c) == (192, 88, 99); // 6to4 relays, deprecated
    !(reserved
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast())
}

/// Whether `address` is in 2000::/3 and not in a block of IANA's registry of special-purpose IPv6
/// addresses.
pub(super) fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let special = (first, second) == (0x2001, 0x0db8) // documentation
        || (first == 0x2001 && second < 0x0200) // protocol assignments, Teredo among them
        || first == 0x2002 // 6to4
        || (first == 0x3fff && second < 0x1000); // documentation
    (first & 0xe000) == 0x2000 && !special
}
