//! Where the tour takes place: two hosts in namespaces, or one interface of this host.

use std::error::Error;
use std::io;
use std::net::{Ipv6Addr, SocketAddrV6};

use ipv6_std::{Interface, InterfaceFlags};
use ipv6_testnet::{Host, Pair, enter, link};

/// Where the tour takes place.
pub struct Ground {
    pub description: String,
    pub client: Side,
    pub server: Side,
    /// Whether groups can be heard.
    pub multicast: bool,
    /// The port to listen on: 0, for any, where ports may be taken.
    pub port: u16,
}

/// One of the two ends. On a real interface both are the same.
pub struct Side {
    host: Option<Host>,
    /// What it has, the first being the one that is used.
    pub interfaces: Vec<Interface>,
    /// Where it is reached: the addresses of its first interface, those beyond the link first.
    addresses: Vec<Ipv6Addr>,
}

/// A second address for the client, as another source of multicast.
const SECOND: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xaa);

impl Ground {
    pub fn new(interface: Option<&str>) -> Result<Self, Box<dyn Error>> {
        if let Some(name) = interface {
            return Self::here(name, format!("on interface {name} of this host"));
        }
        match enter() {
            Ok(()) => Ok(Self::namespaces()?),
            Err(error) => {
                Self::here("lo", format!("on loopback alone, because two hosts cannot be made: {error}"))
            }
        }
    }

    /// Two hosts and two cables.
    fn namespaces() -> io::Result<Self> {
        let Pair { a, b } = Pair::new()?;
        link(&a, "eth1", &b, "eth1")?;
        a.add_address(SECOND, "eth0")?;
        Ok(Self {
            description: "between two hosts made for the occasion, with two cables: eth0 and eth1".into(),
            client: Side::new(Some(a), &["eth0", "eth1"])?,
            server: Side::new(Some(b), &["eth0", "eth1"])?,
            multicast: true,
            port: 1024,
        })
    }

    /// One interface of this host, where it talks to itself.
    fn here(name: &str, description: String) -> Result<Self, Box<dyn Error>> {
        let side = || Side::new(None, &[name]);
        let (client, server) = (side()?, side()?);
        let flags = client.interface().flags();
        if !flags.contains(InterfaceFlags::UP) || client.addresses.is_empty() {
            return Err(format!("interface {name} is down, or has no IPv6 address").into());
        }
        let multicast =
            flags.contains(InterfaceFlags::MULTICAST) && !flags.contains(InterfaceFlags::LOOPBACK);
        Ok(Self { description, client, server, multicast, port: 0 })
    }

    /// The server's address, as the client is to write it.
    pub fn to_server(&self, port: u16) -> SocketAddrV6 {
        reached(&self.server, &self.client, port)
    }

    /// The client's own address.
    pub fn to_client(&self) -> SocketAddrV6 {
        reached(&self.client, &self.client, 0)
    }

    /// An address of the client's to send multicast from, and those that are others.
    pub fn client_sources(&self) -> io::Result<(Ipv6Addr, &[Ipv6Addr])> {
        let sources = self.client.addresses.split_first();
        sources.map(|(first, others)| (*first, others)).ok_or_else(|| io::Error::other("no address"))
    }
}

fn reached(whom: &Side, from: &Side, port: u16) -> SocketAddrV6 {
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

    /// The interface that is used.
    pub fn interface(&self) -> &Interface {
        &self.interfaces[0]
    }
}
