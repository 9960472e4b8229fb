//! Interfaces on Windows.

use core::ffi::CStr;

use ipv6_core::InterfaceIndex;
use windows_sys::Win32::Foundation::{ERROR_NO_UNICODE_TRANSLATION, ERROR_NOT_FOUND};
use windows_sys::Win32::NetworkManagement::IpHelper::{if_indextoname, if_nametoindex};

use crate::error::Errno;

// Windows describes adapters in other ways. These are the numbers of ws2ipdef.h; IFF_RUNNING is our own.
pub(crate) const IFF_UP: u32 = 1;
pub(crate) const IFF_BROADCAST: u32 = 2;
pub(crate) const IFF_LOOPBACK: u32 = 4;
pub(crate) const IFF_POINTOPOINT: u32 = 8;
pub(crate) const IFF_MULTICAST: u32 = 16;
pub(crate) const IFF_RUNNING: u32 = 1 << 6;

/// The longest name in bytes, without the NUL: `IF_NAMESIZE` is 257 (`NDIS_IF_MAX_STRING_SIZE` + 1).
pub(crate) const NAME_MAX: usize = 256;

/// The error for an unknown name.
pub(crate) const NO_SUCH: Errno = Errno::from_raw(ERROR_NOT_FOUND.cast_signed());

/// Whether there is no such interface.
pub(crate) fn is_missing(errno: Errno) -> bool {
    errno == NO_SUCH
}

/// The error for a name that is not UTF-8.
pub(crate) const NOT_TEXT: Errno = Errno::from_raw(ERROR_NO_UNICODE_TRANSLATION.cast_signed());

/// `if_nametoindex`.
pub(crate) fn index_of(name: &CStr) -> Result<InterfaceIndex, Errno> {
    // SAFETY: a C string that lives through the call.
    let index = unsafe { if_nametoindex(name.as_ptr().cast()) };
    // The call reports no error code.
    InterfaceIndex::new(index).map_err(|_| NO_SUCH)
}

/// `if_indextoname`.
pub(crate) fn name_of(index: InterfaceIndex, bytes: &mut [u8; NAME_MAX + 1]) -> Result<&CStr, Errno> {
    // SAFETY: the buffer has the IF_NAMESIZE bytes that the call may write.
    let found = unsafe { if_indextoname(index.get(), bytes.as_mut_ptr()) };
    if found.is_null() {
        return Err(NO_SUCH);
    }
    CStr::from_bytes_until_nul(bytes).map_err(|_| NOT_TEXT)
}
