//! Raw sockets between hosts, with each loop: ICMPv6 and OSPF.

mod common;
mod loops;

use std::net::SocketAddrV6;
use std::pin::pin;

use common::{at, index};
use ipv6_std::aio::RawConn;
use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type, RecvBatch, SendControl};
use ipv6_testnet::{Host, Pair};
use loops::{Loop, once};

fn main() {
    ipv6_testnet::main(&with_each_loop! {
        [RawSocket] a_neighbour_answers_an_echo_request;
        [RawSocket] hellos_of_ospf_reach_the_neighbour;
        [PingSocket] a_ping_socket_needs_no_privilege;
    })
}

type Conn<L> = RawConn<<L as Loop>::Socket>;

fn a_neighbour_answers_an_echo_request<L: Loop>() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    L::run(async {
        let conn = a.run(|| Conn::<L>::open(Icmp6Type::PROTOCOL)).unwrap();
        conn.set_icmp6_filter(Icmp6Filter::block_all().pass(Icmp6Type::ECHO_REPLY)).unwrap();
        conn.set_control_flags(ControlFlags::HOP_LIMIT, true).unwrap();
        let mut reply = [0; 64];
        let mut receive = pin!(conn.recv_from(&mut reply));
        assert!(once(receive.as_mut()).await.is_none());
        let request = [128, 0, 0, 0, 0, 7, 0, 1, b'h', b'i'];
        conn.send_to(&request, &SendControl::new(), at(Pair::B, 0)).await.unwrap();
        let got = receive.await.unwrap();
        assert_eq!((got.len, *got.source.ip(), got.control.hop_limit), (10, Pair::B, Some(64)));
    });
}

/// A socket for OSPF (RFC 5340) on the link, with the checksum at offset 12.
fn ospf<L: Loop>(host: &Host) -> Conn<L> {
    const OSPF: u8 = 89;
    host.run(|| {
        let conn = Conn::<L>::builder(OSPF).open().unwrap();
        conn.set_checksum_offset(Some(12)).unwrap();
        conn.join_group("ff02::5".parse().unwrap(), index(host, "eth0")).unwrap();
        conn.set_multicast_interface(index(host, "eth0")).unwrap();
        conn.set_multicast_loopback(false).unwrap();
        conn.set_control_flags(ControlFlags::INTERFACE | ControlFlags::DESTINATION, true).unwrap();
        conn
    })
}

fn hellos_of_ospf_reach_the_neighbour<L: Loop>() {
    let Pair { a, b } = Pair::new().unwrap();
    L::run(async {
        let (left, right) = (ospf::<L>(&a), ospf::<L>(&b));
        let hello = [3; 36];
        let group = "ff02::5".parse().unwrap();
        let routers = |host| SocketAddrV6::new(group, 0, 0, index(host, "eth0").get());
        let (mut batch, mut payloads) = (RecvBatch::new(4), [[0; 64]; 4]);
        {
            let mut receive = pin!(right.recv_batch(&mut batch, &mut payloads));
            assert!(once(receive.as_mut()).await.is_none());
            left.send_to(&hello, &SendControl::new(), routers(&a)).await.unwrap();
            assert_eq!(receive.await.unwrap(), 1);
        }
        let got = batch.iter().next().unwrap().unwrap();
        assert_eq!((got.len, got.control.destination), (36, Some(group)));
        assert_eq!(got.control.interface, Some(index(&b, "eth0")));
        assert_eq!(*got.source.ip(), a.link_local("eth0").unwrap());
        // The neighbour answers on the link.
        right.send_to(&hello, &SendControl::new(), routers(&b)).await.unwrap();
        assert_eq!(left.recv_from(&mut [0; 64]).await.unwrap().len, 36);
    });
}

fn a_ping_socket_needs_no_privilege<L: Loop>() {
    L::run(async {
        let conn = Conn::<L>::open_icmp6_unprivileged().unwrap();
        let request = [128, 0, 0, 0, 0, 0, 0, 1, b'h', b'i'];
        conn.send_to(&request, &SendControl::new(), at("::1".parse().unwrap(), 0)).await.unwrap();
        let mut reply = [0; 64];
        let got = conn.recv_from(&mut reply).await.unwrap();
        assert_eq!((reply[0], got.len), (129, 10));
    });
}
