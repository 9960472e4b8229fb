//! The state of a membership: which sources a socket receives from a group (RFC 3678 section 5.2).
//!
//! ```text
//!  struct group_filter
//!  +-----------+----+---------------------+--------+--------+-----------+-----------+----
//!  | interface |    | group (128 bytes …) |  mode  | number |  source   |  source   | ...
//!  +-----------+----+---------------------+--------+--------+-----------+-----------+----
//!  0           4    group                 mode     +4       list        +storage
//!
//!  struct __msfilterreq
//!  +-----------+--------+--------+---+-------------------+---------+-----------+-----------+----
//!  | interface |  mode  | number |   | group (128 bytes) | pointer |  source   |  source   | ...
//!  +-----------+--------+--------+---+-------------------+---------+-----------+-----------+----
//!  0           4        8        12  group               pointer   list        +storage
//! ```
//!
//! The offsets are those of [`SourceFilterLayout`](crate::abi::SourceFilterLayout). Each address is a `struct sockaddr_in6` in
//! a `struct sockaddr_storage`, or a `struct sockaddr_in` if it is IPv4-mapped (Linux, for the option of the level
//! `IPPROTO_IP`). Linux, illumos, Solaris and Windows have the first structure; FreeBSD and Apple's systems have
//! the second one. Its pointer, which this crate leaves zero, points to the sources; here they follow the structure.

use core::fmt;
use core::net::Ipv6Addr;

use heapless::Vec;

use crate::abi::{Platform, SourceFilterLayout};
use crate::error::BufferTooSmall;
use crate::group::{GroupError, put_request};
use crate::interface::InterfaceIndex;
use crate::{sockaddr, wire};

/// Which sources a list names (RFC 3678 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FilterMode {
    /// Only these sources are received (`MCAST_INCLUDE`).
    #[doc(alias = "MCAST_INCLUDE")]
    Include,
    /// All sources are received except these (`MCAST_EXCLUDE`).
    #[doc(alias = "MCAST_EXCLUDE")]
    Exclude,
}

/// Which sources a socket receives from a group: the whole state of a membership, with up to `N` sources (RFC 3678
/// section 5.2).
///
/// ```
/// use ipv6_core::SourceFilter;
/// let (one, other) = ("2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap());
/// let filter = SourceFilter::<4>::include(&[one])?;
/// assert!(filter.passes(one) && !filter.passes(other));
/// assert_eq!(filter.to_string(), "only 2001:db8::1");
/// # Ok::<(), ipv6_core::BufferTooSmall>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "group_filter", alias = "MCAST_MSFILTER", alias = "setsourcefilter", alias = "getsourcefilter")]
pub struct SourceFilter<const N: usize> {
    /// Whether the sources are those that are received, or those that are not.
    #[doc(alias = "gf_fmode")]
    pub mode: FilterMode,
    /// The sources.
    #[doc(alias = "gf_numsrc", alias = "gf_slist")]
    pub sources: Vec<Ipv6Addr, N>,
}

impl<const N: usize> SourceFilter<N> {
    /// Creates a filter that only these sources pass. Without sources none does: the membership ends.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] for more than `N` sources.
    pub fn include(sources: &[Ipv6Addr]) -> Result<Self, BufferTooSmall> {
        Self::of(FilterMode::Include, sources)
    }

    /// Creates a filter that all sources pass except these. Without sources all do.
    ///
    /// # Errors
    ///
    /// [`BufferTooSmall`] for more than `N` sources.
    pub fn exclude(sources: &[Ipv6Addr]) -> Result<Self, BufferTooSmall> {
        Self::of(FilterMode::Exclude, sources)
    }

    fn of(mode: FilterMode, sources: &[Ipv6Addr]) -> Result<Self, BufferTooSmall> {
        let too_small = BufferTooSmall { needed: sources.len(), available: N };
        Ok(Self { mode, sources: Vec::from_slice(sources).map_err(|_| too_small)? })
    }

    /// Returns whether datagrams of this source are received.
    #[must_use]
    pub fn passes(&self, source: Ipv6Addr) -> bool {
        self.sources.contains(&source) == (self.mode == FilterMode::Include)
    }

    /// Encodes the filter for a group and an interface (`None`: the system chooses; Linux, FreeBSD and Apple's systems
    /// require one), and returns its size: [`space`](Self::space) of the number of sources. An IPv4-mapped group, whose
    /// sources are IPv4-mapped too, is encoded as IPv4 addresses (Linux).
    ///
    /// # Errors
    ///
    /// Those of [`group::encode_group_source_req`](crate::group::encode_group_source_req).
    pub fn encode<P: Platform>(
        &self,
        group: Ipv6Addr,
        on: Option<InterfaceIndex>,
        bytes: &mut [u8],
    ) -> Result<usize, GroupError> {
        let layout = layout::<P>()?;
        let used = request::<P>(group, on, self.mode, self.sources.len(), bytes)?;
        let list = bytes.get_mut(layout.list..used).unwrap_or_default();
        for (place, source) in list.chunks_exact_mut(layout.storage.max(1)).zip(&self.sources) {
            let _ = wire::put(place, 0, sockaddr::encode_of_group::<P>(*source, group));
        }
        Ok(used)
    }

    /// Encodes the structure that asks the kernel for a filter with up to `N` sources, and returns its size.
    ///
    /// # Errors
    ///
    /// Those of [`encode`](Self::encode).
    pub fn encode_request<P: Platform>(
        group: Ipv6Addr,
        on: Option<InterfaceIndex>,
        bytes: &mut [u8],
    ) -> Result<usize, GroupError> {
        request::<P>(group, on, FilterMode::Include, N, bytes)
    }

    /// Decodes the structure that a kernel wrote, and the sources after it. `None` if it is not one, or names sources that
    /// are neither IPv6 nor IPv4. IPv4 sources are returned as IPv4-mapped addresses.
    ///
    /// The kernel returns the number of sources that the filter has, also if there is room for fewer; the second value is
    /// that number. Compare it with the length of [`sources`](Self::sources).
    #[must_use]
    pub fn decode<P: Platform>(bytes: &[u8]) -> Option<(Self, usize)> {
        let layout = P::ABI.source_filter?;
        let mode = match wire::read_u32::<P>(bytes, layout.mode)? {
            mode if mode == layout.include => FilterMode::Include,
            mode if mode == layout.exclude => FilterMode::Exclude,
            _ => return None,
        };
        let number = usize::try_from(wire::read_u32::<P>(bytes, layout.number)?).ok()?;
        let list = bytes.get(layout.list..)?;
        let mut filter = Self { mode, sources: Vec::new() };
        for place in list.chunks_exact(layout.storage.max(1)).take(number.min(N)) {
            filter.sources.push(sockaddr::decode_source::<P>(place)?).ok()?;
        }
        Some((filter, number))
    }

    /// Returns the bytes of a filter with this many sources on platform `P`; `None` if it has no such structure.
    #[doc(alias = "GROUP_FILTER_SIZE")]
    #[must_use]
    pub fn space<P: Platform>(sources: usize) -> Option<usize> {
        let layout = P::ABI.source_filter?;
        layout.list.checked_add(sources.checked_mul(layout.storage)?)
    }
}

fn layout<P: Platform>() -> Result<SourceFilterLayout, GroupError> {
    P::ABI.source_filter.ok_or(GroupError::Unsupported)
}

/// Writes everything except the sources and the pointer to them, which stay zero.
fn request<P: Platform>(
    group: Ipv6Addr,
    on: Option<InterfaceIndex>,
    mode: FilterMode,
    sources: usize,
    bytes: &mut [u8],
) -> Result<usize, GroupError> {
    let layout = layout::<P>()?;
    let mode = match mode {
        FilterMode::Include => layout.include,
        FilterMode::Exclude => layout.exclude,
    };
    let needed = layout.list.saturating_add(sources.saturating_mul(layout.storage));
    let group = sockaddr::encode_of_group::<P>(group, group);
    let request = put_request::<P, { sockaddr::MAX_SIZE }>(on, (layout.group, group), needed, bytes)?;
    // Every field is within `needed`, so no write fails.
    let _ = wire::put(request, layout.mode, wire::bytes_of_u32::<P>(mode));
    let number = wire::bytes_of_u32::<P>(u32::try_from(sources).unwrap_or(u32::MAX));
    let _ = wire::put(request, layout.number, number);
    Ok(needed)
}

impl<const N: usize> fmt::Display for SourceFilter<N> {
    /// The filter, as `only 2001:db8::1, 2001:db8::2`, `all but 2001:db8::1`, `all` or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match (self.mode, self.sources.is_empty()) {
            (FilterMode::Include, true) => return f.write_str("none"),
            (FilterMode::Exclude, true) => return f.write_str("all"),
            (FilterMode::Include, false) => "only",
            (FilterMode::Exclude, false) => "all but",
        };
        f.write_str(text)?;
        let mut separator = " ";
        for source in &self.sources {
            write!(f, "{separator}{source}")?;
            separator = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;
    use crate::abi::{Linux32Be, Linux64, OpenBsd64};

    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 1);
    const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    #[test]
    fn the_layout_is_that_of_linux() {
        let filter = SourceFilter::<2>::include(&[SOURCE]).unwrap();
        let mut bytes = [0xff; 512];
        let on = InterfaceIndex::new(3).ok();
        // 64 bits: interface at 0, group at 8, mode at 136, number at 140, sources at 144.
        assert_eq!(filter.encode::<Linux64>(GROUP, on, &mut bytes), Ok(144 + 128));
        assert_eq!(bytes[..8], [3, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes[8..10], [10, 0]);
        assert_eq!(bytes[16..32], GROUP.octets());
        assert_eq!(bytes[136..144], [1, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(bytes[152..168], SOURCE.octets());
        assert!(bytes[168..272].iter().all(|byte| *byte == 0));
        assert_eq!(bytes[272], 0xff);
        // 32 bits, big-endian: group at 4, mode at 132, number at 136, sources at 140.
        assert_eq!(filter.encode::<Linux32Be>(GROUP, on, &mut bytes), Ok(140 + 128));
        assert_eq!(bytes[..6], [0, 0, 0, 3, 0, 10]);
        assert_eq!(bytes[132..140], [0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(bytes[148..164], SOURCE.octets());
    }

    #[test]
    fn the_filter_of_an_ipv4_group_has_addresses_of_ipv4() {
        let [group, source] = [[232, 1, 2, 3], [192, 0, 2, 1]].map(|ip| Ipv4Addr::from(ip).to_ipv6_mapped());
        let filter = SourceFilter::<2>::include(&[source]).unwrap();
        let mut bytes = [0xff; 512];
        assert_eq!(filter.encode::<Linux64>(group, InterfaceIndex::new(3).ok(), &mut bytes), Ok(144 + 128));
        assert_eq!(bytes[..16], [3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 232, 1, 2, 3]);
        assert_eq!(bytes[16..136], [0; 120]);
        assert_eq!(bytes[136..152], [1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 192, 0, 2, 1]);
        assert_eq!(bytes[152..272], [0; 120]);
        assert_eq!(SourceFilter::decode::<Linux64>(&bytes[..272]), Some((filter, 1)));
        let filter = SourceFilter::<2>::exclude(&[source]).unwrap();
        let used = filter.encode::<Linux32Be>(group, None, &mut bytes).unwrap();
        assert_eq!((&bytes[4..6], &bytes[8..12]), (&[0, 2][..], &[232, 1, 2, 3][..]));
        assert_eq!(SourceFilter::decode::<Linux32Be>(&bytes[..used]), Some((filter, 1)));
    }

    #[test]
    fn a_mapped_source_of_an_ipv6_group_is_one_of_ipv6() {
        let source = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped();
        let filter = SourceFilter::<1>::include(&[source]).unwrap();
        let mut bytes = [0xff; 272];
        filter.encode::<Linux64>(GROUP, InterfaceIndex::new(3).ok(), &mut bytes).unwrap();
        assert_eq!((&bytes[144..146], &bytes[152..168]), (&[10, 0][..], &source.octets()[..]));
        assert_eq!(SourceFilter::decode::<Linux64>(&bytes), Some((filter, 1)));
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut bytes = [0; 512];
        for filter in [
            SourceFilter::<2>::include(&[SOURCE, GROUP]).unwrap(),
            SourceFilter::exclude(&[SOURCE]).unwrap(),
            SourceFilter::exclude(&[]).unwrap(),
        ] {
            let used = filter.encode::<Linux64>(GROUP, None, &mut bytes).unwrap();
            assert_eq!(Some(used), SourceFilter::<2>::space::<Linux64>(filter.sources.len()));
            let number = filter.sources.len();
            assert_eq!(SourceFilter::decode::<Linux64>(&bytes[..used]), Some((filter, number)));
        }
    }

    #[test]
    fn the_number_of_sources_is_that_of_the_kernel_even_without_room() {
        let mut bytes = [0; 512];
        let used = SourceFilter::<1>::encode_request::<Linux64>(GROUP, None, &mut bytes).unwrap();
        assert_eq!(used, 272);
        let two = SourceFilter::<2>::include(&[SOURCE, GROUP]).unwrap();
        two.encode::<Linux64>(GROUP, None, &mut bytes).unwrap();
        let (filter, number) = SourceFilter::<1>::decode::<Linux64>(&bytes[..used]).unwrap();
        assert_eq!((filter.sources.as_slice(), number), (&[SOURCE][..], 2));
    }

    #[test]
    fn what_is_no_filter_is_not_decoded() {
        let mut bytes = [0; 272];
        SourceFilter::<1>::include(&[SOURCE]).unwrap().encode::<Linux64>(GROUP, None, &mut bytes).unwrap();
        for len in 0..144 {
            assert_eq!(SourceFilter::<1>::decode::<Linux64>(&bytes[..len]), None);
        }
        bytes[136] = 2;
        assert_eq!(SourceFilter::<1>::decode::<Linux64>(&bytes), None);
        bytes[136] = 1;
        // Neither AF_INET6 nor AF_INET.
        bytes[144] = 3;
        assert_eq!(SourceFilter::<1>::decode::<Linux64>(&bytes), None);
    }

    #[test]
    fn errors_name_the_size() {
        let filter = SourceFilter::<1>::include(&[SOURCE]).unwrap();
        let too_small = GroupError::BufferTooSmall(BufferTooSmall { needed: 272, available: 271 });
        assert_eq!(filter.encode::<Linux64>(GROUP, None, &mut [0; 271]), Err(too_small));
        assert_eq!(filter.encode::<OpenBsd64>(GROUP, None, &mut [0; 512]), Err(GroupError::Unsupported));
        let error = BufferTooSmall { needed: 2, available: 1 };
        assert_eq!(SourceFilter::<1>::exclude(&[SOURCE, GROUP]), Err(error));
    }

    #[test]
    fn text() {
        assert_eq!(SourceFilter::<1>::include(&[]).unwrap().to_string(), "none");
        assert_eq!(SourceFilter::<1>::exclude(&[]).unwrap().to_string(), "all");
        let two = SourceFilter::<2>::exclude(&[SOURCE, Ipv6Addr::LOCALHOST]).unwrap();
        assert_eq!(two.to_string(), "all but 2001:db8::1, ::1");
        assert!(two.passes(GROUP) && !two.passes(SOURCE));
    }
}
