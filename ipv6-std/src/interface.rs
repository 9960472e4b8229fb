//! The host's network interfaces, with their IPv6 addresses.

use std::fmt;
use std::io;
use std::net::Ipv6Addr;

use ipv6_core::InterfaceIndex;
use ipv6_sys::Errno;
use ipv6_sys::interface::{self, Addresses, InterfaceFlags};

/// A network interface, as it was when it was looked up.
///
/// Methods that take an interface accept `Interface`, `&Interface` and [`InterfaceIndex`].
///
/// Every system but AIX, which lacks `getifaddrs(3)`: there only [`name_of`](Self::name_of) works, and the other
/// functions return `ENOTSUP`.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "if_nameindex", alias = "net.Interface")]
pub struct Interface {
    index: InterfaceIndex,
    name: String,
    flags: InterfaceFlags,
    addresses: Vec<InterfaceAddress>,
}

/// An IPv6 address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct InterfaceAddress {
    /// The address.
    pub address: Ipv6Addr,
    /// The length of the network prefix in bits, 0 to 128.
    pub prefix_len: u8,
}

impl InterfaceAddress {
    /// An address with the length of its network prefix in bits. A length over 128 counts as 128.
    #[must_use]
    pub const fn new(address: Ipv6Addr, prefix_len: u8) -> Self {
        Self { address, prefix_len: if prefix_len > 128 { 128 } else { prefix_len } }
    }

    /// Whether `other` has the same network prefix: the same first [`prefix_len`](Self::prefix_len) bits. An
    /// address on this link usually shares the prefix of one of the interface's addresses.
    ///
    /// ```
    /// use ipv6_std::InterfaceAddress;
    /// let address = "2001:db8:1::1".parse().unwrap();
    /// let of_ours = InterfaceAddress::new(address, 64);
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
    /// Systems: all except AIX.
    ///
    /// # Errors
    ///
    /// `NotFound`, with the name, when there is none.
    #[doc(alias = "if_nametoindex", alias = "InterfaceByName")]
    pub fn by_name(name: &str) -> io::Result<Self> {
        without_nul(name)?;
        Self::all()?.into_iter().find(|interface| interface.name == name).ok_or_else(|| not_found(&name))
    }

    /// The interface with this index.
    ///
    /// Systems: all except AIX.
    ///
    /// # Errors
    ///
    /// `NotFound`, with the index, when there is none.
    #[doc(alias = "InterfaceByIndex")]
    pub fn by_index(index: InterfaceIndex) -> io::Result<Self> {
        Self::all()?.into_iter().find(|interface| interface.index == index).ok_or_else(|| not_found(&index))
    }

    /// The name of the interface with this index, in one system call. ([`by_index`](Self::by_index) looks up
    /// all interfaces with their addresses.)
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `NotFound`, with the index, when there is none.
    ///
    /// ```
    /// use ipv6_std::Interface;
    /// let loopback = Interface::by_name("lo")?;
    /// assert_eq!(Interface::name_of(loopback.index())?, "lo");
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "if_indextoname")]
    pub fn name_of(index: InterfaceIndex) -> io::Result<String> {
        match interface::name_of(index) {
            Ok(name) => Ok(name.as_str().to_string()),
            Err(errno) => Err(named(errno, &index)),
        }
    }

    /// All interfaces of this host, in the system's order.
    ///
    /// Systems: all except AIX.
    #[doc(alias = "getifaddrs", alias = "Interfaces")]
    pub fn all() -> io::Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for entry in Addresses::new()?.iter() {
            let name = entry.interface.as_str();
            if !all.iter().any(|known| known.name == name) {
                // An interface that was removed since the list was made is left out.
                let index = entry.index.or_else(|| interface::index_of(name).ok());
                let Some(index) = index else { continue };
                let (name, flags) = (name.to_string(), entry.flags);
                all.push(Self { index, name, flags, addresses: Vec::new() });
            }
            let interface = all.iter_mut().find(|known| known.name == name);
            if let (Some(interface), Some(address), Some(prefix_len)) =
                (interface, entry.address, entry.prefix_len)
            {
                interface.addresses.push(InterfaceAddress::new(*address.ip(), prefix_len));
            }
        }
        Ok(all)
    }

    /// The system's number of the interface.
    #[must_use]
    pub fn index(&self) -> InterfaceIndex {
        self.index
    }

    /// The name, such as `eth0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The kind of interface, and its state.
    #[must_use]
    pub fn flags(&self) -> InterfaceFlags {
        self.flags
    }

    /// The IPv6 addresses, in the system's order.
    #[must_use]
    pub fn addresses(&self) -> &[InterfaceAddress] {
        &self.addresses
    }
}

fn not_found(which: &dyn fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no interface {which}"))
}

/// The error of a call that was given this interface: `NotFound`, with its name or index, when there is none.
pub(crate) fn named(errno: Errno, which: &dyn fmt::Display) -> io::Error {
    if interface::is_missing(errno) { not_found(which) } else { errno.into() }
}

/// Refuses a name that C would read only in part.
fn without_nul(name: &str) -> io::Result<()> {
    if name.contains('\0') {
        Err(not_found(&format_args!("{name:?}: a zero byte ends a name")))
    } else {
        Ok(())
    }
}

/// The index of the interface with this name, without anything else about it.
pub(crate) fn index_of(name: &str) -> io::Result<InterfaceIndex> {
    without_nul(name)?;
    // Linux ignores a colon and what follows, as the label of an IPv4 address (net/core/dev_ioctl.c), and no
    // interface has one in its name (net/core/dev.c: `dev_valid_name`). "eth0:53" would lose its port.
    if cfg!(any(target_os = "linux", target_os = "android")) && name.contains(':') {
        return Err(not_found(&name));
    }
    interface::index_of(name).map_err(|errno| named(errno, &name))
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
