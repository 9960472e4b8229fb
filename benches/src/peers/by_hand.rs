//! Hand-written libc: a program that knows just these messages, and makes its arrays ready once.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

use ipv6_std::PacketConn;

use super::{Peer, payload, segments};
use crate::work::{CLASS, HOPS, MOST, PAYLOAD, Work};

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

/// What goes with several datagrams in one payload.
#[repr(C, align(8))]
struct Segmented {
    control: Control,
    size: Message<[u16; 4]>,
}

/// What comes with them: the size is the kernel's first.
#[repr(C, align(8))]
struct Coalesced {
    size: Message<[i32; 2]>,
    control: Control,
}

pub struct ByHand {
    socket: UdpSocket,
    plain: UdpSocket,
    plain_name: libc::sockaddr_in6,
    connected: UdpSocket,
    segmenting: UdpSocket,
    segmenting_to: SocketAddrV6,
    to: SocketAddrV6,
    segments: Vec<u8>,
    large: Vec<u8>,
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
        let mut send: Vec<_> = (0..MOST).map(|number| slot(PAYLOAD.len(), number)).collect();
        let mut receive: Vec<_> = (0..MOST).map(|number| slot(64, number)).collect();
        let (send_headers, receive_headers) = (headers(&mut send), headers(&mut receive));
        let segmenting = super::socket()?;
        let conn = PacketConn::new(&segmenting)?;
        conn.set_receive_coalescing(true)?;
        let plain = UdpSocket::bind("[::1]:0")?;
        Ok(Self {
            socket,
            plain_name: name(super::address(&plain)),
            plain,
            connected: super::connected()?,
            segmenting_to: super::address(&segmenting),
            segmenting,
            to,
            segments: Vec::new(),
            large: vec![0; 65_535],
            send,
            send_headers,
            receive,
            receive_headers,
        })
    }

    /// Sends by the first header, of which this much control, and receives.
    fn exchange(&mut self, fd: i32, control_len: usize) -> usize {
        let header = &mut self.send_headers[0].msg_hdr;
        header.msg_controllen = control_len;
        // SAFETY: the header points to the first slot, which is there.
        assert_ne!(unsafe { libc::sendmsg(fd, header, 0) }, -1);
        header.msg_controllen = size_of::<Control>();
        let header = &mut self.receive_headers[0].msg_hdr;
        header.msg_controllen = size_of::<Control>();
        // SAFETY: as above.
        let len = unsafe { libc::recvmsg(fd, header, 0) };
        assert_eq!(header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC), 0);
        let slot = &self.receive[0];
        assert_eq!(slot.payload.get(..len as usize), Some(&payload(0)[..]));
        header.msg_controllen
    }

    fn one(&mut self) {
        let len = self.exchange(self.socket.as_raw_fd(), size_of::<Control>());
        let slot = &self.receive[0];
        check_name(&slot.name, self.to);
        slot.control.check(len, self.to.ip().octets());
    }

    fn source(&mut self) {
        // Without the padding: Linux keeps 36 bytes on its stack.
        let len = self.exchange(self.socket.as_raw_fd(), 36);
        let slot = &self.receive[0];
        check_name(&slot.name, self.to);
        assert_eq!(len, size_of::<Control>());
        let info = &slot.control.info;
        assert_eq!((info.header.cmsg_type, info.header.cmsg_len), (libc::IPV6_PKTINFO, 36));
        assert_eq!(info.data[..16], self.to.ip().octets());
    }

    fn connected(&mut self) {
        let (fd, to) = (self.connected.as_raw_fd(), &self.send[0]);
        // SAFETY: the payload is there, and as long.
        assert_ne!(unsafe { libc::send(fd, to.payload.as_ptr().cast(), PAYLOAD.len(), 0) }, -1);
        let header = &mut self.receive_headers[0].msg_hdr;
        header.msg_controllen = size_of::<Control>();
        // SAFETY: the header points to the first slot, which is there.
        let len = unsafe { libc::recvmsg(fd, header, 0) };
        assert_eq!(header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC), 0);
        let slot = &self.receive[0];
        assert_eq!(slot.payload.get(..len as usize), Some(&payload(0)[..]));
        slot.control.check(header.msg_controllen, self.to.ip().octets());
    }

    fn segments(&mut self, count: usize, size: usize) {
        if self.segments.len() != count * size {
            self.segments = segments(count, size);
        }
        let fd = self.segmenting.as_raw_fd();
        let to = self.segmenting_to;
        let mut name = name(to);
        let mut control = Segmented {
            control: Control::new(to.ip().octets()),
            size: message(libc::UDP_SEGMENT, 2, [size as u16, 0, 0, 0]),
        };
        control.size.header.cmsg_level = libc::SOL_UDP;
        let mut part =
            libc::iovec { iov_base: self.segments.as_mut_ptr().cast(), iov_len: self.segments.len() };
        // SAFETY: a C structure of integers and pointers, for which zero is a value.
        let mut header: libc::msghdr = unsafe { zeroed() };
        header.msg_name = ptr::from_mut(&mut name).cast();
        header.msg_namelen = size_of::<libc::sockaddr_in6>() as u32;
        (header.msg_iov, header.msg_iovlen) = (&mut part, 1);
        header.msg_control = ptr::from_mut(&mut control).cast();
        header.msg_controllen = size_of::<Segmented>();
        // SAFETY: the header points to values that are there.
        assert_ne!(unsafe { libc::sendmsg(fd, &header, 0) }, -1);
        let mut seen = 0;
        while seen < count {
            let mut got = Coalesced { size: message(0, 0, [0, 0]), control: Control::new([0; 16]) };
            let mut room =
                libc::iovec { iov_base: self.large.as_mut_ptr().cast(), iov_len: self.large.len() };
            header.msg_iov = &mut room;
            header.msg_control = ptr::from_mut(&mut got).cast();
            header.msg_controllen = size_of::<Coalesced>();
            // SAFETY: as above.
            let len = unsafe { libc::recvmsg(fd, &mut header, 0) } as usize;
            assert_eq!(header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC), 0);
            check_name(&name, to);
            assert_eq!(
                (got.size.header.cmsg_level, got.size.header.cmsg_type),
                (libc::SOL_UDP, libc::UDP_GRO)
            );
            let rest = header.msg_controllen - size_of::<Message<[i32; 2]>>();
            got.control.check(rest, to.ip().octets());
            for segment in self.large[..len].chunks(got.size.data[0] as usize) {
                assert_eq!(segment, &self.segments[seen * size..(seen + 1) * size]);
                seen += 1;
            }
        }
    }

    fn plain(&mut self) {
        let (fd, slot) = (self.plain.as_raw_fd(), &mut self.receive[0]);
        let mut name_len = size_of::<libc::sockaddr_in6>() as u32;
        let to = &self.send[0];
        let (name, start) = (ptr::from_ref(&self.plain_name).cast(), to.payload.as_ptr().cast());
        // SAFETY: pointers and lengths are those of the slot's.
        assert_ne!(unsafe { libc::sendto(fd, start, PAYLOAD.len(), 0, name, name_len) }, -1);
        let (name, start) = (ptr::from_mut(&mut slot.name).cast(), slot.payload.as_mut_ptr().cast());
        // SAFETY: as above.
        let len = unsafe { libc::recvfrom(fd, start, 64, libc::MSG_TRUNC, name, &mut name_len) };
        assert_eq!(slot.payload.get(..len as usize), Some(&payload(0)[..]));
        let (got, own) = (&slot.name, &self.plain_name);
        assert_eq!((got.sin6_addr.s6_addr, got.sin6_port), (own.sin6_addr.s6_addr, own.sin6_port));
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

fn check_name(name: &libc::sockaddr_in6, to: SocketAddrV6) {
    assert_eq!((name.sin6_addr.s6_addr, name.sin6_port), (to.ip().octets(), to.port().to_be()));
}

impl Peer for ByHand {
    fn name(&self) -> &'static str {
        "hand-written"
    }

    fn can(&self, _: Work) -> bool {
        true
    }

    fn run(&mut self, work: Work) {
        match work {
            Work::One => self.one(),
            Work::Plain => self.plain(),
            Work::Source => self.source(),
            Work::Connected => self.connected(),
            Work::Batch(count) => self.batch(count),
            Work::Segments(count, size) => self.segments(count, size),
        }
    }
}

/// One datagram at a time with its hop limit, and whatever comes with it received and not looked at: what grows here
/// is the kernel's.
pub struct Bare {
    pub socket: UdpSocket,
    pub at: SocketAddrV6,
}

impl Bare {
    pub fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind("[::1]:0")?;
        Ok(Self { at: super::address(&socket), socket })
    }

    pub fn send(&self, payload: &[u8], to: SocketAddrV6) {
        let mut name = name(to);
        let mut hops = message(libc::IPV6_HOPLIMIT, 4, [9, 0]);
        let mut part = libc::iovec { iov_base: payload.as_ptr().cast_mut().cast(), iov_len: payload.len() };
        // SAFETY: a C structure of integers and pointers, for which zero is a value.
        let mut header: libc::msghdr = unsafe { zeroed() };
        header.msg_name = ptr::from_mut(&mut name).cast();
        header.msg_namelen = size_of::<libc::sockaddr_in6>() as u32;
        (header.msg_iov, header.msg_iovlen) = (&mut part, 1);
        header.msg_control = ptr::from_mut(&mut hops).cast();
        header.msg_controllen = size_of::<Message<[i32; 2]>>();
        // SAFETY: the header points to values that are there.
        assert_ne!(unsafe { libc::sendmsg(self.socket.as_raw_fd(), &header, 0) }, -1);
    }

    pub fn receive(&self, room: &mut [u8]) -> usize {
        let mut name = name(self.at);
        let mut control = [0_u64; 32];
        let mut part = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
        // SAFETY: a C structure of integers and pointers, for which zero is a value.
        let mut header: libc::msghdr = unsafe { zeroed() };
        header.msg_name = ptr::from_mut(&mut name).cast();
        header.msg_namelen = size_of::<libc::sockaddr_in6>() as u32;
        (header.msg_iov, header.msg_iovlen) = (&mut part, 1);
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&control);
        // SAFETY: the header points to values that are there.
        let len = unsafe { libc::recvmsg(self.socket.as_raw_fd(), &mut header, 0) };
        assert_eq!(header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC), 0);
        usize::try_from(len).expect("a datagram")
    }
}

/// Batches of equal datagrams with their hop limit, looked at as little.
pub struct Batch {
    socket: UdpSocket,
    send: Vec<libc::mmsghdr>,
    receive: Vec<libc::mmsghdr>,
    /// The headers point here: they stay where they are.
    _slots: [Vec<Slot>; 2],
}

impl Batch {
    pub fn new(count: usize) -> io::Result<Self> {
        let socket = UdpSocket::bind("[::1]:0")?;
        let at = super::address(&socket);
        let slots = |len| {
            let slot = |_| Slot {
                control: Control::new([0; 16]),
                name: name(at),
                part: libc::iovec { iov_base: ptr::null_mut(), iov_len: len },
                payload: [7; 64],
            };
            (0..count).map(slot).collect::<Vec<_>>()
        };
        let mut slots = [slots(PAYLOAD.len()), slots(64)];
        let [send, receive] = slots.each_mut().map(|slots| headers(slots));
        let mut batch = Self { socket, send, receive, _slots: slots };
        for (header, slot) in batch.send.iter_mut().zip(&mut batch._slots[0]) {
            // The hop limit alone.
            header.msg_hdr.msg_control = ptr::from_mut(&mut slot.control.hops).cast();
            header.msg_hdr.msg_controllen = size_of::<Message<[i32; 2]>>();
        }
        Ok(batch)
    }

    pub fn exchange(&mut self) {
        let (fd, count) = (self.socket.as_raw_fd(), self.send.len());
        // SAFETY: the headers point to slots, which are there.
        let sent = unsafe { libc::sendmmsg(fd, self.send.as_mut_ptr(), count as u32, 0) };
        assert_eq!(sent, count as i32);
        let mut seen = 0;
        while seen < count {
            let (start, flags) = (self.receive.as_mut_ptr(), libc::MSG_WAITFORONE);
            // SAFETY: as above.
            let got = unsafe { libc::recvmmsg(fd, start, count as u32, flags as _, ptr::null_mut()) };
            assert!(got > 0);
            for header in self.receive.iter_mut().take(got as usize) {
                assert_eq!(header.msg_len as usize, PAYLOAD.len());
                header.msg_hdr.msg_controllen = size_of::<Control>();
                header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in6>() as u32;
            }
            seen += got as usize;
        }
    }
}
