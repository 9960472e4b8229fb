//! `IPV6_PKTINFO`: `struct in6_pktinfo`, the destination that a datagram had or the source it is to
//! have, and the interface (RFC 3542 section 6.1 and section 6.2).
//!
//! ```text
//!  0                                                              16              20
//!  +--------------------------------------------------------------+---------------+
//!  |                           address                            |   interface   |
//!  +--------------------------------------------------------------+---------------+
//!                          network order                             host order
//! ```
//!
//! An unspecified address and interface 0 mean "the system's choice" when sent.

use core::net::Ipv6Addr;

use super::{Control, DecodeError};
use crate::abi::Platform;
use crate::interface::InterfaceIndex;
use crate::wire;

const SIZE: usize = 20;
const INTERFACE: usize = 16;

pub(super) fn decode<P: Platform>(data: &[u8]) -> Result<(Ipv6Addr, Option<InterfaceIndex>), DecodeError> {
    let width = DecodeError::Width { control: Control::PacketInfo, len: data.len(), expected: SIZE };
    let info: &[u8; SIZE] = data.try_into().map_err(|_| width)?;
    let address = wire::chunk::<16>(info, 0).ok_or(width)?;
    let index = wire::read_u32::<P>(info, INTERFACE).ok_or(width)?;
    Ok((Ipv6Addr::from(address), InterfaceIndex::new(index)))
}

pub(super) fn encode<P: Platform>(address: Option<Ipv6Addr>, on: Option<InterfaceIndex>) -> [u8; SIZE] {
    let mut info = [0; SIZE];
    let (to_address, to_index) = info.split_at_mut(INTERFACE);
    to_address.copy_from_slice(&address.unwrap_or(Ipv6Addr::UNSPECIFIED).octets());
    to_index.copy_from_slice(&wire::bytes_of_u32::<P>(on.map_or(0, InterfaceIndex::get)));
    info
}
