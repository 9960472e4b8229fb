//! The bodies of the fuzz targets. Each checks one input on every platform of the core and of its tests.
//! `tests/regressions.rs` runs them with named inputs.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use arbitrary::Unstructured;
use ipv6_core::abi::Platform;
use ipv6_core::cmsg::{MalformedMessage, RawMessages, Writer};
use ipv6_core::*;

#[macro_use]
#[path = "../../ipv6-core/tests/common/mod.rs"]
pub mod common;

mod api;
#[cfg(target_os = "linux")]
mod macros;
mod packets;
mod structured;
mod values;

pub use api::api;
#[cfg(target_os = "linux")]
pub use macros::macros;
pub use packets::{builders, extension, icmp, payload};
pub use structured::{messages, received, typed};
pub use values::{requests, values};

/// A target's name, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Makes the list of targets: one row for each `[[bin]]` of Cargo.toml.
macro_rules! targets {
    ($($(#[$cfg:meta])? $target:ident)*) => {
        /// Each target.
        pub const TARGETS: &[Target] = &[$($(#[$cfg])? (stringify!($target), $target),)*];
    };
}

targets! {
    walk decode encode filter header sockaddr_group messages received typed extension builders icmp payload requests values api
    #[cfg(target_os = "linux")] macros
}

/// Reads the input as control messages and writes them again.
pub fn walk(input: &[u8]) {
    on_every_platform!(walk_on(input));
}

fn walk_on<P: Platform>(input: &[u8]) {
    let mut messages = RawMessages::<P>::new(input);
    let mut copy = vec![0xa5; input.len() + P::ABI.cmsg.header_align];
    let mut writer = Writer::<P>::new(&mut copy);
    let mut seen = Vec::new();
    let mut malformed = None;
    for message in messages.by_ref() {
        assert_eq!(malformed, None, "the iterator does not end after an error");
        match message {
            Ok(message) => {
                assert!(input.as_ptr_range().contains(&message.data.as_ptr()) || message.data.is_empty());
                writer.push(message.level, message.kind, message.data).unwrap();
                seen.push(message);
            }
            Err(error) => malformed = Some(error),
        }
    }
    assert!(messages.next().is_none());
    let used = writer.finish();
    let again: Vec<_> = RawMessages::<P>::new(&copy[..used]).map(Result::unwrap).collect();
    assert_eq!(again, seen);
    if let Some(MalformedMessage { offset, len, available, .. }) = malformed {
        assert_eq!((offset, available), (used, input.len() - used));
        assert!(len < P::ABI.cmsg.data_offset() as u64 || len > available as u64);
    }
}

/// Decodes the input as control messages, and as truncated control messages.
pub fn decode(input: &[u8]) {
    on_every_platform!(decode_on(input));
}

fn decode_on<P: Platform>(input: &[u8]) {
    let strict = RecvControl::decode::<P>(input);
    let whole = RecvControl::decode_truncated::<P>(input);
    // The general path returns what each fast path returns. A fast path may also return `None`.
    let mut any = RecvControl::default();
    assert_eq!(any.decode_more::<P>(input).map(|()| any), strict);
    assert!(RecvControl::decode_three::<P>(input).is_none_or(|three| strict == Ok(three)));
    assert!(RecvControl::decode_in_order::<P>(input).is_none_or(|some| strict == Ok(some)));
    match strict {
        Ok(control) => {
            assert_eq!(control.filter(ControlFlags::all()), control);
            assert_eq!(control.detach(), control);
            let reply = control.reply();
            assert!(reply.interface.is_none() || reply.interface == control.interface);
            assert!(reply.source.is_none_or(|source| !source.is_multicast()));
            // A traffic class of one byte is valid, but ignored if messages may be truncated.
            let no_class = ControlFlags::all() - ControlFlags::TRAFFIC_CLASS;
            assert_eq!(control.filter(no_class), whole.filter(no_class));
            assert!(RawMessages::<P>::new(input).all(|message| message.is_ok()));
        }
        Err(DecodeError::Malformed(error)) => {
            assert_eq!(RawMessages::<P>::new(input).last(), Some(Err(error)));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert!(!whole.to_string().is_empty());
    // The lenient decoder returns what can be read, and thus all of a valid buffer.
    let lenient = RecvControl::decode_lenient::<P>(input);
    if let Ok(control) = strict {
        let fields = |control: &RecvControl<'_>| {
            (
                control.traffic_class,
                control.hop_limit,
                control.destination,
                control.interface,
                control.path_mtu,
            )
        };
        assert_eq!(fields(&lenient), fields(&control));
    }
    assert!(!format!("{lenient} {lenient:?}").is_empty());
    sent_on::<P>(input);
}

/// Reads the input as what a program sent, and encodes the result: encoding is then the opposite of decoding.
fn sent_on<P: Platform>(input: &[u8]) {
    let sent = match SendControl::decode::<P>(input) {
        Ok(sent) => sent,
        Err(error) => {
            assert!(error.offset().is_some_and(|offset| offset < input.len()));
            return;
        }
    };
    assert!(!format!("{sent} {sent:?}").is_empty());
    let mut one = vec![0xa5; input.len() + 512];
    let mut other = one.clone();
    if let Ok(used) = sent.encode::<P>(&mut one) {
        assert_eq!(used, sent.space::<P>());
        let again = SendControl::decode::<P>(&one[..used]).unwrap();
        assert_eq!(again.encode::<P>(&mut other), Ok(used));
        assert_eq!(one[..used], other[..used]);
    }
    if let Ok(used) = sent.encode_mapped::<P>(&mut one) {
        let again = SendControl::decode::<P>(&one[..used]).unwrap();
        assert_eq!(again.encode_mapped::<P>(&mut other), Ok(used));
        assert_eq!(one[..used], other[..used]);
    }
}

/// Creates a control from the input, encodes it into a buffer, and decodes it again. Then writes the rest of the input as
/// the data of another message.
///
/// Reads the input from its start: the fields in the order of [`send_control`], each after a byte whose lowest bit is set
/// if the field is present, then a byte with the size of the buffer.
pub fn encode(input: &[u8]) {
    fn body<P: Platform>(control: &SendControl<'_>, size: usize, rest: &[u8]) {
        let mut buffer = vec![0xa5; size];
        match control.encode::<P>(&mut buffer) {
            Ok(used) => {
                assert_eq!(used, control.space::<P>());
                assert!(used <= SendControl::max_space::<P>());
                assert!(buffer[used..].iter().all(|byte| *byte == 0xa5));
                let mut other = vec![0x5a; size];
                assert_eq!(control.encode_to::<P, u8>(&mut other), Ok(used));
                assert_eq!(buffer[..used], other[..used]);
                let got = RecvControl::decode::<P>(&buffer[..used]).unwrap();
                assert_eq!((got.traffic_class, got.hop_limit), (control.traffic_class, control.hop_limit));
                assert_eq!(got.interface, control.interface);
                let sent = control.source.or(control.interface.map(|_| Ipv6Addr::UNSPECIFIED));
                assert_eq!(got.destination, sent);
            }
            Err(EncodeError::BufferTooSmall { needed, available }) => {
                assert!(needed > available && available == size);
            }
            Err(EncodeError::Unsupported(unsupported)) => {
                let numbers = P::ABI.control;
                let (number, requested) = match unsupported {
                    Control::TrafficClass => (numbers.traffic_class, control.traffic_class.is_some()),
                    Control::HopLimit => (numbers.hop_limit, control.hop_limit.is_some()),
                    Control::PacketInfo => {
                        (numbers.packet_info, control.source.is_some() || control.interface.is_some())
                    }
                    Control::NextHop => (numbers.next_hop, control.next_hop.is_some()),
                    Control::SegmentSize => (numbers.segment_size, control.segment_size.is_some()),
                    Control::FlowLabel => (numbers.flow_label, control.flow_label.is_some()),
                    other => panic!("{other} is never sent"),
                };
                assert!(number.is_none() && requested);
            }
            Err(error) => panic!("{error}"),
        }

        let mut buffer = vec![0xa5; size];
        match control.encode_mapped::<P>(&mut buffer) {
            Ok(used) => {
                assert!(used <= SendControl::max_space::<P>());
                assert!(buffer[used..].iter().all(|byte| *byte == 0xa5));
                assert!(control.flow_label.is_none() && control.next_hop.is_none());
            }
            Err(EncodeError::BufferTooSmall { needed, available }) => {
                assert!(needed > available && available == size);
            }
            // What IPv4 or the system lacks.
            Err(_) => {}
        }

        let mut buffer = vec![0xa5; size];
        let mut writer = Writer::<P>::new(&mut buffer);
        let result = writer.push(-1, i32::MAX, rest);
        let used = writer.finish();
        assert!(buffer[used..].iter().all(|byte| *byte == 0xa5));
        match result {
            Ok(()) => {
                let message = RawMessages::<P>::new(&buffer[..used]).next().unwrap().unwrap();
                assert_eq!((message.level, message.kind, message.data), (-1, i32::MAX, rest));
            }
            Err(error) => assert!(used == 0 && error.needed > error.available),
        }
    }
    let mut input = Unstructured::new(input);
    // `arbitrary` returns zeros at the end of the input, so neither call fails.
    let (Ok(control), Ok(size)) = (send_control(&mut input), input.arbitrary::<u8>()) else { return };
    let rest = input.take_rest();
    on_every_platform!(body(&control, size.into(), rest));
}

fn send_control(input: &mut Unstructured<'_>) -> arbitrary::Result<SendControl<'static>> {
    let mut control = SendControl::new();
    control.traffic_class = input.arbitrary()?;
    control.hop_limit = input.arbitrary()?;
    control.source = input.arbitrary::<Option<[u8; 16]>>()?.map(Ipv6Addr::from);
    control.interface = input.arbitrary::<Option<u32>>()?.and_then(|index| InterfaceIndex::new(index).ok());
    let next_hop: Option<([u8; 16], u16, u32, u32)> = input.arbitrary()?;
    control.next_hop =
        next_hop.map(|(ip, port, flow_info, scope)| SocketAddrV6::new(ip.into(), port, flow_info, scope));
    control.segment_size = input.arbitrary()?;
    control.flow_label = input.arbitrary::<Option<u32>>()?.and_then(FlowLabel::new);
    Ok(control)
}

/// Decodes a filter from the input and encodes it again. Then changes a filter and a model in the same steps, and
/// compares the two.
pub fn filter(input: &[u8]) {
    fn body<P: Platform>(bytes: &[u8; 32]) {
        let Some(filter) = Icmp6Filter::decode::<P>(bytes) else { return };
        assert_eq!(filter.encode::<P>().as_ref(), Some(bytes));
        let blocked = (0..=u8::MAX).filter(|kind| filter.blocks(Icmp6Type(*kind))).count();
        let ones = bytes.iter().map(|byte| byte.count_ones() as usize).sum();
        let passing = P::ABI.icmp6_filter == Some(abi::FilterPolarity::SetPasses);
        assert_eq!(if passing { 256 - blocked } else { blocked }, ones);
    }
    if let Some(bytes) = input.first_chunk() {
        on_every_platform!(body(bytes));
    }
    let (mut filter, mut model) = (Icmp6Filter::pass_all(), [false; 256]);
    for pair in input.chunks_exact(2) {
        let (kind, blocked) = (pair[0], pair[1] & 1 != 0);
        if blocked {
            filter.block(Icmp6Type(kind))
        } else {
            filter.pass(Icmp6Type(kind))
        };
        model[usize::from(kind)] = blocked;
    }
    for kind in 0..=u8::MAX {
        assert_eq!(filter.blocks(Icmp6Type(kind)), model[usize::from(kind)]);
    }
}

/// Parses a header from the input and encodes it again.
pub fn header(input: &[u8]) {
    match Header::parse(input) {
        Ok((header, payload)) => assert_eq!([&header.encode()[..], payload].concat(), input),
        Err(HeaderError::TooShort { len }) => assert!(len < Header::LEN && len == input.len()),
        Err(HeaderError::Version(version)) => assert!(version != 6 && version == input[0] >> 4),
        Err(error) => panic!("{error}"),
    }
}

/// Decodes an address, a path MTU and a queued error from the input. Encodes the address again, and in group requests.
pub fn sockaddr_group(input: &[u8]) {
    fn body<P: Platform>(input: &[u8]) {
        let layout = P::ABI.sockaddr;
        let path_mtu = PathMtu::decode::<P>(input);
        assert!(path_mtu.is_err() || input.len() == layout.size + 4);
        // A queued error has 16 bytes; an address can follow.
        let queued = QueuedError::decode::<P>(input);
        assert_eq!(queued.is_some(), input.len() >= 16);
        let reporter = input.get(16..).and_then(sockaddr::decode::<P>).map(|address| *address.ip());
        assert_eq!(
            queued.and_then(|error| error.reporter),
            reporter.filter(|address| !address.is_unspecified())
        );
        let Some(address) = sockaddr::decode::<P>(input) else { return };
        assert_eq!(path_mtu.is_ok(), input.len() == layout.size + 4);
        // Decoding ignores the length byte.
        let ignored = usize::from(layout.length_byte);
        assert_eq!(sockaddr::encode::<P>(&address)[ignored..28], input[ignored..28]);

        let (group, source) = (*address.ip(), Ipv6Addr::from(address.ip().to_bits() ^ 1));
        let on = InterfaceIndex::new(address.scope_id()).ok();
        // From 0 bytes to more than the largest structure.
        let mut request = vec![0xa5; usize::from(input[2]) * 12];
        match group::encode_group_source_req::<P>(group, source, on, &mut request) {
            Ok(size) => {
                let layout = P::ABI.group_req.unwrap();
                let at = |offset: usize| sockaddr::decode::<P>(&request[offset..]).map(|name| *name.ip());
                assert_eq!((at(layout.group), at(layout.source)), (Some(group), Some(source)));
                assert!(request[size..].iter().all(|byte| *byte == 0xa5));
            }
            Err(group::GroupError::Unsupported) => assert_eq!(P::ABI.group_req, None),
            Err(group::GroupError::BufferTooSmall(error)) => {
                assert!(error.needed > error.available && error.available == request.len());
                assert!(request.iter().all(|byte| *byte == 0xa5));
            }
            Err(error) => panic!("{error}"),
        }
        // The same for an IPv4 group: the address is at offset 4 of a `struct sockaddr_in`.
        let (ipv4, mut request) =
            (input.first_chunk().map_or(Ipv4Addr::LOCALHOST, |b: &[u8; 4]| (*b).into()), request);
        request.fill(0xa5);
        assert_eq!(group::encode_mreqn::<P>(ipv4, on)[..4], ipv4.octets());
        if let Ok(size) =
            group::encode_ipv4_group_source_req::<P>(ipv4, Ipv4Addr::LOCALHOST, on, &mut request)
        {
            let layout = P::ABI.group_req.unwrap();
            assert_eq!(request[layout.group + 4..][..4], ipv4.octets());
            assert_eq!(request[layout.source + 4..][..4], [127, 0, 0, 1]);
            assert!(request[size..].iter().all(|byte| *byte == 0xa5));
        } else {
            assert!(request.iter().all(|byte| *byte == 0xa5));
        }
    }
    on_every_platform!(body(input));
}
