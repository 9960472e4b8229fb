//! Properties of the codecs over inputs of every kind, against naive models.

mod common;

use std::net::SocketAddrV6;

use common::{Bare, BsdLike, SystemVLike};
use ipv6_core::abi::{CmsgLayout, Endian, Linux32, Linux32Be, Linux64, Linux64Be, Platform, Width};
use ipv6_core::cmsg::{RawMessage, RawMessages, Writer};
use ipv6_core::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// Under Miri each case takes long.
fn cases(count: u32) -> ProptestConfig {
    let cases = if cfg!(miri) { 8 } else { count };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A walk through control messages as one would write it on a blackboard, in integers that nothing
/// overflows. `Err` is where it ends with a message that does not fit.
fn naive_walk<P: Platform>(control: &[u8]) -> (Vec<(i32, i32, Vec<u8>)>, bool) {
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
        if control.len().saturating_sub(at) < width + 8 {
            return (messages, true);
        }
        let cmsg_len = integer(at, width);
        if cmsg_len < data_offset as u128 || at as u128 + cmsg_len > control.len() as u128 {
            return (messages, false);
        }
        let end = at + cmsg_len as usize;
        let (level, kind) = (integer(at + width, 4) as u32 as i32, integer(at + width + 4, 4) as u32 as i32);
        messages.push((level, kind, control[at + data_offset..end].to_vec()));
        at += (cmsg_len as usize).next_multiple_of(header_align);
    }
}

fn walks_agree<P: Platform>(control: &[u8]) {
    let (expected, clean) = naive_walk::<P>(control);
    let mut messages = RawMessages::<P>::new(control);
    for (level, kind, data) in expected {
        assert_eq!(messages.next(), Some(Ok(RawMessage { level, kind, data: &data })));
    }
    if !clean {
        assert!(matches!(messages.next(), Some(Err(_))));
    }
    // Once over, over.
    assert_eq!((messages.next(), messages.next()), (None, None));
    let _ = RecvControl::decode::<P>(control);
    let _ = RecvControl::decode_truncated::<P>(control);
}

fn everywhere(control: &[u8]) {
    walks_agree::<Linux64>(control);
    walks_agree::<Linux64Be>(control);
    walks_agree::<Linux32>(control);
    walks_agree::<Linux32Be>(control);
    walks_agree::<BsdLike>(control);
    walks_agree::<SystemVLike>(control);
    walks_agree::<Bare>(control);
}

/// Bytes that look like control messages more often than chance would have it.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![0_u64..80, Just(u64::MAX), Just(u64::MAX - 7), Just(1 << 32), any::<u64>()];
    let message =
        (len, 0_i32..70, 0_i32..70, vec(any::<u8>(), 0..40)).prop_map(|(len, level, kind, data)| {
            [&len.to_le_bytes()[..], &level.to_le_bytes(), &kind.to_le_bytes(), &data].concat()
        });
    vec(message, 0..4).prop_map(|messages| messages.concat())
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
    );
    fields.prop_map(|(traffic_class, hop_limit, source, interface, next_hop)| {
        let mut control = SendControl::new();
        control.traffic_class = traffic_class;
        control.hop_limit = hop_limit;
        control.source = source.map(Into::into);
        control.interface = interface.and_then(InterfaceIndex::new);
        control.next_hop = next_hop;
        control
    })
}

fn round_trip<P: Platform>(control: SendControl<'_>, garbage: u8) {
    let mut bytes = [garbage; 256];
    let used = match control.encode::<P>(&mut bytes) {
        Ok(used) => used,
        Err(EncodeError::Unsupported(_)) => return,
        Err(error) => panic!("{error}"),
    };
    assert!(bytes[used..].iter().all(|byte| *byte == garbage));
    let got = RecvControl::decode::<P>(&bytes[..used]).unwrap();
    assert_eq!((got.traffic_class, got.hop_limit), (control.traffic_class, control.hop_limit));
    assert_eq!(got.interface, control.interface);
    // What was in the buffer before does not show.
    let mut other = [!garbage; 256];
    assert_eq!(control.encode::<P>(&mut other), Ok(used));
    assert_eq!(bytes[..used], other[..used]);
}

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn any_bytes_are_walked_as_the_model_does(control in vec(any::<u8>(), 0..128)) {
        everywhere(&control);
    }

    #[test]
    fn plausible_bytes_are_walked_as_the_model_does(control in plausible()) {
        everywhere(&control);
    }

    #[test]
    fn what_is_encoded_is_decoded(control in send_control(), garbage in any::<u8>()) {
        round_trip::<Linux64>(control, garbage);
        round_trip::<Linux64Be>(control, garbage);
        round_trip::<Linux32>(control, garbage);
        round_trip::<Linux32Be>(control, garbage);
        round_trip::<BsdLike>(control, garbage);
        round_trip::<SystemVLike>(control, garbage);
        round_trip::<Bare>(control, garbage);
    }

    #[test]
    fn what_is_written_is_walked(messages in vec((any::<i32>(), any::<i32>(), vec(any::<u8>(), 0..40)), 0..5)) {
        fn check<P: Platform>(messages: &[(i32, i32, Vec<u8>)]) {
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
        check::<Linux64>(&messages);
        check::<Linux32Be>(&messages);
        check::<BsdLike>(&messages);
        check::<SystemVLike>(&messages);
        check::<Bare>(&messages);
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
        let opposite = filter.encode::<BsdLike>().unwrap();
        prop_assert_eq!(Icmp6Filter::decode::<BsdLike>(&opposite), Some(filter));
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
        }
    }

    #[test]
    fn an_address_is_its_bytes(ip in any::<[u8; 16]>(), port in any::<u16>(), flow in any::<u32>(), scope in any::<u32>()) {
        let address = SocketAddrV6::new(ip.into(), port, flow, scope);
        prop_assert_eq!(sockaddr::decode::<Linux64>(&sockaddr::encode::<Linux64>(&address)), Some(address));
        prop_assert_eq!(sockaddr::decode::<BsdLike>(&sockaddr::encode::<BsdLike>(&address)), Some(address));
        prop_assert_eq!(sockaddr::decode::<SystemVLike>(&sockaddr::encode::<SystemVLike>(&address)), Some(address));
    }
}
