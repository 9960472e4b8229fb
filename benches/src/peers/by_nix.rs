//! nix: control messages as its types have them.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrIn6, recvfrom, recvmmsg,
    recvmsg, sendmmsg, sendmsg, sendto,
};

use super::{Peer, payload};
use crate::work::{CLASS, HOPS, MOST, PAYLOAD, Work};

pub struct Nix {
    socket: UdpSocket,
    plain: UdpSocket,
    plain_to: SocketAddrV6,
    to: SocketAddrV6,
    space: Vec<u8>,
    payloads: Vec<[u8; PAYLOAD.len()]>,
    send: MultiHeaders<SockaddrIn6>,
    receive: MultiHeaders<SockaddrIn6>,
}

impl Nix {
    pub fn new() -> io::Result<Self> {
        let socket = super::socket()?;
        let to = super::address(&socket);
        let space = nix::cmsg_space!(libc::in6_pktinfo, i32, i32);
        let plain = UdpSocket::bind("[::1]:0")?;
        Ok(Self {
            socket,
            plain_to: super::address(&plain),
            plain,
            to,
            payloads: (0..MOST).map(payload).collect(),
            send: MultiHeaders::preallocate(MOST, Some(space.clone())),
            receive: MultiHeaders::preallocate(MOST, Some(space.clone())),
            space,
        })
    }
}

/// Asserts that the three that were sent came.
fn check<'a, 's>(got: &RecvMsg<'a, 's, SockaddrIn6>, to: SocketAddrV6) {
    assert_eq!(got.address.map(SocketAddrV6::from), Some(to));
    assert!(!got.flags.intersects(MsgFlags::MSG_TRUNC | MsgFlags::MSG_CTRUNC));
    let (mut class, mut hops, mut destination) = (None, None, None);
    for message in got.cmsgs().unwrap() {
        match message {
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr))
            }
            ControlMessageOwned::Ipv6HopLimit(limit) => hops = Some(limit),
            ControlMessageOwned::Ipv6TClass(traffic_class) => class = Some(traffic_class),
            _ => {}
        }
    }
    assert_eq!((class, hops, destination), (Some(CLASS.into()), Some(HOPS.into()), Some(*to.ip())));
}

impl Nix {
    fn one(&mut self) {
        let (fd, name) = (self.socket.as_raw_fd(), SockaddrIn6::from(self.to));
        let info = libc::in6_pktinfo {
            ipi6_addr: libc::in6_addr { s6_addr: self.to.ip().octets() },
            ipi6_ifindex: 0,
        };
        let (hops, class) = (i32::from(HOPS), i32::from(CLASS));
        let control = [
            ControlMessage::Ipv6PacketInfo(&info),
            ControlMessage::Ipv6HopLimit(&hops),
            ControlMessage::Ipv6TClass(&class),
        ];
        let parts = [IoSlice::new(&self.payloads[0])];
        sendmsg(fd, &parts, &control, MsgFlags::empty(), Some(&name)).unwrap();
        let mut room = [0; 64];
        let mut parts = [IoSliceMut::new(&mut room)];
        let got = recvmsg::<SockaddrIn6>(fd, &mut parts, Some(&mut self.space), MsgFlags::empty()).unwrap();
        check(&got, self.to);
        let len = got.bytes;
        assert_eq!(room[..len], self.payloads[0]);
    }

    fn plain(&mut self) {
        let (fd, to) = (self.plain.as_raw_fd(), self.plain_to);
        sendto(fd, &self.payloads[0], &SockaddrIn6::from(to), MsgFlags::empty()).unwrap();
        let mut room = [0; 64];
        let (len, source) = recvfrom::<SockaddrIn6>(fd, &mut room).unwrap();
        assert_eq!((&room[..len], source.map(SocketAddrV6::from)), (&self.payloads[0][..], Some(to)));
    }

    fn batch(&mut self, count: usize) {
        let (fd, name) = (self.socket.as_raw_fd(), Some(SockaddrIn6::from(self.to)));
        let info = libc::in6_pktinfo {
            ipi6_addr: libc::in6_addr { s6_addr: self.to.ip().octets() },
            ipi6_ifindex: 0,
        };
        let (hops, class) = (i32::from(HOPS), i32::from(CLASS));
        let control = [
            ControlMessage::Ipv6PacketInfo(&info),
            ControlMessage::Ipv6HopLimit(&hops),
            ControlMessage::Ipv6TClass(&class),
        ];
        let parts: Vec<_> = self.payloads[..count].iter().map(|payload| [IoSlice::new(payload)]).collect();
        let names = vec![name; count];
        let sent = sendmmsg(fd, &mut self.send, &parts, &names, control, MsgFlags::empty()).unwrap();
        assert_eq!(sent.count(), count);
        let mut room = vec![[0; 64]; count];
        let mut seen = 0;
        while seen < count {
            let mut parts: Vec<_> = room[seen..].iter_mut().map(|room| [IoSliceMut::new(room)]).collect();
            let got =
                recvmmsg(fd, &mut self.receive, parts.iter_mut(), MsgFlags::MSG_WAITFORONE, None).unwrap();
            let mut lens = Vec::with_capacity(count);
            for message in got {
                check(&message, self.to);
                lens.push(message.bytes);
            }
            for len in lens {
                assert_eq!(room[seen][..len], self.payloads[seen]);
                seen += 1;
            }
        }
    }
}

impl Peer for Nix {
    fn name(&self) -> &'static str {
        "nix"
    }

    fn can(&self, work: Work) -> bool {
        matches!(work, Work::One | Work::Plain | Work::Batch(_))
    }

    fn run(&mut self, work: Work) {
        match work {
            Work::One => self.one(),
            Work::Batch(count) => self.batch(count),
            _ => self.plain(),
        }
    }
}
