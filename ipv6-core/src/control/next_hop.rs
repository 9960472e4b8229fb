//! `IPV6_NEXTHOP`: the neighbour to which a datagram is handed, a `struct sockaddr_in6`
//! (RFC 3542 section 6.4). It is sent only; no system delivers it.
//!
//! The layout is drawn in [`crate::sockaddr`].

use core::net::SocketAddrV6;

use crate::abi::Platform;
use crate::sockaddr;

pub(super) fn encode<P: Platform>(next_hop: &SocketAddrV6) -> [u8; sockaddr::MAX_SIZE] {
    sockaddr::encode::<P>(next_hop)
}
