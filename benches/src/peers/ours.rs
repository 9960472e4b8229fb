//! This library, through its public face.

use std::io;
use std::net::SocketAddrV6;

use ipv6_std::{Outgoing, PacketConn, Received, RecvBatch, RecvControl, SendBatch, SendControl};

use super::{Peer, payload};
use crate::{CLASS, HOPS, PAYLOAD};

pub struct Ours {
    name: &'static str,
    conn: PacketConn,
    plain: PacketConn,
    to: SocketAddrV6,
    control: SendControl<'static>,
    payloads: Vec<[u8; PAYLOAD.len()]>,
    send: SendBatch,
    receive: RecvBatch,
    room: Vec<[u8; 64]>,
}

impl Ours {
    pub fn new(name: &'static str, together: bool, coalescing: bool) -> io::Result<Self> {
        let conn = PacketConn::new(super::socket()?)?;
        conn.set_send_coalescing(together);
        if coalescing {
            conn.set_receive_coalescing(true)?;
        }
        let to = conn.local_addr()?;
        Ok(Self {
            name,
            conn,
            plain: PacketConn::bind("[::1]:0")?,
            to,
            control: SendControl::new().with_traffic_class(CLASS).with_hop_limit(HOPS).with_source(*to.ip()),
            payloads: (0..64).map(payload).collect(),
            send: SendBatch::new(64),
            receive: RecvBatch::new(64),
            room: vec![[0; 64]; 64],
        })
    }

    fn check(&self, got: &Received) {
        let RecvControl { traffic_class, hop_limit, destination, .. } = got.control;
        assert_eq!((got.source, got.truncated, got.control_truncated), (self.to, false, false));
        assert_eq!((traffic_class, hop_limit, destination), (Some(CLASS), Some(HOPS), Some(*self.to.ip())));
    }
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn one(&mut self) {
        self.conn.send_to(&self.payloads[0], &self.control, self.to).unwrap();
        let got = self.conn.recv_from(&mut self.room[0]).unwrap();
        assert_eq!(self.room[0][..got.len], self.payloads[0]);
        self.check(&got);
    }

    fn plain(&mut self) {
        let to = self.plain.local_addr().unwrap();
        self.plain.send_to(&self.payloads[0], &SendControl::new(), to).unwrap();
        let got = self.plain.recv_from(&mut self.room[0]).unwrap();
        assert_eq!(self.room[0][..got.len], self.payloads[0]);
        assert_eq!((got.source, got.truncated), (to, false));
    }

    fn batch(&mut self, count: usize) {
        let to = Some(self.to);
        let mut messages = [Outgoing::new(b"", self.control, to); 64];
        for (message, payload) in messages.iter_mut().zip(&self.payloads) {
            *message = Outgoing::new(payload, self.control, to);
        }
        assert_eq!(self.conn.send_batch(&mut self.send, &messages[..count]).unwrap(), count);
        let mut seen = 0;
        while seen < count {
            seen += self.conn.recv_batch(&mut self.receive, &mut self.room[seen..count]).unwrap();
            let first = seen - self.receive.len();
            for (got, number) in self.receive.iter().zip(first..) {
                let got = got.unwrap();
                assert_eq!(self.room[number][..got.len], self.payloads[number]);
                self.check(&got);
            }
        }
    }
}
