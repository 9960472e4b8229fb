//! The types of option values, and their bytes in the kernel.

use ipv6_core::abi::Platform;
use ipv6_core::option::{
    AddressPreferences, Group, Ipv4Group, Ipv4Interface, Ipv4SourceGroup, Ipv4UnicastInterface, LocalPorts,
    MinMtu, Mtu, PathMtuDiscovery, PortRange, SourceGroup, TimestampClock, UnicastInterface,
};
use ipv6_core::{Icmp6Filter, InterfaceIndex, PathMtu, group};

use crate::host::{Host, HostOn64, IS_LINUX};
use crate::os;

mod sealed {
    /// Only this file decides which bytes reach the kernel.
    pub trait Sealed {}
}

pub(super) use sealed::Sealed;

/// The value of an option that can be read. Sealed.
pub trait Readable: Sealed + Sized {
    /// A buffer of the size of the value.
    type Bytes: AsMut<[u8]> + AsRef<[u8]> + Default;

    /// Reads the value from the bytes that the kernel wrote, at most as many as `Bytes` has.
    #[doc(hidden)]
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// The value of an option that can be changed. Sealed.
pub trait Writable: Sealed + Sized {
    /// A buffer that holds the value.
    type Bytes: AsMut<[u8]> + AsRef<[u8]> + Default;

    /// Writes the value and returns its size in bytes; `None` when the system has no such structure.
    #[doc(hidden)]
    fn write(self, bytes: &mut [u8]) -> Option<usize>;
}

/// A value's bytes, zero at first. (Arrays of any size do not have `Default`.)
#[derive(Debug)]
#[doc(hidden)]
pub struct Zeroed<const N: usize>([u8; N]);

impl<const N: usize> Default for Zeroed<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> AsMut<[u8]> for Zeroed<N> {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl<const N: usize> AsRef<[u8]> for Zeroed<N> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Reads an `int`, the type of nearly all options. Some systems write one byte.
fn read_int(bytes: &[u8]) -> Option<i32> {
    match bytes {
        [byte] => Some(i32::from(*byte)),
        _ => Some(i32::from_ne_bytes(bytes.try_into().ok()?)),
    }
}

fn write_int(value: i32, bytes: &mut [u8]) -> Option<usize> {
    bytes.copy_from_slice(&value.to_ne_bytes());
    Some(size_of::<i32>())
}

/// Converts an interface index to or from the byte order of `IPV6_UNICAST_IF`: that of the network on Linux
/// (net/ipv6/ipv6_sockglue.c), that of the host on Windows.
fn unicast(index: u32) -> u32 {
    if cfg!(windows) { index } else { index.to_be() }
}

/// The value of an option that is a C `int`. Sealed.
pub trait Integer: Readable + Writable {}

impl Integer for u8 {}
impl Integer for u32 {}
impl Integer for i32 {}
impl Integer for bool {}

/// Values that are a C `int`: a row is the type, how to read it, and how to write it.
macro_rules! ints {
    ($($value:ty: $read:expr, $write:expr;)*) => {
        $(
            impl Sealed for $value {}

            impl Readable for $value {
                type Bytes = Zeroed<4>;

                #[inline]
                fn read(bytes: &[u8]) -> Option<Self> {
                    let read: fn(i32) -> Option<Self> = $read;
                    read(read_int(bytes)?)
                }
            }

            impl Writable for $value {
                type Bytes = Zeroed<4>;

                #[inline]
                fn write(self, bytes: &mut [u8]) -> Option<usize> {
                    let write: fn(Self) -> i32 = $write;
                    write_int(write(self), bytes)
                }
            }
        )*
    };
}

ints! {
    u8: |int| u8::try_from(int).ok(), i32::from;
    u32: |int| Some(int.cast_unsigned()), u32::cast_signed;
    i32: Some, |int| int;
    bool: |int| Some(int != 0), i32::from;
    // A hop limit, or -1 for the system's default.
    Option<u8>: |int| if int == -1 { Some(None) } else { u8::try_from(int).ok().map(Some) },
        |value| value.map_or(-1, i32::from);
    // Interface indexes are positive ints in every kernel; 0 is none.
    Option<InterfaceIndex>: |int| Some(InterfaceIndex::new(u32::try_from(int).ok()?).ok()),
        |index| index.map_or(0, |index| index.get().cast_signed());
    // An offset, or -1 for none.
    Option<u16>: |int| if int == -1 { Some(None) } else { u16::try_from(int).ok().map(Some) },
        |offset| offset.map_or(-1, i32::from);
    UnicastInterface: |int| Some(Self(InterfaceIndex::new(unicast(int.cast_unsigned())).ok())),
        |Self(index)| unicast(index.map_or(0, InterfaceIndex::get)).cast_signed();
    Ipv4UnicastInterface: |int| Some(Self(InterfaceIndex::new(u32::from_be(int.cast_unsigned())).ok())),
        |Self(index)| index.map_or(0, InterfaceIndex::get).to_be().cast_signed();
    MinMtu: Self::from_number, Self::number;
    TimestampClock: Self::from_number, Self::number;
    PortRange: Self::from_number, Self::number;
    LocalPorts: |int| Some(Self::from_number(int.cast_unsigned())), |ports| ports.number().cast_signed();
    u16: |int| u16::try_from(int).ok(), i32::from;
}

impl Sealed for AddressPreferences {}

impl Readable for AddressPreferences {
    type Bytes = Zeroed<4>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_number::<Host>(read_int(bytes)?)
    }
}

impl Writable for AddressPreferences {
    type Bytes = Zeroed<4>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        // Linux takes the two flags of RFC 3972 and forgets them (`ip6_sock_set_addr_preferences` in include/net/ipv6.h).
        let ignored = if IS_LINUX { Self::CGA | Self::NON_CGA } else { Self::empty() };
        if self.intersects(ignored) || !Self::all().contains(self) {
            return None;
        }
        write_int(self.number::<Host>()?, bytes)
    }
}

impl Sealed for PathMtuDiscovery {}

impl Readable for PathMtuDiscovery {
    type Bytes = Zeroed<4>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_number::<Host>(read_int(bytes)?)
    }
}

impl Writable for PathMtuDiscovery {
    type Bytes = Zeroed<4>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        write_int(self.number::<Host>()?, bytes)
    }
}

impl Sealed for Icmp6Filter {}

impl Readable for Icmp6Filter {
    type Bytes = Zeroed<32>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        Self::decode::<Host>(bytes.try_into().ok()?)
    }
}

impl Writable for Icmp6Filter {
    type Bytes = Zeroed<32>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        bytes.copy_from_slice(&self.encode::<Host>()?);
        Some(bytes.len())
    }
}

impl Sealed for Mtu {}

impl Readable for Mtu {
    type Bytes = Zeroed<{ Host::ABI.sockaddr.size + 4 }>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        // Windows writes an integer, other systems a `struct ip6_mtuinfo`.
        match bytes.try_into() {
            Ok(bytes) => Some(Self(u32::from_ne_bytes(bytes))),
            Err(_) => PathMtu::decode_mtu::<Host>(bytes).ok().map(Self),
        }
    }
}

impl Sealed for () {}

impl Writable for () {
    type Bytes = Zeroed<4>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        // Linux requires an int, and ignores its value.
        write_int(0, bytes)
    }
}

impl Sealed for Group {}

impl Writable for Group {
    type Bytes = Zeroed<{ group::MREQ_SIZE }>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        bytes.copy_from_slice(&group::encode_mreq::<Host>(self.group, self.on));
        Some(bytes.len())
    }
}

/// Size of the largest `struct group_source_req` of this system's kernels; 0 when they have none.
const SOURCE_GROUP_BYTES: usize = match HostOn64::ABI.group_req {
    Some(layout) => layout.size,
    None => 0,
};

impl Sealed for SourceGroup {}

impl Writable for SourceGroup {
    type Bytes = Zeroed<SOURCE_GROUP_BYTES>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        let Self { group, source, on } = self;
        let encoded = if os::kernel_reads_as_64() {
            group::encode_group_source_req::<HostOn64>(group, source, on, bytes)
        } else {
            group::encode_group_source_req::<Host>(group, source, on, bytes)
        };
        encoded.ok()
    }
}

impl Sealed for Ipv4Group {}

impl Writable for Ipv4Group {
    type Bytes = Zeroed<{ group::MREQN_SIZE }>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        bytes.copy_from_slice(&group::encode_mreqn::<Host>(self.group, self.on));
        Some(bytes.len())
    }
}

impl Sealed for Ipv4Interface {}

impl Writable for Ipv4Interface {
    type Bytes = Zeroed<{ group::MREQN_SIZE }>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        let (encoded, len) = group::encode_ipv4_interface::<Host>(self.0)?;
        bytes.copy_from_slice(&encoded);
        Some(len)
    }
}

impl Sealed for Ipv4SourceGroup {}

impl Writable for Ipv4SourceGroup {
    type Bytes = Zeroed<SOURCE_GROUP_BYTES>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        let Self { group, source, on } = self;
        group::encode_ipv4_group_source_req::<Host>(group, source, on, bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn bytes<T: Writable>(value: T) -> Vec<u8> {
        let mut bytes = T::Bytes::default();
        let len = value.write(bytes.as_mut()).unwrap();
        bytes.as_ref()[..len].to_vec()
    }

    // Windows on x86-64 has the first in the byte order of the host, and the second in that of the network.
    #[test]
    fn the_byte_orders_of_the_interfaces_for_unicast() {
        let index = InterfaceIndex::new(0x0102_0304).ok();
        let of_ipv6 = if cfg!(windows) { [4, 3, 2, 1] } else { [1, 2, 3, 4] };
        assert_eq!(bytes(UnicastInterface(index)), of_ipv6);
        assert_eq!(UnicastInterface::read(&of_ipv6), Some(UnicastInterface(index)));
        assert_eq!(bytes(Ipv4UnicastInterface(index)), [1, 2, 3, 4]);
        assert_eq!(Ipv4UnicastInterface::read(&[1, 2, 3, 4]), Some(Ipv4UnicastInterface(index)));
    }
}
