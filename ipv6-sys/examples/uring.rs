//! Receives a datagram through io_uring (Linux), and decodes its control messages with `ipv6-core`.
//!
//! A runtime with completions does not report that a socket is ready. It receives into buffers that the program submits.
//! The options of the socket, the size of the control buffer and the bytes in it are the same as with `recvmsg(2)`.
//!
//! ```sh
//! cargo run -p ipv6-sys --example uring
//! ```

#![cfg_attr(
    not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))),
    allow(dead_code, unused_imports, reason = "the crate io-uring has other systems only with bindgen")
)]

use std::io;
use std::mem;
use std::net::SocketAddrV6;

use ipv6_core::{ControlFlags, RecvControl, SendControl, sockaddr};
use ipv6_sys::message::{self, ControlBytes, IoSlice, MessageFlags};
use ipv6_sys::{Host, option, socket};

const WANTED: ControlFlags = ControlFlags::TRAFFIC_CLASS
    .union(ControlFlags::HOP_LIMIT)
    .union(ControlFlags::DESTINATION)
    .union(ControlFlags::INTERFACE);

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn main() -> io::Result<()> {
    match io_uring::IoUring::new(8) {
        Ok(ring) => println!("{}", receive(ring)?),
        // Containers often forbid it (seccomp), and an administrator can (kernel.io_uring_disabled).
        Err(error) => println!("this machine forbids io_uring: {error}"),
    }
    Ok(())
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn main() {
    println!("this example is for Linux on x86-64 and ARM64");
}

/// Sends a datagram to itself, receives it through the ring, and describes it.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn receive(mut ring: io_uring::IoUring) -> io::Result<String> {
    use std::os::fd::AsRawFd;

    let receiver = socket::datagram()?;
    socket::bind(&receiver, &"[::1]:0".parse().unwrap())?;
    option::set_control_flags(&receiver, WANTED)?;
    let to = socket::local_address(&receiver)?.expect("an IPv6 socket");

    // What the kernel writes to, and the header that names it. `u64` aligns the control buffer.
    let mut payload = [0u8; 1500];
    let mut control = [0u64; WANTED.space::<Host>().div_ceil(8)];
    let mut name = [0u64; sockaddr::MAX_SIZE.div_ceil(8)];
    let mut part = libc::iovec { iov_base: payload.as_mut_ptr().cast(), iov_len: payload.len() };
    // SAFETY: all bytes zero are a valid `msghdr`: null pointers with length 0. Some C libraries have private fields.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_name = name.as_mut_ptr().cast();
    header.msg_namelen = size_of_val(&name) as _;
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control) as _;

    let descriptor = io_uring::types::Fd(receiver.as_raw_fd());
    let receive = io_uring::opcode::RecvMsg::new(descriptor, &raw mut header).build();
    // SAFETY: the header and all that it points to live until the end of this function, which ends after the operation:
    // `submit_and_wait` below returns when it is complete, or fails without submitting it (io_uring_enter(2)).
    unsafe { ring.submission().push(&receive) }.expect("room in a new ring");

    let mut bytes = ControlBytes::<{ SendControl::max_space::<Host>() }>::new();
    let sent = SendControl::new().with_traffic_class(0xe0).with_hop_limit(9);
    let encoded = bytes.encode(&sent).map_err(io::Error::from)?;
    let sender = socket::datagram()?;
    message::send(&sender, &[IoSlice::new(b"hello")], encoded, Some(&to), MessageFlags::empty())?;

    while ring.submit_and_wait(1).is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {}
    let result = ring.completion().next().ok_or(io::ErrorKind::WouldBlock)?.result();
    let len = usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result))?;

    // From here on, no system call: `ipv6-core` decodes the bytes.
    let source: Option<SocketAddrV6> =
        sockaddr::decode::<Host>(&bytes_of(&name)[..header.msg_namelen as usize]);
    let written = bytes_of(&control);
    let got =
        RecvControl::decode::<Host>(&written[..header.msg_controllen as usize]).map_err(io::Error::from)?;
    let source = source.map_or("nobody".into(), |source| source.ip().to_string());
    Ok(format!("{len} bytes from {source}: {got}"))
}

fn bytes_of(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}
