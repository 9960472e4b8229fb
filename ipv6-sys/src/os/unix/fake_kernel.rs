//! A kernel for tests under Miri (scripts/miri), which has no UDP sockets. It replaces `kernel.rs` if the crate is compiled
//! with `--cfg fake_kernel`. For Linux targets with glibc.
//!
//! It touches the memory of the program as Linux does. It writes headers and data of control messages and skips their
//! padding (`put_cmsg` in net/core/scm.c). It writes nothing beyond what was received. It reads each byte that is sent. So
//! Miri reports a pointer that is no longer valid, and a byte that the program reads although nobody has written it.

#![allow(
    missing_docs,
    clippy::missing_safety_doc,
    clippy::multiple_unsafe_ops_per_block,
    clippy::undocumented_unsafe_blocks,
    clippy::unwrap_used,
    reason = "part of the tests: whether the pointers are valid is what they test"
)]

use core::net::SocketAddrV6;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Mutex;
use std::vec::Vec;

use ipv6_core::abi::Platform;
use ipv6_core::sockaddr;
use libc::{c_int, c_uint, c_void, cmsghdr, mmsghdr, msghdr, size_t, socklen_t, ssize_t};
use rustix::event::{PollFd, Timespec};
use rustix::net::{Protocol, SocketAddrAny, SocketType, ipproto};

use crate::host::Host;

/// A control message to receive.
#[derive(Clone, Debug)]
pub struct Control {
    pub level: i32,
    pub kind: i32,
    pub data: Vec<u8>,
    /// `cmsg_len`, if it is not the right one.
    pub len: Option<usize>,
}

/// A message to receive, or one that was sent (with its control messages as bytes).
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub name: Vec<u8>,
    pub payload: Vec<u8>,
    pub control: Vec<Control>,
    pub control_bytes: Vec<u8>,
    /// `msg_controllen`, if it is not the number of bytes that were used.
    pub control_len: Option<usize>,
}

impl Message {
    /// A message with this payload, from this sender.
    pub fn new(payload: &[u8], from: &SocketAddrV6) -> Self {
        let name = sockaddr::encode::<Host>(from)[..Host::ABI.sockaddr.size].to_vec();
        Self { name, payload: payload.to_vec(), ..Self::default() }
    }

    /// Adds a control message.
    pub fn with(mut self, level: i32, kind: i32, data: &[u8]) -> Self {
        self.control.push(Control { level, kind, data: data.to_vec(), len: None });
        self
    }

    /// The destination of a message that was sent.
    pub fn to(&self) -> Option<SocketAddrV6> {
        sockaddr::decode::<Host>(&self.name)
    }
}

#[derive(Default)]
struct State {
    incoming: VecDeque<Result<Message, c_int>>,
    sent: Vec<Message>,
    refusals: VecDeque<Option<c_int>>,
    options: BTreeMap<(c_int, c_int), (Vec<u8>, Option<usize>)>,
}

static SOCKETS: Mutex<BTreeMap<RawFd, State>> = Mutex::new(BTreeMap::new());

fn state<T>(fd: RawFd, use_it: impl FnOnce(&mut State) -> T) -> T {
    use_it(SOCKETS.lock().unwrap().get_mut(&fd).unwrap())
}

/// A UDP socket of this kernel. For Miri it is a file.
#[derive(Debug)]
pub struct Socket(File);

impl Socket {
    #[allow(clippy::new_without_default, reason = "opens a file")]
    pub fn new() -> Self {
        let file = File::open("/dev/null").unwrap();
        SOCKETS.lock().unwrap().insert(file.as_raw_fd(), State::default());
        Self(file)
    }

    /// Queues a message to receive, or the error of a receive.
    pub fn receives(&self, what: Result<Message, c_int>) {
        state(self.0.as_raw_fd(), |state| state.incoming.push_back(what));
    }

    /// Queues the error of a send; `None`: it succeeds, as all sends do after the queued ones.
    pub fn refuses(&self, errno: Option<c_int>) {
        state(self.0.as_raw_fd(), |state| state.refusals.push_back(errno));
    }

    /// Takes what was sent.
    pub fn sent(&self) -> Vec<Message> {
        state(self.0.as_raw_fd(), |state| core::mem::take(&mut state.sent))
    }

    /// Sets the value of an option, and the length that `getsockopt` reports if it is not that of the copied bytes.
    pub fn answers(&self, (level, name): (c_int, c_int), value: &[u8], len: Option<usize>) {
        state(self.0.as_raw_fd(), |state| state.options.insert((level, name), (value.to_vec(), len)));
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        SOCKETS.lock().unwrap().remove(&self.0.as_raw_fd());
    }
}

/// Returns a count, or -1 with `errno`.
fn answer(result: Result<usize, c_int>) -> c_int {
    let Err(number) = result else { return result.unwrap() as c_int };
    errno::set_errno(errno::Errno(number));
    -1
}

unsafe fn read(start: *const c_void, len: usize) -> Vec<u8> {
    if len == 0 {
        return Vec::new();
    }
    let bytes = unsafe { core::slice::from_raw_parts(start.cast::<u8>(), len) };
    // Miri reports a byte that is not initialised only where it is used.
    assert!(bytes == core::hint::black_box(bytes));
    bytes.to_vec()
}

/// Writes as much as there is room for. Returns how many bytes.
unsafe fn write(to: *mut c_void, room: usize, bytes: &[u8]) -> usize {
    let len = room.min(bytes.len());
    if len > 0 {
        unsafe { to.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), len) };
    }
    len
}

unsafe fn receive(fd: c_int, header: *mut msghdr, flags: c_int) -> Result<usize, c_int> {
    let message = state(fd, |state| match state.incoming.front() {
        Some(Ok(message)) if flags & libc::MSG_PEEK != 0 => Ok(message.clone()),
        _ => state.incoming.pop_front().unwrap_or(Err(libc::EAGAIN)),
    })?;
    // As in Linux, the header is read once, and stays as it is if the call fails.
    let mut given = unsafe { header.read() };
    unsafe { write(given.msg_name, given.msg_namelen as usize, &message.name) };
    given.msg_namelen = message.name.len() as socklen_t;
    let (mut rest, mut received) = (&message.payload[..], 0);
    for index in 0..given.msg_iovlen {
        let part = unsafe { given.msg_iov.add(index).read() };
        let len = unsafe { write(part.iov_base, part.iov_len, rest) };
        (rest, received) = (&rest[len..], received + len);
    }
    given.msg_flags = if rest.is_empty() { 0 } else { libc::MSG_TRUNC };
    let (mut to, mut room) = (given.msg_control, given.msg_controllen);
    for Control { level, kind, data, len } in &message.control {
        if room < size_of::<cmsghdr>() {
            given.msg_flags |= libc::MSG_CTRUNC;
            continue;
        }
        let whole = unsafe { libc::CMSG_LEN(data.len() as c_uint) } as usize;
        if room < whole {
            given.msg_flags |= libc::MSG_CTRUNC;
        }
        let written = room.min(whole);
        let start = to.cast::<cmsghdr>();
        unsafe { (&raw mut (*start).cmsg_len).write(len.unwrap_or(written) as _) };
        unsafe { (&raw mut (*start).cmsg_level).write(*level) };
        unsafe { (&raw mut (*start).cmsg_type).write(*kind) };
        unsafe { write(libc::CMSG_DATA(start).cast(), written - size_of::<cmsghdr>(), data) };
        let used = room.min(unsafe { libc::CMSG_SPACE(data.len() as c_uint) } as usize);
        (to, room) = (to.wrapping_byte_add(used), room - used);
    }
    given.msg_controllen = message.control_len.unwrap_or(given.msg_controllen - room);
    unsafe { (&raw mut (*header).msg_namelen).write(given.msg_namelen) };
    unsafe { (&raw mut (*header).msg_controllen).write(given.msg_controllen) };
    unsafe { (&raw mut (*header).msg_flags).write(given.msg_flags) };
    Ok(received)
}

unsafe fn send(fd: c_int, header: *const msghdr) -> Result<usize, c_int> {
    let given = unsafe { header.read() };
    let mut message = Message {
        name: unsafe { read(given.msg_name, given.msg_namelen as usize) },
        control_bytes: unsafe { read(given.msg_control, given.msg_controllen) },
        ..Message::default()
    };
    for index in 0..given.msg_iovlen {
        let part = unsafe { given.msg_iov.add(index).read() };
        message.payload.extend(unsafe { read(part.iov_base, part.iov_len) });
    }
    let len = message.payload.len();
    state(fd, |state| match state.refusals.pop_front().flatten() {
        Some(errno) => Err(errno),
        None => {
            state.sent.push(message);
            Ok(())
        }
    })?;
    Ok(len)
}

pub(crate) unsafe fn recvmsg(fd: c_int, header: *mut msghdr, flags: c_int) -> ssize_t {
    answer(unsafe { receive(fd, header, flags) }) as ssize_t
}

pub(crate) unsafe fn sendmsg(fd: c_int, header: *const msghdr, _: c_int) -> ssize_t {
    answer(unsafe { send(fd, header) }) as ssize_t
}

/// `do_recvmmsg` in net/socket.c: the next call returns an error that ends the batch.
pub(crate) unsafe fn recvmmsg(
    fd: c_int,
    headers: *mut mmsghdr,
    len: c_uint,
    flags: c_int,
    _: *mut libc::timespec,
) -> c_int {
    for index in 0..len as usize {
        let header = unsafe { headers.add(index) };
        match unsafe { receive(fd, &raw mut (*header).msg_hdr, flags) } {
            Ok(len) => unsafe { (&raw mut (*header).msg_len).write(len as c_uint) },
            Err(errno) if index == 0 => return answer(Err(errno)),
            Err(errno) => {
                if errno != libc::EAGAIN {
                    state(fd, |state| state.incoming.push_front(Err(errno)));
                }
                return index as c_int;
            }
        }
    }
    len as c_int
}

/// `__sys_sendmmsg` in net/socket.c: the error that ends the batch is lost.
pub(crate) unsafe fn sendmmsg(fd: c_int, headers: *mut mmsghdr, len: c_uint, _: c_int) -> c_int {
    for index in 0..len as usize {
        let header = unsafe { headers.add(index) };
        match unsafe { send(fd, &raw const (*header).msg_hdr) } {
            Ok(len) => unsafe { (&raw mut (*header).msg_len).write(len as c_uint) },
            Err(errno) if index == 0 => return answer(Err(errno)),
            Err(_) => return index as c_int,
        }
    }
    len as c_int
}

pub(crate) unsafe fn recvfrom(
    fd: c_int,
    start: *mut c_void,
    len: size_t,
    flags: c_int,
    name: *mut libc::sockaddr,
    name_len: *mut socklen_t,
) -> ssize_t {
    let mut part = libc::iovec { iov_base: start, iov_len: len };
    let mut header: msghdr = unsafe { core::mem::zeroed() };
    header.msg_name = name.cast();
    header.msg_namelen = unsafe { name_len.read() };
    (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
    let whole = state(fd, |state| {
        state.incoming.front().map_or(0, |next| next.as_ref().map_or(0, |m| m.payload.len()))
    });
    let received = unsafe { receive(fd, &mut header, flags) };
    if received.is_ok() {
        unsafe { name_len.write(header.msg_namelen) };
    }
    answer(received.map(|len| if flags & libc::MSG_TRUNC != 0 { whole } else { len })) as ssize_t
}

pub(crate) unsafe fn sendto(
    fd: c_int,
    start: *const c_void,
    len: size_t,
    _: c_int,
    name: *const libc::sockaddr,
    name_len: socklen_t,
) -> ssize_t {
    let mut part = libc::iovec { iov_base: start.cast_mut(), iov_len: len };
    let mut header: msghdr = unsafe { core::mem::zeroed() };
    (header.msg_name, header.msg_namelen) = (name.cast_mut().cast(), name_len);
    (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
    answer(unsafe { send(fd, &header) }) as ssize_t
}

/// Options are zero until they are set.
pub(crate) unsafe fn getsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    let (bytes, reported) = state(fd, |state| {
        state.options.get(&(level, name)).cloned().unwrap_or_else(|| ([0; 4].to_vec(), None))
    });
    let room = unsafe { len.read() } as usize;
    let copied = if (level, name) == (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER) {
        // SO_GET_FILTER counts instructions (`sk_get_filter` in net/core/filter.c).
        let count = bytes.len() / 8;
        match room {
            0 => {}
            _ if room < count => return answer(Err(libc::EINVAL)),
            _ => _ = unsafe { write(value, 8 * room, &bytes) },
        }
        count
    } else {
        unsafe { write(value, room, &bytes) }
    };
    unsafe { len.write(reported.unwrap_or(copied) as socklen_t) };
    0
}

pub(crate) unsafe fn setsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: socklen_t,
) -> c_int {
    let mut bytes = unsafe { read(value, len as usize) };
    if (level, name) == (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER) {
        let program = unsafe { value.cast::<libc::sock_fprog>().read_unaligned() };
        // To the kernel, a pointer is a number.
        let start = core::ptr::with_exposed_provenance(program.filter.addr());
        bytes = unsafe { read(start, usize::from(program.len) * size_of::<libc::sock_filter>()) };
    }
    state(fd, |state| state.options.insert((level, name), (bytes, None)));
    0
}

/// A socket is ready to send, and to receive if something waits.
pub(crate) fn poll(sockets: &mut [PollFd<'_>], _: Option<&Timespec>) -> rustix::io::Result<usize> {
    let start = sockets.as_mut_ptr().cast::<libc::pollfd>();
    for index in 0..sockets.len() {
        let socket = unsafe { start.add(index).read() };
        let waits = state(socket.fd, |state| !state.incoming.is_empty());
        let ready = libc::POLLOUT | if waits { libc::POLLIN } else { 0 };
        unsafe { (&raw mut (*start.add(index)).revents).write(socket.events & ready) };
    }
    Ok(sockets.iter().filter(|socket| !socket.revents().is_empty()).count())
}

pub(crate) fn getsockname(_: BorrowedFd<'_>) -> rustix::io::Result<SocketAddrAny> {
    Ok(SocketAddrV6::new(core::net::Ipv6Addr::LOCALHOST, 9, 0, 0).into())
}

pub(crate) fn socket_type(_: BorrowedFd<'_>) -> rustix::io::Result<SocketType> {
    Ok(SocketType::DGRAM)
}

pub(crate) fn socket_protocol(_: BorrowedFd<'_>) -> rustix::io::Result<Option<Protocol>> {
    Ok(Some(ipproto::UDP))
}
