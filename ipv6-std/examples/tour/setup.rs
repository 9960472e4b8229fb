//! The hosts of the tour: two hosts in network namespaces, or one interface of this host.

use std::error::Error;
use std::io;
use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_std::{Interface, InterfaceFlags};
use ipv6_testnet::{Host, Pair, enter, link};

/// The hosts and interfaces of the tour.
pub struct Setup {
    pub description: String,
    pub client: Side,
    pub server: Side,
    /// Whether multicast can be received.
    pub multicast: bool,
    /// The port to listen on; 0 (any) where ports may be in use.
    pub port: u16,
}

/// One of the two ends. On a real interface both are the same.
pub struct Side {
    host: Option<Host>,
    /// Its interfaces. Most steps use the first.
    pub interfaces: Vec<Interface>,
    /// The addresses of its first interface, link-local ones last.
    addresses: Vec<Ipv6Addr>,
}

/// A second address of the client, as another source of multicast.
const SECOND: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xaa);

impl Setup {
    pub fn new(interface: Option<&str>) -> Result<Self, Box<dyn Error>> {
        if let Some(name) = interface {
            return Self::here(name, format!("on interface {name} of this host"));
        }
        match enter() {
            Ok(()) => Ok(Self::namespaces()?),
            Err(error) => Self::here(
                "lo",
                format!("on loopback only, because network namespaces cannot be made: {error}"),
            ),
        }
    }

    /// Two hosts with two links.
    fn namespaces() -> io::Result<Self> {
        let Pair { a, b } = Pair::new()?;
        link(&a, "eth1", &b, "eth1")?;
        a.add_address(SECOND, "eth0")?;
        Ok(Self {
            description: "between two hosts in network namespaces, with two links: eth0 and eth1".into(),
            client: Side::new(Some(a), &["eth0", "eth1"])?,
            server: Side::new(Some(b), &["eth0", "eth1"])?,
            multicast: true,
            port: 1024,
        })
    }

    /// One interface of this host, where the program sends to itself.
    fn here(name: &str, description: String) -> Result<Self, Box<dyn Error>> {
        let side = || Side::new(None, &[name]);
        let (client, server) = (side()?, side()?);
        let flags = client.interface().flags();
        if !flags.contains(InterfaceFlags::UP) || client.addresses.is_empty() {
            return Err(format!("interface {name} is down or has no IPv6 address").into());
        }
        let multicast =
            flags.contains(InterfaceFlags::MULTICAST) && !flags.contains(InterfaceFlags::LOOPBACK);
        Ok(Self { description, client, server, multicast, port: 0 })
    }

    /// The address at which the client reaches the server.
    pub fn to_server(&self, port: u16) -> SocketAddrV6 {
        address_from(&self.server, &self.client, port)
    }

    /// The client's own address.
    pub fn to_client(&self) -> SocketAddrV6 {
        address_from(&self.client, &self.client, 0)
    }

    /// A source address for multicast of the client, and its other addresses.
    pub fn client_sources(&self) -> io::Result<(Ipv6Addr, &[Ipv6Addr])> {
        let sources = self.client.addresses.split_first();
        sources.map(|(first, others)| (*first, others)).ok_or_else(|| io::Error::other("no address"))
    }
}

fn address_from(whom: &Side, from: &Side, port: u16) -> SocketAddrV6 {
    let address = whom.addresses.first().copied().unwrap_or(Ipv6Addr::LOCALHOST);
    let scope = if address.is_unicast_link_local() { from.interface().index().get() } else { 0 };
    SocketAddrV6::new(address, port, 0, scope)
}

impl Side {
    fn new(host: Option<Host>, names: &[&str]) -> io::Result<Self> {
        let find = || names.iter().map(|name| Interface::by_name(name)).collect::<io::Result<Vec<_>>>();
        let interfaces = host.as_ref().map_or_else(find, |host| host.run(find))?;
        let first = interfaces.first().into_iter().flat_map(|first| first.addresses());
        let mut addresses: Vec<Ipv6Addr> = first.map(|entry| entry.address).collect();
        addresses.sort_by_key(Ipv6Addr::is_unicast_link_local);
        Ok(Self { host, interfaces, addresses })
    }

    /// Runs `work` on this side. The sockets that it opens stay there.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.host {
            Some(host) => host.run(work),
            None => work(),
        }
    }

    /// The first interface.
    pub fn interface(&self) -> &Interface {
        &self.interfaces[0]
    }
}
