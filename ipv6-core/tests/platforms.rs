//! One suite for every platform, those of the crate and those that are added to it from outside.

mod common;

use std::net::{Ipv6Addr, SocketAddrV6};

use common::{Bare, BsdLike, SystemVLike};
use ipv6_core::abi::{FilterPolarity, Linux32, Linux32Be, Linux64, Linux64Be, Platform};
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::*;

/// Runs the suite for each platform, as tests of its name.
macro_rules! suite {
    ($($module:ident: $platform:ty;)*) => {
        $(mod $module {
            use super::*;

            #[test]
            fn every_message_survives_a_round_trip() {
                super::every_message_survives_a_round_trip::<$platform>();
            }

            #[test]
            fn buffers_of_every_size() {
                super::buffers_of_every_size::<$platform>();
            }

            #[test]
            fn unknown_messages_are_passed_over_and_yielded() {
                super::unknown_messages_are_passed_over_and_yielded::<$platform>();
            }

            #[test]
            fn filters_survive_a_round_trip() {
                super::filters_survive_a_round_trip::<$platform>();
            }

            #[test]
            fn group_requests_lie_where_the_layout_says() {
                super::group_requests_lie_where_the_layout_says::<$platform>();
            }

            #[test]
            fn path_mtu_is_read() {
                super::path_mtu_is_read::<$platform>();
            }
        })*
    };
}

suite! {
    linux64: Linux64;
    linux64_be: Linux64Be;
    linux32: Linux32;
    linux32_be: Linux32Be;
    bsd_like: BsdLike;
    system_v_like: SystemVLike;
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
    all.interface = numbers.packet_info.and(InterfaceIndex::new(u32::MAX));
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

fn buffers_of_every_size<P: Platform>() {
    for control in controls::<P>().into_iter().filter(|control| !lacking::<P>(control)) {
        let needed = control.space::<P>();
        for available in 0..needed + 8 {
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
    let value = match P::ABI.endian {
        abi::Endian::Little => [9, 0, 0, 0],
        abi::Endian::Big => [0, 0, 0, 9],
    };
    for len in 0..24 {
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

fn group_requests_lie_where_the_layout_says<P: Platform>() {
    let (group, on) = (Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 1), InterfaceIndex::new(0x0102_0304));
    let mut bytes = [0xff; 600];
    let Some(layout) = P::ABI.group_req else {
        let answer = ipv6_core::group::encode_group_req::<P>(group, on, &mut bytes);
        assert_eq!(answer, Err(ipv6_core::group::GroupError::Unsupported));
        return;
    };
    let size = ipv6_core::group::encode_group_source_req::<P>(group, ADDRESS, on, &mut bytes).unwrap();
    assert_eq!(size, layout.size);
    let index = if P::ABI.endian == abi::Endian::Little { [4, 3, 2, 1] } else { [1, 2, 3, 4] };
    assert_eq!(bytes[..4], index);
    let address = |at: usize| sockaddr::decode::<P>(&bytes[at..]).map(|address| *address.ip());
    assert_eq!((address(layout.group), address(layout.source)), (Some(group), Some(ADDRESS)));
    assert_eq!(bytes[size..], [0xff; 600][size..]);
    assert_eq!(ipv6_core::group::encode_group_req::<P>(group, on, &mut bytes), Ok(layout.source));
}

fn path_mtu_is_read<P: Platform>() {
    let Some(number) = P::ABI.control.path_mtu else { return };
    let mut news =
        sockaddr::encode::<P>(&SocketAddrV6::new(ADDRESS, 0, 0, 5))[..P::ABI.sockaddr.size].to_vec();
    news.extend(match P::ABI.endian {
        abi::Endian::Little => 1280_u32.to_le_bytes(),
        abi::Endian::Big => 1280_u32.to_be_bytes(),
    });
    assert_eq!(news.len(), number.size);
    let mut bytes = [0; 128];
    let mut writer = Writer::<P>::new(&mut bytes);
    writer.push(number.level, number.kind, &news).unwrap();
    let used = writer.finish();
    assert_eq!(used, ControlFlags::PATH_MTU.space::<P>());
    let got = RecvControl::decode::<P>(&bytes[..used]).unwrap().path_mtu;
    assert_eq!(got, Some(PathMtu { destination: ADDRESS, interface: InterfaceIndex::new(5), mtu: 1280 }));
}
