//! `IPV6_RECVDSTPORT`: the destination port of a received datagram, an `in_port_t` (OpenBSD: `udp_input` in
//! `sys/netinet/udp_usrreq.c`). The option has the same name and number.
//!
//! ```text
//!  0       2
//!  +-------+
//!  | port  |   16 bits, network order
//!  +-------+
//! ```

use super::kind::{Control, ControlMessage, DecodeError};
use crate::abi::{ControlNumber, Platform};

/// The port to which a datagram was sent (`IPV6_RECVDSTPORT`, OpenBSD). `pf` can divert datagrams for other ports to the
/// socket; the packet info has the address. The option `RECEIVE_DESTINATION_PORT` enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_RECVDSTPORT")]
pub struct DestinationPort(pub u16);

impl<P: Platform> ControlMessage<P> for DestinationPort {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_RECVDSTPORT";
    const NUMBER: Option<ControlNumber> = P::ABI.control.destination_port;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let control = Control::of::<Self, P>();
        let bytes =
            data.try_into().map_err(|_| DecodeError::Width { control, len: data.len(), expected: 2 })?;
        Ok(Self(u16::from_be_bytes(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, OpenBsd64};
    use crate::cmsg::RawMessages;

    #[test]
    fn the_port_is_in_network_order() {
        //  len 18 = 16 + 2  level 41      type 64      padding     port 5353    padding
        let port = [18, 0, 0, 0, 41, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0x14, 0xe9, 0, 0, 0, 0, 0, 0];
        assert_eq!(
            RawMessages::<OpenBsd64>::new(&port).get::<DestinationPort>(),
            Ok(Some(DestinationPort(5353)))
        );
        for len in [0, 1, 3, 4] {
            let error = DecodeError::Width { control: Control::DestinationPort, len, expected: 2 };
            assert_eq!(<DestinationPort as ControlMessage<OpenBsd64>>::decode(&[0; 4][..len]), Err(error));
        }
        assert_eq!(<DestinationPort as ControlMessage<Linux64>>::NUMBER, None);
    }
}
