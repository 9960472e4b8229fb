//! The fast paths of decoding and encoding: the three messages that most programs enable (packet info, hop limit and
//! traffic class), in the order in which Linux writes them. `benches/guard.csv` records their instruction counts.

use super::{RecvControl, SendControl};
use crate::abi::{Platform, Width};
use crate::cmsg::{self, Byte, Writer, expect};
use crate::message::{
    Coalesced, ControlMessage, EncodeError, FlowLabel, HopLimit, PACKET_INFO_SIZE, PacketInfo, SegmentSize,
    SendMessage, TrafficClass, read_byte, read_bytes, space_of,
};

/// Bytes of the three messages.
const fn three_space<P: Platform>() -> usize {
    space_of::<PacketInfo, P>()
        .saturating_add(space_of::<HopLimit, P>())
        .saturating_add(space_of::<TrafficClass, P>())
}

/// Whether `decode` and `encode` try the fast path first. Programs for 32-bit machines often have little room for code;
/// there, only callers of `decode_three` and `encode_three` use it.
pub(super) const fn is_worth_its_size<P: Platform>() -> bool {
    matches!(P::ABI.cmsg.len, Width::Eight)
}

impl<'a> RecvControl<'a> {
    /// What [`decode`](Self::decode) returns when the buffer has exactly the three messages in order (Linux:
    /// `ip6_datagram_recv_common_ctl` and `ip6_datagram_recv_specific_ctl` in `net/ipv6/datagram.c`). `None`: not this
    /// layout; use `decode`.
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub fn decode_three<P: Platform>(control: &'a [u8]) -> Option<Self> {
        // One comparison instead of one for each message.
        if control.len() != const { three_space::<P>() } {
            return None;
        }
        let (info, rest) = expect::<P, PACKET_INFO_SIZE>(control, <PacketInfo as ControlMessage<P>>::NUMBER)?;
        let (hops, rest) = expect::<P, 4>(rest, <HopLimit as ControlMessage<P>>::NUMBER)?;
        let (class, _) = expect::<P, 4>(rest, <TrafficClass as ControlMessage<P>>::NUMBER)?;
        let [hop_limit, traffic_class] = read_bytes::<P>(hops, class)?;
        let PacketInfo { address, interface } = PacketInfo::read::<P>(info);
        Some(Self {
            traffic_class: Some(traffic_class),
            hop_limit: Some(hop_limit),
            destination: Some(address),
            interface,
            ..Self::default()
        })
    }

    /// The same when some of the three may be missing, the size of coalesced datagrams may precede them, and a flow label
    /// may follow (Linux: `udpv6_recvmsg` in `net/ipv6/udp.c`).
    #[doc(hidden)]
    #[inline(always)]
    #[must_use]
    pub fn decode_in_order<P: Platform>(control: &'a [u8]) -> Option<Self> {
        let (mut decoded, mut rest) = (Self::default(), control);
        if let Some((size, after)) = expect::<P, 4>(rest, <Coalesced as ControlMessage<P>>::NUMBER) {
            (decoded.segment_size, rest) = (Some(read_byte::<u16, P>(size)?), after);
        }
        if let Some((info, after)) =
            expect::<P, PACKET_INFO_SIZE>(rest, <PacketInfo as ControlMessage<P>>::NUMBER)
        {
            let PacketInfo { address, interface } = PacketInfo::read::<P>(info);
            (decoded.destination, decoded.interface, rest) = (Some(address), interface, after);
        }
        if let Some((hops, after)) = expect::<P, 4>(rest, <HopLimit as ControlMessage<P>>::NUMBER) {
            (decoded.hop_limit, rest) = (Some(read_byte::<u8, P>(hops)?), after);
        }
        if let Some((class, after)) = expect::<P, 4>(rest, <TrafficClass as ControlMessage<P>>::NUMBER) {
            (decoded.traffic_class, rest) = (Some(read_byte::<u8, P>(class)?), after);
        }
        if let Some((word, after)) = expect::<P, 4>(rest, <FlowLabel as ControlMessage<P>>::NUMBER) {
            (decoded.flow_label, rest) = (<FlowLabel as ControlMessage<P>>::decode(word).ok(), after);
        }
        if rest.is_empty() { Some(decoded) } else { None }
    }

    /// Reads the messages at the start of `control` as long as they are among the three and have their size on the
    /// platform. Returns the rest.
    #[inline(never)]
    pub(super) fn take_common<P: Platform>(&mut self, control: &'a [u8]) -> &'a [u8] {
        let mut rest = control;
        loop {
            while let Some(after) = self.take_int::<P>(rest) {
                rest = after;
            }
            match self.take_info::<P>(rest) {
                Some(after) => rest = after,
                None => return rest,
            }
        }
    }

    /// Reads the first message if it is a hop limit or a traffic class, and returns the rest. The rest is computed after
    /// the message was read (`cmsg::first` returns it too): so the loop changes one pointer and one length in place, which
    /// saves a tenth of its instructions.
    #[inline(always)]
    fn take_int<P: Platform>(&mut self, control: &'a [u8]) -> Option<&'a [u8]> {
        let (key, data, _) = cmsg::first::<P, 4>(control)?;
        if key == cmsg::key::<P>(<TrafficClass as ControlMessage<P>>::NUMBER?) {
            self.traffic_class = Some(read_byte::<u8, P>(data)?);
        } else if key == cmsg::key::<P>(<HopLimit as ControlMessage<P>>::NUMBER?) {
            self.hop_limit = Some(read_byte::<u8, P>(data)?);
        } else {
            return None;
        }
        control.get(const { P::ABI.cmsg.space(4) }..)
    }

    /// The same for packet info.
    #[inline(always)]
    fn take_info<P: Platform>(&mut self, control: &'a [u8]) -> Option<&'a [u8]> {
        let (data, _) = expect::<P, PACKET_INFO_SIZE>(control, <PacketInfo as ControlMessage<P>>::NUMBER)?;
        let PacketInfo { address, interface } = PacketInfo::read::<P>(data);
        (self.destination, self.interface) = (Some(address), interface);
        control.get(const { P::ABI.cmsg.space(PACKET_INFO_SIZE) }..)
    }
}

impl SendControl<'_> {
    /// Encodes the three messages (packet info with a source, hop limit, traffic class), which may be followed by the
    /// size of segments, at offsets that the compiler knows. `None`: not these messages; use `encode_to`.
    #[doc(hidden)]
    #[inline(always)]
    pub fn encode_three<P: Platform, B: Byte>(
        &self,
        control: &mut [B],
    ) -> Option<Result<usize, EncodeError>> {
        let (Some(traffic_class), Some(hop_limit), Some(_)) =
            (self.traffic_class, self.hop_limit, self.source)
        else {
            return None;
        };
        if self.has_rare() {
            return None;
        }
        let mut needed = const { three_space::<P>() };
        if self.segment_size.is_some() {
            needed = needed.saturating_add(space_of::<SegmentSize, P>());
        }
        // One comparison instead of one for each message.
        let available = control.len();
        let Some(control) = control.get_mut(..needed) else {
            return Some(Err(EncodeError::BufferTooSmall { needed, available }));
        };
        let mut writer = Writer::<P, B>::new(control);
        push(&mut writer, &self.packet_info()?)?;
        push(&mut writer, &HopLimit(hop_limit))?;
        push(&mut writer, &TrafficClass(traffic_class))?;
        if let Some(segment_size) = self.segment_size {
            push(&mut writer, &SegmentSize(segment_size))?;
        }
        Some(Ok(writer.finish()))
    }

    /// Whether there are messages that few programs send: one test for all of them.
    #[inline(always)]
    fn has_rare(&self) -> bool {
        let messages = self.messages.map_or(0, |messages| messages.addr());
        let others = u32::from(self.next_hop.is_some()) | self.flow_label.map_or(0, FlowLabel::non_zero);
        (usize::try_from(others).unwrap_or(1) | messages) != 0
    }
}

/// Compares the fields. A batch compares each value with the one before it, so the rare fields share one test.
impl PartialEq for SendControl<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // Every field is named, so that a new one cannot be forgotten.
        let Self {
            traffic_class,
            hop_limit,
            source,
            interface,
            segment_size,
            flow_label,
            next_hop,
            messages,
        } = self;
        *traffic_class == other.traffic_class
            && *hop_limit == other.hop_limit
            && *source == other.source
            && *interface == other.interface
            && *segment_size == other.segment_size
            && (!(self.has_rare() | other.has_rare())
                || (*flow_label == other.flow_label
                    && *next_hop == other.next_hop
                    && *messages == other.messages))
    }
}

/// Appends a message; `None` when the platform does not have it or it does not fit.
#[inline(always)]
fn push<M: SendMessage<P>, P: Platform, B: Byte>(writer: &mut Writer<'_, P, B>, message: &M) -> Option<()> {
    let number = const { M::NUMBER }?;
    writer.push(number.level, number.kind, message.encode().as_ref()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Linux64;
    use crate::interface::InterfaceIndex;

    #[test]
    fn fast_paths_read_their_layout_and_leave_others_to_decode() {
        let mut three = [0; 88];
        let control = SendControl::new().with_traffic_class(0xe0).with_hop_limit(1);
        let control = control.with_source("2001:db8::1".parse().unwrap());
        let control = control.with_interface(InterfaceIndex::new(7).unwrap());
        assert_eq!(control.encode_three::<Linux64, u8>(&mut three), Some(Ok(88)));
        let (info, hops, class) = (&three[..40], &three[40..64], &three[64..]);
        //  len 20 = 16 + 4             level 17      type 104      1200
        let size = [20, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 104, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0];
        let is_fast = |messages: &[&[u8]]| {
            let control = messages.concat();
            let three = RecvControl::decode_three::<Linux64>(&control);
            let all = RecvControl::decode::<Linux64>(&control).unwrap();
            assert!(three.is_none_or(|three| three == all));
            three.is_some()
        };
        assert!(is_fast(&[&three]));
        assert!(!is_fast(&[]) && !is_fast(&[hops]) && !is_fast(&[hops, class]) && !is_fast(&[info, hops]));
        assert!(
            !is_fast(&[hops, info, class]) && !is_fast(&[info, class, hops]) && !is_fast(&[&three, &size])
        );
        assert!(
            !is_fast(&[&size]) && !is_fast(&[&size, info]) && !is_fast(&[&size, &three]) && !is_fast(&[info])
        );
        // A value that is not a byte is an error, which decode reports.
        let mut wide = three;
        wide[57] = 1;
        assert_eq!(RecvControl::decode_three::<Linux64>(&wide), None);
        assert_eq!(RecvControl::decode_in_order::<Linux64>(&wide), None);

        // Any of them, as long as they are in order.
        //  len 20 = 16 + 4              level 41      type 11      label 5
        let label = [20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 11, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0];
        let all = [&size[..], info, hops, class, &label];
        for subset in 0..32 {
            let some = all.iter().enumerate().filter(|(index, _)| subset & 1 << index != 0);
            let some: Vec<&[u8]> = some.map(|(_, message)| *message).collect();
            let in_order = some.concat();
            let decoded = RecvControl::decode_in_order::<Linux64>(&in_order);
            assert_eq!(decoded, RecvControl::decode::<Linux64>(&in_order).ok());
            assert_eq!(decoded.unwrap().segment_size, (subset & 1 != 0).then_some(1200));
            assert_eq!(decoded.unwrap().flow_label.is_some(), subset & 16 != 0);
            if some.len() > 1 {
                let reversed = some.iter().rev().copied().collect::<Vec<_>>().concat();
                assert_eq!(RecvControl::decode_in_order::<Linux64>(&reversed), None);
            }
            for again in some {
                assert_eq!(RecvControl::decode_in_order::<Linux64>(&[&in_order[..], again].concat()), None);
            }
        }
    }
}
