//! This library, through its public face.

use std::io;
use std::net::SocketAddrV6;

use ipv6_std::{Outgoing, PacketConn, Received, RecvBatch, RecvControl, Segments, SendBatch, SendControl};

use super::{Peer, payload, segments};
use crate::work::{CLASS, HOPS, MOST, PAYLOAD, Work};

pub struct Ours {
    name: &'static str,
    /// Whether what is sent, and what is received, is put together.
    together: (bool, bool),
    conn: PacketConn,
    plain: PacketConn,
    plain_to: SocketAddrV6,
    connected: PacketConn,
    segmenting: PacketConn,
    segmenting_to: SocketAddrV6,
    to: SocketAddrV6,
    control: SendControl<'static>,
    payloads: &'static [[u8; PAYLOAD.len()]],
    messages: Vec<Outgoing<'static>>,
    send: SendBatch,
    receive: RecvBatch,
    room: Vec<[u8; 64]>,
    segments: Vec<u8>,
    large: Vec<u8>,
}

impl Ours {
    pub fn new(name: &'static str, together: bool, coalescing: bool) -> io::Result<Self> {
        let conn = PacketConn::new(super::socket()?)?;
        conn.set_send_coalescing(together);
        conn.set_receive_coalescing(coalescing)?;
        let segmenting = PacketConn::new(super::socket()?)?;
        segmenting.set_receive_coalescing(true)?;
        let to = conn.local_addr()?;
        let control = SendControl::new().with_traffic_class(CLASS).with_hop_limit(HOPS).with_source(*to.ip());
        // They live as long as the program, as those of the hand-written one: messages borrow them.
        let payloads: &[_] = (0..MOST).map(payload).collect::<Vec<_>>().leak();
        let plain = PacketConn::bind("[::1]:0")?;
        Ok(Self {
            name,
            together: (together, coalescing),
            conn,
            plain_to: plain.local_addr()?,
            plain,
            connected: PacketConn::new(super::connected()?)?,
            segmenting_to: segmenting.local_addr()?,
            segmenting,
            to,
            control,
            payloads,
            messages: payloads.iter().map(|payload| Outgoing::new(payload, control, Some(to))).collect(),
            send: SendBatch::new(MOST),
            receive: RecvBatch::new(MOST),
            room: vec![[0; 64]; MOST],
            segments: Vec::new(),
            large: vec![0; 65_535],
        })
    }

    fn one(&mut self, control: &SendControl<'static>) {
        self.conn.send_to(&self.payloads[0], control, self.to).unwrap();
        let got = self.conn.recv_from(&mut self.room[0]).unwrap();
        assert_eq!(self.room[0][..got.len], self.payloads[0]);
        if control.hop_limit.is_some() {
            check(&got, self.to);
        } else {
            check_source(&got, self.to);
        }
    }

    fn plain(&mut self) {
        self.plain.send_to(&self.payloads[0], &SendControl::new(), self.plain_to).unwrap();
        let got = self.plain.recv_from(&mut self.room[0]).unwrap();
        assert_eq!(self.room[0][..got.len], self.payloads[0]);
        assert_eq!((got.source, got.truncated), (self.plain_to, false));
    }

    fn connected(&mut self) {
        self.connected.send(&self.payloads[0], &SendControl::new()).unwrap();
        let got = self.connected.recv_from(&mut self.room[0]).unwrap();
        assert_eq!(self.room[0][..got.len], self.payloads[0]);
        check(&got, got.source);
    }

    fn batch(&mut self, count: usize) {
        assert_eq!(self.conn.send_batch(&mut self.send, &self.messages[..count]).unwrap(), count);
        let mut seen = 0;
        while seen < count {
            seen += self.conn.recv_batch(&mut self.receive, &mut self.room[seen..count]).unwrap();
            let first = seen - self.receive.len();
            for (got, number) in self.receive.iter().zip(first..) {
                let got = got.unwrap();
                assert_eq!(self.room[number][..got.len], self.payloads[number]);
                check(&got, self.to);
            }
        }
    }

    fn segments(&mut self, count: usize, size: usize) {
        if self.segments.len() != count * size {
            self.segments = segments(count, size);
        }
        let to = self.segmenting_to;
        let control = self.control.with_segment_size(size as u16);
        self.segmenting.send_to(&self.segments, &control, to).unwrap();
        let mut seen = 0;
        while seen < count {
            let got = self.segmenting.recv_from(&mut self.large).unwrap();
            check(&got, to);
            for segment in Segments::new(&self.large[..got.len], got.control.segment_size) {
                assert_eq!(segment, &self.segments[seen * size..(seen + 1) * size]);
                seen += 1;
            }
        }
    }
}

fn check_source(got: &Received, to: SocketAddrV6) {
    assert_eq!((got.source, got.truncated, got.control_truncated), (to, false, false));
    assert_eq!(got.control.destination, Some(*to.ip()));
}

fn check(got: &Received, to: SocketAddrV6) {
    let RecvControl { traffic_class, hop_limit, destination, .. } = got.control;
    assert_eq!((got.source, got.truncated, got.control_truncated), (to, false, false));
    assert_eq!((traffic_class, hop_limit, destination), (Some(CLASS), Some(HOPS), Some(*to.ip())));
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        self.name
    }

    fn can(&self, work: Work) -> bool {
        match work {
            Work::Batch(_) => true,
            // What is alike in all three stands once.
            _ => self.together == (true, false),
        }
    }

    fn run(&mut self, work: Work) {
        match work {
            Work::One => self.one(&self.control.clone()),
            Work::Plain => self.plain(),
            Work::Source => self.one(&SendControl::new().with_source(*self.to.ip())),
            Work::Connected => self.connected(),
            Work::Batch(count) => self.batch(count),
            Work::Segments(count, size) => self.segments(count, size),
        }
    }
}
