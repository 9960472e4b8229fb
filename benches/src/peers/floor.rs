//! `std`, which has no control messages: the floor.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::{Peer, payload};

pub struct Floor {
    socket: UdpSocket,
    to: SocketAddr,
}

impl Floor {
    pub fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind("[::1]:0")?;
        let to = socket.local_addr()?;
        Ok(Self { socket, to })
    }

    fn exchange(&self, number: usize) {
        self.socket.send_to(&payload(number), self.to).unwrap();
        let mut room = [0; 64];
        let (len, source) = self.socket.recv_from(&mut room).unwrap();
        assert_eq!((&room[..len], source), (&payload(number)[..], self.to));
    }
}

impl Peer for Floor {
    fn name(&self) -> &'static str {
        "std, without control messages"
    }

    fn one(&mut self) {
        self.exchange(0);
    }

    fn plain(&mut self) {
        self.exchange(0);
    }

    fn batch(&mut self, count: usize) {
        (0..count).for_each(|number| self.exchange(number));
    }
}
