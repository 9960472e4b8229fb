//! One datagram on loopback with three control messages each way: this library against hand-written libc.
//!
//! ```text
//! cargo run --release --manifest-path benches/Cargo.toml
//! ```
//!
//! Both do the same checked work. Rounds of the two alternate, and the ratio of their medians is printed:
//! on a busy machine the times wander, and the ratio does not.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;
use std::time::Instant;

use ipv6_std::{ControlFlags, PacketConn, RecvControl, SendControl};

const ROUNDS: usize = 21;
const DATAGRAMS: u32 = 20_000;
const PAYLOAD: &[u8] = b"HELLO-R-U-THERE";
const CLASS: u8 = 0x28;
const HOPS: u8 = 42;

fn main() -> io::Result<()> {
    let socket = UdpSocket::bind("[::1]:0")?;
    let std::net::SocketAddr::V6(to) = socket.local_addr()? else { unreachable!("bound to ::1") };
    let conn = PacketConn::new(socket)?;
    conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;

    let (mut by_hand, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        by_hand.push(time(|| hand_written(&conn, to))?);
        ours.push(time(|| with_the_library(&conn, to))?);
    }
    let (by_hand, ours) = (median(by_hand), median(ours));
    println!("hand-written  {by_hand:7.1} ns for a datagram sent and received");
    println!("ipv6-std      {ours:7.1} ns, {:.3} of it", ours / by_hand);
    Ok(())
}

/// Nanoseconds for one datagram.
fn time(mut work: impl FnMut() -> io::Result<()>) -> io::Result<f64> {
    let start = Instant::now();
    for _ in 0..DATAGRAMS {
        work()?;
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(DATAGRAMS))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn with_the_library(conn: &PacketConn, to: SocketAddrV6) -> io::Result<()> {
    let control = SendControl::new().with_traffic_class(CLASS).with_hop_limit(HOPS).with_source(*to.ip());
    conn.send_to(PAYLOAD, &control, to)?;
    let mut payload = [0; 64];
    let got = conn.recv_from(&mut payload)?;
    let RecvControl { traffic_class, hop_limit, destination, .. } = got.control;
    assert_eq!(&payload[..got.len], PAYLOAD);
    assert_eq!((got.source, got.truncated, got.control_truncated), (to, false, false));
    assert_eq!((traffic_class, hop_limit, destination), (Some(CLASS), Some(HOPS), Some(*to.ip())));
    Ok(())
}

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

/// The same work as a program that knows just these messages would write it.
fn hand_written(conn: &PacketConn, to: SocketAddrV6) -> io::Result<()> {
    let fd = conn.get_ref().as_raw_fd();
    let mut info = [0; 24];
    info[..16].copy_from_slice(&to.ip().octets());
    let mut control = Control {
        info: message(libc::IPV6_PKTINFO, 20, info),
        hops: message(libc::IPV6_HOPLIMIT, 4, [i32::from(HOPS), 0]),
        class: message(libc::IPV6_TCLASS, 4, [i32::from(CLASS), 0]),
    };
    let mut name = libc::sockaddr_in6 {
        sin6_family: libc::AF_INET6 as _,
        sin6_port: to.port().to_be(),
        sin6_flowinfo: 0,
        sin6_addr: libc::in6_addr { s6_addr: to.ip().octets() },
        sin6_scope_id: 0,
    };
    let mut part = libc::iovec { iov_base: PAYLOAD.as_ptr().cast_mut().cast(), iov_len: PAYLOAD.len() };
    // SAFETY: a C structure of integers and pointers, for which zero is a value.
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_name = ptr::from_mut(&mut name).cast();
    header.msg_namelen = size_of::<libc::sockaddr_in6>() as u32;
    header.msg_iov = &mut part;
    header.msg_iovlen = 1;
    header.msg_control = ptr::from_mut(&mut control).cast();
    header.msg_controllen = size_of::<Control>();
    // SAFETY: every pointer is that of a variable above, with its size.
    if unsafe { libc::sendmsg(fd, &header, 0) } == -1 {
        return Err(io::Error::last_os_error());
    }

    let mut payload = [0_u8; 64];
    part = libc::iovec { iov_base: payload.as_mut_ptr().cast(), iov_len: payload.len() };
    header.msg_iov = &mut part;
    // SAFETY: as above.
    let len = unsafe { libc::recvmsg(fd, &mut header, 0) };
    if len == -1 {
        return Err(io::Error::last_os_error());
    }
    assert_eq!(&payload[..len as usize], PAYLOAD);
    assert_eq!(header.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC), 0);
    assert_eq!((name.sin6_addr.s6_addr, name.sin6_port), (to.ip().octets(), to.port().to_be()));
    assert_eq!(header.msg_controllen, size_of::<Control>());
    let messages = [
        (control.info.header, libc::IPV6_PKTINFO, 36),
        (control.hops.header, libc::IPV6_HOPLIMIT, 20),
        (control.class.header, libc::IPV6_TCLASS, 20),
    ];
    for (header, kind, len) in messages {
        assert_eq!((header.cmsg_level, header.cmsg_type, header.cmsg_len), (libc::IPPROTO_IPV6, kind, len));
    }
    assert_eq!(control.info.data[..16], to.ip().octets());
    assert_eq!((control.hops.data[0], control.class.data[0]), (i32::from(HOPS), i32::from(CLASS)));
    Ok(())
}
