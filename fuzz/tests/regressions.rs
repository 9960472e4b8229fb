//! Inputs that once mattered, to us or to others, through the bodies of the fuzz targets.

use ipv6_core::abi::{FreeBsd64, Linux32, Linux64, Linux64Be, NetBsdAarch64, Platform, SolarisSparc, Width};
use ipv6_fuzz::common::{Bare, integer};

/// A traffic class message of a platform with this length, and this data behind its header.
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

/// The inputs for one platform, by name. Where a number is a scar, a library of this field fell over it.
fn inputs<P: Platform>() -> Vec<(&'static str, Vec<u8>)> {
    let header = P::ABI.cmsg.data_offset() as u64;
    let top = if P::ABI.cmsg.len == Width::Four { u64::from(u32::MAX) } else { u64::MAX };
    let data = [0xe0; 12];
    let class = integer::<P>(0xe0, 4);
    let space = P::ABI.cmsg.space(4);
    let mut padded = message::<P>(header + 4, &class);
    padded.resize(space, 0);
    vec![
        ("17: nothing", vec![]),
        ("fewer bytes than a header", vec![0xff; 11]),
        ("all ones", vec![0xff; 64]),
        ("11: a length of zero", message::<P>(0, &data)),
        ("11: a length of one", message::<P>(1, &data)),
        ("11: a length below the header by one", message::<P>(header - 1, &data)),
        ("11: zeros", vec![0; 64]),
        ("a header and nothing else", message::<P>(header, &[])),
        ("1: a length past the buffer by one", message::<P>(header + 13, &data)),
        ("1: a length past the buffer by a page", message::<P>(header + 4096, &data)),
        ("9: a length at the top", message::<P>(top, &data)),
        ("9: a length at the top of what is signed", message::<P>(top >> 1, &data)),
        ("9: a length that rounding up would wrap", message::<P>(top - 6, &data)),
        ("9: such a length behind a good message", [padded.clone(), message::<P>(top - 6, &data)].concat()),
        ("9: a length that 32 bits would wrap", message::<P>(1 << 32 | (header + 4), &data)),
        ("a good message", padded.clone()),
        ("a good message without its padding", message::<P>(header + 4, &class)),
        ("19: a traffic class of one byte", message::<P>(header + 1, &data)),
        ("a traffic class of two bytes", message::<P>(header + 2, &data)),
        ("a traffic class of 256", message::<P>(header + 4, &integer::<P>(256, 4))),
        ("4: a message that was cut, and says so", message::<P>(header + 2, &[0xe0; 2])),
        ("4: a message that was cut, and does not", message::<P>(header + 4, &[0xe0; 2])),
        ("4: 28 bytes of two messages", [padded.clone(), padded.clone()].concat()[..28].to_vec()),
        ("one byte after the last message", [padded.clone(), vec![0]].concat()),
        ("two of a kind", [padded.clone(), padded].concat()),
    ]
}

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
            // Every platform reads the bytes meant for one.
            every_body(&input);
            // At every alignment (12).
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

/// Each choice of fields, as [`ipv6_fuzz::encode`] reads them, with room that is none, enough or between.
#[test]
fn controls() {
    for present in 0..64_u8 {
        for room in [0, 16, 24, 64, 87, 88, 111, 112, 255] {
            let mut input = Vec::new();
            for (field, width) in [1, 1, 16, 4, 26, 2].into_iter().enumerate() {
                let there = present >> field & 1;
                input.push(there);
                input.resize(input.len() + width * usize::from(there), 0xfe);
            }
            input.push(room);
            for rest in [0, 1, 4, 20, 200] {
                ipv6_fuzz::encode(&[&input[..], &vec![7; rest]].concat());
            }
        }
    }
}

/// An address of each family number there is, cut at each length, and with room that grows.
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
