//! socket2, which passes control messages as bytes. This file encodes and decodes them by hand.

use std::net::SocketAddrV6;

use ipv6_std::ControlFlags;
use socket2::{MaybeUninitSlice, MsgHdr, MsgHdrMut, SockAddr, SockRef};

use super::by_hand::{Control, check, lend};
use super::{Does, Peer};
use crate::ends::Ends;
use crate::work::{Way, Work, check_payload, on_a_page, payload};

const THREE: u32 = Work::THREE.bits();

pub(super) fn does(control: ControlFlags) -> Does {
    match control {
        Work::NONE => Does::All,
        Work::THREE => Does::But("control messages written and read by hand"),
        _ => Does::Nothing,
    }
}

pub(super) fn peer(work: Work, ends: Ends) -> Box<dyn Peer> {
    Box::new(Socket2 {
        work,
        to: ends.to.into(),
        source: SockAddr::from(ends.from),
        control: Control::new(&ends),
        received: Aligned([0; 88]),
        payload: on_a_page(payload(0, work.size)),
        room: on_a_page(vec![0; work.size.max(64)]),
        ends,
    })
}

#[repr(C, align(8))]
struct Aligned([u8; 88]);

struct Socket2 {
    work: Work,
    ends: Ends,
    to: SockAddr,
    source: SockAddr,
    control: Control<THREE>,
    received: Aligned,
    payload: &'static [u8],
    room: &'static mut [u8],
}

impl Socket2 {
    fn check(&self, len: usize, source: Option<SocketAddrV6>) {
        check_payload(&self.room[..len], self.payload);
        assert_eq!(source, Some(self.ends.from));
    }
}

impl Peer for Socket2 {
    fn send(&mut self) {
        let socket = SockRef::from(self.ends.sockets().0);
        let sent = match self.work {
            Work { way: Way::Connected, .. } => socket.send(self.payload),
            Work { control: Work::NONE, .. } => socket.send_to(self.payload, &self.to),
            _ => {
                let parts = [std::io::IoSlice::new(self.payload)];
                let control = self.control.sent();
                socket
                    .sendmsg(&MsgHdr::new().with_addr(&self.to).with_buffers(&parts).with_control(control), 0)
            }
        };
        assert_eq!(sent.unwrap(), self.payload.len());
    }

    fn receive(&mut self) {
        let socket = SockRef::from(self.ends.sockets().1);
        if self.work.control.is_empty() {
            let (len, source) = socket.recv_from(lend(self.room)).unwrap();
            self.check(len, source.as_socket_ipv6());
            return;
        }
        let mut parts = [MaybeUninitSlice::new(lend(self.room))];
        let mut message = MsgHdrMut::new()
            .with_addr(&mut self.source)
            .with_buffers(&mut parts)
            .with_control(lend(&mut self.received.0));
        let len = socket.recvmsg(&mut message, 0).unwrap();
        let (flags, control) = (message.flags(), message.control_len());
        assert!(!flags.is_truncated());
        assert_eq!(control, self.received.0.len());
        check::<THREE>(&self.received.0, &self.ends);
        self.check(len, self.source.as_socket_ipv6());
    }
}
