//! Interfaces: names, alternative names, addresses and their states, and programs that may not list them.

mod common;

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::net::Ipv6Addr;
use std::process::Command;

use common::*;
use ipv6_std::*;
use ipv6_testnet::{Host, Need, Pair, Test};

const CHILD: &str = "IPV6_INTERFACES_CHILD";
const OTHER: Ipv6Addr = Ipv6Addr::new(0xff05, 0, 0, 0, 0, 0, 0, 0x77);
const EPERM: i32 = 1;
const EMFILE: i32 = 24;

macro_rules! test {
    ($needs:expr, $name:ident) => {
        Test { name: stringify!($name), needs: $needs, run: $name }
    };
}

fn main() {
    if let Ok(part) = std::env::var(CHILD) {
        return child(&part);
    }
    let plain = &[Need::Namespace];
    let traced = &[Need::Namespace, Need::Strace];
    let unmounted = &[Need::Namespace, Need::Strace, Need::Program("unshare"), Need::Program("mount")];
    ipv6_testnet::main(&[
        test!(plain, each_interface_is_listed_once_and_found_by_name_and_index),
        test!(plain, labels_of_ipv4_addresses_are_no_interfaces),
        test!(plain, every_lookup_knows_alternative_names),
        test!(plain, addresses_have_their_prefix_length_and_not_the_peer),
        test!(plain, addresses_report_that_they_are_tentative_or_deprecated),
        test!(plain, a_duplicate_address_is_reported),
        test!(plain, a_removed_interface_is_not_found),
        test!(plain, joining_on_an_interface_without_ipv6_names_the_cause),
        test!(plain, leaving_and_joining_repairs_a_recreated_interface),
        test!(traced, no_descriptor_left_is_an_error_and_not_an_empty_list),
        test!(traced, a_lookup_does_not_list_all_interfaces),
        test!(traced, lookups_and_lists_work_without_netlink),
        test!(unmounted, lookups_work_without_netlink_and_proc),
        test!(unmounted, interfaces_with_addresses_are_listed_where_links_are_not),
    ])
}

/// The work of a child process, by name. It opens sockets only for interfaces, so that the tests can count them.
fn child(part: &str) {
    let lo = InterfaceIndex::new(1).unwrap();
    let print = |interface: Interface| println!("{interface:?}");
    match part {
        "all" => Interface::all().unwrap().into_iter().for_each(print),
        "by_name" => print(Interface::by_name("eth0").unwrap()),
        "by_index" => {
            let index = std::env::args().nth(1).unwrap().parse().unwrap();
            print(Interface::by_index(InterfaceIndex::new(index).unwrap()).unwrap());
        }
        "long_name" => {
            let error = Interface::by_name("a-name-of-more-than-15-bytes").unwrap_err();
            assert_eq!(error.raw_os_error(), Some(EPERM), "{error}");
        }
        "no descriptor" => {
            assert_eq!(errno(Interface::all()), Some(EMFILE));
            assert_eq!(errno(Interface::by_name("lo")), Some(EMFILE));
            assert_eq!(errno(Interface::by_name("a-name-of-more-than-15-bytes")), Some(EMFILE));
            assert_eq!(errno(Interface::by_index(lo)), Some(EMFILE));
            assert_eq!(errno(Interface::name_of(lo)), Some(EMFILE));
            let error = parse_scoped("fe80::1%lo").unwrap_err();
            assert_ne!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(error.to_string().contains("os error 24"), "{error}");
        }
        other => panic!("no part {other}"),
    }
}

/// A host with the interfaces `lo`, `eth0` with addresses, and `bare` without addresses, which has index 55.
fn host() -> Pair {
    let pair = Pair::new().unwrap();
    pair.b.ip("link add bare index 55 type veth peer name bare2 index 56").unwrap();
    pair
}

fn all_on(host: &Host) -> Vec<Interface> {
    host.run(Interface::all).unwrap()
}

fn by_name(host: &Host, name: &str) -> Interface {
    host.run(|| Interface::by_name(name)).unwrap()
}

fn named<'i>(all: &'i [Interface], name: &str) -> &'i Interface {
    let found: Vec<&Interface> = all.iter().filter(|interface| interface.name() == name).collect();
    assert_eq!(found.len(), 1, "{name} in {all:?}");
    found[0]
}

// Scar 58 (corefx#11233): one entry for each index.
fn each_interface_is_listed_once_and_found_by_name_and_index() {
    let Pair { a: _a, b } = host();
    let all = all_on(&b);
    assert_eq!(all.iter().map(Interface::index).collect::<HashSet<_>>().len(), all.len(), "{all:?}");
    for name in ["lo", "eth0", "bare", "bare2"] {
        let interface = named(&all, name);
        assert_eq!(interface.index(), index(&b, name));
        assert_eq!(*interface, by_name(&b, name));
        assert_eq!(*interface, b.run(|| Interface::by_index(interface.index())).unwrap());
        assert_eq!(b.run(|| Interface::name_of(interface.index())).unwrap(), name);
    }
    assert_eq!(named(&all, "bare").addresses(), []);
    assert!(!named(&all, "bare").flags().contains(InterfaceFlags::UP));
    assert!(named(&all, "eth0").flags().contains(InterfaceFlags::UP | InterfaceFlags::MULTICAST));
    assert!(named(&all, "eth0").addresses().contains(&InterfaceAddress::new(Pair::B, 64)));
    let local = b.link_local("eth0").unwrap();
    assert!(named(&all, "eth0").addresses().contains(&InterfaceAddress::new(local, 64)));
    assert_eq!(named(&all, "lo").addresses(), [InterfaceAddress::new(Ipv6Addr::LOCALHOST, 128)]);
}

// Scar 58 (corefx#11233, multicast-relay#33, libmdns#58).
fn labels_of_ipv4_addresses_are_no_interfaces() {
    let Pair { a: _a, b } = host();
    let before = all_on(&b);
    b.ip("addr add 192.0.2.1/24 dev eth0 label eth0:1").unwrap();
    b.ip("addr add 198.51.100.1/24 dev bare label bare:x").unwrap();
    assert_eq!(all_on(&b), before);
    for label in ["eth0:1", "bare:x", "eth0:", "eth0:2"] {
        let found = b.run(|| Interface::by_name(label));
        assert_eq!(found.unwrap_err().kind(), ErrorKind::NotFound, "{label}");
        let found = b.run(|| parse_scoped(&format!("fe80::1%{label}")));
        assert_eq!(found.unwrap_err().kind(), ErrorKind::NotFound, "{label}");
    }
}

// Scar 60 (iputils#582, frr#6786). `SIOCGIFINDEX` takes names of at most 15 bytes.
fn every_lookup_knows_alternative_names() {
    let Pair { a: _a, b } = host();
    let eth0 = by_name(&b, "eth0");
    let longest = "x".repeat(127);
    for name in [
        "uplink",
        "exactly15bytes!",
        "sixteen-bytes-16",
        "enx0123456789ab-port-2",
        "up:link",
        "eth0:7",
        "lo:1",
        "a:name-of-more-than-15",
        &longest,
    ] {
        b.ip(&format!("link property add dev eth0 altname {name}")).unwrap();
        assert_eq!(by_name(&b, name), eth0);
        assert_eq!(by_name(&b, name).name(), "eth0");
        let scope = b.run(|| parse_scoped(&format!("[fe80::1%{name}]:1"))).unwrap().scope_id();
        assert_eq!(scope, eth0.index().get(), "{name}");
        assert_eq!(b.run(|| ipv6_sys::interface::index_of(name)), Ok(eth0.index()), "{name}");
    }
    assert_eq!(named(&all_on(&b), "eth0"), &eth0);
    // The start of a name, and more than it, are other names.
    for name in [
        "sixteen-bytes-1",
        "sixteen-bytes-16x",
        "uplink2",
        "eth0-and-more-than-15",
        "eth0:",
        "eth0:8",
        "up",
        &(longest + "x"),
    ] {
        assert_eq!(b.run(|| Interface::by_name(name)).unwrap_err().kind(), ErrorKind::NotFound, "{name}");
    }
}

fn addresses_have_their_prefix_length_and_not_the_peer() {
    let Pair { a: _a, b } = host();
    let [one, two]: [Ipv6Addr; 2] = ["2001:db8:7::1", "2001:db8:7::2"].map(|text| text.parse().unwrap());
    b.ip("link set bare up").unwrap();
    b.ip("addr add 2001:db8:7::1 peer 2001:db8:7::2/127 dev bare").unwrap();
    let bare = by_name(&b, "bare");
    assert!(bare.addresses().contains(&InterfaceAddress::new(one, 127)), "{bare:?}");
    assert!(bare.addresses().iter().all(|address| address.address != two), "{bare:?}");
}

fn state(interface: &Interface, address: Ipv6Addr) -> InterfaceAddress {
    let found = interface.addresses().iter().find(|known| known.address == address);
    *found.unwrap_or_else(|| panic!("no {address}: {interface:?}"))
}

fn addresses_report_that_they_are_tentative_or_deprecated() {
    let Pair { a: _a, b } = host();
    let [tentative, old]: [Ipv6Addr; 2] =
        ["2001:db8:1::77", "2001:db8:1::78"].map(|text| text.parse().unwrap());
    // Detection does not begin while the interface is down.
    b.set("net/ipv6/conf/bare/accept_dad", "1").unwrap();
    b.ip("addr add 2001:db8:1::77/64 dev bare").unwrap();
    b.ip("addr add 2001:db8:1::78/64 dev eth0 valid_lft 3600 preferred_lft 0").unwrap();
    let (bare, eth0) = (by_name(&b, "bare"), by_name(&b, "eth0"));
    assert!(state(&bare, tentative).is_tentative() && !state(&bare, tentative).is_deprecated());
    assert_eq!(state(&eth0, old).flags, AddressFlags::DEPRECATED | AddressFlags::DYNAMIC);
    assert!(state(&eth0, old).is_deprecated() && !state(&eth0, old).is_tentative());
    assert_eq!(state(&eth0, Pair::B).flags, AddressFlags::empty());
    let all = all_on(&b);
    assert_eq!((named(&all, "bare"), named(&all, "eth0")), (&bare, &eth0));
    // What tentative means.
    assert!(b.run(|| PacketConn::bind(at(tentative, 0))).is_err());
    b.run(|| PacketConn::bind(at(old, 0))).unwrap();
}

fn a_duplicate_address_is_reported() {
    let Pair { a: _a, b } = Pair::new().unwrap();
    for scope in ["all", "eth0"] {
        b.set(&format!("net/ipv6/conf/{scope}/accept_dad"), "1").unwrap();
    }
    b.ip(&format!("addr add {}/64 dev eth0", Pair::A)).unwrap();
    let deadline = soon().unwrap();
    loop {
        let address = state(&by_name(&b, "eth0"), Pair::A);
        if address.flags.contains(AddressFlags::DUPLICATED) {
            return;
        }
        assert!(address.is_tentative() && std::time::Instant::now() < deadline, "{address:?}");
        std::thread::yield_now();
    }
}

// Scar 62: only ENODEV and ENXIO mean that an interface is gone.
fn a_removed_interface_is_not_found() {
    let Pair { a: _a, b } = host();
    let bare = index(&b, "bare");
    b.ip("link del bare").unwrap();
    for result in b.run(|| [Interface::by_index(bare).map(drop), Interface::name_of(bare).map(drop)]) {
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotFound, "no interface 55"));
    }
    let error = b.run(|| Interface::by_name("bare")).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::NotFound, "no interface bare"));
}

// Scar 80 (nmstate#2184): a bare EINVAL.
fn joining_on_an_interface_without_ipv6_names_the_cause() {
    let Pair { a: _a, b } = host();
    b.ip("link set bare up").unwrap();
    b.ip("link set bare mtu 1279").unwrap();
    let (conn, bare, eth0) = (on(&b), index(&b, "bare"), index(&b, "eth0"));
    b.run(|| {
        let joins = [conn.join_group(GROUP, bare), conn.join_source_group(SOURCE_GROUP, Pair::A, bare)];
        for error in joins.map(Result::unwrap_err) {
            assert_eq!((error.kind(), cause(&error)), (ErrorKind::InvalidInput, Some(EINVAL)), "{error}");
            let text = error.to_string();
            assert!(text.contains("interface bare has no IPv6") && text.contains("1280"), "{text}");
        }
        // EINVAL for another cause stays as it is.
        conn.join_group(GROUP, eth0).unwrap();
        conn.exclude_source(GROUP, Pair::B, eth0).unwrap();
        assert_eq!(errno(conn.join_source_group(GROUP, Pair::A, eth0)), Some(EINVAL));
    });
    // Joined for any source with none excluded: the membership becomes one for this source.
    let conn = on(&b);
    conn.join_group(OTHER, eth0).unwrap();
    conn.join_source_group(OTHER, Pair::A, eth0).unwrap();
    assert_eq!(filters_on(&b, "eth0", OTHER), [(digits(Pair::A), 1, 0)]);
    b.ip("link set bare mtu 1280").unwrap();
    b.run(|| conn.join_group(GROUP, bare)).unwrap();
}

// Scar 61 (reflector-cpp#71).
fn leaving_and_joining_repairs_a_recreated_interface() {
    let Pair { a: _a, b } = host();
    let listener = on(&b);
    let bare = index(&b, "bare");
    listener.join_group(GROUP, bare).unwrap();
    b.ip("link del bare").unwrap();
    b.ip("link add bare index 55 type veth peer name bare2 index 56").unwrap();
    for name in ["bare", "bare2"] {
        b.ip(&format!("link set {name} up")).unwrap();
    }
    for name in ["bare", "bare2"] {
        b.link_local(name).unwrap();
    }
    assert_eq!(index(&b, "bare"), bare);
    // The membership of the old interface receives nothing, and prevents a new one.
    assert_eq!(members(&b, GROUP), [""; 0]);
    assert_eq!(errno(listener.join_group(GROUP, bare)), Some(EADDRINUSE));
    listener.leave_group(GROUP, bare).unwrap();
    listener.join_group(GROUP, bare).unwrap();
    assert_eq!(members(&b, GROUP), ["bare"]);
    let sender = on(&b);
    sender.set_multicast_interface(index(&b, "bare2")).unwrap();
    sender.send_to(b"again", &SendControl::new(), at(GROUP, port(&listener))).unwrap();
    assert_eq!(receive(&listener).0, b"again");
}

/// Runs a part of this program on a host, through strace with these options. Returns its output and the trace.
fn traced(host: &Host, part: &str, argument: &str, options: &[&str]) -> (String, String) {
    run_traced(host, part, argument, options, false)
}

/// As [`traced`]; with `no_proc`, an empty file system hides `/proc`.
fn run_traced(host: &Host, part: &str, argument: &str, options: &[&str], no_proc: bool) -> (String, String) {
    let log = std::env::temp_dir().join(format!(
        "ipv6-interfaces-{}-{part}-{}",
        std::process::id(),
        std::thread::current().name().unwrap_or_default()
    ));
    let hidden = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"];
    let strace = ["strace", "-qq", "-o", log.to_str().unwrap()];
    let program = std::env::current_exe().unwrap();
    let words: Vec<&str> = hidden.into_iter().filter(|_| no_proc).chain(strace).collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(options).arg(program).arg(argument).env(CHILD, part);
    let output = host.run(|| command.output()).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{part} {options:?}: {error}");
    let trace = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), trace)
}

/// Options of strace that refuse a call: an error of the calls with this name, at these places.
fn refuse(call: &str, how: &str) -> [String; 4] {
    ["-e".into(), format!("trace={call}"), "-e".into(), format!("inject={call}:{how}")]
}

fn strs(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

fn lines(interfaces: impl IntoIterator<Item = Interface>) -> String {
    interfaces.into_iter().map(|interface| format!("{interface:?}\n")).collect()
}

/// Interfaces as netdevice(7) reports them: without the upper 16 bits of the flags, of which these have `IFF_LOWER_UP`.
fn short(text: &str) -> String {
    text.replace(" | 0x10000", "")
}

// Scar 62.
fn no_descriptor_left_is_an_error_and_not_an_empty_list() {
    let Pair { a: _a, b } = host();
    traced(&b, "no descriptor", "", &strs(&refuse("socket", "error=EMFILE")));
}

// Scar 77. With netlink, the answer concerns one interface, however many there are.
fn a_lookup_does_not_list_all_interfaces() {
    let Pair { a: _a, b } = host();
    let eth0 = index(&b, "eth0").to_string();
    let calls = |part: &str| {
        let (_, trace) = traced(&b, part, &eth0, &["-e", "trace=/^recv|^ioctl$|^openat$"]);
        let of_interfaces = |line: &&str| ["recv", "SIOCGIF", "/net/"].iter().any(|part| line.contains(part));
        trace.lines().filter(of_interfaces).count()
    };
    let few = ["by_index", "by_name", "all"].map(calls);
    for number in 0..40 {
        b.ip(&format!("link add x{number} up type veth peer name y{number}")).unwrap();
    }
    let many = ["by_index", "by_name", "all"].map(calls);
    assert_eq!((many[0], many[1]), (few[0], few[1]));
    assert!(many[2] > few[2] && few[2] >= 2, "{few:?} {many:?}");
}

// Scar 77 (unbound#350, kubo#9513).
fn lookups_and_lists_work_without_netlink() {
    let Pair { a: _a, b } = host();
    b.ip("addr add 2001:db8:1::78/64 dev eth0 valid_lft 3600 preferred_lft 0").unwrap();
    let eth0 = by_name(&b, "eth0");
    let index = eth0.index().to_string();
    // A lookup by name opens another socket first.
    for (part, nth) in [("all", 1), ("by_index", 1), ("by_name", 2)] {
        for error in ["EPERM", "EACCES", "EAFNOSUPPORT", "ENOSYS"] {
            let (found, trace) =
                traced(&b, part, &index, &strs(&refuse("socket", &format!("error={error}:when={nth}"))));
            let refused = trace.lines().filter(|line| line.contains("INJECTED"));
            assert!(
                refused.clone().all(|line| line.contains("AF_NETLINK")) && refused.count() == 1,
                "{trace}"
            );
            let expected = if part == "all" { lines(all_on(&b)) } else { lines([eth0.clone()]) };
            assert_eq!(sorted(&found), sorted(&short(&expected)), "{part} {error}");
        }
    }
    // The name may exist: the answer is the refusal, not `NotFound`.
    traced(&b, "long_name", "", &strs(&refuse("socket", "error=EPERM:when=1")));
}

/// The lines in order, and the addresses of each: netlink and `/proc` have them in different orders.
fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| {
            let mut parts: Vec<&str> =
                line.split("InterfaceAddress ").map(|part| part.trim_matches([',', ' ', ']', '}'])).collect();
            parts.sort_unstable();
            parts.join(";")
        })
        .collect();
    lines.sort_unstable();
    lines
}

// Scar 77.
fn lookups_work_without_netlink_and_proc() {
    let Pair { a: _a, b } = host();
    let eth0 = by_name(&b, "eth0");
    let index = eth0.index().to_string();
    for (part, nth) in [("by_index", 1), ("by_name", 2)] {
        let options = refuse("socket", &format!("error=EPERM:when={nth}"));
        let (found, _) = run_traced(&b, part, &index, &strs(&options), true);
        assert!(found.contains("name: \"eth0\"") && found.contains("addresses: []"), "{found}");
        assert!(found.contains("UP") && found.contains("MULTICAST"), "{found}");
    }
}

// Scar 77: Android forbids the list of links, and the files, and permits the list of addresses.
fn interfaces_with_addresses_are_listed_where_links_are_not() {
    let Pair { a: _a, b } = host();
    // strace calls it `send` in 32-bit programs.
    let options = refuse("/^send(to)?$", "error=EACCES:when=1");
    let (found, trace) = run_traced(&b, "all", "", &strs(&options), true);
    assert!(trace.contains("INJECTED"), "{trace}");
    let with_addresses = all_on(&b).into_iter().filter(|interface| !interface.addresses().is_empty());
    assert_eq!(sorted(&found), sorted(&short(&lines(with_addresses))));
}
