//! A batch to several destinations in turn, in the given order, and the system calls of batches alone.

use std::os::fd::{AsRawFd, RawFd};

use super::super::Peer;
use super::{Batch, CUT, NAME, SPACE, Single, name};
use crate::ends::Ends;
use crate::work::{Work, check_payload};

pub(super) struct Mixed<const FLAGS: u32> {
    batch: Batch<FLAGS>,
    receivers: Vec<RawFd>,
}

impl<const FLAGS: u32> Mixed<FLAGS> {
    pub(super) fn new(work: Work, ends: Ends) -> Self {
        let (mut receivers, mut names) = (vec![ends.descriptors().1], vec![name(ends.to)]);
        for (receiver, to) in &ends.others {
            receivers.push(receiver.get_ref().as_raw_fd());
            names.push(name(*to));
        }
        let mut batch = Batch::new(work, ends);
        for (slot, name) in batch.send.iter_mut().zip(names.iter().cycle()) {
            slot.name = *name;
        }
        Self { batch, receivers }
    }
}

impl<const FLAGS: u32> Peer for Mixed<FLAGS> {
    fn send(&mut self) {
        let sent = self.batch.send_once();
        self.batch.check_sent(sent);
    }

    fn receive(&mut self) {
        let (batch, every) = (&mut self.batch, self.receivers.len());
        for (which, receiver) in self.receivers.iter().enumerate() {
            batch.receiver = *receiver;
            let mut sent = batch.send.iter().skip(which).step_by(every);
            while sent.len() > 0 {
                let (start, room) = (batch.receive_headers.as_mut_ptr(), sent.len() as u32);
                let (flags, no_timeout) = (libc::MSG_WAITFORONE, std::ptr::null_mut());
                // SAFETY: the headers point to slots that `batch` owns and that do not move.
                let got = unsafe { libc::recvmmsg(*receiver, start, room, flags as _, no_timeout) };
                assert!(got > 0);
                for (header, slot) in batch.receive_headers.iter_mut().zip(&batch.receive).take(got as usize)
                {
                    assert_eq!(header.msg_hdr.msg_flags & CUT, 0);
                    let payload = slot.payload.get(..header.msg_len as usize).unwrap();
                    check_payload(payload, sent.next().unwrap().payload);
                    slot.check_source(&batch.ends);
                    slot.control.check(header.msg_hdr.msg_controllen, &batch.ends);
                    header.msg_hdr.msg_controllen = SPACE;
                    header.msg_hdr.msg_namelen = NAME;
                }
            }
        }
    }
}

/// The system calls of another program, and nothing else: the least that any program takes.
pub(super) struct Bare<P>(pub(super) P);

impl<const FLAGS: u32, const CONNECTED: bool> Peer for Bare<Single<FLAGS, CONNECTED>> {
    fn send(&mut self) {
        self.0.send_once();
    }

    fn receive(&mut self) {
        self.0.receive_once();
    }
}

impl<const FLAGS: u32> Peer for Bare<Batch<FLAGS>> {
    fn send(&mut self) {
        self.0.send_once();
    }

    fn receive(&mut self) {
        let mut seen = 0;
        while seen < self.0.count() {
            // A failed call would never end the loop.
            seen += usize::try_from(self.0.receive_once(seen)).unwrap();
        }
    }
}
