//! The fields of received control messages, one message at a time.

use super::RecvControl;
use crate::abi::{ControlNumber, Platform};
use crate::cmsg::RawMessage;
use crate::message::{
    Coalesced, Control, ControlMessage, DecodeError, Ecn, FlowLabel, HopLimit, Ipv4Ecn, Ipv4PacketInfo,
    PacketInfo, PathMtu, TimeToLive, TrafficClass, TypeOfService, decode_int,
};

/// A field that an `int` has.
#[derive(Clone, Copy)]
enum Field {
    TrafficClass,
    HopLimit,
    SegmentSize,
    Ecn,
}

/// A message that is an `int`, and its field. A small program reads all of them with the same code.
struct Int {
    number: Option<ControlNumber>,
    control: Control,
    field: Field,
    /// Whether the value replaces that of another message. One of IPv4 does not.
    wins: bool,
}

impl Int {
    const fn of<M: ControlMessage<P>, P: Platform>(field: Field, wins: bool) -> Self {
        Self { number: M::NUMBER, control: Control::of::<M, P>(), field, wins }
    }
}

const fn ints<P: Platform>() -> [Int; 7] {
    [
        Int::of::<HopLimit, P>(Field::HopLimit, true),
        Int::of::<TrafficClass, P>(Field::TrafficClass, true),
        Int::of::<Coalesced, P>(Field::SegmentSize, true),
        Int::of::<Ecn, P>(Field::Ecn, true),
        Int::of::<TimeToLive, P>(Field::HopLimit, false),
        Int::of::<TypeOfService, P>(Field::TrafficClass, false),
        Int::of::<Ipv4Ecn, P>(Field::Ecn, false),
    ]
}

impl<'a> RecvControl<'a> {
    /// Keeps the value of a message that has a field. An error has no offset, so that a small program does not contain the
    /// code that adds it. A message of IPv6 wins over one of IPv4 in either order: a system may
    /// deliver both packet infos for one datagram (scar 23, gvisor#7144).
    #[inline]
    pub(super) fn take<P: Platform>(&mut self, message: &RawMessage<'a>) -> Result<(), DecodeError> {
        if let Some(PacketInfo { address, interface }) = message.value::<PacketInfo, P>()? {
            (self.destination, self.interface) = (Some(address), interface);
        } else if let Some(flow_label) = message.value::<FlowLabel, P>()? {
            self.flow_label = Some(flow_label);
        } else if let Some(path_mtu) = message.value::<PathMtu, P>()? {
            self.path_mtu = Some(path_mtu);
        } else if let Some(Ipv4PacketInfo { address, interface }) = message.value::<Ipv4PacketInfo, P>()? {
            if self.destination.is_none() {
                (self.destination, self.interface) = (Some(address.to_ipv6_mapped()), interface);
            }
        } else if let Some(int) = const { &ints::<P>() }.iter().find(|int| message.has(int.number)) {
            self.keep_int::<P>(int, message.data)?;
        } else {
            self.others = self.others.saturating_add(1);
        }
        Ok(())
    }

    #[inline]
    fn keep_int<P: Platform>(&mut self, int: &Int, data: &[u8]) -> Result<(), DecodeError> {
        let value = match (int.field, data) {
            // Some versions of macOS deliver one byte, as Linux does of IPv4.
            (Field::TrafficClass, [byte]) => u16::from(*byte),
            _ => decode_int::<u16, P>(int.control, data)?,
        };
        let [low, high] = value.to_le_bytes();
        let field = match int.field {
            Field::SegmentSize => {
                self.segment_size = Some(value);
                return Ok(());
            }
            _ if high != 0 => {
                return Err(DecodeError::Value { control: int.control, value: value.into() });
            }
            Field::Ecn => {
                self.ecn = Some(Ecn::from_traffic_class(low));
                return Ok(());
            }
            Field::TrafficClass => &mut self.traffic_class,
            Field::HopLimit => &mut self.hop_limit,
        };
        if int.wins || field.is_none() {
            *field = Some(low);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{ControlNumbers, Linux64, PLATFORMS, Windows64};
    use crate::control::samples::written;
    use crate::interface::InterfaceIndex;
    use crate::{ControlFlags, Ecn};

    // Scar 56: on Linux the messages of IPv6 do not come with an IPv4 datagram, except packet info.
    #[test]
    fn the_messages_of_an_ipv4_datagram_of_linux() {
        let info = [&[0; 10][..], &[0xff, 0xff, 192, 0, 2, 1], &[7, 0, 0, 0]].concat();
        let control = written::<Linux64>(&[(41, 50, &info), (0, 2, &[64, 0, 0, 0]), (0, 1, &[0xb9])]);
        let got = RecvControl::decode::<Linux64>(&control).unwrap();
        assert_eq!((got.traffic_class, got.hop_limit), (Some(0xb9), Some(64)));
        assert_eq!((got.dscp(), got.ecn()), (Some(46), Some(Ecn::Ect1)));
        let address = "::ffff:192.0.2.1".parse().ok();
        assert_eq!((got.destination, got.interface), (address, InterfaceIndex::new(7).ok()));
        assert_eq!(got.filter(ControlFlags::TRAFFIC_CLASS).hop_limit, None);
        assert_eq!(got.filter(ControlFlags::HOP_LIMIT).traffic_class, None);
        assert_eq!(RecvControl::decode_truncated::<Linux64>(&control), got);
        let without_class = RecvControl { traffic_class: None, ..got };
        assert_eq!(RecvControl::decode_truncated::<Linux64>(&control[..80]), without_class);
    }

    // Scar 23 (gvisor#7144).
    #[test]
    fn a_message_of_ipv6_wins_over_that_of_ipv4_in_either_order() {
        let info = [&[0; 15][..], &[1], &[7, 0, 0, 0]].concat();
        let of_ipv6 = [(41, 50, &info[..]), (41, 52, &[6, 0, 0, 0]), (41, 67, &[6, 0, 0, 0])];
        let of_ipv4 = [(0, 8, &[4; 12][..]), (0, 2, &[4, 0, 0, 0]), (0, 1, &[4])];
        for (v6, v4) in of_ipv6.into_iter().zip(of_ipv4) {
            let alone = RecvControl::decode::<Linux64>(&written::<Linux64>(&[v6])).unwrap().detach();
            for messages in [[v4, v6], [v6, v4]] {
                let control = written::<Linux64>(&messages);
                assert_eq!(RecvControl::decode::<Linux64>(&control), Ok(alone), "{messages:?}");
            }
        }
    }

    #[test]
    fn an_interface_that_one_packet_info_lacks_is_not_taken_from_the_other() {
        let v6 = [&[0; 15][..], &[1], &[0, 0, 0, 0]].concat();
        let (v4, v6) = ((0, 8, &[4, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9][..]), (41, 50, &v6[..]));
        for messages in [[v4, v6], [v6, v4]] {
            let control = written::<Linux64>(&messages);
            let got = RecvControl::decode::<Linux64>(&control).unwrap();
            assert_eq!((got.destination, got.interface), ("::1".parse().ok(), None));
        }
    }

    #[test]
    fn the_messages_of_an_ipv4_datagram_of_windows() {
        let control = written::<Windows64>(&[
            (0, 19, &[192, 0, 2, 1, 7, 0, 0, 0]),
            (0, 4, &[64, 0, 0, 0]),
            (0, 3, &[0xb9, 0, 0, 0]),
        ]);
        let got = RecvControl::decode::<Windows64>(&control).unwrap();
        assert_eq!((got.traffic_class, got.hop_limit), (Some(0xb9), Some(64)));
        let address = "::ffff:192.0.2.1".parse().ok();
        assert_eq!((got.destination, got.interface), (address, InterfaceIndex::new(7).ok()));
        let fields = ControlFlags::all() - ControlFlags::FLOW_LABEL - ControlFlags::PATH_MTU;
        assert!(control.len() <= fields.space::<Windows64>());
        // An older version of Windows.
        let control = written::<Windows64>(&[(0, 50, &[3, 0, 0, 0])]);
        let got = RecvControl::decode::<Windows64>(&control).unwrap();
        assert_eq!((got.ecn(), got.traffic_class), (Some(Ecn::Ce), None));
    }

    #[test]
    fn a_message_of_another_size_is_an_error() {
        for (kind, data) in [(1, &[0; 2][..]), (2, &[0; 1]), (8, &[0; 8])] {
            assert!(RecvControl::decode::<Linux64>(&written::<Linux64>(&[(0, kind, data)])).is_err());
        }
    }

    // `ControlFlags::space` counts the messages of IPv6 only.
    #[test]
    fn the_messages_of_an_ipv4_datagram_take_no_more_room_than_those_of_ipv6() {
        for (name, abi) in PLATFORMS {
            let ControlNumbers { traffic_class, hop_limit, packet_info, .. } = abi.control;
            let ControlNumbers { type_of_service, time_to_live, ipv4_packet_info, .. } = abi.control;
            for (ipv4, ipv6) in
                [(type_of_service, traffic_class), (time_to_live, hop_limit), (ipv4_packet_info, packet_info)]
            {
                let space = |number: Option<crate::abi::ControlNumber>| {
                    number.map_or(0, |number| abi.cmsg.space(number.size))
                };
                assert!(space(ipv4) <= space(ipv6), "{name}");
            }
        }
    }

    #[test]
    fn a_value_of_more_than_a_byte_is_an_error() {
        let control = written::<Linux64>(&[(41, 52, &[0, 1, 0, 0])]);
        let error = DecodeError::Value { control: Control::HopLimit, value: 256 };
        assert_eq!(RecvControl::decode::<Linux64>(&control), Err(error));
        let mut decoded = RecvControl::default();
        assert_eq!(decoded.decode_more::<Linux64>(&control), Err(error));
        let control = written::<Linux64>(&[(41, 52, &[9, 0, 0, 0])]);
        assert_eq!(decoded.decode_more::<Linux64>(&control), Ok(()));
        assert_eq!(decoded.hop_limit, Some(9));
    }
}
