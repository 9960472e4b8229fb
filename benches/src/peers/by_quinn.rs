//! quinn-udp: ECN, addresses and segments, which is what QUIC needs. It has no hop limit and no DSCP.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};

use quinn_udp::{BATCH_SIZE, EcnCodepoint, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::{Peer, payload, segments};
use crate::work::{MOST, PAYLOAD, Work};

pub struct Quinn {
    socket: UdpSocket,
    state: UdpSocketState,
    to: SocketAddr,
    payloads: Vec<[u8; PAYLOAD.len()]>,
    segments: Vec<u8>,
    large: Vec<Vec<u8>>,
    meta: [RecvMeta; BATCH_SIZE],
}

impl Quinn {
    pub fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind("[::1]:0")?;
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let to = socket.local_addr()?;
        Ok(Self {
            socket,
            state,
            to,
            payloads: (0..MOST).map(payload).collect(),
            segments: Vec::new(),
            large: vec![vec![0; 65_535]; BATCH_SIZE],
            meta: [RecvMeta::default(); BATCH_SIZE],
        })
    }

    fn send(&self, contents: &[u8], segment_size: Option<usize>) {
        let (ecn, src_ip) = (Some(EcnCodepoint::Ect0), Some(self.to.ip()));
        let transmit = Transmit { destination: self.to, ecn, contents, segment_size, src_ip };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit).unwrap();
    }

    /// Receives this, in datagrams of this size, by as many at once as there may be.
    fn receive(&mut self, expected: &[u8], size: usize, at_once: usize) {
        let mut seen = 0;
        while seen < expected.len() {
            let mut room: Vec<_> =
                self.large.iter_mut().take(at_once).map(|room| IoSliceMut::new(room)).collect();
            let socket = UdpSockRef::from(&self.socket);
            let count = match self.state.recv(socket, &mut room, &mut self.meta[..at_once]) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => panic!("{error}"),
            };
            drop(room);
            for (meta, room) in self.meta.iter().zip(&self.large).take(count) {
                let destination: Option<IpAddr> = meta.dst_ip;
                assert_eq!((meta.addr, destination), (self.to, Some(self.to.ip())));
                // With datagrams that came together, its room for control messages is too small for the traffic
                // class too (quinn-udp 0.6.3).
                assert!(
                    meta.ecn == Some(EcnCodepoint::Ect0) || (meta.len > meta.stride && meta.ecn.is_none())
                );
                for datagram in room[..meta.len].chunks(meta.stride) {
                    assert_eq!(datagram, &expected[seen..seen + size]);
                    seen += size;
                }
            }
        }
    }
}

impl Peer for Quinn {
    fn name(&self) -> &'static str {
        "quinn-udp, ECN and addresses"
    }

    fn can(&self, work: Work) -> bool {
        matches!(work, Work::One | Work::Batch(_) | Work::Segments(..))
    }

    fn run(&mut self, work: Work) {
        match work {
            Work::Segments(count, size) => {
                if self.segments.len() != count * size {
                    self.segments = segments(count, size);
                }
                self.send(&self.segments, Some(size));
                let expected = std::mem::take(&mut self.segments);
                self.receive(&expected, size, 1);
                self.segments = expected;
            }
            work => {
                let payloads = std::mem::take(&mut self.payloads);
                let sent = &payloads[..work.datagrams()];
                sent.iter().for_each(|payload| self.send(payload, None));
                self.receive(sent.as_flattened(), PAYLOAD.len(), work.datagrams().min(BATCH_SIZE));
                self.payloads = payloads;
            }
        }
    }
}
