//! A batch to several destinations in turn.

use std::sync::Arc;

use ipv6_std::{Outgoing, PacketConn, RecvBatch, SendBatch, SendControl};

use super::super::Peer;
use super::{LONG, check};
use crate::ends::Ends;
use crate::work::{Work, check_payload, payload};

pub(super) struct Mixed<const FLAGS: u32> {
    ends: Ends,
    receivers: Vec<Arc<PacketConn>>,
    payloads: Vec<&'static [u8]>,
    messages: Vec<Outgoing<'static>>,
    send: SendBatch,
    receive: RecvBatch,
    room: Vec<[u8; LONG]>,
}

impl<const FLAGS: u32> Mixed<FLAGS> {
    pub(super) fn new(work: Work, ends: Ends, control: SendControl<'static>) -> Self {
        assert!(work.size <= LONG);
        let (mut receivers, mut to) = (vec![Arc::clone(&ends.receiver)], vec![ends.to]);
        for (receiver, address) in &ends.others {
            receivers.push(Arc::clone(receiver));
            to.push(*address);
        }
        let payloads: Vec<&'static [u8]> =
            (0..work.count).map(|number| &*payload(number, work.size).leak()).collect();
        let message = |(payload, to): (&&'static [u8], _)| Outgoing::new(payload, control, Some(to));
        Self {
            messages: payloads.iter().zip(to.into_iter().cycle()).map(message).collect(),
            payloads,
            ends,
            receivers,
            send: SendBatch::new(work.count),
            receive: RecvBatch::new(work.count),
            room: vec![[0; LONG]; work.count],
        }
    }
}

impl<const FLAGS: u32> Peer for Mixed<FLAGS> {
    fn send(&mut self) {
        self.ends.sender.send_batch_all(&mut self.send, &self.messages).unwrap();
    }

    fn receive(&mut self) {
        let every = self.receivers.len();
        for (which, receiver) in self.receivers.iter().enumerate() {
            let mut payloads = self.payloads.iter().skip(which).step_by(every);
            while payloads.len() > 0 {
                let room = &mut self.room[..payloads.len()];
                receiver.recv_batch(&mut self.receive, room).unwrap();
                for (got, room) in self.receive.iter().zip(&*room) {
                    let got = got.as_ref().unwrap();
                    check_payload(&room[..got.len], payloads.next().unwrap());
                    check::<FLAGS>(got, &self.ends);
                }
            }
        }
    }
}
