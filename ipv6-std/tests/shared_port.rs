//! Receivers that share a port, and threads that share a socket: each datagram is received once, and flows stay in order.
#![cfg(target_os = "linux")]

mod common;

use std::net::SocketAddrV6;
use std::sync::Mutex;
use std::thread;

use common::*;
use ipv6_std::*;

ipv6_testnet::tests! {
    [Namespace] a_program_selects_the_receiver_of_each_flow;
    [Namespace] threads_share_a_socket;
}

/// Datagrams of each flow. The receive buffer holds those of all flows.
const EACH: u16 = 24;

/// Sends numbered datagrams from each of the senders, in batches.
fn send(senders: &[PacketConn], to: SocketAddrV6) {
    let numbers: Vec<_> = (0..EACH).map(u16::to_be_bytes).collect();
    let messages: Vec<_> =
        numbers.iter().map(|number| Outgoing::new(number, SendControl::new(), Some(to))).collect();
    thread::scope(|scope| {
        for sender in senders {
            scope.spawn(|| sender.send_batch_all(&mut SendBatch::new(16), &messages).unwrap());
        }
    });
}

/// Receives batches until there are `count` datagrams: the source port and the number of each.
fn receive_batches(receiver: &PacketConn, count: usize) -> Vec<(u16, u16)> {
    let (mut batch, mut payloads, mut all) = (RecvBatch::new(16), [[0; 2]; 16], Vec::new());
    while all.len() < count {
        let room = payloads.len().min(count - all.len());
        receiver.recv_batch(&mut batch, &mut payloads[..room]).unwrap();
        let got = batch.iter().zip(&payloads);
        all.extend(got.map(|(got, payload)| (got.unwrap().source.port(), u16::from_be_bytes(*payload))));
    }
    all
}

/// Loads the source port, divides it, and returns the remainder.
fn by_source_port(receivers: u32) -> [BpfInstruction; 3] {
    // The UDP header follows the IPv6 header (`SKF_NET_OFF` in linux/filter.h).
    let port = (-0x10_0000_i32 + 40) as u32;
    [(0x28, port), (0x94, receivers), (0x16, 0)].map(|(code, k)| BpfInstruction::new(code, 0, 0, k))
}

fn a_program_selects_the_receiver_of_each_flow() {
    let first = sharing("[::1]:0".parse().unwrap());
    let to = first.local_addr().unwrap();
    let receivers = [first, sharing(to)];
    option::attach_port_selector(&receivers[0], &by_source_port(2)).unwrap();
    let senders: Vec<_> = (0..4).map(|_| loopback()).collect();
    send(&senders, to);
    for (index, receiver) in (0..).zip(&receivers) {
        let ports: Vec<_> = senders.iter().map(port).filter(|port| port % 2 == index).collect();
        let all = receive_batches(receiver, ports.len() * usize::from(EACH));
        for flow in ports {
            let numbers = all.iter().filter(|(port, _)| *port == flow).map(|(_, number)| *number);
            assert!(numbers.eq(0..EACH));
        }
        assert!(receiver.try_recv_from(&mut [0; 2]).is_err());
    }
}

fn threads_share_a_socket() {
    let receiver = loopback();
    receiver.set_deadline(soon());
    let senders: Vec<_> = (0..4).map(|_| loopback()).collect();
    let all = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut payload = [0; 2];
                for _ in 0..EACH {
                    let got = receiver.recv_from(&mut payload).unwrap();
                    all.lock().unwrap().push((got.source.port(), u16::from_be_bytes(payload)));
                }
            });
        }
        send(&senders, receiver.local_addr().unwrap());
    });
    let mut all = all.into_inner().unwrap();
    all.sort_unstable();
    let mut ports: Vec<_> = senders.iter().map(port).collect();
    ports.sort_unstable();
    assert!(
        all.into_iter().eq(ports.into_iter().flat_map(|port| (0..EACH).map(move |number| (port, number))))
    );
}
