//! Hand-written libc code, which knows its control messages at compile time and prepares its arrays once. Without control
//! messages it uses the cheaper calls (`sendto`, `recvfrom`). For packet info alone it omits the padding, so that the kernel
//! copies the message to its stack instead of allocating memory.
//!
//! The layout of control messages is that of 64-bit Linux.

use std::mem::{MaybeUninit, size_of, zeroed};
use std::net::SocketAddrV6;
use std::os::fd::RawFd;
use std::ptr;

use ipv6_std::ControlFlags;

use super::Peer;
use crate::ends::Ends;
use crate::work::{CLASS, HOPS, Way, Work, check_payload, on_a_page, payload};

mod mixed;
mod segments;
mod together;

const _: () =
    assert!(cfg!(target_pointer_width = "64"), "the layout of control messages is that of 64-bit Linux");

/// The space of all three control messages, in bytes.
const SPACE: usize = 88;
/// The space of the message with the segment size, in bytes.
const SEGMENT: usize = 24;

/// A `struct cmsghdr` as an integer: the length including the header, level and type.
const fn header(level: i32, kind: i32, size: usize) -> u128 {
    let len = 16 + size as u128;
    len | (level as u128) << 64 | (kind as u128) << 96
}

const INFO_HEADER: u128 = header(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, 20);
const HOPS_HEADER: u128 = header(libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT, 4);
const CLASS_HEADER: u128 = header(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, 4);
const SIZE_HEADER: u128 = header(libc::SOL_UDP, libc::UDP_SEGMENT, 2);
const COALESCED_HEADER: u128 = header(libc::SOL_UDP, libc::UDP_GRO, 4);

fn word<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().unwrap()
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&value);
}

/// The control messages of these flags, in the kernel's order.
#[derive(Clone)]
#[repr(C, align(8))]
pub struct Control<const FLAGS: u32>([u8; SPACE]);

impl<const FLAGS: u32> Control<FLAGS> {
    const INFO: bool = has(FLAGS, Work::INFO.union(ControlFlags::INTERFACE));
    const INTERFACE: bool = has(FLAGS, ControlFlags::INTERFACE);
    const HOPS: bool = has(FLAGS, ControlFlags::HOP_LIMIT);
    const CLASS: bool = has(FLAGS, ControlFlags::TRAFFIC_CLASS);
    const HOPS_AT: usize = if Self::INFO { 40 } else { 0 };
    const CLASS_AT: usize = Self::HOPS_AT + if Self::HOPS { 24 } else { 0 };
    const LEN: usize = Self::CLASS_AT + if Self::CLASS { 24 } else { 0 };
    /// The shortest length that the kernel accepts.
    const SENT: usize = if Self::LEN == 40 { 36 } else { Self::LEN };

    pub fn new(ends: &Ends) -> Self {
        let mut bytes = [0; SPACE];
        if Self::INFO {
            put(&mut bytes, 0, INFO_HEADER.to_le_bytes());
            put(&mut bytes, 16, ends.from.ip().octets());
            if Self::INTERFACE {
                put(&mut bytes, 32, ends.interface.get().to_ne_bytes());
            }
        }
        if Self::HOPS {
            put(&mut bytes, Self::HOPS_AT, HOPS_HEADER.to_le_bytes());
            put(&mut bytes, Self::HOPS_AT + 16, i32::from(HOPS).to_ne_bytes());
        }
        if Self::CLASS {
            put(&mut bytes, Self::CLASS_AT, CLASS_HEADER.to_le_bytes());
            put(&mut bytes, Self::CLASS_AT + 16, i32::from(CLASS).to_ne_bytes());
        }
        Self(bytes)
    }

    /// Returns the bytes to send.
    pub fn sent(&self) -> &[u8] {
        &self.0[..Self::SENT]
    }

    /// Asserts that the received messages equal those that were sent.
    #[inline(always)]
    fn check(&self, len: usize, ends: &Ends) {
        assert_eq!(len, Self::LEN);
        check::<FLAGS>(&self.0, ends);
    }
}

/// Asserts the same of bytes in another buffer.
#[inline(always)]
pub fn check<const FLAGS: u32>(bytes: &[u8; SPACE], ends: &Ends) {
    if Control::<FLAGS>::INFO {
        assert_eq!(word(bytes, 0), INFO_HEADER.to_le_bytes());
        assert_eq!(word(bytes, 16), ends.to.ip().octets());
        if Control::<FLAGS>::INTERFACE {
            assert_eq!(word(bytes, 32), ends.interface.get().to_ne_bytes());
        }
    }
    if Control::<FLAGS>::HOPS {
        assert_eq!(word(bytes, Control::<FLAGS>::HOPS_AT), HOPS_HEADER.to_le_bytes());
        assert_eq!(word(bytes, Control::<FLAGS>::HOPS_AT + 16), i32::from(HOPS).to_ne_bytes());
    }
    if Control::<FLAGS>::CLASS {
        assert_eq!(word(bytes, Control::<FLAGS>::CLASS_AT), CLASS_HEADER.to_le_bytes());
        assert_eq!(word(bytes, Control::<FLAGS>::CLASS_AT + 16), i32::from(CLASS).to_ne_bytes());
    }
}

const fn has(flags: u32, any: ControlFlags) -> bool {
    flags & any.bits() != 0
}

fn name(address: SocketAddrV6) -> libc::sockaddr_in6 {
    // SAFETY: a C structure of integers, for which all zeros is a valid value.
    let mut name: libc::sockaddr_in6 = unsafe { zeroed() };
    name.sin6_family = libc::AF_INET6 as _;
    name.sin6_port = address.port().to_be();
    name.sin6_addr = libc::in6_addr { s6_addr: address.ip().octets() };
    name.sin6_scope_id = address.scope_id();
    name
}

/// The parts of one message. A header points here, so a slot must not move.
struct Slot<C> {
    control: C,
    name: libc::sockaddr_in6,
    part: libc::iovec,
    payload: &'static mut [u8],
}

impl<C> Slot<C> {
    fn new(control: C, address: SocketAddrV6, payload: &'static mut [u8]) -> Self {
        let part = libc::iovec { iov_base: payload.as_mut_ptr().cast(), iov_len: payload.len() };
        Self { control, name: name(address), part, payload }
    }

    /// Returns a header that points to this slot, with this many bytes of control messages.
    fn header(&mut self, control: usize) -> libc::msghdr {
        // SAFETY: a C structure of integers and pointers, for which all zeros is a valid value.
        let mut header: libc::msghdr = unsafe { zeroed() };
        header.msg_name = ptr::from_mut(&mut self.name).cast();
        header.msg_namelen = NAME;
        header.msg_iov = &mut self.part;
        header.msg_iovlen = 1;
        header.msg_control = ptr::from_mut(&mut self.control).cast();
        header.msg_controllen = control;
        header
    }

    fn check_source(&self, ends: &Ends) {
        assert_eq!(
            (self.name.sin6_addr.s6_addr, self.name.sin6_port),
            (ends.from.ip().octets(), ends.from.port().to_be())
        );
    }
}

const NAME: u32 = size_of::<libc::sockaddr_in6>() as u32;
const CUT: i32 = libc::MSG_TRUNC | libc::MSG_CTRUNC;

pub(super) fn peer(work: Work, ends: Ends) -> Box<dyn Peer> {
    for_flags!(work.control, FLAGS => match work.way {
        Way::Single => Box::new(Single::<FLAGS, false>::new(work, ends)),
        Way::Connected => Box::new(Single::<FLAGS, true>::new(work, ends)),
        Way::Batch | Way::Built => Box::new(Batch::<FLAGS>::new(work, ends)),
        Way::Mixed(_) => Box::new(mixed::Mixed::<FLAGS>::new(work, ends)),
        Way::Segments => Box::new(segments::Segments::<FLAGS>::new(work, ends)),
        Way::Together => Box::new(together::Together::<FLAGS>::new(work, ends)),
    })
}

/// The system calls of [`peer`] alone. The control messages take all of their space.
pub(super) fn bare(work: Work, ends: Ends) -> Box<dyn Peer> {
    for_flags!(work.control, FLAGS => match work.way {
        Way::Single => Box::new(mixed::Bare(Single::<FLAGS, false>::new(work, ends))),
        Way::Connected => Box::new(mixed::Bare(Single::<FLAGS, true>::new(work, ends))),
        _ => Box::new(mixed::Bare(Batch::<FLAGS>::new(work, ends))),
    })
}

pub(super) struct Single<const FLAGS: u32, const CONNECTED: bool> {
    ends: Ends,
    sender: RawFd,
    receiver: RawFd,
    send: Box<Slot<Control<FLAGS>>>,
    send_header: libc::msghdr,
    receive: Box<Slot<Control<FLAGS>>>,
    receive_header: libc::msghdr,
}

impl<const FLAGS: u32, const CONNECTED: bool> Single<FLAGS, CONNECTED> {
    pub(super) fn new(work: Work, ends: Ends) -> Self {
        let control = Control::new(&ends);
        let mut send = Box::new(Slot::new(control.clone(), ends.to, on_a_page(payload(0, work.size))));
        let mut receive = Box::new(Slot::new(control, ends.from, on_a_page(vec![0; work.size.max(64)])));
        Self {
            sender: ends.descriptors().0,
            receiver: ends.descriptors().1,
            ends,
            send_header: send.header(Control::<FLAGS>::SENT),
            send,
            receive_header: receive.header(SPACE),
            receive,
        }
    }

    /// Makes the system call. Returns its result.
    #[inline(always)]
    pub(super) fn send_once(&self) -> isize {
        let (fd, slot) = (self.sender, &self.send);
        let (start, len) = (slot.part.iov_base, slot.part.iov_len);
        if CONNECTED {
            // SAFETY: pointer and length are those of the slot's payload.
            unsafe { libc::send(fd, start, len, 0) }
        } else if Control::<FLAGS>::LEN == 0 {
            // SAFETY: as above, and pointer and length of the address are those of the slot's.
            unsafe { libc::sendto(fd, start, len, 0, ptr::from_ref(&slot.name).cast(), NAME) }
        } else {
            // SAFETY: the header points to the slot, which is boxed and owned by `self`.
            unsafe { libc::sendmsg(fd, &self.send_header, 0) }
        }
    }

    #[inline(always)]
    pub(super) fn check_sent(&self, sent: isize) {
        assert_eq!(sent, self.send.part.iov_len as isize);
    }

    /// Makes the system call. Returns its result.
    #[inline(always)]
    pub(super) fn receive_once(&mut self) -> isize {
        let (fd, slot, header) = (self.receiver, &mut *self.receive, &mut self.receive_header);
        if Control::<FLAGS>::LEN == 0 {
            let (start, room, mut name_len) = (slot.payload.as_mut_ptr().cast(), slot.payload.len(), NAME);
            let name = ptr::from_mut(&mut slot.name).cast();
            // SAFETY: all pointers and lengths are those of the slot.
            unsafe { libc::recvfrom(fd, start, room, libc::MSG_TRUNC, name, &mut name_len) }
        } else {
            header.msg_controllen = SPACE;
            // SAFETY: the header points to the slot, which is boxed and owned by `self`.
            unsafe { libc::recvmsg(fd, header, 0) }
        }
    }

    /// Checks a datagram of this length.
    #[inline(always)]
    pub(super) fn check(&self, len: isize) {
        let (slot, header) = (&self.receive, &self.receive_header);
        if Control::<FLAGS>::LEN > 0 {
            assert_eq!(header.msg_flags & CUT, 0);
            slot.control.check(header.msg_controllen, &self.ends);
        }
        check_payload(slot.payload.get(..len as usize).unwrap(), self.send.payload);
        slot.check_source(&self.ends);
    }
}

impl<const FLAGS: u32, const CONNECTED: bool> Peer for Single<FLAGS, CONNECTED> {
    fn send(&mut self) {
        let sent = self.send_once();
        self.check_sent(sent);
    }

    fn receive(&mut self) {
        let len = self.receive_once();
        self.check(len);
    }
}

pub(super) struct Batch<const FLAGS: u32> {
    ends: Ends,
    sender: RawFd,
    receiver: RawFd,
    send: Vec<Slot<Control<FLAGS>>>,
    send_headers: Vec<libc::mmsghdr>,
    receive: Vec<Slot<Control<FLAGS>>>,
    receive_headers: Vec<libc::mmsghdr>,
}

impl<const FLAGS: u32> Batch<FLAGS> {
    pub(super) fn new(work: Work, ends: Ends) -> Self {
        let control = Control::new(&ends);
        let headers = |slots: &mut Vec<Slot<_>>, control| {
            let header = |slot: &mut Slot<_>| libc::mmsghdr { msg_hdr: slot.header(control), msg_len: 0 };
            slots.iter_mut().map(header).collect()
        };
        let slot = |number| Slot::new(control.clone(), ends.to, payload(number, work.size).leak());
        let mut send = (0..work.count).map(slot).collect();
        let slot = |_| Slot::new(control.clone(), ends.from, vec![0; work.size.max(64)].leak());
        let mut receive = (0..work.count).map(slot).collect();
        Self {
            sender: ends.descriptors().0,
            receiver: ends.descriptors().1,
            ends,
            send_headers: headers(&mut send, Control::<FLAGS>::SENT),
            send,
            receive_headers: headers(&mut receive, SPACE),
            receive,
        }
    }
}

impl<const FLAGS: u32> Batch<FLAGS> {
    pub(super) fn count(&self) -> usize {
        self.receive_headers.len()
    }

    /// Makes the system call. Returns its result.
    #[inline(always)]
    pub(super) fn send_once(&mut self) -> isize {
        let (start, count) = (self.send_headers.as_mut_ptr(), self.send_headers.len());
        // SAFETY: the headers point to slots that `self` owns and that do not move.
        unsafe { libc::sendmmsg(self.sender, start, count as u32, 0) as isize }
    }

    #[inline(always)]
    pub(super) fn check_sent(&self, sent: isize) {
        assert_eq!(sent, self.count() as isize);
    }

    /// Makes the system call, after `seen` datagrams were received. Returns its result.
    #[inline(always)]
    pub(super) fn receive_once(&mut self, seen: usize) -> isize {
        let (start, room) = (self.receive_headers.as_mut_ptr(), (self.count() - seen) as u32);
        let (flags, no_timeout) = (libc::MSG_WAITFORONE, ptr::null_mut());
        // SAFETY: the headers point to slots that `self` owns and that do not move.
        unsafe { libc::recvmmsg(self.receiver, start, room, flags as _, no_timeout) as isize }
    }

    /// Checks as many datagrams. Returns how many were seen by now.
    #[inline(always)]
    pub(super) fn check(&mut self, got: isize, mut seen: usize) -> usize {
        assert!(got > 0);
        for (header, slot) in self.receive_headers.iter_mut().zip(&self.receive).take(got as usize) {
            assert_eq!(header.msg_hdr.msg_flags & CUT, 0);
            check_payload(slot.payload.get(..header.msg_len as usize).unwrap(), self.send[seen].payload);
            slot.check_source(&self.ends);
            slot.control.check(header.msg_hdr.msg_controllen, &self.ends);
            header.msg_hdr.msg_controllen = SPACE;
            header.msg_hdr.msg_namelen = NAME;
            seen += 1;
        }
        seen
    }
}

impl<const FLAGS: u32> Peer for Batch<FLAGS> {
    fn send(&mut self) {
        let sent = self.send_once();
        self.check_sent(sent);
    }

    fn receive(&mut self) {
        let mut seen = 0;
        while seen < self.count() {
            let got = self.receive_once(seen);
            seen = self.check(got, seen);
        }
    }
}

fn set_coalescing(receiver: RawFd) {
    let on = 1i32;
    let (value, len) = (ptr::from_ref(&on).cast(), size_of::<i32>() as u32);
    // SAFETY: pointer and length are those of an int, the type of the option.
    let set = unsafe { libc::setsockopt(receiver, libc::SOL_UDP, libc::UDP_GRO, value, len) };
    assert_eq!(set, 0);
}

/// The segment size and the other control messages, in the kernel's order.
#[repr(C, align(8))]
struct SegmentsControl([u8; SEGMENT + SPACE]);

/// Traffic class, hop limit, and source or destination.
pub type Three = (u8, u8, [u8; 16]);

/// Writes all three, one after another.
#[inline]
pub fn encode(bytes: &mut [u8; SPACE], (class, hops, source): Three) {
    put(bytes, 0, INFO_HEADER.to_le_bytes());
    put(bytes, 16, source);
    put(bytes, 32, 0u64.to_ne_bytes());
    put(bytes, 40, HOPS_HEADER.to_le_bytes());
    put(bytes, 56, i64::from(hops).to_ne_bytes());
    put(bytes, 64, CLASS_HEADER.to_le_bytes());
    put(bytes, 80, i64::from(class).to_ne_bytes());
}

/// Reads all three in the order in which the kernel writes them.
#[inline]
pub fn parse(bytes: &[u8]) -> Option<Three> {
    let bytes: &[u8; SPACE] = bytes.try_into().ok()?;
    let headers = [(0, INFO_HEADER), (40, HOPS_HEADER), (64, CLASS_HEADER)];
    if headers.iter().any(|&(at, header)| word(bytes, at) != header.to_le_bytes()) {
        return None;
    }
    let int = |at| u8::try_from(i32::from_ne_bytes(word(bytes, at))).ok();
    Some((int(80)?, int(56)?, word(bytes, 16)))
}

/// Reads all three in any order, with libc's macros.
#[inline]
pub fn walk(bytes: &[u8]) -> Option<Three> {
    // SAFETY: a C structure of integers and pointers, for which all zeros is a valid value.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_control = bytes.as_ptr().cast_mut().cast();
    message.msg_controllen = bytes.len();
    let (mut class, mut hops, mut destination) = (None, None, None);
    // SAFETY: the message points to `bytes`, with their length.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&message) };
    // SAFETY: `next` is null or points to a header within `bytes`, which are aligned for it.
    while let Some(header) = unsafe { next.as_ref() } {
        let len = header.cmsg_len.checked_sub(16)?;
        // SAFETY: `next` points to a header within `bytes`.
        let data = unsafe { libc::CMSG_DATA(next) };
        if data.addr() + len > bytes.as_ptr().addr() + bytes.len() {
            return None;
        }
        // SAFETY: the check above proves that this many bytes are within `bytes`.
        let data = unsafe { std::slice::from_raw_parts(data, len) };
        match (header.cmsg_level, header.cmsg_type) {
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
                class = Some(i32::from_ne_bytes(data.try_into().ok()?))
            }
            (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => {
                hops = Some(i32::from_ne_bytes(data.try_into().ok()?))
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => destination = data.first_chunk().copied(),
            _ => {}
        }
        // SAFETY: `header` is a header of this message.
        next = unsafe { libc::CMSG_NXTHDR(&message, header) };
    }
    Some((u8::try_from(class?).ok()?, u8::try_from(hops?).ok()?, destination?))
}

/// Casts a buffer for socket2, whose functions receive into `MaybeUninit<u8>` only.
pub(super) fn lend(room: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: both types have the same layout. socket2 documents, for each function that takes such a buffer, that it does
    // not write uninitialised bytes to it.
    unsafe { &mut *(ptr::from_mut(room) as *mut [MaybeUninit<u8>]) }
}

/// Joins or leaves a group on the interface of the ends.
pub fn set_member(ends: &Ends, group: std::net::Ipv6Addr, member: bool) {
    let request = libc::ipv6_mreq {
        ipv6mr_multiaddr: libc::in6_addr { s6_addr: group.octets() },
        ipv6mr_interface: ends.interface.get(),
    };
    let option = if member { libc::IPV6_ADD_MEMBERSHIP } else { libc::IPV6_DROP_MEMBERSHIP };
    let (fd, value, len) = (ends.descriptors().1, ptr::from_ref(&request).cast(), size_of_val(&request));
    // SAFETY: pointer and length are those of the structure that the option takes.
    let set = unsafe { libc::setsockopt(fd, libc::IPPROTO_IPV6, option, value, len as u32) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}
