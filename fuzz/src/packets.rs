//! What is the same on every platform: extension headers, extensions of ICMPv6 errors, checksums and segments.

use std::net::Ipv6Addr;

use arbitrary::{Result, Unstructured};
use ipv6_core::ext::*;
use ipv6_core::*;

/// Parses the input as each extension header, and walks through it as through the headers of a packet.
pub fn extension(input: &[u8]) {
    if let Ok(header) = HopByHop::parse(input) {
        assert_eq!(DestinationOptions::parse(input).unwrap().as_bytes(), input);
        options(header.options(), input);
        assert_eq!((header.as_bytes(), header.next_header()), (input, input[0]));
        let texts = [header.to_string(), format!("{header:?}"), format!("{:?}", header.options())];
        assert!(texts.iter().all(|text| !text.is_empty()));
    }
    routing(input);
    let (Some(next), Some(rest)) = (input.first(), input.get(1..)) else { return };
    walk(*next, rest);
}

fn options(options: Options<'_>, header: &[u8]) {
    let all: Vec<_> = options.clone().with_padding().collect();
    // With padding, the options are all bytes from the first on.
    let mut at = 2;
    for option in all.iter().flatten() {
        let fixed = if option.kind == OptionType::PAD1 { 1 } else { 2 };
        assert_eq!(option.offset, at);
        at += fixed + option.data.len();
        assert!(!option.to_string().is_empty());
        let _ = (option.kind.unrecognized(), option.kind.may_change(), option.kind.align());
    }
    assert!(at == header.len() || all.last().is_some_and(|last| last.is_err()));
    let shown: Vec<_> = options.clone().collect();
    assert!(shown.iter().flatten().all(|option| !option.kind.is_padding()));
    if let Some(Ok(first)) = shown.first() {
        assert_eq!(options.clone().find(first.kind), Ok(Some(*first)));
    }
    assert!(!options.to_string().is_empty());
    let mut ended = options;
    ended.by_ref().for_each(drop);
    assert_eq!(ended.next(), None);
}

fn routing(input: &[u8]) {
    let Ok(header) = RoutingHeader::parse(input) else {
        assert!(SegmentRouting::parse(input).is_err());
        return;
    };
    assert_eq!([header.next_header(), input[1], header.kind().0, header.segments_left()], input[..4]);
    assert_eq!(header.data(), &input[4..]);
    assert!(!format!("{header} {header:?} {}", header.kind()).is_empty());
    match header.addresses() {
        Ok(addresses) => {
            assert_eq!(addresses.count(), (input.len() - 8) / 16);
            if let Ok(reversed) = RoutingBuilder::<2048>::reversed(header) {
                let back: Vec<_> = reversed.header().addresses().unwrap().rev().collect();
                assert!(header.addresses().unwrap().eq(back));
                assert!(!format!("{reversed:?}").is_empty());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match SegmentRouting::parse(input) {
        Ok(segments) => {
            assert_eq!((segments.as_bytes(), segments.header()), (input, header));
            assert_eq!(segments.segments().len(), usize::from(input[4]) + 1);
            let _ = (segments.flags(), segments.tag(), segments.segments_left());
            for tlv in segments.tlvs() {
                match tlv {
                    Ok(tlv) => assert_eq!(
                        (input[tlv.offset], usize::from(input[tlv.offset + 1])),
                        (tlv.kind.0, tlv.data.len())
                    ),
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
            assert!(!format!("{segments} {segments:?}").is_empty());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn walk(next: u8, rest: &[u8]) {
    let mut headers = Walk::new(next, rest);
    let mut count = 0;
    for header in headers.by_ref() {
        count += 1;
        assert!(!format!("{header:?}").is_empty());
        match header {
            Ok(ExtensionHeader::HopByHop(header)) => options(header.options(), header.as_bytes()),
            Ok(ExtensionHeader::DestinationOptions(header)) => options(header.options(), header.as_bytes()),
            Ok(ExtensionHeader::Routing(header)) => routing(header.as_bytes()),
            Ok(ExtensionHeader::Fragment(fragment)) => {
                assert!(
                    fragment.offset % 8 == 0
                        && (fragment.is_atomic() || fragment.more || fragment.offset != 0)
                );
            }
            Ok(_) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    assert!(count <= rest.len() / 8 + 1);
    assert!(headers.next().is_none());
    match Walk::new(next, rest).upper() {
        Ok(upper) => assert_eq!(&rest[upper.offset..], upper.payload),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Builds extension headers from the input, and reads them back.
pub fn builders(input: &[u8]) {
    // An error: the input ends before the value does.
    let _ = build(&mut Unstructured::new(input));
}

fn build(u: &mut Unstructured<'_>) -> Result<()> {
    let mut built = OptionsBuilder::<512>::new().with_next_header(u.arbitrary()?);
    let mut expected = Vec::new();
    for _ in 0..u.int_in_range(0..=8)? {
        let (kind, len): (OptionType, u16) = (u.arbitrary()?, u.int_in_range(0..=300)?);
        let data = vec![u.arbitrary()?; usize::from(len)];
        let before = built.as_bytes().to_vec();
        let pushed = if u.arbitrary()? {
            built.push_aligned(kind, &data, u.arbitrary()?)
        } else {
            built.push(kind, &data)
        };
        match pushed {
            Ok(()) => expected.push((kind, data)),
            Err(error) => {
                assert_eq!(built.as_bytes(), before);
                assert!(!error.to_string().is_empty());
            }
        }
    }
    let header = HopByHop::parse(built.as_bytes()).unwrap();
    assert_eq!((built.hop_by_hop(), built.destination_options().as_bytes()), (header, built.as_bytes()));
    let read: Vec<_> =
        header.options().map(|option| option.unwrap()).map(|o| (o.kind, o.data.to_vec())).collect();
    assert_eq!(read, expected);
    assert!(!format!("{built:?}").is_empty());
    extension(built.as_bytes());

    let align = Align::new(u.arbitrary()?, u.arbitrary()?);
    assert!(align.is_ok_and(|align| align.y() < align.x()) || align.is_err());

    let kind = u.arbitrary()?;
    // A header of another layout takes no address, and one of a home address takes one.
    let most = match kind {
        RoutingType::SEGMENT_ROUTING => 0,
        RoutingType::HOME_ADDRESS => 1,
        _ => 6,
    };
    let mut route = RoutingBuilder::<104>::new(kind);
    let mut addresses = Vec::new();
    for _ in 0..u.int_in_range(0..=8)? {
        let address: Ipv6Addr = u.arbitrary()?;
        match route.push(address) {
            Ok(()) => addresses.push(address),
            Err(error) => assert!(addresses.len() == most && !error.to_string().is_empty()),
        }
    }
    assert_eq!(usize::from(route.header().segments_left()), addresses.len());
    if let Ok(read) = route.header().addresses() {
        assert!(read.eq(addresses.iter().copied()));
    }
    extension(route.as_bytes());

    let Ok(mut path) = SegmentRoutingBuilder::<256>::new(&addresses) else {
        assert!(addresses.is_empty());
        return Ok(());
    };
    path = path.with_tag(u.arbitrary()?).with_flags(u.arbitrary()?);
    let mut expected = Vec::new();
    for _ in 0..u.int_in_range(0..=4)? {
        let (kind, data): (TlvType, Vec<u8>) = (u.arbitrary()?, u.arbitrary()?);
        if path.push_tlv(kind, &data).is_ok() {
            let _ = kind.may_change();
            expected.push((kind, data));
        }
    }
    let header = SegmentRouting::parse(path.as_bytes()).unwrap();
    assert_eq!(header, path.header());
    assert!(header.segments().eq(addresses));
    let read: Vec<_> =
        header.tlvs().map(|tlv| tlv.unwrap()).map(|tlv| (tlv.kind, tlv.data.to_vec())).collect();
    assert_eq!(read, expected);
    assert!(!format!("{path:?}").is_empty());
    extension(path.as_bytes());
    Ok(())
}

/// Parses the input as extensions of ICMPv6 errors, and as an error with extensions. The checksum is corrected if the first
/// byte is odd.
pub fn icmp(input: &[u8]) {
    let mut bytes = input.to_vec();
    if let [first, _, high, low, ..] = &mut bytes[..] {
        if *first & 1 != 0 {
            (*high, *low) = (0, 0);
        }
        *first = *first & 0x0f | 0x20;
    }
    objects(IcmpExtensions::parse(input), input.len());
    objects(IcmpExtensions::parse(&bytes), input.len());
    // Time exceeded, which quotes 128 bytes, and the same bytes as an error.
    let error = [&[3, 0, 0, 0, 16, 0, 0, 0][..], &[0; 128], &bytes].concat();
    objects(IcmpExtensions::of_icmp6(&error), input.len());
    objects(IcmpExtensions::of_icmp6(input), input.len());
}

fn objects(extensions: Option<IcmpExtensions<'_>>, len: usize) {
    let Some(extensions) = extensions else { return };
    let mut count = 0;
    for object in extensions.clone() {
        count += 1;
        let labels: Vec<_> = object.mpls().collect();
        assert!(labels.len() <= object.data.len() / 4);
        for label in labels {
            assert!(label.label <= 0xf_ffff && label.traffic_class < 8 && !label.to_string().is_empty());
        }
        if let Some(interface) = object.interface() {
            assert!(interface.name.is_none_or(|name| !name.ends_with('\0')));
            assert!(!format!("{interface:?}").is_empty());
        }
    }
    assert!(count <= len / 4 && !format!("{extensions:?}").is_empty());
}

/// Splits a payload into segments, and computes its checksum in parts.
pub fn payload(input: &[u8]) {
    let Some(([high, low, next_header], payload)) = input.split_first_chunk() else { return };
    for size in [None, Some(u16::from_be_bytes([*high, *low])), Some(u16::from(*low))] {
        let segments = Segments::new(payload, size);
        let all: Vec<&[u8]> = segments.clone().collect();
        assert_eq!(all.concat(), payload);
        assert_eq!(segments.len(), all.len());
        assert!(!format!("{segments:?}").is_empty());
        if let Some(size) = size.filter(|size| *size != 0) {
            assert!(all.iter().rev().skip(1).all(|segment| segment.len() == usize::from(size)));
        }
    }
    // The checksum does not depend on where the parts are cut, and a packet with its checksum has the sum 0.
    let (source, destination) = (Ipv6Addr::LOCALHOST, Ipv6Addr::from([*high; 16]));
    let whole = checksum(source, destination, *next_header, &[payload]);
    let cut = usize::from(*low).min(payload.len());
    let (one, other) = payload.split_at(cut);
    assert_eq!(checksum(source, destination, *next_header, &[one, &[], other]), whole);
    let padding: &[u8] = if payload.len() % 2 == 0 { &[] } else { &[0] };
    let udp = udp_checksum(source, destination, &[payload]);
    assert_ne!(udp, 0);
    if padding.is_empty() {
        let packet = [payload, &[0, 0]].concat();
        let sum = checksum(source, destination, *next_header, &[&packet]);
        let packet = [payload, &sum.to_be_bytes()].concat();
        assert_eq!(checksum(source, destination, *next_header, &[&packet]), 0);
    }
}
