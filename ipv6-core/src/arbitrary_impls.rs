//! `Arbitrary` for the values, so that fuzzers and property tests generate them. Only valid values arise: those that a
//! codec returns, or that a program can create.

use core::net::Ipv6Addr;
use core::num::{NonZeroU16, NonZeroU32};

use arbitrary::{Arbitrary, Result, Unstructured};

use crate::abi::{
    Abi, CmsgLayout, ControlNumber, ControlNumbers, Endian, FilterPolarity, GroupReqLayout, Linux64, Mapped,
    MulticastInterface, OptionNumber, OptionNumbers, PLATFORMS, PacketInfoMessage, Platform, SockaddrLayout,
    SourceFilterLayout, SourcePointer, SourceRequests, Width,
};
use crate::cmsg::RawMessage;
use crate::ext::{
    Align, DestinationOptions, ExtensionHeader, Fragment, HopByHop, Opt, OptionType, RoutingHeader,
    RoutingType, SegmentRouting, Tlv, TlvType, Unrecognized, Upper, Walk,
};
use crate::message::*;
use crate::option::*;
use crate::*;

/// Values whose parts can be any values of their types. A row is: the type and its fields.
macro_rules! any {
    ($($Type:ident { $($field:tt)* })*) => {
        $(any!(one $Type { $($field)* });)*
    };
    (one $Type:ident { $($field:ident)* }) => {
        impl<'a> Arbitrary<'a> for $Type {
            fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
                Ok(Self { $($field: u.arbitrary()?),* })
            }
        }
    };
    (one $Type:ident { 0 }) => {
        impl<'a> Arbitrary<'a> for $Type {
            fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
                u.arbitrary().map(Self)
            }
        }
    };
}

#[cfg(feature = "headers")]
any! {
    Header { traffic_class flow_label payload_len next_header hop_limit source destination }
}

any! {
    BinaryTime { seconds fraction }
    BpfInstruction { code jt jf k }
    DestinationPort { 0 }
    DontFragment { 0 }
    Dropped { 0 }
    FlowId { 0 }
    FlowType { 0 }
    FragmentSize { 0 }
    Group { group on }
    TcpAoInfo { current next is_required accepts_icmp good bad key_not_found without dropped_icmp }
    HopLimit { 0 }
    Icmp6Type { 0 }
    IcmpType { 0 }
    Ipv4Ecn { 0 }
    Ipv4FragmentSize { 0 }
    Ipv4Group { group on }
    Ipv4Interface { 0 }
    Ipv4OriginalDestination { 0 }
    Ipv4PacketInfo { address interface }
    Ipv4SourceGroup { group source on }
    Ipv4UnicastInterface { 0 }
    MachTime { 0 }
    Mark { 0 }
    MifCounters { packets_in packets_out bytes_in bytes_out }
    Mtu { 0 }
    MulticastUpcall { kind mif source group }
    NextHop { 0 }
    OptionType { 0 }
    OriginalDestination { 0 }
    PacingRate { 0 }
    PacketInfo { address interface }
    PathMtu { destination interface mtu }
    Priority { 0 }
    RouteCounters { packets bytes wrong_interface }
    RoutingType { 0 }
    SendTimes { clock deadline report_errors }
    SourceGroup { group source on }
    TimeToLive { 0 }
    TimestampId { 0 }
    TimestampPacketInfo { interface len }
    TimestampRequest { 0 }
    Timestamping { software hardware }
    TlvType { 0 }
    TrafficClass { 0 }
    TxTime { 0 }
    TypeOfService { 0 }
    UnicastInterface { 0 }
}

/// Generates a value of any message from the list of messages.
macro_rules! decoded {
    ($($field:ident $with:ident: $Message:ident $(<$life:lifetime>)?;)*) => {
        impl<'a> Arbitrary<'a> for Decoded<'a> {
            fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
                let kinds: &[fn(&mut Unstructured<'a>) -> Result<Self>] = &[
                    $(|u| u.arbitrary().map(Decoded::$Message),)*
                    |u| u.arbitrary().map(Decoded::SystemDefault),
                    |u| u.arbitrary().map(Decoded::Unknown),
                ];
                u.choose(kinds)?(u)
            }
        }
    };
}

for_each_message!(decoded);

/// Values of which there are few. A row is: the type, and its values.
macro_rules! one_of {
    ($($Type:ident { $($variant:ident)* })*) => {
        $(
            impl<'a> Arbitrary<'a> for $Type {
                fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
                    u.choose(&[$(Self::$variant),*]).copied()
                }
            }
        )*
    };
}

one_of! {
    Ecn { NotEct Ect1 Ect0 Ce }
    Endian { Little Big }
    FilterMode { Include Exclude }
    FilterPolarity { SetBlocks SetPasses }
    FlowLabelShare { Any Exclusive Process User }
    InterfaceRole { Incoming SubInterface Outgoing NextHop }
    MinMtu { Multicast Never Always }
    PathMtuDiscovery { Off Want Require Probe Interface Omit }
    PortRange { Default High Low }
    TimestampClock { Microseconds Binary Nanoseconds Monotonic }
    Unrecognized { Skip Discard Report ReportUnlessMulticast }
    UpcallKind { NoRoute WrongInterface WholePacket }
    Width { Four Eight }
}

/// Values that are made from others. A row is: the type, and an expression with the source of bytes.
macro_rules! made {
    ($($Type:ty, $u:ident => $value:expr;)*) => {
        $(
            impl<'a> Arbitrary<'a> for $Type {
                fn arbitrary($u: &mut Unstructured<'a>) -> Result<Self> {
                    Ok($value)
                }
            }
        )*
    };
}

made! {
    // Parts of the tables of a real system.
    Abi, u => u.choose(PLATFORMS)?.1;
    CmsgLayout, u => Abi::arbitrary(u)?.cmsg;
    SockaddrLayout, u => Abi::arbitrary(u)?.sockaddr;
    SourceFilterLayout, u => Abi::arbitrary(u)?.source_filter.unwrap_or(SourceFilterLayout::msfilterreq(8, Width::Eight));
    SourcePointer, u => Abi::arbitrary(u)?.source_filter.and_then(|layout| layout.pointer).unwrap_or(SourcePointer { offset: 144, size: 152 });
    SourceRequests, u => Abi::arbitrary(u)?.source_filter.and_then(|layout| layout.requests).unwrap_or(SourceRequests { get: 1, set: 2 });
    GroupReqLayout, u => Abi::arbitrary(u)?.group_req.unwrap_or(GroupReqLayout::new(8, 136, 264));
    Mapped, u => Abi::arbitrary(u)?.mapped_or_usual();
    PacketInfoMessage, u => Mapped::arbitrary(u)?.send;
    MulticastInterface, u => Mapped::arbitrary(u)?.multicast_interface;
    ControlNumbers, u => Abi::arbitrary(u)?.control;
    OptionNumbers, u => Abi::arbitrary(u)?.options;
    ControlNumber, u => ControlNumber::new(u.arbitrary()?, u.arbitrary()?, u.int_in_range(0..=2048)?);
    OptionNumber, u => OptionNumber { level: u.arbitrary()?, name: u.arbitrary()? };

    Control, u => *u.choose(&Control::ALL)?;
    FlowLabel, u => FlowLabel::from_low_bits(u.int_in_range(0..=FlowLabel::MAX)?);
    InterfaceIndex, u => InterfaceIndex::new(u.arbitrary::<NonZeroU32>()?.get()).map_err(invalid)?;
    Coalesced, u => Coalesced(u.arbitrary::<NonZeroU16>()?.get());
    SegmentSize, u => SegmentSize(u.arbitrary::<NonZeroU16>()?.get());
    Timestamp, u => Timestamp { seconds: u.arbitrary()?, microseconds: u.int_in_range(0..=999_999)? };
    Uptime, u => Uptime { seconds: u.arbitrary()?, nanoseconds: u.int_in_range(0..=999_999_999)? };
    TimestampNs, u => TimestampNs { seconds: u.arbitrary()?, nanoseconds: u.int_in_range(0..=999_999_999)? };

    ControlFlags, u => ControlFlags::from_bits_truncate(u.arbitrary()?);
    TimestampingFlags, u => TimestampingFlags::from_bits_truncate(u.arbitrary()?);
    AddressPreferences, u => preferences(u)?;

    RecvControl<'_>, u => received(u)?;
    SendControl<'_>, u => sent(u)?;
    ExtendedError, u => entry(u, None)?;
    QueuedError, u => {
        let origin = *u.choose(&[ExtendedError::LOCAL, ExtendedError::ICMP, ExtendedError::ICMP6])?;
        entry(u, Some(origin))?.into()
    };
    ErrorOrigin, u => QueuedError::arbitrary(u)?.origin();
    // 32 bytes are a filter of Linux.
    Icmp6Filter, u => Icmp6Filter::decode::<Linux64>(&u.arbitrary::<[u8; 32]>()?).unwrap_or_default();
    FlowLabelRequest, u => FlowLabelRequest {
        destination: u.arbitrary()?,
        label: u.arbitrary()?,
        share: u.arbitrary()?,
        only_new: u.arbitrary()?,
        linger: u.arbitrary()?,
        expires: u.arbitrary()?,
    };
    MemoryInfo, u => MemoryInfo::from_words(u.arbitrary()?);
    LocalPorts, u => {
        let (one, other) = <(u16, u16)>::arbitrary(u)?;
        LocalPorts { low: one.min(other), high: one.max(other) }
    };

    Mif, u => mif(u.int_in_range(0..=31)?);
    MifSet, u => {
        let bits: u32 = u.arbitrary()?;
        (0..Mif::COUNT).filter(|bit| bits >> bit & 1 != 0).fold(MifSet::EMPTY, |set, bit| set.with(mif(bit)))
    };
    MulticastRoute, u => {
        let [_, octets @ ..] = u.arbitrary::<[u8; 16]>()?;
        let source: Option<Ipv6Addr> = u.arbitrary()?;
        let mut group = [0xff; 16];
        let [_, rest @ ..] = &mut group;
        *rest = octets;
        let is_any = source.is_none() && u.arbitrary()?;
        let group = if is_any { Ipv6Addr::UNSPECIFIED } else { group.into() };
        MulticastRoute { source, group, incoming: u.arbitrary()?, outgoing: u.arbitrary()? }
    };

    MplsLabel, u => MplsLabel {
        label: u.int_in_range(0..=0xf_ffff)?,
        traffic_class: u.int_in_range(0..=7)?,
        is_bottom: u.arbitrary()?,
        ttl: u.arbitrary()?,
    };
    IcmpObject<'a>, u => IcmpObject { class: u.arbitrary()?, kind: u.arbitrary()?, data: short(u, 65_531)? };
    IcmpInterface<'a>, u => {
        let name: Option<&str> = u.arbitrary()?;
        IcmpInterface {
            role: u.arbitrary()?,
            index: u.arbitrary()?,
            address: u.arbitrary()?,
            // The object has zeros behind the name, and one byte for its length.
            name: name.map(|name| name.trim_end_matches('\0')).filter(|name| name.len() < 255),
            mtu: u.arbitrary()?,
        }
    };

    RawMessage<'a>, u => RawMessage::new(u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
    TcpMd5Key<'a>, u => key(u)?;
    TcpAoAlgorithm, u => *u.choose(&[TcpAoAlgorithm::HmacSha1, TcpAoAlgorithm::CmacAes128])?;
    TcpAoId, u => {
        let id = TcpAoId::new(u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
        let id = id.with_prefix(u.int_in_range(1..=128)?).unwrap_or(id);
        u.arbitrary::<Option<_>>()?.map_or(id, |interface| id.with_interface(interface))
    };
    TcpAoKey<'a>, u => {
        let (id, algorithm) = (u.arbitrary()?, u.arbitrary()?);
        let key = TcpAoKey::new(id, algorithm, short(u, TcpAoKey::MAX_LEN)?);
        let key = key.or(TcpAoKey::new(id, algorithm, b"key")).map_err(invalid)?;
        key.with_mac_length(u.int_in_range(1..=TcpAoKey::MAX_MAC_LENGTH)?).unwrap_or(key)
    };

    Align, u => {
        let x = *u.choose(&[1, 2, 4, 8])?;
        Align::new(x, u.int_in_range(0..=7)? & x.saturating_sub(1)).unwrap_or(Align::NONE)
    };
    Fragment, u => Fragment {
        offset: u.arbitrary::<u16>()? & !7,
        more: u.arbitrary()?,
        identification: u.arbitrary()?,
    };
    HopByHop<'a>, u => HopByHop::parse(header(u)?).map_err(invalid)?;
    DestinationOptions<'a>, u => DestinationOptions::parse(header(u)?).map_err(invalid)?;
    FirstDestinationOptions<'a>, u => FirstDestinationOptions(u.arbitrary()?);
    RoutingHeader<'a>, u => RoutingHeader::parse(header(u)?).map_err(invalid)?;
    SegmentRouting<'a>, u => {
        SegmentRouting::parse(header(u)?).or(SegmentRouting::parse(&ONE_SEGMENT)).map_err(invalid)?
    };
    Opt<'a>, u => Opt {
        kind: u.arbitrary()?,
        offset: u.int_in_range(2..=ext::MAX_LEN)?,
        data: short(u, 255)?,
    };
    Tlv<'a>, u => Tlv { kind: u.arbitrary()?, offset: u.int_in_range(8..=ext::MAX_LEN)?, data: short(u, 255)? };
    ExtensionHeader<'a>, u => match u.int_in_range(0..=4)? {
        0 => ExtensionHeader::HopByHop(u.arbitrary()?),
        1 => ExtensionHeader::Routing(u.arbitrary()?),
        2 => ExtensionHeader::Fragment(u.arbitrary()?),
        3 => ExtensionHeader::DestinationOptions(u.arbitrary()?),
        // Mobility, HIP, Shim6, experiments.
        _ => ExtensionHeader::Other { kind: *u.choose(&[135, 139, 140, 253, 254])?, bytes: header(u)? },
    };
    Upper<'a>, u => {
        let (next, bytes) = u.arbitrary()?;
        // 59: no next header.
        let walk = Walk::new(next, bytes).upper().or_else(|_| Walk::new(59, bytes).upper());
        walk.map_err(invalid)?
    };
}

impl<'a, const N: usize> Arbitrary<'a> for SourceFilter<N> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut filter = Self { mode: u.arbitrary()?, sources: heapless::Vec::new() };
        for _ in 0..u.int_in_range(0..=N)? {
            // There is room for `N`.
            let _ = filter.sources.push(u.arbitrary()?);
        }
        Ok(filter)
    }
}

/// Messages that the platform has, as many as fit.
impl<'a, P: Platform, const N: usize> Arbitrary<'a> for Messages<P, N> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let mut messages = Self::new();
        for _ in 0..u.int_in_range(0..=8)? {
            // What the platform lacks, or what does not fit, is left out.
            let _ = match u.int_in_range(0..=17)? {
                0 => messages.push(&PacketInfo::arbitrary(u)?),
                1 => messages.push(&HopLimit::arbitrary(u)?),
                2 => messages.push(&TrafficClass::arbitrary(u)?),
                3 => messages.push(&FlowLabel::arbitrary(u)?),
                4 => messages.push(&NextHop::arbitrary(u)?),
                5 => messages.push(&SegmentSize::arbitrary(u)?),
                6 => messages.push(&TypeOfService::arbitrary(u)?),
                7 => messages.push(&TimeToLive::arbitrary(u)?),
                8 => messages.push(&Ipv4PacketInfo::arbitrary(u)?),
                9 => messages.push(&HopByHop::arbitrary(u)?),
                10 => messages.push(&DestinationOptions::arbitrary(u)?),
                11 => messages.push(&FirstDestinationOptions::arbitrary(u)?),
                12 => messages.push(&RoutingHeader::arbitrary(u)?),
                13 => messages.push(&DontFragment::arbitrary(u)?),
                14 => messages.push(&MinMtu::arbitrary(u)?),
                15 => messages.push(&Mark::arbitrary(u)?),
                16 => messages.push(&TimestampRequest::arbitrary(u)?),
                _ => messages.push(&TxTime::arbitrary(u)?),
            };
        }
        Ok(messages)
    }
}

/// The error of a constructor, for values that it does not refuse.
fn invalid<E>(_: E) -> arbitrary::Error {
    arbitrary::Error::IncorrectFormat
}

fn mif(number: u8) -> Mif {
    const FIRST: Mif = match Mif::new(0) {
        Some(mif) => mif,
        None => unreachable!(),
    };
    Mif::new(number).unwrap_or(FIRST)
}

/// At most one flag of each pair.
fn preferences(u: &mut Unstructured<'_>) -> Result<AddressPreferences> {
    type Flags = AddressPreferences;
    let pairs =
        [[Flags::TEMPORARY, Flags::PUBLIC], [Flags::HOME, Flags::CARE_OF], [Flags::CGA, Flags::NON_CGA]];
    let mut preferences = Flags::empty();
    for [one, other] in pairs {
        preferences |= *u.choose(&[Flags::empty(), one, other])?;
    }
    Ok(preferences)
}

fn received(u: &mut Unstructured<'_>) -> Result<RecvControl<'static>> {
    let mut control = RecvControl::default();
    control.traffic_class = u.arbitrary()?;
    control.hop_limit = u.arbitrary()?;
    control.destination = u.arbitrary()?;
    control.interface = u.arbitrary()?;
    control.flow_label = u.arbitrary()?;
    control.path_mtu = u.arbitrary()?;
    control.segment_size = u.arbitrary::<Option<NonZeroU16>>()?.map(NonZeroU16::get);
    Ok(control)
}

/// Without messages, which are those of one platform.
fn sent(u: &mut Unstructured<'_>) -> Result<SendControl<'static>> {
    let mut control = SendControl::new();
    control.traffic_class = u.arbitrary()?;
    control.hop_limit = u.arbitrary()?;
    control.source = u.arbitrary()?;
    control.interface = u.arbitrary()?;
    control.flow_label = u.arbitrary()?;
    control.next_hop = u.arbitrary()?;
    control.segment_size = u.arbitrary::<Option<NonZeroU16>>()?.map(NonZeroU16::get);
    Ok(control)
}

/// What the kernel of Linux can have written, with this origin or any.
fn entry(u: &mut Unstructured<'_>, origin: Option<u8>) -> Result<ExtendedError> {
    let mut bytes: [u8; 44] = u.arbitrary()?;
    if let Some(place) = bytes.get_mut(4) {
        *place = origin.unwrap_or(*place);
    }
    if u.arbitrary()? {
        // An address of AF_INET6 follows.
        if let Some(family) = bytes.get_mut(16..18) {
            family.copy_from_slice(&[10, 0]);
        }
    }
    ExtendedError::decode::<Linux64>(&bytes).ok_or(arbitrary::Error::IncorrectFormat)
}

fn key<'a>(u: &mut Unstructured<'a>) -> Result<TcpMd5Key<'a>> {
    let peer: Ipv6Addr = u.arbitrary()?;
    let bits = if peer.to_ipv4_mapped().is_some() { 32 } else { 128 };
    let prefix = if u.arbitrary()? { Some(u.int_in_range(0..=bits)?) } else { None };
    let interface: Option<InterfaceIndex> = u.arbitrary()?;
    let mut key = TcpMd5Key::new(peer, short(u, TcpMd5Key::MAX_LEN)?).unwrap_or(TcpMd5Key::none(peer));
    if let Some(prefix) = prefix {
        key = key.with_prefix(prefix);
    }
    Ok(match interface {
        Some(interface) => key.with_interface(interface),
        None => key,
    })
}

/// At most `most` bytes.
fn short<'a>(u: &mut Unstructured<'a>, most: usize) -> Result<&'a [u8]> {
    let len = u.int_in_range(0..=most.min(u.len()))?;
    // The length has taken bytes too.
    let len = len.min(u.len());
    u.bytes(len)
}

/// A header of 8 bytes with padding only.
const EMPTY: [u8; 8] = [59, 0, 1, 4, 0, 0, 0, 0];

/// A segment routing header with the segment `::`.
const ONE_SEGMENT: [u8; 24] = [59, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The extension header at the current position, whose second byte is its length; the shortest one if the bytes end before.
fn header<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let units = u.peek_bytes(2).and_then(|start| start.get(1)).map(|units| usize::from(*units));
    let len = units.map(|units| units.saturating_add(1).saturating_mul(8)).filter(|len| *len <= u.len());
    match len {
        Some(len) => u.bytes(len),
        None => Ok(&EMPTY),
    }
}
