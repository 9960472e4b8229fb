//! The example `cmsg`, with buffers that were computed by hand from the headers of each family of systems.

#[path = "../examples/cmsg/cli.rs"]
mod cli;

/// Runs the program without standard input, and returns its text and whether the messages are valid.
fn output(arguments: &[&str]) -> Result<(String, bool), String> {
    let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let output = cli::run(&arguments, || panic!("standard input is read"))?;
    Ok((output.text, output.is_valid))
}

fn run(arguments: &[&str]) -> Result<String, String> {
    output(arguments).map(|(text, _)| text)
}

/// For each family: its platform, a buffer with a traffic class and a hop limit, and where the second message is.
const BUFFERS: &[(&str, &str, usize)] = &[
    // struct cmsghdr: size_t cmsg_len, int cmsg_level, int cmsg_type. IPV6_TCLASS is 67, IPV6_HOPLIMIT 52.
    // 16 + 4 bytes, aligned to 8.
    (
        "Linux64",
        "14000000 00000000 29000000 43000000 b8000000 00000000 14000000 00000000 29000000 34000000 40000000 00000000",
        24,
    ),
    (
        "Linux64Be",
        "00000000 00000014 00000029 00000043 000000b8 00000000 00000000 00000014 00000029 00000034 00000040 00000000",
        24,
    ),
    // 12 + 4 bytes, aligned to 4.
    ("Linux32", "10000000 29000000 43000000 b8000000 10000000 29000000 34000000 40000000", 16),
    ("Linux32Be", "00000010 00000029 00000043 000000b8 00000010 00000029 00000034 00000040", 16),
    // The BSDs: socklen_t cmsg_len, so 12 bytes of header, aligned to a register. IPV6_TCLASS is 61, IPV6_HOPLIMIT 47.
    (
        "FreeBsd64",
        "14000000 29000000 3d000000 00000000 b8000000 00000000 14000000 29000000 2f000000 00000000 40000000 00000000",
        24,
    ),
    ("FreeBsd32", "10000000 29000000 3d000000 b8000000 10000000 29000000 2f000000 40000000", 16),
    (
        "NetBsd64",
        "14000000 29000000 3d000000 00000000 b8000000 00000000 14000000 29000000 2f000000 00000000 40000000 00000000",
        24,
    ),
    // Aligned to 16.
    (
        "NetBsdAarch64",
        "14000000 29000000 3d000000 00000000 b8000000 00000000 00000000 00000000
         14000000 29000000 2f000000 00000000 40000000 00000000 00000000 00000000",
        32,
    ),
    (
        "OpenBsd64",
        "14000000 29000000 3d000000 00000000 b8000000 00000000 14000000 29000000 2f000000 00000000 40000000 00000000",
        24,
    ),
    (
        "OpenBsd64Be",
        "00000014 00000029 0000003d 00000000 000000b8 00000000 00000014 00000029 0000002f 00000000 00000040 00000000",
        24,
    ),
    (
        "DragonFly",
        "14000000 29000000 3d000000 00000000 b8000000 00000000 14000000 29000000 2f000000 00000000 40000000 00000000",
        24,
    ),
    // Aligned to 4 on 64 bits too. IPV6_TCLASS is 36, IPV6_HOPLIMIT 47.
    ("Apple", "10000000 29000000 24000000 b8000000 10000000 29000000 2f000000 40000000", 16),
    // IPV6_TCLASS is 38, IPV6_HOPLIMIT 12. On SPARC, headers are aligned to 8 and data to 4.
    ("Solaris", "10000000 29000000 26000000 b8000000 10000000 29000000 0c000000 40000000", 16),
    ("SolarisSparc", "00000010 00000029 00000026 000000b8 00000010 00000029 0000000c 00000040", 16),
    // No padding. IPV6_TCLASS is 43, IPV6_HOPLIMIT 40.
    ("Aix", "00000010 00000029 0000002b 000000b8 00000010 00000029 00000028 00000040", 16),
    // WSACMSGHDR: SIZE_T cmsg_len. IPV6_TCLASS is 39, IPV6_HOPLIMIT 21.
    (
        "Windows64",
        "14000000 00000000 29000000 27000000 b8000000 00000000 14000000 00000000 29000000 15000000 40000000 00000000",
        24,
    ),
    ("Windows32", "10000000 29000000 27000000 b8000000 10000000 29000000 15000000 40000000", 16),
];

#[test]
fn the_messages_of_each_family_are_printed() {
    for (platform, buffer, second) in BUFFERS {
        let is_big = platform.ends_with("Be") || ["SolarisSparc", "Aix"].contains(platform);
        let int = |value| if is_big { format!("00 00 00 {value}") } else { format!("{value} 00 00 00") };
        let messages = format!(
            "  0  IPV6_TCLASS  {}  TrafficClass(184)\n{second:>3}  IPV6_HOPLIMIT  {}  HopLimit(64)\n",
            int("b8"),
            int("40")
        );
        for sent in [&[][..], &["--sent"]] {
            let one = run(&[&["--platform", platform, buffer], sent].concat()).unwrap();
            assert_eq!(one, format!("{platform}\n{messages}"));
            // All: this platform is among those of the first paragraph.
            let all = run(&[&["--platform", "all", buffer], sent].concat()).unwrap();
            let (first, _) = all.split_once("\n\n").unwrap_or((all.trim_end(), ""));
            let (names, lines) = first.split_once('\n').unwrap();
            assert!(names.split(", ").any(|name| name == *platform), "{platform}: {all}");
            assert_eq!(lines.trim_end(), messages.trim_end(), "{platform}");
        }
    }
}

#[test]
fn a_sent_message_has_the_name_that_it_has_when_sent() {
    // Linux: 37 is SCM_TIMESTAMPING of 48 bytes from the kernel, and SO_TIMESTAMPING of 4 to it.
    let header = "00000000 01000000 25000000";
    let request = format!("14000000 {header} 02000000 00000000");
    let sent = run(&["--platform", "linux", "--sent", &request]).unwrap();
    assert!(sent.starts_with("Linux64\n  0  SO_TIMESTAMPING  02 00 00 00  TimestampRequest("), "{sent}");
    let json = run(&["--platform", "linux", "--sent", "--json", &request]).unwrap();
    assert!(json.contains("\"name\":\"SO_TIMESTAMPING\""), "{json}");
    // An error has the name too.
    let short = format!("12000000 {header} 0200");
    let (sent, is_valid) = output(&["--platform", "linux", "--sent", &short]).unwrap();
    assert!(
        sent.contains("  0  SO_TIMESTAMPING  02 00  error: SO_TIMESTAMPING message") && !is_valid,
        "{sent}"
    );
    let (received, is_valid) = output(&["--platform", "linux", &request]).unwrap();
    assert!(received.contains("  0  SCM_TIMESTAMPING  02 00 00 00  error: ") && !is_valid, "{received}");
}

#[test]
fn all_lists_the_platforms_that_can_have_written_the_buffer() {
    // Linux with 64 bits has numbers and widths that no other system has together.
    let (all, is_valid) = output(&[BUFFERS[0].1]).unwrap();
    assert!(all.starts_with("Linux64, LinuxMips64\n") && !all.contains("\n\n") && is_valid, "{all}");
    // One unknown message: still Linux, and Windows has the same layout with other numbers.
    let buffer = BUFFERS[0].1.replace("34000000", "15000000");
    let all = run(&[&buffer]).unwrap();
    assert!(all.starts_with("Linux64, LinuxMips64 (1 unknown)\n  0  IPV6_TCLASS"), "{all}");
    assert!(
        all.contains("\n\nWindows64 (1 unknown)\n  0  level 41, type 67  b8 00 00 00  unknown\n"),
        "{all}"
    );
    // The BSDs with 64 bits and little-endian.
    let all = run(&[BUFFERS[4].1]).unwrap();
    for name in ["FreeBsd64", "DragonFly", "NetBsd64", "OpenBsd64"] {
        assert!(all.lines().next().unwrap().split(", ").any(|other| other == name), "{name}: {all}");
    }
    // A hop limit of 256 is that of no Linux. The messages are unknown to all systems that are left.
    let all = run(&["--platform", "all", &BUFFERS[0].1.replace("40000000", "00010000")]).unwrap();
    assert!(all.contains("Windows64 (2 unknown)\n") && !all.contains("Linux"), "{all}");
    let ones = "ff".repeat(16);
    assert_eq!(output(&[&ones]), Ok(("no system can have written this\n".to_string(), false)));
    assert_eq!(run(&["--sent", &ones]).unwrap(), "no program can have written this\n");
}

#[test]
fn names_are_those_of_the_crate_and_aliases() {
    for (alias, platform) in [
        ("linux", "Linux64"),
        ("macos", "Apple"),
        ("FREEBSD", "FreeBsd64"),
        ("linux32be", "Linux32Be"),
        ("win32", "Windows32"),
    ] {
        assert_eq!(run(&["--platform", alias, "00"]).unwrap().lines().next(), Some(platform));
        assert_eq!(run(&[&format!("--platform={alias}"), "00"]).unwrap().lines().next(), Some(platform));
    }
    let error = run(&["--platform", "plan9", "00"]).unwrap_err();
    assert!(
        error.starts_with("no platform has the name plan9\n") && error.contains("SolarisSparc"),
        "{error}"
    );
    // A part of several names.
    let error = run(&["--platform=bsd", "00"]).unwrap_err();
    let (first, _) = error.split_once('\n').unwrap();
    assert!(first.starts_with("no platform has the name bsd: is it one of FreeBsd64, "), "{error}");
    assert!(first.contains("NetBsd64") && first.contains("OpenBsd64") && !first.contains("Linux"), "{error}");
    assert!(run(&["--platform=", "00"]).unwrap_err().starts_with("no platform has the name \n"));
}

#[test]
fn hexadecimal_has_separators_and_errors_have_the_position() {
    let expected = [0x14, 0x00, 0xab, 0xcd];
    for text in [
        "1400abcd",
        "14 00\nAB\tcd",
        "14:00:ab:cd",
        "0x1400abcd",
        "0x14, 0x00, 0xab, 0xcd",
        " 0X14 00abcd\r\n",
    ] {
        assert_eq!(cli::parse(text).unwrap(), expected, "{text:?}");
    }
    assert!(cli::parse(" \n").unwrap().is_empty());
    for (text, error) in [
        ("14 0g", "line 1, column 5: 'g' is not a hexadecimal digit"),
        ("14\n00 x1", "line 2, column 4: 'x' is not a hexadecimal digit"),
        ("14 0 00", "line 1, column 4: a byte has two digits, not one"),
        ("14\n001", "line 2, column 3: a byte has two digits, not one"),
        ("0x14 0x1", "line 1, column 8: a byte has two digits, not one"),
        ("14;00", "line 1, column 3: ';' is not a hexadecimal digit"),
        ("14é", "line 1, column 3: 'é' is not a hexadecimal digit"),
    ] {
        assert_eq!(cli::parse(text).unwrap_err(), error, "{text:?}");
    }
}

#[test]
fn bytes_come_from_the_arguments_or_from_standard_input() {
    let hops = "10000000 29000000 34000000 40000000";
    let with_input = |arguments: &[&str]| {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        cli::run(&arguments, || Ok(hops.replace(' ', "\n"))).unwrap().text
    };
    let expected = "Linux32\n  0  IPV6_HOPLIMIT  40 00 00 00  HopLimit(64)\n";
    assert_eq!(with_input(&["--platform", "linux32"]), expected);
    assert_eq!(with_input(&["-", "--platform", "linux32"]), expected);
    let words: Vec<&str> = ["--platform", "linux32"].into_iter().chain(hops.split(' ')).collect();
    assert_eq!(run(&words).unwrap(), expected);
}

#[test]
fn messages_that_cannot_be_read_are_printed_with_the_error() {
    // A hop limit of 256; a type that Linux does not have; a length of 255.
    let buffer =
        "10000000 29000000 34000000 00010000 0d000000 29000000 63000000 07000000 ff000000 29000000 34000000";
    let text = "Linux32\n\
                \x20 0  IPV6_HOPLIMIT  00 01 00 00  error: IPV6_HOPLIMIT message at offset 0 has the value 256, out of range\n\
                \x2016  level 41, type 99  07  unknown\n\
                \x2032  error: control message at offset 32 has the length 255, which is more than the 12 bytes that are left\n";
    assert_eq!(output(&["--platform", "linux32", buffer]), Ok((text.to_string(), false)));
    let rest = run(&["--platform", "linux32", "10000000 29000000 34000000 40000000 0102"]).unwrap();
    assert!(rest.ends_with("error: 2 bytes behind the last message are fewer than a header\n"), "{rest}");
    assert_eq!(run(&["--platform", "aix", ""]).unwrap(), "Aix\nno control messages\n");
}

#[test]
fn sent_messages_are_read_as_the_system_reads_them() {
    // -1 is the system's default; no kernel delivers it.
    let buffer = "10000000 29000000 34000000 ffffffff";
    let sent = run(&["--sent", "--platform", "linux32", buffer]).unwrap();
    assert!(sent.ends_with("IPV6_HOPLIMIT  ff ff ff ff  the system's default\n"), "{sent}");
    assert!(run(&["--platform", "linux32", buffer]).unwrap().contains("error: "));
}

#[test]
fn json_has_the_same_facts() {
    let buffer = "10000000 29000000 34000000 40000000 0d000000 29000000 63000000 07000000";
    let message = r#"{"offset":0,"level":41,"type":52,"name":"IPV6_HOPLIMIT","bytes":"40000000","value":"HopLimit(64)"}"#;
    let unknown = r#"{"offset":16,"level":41,"type":99,"name":null,"bytes":"07","value":"unknown"}"#;
    let linux = format!(r#"{{"platform":"Linux32","unknown":1,"rest":0,"messages":[{message},{unknown}]}}"#);
    assert_eq!(run(&["--json", "--platform", "linux32", buffer]).unwrap(), format!("{linux}\n"));
    let all: serde_json::Value = serde_json::from_str(&run(&["--json", buffer]).unwrap()).unwrap();
    let all = all.as_array().unwrap();
    assert!(all.contains(&serde_json::from_str(&linux).unwrap()));
    assert!(all.iter().all(|reading| reading["unknown"] == 1), "{all:?}");
    let wrong = run(&["--json", "--platform", "linux32", "ff000000 29000000 34000000"]).unwrap();
    let wrong: serde_json::Value = serde_json::from_str(&wrong).unwrap();
    assert!(wrong["messages"][0]["error"].as_str().unwrap().contains("has the length 255"), "{wrong}");
}

#[test]
fn options_are_checked() {
    assert!(run(&["--colour", "00"]).unwrap_err().starts_with("unknown option --colour\nusage: cmsg "));
    assert!(run(&["--platform"]).unwrap_err().starts_with("--platform needs a name\n"));
    assert!(run(&["--help"]).unwrap().contains("[--json]"));
}
