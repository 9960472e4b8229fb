//! Interfaces on Unix.

#[cfg(not(any(target_os = "linux", target_os = "android")))]
use core::ffi::{CStr, c_char, c_uint};

#[cfg(not(any(target_os = "linux", target_os = "android")))]
use ipv6_core::InterfaceIndex;

#[cfg(not(any(target_os = "linux", target_os = "android")))]
use super::calls::last_error;
use crate::error::Errno;

pub(crate) const IFF_UP: u32 = libc::IFF_UP as u32;
pub(crate) const IFF_BROADCAST: u32 = libc::IFF_BROADCAST as u32;
pub(crate) const IFF_LOOPBACK: u32 = libc::IFF_LOOPBACK as u32;
pub(crate) const IFF_POINTOPOINT: u32 = libc::IFF_POINTOPOINT as u32;
pub(crate) const IFF_RUNNING: u32 = libc::IFF_RUNNING as u32;
pub(crate) const IFF_MULTICAST: u32 = libc::IFF_MULTICAST as u32;

/// The longest name in bytes, without the NUL: `IF_NAMESIZE` is 16, on Solaris 32.
pub(crate) const NAME_MAX: usize = 31;

/// The longest name that [`index_of`] takes, in bytes without the NUL. On Linux, that of an alternative name.
pub(crate) const LOOKUP_MAX: usize =
    if cfg!(any(target_os = "linux", target_os = "android")) { 127 } else { 31 };

/// The error of `if_nametoindex(3)` for an unknown name.
pub(crate) const NO_SUCH: Errno = Errno::from_raw(libc::ENODEV);
/// Whether there is no such interface: `if_nametoindex(3)` and `if_indextoname(3)` differ between systems.
pub(crate) fn is_missing(errno: Errno) -> bool {
    matches!(errno.raw(), libc::ENODEV | libc::ENXIO)
}

/// The error for a name that is not UTF-8.
pub(crate) const NOT_TEXT: Errno = Errno::from_raw(libc::EILSEQ);

/// `if_nametoindex(3)`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn index_of(name: &CStr) -> Result<InterfaceIndex, Errno> {
    // SAFETY: a C string that lives through the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    InterfaceIndex::new(index).map_err(|_| last_error())
}

/// `if_indextoname(3)`.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn name_of(index: InterfaceIndex, bytes: &mut [u8; NAME_MAX + 1]) -> Result<&CStr, Errno> {
    #[cfg(not(target_os = "aix"))]
    const {
        assert!(libc::IF_NAMESIZE <= NAME_MAX + 1);
    }
    // SAFETY: the buffer has at least the IF_NAMESIZE bytes that the call may write. On AIX, where libc lacks it, a name has
    // at most the 16 bytes of IFNAMSIZ.
    let found = unsafe { libc::if_indextoname(index.get() as c_uint, bytes.as_mut_ptr().cast::<c_char>()) };
    if found.is_null() {
        return Err(last_error());
    }
    CStr::from_bytes_until_nul(bytes).map_err(|_| NOT_TEXT)
}

/// A name as text. Replaces what is not UTF-8.
#[cfg_attr(target_os = "aix", expect(dead_code, reason = "AIX has no list"))]
pub(super) fn text(bytes: &[u8]) -> heapless::String<NAME_MAX> {
    let mut name = heapless::String::new();
    for chunk in bytes.utf8_chunks() {
        let replaced = if chunk.invalid().is_empty() { None } else { Some(char::REPLACEMENT_CHARACTER) };
        for character in chunk.valid().chars().chain(replaced) {
            // Every name fits, unless replacements make it longer.
            let _ = name.push(character);
        }
    }
    name
}
