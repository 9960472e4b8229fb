//! Control messages by type, received and sent in every way, including those that this test defines.

mod common;

use std::net::SocketAddrV6;
use std::os::fd::AsFd;

use common::*;
use ipv6_std::abi::ControlNumber;
use ipv6_std::message::{FragmentSize, HopLimit, TrafficClass};
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [Namespace] the_size_of_the_largest_fragment_is_received_with_a_fragmented_datagram_only;
    [Namespace] a_message_that_a_program_defines_is_received;
    [Namespace] a_batch_has_the_messages_of_each_datagram;
    [Namespace] a_coalesced_batch_has_the_messages_of_each_datagram;
    [Namespace] flags_keep_their_room_beside_options;
    [Namespace] truncated_messages_are_missing;
    [Namespace] messages_are_sent_in_every_way;
    [Namespace] large_messages_are_sent_from_a_buffer;
    [Namespace] messages_that_do_not_fit_are_an_error_before_the_system_call;
    [Namespace] send_batch_sends_messages_of_each_datagram;
    [Namespace] messages_allocate_nothing;
}

const LEVEL_IPV6: i32 = 41;
const SOL_SOCKET: i32 = 1;
/// The size of a C `long`, to which control messages are padded.
const WORD: usize = size_of::<usize>();
/// The size of the header of a control message.
const HEADER: usize = WORD + 8;

/// `SCM_TIMESTAMPNS`: the arrival time of the datagram, as two words.
#[derive(Debug, PartialEq)]
struct TimestampNs {
    seconds: i64,
    nanoseconds: i64,
}

impl<P: Platform> ControlMessage<P> for TimestampNs {
    type Value<'a> = Self;
    const NAME: &'static str = "SCM_TIMESTAMPNS";
    const NUMBER: Option<ControlNumber> = Some(ControlNumber::new(SOL_SOCKET, 35, 2 * WORD));

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let (control, len) = (Control::of::<Self, P>(), data.len());
        let word = |at: usize| {
            let bytes = data.get(at..at + WORD).and_then(|word| word.try_into().ok());
            let word = bytes.map(isize::from_ne_bytes).map(|word| word as i64);
            word.ok_or(DecodeError::Width { control, len, expected: 2 * WORD })
        };
        Ok(Self { seconds: word(0)?, nanoseconds: word(WORD)? })
    }
}

/// `IPV6_DSTOPTS`: a destination options header. A received one borrows from the control buffer.
struct DestinationOptions(Vec<u8>);

impl DestinationOptions {
    /// A header of `len` bytes, a multiple of 8, of options that nodes skip (type 0x1e, RFC 4727).
    fn new(len: usize, fill: u8) -> Self {
        let mut header = vec![0, (len / 8 - 1) as u8];
        while header.len() < len {
            let data = (len - header.len() - 2).min(253);
            // The rest must have room for another option.
            let data = if len - header.len() - 2 - data == 1 { data - 1 } else { data };
            header.extend([0x1e, data as u8]);
            header.extend(vec![fill; data]);
        }
        assert_eq!(header.len(), len);
        Self(header)
    }
}

impl<P: Platform> ControlMessage<P> for DestinationOptions {
    type Value<'a> = &'a [u8];
    const NAME: &'static str = "IPV6_DSTOPTS";
    const NUMBER: Option<ControlNumber> = Some(ControlNumber::new(LEVEL_IPV6, 59, 8));

    fn decode(data: &[u8]) -> Result<&[u8], DecodeError> {
        Ok(data)
    }
}

impl<P: Platform> SendMessage<P> for DestinationOptions {
    fn encode(&self) -> impl AsRef<[u8]> {
        &self.0
    }
}

/// A UDP message that no system supports.
struct Unknown;

impl<P: Platform> ControlMessage<P> for Unknown {
    type Value<'a> = Self;
    const NAME: &'static str = "UNKNOWN";
    const NUMBER: Option<ControlNumber> = None;

    fn decode(_: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

impl<P: Platform> SendMessage<P> for Unknown {
    fn encode(&self) -> impl AsRef<[u8]> {
        []
    }
}

/// The option that enables the delivery of timestamps.
fn enable_timestamps(conn: &impl AsFd) {
    nix::sys::socket::setsockopt(conn, nix::sys::socket::sockopt::ReceiveTimestampns, &true).unwrap();
}

/// Two hosts, a socket on each, of which the second delivers timestamps and destination options, and its address.
fn sockets() -> (Pair, PacketConn, PacketConn, SocketAddrV6) {
    let pair = Pair::new().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    enable_timestamps(receiver.get_ref());
    receiver.set_option(&option::SocketOption::<i32>::custom(LEVEL_IPV6, 58, "IPV6_RECVDSTOPTS"), 1).unwrap();
    let to = at(Pair::B, port(&receiver));
    (pair, sender, receiver, to)
}

fn is_recent(timestamp: &TimestampNs) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    (now.as_secs() as i64 - timestamp.seconds).abs() < 3600 && timestamp.nanoseconds < 1_000_000_000
}

fn a_message_that_a_program_defines_is_received() {
    let (_pair, sender, receiver, to) = sockets();
    sender.send_to(b"x", &SendControl::new().with_hop_limit(9), to).unwrap();
    let (mut payload, mut control) = ([0; 8], [0; 512]);
    let message = receiver.recv_message(&mut payload, &mut control).unwrap();
    assert!(is_recent(&message.get::<TimestampNs>().unwrap().unwrap()));
    assert_eq!(message.get::<HopLimit>(), Ok(Some(HopLimit(9))));
    assert_eq!(message.get::<DestinationOptions>(), Ok(None));
    assert!(message.get::<Unknown>().unwrap().is_none());
    assert_eq!(message.each::<TimestampNs>().count(), 1);
    assert_eq!(message.each::<Unknown>().count(), 0);
}

fn a_batch_has_the_messages_of_each_datagram() {
    let (_pair, sender, receiver, to) = sockets();
    for hop_limit in 1..=4 {
        sender.send_to(&[hop_limit], &SendControl::new().with_hop_limit(hop_limit), to).unwrap();
    }
    let (mut batch, mut payloads, mut got) = (RecvBatch::new(4), [[0; 1]; 4], 0);
    while got < 4 {
        got += receiver.recv_batch(&mut batch, &mut payloads).unwrap();
        for (message, payload) in batch.messages().zip(&payloads) {
            assert!(is_recent(&message.get::<TimestampNs>().unwrap().unwrap()));
            assert_eq!(message.get::<HopLimit>(), Ok(Some(HopLimit(payload[0]))));
        }
    }
}

fn a_coalesced_batch_has_the_messages_of_each_datagram() {
    let (_pair, sender, receiver, to) = sockets();
    receiver.set_receive_coalescing(true).unwrap();
    let texts = texts(&[100; 4]);
    sender.send_batch_all(&mut SendBatch::new(8), &outgoing(&texts, to)).unwrap();
    let (mut batch, mut payloads, mut got) = (RecvBatch::new(4), [[0; 100]; 4], 0);
    while got < 4 {
        got += receiver.recv_batch(&mut batch, &mut payloads).unwrap();
        for message in batch.messages() {
            assert!(is_recent(&message.get::<TimestampNs>().unwrap().unwrap()));
            assert_eq!(message.len, 100);
        }
    }
}

// Scar 41: a timestamp filled quinn-udp's control buffer, and it did not read MSG_CTRUNC.
// Scar 72: the kernel writes the messages of SOL_SOCKET, and of most options, before ours.
fn flags_keep_their_room_beside_options() {
    use nix::sys::socket::{TimestampingFlag, setsockopt, sockopt};
    let (_pair, sender, receiver, to) = sockets();
    let _times = takes_times();
    let software =
        TimestampingFlag::SOF_TIMESTAMPING_RX_SOFTWARE | TimestampingFlag::SOF_TIMESTAMPING_SOFTWARE;
    setsockopt(receiver.get_ref(), sockopt::Timestamping, &software).unwrap();
    setsockopt(receiver.get_ref(), sockopt::RxqOvfl, &1).unwrap();
    let control = SendControl::new().with_hop_limit(9).with_traffic_class(0x28);
    sender.send_to(b"x", &control, to).unwrap();
    let (mut payload, mut batch) = ([0; 8], RecvBatch::new(1));
    let got = receiver.recv_from(&mut payload).unwrap();
    assert!(!got.control_truncated);
    assert_eq!((got.control.hop_limit, got.control.traffic_class), (Some(9), Some(0x28)));
    assert_eq!(got.control.destination, Some(Pair::B));
    // An extension header that does not fit is truncated. The kernel writes it after the others.
    let messages = Messages::<600>::new().with(DestinationOptions::new(512, 1)).unwrap();
    sender.send_messages(b"x", &messages.with(HopLimit(7)).unwrap(), to).unwrap();
    receiver.recv_batch(&mut batch, &mut [&mut payload]).unwrap();
    let got = batch.iter().next().unwrap().unwrap();
    assert!(got.control_truncated);
    assert_eq!((got.control.hop_limit, got.control.destination), (Some(7), Some(Pair::B)));
}

fn truncated_messages_are_missing() {
    let (_pair, sender, receiver, to) = sockets();
    let messages = Messages::<600>::new().with(DestinationOptions::new(512, 1)).unwrap();
    sender.send_messages(b"x", &messages, to).unwrap();
    let (mut payload, mut control) = ([0; 8], [0; 256]);
    let message = receiver.recv_message(&mut payload, &mut control).unwrap();
    assert!(message.control_truncated);
    assert!(message.get::<TimestampNs>().unwrap().is_some());
    // A part of it is there, which is not its value. `DestinationOptions` cannot tell; `TimestampNs` can.
    sender.send_to(b"x", &SendControl::new(), to).unwrap();
    let mut control = [0; HEADER + 2 * WORD - 4];
    let message = receiver.recv_message(&mut payload, &mut control).unwrap();
    assert!(message.control_truncated);
    assert_eq!((message.get::<TimestampNs>(), message.each::<TimestampNs>().count()), (Ok(None), 0));
}

/// Receives one datagram and asserts its payload, its hop limit, its traffic class, and the length of its destination
/// options.
fn expect(receiver: &PacketConn, payload: &[u8], hop_limit: u8, traffic_class: u8, options: &[u8]) {
    let (mut buffer, mut control) = ([0; 2048], [0; 4096]);
    let message = receiver.recv_message(&mut buffer, &mut control).unwrap();
    assert_eq!(&buffer[..message.len], payload);
    assert_eq!(message.get::<HopLimit>(), Ok(Some(HopLimit(hop_limit))));
    assert_eq!(message.get::<TrafficClass>(), Ok(Some(TrafficClass(traffic_class))));
    let received = message.get::<DestinationOptions>().unwrap().unwrap_or_default();
    // The first byte is the next header, which the kernel fills in.
    assert_eq!(received.get(1..), options.get(1..));
}

fn messages_are_sent_in_every_way() {
    let (pair, sender, receiver, to) = sockets();
    // On 64-bit systems, 240 bytes of data take 256 bytes of control buffer.
    let options = DestinationOptions::new(240, 7);
    let mut messages = Messages::<256>::new();
    messages.push(&options).unwrap();
    assert_eq!(messages.as_bytes().len(), HEADER + 240);
    // Together with every header field.
    let all = SendControl::new()
        .with_hop_limit(9)
        .with_traffic_class(0x28)
        .with_source(Pair::A)
        .with_interface(index(&pair.a, "eth0"));
    let control = all.with_messages(&messages);
    sender.send_to(b"one", &control, to).unwrap();
    expect(&receiver, b"one", 9, 0x28, &options.0);
    sender.send_to(b"one", &SendControl::new().with_hop_limit(3).with_messages(&messages), to).unwrap();
    expect(&receiver, b"one", 3, 0, &options.0);
    sender.send_vectored(&[std::io::IoSlice::new(b"t"), std::io::IoSlice::new(b"wo")], &control, to).unwrap();
    expect(&receiver, b"two", 9, 0x28, &options.0);
    assert_eq!(sender.send_segments(&[5; 25], 10, &control, to).unwrap(), 25);
    for len in [10, 10, 5] {
        expect(&receiver, &vec![5; len], 9, 0x28, &options.0);
    }
    sender.get_ref().connect(to).unwrap();
    sender.send(b"three", &control).unwrap();
    expect(&receiver, b"three", 9, 0x28, &options.0);
    // The next datagrams are sent without messages again.
    sender.send(b"four", &all).unwrap();
    expect(&receiver, b"four", 9, 0x28, &[]);
}

fn large_messages_are_sent_from_a_buffer() {
    let (_pair, sender, receiver, to) = sockets();
    let options = DestinationOptions::new(600, 9);
    let messages = Messages::<1024>::new().with(HopLimit(5)).unwrap();
    let mut messages = messages.with(TrafficClass(0xe0)).unwrap();
    messages.push(&options).unwrap();
    sender.send_messages(b"large", &messages, to).unwrap();
    expect(&receiver, b"large", 5, 0xe0, &options.0);
    sender.get_ref().connect(to).unwrap();
    sender.send_messages(b"to the peer", &messages, None).unwrap();
    expect(&receiver, b"to the peer", 5, 0xe0, &options.0);
    messages.clear();
    sender.send_messages(b"no messages", &messages, to).unwrap();
    expect(&receiver, b"no messages", 64, 0, &[]);
    refused(
        sender.send_messages(b"x", &messages, "[::ffff:192.0.2.1]:9".parse::<SocketAddrV6>().unwrap()),
        "192.0.2.1",
    );
}

fn messages_that_do_not_fit_are_an_error_before_the_system_call() {
    let (_pair, sender, _receiver, to) = sockets();
    let messages = Messages::<600>::new().with(DestinationOptions::new(512, 1)).unwrap();
    let control = SendControl::new().with_hop_limit(3).with_messages(&messages);
    refused(sender.send_to(b"x", &control, to), "send_messages");
    let needed = (HEADER + 512) + (HEADER + WORD);
    refused(sender.send_to(b"x", &control, to), &format!("{needed} bytes needed"));
    refused(sender.send_segments(&[0; 30], 10, &control, to), "send_messages");
    let mut batch = SendBatch::new(8);
    let fits = Outgoing::new(b"x", SendControl::new(), Some(to));
    let too_large = Outgoing::new(b"x", control, Some(to));
    refused(sender.send_batch(&mut batch, &[too_large, fits]), "send_messages");
    let error = sender.send_batch_all(&mut batch, &[fits, too_large]).unwrap_err();
    assert_eq!((error.index(), error.error().kind()), (1, std::io::ErrorKind::InvalidInput));
    // A message that the system does not support.
    let error = Messages::<64>::new().with(Unknown).unwrap_err();
    assert!(error.to_string().contains("UNKNOWN"), "{error}");
}

fn send_batch_sends_messages_of_each_datagram() {
    let (pair, sender, receiver, to) = sockets();
    // 112 bytes of data take 128 bytes of control buffer.
    let options = [1, 2, 2].map(|fill| DestinationOptions::new(112, fill));
    let messages = options.each_ref().map(|options| {
        let mut messages = Messages::<128>::new();
        messages.push(options).unwrap();
        messages
    });
    let all = SendControl::new().with_hop_limit(9).with_traffic_class(0x28).with_source(Pair::A);
    let all = all.with_interface(index(&pair.a, "eth0"));
    let batch: Vec<_> = messages
        .iter()
        .map(|messages| Outgoing::new(b"batch", all.with_messages(messages), Some(to)))
        .collect();
    for coalescing in [true, false] {
        sender.set_send_coalescing(coalescing);
        sender.send_batch_all(&mut SendBatch::new(8), &batch).unwrap();
        for options in &options {
            expect(&receiver, b"batch", 9, 0x28, &options.0);
        }
    }
}

fn messages_allocate_nothing() {
    let (_pair, sender, receiver, to) = sockets();
    let options = DestinationOptions::new(112, 1);
    let mut messages = Messages::<128>::new();
    messages.push(&options).unwrap();
    let control = SendControl::new().with_hop_limit(9).with_messages(&messages);
    let (mut batch, mut sent) = (RecvBatch::new(4), SendBatch::new(4));
    let (mut payload, mut space) = ([0; 64], [0; 1024]);
    let count = allocation_counter::measure(|| {
        for _ in 0..10 {
            sender.send_to(b"x", &control, to).unwrap();
            sender.send_messages(b"x", &messages, to).unwrap();
            sender.send_batch_all(&mut sent, &[Outgoing::new(b"x", control, Some(to))]).unwrap();
            let message = receiver.recv_message(&mut payload, &mut space).unwrap();
            assert!(message.get::<TimestampNs>().unwrap().is_some());
            for _ in 0..2 {
                receiver.recv_batch(&mut batch, &mut [&mut payload]).unwrap();
                let message = batch.message(0).unwrap();
                assert_eq!(message.each::<DestinationOptions>().count(), 1);
            }
        }
    });
    assert_eq!(count.count_total, 0);
}

// IPV6_RECVFRAGSIZE: the kernel delivers it when fragments arrived, which never happens on the loopback device.
fn the_size_of_the_largest_fragment_is_received_with_a_fragmented_datagram_only() {
    let Pair { a, b } = Pair::new().unwrap();
    let (sender, receiver) = (on(&a), on(&b));
    let to = at(Pair::B, port(&receiver));
    receiver.set_option(&option::RECEIVE_FRAGMENT_SIZE, true).unwrap();
    let (mut payload, mut control) = ([0; 4096], [0; 512]);
    for (len, in_fragments) in [(100, false), (3000, true)] {
        sender.send_to(&vec![7; len], &SendControl::new(), to).unwrap();
        let message = receiver.recv_message(&mut payload, &mut control).unwrap();
        assert_eq!((message.len, message.control_truncated), (len, false));
        match message.get::<FragmentSize>().unwrap() {
            // A whole number of eight bytes for each fragment, on a link with an MTU of 1500.
            Some(FragmentSize(size)) => assert!(in_fragments && size == 1496, "{len}: {size}"),
            None => assert!(!in_fragments),
        }
    }
    receiver.set_option(&option::RECEIVE_FRAGMENT_SIZE, false).unwrap();
    sender.send_to(&[7; 3000], &SendControl::new(), to).unwrap();
    let message = receiver.recv_message(&mut payload, &mut control).unwrap();
    assert_eq!(message.get::<FragmentSize>(), Ok(None));
}
