//! The matrix of fields that are sent: each field as a sticky option, as a message, and as both, equal and different, on each
//! kind of socket. Each cell is what a packet socket on the other host sees, or an error.
//!
//! The kernel has such tests of its own (`tools/testing/selftests/net/cmsg_*.sh`).

mod common;
mod wire;

use std::fmt::Write as _;
use std::io;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;
use wire::Net;
use wire::fields::{CASES, Case, FIELDS, Field, Kind, PLAIN, Special, label};

use Case::Different;
use Kind::{Ping, Raw, Udp};

ipv6_testnet::tests! {
    [Capture] fields_of_udp;
    [Capture, PingSocket] fields_of_icmp6_datagrams;
    [Capture, RawSocket] fields_of_raw_icmp6;
    [PingSocket] a_batch_ends_before_a_header_that_the_kernel_leaves_out;
    [Capture, PingSocket, RawSocket] flow_labels_beside_an_exclusive_lease;
}

impl Field {
    /// What is observed in a cell, or the error.
    fn cell(&self, net: &Net, kind: Kind, case: Case) -> Result<String, io::Error> {
        let conn = kind.open(net);
        if case.is_sticky() {
            (self.sticky)(net, &conn)?;
        }
        let mut messages = Messages::new();
        let control = match case.message() {
            Some(value) => {
                let control = (self.message)(net, value, &mut messages);
                control.map_err(|error| io::Error::new(io::ErrorKind::Unsupported, error))?
            }
            None => SendControl::new(),
        };
        let text = format!("{} {kind:?} {case:?}", self.name);
        let payload = kind.payload(text.as_bytes(), self.len);
        let control = if messages.as_bytes().is_empty() { control } else { control.with_messages(&messages) };
        conn.send_to(&payload, &control, (self.to)(case.is_sticky()))?;
        Ok((self.observe)(net, &net.arrived(text.as_bytes())))
    }

    /// What is expected in a cell.
    fn expected(&self, kind: Kind, case: Case) -> &'static str {
        let mut special =
            self.special.iter().filter(|special| special.0.contains(&kind) && special.1.contains(&case));
        let by_rule = case.message().map_or(self.sticky_is, |value| self.messages_are[value]);
        let Some(Special(.., expected, why)) = special.next() else { return by_rule };
        assert!(special.next().is_none(), "{}: two special rows of {kind:?}, {case:?}", self.name);
        assert_ne!(*expected, by_rule, "{}: {kind:?}, {case:?} is not special: {why}", self.name);
        expected
    }
}

/// An error as text.
fn described(error: &io::Error) -> String {
    match error.raw_os_error().or_else(|| cause(error)) {
        Some(EINVAL) => "EINVAL".into(),
        Some(EMSGSIZE) => "EMSGSIZE".into(),
        _ if error.kind() == io::ErrorKind::Unsupported => {
            let text = error.to_string();
            let name = text.split([' ', ':']).find(|word| word.starts_with("IPV6_"));
            format!("no {}", name.unwrap_or(&text))
        }
        _ => error.to_string(),
    }
}

/// Compares all cells of a kind of socket with what is expected.
fn check(kind: Kind) {
    let net = Net::new();
    let mut wrong = String::new();
    for field in &FIELDS {
        if field.name == "priority" && !net.sees_priorities {
            eprintln!(
                "{kind:?}: nothing observes the priority before Linux 6.14, which has no message for it either"
            );
            continue;
        }
        for case in CASES {
            let observed = field.cell(&net, kind, case).unwrap_or_else(|error| described(&error));
            let expected = field.expected(kind, case);
            if observed != expected {
                writeln!(wrong, "{}, {case:?}: {observed}; expected: {expected}", field.name).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{kind:?}:\n{wrong}");
}

fn fields_of_udp() {
    check(Udp);
}

fn fields_of_icmp6_datagrams() {
    check(Ping);
}

fn fields_of_raw_icmp6() {
    check(Raw);
}

// Scar 84.
fn a_batch_ends_before_a_header_that_the_kernel_leaves_out() {
    let conn = RawConn::open_icmp6_unprivileged().unwrap();
    let header = ext::OptionsBuilder::<8>::new().with(ext::OptionType(0x1e), &[1]).unwrap();
    let messages = Messages::<64>::new().with(header.hop_by_hop()).unwrap();
    let (plain, with) = (SendControl::new().with_hop_limit(9), SendControl::new().with_messages(&messages));
    let to = Some("[::1]:0".parse().unwrap());
    let request = [128, 0, 0, 0, 0, 0, 0, 1];
    let batch = [plain, with, plain].map(|control| Outgoing::new(&request, control, to));
    assert_eq!(conn.send_batch(&mut SendBatch::new(4), &batch).unwrap(), 1);
    let error = conn.send_batch_all(&mut SendBatch::new(4), &batch).unwrap_err();
    assert_eq!(error.index(), 1);
    let error = error.into_error();
    assert_eq!((error.kind(), described(&error)), (io::ErrorKind::Unsupported, "no IPV6_HOPOPTS".into()));
    // The source of the socket is no other source.
    let bound = RawConn::open_icmp6_unprivileged().unwrap();
    socket2::SockRef::from(bound.get_ref()).bind(&at("::1".parse().unwrap(), 0).into()).unwrap();
    let same = SendControl::new().with_source("::1".parse().unwrap());
    bound.send_to(&request, &same, "[::1]:0".parse().unwrap()).unwrap();
}

// While a socket of the namespace has an exclusive lease, labels without a lease are refused, except on ICMPv6 sockets without
// privilege. The label of a lease is sent where a message has it.
fn flow_labels_beside_an_exclusive_lease() {
    static FIELD: Field = Field {
        name: "leased flow label",
        sticky_is: "0",
        messages_are: ["11111", "22222"],
        sticky: |_, conn| {
            let request = FlowLabelRequest::new(Pair::B).with_label(label(0));
            conn.lease_flow_label(&request.with_share(FlowLabelShare::Exclusive)).map(drop)
        },
        message: |_, value, _| Ok(SendControl::new().with_flow_label(label(value))),
        observe: |_, packet| format!("{:x}", packet.label),
        special: &[Special(&[Udp, Raw], &[Different], "EINVAL", "fl6_sock_lookup, in their sendmsg")],
        ..PLAIN
    };
    for kind in [Udp, Ping, Raw] {
        for case in CASES {
            // The lease lasts longer than the socket.
            let net = Net::new();
            let observed = FIELD.cell(&net, kind, case).unwrap_or_else(|error| described(&error));
            assert_eq!(observed, FIELD.expected(kind, case), "{kind:?}, {case:?}");
        }
    }
}
