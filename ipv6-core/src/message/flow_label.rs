//! `IPV6_FLOWINFO`: the flow label, with the traffic class in the bits above it (Linux).
//!
//! ```text
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//!  +-------+---------------+---------------------------------------+
//!  |   0   | traffic class |              flow label               |   network order
//!  +-------+---------------+---------------------------------------+
//! ```
//!
//! Linux delivers the message unless all of it is 0, and ignores the traffic class of a sent one
//! (`ip6_datagram_recv_common_ctl` and `ip6_datagram_send_ctl` in `net/ipv6/datagram.c`).

use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};
use crate::flow_label::FlowLabel;

impl<P: Platform> ControlMessage<P> for FlowLabel {
    type Value<'a> = Self;
    const NAME: &'static str = "IPV6_FLOWINFO";
    const NUMBER: Option<ControlNumber> = P::ABI.control.flow_label;

    #[inline]
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let control = Control::of::<Self, P>();
        let word =
            data.try_into().map_err(|_| DecodeError::Width { control, len: data.len(), expected: 4 })?;
        Ok(Self::from_low_bits(u32::from_be_bytes(word)))
    }
}

impl<P: Platform> SendMessage<P> for FlowLabel {
    #[inline]
    fn encode(&self) -> impl AsRef<[u8]> {
        self.get().to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, Linux32Be, Linux64};
    use crate::cmsg::RawMessages;
    use crate::message::{EncodeError, Messages};

    //  len 20 = 16 + 4             level 41      type 11       label 0x12345     padding
    const SENT: [u8; 24] = [20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 11, 0, 0, 0, 0, 1, 0x23, 0x45, 0, 0, 0, 0];

    fn label() -> FlowLabel {
        FlowLabel::new(0x12345).unwrap()
    }

    #[test]
    fn a_label_is_in_network_order_on_every_platform() {
        assert_eq!(Messages::<Linux64, 24>::new().with(label()).unwrap().as_bytes(), SENT);
        let big = Messages::<Linux32Be, 16>::new().with(label()).unwrap();
        assert_eq!(big.as_bytes()[12..], SENT[16..20]);
    }

    #[test]
    fn the_traffic_class_of_a_received_word_is_not_part_of_the_label() {
        let mut control = SENT;
        control[16..18].copy_from_slice(&[0x0e, 0x21]);
        assert_eq!(RawMessages::<Linux64>::new(&control).get::<FlowLabel>(), Ok(Some(label())));
    }

    #[test]
    fn other_sizes_and_other_platforms_are_errors() {
        for len in [0, 3, 5] {
            let error = DecodeError::Width { control: Control::FlowLabel, len, expected: 4 };
            assert_eq!(<FlowLabel as ControlMessage<Linux64>>::decode(&[0; 8][..len]), Err(error));
        }
        let answer = Messages::<Apple, 64>::new().with(label());
        assert_eq!(answer.unwrap_err(), EncodeError::Unsupported(Control::FlowLabel));
    }
}
