//! The types that options have as values, and the bytes that the kernel sees.

use core::net::Ipv6Addr;

use ipv6_core::abi::Platform;
use ipv6_core::{Icmp6Filter, InterfaceIndex, PathMtu, group};

use crate::host::{Host, HostOn64};
use crate::os;

mod sealed {
    /// Bytes reach the kernel only from here.
    pub trait Sealed {}
}

use sealed::Sealed;

/// A value that the system can be asked for.
pub trait Readable: Sealed + Sized {
    /// As many bytes as the value has.
    type Bytes: AsMut<[u8]> + AsRef<[u8]> + Default;

    /// The value in the bytes that the kernel wrote, at most as many as `Bytes` has.
    #[doc(hidden)]
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// A value that the system can be given.
pub trait Writable: Sealed + Sized {
    /// Room for the value.
    type Bytes: AsMut<[u8]> + AsRef<[u8]> + Default;

    /// Writes the value and says how many bytes it has; `None` where the system has no such structure.
    #[doc(hidden)]
    fn write(self, bytes: &mut [u8]) -> Option<usize>;
}

/// Bytes of a value, zero at first. (`Default` is not there for arrays of any size.)
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

/// `int`, as nearly all options have it; some systems answer one byte.
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

/// Values that are an `int` to the kernel: how to read one, how to write one.
macro_rules! ints {
    ($($value:ty: $read:expr, $write:expr;)*) => {
        $(
            impl Sealed for $value {}

            impl Readable for $value {
                type Bytes = Zeroed<4>;

                fn read(bytes: &[u8]) -> Option<Self> {
                    let read: fn(i32) -> Option<Self> = $read;
                    read(read_int(bytes)?)
                }
            }

            impl Writable for $value {
                type Bytes = Zeroed<4>;

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
    bool: |int| Some(int != 0), i32::from;
    // The kernel's interface numbers are positive ints; 0 is none.
    Option<InterfaceIndex>: |int| Some(InterfaceIndex::new(u32::try_from(int).ok()?).ok()),
        |index| index.map_or(0, |index| index.get().cast_signed());
    // An offset, or -1 for none.
    Option<u16>: |int| if int == -1 { Some(None) } else { u16::try_from(int).ok().map(Some) },
        |offset| offset.map_or(-1, i32::from);
}

impl Sealed for Icmp6Filter {}

impl Readable for Icmp6Filter {
    type Bytes = Zeroed<32>;

    fn read(bytes: &[u8]) -> Option<Self> {
        Self::decode::<Host>(bytes.try_into().ok()?)
    }
}

impl Writable for Icmp6Filter {
    type Bytes = Zeroed<32>;

    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        bytes.copy_from_slice(&self.encode::<Host>()?);
        Some(bytes.len())
    }
}

/// A path MTU: bytes of IPv6 packet, header included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[doc(alias = "ip6_mtuinfo")]
pub struct Mtu(pub u32);

impl Sealed for Mtu {}

impl Readable for Mtu {
    type Bytes = Zeroed<{ Host::ABI.sockaddr.size + 4 }>;

    fn read(bytes: &[u8]) -> Option<Self> {
        // Windows has an integer where others have a `struct ip6_mtuinfo`.
        match bytes.try_into() {
            Ok(bytes) => Some(Self(u32::from_ne_bytes(bytes))),
            Err(_) => PathMtu::decode_mtu::<Host>(bytes).ok().map(Self),
        }
    }
}

impl Sealed for () {}

impl Writable for () {
    type Bytes = Zeroed<4>;

    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        // Linux wants an int there, whose value it does not read.
        write_int(0, bytes)
    }
}

/// A multicast group, on an interface or on the one the system chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "ipv6_mreq", alias = "group_req")]
pub struct Group {
    /// The group's address.
    pub group: Ipv6Addr,
    /// The interface.
    pub on: Option<InterfaceIndex>,
}

/// A source of a multicast group, on an interface or on the one the system chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "group_source_req")]
pub struct SourceGroup {
    /// The group's address.
    pub group: Ipv6Addr,
    /// The sender's address.
    pub source: Ipv6Addr,
    /// The interface.
    pub on: Option<InterfaceIndex>,
}

impl Sealed for Group {}

impl Writable for Group {
    type Bytes = Zeroed<{ group::MREQ_SIZE }>;

    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        bytes.copy_from_slice(&group::encode_mreq::<Host>(self.group, self.on));
        Some(bytes.len())
    }
}

/// The largest `struct group_source_req` of this host's kernels; 0 where they have none.
const SOURCE_GROUP_BYTES: usize = match HostOn64::ABI.group_req {
    Some(layout) => layout.size,
    None => 0,
};

impl Sealed for SourceGroup {}

impl Writable for SourceGroup {
    type Bytes = Zeroed<SOURCE_GROUP_BYTES>;

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
