//! Control messages as values: what to ask for, what arrived, what to send.
//!
//! [`ControlFlags`] says which messages a socket is to deliver, [`RecvControl`] holds what came with a
//! datagram, [`SendControl`] what is to go with one. Each message has a file of its own in this
//! module; [`Control`] lists them, and the compiler asks for a new one wherever it is needed.

use core::fmt;
use core::marker::PhantomData;
use core::net::{Ipv6Addr, SocketAddrV6};

use crate::abi::{ControlNumber, ControlNumbers, Platform, Width};
use crate::cmsg::{self, Byte, MalformedMessage, RawMessage, RawMessages, Writer, expect};
use crate::error::BufferTooSmall;
use crate::interface::InterfaceIndex;
use crate::traffic_class::{Ecn, dscp};

mod hop_limit;
mod int;
mod next_hop;
mod packet_info;
mod path_mtu;
mod segment_size;
mod traffic_class;

pub use path_mtu::PathMtu;

/// The control messages that this crate has fields for. Displays as the name in C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Control {
    /// `IPV6_TCLASS`.
    TrafficClass,
    /// `IPV6_HOPLIMIT`.
    HopLimit,
    /// `IPV6_PKTINFO`.
    PacketInfo,
    /// `IPV6_NEXTHOP`.
    NextHop,
    /// `IPV6_PATHMTU`.
    PathMtu,
    /// `IPV6_ECN`.
    Ecn,
    /// `UDP_SEGMENT`.
    SegmentSize,
    /// `UDP_GRO`.
    Coalesced,
}

impl Control {
    /// The name that RFC 3542 gives the message, or its system.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrafficClass => "IPV6_TCLASS",
            Self::HopLimit => "IPV6_HOPLIMIT",
            Self::PacketInfo => "IPV6_PKTINFO",
            Self::NextHop => "IPV6_NEXTHOP",
            Self::PathMtu => "IPV6_PATHMTU",
            Self::Ecn => "IPV6_ECN",
            Self::SegmentSize => "UDP_SEGMENT",
            Self::Coalesced => "UDP_GRO",
        }
    }

    /// Which message of platform `P` this is; `None` when it is one we have no field for.
    #[inline]
    fn of<P: Platform>(message: &RawMessage<'_>) -> Option<Self> {
        // Without `..`: a new message must be looked for here.
        let ControlNumbers {
            traffic_class,
            hop_limit,
            packet_info,
            next_hop,
            path_mtu,
            ecn,
            segment_size,
            coalesced,
        } = const { P::ABI.control };
        let is = |number: Option<ControlNumber>| {
            number.is_some_and(|number| number.level == message.level && number.kind == message.kind)
        };
        if is(packet_info) {
            Some(Self::PacketInfo)
        } else if is(hop_limit) {
            Some(Self::HopLimit)
        } else if is(traffic_class) {
            Some(Self::TrafficClass)
        } else if is(path_mtu) {
            Some(Self::PathMtu)
        } else if is(next_hop) {
            Some(Self::NextHop)
        } else if is(ecn) {
            Some(Self::Ecn)
        } else if is(coalesced) {
            Some(Self::Coalesced)
        } else if is(segment_size) {
            Some(Self::SegmentSize)
        } else {
            None
        }
    }

    /// Level, type and width of this message on platform `P`.
    #[inline]
    const fn number<P: Platform>(self) -> Option<ControlNumber> {
        match self {
            Self::TrafficClass => P::ABI.control.traffic_class,
            Self::HopLimit => P::ABI.control.hop_limit,
            Self::PacketInfo => P::ABI.control.packet_info,
            Self::NextHop => P::ABI.control.next_hop,
            Self::PathMtu => P::ABI.control.path_mtu,
            Self::Ecn => P::ABI.control.ecn,
            Self::SegmentSize => P::ABI.control.segment_size,
            Self::Coalesced => P::ABI.control.coalesced,
        }
    }

    /// Bytes that this message takes in a buffer of platform `P`, 0 where it has none.
    const fn space<P: Platform>(self) -> usize {
        match self.number::<P>() {
            Some(number) => P::ABI.cmsg.space(number.size),
            None => 0,
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bytes of the three most common messages.
const fn three_space<P: Platform>() -> usize {
    Control::PacketInfo
        .space::<P>()
        .saturating_add(Control::HopLimit.space::<P>())
        .saturating_add(Control::TrafficClass.space::<P>())
}

/// Whether control messages are looked for in their usual form first. Programs of 32 bits are often for machines with
/// little room for code, so there are no two ways in theirs unless they ask for the quick one by its name.
const fn has_quick_ways<P: Platform>() -> bool {
    matches!(P::ABI.cmsg.len, Width::Eight)
}

bitflags::bitflags! {
    /// What a socket is to tell of each datagram that it receives.
    ///
    /// ```
    /// use ipv6_core::{ControlFlags, abi::Linux64};
    /// let flags = ControlFlags::TRAFFIC_CLASS | ControlFlags::DESTINATION | ControlFlags::INTERFACE;
    /// // Destination and interface come in one message.
    /// assert_eq!(flags.space::<Linux64>(), 24 + 40);
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    #[doc(alias = "NewControlMessage")]
    pub struct ControlFlags: u32 {
        /// The traffic class (`IPV6_RECVTCLASS`, RFC 3542 section 6.5).
        #[doc(alias = "IPV6_RECVTCLASS", alias = "FlagTrafficClass")]
        const TRAFFIC_CLASS = 1 << 0;
        /// The hop limit that was left (`IPV6_RECVHOPLIMIT`, RFC 3542 section 6.3).
        #[doc(alias = "IPV6_RECVHOPLIMIT", alias = "FlagHopLimit")]
        const HOP_LIMIT = 1 << 1;
        /// The destination address (`IPV6_RECVPKTINFO`, RFC 3542 section 6.1).
        #[doc(alias = "IPV6_RECVPKTINFO", alias = "FlagDst")]
        const DESTINATION = 1 << 2;
        /// The interface it came in on (`IPV6_RECVPKTINFO`, RFC 3542 section 6.1).
        #[doc(alias = "IPV6_RECVPKTINFO", alias = "FlagInterface")]
        const INTERFACE = 1 << 3;
        /// News of a path MTU (`IPV6_RECVPATHMTU`, RFC 3542 section 11.3): it comes as a message of
        /// its own, with an empty payload.
        #[doc(alias = "IPV6_RECVPATHMTU", alias = "FlagPathMTU")]
        const PATH_MTU = 1 << 4;
    }
}

impl ControlFlags {
    /// The bytes of control buffer that receiving all of these takes on platform `P`.
    ///
    /// A buffer of this size, aligned to the platform's headers, is never cut by these messages.
    /// Options that were switched on behind the API's back need room of their own.
    #[doc(alias = "NewControlMessage", alias = "CMSG_SPACE")]
    pub const fn space<P: Platform>(self) -> usize {
        let mut space = 0_usize;
        if self.contains(Self::TRAFFIC_CLASS) {
            space = space.saturating_add(Control::TrafficClass.space::<P>());
            space = space.saturating_add(Control::Ecn.space::<P>());
        }
        if self.contains(Self::HOP_LIMIT) {
            space = space.saturating_add(Control::HopLimit.space::<P>());
        }
        if self.intersects(Self::DESTINATION.union(Self::INTERFACE)) {
            space = space.saturating_add(Control::PacketInfo.space::<P>());
        }
        if self.contains(Self::PATH_MTU) {
            space = space.saturating_add(Control::PathMtu.space::<P>());
        }
        space
    }
}

/// What came with a datagram.
///
/// Each field is there when it was asked for ([`ControlFlags`]) and the system had it: a datagram that
/// came over IPv4 to an IPv6 socket, for one, has no traffic class.
///
/// The lifetime is that of the control buffer: messages of variable length are borrowed from it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "ControlMessage")]
pub struct RecvControl<'a> {
    /// The traffic class, DSCP and ECN together (`IPV6_TCLASS`, RFC 3542 section 6.5).
    #[doc(alias = "IPV6_TCLASS")]
    pub traffic_class: Option<u8>,
    /// The hop limit that was left when it arrived (`IPV6_HOPLIMIT`, RFC 3542 section 6.3).
    #[doc(alias = "IPV6_HOPLIMIT")]
    pub hop_limit: Option<u8>,
    /// The address it was sent to: one of ours, or a group (`IPV6_PKTINFO`, RFC 3542 section 6.1).
    #[doc(alias = "IPV6_PKTINFO", alias = "Dst")]
    pub destination: Option<Ipv6Addr>,
    /// The interface it came in on (`IPV6_PKTINFO`, RFC 3542 section 6.1).
    #[doc(alias = "IPV6_PKTINFO", alias = "IfIndex")]
    pub interface: Option<InterfaceIndex>,
    /// News of the path MTU to a destination (`IPV6_PATHMTU`, RFC 3542 section 11.3). The payload
    /// that comes with it is empty.
    #[doc(alias = "IPV6_PATHMTU", alias = "ip6_mtuinfo", alias = "MTU")]
    pub path_mtu: Option<PathMtu>,
    /// The payload is several datagrams that came one after another, from one sender with the same headers: each
    /// has this many bytes, the last perhaps fewer (`UDP_GRO`, Linux). [`Segments`](crate::Segments) takes it
    /// apart. Only where coalescing was switched on.
    #[doc(alias = "UDP_GRO")]
    pub segment_size: Option<u16>,
    /// The ECN bits, where the system told them and not the traffic class.
    ecn: Option<Ecn>,
    borrowed: PhantomData<&'a [u8]>,
}

impl<'a> RecvControl<'a> {
    /// Reads the control messages that a kernel of platform `P` wrote. Messages without a field here
    /// are passed over; [`RawMessages`] has them.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when a message does not fit in the buffer, or is not as wide as the platform
    /// has it and its width has no meaning of its own.
    ///
    /// ```
    /// use ipv6_core::{RecvControl, abi::Linux64Be};
    /// // What s390x delivers for hop limit 64.
    /// let control = [0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64, 0, 0, 0, 0];
    /// assert_eq!(RecvControl::decode::<Linux64Be>(&control)?.hop_limit, Some(64));
    /// # Ok::<(), ipv6_core::DecodeError>(())
    /// ```
    #[doc(alias = "Parse")]
    #[inline]
    pub fn decode<P: Platform>(control: &'a [u8]) -> Result<Self, DecodeError> {
        if const { has_quick_ways::<P>() } {
            if let Some(decoded) = Self::decode_three::<P>(control) {
                return Ok(decoded);
            }
        }
        let mut decoded = Self::default();
        decoded.decode_more::<P>(control)?;
        Ok(decoded)
    }

    /// What [`decode`](Self::decode) gives where the three most common messages are there and no others (packet info,
    /// hop limit, traffic class), in the order in which Linux writes them; `None` says nothing of others. For callers
    /// on whose fast path even the copy of a result shows.
    #[inline(always)]
    pub fn decode_three<P: Platform>(control: &'a [u8]) -> Option<Self> {
        // Linux: ip6_datagram_recv_common_ctl() and ip6_datagram_recv_specific_ctl() in net/ipv6/datagram.c.
        let ControlNumbers { traffic_class, hop_limit, packet_info, .. } = const { P::ABI.control };
        // One comparison in place of one for each message.
        if control.len() != const { three_space::<P>() } {
            return None;
        }
        let (info, rest) = expect::<P, { packet_info::SIZE }>(control, packet_info)?;
        let (hops, rest) = expect::<P, 4>(rest, hop_limit)?;
        let (class, _) = expect::<P, 4>(rest, traffic_class)?;
        let [hop_limit, traffic_class] = int::read_both::<P>(hops, class)?;
        let (destination, interface) = packet_info::read::<P>(info);
        Some(Self {
            traffic_class: Some(traffic_class),
            hop_limit: Some(hop_limit),
            destination: Some(destination),
            interface,
            ..Self::default()
        })
    }

    /// The same where some of the three may be missing, and the size of segments may come first.
    #[inline(always)]
    pub fn decode_in_order<P: Platform>(control: &'a [u8]) -> Option<Self> {
        // Linux: udpv6_recvmsg() in net/ipv6/udp.c, and as above.
        let ControlNumbers { traffic_class, hop_limit, packet_info, coalesced, .. } =
            const { P::ABI.control };
        let (mut decoded, mut rest) = (Self::default(), control);
        if let Some((size, after)) = expect::<P, 4>(rest, coalesced) {
            (decoded.segment_size, rest) = (Some(segment_size::read::<P>(size)?), after);
        }
        if let Some((info, after)) = expect::<P, { packet_info::SIZE }>(rest, packet_info) {
            let (destination, interface) = packet_info::read::<P>(info);
            (decoded.destination, decoded.interface, rest) = (Some(destination), interface, after);
        }
        if let Some((hops, after)) = expect::<P, 4>(rest, hop_limit) {
            (decoded.hop_limit, rest) = (Some(int::read::<P>(hops)?), after);
        }
        if let Some((class, after)) = expect::<P, 4>(rest, traffic_class) {
            (decoded.traffic_class, rest) = (Some(int::read::<P>(class)?), after);
        }
        if rest.is_empty() { Some(decoded) } else { None }
    }

    /// Reads control messages into this value, beside what it has already: of any kind, in any order. What is on the
    /// fast path of [`decode`](Self::decode) is not so here.
    ///
    /// # Errors
    ///
    /// Those of [`decode`](Self::decode). What was read before the error is there.
    #[inline]
    pub fn decode_more<P: Platform>(&mut self, control: &'a [u8]) -> Result<(), DecodeError> {
        let len = control.len();
        match self.take_common::<P>(control) {
            [] => Ok(()),
            rest => self.take_all::<P>(rest, len),
        }
    }

    /// Takes all messages in `rest`, the end of `len` bytes of them.
    #[inline(never)]
    fn take_all<P: Platform>(&mut self, rest: &'a [u8], len: usize) -> Result<(), DecodeError> {
        for message in RawMessages::<P>::ending(rest, len) {
            self.take::<P>(&message?)?;
        }
        Ok(())
    }

    /// Takes the messages that `control` starts with, as long as they are among the most common and as wide as the
    /// platform has them, and gives what follows.
    #[inline(never)]
    fn take_common<P: Platform>(&mut self, control: &'a [u8]) -> &'a [u8] {
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

    /// Takes the first message, if it is one of those that hold an `int`, and gives what follows it. That is looked for
    /// only when the message is read (and not taken from `cmsg::first`, which has it too): one pointer and one length are
    /// then changed in place, where else two of each go through the loop, a tenth of its instructions.
    #[inline(always)]
    fn take_int<P: Platform>(&mut self, control: &'a [u8]) -> Option<&'a [u8]> {
        let ControlNumbers { traffic_class, hop_limit, .. } = const { P::ABI.control };
        let (key, data, _) = cmsg::first::<P, 4>(control)?;
        if key == cmsg::key::<P>(traffic_class?) {
            self.traffic_class = Some(int::read::<P>(data)?);
        } else if key == cmsg::key::<P>(hop_limit?) {
            self.hop_limit = Some(int::read::<P>(data)?);
        } else {
            return None;
        }
        control.get(const { P::ABI.cmsg.space(4) }..)
    }

    /// The same for packet info.
    #[inline(always)]
    fn take_info<P: Platform>(&mut self, control: &'a [u8]) -> Option<&'a [u8]> {
        let (data, _) = expect::<P, { packet_info::SIZE }>(control, P::ABI.control.packet_info)?;
        let (destination, interface) = packet_info::read::<P>(data);
        (self.destination, self.interface) = (Some(destination), interface);
        control.get(const { P::ABI.cmsg.space(packet_info::SIZE) }..)
    }

    /// Reads the control messages of a datagram whose control was cut (`MSG_CTRUNC`): those that
    /// arrived whole. Whatever is shorter than the platform has it counts as cut.
    ///
    /// ```
    /// use ipv6_core::{RecvControl, SendControl, abi::Linux64};
    /// let mut control = [0; 48];
    /// SendControl::new().with_hop_limit(7).with_traffic_class(1).encode::<Linux64>(&mut control).unwrap();
    /// let cut = RecvControl::decode_truncated::<Linux64>(&control[..40]);
    /// assert_eq!((cut.hop_limit, cut.traffic_class), (Some(7), None));
    /// ```
    pub fn decode_truncated<P: Platform>(control: &'a [u8]) -> Self {
        let mut decoded = Self::default();
        for message in RawMessages::<P>::new(control).map_while(Result::ok) {
            let expected = Control::of::<P>(&message).and_then(Control::number::<P>);
            if expected.is_some_and(|number| number.size == message.data.len()) {
                // What is whole and still does not decode was not cut, and has no value to give.
                let _ = decoded.take::<P>(&message);
            }
        }
        decoded
    }

    #[inline]
    fn take<P: Platform>(&mut self, message: &RawMessage<'a>) -> Result<(), DecodeError> {
        match Control::of::<P>(message) {
            Some(Control::TrafficClass) => {
                self.traffic_class = Some(traffic_class::decode::<P>(message.data)?);
            }
            Some(Control::HopLimit) => self.hop_limit = Some(hop_limit::decode::<P>(message.data)?),
            Some(Control::PacketInfo) => {
                let (destination, interface) = packet_info::decode::<P>(message.data)?;
                self.destination = Some(destination);
                self.interface = interface;
            }
            Some(Control::PathMtu) => self.path_mtu = Some(PathMtu::decode::<P>(message.data)?),
            Some(Control::Ecn) => {
                self.ecn = Some(Ecn::from_traffic_class(int::decode::<P>(Control::Ecn, message.data)?));
            }
            Some(Control::Coalesced) => {
                self.segment_size = Some(segment_size::decode::<P>(message.data)?);
            }
            // Sent, never delivered.
            Some(Control::NextHop | Control::SegmentSize) | None => {}
        }
        Ok(())
    }

    /// The bytes of control buffer for everything that can be delivered on platform `P`: all
    /// [`ControlFlags`], and the size of coalesced datagrams.
    pub const fn max_space<P: Platform>() -> usize {
        ControlFlags::all().space::<P>().saturating_add(Control::Coalesced.space::<P>())
    }

    /// Only the fields that these flags ask for. Destination and interface come in one message, of
    /// which a program may want one half.
    #[must_use]
    #[inline]
    pub fn filter(mut self, wanted: ControlFlags) -> Self {
        fn keep<T>(field: &mut Option<T>, wanted: bool) {
            if !wanted {
                *field = None;
            }
        }
        // Without `..`: for a new field it is to be said here which flag asks for it. The size of segments says what
        // the payload is: nobody can do without.
        let Self {
            traffic_class,
            hop_limit,
            destination,
            interface,
            path_mtu,
            segment_size: _,
            ecn,
            borrowed: _,
        } = &mut self;
        keep(traffic_class, wanted.contains(ControlFlags::TRAFFIC_CLASS));
        keep(hop_limit, wanted.contains(ControlFlags::HOP_LIMIT));
        keep(destination, wanted.contains(ControlFlags::DESTINATION));
        keep(interface, wanted.contains(ControlFlags::INTERFACE));
        keep(path_mtu, wanted.contains(ControlFlags::PATH_MTU));
        keep(ecn, wanted.contains(ControlFlags::TRAFFIC_CLASS));
        self
    }

    /// The same without what is borrowed from the control buffer, so that it may outlive it. Of the
    /// fields there are now, none is.
    #[inline]
    pub fn detach(self) -> RecvControl<'static> {
        let Self {
            traffic_class,
            hop_limit,
            destination,
            interface,
            path_mtu,
            segment_size,
            ecn,
            borrowed: _,
        } = self;
        RecvControl {
            traffic_class,
            hop_limit,
            destination,
            interface,
            path_mtu,
            segment_size,
            ecn,
            borrowed: PhantomData,
        }
    }

    /// The differentiated services codepoint, 0 to 63 (RFC 2474).
    pub fn dscp(&self) -> Option<u8> {
        self.traffic_class.map(dscp)
    }

    /// The congestion notification (RFC 3168): of the traffic class or, where a system told that alone, by
    /// itself (`IPV6_ECN`, Windows before it had `IPV6_RECVTCLASS`).
    #[doc(alias = "IPV6_ECN")]
    pub fn ecn(&self) -> Option<Ecn> {
        self.traffic_class.map(Ecn::from_traffic_class).or(self.ecn)
    }

    /// The control for an answer: it leaves by the interface that this came in on, from the address
    /// that this was sent to unless that is a group.
    ///
    /// ```
    /// use ipv6_core::{RecvControl, SendControl, InterfaceIndex};
    /// let mut got = RecvControl::default();
    /// got.destination = Some("ff02::fb".parse().unwrap());
    /// got.interface = InterfaceIndex::new(2).ok();
    /// assert_eq!(got.reply(), SendControl::new().with_interface(InterfaceIndex::new(2).unwrap()));
    /// ```
    pub fn reply(&self) -> SendControl<'static> {
        SendControl {
            source: self.destination.filter(|address| !address.is_multicast()),
            interface: self.interface,
            ..SendControl::new()
        }
    }
}

impl fmt::Debug for RecvControl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            traffic_class,
            hop_limit,
            destination,
            interface,
            path_mtu,
            segment_size,
            ecn: _,
            borrowed: _,
        } = self;
        f.debug_struct("RecvControl")
            .field("traffic_class", traffic_class)
            .field("hop_limit", hop_limit)
            .field("destination", destination)
            .field("interface", interface)
            .field("path_mtu", path_mtu)
            .field("segment_size", segment_size)
            .field("ecn", &self.ecn())
            .finish()
    }
}

impl fmt::Display for RecvControl<'_> {
    /// The fields that are there, as `traffic class 0xe0, hop limit 1, destination ff02::114, interface 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            traffic_class,
            hop_limit,
            destination,
            interface,
            path_mtu,
            segment_size,
            ecn,
            borrowed: _,
        } = self;
        let mut list = List { f, empty: true };
        list.item(traffic_class.map(Hex), "traffic class ")?;
        list.item(*hop_limit, "hop limit ")?;
        list.item(*destination, "destination ")?;
        list.item(*interface, "interface ")?;
        list.item(*path_mtu, "path MTU ")?;
        list.item(*segment_size, "segments of ")?;
        list.item(ecn.filter(|_| traffic_class.is_none()), "ECN ")?;
        list.finish()
    }
}

/// What is to go with a datagram. A field that is `None` leaves the choice to the socket's options and
/// the system; `Some(0)` is sent as 0.
///
/// ```
/// use ipv6_core::{SendControl, abi::Linux64};
/// const ONE_HOP: SendControl<'_> = SendControl::new().with_hop_limit(1).with_traffic_class(0xe0);
/// let mut control = [0; 48];
/// assert_eq!(ONE_HOP.encode::<Linux64>(&mut control), Ok(48));
/// assert_eq!(ONE_HOP.to_string(), "traffic class 0xe0, hop limit 1");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "ControlMessage")]
pub struct SendControl<'a> {
    /// The traffic class, DSCP and ECN together (`IPV6_TCLASS`, RFC 3542 section 6.5).
    #[doc(alias = "IPV6_TCLASS")]
    pub traffic_class: Option<u8>,
    /// The hop limit (`IPV6_HOPLIMIT`, RFC 3542 section 6.3).
    #[doc(alias = "IPV6_HOPLIMIT")]
    pub hop_limit: Option<u8>,
    /// The source address: one of ours (`IPV6_PKTINFO`, RFC 3542 section 6.2).
    #[doc(alias = "IPV6_PKTINFO", alias = "Src")]
    pub source: Option<Ipv6Addr>,
    /// The interface to leave by (`IPV6_PKTINFO`, RFC 3542 section 6.2).
    #[doc(alias = "IPV6_PKTINFO", alias = "IfIndex")]
    pub interface: Option<InterfaceIndex>,
    /// The neighbour to hand the datagram to (`IPV6_NEXTHOP`, RFC 3542 section 6.4). Linux has the
    /// number and refuses the message, so there it is an [`EncodeError::Unsupported`].
    #[doc(alias = "IPV6_NEXTHOP", alias = "NextHop")]
    pub next_hop: Option<SocketAddrV6>,
    /// The payload is several datagrams, one after another, each of this many bytes, the last perhaps of fewer: the
    /// system or the device cuts it (`UDP_SEGMENT`, Linux). A datagram's headers and the control messages are
    /// the same for all.
    #[doc(alias = "UDP_SEGMENT", alias = "GSO")]
    pub segment_size: Option<u16>,
    borrowed: PhantomData<&'a [u8]>,
}

impl SendControl<'_> {
    /// No control messages.
    pub const fn new() -> Self {
        Self {
            traffic_class: None,
            hop_limit: None,
            source: None,
            interface: None,
            next_hop: None,
            segment_size: None,
            borrowed: PhantomData,
        }
    }

    /// With this traffic class, DSCP and ECN together.
    #[must_use]
    pub const fn with_traffic_class(mut self, traffic_class: u8) -> Self {
        self.traffic_class = Some(traffic_class);
        self
    }

    /// With this hop limit.
    #[must_use]
    pub const fn with_hop_limit(mut self, hop_limit: u8) -> Self {
        self.hop_limit = Some(hop_limit);
        self
    }

    /// From this address of ours.
    #[must_use]
    pub const fn with_source(mut self, source: Ipv6Addr) -> Self {
        self.source = Some(source);
        self
    }

    /// By this interface.
    #[must_use]
    pub const fn with_interface(mut self, interface: InterfaceIndex) -> Self {
        self.interface = Some(interface);
        self
    }

    /// By way of this neighbour.
    #[must_use]
    pub const fn with_next_hop(mut self, next_hop: SocketAddrV6) -> Self {
        self.next_hop = Some(next_hop);
        self
    }

    /// The differentiated services codepoint of its traffic class, 0 to 63 (RFC 2474).
    pub fn dscp(&self) -> Option<u8> {
        self.traffic_class.map(dscp)
    }

    /// The congestion notification of its traffic class (RFC 3168).
    pub fn ecn(&self) -> Option<Ecn> {
        self.traffic_class.map(Ecn::from_traffic_class)
    }

    /// As several datagrams of this many bytes.
    #[must_use]
    pub const fn with_segment_size(mut self, segment_size: u16) -> Self {
        self.segment_size = Some(segment_size);
        self
    }

    /// Whether no message would be sent.
    pub const fn is_empty(&self) -> bool {
        let Self { traffic_class, hop_limit, source, interface, next_hop, segment_size, borrowed: _ } = self;
        traffic_class.is_none()
            && hop_limit.is_none()
            && source.is_none()
            && interface.is_none()
            && next_hop.is_none()
            && segment_size.is_none()
    }

    /// Writes the messages as platform `P` has them, and says how many bytes they take. The buffer
    /// may have any alignment and any content; nothing beyond those bytes is touched.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] when the buffer is smaller than [`space`](Self::space), or the platform does
    /// not take one of the messages. What the buffer holds is then unspecified.
    #[doc(alias = "Marshal")]
    #[inline]
    pub fn encode<P: Platform>(&self, control: &mut [u8]) -> Result<usize, EncodeError> {
        if const { has_quick_ways::<P>() } {
            return match self.encode_three::<P, u8>(control) {
                Some(encoded) => encoded,
                None => self.encode_others::<P>(control),
            };
        }
        self.encode_to::<P, u8>(control)
    }

    /// [`encode_to`](Self::encode_to) out of the way of the three.
    #[inline(never)]
    fn encode_others<P: Platform>(&self, control: &mut [u8]) -> Result<usize, EncodeError> {
        self.encode_to::<P, u8>(control)
    }

    /// The same for a buffer of bytes that may never have been written (`MaybeUninit<u8>`). As many of them as it
    /// says have been then, from the first on. Where the compiler knows which messages there are, nothing of the others
    /// is left of it.
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode).
    #[inline(always)]
    pub fn encode_to<P: Platform, B: Byte>(&self, control: &mut [B]) -> Result<usize, EncodeError> {
        let Self { traffic_class, hop_limit, source, interface, next_hop, segment_size, borrowed: _ } = *self;
        let available = control.len();
        let mut writer = Writer::<P, B>::new(control);
        // The numbers as values, where the compiler knows them: a small program then needs no table.
        let mut push = |control, number: Option<ControlNumber>, data: &[u8]| -> Result<(), EncodeError> {
            let number = number.ok_or(EncodeError::Unsupported(control))?;
            let pushed = writer.push(number.level, number.kind, data.get(..number.size).unwrap_or(data));
            pushed.map_err(|_| self.too_small::<P>(available))
        };
        let numbers = const { P::ABI.control };
        // In the order in which kernels deliver them.
        if source.is_some() || interface.is_some() {
            let info = packet_info::encode::<P>(source, interface);
            push(Control::PacketInfo, numbers.packet_info, &info)?;
        }
        if let Some(hop_limit) = hop_limit {
            push(Control::HopLimit, numbers.hop_limit, &hop_limit::encode::<P>(hop_limit))?;
        }
        if let Some(traffic_class) = traffic_class {
            push(Control::TrafficClass, numbers.traffic_class, &traffic_class::encode::<P>(traffic_class))?;
        }
        if let Some(next_hop) = next_hop {
            push(Control::NextHop, numbers.next_hop, &next_hop::encode::<P>(&next_hop))?;
        }
        if let Some(segment_size) = segment_size {
            push(Control::SegmentSize, numbers.segment_size, &segment_size::encode::<P>(segment_size))?;
        }
        Ok(writer.finish())
    }

    /// What [`encode_to`](Self::encode_to) does where the three most common messages are there and no others (packet
    /// info with a source, hop limit, traffic class), each at its place, which the compiler knows; after them there may
    /// be the size of segments. `None` says nothing of others. For callers on whose fast path every step shows.
    ///
    /// # Errors
    ///
    /// [`EncodeError::BufferTooSmall`].
    #[inline(always)]
    pub fn encode_three<P: Platform, B: Byte>(
        &self,
        control: &mut [B],
    ) -> Option<Result<usize, EncodeError>> {
        let Self { traffic_class, hop_limit, source, interface, next_hop, segment_size, borrowed: _ } = *self;
        if next_hop.is_some() {
            return None;
        }
        let (Some(traffic_class), Some(hop_limit), Some(_)) = (traffic_class, hop_limit, source) else {
            return None;
        };
        let mut needed = const { three_space::<P>() };
        if segment_size.is_some() {
            needed = needed.saturating_add(Control::SegmentSize.space::<P>());
        }
        // One comparison in place of one for each message.
        let available = control.len();
        let Some(control) = control.get_mut(..needed) else {
            return Some(Err(EncodeError::BufferTooSmall { needed, available }));
        };
        let mut writer = Writer::<P, B>::new(control);
        let mut push = |number: Option<ControlNumber>, data: &[u8]| {
            let number = number?;
            writer.push(number.level, number.kind, data.get(..number.size).unwrap_or(data)).ok()
        };
        let numbers = const { P::ABI.control };
        push(numbers.packet_info, &packet_info::encode::<P>(source, interface))?;
        push(numbers.hop_limit, &hop_limit::encode::<P>(hop_limit))?;
        push(numbers.traffic_class, &traffic_class::encode::<P>(traffic_class))?;
        if let Some(segment_size) = segment_size {
            push(numbers.segment_size, &segment_size::encode::<P>(segment_size))?;
        }
        Some(Ok(writer.finish()))
    }

    #[cold]
    fn too_small<P: Platform>(&self, available: usize) -> EncodeError {
        EncodeError::BufferTooSmall { needed: self.space::<P>(), available }
    }

    /// The bytes that [`encode`](Self::encode) takes on platform `P`.
    #[doc(alias = "NewControlMessage", alias = "CMSG_SPACE")]
    pub fn space<P: Platform>(&self) -> usize {
        let Self { traffic_class, hop_limit, source, interface, next_hop, segment_size, borrowed: _ } = self;
        [
            (source.is_some() || interface.is_some(), Control::PacketInfo),
            (hop_limit.is_some(), Control::HopLimit),
            (traffic_class.is_some(), Control::TrafficClass),
            (next_hop.is_some(), Control::NextHop),
            (segment_size.is_some(), Control::SegmentSize),
        ]
        .into_iter()
        .filter(|(present, _)| *present)
        .fold(0, |space: usize, (_, control)| space.saturating_add(control.space::<P>()))
    }

    /// The bytes that any value of this type takes on platform `P`: all messages at once.
    pub const fn max_space<P: Platform>() -> usize {
        three_space::<P>()
            .saturating_add(Control::NextHop.space::<P>())
            .saturating_add(Control::SegmentSize.space::<P>())
    }
}

impl fmt::Debug for SendControl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { traffic_class, hop_limit, source, interface, next_hop, segment_size, borrowed: _ } = self;
        f.debug_struct("SendControl")
            .field("traffic_class", traffic_class)
            .field("hop_limit", hop_limit)
            .field("source", source)
            .field("interface", interface)
            .field("next_hop", next_hop)
            .field("segment_size", segment_size)
            .finish()
    }
}

impl fmt::Display for SendControl<'_> {
    /// The fields that are there, as `traffic class 0xe0, hop limit 1, source fe80::1, interface 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { traffic_class, hop_limit, source, interface, next_hop, segment_size, borrowed: _ } = self;
        let mut list = List { f, empty: true };
        list.item(traffic_class.map(Hex), "traffic class ")?;
        list.item(*hop_limit, "hop limit ")?;
        list.item(*source, "source ")?;
        list.item(*interface, "interface ")?;
        list.item(*next_hop, "next hop ")?;
        list.item(*segment_size, "segments of ")?;
        list.finish()
    }
}

/// A comma-separated list of the fields that are there.
struct List<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    empty: bool,
}

impl List<'_, '_> {
    fn item(&mut self, value: Option<impl fmt::Display>, name: &str) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        let comma = if self.empty { "" } else { ", " };
        self.empty = false;
        write!(self.f, "{comma}{name}{value}")
    }

    fn finish(self) -> fmt::Result {
        if self.empty { self.f.write_str("no control messages") } else { Ok(()) }
    }
}

/// A traffic class, in the base in which people write them.
struct Hex(u8);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

/// Why control messages could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// A message does not fit in the buffer.
    Malformed(MalformedMessage),
    /// A message is not as wide as the platform has it.
    Width {
        /// Which message.
        control: Control,
        /// Bytes of data that it has.
        len: usize,
        /// Bytes of data that the platform gives it.
        expected: usize,
    },
    /// A message that holds a byte in an integer holds a value outside 0 to 255.
    Value {
        /// Which message.
        control: Control,
        /// The value.
        value: i32,
    },
    /// A message that holds an IPv6 address holds one of another family.
    Family {
        /// Which message.
        control: Control,
        /// The first two bytes of its `struct sockaddr`.
        family: [u8; 2],
    },
}

impl From<MalformedMessage> for DecodeError {
    fn from(error: MalformedMessage) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Width { control, len, expected } => {
                write!(f, "{control} message of {len} bytes instead of {expected}")
            }
            Self::Value { control, value } => {
                write!(f, "{control} message with value {value}, which is not 0 to 255")
            }
            Self::Family { control, family: [first, second] } => {
                write!(f, "{control} message with an address that is not IPv6 (starts {first} {second})")
            }
        }
    }
}

impl core::error::Error for DecodeError {}

/// Why control messages could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// They do not fit into the buffer.
    BufferTooSmall {
        /// Bytes that all messages take.
        needed: usize,
        /// Bytes that the buffer has.
        available: usize,
    },
    /// The platform does not take this message.
    Unsupported(Control),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BufferTooSmall { needed, available } => BufferTooSmall { needed, available }.fmt(f),
            Self::Unsupported(control) => write!(f, "the system does not take {control} messages"),
        }
    }
}

impl core::error::Error for EncodeError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Linux64;

    fn encoded(control: &SendControl<'_>) -> Vec<u8> {
        let mut bytes = vec![0xff; 256];
        let used = control.encode::<Linux64>(&mut bytes).unwrap();
        bytes.truncate(used);
        bytes
    }

    fn full() -> SendControl<'static> {
        SendControl::new()
            .with_traffic_class(0xe0)
            .with_hop_limit(1)
            .with_source("2001:db8::1".parse().unwrap())
            .with_interface(InterfaceIndex::new(7).unwrap())
    }

    #[test]
    fn scar_3_the_flags_know_how_much_room_their_messages_take() {
        let all = ControlFlags::all();
        assert_eq!(all.space::<Linux64>(), 24 + 24 + 40 + 48);
        assert_eq!(ControlFlags::empty().space::<Linux64>(), 0);
        // Bits that mean nothing yet take no room.
        assert_eq!(ControlFlags::from_bits_retain(u32::MAX).space::<Linux64>(), all.space::<Linux64>());
        for flag in all.iter() {
            assert!(flag.space::<Linux64>() > 0, "{flag:?}");
        }
    }

    #[test]
    fn scar_4_what_arrived_whole_is_delivered_and_the_cut_one_is_not() {
        let bytes = encoded(&full());
        let whole = RecvControl::decode::<Linux64>(&bytes).unwrap();
        for len in 0..=bytes.len() {
            // Some systems leave its length to the message that they cut; Linux shortens it.
            let left = bytes[..len].to_vec();
            let mut shortened = left.clone();
            for start in [0, 40, 64].into_iter().filter(|start| start + 16 <= len) {
                shortened[start] = shortened[start].min(u8::try_from(len - start).unwrap());
            }
            for control in [left, shortened] {
                let got = RecvControl::decode_truncated::<Linux64>(&control);
                assert_eq!(got.destination, whole.destination.filter(|_| len >= 36), "{len}");
                assert_eq!(got.hop_limit, whole.hop_limit.filter(|_| len >= 60), "{len}");
                assert_eq!(got.traffic_class, whole.traffic_class.filter(|_| len >= 84), "{len}");
            }
        }
    }

    #[test]
    fn the_quick_way_knows_what_is_common() {
        let three = encoded(&full());
        let (info, hops, class) = (&three[..40], &three[40..64], &three[64..]);
        //  len 20 = 16 + 4             level 17      type 104      1200
        let size = [20, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 104, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0];
        let quick = |messages: &[&[u8]]| {
            let control = messages.concat();
            let three = RecvControl::decode_three::<Linux64>(&control);
            let all = RecvControl::decode::<Linux64>(&control).unwrap();
            assert!(three.is_none_or(|three| three == all));
            three.is_some()
        };
        assert!(quick(&[&three]));
        assert!(!quick(&[]) && !quick(&[hops]) && !quick(&[hops, class]) && !quick(&[info, hops]));
        assert!(!quick(&[hops, info, class]) && !quick(&[info, class, hops]) && !quick(&[&three, &size]));
        assert!(!quick(&[&size]) && !quick(&[&size, info]) && !quick(&[&size, &three]) && !quick(&[info]));
        // A value that is no byte is an error, which is for the other way to tell.
        let mut wide = three.clone();
        wide[57] = 1;
        assert_eq!(RecvControl::decode_three::<Linux64>(&wide), None);
        assert_eq!(RecvControl::decode_in_order::<Linux64>(&wide), None);

        // Any of them, as long as they are in order.
        let all = [&size[..], info, hops, class];
        for subset in 0..16 {
            let some = all.iter().enumerate().filter(|(index, _)| subset & 1 << index != 0);
            let some: Vec<&[u8]> = some.map(|(_, message)| *message).collect();
            let in_order = some.concat();
            let decoded = RecvControl::decode_in_order::<Linux64>(&in_order);
            assert_eq!(decoded, RecvControl::decode::<Linux64>(&in_order).ok());
            assert_eq!(decoded.unwrap().segment_size, (subset & 1 != 0).then_some(1200));
            if some.len() > 1 {
                let reversed = some.iter().rev().copied().collect::<Vec<_>>().concat();
                assert_eq!(RecvControl::decode_in_order::<Linux64>(&reversed), None);
            }
            for again in some {
                assert_eq!(RecvControl::decode_in_order::<Linux64>(&[&in_order[..], again].concat()), None);
            }
        }
    }

    #[test]
    fn scar_10_an_error_without_an_offender_is_passed_over() {
        // IPV6_RECVERR, level 41 and type 25: a struct sock_extended_err of 16 bytes, with or without the
        // address of who reported it behind it.
        for len in [0, 16, 44] {
            let mut bytes = [0; 128];
            let mut writer = Writer::<Linux64>::new(&mut bytes);
            writer.push(41, 25, &[0xff; 44][..len]).unwrap();
            writer.push(41, 52, &[3, 0, 0, 0]).unwrap();
            let used = writer.finish();
            assert_eq!(RecvControl::decode::<Linux64>(&bytes[..used]).unwrap().hop_limit, Some(3));
        }
    }

    #[test]
    fn scar_23_ipv4_packet_info_is_beside_the_point() {
        // IP_PKTINFO, level 0 and type 8, as a dual-stack socket may deliver it.
        for first in [true, false] {
            let mut bytes = [0; 128];
            let mut writer = Writer::<Linux64>::new(&mut bytes);
            let info = packet_info::encode::<Linux64>("::1".parse().ok(), InterfaceIndex::new(1).ok());
            if first {
                writer.push(0, 8, &[9; 12]).unwrap();
            }
            writer.push(41, 50, &info).unwrap();
            if !first {
                writer.push(0, 8, &[9; 12]).unwrap();
            }
            let used = writer.finish();
            let got = RecvControl::decode::<Linux64>(&bytes[..used]).unwrap();
            assert_eq!((got.destination, got.interface), ("::1".parse().ok(), InterfaceIndex::new(1).ok()));
        }
    }

    #[test]
    fn scar_26_every_field_may_be_absent() {
        let none = RecvControl::decode::<Linux64>(&[]).unwrap();
        assert_eq!(none, RecvControl::default());
        assert_eq!((none.dscp(), none.ecn(), none.reply()), (None, None, SendControl::new()));
        assert_eq!(none.to_string(), "no control messages");
    }

    #[test]
    fn scar_32_the_traffic_class_is_dscp_and_ecn() {
        let got = RecvControl { traffic_class: Some(0b1011_1001), ..RecvControl::default() };
        assert_eq!((got.dscp(), got.ecn()), (Some(46), Some(Ecn::Ect1)));
    }

    #[test]
    fn scar_34_some_zero_is_sent_as_zero() {
        let bytes = encoded(&SendControl::new().with_traffic_class(0).with_hop_limit(0));
        let got = RecvControl::decode::<Linux64>(&bytes).unwrap();
        assert_eq!((got.traffic_class, got.hop_limit), (Some(0), Some(0)));
        assert_eq!(encoded(&SendControl::new()), []);
    }

    #[test]
    fn scar_35_what_the_system_does_not_take_is_an_error() {
        let control = SendControl::new().with_next_hop("[fe80::1]:0".parse().unwrap());
        let answer = control.encode::<Linux64>(&mut [0; 128]);
        assert_eq!(answer, Err(EncodeError::Unsupported(Control::NextHop)));
    }

    #[test]
    fn a_buffer_of_every_size() {
        let control = full();
        assert_eq!(control.space::<Linux64>(), 88);
        for available in 0..96 {
            let mut bytes = vec![0xff; available];
            match control.encode::<Linux64>(&mut bytes) {
                Ok(used) => assert_eq!(
                    (used, available >= 88, &bytes[88..]),
                    (88, true, &[0xff; 8][..available - 88])
                ),
                Err(error) => {
                    assert_eq!(error, EncodeError::BufferTooSmall { needed: 88, available });
                    assert!(available < 88);
                }
            }
        }
    }

    #[test]
    fn errors_name_the_message() {
        let error = DecodeError::Width { control: Control::HopLimit, len: 2, expected: 4 };
        assert_eq!(error.to_string(), "IPV6_HOPLIMIT message of 2 bytes instead of 4");
        let error = DecodeError::Value { control: Control::TrafficClass, value: 256 };
        assert_eq!(error.to_string(), "IPV6_TCLASS message with value 256, which is not 0 to 255");
        let error = DecodeError::Family { control: Control::PathMtu, family: [2, 0] };
        assert_eq!(error.to_string(), "IPV6_PATHMTU message with an address that is not IPv6 (starts 2 0)");
        let error = EncodeError::Unsupported(Control::NextHop);
        assert_eq!(error.to_string(), "the system does not take IPV6_NEXTHOP messages");
        let error = EncodeError::BufferTooSmall { needed: 40, available: 24 };
        assert_eq!(error.to_string(), "buffer too small: 40 bytes needed, 24 available");
    }

    #[test]
    fn scar_37_each_flag_keeps_its_own_field_alone() {
        let destination = "2001:db8::1".parse().unwrap();
        let news = PathMtu { destination, interface: None, mtu: 1280 };
        let got = RecvControl {
            traffic_class: Some(1),
            hop_limit: Some(2),
            destination: Some(destination),
            interface: InterfaceIndex::new(3).ok(),
            path_mtu: Some(news),
            ..RecvControl::default()
        };
        let empty = RecvControl::default();
        for (flag, alone) in [
            (ControlFlags::TRAFFIC_CLASS, RecvControl { traffic_class: got.traffic_class, ..empty }),
            (ControlFlags::HOP_LIMIT, RecvControl { hop_limit: got.hop_limit, ..empty }),
            (ControlFlags::DESTINATION, RecvControl { destination: got.destination, ..empty }),
            (ControlFlags::INTERFACE, RecvControl { interface: got.interface, ..empty }),
            (ControlFlags::PATH_MTU, RecvControl { path_mtu: got.path_mtu, ..empty }),
        ] {
            assert_eq!(got.filter(flag), alone);
        }
        assert_eq!((got.filter(ControlFlags::all()), got.filter(ControlFlags::empty())), (got, empty));
        assert_eq!(got.detach(), got);
    }

    #[test]
    fn a_control_with_any_field_is_not_empty() {
        let new = SendControl::new();
        assert!(new.is_empty());
        let address: Ipv6Addr = "fe80::1".parse().unwrap();
        for control in [
            new.with_traffic_class(0),
            new.with_hop_limit(0),
            new.with_source(address),
            new.with_interface(InterfaceIndex::new(1).unwrap()),
            new.with_next_hop(SocketAddrV6::new(address, 0, 0, 1)),
        ] {
            assert!(!control.is_empty(), "{control:?}");
        }
    }

    #[test]
    fn text() {
        let bytes = encoded(&full());
        let got = RecvControl::decode::<Linux64>(&bytes).unwrap();
        let text = "traffic class 0xe0, hop limit 1, destination 2001:db8::1, interface 7";
        assert_eq!(got.to_string(), text);
        assert_eq!(full().to_string(), text.replace("destination", "source"));
        assert!(format!("{got:?}").starts_with("RecvControl { traffic_class: Some(224)"));
    }

    #[test]
    fn a_reply_goes_back_the_way_it_came() {
        let bytes = encoded(&full());
        let got = RecvControl::decode::<Linux64>(&bytes).unwrap();
        let reply = got.reply();
        assert_eq!((reply.source, reply.interface), (full().source, full().interface));
        assert_eq!((reply.traffic_class, reply.hop_limit), (None, None));
    }
}
