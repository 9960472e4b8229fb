//! The host's network interfaces, with their IPv6 addresses.

use std::fmt;
use std::io;
use std::net::Ipv6Addr;

use ipv6_core::InterfaceIndex;
use ipv6_sys::Errno;
use ipv6_sys::interface::{self, AddressFlags, Entry, InterfaceFlags};

use crate::error;

/// A network interface, as it was when it was looked up.
///
/// Methods that take an interface accept `Interface`, `&Interface` and [`InterfaceIndex`].
///
/// Systems: all except AIX, which lacks `getifaddrs(3)`. On AIX, [`name_of`](Self::name_of) works and the other functions
/// return `ENOTSUP`.
///
/// # Programs that may not use netlink
///
/// On Linux and Android, these functions use netlink. If the program may not use it (a seccomp filter,
/// `RestrictAddressFamilies=` of systemd, Android's rules for applications), they use ioctls and
/// `/proc/thread-self/net`, with these limits: alternative names of more than 15 bytes or with a colon are not found,
/// and [`flags`](Self::flags) has the lower 16 bits. If the program may not read `/proc/thread-self/net` either,
/// [`addresses`](Self::addresses) is empty and [`all`](Self::all) fails. An Android application may list addresses:
/// there, [`all`](Self::all) returns the interfaces with an IPv6 address.
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
    /// The state of the address, on Linux, Android and Windows. Empty on other systems.
    pub flags: AddressFlags,
}

impl InterfaceAddress {
    /// Creates an address with the length of its network prefix in bits, without flags. A length over 128 counts as
    /// 128.
    #[must_use]
    pub const fn new(address: Ipv6Addr, prefix_len: u8) -> Self {
        let prefix_len = if prefix_len > 128 { 128 } else { prefix_len };
        Self { address, prefix_len, flags: AddressFlags::empty() }
    }

    /// Returns whether duplicate address detection has not finished (RFC 4862 section 5.4). On Linux, `bind` to the
    /// address then fails with `EADDRNOTAVAIL`, unless it is [optimistic](AddressFlags::OPTIMISTIC).
    ///
    /// Systems: Linux, Android, Windows. `false` on others.
    #[must_use]
    #[doc(alias = "IFA_F_TENTATIVE")]
    pub const fn is_tentative(&self) -> bool {
        self.flags.contains(AddressFlags::TENTATIVE)
    }

    /// Returns whether the preferred lifetime is over: use another address for new communication (RFC 4862 section
    /// 5.5.4).
    ///
    /// Systems: Linux, Android, Windows. `false` on others.
    #[must_use]
    #[doc(alias = "IFA_F_DEPRECATED")]
    pub const fn is_deprecated(&self) -> bool {
        self.flags.contains(AddressFlags::DEPRECATED)
    }

    /// Returns whether `other` has the same network prefix: the same first [`prefix_len`](Self::prefix_len) bits. An
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
    #[must_use]
    pub fn contains(&self, other: Ipv6Addr) -> bool {
        let differing = self.address.to_bits() ^ other.to_bits();
        differing.leading_zeros() >= u32::from(self.prefix_len)
    }
}

impl Interface {
    /// Returns the interface with this name, which may be an alternative one. [`name`](Self::name) of the result is the
    /// system's own name.
    ///
    /// | System | Alternative names |
    /// |---|---|
    /// | Linux, Android | those of `ip link property add dev eth0 altname uplink` |
    /// | Windows | `ethernet_32769`, beside the friendly name `Ethernet` |
    ///
    /// The label of an IPv4 address on Linux, such as `eth0:1`, is no name.
    ///
    /// Systems: all except AIX. On Linux and Android, the request is for this interface; other systems list all.
    ///
    /// # Errors
    ///
    /// `NotFound`, with the name, when there is none. Any other error, such as `EMFILE`, does not mean that there is none.
    #[doc(alias = "if_nametoindex", alias = "InterfaceByName")]
    pub fn by_name(name: &str) -> io::Result<Self> {
        Self::found(index_of(name)?, &name)
    }

    /// Returns the interface with this index.
    ///
    /// Systems: all except AIX. On Linux and Android, the request is for this interface; other systems list all.
    ///
    /// # Errors
    ///
    /// `NotFound`, with the index, when there is none. Any other error, such as `EMFILE`, does not mean that there is none.
    #[doc(alias = "InterfaceByIndex")]
    pub fn by_index(index: InterfaceIndex) -> io::Result<Self> {
        Self::found(index, &index)
    }

    /// The interface with this index, which the caller knows as `which`.
    fn found(index: InterfaceIndex, which: &dyn fmt::Display) -> io::Result<Self> {
        let mut list =
            listed(&|visit| interface::for_one(index, visit)).map_err(|errno| named(errno, which))?;
        list.pop().ok_or_else(|| not_found(which))
    }

    /// Returns the name of the interface with this index, without its flags and addresses.
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

    /// Returns all interfaces of this host, in the system's order: one entry for each index, under the system's own name,
    /// also for interfaces without addresses.
    ///
    /// Systems: all except AIX.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE` and `ENOMEM`, among others. `EINTR` when the list changed during each of 100 attempts (Linux).
    #[doc(alias = "getifaddrs", alias = "Interfaces")]
    pub fn all() -> io::Result<Vec<Self>> {
        Ok(listed(&|visit| interface::for_each(visit))?)
    }

    /// Returns the system's number of the interface.
    #[must_use]
    pub fn index(&self) -> InterfaceIndex {
        self.index
    }

    /// Returns the name, such as `eth0`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the kind of interface, and its state.
    #[must_use]
    pub fn flags(&self) -> InterfaceFlags {
        self.flags
    }

    /// Returns the IPv6 addresses, in the system's order, also those that are not ready for use
    /// ([`is_tentative`](InterfaceAddress::is_tentative)).
    #[must_use]
    pub fn addresses(&self) -> &[InterfaceAddress] {
        &self.addresses
    }
}

/// Visits interfaces and addresses.
type Each<'a> = &'a dyn Fn(&mut dyn FnMut(Entry)) -> Result<(), Errno>;

/// The interfaces that `each` visits, each once.
fn listed(each: Each<'_>) -> Result<Vec<Interface>, Errno> {
    for _ in 1..100 {
        match listed_once(each) {
            // The list changed meanwhile.
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
    listed_once(each)
}

fn listed_once(each: Each<'_>) -> Result<Vec<Interface>, Errno> {
    let mut all: Vec<Interface> = Vec::new();
    // The place of each in `all`, sorted by index.
    let mut places: Vec<(InterfaceIndex, usize)> = Vec::new();
    let search =
        |places: &[(InterfaceIndex, usize)], index| places.binary_search_by_key(&index, |(index, _)| *index);
    each(&mut |entry| match entry {
        Entry::Interface { index, name, flags, .. } => {
            if let Err(before) = search(&places, index) {
                places.insert(before, (index, all.len()));
                all.push(Interface { index, name: name.as_str().into(), flags, addresses: Vec::new() });
            }
        }
        Entry::Address { on, address, prefix_len, flags, .. } => {
            // An interface that was added meanwhile is left out.
            let place = search(&places, on).ok().and_then(|found| places.get(found));
            if let Some(interface) = place.and_then(|(_, place)| all.get_mut(*place)) {
                interface
                    .addresses
                    .push(InterfaceAddress { flags, ..InterfaceAddress::new(address, prefix_len) });
            }
        }
        _ => {}
    })?;
    Ok(all)
}

fn not_found(which: &dyn fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no interface {which}"))
}

/// The error of a call that was given this interface: `NotFound`, with its name or index, when there is none.
pub(crate) fn named(errno: Errno, which: &dyn fmt::Display) -> io::Error {
    if interface::is_missing(errno) { not_found(which) } else { errno.into() }
}

/// Whether the error, or the one that it explains, means that there is no such interface.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    error::number(error).is_some_and(|errno| interface::is_missing(Errno::from_raw(errno)))
}

/// Refuses a name that C would read only in part.
fn without_nul(name: &str) -> io::Result<()> {
    if name.as_bytes().contains(&0) {
        Err(not_found(&format_args!("{name:?}: a zero byte ends a name")))
    } else {
        Ok(())
    }
}

/// The index of the interface with this name or alternative name.
pub(crate) fn index_of(name: &str) -> io::Result<InterfaceIndex> {
    without_nul(name)?;
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
