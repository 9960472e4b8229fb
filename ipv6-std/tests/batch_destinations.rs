//! `send_batch_all` to several destinations: the order of sending, and what was sent after an error.

mod common;

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Host;

ipv6_testnet::tests! {
    [Namespace] messages_to_one_destination_are_sent_together_and_in_order;
    [Namespace] without_coalescing_messages_are_sent_in_the_given_order;
    [Namespace] after_an_error_each_message_was_sent_or_not_as_reported;
    [Namespace] messages_before_the_one_that_failed_are_sent;
    [Namespace] a_message_that_cannot_be_sent_to_any_destination_ends_the_batch_before_it;
    [Namespace] messages_with_other_control_messages_are_not_combined;
    [Namespace] destinations_of_another_socket_are_not_known;
    [Namespace] ipv4_mapped_destinations_are_separate;
}

const ENETUNREACH: i32 = 101;

/// A further address of the host.
fn address(number: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0xabc, 0, 0, 0, 0, number)
}

/// A host with these further addresses, and two sockets on it.
fn host(addresses: u16) -> (Host, PacketConn, PacketConn, Vec<SocketAddrV6>) {
    let host = Host::new("host").unwrap();
    (1..=addresses).for_each(|number| set_reachable(&host, address(number), true));
    let (sender, receiver) = (on(&host), on(&host));
    let to: Vec<_> = (1..=addresses).map(|number| at(address(number), port(&receiver))).collect();
    to.iter().for_each(|to| wait_until_reachable(&sender, &receiver, *to));
    (host, sender, receiver, to)
}

/// Adds or removes an address. Without it, there is no route.
fn set_reachable(host: &Host, address: Ipv6Addr, reachable: bool) {
    let action = if reachable { "add" } else { "del" };
    host.ip(&format!("-6 address {action} {address}/128 dev lo")).unwrap();
}

/// Sends until something arrives. Before the end of duplicate address detection, the system drops what it receives.
fn wait_until_reachable(sender: &PacketConn, receiver: &PacketConn, to: SocketAddrV6) {
    receiver.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut payload = [0; 8];
    loop {
        let _ = sender.send_to(b"reachable", &SendControl::new(), to);
        if receiver.recv_from(&mut payload).is_ok_and(|got| got.control.destination == Some(*to.ip())) {
            break;
        }
    }
    receiver.set_read_timeout(None).unwrap();
    let last = at(Ipv6Addr::LOCALHOST, port(receiver));
    sender.send_to(b"last", &SendControl::new(), last).unwrap();
    while receive(receiver).0 != b"last" {}
}

/// Numbered messages, each to its destination.
fn numbered(numbers: &[[u8; 2]], to: impl Fn(usize) -> SocketAddrV6) -> Vec<Outgoing<'_>> {
    let message = |(index, number)| Outgoing::new(number, SendControl::new(), Some(to(index)));
    numbers.iter().map(|number| &number[..]).enumerate().map(message).collect()
}

fn numbers(count: u16) -> Vec<[u8; 2]> {
    (0..count).map(u16::to_be_bytes).collect()
}

/// Receives `count` datagrams and no more, and returns their numbers and destinations.
fn arrived(sender: &PacketConn, receiver: &PacketConn, count: usize) -> Vec<(u16, Ipv6Addr)> {
    let next = |_| {
        let (payload, got) = receive(receiver);
        (u16::from_be_bytes(payload.try_into().unwrap()), got.control.destination.unwrap())
    };
    let all = (0..count).map(next).collect();
    sender.send_to(b"end", &SendControl::new(), at(Ipv6Addr::LOCALHOST, port(receiver))).unwrap();
    assert_eq!(receive(receiver).0, b"end");
    all
}

/// The number of messages that the latest call has sent, of this many.
fn sent(batch: &SendBatch, of: usize) -> usize {
    (0..of).filter(|index| batch.is_sent(*index)).count()
}

fn messages_to_one_destination_are_sent_together_and_in_order() {
    for count in [2, 3, 8, 32] {
        let (_host, sender, receiver, to) = host(count);
        let numbers = numbers(96);
        let messages = numbered(&numbers, |index| to[index % to.len()]);
        let mut batch = SendBatch::new(96);
        // The first call learns that something can be sent to each destination.
        for _ in 0..2 {
            sender.send_batch_all(&mut batch, &messages).unwrap();
            assert_eq!((batch.sent(), batch.is_sent(95)), (96, true));
            let mut arrived = arrived(&sender, &receiver, 96);
            let changes = arrived.windows(2).filter(|two| two[0].1 != two[1].1).count();
            assert!(changes < 2 * to.len() || cfg!(one_by_one), "{changes} changes of the destination");
            // Stable: keeps the order within each destination.
            arrived.sort_by_key(|(_, address)| *address);
            let mut expected: Vec<_> =
                (0..96_u16).map(|n| (n, *to[usize::from(n) % to.len()].ip())).collect();
            expected.sort_by_key(|(_, address)| *address);
            assert_eq!(arrived, expected);
        }
    }
}

fn without_coalescing_messages_are_sent_in_the_given_order() {
    let (_host, sender, receiver, to) = host(3);
    sender.set_send_coalescing(false);
    let numbers = numbers(30);
    let messages = numbered(&numbers, |index| to[index % 3]);
    for _ in 0..2 {
        sender.send_batch_all(&mut SendBatch::new(30), &messages).unwrap();
        let arrived = arrived(&sender, &receiver, 30);
        assert!(arrived.into_iter().map(|(number, _)| number).eq(0..30));
    }
}

fn after_an_error_each_message_was_sent_or_not_as_reported() {
    for capacity in [4, 7, 30, 64] {
        let (host, sender, receiver, to) = host(3);
        let numbers = numbers(30);
        let messages = numbered(&numbers, |index| to[index % 3]);
        let mut batch = SendBatch::new(capacity);
        // A destination that cannot be reached from the start: as if all were sent in the given order.
        set_reachable(&host, *to[1].ip(), false);
        let error = sender.send_batch_all(&mut batch, &messages).unwrap_err();
        assert_eq!((error.index(), error.error().raw_os_error()), (1, Some(ENETUNREACH)));
        assert_eq!(batch.sent(), 1);
        assert!((1..40).all(|index| !batch.is_sent(index)));
        assert_eq!(arrived(&sender, &receiver, 1)[0].0, 0);

        // One that cannot be reached any more.
        set_reachable(&host, *to[1].ip(), true);
        wait_until_reachable(&sender, &receiver, to[1]);
        sender.send_batch_all(&mut batch, &messages).unwrap();
        arrived(&sender, &receiver, 30);
        set_reachable(&host, *to[1].ip(), false);
        let (mut rest, mut seen, mut failed) = ((0..30).collect::<Vec<usize>>(), Vec::new(), Vec::new());
        loop {
            let now: Vec<_> = rest.iter().map(|index| messages[*index]).collect();
            let Err(error) = sender.send_batch_all(&mut batch, &now) else { break };
            assert_eq!(error.error().raw_os_error(), Some(ENETUNREACH));
            assert_eq!((rest[error.index()] % 3, error.index()), (1, batch.sent()));
            failed.push(u16::try_from(rest[error.index()]).unwrap());
            // Exactly what it reports.
            let arrived = arrived(&sender, &receiver, sent(&batch, rest.len()));
            let mut arrived: Vec<_> = arrived.into_iter().map(|(number, _)| number).collect();
            seen.extend_from_slice(&arrived);
            arrived.sort_unstable();
            let sent = (0..rest.len()).filter(|index| batch.is_sent(*index));
            assert!(sent.map(|index| rest[index]).eq(arrived.into_iter().map(usize::from)));
            let mut index = 0..;
            rest.retain(|_| {
                index.next().is_some_and(|index| index != error.index() && !batch.is_sent(index))
            });
        }
        seen.extend(arrived(&sender, &receiver, rest.len()).into_iter().map(|(number, _)| number));
        assert!(failed.into_iter().eq((0..30).filter(|number| number % 3 == 1)));
        for which in [0, 2] {
            let of_one = seen.iter().copied().filter(|number| number % 3 == which);
            assert!(of_one.eq((0..30).filter(|number| number % 3 == which)));
        }
    }
}

fn messages_before_the_one_that_failed_are_sent() {
    let (_host, sender, receiver, to) = host(3);
    let numbers = numbers(30);
    let mut messages = numbered(&numbers, |index| to[index % 3]);
    let mut batch = SendBatch::new(30);
    sender.send_batch_all(&mut batch, &messages).unwrap();
    arrived(&sender, &receiver, 30);
    // Not an address of this host: only the system can tell.
    messages[12].control = SendControl::new().with_source(address(99));
    let error = sender.send_batch_all(&mut batch, &messages).unwrap_err();
    assert_eq!((error.index(), batch.sent()), (12, 12));
    let arrived = arrived(&sender, &receiver, sent(&batch, 30));
    let mut sent: Vec<_> = arrived.into_iter().map(|(number, _)| usize::from(number)).collect();
    sent.sort_unstable();
    assert_eq!(sent[..12], (0..12).collect::<Vec<_>>());
    assert!(sent.into_iter().eq((0..30).filter(|index| batch.is_sent(*index))));
    // None of the same destination.
    assert!((12..30).step_by(3).all(|index| !batch.is_sent(index)));
}

fn a_message_that_cannot_be_sent_to_any_destination_ends_the_batch_before_it() {
    let (_host, sender, receiver, to) = host(3);
    let numbers = numbers(30);
    let good = numbered(&numbers, |index| to[index % 3]);
    let mut batch = SendBatch::new(30);
    sender.send_batch_all(&mut batch, &good).unwrap();
    arrived(&sender, &receiver, 30);
    let too_long = vec![0; 65_528];
    let group = "ff02::1".parse().unwrap();
    for bad in [
        Outgoing::new(&too_long, SendControl::new(), Some(to[0])),
        Outgoing::new(b"x", SendControl::new().with_source(group), Some(to[0])),
        Outgoing::new(b"x", SendControl::new(), Some("[::ffff:192.0.2.1]:9".parse().unwrap())),
    ] {
        let mut messages = good.clone();
        messages[12] = bad;
        let error = sender.send_batch_all(&mut batch, &messages).unwrap_err();
        assert_eq!((error.index(), batch.sent()), (12, 12), "{error}");
        let mut sent: Vec<_> =
            arrived(&sender, &receiver, 12).into_iter().map(|(number, _)| number).collect();
        sent.sort_unstable();
        assert!(sent.into_iter().eq(0..12));
        // The rest in another call.
        sender.send_batch_all(&mut batch, &messages[13..]).unwrap();
        arrived(&sender, &receiver, 17);
    }
}

fn messages_with_other_control_messages_are_not_combined() {
    let (_host, sender, receiver, to) = host(2);
    receiver.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
    let hop_limit = |index: usize| u8::try_from(20 + index / 2 % 3).unwrap();
    let messages: Vec<_> = (0..24)
        .map(|index| {
            Outgoing::new(b"x", SendControl::new().with_hop_limit(hop_limit(index)), Some(to[index % 2]))
        })
        .collect();
    let mut batch = SendBatch::new(24);
    for _ in 0..2 {
        sender.send_batch_all(&mut batch, &messages).unwrap();
        let mut hop_limits = [Vec::new(), Vec::new()];
        for _ in 0..24 {
            let (_, got) = receive(&receiver);
            let which = usize::from(got.control.destination != Some(*to[0].ip()));
            hop_limits[which].push(got.control.hop_limit.unwrap());
        }
        for (which, hop_limits) in hop_limits.into_iter().enumerate() {
            assert!(hop_limits.into_iter().eq((which..24).step_by(2).map(hop_limit)));
        }
    }
}

fn destinations_of_another_socket_are_not_known() {
    let (host, sender, receiver, to) = host(2);
    let numbers = numbers(8);
    let messages = numbered(&numbers, |index| to[index % 2]);
    let mut batch = SendBatch::new(8);
    sender.send_batch_all(&mut batch, &messages).unwrap();
    arrived(&sender, &receiver, 8);
    set_reachable(&host, *to[1].ip(), false);
    let other = on(&host);
    let error = other.send_batch_all(&mut batch, &messages).unwrap_err();
    assert_eq!((error.index(), error.error().kind()), (1, ErrorKind::NetworkUnreachable));
    assert!((1..8).all(|index| !batch.is_sent(index)));
    arrived(&other, &receiver, 1);
}

fn ipv4_mapped_destinations_are_separate() {
    let dual = || PacketConn::builder().only_v6(false).bind("[::]:0").unwrap();
    let (sender, receiver) = (dual(), dual());
    let port = receiver.local_addr().unwrap().port();
    let to = [at(Ipv6Addr::LOCALHOST, port), at("::ffff:127.0.0.1".parse().unwrap(), port)];
    let numbers = numbers(24);
    let messages = numbered(&numbers, |index| to[index % 2]);
    let mut batch = SendBatch::new(24);
    for _ in 0..2 {
        sender.send_batch_all(&mut batch, &messages).unwrap();
        let (mut over_v6, mut over_v4) = (Vec::new(), Vec::new());
        for _ in 0..24 {
            let (payload, got) = receive(&receiver);
            let number = u16::from_be_bytes(payload.try_into().unwrap());
            if got.peer().is_ipv4() { over_v4.push(number) } else { over_v6.push(number) }
        }
        assert!(over_v6.into_iter().eq((0..24).step_by(2)));
        assert!(over_v4.into_iter().eq((1..24).step_by(2)));
    }
}
