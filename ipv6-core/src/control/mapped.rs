//! Control messages to send to an IPv4-mapped destination, from a dual-stack socket (RFC 3493 section 3.7).
//!
//! Kernels send such a datagram over IPv4. They ignore the messages of IPv6, and take those of IPv4 instead; a system's
//! table has those that it takes ([`Abi::mapped`](crate::abi::Abi::mapped) describes packet info).

use core::net::Ipv4Addr;

use super::SendControl;
use crate::abi::{ControlNumber, PacketInfoMessage, Platform};
use crate::cmsg::{Byte, Writer};
use crate::message::{
    Control, EncodeError, Ipv4PacketInfo, PacketInfo, SegmentSize, SendMessage, TimeToLive, TypeOfService,
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
    /// | `segment_size` | `UDP_SEGMENT` (Linux) |
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
            Some(messages) => messages.append_mapped::<P, B>(control, used),
        }
    }

    /// Returns the bytes of the messages.
    fn mapped_space<P: Platform>(&self) -> usize {
        let mut space = self.messages.map_or(0, |messages| messages.bytes().len());
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
