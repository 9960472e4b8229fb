//! Hand-written libc: a program that knows just these messages, and makes its arrays ready once.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

use super::{Peer, payload};
use crate::{CLASS, HOPS, PAYLOAD};

/// A control message as libc's structures have it.
#[repr(C)]
struct Message<T> {
    header: libc::cmsghdr,
    data: T,
}

/// The three, in the kernel's order; each is padded to eight bytes.
#[repr(C, align(8))]
struct Control {
    info: Message<[u8; 24]>,
    hops: Message<[i32; 2]>,
    class: Message<[i32; 2]>,
}

fn message<T>(kind: i32, size: usize, data: T) -> Message<T> {
    // SAFETY: a C structure of integers, for which zero is a value.
    let mut header: libc::cmsghdr = unsafe { zeroed() };
    header.cmsg_level = libc::IPPROTO_IPV6;
    header.cmsg_type = kind;
    header.cmsg_len = size_of::<libc::cmsghdr>() + size;
    Message { header, data }
}

impl Control {
    fn new(source: [u8; 16]) -> Self {
        let mut info = [0; 24];
        info[..16].copy_from_slice(&source);
        Self {
            info: message(libc::IPV6_PKTINFO, 20, info),
            hops: message(libc::IPV6_HOPLIMIT, 4, [i32::from(HOPS), 0]),
            class: message(libc::IPV6_TCLASS, 4, [i32::from(CLASS), 0]),
        }
    }

    /// Asserts that these are the three that were sent.
    fn check(&self, len: usize, destination: [u8; 16]) {
        assert_eq!(len, size_of::<Self>());
        let messages = [
            (self.info.header, libc::IPV6_PKTINFO, 36),
            (self.hops.header, libc::IPV6_HOPLIMIT, 20),
            (self.class.header, libc::IPV6_TCLASS, 20),
        ];
        for (header, kind, len) in messages {
            assert_eq!(
                (header.cmsg_level, header.cmsg_type, header.cmsg_len),
                (libc::IPPROTO_IPV6, kind, len)
            );
        }
        assert_eq!(self.info.data[..16], destination);
        assert_eq!((self.hops.data[0], self.class.data[0]), (i32::from(HOPS), i32::from(CLASS)));
    }
}

fn name(address: SocketAddrV6) -> libc::sockaddr_in6 {
    // SAFETY: a C structure of integers, for which zero is a value.
    let mut name: libc::sockaddr_in6 = unsafe { zeroed() };
    name.sin6_family = libc::AF_INET6 as _;
    name.sin6_port = address.port().to_be();
    name.sin6_addr = libc::in6_addr { s6_addr: address.ip().octets() };
    name
}

/// What one message is made of, one for each of a batch. The headers point here: it stays where it is.
struct Slot {
    control: Control,
    name: libc::sockaddr_in6,
    part: libc::iovec,
    payload: [u8; 64],
}

pub struct ByHand {
    socket: UdpSocket,
    to: SocketAddrV6,
    send: Vec<Slot>,
    send_headers: Vec<libc::mmsghdr>,
    receive: Vec<Slot>,
    receive_headers: Vec<libc::mmsghdr>,
}

fn headers(slots: &mut [Slot]) -> Vec<libc::mmsghdr> {
    slots
        .iter_mut()
        .map(|slot| {
            // SAFETY: a C structure of integers and pointers, for which zero is a value.
            let mut header: libc::mmsghdr = unsafe { zeroed() };
            header.msg_hdr.msg_name = ptr::from_mut(&mut slot.name).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in6>() as u32;
            slot.part.iov_base = slot.payload.as_mut_ptr().cast();
            header.msg_hdr.msg_iov = &mut slot.part;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = ptr::from_mut(&mut slot.control).cast();
            header.msg_hdr.msg_controllen = size_of::<Control>();
            header
        })
        .collect()
}

impl ByHand {
    pub fn new() -> io::Result<Self> {
        let socket = super::socket()?;
        let to = super::address(&socket);
        let slot = |len, number| Slot {
            control: Control::new(to.ip().octets()),
            name: name(to),
            part: libc::iovec { iov_base: ptr::null_mut(), iov_len: len },
            payload: {
                let mut room = [0; 64];
                room[..PAYLOAD.len()].copy_from_slice(&payload(number));
                room
            },
        };
        let mut send: Vec<_> = (0..64).map(|number| slot(PAYLOAD.len(), number)).collect();
        let mut receive: Vec<_> = (0..64).map(|number| slot(64, number)).collect();
        let (send_headers, receive_headers) = (headers(&mut send), headers(&mut receive));
        Ok(Self { socket, to, send, send_headers, receive, receive_headers })
    }
}

impl Peer for ByHand {
    fn name(&self) -> &'static str {
        "hand-written"
    }

    fn one(&mut self) {
        let fd = self.socket.as_raw_fd();
        // SAFETY: the header points to the first slot, which is there.
        assert_ne!(unsafe { libc::sendmsg(fd, &self.send_headers[0].msg_hdr, 0) }, -1);
        let header = &mut self.receive_headers[0].msg_hdr;
        header.msg_controllen = size_of::<Control>();
        // SAFETY: as above.
        let len = unsafe { libc::recvmsg(fd, header, 0) };
        assert_eq!(header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC), 0);
        let slot = &self.receive[0];
        assert_eq!(slot.payload.get(..len as usize), Some(&payload(0)[..]));
        assert_eq!(
            (slot.name.sin6_addr.s6_addr, slot.name.sin6_port),
            (self.to.ip().octets(), self.to.port().to_be())
        );
        slot.control.check(header.msg_controllen, self.to.ip().octets());
    }

    fn plain(&mut self) {
        let (fd, slot) = (self.socket.as_raw_fd(), &mut self.receive[0]);
        let mut name_len = size_of::<libc::sockaddr_in6>() as u32;
        let to = &self.send[0];
        let (name, start) = (ptr::from_ref(&to.name).cast(), to.payload.as_ptr().cast());
        // SAFETY: pointers and lengths are those of the slot's.
        assert_ne!(unsafe { libc::sendto(fd, start, PAYLOAD.len(), 0, name, name_len) }, -1);
        let (name, start) = (ptr::from_mut(&mut slot.name).cast(), slot.payload.as_mut_ptr().cast());
        // SAFETY: as above.
        let len = unsafe { libc::recvfrom(fd, start, 64, libc::MSG_TRUNC, name, &mut name_len) };
        assert_eq!(slot.payload.get(..len as usize), Some(&payload(0)[..]));
        assert_eq!(
            (slot.name.sin6_addr.s6_addr, slot.name.sin6_port),
            (self.to.ip().octets(), self.to.port().to_be())
        );
    }

    fn batch(&mut self, count: usize) {
        let fd = self.socket.as_raw_fd();
        // SAFETY: the headers point to slots, which are there.
        let sent = unsafe { libc::sendmmsg(fd, self.send_headers.as_mut_ptr(), count as u32, 0) };
        assert_eq!(sent, count as i32);
        let mut seen = 0;
        while seen < count {
            let (start, room) = (self.receive_headers.as_mut_ptr(), count as u32);
            let (flags, no_timeout) = (libc::MSG_WAITFORONE, ptr::null_mut());
            // SAFETY: as above.
            let got = unsafe { libc::recvmmsg(fd, start, room, flags as _, no_timeout) };
            assert!(got > 0);
            for (header, slot) in self.receive_headers.iter_mut().zip(&self.receive).take(got as usize) {
                assert_eq!(header.msg_hdr.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC), 0);
                assert_eq!(slot.payload.get(..header.msg_len as usize), Some(&payload(seen)[..]));
                let (to, from) = (self.to, slot.name);
                assert_eq!((from.sin6_addr.s6_addr, from.sin6_port), (to.ip().octets(), to.port().to_be()));
                slot.control.check(header.msg_hdr.msg_controllen, to.ip().octets());
                header.msg_hdr.msg_controllen = size_of::<Control>();
                header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in6>() as u32;
                seen += 1;
            }
        }
    }
}
