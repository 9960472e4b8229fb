//! What the fuzz targets do with an input. The same bodies run over the named inputs in
//! `tests/regressions.rs`.

use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_core::abi::{Linux32, Linux32Be, Linux64, Linux64Be, Platform};
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::*;

/// Calls a function for every platform.
macro_rules! on_every_platform {
    ($function:ident($($argument:expr),*)) => {
        $function::<Linux64>($($argument),*);
        $function::<Linux64Be>($($argument),*);
        $function::<Linux32>($($argument),*);
        $function::<Linux32Be>($($argument),*);
    };
}

/// Walks through the input as control messages, and decodes them.
pub fn walk(input: &[u8]) {
    fn body<P: Platform>(input: &[u8]) {
        let mut messages = RawMessages::<P>::new(input);
        let mut seen = 0;
        let mut failed = false;
        for message in messages.by_ref() {
            assert!(!failed, "something after an error");
            failed = message.is_err();
            seen += message.map_or(0, |message| P::ABI.cmsg.len(message.data.len()));
        }
        assert!(seen <= input.len());
        assert!(messages.next().is_none());

        let strict = RecvControl::decode::<P>(input);
        let whole = RecvControl::decode_truncated::<P>(input);
        assert!(!failed || strict.is_err());
        if let Ok(control) = strict {
            let _ = (control.to_string(), control.reply(), control.dscp(), control.ecn());
        }
        let _ = whole.to_string();
    }
    on_every_platform!(body(input));
}

/// Makes a control of the input, encodes it, and decodes it again.
pub fn encode(input: &[u8]) {
    let (fields, rest) = input.split_at(input.len().min(30));
    let mut bytes = fields.iter().copied().chain(std::iter::repeat(0));
    let mut byte = || bytes.next().unwrap_or(0);
    let present = byte();
    let mut control = SendControl::new();
    control.traffic_class = Some(byte()).filter(|_| present & 1 != 0);
    control.hop_limit = Some(byte()).filter(|_| present & 2 != 0);
    let address: [u8; 16] = std::array::from_fn(|_| byte());
    control.source = Some(Ipv6Addr::from(address)).filter(|_| present & 4 != 0);
    let index = u32::from_le_bytes(std::array::from_fn(|_| byte()));
    control.interface = InterfaceIndex::new(index).filter(|_| present & 8 != 0);
    let next_hop = SocketAddrV6::new(address.into(), u16::from(byte()), 0, index);
    control.next_hop = Some(next_hop).filter(|_| present & 16 != 0);
    let room = usize::from(byte());

    fn body<P: Platform>(control: &SendControl<'_>, room: usize, rest: &[u8]) {
        let mut buffer = vec![0xa5; room];
        match control.encode::<P>(&mut buffer) {
            Ok(used) => {
                assert_eq!(used, control.space::<P>());
                assert!(buffer[used..].iter().all(|byte| *byte == 0xa5));
                let got = RecvControl::decode::<P>(&buffer[..used]).unwrap();
                assert_eq!((got.traffic_class, got.hop_limit), (control.traffic_class, control.hop_limit));
                assert_eq!(got.interface, control.interface);
            }
            Err(EncodeError::BufferTooSmall { needed, available }) => {
                assert!(needed > available && available == room);
            }
            Err(EncodeError::Unsupported(_)) => assert!(control.next_hop.is_some()),
        }
        let mut buffer = vec![0; room];
        let mut writer = Writer::<P>::new(&mut buffer);
        let fits = writer.push(1, 2, rest).is_ok();
        let used = writer.finish();
        assert_eq!(RawMessages::<P>::new(&buffer[..used]).count(), usize::from(fits));
    }
    on_every_platform!(body(&control, room, rest));
}

/// Reads a filter from the input, and writes it again.
pub fn filter(input: &[u8]) {
    fn body<P: Platform>(bytes: &[u8; 32]) {
        let Some(filter) = Icmp6Filter::decode::<P>(bytes) else { return };
        assert_eq!(filter.encode::<P>().as_ref(), Some(bytes));
        let blocked = (0..=u8::MAX).filter(|kind| filter.blocks(Icmp6Type(*kind))).count();
        let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
        assert_eq!(blocked, ones as usize);
    }
    if let Some(bytes) = input.first_chunk() {
        on_every_platform!(body(bytes));
    }
    for pair in input.chunks_exact(2) {
        let mut filter = Icmp6Filter::pass_all();
        let (one, other) = (Icmp6Type(pair[0]), Icmp6Type(pair[1]));
        assert!(filter.block(one).pass(other).blocks(one) == (one != other));
    }
}

/// Reads a header from the input, and writes it again.
pub fn header(input: &[u8]) {
    match Header::parse(input) {
        Ok((header, payload)) => assert_eq!([&header.encode()[..], payload].concat(), input),
        Err(HeaderError::TooShort { len }) => assert!(len < Header::LEN && len == input.len()),
        Err(HeaderError::Version(version)) => assert!(version != 6),
    }
}

/// Reads an address from the input, writes it again, and as a group request.
pub fn address(input: &[u8]) {
    fn body<P: Platform>(input: &[u8]) {
        let _ = PathMtu::decode::<P>(input);
        let Some(address) = sockaddr::decode::<P>(input) else { return };
        assert_eq!(sockaddr::encode::<P>(&address)[..28], input[..28]);
        let mut request = vec![0; input.len() * 8];
        let on = InterfaceIndex::new(address.scope_id());
        let answer = group::encode_group_source_req::<P>(*address.ip(), *address.ip(), on, &mut request);
        assert_eq!(answer.is_ok(), P::ABI.group_req.is_some_and(|layout| layout.size <= request.len()));
    }
    on_every_platform!(body(input));
}
