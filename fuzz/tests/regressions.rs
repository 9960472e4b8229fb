//! Runs the bodies of the fuzz targets with inputs that triggered faults in this library or in others.

use ipv6_core::abi::{FreeBsd64, Linux32, Linux64, Linux64Be, NetBsdAarch64, Platform, SolarisSparc, Width};
use ipv6_fuzz::common::{Bare, integer};

/// A traffic class message of a platform, with this length in its header, and this data.
fn message<P: Platform>(len: u64, data: &[u8]) -> Vec<u8> {
    let layout = P::ABI.cmsg;
    let kind = P::ABI.control.traffic_class.map_or(67, |number| number.kind);
    let mut bytes = integer::<P>(len, layout.len.bytes());
    bytes.extend(integer::<P>(41, 4));
    bytes.extend(integer::<P>(u64::try_from(kind).unwrap(), 4));
    bytes.resize(layout.data_offset(), 0);
    bytes.extend(data);
    bytes
}

/// The inputs for one platform, with their names.
fn inputs<P: Platform>() -> Vec<(&'static str, Vec<u8>)> {
    let header = P::ABI.cmsg.data_offset() as u64;
    let top = if P::ABI.cmsg.len == Width::Four { u64::from(u32::MAX) } else { u64::MAX };
    let data = [0xe0; 12];
    let class = integer::<P>(0xe0, 4);
    let space = P::ABI.cmsg.space(4);
    let mut padded = message::<P>(header + 4, &class);
    padded.resize(space, 0);
    vec![
        // Scar 17 (nix#623): buffers of length 0.
        ("no bytes", vec![]),
        ("fewer bytes than a header", vec![0xff; 11]),
        ("all ones", vec![0xff; 64]),
        // Scar 11 (quinn#2154, rust#83374): a message shorter than its header repeated for ever.
        ("length 0", message::<P>(0, &data)),
        ("length 1", message::<P>(1, &data)),
        ("length of the header minus 1", message::<P>(header - 1, &data)),
        ("all zeros", vec![0; 64]),
        ("header without data", message::<P>(header, &[])),
        // Scar 1 (rustix#1683): macOS leaves the full length on a truncated message.
        ("length past the buffer by 1", message::<P>(header + 13, &data)),
        ("length past the buffer by a page", message::<P>(header + 4096, &data)),
        // Scar 9 (libc#4903): CMSG_NXTHDR wrapped and read past the buffer.
        ("greatest length", message::<P>(top, &data)),
        ("greatest signed length", message::<P>(top >> 1, &data)),
        ("length that overflows when rounded up", message::<P>(top - 6, &data)),
        ("such a length after a valid message", [padded.clone(), message::<P>(top - 6, &data)].concat()),
        ("length that is valid if truncated to 32 bits", message::<P>(1 << 32 | (header + 4), &data)),
        ("valid message", padded.clone()),
        ("valid message without padding", message::<P>(header + 4, &class)),
        // Scar 19: macOS delivers a traffic class of one byte.
        ("traffic class of one byte", message::<P>(header + 1, &data)),
        ("traffic class of two bytes", message::<P>(header + 2, &data)),
        ("traffic class 256", message::<P>(header + 4, &integer::<P>(256, 4))),
        // Scar 4 (nix#2400): iterating over truncated messages.
        ("truncated message with an adjusted length", message::<P>(header + 2, &[0xe0; 2])),
        ("truncated message with its full length", message::<P>(header + 4, &[0xe0; 2])),
        ("28 bytes of two messages", [padded.clone(), padded.clone()].concat()[..28].to_vec()),
        ("one byte after the last message", [padded.clone(), vec![0]].concat()),
        ("two messages of the same type", [padded.clone(), padded].concat()),
    ]
}

/// Runs every body with this input.
fn every_body(input: &[u8]) {
    ipv6_fuzz::decode(input);
    ipv6_fuzz::walk(input);
    ipv6_fuzz::encode(input);
    ipv6_fuzz::filter(input);
    ipv6_fuzz::header(input);
    ipv6_fuzz::sockaddr_group(input);
}

#[test]
fn control_messages() {
    fn check<P: Platform>(platform: &str) {
        for (name, input) in inputs::<P>() {
            println!("{platform}: {name}");
            // Every platform reads the bytes of this one.
            every_body(&input);
            // Scar 12 (nix#1040): buffers of any alignment.
            for start in 1..16 {
                let shifted = [&vec![0; start][..], &input].concat();
                ipv6_fuzz::decode(&shifted[start..]);
            }
        }
    }
    check::<Linux64>("Linux64");
    check::<Linux64Be>("Linux64Be");
    check::<Linux32>("Linux32");
    check::<FreeBsd64>("FreeBsd64");
    check::<NetBsdAarch64>("NetBsdAarch64");
    check::<SolarisSparc>("SolarisSparc");
    check::<Bare>("Bare");
}

#[test]
fn headers() {
    for version in 0..16 {
        for len in [0, 1, 39, 40, 41] {
            ipv6_fuzz::header(&vec![version << 4 | 0xf; len]);
        }
    }
}

#[test]
fn filters() {
    let block_all: Vec<u8> = (0..=255).flat_map(|kind| [kind, 1]).collect();
    for input in [vec![], vec![0; 31], vec![0; 32], vec![0xff; 32], (0..=255).collect(), block_all] {
        ipv6_fuzz::filter(&input);
    }
}

/// Every combination of fields, in the format of [`ipv6_fuzz::encode`], with buffers from empty to large enough.
#[test]
fn controls() {
    for fields in 0..64_u8 {
        for size in [0, 16, 24, 64, 87, 88, 111, 112, 255] {
            let mut input = Vec::new();
            for (field, width) in [1, 1, 16, 4, 26, 2].into_iter().enumerate() {
                let present = fields >> field & 1;
                input.push(present);
                input.resize(input.len() + width * usize::from(present), 0xfe);
            }
            input.push(size);
            for rest in [0, 1, 4, 20, 200] {
                ipv6_fuzz::encode(&[&input[..], &vec![7; rest]].concat());
            }
        }
    }
}

/// An address of each platform's family and of others, truncated to every length, with request buffers of several sizes.
#[test]
fn addresses() {
    for head in [[10, 0], [0, 10], [28, 28], [28, 30], [28, 24], [0, 26], [0, 0], [2, 0], [0xff, 0xff]] {
        for port in [0, 32, 33, 65, 66, 128, 129, 255] {
            let input = [&head[..], &[port], &[0xfe; 33]].concat();
            for len in 0..=input.len() {
                ipv6_fuzz::sockaddr_group(&input[..len]);
            }
        }
    }
}
