//! What differs between systems, as data: one literal of [`Abi`] for each platform.
//!
//! A platform is a type without values that carries one constant. Codecs are generic over it and
//! read `P::ABI` in their own bodies, which lets the compiler fold the tables away. To add a
//! platform, add a file beside this one with one literal; the compiler asks for every number.
//!
//! ```
//! use ipv6_core::abi::{Abi, Linux32, Linux64, Platform};
//!
//! // The bytes that one traffic class message takes: the header's width differs.
//! assert_eq!(Linux64::ABI.cmsg.space(4), 24);
//! assert_eq!(Linux32::ABI.cmsg.space(4), 16);
//! ```

mod aix;
mod apple;
mod dragonfly;
mod freebsd;
mod linux;
mod netbsd;
mod openbsd;
mod solaris;
mod windows;

pub use aix::Aix;
pub use apple::Apple;
pub use dragonfly::DragonFly;
pub use freebsd::{FreeBsd32, FreeBsd32On64, FreeBsd64, FreeBsd64Be, FreeBsdArm};
pub use linux::{
    Linux32, Linux32Be, Linux64, Linux64Be, LinuxMips32, LinuxMips32Be, LinuxMips64, LinuxMips64Be,
};
pub use netbsd::{NetBsd32, NetBsd64, NetBsdAarch64, NetBsdArm};
pub use openbsd::{OpenBsd32, OpenBsd64, OpenBsd64Be, OpenBsdArm};
pub use solaris::{Solaris, SolarisSparc};
pub use windows::{Windows32, Windows64};

/// A system whose bytes the codecs read and write. It has no values; it is named as a type.
pub trait Platform {
    /// The numbers and layouts of the system.
    const ABI: Abi;
}

/// All that the codecs need to know of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abi {
    /// Byte order of the integers that are not in network order.
    pub endian: Endian,
    /// Layout of a control message's header.
    pub cmsg: CmsgLayout,
    /// Layout of `struct sockaddr_in6`.
    pub sockaddr: SockaddrLayout,
    /// Level, type and width of each control message.
    pub control: ControlNumbers,
    /// Level and name of each socket option.
    pub options: OptionNumbers,
    /// Layout of `struct group_source_req` (RFC 3678 section 5.1), where the system has it.
    pub group_req: Option<GroupReqLayout>,
    /// What a set bit means in `struct icmp6_filter`, where the system has one.
    pub icmp6_filter: Option<FilterPolarity>,
}

/// Byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// The least significant byte first.
    Little,
    /// The most significant byte first.
    Big,
}

/// How many bytes an integer field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Four bytes.
    Four,
    /// Eight bytes.
    Eight,
}

impl Width {
    /// 4 or 8.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

/// The layout of a control message (RFC 3542 section 20.1 and section 20.2).
///
/// ```text
///  0            len        +4          +8        data_offset
///  +------------+----------+-----------+---------+----------------+---------+
///  |  cmsg_len  |  level   |   type    | padding |      data      | padding |
///  +------------+----------+-----------+---------+----------------+---------+
///  |<------------------- cmsg_len, CMSG_LEN() ------------------->|         |
///  |<------------------------- CMSG_SPACE() ------------------------------->|
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CmsgLayout {
    /// Width of `cmsg_len`: `size_t` on Linux, `socklen_t` (four bytes) elsewhere.
    pub len: Width,
    /// Each header starts at a multiple of this, from the start of the buffer. A power of two.
    pub header_align: usize,
    /// The data starts at a multiple of this, from the start of its header. A power of two.
    pub data_align: usize,
}

impl CmsgLayout {
    /// Offset of the data from the start of its header: `CMSG_LEN(0)`.
    #[inline(always)]
    pub const fn data_offset(&self) -> usize {
        align_up(self.len.bytes().saturating_add(8), self.data_align)
    }

    /// What `cmsg_len` says for this many bytes of data: `CMSG_LEN(data)`. Saturates.
    #[doc(alias = "CMSG_LEN")]
    #[inline(always)]
    pub const fn len(&self, data: usize) -> usize {
        self.data_offset().saturating_add(data)
    }

    /// The bytes that a message with this much data takes in the buffer: `CMSG_SPACE(data)`.
    /// Saturates.
    #[doc(alias = "CMSG_SPACE")]
    #[inline(always)]
    pub const fn space(&self, data: usize) -> usize {
        self.next(self.len(data))
    }

    /// Where the message after one of `cmsg_len` bytes starts. Saturates, to a value that no buffer
    /// reaches.
    #[inline(always)]
    pub(crate) const fn next(&self, cmsg_len: usize) -> usize {
        align_up(cmsg_len, self.header_align)
    }
}

/// Rounds up to a multiple of `align`, a power of two; near `usize::MAX` the result is the greatest
/// multiple. An `align` of 0 counts as 1, so that no table makes a walk stand still.
#[inline(always)]
const fn align_up(value: usize, align: usize) -> usize {
    let mask = align.saturating_sub(1);
    value.saturating_add(mask) & !mask
}

/// The layout of `struct sockaddr_in6` (RFC 3493 section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SockaddrLayout {
    /// The number of `AF_INET6`.
    pub af_inet6: u8,
    /// Whether the first byte is the structure's length and the second the family (4.4BSD), or both
    /// are the family.
    pub length_byte: bool,
    /// `sizeof(struct sockaddr_in6)`: 28, or 32 where something follows the scope.
    pub size: usize,
}

/// Level, type and width of one control message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlNumber {
    /// `cmsg_level`.
    pub level: i32,
    /// `cmsg_type`.
    pub kind: i32,
    /// Bytes of data when the message is sent.
    pub size: usize,
}

/// The control messages of a system; `None` where it has no such message, or does not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlNumbers {
    /// `IPV6_TCLASS`: `int`.
    pub traffic_class: Option<ControlNumber>,
    /// `IPV6_HOPLIMIT`: `int`.
    pub hop_limit: Option<ControlNumber>,
    /// `IPV6_PKTINFO`: `struct in6_pktinfo`.
    pub packet_info: Option<ControlNumber>,
    /// `IPV6_NEXTHOP`: `struct sockaddr_in6`.
    pub next_hop: Option<ControlNumber>,
    /// `IPV6_PATHMTU`: `struct ip6_mtuinfo`.
    pub path_mtu: Option<ControlNumber>,
    /// `IPV6_ECN`: `int`, the two ECN bits of the traffic class (Windows).
    pub ecn: Option<ControlNumber>,
    /// `UDP_SEGMENT`: 16 bits, the size of the datagrams that a payload is to be cut into (Linux).
    pub segment_size: Option<ControlNumber>,
    /// `UDP_GRO`: `int`, the size of the datagrams that a payload was put together from (Linux).
    pub coalesced: Option<ControlNumber>,
}

/// Level and name of one socket option: the second and third argument of `setsockopt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionNumber {
    /// The level, such as `IPPROTO_IPV6`.
    pub level: i32,
    /// The name, such as `IPV6_TCLASS`.
    pub name: i32,
}

/// The socket options of a system; `None` where it has no such option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionNumbers {
    /// `IPV6_TCLASS`.
    pub traffic_class: Option<OptionNumber>,
    /// `IPV6_UNICAST_HOPS`.
    pub unicast_hops: Option<OptionNumber>,
    /// `IPV6_MULTICAST_IF`.
    pub multicast_interface: Option<OptionNumber>,
    /// `IPV6_MULTICAST_HOPS`.
    pub multicast_hops: Option<OptionNumber>,
    /// `IPV6_MULTICAST_LOOP`.
    pub multicast_loopback: Option<OptionNumber>,
    /// `IPV6_RECVTCLASS`.
    pub receive_traffic_class: Option<OptionNumber>,
    /// `IPV6_RECVHOPLIMIT`.
    pub receive_hop_limit: Option<OptionNumber>,
    /// `IPV6_RECVPKTINFO`.
    pub receive_packet_info: Option<OptionNumber>,
    /// `IPV6_RECVPATHMTU`.
    pub receive_path_mtu: Option<OptionNumber>,
    /// `IPV6_RECVECN`.
    pub receive_ecn: Option<OptionNumber>,
    /// `IPV6_PATHMTU`.
    pub path_mtu: Option<OptionNumber>,
    /// `IPV6_DONTFRAG`.
    pub dont_fragment: Option<OptionNumber>,
    /// `IPV6_V6ONLY`.
    pub v6_only: Option<OptionNumber>,
    /// `IPV6_CHECKSUM`.
    pub checksum: Option<OptionNumber>,
    /// `IPV6_HDRINCL`.
    pub header_included: Option<OptionNumber>,
    /// `ICMP6_FILTER` (Linux: `ICMPV6_FILTER`).
    pub icmp6_filter: Option<OptionNumber>,
    /// `IPV6_2292PKTOPTIONS`: the control messages of the latest segment of a stream.
    pub stream_control: Option<OptionNumber>,
    /// `IPV6_JOIN_GROUP` (Linux and Windows: `IPV6_ADD_MEMBERSHIP`).
    pub join_group: Option<OptionNumber>,
    /// `IPV6_LEAVE_GROUP` (Linux and Windows: `IPV6_DROP_MEMBERSHIP`).
    pub leave_group: Option<OptionNumber>,
    /// `MCAST_JOIN_SOURCE_GROUP`.
    pub join_source_group: Option<OptionNumber>,
    /// `MCAST_LEAVE_SOURCE_GROUP`.
    pub leave_source_group: Option<OptionNumber>,
    /// `MCAST_BLOCK_SOURCE`.
    pub block_source: Option<OptionNumber>,
    /// `MCAST_UNBLOCK_SOURCE`.
    pub unblock_source: Option<OptionNumber>,
    /// `UDP_GRO`.
    pub coalesce: Option<OptionNumber>,
    /// `IPV6_RECVERR`.
    pub queue_errors: Option<OptionNumber>,
    /// `SO_ATTACH_FILTER`.
    pub attach_filter: Option<OptionNumber>,
    /// `SO_DETACH_FILTER`.
    pub detach_filter: Option<OptionNumber>,
}

/// The layout of `struct group_source_req` (RFC 3678 section 5.1): an interface index at offset 0, then two
/// `struct sockaddr_storage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupReqLayout {
    /// Offset of the group's address.
    pub group: usize,
    /// Offset of the source's address; also the size of `struct group_req`, which ends there.
    pub source: usize,
    /// `sizeof(struct group_source_req)`.
    pub size: usize,
}

/// Level of the options and messages of IPv6, on every system.
const IPPROTO_IPV6: i32 = 41;
/// Level of the options and messages of UDP, on every system.
const IPPROTO_UDP: i32 = 17;
/// Level of the options of ICMPv6, on every system.
const IPPROTO_ICMPV6: i32 = 58;

/// A control message at the level of IPv6, where they all are.
const fn message(kind: i32, size: usize) -> Option<ControlNumber> {
    Some(ControlNumber { level: IPPROTO_IPV6, kind, size })
}

const fn option(level: i32, name: i32) -> Option<OptionNumber> {
    Some(OptionNumber { level, name })
}

/// What a set bit means in `struct icmp6_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterPolarity {
    /// The type is blocked (Linux).
    SetBlocks,
    /// The type passes (RFC 3542 section 3.2 as every other system has it).
    SetPasses,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmsg::RawMessages;

    /// What a system would have, as RFC 3542's macros compute it, in wider integers.
    fn oracle(layout: &CmsgLayout, data: usize) -> (u128, u128) {
        let up = |value: u128, align: usize| value.div_ceil(align as u128) * align as u128;
        let len = up(layout.len.bytes() as u128 + 8, layout.data_align) + data as u128;
        (len, up(len, layout.header_align))
    }

    #[test]
    fn scar_14_alignments_that_systems_have() {
        // Linux; BSD and Apple on 64 and 32 bits; NetBSD on aarch64; illumos on SPARC; AIX.
        let layouts = [
            (Width::Eight, 8, 8),
            (Width::Four, 4, 4),
            (Width::Four, 8, 8),
            (Width::Four, 16, 16),
            (Width::Four, 8, 4),
            (Width::Four, 1, 1),
        ];
        for (len, header_align, data_align) in layouts {
            let layout = CmsgLayout { len, header_align, data_align };
            for data in (0..=64).chain(usize::MAX - 64..=usize::MAX) {
                let (len, space) = oracle(&layout, data);
                assert_eq!(layout.len(data) as u128, len.min(usize::MAX as u128));
                // Past the end of what can be counted, any multiple that no buffer has will do.
                assert!(layout.space(data) as u128 == space || space > usize::MAX as u128 - 16);
                assert!(layout.space(data) >= usize::MAX - 31 || space < usize::MAX as u128);
            }
        }
    }

    #[test]
    fn what_the_macros_give_on_linux() {
        // CMSG_LEN and CMSG_SPACE of a traffic class, a packet info and a path MTU.
        let of = |layout: CmsgLayout| [4, 20, 32].map(|data| (layout.len(data), layout.space(data)));
        assert_eq!(of(Linux64::ABI.cmsg), [(20, 24), (36, 40), (48, 48)]);
        assert_eq!(of(Linux32::ABI.cmsg), [(16, 16), (32, 32), (44, 44)]);
    }

    #[test]
    fn no_alignment_makes_a_walk_stand_still() {
        /// A table with a mistake in it.
        enum Unaligned {}

        impl Platform for Unaligned {
            const ABI: Abi =
                Abi { cmsg: CmsgLayout { len: Width::Four, header_align: 0, data_align: 0 }, ..Linux64::ABI };
        }

        //              len 12, level 41, type 52, no data; twice
        let control = [[12, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0]; 2].concat();
        assert_eq!(RawMessages::<Unaligned>::new(&control).take(3).count(), 2);
    }
}
