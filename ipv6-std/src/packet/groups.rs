//! The option of a membership call: that of IPv6, or that of IPv4 for a mapped group of a dual-stack socket.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr};

use ipv6_core::abi::Platform;
use ipv6_sys::option::{self, Group, Ipv4Group, Ipv4SourceGroup, SocketOption, SourceGroup};
use ipv6_sys::{Errno, Host};

use super::PacketConn;
use crate::error;
use crate::fd::AsFd;
use crate::interface::{self, Interface};
use crate::on_interface::OnInterface;

/// A call for any source.
pub(super) type AnySource = (SocketOption<Group>, SocketOption<Ipv4Group>);
/// A call for one source.
pub(super) type OneSource = (SocketOption<SourceGroup>, SocketOption<Ipv4SourceGroup>);

pub(super) const JOIN: AnySource = (option::JOIN_GROUP, option::IPV4_JOIN_GROUP);
pub(super) const LEAVE: AnySource = (option::LEAVE_GROUP, option::IPV4_LEAVE_GROUP);
pub(super) const JOIN_SOURCE: OneSource = (option::JOIN_SOURCE_GROUP, option::IPV4_JOIN_SOURCE_GROUP);
pub(super) const LEAVE_SOURCE: OneSource = (option::LEAVE_SOURCE_GROUP, option::IPV4_LEAVE_SOURCE_GROUP);
pub(super) const BLOCK: OneSource = (option::BLOCK_SOURCE, option::IPV4_BLOCK_SOURCE);
pub(super) const UNBLOCK: OneSource = (option::UNBLOCK_SOURCE, option::IPV4_UNBLOCK_SOURCE);

/// Whether the options of IPv6 join IPv4 groups too, as mapped addresses.
const BY_IPV6_OPTION: bool = match Host::ABI.mapped {
    Some(mapped) => mapped.join_by_ipv6_option,
    None => false,
};

impl<S: AsFd> PacketConn<S> {
    pub(super) fn any_source(&self, call: &AnySource, group: Ipv6Addr, on: OnInterface) -> io::Result<()> {
        let index = on.index();
        match self.ipv4_group(group)? {
            Some(group) if !BY_IPV6_OPTION => {
                call.1.set(self, Ipv4Group { group, on: index }).map_err(|error| refused(error.into(), on))
            }
            _ => call.0.set(self, Group { group, on: index }).map_err(|error| refused_ipv6(error.into(), on)),
        }
    }

    pub(super) fn one_source(
        &self,
        call: &OneSource,
        group: Ipv6Addr,
        source: Ipv6Addr,
        on: OnInterface,
    ) -> io::Result<()> {
        let index = on.index();
        match self.ipv4_group(group)? {
            Some(ipv4) => {
                let source = ipv4_source(group, source)?;
                let set = call.1.set(self, Ipv4SourceGroup { group: ipv4, source, on: index });
                set.map_err(|error| refused(error.into(), on))
            }
            None => {
                let set = call.0.set(self, SourceGroup { group, source: error::unicast(source)?, on: index });
                set.map_err(|error| refused_ipv6(error.into(), on))
            }
        }
    }

    /// The IPv4 group, if the address is a mapped one; an error if the socket cannot be a member of the group.
    pub(super) fn ipv4_group(&self, group: Ipv6Addr) -> io::Result<Option<Ipv4Addr>> {
        let Some(ipv4) = group.to_ipv4_mapped() else {
            error::multicast(group)?;
            return Ok(None);
        };
        if !ipv4.is_multicast() {
            return Err(error::invalid(format!("{group} is not a multicast address")));
        }
        if self.carries_only_v6() {
            return Err(error::mapped(group));
        }
        Ok(Some(ipv4))
    }
}

/// The source of packets to an IPv4 group.
pub(super) fn ipv4_source(group: Ipv6Addr, source: Ipv6Addr) -> io::Result<Ipv4Addr> {
    let Some(ipv4) = source.to_ipv4_mapped() else {
        return Err(error::invalid(format!(
            "{source} is not an IPv4-mapped address (::ffff:a.b.c.d), and the group {group} is one of IPv4"
        )));
    };
    if ipv4.is_unspecified() || ipv4.is_multicast() || ipv4.is_broadcast() {
        return Err(error::invalid(format!(
            "{source} is not a unicast address: it cannot be the source of a packet"
        )));
    }
    Ok(ipv4)
}

/// The error of a call with an interface: `NotFound`, with its index and the remedy, when there is none.
#[cold]
pub(super) fn refused(error: io::Error, on: OnInterface) -> io::Error {
    if !interface::is_missing(&error) {
        return error;
    }
    let text = match on.index() {
        None => "no interface has a route to the group: name an interface instead of AnyInterface".into(),
        Some(index) => format!("there is no interface {index}: Interface::all() returns those of this host"),
    };
    error::explained(ErrorKind::NotFound, error, text)
}

/// The error of a call for an IPv6 group. Linux joins nothing on an interface without IPv6 (net/ipv6/mcast.c:
/// `__ipv6_dev_mc_inc`), and returns `EINVAL`, which has other causes too.
#[cold]
fn refused_ipv6(error: io::Error, on: OnInterface) -> io::Error {
    let index = on.index().filter(|_| error.raw_os_error() == Some(Errno::INVAL.raw()));
    match index.map(Interface::by_index) {
        Some(Ok(interface)) if interface.addresses().is_empty() => {
            let why = "has no IPv6: enable it, with an MTU of at least 1280 (RFC 8200 section 5)";
            error::explained(ErrorKind::InvalidInput, error, format!("interface {interface} {why}"))
        }
        _ => refused(error, on),
    }
}
