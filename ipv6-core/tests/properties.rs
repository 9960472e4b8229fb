//! Properties of the codecs over inputs of every kind, against naive models.

#[macro_use]
mod common;

use std::net::{Ipv6Addr, SocketAddrV6};

use common::integer;
use ipv6_core::abi::{CmsgLayout, ControlNumber, Endian, FreeBsd64, Linux64Be, Platform, Width};
use ipv6_core::cmsg::{MalformedMessage, RawMessage, RawMessages, Writer};
use ipv6_core::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// Under Miri each case takes long.
fn cases(count: u32) -> ProptestConfig {
    // PROPTEST_CASES, or the library's number.
    let default = ProptestConfig::default();
    let cases = if cfg!(miri) { default.cases.min(8) } else { count };
    ProptestConfig { cases, failure_persistence: None, ..default }
}

/// Level, type and data.
type Message = (i32, i32, Vec<u8>);

/// A walk through control messages as one would write it on a blackboard, in integers that nothing
/// overflows. Beside the messages it gives the one that does not fit, where the walk ends with one.
fn naive_walk<P: Platform>(control: &[u8]) -> (Vec<Message>, Option<MalformedMessage>) {
    let CmsgLayout { len, header_align, data_align } = P::ABI.cmsg;
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
            return (messages, Some(MalformedMessage { offset: at, len: cmsg_len as u64, available }));
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
        assert_eq!(messages.next(), Some(Ok(RawMessage { level: *level, kind: *kind, data })));
    }
    if let Some(malformed) = malformed {
        assert_eq!(messages.next(), Some(Err(malformed)));
    }
    // Once over, over.
    assert_eq!((messages.next(), messages.next()), (None, None));
    decodes_agree::<P>(control, &expected, malformed);
}

fn decodes_agree<P: Platform>(control: &[u8], messages: &[Message], malformed: Option<MalformedMessage>) {
    // The latest message of a kind counts.
    let latest = |number: Option<ControlNumber>| {
        let number = number?;
        let is = |(level, kind, _): &&Message| (*level, *kind) == (number.level, number.kind);
        messages.iter().rev().find(is).map(|(.., data)| data.clone())
    };
    let int = |value: u8| integer::<P>(value.into(), 4);
    match RecvControl::decode::<P>(control) {
        Ok(got) => {
            assert_eq!(malformed, None);
            assert_eq!(latest(P::ABI.control.hop_limit), got.hop_limit.map(int));
            let info = got.destination.map(|address| {
                let index = got.interface.map_or(0, InterfaceIndex::get);
                [&address.octets()[..], &integer::<P>(index.into(), 4)].concat()
            });
            assert_eq!(latest(P::ABI.control.packet_info), info);
            let class = latest(P::ABI.control.traffic_class);
            assert!(
                class == got.traffic_class.map(int) || class == got.traffic_class.map(|class| vec![class])
            );
        }
        Err(DecodeError::Malformed(error)) => assert_eq!(malformed, Some(error)),
        Err(DecodeError::Width { control, len, expected }) => assert_ne!(len, expected, "{control}"),
        Err(DecodeError::Value { value, .. }) => assert!(u8::try_from(value).is_err()),
        Err(DecodeError::Family { control, .. }) => assert_eq!(control, Control::PathMtu),
    }
    // The way for messages of any kind gives what the quick way gives, which is the same or nothing.
    let mut any = RecvControl::default();
    let any = any.decode_more::<P>(control).map(|()| any);
    assert_eq!(RecvControl::decode::<P>(control), any);
    assert!(RecvControl::decode_three::<P>(control).is_none_or(|three| any == Ok(three)));
    assert!(RecvControl::decode_in_order::<P>(control).is_none_or(|some| any == Ok(some)));
    // After a cut nothing is an error.
    let _ = RecvControl::decode_truncated::<P>(control);
}

/// A message whose length field is its own, or a little off, or anything.
#[derive(Clone, Debug)]
struct Sketch {
    len: Option<u64>,
    level: i32,
    kind: i32,
    data: Vec<u8>,
}

/// Messages that look real more often than chance would have it.
fn sketches() -> impl Strategy<Value = Vec<Sketch>> {
    let top = [u64::MAX, u64::MAX - 7, 1 << 32, u64::from(u32::MAX), u64::from(u32::MAX) - 7];
    let len = prop_oneof![
        6 => Just(None),
        1 => (0_u64..80).prop_map(Some),
        1 => prop::sample::select(top.to_vec()).prop_map(Some),
        1 => any::<u64>().prop_map(Some),
    ];
    // The widths that have a meaning, and small integers in either byte order.
    let data = prop_oneof![
        any::<u8>().prop_map(|byte| vec![byte, 0, 0, 0]),
        any::<u8>().prop_map(|byte| vec![0, 0, 0, byte]),
        prop::sample::select(vec![1_usize, 20, 28, 32, 36]).prop_flat_map(|len| vec(any::<u8>(), len)),
        vec(any::<u8>(), 0..40),
    ];
    let level = prop_oneof![4 => Just(41), 1 => 0_i32..70];
    vec((len, level, 0_i32..70, data), 0..5).prop_map(|messages| {
        messages.into_iter().map(|(len, level, kind, data)| Sketch { len, level, kind, data }).collect()
    })
}

/// The messages in the layout of the platform, each behind the other whatever its length says.
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

/// The same without what the platform does not take.
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
    // What was in the buffer before does not show.
    let mut other = [!garbage; 256];
    assert_eq!(control.encode_to::<P, u8>(&mut other), Ok(used));
    assert_eq!(bytes[..used], other[..used]);
    if let Some(three) = control.encode_three::<P, u8>(&mut other) {
        assert_eq!((three, &other[..used]), (Ok(used), &bytes[..used]));
    }
}

/// Unknown messages between those of a control change nothing of it, and are all there to see.
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
}

fn address_survives<P: Platform>(address: SocketAddrV6) {
    let bytes = sockaddr::encode::<P>(&address);
    let size = P::ABI.sockaddr.size;
    assert_eq!(sockaddr::decode::<P>(&bytes[..size]), Some(address));
    assert_eq!(bytes[size..], [0; sockaddr::MAX_SIZE][size..]);
}

/// How addresses begin on one platform or another, and an IPv4 one of Linux.
const FAMILIES: &[[u8; 2]] = &[[10, 0], [0, 10], [28, 28], [28, 30], [28, 24], [0, 26], [2, 0]];

/// What is read as an address is written as the same bytes, but for the length, which is not read.
fn address_bytes_survive<P: Platform>(bytes: &[u8]) {
    let Some(address) = sockaddr::decode::<P>(bytes) else { return };
    let unread = usize::from(P::ABI.sockaddr.length_byte);
    assert_eq!(sockaddr::encode::<P>(&address)[unread..28], bytes[unread..28]);
}

fn path_mtu_is_read_or_refused<P: Platform>(bytes: &[u8]) {
    let size = P::ABI.sockaddr.size;
    match PathMtu::decode::<P>(bytes) {
        Ok(news) => {
            assert_eq!(bytes[size..], integer::<P>(news.mtu.into(), 4));
            assert_eq!(bytes[8..24], news.destination.octets());
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
    fn any_bytes_are_walked_as_the_model_does(control in vec(any::<u8>(), 0..128)) {
        on_every_platform!(walks_agree(&control));
    }

    #[test]
    fn plausible_bytes_are_walked_as_the_model_does(sketches in sketches(), cut in 0_usize..48) {
        on_every_platform!(sketches_agree(&sketches, cut));
    }

    #[test]
    fn what_is_encoded_is_decoded(control in send_control(), garbage in any::<u8>()) {
        on_every_platform!(round_trip(control, garbage));
    }

    #[test]
    fn unknown_messages_change_nothing(
        control in send_control(),
        // No platform has anything of ours at these levels.
        unknown in vec((prop::sample::select(&[-1, 0, 1, 58, 0xffff][..]), any::<i32>(), vec(any::<u8>(), 0..40)), 0..5),
    ) {
        on_every_platform!(interleaved(control, &unknown));
    }

    #[test]
    fn what_is_written_is_walked(messages in vec((any::<i32>(), any::<i32>(), vec(any::<u8>(), 0..40)), 0..5)) {
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
    fn a_filter_is_256_booleans(changes in vec((any::<bool>(), any::<u8>()), 0..64), start in any::<bool>()) {
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

    #[test]
    fn a_header_is_its_bytes(packet in vec(any::<u8>(), 0..64)) {
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
    fn an_address_is_its_bytes(ip in any::<[u8; 16]>(), port in any::<u16>(), flow in any::<u32>(), scope in any::<u32>()) {
        let address = SocketAddrV6::new(ip.into(), port, flow, scope);
        on_every_platform!(address_survives(address));
    }

    #[test]
    fn bytes_that_are_an_address(family in prop::sample::select(FAMILIES), rest in vec(any::<u8>(), 0..40)) {
        let bytes = [&family[..], &rest].concat();
        on_every_platform!(address_bytes_survive(&bytes));
        for size in [28, 32] {
            let bytes: Vec<u8> = bytes.iter().copied().chain(std::iter::repeat(7)).take(size + 4).collect();
            on_every_platform!(path_mtu_is_read_or_refused(&bytes));
        }
        on_every_platform!(path_mtu_is_read_or_refused(&bytes));
    }

    #[test]
    fn sizes_are_those_of_wider_integers(
        wide in any::<bool>(),
        header_align in 0_u32..6,
        data_align in 0_u32..6,
        data in prop_oneof![0_usize..256, usize::MAX - 256..=usize::MAX, any::<usize>()],
    ) {
        let len = if wide { Width::Eight } else { Width::Four };
        let layout = CmsgLayout { len, header_align: 1 << header_align, data_align: 1 << data_align };
        let greatest = usize::MAX as u128;
        let true_len = (len.bytes() as u128 + 8).next_multiple_of(1 << data_align) + data as u128;
        prop_assert_eq!(layout.len(data) as u128, true_len.min(greatest));
        let true_space = true_len.next_multiple_of(1 << header_align);
        if true_space <= greatest {
            prop_assert_eq!(layout.space(data) as u128, true_space);
        } else {
            // What cannot be counted saturates to what no buffer has: slices end at isize::MAX.
            prop_assert!(layout.space(data) > isize::MAX as usize);
        }
    }
}
