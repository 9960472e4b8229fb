//! Times of received packets: `SCM_TIMESTAMP`, `SCM_TIMESTAMPNS` and `SCM_TIMESTAMPING`; of FreeBSD, `SCM_MONOTONIC` and
//! `SCM_BINTIME`.
//!
//! ```text
//!  SCM_TIMESTAMP    struct timeval    seconds, microseconds
//!  SCM_TIMESTAMPNS  struct timespec   seconds, nanoseconds
//!  SCM_TIMESTAMPING three of these: of the kernel, unused, of the device
//!  SCM_MONOTONIC    struct timespec   seconds, nanoseconds
//!  SCM_BINTIME      struct bintime    seconds, 64 bits of fraction
//! ```
//!
//! The integers have 4 or 8 bytes each. Where they have 8 and 4, alignment may add padding. Linux writes 8 and 8, to 32-bit
//! programs too with the numbers that the tables have for them (`put_cmsg_scm_timestamping64` in `net/core/scm.c`).

use core::time::Duration;

use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Endian, Platform};
use crate::interface::InterfaceIndex;
use crate::timestamping::TimestampingFlags;
use crate::wire;

/// The time of day at which a packet arrived, in microseconds (`SCM_TIMESTAMP`). The option `RECEIVE_TIMESTAMP` enables it.
/// Linux, the BSDs, Apple, illumos, Solaris.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "SCM_TIMESTAMP", alias = "SO_TIMESTAMP", alias = "timeval")]
pub struct Timestamp {
    /// Seconds since 1970.
    #[doc(alias = "tv_sec")]
    pub seconds: i64,
    /// Microseconds since the second, 0 to 999,999.
    #[doc(alias = "tv_usec")]
    pub microseconds: u32,
}

impl Timestamp {
    /// Returns the time since 1970; `None` for a time before. Add it to `std::time::UNIX_EPOCH` for a `SystemTime`.
    #[must_use]
    pub const fn since_epoch(self) -> Option<Duration> {
        since_epoch(self.seconds, self.microseconds, 1_000)
    }
}

/// The time of day at which a packet arrived, in nanoseconds (`SCM_TIMESTAMPNS`). The option `RECEIVE_TIMESTAMP_NS` enables it
/// on Linux; on FreeBSD, `RECEIVE_TIMESTAMP` and `TIMESTAMP_CLOCK` with `TimestampClock::Nanoseconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "SCM_TIMESTAMPNS", alias = "SO_TIMESTAMPNS", alias = "SCM_REALTIME", alias = "timespec")]
pub struct TimestampNs {
    /// Seconds since 1970. In a time of a device, since the start of its clock.
    #[doc(alias = "tv_sec")]
    pub seconds: i64,
    /// Nanoseconds since the second, 0 to 999,999,999.
    #[doc(alias = "tv_nsec")]
    pub nanoseconds: u32,
}

impl TimestampNs {
    /// Returns the time since 1970; `None` for a time before. Add it to `std::time::UNIX_EPOCH` for a `SystemTime`.
    #[must_use]
    pub const fn since_epoch(self) -> Option<Duration> {
        since_epoch(self.seconds, self.nanoseconds, 1)
    }
}

const fn since_epoch(seconds: i64, fraction: u32, nanoseconds: u32) -> Option<Duration> {
    let within = match fraction.checked_mul(nanoseconds) {
        Some(within) if within < 1_000_000_000 => within,
        _ => return None,
    };
    if seconds < 0 { None } else { Some(Duration::new(seconds.cast_unsigned(), within)) }
}

/// Times of a packet (`SCM_TIMESTAMPING`, Linux). The option `TIMESTAMPING` enables them. Those of a received packet come with
/// it; those of a sent packet are in the error queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "SCM_TIMESTAMPING", alias = "SO_TIMESTAMPING", alias = "scm_timestamping")]
pub struct Timestamping {
    /// The time of day that the kernel took; `None` if it took none.
    pub software: Option<TimestampNs>,
    /// The time that the clock of the device had; `None` if the device took none.
    pub hardware: Option<TimestampNs>,
}

/// The interface and the length of a packet that has a time of a device (`SCM_TIMESTAMPING_PKTINFO`, Linux since 4.13). The
/// flag `TimestampingFlags::OPT_PKTINFO` enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "SCM_TIMESTAMPING_PKTINFO", alias = "scm_ts_pktinfo")]
pub struct TimestampPacketInfo {
    /// The interface that received the packet; `None` if it is not known.
    pub interface: Option<InterfaceIndex>,
    /// The length of the packet in bytes, with the header of the link.
    pub len: u32,
}

/// The timestamps to take of one sent packet, instead of those of the option `TIMESTAMPING` (`SO_TIMESTAMPING` as a message,
/// Linux since 4.6). Only the flags `TX_…` count: the option enables the delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "SO_TIMESTAMPING")]
pub struct TimestampRequest(pub TimestampingFlags);

/// The time since the system started at which a packet arrived (`SCM_MONOTONIC`, FreeBSD). The options `RECEIVE_TIMESTAMP` and
/// `TIMESTAMP_CLOCK` with `TimestampClock::Monotonic` enable it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "SCM_MONOTONIC", alias = "SO_TS_MONOTONIC", alias = "timespec")]
pub struct Uptime {
    /// Seconds since the start.
    #[doc(alias = "tv_sec")]
    pub seconds: i64,
    /// Nanoseconds since the second, 0 to 999,999,999.
    #[doc(alias = "tv_nsec")]
    pub nanoseconds: u32,
}

/// The time of day at which a packet arrived, in units of 2⁻⁶⁴ seconds (`SCM_BINTIME`, FreeBSD). The options
/// `RECEIVE_TIMESTAMP` and `TIMESTAMP_CLOCK` with `TimestampClock::Binary` enable it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "SCM_BINTIME", alias = "SO_TS_BINTIME", alias = "SO_BINTIME", alias = "bintime")]
pub struct BinaryTime {
    /// Seconds since 1970.
    #[doc(alias = "sec")]
    pub seconds: i64,
    /// The rest, in units of 2⁻⁶⁴ seconds.
    #[doc(alias = "frac")]
    pub fraction: u64,
}

impl BinaryTime {
    /// Returns the time since 1970, rounded down to nanoseconds; `None` for a time before.
    #[must_use]
    pub fn since_epoch(self) -> Option<Duration> {
        // The upper half of the product, which is below 1,000,000,000.
        let nanoseconds = u128::from(self.fraction).checked_mul(1_000_000_000)? >> 64;
        since_epoch(self.seconds, u32::try_from(nanoseconds).ok()?, 1)
    }
}

/// Bytes of a time on Linux, and of most other systems.
const TIME: usize = 16;

/// Seconds and fraction. The fraction is less than `limit`.
fn read<P: Platform>(
    control: Control,
    data: &[u8],
    expected: usize,
    limit: u32,
) -> Result<(i64, u32), DecodeError> {
    let width = DecodeError::Width { control, len: data.len(), expected };
    if data.len() != expected {
        return Err(width);
    }
    let (seconds, at) = match expected {
        8 => (wire::read_i32::<P>(data, 0).map(i64::from), 4),
        // The fraction fits in 32 bits: of an integer of 64 bits, the lower ones.
        TIME if matches!(P::ABI.endian, Endian::Big) => (read_seconds::<P>(data), 12),
        _ => (read_seconds::<P>(data), 8),
    };
    let value = wire::read_i32::<P>(data, at).ok_or(width)?;
    let fraction = u32::try_from(value).ok().filter(|fraction| *fraction < limit);
    Ok((seconds.ok_or(width)?, fraction.ok_or(DecodeError::Value { control, value })?))
}

fn read_seconds<P: Platform>(data: &[u8]) -> Option<i64> {
    wire::read_u64::<P>(data, 0).map(u64::cast_signed)
}

/// The size of a message on `P`; that of Linux if `P` has none.
const fn size_of_time(number: Option<ControlNumber>) -> usize {
    match number {
        Some(number) => number.size,
        None => TIME,
    }
}

impl<P: Platform> ControlMessage<P> for Timestamp {
    type Value<'a> = Self;
    const NAME: &'static str = "SCM_TIMESTAMP";
    const NUMBER: Option<ControlNumber> = P::ABI.control.timestamp;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let size = size_of_time(P::ABI.control.timestamp);
        let (seconds, microseconds) = read::<P>(Control::of::<Self, P>(), data, size, 1_000_000)?;
        Ok(Self { seconds, microseconds })
    }
}

impl<P: Platform> ControlMessage<P> for TimestampNs {
    type Value<'a> = Self;
    const NAME: &'static str = "SCM_TIMESTAMPNS";
    const NUMBER: Option<ControlNumber> = P::ABI.control.timestamp_ns;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let size = size_of_time(P::ABI.control.timestamp_ns);
        let (seconds, nanoseconds) = read::<P>(Control::of::<Self, P>(), data, size, 1_000_000_000)?;
        Ok(Self { seconds, nanoseconds })
    }
}

impl<P: Platform> ControlMessage<P> for Uptime {
    type Value<'a> = Self;
    const NAME: &'static str = "SCM_MONOTONIC";
    const NUMBER: Option<ControlNumber> = P::ABI.control.uptime;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let size = size_of_time(P::ABI.control.uptime);
        let (seconds, nanoseconds) = read::<P>(Control::of::<Self, P>(), data, size, 1_000_000_000)?;
        Ok(Self { seconds, nanoseconds })
    }
}

impl<P: Platform> ControlMessage<P> for BinaryTime {
    type Value<'a> = Self;
    const NAME: &'static str = "SCM_BINTIME";
    const NUMBER: Option<ControlNumber> = P::ABI.control.binary_time;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let expected = size_of_time(P::ABI.control.binary_time);
        let width = DecodeError::Width { control: Control::of::<Self, P>(), len: data.len(), expected };
        if data.len() != expected {
            return Err(width);
        }
        // 12 bytes: on i386, where the seconds have 32 bits.
        let (seconds, at) = match expected {
            12 => (wire::read_i32::<P>(data, 0).map(i64::from), 4),
            _ => (read_seconds::<P>(data), 8),
        };
        let fraction = wire::read_u64::<P>(data, at);
        Ok(Self { seconds: seconds.ok_or(width)?, fraction: fraction.ok_or(width)? })
    }
}

impl<P: Platform> ControlMessage<P> for Timestamping {
    type Value<'a> = Self;
    const NAME: &'static str = "SCM_TIMESTAMPING";
    const NUMBER: Option<ControlNumber> = P::ABI.control.timestamping;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let control = Control::of::<Self, P>();
        // The second time is no longer used.
        let times = data.first_chunk::<TIME>().zip(data.last_chunk::<TIME>());
        let Some((software, hardware)) = times.filter(|_| data.len() == 3 * TIME) else {
            return Err(DecodeError::Width { control, len: data.len(), expected: 3 * TIME });
        };
        let time = |bytes: &[u8; TIME]| {
            read::<P>(control, bytes, TIME, 1_000_000_000).map(|(seconds, nanoseconds)| {
                let time = TimestampNs { seconds, nanoseconds };
                if (seconds, nanoseconds) == (0, 0) { None } else { Some(time) }
            })
        };
        Ok(Self { software: time(software)?, hardware: time(hardware)? })
    }
}

impl<P: Platform> ControlMessage<P> for TimestampPacketInfo {
    type Value<'a> = Self;
    const NAME: &'static str = "SCM_TIMESTAMPING_PKTINFO";
    const NUMBER: Option<ControlNumber> = P::ABI.control.timestamp_packet_info;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let width = DecodeError::Width { control: Control::of::<Self, P>(), len: data.len(), expected: 16 };
        let data: &[u8; 16] = data.try_into().map_err(|_| width)?;
        let (index, len) =
            (wire::read_u32::<P>(data, 0).ok_or(width)?, wire::read_u32::<P>(data, 4).ok_or(width)?);
        Ok(Self { interface: InterfaceIndex::new(index).ok(), len })
    }
}

impl<P: Platform> ControlMessage<P> for TimestampRequest {
    type Value<'a> = Self;
    const NAME: &'static str = "SO_TIMESTAMPING";
    const NUMBER: Option<ControlNumber> = P::ABI.control.timestamp_request;

    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let width = DecodeError::Width { control: Control::of::<Self, P>(), len: data.len(), expected: 4 };
        let data: &[u8; 4] = data.try_into().map_err(|_| width)?;
        wire::read_u32::<P>(data, 0).map(TimestampingFlags::from_bits_retain).map(Self).ok_or(width)
    }
}

impl<P: Platform> SendMessage<P> for TimestampRequest {
    fn encode(&self) -> impl AsRef<[u8]> {
        wire::bytes_of_u32::<P>(self.0.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::*;

    fn micro<P: Platform>(data: &[u8]) -> Result<Timestamp, DecodeError> {
        <Timestamp as ControlMessage<P>>::decode(data)
    }

    #[test]
    fn times_have_the_layout_of_each_system() {
        let time = Timestamp { seconds: 0x0102_0304, microseconds: 0x5_0607 };
        let expected = Ok(time);
        let little: &[u8] = &[4, 3, 2, 1, 0, 0, 0, 0, 7, 6, 5, 0, 0, 0, 0, 0];
        assert_eq!(micro::<Linux64>(little), expected);
        assert_eq!(micro::<Linux32>(little), expected);
        // The padding of a 32-bit fraction may have any value.
        assert_eq!(micro::<Apple>(&[4, 3, 2, 1, 0, 0, 0, 0, 7, 6, 5, 0, 1, 2, 3, 4]), expected);
        assert_eq!(micro::<NetBsd32>(&little[..12]), expected);
        assert_eq!(micro::<FreeBsd32>(&[4, 3, 2, 1, 7, 6, 5, 0]), expected);
        let big: &[u8] = &[0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 5, 6, 7];
        assert_eq!(micro::<Linux64Be>(big), expected);
        assert_eq!(micro::<Linux32Be>(big), expected);
        assert_eq!(time.since_epoch(), Some(Duration::from_micros(0x0102_0304 * 1_000_000 + 0x5_0607)));
    }

    #[test]
    fn times_of_freebsd_have_the_layout_of_each_architecture() {
        // A quarter of a second.
        let binary = BinaryTime { seconds: 0x0102_0304, fraction: 1 << 62 };
        let decode = <BinaryTime as ControlMessage<FreeBsd64>>::decode;
        let wide: &[u8] = &[4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40];
        assert_eq!(decode(wide), Ok(binary));
        let short: &[u8] = &[4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0x40];
        assert_eq!(<BinaryTime as ControlMessage<FreeBsd32>>::decode(short), Ok(binary));
        assert_eq!(<BinaryTime as ControlMessage<FreeBsdArm>>::decode(wide), Ok(binary));
        let big: &[u8] = &[0, 0, 0, 0, 1, 2, 3, 4, 0x40, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(<BinaryTime as ControlMessage<FreeBsd64Be>>::decode(big), Ok(binary));
        assert_eq!(binary.since_epoch(), Some(Duration::new(0x0102_0304, 250_000_000)));
        let last = BinaryTime { seconds: 0, fraction: u64::MAX };
        assert_eq!(last.since_epoch(), Some(Duration::new(0, 999_999_999)));
        assert_eq!(BinaryTime { seconds: -1, fraction: 0 }.since_epoch(), None);
        let error = DecodeError::Width { control: Control::BinaryTime, len: 12, expected: 16 };
        assert_eq!(decode(short), Err(error));

        let uptime = Ok(Uptime { seconds: 0x0102_0304, nanoseconds: 0x5_0607 });
        let wide: &[u8] = &[4, 3, 2, 1, 0, 0, 0, 0, 7, 6, 5, 0, 0, 0, 0, 0];
        assert_eq!(<Uptime as ControlMessage<FreeBsd64>>::decode(wide), uptime);
        let short: &[u8] = &[4, 3, 2, 1, 7, 6, 5, 0];
        assert_eq!(<Uptime as ControlMessage<FreeBsd32>>::decode(short), uptime);
    }

    #[test]
    fn other_sizes_and_fractions_are_errors() {
        let control = Control::Timestamp;
        assert_eq!(micro::<Linux64>(&[0; 8]), Err(DecodeError::Width { control, len: 8, expected: 16 }));
        assert_eq!(micro::<FreeBsd32>(&[0; 16]), Err(DecodeError::Width { control, len: 16, expected: 8 }));
        let mut data = [0; 16];
        data[8..12].copy_from_slice(&1_000_000_i32.to_le_bytes());
        assert_eq!(micro::<Linux64>(&data), Err(DecodeError::Value { control, value: 1_000_000 }));
        data[8..].fill(0xff);
        assert_eq!(micro::<Linux64>(&data), Err(DecodeError::Value { control, value: -1 }));
        let before = TimestampNs { seconds: -1, nanoseconds: 0 };
        assert_eq!(before.since_epoch(), None);
        // Fields that a program has filled.
        assert_eq!(Timestamp { seconds: 0, microseconds: u32::MAX }.since_epoch(), None);
        assert_eq!(
            TimestampNs { seconds: 7, nanoseconds: 999_999_999 }.since_epoch(),
            Some(Duration::new(7, 999_999_999))
        );
        assert_eq!(TimestampNs { seconds: i64::MAX, nanoseconds: 1_000_000_000 }.since_epoch(), None);
    }

    #[test]
    fn a_time_of_zero_is_none() {
        let mut data = [0; 48];
        data[0] = 5;
        data[8] = 6;
        let decode = <Timestamping as ControlMessage<Linux64>>::decode;
        let software = Some(TimestampNs { seconds: 5, nanoseconds: 6 });
        assert_eq!(decode(&data), Ok(Timestamping { software, hardware: None }));
        data[40] = 7;
        let hardware = Some(TimestampNs { seconds: 0, nanoseconds: 7 });
        assert_eq!(decode(&data), Ok(Timestamping { software, hardware }));
        for len in [0, 16, 32, 47] {
            let error = DecodeError::Width { control: Control::Timestamping, len, expected: 48 };
            assert_eq!(decode(&data[..len]), Err(error));
        }
        let info = <TimestampPacketInfo as ControlMessage<Linux64>>::decode(&[
            3, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ]);
        assert_eq!(info, Ok(TimestampPacketInfo { interface: InterfaceIndex::new(3).ok(), len: 64 }));
    }
}
