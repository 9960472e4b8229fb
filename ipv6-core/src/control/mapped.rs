//! Control messages to send to an IPv4-mapped destination, from a dual-stack socket (RFC 3493 section 3.7).
//!
//! Kernels send such a datagram over IPv4. They ignore the messages of IPv6, and take those of IPv4 instead; a system's
//! table has those that it takes ([`Abi::mapped`](crate::abi::Abi::mapped) describes packet info).

use core::net::Ipv4Addr;

use super::SendControl;
use crate::abi::{ControlNumber, PacketInfoMessage, Platform};
use crate::cmsg::{Byte, Writer};
use crate::message::{
    Control, EncodeError, Family, Ipv4PacketInfo, PacketInfo, SegmentSize, SendMessage, TimeToLive,
    TypeOfService,
};

/// Takes one message: its kind, its number, and its data.
type Take<'t> = &'t mut dyn FnMut(Control, Option<ControlNumber>, &[u8]) -> Result<(), EncodeError>;

impl SendControl<'_> {
    /// Writes the messages for an IPv4-mapped destination (`::ffff:192.0.2.1`) or the IPv4-mapped peer of a connected
    /// socket, in the form that they have on platform `P`. Otherwise as [`encode`](Self::encode), which is for all other
    /// destinations: kernels ignore its messages here. A buffer of [`max_space`](Self::max_space) is enough.
    ///
    /// | field | message |
    /// |---|---|
    /// | `traffic_class` | `IP_TOS` |
    /// | `hop_limit` | `IP_TTL` (Linux, Windows) |
    /// | `source`, `interface` | `IPV6_PKTINFO` with an IPv4-mapped source (Linux, FreeBSD), `IP_PKTINFO` (Apple, Windows) |
    /// | `segment_size` | `UDP_SEGMENT` (Linux), `UDP_SEND_MSG_SIZE` (Windows) |
    /// | `flow_label`, `next_hop` | none: an error |
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode), and:
    ///
    /// - [`EncodeError::Ipv6Only`] for a field or a message by type that IPv4 does not have.
    /// - [`EncodeError::Ipv6Source`] for a source that is not IPv4-mapped. The unspecified address is no source.
    /// - [`EncodeError::NeedsSource`] for an interface without a source where the system does not take that (FreeBSD), and
    ///   [`EncodeError::SourceOrInterface`] for both where the system ignores the source then (Apple).
    /// - [`EncodeError::Value`] for a hop limit of 0.
    ///
    /// ```
    /// use ipv6_core::{EncodeError, SendControl, abi::{FreeBsd64, Linux64}};
    /// use ipv6_core::message::Control;
    /// let mut bytes = [0; 48];
    /// let control = SendControl::new().with_traffic_class(0xb8).with_hop_limit(9);
    /// assert_eq!(control.encode_mapped::<Linux64>(&mut bytes), Ok(48));
    /// //                       IP_TTL at level 0                  IP_TOS
    /// assert_eq!((bytes[8], bytes[12], bytes[16]), (0, 2, 9));
    /// assert_eq!((bytes[32], bytes[36], bytes[40]), (0, 1, 0xb8));
    /// let unsupported = Err(EncodeError::Unsupported(Control::TimeToLive));
    /// assert_eq!(control.encode_mapped::<FreeBsd64>(&mut bytes), unsupported);
    /// ```
    #[doc(alias = "IP_TOS", alias = "IP_TTL", alias = "IP_PKTINFO")]
    pub fn encode_mapped<P: Platform>(&self, control: &mut [u8]) -> Result<usize, EncodeError> {
        self.encode_mapped_to::<P, u8>(control)
    }

    /// The same into a buffer that need not be initialised, as `encode_to`.
    #[doc(hidden)]
    #[cold]
    #[inline(never)]
    pub fn encode_mapped_to<P: Platform, B: Byte>(&self, control: &mut [B]) -> Result<usize, EncodeError> {
        let available = control.len();
        let mut writer = Writer::<P, B>::new(control);
        self.for_ipv4::<P>(&mut |kind, number, data| {
            writer.push_data(kind, number, data).map_err(|error| match error {
                EncodeError::BufferTooSmall { .. } => {
                    EncodeError::BufferTooSmall { needed: self.mapped_space::<P>(), available }
                }
                other => other,
            })
        })?;
        let used = writer.finish();
        match self.messages {
            None => Ok(used),
            Some(messages) => messages.append::<P, B>(control, used, Family::Ipv4),
        }
    }

    /// Returns the bytes of the messages.
    fn mapped_space<P: Platform>(&self) -> usize {
        let mut space = self.messages.map_or(0, |messages| messages.len());
        // A message that cannot be encoded ends the sum: `encode_mapped_to` returns that error.
        let _ = self.for_ipv4::<P>(&mut |_, _, data| {
            space = space.saturating_add(P::ABI.cmsg.space(data.len()));
            Ok(())
        });
        space
    }

    /// Passes on the messages of the fields.
    fn for_ipv4<P: Platform>(&self, take: Take<'_>) -> Result<(), EncodeError> {
        // Every field is named, so that a new one cannot be forgotten.
        let Self {
            traffic_class,
            hop_limit,
            source: _,
            interface: _,
            segment_size,
            flow_label,
            next_hop,
            messages: _,
        } = *self;
        if flow_label.is_some() {
            return Err(EncodeError::Ipv6Only(Control::FlowLabel));
        }
        if next_hop.is_some() {
            return Err(EncodeError::Ipv6Only(Control::NextHop));
        }
        if let Some(info) = self.ipv4_info::<P>()? {
            let Ipv4PacketInfo { address, interface } = info;
            match const { P::ABI.mapped_or_usual().send } {
                PacketInfoMessage::Ipv6 => {
                    pass::<_, P>(&PacketInfo { address: address.to_ipv6_mapped(), interface }, take)?;
                }
                PacketInfoMessage::Ipv4 => pass::<_, P>(&info, take)?,
            }
        }
        match hop_limit {
            None => {}
            // RFC 1122 section 3.2.1.7. Linux answers EINVAL.
            Some(0) => return Err(EncodeError::Value { control: Control::TimeToLive, value: 0 }),
            Some(hop_limit) => pass::<_, P>(&TimeToLive(hop_limit), take)?,
        }
        if let Some(traffic_class) = traffic_class {
            pass::<_, P>(&TypeOfService(traffic_class), take)?;
        }
        match segment_size {
            Some(size) => pass::<_, P>(&SegmentSize(size), take),
            None => Ok(()),
        }
    }

    /// Source and interface for IPv4; `None` if both are the system's choice.
    fn ipv4_info<P: Platform>(&self) -> Result<Option<Ipv4PacketInfo>, EncodeError> {
        let address = match self.source {
            Some(source) if !source.is_unspecified() => {
                source.to_ipv4_mapped().ok_or(EncodeError::Ipv6Source(source))?
            }
            _ => Ipv4Addr::UNSPECIFIED,
        };
        let rules = const { P::ABI.mapped_or_usual() };
        match (address.is_unspecified(), self.interface) {
            (true, None) => Ok(None),
            (true, Some(interface)) if !rules.send_interface_alone => {
                Err(EncodeError::NeedsSource(interface))
            }
            (false, Some(_)) if !rules.send_both => Err(EncodeError::SourceOrInterface),
            (_, interface) => Ok(Some(Ipv4PacketInfo { address, interface })),
        }
    }
}

fn pass<M: SendMessage<P>, P: Platform>(message: &M, take: Take<'_>) -> Result<(), EncodeError> {
    take(const { Control::of::<M, P>() }, const { M::NUMBER }, message.encode().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, FreeBsd64, Linux64, NetBsd64, Windows64};
    use crate::interface::InterfaceIndex;
    use crate::message::{FlowLabel, HopLimit, Messages};

    /// Class, hop limit and source.
    fn full() -> SendControl<'static> {
        let source = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped();
        SendControl::new().with_traffic_class(0xe0).with_hop_limit(1).with_source(source)
    }

    fn refused<P: Platform>(control: SendControl<'_>) -> EncodeError {
        control.encode_mapped::<P>(&mut [0; 256]).unwrap_err()
    }

    #[test]
    fn a_buffer_of_any_size_is_filled_or_refused() {
        let messages = Messages::<Linux64, 64>::new().with(TypeOfService(3)).unwrap();
        for control in [full(), full().with_segment_size(1200), full().with_messages(&messages)] {
            let mut whole = [0; 256];
            let needed = control.encode_mapped::<Linux64>(&mut whole).unwrap();
            for available in 0..needed + 8 {
                let mut bytes = vec![0xff; available];
                let answer = control.encode_mapped::<Linux64>(&mut bytes);
                if available < needed {
                    assert_eq!(answer, Err(EncodeError::BufferTooSmall { needed, available }));
                } else {
                    assert_eq!((answer, &bytes[..needed]), (Ok(needed), &whole[..needed]));
                    assert!(bytes[needed..].iter().all(|byte| *byte == 0xff));
                }
            }
        }
    }

    #[test]
    fn every_table_has_room_for_all_fields() {
        fn check<P: Platform>() {
            let mut control = SendControl { segment_size: None, ..full() };
            let on = InterfaceIndex::new(3).ok();
            control.hop_limit = P::ABI.control.time_to_live.and(control.hop_limit);
            control.segment_size = P::ABI.control.segment_size.map(|_| 1200);
            control.interface = on.filter(|_| P::ABI.mapped_or_usual().send_both);
            let used = control.encode_mapped::<P>(&mut [0; 256]).unwrap();
            assert!(used <= SendControl::max_space::<P>(), "{used}");
        }
        check::<Linux64>();
        check::<FreeBsd64>();
        check::<Apple>();
        check::<Windows64>();
    }

    #[test]
    fn what_ipv4_lacks_is_an_error() {
        let label = FlowLabel::new(5).unwrap();
        let of_v6 = Messages::<Linux64, 64>::new().with(HopLimit(1)).unwrap();
        let address = "2001:db8::1".parse().unwrap();
        for (control, error) in [
            (full().with_flow_label(label), EncodeError::Ipv6Only(Control::FlowLabel)),
            (full().with_next_hop("[::1]:0".parse().unwrap()), EncodeError::Ipv6Only(Control::NextHop)),
            (full().with_messages(&of_v6), EncodeError::Ipv6Only(Control::HopLimit)),
            (full().with_source(address), EncodeError::Ipv6Source(address)),
            (full().with_hop_limit(0), EncodeError::Value { control: Control::TimeToLive, value: 0 }),
        ] {
            assert_eq!(refused::<Linux64>(control), error);
        }
        // Of platforms without facts, only the messages that a table has.
        assert_eq!(refused::<NetBsd64>(full()), EncodeError::Unsupported(Control::TimeToLive));
        let class = SendControl::new().with_traffic_class(1);
        assert_eq!(refused::<NetBsd64>(class), EncodeError::Unsupported(Control::TypeOfService));
    }

    #[test]
    fn messages_by_type_are_for_one_family_or_both() {
        type List = Messages<Linux64, 128>;
        let address = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped();
        let info = PacketInfo { address, interface: None };
        let (of_v4, of_v6) =
            (List::new().with(TimeToLive(1)).unwrap(), List::new().with(HopLimit(1)).unwrap());
        let mapped_info = List::new().with(info).unwrap();
        let of_both = List::new().with(SegmentSize(9)).unwrap();
        let encoded = |list: &List| {
            let control = SendControl::new().with_messages(list);
            let (mut v6, mut v4) = ([0; 128], [0; 128]);
            let answers = (control.encode::<Linux64>(&mut v6), control.encode_mapped::<Linux64>(&mut v4));
            for (answer, bytes) in [(answers.0, v6), (answers.1, v4)] {
                assert!(answer.is_err() || answer.is_ok_and(|used| bytes[..used] == *list.as_bytes()));
            }
            answers
        };
        assert_eq!(encoded(&of_v4), (Err(EncodeError::Ipv4Only(Control::TimeToLive)), Ok(24)));
        assert_eq!(encoded(&of_v6), (Ok(24), Err(EncodeError::Ipv6Only(Control::HopLimit))));
        assert_eq!(encoded(&mapped_info), (Err(EncodeError::Ipv4Only(Control::PacketInfo)), Ok(40)));
        assert_eq!(encoded(&of_both), (Ok(24), Ok(24)));
        // The first is named; one that does not fit does not count.
        let mut mixed = of_v4.clone().with(HopLimit(1)).unwrap().with(TypeOfService(1)).unwrap();
        assert_eq!(
            encoded(&mixed),
            (Err(EncodeError::Ipv4Only(Control::TimeToLive)), Err(EncodeError::Ipv6Only(Control::HopLimit)))
        );
        mixed.clear();
        assert_eq!(encoded(&mixed), (Ok(0), Ok(0)));
        let mut short = Messages::<Linux64, 8>::new();
        assert!(short.push(&TimeToLive(1)).is_err());
        assert_eq!(SendControl::new().with_messages(&short).encode::<Linux64>(&mut []), Ok(0));
    }

    // On Apple's systems, IPV6_PKTINFO has no effect for a mapped destination, whatever its source.
    #[test]
    fn packet_info_of_ipv6_with_a_mapped_source_is_for_systems_that_take_it() {
        let info = PacketInfo { address: Ipv4Addr::LOCALHOST.to_ipv6_mapped(), interface: None };
        let list = Messages::<Apple, 64>::new().with(info).unwrap();
        let control = SendControl::new().with_messages(&list);
        assert_eq!(refused::<Apple>(control), EncodeError::Ipv6Only(Control::PacketInfo));
    }

    #[test]
    fn an_unspecified_source_is_no_source() {
        for source in [Ipv4Addr::UNSPECIFIED.to_ipv6_mapped(), "::".parse().unwrap()] {
            let control = SendControl::new().with_source(source);
            assert_eq!(control.encode_mapped::<Linux64>(&mut []), Ok(0));
            let (mut bytes, mut alone) = ([0; 40], [0; 40]);
            let on = InterfaceIndex::new(3).unwrap();
            assert_eq!(control.with_interface(on).encode_mapped::<Linux64>(&mut bytes), Ok(40));
            assert_eq!(SendControl::new().with_interface(on).encode_mapped::<Linux64>(&mut alone), Ok(40));
            assert_eq!(bytes, alone);
        }
    }

    #[test]
    fn the_errors_have_the_name_and_the_remedy() {
        for (error, text) in [
            (
                EncodeError::Ipv6Only(Control::FlowLabel),
                "IPV6_FLOWINFO cannot be sent to an IPv4-mapped destination",
            ),
            (EncodeError::Ipv4Only(Control::TimeToLive), "use the fields of SendControl"),
            (EncodeError::NeedsSource(InterfaceIndex::new(3).unwrap()), "interface 3"),
            (EncodeError::SourceOrInterface, "remove one"),
            (EncodeError::Ipv6Source("2001:db8::1".parse().unwrap()), "2001:db8::1 is not an IPv4-mapped"),
            (
                EncodeError::Value { control: Control::TimeToLive, value: 0 },
                "IP_TTL message with the value 0",
            ),
        ] {
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
