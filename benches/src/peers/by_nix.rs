//! nix, with its types for control messages.

use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddrV6};

use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrIn6, recvfrom, recvmmsg,
    recvmsg, send, sendmmsg, sendmsg, sendto,
};

use super::Peer;
use crate::ends::Ends;
use crate::work::{CLASS, HOPS, Way, Work, check_payload, on_a_page, payload};

pub(super) fn peer(work: Work, ends: Ends) -> Box<dyn Peer> {
    let headers = match work.control {
        Work::INFO => Headers { class: None, hops: None },
        _ => Headers { class: Some(CLASS.into()), hops: Some(HOPS.into()) },
    };
    let to = SockaddrIn6::from(ends.to);
    let space = nix::cmsg_space!(libc::in6_pktinfo, i32, i32);
    if work.way == Way::Batch {
        return Box::new(Batch {
            payloads: (0..work.count).map(|number| payload(number, work.size)).collect(),
            send: MultiHeaders::preallocate(work.count, Some(space.clone())),
            receive: MultiHeaders::preallocate(work.count, Some(space)),
            room: vec![[0; 64]; work.count],
            to,
            headers,
            ends,
        });
    }
    let (payload, room) = (on_a_page(payload(0, work.size)), on_a_page(vec![0; work.size.max(64)]));
    Box::new(Single { work, ends, to, headers, space, payload, room })
}

/// The header fields that are sent and received in addition to the packet info.
#[derive(Clone, Copy)]
struct Headers {
    class: Option<i32>,
    hops: Option<i32>,
}

impl Headers {
    /// Asserts that the received fields equal those that were sent.
    fn check(self, got: &RecvMsg<'_, '_, SockaddrIn6>, ends: &Ends) {
        assert_eq!(got.address.map(SocketAddrV6::from), Some(ends.from));
        assert!(!got.flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC));
        let (mut class, mut hops, mut destination) = (None, None, None);
        for message in got.cmsgs().unwrap() {
            match message {
                ControlMessageOwned::Ipv6PacketInfo(info) => {
                    destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
                }
                ControlMessageOwned::Ipv6HopLimit(limit) => hops = Some(limit),
                ControlMessageOwned::Ipv6TClass(traffic_class) => class = Some(traffic_class),
                _ => {}
            }
        }
        assert_eq!((class, hops, destination), (self.class, self.hops, Some(*ends.to.ip())));
    }
}

fn info(ends: &Ends) -> libc::in6_pktinfo {
    libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: ends.from.ip().octets() }, ipi6_ifindex: 0 }
}

struct Single {
    work: Work,
    ends: Ends,
    to: SockaddrIn6,
    headers: Headers,
    space: Vec<u8>,
    payload: &'static [u8],
    room: &'static mut [u8],
}

impl Peer for Single {
    fn send(&mut self) {
        let (fd, flags) = (self.ends.descriptors().0, MsgFlags::empty());
        let (parts, info) = ([IoSlice::new(self.payload)], info(&self.ends));
        let sent = match (self.work.way, self.headers) {
            (Way::Connected, _) => send(fd, self.payload, flags),
            _ if self.work.control.is_empty() => sendto(fd, self.payload, &self.to, flags),
            (_, Headers { class: Some(class), hops: Some(hops) }) => {
                let control = [
                    ControlMessage::Ipv6PacketInfo(&info),
                    ControlMessage::Ipv6HopLimit(&hops),
                    ControlMessage::Ipv6TClass(&class),
                ];
                sendmsg(fd, &parts, &control, flags, Some(&self.to))
            }
            _ => sendmsg(fd, &parts, &[ControlMessage::Ipv6PacketInfo(&info)], flags, Some(&self.to)),
        };
        assert_eq!(sent, Ok(self.payload.len()));
    }

    fn receive(&mut self) {
        let (fd, flags) = (self.ends.descriptors().1, MsgFlags::empty());
        let len = if self.work.control.is_empty() {
            let (len, source) = recvfrom::<SockaddrIn6>(fd, self.room).unwrap();
            assert_eq!(source.map(SocketAddrV6::from), Some(self.ends.from));
            len
        } else {
            let mut parts = [IoSliceMut::new(self.room)];
            let got = recvmsg::<SockaddrIn6>(fd, &mut parts, Some(&mut self.space), flags).unwrap();
            self.headers.check(&got, &self.ends);
            got.bytes
        };
        check_payload(&self.room[..len], self.payload);
    }
}

struct Batch {
    ends: Ends,
    to: SockaddrIn6,
    headers: Headers,
    payloads: Vec<Vec<u8>>,
    send: MultiHeaders<SockaddrIn6>,
    receive: MultiHeaders<SockaddrIn6>,
    room: Vec<[u8; 64]>,
}

impl Peer for Batch {
    fn send(&mut self) {
        let info = info(&self.ends);
        let (hops, class) = (self.headers.hops.unwrap(), self.headers.class.unwrap());
        let control = [
            ControlMessage::Ipv6PacketInfo(&info),
            ControlMessage::Ipv6HopLimit(&hops),
            ControlMessage::Ipv6TClass(&class),
        ];
        let parts: Vec<_> = self.payloads.iter().map(|payload| [IoSlice::new(payload)]).collect();
        let names = vec![Some(self.to); parts.len()];
        let (fd, flags) = (self.ends.descriptors().0, MsgFlags::empty());
        let sent = sendmmsg(fd, &mut self.send, &parts, &names, control, flags).unwrap();
        assert_eq!(sent.count(), parts.len());
    }

    fn receive(&mut self) {
        let (fd, flags) = (self.ends.descriptors().1, MsgFlags::MSG_WAITFORONE);
        let mut seen = 0;
        while seen < self.payloads.len() {
            let mut parts: Vec<_> =
                self.room[seen..].iter_mut().map(|room| [IoSliceMut::new(room)]).collect();
            let got = recvmmsg(fd, &mut self.receive, parts.iter_mut(), flags, None).unwrap();
            let mut lens = Vec::with_capacity(self.payloads.len());
            for message in got {
                self.headers.check(&message, &self.ends);
                lens.push(message.bytes);
            }
            for len in lens {
                check_payload(&self.room[seen][..len], &self.payloads[seen]);
                seen += 1;
            }
        }
    }
}
