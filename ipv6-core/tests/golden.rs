//! Compares the codecs with bytes computed by hand from each system's headers. This finds what round trips do not: the
//! same mistake in encoding and in decoding. The layout is in a comment beside the bytes.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use ipv6_core::abi::*;
use ipv6_core::{
    Control, ControlFlags, Ecn, EncodeError, Icmp6Filter, Icmp6Type, InterfaceIndex, PathMtu, RecvControl,
    SendControl, SourceFilter, cmsg, group, sockaddr,
};

const ADDRESS: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11);
const GROUP: Ipv6Addr = Ipv6Addr::new(0xff3e, 0, 0, 0, 0, 0, 0x8000, 1);

/// The 16 bytes of [`ADDRESS`] and of [`GROUP`].
const A: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11];
const G: [u8; 16] = [0xff, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 1];

/// Joins the rows of a message, which contain numbers and padding.
fn bytes(rows: &[&[u8]]) -> Vec<u8> {
    rows.concat()
}

/// Encodes and decodes hop limit 64, then packet info with [`ADDRESS`] and interface 3.
fn hop_limit_and_packet_info<P: Platform>(expected: &[&[u8]]) {
    let mut buffer = [0xff; 96];
    let hop_limit = SendControl::new().with_hop_limit(64).encode::<P>(&mut buffer).unwrap();
    let packet_info = SendControl::new().with_source(ADDRESS).with_interface(InterfaceIndex::new(3).unwrap());
    let used = hop_limit + packet_info.encode::<P>(&mut buffer[hop_limit..]).unwrap();
    assert_eq!(buffer[..used], bytes(expected));
    let got = RecvControl::decode::<P>(&buffer[..used]).unwrap();
    assert_eq!(
        (got.hop_limit, got.destination, got.interface),
        (Some(64), Some(ADDRESS), InterfaceIndex::new(3).ok())
    );
}

/// Encodes the traffic class 0xb8.
fn traffic_class<P: Platform>(expected: &[&[u8]]) {
    let mut buffer = [0xff; 64];
    let used = SendControl::new().with_traffic_class(0xb8).encode::<P>(&mut buffer).unwrap();
    assert_eq!(buffer[..used], bytes(expected));
}

/// Encodes a segment size of 1,200 bytes, and decodes the size of coalesced segments of 1,200 bytes.
fn segment_size<P: Platform>(sent: &[u8], received: &[u8]) {
    let mut buffer = [0xff; 64];
    let used = SendControl::new().with_segment_size(1200).encode::<P>(&mut buffer).unwrap();
    assert_eq!(&buffer[..used], sent);
    assert_eq!(RecvControl::decode::<P>(received).unwrap().segment_size, Some(1200));
}

/// What is sent to an IPv4-mapped destination: the fields, and the error of those that the system does not take there.
struct ToMapped {
    hop_limit: Result<(), EncodeError>,
    interface_alone: Result<(), EncodeError>,
    both: Result<(), EncodeError>,
}

impl ToMapped {
    /// Encodes the source `::ffff:192.0.2.1`, interface 3 beside it if the system takes both, hop limit 64 if it takes that,
    /// and the traffic class 0xb8.
    fn encodes<P: Platform>(self, expected: &[&[u8]]) {
        let mut buffer = [0xff; 128];
        let encode = |control: SendControl<'_>, buffer: &mut [u8]| control.encode_mapped::<P>(buffer);
        let (on, new) = (InterfaceIndex::new(3).unwrap(), SendControl::new());
        let of_source = new.with_source(Ipv6Addr::from(MAPPED));
        assert_eq!(encode(new.with_hop_limit(64), &mut buffer).map(|_| ()), self.hop_limit);
        assert_eq!(encode(new.with_interface(on), &mut buffer).map(|_| ()), self.interface_alone);
        assert_eq!(encode(of_source.with_interface(on), &mut buffer).map(|_| ()), self.both);

        let mut control = of_source.with_traffic_class(0xb8);
        control.hop_limit = self.hop_limit.is_ok().then_some(64);
        control.interface = self.both.is_ok().then_some(on);
        buffer.fill(0xff);
        let used = encode(control, &mut buffer).unwrap();
        assert_eq!(buffer[..used], bytes(expected));
        assert!(buffer[used..].iter().all(|byte| *byte == 0xff));
    }
}

/// Decodes a path MTU of 1,280 bytes to [`ADDRESS`] on interface 3.
fn path_mtu<P: Platform>(message: &[&[u8]]) {
    let got = bytes(message);
    let got = RecvControl::decode::<P>(&got).unwrap();
    let expected = PathMtu { destination: ADDRESS, interface: InterfaceIndex::new(3).ok(), mtu: 1280 };
    assert_eq!(got.path_mtu, Some(expected));
}

/// Encodes and decodes `[fe80::11%3]:258`.
fn socket_address<P: Platform>(expected: &[&[u8]]) {
    let address = SocketAddrV6::new(ADDRESS, 258, 0, 3);
    let expected = bytes(expected);
    assert_eq!(sockaddr::encode::<P>(&address)[..P::ABI.sockaddr.size], expected);
    assert_eq!(sockaddr::decode::<P>(&expected), Some(address));
}

/// Encodes [`ADDRESS`] as a source of [`GROUP`] on interface 3. `parts` are offsets and bytes; all other bytes are zero.
fn source_request<P: Platform>(size: usize, parts: &[(usize, &[u8])]) {
    let mut expected = vec![0; size];
    for (offset, part) in parts {
        expected[*offset..offset + part.len()].copy_from_slice(part);
    }
    let mut buffer = vec![0xff; size];
    let on = InterfaceIndex::new(3).ok();
    assert_eq!(group::encode_group_source_req::<P>(GROUP, ADDRESS, on, &mut buffer), Ok(size));
    assert_eq!(buffer, expected);
}

/// Encodes and decodes the filter of [`GROUP`] on interface 3 that passes all sources except [`ADDRESS`]. `parts` are offsets
/// and bytes; all other bytes are zero.
fn source_filter<P: Platform>(size: usize, parts: &[(usize, &[u8])]) {
    let mut expected = vec![0; size];
    for (offset, part) in parts {
        expected[*offset..offset + part.len()].copy_from_slice(part);
    }
    let mut buffer = vec![0xff; size];
    let filter = SourceFilter::<1>::exclude(&[ADDRESS]).unwrap();
    assert_eq!(filter.encode::<P>(GROUP, InterfaceIndex::new(3).ok(), &mut buffer), Ok(size));
    assert_eq!(buffer, expected);
    assert_eq!(SourceFilter::decode::<P>(&buffer), Some((filter, 1)));
    assert_eq!(SourceFilter::<1>::space::<P>(1), Some(size));
}

fn no_source_filters<P: Platform>() {
    let answer = SourceFilter::<1>::exclude(&[]).unwrap().encode::<P>(GROUP, None, &mut [0; 3000]);
    assert_eq!(answer, Err(group::GroupError::Unsupported));
    assert_eq!(SourceFilter::<1>::space::<P>(0), None);
}

// struct group_filter { uint32_t gf_interface; struct sockaddr_storage gf_group; uint32_t gf_fmode; uint32_t gf_numsrc;
// struct sockaddr_storage gf_slist[1]; }
#[test]
fn group_filters() {
    // interface, group: family at 8, address at 16; mode at 136, number at 140, source: family at 144, address at 152.
    let (one, exclude) = ([1, 0, 0, 0], [0; 4]);
    source_filter::<Linux64>(
        272,
        &[(0, &[3]), (8, &[10]), (16, &G), (136, &exclude), (140, &one), (144, &[10]), (152, &A)],
    );
    source_filter::<Linux32Be>(
        268,
        &[(3, &[3]), (5, &[10]), (12, &G), (132, &exclude), (139, &[1]), (141, &[10]), (148, &A)],
    );
    // MULTICAST_MODE_TYPE: MCAST_EXCLUDE is 1. A SOCKADDR_STORAGE is aligned to 8 in 32-bit programs too.
    let parts: [(usize, &[u8]); 7] =
        [(0, &[3]), (8, &[23]), (16, &G), (136, &one), (140, &one), (144, &[23]), (152, &A)];
    source_filter::<Windows64>(272, &parts);
    source_filter::<Windows32>(272, &parts);
    // MCAST_EXCLUDE is 2. A struct sockaddr_storage has 256 bytes; packed to 4.
    source_filter::<Solaris>(
        524,
        &[(0, &[3]), (4, &[26]), (12, &G), (260, &[2]), (264, &one), (268, &[26]), (276, &A)],
    );
    // Not packed.
    source_filter::<SolarisSparc>(
        528,
        &[(3, &[3]), (9, &[26]), (16, &G), (267, &[2]), (271, &[1]), (273, &[26]), (280, &A)],
    );
}

// struct __msfilterreq { uint32_t msfr_ifindex, msfr_fmode, msfr_nsrcs; struct sockaddr_storage msfr_group;
// struct sockaddr_storage *msfr_srcs; }, then the sources. MCAST_EXCLUDE is 2.
#[test]
fn filters_with_a_pointer() {
    // Group: length and family at 16, address at 24; the pointer at 144; source: length and family at 152, address at 160.
    let parts: [(usize, &[u8]); 7] =
        [(0, &[3]), (4, &[2]), (8, &[1]), (16, &[28, 28]), (24, &G), (152, &[28, 28]), (160, &A)];
    source_filter::<FreeBsd64>(280, &parts);
    source_filter::<FreeBsd32On64>(280, &parts);
    source_filter::<FreeBsdArm>(280, &parts);
    let parts: [(usize, &[u8]); 7] =
        [(3, &[3]), (7, &[2]), (11, &[1]), (16, &[28, 28]), (24, &G), (152, &[28, 28]), (160, &A)];
    source_filter::<FreeBsd64Be>(280, &parts);
    // Group at 12, the pointer at 140, and 144 bytes.
    let parts: [(usize, &[u8]); 7] =
        [(0, &[3]), (4, &[2]), (8, &[1]), (12, &[28, 28]), (20, &G), (152, &[28, 28]), (160, &A)];
    source_filter::<FreeBsd32>(280, &parts);
    // With __msfr_align before the group, packed to 4.
    let parts: [(usize, &[u8]); 7] =
        [(0, &[3]), (4, &[2]), (8, &[1]), (16, &[28, 30]), (24, &G), (152, &[28, 30]), (160, &A)];
    source_filter::<Apple>(280, &parts);

    let pointer = |abi: Abi| {
        let pointer = abi.source_filter.unwrap().pointer.unwrap();
        (pointer.offset, pointer.size)
    };
    assert_eq!(
        [FreeBsd64::ABI, FreeBsd64Be::ABI, FreeBsd32On64::ABI, Apple::ABI].map(pointer),
        [(144, 152); 4]
    );
    assert_eq!([FreeBsdArm::ABI, FreeBsd32::ABI].map(pointer), [(144, 152), (140, 144)]);
    let requests =
        |abi: Abi| abi.source_filter.unwrap().requests.map(|requests| (requests.get, requests.set));
    assert_eq!(requests(Solaris::ABI), Some((0xc004_69b2, 0x8004_69b3)));
    assert_eq!(requests(Windows64::ABI), Some((0x8004_747f, 0x8004_747e)));
    assert_eq!([Linux64::ABI, FreeBsd64::ABI, Apple::ABI].map(requests), [None; 3]);
}

#[test]
fn systems_without_source_filters() {
    no_source_filters::<NetBsd64>();
    no_source_filters::<OpenBsd64>();
    no_source_filters::<DragonFly>();
    // The calls of its C library are not known.
    no_source_filters::<Aix>();
}

fn no_source_requests<P: Platform>() {
    let answer = group::encode_group_source_req::<P>(GROUP, ADDRESS, None, &mut [0; 3000]);
    assert_eq!(answer, Err(group::GroupError::Unsupported));
}

/// Encodes and decodes a filter that passes echo replies (129) only. `struct icmp6_filter` has eight words; type 129 is
/// the second bit of the fifth word.
fn echo_replies_only<P: Platform>(word: [u8; 4], others: u8) {
    let mut expected = [others; 32];
    expected[16..20].copy_from_slice(&word);
    let mut filter = Icmp6Filter::block_all();
    filter.pass(Icmp6Type::ECHO_REPLY);
    assert_eq!(filter.encode::<P>(), Some(expected));
    assert_eq!(Icmp6Filter::decode::<P>(&expected), Some(filter));
}

// struct cmsghdr { size_t cmsg_len; int cmsg_level; int cmsg_type; }, aligned to a long (8).
#[test]
fn linux64() {
    hop_limit_and_packet_info::<Linux64>(&[
        // len 16 + 4             level 41      IPV6_HOPLIMIT 52  64           padding to 24
        &[20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0],
        // len 16 + 20            level 41      IPV6_PKTINFO 50   address      interface   padding to 40
        &[36, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 50, 0, 0, 0],
        &A,
        &[3, 0, 0, 0, 0, 0, 0, 0],
    ]);
    traffic_class::<Linux64>(&[&[
        20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 67, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0, 0, 0,
    ]]);
    path_mtu::<Linux64>(&[
        // len 16 + 32            level 41      IPV6_PATHMTU 61
        &[48, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 61, 0, 0, 0],
        // family  port  flow info    address     scope       MTU
        &[10, 0, 0, 0, 0, 0, 0, 0],
        &A,
        &[3, 0, 0, 0, 0, 5, 0, 0],
    ]);
    // family (16 bits), port (network order), flow info, address, scope
    socket_address::<Linux64>(&[&[10, 0, 1, 2, 0, 0, 0, 0], &A, &[3, 0, 0, 0]]);
    source_request::<Linux64>(264, &[(0, &[3]), (8, &[10]), (16, &G), (136, &[10]), (144, &A)]);
    // A set bit blocks.
    echo_replies_only::<Linux64>([0xfd, 0xff, 0xff, 0xff], 0xff);
}

#[test]
fn linux64_big_endian() {
    hop_limit_and_packet_info::<Linux64Be>(&[
        &[0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64, 0, 0, 0, 0],
        &[0, 0, 0, 0, 0, 0, 0, 36, 0, 0, 0, 41, 0, 0, 0, 50],
        &A,
        &[0, 0, 0, 3, 0, 0, 0, 0],
    ]);
    path_mtu::<Linux64Be>(&[
        &[0, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0, 41, 0, 0, 0, 61],
        &[0, 10, 0, 0, 0, 0, 0, 0],
        &A,
        &[0, 0, 0, 3, 0, 0, 5, 0],
    ]);
    socket_address::<Linux64Be>(&[&[0, 10, 1, 2, 0, 0, 0, 0], &A, &[0, 0, 0, 3]]);
    source_request::<Linux64Be>(264, &[(3, &[3]), (9, &[10]), (16, &G), (137, &[10]), (144, &A)]);
    echo_replies_only::<Linux64Be>([0xff, 0xff, 0xff, 0xfd], 0xff);
}

// size_t and the alignment have four bytes. sockaddr_storage is at offset 4.
#[test]
fn linux32() {
    hop_limit_and_packet_info::<Linux32>(&[
        &[16, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64, 0, 0, 0],
        &[32, 0, 0, 0, 41, 0, 0, 0, 50, 0, 0, 0],
        &A,
        &[3, 0, 0, 0],
    ]);
    source_request::<Linux32>(260, &[(0, &[3]), (4, &[10]), (12, &G), (132, &[10]), (140, &A)]);
    source_request::<Linux32Be>(260, &[(3, &[3]), (5, &[10]), (12, &G), (133, &[10]), (140, &A)]);
}

// SPARC: SOL_SOCKET is 0xffff, and its numbers are those of SunOS first (arch/sparc/include/uapi/asm/socket.h).
#[test]
fn linux_sparc() {
    let Abi { options, control, .. } = LinuxSparc64::ABI;
    let at = |name| Some(OptionNumber { level: 0xffff, name });
    assert_eq!((options.mark, options.device), (at(34), at(13)));
    assert_eq!((options.receive_timestamp, options.receive_buffer), (at(29), at(0x1002)));
    assert_eq!(LinuxSparc32::ABI.options.receive_timestamp, at(70));
    assert_eq!(control.dropped.map(|number| (number.level, number.kind, number.size)), Some((0xffff, 36, 4)));
    hop_limit_and_packet_info::<LinuxSparc32>(&[
        &[0, 0, 0, 16, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64],
        &[0, 0, 0, 32, 0, 0, 0, 41, 0, 0, 0, 50],
        &A,
        &[0, 0, 0, 3],
    ]);
}

// MIPS: the same, except that SOL_SOCKET is 0xffff.
#[test]
fn linux_mips() {
    let attach = LinuxMips64Be::ABI.options.attach_filter;
    assert_eq!(attach, Some(OptionNumber { level: 0xffff, name: 26 }));
    hop_limit_and_packet_info::<LinuxMips32Be>(&[
        &[0, 0, 0, 16, 0, 0, 0, 41, 0, 0, 0, 52, 0, 0, 0, 64],
        &[0, 0, 0, 32, 0, 0, 0, 41, 0, 0, 0, 50],
        &A,
        &[0, 0, 0, 3],
    ]);
}

// struct cmsghdr { socklen_t (4 bytes) cmsg_len; int; int; }, 12 bytes, aligned to 4.
#[test]
fn apple() {
    hop_limit_and_packet_info::<Apple>(&[
        // len 12 + 4   level 41      IPV6_HOPLIMIT 47  64
        &[16, 0, 0, 0, 41, 0, 0, 0, 47, 0, 0, 0, 64, 0, 0, 0],
        // len 12 + 20  level 41      IPV6_PKTINFO 46   address  interface
        &[32, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0],
        &A,
        &[3, 0, 0, 0],
    ]);
    // IPV6_TCLASS 36
    traffic_class::<Apple>(&[&[16, 0, 0, 0, 41, 0, 0, 0, 36, 0, 0, 0, 0xb8, 0, 0, 0]]);
    path_mtu::<Apple>(&[
        // len 12 + 32  level 41      IPV6_PATHMTU 44
        &[44, 0, 0, 0, 41, 0, 0, 0, 44, 0, 0, 0],
        // length, family, port, flow info, address, scope, MTU
        &[28, 30, 0, 0, 0, 0, 0, 0],
        &A,
        &[3, 0, 0, 0, 0, 5, 0, 0],
    ]);
    socket_address::<Apple>(&[&[28, 30, 1, 2, 0, 0, 0, 0], &A, &[3, 0, 0, 0]]);
    // #pragma pack(4): the group at 4, the source at 4 + 128.
    source_request::<Apple>(260, &[(0, &[3]), (4, &[28, 30]), (12, &G), (132, &[28, 30]), (140, &A)]);
    // A set bit passes.
    echo_replies_only::<Apple>([2, 0, 0, 0], 0);
}

// Scar 19: macOS delivers a traffic class of one byte, which x/net drops.
#[test]
fn a_traffic_class_of_one_byte_is_decoded() {
    // len 12 + 1   level 41      IPV6_TCLASS 36  0xb8  padding to 16
    let control = [13, 0, 0, 0, 41, 0, 0, 0, 36, 0, 0, 0, 0xb8, 0, 0, 0];
    assert_eq!(RecvControl::decode::<Apple>(&control).unwrap().traffic_class, Some(0xb8));
    assert_eq!(RecvControl::decode::<Apple>(&control[..13]).unwrap().traffic_class, Some(0xb8));
}

/// The four BSDs have the numbers of KAME. They differ in alignment and address family.
macro_rules! aligned_to_eight {
    ($platform:ty, $af_inet6:literal) => {
        hop_limit_and_packet_info::<$platform>(&[
            // len 16 + 4   level 41      IPV6_HOPLIMIT 47  padding     64           padding to 24
            &[20, 0, 0, 0, 41, 0, 0, 0, 47, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0],
            // len 16 + 20  level 41      IPV6_PKTINFO 46   padding     address      interface, padding to 40
            &[36, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0, 0, 0, 0, 0],
            &A,
            &[3, 0, 0, 0, 0, 0, 0, 0],
        ]);
        // IPV6_TCLASS 61
        traffic_class::<$platform>(&[&[
            20, 0, 0, 0, 41, 0, 0, 0, 61, 0, 0, 0, 0, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0, 0, 0,
        ]]);
        path_mtu::<$platform>(&[
            // len 16 + 32  level 41      IPV6_PATHMTU 44   padding
            &[48, 0, 0, 0, 41, 0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0],
            &[28, $af_inet6, 0, 0, 0, 0, 0, 0],
            &A,
            &[3, 0, 0, 0, 0, 5, 0, 0],
        ]);
        socket_address::<$platform>(&[&[28, $af_inet6, 1, 2, 0, 0, 0, 0], &A, &[3, 0, 0, 0]]);
        echo_replies_only::<$platform>([2, 0, 0, 0], 0);
    };
}

/// 32-bit programs, with control messages aligned to 4.
fn aligned_to_four<P: Platform>() {
    hop_limit_and_packet_info::<P>(&[
        &[16, 0, 0, 0, 41, 0, 0, 0, 47, 0, 0, 0, 64, 0, 0, 0],
        &[32, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0],
        &A,
        &[3, 0, 0, 0],
    ]);
}

#[test]
fn freebsd() {
    aligned_to_eight!(FreeBsd64, 28);
    aligned_to_four::<FreeBsd32>();
    aligned_to_four::<FreeBsdArm>();
    // struct sockaddr_storage contains an int64_t, so its offset is 8. On i386 it is 4.
    source_request::<FreeBsd64>(264, &[(0, &[3]), (8, &[28, 28]), (16, &G), (136, &[28, 28]), (144, &A)]);
    source_request::<FreeBsdArm>(264, &[(0, &[3]), (8, &[28, 28]), (16, &G), (136, &[28, 28]), (144, &A)]);
    source_request::<FreeBsd32>(260, &[(0, &[3]), (4, &[28, 28]), (12, &G), (132, &[28, 28]), (140, &A)]);
    // An amd64 kernel reads the request of an i386 program in the layout of amd64.
    source_request::<FreeBsd32On64>(264, &[(0, &[3]), (8, &[28, 28]), (16, &G), (136, &[28, 28]), (144, &A)]);
    aligned_to_four::<FreeBsd32On64>();
}

#[test]
fn freebsd_big_endian() {
    hop_limit_and_packet_info::<FreeBsd64Be>(&[
        &[0, 0, 0, 20, 0, 0, 0, 41, 0, 0, 0, 47, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0],
        &[0, 0, 0, 36, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0, 0],
        &A,
        &[0, 0, 0, 3, 0, 0, 0, 0],
    ]);
    // Length and family have one byte each, so the byte order does not matter.
    socket_address::<FreeBsd64Be>(&[&[28, 28, 1, 2, 0, 0, 0, 0], &A, &[0, 0, 0, 3]]);
    echo_replies_only::<FreeBsd64Be>([0, 0, 0, 2], 0);
}

#[test]
fn dragonfly() {
    aligned_to_eight!(DragonFly, 28);
    no_source_requests::<DragonFly>();
}

#[test]
fn openbsd() {
    aligned_to_eight!(OpenBsd64, 24);
    aligned_to_eight!(OpenBsdArm, 24);
    aligned_to_four::<OpenBsd32>();
    no_source_requests::<OpenBsd64>();
    socket_address::<OpenBsd64Be>(&[&[28, 24, 1, 2, 0, 0, 0, 0], &A, &[0, 0, 0, 3]]);
}

#[test]
fn netbsd() {
    aligned_to_eight!(NetBsd64, 24);
    aligned_to_eight!(NetBsdArm, 24);
    aligned_to_four::<NetBsd32>();
    no_source_requests::<NetBsd64>();
    // aarch64: data starts at 16, and messages are padded to a multiple of 16.
    hop_limit_and_packet_info::<NetBsdAarch64>(&[
        &[20, 0, 0, 0, 41, 0, 0, 0, 47, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0],
        &[0; 8],
        &[36, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0, 0, 0, 0, 0],
        &A,
        &[3, 0, 0, 0],
        &[0; 12],
    ]);
}

// The header has 12 bytes, and the data starts at 12. An address ends with __sin6_src_id.
#[test]
fn solaris() {
    hop_limit_and_packet_info::<Solaris>(&[
        // len 12 + 4   level 41      IPV6_HOPLIMIT 12  64
        &[16, 0, 0, 0, 41, 0, 0, 0, 12, 0, 0, 0, 64, 0, 0, 0],
        // len 12 + 20  level 41      IPV6_PKTINFO 11   address  interface
        &[32, 0, 0, 0, 41, 0, 0, 0, 11, 0, 0, 0],
        &A,
        &[3, 0, 0, 0],
    ]);
    path_mtu::<Solaris>(&[
        // len 12 + 36  level 41      IPV6_PATHMTU 37
        &[48, 0, 0, 0, 41, 0, 0, 0, 37, 0, 0, 0],
        // family, port, flow info, address, scope, __sin6_src_id, MTU
        &[26, 0, 0, 0, 0, 0, 0, 0],
        &A,
        &[3, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0],
    ]);
    socket_address::<Solaris>(&[&[26, 0, 1, 2, 0, 0, 0, 0], &A, &[3, 0, 0, 0, 0, 0, 0, 0]]);
    source_request::<Solaris>(516, &[(0, &[3]), (4, &[26]), (12, &G), (260, &[26]), (268, &A)]);
    echo_replies_only::<Solaris>([2, 0, 0, 0], 0);
    // SPARC: headers are at multiples of 8, and the data starts at 12 too.
    hop_limit_and_packet_info::<SolarisSparc>(&[
        &[0, 0, 0, 16, 0, 0, 0, 41, 0, 0, 0, 12, 0, 0, 0, 64],
        &[0, 0, 0, 32, 0, 0, 0, 41, 0, 0, 0, 11],
        &A,
        &[0, 0, 0, 3],
    ]);
    // A long long is aligned to eight, so group requests are not packed.
    source_request::<SolarisSparc>(520, &[(3, &[3]), (9, &[26]), (16, &G), (265, &[26]), (272, &A)]);
    let mut buffer = [0xff; 64];
    let mut writer = cmsg::Writer::<SolarisSparc>::new(&mut buffer);
    writer.push(41, 11, &[7; 2]).unwrap();
    assert_eq!(writer.finish(), 16);
    assert_eq!(buffer[..16], [0, 0, 0, 14, 0, 0, 0, 41, 0, 0, 0, 11, 7, 7, 0, 0]);
}

// No alignment. sockaddr_storage has 1,288 bytes.
#[test]
fn aix() {
    hop_limit_and_packet_info::<Aix>(&[
        // len 12 + 4   level 41      IPV6_HOPLIMIT 40  64
        &[0, 0, 0, 16, 0, 0, 0, 41, 0, 0, 0, 40, 0, 0, 0, 64],
        // len 12 + 20  level 41      IPV6_PKTINFO 33   address  interface
        &[0, 0, 0, 32, 0, 0, 0, 41, 0, 0, 0, 33],
        &A,
        &[0, 0, 0, 3],
    ]);
    socket_address::<Aix>(&[&[28, 24, 1, 2, 0, 0, 0, 0], &A, &[0, 0, 0, 3]]);
    let name = [28, 24];
    source_request::<Aix>(2584, &[(3, &[3]), (8, &name), (16, &G), (1296, &name), (1304, &A)]);
    echo_replies_only::<Aix>([0, 0, 0, 2], 0);
}

// WSACMSGHDR { SIZE_T cmsg_len; INT cmsg_level; INT cmsg_type; }
#[test]
fn windows() {
    hop_limit_and_packet_info::<Windows64>(&[
        // len 16 + 4             level 41      IPV6_HOPLIMIT 21  64           padding to 24
        &[20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 21, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0],
        // len 16 + 20            level 41      IPV6_PKTINFO 19   address      interface   padding to 40
        &[36, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 19, 0, 0, 0],
        &A,
        &[3, 0, 0, 0, 0, 0, 0, 0],
    ]);
    hop_limit_and_packet_info::<Windows32>(&[
        &[16, 0, 0, 0, 41, 0, 0, 0, 21, 0, 0, 0, 64, 0, 0, 0],
        &[32, 0, 0, 0, 41, 0, 0, 0, 19, 0, 0, 0],
        &A,
        &[3, 0, 0, 0],
    ]);
    // IPV6_TCLASS 39
    traffic_class::<Windows64>(&[&[
        20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 39, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0, 0, 0,
    ]]);
    // UDP_SEND_MSG_SIZE 2, a DWORD
    segment_size::<Windows64>(
        // len 16 + 4             level 17      type 2       1200         padding to 24
        &[20, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 2, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0],
        // UDP_COALESCED_INFO 3, a DWORD
        &[20, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 3, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0],
    );
    segment_size::<Windows32>(
        &[16, 0, 0, 0, 17, 0, 0, 0, 2, 0, 0, 0, 0xb0, 4, 0, 0],
        &[16, 0, 0, 0, 17, 0, 0, 0, 3, 0, 0, 0, 0xb0, 4, 0, 0],
    );
    socket_address::<Windows64>(&[&[23, 0, 1, 2, 0, 0, 0, 0], &A, &[3, 0, 0, 0]]);
    // SOCKADDR_STORAGE contains an __int64, so its offset is 8 in 32-bit programs too.
    source_request::<Windows64>(264, &[(0, &[3]), (8, &[23]), (16, &G), (136, &[23]), (144, &A)]);
    source_request::<Windows32>(264, &[(0, &[3]), (8, &[23]), (16, &G), (136, &[23]), (144, &A)]);
    assert_eq!(Icmp6Filter::block_all().encode::<Windows64>(), None);
}

#[test]
fn windows_ecn_message_sets_ecn_only() {
    // len 16 + 4                       level 41      IPV6_ECN 50  CE           padding to 24
    let control = [20, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 50, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];
    let got = RecvControl::decode::<Windows64>(&control).unwrap();
    assert_eq!((got.ecn(), got.traffic_class, got.dscp()), (Some(Ecn::Ce), None, None));
    assert_eq!(got.to_string(), "ECN CE");
    assert_eq!(got.detach(), got);
    assert_eq!(got.filter(ControlFlags::TRAFFIC_CLASS), got);
    assert_eq!(got.filter(ControlFlags::HOP_LIMIT), RecvControl::default());
    // On Linux this number is IPV6_PKTINFO, and the width is wrong.
    assert!(RecvControl::decode::<Linux64>(&control).is_err());
}

/// The 16 bytes of `::ffff:192.0.2.1`.
const MAPPED: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];

/// Decodes the messages of a datagram that `::ffff:192.0.2.1` received over IPv4 on interface 3, with type of service 0xb9
/// and, if the system delivers it, time to live 64.
fn from_a_mapped_peer<P: Platform>(hop_limit: Option<u8>, messages: &[&[u8]]) {
    let control = bytes(messages);
    let got = RecvControl::decode::<P>(&control).unwrap();
    assert_eq!((got.traffic_class, got.hop_limit), (Some(0xb9), hop_limit));
    assert_eq!((got.dscp(), got.ecn()), (Some(46), Some(Ecn::Ect1)));
    assert_eq!((got.destination, got.interface), (Some(Ipv6Addr::from(MAPPED)), InterfaceIndex::new(3).ok()));
    assert_eq!((got.flow_label, got.path_mtu, got.segment_size), (None, None, None));
    assert_eq!(RecvControl::decode_truncated::<P>(&control), got);
    // The room that the flags reserve is enough.
    let fields = [
        ControlFlags::TRAFFIC_CLASS,
        ControlFlags::HOP_LIMIT,
        ControlFlags::DESTINATION,
        ControlFlags::INTERFACE,
    ];
    let flags: ControlFlags = fields.into_iter().collect();
    assert!(control.len() <= flags.space::<P>());
    assert_eq!(got.filter(flags), got);
}

// Scar 56: what each system delivers with an IPv4 datagram on a dual-stack socket.
#[test]
fn received_from_a_mapped_peer() {
    from_a_mapped_peer::<Linux64>(
        Some(64),
        &[
            // len 16 + 20            level 41      IPV6_PKTINFO 50   address      interface   padding to 40
            &[36, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 50, 0, 0, 0],
            &MAPPED,
            &[3, 0, 0, 0, 0, 0, 0, 0],
            // len 16 + 4             level 0      IP_TTL 2    64           padding to 24
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0],
            // len 16 + 1             level 0      IP_TOS 1    0xb9  padding to 24
            &[17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0, 0, 0],
        ],
    );
    from_a_mapped_peer::<Linux32Be>(
        Some(64),
        &[
            &[0, 0, 0, 32, 0, 0, 0, 41, 0, 0, 0, 50],
            &MAPPED,
            &[0, 0, 0, 3],
            &[0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 64],
            &[0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 1, 0xb9, 0, 0, 0],
        ],
    );
    // The messages of IPv6 (ip6_savecontrol_v4() in sys/netinet6/ip6_input.c).
    from_a_mapped_peer::<FreeBsd64>(
        Some(64),
        &[
            // len 16 + 20  level 41      IPV6_PKTINFO 46   padding     address      interface, padding to 40
            &[36, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0, 0, 0, 0, 0],
            &MAPPED,
            &[3, 0, 0, 0, 0, 0, 0, 0],
            // len 16 + 4   level 41      IPV6_HOPLIMIT 47  padding     64           padding to 24
            &[20, 0, 0, 0, 41, 0, 0, 0, 47, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0],
            // len 16 + 4   level 41      IPV6_TCLASS 61    padding     0xb9         padding to 24
            &[20, 0, 0, 0, 41, 0, 0, 0, 61, 0, 0, 0, 0, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0, 0, 0],
        ],
    );
    from_a_mapped_peer::<FreeBsd32>(
        Some(64),
        &[
            &[32, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0],
            &MAPPED,
            &[3, 0, 0, 0],
            &[16, 0, 0, 0, 41, 0, 0, 0, 47, 0, 0, 0, 64, 0, 0, 0],
            &[16, 0, 0, 0, 41, 0, 0, 0, 61, 0, 0, 0, 0xb9, 0, 0, 0],
        ],
    );
    // Without a hop limit.
    from_a_mapped_peer::<Apple>(
        None,
        &[
            // len 12 + 20  level 41      IPV6_PKTINFO 46   address  interface
            &[32, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0],
            &MAPPED,
            &[3, 0, 0, 0],
            // len 12 + 4   level 41      IPV6_TCLASS 36    0xb9
            &[16, 0, 0, 0, 41, 0, 0, 0, 36, 0, 0, 0, 0xb9, 0, 0, 0],
        ],
    );
    from_a_mapped_peer::<Windows64>(
        Some(64),
        &[
            // len 16 + 8             level 0      IP_PKTINFO 19  address      interface
            &[24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19, 0, 0, 0, 192, 0, 2, 1, 3, 0, 0, 0],
            // len 16 + 4             level 0      IP_TTL 4    64           padding to 24
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0],
            // len 16 + 4             level 0      IP_TOS 3    0xb9         padding to 24
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0xb9, 0, 0, 0, 0, 0, 0, 0],
        ],
    );
    from_a_mapped_peer::<Windows32>(
        Some(64),
        &[
            &[20, 0, 0, 0, 0, 0, 0, 0, 19, 0, 0, 0, 192, 0, 2, 1, 3, 0, 0, 0],
            &[16, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 64, 0, 0, 0],
            &[16, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0xb9, 0, 0, 0],
        ],
    );
}

// What older versions of Windows deliver.
#[test]
fn windows_ecn_message_of_ipv4_sets_ecn_only() {
    // len 16 + 4             level 0      IP_ECN 50   CE           padding to 24
    let control = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];
    let got = RecvControl::decode::<Windows64>(&control).unwrap();
    assert_eq!((got.ecn(), got.traffic_class), (Some(Ecn::Ce), None));
}

// Scars 56 and 57: the messages of IPv6 have no effect for an IPv4-mapped destination, and packet info without an address
// is EINVAL on Linux.
#[test]
fn to_a_mapped_destination() {
    let all = || ToMapped { hop_limit: Ok(()), interface_alone: Ok(()), both: Ok(()) };
    all().encodes::<Linux64>(&[
        // len 16 + 20            level 41      IPV6_PKTINFO 50   address      interface   padding to 40
        &[36, 0, 0, 0, 0, 0, 0, 0, 41, 0, 0, 0, 50, 0, 0, 0],
        &MAPPED,
        &[3, 0, 0, 0, 0, 0, 0, 0],
        // len 16 + 4             level 0      IP_TTL 2    64           padding to 24
        &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0],
        // len 16 + 1             level 0      IP_TOS 1    0xb8  padding to 24
        &[17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0, 0, 0],
    ]);
    all().encodes::<Linux32Be>(&[
        &[0, 0, 0, 32, 0, 0, 0, 41, 0, 0, 0, 50],
        &MAPPED,
        &[0, 0, 0, 3],
        &[0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 64],
        &[0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 1, 0xb8, 0, 0, 0],
    ]);
    let on = InterfaceIndex::new(3).unwrap();
    // The address is ::ffff:0.0.0.0.
    let mut alone = [0xff; 40];
    assert_eq!(SendControl::new().with_interface(on).encode_mapped::<Linux64>(&mut alone), Ok(40));
    assert_eq!(alone[16..36], bytes(&[&[0; 10], &[0xff, 0xff], &[0; 4], &[3, 0, 0, 0]]));

    let freebsd = || ToMapped {
        hop_limit: Err(EncodeError::Unsupported(Control::TimeToLive)),
        interface_alone: Err(EncodeError::NeedsSource(on)),
        both: Ok(()),
    };
    freebsd().encodes::<FreeBsd64>(&[
        // len 16 + 20  level 41      IPV6_PKTINFO 46   padding     address      interface, padding to 40
        &[36, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0, 0, 0, 0, 0],
        &MAPPED,
        &[3, 0, 0, 0, 0, 0, 0, 0],
        // len 16 + 1   level 0      IP_TOS 3    padding     0xb8  padding to 24
        &[17, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0, 0, 0],
    ]);
    freebsd().encodes::<FreeBsd32>(&[
        &[32, 0, 0, 0, 41, 0, 0, 0, 46, 0, 0, 0],
        &MAPPED,
        &[3, 0, 0, 0],
        &[13, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0xb8, 0, 0, 0],
    ]);
    ToMapped {
        hop_limit: Err(EncodeError::Unsupported(Control::TimeToLive)),
        interface_alone: Ok(()),
        both: Err(EncodeError::SourceOrInterface),
    }
    .encodes::<Apple>(&[
        // len 12 + 12  level 0      IP_PKTINFO 26  interface   ipi_spec_dst  ipi_addr
        &[24, 0, 0, 0, 0, 0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1, 192, 0, 2, 1],
        // len 12 + 4   level 0      IP_TOS 3    0xb8
        &[16, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0xb8, 0, 0, 0],
    ]);
    all().encodes::<Windows64>(&[
        // len 16 + 8             level 0      IP_PKTINFO 19  address   interface
        &[24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19, 0, 0, 0, 192, 0, 2, 1, 3, 0, 0, 0],
        // len 16 + 4             level 0      IP_TTL 4    64           padding to 24
        &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0],
        // len 16 + 4             level 0      IP_TOS 3    0xb8         padding to 24
        &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0xb8, 0, 0, 0, 0, 0, 0, 0],
    ]);
    all().encodes::<Windows32>(&[
        &[20, 0, 0, 0, 0, 0, 0, 0, 19, 0, 0, 0, 192, 0, 2, 1, 3, 0, 0, 0],
        &[16, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 64, 0, 0, 0],
        &[16, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0xb8, 0, 0, 0],
    ]);
}

// Scar 56: the values of the options with an interface or a group that dual-stack sockets have.
#[test]
fn options_of_ipv4_groups() {
    let (group, source, on) =
        (Ipv4Addr::new(239, 1, 2, 3), Ipv4Addr::new(192, 0, 2, 1), InterfaceIndex::new(5).ok());
    // struct ip_mreqn of Linux: group, address, interface.
    assert_eq!(group::encode_mreqn::<Linux64>(group, on), [239, 1, 2, 3, 0, 0, 0, 0, 5, 0, 0, 0]);
    assert_eq!(group::encode_mreqn::<Linux64Be>(group, on), [239, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 5]);
    // IP_MULTICAST_IF: a struct ip_mreqn on Linux, the index in network order on Windows.
    let (bytes, len) = group::encode_ipv4_interface::<Linux64>(on).unwrap();
    assert_eq!(bytes[..len], [0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0]);
    for (bytes, len) in
        [group::encode_ipv4_interface::<Windows64>(on), group::encode_ipv4_interface::<Windows32>(on)]
            .map(Option::unwrap)
    {
        assert_eq!(bytes[..len], [0, 0, 0, 5]);
    }
    // struct ipv6_mreq of Apple, with the mapped group.
    let mut apple = [0; 20];
    apple[10..].copy_from_slice(&[0xff, 0xff, 239, 1, 2, 3, 5, 0, 0, 0]);
    assert_eq!(group::encode_mreq::<Apple>(group.to_ipv6_mapped(), on), apple);
    assert!(Apple::ABI.mapped.unwrap().join_by_ipv6_option && Apple::ABI.options.ipv4_join_group.is_none());
    // struct group_source_req with two struct sockaddr_in: on Linux a family of two bytes, on FreeBSD length and family.
    let mut bytes = [0xff; 264];
    assert_eq!(group::encode_ipv4_group_source_req::<Linux64>(group, source, on, &mut bytes), Ok(264));
    assert_eq!(bytes[..16], [5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 239, 1, 2, 3]);
    assert_eq!(bytes[136..144], [2, 0, 0, 0, 192, 0, 2, 1]);
    assert_eq!(group::encode_ipv4_group_source_req::<FreeBsd64>(group, source, on, &mut bytes), Ok(264));
    assert_eq!(bytes[8..16], [16, 2, 0, 0, 239, 1, 2, 3]);
    assert_eq!(bytes[136..144], [16, 2, 0, 0, 192, 0, 2, 1]);
}
