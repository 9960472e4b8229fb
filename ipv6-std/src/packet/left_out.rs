//! Messages that the kernel would leave out, and the privileges that messages need.

use std::io;
use std::net::Ipv6Addr;

use ipv6_core::SendControl;
use ipv6_core::abi::Platform;
use ipv6_core::cmsg::RawMessages;
use ipv6_sys::message::ControlBytes;
use ipv6_sys::socket::{self, Kind};
use ipv6_sys::{Errno, Host, IS_LINUX};

use super::PacketConn;
use crate::error::Refused;
use crate::fd::AsFd;
use crate::privilege;
use crate::space::SEND_SPACE;

/// The messages that an ICMPv6 socket without privilege leaves out on Linux, and the sticky options of the same names
/// (net/ipv6/ping.c: `ping_v6_sendmsg`, "Changes to txoptions and flow info are not implemented, yet. Drop the options").
const HEADERS: [&str; 4] = ["IPV6_HOPOPTS", "IPV6_DSTOPTS", "IPV6_RTHDRDSTOPTS", "IPV6_RTHDR"];

const EPERM: i32 = 1;

/// Whether the kernel leaves out extension headers, and the source in packet info, of what the socket sends.
pub(crate) fn leaves_out(socket: impl AsFd) -> Result<bool, Errno> {
    let socket = socket.as_fd();
    Ok(IS_LINUX && socket::kind(socket)? == Kind::Datagram && socket::is_icmp6(socket)?)
}

/// The names in C of encoded messages, as far as this system has names for them.
fn names(encoded: &[u8]) -> impl Iterator<Item = &'static str> + '_ {
    RawMessages::<Host>::new(encoded).filter_map(Result::ok).filter_map(|message| {
        let mut rows = Host::ABI.control.rows().into_iter();
        let is = |level, kind| (level, kind) == (message.level, message.kind);
        rows.find(|(_, number)| number.is_some_and(|number| is(number.level, number.kind)))
            .map(|(name, _)| name)
    })
}

/// Adds the privileges that the messages need to an error that a missing one may have caused.
#[cold]
pub(super) fn unprivileged(error: io::Error, encoded: &[u8]) -> io::Error {
    // Not EACCES: a route prohibits the packet.
    if !IS_LINUX || error.raw_os_error() != Some(EPERM) {
        return error;
    }
    match names(encoded).find(|name| privilege::needs(name).is_some()) {
        Some(name) => privilege::named(error, name),
        None => error,
    }
}

/// The same for the messages of a [`SendControl`].
#[cold]
pub(super) fn unprivileged_control(error: io::Error, control: &SendControl<'_>) -> io::Error {
    match ControlBytes::<SEND_SPACE>::new().encode(control) {
        Ok(encoded) => unprivileged(error, &encoded),
        _ => error,
    }
}

impl<S: AsFd> PacketConn<S> {
    /// Returns what the kernel would leave out of a message on this socket, if it does so.
    pub(super) fn left_out<const N: usize>(&self, control: &SendControl<'_>) -> Option<Refused<'static>> {
        if !self.write.leaves_out() {
            return None;
        }
        let is_bound_to = |source: &Ipv6Addr| self.conn.local_addr().is_ok_and(|local| local.ip() == source);
        if control.source.as_ref().is_some_and(|source| !is_bound_to(source)) {
            return Some(Refused::LeftOut("IPV6_PKTINFO"));
        }
        let mut bytes = ControlBytes::<N>::new();
        // The error of messages that do not fit is that of the send.
        let encoded = bytes.encode(control).ok()?;
        names(&encoded).find(|name| HEADERS.contains(name)).map(Refused::LeftOut)
    }
}
