//! Errors of the system for one message, with the values that may have caused them.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_core::{InterfaceIndex, SendControl};
use ipv6_sys::{Errno, IS_LINUX};

use super::left_out::{kinds_of, unprivileged};
use crate::error::{EIO, is_mapped};
use crate::interface::is_missing;
use crate::space::SEND_SPACE;

/// What the message with this name in C needs. Without it, Linux answers `EINVAL` (net/core/sock.c: `__sock_cmsg_send`;
/// net/ipv6/datagram.c: `ip6_datagram_send_ctl`; net/ipv6/ip6_flowlabel.c: `__fl6_sock_lookup`).
fn remedy(message: &str) -> Option<&'static str> {
    Some(match message {
        "SCM_TXTIME" => "SCM_TXTIME needs the option SO_TXTIME: set option::SEND_TIMES",
        "SCM_TS_OPT_ID" => {
            "SCM_TS_OPT_ID needs Linux 6.13 and the option SO_TIMESTAMPING: set option::TIMESTAMPING with OPT_ID"
        }
        "IPV6_FLOWINFO" => LEASE,
        // Type 2 with CONFIG_IPV6_MIP6; all others are refused (`ip6_datagram_send_ctl`).
        "IPV6_RTHDR" => {
            "Linux sends only type 2 as an IPV6_RTHDR message (CONFIG_IPV6_MIP6): set a segment routing header with \
             set_routing_header"
        }
        _ => return None,
    })
}

/// Of the flow information, which also has the traffic class (RFC 8200 section 3).
const FLOW_LABEL: u32 = 0xf_ffff;

const LEASE: &str = "while a flow label of this network namespace is leased for one socket, process or user, sockets must \
                     lease the labels that they send: lease_flow_label";

/// An error that values of the message may have caused.
#[derive(Debug)]
struct Suspected {
    source: Option<Ipv6Addr>,
    interface: Option<InterfaceIndex>,
    segment_size: Option<u16>,
    remedies: Vec<&'static str>,
    error: io::Error,
}

/// Adds the packet info, the segment size and the remedies of other messages to an error that they may have caused. The
/// system's error is the [source](Error::source).
#[cold]
#[inline(never)]
pub(super) fn explain(error: io::Error, control: &SendControl<'_>, to: Option<&SocketAddrV6>) -> io::Error {
    explain_in::<SEND_SPACE>(error, control, to)
}

/// The same for control messages that take at most `N` bytes.
#[cold]
#[inline(never)]
pub(super) fn explain_in<const N: usize>(
    error: io::Error,
    control: &SendControl<'_>,
    to: Option<&SocketAddrV6>,
) -> io::Error {
    let (source, interface) = (control.source, control.interface);
    let is_about_source = (source.is_some() || interface.is_some())
        && error.raw_os_error().is_some()
        && (is_missing(&error)
            || matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::AddrNotAvailable)
            // Linux, for a source of IPv4 that is not one of its addresses (net/ipv4/route.c: `ip_route_output_key_hash_rcu`).
            || (error.kind() == ErrorKind::NetworkUnreachable
                && source.is_some_and(|source| source.to_ipv4_mapped().is_some())));
    let is_about_segments = control.segment_size.is_some()
        && error.raw_os_error().is_some_and(|errno| errno == EIO || errno == Errno::INVAL.raw());
    let remedies = match error.raw_os_error() {
        Some(errno) if IS_LINUX && errno == Errno::INVAL.raw() => remedies::<N>(control, to),
        _ => Vec::new(),
    };
    if !is_about_source && !is_about_segments && remedies.is_empty() {
        return unprivileged::<N>(error, control);
    }
    let (source, interface) = if is_about_source { (source, interface) } else { (None, None) };
    let segment_size = control.segment_size.filter(|_| is_about_segments);
    io::Error::new(error.kind(), Suspected { source, interface, segment_size, remedies, error })
}

/// What may help against `EINVAL`, beside other packet info and segments.
fn remedies<const N: usize>(control: &SendControl<'_>, to: Option<&SocketAddrV6>) -> Vec<&'static str> {
    // The system ignores it unless the option `SEND_FLOW_INFO` is set, and over IPv4.
    let has_label = |to: &SocketAddrV6| u32::from_be(to.flowinfo()) & FLOW_LABEL != 0 && !is_mapped(to.ip());
    let of_address = to.is_some_and(has_label).then_some(LEASE);
    let of_messages = kinds_of::<N>(control).into_iter().filter_map(|kind| remedy(kind.name()));
    let mut remedies = Vec::new();
    for remedy in of_messages.chain(of_address) {
        if !remedies.contains(&remedy) {
            remedies.push(remedy);
        }
    }
    remedies
}

impl fmt::Display for Suspected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, interface, segment_size, remedies, error } = self;
        f.write_str("sending")?;
        if let Some(source) = source {
            write!(f, " from {source}")?;
        }
        if let Some(interface) = interface {
            write!(f, " on interface {interface}")?;
        }
        if let Some(size) = segment_size {
            write!(f, " in segments of {size} bytes")?;
        }
        write!(f, ": {error}")?;
        if source.is_some() {
            f.write_str(
                "; the source must be a unicast address of this host, and a link-local one needs its interface",
            )?;
        }
        if interface.is_some() {
            f.write_str("; the interface must exist and be the one of the destination's scope")?;
        }
        if segment_size.is_some() {
            f.write_str("; send_segments sends one by one what the system or the device cannot split")?;
        }
        remedies.iter().try_for_each(|remedy| write!(f, "; {remedy}"))
    }
}

impl Error for Suspected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
