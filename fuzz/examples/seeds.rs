//! Writes the seeds of each target, made by the encoders, and the dictionary: `cargo run --manifest-path fuzz/Cargo.toml
//! --example seeds`. The files are in the repository, so that a fuzzer starts behind the first checks.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ipv6_core::abi::*;
use ipv6_core::cmsg::Writer;
use ipv6_core::ext::*;
use ipv6_core::message::*;
use ipv6_core::*;
use ipv6_fuzz::common::integer;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn main() -> io::Result<()> {
    fs::remove_dir_all(root().join("seeds")).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    control_messages()?;
    packets()?;
    requests()?;
    generators()?;
    dictionary()
}

fn seed(targets: &[&str], name: &str, bytes: &[u8]) -> io::Result<()> {
    for target in targets {
        let folder = root().join("seeds").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

/// One buffer for each platform whose layout or numbers differ, with each message that it has: zeros of its size, or a valid
/// value. `BY_BYTES` read such buffers.
fn control_messages() -> io::Result<()> {
    const BY_BYTES: &[&str] = &["walk", "decode", "messages"];

    struct All;

    impl Visitor for All {
        type Output = Vec<u8>;

        fn visit<P: Platform>(self) -> Vec<u8> {
            let mut bytes = vec![0; 2048];
            let mut writer = Writer::<P>::new(&mut bytes);
            let address = "[fe80::1%7]:0".parse().unwrap();
            for (name, number) in P::ABI.control.rows() {
                let Some(number) = number else { continue };
                let mut data = vec![0; number.size];
                match name {
                    "IPV6_HOPLIMIT" | "IPV6_TCLASS" | "UDP_GRO" | "IPV6_RECVFRAGSIZE" if number.size == 4 => {
                        data = integer::<P>(64, 4);
                    }
                    "IPV6_PATHMTU" | "IPV6_NEXTHOP" | "IPV6_ORIGDSTADDR" => {
                        let name = sockaddr::encode::<P>(&address);
                        let len = name.len().min(data.len());
                        data[..len].copy_from_slice(&name[..len]);
                    }
                    "IPV6_RECVERR" => {
                        data[..8].copy_from_slice(&[113, 0, 0, 0, 3, 2, 0, 0]);
                        data[16..].copy_from_slice(&sockaddr::encode::<P>(&address)[..28]);
                    }
                    "IPV6_HOPOPTS" | "IPV6_DSTOPTS" => data = vec![58, 0, 5, 2, 0, 0, 1, 0],
                    _ => {}
                }
                writer.push(number.level, number.kind, &data).unwrap();
            }
            let used = writer.finish();
            bytes.truncate(used);
            bytes
        }
    }

    let mut seen = BTreeSet::new();
    for name in NAMES {
        let bytes = with(name, All).unwrap();
        if seen.insert(bytes.clone()) {
            seed(BY_BYTES, name, &bytes)?;
        }
    }
    // Some fields, as a kernel delivers them, and one byte too few.
    let control = SendControl::new()
        .with_traffic_class(0xe2)
        .with_hop_limit(64)
        .with_source("2001:db8::1".parse().unwrap());
    let mut bytes = [0; 128];
    let used = control.encode::<Linux64>(&mut bytes).unwrap();
    seed(&["walk", "decode", "messages", "macros"], "fields", &bytes[..used])?;
    seed(&["walk", "decode", "messages", "macros"], "cut", &bytes[..used - 5])?;
    seed(&["macros"], "length", &[&[0xff; 8][..], &[41, 0, 0, 0, 52, 0, 0, 0]].concat())?;
    seed(&["encode"], "every_field", &[1; 64])
}

fn packets() -> io::Result<()> {
    let options = OptionsBuilder::<64>::new()
        .with(OptionType::ROUTER_ALERT, &[0, 0])
        .and_then(|built| built.with(OptionType::JUMBO_PAYLOAD, &[0, 1, 0, 0]))
        .and_then(|built| built.with(OptionType::HOME_ADDRESS, &[1; 16]))
        .unwrap()
        .with_next_header(43);
    let path = ["2001:db8::1", "2001:db8::2"].map(|address| address.parse().unwrap());
    let mut segments = SegmentRoutingBuilder::<80>::new(&path).unwrap();
    segments.push_tlv(TlvType::HMAC, &[7; 12]).unwrap();
    let home = RoutingBuilder::<24>::new(RoutingType::HOME_ADDRESS).with(path[0]).unwrap();
    seed(&["extension"], "options", options.as_bytes())?;
    seed(&["extension"], "segments", segments.as_bytes())?;
    seed(&["extension"], "home", home.as_bytes())?;
    // Hop-by-hop options, a route, a fragment, an authentication header, destination options, ICMPv6.
    let mut route = home.as_bytes().to_vec();
    route[0] = 44;
    let fragment = [51, 0, 0, 1, 0, 0, 0, 9];
    let authentication = [60, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    let destination = [58, 0, 1, 4, 0, 0, 0, 0];
    let chain =
        [&[0][..], options.as_bytes(), &route, &fragment, &authentication, &destination, &[128, 0, 0, 0]]
            .concat();
    seed(&["extension"], "chain", &chain)?;
    seed(&["extension"], "later_fragment", &[44, 58, 0, 0, 8, 0, 0, 0, 9, 1, 2, 3])?;
    seed(&["extension"], "mobility", &[135, 59, 0, 0, 0, 0, 0, 0, 0])?;
    for (name, kind) in [("empty_route", 0), ("rpl", 3), ("short_segments", 4)] {
        seed(&["extension"], name, &[59, 0, kind, 0, 9, 0, 0, 0])?;
    }
    seed(&["extension"], "overrun", &[59, 0, 5, 200, 0, 0, 0, 0])?;
    let mut overrun = segments.as_bytes().to_vec();
    let tlv = segments.header().tlvs().next().unwrap().unwrap().offset;
    overrun[tlv + 1] = 200;
    seed(&["extension"], "tlv_overrun", &overrun)?;
    seed(&["extension"], "two_headers", &[59, 0, 1, 4, 0, 0, 0, 0, 0])?;

    // Version 2: labels; an interface with index, address, name and MTU; one of IPv6.
    let object = |class: u8, kind: u8, data: &[u8]| {
        [&u16::try_from(data.len() + 4).unwrap().to_be_bytes()[..], &[class, kind], data].concat()
    };
    let name =
        [&[0, 0, 0, 7, 0, 1, 0, 0, 192, 0, 2, 1, 8][..], b"eth0\0\0\0", &1500_u32.to_be_bytes()].concat();
    let address = [&[0, 2, 0, 0][..], &[0x20; 16]].concat();
    let labels = object(1, 1, &[0, 6, 0x40, 9, 0, 6, 0x41, 1]);
    let objects =
        [&[0x21, 0, 0, 0][..], &labels, &object(2, 0x0f, &name), &object(2, 0xc4, &address)].concat();
    seed(&["icmp"], "objects", &objects)?;
    seed(
        &["icmp"],
        "error",
        &[&[3, 0, 0, 0, 16, 0, 0, 0][..], &[0x60; 128], &[0x20], &objects[1..]].concat(),
    )?;
    for kind in [0x04, 0x44, 0x84, 0xc2, 0x08, 0x01] {
        seed(
            &["icmp"],
            &format!("interface_{kind:02x}"),
            &[&[0x21, 0, 0, 0][..], &object(2, kind, &[0, 3, 0, 0])].concat(),
        )?;
    }
    seed(&["icmp"], "checksum", &[0x20, 0, 0xce, 0xb3, 0, 8, 1, 1, 0, 6, 0x41, 1])?;
    seed(&["icmp"], "short_object", &[0x21, 0, 0, 0, 0, 3, 1, 1])?;

    let header = Header {
        traffic_class: 0xe2,
        flow_label: FlowLabel::new(0xbeef).unwrap(),
        payload_len: 4,
        next_header: 58,
        hop_limit: 255,
        source: path[0],
        destination: path[1],
    };
    seed(&["header"], "icmp6", &[&header.encode()[..], &[128, 0, 0, 0]].concat())?;
    seed(&["header"], "ipv4", &[0x45; 40])?;
    seed(&["header"], "short", &[0x60; 39])?;
    seed(&["payload"], "segments", &[&[0, 4, 17][..], &[1; 10]].concat())?;
    seed(&["payload"], "odd", &[&[1, 0, 58][..], &[0xff; 7]].concat())?;
    seed(&["filter"], "echo", &[[0xff; 16], [0; 16]].concat())?;
    seed(&["filter"], "pairs", &[128, 1, 129, 1, 128, 0])
}

fn requests() -> io::Result<()> {
    struct Answers;

    impl Visitor for Answers {
        type Output = Vec<(&'static str, Vec<u8>)>;

        fn visit<P: Platform>(self) -> Self::Output {
            let address = sockaddr::encode::<P>(&"[fe80::1%7]:53".parse().unwrap());
            let size = P::ABI.sockaddr.size;
            let mtu = [&address[..size], &integer::<P>(1400, 4)].concat();
            let mut answers = vec![("mtu", mtu)];
            for (name, origin, kind) in
                [("icmp6", 3, 2), ("icmp", 2, 3), ("local", 1, 0), ("timestamp", 4, 0)]
            {
                let head = [
                    &integer::<P>(90, 4)[..],
                    &[origin, kind, 4, 0],
                    &integer::<P>(1400, 4),
                    &integer::<P>(8, 4),
                ]
                .concat();
                answers.push((name, [&head[..], &address[..size]].concat()));
            }
            let filter = SourceFilter::<4>::exclude(&["2001:db8::1".parse().unwrap()]).unwrap();
            let mut bytes = vec![0; 512];
            if let Ok(used) = filter.encode::<P>("ff3e::8000:1".parse().unwrap(), None, &mut bytes) {
                answers.push(("filter", bytes[..used].to_vec()));
            }
            for kind in 1..=4 {
                let head = [&[0, kind][..], &integer::<P>(5, 2), &[0; 4]].concat();
                answers.push((
                    ["", "upcall1", "upcall2", "upcall3", "upcall4"][usize::from(kind)],
                    [&head[..], &[0xfe; 32]].concat(),
                ));
            }
            answers
        }
    }

    for name in ["Linux64", "Linux32Be", "FreeBsd64", "Solaris", "Windows64"] {
        for (answer, bytes) in with(name, Answers).unwrap() {
            seed(&["requests", "sockaddr_group"], &format!("{name}_{answer}"), &bytes)?;
        }
    }
    Ok(())
}

/// Input of targets that generate values: there is no encoder for it, so these are bytes without a pattern.
fn generators() -> io::Result<()> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |len: usize, mask: u8| -> Vec<u8> {
        let mut byte = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3] & mask
        };
        (0..len).map(|_| byte()).collect()
    };
    for (platform, name) in NAMES.iter().enumerate() {
        for (target, len) in [("received", 300), ("typed", 400), ("api", 300)] {
            let mut bytes = random(len, if platform % 2 == 0 { 0xff } else { 0x7f });
            bytes[0] = u8::try_from(platform).unwrap();
            seed(&[target], name, &bytes)?;
        }
    }
    for number in 0..12 {
        for target in ["builders", "values", "requests", "encode"] {
            let mut bytes = random(400, if number % 2 == 0 { 0xff } else { 0x3f });
            bytes[0] = number;
            seed(&[target], &format!("random_{number}"), &bytes)?;
        }
    }
    Ok(())
}

/// Numbers that input bytes alone rarely have: levels, types, families and lengths, in both byte orders.
fn dictionary() -> io::Result<()> {
    let mut words = BTreeSet::new();
    let mut word = |value: u32| {
        words.insert(value.to_le_bytes().to_vec());
        words.insert(value.to_be_bytes().to_vec());
    };
    for (_, platform) in PLATFORMS {
        for (_, number) in platform.control.rows() {
            let Some(ControlNumber { level, kind, size }) = number else { continue };
            word(level.cast_unsigned());
            word(kind.cast_unsigned());
            word(u32::try_from(platform.cmsg.len(size)).unwrap());
        }
        word(platform.sockaddr.af_inet6.into());
        word(u32::from_le_bytes([28, platform.sockaddr.af_inet6, 0, 0]));
    }
    for value in [0, 1, 7, 8, 127, 128, 255, 256, 1280, i32::MAX.cast_unsigned(), u32::MAX, u32::MAX - 7] {
        word(value);
    }
    let mut text = String::from("# Written by `cargo run --example seeds`.\n");
    for bytes in words {
        let escaped = bytes.iter().fold(String::new(), |text, byte| text + &format!("\\x{byte:02x}"));
        writeln!(text, "\"{escaped}\"").unwrap();
    }
    // Lengths of eight bytes.
    for byte in [0xff, 0xf8, 0x10, 0x14, 0x24] {
        let high = if byte >= 0xf8 { "\\xff" } else { "\\x00" };
        writeln!(text, "\"\\x{byte:02x}{}\"", high.repeat(7)).unwrap();
        writeln!(text, "\"{}\\x{byte:02x}\"", high.repeat(7)).unwrap();
    }
    fs::write(root().join("dictionary"), text)
}
