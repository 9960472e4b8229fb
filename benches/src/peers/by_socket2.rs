//! socket2, which hands on control messages as bytes and has none of its own.

use std::io;
use std::mem::MaybeUninit;

use socket2::{Domain, SockAddr, Socket, Type};

use super::{Peer, payload};
use crate::work::{PAYLOAD, Work};

pub struct Socket2 {
    socket: Socket,
    to: SockAddr,
    payload: [u8; PAYLOAD.len()],
}

impl Socket2 {
    pub fn new() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV6, Type::DGRAM, None)?;
        socket.bind(&"[::1]:0".parse::<std::net::SocketAddr>().unwrap().into())?;
        let to = socket.local_addr()?;
        Ok(Self { socket, to, payload: payload(0) })
    }
}

impl Peer for Socket2 {
    fn name(&self) -> &'static str {
        "socket2, without control messages"
    }

    fn can(&self, work: Work) -> bool {
        work == Work::Plain
    }

    fn run(&mut self, _: Work) {
        self.socket.send_to(&self.payload, &self.to).unwrap();
        let mut room = [MaybeUninit::uninit(); 64];
        let (len, source) = self.socket.recv_from(&mut room).unwrap();
        // SAFETY: so many bytes were just received, as socket2 promises.
        let got: &[u8] = unsafe { std::slice::from_raw_parts(room.as_ptr().cast(), len) };
        assert_eq!((got, source.as_socket()), (&self.payload[..], self.to.as_socket()));
    }
}
