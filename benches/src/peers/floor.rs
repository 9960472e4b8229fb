//! `std`, which has no control messages: the floor.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::{Peer, payload};
use crate::work::{PAYLOAD, Work};

pub struct Floor {
    socket: UdpSocket,
    to: SocketAddr,
    payload: [u8; PAYLOAD.len()],
}

impl Floor {
    pub fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind("[::1]:0")?;
        let to = socket.local_addr()?;
        Ok(Self { socket, to, payload: payload(0) })
    }
}

impl Peer for Floor {
    fn name(&self) -> &'static str {
        "std, without control messages"
    }

    fn can(&self, work: Work) -> bool {
        // Beside those with control messages, to show what these cost.
        matches!(work, Work::One | Work::Plain)
    }

    fn run(&mut self, _: Work) {
        self.socket.send_to(&self.payload, self.to).unwrap();
        let mut room = [0; 64];
        let (len, source) = self.socket.recv_from(&mut room).unwrap();
        assert_eq!((&room[..len], source), (&self.payload[..], self.to));
    }
}
