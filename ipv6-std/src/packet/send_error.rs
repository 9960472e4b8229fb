//! Errors of the system for one message, with the values that may have caused them.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::Ipv6Addr;

use ipv6_core::{InterfaceIndex, SendControl};

use super::left_out::unprivileged;
use crate::error::EIO;
use crate::interface::is_missing;
use crate::space::SEND_SPACE;

/// An error that the packet info or the segment size may have caused.
#[derive(Debug)]
struct Suspected {
    source: Option<Ipv6Addr>,
    interface: Option<InterfaceIndex>,
    segment_size: Option<u16>,
    error: io::Error,
}

/// Adds the packet info and the segment size to an error that they may have caused. The system's error is the
/// [source](Error::source).
#[cold]
#[inline(never)]
pub(super) fn explain(error: io::Error, control: &SendControl<'_>) -> io::Error {
    let (source, interface) = (control.source, control.interface);
    let is_about_source = (source.is_some() || interface.is_some())
        && error.raw_os_error().is_some()
        && (is_missing(&error)
            || matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::AddrNotAvailable)
            // Linux, for a source of IPv4 that is not one of its addresses (net/ipv4/route.c: `ip_route_output_key_hash_rcu`).
            || (error.kind() == ErrorKind::NetworkUnreachable
                && source.is_some_and(|source| source.to_ipv4_mapped().is_some())));
    let is_about_segments = control.segment_size.is_some()
        && (error.raw_os_error() == Some(EIO) || error.kind() == ErrorKind::InvalidInput);
    if !is_about_source && !is_about_segments {
        return unprivileged::<SEND_SPACE>(error, control);
    }
    let segment_size = control.segment_size.filter(|_| is_about_segments);
    io::Error::new(error.kind(), Suspected { source, interface, segment_size, error })
}

impl fmt::Display for Suspected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, interface, segment_size, error } = self;
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
        Ok(())
    }
}

impl Error for Suspected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
