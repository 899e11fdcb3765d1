use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// Below the usual range of outgoing connections (32768 and up): a client that retries a stopped
/// server on loopback would else be given the server's port as its own and connect to itself.
const RANGE: std::ops::Range<u16> = 15_000..32_000;

/// A loopback port that was free a moment ago, drawn at random so that tests that run at once
/// seldom draw the same.
///
/// # Errors
/// When 200 draws found none free.
pub fn free_port() -> io::Result<u16> {
    let width = u64::from(RANGE.end - RANGE.start);
    for draw in 0..200_u64 {
        // Each RandomState has keys of its own: a random number without another dependency.
        let offset = RandomState::new().hash_one(draw) % width;
        let port = RANGE.start + u16::try_from(offset).unwrap_or(0);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        "no free loopback port between 15000 and 32000",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_can_be_bound() {
        let port = free_port().unwrap();
        assert!(RANGE.contains(&port));
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
