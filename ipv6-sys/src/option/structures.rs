//! Option values that are more than one `int`.

use core::net::SocketAddrV6;

use ipv6_core::abi::Platform;
use ipv6_core::message::{NextHop, PacketInfo, SendMessage};
use ipv6_core::option::{MemoryInfo, PacingRate, SendTimes, TimestampingFlags};
use ipv6_core::sockaddr;

use super::value::{Readable, Sealed, Writable, Zeroed};
use crate::host::Host;

/// Copies to the start of the value's buffer, and returns the size.
fn put(data: &[u8], bytes: &mut [u8]) -> Option<usize> {
    bytes.get_mut(..data.len())?.copy_from_slice(data);
    Some(data.len())
}

/// A part of the value.
fn word(bytes: &[u8], index: usize) -> Option<[u8; 4]> {
    bytes.get(index.checked_mul(4)?..)?.first_chunk().copied()
}

impl Sealed for PacketInfo {}

impl Writable for PacketInfo {
    type Bytes = Zeroed<20>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        put(SendMessage::<Host>::encode(&self).as_ref(), bytes)
    }
}

impl Sealed for NextHop {}

impl Writable for NextHop {
    type Bytes = Zeroed<{ Host::ABI.sockaddr.size }>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        put(SendMessage::<Host>::encode(&self).as_ref(), bytes)
    }
}

impl Sealed for SocketAddrV6 {}

impl Readable for SocketAddrV6 {
    type Bytes = Zeroed<{ Host::ABI.sockaddr.size }>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        sockaddr::decode::<Host>(bytes)
    }
}

impl Sealed for TimestampingFlags {}

impl Readable for TimestampingFlags {
    // The flags, and since Linux 5.14 the number of a clock.
    type Bytes = Zeroed<8>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_bits_retain(u32::from_ne_bytes(word(bytes, 0)?)))
    }
}

impl Writable for TimestampingFlags {
    type Bytes = Zeroed<4>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        put(&self.bits().to_ne_bytes(), bytes)
    }
}

impl Sealed for SendTimes {}

impl Readable for SendTimes {
    type Bytes = Zeroed<8>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        let (clock, flags) = (word(bytes, 0)?, word(bytes, 1)?);
        Some(Self::from_flags(i32::from_ne_bytes(clock), u32::from_ne_bytes(flags)))
    }
}

impl Writable for SendTimes {
    type Bytes = Zeroed<8>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        let (clock, flags) = bytes.split_at_mut_checked(4)?;
        put(&self.clock.to_ne_bytes(), clock)?;
        put(&self.flags().to_ne_bytes(), flags)?;
        Some(8)
    }
}

impl Sealed for MemoryInfo {}

impl Readable for MemoryInfo {
    type Bytes = Zeroed<36>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut words = [0; 9];
        for (index, value) in words.iter_mut().enumerate() {
            *value = u32::from_ne_bytes(word(bytes, index)?);
        }
        Some(Self::from_words(words))
    }
}

impl Sealed for u64 {}

impl Readable for u64 {
    type Bytes = Zeroed<8>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_ne_bytes)
    }
}

impl Sealed for PacingRate {}

impl Readable for PacingRate {
    type Bytes = Zeroed<8>;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        // The kernel writes an `unsigned long` if there is room, and before Linux 4.20 an `unsigned int`.
        // All bits of either are no limit.
        match u64::read(bytes) {
            Some(rate) => Some(Self(rate)),
            None => match u32::from_ne_bytes(bytes.try_into().ok()?) {
                u32::MAX => Some(Self::UNLIMITED),
                rate => Some(Self(rate.into())),
            },
        }
    }
}

impl Writable for PacingRate {
    type Bytes = Zeroed<8>;

    #[inline]
    fn write(self, bytes: &mut [u8]) -> Option<usize> {
        // All bits of an `unsigned int` are no limit. Linux takes an `unsigned long` too, with 64 bits since 4.20, where
        // a program needs it (`sk_setsockopt` in net/core/sock.c).
        match u32::try_from(self.0) {
            Ok(rate) if rate != u32::MAX => put(&rate.to_ne_bytes(), bytes),
            _ if self == Self::UNLIMITED => put(&u32::MAX.to_ne_bytes(), bytes),
            _ if size_of::<usize>() == 8 => put(&self.0.to_ne_bytes(), bytes),
            _ => None,
        }
    }
}
