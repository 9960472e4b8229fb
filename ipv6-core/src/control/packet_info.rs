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

pub(super) const SIZE: usize = 20;
const INTERFACE: usize = 16;

pub(super) fn decode<P: Platform>(data: &[u8]) -> Result<(Ipv6Addr, Option<InterfaceIndex>), DecodeError> {
    let width = DecodeError::Width { control: Control::PacketInfo, len: data.len(), expected: SIZE };
    let info = data.try_into().map_err(|_| width)?;
    Ok(read::<P>(info))
}

#[inline(always)]
pub(super) fn read<P: Platform>(info: &[u8; SIZE]) -> (Ipv6Addr, Option<InterfaceIndex>) {
    // Both lie within.
    let address = wire::chunk::<16>(info, 0).unwrap_or_default();
    let index = wire::read_u32::<P>(info, INTERFACE).unwrap_or_default();
    (Ipv6Addr::from(moved::<P>(address)), InterfaceIndex::new(index).ok())
}

#[inline(always)]
pub(super) fn encode<P: Platform>(address: Option<Ipv6Addr>, on: Option<InterfaceIndex>) -> [u8; SIZE] {
    let mut info = [0; SIZE];
    let (to_address, to_index) = info.split_at_mut(INTERFACE);
    to_address.copy_from_slice(&moved::<P>(address.unwrap_or(Ipv6Addr::UNSPECIFIED).octets()));
    to_index.copy_from_slice(&wire::bytes_of_u32::<P>(on.map_or(0, InterfaceIndex::get)));
    info
}

/// The same bytes, as one number where code may have to be small: sixteen bytes are else copied by a call there, and
/// `memcpy` is larger than all that is here. Larger machines have instructions for it.
#[inline(always)]
fn moved<P: Platform>(octets: [u8; 16]) -> [u8; 16] {
    if const { super::has_quick_ways::<P>() } { octets } else { u128::from_ne_bytes(octets).to_ne_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32, Linux64, Linux64Be};
    use crate::control::{RecvControl, SendControl};

    //  len 36 = 16 + 20            level 41      type 50
    //  fe80::1                                               interface 3   padding
    const INFO: [u8; 40] = [
        36, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 50, 0, 0, 0, //
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0,
    ];

    fn control() -> SendControl<'static> {
        let on = InterfaceIndex::new(3).unwrap();
        SendControl::new().with_source("fe80::1".parse().unwrap()).with_interface(on)
    }

    #[test]
    fn both_ways() {
        let mut bytes = [0xff; 40];
        assert_eq!(control().encode::<Linux64>(&mut bytes), Ok(40));
        assert_eq!(bytes, INFO);
        let got = RecvControl::decode::<Linux64>(&INFO).unwrap();
        assert_eq!((got.destination, got.interface), (control().source, control().interface));
    }

    #[test]
    fn other_layouts() {
        let mut bytes = [0; 40];
        // 12 of header and 20 of data: no padding.
        assert_eq!(control().encode::<Linux32>(&mut bytes), Ok(32));
        assert_eq!((bytes[0], &bytes[28..32]), (32, [3, 0, 0, 0].as_slice()));
        assert_eq!(control().encode::<Linux64Be>(&mut bytes), Ok(40));
        assert_eq!((bytes[7], &bytes[32..36]), (36, [0, 0, 0, 3].as_slice()));
    }

    #[test]
    fn one_half_leaves_the_other_to_the_system() {
        let mut bytes = [0xff; 40];
        SendControl::new()
            .with_interface(InterfaceIndex::new(3).unwrap())
            .encode::<Linux64>(&mut bytes)
            .unwrap();
        assert_eq!(bytes[16..32], [0; 16]);
        SendControl::new().with_source("fe80::1".parse().unwrap()).encode::<Linux64>(&mut bytes).unwrap();
        assert_eq!(bytes[32..36], [0; 4]);
    }

    #[test]
    fn another_width() {
        for len in [0, 16, 19, 21] {
            let error = DecodeError::Width { control: Control::PacketInfo, len, expected: 20 };
            assert_eq!(decode::<Linux64>(&[0; 32][..len]), Err(error));
        }
    }
}
