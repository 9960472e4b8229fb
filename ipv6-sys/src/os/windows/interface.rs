//! Interfaces on Windows.

use core::ffi::CStr;

use ipv6_core::InterfaceIndex;
use windows_sys::Win32::Foundation::{ERROR_NO_UNICODE_TRANSLATION, ERROR_NOT_FOUND, ERROR_SUCCESS};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    ConvertInterfaceAliasToLuid, ConvertInterfaceLuidToIndex, if_indextoname, if_nametoindex,
};
use windows_sys::Win32::NetworkManagement::Ndis::NET_LUID_LH;

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

/// The longest name that [`index_of`] takes, in bytes without the NUL.
pub(crate) const LOOKUP_MAX: usize = NAME_MAX;

/// The error for an unknown name.
pub(crate) const NO_SUCH: Errno = Errno::from_raw(ERROR_NOT_FOUND.cast_signed());

/// Whether there is no such interface.
pub(crate) fn is_missing(errno: Errno) -> bool {
    errno == NO_SUCH
}

/// The error for a name that is not UTF-8.
pub(crate) const NOT_TEXT: Errno = Errno::from_raw(ERROR_NO_UNICODE_TRANSLATION.cast_signed());

/// The interface with this name of `if_nametoindex`, or with this friendly name.
pub(crate) fn index_of(name: &CStr) -> Result<InterfaceIndex, Errno> {
    // SAFETY: a C string that lives through the call.
    let index = unsafe { if_nametoindex(name.as_ptr().cast()) };
    // The call reports no error code.
    InterfaceIndex::new(index).or_else(|_| index_of_friendly(name))
}

fn index_of_friendly(name: &CStr) -> Result<InterfaceIndex, Errno> {
    // The last unit stays zero.
    let mut units = [0_u16; LOOKUP_MAX + 1];
    let text = name.to_str().map_err(|_| NO_SUCH)?;
    units.iter_mut().take(LOOKUP_MAX).zip(text.encode_utf16()).for_each(|(to, from)| *to = from);
    let mut luid = NET_LUID_LH { Value: 0 };
    // SAFETY: a string of 16-bit units that ends in a zero, and a variable of ours.
    let converted = unsafe { ConvertInterfaceAliasToLuid(units.as_ptr(), &mut luid) };
    if converted != ERROR_SUCCESS {
        // ERROR_INVALID_PARAMETER: no interface has the name.
        return Err(NO_SUCH);
    }
    let mut index = 0;
    // SAFETY: two variables of ours.
    let converted = unsafe { ConvertInterfaceLuidToIndex(&luid, &mut index) };
    InterfaceIndex::new(index).ok().filter(|_| converted == ERROR_SUCCESS).ok_or(NO_SUCH)
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
