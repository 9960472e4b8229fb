//! Offsets, sizes and alignments of the systems' structures.

#[cfg(doc)]
use super::OptionNumbers;

/// Byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Endian {
    /// The least significant byte comes first.
    Little,
    /// The most significant byte comes first.
    Big,
}

/// The size of an integer field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Width {
    /// Four bytes.
    Four,
    /// Eight bytes.
    Eight,
}

impl Width {
    /// Returns 4 or 8.
    #[must_use]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CmsgLayout {
    /// Size of `cmsg_len`: `size_t` on Linux and Windows, `socklen_t` (four bytes) elsewhere.
    #[doc(alias = "cmsg_len")]
    pub len: Width,
    /// Each header starts at a multiple of this, from the start of the buffer. A power of two.
    pub header_align: usize,
    /// The data starts at a multiple of this, from the start of its header. A power of two.
    pub data_align: usize,
}

impl CmsgLayout {
    /// Creates the layout with these sizes and alignments.
    #[must_use]
    pub const fn new(len: Width, header_align: usize, data_align: usize) -> Self {
        Self { len, header_align, data_align }
    }

    /// Offset of the data from the start of its header: `CMSG_LEN(0)`.
    #[inline(always)]
    #[must_use]
    pub const fn data_offset(&self) -> usize {
        align_up(self.len.bytes().saturating_add(8), self.data_align)
    }

    /// Returns the value of `cmsg_len` for this many bytes of data: `CMSG_LEN(data)`. Saturates.
    #[doc(alias = "CMSG_LEN")]
    #[inline(always)]
    #[must_use]
    pub const fn len(&self, data: usize) -> usize {
        self.data_offset().saturating_add(data)
    }

    /// Returns the bytes of buffer that a message with this much data takes: `CMSG_SPACE(data)`. Saturates.
    #[doc(alias = "CMSG_SPACE")]
    #[inline(always)]
    #[must_use]
    pub const fn space(&self, data: usize) -> usize {
        self.next(self.len(data))
    }

    /// Offset of the message that follows one of `cmsg_len` bytes. Saturates, to a value beyond the end of any buffer.
    #[inline(always)]
    pub(crate) const fn next(&self, cmsg_len: usize) -> usize {
        align_up(cmsg_len, self.header_align)
    }
}

/// Rounds up to a multiple of `align`, a power of two; near `usize::MAX` the result is the greatest multiple. An `align`
/// of 0 counts as 1, so that a table with this mistake cannot make a walk loop.
#[inline(always)]
const fn align_up(value: usize, align: usize) -> usize {
    let mask = align.saturating_sub(1);
    value.saturating_add(mask) & !mask
}

/// The layout of `struct sockaddr_in6` (RFC 3493 section 3.3). The port is at offset 2, after the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SockaddrLayout {
    /// The number of `AF_INET6`.
    pub af_inet6: u8,
    /// Whether the first byte is the size of the structure and the second the family (4.4BSD). Otherwise the family has
    /// both bytes.
    pub length_byte: bool,
    /// `sizeof(struct sockaddr_in6)`: 28 with the fields of RFC 3493, or 32 where a field follows the scope. At most
    /// [`MAX_SIZE`](crate::sockaddr::MAX_SIZE).
    pub size: usize,
    /// Offset of the address.
    #[doc(alias = "sin6_addr")]
    pub address: usize,
    /// Offset of the flow information, four bytes; `None` on a system without it.
    #[doc(alias = "sin6_flowinfo")]
    pub flow_info: Option<usize>,
    /// Offset of the scope; `None` on a system without it.
    #[doc(alias = "sin6_scope_id")]
    pub scope: Option<usize>,
    /// Bytes of the scope: 1, 2 or 4.
    pub scope_size: usize,
}

impl SockaddrLayout {
    /// Creates the layout with this family, kind of first byte and size. The fields are those of RFC 3493: flow information
    /// at offset 4, the address at 8, and a scope of four bytes at 24.
    #[must_use]
    pub const fn new(af_inet6: u8, length_byte: bool, size: usize) -> Self {
        let (flow_info, scope) = (Some(4), Some(24));
        Self { af_inet6, length_byte, size, address: 8, flow_info, scope, scope_size: 4 }
    }

    /// Returns the layout with the address at this offset.
    #[must_use]
    pub const fn with_address(mut self, offset: usize) -> Self {
        self.address = offset;
        self
    }

    /// Returns the layout with the flow information at this offset; `None`: without it.
    #[must_use]
    pub const fn with_flow_info(mut self, offset: Option<usize>) -> Self {
        self.flow_info = offset;
        self
    }

    /// Returns the layout with a scope of `size` bytes, which are 1, 2 or 4, at this offset; `None`: without it.
    #[must_use]
    pub const fn with_scope(mut self, offset: Option<usize>, size: usize) -> Self {
        (self.scope, self.scope_size) = (offset, size);
        self
    }
}

/// The layout of `struct group_source_req` (RFC 3678 section 5.1): an interface index at offset 0, and two
/// `struct sockaddr_storage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct GroupReqLayout {
    /// Offset of the group's address.
    pub group: usize,
    /// Offset of the source's address. `struct group_req` ends here.
    pub source: usize,
    /// `sizeof(struct group_source_req)`.
    pub size: usize,
}

impl GroupReqLayout {
    /// Addresses of 128 bytes, aligned to four.
    pub(super) const ALIGNED_TO_4: Self = Self::new(4, 132, 260);
    /// Addresses of 128 bytes, aligned to eight.
    pub(super) const ALIGNED_TO_8: Self = Self::new(8, 136, 264);

    /// Creates the layout with these offsets and this size.
    #[must_use]
    pub const fn new(group: usize, source: usize, size: usize) -> Self {
        Self { group, source, size }
    }
}

/// The structure of a source filter, whole (RFC 3678 section 5.2), and the call that takes it: `struct group_filter`
/// (RFC 3678), or `struct __msfilterreq` of FreeBSD and Apple's systems, which has a pointer to the sources. In the
/// buffer of this crate, the sources follow either structure.
///
/// The interface index is at offset 0. The index, the mode and the number of sources have four bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SourceFilterLayout {
    /// Offset of the mode.
    pub mode: usize,
    /// Offset of the number of sources.
    pub number: usize,
    /// Offset of the group's address.
    pub group: usize,
    /// Offset of the first source in the buffer.
    pub list: usize,
    /// Bytes of each source: `sizeof(struct sockaddr_storage)`.
    pub storage: usize,
    /// `MCAST_INCLUDE`.
    pub include: u32,
    /// `MCAST_EXCLUDE`.
    pub exclude: u32,
    /// Where the structure points to the sources; `None` if they are a part of it.
    pub pointer: Option<SourcePointer>,
    /// The requests of `ioctl` that read and set a filter; `None`: the option
    /// [`source_filter`](OptionNumbers::source_filter) does.
    pub requests: Option<SourceRequests>,
}

/// The pointer in `struct __msfilterreq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SourcePointer {
    /// Its offset.
    pub offset: usize,
    /// `sizeof(struct __msfilterreq)`.
    pub size: usize,
}

/// The requests `SIOCGMSFILTER` and `SIOCSMSFILTER` of `ioctl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SourceRequests {
    /// `SIOCGMSFILTER`.
    pub get: u32,
    /// `SIOCSMSFILTER`.
    pub set: u32,
}

impl SourceFilterLayout {
    /// The structure `group_filter` on a system with this layout of group requests and these modes, include and exclude.
    #[must_use]
    pub const fn group_filter(group_req: GroupReqLayout, (include, exclude): (u32, u32)) -> Self {
        let GroupReqLayout { group, source: mode, .. } = group_req;
        Self {
            mode,
            number: mode.saturating_add(4),
            group,
            list: mode.saturating_add(8),
            storage: mode.saturating_sub(group),
            include,
            exclude,
            pointer: None,
            requests: None,
        }
    }

    /// Returns the layout with these requests of `ioctl`.
    #[must_use]
    pub const fn with_requests(mut self, get: u32, set: u32) -> Self {
        self.requests = Some(SourceRequests { get, set });
        self
    }

    /// The structure `__msfilterreq` of FreeBSD and Apple's systems, with this alignment of its addresses and a pointer of
    /// this size.
    #[must_use]
    pub const fn msfilterreq(align: usize, pointer: Width) -> Self {
        let group = align_up(12, align);
        let offset = group.saturating_add(128);
        let size = align_up(offset.saturating_add(pointer.bytes()), align);
        Self {
            mode: 4,
            number: 8,
            group,
            // After the largest of the structures, so that programs need the same room on any kernel.
            list: 152,
            storage: 128,
            include: 1,
            exclude: 2,
            pointer: Some(SourcePointer { offset, size }),
            requests: None,
        }
    }
}

/// The meaning of a set bit in `struct icmp6_filter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FilterPolarity {
    /// The type is blocked (Linux).
    SetBlocks,
    /// The type passes (RFC 3542 section 3.2, as on every other system).
    SetPasses,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Abi, Linux32, Linux64, Platform};
    use crate::cmsg::RawMessages;

    /// `CMSG_LEN` and `CMSG_SPACE` as RFC 3542 defines them, in wider integers.
    fn oracle(layout: &CmsgLayout, data: usize) -> (u128, u128) {
        let up = |value: u128, align: usize| value.div_ceil(align as u128) * align as u128;
        let len = up(layout.len.bytes() as u128 + 8, layout.data_align) + data as u128;
        (len, up(len, layout.header_align))
    }

    // Scar 14 (libc#1210, nix#1001): Linux's macros were copied to the BSDs.
    #[test]
    fn each_alignment_of_a_real_system_gives_what_its_macros_give() {
        // Linux; BSD and Apple on 64 and 32 bits; NetBSD on aarch64; Solaris on SPARC; AIX.
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
                // Near the end of the range, any multiple beyond the end of every buffer will do.
                assert!(layout.space(data) as u128 == space || space > usize::MAX as u128 - 16);
                assert!(layout.space(data) >= usize::MAX - 31 || space < usize::MAX as u128);
            }
        }
    }

    #[test]
    fn lengths_on_linux_are_those_of_the_macros() {
        // CMSG_LEN and CMSG_SPACE of a traffic class, a packet info and a path MTU.
        let of = |layout: CmsgLayout| [4, 20, 32].map(|data| (layout.len(data), layout.space(data)));
        assert_eq!(of(Linux64::ABI.cmsg), [(20, 24), (36, 40), (48, 48)]);
        assert_eq!(of(Linux32::ABI.cmsg), [(16, 16), (32, 32), (44, 44)]);
    }

    #[test]
    fn an_alignment_of_0_does_not_make_a_walk_loop() {
        /// A table with a mistake in it.
        enum Unaligned {}

        impl Platform for Unaligned {
            const ABI: Abi = Abi { cmsg: CmsgLayout::new(Width::Four, 0, 0), ..Linux64::ABI };
        }

        //              len 12, level 41, type 52, no data; twice
        let control = [[12, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0]; 2].concat();
        assert_eq!(RawMessages::<Unaligned>::new(&control).take(3).count(), 2);
    }
}
