//! Property tests: compare the codecs with naive models over generated inputs.

#[macro_use]
mod common;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use common::integer;
use ipv6_core::abi::{CmsgLayout, ControlNumber, Endian, FreeBsd64, Linux64Be, Platform, Width};
use ipv6_core::cmsg::{MalformedMessage, RawMessage, RawMessages, Writer};
use ipv6_core::message::{Decoded, HopLimit};
use ipv6_core::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// Miri is slow: it runs at most 8 cases.
fn cases(count: u32) -> ProptestConfig {
    // PROPTEST_CASES, or proptest's default.
    let default = ProptestConfig::default();
    let cases = if cfg!(miri) { default.cases.min(8) } else { count };
    ProptestConfig { cases, failure_persistence: None, ..default }
}

/// Level, type and data.
type Message = (i32, i32, Vec<u8>);

/// Offset, length and available bytes of a malformed message.
type Malformed = (usize, u64, usize);

/// Walks through control messages in the simplest way, in integers that cannot overflow. Returns the messages, and the
/// malformed message if the walk ends with one.
fn naive_walk<P: Platform>(control: &[u8]) -> (Vec<Message>, Option<Malformed>) {
    let CmsgLayout { len, header_align, data_align, .. } = P::ABI.cmsg;
    let integer = |at: usize, width: usize| {
        let bytes = control[at..at + width].iter();
        let digit = |value: u128, byte: &u8| value << 8 | u128::from(*byte);
        if P::ABI.endian == Endian::Big { bytes.fold(0, digit) } else { bytes.rev().fold(0, digit) }
    };
    let width = if len == Width::Four { 4 } else { 8 };
    let data_offset = (width + 8_usize).next_multiple_of(data_align);
    let (mut messages, mut at) = (Vec::new(), 0_usize);
    loop {
        let available = control.len().saturating_sub(at);
        if available < width + 8 {
            return (messages, None);
        }
        let cmsg_len = integer(at, width);
        if cmsg_len < data_offset as u128 || cmsg_len > available as u128 {
            return (messages, Some((at, cmsg_len as u64, available)));
        }
        let end = at + cmsg_len as usize;
        let (level, kind) = (integer(at + width, 4) as u32 as i32, integer(at + width + 4, 4) as u32 as i32);
        messages.push((level, kind, control[at + data_offset..end].to_vec()));
        at += (cmsg_len as usize).next_multiple_of(header_align);
    }
}

fn walks_agree<P: Platform>(control: &[u8]) {
    let (expected, malformed) = naive_walk::<P>(control);
    // No message is shorter than the shortest header.
    let steps = control.len() / 12 + 1;
    assert!(RawMessages::<P>::new(control).take(steps + 1).count() <= steps);

    let mut messages = RawMessages::<P>::new(control);
    for (level, kind, data) in &expected {
        assert_eq!(messages.next(), Some(Ok(RawMessage::new(*level, *kind, data))));
    }
    if let Some(malformed) = malformed {
        assert_eq!(messages.next().map(|message| message.map_err(parts)), Some(Err(malformed)));
    }
    // The iterator is fused.
    assert_eq!((messages.next(), messages.next()), (None, None));
    decodes_agree::<P>(control, &expected, malformed);
}

fn parts(error: MalformedMessage) -> Malformed {
    (error.offset, error.len, error.available)
}

fn decodes_agree<P: Platform>(control: &[u8], messages: &[Message], malformed: Option<Malformed>) {
    // Of several messages of a kind, the last counts.
    let latest = |number: Option<ControlNumber>| {
        let number = number?;
        let is = |(level, kind, _): &&Message| (*level, *kind) == (number.level, number.kind);
        messages.iter().rev().find(is).map(|(.., data)| data.clone())
    };
    // A message of IPv4 counts if there is none of IPv6, and none of IPv4 before it.
    let first = |number: Option<ControlNumber>| {
        let number = number?;
        let is = |(level, kind, _): &&Message| (*level, *kind) == (number.level, number.kind);
        messages.iter().find(is).map(|(.., data)| data.clone())
    };
    let int = |value: u8| integer::<P>(value.into(), 4);
    match RecvControl::decode::<P>(control) {
        Ok(got) => {
            assert_eq!(malformed, None);
            let numbers = P::ABI.control;
            let hops = latest(numbers.hop_limit).or_else(|| first(numbers.time_to_live));
            assert_eq!(hops, got.hop_limit.map(int));
            let index = integer::<P>(got.interface.map_or(0, InterfaceIndex::get).into(), 4);
            let address = got.destination.map(|address| address.octets().to_vec()).unwrap_or_default();
            match (latest(numbers.packet_info), first(numbers.ipv4_packet_info)) {
                (Some(info), _) => assert_eq!(info, [address, index].concat()),
                // The index, the local address, and the destination; or the destination and the index.
                (None, Some(info)) if info.len() == 12 => {
                    assert_eq!((&info[..4], &info[8..]), (&index[..], &address[12..]));
                }
                (None, Some(info)) => assert_eq!(info, [&address[12..], &index].concat()),
                (None, None) => assert_eq!((got.destination, got.interface), (None, None)),
            }
            let class = latest(numbers.traffic_class).or_else(|| first(numbers.type_of_service));
            assert!(
                class == got.traffic_class.map(int) || class == got.traffic_class.map(|class| vec![class])
            );
        }
        Err(error) => {
            match error.cause() {
                DecodeError::Malformed(error) => assert_eq!(malformed, Some(parts(error))),
                DecodeError::Width { control, len, expected } => assert_ne!(len, expected, "{control}"),
                DecodeError::Value { value, .. } => assert!(u8::try_from(value).is_err()),
                DecodeError::Family { control, .. } => assert_eq!(control, Control::PathMtu),
                error => panic!("{error}"),
            }
            // The message at the offset is of the kind in the error.
            let mut raw = RawMessages::<P>::new(control).map_while(Result::ok);
            let at = raw.find(|message| Some(message.offset()) == error.offset());
            assert_eq!(at.and_then(|message| message.control::<P>()), error.control());
        }
    }
    // Every message, in order, as its own type returns it.
    let raw: Vec<_> = RawMessages::<P>::new(control).collect();
    let decoded: Vec<_> = RawMessages::<P>::new(control).decoded().collect();
    assert_eq!(raw.len(), decoded.len());
    for (raw, decoded) in raw.iter().zip(decoded) {
        match (raw, decoded) {
            (Ok(raw), Ok(decoded)) => {
                assert_eq!(decoded.control(), raw.control::<P>());
                assert!(decoded.control().is_some() || decoded == Decoded::Unknown(*raw));
                assert!(raw.get::<HopLimit, P>() == Ok(None) || matches!(decoded, Decoded::HopLimit(_)));
            }
            (Ok(raw), Err(error)) => assert_eq!(error.offset(), Some(raw.offset())),
            (Err(raw), decoded) => assert_eq!(decoded, Err((*raw).into())),
        }
    }
    assert_eq!(RawMessages::<P>::new(control).decoded_sent().count(), raw.len());
    // The general path returns what each fast path returns. A fast path may also return `None`.
    let mut any = RecvControl::default();
    let any = any.decode_more::<P>(control).map(|()| any);
    assert_eq!(RecvControl::decode::<P>(control), any);
    assert!(RecvControl::decode_three::<P>(control).is_none_or(|three| any == Ok(three)));
    assert!(RecvControl::decode_in_order::<P>(control).is_none_or(|some| any == Ok(some)));
    // Decoding of truncated messages has no errors.
    let _ = RecvControl::decode_truncated::<P>(control);
}

/// A message. `len: None` writes the correct length; `Some` is any length.
#[derive(Clone, Debug)]
struct Sketch {
    len: Option<u64>,
    level: i32,
    kind: i32,
    data: Vec<u8>,
}

/// Messages that are valid, or almost valid, more often than random bytes.
fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let top = [u64::MAX, u64::MAX - 7, 1 << 32, u64::from(u32::MAX), u64::from(u32::MAX) - 7];
    let len = prop_oneof![
        6 => Just(None),
        1 => (0_u64..80).prop_map(Some),
        1 => prop::sample::select(top.to_vec()).prop_map(Some),
        1 => any::<u64>().prop_map(Some),
    ];
    // The widths of known messages, and small integers in both byte orders.
    let data = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte, 0, 0, 0]),
        any::<u8>().prop_map(|byte| vec![0, 0, 0, byte]),
        prop::sample::select(vec![1_usize, 8, 12, 20, 28, 32, 36]).prop_flat_map(|len| vec(any::<u8>(), len)),
        vec(any::<u8>(), 0..40),
    ];
    let level = prop_oneof![4 => Just(41), 2 => Just(0), 1 => 0_i32..70];
    vec((len, level, 0_i32..70, data), 0..5).prop_map(|messages| {
        messages.into_iter().map(|(len, level, kind, data)| Sketch { len, level, kind, data }).collect()
    })
}

/// Lays the messages out as on the platform. Each follows the previous one, whatever the length in its header.
fn drawn<P: Platform>(sketches: &[Sketch]) -> Vec<u8> {
    let layout = P::ABI.cmsg;
    let mut bytes = Vec::new();
    for Sketch { len, level, kind, data } in sketches {
        let start = bytes.len();
        let len = len.unwrap_or(layout.len(data.len()) as u64);
        bytes.extend(integer::<P>(len, layout.len.bytes()));
        bytes.extend(integer::<P>(*level as u64, 4));
        bytes.extend(integer::<P>(*kind as u64, 4));
        bytes.resize(start + layout.data_offset(), 0xa5);
        bytes.extend(data);
        bytes.resize(start + layout.space(data.len()), 0xa5);
    }
    bytes
}

fn sketches_agree<P: Platform>(sketches: &[Sketch], cut: usize) {
    let control = drawn::<P>(sketches);
    walks_agree::<P>(&control);
    walks_agree::<P>(&control[..control.len().saturating_sub(cut)]);
}

fn send_control() -> impl Strategy<Value = SendControl<'static>> {
    let next_hop = any::<([u8; 16], u16, u32, u32)>()
        .prop_map(|(ip, port, flow, scope)| SocketAddrV6::new(ip.into(), port, flow, scope));
    let fields = (
        any::<Option<u8>>(),
        any::<Option<u8>>(),
        any::<Option<[u8; 16]>>(),
        any::<Option<u32>>(),
        proptest::option::of(next_hop),
        any::<Option<u16>>(),
    );
    fields.prop_map(|(traffic_class, hop_limit, source, interface, next_hop, segment_size)| {
        let mut control = SendControl::new();
        control.traffic_class = traffic_class;
        control.hop_limit = hop_limit;
        control.source = source.map(Into::into);
        control.interface = interface.and_then(|index| InterfaceIndex::new(index).ok());
        control.next_hop = next_hop;
        control.segment_size = segment_size;
        control
    })
}

/// Removes the fields that the platform does not support.
fn supported<'a, P: Platform>(mut control: SendControl<'a>) -> SendControl<'a> {
    let numbers = P::ABI.control;
    control.traffic_class = control.traffic_class.filter(|_| numbers.traffic_class.is_some());
    control.hop_limit = control.hop_limit.filter(|_| numbers.hop_limit.is_some());
    control.source = control.source.filter(|_| numbers.packet_info.is_some());
    control.interface = control.interface.filter(|_| numbers.packet_info.is_some());
    control.next_hop = control.next_hop.filter(|_| numbers.next_hop.is_some());
    control.segment_size = control.segment_size.filter(|_| numbers.segment_size.is_some());
    control
}

fn round_trip<P: Platform>(whole: SendControl<'_>, garbage: u8) {
    let control = supported::<P>(whole);
    let mut bytes = [garbage; 256];
    if whole != control {
        assert!(matches!(whole.encode::<P>(&mut bytes), Err(EncodeError::Unsupported(_))));
        bytes = [garbage; 256];
    }
    let used = control.encode::<P>(&mut bytes).unwrap();
    assert!(bytes[used..].iter().all(|byte| *byte == garbage));
    assert_eq!((used, used == 0), (control.space::<P>(), control.is_empty()));
    let got = RecvControl::decode::<P>(&bytes[..used]).unwrap();
    assert_eq!((got.traffic_class, got.hop_limit), (control.traffic_class, control.hop_limit));
    assert_eq!(got.interface, control.interface);
    assert_eq!(got.destination, control.source.or(control.interface.map(|_| Ipv6Addr::UNSPECIFIED)));
    let sent = SendControl::decode::<P>(&bytes[..used]).unwrap();
    assert_eq!(sent, control);
    // For an IPv4-mapped destination.
    let mut mapped = control;
    mapped.source =
        control.source.map(|source| Ipv4Addr::from_bits(source.to_bits() as u32).to_ipv6_mapped());
    let mut mapped_bytes = [garbage; 256];
    if let Ok(used) = mapped.encode_mapped::<P>(&mut mapped_bytes) {
        assert_eq!(SendControl::decode::<P>(&mapped_bytes[..used]), Ok(mapped));
    }
    // The result does not depend on the previous content of the buffer.
    let mut other = [!garbage; 256];
    assert_eq!(control.encode_to::<P, u8>(&mut other), Ok(used));
    assert_eq!(bytes[..used], other[..used]);
    if let Some(three) = control.encode_three::<P, u8>(&mut other) {
        assert_eq!((three, &other[..used]), (Ok(used), &bytes[..used]));
    }
}

/// Unknown messages between those of a control do not change how it is decoded, and the iterator returns all of them.
fn interleaved<P: Platform>(control: SendControl<'_>, unknown: &[Message]) {
    let mut bytes = [0xff; 256];
    let used = supported::<P>(control).encode::<P>(&mut bytes).unwrap();
    let known: Vec<_> = RawMessages::<P>::new(&bytes[..used]).map(Result::unwrap).collect();

    let mut mixed = [0xff; 1024];
    let mut writer = Writer::<P>::new(&mut mixed);
    let mut count = 0;
    for place in 0..known.len().max(unknown.len()) {
        if let Some((level, kind, data)) = unknown.get(place) {
            writer.push(*level, *kind, data).unwrap();
            count += 1;
        }
        if let Some(message) = known.get(place) {
            writer.push(message.level, message.kind, message.data).unwrap();
            count += 1;
        }
    }
    let mixed_used = writer.finish();
    let mixed = &mixed[..mixed_used];
    assert_eq!(RecvControl::decode::<P>(mixed), RecvControl::decode::<P>(&bytes[..used]));
    assert_eq!(RawMessages::<P>::new(mixed).filter(Result::is_ok).count(), count);

    // Nothing that was sent is lost, except what safe code must not send, and messages of IPv4.
    let sent = SendControl::decode::<P>(mixed).unwrap();
    let mut again = [0xff; 1024];
    match sent.encode::<P>(&mut again) {
        Ok(used) => {
            assert_eq!(used, sent.space::<P>());
            let keys = |bytes| {
                let mut messages: Vec<_> = RawMessages::<P>::new(bytes).map(Result::unwrap).collect();
                messages.sort_by_key(|message| (message.level, message.kind, message.data));
                messages
            };
            assert_eq!(keys(&again[..used]), keys(mixed));
            assert_eq!(SendControl::decode::<P>(&again[..used]).unwrap().space::<P>(), used);
        }
        Err(error) => assert!(matches!(error, EncodeError::Forbidden(_) | EncodeError::Ipv4Only(_))),
    }
    assert_eq!(sent.is_empty(), count == 0);
}

fn address_round_trips<P: Platform>(address: SocketAddrV6) {
    let bytes = sockaddr::encode::<P>(&address);
    let size = P::ABI.sockaddr.size;
    assert_eq!(sockaddr::decode::<P>(&bytes[..size]), Some(address));
    assert_eq!(bytes[size..], [0; sockaddr::MAX_SIZE][size..]);
}

/// The first two bytes of an address on each platform, and of an IPv4 address on Linux.
const FAMILIES: &[[u8; 2]] = &[[10, 0], [0, 10], [28, 28], [28, 30], [28, 24], [0, 26], [2, 0]];

/// An address that is decoded is encoded as the same bytes, except the length byte, which decoding ignores.
fn address_bytes_round_trip<P: Platform>(bytes: &[u8]) {
    let Some(address) = sockaddr::decode::<P>(bytes) else { return };
    let unread = usize::from(P::ABI.sockaddr.length_byte);
    assert_eq!(sockaddr::encode::<P>(&address)[unread..28], bytes[unread..28]);
}

fn path_mtu_is_decoded_or_rejected<P: Platform>(bytes: &[u8]) {
    let size = P::ABI.sockaddr.size;
    match PathMtu::decode::<P>(bytes) {
        Ok(path_mtu) => {
            assert_eq!(bytes[size..], integer::<P>(path_mtu.mtu.into(), 4));
            assert_eq!(bytes[8..24], path_mtu.destination.octets());
        }
        Err(DecodeError::Family { .. }) => assert_eq!(sockaddr::decode::<P>(bytes), None),
        Err(error) => {
            let (control, len) = (Control::PathMtu, bytes.len());
            assert_eq!(error, DecodeError::Width { control, len, expected: size + 4 });
            assert_ne!(len, size + 4);
        }
    }
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn random_bytes_are_decoded_as_by_the_model(control in vec(any::<u8>(), 0..128)) {
        on_every_platform!(walks_agree(&control));
    }

    #[test]
    fn almost_valid_messages_are_decoded_as_by_the_model(sketches in sketches(), cut in 0_usize..48) {
        on_every_platform!(sketches_agree(&sketches, cut));
    }

    #[test]
    fn an_encoded_control_is_decoded_to_the_same_fields(control in send_control(), garbage in any::<u8>()) {
        on_every_platform!(round_trip(control, garbage));
    }

    #[test]
    fn unknown_messages_do_not_change_the_control(
        control in send_control(),
        // No platform has a known message at these levels.
        unknown in vec((prop::sample::select(&[-1, 0, 1, 58, 0xffff][..]), any::<i32>(), vec(any::<u8>(), 0..40)), 0..5),
    ) {
        on_every_platform!(interleaved(control, &unknown));
    }

    #[test]
    fn the_iterator_returns_the_written_messages(messages in vec((any::<i32>(), any::<i32>(), vec(any::<u8>(), 0..40)), 0..5)) {
        fn check<P: Platform>(messages: &[Message]) {
            let mut bytes = [0xff; 512];
            let mut writer = Writer::<P>::new(&mut bytes);
            for (level, kind, data) in messages {
                writer.push(*level, *kind, data).unwrap();
            }
            let used = writer.finish();
            let walked = RawMessages::<P>::new(&bytes[..used]).map(Result::unwrap);
            let walked: Vec<_> = walked.map(|m| (m.level, m.kind, m.data.to_vec())).collect();
            assert_eq!(walked, messages);
        }
        on_every_platform!(check(&messages));
    }

    #[test]
    fn a_filter_behaves_as_256_booleans(changes in vec((any::<bool>(), any::<u8>()), 0..64), start in any::<bool>()) {
        let mut filter = if start { Icmp6Filter::block_all() } else { Icmp6Filter::pass_all() };
        let mut model = [start; 256];
        for (blocked, kind) in changes {
            if blocked { filter.block(Icmp6Type(kind)) } else { filter.pass(Icmp6Type(kind)) };
            model[usize::from(kind)] = blocked;
        }
        for kind in 0..=u8::MAX {
            prop_assert_eq!(filter.blocks(Icmp6Type(kind)), model[usize::from(kind)]);
        }
        let bytes = filter.encode::<Linux64Be>().unwrap();
        prop_assert_eq!(Icmp6Filter::decode::<Linux64Be>(&bytes), Some(filter));
        let opposite = filter.encode::<FreeBsd64>().unwrap();
        prop_assert_eq!(Icmp6Filter::decode::<FreeBsd64>(&opposite), Some(filter));
    }

    #[cfg(feature = "headers")]
    #[test]
    fn a_parsed_header_is_encoded_to_the_same_bytes(packet in vec(any::<u8>(), 0..64)) {
        match Header::parse(&packet) {
            Ok((header, payload)) => {
                prop_assert_eq!(&header.encode()[..], &packet[..40]);
                prop_assert_eq!(payload, &packet[40..]);
            }
            Err(HeaderError::TooShort { len }) => prop_assert!(len == packet.len() && len < 40),
            Err(HeaderError::Version(version)) => prop_assert!(version == packet[0] >> 4 && version != 6),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn an_encoded_address_is_decoded_to_the_same_address(ip in any::<[u8; 16]>(), port in any::<u16>(), flow in any::<u32>(), scope in any::<u32>()) {
        let address = SocketAddrV6::new(ip.into(), port, flow, scope);
        on_every_platform!(address_round_trips(address));
    }

    #[test]
    fn bytes_that_start_like_an_address(family in prop::sample::select(FAMILIES), rest in vec(any::<u8>(), 0..40)) {
        let bytes = [&family[..], &rest].concat();
        on_every_platform!(address_bytes_round_trip(&bytes));
        for size in [28, 32] {
            let bytes: Vec<u8> = bytes.iter().copied().chain(std::iter::repeat(7)).take(size + 4).collect();
            on_every_platform!(path_mtu_is_decoded_or_rejected(&bytes));
        }
        on_every_platform!(path_mtu_is_decoded_or_rejected(&bytes));
    }

    #[test]
    fn sizes_are_computed_without_overflow(
        wide in any::<bool>(),
        header_align in 0_u32..6,
        data_align in 0_u32..6,
        data in prop_oneof![0_usize..256, usize::MAX - 256..=usize::MAX, any::<usize>()],
    ) {
        let len = if wide { Width::Eight } else { Width::Four };
        let layout = CmsgLayout::new(len, 1 << header_align, 1 << data_align);
        let greatest = usize::MAX as u128;
        let true_len = (len.bytes() as u128 + 8).next_multiple_of(1 << data_align) + data as u128;
        prop_assert_eq!(layout.len(data) as u128, true_len.min(greatest));
        let true_space = true_len.next_multiple_of(1 << header_align);
        if true_space <= greatest {
            prop_assert_eq!(layout.space(data) as u128, true_space);
        } else {
            // A sum that overflows saturates above the size of any slice, which is at most isize::MAX.
            prop_assert!(layout.space(data) > isize::MAX as usize);
        }
    }
}
