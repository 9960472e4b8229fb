//! This library, through its public API.

use std::io::{self, IoSliceMut};

use ipv6_std::{ControlFlags, Outgoing, Received, RecvBatch, RecvControl, Segments, SendBatch, SendControl};

use super::{Peer, Program};
use crate::ends::Ends;
use crate::work::{
    CLASS, HOPS, LARGEST, ROOMS, SEGMENTS, SIZE, Way, Work, check_payload, on_a_page, payload,
};

mod mixed;

pub(super) fn peer(program: Program, work: Work, ends: Ends) -> io::Result<Box<dyn Peer>> {
    for_flags!(work.control, FLAGS => made::<FLAGS>(program, work, ends))
}

fn made<const FLAGS: u32>(program: Program, work: Work, ends: Ends) -> io::Result<Box<dyn Peer>> {
    let control = control(work.control, &ends);
    let (one, room) = (on_a_page(payload(0, work.size)), on_a_page(vec![0; work.size.max(64)]));
    Ok(match work.way {
        Way::Single => Box::new(Single::<FLAGS, false> { ends, control, payload: one, room }),
        Way::Connected => {
            Box::new(Single::<FLAGS, true> { ends, control: SendControl::new(), payload: one, room })
        }
        Way::Batch => Box::new(batch::<FLAGS, 64, false>(program, work, ends, control)?),
        Way::Built => Box::new(batch::<FLAGS, LONG, true>(program, work, ends, control)?),
        Way::Mixed(_) => Box::new(mixed::Mixed::<FLAGS>::new(work, ends, control)),
        Way::Segments => {
            ends.receiver.set_receive_coalescing(true)?;
            let payloads = on_a_page((0..work.count).flat_map(|number| payload(number, work.size)).collect());
            let (control, room) = (control.with_segment_size(work.size as u16), on_a_page(vec![0; LARGEST]));
            Box::new(Segmented::<FLAGS> { ends, control, size: work.size, payloads, room })
        }
        Way::Together => {
            ends.receiver.set_receive_coalescing(true)?;
            let together = program == Program::Together;
            let (rooms, room) = if together { (ROOMS, LARGEST) } else { (work.count, work.size) };
            let mut receive = RecvBatch::new(rooms);
            receive.keep_together(together);
            Box::new(Combined::<FLAGS> {
                ends,
                control: control.with_segment_size(work.size as u16),
                size: work.size,
                payloads: on_a_page((0..work.count).flat_map(|number| payload(number, work.size)).collect()),
                receive,
                rooms: (0..rooms).map(|_| IoSliceMut::new(on_a_page(vec![0; room]))).collect(),
            })
        }
    })
}

pub(super) fn control(flags: ControlFlags, ends: &Ends) -> SendControl<'static> {
    let mut control = SendControl::new();
    if flags.contains(ControlFlags::TRAFFIC_CLASS) {
        control = control.with_traffic_class(CLASS);
    }
    if flags.contains(ControlFlags::HOP_LIMIT) {
        control = control.with_hop_limit(HOPS);
    }
    if flags.contains(ControlFlags::DESTINATION) {
        control = control.with_source(*ends.from.ip());
    }
    if flags.contains(ControlFlags::INTERFACE) {
        control = control.with_interface(ends.interface);
    }
    control
}

/// Asserts that the received fields equal those that were sent.
#[inline(always)]
pub(super) fn check<const FLAGS: u32>(got: &Received, ends: &Ends) {
    let has = |flag: ControlFlags| FLAGS & flag.bits() != 0;
    let RecvControl { traffic_class, hop_limit, destination, interface, .. } = &got.control;
    assert!(got.source.ip() == ends.from.ip() && got.source.port() == ends.from.port());
    assert!(!got.truncated && !got.control_truncated);
    if has(ControlFlags::TRAFFIC_CLASS) {
        assert!(*traffic_class == Some(CLASS));
    }
    if has(ControlFlags::HOP_LIMIT) {
        assert!(*hop_limit == Some(HOPS));
    }
    if has(ControlFlags::DESTINATION) {
        assert!(destination.as_ref() == Some(ends.to.ip()));
    }
    if has(ControlFlags::INTERFACE) {
        assert!(*interface == Some(ends.interface));
    }
}

struct Single<const FLAGS: u32, const CONNECTED: bool> {
    ends: Ends,
    control: SendControl<'static>,
    payload: &'static [u8],
    room: &'static mut [u8],
}

impl<const FLAGS: u32, const CONNECTED: bool> Peer for Single<FLAGS, CONNECTED> {
    fn send(&mut self) {
        let Self { ends, control, payload, .. } = self;
        let sent = if CONNECTED {
            ends.sender.send(payload, control)
        } else {
            ends.sender.send_to(payload, control, ends.to)
        };
        assert_eq!(sent.unwrap(), payload.len());
    }

    fn receive(&mut self) {
        let got = self.ends.receiver.recv_from(self.room);
        let got = got.as_ref().unwrap();
        check_payload(&self.room[..got.len], self.payload);
        check::<FLAGS>(got, &self.ends);
    }
}

/// Datagrams of a batch. `ROOM`: the size of the buffers to receive. `BUILT`: the messages are made for each call.
struct Batch<const FLAGS: u32, const ROOM: usize, const BUILT: bool> {
    ends: Ends,
    control: SendControl<'static>,
    payloads: Vec<&'static [u8]>,
    messages: Vec<Outgoing<'static>>,
    send: SendBatch,
    receive: RecvBatch,
    room: Vec<[u8; ROOM]>,
}

const _: () = assert!(SIZE <= 64);
/// Room for long datagrams.
const LONG: usize = 1280;

fn batch<const FLAGS: u32, const ROOM: usize, const BUILT: bool>(
    program: Program,
    work: Work,
    ends: Ends,
    control: SendControl<'static>,
) -> io::Result<Batch<FLAGS, ROOM, BUILT>> {
    assert!(work.size <= ROOM);
    ends.sender.set_send_coalescing(program != Program::EachByItself);
    ends.receiver.set_receive_coalescing(program == Program::Coalescing)?;
    // Prepared once, as in the hand-written program.
    let payloads: Vec<&'static [u8]> =
        (0..work.count).map(|number| &*payload(number, work.size).leak()).collect();
    let to = Some(ends.to);
    Ok(Batch {
        messages: payloads.iter().map(|payload| Outgoing::new(payload, control, to)).collect(),
        payloads,
        ends,
        control,
        send: SendBatch::new(work.count),
        receive: RecvBatch::new(work.count),
        room: vec![[0; ROOM]; work.count],
    })
}

impl<const FLAGS: u32, const ROOM: usize, const BUILT: bool> Peer for Batch<FLAGS, ROOM, BUILT> {
    fn send(&mut self) {
        if BUILT {
            let (control, to) = (self.control, Some(self.ends.to));
            self.messages.clear();
            self.messages.extend(self.payloads.iter().map(|payload| Outgoing::new(payload, control, to)));
        }
        let sent = self.ends.sender.send_batch(&mut self.send, &self.messages).unwrap();
        assert_eq!(sent, self.messages.len());
    }

    fn receive(&mut self) {
        let mut payloads = self.payloads.iter();
        while payloads.len() > 0 {
            let room = &mut self.room[..payloads.len()];
            self.ends.receiver.recv_batch(&mut self.receive, room).unwrap();
            let mut room = room.iter();
            for got in self.receive.iter() {
                let got = got.as_ref().unwrap();
                check_payload(&room.next().unwrap()[..got.len], payloads.next().unwrap());
                check::<FLAGS>(got, &self.ends);
            }
        }
    }
}

/// Segmentation offload with an explicit segment size.
struct Segmented<const FLAGS: u32> {
    ends: Ends,
    control: SendControl<'static>,
    size: usize,
    payloads: &'static [u8],
    room: &'static mut [u8],
}

impl<const FLAGS: u32> Peer for Segmented<FLAGS> {
    fn send(&mut self) {
        let sent = self.ends.sender.send_to(self.payloads, &self.control, self.ends.to).unwrap();
        assert_eq!(sent, self.payloads.len());
    }

    fn receive(&mut self) {
        let mut payloads = self.payloads.chunks_exact(self.size);
        while payloads.len() > 0 {
            let got = self.ends.receiver.recv_from(self.room).unwrap();
            check::<FLAGS>(&got, &self.ends);
            for segment in Segments::new(&self.room[..got.len], got.control.segment_size) {
                check_payload(segment, payloads.next().unwrap());
            }
        }
    }
}

/// Payloads that the system combined, received many per call: whole, or split again.
struct Combined<const FLAGS: u32> {
    ends: Ends,
    control: SendControl<'static>,
    size: usize,
    payloads: &'static [u8],
    receive: RecvBatch,
    rooms: Vec<IoSliceMut<'static>>,
}

impl<const FLAGS: u32> Peer for Combined<FLAGS> {
    fn send(&mut self) {
        for payload in self.payloads.chunks(SEGMENTS * self.size) {
            let sent = self.ends.sender.send_to(payload, &self.control, self.ends.to).unwrap();
            assert_eq!(sent, payload.len());
        }
    }

    fn receive(&mut self) {
        let mut payloads = self.payloads.chunks_exact(self.size);
        while payloads.len() > 0 {
            self.ends.receiver.recv_batch(&mut self.receive, &mut self.rooms).unwrap();
            let mut rooms = self.rooms.iter();
            for got in self.receive.iter() {
                let got = got.as_ref().unwrap();
                check::<FLAGS>(got, &self.ends);
                let payload = &rooms.next().unwrap()[..got.len];
                for segment in Segments::new(payload, got.control.segment_size) {
                    check_payload(segment, payloads.next().unwrap());
                }
            }
        }
    }
}
