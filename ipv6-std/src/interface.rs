//! The host's network interfaces, with their IPv6 addresses.

use std::fmt;
use std::io;
use std::net::Ipv6Addr;

use ipv6_core::InterfaceIndex;
use ipv6_sys::interface::{self, Addresses, InterfaceFlags};

/// A network interface, as it was when it was looked up.
///
/// Wherever a method takes an interface, `&Interface` does as well as its [`InterfaceIndex`].
///
/// ```
/// use ipv6_std::{Interface, InterfaceFlags, PacketConn};
///
/// for interface in Interface::all()? {
///     println!("{interface}: {:?} {:?}", interface.flags(), interface.addresses());
/// }
/// let loopback = Interface::by_name("lo")?;
/// assert!(loopback.flags().contains(InterfaceFlags::LOOPBACK));
///
/// let conn = PacketConn::bind("[::]:0")?;
/// conn.set_multicast_interface(&loopback)?;
/// assert_eq!(conn.multicast_interface()?, Some(loopback.index()));
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[doc(alias = "if_nameindex", alias = "net.Interface")]
pub struct Interface {
    index: InterfaceIndex,
    name: String,
    flags: InterfaceFlags,
    addresses: Vec<InterfaceAddress>,
}

/// An IPv6 address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InterfaceAddress {
    /// The address.
    pub address: Ipv6Addr,
    /// How many of its leading bits are the network's, 0 to 128.
    pub prefix_len: u8,
}

impl InterfaceAddress {
    /// Whether `other` is of the same network: has the same leading bits, [`prefix_len`](Self::prefix_len) of
    /// them. What is on this link is of the network of one of the interface's addresses.
    ///
    /// ```
    /// use ipv6_std::InterfaceAddress;
    /// let address = "2001:db8:1::1".parse().unwrap();
    /// let of_ours = InterfaceAddress { address, prefix_len: 64 };
    /// assert!(of_ours.contains("2001:db8:1::ffff".parse().unwrap()));
    /// assert!(!of_ours.contains("2001:db8:2::1".parse().unwrap()));
    /// ```
    #[doc(alias = "IPNet.Contains")]
    pub fn contains(&self, other: Ipv6Addr) -> bool {
        let differing = self.address.to_bits() ^ other.to_bits();
        differing.leading_zeros() >= u32::from(self.prefix_len)
    }
}

impl Interface {
    /// The interface with this name.
    ///
    /// # Errors
    ///
    /// `NotFound`, with the name, when there is none.
    #[doc(alias = "if_nametoindex", alias = "InterfaceByName")]
    pub fn by_name(name: &str) -> io::Result<Self> {
        Self::all()?.into_iter().find(|interface| interface.name == name).ok_or_else(|| not_found(&name))
    }

    /// The interface with this index.
    ///
    /// # Errors
    ///
    /// `NotFound`, with the index, when there is none.
    #[doc(alias = "InterfaceByIndex")]
    pub fn by_index(index: InterfaceIndex) -> io::Result<Self> {
        Self::all()?.into_iter().find(|interface| interface.index == index).ok_or_else(|| not_found(&index))
    }

    /// The name of the interface with this index, without all else: for a name beside every datagram,
    /// [`by_index`](Self::by_index) would look up all interfaces with their addresses.
    ///
    /// # Errors
    ///
    /// The system's, `ENXIO` or `ENODEV`, when there is none.
    ///
    /// ```
    /// use ipv6_std::Interface;
    /// let loopback = Interface::by_name("lo")?;
    /// assert_eq!(Interface::name_of(loopback.index())?, "lo");
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "if_indextoname")]
    pub fn name_of(index: InterfaceIndex) -> io::Result<String> {
        Ok(interface::name_of(index)?.as_str().to_string())
    }

    /// All interfaces of this host, in the system's order.
    #[doc(alias = "getifaddrs", alias = "Interfaces")]
    pub fn all() -> io::Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for entry in Addresses::new()?.iter() {
            let name = entry.interface.as_str();
            if !all.iter().any(|known| known.name == name) {
                // One that has gone since the list was made is left out.
                let index = entry.index.or_else(|| interface::index_of(name).ok());
                let Some(index) = index else { continue };
                let (name, flags) = (name.to_string(), entry.flags);
                all.push(Self { index, name, flags, addresses: Vec::new() });
            }
            let interface = all.iter_mut().find(|known| known.name == name);
            if let (Some(interface), Some(address), Some(prefix_len)) =
                (interface, entry.address, entry.prefix_len)
            {
                interface.addresses.push(InterfaceAddress { address: *address.ip(), prefix_len });
            }
        }
        Ok(all)
    }

    /// The number by which the system knows it.
    pub fn index(&self) -> InterfaceIndex {
        self.index
    }

    /// Its name, such as `eth0`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, and the state it was in.
    pub fn flags(&self) -> InterfaceFlags {
        self.flags
    }

    /// Its IPv6 addresses, in the system's order.
    pub fn addresses(&self) -> &[InterfaceAddress] {
        &self.addresses
    }
}

fn not_found(which: &dyn fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no interface {which}"))
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl From<&Interface> for InterfaceIndex {
    fn from(interface: &Interface) -> Self {
        interface.index
    }
}

impl From<Interface> for InterfaceIndex {
    fn from(interface: Interface) -> Self {
        interface.index
    }
}
