//! Leases of flow labels (Linux), between two hosts.

mod common;

use std::io::ErrorKind;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [Namespace] a_leased_label_is_sent;
    [Namespace] an_exclusive_lease_forbids_labels_without_a_lease;
    [Namespace] an_exclusive_label_is_refused_to_other_sockets;
    [Namespace] a_label_of_the_process_is_shared_within_it;
    [Namespace] a_new_label_is_refused_if_it_exists;
    [Namespace] a_released_label_lingers;
    [Namespace] leases_that_do_not_exist_are_an_error;
    [Namespace] requests_that_have_no_meaning_are_refused;
    [Namespace] longer_times_need_a_privilege;
}

const LABEL: u32 = 0x1_beef;

fn label() -> FlowLabel {
    FlowLabel::new(LABEL).unwrap()
}

fn request() -> FlowLabelRequest {
    FlowLabelRequest::new(Pair::B)
}

/// The labels of the host's namespace, with the linger times.
fn labels(host: &ipv6_testnet::Host) -> Vec<(u32, u32)> {
    let text = host.proc_net("ip6_flowlabel").unwrap();
    let lines = text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.map(|words| (u32::from_str_radix(words[0], 16).unwrap(), words[4].parse().unwrap())).collect()
}

fn send(from: &PacketConn, to: &PacketConn, label: FlowLabel) -> std::io::Result<usize> {
    from.send_to(b"x", &SendControl::new().with_flow_label(label), at(Pair::B, port(to)))
}

fn a_leased_label_is_sent() {
    let pair = Pair::new().unwrap();
    let (sender, receiver) = (on(&pair.a), on(&pair.b));
    let chosen = sender.lease_flow_label(&request()).unwrap();
    assert_ne!(chosen, FlowLabel::ZERO);
    assert_eq!(labels(&pair.a).iter().map(|(label, _)| *label).collect::<Vec<_>>(), [chosen.get()]);
    send(&sender, &receiver, chosen).unwrap();
    assert_eq!(receive(&receiver).1.control.flow_label, Some(chosen));
    let named = sender.lease_flow_label(&request().with_label(label()).with_linger(20)).unwrap();
    assert_eq!(named, label());
    assert!(labels(&pair.a).contains(&(LABEL, 20)));
    send(&sender, &receiver, named).unwrap();
    assert_eq!(receive(&receiver).1.control.flow_label, Some(named));
}

fn an_exclusive_lease_forbids_labels_without_a_lease() {
    let pair = Pair::new().unwrap();
    let (sender, other, receiver) = (on(&pair.a), on(&pair.a), on(&pair.b));
    send(&other, &receiver, label()).unwrap();
    assert_eq!(receive(&receiver).1.control.flow_label, Some(label()));
    let chosen = sender.lease_flow_label(&request().with_share(FlowLabelShare::Exclusive)).unwrap();
    let errors = {
        let to = at(Pair::B, port(&receiver));
        let control = SendControl::new().with_flow_label(label());
        let messages = Messages::<32>::new().with(label()).unwrap();
        let batch = other.send_batch(&mut SendBatch::new(1), &[Outgoing::new(b"x", control, Some(to))]);
        // As a field, by type, in a batch, and in the address.
        let with_label = std::net::SocketAddrV6::new(*to.ip(), to.port(), LABEL.to_be(), 0);
        other.set_option(&option::SEND_FLOW_INFO, true).unwrap();
        [
            send(&other, &receiver, label()).unwrap_err(),
            other.send_messages(b"x", &messages, to).unwrap_err(),
            batch.unwrap_err(),
            other.send_to(b"x", &SendControl::new(), with_label).unwrap_err(),
        ]
    };
    for error in errors {
        assert_eq!((error.kind(), cause(&error)), (ErrorKind::InvalidInput, Some(EINVAL)), "{error}");
        assert!(error.to_string().contains("lease_flow_label"), "{error}");
    }
    other.set_option(&option::SEND_FLOW_INFO, false).unwrap();
    send(&sender, &receiver, chosen).unwrap();
    assert_eq!(receive(&receiver).1.control.flow_label, Some(chosen));
}

fn an_exclusive_label_is_refused_to_other_sockets() {
    let pair = Pair::new().unwrap();
    let (first, second) = (on(&pair.a), on(&pair.a));
    let exclusive = request().with_label(label()).with_share(FlowLabelShare::Exclusive);
    first.lease_flow_label(&exclusive).unwrap();
    assert_eq!(second.lease_flow_label(&exclusive).unwrap_err().kind(), ErrorKind::PermissionDenied);
    let shared = exclusive.with_share(FlowLabelShare::Any);
    assert_eq!(second.lease_flow_label(&shared).unwrap_err().kind(), ErrorKind::PermissionDenied);
}

fn a_label_of_the_process_is_shared_within_it() {
    let pair = Pair::new().unwrap();
    let (first, second, receiver) = (on(&pair.a), on(&pair.a), on(&pair.b));
    for share in [FlowLabelShare::Process, FlowLabelShare::User] {
        let label = first.lease_flow_label(&request().with_share(share)).unwrap();
        assert!(send(&second, &receiver, label).is_err());
        second.lease_flow_label(&request().with_label(label).with_share(share)).unwrap();
        send(&second, &receiver, label).unwrap();
        assert_eq!(receive(&receiver).1.control.flow_label, Some(label));
    }
}

fn a_new_label_is_refused_if_it_exists() {
    let pair = Pair::new().unwrap();
    let conn = on(&pair.a);
    let new = request().with_label(label()).with_only_new();
    conn.lease_flow_label(&new).unwrap();
    assert_eq!(conn.lease_flow_label(&new).unwrap_err().kind(), ErrorKind::AlreadyExists);
    conn.lease_flow_label(&request().with_label(label())).unwrap();
}

fn a_released_label_lingers() {
    let pair = Pair::new().unwrap();
    let conn = on(&pair.a);
    let first = request().with_label(label()).with_share(FlowLabelShare::Exclusive).with_linger(10);
    conn.lease_flow_label(&first).unwrap();
    conn.renew_flow_label(&first.with_linger(30).with_expires(40)).unwrap();
    assert_eq!(labels(&pair.a), [(LABEL, 30)]);
    conn.release_flow_label(label()).unwrap();
    // It is still there, for nobody else.
    assert_eq!(labels(&pair.a), [(LABEL, 30)]);
    let other = on(&pair.a);
    assert_eq!(other.lease_flow_label(&first).unwrap_err().kind(), ErrorKind::PermissionDenied);
}

fn leases_that_do_not_exist_are_an_error() {
    const ESRCH: i32 = 3;
    let conn = loopback();
    assert_eq!(errno(conn.release_flow_label(label())), Some(ESRCH));
    assert_eq!(errno(conn.renew_flow_label(&request().with_label(label()))), Some(ESRCH));
}

fn requests_that_have_no_meaning_are_refused() {
    let conn = loopback();
    refused(conn.lease_flow_label(&request().with_label(FlowLabel::ZERO)), "flow label 0 is no label");
    for destination in ["::", "::ffff:192.0.2.1"] {
        let wrong = FlowLabelRequest::new(destination.parse().unwrap());
        refused(conn.lease_flow_label(&wrong), &format!("the destination {destination} of a flow label"));
    }
    refused(conn.renew_flow_label(&request()), "a renewal without a label");
}

// The capability is that of the first user namespace, so that a namespace of the test has it only if root runs it.
fn longer_times_need_a_privilege() {
    let conn = loopback();
    let longest = request().with_linger(150).with_expires(150);
    conn.lease_flow_label(&longest).unwrap();
    for longer in [longest.with_linger(151), longest.with_expires(151)] {
        if let Err(error) = conn.lease_flow_label(&longer) {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            assert!(error.to_string().contains("151 s"), "{error}");
        }
    }
}
