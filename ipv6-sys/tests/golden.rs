//! Compares our bytes and numbers with independent ones: control buffers that libc's macros write in a C program, those
//! that the kernel writes, and the headers of the C library, the kernel and mingw-w64.

use std::net::{Ipv6Addr, SocketAddrV6};
use std::process::Command;

use ipv6_core::abi::{Platform, Windows64};
use ipv6_core::cmsg::{RawMessages, Writer};
use ipv6_core::{ControlFlags, InterfaceIndex, RecvControl, SendControl};
use ipv6_sys::message::{self, ControlBytes, ControlSpace, IoSlice, IoSliceMut, MessageFlags};
use ipv6_sys::{Host, option, proofs, socket};

ipv6_testnet::tests! {
    [CCompiler] numbers_that_libc_lacks_equal_those_of_the_headers;
    [CCompiler] the_macros_write_the_same_bytes;
    [CCompiler] messages_written_by_the_macros_are_decoded;
    [Namespace] the_kernel_writes_the_same_bytes;
    [Program("x86_64-w64-mingw32-gcc")] the_windows_tables_equal_the_headers_of_mingw;
}

/// Builds a C program, runs it, and returns the lines that it prints.
fn c_program(name: &str, source: &str) -> Vec<String> {
    let folder = std::env::temp_dir().join(format!("ipv6-golden-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (file, program) = (folder.join("program.c"), folder.join("program"));
    std::fs::write(&file, source).unwrap();
    let built = ipv6_testnet::cc().arg(&file).arg("-o").arg(&program).output().unwrap();
    assert!(built.status.success(), "{}\n{source}", String::from_utf8_lossy(&built.stderr));
    let output = Command::new(&program).output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    std::fs::remove_dir_all(folder).unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_string).collect()
}

fn numbers_that_libc_lacks_equal_those_of_the_headers() {
    for (number, proofs::Gap { newer, c, headers, ours }) in proofs::GAPS.iter().enumerate() {
        // One program per number, because the headers of the kernel and of the C library define the same structures.
        let includes: String = headers.iter().map(|header| format!("#include <{header}>\n")).collect();
        let print = |what: &str| format!("printf(\"%ld\\n\", (long)({what}));");
        // With an older header, nothing is compared here, and independent data is (ipv6-core/tests/numbers.rs).
        let body = match newer {
            Some(needed) => {
                format!("#ifdef {needed}\n{}\n#else\n{}\n#endif", print(c), print(&ours.to_string()))
            }
            None => print(c),
        };
        let source = format!("#include <stdio.h>\n{includes}int main(void) {{\n{body}\nreturn 0;\n}}\n");
        assert_eq!(c_program(&format!("gap{number}"), &source), [ours.to_string()], "{c}");
    }
    assert!(!proofs::GAPS.is_empty());
}

const SOURCE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x11);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A C program that writes control messages as the manual page cmsg(3) shows. It prints one line with packet info, hop limit
/// and traffic class, then one line per length of data from 0 to 64.
const MACROS: &str = r#"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void print(const unsigned char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) printf("%02x", bytes[i]);
    printf("\n");
}

int main(void) {
    union { unsigned char bytes[512]; struct cmsghdr align; } control;
    struct msghdr message;
    memset(&control, 0, sizeof control);
    memset(&message, 0, sizeof message);
    struct in6_pktinfo info = { .ipi6_ifindex = 7 };
    inet_pton(AF_INET6, "2001:db8::11", &info.ipi6_addr);
    int hops = 3, class = 0xe0;

    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof info) + 2 * CMSG_SPACE(sizeof(int));
    struct cmsghdr *next = CMSG_FIRSTHDR(&message);
    next->cmsg_level = IPPROTO_IPV6;
    next->cmsg_type = IPV6_PKTINFO;
    next->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(next), &info, sizeof info);
    next = CMSG_NXTHDR(&message, next);
    next->cmsg_level = IPPROTO_IPV6;
    next->cmsg_type = IPV6_HOPLIMIT;
    next->cmsg_len = CMSG_LEN(sizeof hops);
    memcpy(CMSG_DATA(next), &hops, sizeof hops);
    next = CMSG_NXTHDR(&message, next);
    next->cmsg_level = IPPROTO_IPV6;
    next->cmsg_type = IPV6_TCLASS;
    next->cmsg_len = CMSG_LEN(sizeof class);
    memcpy(CMSG_DATA(next), &class, sizeof class);
    print(control.bytes, message.msg_controllen);

    for (size_t len = 0; len <= 64; len++) {
        memset(&control, 0, sizeof control);
        message.msg_controllen = 2 * CMSG_SPACE(len);
        next = CMSG_FIRSTHDR(&message);
        for (int i = 0; i < 2; i++) {
            next->cmsg_level = 41;
            next->cmsg_type = 100 + i;
            next->cmsg_len = CMSG_LEN(len);
            memset(CMSG_DATA(next), 0xa0 + i, len);
            next = i == 0 ? CMSG_NXTHDR(&message, next) : next;
        }
        print(control.bytes, message.msg_controllen);
    }
    return 0;
}
"#;

fn the_macros_write_the_same_bytes() {
    let lines = c_program("macros", MACROS);
    let control = SendControl::new()
        .with_source(SOURCE)
        .with_interface(InterfaceIndex::new(7).unwrap())
        .with_hop_limit(3)
        .with_traffic_class(0xe0);
    let mut bytes = [0xff; 512];
    let used = control.encode::<Host>(&mut bytes).unwrap();
    assert_eq!(hex(&bytes[..used]), lines[0]);

    for len in 0..=64 {
        let mut bytes = [0xff; 512];
        let mut writer = Writer::<Host>::new(&mut bytes);
        writer.push(41, 100, &[0xa0; 64][..len]).unwrap();
        writer.push(41, 101, &[0xa1; 64][..len]).unwrap();
        let used = writer.finish();
        assert_eq!(hex(&bytes[..used]), lines[1 + len], "{len}");
    }
    assert_eq!(lines.len(), 66);
}

fn messages_written_by_the_macros_are_decoded() {
    for line in c_program("macros_read", MACROS) {
        let bytes: Vec<u8> =
            (0..line.len()).step_by(2).map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect();
        let messages: Vec<_> = RawMessages::<Host>::new(&bytes).map(Result::unwrap).collect();
        assert!(matches!(messages.len(), 2 | 3));
        if messages.len() == 3 {
            let got = RecvControl::decode::<Host>(&bytes).unwrap();
            assert_eq!((got.destination, got.interface), (Some(SOURCE), InterfaceIndex::new(7).ok()));
            assert_eq!((got.hop_limit, got.traffic_class), (Some(3), Some(0xe0)));
        } else {
            assert!(messages[0].data.iter().all(|byte| *byte == 0xa0));
            assert!(messages[1].data.iter().all(|byte| *byte == 0xa1));
        }
    }
}

fn the_kernel_writes_the_same_bytes() {
    let socket = socket::datagram().unwrap();
    socket::bind(&socket, &SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0)).unwrap();
    for option in [&option::RECEIVE_PACKET_INFO, &option::RECEIVE_HOP_LIMIT, &option::RECEIVE_TRAFFIC_CLASS] {
        option.set(&socket, true).unwrap();
    }
    let to = socket::local_address(&socket).unwrap().unwrap();
    let sent = SendControl::new()
        .with_source(Ipv6Addr::LOCALHOST)
        .with_interface(InterfaceIndex::new(1).unwrap())
        .with_hop_limit(3)
        .with_traffic_class(0xe0);
    let mut ours = [0; 128];
    let used = sent.encode::<Host>(&mut ours).unwrap();
    let (mut bytes, once) = (ControlBytes::<128>::new(), MessageFlags::empty());
    let encoded = bytes.encode(&sent).unwrap();
    assert_eq!(encoded.as_bytes(), &ours[..used]);
    message::send(&socket, &[IoSlice::new(b"x")], encoded, Some(&to), once).unwrap();

    // The kernel does not write padding, so the buffer must contain zeros for the comparison.
    let mut control = [0; 256];
    let mut space = ControlSpace::from(&mut control[..]);
    let mut payload = [0; 8];
    let mut parts = [IoSliceMut::new(&mut payload)];
    let got = message::receive(&socket, &mut parts, &mut space, MessageFlags::empty()).unwrap();
    assert!(!got.control_truncated);
    assert_eq!(hex(space.written()), hex(&ours[..used]));
    assert_eq!(
        used,
        (ControlFlags::all() - ControlFlags::PATH_MTU - ControlFlags::FLOW_LABEL).space::<Host>()
    );
}

/// The data with which `ipv6-core/tests/numbers.rs` compares the tables does not contain Windows.
fn the_windows_tables_equal_the_headers_of_mingw() {
    let control = Windows64::ABI.control;
    let layout = Windows64::ABI.cmsg;
    let group = Windows64::ABI.group_req.unwrap();
    let sockaddr = Windows64::ABI.sockaddr;
    // Names that mingw-w64 12 does not define; windows-sys does (src/proofs/windows.rs).
    let undefined = [
        "IPV6_RECVECN",
        "IPV6_ECN",
        "IPV6_RECVERR",
        "IP_RECVECN",
        "IP_ECN",
        "UDP_SEGMENT",
        "UDP_GRO",
        "UDP_RECV_MAX_COALESCED_SIZE",
    ];
    // Windows has one number for a message and for the option that delivers it, and a path MTU that is an integer.
    let windows_name = |name: &str| match name {
        "IPV6_RECVHOPLIMIT" => "IPV6_HOPLIMIT".to_string(),
        "IPV6_RECVPKTINFO" => "IPV6_PKTINFO".to_string(),
        "IPV6_PATHMTU" => "IPV6_MTU".to_string(),
        "IP_DONTFRAG" => "IP_DONTFRAGMENT".to_string(),
        name => name.to_string(),
    };
    let options =
        Windows64::ABI.options.rows().map(|(name, number)| (name, number.map(|n| (n.level, n.name))));
    let messages = control.rows().map(|(name, number)| (name, number.map(|n| (n.level, n.kind))));
    let mut claims = Vec::new();
    for (name, number) in options.into_iter().chain(messages).filter(|(name, _)| !undefined.contains(name)) {
        if let Some((level, number)) = number {
            let level_name = match name {
                name if name.starts_with("IP_") => "IPPROTO_IP",
                name if name.starts_with("UDP_") => "IPPROTO_UDP",
                _ => "IPPROTO_IPV6",
            };
            claims.push((level_name.into(), level as usize));
            claims.push((windows_name(name), number as usize));
        }
    }
    assert!(claims.len() >= 2 * 21);
    for data in [0, 1, 4, 20] {
        claims.push((format!("WSA_CMSG_LEN({data})"), layout.len(data)));
        claims.push((format!("WSA_CMSG_SPACE({data})"), layout.space(data)));
    }
    claims.extend([
        ("AF_INET6".into(), sockaddr.af_inet6.into()),
        ("sizeof(struct sockaddr_in6)".into(), sockaddr.size),
        ("sizeof(IN6_PKTINFO)".into(), control.packet_info.unwrap().size),
        ("offsetof(GROUP_SOURCE_REQ, gsr_group)".into(), group.group),
        ("offsetof(GROUP_SOURCE_REQ, gsr_source)".into(), group.source),
        ("sizeof(GROUP_SOURCE_REQ)".into(), group.size),
    ]);
    let headers =
        "#define _WIN32_WINNT 0x0a00\n#include <winsock2.h>\n#include <ws2tcpip.h>\n#include <mswsock.h>\n";
    let asserts: String = claims
        .iter()
        .map(|(c, ours)| format!("_Static_assert(({c}) == {ours}, \"{}\");\n", c.replace('"', "'")))
        .collect();
    let file = std::env::temp_dir().join(format!("ipv6-golden-{}-windows.c", std::process::id()));
    std::fs::write(&file, format!("{headers}#include <stddef.h>\n{asserts}")).unwrap();
    let compiler = ipv6_testnet::program("x86_64-w64-mingw32-gcc").unwrap();
    let built = Command::new(compiler).args(["-std=c11", "-fsyntax-only"]).arg(&file).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
