//! `std`, which has no control messages: the lower bound.

use ipv6_std::ControlFlags;

use super::{Does, Peer};
use crate::ends::Ends;
use crate::work::{Way, Work, check_payload, on_a_page, payload};

struct Std {
    ends: Ends,
    connected: bool,
    payload: &'static [u8],
    room: &'static mut [u8],
}

pub(super) fn does(control: ControlFlags) -> Does {
    if control.is_empty() { Does::All } else { Does::But("no control messages") }
}

pub(super) fn peer(work: Work, ends: Ends) -> Box<dyn Peer> {
    let (payload, room) = (on_a_page(payload(0, work.size)), on_a_page(vec![0; work.size.max(64)]));
    Box::new(Std { ends, connected: work.way == Way::Connected, payload, room })
}

impl Peer for Std {
    fn send(&mut self) {
        let (sender, _) = self.ends.sockets();
        let sent = if self.connected {
            sender.send(self.payload)
        } else {
            sender.send_to(self.payload, self.ends.to)
        };
        assert_eq!(sent.unwrap(), self.payload.len());
    }

    fn receive(&mut self) {
        let (_, receiver) = self.ends.sockets();
        let (len, source) = receiver.recv_from(self.room).unwrap();
        check_payload(&self.room[..len], self.payload);
        assert_eq!(source, self.ends.from.into());
    }
}
