//! The filter of a membership, whole (RFC 3678 section 5.2).

use core::net::Ipv6Addr;

use ipv6_core::abi::Platform;
use ipv6_core::{GroupError, InterfaceIndex, SourceFilter};

use crate::error::{Errno, Error};
use crate::fd::AsFd;
use crate::host::Host;
use crate::os;

const NAME: &str = "MCAST_MSFILTER";

/// Sets which sources the socket receives from a group that it has joined.
///
/// `buffer` is for the call only: [`SourceFilter::space`] returns how many bytes it needs.
///
/// # Errors
///
/// [`Error::Unsupported`] where the system has no such option. On Linux `EINVAL` when the group is not joined on the interface
/// or the buffer is too small, and `ENOBUFS` for more sources than `net.ipv6.mld_max_msf`.
#[doc(alias = "MCAST_MSFILTER", alias = "setsourcefilter")]
pub fn set_source_filter<const N: usize>(
    socket: impl AsFd,
    group: Ipv6Addr,
    on: Option<InterfaceIndex>,
    filter: &SourceFilter<N>,
    buffer: &mut [u8],
) -> Result<(), Error> {
    let number = Host::ABI.options.source_filter.ok_or(Error::Unsupported(NAME))?;
    let used = filter.encode::<Host>(group, on, buffer).map_err(refused)?;
    let bytes = buffer.get(..used).unwrap_or_default();
    // SAFETY: the kernel reads `bytes`, a `struct group_filter` with as many sources as it names. No pointer is in it.
    unsafe { os::set_option(socket.as_fd(), number, bytes) }?;
    Ok(())
}

/// Returns which sources the socket receives from a group, and how many sources the filter has: more than in the result if it
/// has more than `N`.
///
/// `buffer` is for the call only: [`SourceFilter::space`] of `N` returns how many bytes it needs.
///
/// # Errors
///
/// [`Error::Unsupported`] where the system has no such option. On Linux `EADDRNOTAVAIL` when the group is not joined on the
/// interface, and `EINVAL` when the buffer is too small.
#[doc(alias = "MCAST_MSFILTER", alias = "getsourcefilter")]
pub fn source_filter<const N: usize>(
    socket: impl AsFd,
    group: Ipv6Addr,
    on: Option<InterfaceIndex>,
    buffer: &mut [u8],
) -> Result<(SourceFilter<N>, usize), Error> {
    let number = Host::ABI.options.source_filter.ok_or(Error::Unsupported(NAME))?;
    let used = SourceFilter::<N>::encode_request::<Host>(group, on, buffer).map_err(refused)?;
    let bytes = buffer.get_mut(..used).unwrap_or_default();
    let len = os::get_option(socket.as_fd(), number, bytes)?;
    let written = bytes.get(..len).unwrap_or_default();
    SourceFilter::decode::<Host>(written).ok_or(Error::Value { option: NAME, len })
}

fn refused(error: GroupError) -> Error {
    match error {
        GroupError::Unsupported => Error::Unsupported(NAME),
        _ => Error::Os(Errno::INVAL),
    }
}
