//! Messages that the kernel would leave out, and the privileges that messages need.

use std::io;
use std::net::Ipv6Addr;

use ipv6_core::SendControl;
use ipv6_core::cmsg::RawMessages;
use ipv6_core::message::Control;
use ipv6_sys::message::ControlBytes;
use ipv6_sys::socket::{self, Kind};
use ipv6_sys::{Errno, Host, IS_LINUX};

use super::PacketConn;
use crate::error::Refused;
use crate::fd::AsFd;
use crate::privilege;

/// The messages that an ICMPv6 socket without privilege leaves out on Linux, and the sticky options of the same names
/// (net/ipv6/ping.c: `ping_v6_sendmsg`, "Changes to txoptions and flow info are not implemented, yet. Drop the options").
const HEADERS: [Control; 4] = [
    Control::HopByHop,
    Control::DestinationOptions,
    Control::FirstDestinationOptions,
    Control::RoutingHeader,
];

const EPERM: i32 = 1;

/// Whether the kernel leaves out extension headers, and the source in packet info, of what the socket sends.
pub(crate) fn leaves_out(socket: impl AsFd) -> Result<bool, Errno> {
    let socket = socket.as_fd();
    Ok(IS_LINUX && socket::kind(socket)? == Kind::Datagram && socket::is_icmp6(socket)?)
}

/// The kinds of encoded messages, as far as this system has them.
fn kinds(encoded: &[u8]) -> impl Iterator<Item = Control> + '_ {
    RawMessages::<Host>::new(encoded).filter_map(Result::ok).filter_map(|message| message.control::<Host>())
}

/// The kinds of the control messages, which take at most `N` bytes. Empty if they are not messages of IPv6.
pub(super) fn kinds_of<const N: usize>(control: &SendControl<'_>) -> Vec<Control> {
    let mut bytes = ControlBytes::<N>::new();
    bytes.encode(control).map(|encoded| kinds(&encoded).collect()).unwrap_or_default()
}

/// Adds the privileges that the messages need to an error that a missing one may have caused. They take at most `N` bytes.
#[cold]
pub(super) fn unprivileged<const N: usize>(error: io::Error, control: &SendControl<'_>) -> io::Error {
    // Not EACCES: a route prohibits the packet.
    if !IS_LINUX || error.raw_os_error() != Some(EPERM) {
        return error;
    }
    match kinds_of::<N>(control).iter().find(|kind| privilege::needs(kind.name()).is_some()) {
        Some(kind) => privilege::named(error, kind.name()),
        None => error,
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
        kinds(&encoded).find(|kind| HEADERS.contains(kind)).map(|kind| Refused::LeftOut(kind.name()))
    }
}
