//! One payload of several datagrams, which the system splits and combines again.

use std::os::fd::RawFd;

use super::super::Peer;
use super::{COALESCED_HEADER, CUT, Control, SEGMENT, SIZE_HEADER, SPACE, SegmentsControl, Slot};
use super::{check, put, set_coalescing, word};
use crate::ends::Ends;
use crate::work::{LARGEST, Work, check_payload, on_a_page, payload};

pub(super) struct Segments<const FLAGS: u32> {
    work: Work,
    ends: Ends,
    sender: RawFd,
    receiver: RawFd,
    send: Box<Slot<SegmentsControl>>,
    send_header: libc::msghdr,
    receive: Box<Slot<SegmentsControl>>,
    receive_header: libc::msghdr,
}

impl<const FLAGS: u32> Segments<FLAGS> {
    pub(super) fn new(work: Work, ends: Ends) -> Self {
        set_coalescing(ends.descriptors().1);
        let mut control = [0; SEGMENT + SPACE];
        put(&mut control, 0, SIZE_HEADER.to_le_bytes());
        put(&mut control, 16, (work.size as u16).to_ne_bytes());
        put(&mut control, SEGMENT, Control::<FLAGS>::new(&ends).0);
        let payloads = on_a_page((0..work.count).flat_map(|number| payload(number, work.size)).collect());
        let mut send = Box::new(Slot::new(SegmentsControl(control), ends.to, payloads));
        let mut receive =
            Box::new(Slot::new(SegmentsControl(control), ends.from, on_a_page(vec![0; LARGEST])));
        Self {
            work,
            sender: ends.descriptors().0,
            receiver: ends.descriptors().1,
            ends,
            send_header: send.header(SEGMENT + Control::<FLAGS>::SENT),
            send,
            receive_header: receive.header(SEGMENT + SPACE),
            receive,
        }
    }
}

impl<const FLAGS: u32> Peer for Segments<FLAGS> {
    fn send(&mut self) {
        // SAFETY: the header points to the slot, which is boxed and owned by `self`.
        let sent = unsafe { libc::sendmsg(self.sender, &self.send_header, 0) };
        assert_eq!(sent, self.send.part.iov_len as isize);
    }

    fn receive(&mut self) {
        let (slot, header) = (&mut *self.receive, &mut self.receive_header);
        let mut segments = self.send.payload.chunks_exact(self.work.size);
        while segments.len() > 0 {
            header.msg_controllen = SEGMENT + SPACE;
            // SAFETY: the header points to the slot, which is boxed and owned by `self`.
            let len = unsafe { libc::recvmsg(self.receiver, header, 0) };
            assert_eq!(header.msg_flags & CUT, 0);
            slot.check_source(&self.ends);
            let bytes = &slot.control.0;
            assert_eq!(header.msg_controllen, SEGMENT + Control::<FLAGS>::LEN);
            assert_eq!(word(bytes, 0), COALESCED_HEADER.to_le_bytes());
            check::<FLAGS>(bytes.last_chunk().unwrap(), &self.ends);
            let size = i32::from_ne_bytes(word(bytes, 16)) as usize;
            for segment in slot.payload.get(..len as usize).unwrap().chunks(size) {
                check_payload(segment, segments.next().unwrap());
            }
        }
    }
}
