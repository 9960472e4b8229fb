//! Messages that are one number: `SO_MARK`, `SO_PRIORITY`, `SO_RXQ_OVFL`, `SCM_TXTIME`, `SCM_TS_OPT_ID` (Linux:
//! `__sock_cmsg_send` in `net/core/sock.c`, `__sock_recv_cmsgs` in `net/socket.c`), `SCM_TIMESTAMP_MONOTONIC` (Apple:
//! `sbcreatecontrol_mbuf` calls in `bsd/netinet6/ip6_input.c`), `IPV6_FLOWID` and `IPV6_FLOWTYPE` (FreeBSD:
//! `ip6_savecontrol_v4` in `sys/netinet6/ip6_input.c`).

use super::kind::{Control, ControlMessage, DecodeError, SendMessage};
use crate::abi::{ControlNumber, Platform};
use crate::wire;

/// The mark of a packet (`SO_MARK`, Linux). Sent: that of this packet, for routing rules and filters; `CAP_NET_ADMIN` or
/// `CAP_NET_RAW`, UDP since 5.5. Received: that which a filter of this host has set; the option `RECEIVE_MARK` enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "SO_MARK", alias = "SO_RCVMARK")]
pub struct Mark(pub u32);

/// The priority of a packet in the queues of a host (`SO_PRIORITY`, Linux since 6.14). Sent: 0 to 6 without privilege, more
/// with `CAP_NET_ADMIN` or `CAP_NET_RAW`. Received: the option `RECEIVE_PRIORITY` enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "SO_PRIORITY", alias = "SO_RCVPRIORITY")]
pub struct Priority(pub u32);

/// How many packets the socket has dropped since it was opened (`SO_RXQ_OVFL`, Linux). Received only, and only when it is
/// not 0. The option `RECEIVE_DROPPED` enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "SO_RXQ_OVFL")]
pub struct Dropped(pub u32);

/// The identifier of the timestamps of a sent packet, instead of a count (`SCM_TS_OPT_ID`, Linux since 6.13). Sent only.
/// Without `TimestampingFlags::OPT_ID`, the send returns `EINVAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "SCM_TS_OPT_ID")]
pub struct TimestampId(pub u32);

/// The time at which a packet is sent, in nanoseconds of the clock that the option `SEND_TIMES` names (`SCM_TXTIME`, Linux
/// since 4.19). Sent only. Without the option, the send returns `EINVAL`; without the queueing discipline `fq` or `etf`, the
/// packet is sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "SCM_TXTIME")]
pub struct TxTime(pub u64);

/// The time at which a packet arrived, in units of `mach_absolute_time` (`SCM_TIMESTAMP_MONOTONIC`, Apple). Received only. The
/// option `RECEIVE_TIMESTAMP_MONOTONIC` enables it. `mach_timebase_info` has the length of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "SCM_TIMESTAMP_MONOTONIC", alias = "SO_TIMESTAMP_MONOTONIC")]
pub struct MachTime(pub u64);

/// A hash of addresses and ports of a received packet, by which the device or the system chose a queue (`IPV6_FLOWID`,
/// FreeBSD). Received only. The option `RECEIVE_FLOW_ID` enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_FLOWID", alias = "IPV6_RECVFLOWID")]
pub struct FlowId(pub u32);

/// The kind of hash in [`FlowId`], an `M_HASHTYPE_` of `sys/mbuf.h` (`IPV6_FLOWTYPE`, FreeBSD). Received only. The option
/// `RECEIVE_FLOW_ID` enables it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
#[doc(alias = "IPV6_FLOWTYPE", alias = "IPV6_RECVFLOWID")]
pub struct FlowType(pub u32);

/// A row is: the type, its name in C, its field in the tables, and how its number is read.
macro_rules! numbers {
    ($($Message:ident $name:literal $field:ident $read:ident $size:literal;)*) => {
        $(impl<P: Platform> ControlMessage<P> for $Message {
            type Value<'a> = Self;
            const NAME: &'static str = $name;
            const NUMBER: Option<ControlNumber> = P::ABI.control.$field;

            fn decode(data: &[u8]) -> Result<Self, DecodeError> {
                let width = || {
                    DecodeError::Width { control: Control::of::<Self, P>(), len: data.len(), expected: $size }
                };
                let data: &[u8; $size] = data.try_into().map_err(|_| width())?;
                wire::$read::<P>(data, 0).map(Self).ok_or_else(width)
            }
        })*
    };
}

numbers! {
    Mark "SO_MARK" mark read_u32 4;
    Priority "SO_PRIORITY" priority read_u32 4;
    Dropped "SO_RXQ_OVFL" dropped read_u32 4;
    TimestampId "SCM_TS_OPT_ID" timestamp_id read_u32 4;
    TxTime "SCM_TXTIME" tx_time read_u64 8;
    MachTime "SCM_TIMESTAMP_MONOTONIC" mach_time read_u64 8;
    FlowId "IPV6_FLOWID" flow_id read_u32 4;
    FlowType "IPV6_FLOWTYPE" flow_type read_u32 4;
}

/// Those that can be sent, with how their number is written.
macro_rules! sent {
    ($($Message:ident $bytes:ident;)*) => {
        $(impl<P: Platform> SendMessage<P> for $Message {
            fn encode(&self) -> impl AsRef<[u8]> {
                wire::$bytes::<P>(self.0)
            }
        })*
    };
}

sent! {
    Mark bytes_of_u32;
    Priority bytes_of_u32;
    TimestampId bytes_of_u32;
    TxTime bytes_of_u64;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Apple, FreeBsd64, Linux32, Linux64, LinuxMips32Be, LinuxSparc64};
    use crate::cmsg::RawMessages;
    use crate::message::Messages;

    #[test]
    fn levels_and_numbers_are_those_of_the_architecture() {
        //  len 20 = 16 + 4          level 1     type 36      0x11223344              padding
        let mark = [20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 36, 0, 0, 0, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0];
        let value = Mark(0x1122_3344);
        assert_eq!(Messages::<Linux64, 24>::new().with(value).unwrap().as_bytes(), mark);
        assert_eq!(RawMessages::<Linux64>::new(&mark).get::<Mark>(), Ok(Some(value)));
        //  len 16 = 12 + 4  level 0xffff   type 36
        let mark = [0, 0, 0, 16, 0, 0, 255, 255, 0, 0, 0, 36, 0x11, 0x22, 0x33, 0x44];
        assert_eq!(Messages::<LinuxMips32Be, 16>::new().with(value).unwrap().as_bytes(), mark);
        //  SPARC: type 34
        let mark = [0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 255, 255, 0, 0, 0, 34, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0];
        assert_eq!(Messages::<LinuxSparc64, 24>::new().with(value).unwrap().as_bytes(), mark);
        //  len 20 = 12 + 8  level 1      type 61
        let time = [20, 0, 0, 0, 1, 0, 0, 0, 61, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1];
        let value = TxTime(0x0102_0304_0506_0708);
        assert_eq!(Messages::<Linux32, 20>::new().with(value).unwrap().as_bytes(), time);
        assert_eq!(RawMessages::<Linux32>::new(&time).get::<TxTime>(), Ok(Some(value)));
        assert_eq!(RawMessages::<Linux32>::new(&time).get::<Dropped>(), Ok(None));
        //  len 20 = 12 + 8  level 0xffff      type 4
        let time = [20, 0, 0, 0, 255, 255, 0, 0, 4, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1];
        let value = MachTime(0x0102_0304_0506_0708);
        assert_eq!(RawMessages::<Apple>::new(&time).get::<MachTime>(), Ok(Some(value)));
        //  len 20 = 16 + 4  level 41      type 67      padding     0x11223344              padding
        let mut flow =
            [20, 0, 0, 0, 41, 0, 0, 0, 67, 0, 0, 0, 0, 0, 0, 0, 0x44, 0x33, 0x22, 0x11, 0, 0, 0, 0];
        assert_eq!(RawMessages::<FreeBsd64>::new(&flow).get::<FlowId>(), Ok(Some(FlowId(0x1122_3344))));
        assert_eq!(RawMessages::<FreeBsd64>::new(&flow).get::<FlowType>(), Ok(None));
        flow[8] = 68;
        assert_eq!(RawMessages::<FreeBsd64>::new(&flow).get::<FlowType>(), Ok(Some(FlowType(0x1122_3344))));
    }

    #[test]
    fn data_of_another_size_is_an_error() {
        for len in [0, 3, 5, 8] {
            let error = DecodeError::Width { control: Control::Priority, len, expected: 4 };
            assert_eq!(<Priority as ControlMessage<Linux64>>::decode(&[0; 8][..len]), Err(error));
        }
        let error = DecodeError::Width { control: Control::TxTime, len: 4, expected: 8 };
        assert_eq!(<TxTime as ControlMessage<Linux64>>::decode(&[0; 4]), Err(error));
    }
}
