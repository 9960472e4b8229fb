//! One suite for every platform, those of the crate and one that is added to it from outside.

mod common;

use std::net::{Ipv6Addr, SocketAddrV6};

use common::{Bare, integer};
use ipv6_core::abi::*;
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::*;

/// Where sizes of every number are tried, Miri, which is slow, tries one in so many.
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

/// The suite for each platform, as a module of its name.
macro_rules! suite {
    ($($module:ident: $platform:ty;)*) => {
        $(mod $module {
            use super::*;

            tests_of! { $platform:
                every_message_survives_a_round_trip
                buffers_of_every_size
                every_byte_of_a_message_is_written
                unknown_messages_are_passed_over_and_yielded
                scar_3_the_flags_know_how_much_room_their_messages_take
                scar_4_what_arrived_whole_is_delivered_and_the_cut_one_is_not
                scar_12_any_alignment_of_the_buffer
                scar_23_ipv4_packet_info_is_beside_the_point
                scar_35_next_hop_is_sent_or_refused
                filters_survive_a_round_trip
                source_requests_lie_where_the_layout_says
                path_mtu_is_read
            }
        })*
    };
}

suite! {
    aix: Aix;
    apple: Apple;
    dragonfly: DragonFly;
    freebsd32: FreeBsd32;
    freebsd32_on64: FreeBsd32On64;
    freebsd64: FreeBsd64;
    freebsd64_be: FreeBsd64Be;
    freebsd_arm: FreeBsdArm;
    linux32: Linux32;
    linux32_be: Linux32Be;
    linux64: Linux64;
    linux64_be: Linux64Be;
    linux_mips32: LinuxMips32;
    linux_mips32_be: LinuxMips32Be;
    linux_mips64: LinuxMips64;
    linux_mips64_be: LinuxMips64Be;
    netbsd32: NetBsd32;
    netbsd64: NetBsd64;
    netbsd_aarch64: NetBsdAarch64;
    netbsd_arm: NetBsdArm;
    openbsd32: OpenBsd32;
    openbsd64: OpenBsd64;
    openbsd64_be: OpenBsd64Be;
    openbsd_arm: OpenBsdArm;
    solaris: Solaris;
    solaris_sparc: SolarisSparc;
    windows32: Windows32;
    windows64: Windows64;
    bare: Bare;
}

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
    vec![
        new,
        new.with_traffic_class(0xe1),
        new.with_hop_limit(0),
        new.with_source(ADDRESS),
        new.with_interface(InterfaceIndex::new(7).unwrap()),
        new.with_next_hop(next_hop),
        all,
    ]
}

/// The message that a control needs and the platform has not.
fn lacking<P: Platform>(control: &SendControl<'_>) -> bool {
    let numbers = P::ABI.control;
    control.traffic_class.is_some() && numbers.traffic_class.is_none()
        || control.hop_limit.is_some() && numbers.hop_limit.is_none()
        || (control.source.is_some() || control.interface.is_some()) && numbers.packet_info.is_none()
        || control.next_hop.is_some() && numbers.next_hop.is_none()
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
        assert_eq!(got.interface, control.interface);
        let halves = control.source.or(control.interface.map(|_| Ipv6Addr::UNSPECIFIED));
        assert_eq!(got.destination, halves);
        assert_eq!(RecvControl::decode_truncated::<P>(&bytes[..used]), got);
        if let (Some(next_hop), Some(number)) = (control.next_hop, P::ABI.control.next_hop) {
            let sent = RawMessages::<P>::new(&bytes[..used]).map(Result::unwrap).last().unwrap();
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

fn buffers_of_every_size<P: Platform>() {
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

fn unknown_messages_are_passed_over_and_yielded<P: Platform>() {
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

fn source_requests_lie_where_the_layout_says<P: Platform>() {
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

fn path_mtu_is_read<P: Platform>() {
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
        (ControlFlags::TRAFFIC_CLASS, numbers.ecn, integer::<P>(2, 4)),
        (ControlFlags::PATH_MTU, numbers.path_mtu, mtu_info::<P>()),
    ]
    .into_iter()
    .filter_map(|(flags, number, data)| Some((flags, number?, data)))
    .collect()
}

fn scar_3_the_flags_know_how_much_room_their_messages_take<P: Platform>() {
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

fn scar_4_what_arrived_whole_is_delivered_and_the_cut_one_is_not<P: Platform>() {
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

fn scar_12_any_alignment_of_the_buffer<P: Platform>() {
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

fn scar_23_ipv4_packet_info_is_beside_the_point<P: Platform>() {
    let Some(number) = P::ABI.control.packet_info else { return };
    let info = [&ADDRESS.octets()[..], &integer::<P>(7, 4)].concat();
    let of_ipv6 = (number.level, number.kind, info.as_slice());
    // The type that the system has for IPv6 at the level of IPv4, to mistake one for the other.
    let of_ipv4 = (0, number.kind, [9; 12].as_slice());
    for messages in [[of_ipv4, of_ipv6], [of_ipv6, of_ipv4]] {
        let bytes = written::<P>(&messages);
        let got = RecvControl::decode::<P>(&bytes).unwrap();
        assert_eq!((got.destination, got.interface), (Some(ADDRESS), InterfaceIndex::new(7).ok()));
    }
}

fn scar_35_next_hop_is_sent_or_refused<P: Platform>() {
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
