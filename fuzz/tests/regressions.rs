//! Inputs that once mattered, to us or to others, through the bodies of the fuzz targets.

/// A control message's header on 64-bit Linux with this length, and this much behind it.
fn message(len: u64, behind: usize) -> Vec<u8> {
    let mut bytes = len.to_le_bytes().to_vec();
    bytes.extend([41, 0, 0, 0, 67, 0, 0, 0]);
    bytes.extend(std::iter::repeat_n(0xe0, behind));
    bytes
}

#[test]
fn control_messages() {
    let inputs: [(&str, Vec<u8>); 12] = [
        ("nothing", vec![]),
        ("fewer bytes than a header", vec![0xff; 11]),
        ("a length of zero", message(0, 8)),
        ("a length below the header", message(15, 8)),
        ("a header and nothing else", message(16, 0)),
        ("a length past the buffer by one", message(25, 8)),
        ("a length at the top", message(u64::MAX, 8)),
        ("a length that rounding up would wrap", message(u64::MAX - 7, 8)),
        ("a length that 32 bits would wrap", message(1 << 32 | 20, 8)),
        ("a traffic class of one byte", message(17, 8)),
        ("a message that was cut", message(18, 2)),
        ("one byte after the last message", [message(20, 8), vec![0]].concat()),
    ];
    for (name, input) in inputs {
        println!("{name}");
        ipv6_fuzz::walk(&input);
        ipv6_fuzz::encode(&input);
        ipv6_fuzz::address(&input);
    }
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
    for input in [vec![], vec![0; 31], vec![0; 32], vec![0xff; 32], (0..=255).collect()] {
        ipv6_fuzz::filter(&input);
    }
}

#[test]
fn controls() {
    for present in 0..32 {
        for room in [0, 16, 24, 64, 87, 88, 255] {
            let mut input = vec![present; 24];
            input.extend([room; 8]);
            ipv6_fuzz::encode(&input);
        }
    }
}
