//! Functions that no codec calls: constructors, conversions, texts of errors, and paths for values that are rare.

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::{Hash, Hasher};
use std::mem::MaybeUninit;
use std::net::Ipv6Addr;
use std::num::NonZeroU32;

use arbitrary::{Result, Unstructured};
use ipv6_core::abi::{ControlNumber, Linux64, NetBsdArm, Platform, Visitor};
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::ext::*;
use ipv6_core::message::*;
use ipv6_core::option::AddressPreferences;
use ipv6_core::*;

use crate::structured::on_one_platform;

/// Calls them with values from the input, those of a platform for the one that the input chooses.
pub fn api(input: &[u8]) {
    struct Body(Vec<u8>);

    impl Visitor for Body {
        type Output = Result<()>;

        fn visit<P: Platform>(self) -> Result<()> {
            messages_on::<P>(&mut Unstructured::new(&self.0))?;
            control_on::<P>(&mut Unstructured::new(&self.0))
        }
    }
    // An error: the input ends before the value does.
    let _ = constructors(&mut Unstructured::new(input));
    let _ = extension_headers(&mut Unstructured::new(input));
    numbers(input.first().copied().unwrap_or_default());
    on_one_platform(input, |rest| Body(rest.to_vec()));
}

pub(crate) fn hashed(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn shown(error: impl Error + 'static) {
    assert!(!error.to_string().is_empty());
}

/// A message that passes descriptors, which safe code must not send.
struct Descriptors;

impl<P: Platform> ControlMessage<P> for Descriptors {
    type Value<'a> = Self;
    const NAME: &'static str = "SCM_RIGHTS";
    const NUMBER: Option<ControlNumber> = Some(ControlNumber { level: 1, kind: 1, size: 4 });

    fn decode(_: &[u8]) -> std::result::Result<Self, DecodeError> {
        Ok(Self)
    }
}

impl<P: Platform> SendMessage<P> for Descriptors {
    fn encode(&self) -> impl AsRef<[u8]> {
        [0; 4]
    }
}

fn messages_on<P: Platform>(u: &mut Unstructured<'_>) -> Result<()> {
    let (hops, info): (HopLimit, Ipv4PacketInfo) = (u.arbitrary()?, u.arbitrary()?);
    let mut bytes = [0; 64];
    let mut writer = Writer::<P>::new(&mut bytes);
    let pushed = writer.push_message(&hops);
    let used = writer.finish();
    let messages = RawMessages::<P>::new(&bytes[..used]);
    assert_eq!(messages.get::<HopLimit>(), Ok(pushed.ok().map(|()| hops)));
    assert!(messages.each::<PacketInfo>().next().is_none());
    let malformed = RawMessages::<P>::new(&[0xff; 16]).get::<HopLimit>().unwrap_err();
    assert_eq!(malformed.at(7).offset(), Some(7));
    assert_eq!(hashed(&malformed), hashed(&malformed.clone()));
    shown(malformed);

    let mut few = Messages::<P, 8>::default();
    assert_eq!(few.push(&Descriptors), Err(EncodeError::Forbidden(Control::of::<Descriptors, P>())));
    few.push(&hops).unwrap_err();
    let (one, other) = (Messages::<P, 64>::new().with(info), Messages::<P, 64>::new().with(hops));
    for messages in [one, other].into_iter().flatten() {
        assert_eq!(hashed(&messages), hashed(&messages.clone()));
        let control = SendControl::new().with_messages(&messages);
        let mut room = [0; 256];
        for error in [
            control.encode::<P>(&mut room),
            control.encode_mapped::<P>(&mut room),
            // Another platform.
            control.encode::<NetBsdArm>(&mut room),
            control.encode_mapped::<Linux64>(&mut room),
        ] {
            let _ = error.map_err(shown);
        }
        assert_eq!(hashed(&control), hashed(&control.clone()));
    }

    // A message to send that leaves its value to the system, and one of each kind with data of each short length.
    for number in P::ABI.control.rows().into_iter().filter_map(|(_, number)| number) {
        for len in [0, 1, 2, 3, 4, 8, 12, 15, number.size, number.size + 1] {
            for byte in [0, 2, 0xff] {
                let mut bytes = [0; 512];
                let mut writer = Writer::<P>::new(&mut bytes);
                writer.push(number.level, number.kind, &vec![byte; len]).unwrap();
                let used = writer.finish();
                for value in RawMessages::<P>::new(&bytes[..used]).decoded_sent().flatten() {
                    assert!(value.control().is_some() && !value.to_string().is_empty());
                }
                for value in RawMessages::<P>::new(&bytes[..used]).decoded() {
                    let _ = value.map_err(shown);
                }
                let _ = RecvControl::decode::<P>(&bytes[..used]).map_err(shown);
            }
        }
    }
    Ok(())
}

fn control_on<P: Platform>(u: &mut Unstructured<'_>) -> Result<()> {
    let fields: SendControl<'_> = u.arbitrary()?;
    let mut built = SendControl::new();
    assert!(built.is_empty());
    macro_rules! with {
        ($($field:ident $with:ident)*) => {
            $(if let Some(value) = fields.$field {
                built = built.$with(value);
            })*
        };
    }
    with! { traffic_class with_traffic_class hop_limit with_hop_limit source with_source interface with_interface
    flow_label with_flow_label next_hop with_next_hop segment_size with_segment_size }
    assert_eq!((built, built.is_empty()), (fields, fields == SendControl::new()));

    // Each kind of source and destination, with and without an interface, and the three fields of the fast path.
    let interface: InterfaceIndex = u.arbitrary()?;
    let mapped = Ipv6Addr::from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]);
    let link_local = Ipv6Addr::from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254, 0, 1]);
    for source in [None, Some(Ipv6Addr::LOCALHOST), Some(mapped), Some(link_local)] {
        for (interface, hop_limit) in [(None, 0), (Some(interface), 1)] {
            for segment_size in [None, Some(0), Some(1200)] {
                let mut control =
                    SendControl::new().with_traffic_class(u.arbitrary()?).with_hop_limit(hop_limit);
                (control.source, control.interface, control.segment_size) = (source, interface, segment_size);
                for len in [16, 64, 256] {
                    let (mut one, mut other) = (vec![0; len], vec![MaybeUninit::<u8>::uninit(); len]);
                    let used = control.encode::<P>(&mut one);
                    assert_eq!(used, control.encode_to::<P, _>(&mut other));
                    // Read as received messages, also by the fast paths.
                    if let Ok(used) = used {
                        crate::decode_on::<P>(&one[..used]);
                    }
                    assert_eq!(
                        control.encode_mapped::<P>(&mut one),
                        control.encode_mapped_to::<P, _>(&mut other)
                    );
                    let _ = control.encode_mapped::<P>(&mut one).map_err(shown);
                }
            }
        }
    }
    for destination in [
        Ipv6Addr::LOCALHOST,
        mapped,
        link_local,
        "ff02::1".parse().unwrap(),
        "::ffff:255.255.255.255".parse().unwrap(),
    ] {
        let mut received = RecvControl::default();
        (received.destination, received.interface) = (Some(destination), Some(interface));
        assert!(received.reply().source.is_some() || received.reply().interface == Some(interface));
    }

    // Segments that the system coalesced, alone and before others.
    let mut bytes = [0; 256];
    let mut writer = Writer::<P>::new(&mut bytes);
    if let Some(number) = P::ABI.control.coalesced {
        let size = crate::common::integer::<P>(1200, number.size);
        writer.push(number.level, number.kind, &size).unwrap();
    }
    let at = writer.finish();
    let three = SendControl::new().with_traffic_class(1).with_hop_limit(2).with_interface(interface);
    let used = at + three.encode::<P>(&mut bytes[at..]).unwrap_or_default();
    crate::decode_on::<P>(&bytes[..at]);
    crate::decode_on::<P>(&bytes[..used]);

    let (group, on): (Ipv6Addr, Option<InterfaceIndex>) = (u.arbitrary()?, u.arbitrary()?);
    let mut request = [0xa5; 512];
    let encoded = group::encode_group_source_req::<P>(group, Ipv6Addr::LOCALHOST, on, &mut request);
    assert!(encoded.is_err() || request[511] == 0xa5);
    let ipv4 = group::encode_ipv4_group_source_req::<P>(
        [224, 0, 0, 1].into(),
        [127, 0, 0, 1].into(),
        on,
        &mut request,
    );
    assert_eq!(encoded, ipv4);
    let _ = encoded.map_err(shown);
    let _ = group::encode_group_source_req::<P>(group, group, on, &mut []).map_err(shown);

    type Flags = AddressPreferences;
    for flags in
        [Flags::empty(), Flags::TEMPORARY, Flags::PUBLIC, Flags::HOME, Flags::TEMPORARY | Flags::PUBLIC]
    {
        let _ = flags.number::<P>();
    }
    for number in -2..3 {
        let _ = Flags::from_number::<P>(number);
    }
    Ok(())
}

fn constructors(u: &mut Unstructured<'_>) -> Result<()> {
    let index: NonZeroU32 = u.arbitrary()?;
    assert_eq!(u32::from(InterfaceIndex::from(index)), index.get());
    assert_eq!(FlowLabel::default(), FlowLabel::ZERO);
    let (mif, route): (Mif, MulticastRoute) = (u.arbitrary()?, u.arbitrary()?);
    assert!(mif.get() < Mif::COUNT);
    for source in [None, Some(Ipv6Addr::LOCALHOST)] {
        assert!(MulticastRoute { source, ..route }.to_string().contains(" > "));
    }
    let filters = [FilterMode::Include, FilterMode::Exclude].map(|mode| {
        [0, 1, 2].map(|count| {
            let mut filter = SourceFilter::<2>::include(&vec![Ipv6Addr::LOCALHOST; count]).unwrap();
            filter.mode = mode;
            assert!(!filter.to_string().is_empty());
        })
    });
    assert_eq!(filters.len(), 2);
    SourceFilter::<1>::include(&[Ipv6Addr::LOCALHOST; 2]).map_err(shown).unwrap_err();

    let object: IcmpObject<'_> = u.arbitrary()?;
    assert_eq!(IcmpObject::new(object.class, object.kind, object.data), object);
    let label: MplsLabel = u.arbitrary()?;
    let last = MplsLabel::new(label.label, label.ttl);
    assert!(last.is_bottom && last.to_string() == label.to_string());
    let interface: IcmpInterface<'_> = u.arbitrary()?;
    assert_eq!(IcmpInterface::new(interface.role).name, None);

    let control: Control = u.arbitrary()?;
    let (address, interface): (Ipv6Addr, InterfaceIndex) = (u.arbitrary()?, u.arbitrary()?);
    for error in [
        EncodeError::BufferTooSmall { needed: 2, available: 1 },
        EncodeError::Unsupported(control),
        EncodeError::Platform,
        EncodeError::Forbidden(control),
        EncodeError::Ipv6Only(control),
        EncodeError::Ipv4Only(control),
        EncodeError::Ipv6Source(address),
        EncodeError::NeedsSource(interface),
        EncodeError::SourceOrInterface,
        EncodeError::Value { control, value: 0 },
    ] {
        shown(error);
        assert!(std::io::Error::from(error).source().is_some());
    }
    let errors = [
        DecodeError::Width { control, len: 1, expected: 4 },
        DecodeError::Value { control, value: -1 },
        DecodeError::Family { control, family: [2, 0] },
    ];
    for error in errors {
        let at = error.at(u.arbitrary()?);
        assert_eq!((at.cause(), at.control(), at == error), (error, Some(control), true));
        assert!(std::io::Error::from(at).to_string().ends_with(&at.to_string()));
    }
    Ok(())
}

fn extension_headers(u: &mut Unstructured<'_>) -> Result<()> {
    let (kind, align): (OptionType, Align) = (u.arbitrary()?, u.arbitrary()?);
    assert!(align.y() < align.x());
    let built = OptionsBuilder::<64>::default()
        .with(kind, &[1, 2])
        .and_then(|built| built.with_aligned(kind, &[3; 3], align));
    match built {
        Ok(built) => {
            assert!(built.hop_by_hop().options().find(kind).is_ok_and(|found| found.is_some()));
            let other = OptionType(kind.0 ^ 0x40);
            assert!(built.hop_by_hop().options().find(other).is_ok_and(|found| found.is_none()));
            let longer = [built.as_bytes(), &[0; 8]].concat();
            shown(HopByHop::parse(&longer).unwrap_err());
        }
        Err(error) => assert!(kind.is_padding() && std::io::Error::from(error).source().is_some()),
    }
    shown(Align::new(3, u.arbitrary()?).unwrap_err());
    let address: Ipv6Addr = u.arbitrary()?;
    let built = RoutingBuilder::<24>::new(RoutingType::HOME_ADDRESS).with(address).unwrap();
    shown(built.clone().with(address).unwrap_err());
    let mut path = SegmentRoutingBuilder::<24>::new(&[address]).unwrap();
    for kind in [TlvType::PAD1, TlvType::PADN, TlvType::HMAC] {
        shown(path.push_tlv(kind, &[]).unwrap_err());
    }
    shown(SegmentRoutingBuilder::<24>::new(&[address; 2]).unwrap_err());
    shown(SegmentRoutingBuilder::<24>::new(&[]).unwrap_err());
    let fragment: Fragment = u.arbitrary()?;
    assert_eq!(Fragment::new(fragment.offset, fragment.more, fragment.identification), fragment);
    Ok(())
}

fn numbers(byte: u8) {
    for kind in 0..=u8::MAX {
        let texts =
            [OptionType(kind).to_string(), RoutingType(kind).to_string(), Icmp6Type(kind).to_string()];
        assert!(texts.iter().all(|text| !text.is_empty()) && !IcmpType(kind).to_string().is_empty());
        assert_eq!(Icmp6Type(kind).is_error(), kind < 128);
        assert!(TlvType(kind).may_change() || kind < 128);
        assert!(traffic_class(dscp(kind), Ecn::from_traffic_class(kind)) == Some(kind));
        assert!(!Ecn::from_traffic_class(kind).to_string().is_empty());
    }
    assert_eq!(Icmp6Type(byte).protocol(), 58);
    assert_eq!(Icmp6Filter::default(), Icmp6Filter::pass_all());
    let mut filter = Icmp6Filter::block_all();
    assert!(!filter.passes(Icmp6Type(byte)) && !filter.to_string().is_empty());
    filter.pass(Icmp6Type(byte));
    assert!(filter.passes(Icmp6Type(byte)) && !filter.to_string().is_empty());
    let mut filter = Icmp6Filter::pass_all();
    assert!(!filter.to_string().is_empty());
    filter.block(Icmp6Type(byte));
    assert!(!format!("{filter} {filter:?}").is_empty());
    for packet in [&[0x60; 39][..], &[0x40; 40]] {
        shown(Header::parse(packet).unwrap_err());
    }
    // A packet with its checksum has the sum 0, which UDP writes as ones.
    let parts: [&[u8]; 3] = [&[byte], &[byte, byte, 1], &[byte; 4]];
    let sum = checksum(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, 17, &[&parts.concat(), &[0, 0]]);
    let packet = [&parts.concat()[..], &sum.to_be_bytes()].concat();
    let (a, b) = (packet.split_at(1), packet.split_at(3));
    for parts in [[a.0, a.1], [b.0, b.1]] {
        let with_length = checksum(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, 17, &parts);
        assert_eq!(with_length, 0);
        assert_eq!(udp_checksum(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, &parts), 0xffff);
    }
    for (seconds, fraction) in [(-1, 0), (0, u32::MAX), (1, 999_999)] {
        let _ = Timestamp { seconds, microseconds: fraction }.since_epoch();
        let _ = TimestampNs { seconds, nanoseconds: fraction }.since_epoch();
    }
}
