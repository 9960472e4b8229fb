//! The JSON of each value, in both directions, and what is refused.

use std::fmt::Debug;

use ipv6_core::abi::Linux64;
use ipv6_core::cmsg::{MalformedMessage, RawMessage, RawMessages};
use ipv6_core::ext::{Align, DestinationOptions, ExtensionHeader, HopByHop, Opt, SegmentRouting, Walk};
use ipv6_core::message::{HopLimit, Messages, NextHop, PacketInfo, SegmentSize, TrafficClass};
use ipv6_core::option::{AddressPreferences, TimestampingFlags};
use ipv6_core::{
    BpfInstruction, Control, ControlFlags, DecodeError, Ecn, FlowLabel, Header, Icmp6Filter, Icmp6Type,
    IcmpType, InterfaceIndex, Mif, PathMtu, QueuedError, RecvControl, SendControl,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Checks the text of a value, and that it is read back as the same value.
fn both_ways<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T, json: &str) {
    assert_eq!(serde_json::to_string(&value).unwrap(), json);
    assert_eq!(serde_json::from_str::<T>(json).unwrap(), value);
}

fn error<T: DeserializeOwned + Debug>(json: &str) -> String {
    serde_json::from_str::<T>(json).unwrap_err().to_string()
}

#[test]
fn numbers() {
    both_ways(InterfaceIndex::new(3).unwrap(), "3");
    both_ways(FlowLabel::new(0xbeef).unwrap(), "48879");
    both_ways(FlowLabel::new(FlowLabel::MAX).unwrap(), "1048575");
    both_ways(Icmp6Type::ECHO_REPLY, "129");
    both_ways(BpfInstruction::new(0x15, 0, 1, 58), r#"{"code":21,"jt":0,"jf":1,"k":58}"#);
}

#[test]
fn interface_index_0_is_an_error() {
    assert!(error::<InterfaceIndex>("0").starts_with("invalid value: integer `0`, expected a nonzero u32"));
    assert!(error::<Option<InterfaceIndex>>("0").starts_with("invalid value: integer `0`"));
}

#[test]
fn a_flow_label_over_20_bits_is_an_error() {
    let text = "invalid value: integer `1048576`, expected a flow label, at most 0xfffff";
    assert!(error::<FlowLabel>("1048576").starts_with(text));
    assert!(error::<FlowLabel>("4294967295").contains("a flow label"));
}

#[test]
fn ecn_codepoints() {
    both_ways([Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce], r#"["not_ect","ect1","ect0","ce"]"#);
}

#[test]
fn control_flags() {
    both_ways(ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT, r#""TRAFFIC_CLASS | HOP_LIMIT""#);
    both_ways(ControlFlags::empty(), r#""""#);
    assert!(error::<ControlFlags>(r#""COLOUR""#).contains("unrecognized named flag"));
}

#[test]
fn messages() {
    both_ways(TrafficClass(0x28), "40");
    both_ways(HopLimit(64), "64");
    both_ways(SegmentSize(1200), "1200");
    both_ways(NextHop("[fe80::1]:0".parse().unwrap()), r#""[fe80::1]:0""#);
    let interface = InterfaceIndex::new(3).ok();
    let info = PacketInfo { address: "ff02::1".parse().unwrap(), interface };
    both_ways(info, r#"{"address":"ff02::1","interface":3}"#);
    let path_mtu = PathMtu { destination: "2001:db8::1".parse().unwrap(), interface: None, mtu: 1400 };
    both_ways(path_mtu, r#"{"destination":"2001:db8::1","interface":null,"mtu":1400}"#);
}

/// The control values with these fields, as JSON. Fields that are not set are `null`.
const FIELDS: &str = r#"{"traffic_class":224,"hop_limit":1,"interface":3,"flow_label":48879}"#;

#[test]
fn received_control_values() {
    let got: RecvControl = serde_json::from_str(FIELDS).unwrap();
    assert_eq!(got.to_string(), "traffic class 0xe0, hop limit 1, interface 3, flow label 0x0beef");
    let json = concat!(
        r#"{"traffic_class":224,"hop_limit":1,"destination":null,"interface":3,"flow_label":48879,"#,
        r#""path_mtu":null,"segment_size":null,"ecn":null}"#
    );
    both_ways(got, json);
    assert_eq!(serde_json::from_str::<RecvControl>("{}").unwrap(), RecvControl::default());
    assert!(error::<RecvControl>(r#"{"interface":0}"#).contains("a nonzero u32"));
    assert!(error::<RecvControl>(r#"{"hop_limit":256}"#).contains("256"));
}

#[test]
fn control_values_to_send() {
    let control: SendControl = serde_json::from_str(FIELDS).unwrap();
    let interface = InterfaceIndex::new(3).unwrap();
    let label = FlowLabel::new(0xbeef).unwrap();
    let expected = SendControl::new().with_traffic_class(0xe0).with_hop_limit(1).with_interface(interface);
    assert_eq!(control, expected.with_flow_label(label));
    let json = concat!(
        r#"{"traffic_class":224,"hop_limit":1,"source":null,"interface":3,"flow_label":48879,"#,
        r#""next_hop":null,"segment_size":null}"#
    );
    both_ways(control, json);
    assert_eq!(serde_json::from_str::<SendControl>("{}").unwrap(), SendControl::new());
}

#[test]
fn messages_of_a_control_value_are_an_error() {
    let messages = Messages::<Linux64, 24>::new().with(HopLimit(1)).unwrap();
    let error = serde_json::to_string(&SendControl::new().with_messages(&messages)).unwrap_err();
    assert_eq!(error.to_string(), "a SendControl with messages cannot be serialized, only its fields can");
}

#[test]
fn headers() {
    let header = Header {
        traffic_class: 0x28,
        flow_label: FlowLabel::new(0xbeef).unwrap(),
        payload_len: 8,
        next_header: 58,
        hop_limit: 255,
        source: "fe80::1".parse().unwrap(),
        destination: "ff02::1".parse().unwrap(),
    };
    let json = concat!(
        r#"{"traffic_class":40,"flow_label":48879,"payload_len":8,"next_header":58,"hop_limit":255,"#,
        r#""source":"fe80::1","destination":"ff02::1"}"#
    );
    both_ways(header, json);
    assert!(error::<Header>(&json.replace("48879", "1048576")).contains("a flow label"));
}

#[test]
fn queued_errors() {
    let error = QueuedError::new(90)
        .with_icmp6(Icmp6Type::PACKET_TOO_BIG, 0)
        .with_mtu(1280)
        .with_reporter("2001:db8::1".parse().unwrap());
    both_ways(error, r#"{"errno":90,"icmp6":[2,0],"icmp":null,"mtu":1280,"reporter":"2001:db8::1"}"#);
    both_ways(QueuedError::new(111), r#"{"errno":111,"icmp6":null,"icmp":null,"mtu":null,"reporter":null}"#);
    let refused = QueuedError::new(111).with_icmp(IcmpType::DESTINATION_UNREACHABLE, 3);
    both_ways(refused, r#"{"errno":111,"icmp6":null,"icmp":[3,3],"mtu":null,"reporter":null}"#);
}

#[test]
fn filters_are_the_shorter_list_of_types() {
    both_ways(Icmp6Filter::pass_all(), r#"{"block":[]}"#);
    both_ways(Icmp6Filter::block_all(), r#"{"pass":[]}"#);
    let mut filter = Icmp6Filter::block_all();
    filter.pass(Icmp6Type(0)).pass(Icmp6Type::ECHO_REPLY).pass(Icmp6Type(255));
    both_ways(filter, r#"{"pass":[0,129,255]}"#);
    // The list of those that pass, if both are equally long.
    let mut half = Icmp6Filter::pass_all();
    for kind in 0..128 {
        half.block(Icmp6Type(kind));
    }
    assert!(serde_json::to_string(&half).unwrap().starts_with(r#"{"pass":[128,129,"#));
    let mut filter = Icmp6Filter::pass_all();
    filter.block(Icmp6Type::ECHO_REQUEST);
    both_ways(filter, r#"{"block":[128]}"#);
    // The longer list, and a type twice.
    let all = serde_json::to_string(&(0..=255).collect::<Vec<u8>>()).unwrap();
    let json = format!(r#"{{"pass":{all}}}"#);
    assert_eq!(serde_json::from_str::<Icmp6Filter>(&json).unwrap(), Icmp6Filter::pass_all());
    assert_eq!(serde_json::from_str::<Icmp6Filter>(r#"{"block":[128,128]}"#).unwrap(), filter);
}

#[test]
fn a_filter_of_other_types_is_an_error() {
    assert!(error::<Icmp6Filter>(r#"{"pass":[256]}"#).contains("256"));
    assert!(error::<Icmp6Filter>(r#"{"pass":128}"#).contains("a list of ICMPv6 types"));
    assert!(error::<Icmp6Filter>(r#"{"drop":[]}"#).contains("drop"));
}

#[test]
fn sets_of_flags_are_their_names() {
    both_ways(AddressPreferences::TEMPORARY | AddressPreferences::HOME, r#""TEMPORARY | HOME""#);
    both_ways(TimestampingFlags::RX_SOFTWARE, r#""RX_SOFTWARE""#);
}

#[test]
fn a_kind_of_message_is_its_name() {
    both_ways(Control::HopLimit, r#""IPV6_HOPLIMIT""#);
    assert!(error::<Control>(r#""IPV6_COLOUR""#).contains("the name of a control message in C"));
}

#[test]
fn errors_have_their_fields() {
    let error = RawMessages::<Linux64>::new(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        .next()
        .unwrap()
        .unwrap_err();
    both_ways::<MalformedMessage>(error, r#"{"offset":0,"len":2,"available":16}"#);
    both_ways(DecodeError::from(error), r#"{"Malformed":{"offset":0,"len":2,"available":16}}"#);
}

#[test]
fn numbers_out_of_range_are_an_error() {
    both_ways(Mif::new(31).unwrap(), "31");
    assert!(error::<Mif>("32").contains("at most 31"));
    both_ways(Align::new(4, 2).unwrap(), "[4,2]");
    assert!(error::<Align>("[3,0]").contains("alignment 3n+0"));
}

// JSON has no bytes: it writes a list of numbers, and takes a text as borrowed bytes.
#[test]
fn values_that_borrow_bytes_are_read_from_bytes() {
    let header = HopByHop::parse(&[58, 0, 5, 2, 0, 0, 1, 0]).unwrap();
    assert_eq!(serde_json::to_string(&header).unwrap(), "[58,0,5,2,0,0,1,0]");
    let message = RawMessage::new(41, 52, &[1, 0]);
    assert_eq!(serde_json::to_string(&message).unwrap(), r#"{"level":41,"kind":52,"data":[1,0]}"#);
    let read: RawMessage<'_> = serde_json::from_str(r#"{"level":41,"kind":52,"data":"ab"}"#).unwrap();
    assert_eq!(read, RawMessage::new(41, 52, b"ab"));
    let read: Opt<'_> = serde_json::from_str(r#"{"kind":5,"data":"ab","offset":2}"#).unwrap();
    assert_eq!((read.data, read.offset), (&b"ab"[..], 2));

    // An extension header is checked. "!" is 33: a length of 272 bytes.
    let text = format!("\"9!{}\"", "a".repeat(270));
    let read: DestinationOptions<'_> = serde_json::from_str(&text).unwrap();
    assert_eq!((read.next_header(), read.as_bytes().len()), (57, 272));
    let text = format!(r#"{{"DestinationOptions":{text}}}"#);
    let expected = Walk::new(60, read.as_bytes()).next().unwrap().unwrap();
    assert_eq!(serde_json::from_str::<ExtensionHeader<'_>>(&text).unwrap(), expected);
    let short = serde_json::from_str::<HopByHop<'_>>(r#""9!""#).unwrap_err().to_string();
    assert!(short.contains("extension header at offset 0 has 272 bytes, 2 are there"), "{short}");
    assert!(serde_json::from_str::<SegmentRouting<'_>>(r#""9!""#).is_err());
}
