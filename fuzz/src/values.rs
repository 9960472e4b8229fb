//! Values: their texts and numbers, and the structures that requests to the kernel and its answers have.

use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::net::{Ipv4Addr, Ipv6Addr};

use arbitrary::{Arbitrary, Result, Unstructured};
use ipv6_core::abi::Platform;
use ipv6_core::option::*;
use ipv6_core::*;

/// Encodes requests to the kernel, and decodes what it answers: filters of sources, leases of flow labels, keys, routes,
/// queued errors.
pub fn requests(input: &[u8]) {
    fn body<P: Platform>(input: &[u8]) {
        // An error: the input ends before the value does.
        let _ = requests_on::<P>(&mut Unstructured::new(input));
        let _ = tcp_ao_on::<P>(&mut Unstructured::new(input));
        answers_on::<P>(input);
    }
    on_every_platform!(body(input));
}

fn requests_on<P: Platform>(u: &mut Unstructured<'_>) -> Result<()> {
    let (group, on): (Ipv6Addr, Option<InterfaceIndex>) = (u.arbitrary()?, u.arbitrary()?);
    let filter: SourceFilter<4> = u.arbitrary()?;
    let mut bytes = vec![0xa5; u.int_in_range(0..=1024)?];
    match filter.encode::<P>(group, on, &mut bytes) {
        Ok(used) => {
            assert_eq!(SourceFilter::<4>::space::<P>(filter.sources.len()), Some(used));
            assert_eq!(
                SourceFilter::decode::<P>(&bytes[..used]),
                Some((filter.clone(), filter.sources.len()))
            );
            assert!(bytes[used..].iter().all(|byte| *byte == 0xa5));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let _ = SourceFilter::<4>::encode_request::<P>(group, on, &mut bytes);
    assert!(
        filter.sources.iter().all(|source| filter.passes(*source) == (filter.mode == FilterMode::Include))
    );
    let again = match filter.mode {
        FilterMode::Include => SourceFilter::<2>::include(&filter.sources),
        FilterMode::Exclude => SourceFilter::<2>::exclude(&filter.sources),
    };
    assert_eq!(again.is_ok(), filter.sources.len() <= 2);

    let request: FlowLabelRequest = u.arbitrary()?;
    assert_eq!(
        FlowLabelRequest::decode_label(&request.encode::<P>()),
        Some(request.label.unwrap_or(FlowLabel::ZERO))
    );
    let mut built = FlowLabelRequest::new(request.destination)
        .with_share(request.share)
        .with_linger(request.linger)
        .with_expires(request.expires);
    if let Some(label) = request.label {
        built = built.with_label(label);
        let release = FlowLabelRequest::encode_release::<P>(label);
        assert_eq!(FlowLabelRequest::decode_label(&release), Some(label));
    }
    if request.only_new {
        built = built.with_only_new();
    }
    assert_eq!((built, built.encode::<P>()), (request, request.encode::<P>()));
    assert_ne!(request.encode_renewal::<P>(), request.encode::<P>());

    let key: TcpMd5Key<'_> = u.arbitrary()?;
    assert_eq!(key.encode::<P>()[128] != 0, key.is_extended());

    let (route, mif, index): (MulticastRoute, Mif, InterfaceIndex) =
        (u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
    assert_eq!(multicast_route::encode_mif::<P>(mif, index).is_some(), index.get() < 1 << 16);
    assert_eq!(route.encode::<P>()[36..52], route.group.octets());
    assert_eq!(route.outgoing.with(mif).without(mif).contains(mif), MifSet::EMPTY.contains(mif));
    let counters = RouteCounters::request::<P>(route.source.unwrap_or(Ipv6Addr::UNSPECIFIED), route.group);
    assert_eq!(RouteCounters::decode::<P>(&counters), Some(RouteCounters::default()));
    let counters = MifCounters::request::<P>(mif);
    assert!(MifCounters::decode::<P>(&counters).is_some_and(|counters| counters.packets_in == 0));

    let ipv4: Ipv4Addr = u.arbitrary()?;
    assert_eq!(group::encode_mreq::<P>(group, on)[..16], group.octets());
    assert_eq!(group::encode_mreqn::<P>(ipv4, on)[..4], ipv4.octets());
    let _ = group::encode_ipv4_interface::<P>(on);

    let preferences: AddressPreferences = u.arbitrary()?;
    if let Some(number) = preferences.number::<P>() {
        assert_eq!(AddressPreferences::from_number::<P>(number), Some(preferences));
    }
    let number = u.arbitrary()?;
    let _ = AddressPreferences::from_number::<P>(number);
    let discovery: PathMtuDiscovery = u.arbitrary()?;
    if let Some(number) = discovery.number::<P>() {
        assert_eq!(PathMtuDiscovery::from_number::<P>(number), Some(discovery));
    }
    assert!(PathMtuDiscovery::from_number::<P>(number).is_none_or(|mode| mode.number::<P>() == Some(number)));
    let filter: Icmp6Filter = u.arbitrary()?;
    if let Some(bytes) = filter.encode::<P>() {
        assert_eq!(Icmp6Filter::decode::<P>(&bytes), Some(filter));
    }
    Ok(())
}

/// Keys of TCP-AO (RFC 5925), and what a socket reports about them.
fn tcp_ao_on<P: Platform>(u: &mut Unstructured<'_>) -> Result<()> {
    let info: TcpAoInfo = u.arbitrary()?;
    assert!(TcpAoInfo::decode::<P>(&info.encode::<P>()).is_some_and(|read| read.current == info.current));
    let (peer, interface): (Ipv6Addr, InterfaceIndex) = (u.arbitrary()?, u.arbitrary()?);
    let (algorithm, bits, mac): (TcpAoAlgorithm, u8, u8) = (u.arbitrary()?, u.arbitrary()?, u.arbitrary()?);
    let id = TcpAoId::new(peer, bits, mac).with_interface(interface);
    assert_eq!(
        (id.peer(), id.send_id(), id.receive_id(), id.interface()),
        (peer, bits, mac, Some(interface))
    );
    let id = match id.with_prefix(bits) {
        Ok(id) => id,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            id
        }
    };
    assert!(id.prefix() <= 128 && !format!("{id:?} {algorithm:?} {}", algorithm.name()).is_empty());
    assert_ne!(id.encode::<P>(), TcpAoId::new(peer, bits, !mac).encode::<P>());
    for len in [0, 1, TcpAoKey::MAX_LEN, TcpAoKey::MAX_LEN + 1] {
        let bytes = vec![7; len];
        match TcpAoKey::new(id, algorithm, &bytes).and_then(|key| key.with_mac_length(mac)) {
            Ok(key) => {
                assert_eq!(key.id(), id);
                let other = key.without_options().as_current().as_next();
                assert_ne!(other.encode::<P>(), key.encode::<P>());
                assert!(!format!("{key:?}").contains("7, 7"));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        let _ = TcpAoKey::new(id, algorithm, &bytes).map(|key| key.encode::<P>());
    }
    Ok(())
}

fn answers_on<P: Platform>(input: &[u8]) {
    if let Some(entry) = ExtendedError::decode::<P>(input) {
        let error = QueuedError::from(entry);
        assert_eq!(QueuedError::decode::<P>(input), Some(error));
        assert!(!format!("{error} {error:?} {entry:?} {:?}", error.origin()).is_empty());
    }
    if let Some(upcall) = MulticastUpcall::decode::<P>(input) {
        assert_eq!(MulticastUpcall::new(upcall.kind, upcall.mif, upcall.source, upcall.group), upcall);
    }
    let _ = (RouteCounters::decode::<P>(input), MifCounters::decode::<P>(input));
    let filter = SourceFilter::<2>::decode::<P>(input);
    assert!(filter.is_none_or(|(filter, _)| !filter.to_string().is_empty()));
    let _ = (FlowLabelRequest::decode_label(input), TcpAoInfo::decode::<P>(input));
    match (PathMtu::decode::<P>(input), PathMtu::decode_mtu::<P>(input)) {
        (Ok(path), mtu) => assert!(Ok(path.mtu) == mtu && !path.to_string().is_empty()),
        (Err(error), _) => assert!(!error.to_string().is_empty()),
    }
}

/// Generates one value of each type. Its texts are not empty, its numbers are read as they are written, and equal values
/// come from equal bytes.
pub fn values(input: &[u8]) {
    // An error: the input ends before the value does.
    let _ = texts(&mut Unstructured::new(input));
    let _ = numbers(&mut Unstructured::new(input));
}

fn debug<'a, T: Arbitrary<'a> + Debug + Clone + PartialEq + Hash>(u: &mut Unstructured<'a>) -> Result<T> {
    let value = T::arbitrary(u)?;
    assert_eq!(value.clone(), value);
    assert_eq!(crate::api::hashed(&value.clone()), crate::api::hashed(&value));
    assert!(!format!("{value:?}").is_empty());
    Ok(value)
}

fn display<'a, T: Arbitrary<'a> + Debug + Display + Clone + PartialEq + Hash>(
    u: &mut Unstructured<'a>,
) -> Result<T> {
    let value = debug::<T>(u)?;
    assert!(!value.to_string().is_empty());
    Ok(value)
}

fn texts(u: &mut Unstructured<'_>) -> Result<()> {
    use ipv6_core::{abi::*, cmsg::*, ext::*, message::*};

    // Which of them comes first, so that short inputs reach each.
    match u.int_in_range(0..=5)? {
        0 => {
            display::<Control>(u)?;
            display::<Decoded<'_>>(u)?;
            display::<RawMessage<'_>>(u)?;
            display::<RecvControl<'_>>(u)?;
            display::<SendControl<'_>>(u)?;
            debug::<ControlFlags>(u)?;
            debug::<Messages<Linux64, 128>>(u)?;
        }
        1 => {
            display::<QueuedError>(u)?;
            debug::<ErrorOrigin>(u)?;
            debug::<ExtendedError>(u)?;
            display::<Icmp6Filter>(u)?;
            display::<Icmp6Type>(u)?;
            display::<IcmpType>(u)?;
            debug::<IcmpInterface<'_>>(u)?;
            debug::<IcmpObject<'_>>(u)?;
            display::<MplsLabel>(u)?;
        }
        2 => {
            display::<OptionType>(u)?;
            display::<RoutingType>(u)?;
            display::<Opt<'_>>(u)?;
            display::<HopByHop<'_>>(u)?;
            display::<DestinationOptions<'_>>(u)?;
            display::<RoutingHeader<'_>>(u)?;
            display::<SegmentRouting<'_>>(u)?;
            debug::<FirstDestinationOptions<'_>>(u)?;
            debug::<ExtensionHeader<'_>>(u)?;
            debug::<Upper<'_>>(u)?;
            debug::<Tlv<'_>>(u)?;
            debug::<Fragment>(u)?;
            debug::<Align>(u)?;
        }
        3 => {
            debug::<Abi>(u)?;
            debug::<CmsgLayout>(u)?;
            debug::<SockaddrLayout>(u)?;
            debug::<GroupReqLayout>(u)?;
            debug::<Mapped>(u)?;
            debug::<ControlNumbers>(u)?;
            debug::<OptionNumbers>(u)?;
            debug::<ControlNumber>(u)?;
            debug::<OptionNumber>(u)?;
            debug::<PacketInfoMessage>(u)?;
            debug::<MulticastInterface>(u)?;
            debug::<Endian>(u)?;
            debug::<Width>(u)?;
            debug::<FilterPolarity>(u)?;
        }
        4 => {
            display::<Header>(u)?;
            display::<FlowLabel>(u)?;
            display::<InterfaceIndex>(u)?;
            display::<Ecn>(u)?;
            display::<PathMtu>(u)?;
            display::<SourceFilter<3>>(u)?;
            display::<MulticastRoute>(u)?;
            debug::<MulticastUpcall>(u)?;
            debug::<MifSet>(u)?;
            debug::<FlowLabelRequest>(u)?;
            debug::<TcpMd5Key<'_>>(u)?;
            display::<BpfInstruction>(u)?;
        }
        _ => {
            debug::<Group>(u)?;
            debug::<SourceGroup>(u)?;
            debug::<UnicastInterface>(u)?;
            debug::<Ipv4UnicastInterface>(u)?;
            debug::<Ipv4Group>(u)?;
            debug::<Ipv4SourceGroup>(u)?;
            debug::<Ipv4Interface>(u)?;
            debug::<Mtu>(u)?;
            debug::<PacingRate>(u)?;
            debug::<TimestampingFlags>(u)?;
            debug::<AddressPreferences>(u)?;
            debug::<Unrecognized>(u)?;
            debug::<InterfaceRole>(u)?;
            debug::<UpcallKind>(u)?;
            debug::<RouteCounters>(u)?;
            debug::<MifCounters>(u)?;
            debug::<Ipv4Ecn>(u)?;
        }
    }
    Ok(())
}

fn numbers(u: &mut Unstructured<'_>) -> Result<()> {
    use ipv6_core::message::*;

    let number: u32 = u.arbitrary()?;
    let small = i32::from(u8::try_from(number & 7).unwrap_or_default()) - 2;
    assert_eq!(FlowLabel::new(number).map(FlowLabel::get), (number <= FlowLabel::MAX).then_some(number));
    assert_eq!(InterfaceIndex::new(number).map(InterfaceIndex::get).is_ok(), number != 0);
    assert_eq!(InterfaceIndex::try_from(number), InterfaceIndex::new(number));
    assert!(std::io::Error::from(ZeroIndex).to_string().contains("interface index 0"));
    assert_eq!(MinMtu::from_number(small).map(MinMtu::number), (-1..=1).contains(&small).then_some(small));
    assert_eq!(
        PortRange::from_number(small).map(PortRange::number),
        (0..3).contains(&small).then_some(small)
    );
    assert_eq!(
        TimestampClock::from_number(small).map(TimestampClock::number),
        (0..4).contains(&small).then_some(small)
    );
    assert_eq!(LocalPorts::from_number(number).number(), number);
    let ports: LocalPorts = u.arbitrary()?;
    assert_eq!(LocalPorts::from_number(ports.number()), ports);
    let times: SendTimes = u.arbitrary()?;
    assert_eq!(SendTimes::from_flags(times.clock, times.flags()), times);
    assert!(SendTimes::new(times.clock).flags() == 0 && format!("{times:?}").contains("SendTimes"));
    let memory: MemoryInfo = u.arbitrary()?;
    assert_eq!(memory, memory.clone());

    let class: TrafficClass = u.arbitrary()?;
    let ecn = Ecn::from_traffic_class(class.0);
    assert_eq!(traffic_class(dscp(class.0), ecn), Some(class.0));
    assert_eq!(ecn.mark(class.0), class.0);
    let other: Ecn = u.arbitrary()?;
    assert_eq!((Ecn::from_traffic_class(other.mark(class.0)), other.bits() < 4), (other, true));
    assert_eq!(traffic_class(class.0, other).is_some(), class.0 < 64);

    let (one, other): (Timestamp, TimestampNs) = (u.arbitrary()?, u.arbitrary()?);
    assert_eq!(
        (one.since_epoch().is_some(), other.since_epoch().is_some()),
        (one.seconds >= 0, other.seconds >= 0)
    );
    let bpf: BpfInstruction = u.arbitrary()?;
    assert_eq!(BpfInstruction::new(bpf.code, bpf.jt, bpf.jf, bpf.k), bpf);
    let header: Header = u.arbitrary()?;
    let bytes = header.encode();
    assert_eq!(Header::parse(&bytes), Ok((header, &[][..])));
    assert_eq!(traffic_class(header.dscp(), header.ecn()), Some(header.traffic_class));

    let error: QueuedError = u.arbitrary()?;
    let mut built = QueuedError::new(error.errno);
    match error.origin() {
        ErrorOrigin::Icmp6(kind, code) => built = built.with_icmp6(kind, code),
        ErrorOrigin::Icmp(kind, code) => built = built.with_icmp(kind, code),
        _ => {}
    }
    built = error.mtu.map_or(built, |mtu| built.with_mtu(mtu));
    built = error.reporter.map_or(built, |reporter| built.with_reporter(reporter));
    assert_eq!(built, error);
    let entry = ExtendedError::new(error.errno, ExtendedError::LOCAL);
    assert_eq!(QueuedError::from(entry), QueuedError::new(error.errno));
    Ok(())
}
