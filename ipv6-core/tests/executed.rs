//! Compares layouts and codecs with what network stacks of other systems did when they were executed.

use ipv6_core::abi::*;
use ipv6_core::cmsg::RawMessages;
use ipv6_core::message::{HopLimit, PacketInfo, TrafficClass};
use ipv6_core::{ControlFlags, RecvControl};

const EXECUTED: &str = include_str!("data/executed.tsv");

/// The rows of one fact: platform, given, result.
fn rows(fact: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let lines = EXECUTED.lines().filter(|line| !line.starts_with('#')).skip(1);
    let fields = lines.map(|line| <[_; 4]>::try_from(line.split('\t').collect::<Vec<_>>()).unwrap());
    fields.filter(move |row| row[1] == fact).map(|[platform, _, given, result]| (platform, given, result))
}

fn table(platform: &str) -> Abi {
    PLATFORMS.iter().find(|(name, _)| *name == platform).unwrap().1
}

/// The control bytes that NetBSD on amd64 delivered, and what they say.
fn received() -> (Vec<u8>, &'static str) {
    let (_, hex, text) = rows("received").find(|row| row.0 == "NetBsd64").unwrap();
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    (digits.chunks(2).map(byte).collect(), text)
}

/// Text of decoded control messages; "nothing" without any.
fn text(control: &RecvControl<'_>) -> String {
    let text = control.to_string();
    if *control == RecvControl::default() { "nothing".into() } else { text }
}

#[test]
fn every_row_is_of_a_known_fact() {
    let known = ["layout", "received", "room", "silent"].map(|fact| rows(fact).count());
    assert!(known.iter().all(|count| *count > 0), "{known:?}");
    let all = EXECUTED.lines().filter(|line| !line.starts_with('#')).skip(1).count();
    assert_eq!(known.iter().sum::<usize>(), all);
}

#[test]
fn control_messages_are_where_the_systems_put_them() {
    for (platform, _, layout) in rows("layout") {
        let CmsgLayout { header_align, data_align, .. } = table(platform).cmsg;
        let ours = format!("{}/{header_align}", table(platform).cmsg.data_offset());
        assert_eq!((ours.as_str(), header_align), (layout, data_align), "{platform}");
    }
}

#[test]
fn control_bytes_of_netbsd_are_decoded_whatever_their_padding_is() {
    let (zeroed, expected) = received();
    // Between header (12 bytes) and data, and after data.
    let padding = [12..16, 36..40, 52..56, 60..64, 76..80, 84..88];
    for value in [0, 1, 0x29, 0xff] {
        let mut control = zeroed.clone();
        for range in padding.clone() {
            control[range].fill(value);
        }
        let got = RecvControl::decode::<NetBsd64>(&control).unwrap();
        assert_eq!(text(&got), expected);
        assert_eq!(RecvControl::decode_truncated::<NetBsd64>(&control), got);
        let messages = RawMessages::<NetBsd64>::new(&control);
        assert_eq!(
            messages.clone().map(|message| message.unwrap().data.len()).collect::<Vec<_>>(),
            [20, 4, 4]
        );
        assert_eq!(messages.get::<TrafficClass>().unwrap(), Some(TrafficClass(0xe2)));
        assert_eq!(messages.get::<HopLimit>().unwrap(), Some(HopLimit(1)));
        assert!(messages.get::<PacketInfo>().unwrap().is_some());
    }
    // The room that is reserved for these messages holds them: a smaller one would lose them without a sign.
    let flags = ControlFlags::TRAFFIC_CLASS | ControlFlags::HOP_LIMIT | ControlFlags::DESTINATION;
    assert_eq!(flags.space::<NetBsd64>(), zeroed.len());
}

#[test]
fn netbsd_counts_padding_for_which_there_is_no_room() {
    for (platform, room, reported) in rows("room") {
        let layout = table(platform).cmsg;
        let (room, reported): (usize, usize) = (room.parse().unwrap(), reported.parse().unwrap());
        // The room, rounded up: so a reader must limit the length to the room.
        assert_eq!(layout.space(room - layout.data_offset()), reported, "{platform} {room}");
        assert!(reported > room);
    }
    let (control, _) = received();
    for room in [20, 23] {
        assert_eq!(text(&RecvControl::decode_truncated::<NetBsd64>(&control[..room])), "nothing");
    }
}

#[test]
fn netbsd_does_not_report_messages_that_are_lost_at_a_boundary() {
    let (control, _) = received();
    for (_, room, expected) in rows("silent") {
        // No error: nothing distinguishes these bytes from complete ones.
        let got = RecvControl::decode::<NetBsd64>(&control[..room.parse().unwrap()]).unwrap();
        assert_eq!(text(&got), expected);
    }
}
