//! Free ports on loopback.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{TcpListener, UdpSocket};
use std::sync::{LazyLock, Mutex};

/// Below the range from which the kernel takes the ports of outgoing connections (32768 and up), so that none of those
/// takes a port between its picking and its use.
const PORTS: std::ops::Range<u16> = 18_000..32_000;

/// The place in `PORTS` from which to look next: at random at first, so that test binaries that run at once don't meet,
/// and then onwards, so that one test binary never gives a port twice.
static NEXT: LazyLock<Mutex<u16>> = LazyLock::new(|| {
    let span = u64::from(PORTS.end - PORTS.start);
    let start = RandomState::new().hash_one("ports") % span;
    Mutex::new(u16::try_from(start).expect("less than the span of u16"))
});

/// A port of 127.0.0.1 that nobody listens on now, neither for TCP nor for UDP.
pub fn free_port() -> u16 {
    let mut next = NEXT.lock().expect("no panic while it is held");
    for _ in PORTS {
        let port = PORTS.start + *next;
        *next = (*next + 1) % (PORTS.end - PORTS.start);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    drop(next);
    panic!("no free port in {PORTS:?}");
}
