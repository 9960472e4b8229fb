//! `IP_PKTINFO`: `struct in_pktinfo`, the destination of a received IPv4 datagram or the source of a sent one, and the
//! interface.
//!
//! ```text
//!  Linux and Apple                                      Windows
//!  0               4              8              12     0               4               8
//!  +---------------+--------------+--------------+      +---------------+---------------+
//!  |   interface   | local address|   address    |      |    address    |   interface   |
//!  +---------------+--------------+--------------+      +---------------+---------------+
//!     host order           network order                  network order    host order
//! ```
//!
//! On Linux and Apple's systems `ipi_spec_dst`, the local address, is the source of a sent datagram (ip(7)). Of a received
//! one, `ipi_addr` is the destination in its header.

use core::net::Ipv4Addr;

use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};
use crate::interface::InterfaceIndex;
use crate::wire;

/// An IPv4 address and an interface (`IP_PKTINFO`) on a dual-stack socket. For a received packet: its destination and the
/// interface that received it. For a packet to send: its source and the interface to send it on.
///
/// Linux, Apple's systems and Windows. Linux and Apple's systems deliver
/// [`PacketInfo`](super::PacketInfo) with a mapped address for IPv4 too, if it is enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "IP_PKTINFO", alias = "in_pktinfo")]
pub struct Ipv4PacketInfo {
    /// The address. In a sent packet, 0.0.0.0 leaves the choice to the system.
    #[doc(alias = "ipi_addr", alias = "ipi_spec_dst")]
    pub address: Ipv4Addr,
    /// The interface. In a sent packet, `None` leaves the choice to the system.
    #[doc(alias = "ipi_ifindex")]
    pub interface: Option<InterfaceIndex>,
}

/// Where the fields are: (interface, local address, address). Windows has one address.
const fn offsets(size: usize) -> (usize, usize, usize) {
    if size == 8 { (4, 0, 0) } else { (0, 4, 8) }
}

/// Bytes of the structure.
const fn size_on<P: Platform>() -> usize {
    match <Ipv4PacketInfo as ControlMessage<P>>::NUMBER {
        Some(number) => number.size,
        None => 12,
    }
}

impl<P: Platform> ControlMessage<P> for Ipv4PacketInfo {
    type Value<'a> = Self;
    const NAME: &'static str = "IP_PKTINFO";
    const NUMBER: Option<ControlNumber> = P::ABI.control.ipv4_packet_info;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let (_, _, address) = const { offsets(size_on::<P>()) };
        Self::read::<P>(data, address)
    }

    /// The source is the local address.
    fn decode_sent(data: &[u8]) -> Result<Option<Self>, DecodeError> {
        let (_, local_address, _) = const { offsets(size_on::<P>()) };
        Self::read::<P>(data, local_address).map(Some)
    }
}

impl Ipv4PacketInfo {
    /// Reads the structure, with the address at this offset.
    fn read<P: Platform>(data: &[u8], address: usize) -> Result<Self, DecodeError> {
        let expected = const { size_on::<P>() };
        let width = DecodeError::Width { control: Control::of::<Self, P>(), len: data.len(), expected };
        let data = Some(data).filter(|data| data.len() == expected).ok_or(width)?;
        let (interface, ..) = const { offsets(size_on::<P>()) };
        let address = Ipv4Addr::from(wire::chunk::<4>(data, address).ok_or(width)?);
        let index = wire::read_u32::<P>(data, interface).ok_or(width)?;
        Ok(Self { address, interface: InterfaceIndex::new(index).ok() })
    }
}

/// The structure with the size that it has on a platform.
struct Data {
    bytes: [u8; 12],
    size: usize,
}

impl AsRef<[u8]> for Data {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.size).unwrap_or_default()
    }
}

impl<P: Platform> SendMessage<P> for Ipv4PacketInfo {
    #[inline]
    fn encode(&self) -> impl AsRef<[u8]> {
        let size = const { size_on::<P>() };
        let (address, index) = (self.address.octets(), self.interface.map_or(0, InterfaceIndex::get));
        let index = wire::bytes_of_u32::<P>(index);
        let mut data = Data { bytes: [0; 12], size };
        // Systems with two addresses ignore the second one of a sent packet.
        let words = if size == 8 { [address, index, [0; 4]] } else { [index, address, address] };
        for (to, word) in data.bytes.chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word);
        }
        data
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, Linux64, Linux64Be, Windows64};
    use crate::cmsg::RawMessages;
    use crate::message::Messages;

    fn info() -> Ipv4PacketInfo {
        Ipv4PacketInfo { address: Ipv4Addr::new(192, 0, 2, 1), interface: InterfaceIndex::new(3).ok() }
    }

    #[test]
    fn three_fields_on_linux_and_apple() {
        //  len 28 = 16 + 12            level 0      type 8      interface 3 spec_dst      addr          padding
        let linux = [
            28, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, //
            3, 0, 0, 0, 192, 0, 2, 1, 192, 0, 2, 1, 0, 0, 0, 0,
        ];
        assert_eq!(Messages::<Linux64, 32>::new().with(info()).unwrap().as_bytes(), linux);
        assert_eq!(RawMessages::<Linux64>::new(&linux).get::<Ipv4PacketInfo>(), Ok(Some(info())));
        let big = Messages::<Linux64Be, 32>::new().with(info()).unwrap();
        assert_eq!(big.as_bytes()[16..28], [0, 0, 0, 3, 192, 0, 2, 1, 192, 0, 2, 1]);

        //  len 24 = 12 + 12 level 0    type 26      interface 3 spec_dst      addr
        let apple = [24, 0, 0, 0, 0, 0, 0, 0, 26, 0, 0, 0, 3, 0, 0, 0, 192, 0, 2, 1, 192, 0, 2, 1];
        assert_eq!(Messages::<Apple, 24>::new().with(info()).unwrap().as_bytes(), apple);
    }

    #[test]
    fn two_fields_on_windows() {
        //  len 24 = 16 + 8             level 0      type 19      addr          interface 3
        let windows = [24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19, 0, 0, 0, 192, 0, 2, 1, 3, 0, 0, 0];
        assert_eq!(Messages::<Windows64, 24>::new().with(info()).unwrap().as_bytes(), windows);
        assert_eq!(RawMessages::<Windows64>::new(&windows).get::<Ipv4PacketInfo>(), Ok(Some(info())));
    }

    #[test]
    fn the_destination_of_the_header_is_read_and_interface_0_is_no_interface() {
        // To a group: ipi_spec_dst is an address of this host, ipi_addr the group.
        let data = [0, 0, 0, 0, 192, 0, 2, 1, 239, 1, 2, 3];
        let group = Ipv4PacketInfo { address: Ipv4Addr::new(239, 1, 2, 3), interface: None };
        assert_eq!(<Ipv4PacketInfo as ControlMessage<Linux64>>::decode(&data), Ok(group));
    }

    #[test]
    fn data_of_another_size_is_an_error() {
        for len in [0, 8, 11, 13] {
            let error = DecodeError::Width { control: Control::Ipv4PacketInfo, len, expected: 12 };
            assert_eq!(<Ipv4PacketInfo as ControlMessage<Linux64>>::decode(&[0; 16][..len]), Err(error));
        }
        let error = DecodeError::Width { control: Control::Ipv4PacketInfo, len: 12, expected: 8 };
        assert_eq!(<Ipv4PacketInfo as ControlMessage<Windows64>>::decode(&[0; 12]), Err(error));
    }
}
