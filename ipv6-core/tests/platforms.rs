//! One suite of tests for every platform: those of the crate's list, and one that is described outside of the crate.

mod common;

use std::net::{Ipv6Addr, SocketAddrV6};

use common::integer;
use ipv6_core::abi::*;
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::message::{HopLimit, PacketInfo, TrafficClass};
use ipv6_core::*;

/// Tests that try every size try one in so many under Miri, which is slow.
const STEP: usize = if cfg!(miri) { 7 } else { 1 };

/// These functions as tests of one platform.
macro_rules! tests_of {
    ($platform:ty: $($test:ident)*) => {
        $(#[test]
        fn $test() {
            super::$test::<$platform>();
        })*
    };
}

/// The suite for one platform, in a module.
macro_rules! suite_of {
    ($module:ident: $platform:ty) => {
        #[allow(non_snake_case, reason = "the name of the platform")]
        mod $module {
            tests_of! { $platform:
                every_message_survives_a_round_trip
                a_buffer_of_any_size_is_filled_or_refused
                every_byte_of_a_message_is_written
                unknown_messages_are_skipped_when_decoded_and_yielded_by_the_walk
                flags_reserve_the_room_that_their_messages_take
                whole_messages_of_truncated_control_data_are_delivered_and_the_cut_one_is_not
                buffers_of_any_alignment_give_the_same_result
                ipv4_packet_info_does_not_replace_that_of_ipv6
                a_next_hop_is_sent_or_refused
                filters_survive_a_round_trip
                source_requests_have_the_layout_of_the_platform
                a_path_mtu_is_read
                messages_by_type_are_those_of_the_fields
            }
        }
    };
}

/// The suite for each platform of the list.
macro_rules! suites {
    ($($(#[$doc:meta])* $Platform:ident = $table:expr;)*) => {
        $(suite_of! { $Platform: ipv6_core::abi::$Platform })*
    };
}

ipv6_core::for_each_platform!(suites);
suite_of! { DescribedOutside: crate::common::Bare }

const ADDRESS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x11);

/// One control of each kind, and all that the platform has together.
fn controls<P: Platform>() -> Vec<SendControl<'static>> {
    let next_hop = SocketAddrV6::new(ADDRESS, 0, 0, 3);
    let new = SendControl::new();
    let mut all = new;
    let numbers = P::ABI.control;
    all.traffic_class = numbers.traffic_class.and(Some(0xe1));
    all.hop_limit = numbers.hop_limit.and(Some(0));
    all.source = numbers.packet_info.and(Some(ADDRESS));
    all.interface = numbers.packet_info.and(InterfaceIndex::new(u32::MAX).ok());
    all.next_hop = numbers.next_hop.and(Some(next_hop));
    all.flow_label = numbers.flow_label.and(FlowLabel::new(0xf_0001));
    all.segment_size = numbers.segment_size.and(Some(1200));
    vec![
        new,
        new.with_traffic_class(0xe1),
        new.with_hop_limit(0),
        new.with_source(ADDRESS),
        new.with_interface(InterfaceIndex::new(7).unwrap()),
        new.with_next_hop(next_hop),
        new.with_flow_label(FlowLabel::ZERO),
        new.with_segment_size(1),
        all,
    ]
}

/// Whether the control needs a message that the platform lacks.
fn lacking<P: Platform>(control: &SendControl<'_>) -> bool {
    let numbers = P::ABI.control;
    control.traffic_class.is_some() && numbers.traffic_class.is_none()
        || control.hop_limit.is_some() && numbers.hop_limit.is_none()
        || (control.source.is_some() || control.interface.is_some()) && numbers.packet_info.is_none()
        || control.next_hop.is_some() && numbers.next_hop.is_none()
        || control.flow_label.is_some() && numbers.flow_label.is_none()
        || control.segment_size.is_some() && numbers.segment_size.is_none()
}

fn every_message_survives_a_round_trip<P: Platform>() {
    for control in controls::<P>() {
        let mut bytes = [0xff; 256];
        let encoded = control.encode::<P>(&mut bytes);
        if lacking::<P>(&control) {
            assert!(matches!(encoded, Err(EncodeError::Unsupported(_))), "{control}");
            continue;
        }
        let used = encoded.unwrap();
        assert_eq!(used, control.space::<P>());
        assert!(used <= SendControl::max_space::<P>());
        let got = RecvControl::decode::<P>(&bytes[..used]).unwrap();
        assert_eq!((got.traffic_class, got.hop_limit), (control.traffic_class, control.hop_limit));
        assert_eq!((got.interface, got.flow_label), (control.interface, control.flow_label));
        let halves = control.source.or(control.interface.map(|_| Ipv6Addr::UNSPECIFIED));
        assert_eq!(got.destination, halves);
        assert_eq!(RecvControl::decode_truncated::<P>(&bytes[..used]), got);
        if let (Some(next_hop), Some(number)) = (control.next_hop, P::ABI.control.next_hop) {
            let mut sent = RawMessages::<P>::new(&bytes[..used]).map(Result::unwrap);
            let sent = sent.find(|sent| (sent.level, sent.kind) == (number.level, number.kind)).unwrap();
            assert_eq!((sent.level, sent.kind, sent.data.len()), (number.level, number.kind, number.size));
            assert_eq!(sockaddr::decode::<P>(sent.data), Some(next_hop));
            assert_eq!(P::ABI.sockaddr.length_byte, usize::from(sent.data[0]) == sent.data.len());
        }
    }
}

fn every_byte_of_a_message_is_written<P: Platform>() {
    for len in 0..=40 {
        let written = [0x00, 0xff].map(|before| {
            let mut bytes = [before; 96];
            let mut writer = Writer::<P>::new(&mut bytes);
            writer.push(41, 67, &[7; 40][..len]).unwrap();
            let used = writer.finish();
            assert_eq!(used, P::ABI.cmsg.space(len));
            assert!(bytes[used..].iter().all(|byte| *byte == before), "{len} bytes: more than those");
            bytes[..used].to_vec()
        });
        assert_eq!(written[0], written[1], "{len} bytes: not all of those");
        assert_eq!(written[0].iter().filter(|byte| **byte == 7).count(), len);
    }
}

fn a_buffer_of_any_size_is_filled_or_refused<P: Platform>() {
    for control in controls::<P>().into_iter().filter(|control| !lacking::<P>(control)) {
        let needed = control.space::<P>();
        for available in (0..=needed + 8).step_by(STEP) {
            let mut bytes = vec![0xa5; available];
            let answer = control.encode::<P>(&mut bytes);
            if available < needed {
                assert_eq!(answer, Err(EncodeError::BufferTooSmall { needed, available }));
            } else {
                assert_eq!(answer, Ok(needed));
                assert!(bytes[needed..].iter().all(|byte| *byte == 0xa5));
            }
        }
    }
}

fn unknown_messages_are_skipped_when_decoded_and_yielded_by_the_walk<P: Platform>() {
    let hops = P::ABI.control.hop_limit.unwrap();
    let value = integer::<P>(9, 4);
    for len in (0..24).step_by(STEP) {
        let mut bytes = [0xff; 256];
        let mut writer = Writer::<P>::new(&mut bytes);
        writer.push(1, 29, &[1; 24][..len]).unwrap();
        writer.push(hops.level, hops.kind, &value).unwrap();
        writer.push(41, 9999, &[2; 24][..len]).unwrap();
        let used = writer.finish();
        let got = RecvControl::decode::<P>(&bytes[..used]).unwrap();
        assert_eq!(got.hop_limit, Some(9));
        let lens: Vec<_> = RawMessages::<P>::new(&bytes[..used]).map(|m| m.unwrap().data.len()).collect();
        assert_eq!(lens, [len, 4, len]);
    }
}

fn filters_survive_a_round_trip<P: Platform>() {
    let mut filter = Icmp6Filter::block_all();
    filter.pass(Icmp6Type::ECHO_REPLY).pass(Icmp6Type(0)).pass(Icmp6Type(255));
    let Some(polarity) = P::ABI.icmp6_filter else {
        assert_eq!(filter.encode::<P>(), None);
        assert_eq!(Icmp6Filter::decode::<P>(&[0; 32]), None);
        return;
    };
    let bytes = filter.encode::<P>().unwrap();
    assert_eq!(Icmp6Filter::decode::<P>(&bytes), Some(filter));
    // Three types pass, whichever bit says so.
    let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
    assert_eq!(ones, if polarity == FilterPolarity::SetPasses { 3 } else { 253 });
    // Type 129 is bit 1 of the fifth word, whose first byte is at 16.
    let at = if P::ABI.endian == abi::Endian::Little { 16 } else { 19 };
    assert_eq!(bytes[at] & 2 != 0, polarity == FilterPolarity::SetPasses);
}

fn source_requests_have_the_layout_of_the_platform<P: Platform>() {
    let (group, on) =
        (Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 1), InterfaceIndex::new(0x0102_0304).ok());
    let mut bytes = [0xff; 3000];
    let Some(layout) = P::ABI.group_req else {
        let answer = ipv6_core::group::encode_group_source_req::<P>(group, ADDRESS, on, &mut bytes);
        assert_eq!(answer, Err(ipv6_core::group::GroupError::Unsupported));
        return;
    };
    let size = ipv6_core::group::encode_group_source_req::<P>(group, ADDRESS, on, &mut bytes).unwrap();
    assert_eq!(size, layout.size);
    assert_eq!(bytes[..4], integer::<P>(0x0102_0304, 4));
    let address = |at: usize| sockaddr::decode::<P>(&bytes[at..]).map(|address| *address.ip());
    assert_eq!((address(layout.group), address(layout.source)), (Some(group), Some(ADDRESS)));
    assert_eq!(bytes[size..], [0xff; 3000][size..]);
}

/// `struct ip6_mtuinfo`: 1280 bytes to [`ADDRESS`] on interface 5.
fn mtu_info<P: Platform>() -> Vec<u8> {
    let name = sockaddr::encode::<P>(&SocketAddrV6::new(ADDRESS, 0, 0, 5));
    [&name[..P::ABI.sockaddr.size], &integer::<P>(1280, 4)].concat()
}

fn a_path_mtu_is_read<P: Platform>() {
    let Some(number) = P::ABI.control.path_mtu else { return };
    let news = mtu_info::<P>();
    assert_eq!(news.len(), number.size);
    let bytes = written::<P>(&[(number.level, number.kind, &news)]);
    assert_eq!(bytes.len(), ControlFlags::PATH_MTU.space::<P>());
    let got = RecvControl::decode::<P>(&bytes).unwrap().path_mtu;
    assert_eq!(
        got,
        Some(PathMtu { destination: ADDRESS, interface: InterfaceIndex::new(5).ok(), mtu: 1280 })
    );
}

/// These messages, one after another.
fn written<P: Platform>(messages: &[(i32, i32, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0xff; 512];
    let mut writer = Writer::<P>::new(&mut bytes);
    for (level, kind, data) in messages {
        writer.push(*level, *kind, data).unwrap();
    }
    let used = writer.finish();
    bytes.truncate(used);
    bytes
}

/// One of each message that the platform delivers, with the flags that ask for it.
fn delivered<P: Platform>() -> Vec<(ControlFlags, ControlNumber, Vec<u8>)> {
    let numbers = P::ABI.control;
    let info = [&ADDRESS.octets()[..], &integer::<P>(7, 4)].concat();
    [
        (ControlFlags::DESTINATION | ControlFlags::INTERFACE, numbers.packet_info, info),
        (ControlFlags::HOP_LIMIT, numbers.hop_limit, integer::<P>(64, 4)),
        (ControlFlags::TRAFFIC_CLASS, numbers.traffic_class, integer::<P>(0xe0, 4)),
        (ControlFlags::FLOW_LABEL, numbers.flow_label, vec![0, 1, 2, 3]),
        (ControlFlags::TRAFFIC_CLASS, numbers.ecn, integer::<P>(2, 4)),
        (ControlFlags::PATH_MTU, numbers.path_mtu, mtu_info::<P>()),
    ]
    .into_iter()
    .filter_map(|(flags, number, data)| Some((flags, number?, data)))
    .collect()
}

// Scar 3 (noq#778).
fn flags_reserve_the_room_that_their_messages_take<P: Platform>() {
    for flags in (0..=ControlFlags::all().bits()).map(ControlFlags::from_bits_truncate) {
        let messages = delivered::<P>();
        let asked_for: Vec<_> = messages
            .iter()
            .filter(|(of, ..)| flags.intersects(*of))
            .map(|(_, number, data)| (number.level, number.kind, data.as_slice()))
            .collect();
        let bytes = written::<P>(&asked_for);
        assert_eq!(flags.space::<P>(), bytes.len(), "{flags:?}");
        // And all of it is read back: nothing was asked for that has no field.
        let got = RecvControl::decode::<P>(&bytes).unwrap();
        assert_eq!(got.filter(flags).path_mtu, got.path_mtu);
        assert_eq!(got == RecvControl::default(), asked_for.is_empty());
    }
}

// Scar 4 (nix#2400, nix#2413).
fn whole_messages_of_truncated_control_data_are_delivered_and_the_cut_one_is_not<P: Platform>() {
    let messages = delivered::<P>();
    let unknown = (1, 29, [1; 5].as_slice());
    let known = messages.iter().map(|(_, number, data)| (number.level, number.kind, data.as_slice()));
    let bytes = written::<P>(&known.flat_map(|known| [unknown, known]).collect::<Vec<_>>());
    // Where each message ends, without its padding.
    let mut start = 0;
    let mut ends = vec![0];
    for message in RawMessages::<P>::new(&bytes) {
        let len = message.unwrap().data.len();
        ends.push(start + P::ABI.cmsg.len(len));
        start += P::ABI.cmsg.space(len);
    }
    for cut in (0..=bytes.len()).step_by(STEP) {
        let whole = ends.iter().copied().filter(|end| *end <= cut).max().unwrap();
        let expected = RecvControl::decode::<P>(&bytes[..whole]).unwrap();
        assert_eq!(RecvControl::decode_truncated::<P>(&bytes[..cut]), expected, "cut to {cut}");
    }
}

// Scar 12 (nix#1040, rust#139861).
fn buffers_of_any_alignment_give_the_same_result<P: Platform>() {
    for control in controls::<P>().into_iter().filter(|control| !lacking::<P>(control)) {
        let mut aligned = [0xff; 256];
        let used = control.encode::<P>(&mut aligned).unwrap();
        for start in (0..16).step_by(STEP) {
            let mut storage = [0xff; 256 + 16];
            let buffer = &mut storage[start..start + used];
            assert_eq!(control.encode::<P>(buffer), Ok(used));
            assert_eq!(buffer, &aligned[..used]);
            assert_eq!(RecvControl::decode::<P>(buffer), RecvControl::decode::<P>(&aligned[..used]));
        }
    }
}

// Scar 23 (gvisor#7144).
fn ipv4_packet_info_does_not_replace_that_of_ipv6<P: Platform>() {
    let Some(number) = P::ABI.control.packet_info else { return };
    let info = [&ADDRESS.octets()[..], &integer::<P>(7, 4)].concat();
    let of_ipv6 = (number.level, number.kind, info.as_slice());
    // The type that the system has for IPv6 at the level of IPv4, to mistake one for the other; and the message of IPv4.
    let size =
        P::ABI.control.ipv4_packet_info.filter(|ipv4| ipv4.kind == number.kind).map_or(12, |ipv4| ipv4.size);
    let like_ipv6 = (0, number.kind, &[9; 12][..size]);
    let ipv4 = P::ABI.control.ipv4_packet_info.map(|number| (0, number.kind, &[9; 12][..number.size]));
    for of_ipv4 in [Some(like_ipv6), ipv4].into_iter().flatten() {
        for messages in [[of_ipv4, of_ipv6], [of_ipv6, of_ipv4]] {
            let bytes = written::<P>(&messages);
            let got = RecvControl::decode::<P>(&bytes).unwrap();
            assert_eq!((got.destination, got.interface), (Some(ADDRESS), InterfaceIndex::new(7).ok()));
        }
    }
}

// Scar 35: x/net drops the next hop where the system refuses it.
fn a_next_hop_is_sent_or_refused<P: Platform>() {
    let next_hop = SocketAddrV6::new(ADDRESS, 0, 0, 3);
    let mut bytes = [0xff; 256];
    let answer = SendControl::new().with_next_hop(next_hop).encode::<P>(&mut bytes);
    let Some(number) = P::ABI.control.next_hop else {
        assert_eq!(answer, Err(EncodeError::Unsupported(Control::NextHop)));
        return;
    };
    let name = &sockaddr::encode::<P>(&next_hop)[..P::ABI.sockaddr.size];
    assert_eq!(bytes[..answer.unwrap()], written::<P>(&[(number.level, number.kind, name)]));
}

fn messages_by_type_are_those_of_the_fields<P: Platform>() {
    let number = |found: Option<ControlNumber>| found.is_some();
    let numbers = P::ABI.control;
    let mut messages = Messages::<P, 256>::new();
    let mut control = SendControl::new();
    if number(numbers.packet_info) {
        let interface = InterfaceIndex::new(7).ok();
        messages.push(&PacketInfo { address: ADDRESS, interface }).unwrap();
        (control.source, control.interface) = (Some(ADDRESS), interface);
    }
    if number(numbers.hop_limit) {
        messages.push(&HopLimit(3)).unwrap();
        control.hop_limit = Some(3);
    }
    if number(numbers.traffic_class) {
        messages.push(&TrafficClass(0xe1)).unwrap();
        control.traffic_class = Some(0xe1);
    }
    let mut bytes = [0xff; 256];
    let used = control.encode::<P>(&mut bytes).unwrap();
    assert_eq!(messages.as_bytes(), &bytes[..used]);
    // Behind the fields.
    let both = control.with_messages(&messages);
    assert_eq!(both.encode::<P>(&mut bytes), Ok(2 * used));
    assert_eq!(both.space::<P>(), 2 * used);
    assert_eq!(bytes[used..2 * used], *messages.as_bytes());
    let read = RawMessages::<P>::new(messages.as_bytes());
    assert_eq!(read.get::<HopLimit>(), Ok(control.hop_limit.map(HopLimit)));
    assert_eq!(read.each::<TrafficClass>().count(), usize::from(number(numbers.traffic_class)));
    assert_eq!(space_of::<HopLimit, P>() * usize::from(number(numbers.hop_limit)), space_of::<HopLimit, P>());
}
