//! Coalesced payloads, received whole into long buffers.

use std::mem::size_of;
use std::os::fd::RawFd;
use std::ptr;

use super::super::Peer;
use super::{COALESCED_HEADER, CUT, Control, NAME, SEGMENT, SIZE_HEADER, SPACE, SegmentsControl, Slot};
use super::{check, put, set_coalescing, word};
use crate::ends::Ends;
use crate::work::{LARGEST, ROOMS, SEGMENTS, Work, check_payload, on_a_page, payload};

pub(super) struct Together<const FLAGS: u32> {
    size: usize,
    ends: Ends,
    sender: RawFd,
    receiver: RawFd,
    send: Vec<Slot<SegmentsControl>>,
    send_headers: Vec<libc::msghdr>,
    receive: Vec<Slot<SegmentsControl>>,
    receive_headers: Vec<libc::mmsghdr>,
}

impl<const FLAGS: u32> Together<FLAGS> {
    pub(super) fn new(work: Work, ends: Ends) -> Self {
        let (sender, receiver) = ends.descriptors();
        set_coalescing(receiver);
        let control = || {
            let mut control = [0; SEGMENT + SPACE];
            put(&mut control, 0, SIZE_HEADER.to_le_bytes());
            put(&mut control, 16, (work.size as u16).to_ne_bytes());
            put(&mut control, SEGMENT, Control::<FLAGS>::new(&ends).0);
            SegmentsControl(control)
        };
        let payloads = on_a_page((0..work.count).flat_map(|number| payload(number, work.size)).collect());
        let send = |payload| Slot::new(control(), ends.to, payload);
        let mut send: Vec<_> = payloads.chunks_mut(SEGMENTS * work.size).map(send).collect();
        let receive = |_| Slot::new(control(), ends.from, on_a_page(vec![0; LARGEST]));
        let mut receive: Vec<_> = (0..ROOMS).map(receive).collect();
        let header = |slot: &mut Slot<_>| libc::mmsghdr { msg_hdr: slot.header(SEGMENT + SPACE), msg_len: 0 };
        Self {
            size: work.size,
            sender,
            receiver,
            ends,
            send_headers: send.iter_mut().map(|slot| slot.header(SEGMENT + Control::<FLAGS>::SENT)).collect(),
            send,
            receive_headers: receive.iter_mut().map(header).collect(),
            receive,
        }
    }
}

impl<const FLAGS: u32> Peer for Together<FLAGS> {
    fn send(&mut self) {
        for (header, slot) in self.send_headers.iter().zip(&self.send) {
            // SAFETY: the header points to a slot that `self` owns and that does not move.
            let sent = unsafe { libc::sendmsg(self.sender, header, 0) };
            assert_eq!(sent, slot.part.iov_len as isize);
        }
    }

    fn receive(&mut self) {
        let mut payloads = self.send.iter().map(|slot| &slot.payload);
        while payloads.len() > 0 {
            let (start, room) = (self.receive_headers.as_mut_ptr(), self.receive_headers.len() as u32);
            let (flags, no_timeout) = (libc::MSG_WAITFORONE, ptr::null_mut());
            // SAFETY: the headers point to slots that `self` owns and that do not move.
            let got = unsafe { libc::recvmmsg(self.receiver, start, room, flags as _, no_timeout) };
            assert!(got > 0);
            for (header, slot) in self.receive_headers.iter_mut().zip(&self.receive).take(got as usize) {
                assert_eq!(header.msg_hdr.msg_flags & CUT, 0);
                slot.check_source(&self.ends);
                let bytes = &slot.control.0;
                assert_eq!(header.msg_hdr.msg_controllen, SEGMENT + Control::<FLAGS>::LEN);
                assert_eq!(word(bytes, 0), COALESCED_HEADER.to_le_bytes());
                check::<FLAGS>(bytes.last_chunk().unwrap(), &self.ends);
                let size = i32::from_ne_bytes(word(bytes, 16)) as usize;
                let mut sent = payloads.next().unwrap().chunks_exact(self.size);
                for segment in slot.payload.get(..header.msg_len as usize).unwrap().chunks(size) {
                    check_payload(segment, sent.next().unwrap());
                }
                assert!(sent.next().is_none());
                header.msg_hdr.msg_controllen = size_of::<SegmentsControl>();
                header.msg_hdr.msg_namelen = NAME;
            }
        }
    }
}
