//! The files `dev` and `if_inet6` of proc_net(5), as text.

use core::net::Ipv6Addr;

use ipv6_core::InterfaceIndex;

use super::rtnetlink::address_flags;
use crate::error::Errno;
use crate::os::entry::AddressFlags;

/// An address in the file `if_inet6`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) on: InterfaceIndex,
    pub(super) address: Ipv6Addr,
    pub(super) prefix_len: u8,
    pub(super) flags: AddressFlags,
}

/// A line of `if_inet6`, in hexadecimal: address, interface index, prefix length, scope, flags; then the name of the
/// interface (net/ipv6/addrconf.c: `if6_seq_show`).
///
/// ```text
/// fe80000000000000a0cdefffe4b1c2d3 02 40 20 80     eth0
/// ```
pub(super) fn address(line: &[u8]) -> Option<Address> {
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let mut number = || core::str::from_utf8(fields.next()?).ok();
    let address = number().filter(|digits| digits.len() == 32);
    let address = u128::from_str_radix(address?, 16).ok()?;
    let mut number = || u32::from_str_radix(number()?, 16).ok();
    let (index, prefix_len, _scope, flags) = (number()?, number()?, number()?, number()?);
    Some(Address {
        on: InterfaceIndex::new(index).ok()?,
        address: Ipv6Addr::from_bits(address),
        prefix_len: prefix_len.try_into().ok()?,
        flags: address_flags(flags),
    })
}

/// The name of the interface in a line of `dev`: what precedes the colon, which no name contains (net/core/dev.c:
/// `dev_valid_name`). `None` for the two lines of headings.
///
/// ```text
///   eth0:    7512      42    0    0    0     0          0         0 …
/// ```
pub(super) fn name(line: &[u8]) -> Option<&[u8]> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line.get(..colon)?.trim_ascii_start();
    (!name.is_empty()).then_some(name)
}

/// Calls `visit` with each line that `read` returns, without its end. `read` returns 0 at the end of the file.
///
/// Fails with `EBADMSG` for a line of more than a thousand bytes: these files have none.
pub(super) fn lines(
    mut read: impl FnMut(&mut [u8]) -> Result<usize, Errno>,
    mut visit: impl FnMut(&[u8]) -> Result<(), Errno>,
) -> Result<(), Errno> {
    const OVERLONG: Errno = Errno::from_raw(libc::EBADMSG);
    // What is left of an incomplete line is at the start.
    let mut buffer = [0_u8; 4096];
    let mut kept = 0;
    loop {
        let room = buffer.get_mut(kept..).filter(|room| room.len() >= 3072).ok_or(OVERLONG)?;
        let count = read(room)?;
        let filled = buffer.get(..kept + count).ok_or(OVERLONG)?;
        if count == 0 {
            return if filled.is_empty() { Ok(()) } else { visit(filled) };
        }
        let end = filled.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let (complete, rest) = filled.split_at_checked(end).unwrap_or_default();
        for line in complete.split_inclusive(|byte| *byte == b'\n') {
            visit(line.strip_suffix(b"\n").unwrap_or(line))?;
        }
        kept = rest.len();
        buffer.copy_within(end..end + kept, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_line_of_if_inet6_is_an_address() {
        let line = b"20010db8000000000000000000000001 1a2 40 00 e1 a-name.of:any";
        let expected = Address {
            on: InterfaceIndex::new(0x1a2).unwrap(),
            address: "2001:db8::1".parse().unwrap(),
            prefix_len: 64,
            flags: AddressFlags::TENTATIVE | AddressFlags::DEPRECATED | AddressFlags::TEMPORARY,
        };
        assert_eq!(address(line), Some(expected));
        let loopback = b"00000000000000000000000000000001 01 80 10 80       lo";
        assert_eq!(
            address(loopback).map(|found| (found.prefix_len, found.flags.is_empty())),
            Some((128, true))
        );
    }

    #[test]
    fn other_lines_are_no_address() {
        for line in [
            "",
            "x",
            "2001",
            "20010db8000000000000000000000001",
            "20010db8000000000000000000000001 01 80 10",
            "20010db8000000000000000000000001 00 80 10 80 lo",
            "20010db8000000000000000000000001 01 100 10 80 lo",
            "20010db8000000000000000000000001 01 80 10 xx lo",
            "20010db80000000000000000000000011 01 80 10 80 lo",
            "\u{e4}0010db800000000000000000000001 01 80 10 80 lo",
        ] {
            assert_eq!(address(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_line_of_dev_begins_with_a_name() {
        assert_eq!(name(b"    lo:    7512      42    0    0"), Some(b"lo".as_slice()));
        assert_eq!(name(b"veth0123456789a: 0 0"), Some(b"veth0123456789a".as_slice()));
        assert_eq!(name(b" a\xff|b:0"), Some(b"a\xff|b".as_slice()));
        assert_eq!(name(b"Inter-|   Receive                      |  Transmit"), None);
        assert_eq!(name(b" face |bytes    packets errs drop fifo |bytes"), None);
        assert_eq!(name(b""), None);
        assert_eq!(name(b"  : 1"), None);
    }

    /// The lines of a text whose reads return `each` bytes.
    fn read_by(text: &str, each: usize) -> Result<Vec<String>, Errno> {
        let (mut left, mut found) = (text.as_bytes(), Vec::new());
        let read = |room: &mut [u8]| {
            let count = each.min(left.len()).min(room.len());
            room[..count].copy_from_slice(&left[..count]);
            left = &left[count..];
            Ok(count)
        };
        lines(read, |line| {
            found.push(String::from_utf8_lossy(line).into_owned());
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn lines_are_whole_however_they_are_read() {
        let line = |number: usize| "x".repeat(number % 97) + &number.to_string();
        let expected: Vec<String> = (0..200).map(line).collect();
        // Miri is slow.
        let sizes: &[usize] = if cfg!(miri) { &[3000] } else { &[1, 2, 53, 1000, 4095, 4096, 100_000] };
        for each in sizes.iter().copied() {
            assert_eq!(read_by(&(expected.join("\n") + "\n"), each).as_ref(), Ok(&expected), "{each}");
            // The last line needs no end.
            assert_eq!(read_by(&expected.join("\n"), each).as_ref(), Ok(&expected), "{each}");
        }
        assert_eq!(read_by("", 1), Ok(Vec::new()));
        assert_eq!(read_by("\n\n", 1), Ok(vec![String::new(); 2]));
        assert_eq!(read_by(&"x".repeat(5000), 100), Err(Errno::from_raw(libc::EBADMSG)));
    }

    #[test]
    fn errors_end_the_walk() {
        let failed = lines(|_| Err(Errno::INVAL), |_| Ok(()));
        assert_eq!(failed, Err(Errno::INVAL));
        let newline = |room: &mut [u8]| {
            room[0] = b'\n';
            Ok(1)
        };
        assert_eq!(lines(newline, |_| Err(Errno::AGAIN)), Err(Errno::AGAIN));
    }
}
