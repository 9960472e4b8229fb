//! The fields of control messages that a program sent: the opposite of encoding.

use core::net::Ipv6Addr;

use super::SendControl;
use crate::abi::{ControlNumber, Platform};
use crate::cmsg::{RawMessage, RawMessages};
use crate::interface::InterfaceIndex;
use crate::message::{
    About, Content, Control, ControlMessage, DecodeError, EncodeError, Encoded, Family, FlowLabel, HopLimit,
    Ipv4PacketInfo, NextHop, PacketInfo, Part, SegmentSize, TimeToLive, To, TrafficClass, TypeOfService,
    family, may_be_sent,
};

/// The fields that a message of one family has.
#[derive(Default)]
struct Fields {
    traffic_class: Option<u8>,
    hop_limit: Option<u8>,
    info: Option<(Ipv6Addr, Option<InterfaceIndex>)>,
}

impl<'a> SendControl<'a> {
    /// Reads the control messages that a program passed to a kernel of platform `P`: the opposite of
    /// [`encode`](Self::encode) and [`encode_mapped`](Self::encode_mapped).
    ///
    /// The messages of IPv4, which are for IPv4-mapped destinations, have the same fields; if both families have a message
    /// for one, that of IPv6 counts. Of several messages of one kind the last counts, as for kernels. A traffic class or a
    /// hop limit of -1 is the system's choice, which is `None`.
    ///
    /// Messages without a field are borrowed: the result encodes them again, after those of the fields. Read them with
    /// [`RawMessages::decoded_sent`].
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when a message does not fit in the buffer, or a message with a field does not have the form that it
    /// has on the platform.
    ///
    /// ```
    /// use ipv6_core::SendControl;
    /// use ipv6_core::abi::{Apple, Linux64};
    ///
    /// let source = "::ffff:192.0.2.1".parse().unwrap();
    /// let control = SendControl::new().with_traffic_class(0xb8).with_source(source);
    /// let mut bytes = [0; 128];
    /// let used = control.encode_mapped::<Apple>(&mut bytes)?;
    /// assert_eq!(SendControl::decode::<Apple>(&bytes[..used])?, control);
    ///
    /// // With a message that has no field.
    /// let class = [20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 67, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    /// let mark = [20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 36, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0];
    /// let sent = [mark, class].concat();
    /// let control = SendControl::decode::<Linux64>(&sent)?;
    /// assert_eq!(control.to_string(), "traffic class 0x01, other messages of 24 bytes");
    /// let used = control.encode::<Linux64>(&mut bytes)?;
    /// assert_eq!(bytes[..used], [class, mark].concat());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[doc(alias = "Parse")]
    pub fn decode<P: Platform>(control: &'a [u8]) -> Result<Self, DecodeError> {
        let mut decoded = Self::new();
        let (mut ipv6, mut ipv4) = (Fields::default(), Fields::default());
        let mut others: Option<(usize, usize)> = None;
        let mut messages = RawMessages::<P>::new(control);
        while let Some(message) = messages.next() {
            let message = &message?;
            if let Some(hop_limit) = sent::<HopLimit, P>(message)? {
                ipv6.hop_limit = hop_limit.map(|HopLimit(hop_limit)| hop_limit);
            } else if let Some(class) = sent::<TrafficClass, P>(message)? {
                ipv6.traffic_class = class.map(|TrafficClass(class)| class);
            } else if let Some(info) = sent::<PacketInfo, P>(message)? {
                ipv6.info = info.map(|PacketInfo { address, interface }| (address, interface));
            } else if let Some(flow_label) = sent::<FlowLabel, P>(message)? {
                decoded.flow_label = flow_label;
            } else if let Some(next_hop) = sent::<NextHop, P>(message)? {
                decoded.next_hop = next_hop.map(|NextHop(address)| address);
            } else if let Some(size) = sent::<SegmentSize, P>(message)? {
                decoded.segment_size = size.map(|SegmentSize(size)| size);
            } else if let Some(time_to_live) = sent::<TimeToLive, P>(message)? {
                ipv4.hop_limit = time_to_live.map(|TimeToLive(hops)| hops);
            } else if let Some(service) = sent::<TypeOfService, P>(message)? {
                ipv4.traffic_class = service.map(|TypeOfService(service)| service);
            } else if let Some(info) = sent::<Ipv4PacketInfo, P>(message)? {
                ipv4.info =
                    info.map(|Ipv4PacketInfo { address, interface }| (address.to_ipv6_mapped(), interface));
            } else {
                let start = others.map_or(message.offset(), |(start, _)| start);
                others = Some((start, messages.offset()));
            }
        }
        decoded.traffic_class = ipv6.traffic_class.or(ipv4.traffic_class);
        decoded.hop_limit = ipv6.hop_limit.or(ipv4.hop_limit);
        if let Some((address, interface)) = ipv6.info.or(ipv4.info) {
            // An address that only accompanies an interface is no source.
            let unspecified =
                address.to_ipv4_mapped().map_or(address.is_unspecified(), |v4| v4.is_unspecified());
            decoded.source = Some(address).filter(|_| !unspecified || interface.is_none());
            decoded.interface = interface;
        }
        decoded.messages = others.map(|(start, end)| {
            let bytes = control.get(start..end.min(control.len())).unwrap_or_default();
            Encoded::new(
                bytes,
                const { &About::new::<P>(&Content { len: len::<P>, append: append::<P>, part: part::<P> }) },
            )
        });
        Ok(decoded)
    }
}

/// The value of a message of type `M`; `None` within if it is the system's choice. `None` for another message.
fn sent<'a, M: ControlMessage<P>, P: Platform>(
    message: &RawMessage<'a>,
) -> Result<Option<Option<M::Value<'a>>>, DecodeError> {
    if !message.is::<M, P>() {
        return Ok(None);
    }
    M::decode_sent(message.data).map(Some).map_err(|error| error.at(message.offset()))
}

/// The messages that have no field.
fn without_field<P: Platform>(control: &[u8]) -> impl Iterator<Item = RawMessage<'_>> {
    RawMessages::<P>::new(control)
        .map_while(Result::ok)
        .filter(|message| !const { &with_field::<P>() }.iter().any(|number| message.has(*number)))
}

/// The bytes that they take.
fn len<P: Platform>(control: &[u8]) -> usize {
    let space = |message: RawMessage<'_>| P::ABI.cmsg.space(message.data.len());
    without_field::<P>(control).map(space).fold(0, usize::saturating_add)
}

/// The first of them at or after an offset.
fn part<P: Platform>(control: &[u8], from: usize) -> Option<Part> {
    let message = without_field::<P>(control.get(from..)?).next()?;
    let (len, space) = (P::ABI.cmsg.len(message.data.len()), P::ABI.cmsg.space(message.data.len()));
    Some(Part { start: from.saturating_add(message.offset()), len, padding: space.saturating_sub(len) })
}

/// Writes them, with zeros as padding.
fn append<P: Platform>(encoded: &Encoded<'_>, to: To<'_>) -> Result<usize, EncodeError> {
    let (mut at, end) = encoded.place(&to)?;
    let layout = P::ABI.cmsg;
    for message in without_field::<P>(encoded.bytes()) {
        let number = ControlNumber::new(message.level, message.kind, message.data.len());
        let kind = || message.control::<P>().unwrap_or(Control::UNKNOWN);
        if !may_be_sent(number) {
            return Err(EncodeError::Forbidden(kind()));
        }
        match (family::<P>(number, message.data), to.destination) {
            (Some(Family::Ipv4), Family::Ipv6) => return Err(EncodeError::Ipv4Only(kind())),
            (Some(Family::Ipv6), Family::Ipv4) => return Err(EncodeError::Ipv6Only(kind())),
            _ => {}
        }
        let start = message.offset();
        let (len, next) = (layout.len(message.data.len()), layout.space(message.data.len()));
        (to.put)(at, encoded.bytes().get(start..start.saturating_add(len)).unwrap_or_default());
        (len..next).for_each(|padding| (to.put)(at.saturating_add(padding), &[0]));
        at = at.saturating_add(next);
    }
    Ok(end)
}

/// The messages that have a field.
const fn with_field<P: Platform>() -> [Option<ControlNumber>; 9] {
    let control = P::ABI.control;
    [
        control.hop_limit,
        control.traffic_class,
        control.packet_info,
        control.flow_label,
        control.next_hop,
        control.segment_size,
        control.time_to_live,
        control.type_of_service,
        control.ipv4_packet_info,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, Linux64, Linux64Be, Windows64};
    use crate::control::samples::{encoded, full, written};
    use crate::message::Messages;

    #[test]
    fn what_was_encoded_is_decoded() {
        let messages = Messages::<Linux64, 64>::new().with(crate::message::Mark(7)).unwrap();
        let on = InterfaceIndex::new(3).unwrap();
        for control in [
            SendControl::new(),
            full(),
            SendControl::new().with_interface(on),
            SendControl::new().with_source(Ipv6Addr::UNSPECIFIED),
            full().with_flow_label(FlowLabel::new(5).unwrap()).with_segment_size(1200),
            full().with_messages(&messages),
        ] {
            let bytes = encoded(&control);
            let decoded = SendControl::decode::<Linux64>(&bytes).unwrap();
            assert_eq!(decoded, control);
            assert_eq!((decoded.to_string(), decoded.space::<Linux64>()), (control.to_string(), bytes.len()));
            assert_eq!(encoded(&decoded), bytes);
        }
    }

    #[test]
    fn messages_for_mapped_destinations_have_the_same_fields() {
        fn check<P: Platform>(control: SendControl<'_>) {
            let mut bytes = [0; 256];
            let used = control.encode_mapped::<P>(&mut bytes).unwrap();
            assert_eq!(SendControl::decode::<P>(&bytes[..used]), Ok(control));
        }
        let (on, source) = (InterfaceIndex::new(3).unwrap(), "::ffff:192.0.2.1".parse().unwrap());
        let class = SendControl::new().with_traffic_class(0xb8);
        // IP_PKTINFO on Windows and Apple's systems, IPV6_PKTINFO on Linux.
        check::<Windows64>(class.with_hop_limit(9).with_source(source).with_interface(on));
        check::<Apple>(class.with_source(source));
        check::<Apple>(class.with_interface(on));
        check::<Linux64>(class.with_hop_limit(9).with_source(source).with_interface(on));
        check::<Linux64>(class.with_interface(on));

        // Linux reads ipi_spec_dst of a sent IP_PKTINFO, and writes the destination to ipi_addr of a received one.
        let bytes =
            written::<Linux64>(&[(0, 8, &[3, 0, 0, 0, 192, 0, 2, 1, 9, 9, 9, 9]), (0, 1, &[1, 0, 0, 0])]);
        let expected = SendControl::new().with_source(source).with_interface(on).with_traffic_class(1);
        assert_eq!(SendControl::decode::<Linux64>(&bytes), Ok(expected));
    }

    #[test]
    fn the_last_message_counts_and_that_of_ipv6_wins() {
        let bytes = written::<Linux64>(&[
            (0, 2, &[4, 0, 0, 0]),
            (41, 52, &[5, 0, 0, 0]),
            (41, 52, &[6, 0, 0, 0]),
            (0, 2, &[4, 0, 0, 0]),
            (41, 67, &[1, 0, 0, 0]),
            (41, 67, &[0xff; 4]),
        ]);
        assert_eq!(SendControl::decode::<Linux64>(&bytes), Ok(SendControl::new().with_hop_limit(6)));
        // As a received message, -1 is no hop limit.
        let bytes = written::<Linux64>(&[(41, 52, &[0xff; 4])]);
        assert_eq!(SendControl::decode::<Linux64>(&bytes), Ok(SendControl::new()));
        assert!(crate::RecvControl::decode::<Linux64>(&bytes).is_err());
    }

    #[test]
    fn messages_without_a_field_are_borrowed_wherever_they_are() {
        let (mark, time) = ((1, 36, &[7, 0, 0, 0][..]), (1, 61, &[9; 8][..]));
        let (hops, class) = ((41, 52, &[64, 0, 0, 0][..]), (41, 67, &[1, 0, 0, 0][..]));
        let unknown = (17, 200, &[1, 2, 3][..]);
        let expected = written::<Linux64>(&[hops, class, mark, unknown, time]);
        for sent in [
            [hops, class, mark, unknown, time],
            [mark, hops, unknown, class, time],
            [mark, unknown, time, class, hops],
        ] {
            let bytes = written::<Linux64>(&sent);
            let control = SendControl::decode::<Linux64>(&bytes).unwrap();
            assert_eq!(encoded(&control), expected);
            let text = "traffic class 0x01, hop limit 64, other messages of 72 bytes";
            assert_eq!((control.to_string(), control.space::<Linux64>()), (text.into(), 120));
            let too_small = EncodeError::BufferTooSmall { needed: 120, available: 119 };
            assert_eq!(control.encode::<Linux64>(&mut [0; 119]), Err(too_small));
            assert_eq!(control.encode::<Linux64Be>(&mut [0; 256]), Err(EncodeError::Platform));
        }
        // Without the padding at the end.
        let bytes = &written::<Linux64>(&[hops, unknown])[..43];
        let control = SendControl::decode::<Linux64>(bytes).unwrap();
        assert_eq!(encoded(&control), written::<Linux64>(&[hops, unknown]));
        // A buffer with unknown messages only is not empty.
        let bytes = written::<Linux64>(&[unknown]);
        let control = SendControl::decode::<Linux64>(&bytes).unwrap();
        assert!(!control.is_empty());
        assert_eq!(control.to_string(), "other messages of 24 bytes");
    }

    #[test]
    fn messages_without_a_field_are_equal_if_the_same_bytes_are_sent() {
        use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
        let (mark, time) = ((1, 36, &[7, 0, 0, 0][..]), (1, 61, &[9; 8][..]));
        let class = (41, 67, &[1, 0, 0, 0][..]);
        let unknown = (17, 200, &[1, 2, 3][..]);
        let hash =
            |control: &SendControl<'_>| BuildHasherDefault::<DefaultHasher>::default().hash_one(control);
        for sent in [[class, mark, unknown, time], [mark, class, unknown, time], [mark, unknown, class, time]]
        {
            let bytes = written::<Linux64>(&sent);
            let control = SendControl::decode::<Linux64>(&bytes).unwrap();
            let again = encoded(&control);
            let again = SendControl::decode::<Linux64>(&again).unwrap();
            assert_eq!((again, hash(&again)), (control, hash(&control)));
        }
        // A program may pass CMSG_LEN as the length, so that the last message has no padding, or other bytes as padding.
        let messages = Messages::<Linux64, 64>::new().with(crate::message::Mark(7)).unwrap();
        let built = SendControl::new().with_messages(&messages);
        let mut bytes = written::<Linux64>(&[mark]);
        bytes[20..].fill(0xff);
        for bytes in [&bytes[..20], &bytes[..23], &bytes] {
            let read = SendControl::decode::<Linux64>(bytes).unwrap();
            assert_eq!((read, hash(&read)), (built, hash(&built)));
        }
        let other =
            SendControl::decode::<Linux64>(&written::<Linux64>(&[mark, unknown])).map(|read| read == built);
        assert_eq!(other, Ok(false));
    }

    // Scar 65: SCM_RIGHTS on a socket of AF_UNIX makes a descriptor of its number.
    #[test]
    fn what_safe_code_must_not_send_is_not_sent() {
        let encode = |message, mapped| {
            let bytes = written::<Linux64>(&[message]);
            let control = SendControl::decode::<Linux64>(&bytes).unwrap();
            let mut to = [0; 256];
            if mapped {
                control.encode_mapped::<Linux64>(&mut to)
            } else {
                control.encode::<Linux64>(&mut to)
            }
        };
        for mapped in [false, true] {
            for forbidden in [(1, 1), (0xffff, 0x1010), (276, 1), (-1, 5)] {
                let error = encode((forbidden.0, forbidden.1, &[0; 4][..]), mapped).unwrap_err();
                assert_eq!(error, EncodeError::Forbidden(Control::UNKNOWN));
                assert!(error.to_string().starts_with("an unknown message is not"), "{error}");
            }
        }
        // Kernels ignore messages of the other family.
        let (of_v6, of_v4) = ((41, 62, &[1, 0, 0, 0][..]), (0, 77, &[][..]));
        assert_eq!(encode(of_v6, true), Err(EncodeError::Ipv6Only(Control::DontFragment)));
        assert_eq!(encode(of_v4, false), Err(EncodeError::Ipv4Only(Control::UNKNOWN)));
        assert_eq!((encode(of_v6, false), encode(of_v4, true)), (Ok(24), Ok(16)));
    }

    #[test]
    fn errors_have_the_offset() {
        let bytes = written::<Linux64>(&[(1, 36, &[7, 0, 0, 0]), (17, 103, &[7])]);
        let error = SendControl::decode::<Linux64>(&bytes).unwrap_err();
        assert_eq!(error, DecodeError::Width { control: Control::SegmentSize, len: 1, expected: 2 });
        assert_eq!(error.offset(), Some(24));
        let error = SendControl::decode::<Linux64>(&bytes[..40]).unwrap_err();
        assert_eq!((error.offset(), error.control()), (Some(24), None));
    }
}
