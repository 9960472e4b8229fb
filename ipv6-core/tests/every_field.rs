//! Every field and message, whatever is beside it: encoded and decoded by the fast paths as by the general ones, with
//! the room that the buffers have for all of them.

use std::collections::HashSet;

use ipv6_core::abi::{FreeBsd64, Linux64, Linux64Be, Platform, Windows64};
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::message::{Messages, TrafficClass};
use ipv6_core::*;

/// A control message: level, type and data.
type Raw<'a> = (i32, i32, &'a [u8]);

fn written<P: Platform>(messages: &[Raw<'_>]) -> Vec<u8> {
    let mut bytes = [0; 512];
    let mut writer = Writer::<P>::new(&mut bytes);
    for (level, kind, data) in messages {
        writer.push(*level, *kind, data).unwrap();
    }
    let used = writer.finish();
    bytes[..used].to_vec()
}

/// The control messages of each subset of the fields. Flow label 0 is one too.
fn subsets<P: Platform>(messages: &Messages<P, 64>) -> impl Iterator<Item = SendControl<'_>> {
    // Miri is slow.
    let every = if cfg!(miri) { 37 } else { 1 };
    (0..1 << 9).step_by(every).map(move |subset: u32| {
        let has = |bit: u32| subset & 1 << bit != 0;
        let mut control = SendControl::new();
        control.traffic_class = Some(0xe0).filter(|_| has(0));
        control.hop_limit = Some(1).filter(|_| has(1));
        control.source = "2001:db8::1".parse().ok().filter(|_| has(2));
        control.interface = InterfaceIndex::new(7).ok().filter(|_| has(3));
        control.segment_size = Some(1200).filter(|_| has(4));
        control.flow_label = FlowLabel::new(if has(8) { 5 } else { 0 }).filter(|_| has(5));
        control.next_hop = "[fe80::1%7]:0".parse().ok().filter(|_| has(6));
        if has(7) { control.with_messages(messages) } else { control }
    })
}

/// Asserts for each subset of the fields that `encode` writes what the path without shortcuts writes.
fn encodes_each_subset<P: Platform>() {
    let messages = Messages::<P, 64>::new().with(TrafficClass(1)).unwrap();
    for control in subsets(&messages) {
        let (mut fast, mut general) = ([0; 512], [0; 512]);
        let used = control.encode::<P>(&mut fast);
        assert_eq!(used, control.encode_to::<P, u8>(&mut general), "{control}");
        if let Ok(used) = used {
            assert_eq!(fast[..used], general[..used], "{control}");
            assert_eq!(used, control.space::<P>(), "{control}");
        }
    }
}

#[test]
fn a_field_is_not_lost_whatever_fields_are_beside_it() {
    encodes_each_subset::<Linux64>();
    encodes_each_subset::<Linux64Be>();
    encodes_each_subset::<Windows64>();
    encodes_each_subset::<FreeBsd64>();
}

#[test]
fn each_field_distinguishes_values_in_a_set() {
    let [messages, same] = [(); 2].map(|()| Messages::<Linux64, 64>::new().with(TrafficClass(1)).unwrap());
    let set: HashSet<SendControl<'_>> = subsets(&messages).collect();
    // A flow label has two values here, or is absent. Miri sees some of the subsets.
    assert_eq!(set.len(), if cfg!(miri) { subsets(&messages).count() } else { 3 << 7 });
    assert!(subsets(&same).all(|control| set.contains(&control)));
}

#[test]
fn a_field_that_the_platform_lacks_is_an_error_whatever_fields_are_beside_it() {
    let messages = Messages::new().with(TrafficClass(1)).unwrap();
    for control in subsets::<Linux64>(&messages).filter(|control| control.next_hop.is_some()) {
        let error = EncodeError::Unsupported(Control::NextHop);
        assert_eq!(control.encode::<Linux64>(&mut [0; 512]), Err(error), "{control}");
    }
}

#[test]
fn the_room_to_send_holds_all_fields_and_no_more() {
    let all = SendControl::new()
        .with_traffic_class(1)
        .with_hop_limit(2)
        .with_source("::1".parse().unwrap())
        .with_interface(InterfaceIndex::new(3).unwrap())
        .with_flow_label(FlowLabel::new(5).unwrap())
        .with_segment_size(1200);
    let mut control = [0; 512];
    assert_eq!(all.encode::<Linux64>(&mut control), Ok(SendControl::max_space::<Linux64>()));
    let mut all = all.with_next_hop("[fe80::1%3]:0".parse().unwrap());
    (all.flow_label, all.segment_size) = (None, None);
    assert_eq!(all.encode::<FreeBsd64>(&mut control), Ok(SendControl::max_space::<FreeBsd64>()));
}

#[test]
fn the_room_to_receive_holds_all_fields_and_no_more() {
    let mtu_info = [&[10, 0, 0, 0][..], &[0; 20], &[3, 0, 0, 0], &[0, 5, 0, 0]].concat();
    let messages: [Raw<'_>; 6] = [
        (17, 104, &[100, 0, 0, 0]),
        (41, 50, &[1; 20]),
        (41, 52, &[2, 0, 0, 0]),
        (41, 67, &[3, 0, 0, 0]),
        (41, 11, &[0, 0, 0, 4]),
        (41, 61, &mtu_info),
    ];
    let control = written::<Linux64>(&messages);
    assert_eq!(control.len(), RecvControl::max_space::<Linux64>());
    let got = RecvControl::decode::<Linux64>(&control).unwrap();
    assert_eq!((got.segment_size, got.hop_limit, got.traffic_class), (Some(100), Some(2), Some(3)));
    assert_eq!((got.flow_label, got.path_mtu.map(|news| news.mtu)), (FlowLabel::new(4), Some(1280)));
    assert!(got.destination.is_some() && got.interface.is_some());
}

#[test]
fn the_error_of_a_message_has_its_offset_in_the_buffer() {
    // Behind messages that the fast path takes, and behind one that it leaves.
    let before: [&[Raw<'_>]; 4] = [
        &[],
        &[(41, 52, &[2, 0, 0, 0])],
        &[(41, 52, &[2, 0, 0, 0]), (41, 50, &[1; 20]), (41, 67, &[3, 0, 0, 0])],
        &[(41, 52, &[2, 0, 0, 0]), (1, 29, &[0; 16]), (41, 67, &[3, 0, 0, 0])],
    ];
    for messages in before {
        let start = written::<Linux64>(messages);
        // A length of 99 bytes, and 16 of them are there.
        let control = [&start[..], &[99, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0]].concat();
        let Err(DecodeError::Malformed(error)) = RecvControl::decode::<Linux64>(&control) else {
            panic!("{messages:?}: no error");
        };
        assert_eq!((error.offset, error.len, error.available), (start.len(), 99, 16));
        assert_eq!(RawMessages::<Linux64>::new(&control).last(), Some(Err(error)));
    }
}

#[test]
fn the_ecn_of_the_traffic_class_precedes_that_of_its_own_message() {
    // IPV6_TCLASS with ECT(1), IPV6_ECN with ECT(0).
    let (class, ecn): (Raw<'_>, Raw<'_>) = ((41, 39, &[0xb9, 0, 0, 0]), (41, 50, &[2, 0, 0, 0]));
    for (messages, expected) in [
        (&[class, ecn][..], Ecn::Ect1),
        (&[ecn, class], Ecn::Ect1),
        (&[class], Ecn::Ect1),
        (&[ecn], Ecn::Ect0),
    ] {
        let control = written::<Windows64>(messages);
        let got = RecvControl::decode::<Windows64>(&control).unwrap();
        assert_eq!(got.ecn(), Some(expected), "{messages:?}");
    }
}

#[test]
fn only_errors_of_icmpv6_and_of_this_host_have_an_mtu() {
    // `struct sock_extended_err` of Linux: errno 90, origin, type and code, padding, info 1400, data.
    let decode = |origin, kind| {
        QueuedError::decode::<Linux64>(&[90, 0, 0, 0, origin, kind, 0, 0, 0x78, 5, 0, 0, 0, 0, 0, 0])
    };
    const PACKET_TOO_BIG: u8 = 2;
    const PARAMETER_PROBLEM: u8 = 4;
    let (local, icmp6) = (1, 3);
    assert_eq!(decode(local, 0).unwrap().mtu, Some(1400));
    assert_eq!(decode(icmp6, PACKET_TOO_BIG).unwrap().mtu, Some(1400));
    // There, `info` is an offset.
    assert_eq!(decode(icmp6, PARAMETER_PROBLEM).unwrap().mtu, None);
    // None, timestamps, zero copy, transmission time (include/uapi/linux/errqueue.h).
    for origin in [0, 4, 5, 6] {
        assert_eq!(decode(origin, PACKET_TOO_BIG).and_then(|error| error.mtu), None, "{origin}");
    }
}
