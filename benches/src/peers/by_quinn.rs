//! quinn-udp, which supports the control messages that QUIC needs. Of the traffic class it supports the two ECN bits. It
//! always sends ECN, and always receives destination, ECN and time. It sends a batch one by one, and receives many datagrams
//! per call.

use std::array;
use std::io::{self, ErrorKind, IoSliceMut};

use ipv6_std::ControlFlags;
use quinn_udp::{BATCH_SIZE, EcnCodepoint, RecvMeta, Transmit, UdpSockRef, UdpSocketState};

use super::{Does, Peer};
use crate::ends::Ends;
use crate::work::{LARGEST, SEGMENTS, SIZE, Way, Work, check_payload, on_a_page, payload};

pub(super) fn does(way: Way, control: ControlFlags) -> Does {
    match (way, control) {
        (Way::Single, Work::NONE) => Does::But("sends ECN, receives three control messages"),
        (Way::Single, Work::INFO) => Does::But("sends ECN too, receives three control messages"),
        (Way::Single, _) => Does::But("ECN, destination and time; no hop limit, no DSCP"),
        // Time, segment size, packet info and traffic class take 120 bytes; its buffer has 96.
        (Way::Segments | Way::Together, _) => {
            Does::But("destination and time; ECN that arrives is cut; no hop limit, no DSCP")
        }
        (Way::Batch, _) => Does::But("sends one by one; ECN, destination and time; no hop limit, no DSCP"),
        (Way::Connected | Way::Built | Way::Mixed(_), _) => Does::Nothing,
    }
}

pub(super) fn peer(work: Work, ends: Ends) -> io::Result<Box<dyn Peer>> {
    let (sender, receiver) = ends.sockets();
    let states = (UdpSocketState::new(sender.into())?, UdpSocketState::new(receiver.into())?);
    let payloads = on_a_page((0..work.count).flat_map(|number| payload(number, work.size)).collect());
    let segments = matches!(work.way, Way::Segments | Way::Together);
    let room = if segments { LARGEST } else { work.size.max(64) };
    let rooms = if matches!(work.way, Way::Batch | Way::Together) { BATCH_SIZE } else { 1 };
    let room = |_| if work.way == Way::Batch { vec![0; room].leak() } else { on_a_page(vec![0; room]) };
    let room = (0..rooms).map(room).collect();
    Ok(Box::new(Quinn { work, states, payloads, segments, room, ends }))
}

struct Quinn {
    work: Work,
    ends: Ends,
    states: (UdpSocketState, UdpSocketState),
    payloads: &'static [u8],
    segments: bool,
    room: Vec<&'static mut [u8]>,
}

const _: () = assert!(SIZE <= 64);

impl Peer for Quinn {
    fn send(&mut self) {
        let (ends, (sender, _)) = (&self.ends, self.ends.sockets());
        let segment_size = self.segments.then_some(self.work.size);
        let at_once = match self.work.way {
            Way::Segments => self.payloads.len(),
            Way::Together => SEGMENTS * self.work.size,
            _ => self.work.size,
        };
        for contents in self.payloads.chunks_exact(at_once) {
            let transmit = Transmit {
                destination: ends.to.into(),
                ecn: Some(EcnCodepoint::Ect0),
                contents,
                segment_size,
                src_ip: (!self.work.control.is_empty()).then_some((*ends.from.ip()).into()),
            };
            self.states.0.try_send(UdpSockRef::from(sender), &transmit).unwrap();
        }
    }

    fn receive(&mut self) {
        if let [room] = &mut self.room[..] {
            let rooms = &mut [&mut room[..]];
            receive(&self.states.1, &self.ends, self.work, rooms, self.payloads);
            return;
        }
        let mut rooms = self.room.iter_mut();
        let rooms: &mut [&mut [u8]; BATCH_SIZE] = &mut array::from_fn(|_| &mut rooms.next().unwrap()[..]);
        receive(&self.states.1, &self.ends, self.work, rooms, self.payloads);
    }
}

/// Receives all these payloads, up to one per buffer in each call.
#[inline(always)]
fn receive<const N: usize>(
    state: &UdpSocketState,
    ends: &Ends,
    work: Work,
    rooms: &mut [&mut [u8]; N],
    payloads: &[u8],
) {
    let ecn = (!matches!(work.way, Way::Segments | Way::Together)).then_some(EcnCodepoint::Ect0);
    let mut payloads = payloads.chunks_exact(work.size);
    let (_, receiver) = ends.sockets();
    let mut metas = [RecvMeta::default(); N];
    while payloads.len() > 0 {
        let mut parts = rooms.each_mut().map(|room| IoSliceMut::new(room));
        let count = match state.recv(UdpSockRef::from(receiver), &mut parts, &mut metas) {
            Ok(count) => count,
            // Its sockets are non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => panic!("{error}"),
        };
        for (meta, room) in metas.iter().zip(rooms.iter()).take(count) {
            assert_eq!((meta.addr, meta.ecn), (ends.from.into(), ecn));
            assert_eq!(meta.dst_ip, Some((*ends.to.ip()).into()));
            for segment in room[..meta.len].chunks(meta.stride.max(1)) {
                check_payload(segment, payloads.next().unwrap());
            }
        }
    }
}
