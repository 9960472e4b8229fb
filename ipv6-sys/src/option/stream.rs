//! The control messages of a stream's segments (Linux).
//!
//! Linux keeps three values of the latest segment that arrived in order: the interface, the hop limit, and the first word
//! of the header, each only while its option is on (`tcp_v6_do_rcv` in net/ipv6/tcp_ipv6.c). A connection that a listener
//! accepts starts with those of the handshake's last segment (`tcp_v6_syn_recv_sock`). Any other socket starts with
//! interface 0, hop limit 1 and word 0, and `IPV6_2292PKTOPTIONS` returns these in the same way
//! (`do_ipv6_getsockopt` in net/ipv6/ipv6_sockglue.c). Only the interface shows whether there was a segment: no segment
//! arrives on interface 0, but segments do arrive with hop limit 1 and traffic class 0. A stream cannot set
//! `IPV6_MULTICAST_IF` (`ENOPROTOOPT`), so reading it returns the recorded interface.
//!
//! Therefore the options of these values are enabled together, the one for the interface last: once there is an
//! interface, the other values are of the same segment.
//!
//! Of an IPv4 peer, Linux records the last segment of the handshake of a connection that it accepts, and nothing later
//! (`tcp_v4_syn_recv_sock` in net/ipv4/tcp_ipv4.c). `IP_PKTOPTIONS` returns its time to live and its type of service
//! (`do_ip_getsockopt` in net/ipv4/ip_sockglue.c); the interface is where that of an IPv6 peer is.

use ipv6_core::abi::Platform;
use ipv6_core::{ControlFlags, FlowLabel, InterfaceIndex, RecvControl};
use rustix::net::SocketType;

use super::descriptor::SocketOption;
use crate::error::{Errno, Error};
use crate::fd::{AsFd, BorrowedFd};
use crate::host::{Host, Kernel};
use crate::os;

/// The interface of the recorded segment.
const RECORDED_ON: SocketOption<Option<InterfaceIndex>> =
    SocketOption::new("IPV6_MULTICAST_IF", Host::ABI.options.multicast_interface);

/// The flags of what Linux records of a segment.
const RECORDED: ControlFlags = ControlFlags::TRAFFIC_CLASS
    .union(ControlFlags::HOP_LIMIT)
    .union(ControlFlags::DESTINATION)
    .union(ControlFlags::INTERFACE)
    .union(ControlFlags::FLOW_LABEL);

/// Whether Linux records the segments of this socket.
pub(super) fn is_recorded(socket: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(os::HAS_STREAM_CONTROL && os::socket_type(socket)? == SocketType::STREAM)
}

/// The flags that need the option of the flags `of`, on a socket whose segments are recorded. The option of the flow label
/// is not needed by others: with it, the kernel keeps segments.
pub(super) fn needed_by(of: ControlFlags) -> ControlFlags {
    if of.intersects(RECORDED - ControlFlags::FLOW_LABEL) { RECORDED } else { of }
}

/// Returns the control messages of the latest segment that a stream received in order: those whose delivery is
/// [enabled](super::set_control_flags). Nothing before the kernel has recorded a segment. Linux only.
///
/// A connection that a listener accepted starts with the last segment of the handshake. With an IPv4 peer, it keeps the fields
/// of that one. The destination is the connection's local address. If an option was enabled by itself with
/// [`SocketOption::set`], without that of the packet info, then hop limit 1 and traffic class 0 cannot be distinguished from
/// the initial values, and are not returned.
///
/// RFC 2292 section 3.5 defined the option; RFC 3542 removed it. Other systems have its number, and return what was set
/// with it, or nothing.
///
/// # Errors
///
/// Those of [`SocketOption::get`]; [`Error::Unsupported`] for a connection that this host opened to an IPv4 peer, of which
/// Linux records nothing.
#[doc(alias = "IPV6_2292PKTOPTIONS", alias = "IPV6_PKTOPTIONS", alias = "IP_PKTOPTIONS")]
pub fn stream_control(socket: impl AsFd) -> Result<RecvControl<'static>, Error> {
    let socket = socket.as_fd();
    let number = Host::ABI.options.stream_control.filter(|_| os::HAS_STREAM_CONTROL);
    let number = number.ok_or(Error::Unsupported(NAME))?;
    // Before the messages: what has been recorded by now is in them.
    let interface = RECORDED_ON.get(socket)?;
    // The system has no larger messages, and does not report truncation: there is room for all that it can deliver.
    let mut control = [0; SPACE];
    let len = os::get_option(socket, number, &mut control)?;
    let control = control.get(..len).unwrap_or_default();
    // A 64-bit kernel writes its own layout here for 32-bit programs, and a 32-bit kernel theirs. Read as the other, one
    // is malformed: the level, 41, would be a half of the length.
    let decoded = RecvControl::decode::<Kernel>(control).or_else(|_| RecvControl::decode::<Host>(control));
    let mut control = decoded.map(RecvControl::detach).map_err(|_| Error::Value { option: NAME, len })?;
    let Some(local) = os::local_address(socket)? else {
        return Ok(RecvControl::default());
    };
    let is_ipv4 = local.ip().to_ipv4_mapped().is_some();
    if is_ipv4 {
        let fields = ipv4_fields(socket)?;
        (control.hop_limit, control.traffic_class) = (fields.hop_limit, fields.traffic_class);
        control.flow_label = None;
    }
    if interface.is_some() {
        // The kernel returns the peer's address here, unless it has kept the segment.
        control.destination = control.destination.map(|_| *local.ip());
        return Ok(control);
    }
    if is_ipv4 {
        return Err(Error::Unsupported(NOT_RECORDED));
    }
    control.hop_limit = control.hop_limit.filter(|hop_limit| *hop_limit != 1);
    control.traffic_class = control.traffic_class.filter(|traffic_class| *traffic_class != 0);
    control.flow_label = control.flow_label.filter(|label| *label != FlowLabel::ZERO);
    (control.destination, control.interface) = (None, None);
    Ok(control)
}

const NAME: &str = "IPV6_2292PKTOPTIONS";
const IPV4_NAME: &str = "IP_PKTOPTIONS";
const NOT_RECORDED: &str =
    "IP_PKTOPTIONS of a connection that this host opened to an IPv4 peer, only of an accepted one";

/// Bytes for all messages of a segment.
const SPACE: usize = ControlFlags::all().space::<Kernel>();

/// Time to live and type of service of the handshake with an IPv4 peer.
fn ipv4_fields(socket: BorrowedFd<'_>) -> Result<RecvControl<'static>, Error> {
    let number = Host::ABI.options.ipv4_stream_control.ok_or(Error::Unsupported(IPV4_NAME))?;
    let mut control = [0; SPACE];
    let len = os::get_option(socket, number, &mut control)?;
    let control = control.get(..len).unwrap_or_default();
    // Read as the layout of the other width, no message has the level and the type of one of these.
    let decoded = match RecvControl::decode::<Kernel>(control) {
        Ok(decoded) if decoded != RecvControl::default() => Ok(decoded),
        _ => RecvControl::decode::<Host>(control),
    };
    decoded.map(RecvControl::detach).map_err(|_| Error::Value { option: IPV4_NAME, len })
}
