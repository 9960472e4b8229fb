//! Interfaces, which may disappear and return while a program runs.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::time::{Duration, Instant};

use ipv6_std::{Interface, InterfaceAddress, InterfaceFlags, RawConn};
use serde_json::json;

use super::{Outcome, Output, after, not_sent};

/// The group of all nodes of a link (RFC 4291 section 2.7.1). The kernel joins it on each interface with IPv6.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Finds an interface by name. It must be up and support multicast.
pub fn interface(name: &str) -> Outcome<Interface> {
    if name.is_empty() {
        return Err("the name of the interface is empty; use one such as eth0".into());
    }
    let interface = Interface::by_name(name)?;
    if !interface.flags().contains(InterfaceFlags::UP) {
        return Err(format!("interface {name} is down").into());
    }
    if !interface.flags().contains(InterfaceFlags::MULTICAST) {
        return Err(format!("interface {name} does not support multicast").into());
    }
    Ok(interface)
}

/// Why an interface that the program uses cannot be used any more. `None`: it can. An error of the look-up, such as
/// `EMFILE`, is no reason.
pub fn lost(on: &Interface) -> Option<String> {
    match Interface::by_index(on.index()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Some(format!("interface {on} has disappeared")),
        Ok(now) if !now.flags().contains(InterfaceFlags::UP) => Some(format!("interface {on} is down")),
        _ => None,
    }
}

/// Whether an interface receives a group. It forgets its groups when it is deleted and made again with its old index (scar
/// 61), and when it loses IPv6 for a moment; the socket counts as a member all the same. `None`: not known.
pub fn receives(on: &Interface, group: Ipv6Addr) -> Option<bool> {
    let index = on.index().to_string();
    if let Some(group) = group.to_ipv4_mapped() {
        // Linux: a line for an interface, and an indented one for each group (`igmp_mc_seq_show` in net/ipv4/igmp.c).
        let list = std::fs::read_to_string("/proc/net/igmp").ok()?;
        let group = format!("{:08X}", u32::from_ne_bytes(group.octets()));
        let mut groups = list
            .lines()
            .skip_while(|line| line.split_whitespace().next() != Some(&index))
            .skip(1)
            .take_while(|line| line.starts_with('\t'));
        return Some(groups.any(|line| line.split_whitespace().next() == Some(&group)));
    }
    // Linux: index, name, group, … (`igmp6_mc_seq_show` in net/ipv6/mcast.c).
    let list = std::fs::read_to_string("/proc/net/igmp6").ok()?;
    let group = format!("{:032x}", group.to_bits());
    Some(list.lines().any(|line| {
        let mut fields = line.split_whitespace();
        fields.next() == Some(&index) && fields.nth(1) == Some(&group)
    }))
}

/// The error of a send on an interface, with the state of the interface if that is the reason.
pub fn cannot_send(on: &Interface, to: Ipv6Addr, error: io::Error) -> Box<dyn Error> {
    if let Some(why) = lost(on) {
        return format!("{why}: {error}").into();
    }
    let now = Interface::by_index(on.index());
    if to.to_ipv4_mapped().is_none()
        && now.is_ok_and(|now| now.addresses().iter().all(|address| address.is_tentative()))
    {
        return format!("interface {on} has no IPv6 address that is ready for use: {error}").into();
    }
    format!("interface {on}: {}", not_sent(&error, to)).into()
}

/// Watches an interface. A socket gets no error when an interface with its memberships disappears.
pub struct Watch {
    interface: Interface,
    once: bool,
    group: Ipv6Addr,
    is_lost: bool,
    /// When to look next.
    next: Option<Instant>,
}

impl Watch {
    const PERIOD: Duration = Duration::from_millis(500);

    /// `once`: a loss is an error. `group`: an interface that loses it counts as lost, and if it is one of IPv6, also one
    /// that loses all its IPv6 addresses.
    pub fn new(interface: Interface, once: bool, group: Ipv6Addr) -> Self {
        Self { interface, once, group, is_lost: false, next: after(Self::PERIOD) }
    }

    /// The interface, as it was when it was last found.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// When [`look`](Self::look) has to be called next.
    pub fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Looks whether the interface disappeared or returned, and reports both. After a return, `join` joins the groups
    /// again, given the interface before and now. While it fails, the interface counts as lost.
    pub fn look(
        &mut self,
        output: &Output,
        mut join: impl FnMut(&Interface, &Interface) -> io::Result<()>,
    ) -> Outcome<()> {
        if self.next.is_some_and(|next| next > Instant::now()) {
            return Ok(());
        }
        self.next = after(Self::PERIOD);
        let name = self.interface.name().to_string();
        if let Some(why) = self.loss().filter(|_| !self.is_lost) {
            if self.once {
                return Err(why.into());
            }
            output.print(
                format_args!("{why}; waiting for it"),
                json!({"event": "interface lost", "error": why}),
            )?;
            self.is_lost = true;
        }
        let now = interface(&name).ok().filter(|now| self.is_lost && self.has_ipv6(now));
        // A join may succeed on an interface without IPv6, which has no groups.
        let mut is_back =
            |now: &Interface| join(&self.interface, now).is_ok() && receives(now, self.group) != Some(false);
        if let Some(now) = now.filter(|now| is_back(now)) {
            output.print(format_args!("interface {now} is back"), json!({"event": "interface back"}))?;
            (self.interface, self.is_lost) = (now, false);
        }
        Ok(())
    }

    /// Why the interface is lost. `None`: it is not, and [`interface`](Self::interface) is its state now.
    fn loss(&mut self) -> Option<String> {
        let why = lost(&self.interface);
        let (None, Ok(now)) = (&why, Interface::by_index(self.interface.index())) else { return why };
        let name = self.interface.name();
        if !self.has_ipv6(&now) {
            // Its memberships are lost too, as after an MTU below 1,280 (Linux: `addrconf_notify` in net/ipv6/addrconf.c).
            return Some(format!("interface {name} has no IPv6 address"));
        }
        // Scar 61: an interface that is deleted and made again with its old index looks as if it had always been there.
        let kept =
            |address: &InterfaceAddress| now.addresses().iter().any(|other| other.address == address.address);
        if self.needs_ipv6()
            && !self.interface.addresses().is_empty()
            && !self.interface.addresses().iter().any(kept)
        {
            return Some(format!("interface {name}, or each of its addresses, was replaced"));
        }
        // The same with a fixed address, or an MTU below 1,280 for a moment.
        if receives(&now, self.group) == Some(false) {
            return Some(format!(
                "interface {name} has left its groups: it was replaced, or was without addresses"
            ));
        }
        self.interface = now;
        None
    }

    /// Whether an interface has an IPv6 address, if it had one before and the program needs it.
    fn has_ipv6(&self, now: &Interface) -> bool {
        !now.addresses().is_empty() || self.interface.addresses().is_empty() || !self.needs_ipv6()
    }

    fn needs_ipv6(&self) -> bool {
        self.group.to_ipv4_mapped().is_none()
    }
}

/// The limit of a send: a device may stop taking packets.
pub const SEND_LIMIT: Duration = Duration::from_secs(10);

/// Opens a raw socket, with a limit for sends. The error names the privilege that it needs.
pub fn raw(protocol: u8) -> Outcome<RawConn> {
    let conn = RawConn::open(protocol).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => format!("a raw socket needs root or CAP_NET_RAW: {error}"),
        _ => error.to_string(),
    })?;
    conn.set_write_timeout(Some(SEND_LIMIT))?;
    Ok(conn)
}

/// Returns a clear error if `source` is not an address of this host; a send would fail with "invalid argument".
pub fn own_address(source: Option<Ipv6Addr>, on: Option<&Interface>) -> Outcome<()> {
    let Some(source) = source else { return Ok(()) };
    if source.to_canonical().is_multicast() {
        return Err(format!("cannot send from {source}: it is a group").into());
    }
    let scope = on.map_or(0, |on| on.index().get());
    match UdpSocket::bind(SocketAddrV6::new(source, 0, 0, scope)) {
        Ok(_) => Ok(()),
        Err(_) if source.is_unicast_link_local() && scope == 0 => {
            Err(format!("{source} is link-local: name the interface too").into())
        }
        Err(error) => Err(format!("cannot send from {source}: {error}").into()),
    }
}
