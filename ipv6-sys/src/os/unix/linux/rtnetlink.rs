//! Messages of rtnetlink(7), as bytes: requests for interfaces and IPv6 addresses, and the answers.
//!
//! Numbers are in the byte order of the host. Messages and attributes start at multiples of four bytes.
//!
//! ```text
//! message (linux/netlink.h: nlmsghdr): length 4, type 2, flags 2, sequence 4, port 4, then a body and attributes
//! body of a link (linux/rtnetlink.h: ifinfomsg): family 1, pad 1, type 2, index 4, flags 4, change 4
//! body of an address (linux/if_addr.h: ifaddrmsg): family 1, prefix length 1, flags 1, scope 1, index 4
//! attribute (linux/rtnetlink.h: rtattr): length 2, type 2, then the value
//! ```

use core::net::Ipv6Addr;

use ipv6_core::InterfaceIndex;

use crate::os::entry::AddressFlags;

// linux/netlink.h
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_MULTI: u16 = 2;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;
const HEADER: usize = 16;

// linux/rtnetlink.h
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
/// Leave out statistics, which are most of a message about a link.
const RTEXT_FILTER_SKIP_STATS: u32 = 1 << 3;

// linux/if_link.h
const IFLA_IFNAME: u16 = 3;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_ALT_IFNAME: u16 = 53;
const IFINFOMSG: usize = 16;

// linux/if_addr.h
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const IFADDRMSG: usize = 8;
const IFA_F_TEMPORARY: u32 = 0x01;
const IFA_F_OPTIMISTIC: u32 = 0x04;
const IFA_F_DADFAILED: u32 = 0x08;
const IFA_F_DEPRECATED: u32 = 0x20;
const IFA_F_TENTATIVE: u32 = 0x40;
const IFA_F_PERMANENT: u32 = 0x80;

/// The family of IPv6.
const AF_INET6: u8 = libc::AF_INET6 as u8;

/// The longest alternative name in bytes, without the NUL (`ALTIFNAMSIZ` in linux/if.h).
pub(super) const ALTERNATIVE_NAME_MAX: usize = 127;

/// The sequence number of requests. Each socket sends one request at a time and reads its whole answer.
const SEQUENCE: u32 = 1;

/// A request. The longest one contains an alternative name.
pub(super) type Request = heapless::Vec<u8, { HEADER + IFINFOMSG + 8 + 4 + ALTERNATIVE_NAME_MAX + 1 }>;

/// Requests an interface, or all.
pub(super) fn link(index: Option<InterfaceIndex>) -> Request {
    let flags = if index.is_some() { 0 } else { NLM_F_DUMP };
    request(&link_words(flags, index.map_or(0, InterfaceIndex::get)), &[])
}

/// Requests the interface with this alternative name, which has at most [`ALTERNATIVE_NAME_MAX`] bytes.
pub(super) fn link_by_alternative_name(name: &[u8]) -> Request {
    let mut words = [[0; 4]; 11];
    let (link, attribute) = words.split_at_mut(10);
    link.copy_from_slice(&link_words(0, 0));
    // With the NUL.
    attribute.copy_from_slice(&[pair((4 + name.len() + 1) as u16, IFLA_ALT_IFNAME)]);
    request(&words, name)
}

/// Requests the IPv6 addresses of an interface, or of all. Kernels before 4.20 ignore the interface, and so do later ones
/// on sockets without `NETLINK_GET_STRICT_CHK`.
pub(super) fn addresses(index: Option<InterfaceIndex>) -> Request {
    let [a, b, c, d] = header(RTM_GETADDR, NLM_F_DUMP);
    let index = index.map_or(0, InterfaceIndex::get).to_ne_bytes();
    request(&[a, b, c, d, [AF_INET6, 0, 0, 0], index], &[])
}

/// Four bytes of a request.
type Word = [u8; 4];

fn pair(first: u16, second: u16) -> Word {
    let ([a, b], [c, d]) = (first.to_ne_bytes(), second.to_ne_bytes());
    [a, b, c, d]
}

/// A header. [`request`] writes the length.
fn header(kind: u16, flags: u16) -> [Word; 4] {
    [[0; 4], pair(kind, NLM_F_REQUEST | flags), SEQUENCE.to_ne_bytes(), [0; 4]]
}

/// The header and the body of a request about links, and the attribute that leaves out statistics.
fn link_words(flags: u16, index: u32) -> [Word; 10] {
    let [a, b, c, d] = header(RTM_GETLINK, flags);
    let (filter, mask) = (pair(8, IFLA_EXT_MASK), RTEXT_FILTER_SKIP_STATS.to_ne_bytes());
    [a, b, c, d, [0; 4], index.to_ne_bytes(), [0; 4], [0; 4], filter, mask]
}

/// The request with these words, and a name with its NUL if there is one.
fn request(words: &[Word], name: &[u8]) -> Request {
    let mut request = Request::new();
    let nul: &[u8] = if name.is_empty() { &[] } else { &[0] };
    for bytes in [words.as_flattened(), name, nul] {
        // A request has room for everything that this file writes.
        let fits = request.extend_from_slice(bytes).is_ok();
        debug_assert!(fits);
    }
    let len = (request.len() as u32).to_ne_bytes();
    request.iter_mut().zip(len).for_each(|(to, from)| *to = from);
    request
}

/// The bytes of an answer that [`index_or_error`] reads.
pub(super) const START: usize = HEADER + 8;

/// Reads the start of the answer to a request for one interface: its index, which is `None` if there is none, or the
/// number of an error. `None`: not an answer to this request.
pub(super) fn index_or_error(start: &[u8; START]) -> Option<Result<Option<InterfaceIndex>, i32>> {
    if u32_at(start, 8)? != SEQUENCE {
        return None;
    }
    match u16_at(start, 4)? {
        NLMSG_ERROR => Some(Err(errno_at(start.get(HEADER..)?)?)),
        RTM_NEWLINK => Some(Ok(InterfaceIndex::new(u32_at(start, HEADER + 4)?).ok())),
        _ => Some(Ok(None)),
    }
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    Link {
        index: InterfaceIndex,
        name: &'a [u8],
        flags: u32,
    },
    Address {
        on: InterfaceIndex,
        address: Ipv6Addr,
        prefix_len: u8,
        flags: AddressFlags,
    },
    /// The end of the answer, with the number of an error or 0.
    End {
        errno: i32,
    },
    /// Anything else, such as an address of IPv4.
    Other,
    /// Not a message: its length is wrong, or its body too short.
    Malformed,
}

/// A message of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) said: Said<'a>,
    /// Whether more messages follow.
    pub(super) more: bool,
    /// Whether the list changed while the kernel wrote it.
    pub(super) interrupted: bool,
}

/// The messages in a datagram. Ends after one that is malformed.
pub(super) struct Messages<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let message = first(&mut self.0);
        if message.is_none() {
            self.0 = &[];
        }
        Some(message.unwrap_or(Message { said: Said::Malformed, more: false, interrupted: false }))
    }
}

/// Takes the first message off `bytes`; `None` if it is malformed.
fn first<'a>(bytes: &mut &'a [u8]) -> Option<Message<'a>> {
    let len = usize::try_from(u32_at(bytes, 0)?).ok()?;
    let message = bytes.get(..len)?;
    let body = message.get(HEADER..)?;
    *bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    let flags = u16_at(message, 6)?;
    if u32_at(message, 8)? != SEQUENCE {
        return Some(Message { said: Said::Other, more: true, interrupted: false });
    }
    let said = match u16_at(message, 4)? {
        NLMSG_ERROR => Said::End { errno: errno_at(body)? },
        // Old kernels end a list without an error number.
        NLMSG_DONE => Said::End { errno: errno_at(body).unwrap_or(0) },
        RTM_NEWLINK => decode_link(body)?,
        RTM_NEWADDR => decode_address(body)?,
        _ => Said::Other,
    };
    Some(Message { said, more: flags & NLM_F_MULTI != 0, interrupted: flags & NLM_F_DUMP_INTR != 0 })
}

/// The kernel writes the number of the error negated.
fn errno_at(body: &[u8]) -> Option<i32> {
    Some(u32_at(body, 0)?.cast_signed().wrapping_neg())
}

fn decode_link(body: &[u8]) -> Option<Said<'_>> {
    let mut name = None;
    for (kind, value) in attributes(body.get(IFINFOMSG..)?) {
        if kind == IFLA_IFNAME {
            name = value.split(|byte| *byte == 0).next();
        }
    }
    let index = InterfaceIndex::new(u32_at(body, 4)?).ok();
    Some(match (index, name) {
        (Some(index), Some(name)) => Said::Link { index, name, flags: u32_at(body, 8)? },
        _ => Said::Other,
    })
}

fn decode_address(body: &[u8]) -> Option<Said<'_>> {
    let &[family, prefix_len, flags, _scope, ..] = body else { return None };
    let on = InterfaceIndex::new(u32_at(body, 4)?).ok();
    let (mut address, mut local, mut flags) = (None, None, u32::from(flags));
    for (kind, value) in attributes(body.get(IFADDRMSG..)?) {
        match kind {
            IFA_ADDRESS => address = ip(value),
            IFA_LOCAL => local = ip(value),
            IFA_FLAGS => flags = u32_at(value, 0).unwrap_or(flags),
            _ => {}
        }
    }
    // With a peer, IFA_ADDRESS is the peer's (net/ipv6/addrconf.c: `inet6_fill_ifaddr`).
    Some(match (on, local.or(address)) {
        (Some(on), Some(address)) if family == AF_INET6 => {
            Said::Address { on, address, prefix_len, flags: address_flags(flags) }
        }
        _ => Said::Other,
    })
}

/// The flags of `IFA_FLAGS` and of the file `if_inet6`.
pub(super) fn address_flags(flags: u32) -> AddressFlags {
    let states = [
        (IFA_F_TENTATIVE, AddressFlags::TENTATIVE),
        (IFA_F_DADFAILED, AddressFlags::DUPLICATED),
        (IFA_F_DEPRECATED, AddressFlags::DEPRECATED),
        (IFA_F_TEMPORARY, AddressFlags::TEMPORARY),
        (IFA_F_OPTIMISTIC, AddressFlags::OPTIMISTIC),
    ];
    let dynamic = if flags & IFA_F_PERMANENT == 0 { AddressFlags::DYNAMIC } else { AddressFlags::empty() };
    states.into_iter().filter(|(bit, _)| flags & bit != 0).fold(dynamic, |all, (_, flag)| all | flag)
}

/// The types and values of attributes, up to the first that is malformed.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    core::iter::from_fn(move || {
        let len = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)?;
        let value = bytes.get(4..len)?;
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn ip(value: &[u8]) -> Option<Ipv6Addr> {
    Some(<[u8; 16]>::try_from(value).ok()?.into())
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// A message with this type, flags and body.
    fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let len = (HEADER + body.len()) as u32;
        let mut bytes = [len.to_ne_bytes().as_slice(), &kind.to_ne_bytes(), &flags.to_ne_bytes()].concat();
        bytes.extend([SEQUENCE.to_ne_bytes(), 4711_u32.to_ne_bytes()].concat());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let len = 4 + value.len() as u16;
        let mut bytes = [&len.to_ne_bytes(), &kind.to_ne_bytes(), value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn link_bytes() -> Vec<u8> {
        let numbers = [[0; 4], 7_u32.to_ne_bytes(), 0x1_0043_u32.to_ne_bytes(), [0; 4]].concat();
        let body = [numbers, attribute(52, &[0xff; 9]), attribute(IFLA_IFNAME, b"eth0\0")].concat();
        message(RTM_NEWLINK, NLM_F_MULTI, &body)
    }

    fn address_bytes(family: u8, attributes: &[Vec<u8>]) -> Vec<u8> {
        let body = [&[family, 64, 0x80, 0], 7_u32.to_ne_bytes().as_slice(), &attributes.concat()].concat();
        message(RTM_NEWADDR, NLM_F_MULTI, &body)
    }

    fn said(bytes: &[u8]) -> Vec<Said<'_>> {
        Messages(bytes).map(|message| message.said).collect()
    }

    const HERE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    const PEER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

    fn address(address: Ipv6Addr, flags: AddressFlags) -> Said<'static> {
        Said::Address { on: InterfaceIndex::new(7).unwrap(), address, prefix_len: 64, flags }
    }

    #[test]
    fn a_list_of_links_and_addresses_is_decoded() {
        let done = message(NLMSG_DONE, NLM_F_MULTI, &[0; 4]);
        let local = attribute(IFA_ADDRESS, &HERE.octets());
        let answer = [link_bytes(), address_bytes(AF_INET6, &[local]), done].concat();
        let index = InterfaceIndex::new(7).unwrap();
        let link = Said::Link { index, name: b"eth0", flags: 0x1_0043 };
        assert_eq!(said(&answer), [link, address(HERE, AddressFlags::empty()), Said::End { errno: 0 }]);
        assert!(Messages(&answer).all(|message| message.more && !message.interrupted));
    }

    #[test]
    fn the_local_address_is_not_the_peer() {
        let both = [attribute(IFA_ADDRESS, &PEER.octets()), attribute(IFA_LOCAL, &HERE.octets())];
        assert_eq!(said(&address_bytes(AF_INET6, &both)), [address(HERE, AddressFlags::empty())]);
    }

    #[test]
    fn the_flags_attribute_replaces_the_byte_of_the_body() {
        let local = attribute(IFA_ADDRESS, &HERE.octets());
        let states = AddressFlags::TENTATIVE | AddressFlags::DEPRECATED | AddressFlags::DYNAMIC;
        let flags = attribute(IFA_FLAGS, &0x360_u32.to_ne_bytes());
        assert_eq!(said(&address_bytes(AF_INET6, &[local, flags])), [address(HERE, states)]);
    }

    #[test]
    fn each_state_has_its_flag() {
        let with = |bit| address_flags(IFA_F_PERMANENT | bit);
        assert_eq!(address_flags(0), AddressFlags::DYNAMIC);
        assert_eq!(with(0), AddressFlags::empty());
        assert_eq!(with(0x01), AddressFlags::TEMPORARY);
        assert_eq!(with(0x02), AddressFlags::empty());
        assert_eq!(with(0x04), AddressFlags::OPTIMISTIC);
        assert_eq!(with(0x08), AddressFlags::DUPLICATED);
        assert_eq!(with(0x20), AddressFlags::DEPRECATED);
        assert_eq!(with(0x40), AddressFlags::TENTATIVE);
    }

    #[test]
    fn ipv4_addresses_and_foreign_messages_are_other() {
        let v4 = address_bytes(2, &[attribute(IFA_LOCAL, &[192, 0, 2, 1])]);
        assert_eq!(said(&v4), [Said::Other]);
        assert_eq!(said(&message(77, 0, &[])), [Said::Other]);
        let mut other_request = link_bytes();
        other_request[8..12].copy_from_slice(&9_u32.to_ne_bytes());
        assert_eq!(said(&other_request), [Said::Other]);
    }

    #[test]
    fn errors_and_interruptions_are_reported() {
        let refused = message(NLMSG_ERROR, 0, &[(-libc::ENODEV).to_ne_bytes(), [0; 4]].concat());
        assert_eq!(said(&refused), [Said::End { errno: libc::ENODEV }]);
        assert!(Messages(&refused).all(|message| !message.more));
        assert_eq!(said(&message(NLMSG_DONE, NLM_F_MULTI, &[])), [Said::End { errno: 0 }]);
        let interrupted = message(NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, &[0; 4]);
        assert!(Messages(&interrupted).all(|message| message.interrupted));
    }

    #[test]
    fn the_start_of_an_answer_has_the_index_or_the_error() {
        let start = |bytes: &[u8]| index_or_error(bytes[..START].try_into().unwrap());
        assert_eq!(start(&link_bytes()), Some(Ok(InterfaceIndex::new(7).ok())));
        let mut zero = link_bytes();
        zero[20..24].fill(0);
        assert_eq!(start(&zero), Some(Ok(None)));
        let refused = message(NLMSG_ERROR, 0, &[(-libc::ENODEV).to_ne_bytes(), [0; 4]].concat());
        assert_eq!(start(&refused), Some(Err(libc::ENODEV)));
        let mut other_request = link_bytes();
        other_request[8] = 9;
        assert_eq!(start(&other_request), None);
        assert_eq!(start(&address_bytes(AF_INET6, &[])), Some(Ok(None)));
    }

    #[test]
    fn a_cut_message_is_malformed_at_every_length() {
        for whole in [link_bytes(), address_bytes(AF_INET6, &[attribute(IFA_ADDRESS, &HERE.octets())])] {
            for len in 1..whole.len() {
                assert_eq!(said(&whole[..len]), [Said::Malformed], "{len} of {} bytes", whole.len());
            }
        }
        for len in [0_u32, 1, 15, u32::MAX] {
            let mut bytes = link_bytes();
            bytes[..4].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(said(&bytes), [Said::Malformed], "length {len}");
        }
    }

    #[test]
    fn any_change_of_one_byte_decodes_without_panic() {
        let whole =
            [link_bytes(), address_bytes(AF_INET6, &[attribute(IFA_ADDRESS, &HERE.octets())])].concat();
        for at in 0..whole.len() {
            // Miri is slow.
            for value in [0xff, 0, 1, 3, 0x7f].into_iter().take(if cfg!(miri) { 1 } else { 5 }) {
                let mut bytes = whole.clone();
                bytes[at] = value;
                assert!(Messages(&bytes).count() < bytes.len());
            }
        }
    }

    #[test]
    fn requests_have_their_length_and_body() {
        let index = InterfaceIndex::new(0x0102_0304).unwrap();
        let all = link(None);
        assert_eq!(all.len(), 40);
        assert_eq!(u32_at(&all, 0), Some(40));
        assert_eq!(u16_at(&all, 6), Some(NLM_F_REQUEST | NLM_F_DUMP));
        let one = link(Some(index));
        assert_eq!((u16_at(&one, 6), u32_at(&one, 20)), (Some(NLM_F_REQUEST), Some(0x0102_0304)));
        let of_one = addresses(Some(index));
        assert_eq!((of_one.len(), of_one[16], u32_at(&of_one, 20)), (24, AF_INET6, Some(0x0102_0304)));
        let named = link_by_alternative_name(&[b'x'; ALTERNATIVE_NAME_MAX]);
        assert_eq!((named.len(), u16_at(&named, 40)), (172, Some(132)));
        assert_eq!((u16_at(&named, 42), named.last()), (Some(IFLA_ALT_IFNAME), Some(&0)));
    }
}
