//! Compares the walk over control messages with the macros of the C library (`c/cmsg.c`) and those of the crate `libc`.

use std::ffi::{c_int, c_void};
use std::{mem, ptr};

#[cfg(all(target_pointer_width = "32", target_endian = "little"))]
use ipv6_core::abi::Linux32 as Host;
#[cfg(all(target_pointer_width = "32", target_endian = "big"))]
use ipv6_core::abi::Linux32Be as Host;
#[cfg(all(target_pointer_width = "64", target_endian = "little"))]
use ipv6_core::abi::Linux64 as Host;
#[cfg(all(target_pointer_width = "64", target_endian = "big"))]
use ipv6_core::abi::Linux64Be as Host;
use ipv6_core::abi::Platform;
use ipv6_core::cmsg::RawMessages;

/// A message that a walk found.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    offset: usize,
    len: usize,
    level: c_int,
    kind: c_int,
    data: usize,
}

unsafe extern "C" {
    fn ipv6_fuzz_walk(control: *mut c_void, size: usize, found: *mut Found, most: usize) -> usize;
    safe fn ipv6_fuzz_len(data: usize) -> usize;
    safe fn ipv6_fuzz_space(data: usize) -> usize;
}

/// The bytes of a buffer that is aligned for a header.
struct Buffer {
    words: Vec<u64>,
    len: usize,
}

impl Buffer {
    fn new(bytes: &[u8]) -> Self {
        let words = bytes.chunks(8).map(|chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            u64::from_ne_bytes(word)
        });
        Self { words: words.collect(), len: bytes.len() }
    }

    fn pointer(&mut self) -> *mut c_void {
        self.words.as_mut_ptr().cast()
    }
}

/// The walk of `ipv6-core`. The messages are followed by the header of the malformed one, if the walk ends with one.
fn ours(bytes: &[u8]) -> Vec<Found> {
    let layout = Host::ABI.cmsg;
    let int = |at: usize| c_int::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut offset = 0;
    let messages = RawMessages::<Host>::new(bytes).map(|message| {
        let at = offset;
        let (len, level, kind) = match message {
            Ok(message) => {
                offset += layout.space(message.data.len());
                let start = message.data.as_ptr() as usize - bytes.as_ptr() as usize;
                assert!(message.data.is_empty() || start == at + layout.data_offset());
                (layout.len(message.data.len()), message.level, message.kind)
            }
            Err(error) => {
                assert_eq!(error.offset, at);
                let level = at + layout.len.bytes();
                (usize::try_from(error.len).unwrap(), int(level), int(level + 4))
            }
        };
        Found { offset: at, len, level, kind, data: at + layout.data_offset() }
    });
    messages.collect()
}

/// The walk of the C library.
fn of_c(buffer: &mut Buffer) -> Vec<Found> {
    let mut found = vec![Found::default(); buffer.len / mem::size_of::<libc::cmsghdr>() + 1];
    let (control, size, most) = (buffer.pointer(), buffer.len, found.len());
    // SAFETY: `control` has `size` bytes and is aligned for a header, and `found` has room for `most` messages. No header
    // is returned that does not fit into `control`.
    let count = unsafe { ipv6_fuzz_walk(control, size, found.as_mut_ptr(), most) };
    assert!(count <= most, "a walk of {count} messages in {size} bytes");
    found.truncate(count);
    found
}

/// The walk of the crate `libc`.
fn of_libc(buffer: &mut Buffer) -> Vec<Found> {
    let control = buffer.pointer();
    // SAFETY: all fields are integers and pointers, for which zeros are values.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    (header.msg_control, header.msg_controllen) = (control, buffer.len as _);
    let mut found = Vec::new();
    // SAFETY: `header` describes a buffer that is aligned and has as many bytes.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while !next.is_null() {
        assert!(found.len() <= buffer.len, "the walk does not end");
        // SAFETY: a header that is not null is aligned, and is within the buffer.
        let message = unsafe { ptr::read(next) };
        // SAFETY: the header is within the buffer; its end is at most one byte behind.
        let data = unsafe { libc::CMSG_DATA(next) };
        found.push(Found {
            offset: next as usize - control as usize,
            len: message.cmsg_len as _,
            level: message.cmsg_level,
            kind: message.cmsg_type,
            data: data as usize - control as usize,
        });
        // Its rounding up overflows for these lengths. They end the walk.
        if message.cmsg_len as usize > usize::MAX - mem::size_of::<usize>() {
            break;
        }
        // SAFETY: `next` came from these macros, for this buffer.
        next = unsafe { libc::CMSG_NXTHDR(&raw const header, next) };
    }
    found
}

/// Walks through the input as control messages of this host in three ways, and computes sizes in three ways.
pub fn macros(input: &[u8]) {
    let expected = ours(input);
    let mut buffer = Buffer::new(input);
    for (whose, found) in [("C library", of_c(&mut buffer)), ("crate libc", of_libc(&mut buffer))] {
        // musl, and glibc before 2.36, refuse some headers at the end of the buffer: a message without data, and one whose
        // padding or data is not within the buffer. No header follows it.
        let common = found.len();
        assert!(
            common == expected.len() || (!is_exact(whose) && common + 1 == expected.len()),
            "{whose}: {found:?}, {expected:?}"
        );
        assert_eq!(found, expected[..common], "{whose}");
    }

    let layout = Host::ABI.cmsg;
    let sizes = input.chunks_exact(4).map(|bytes| u32::from_ne_bytes(bytes.try_into().unwrap()));
    // `libc` computes in 32 bits.
    for size in sizes.map(|size| size & 0x3fff_ffff).chain([0, 1, 4, 20]) {
        let data = size as usize;
        assert_eq!((layout.len(data), layout.space(data)), (ipv6_fuzz_len(data), ipv6_fuzz_space(data)));
        // SAFETY: the macro computes with numbers only.
        let len = unsafe { libc::CMSG_LEN(size) };
        // SAFETY: the macro computes with numbers only.
        let space = unsafe { libc::CMSG_SPACE(size) };
        assert_eq!((layout.len(data), layout.space(data)), (len as usize, space as usize));
    }
}

/// Whether the macros return each header that fits in the buffer.
fn is_exact(whose: &str) -> bool {
    cfg!(target_env = "gnu") && (whose == "crate libc" || glibc_is_exact())
}

/// glibc 2.36 compares lengths without pointers that may overflow.
fn glibc_is_exact() -> bool {
    // A message without its padding: before, the second header was refused.
    let mut second = Buffer::new(
        &[[16, 0, 0, 0, 0, 0, 0, 0], [0; 8], [17, 0, 0, 0, 0, 0, 0, 0], [0; 8], [0; 8]].concat()[..33],
    );
    cfg!(target_pointer_width = "32") || cfg!(target_endian = "big") || of_c(&mut second).len() == 2
}
