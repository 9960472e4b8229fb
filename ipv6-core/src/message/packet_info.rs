//! `IPV6_PKTINFO`: `struct in6_pktinfo`, the destination of a received datagram or the source of a sent one, and the
//! interface (RFC 3542 section 6.1 and section 6.2).
//!
//! ```text
//!  0                                                              16              20
//!  +--------------------------------------------------------------+---------------+
//!  |                           address                            |   interface   |
//!  +--------------------------------------------------------------+---------------+
//!                          network order                             host order
//! ```
//!
//! In a sent datagram the unspecified address and interface 0 leave the choice to the system.

use core::net::Ipv6Addr;

use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform, Width};
use crate::interface::InterfaceIndex;
use crate::wire;

/// An address and an interface (`IPV6_PKTINFO`, RFC 3542 section 6.1 and section 6.2). For a received packet: its
/// destination and the interface that received it. For a packet to send: its source and the interface to send it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "IPV6_PKTINFO", alias = "in6_pktinfo")]
pub struct PacketInfo {
    /// The address. In a sent packet, the unspecified address leaves the choice to the system.
    #[doc(alias = "ipi6_addr")]
    pub address: Ipv6Addr,
    /// The interface. In a sent packet, `None` leaves the choice to the system.
    #[doc(alias = "ipi6_ifindex")]
    pub interface: Option<InterfaceIndex>,
}

/// Bytes of a `struct in6_pktinfo`.
pub(crate) const SIZE: usize = 20;
const INTERFACE: usize = 16;

impl PacketInfo {
    #[inline(always)]
    pub(crate) fn read<P: Platform>(info: &[u8; SIZE]) -> Self {
        // Both fields are inside.
        let address = wire::chunk::<16>(info, 0).unwrap_or_default();
        let index = wire::read_u32::<P>(info, INTERFACE).unwrap_or_default();
        Self { address: Ipv6Addr::from(copied::<P>(address)), interface: InterfaceIndex::new(index).ok() }
    }

    #[inline(always)]
    pub(crate) fn to_bytes<P: Platform>(self) -> [u8; SIZE] {
        let mut info = [0; SIZE];
        let (to_address, to_index) = info.split_at_mut(INTERFACE);
        to_address.copy_from_slice(&copied::<P>(self.address.octets()));
        to_index.copy_from_slice(&wire::bytes_of_u32::<P>(self.interface.map_or(0, InterfaceIndex::get)));
        info
    }
}

impl<P: Platform> ControlMessage<P> for PacketInfo {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_PKTINFO";
    const NUMBER: Option<ControlNumber> = P::ABI.control.packet_info;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let control = Control::of::<Self, P>();
        let width = DecodeError::Width { control, len: data.len(), expected: SIZE };
        Ok(Self::read::<P>(data.try_into().map_err(|_| width)?))
    }
}

impl<P: Platform> SendMessage<P> for PacketInfo {
    #[inline(always)]
    fn encode(&self) -> impl AsRef<[u8]> {
        self.to_bytes::<P>()
    }
}

/// The same bytes. On a 32-bit platform the compiler copies 16 bytes with a call of `memcpy`, which is larger than all
/// code here; as one number they are copied in registers.
#[inline(always)]
fn copied<P: Platform>(octets: [u8; 16]) -> [u8; 16] {
    match const { P::ABI.cmsg.len } {
        Width::Eight => octets,
        Width::Four => u128::from_ne_bytes(octets).to_ne_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux32, Linux64, Linux64Be};
    use crate::cmsg::RawMessages;
    use crate::message::Messages;

    //  len 36 = 16 + 20            level 41      type 50
    //  fe80::1                                               interface 3   padding
    const INFO: [u8; 40] = [
        36, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 50, 0, 0, 0, //
        0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0,
    ];

    fn info() -> PacketInfo {
        PacketInfo { address: "fe80::1".parse().unwrap(), interface: InterfaceIndex::new(3).ok() }
    }

    #[test]
    fn address_and_interface_are_sent_and_received() {
        assert_eq!(Messages::<Linux64, 40>::new().with(info()).unwrap().as_bytes(), INFO);
        assert_eq!(RawMessages::<Linux64>::new(&INFO).get::<PacketInfo>(), Ok(Some(info())));
    }

    #[test]
    fn the_header_and_the_byte_order_are_those_of_the_platform() {
        // 12 bytes of header and 20 of data: no padding.
        let short = Messages::<Linux32, 32>::new().with(info()).unwrap();
        assert_eq!((short.as_bytes()[0], &short.as_bytes()[28..]), (32, &[3, 0, 0, 0][..]));
        assert_eq!(RawMessages::<Linux32>::new(short.as_bytes()).get::<PacketInfo>(), Ok(Some(info())));
        let big = Messages::<Linux64Be, 40>::new().with(info()).unwrap();
        assert_eq!((big.as_bytes()[7], &big.as_bytes()[32..36]), (36, &[0, 0, 0, 3][..]));
    }

    #[test]
    fn interface_0_is_no_interface() {
        let mut control = INFO;
        control[32] = 0;
        let got = RawMessages::<Linux64>::new(&control).get::<PacketInfo>();
        assert_eq!(got, Ok(Some(PacketInfo { interface: None, ..info() })));
        let sent = Messages::<Linux64, 40>::new().with(PacketInfo { interface: None, ..info() }).unwrap();
        assert_eq!(sent.as_bytes(), control);
    }

    #[test]
    fn data_of_another_size_is_an_error() {
        for len in [0, 16, 19, 21] {
            let error = DecodeError::Width { control: Control::PacketInfo, len, expected: 20 };
            assert_eq!(<PacketInfo as ControlMessage<Linux64>>::decode(&[0; 32][..len]), Err(error));
        }
    }
}
