//! Lists of interfaces and addresses without an allocator, compared with `ip`; and source addresses.

use std::collections::BTreeSet;
use std::net::Ipv6Addr;

use ipv6_core::InterfaceIndex;
use ipv6_sys::interface::{self, Entry};
use ipv6_sys::{Errno, Error, retry, socket};
use ipv6_testnet::{Host, Pair};

ipv6_testnet::tests! {
    [Namespace] the_list_is_that_of_the_program_ip;
    [Namespace] the_source_address_is_that_of_the_interface;
    [Namespace] without_a_route_or_an_interface_there_is_no_source;
}

/// How many interfaces, and how many addresses on one of them: more than one datagram of netlink has.
const MANY: usize = 320;

type List = (BTreeSet<(u32, String)>, BTreeSet<(u32, Ipv6Addr, u8)>);

fn list(host: &Host, only: Option<InterfaceIndex>) -> List {
    let (mut links, mut addresses) = List::default();
    let visit = |entry| match entry {
        Entry::Interface { index, name, .. } => assert!(links.insert((index.get(), name.as_str().into()))),
        Entry::Address { on, address, prefix_len, .. } => {
            assert!(addresses.insert((on.get(), address, prefix_len)));
        }
        _ => {}
    };
    host.run(|| match only {
        None => interface::for_each(visit),
        Some(only) => interface::for_one(only, visit),
    })
    .unwrap();
    (links, addresses)
}

/// The same from `ip -o`: `7: eth0    inet6 fe80::1/64 scope link …` and `7: eth0@if8: <…> …`.
fn list_of_ip(host: &Host) -> List {
    let (links, addresses) = (host.ip("-o link").unwrap(), host.ip("-6 -o addr").unwrap());
    let index = |line: &str| line.split(':').next().unwrap().parse::<u32>().unwrap();
    let links = links.lines().map(|line| {
        let name = line.split(' ').nth(1).unwrap().trim_end_matches(':').split('@').next().unwrap();
        (index(line), name.to_string())
    });
    let addresses = addresses.lines().map(|line| {
        let text = line.split_whitespace().nth(3).unwrap();
        let (address, prefix_len) = text.split_once('/').unwrap();
        (index(line), address.parse().unwrap(), prefix_len.parse().unwrap())
    });
    (links.collect(), addresses.collect())
}

fn the_list_is_that_of_the_program_ip() {
    let host = Host::new("many").unwrap();
    let line = |number| {
        format!("link add d{number} type veth peer name e{number}\naddr add 2001:db8::{number:x}/64 dev d0\n")
    };
    let batch: String = (0..MANY / 2).map(line).collect();
    let more: String =
        (0..MANY / 2).map(|number| format!("addr add 2001:db8:1::{number:x}/64 dev e7\n")).collect();
    let batch = batch + &more;
    let file = std::env::temp_dir().join(format!("ipv6-sys-interfaces-{}", std::process::id()));
    std::fs::write(&file, batch).unwrap();
    let answer = host.ip(&format!("-batch {}", file.display()));
    std::fs::remove_file(&file).unwrap();
    answer.unwrap();

    let expected = list_of_ip(&host);
    assert!(expected.0.len() > MANY && expected.1.len() > MANY, "{expected:?}");
    assert_eq!(list(&host, None), expected);
    for name in ["d0", "e7"] {
        let index = host.run(|| interface::index_of(name)).unwrap();
        let (links, addresses) = list(&host, Some(index));
        assert_eq!(links, BTreeSet::from([(index.get(), name.to_string())]));
        assert_eq!(addresses, expected.1.iter().filter(|(on, ..)| *on == index.get()).copied().collect());
    }
    let none = host.run(|| retry(|| interface::for_one(InterfaceIndex::new(9999).unwrap(), |_| {})));
    assert!(interface::is_missing(none.unwrap_err()));
}

fn text(address: &str) -> Ipv6Addr {
    address.parse().unwrap()
}

fn the_source_address_is_that_of_the_interface() {
    let Pair { a, b: _b } = Pair::new().unwrap();
    a.ip("link add other type veth peer name end").unwrap();
    a.ip("link set other up").unwrap();
    a.ip("link set end up").unwrap();
    a.ip("addr add 2001:db8:7::1/64 dev other").unwrap();
    // The routing table prefers eth0.
    a.ip("route add 2001:db8:99::/48 dev eth0 metric 1").unwrap();
    a.ip("route add 2001:db8:99::/48 dev other metric 9").unwrap();
    let [eth0, other] = ["eth0", "other"].map(|name| InterfaceIndex::new(a.index(name).unwrap()).unwrap());
    let towards = |address, on| a.run(|| socket::local_address_towards(address, on));
    let far = text("2001:db8:99::1");
    assert_eq!(towards(far, None), Ok(Pair::A));
    assert_eq!(towards(far, Some(eth0)), Ok(Pair::A));
    assert_eq!(towards(far, Some(other)), Ok(text("2001:db8:7::1")));
    for link_local in [text("fe80::1234"), text("ff02::1")] {
        assert_eq!(towards(link_local, Some(eth0)), Ok(a.link_local("eth0").unwrap()), "{link_local}");
        assert_eq!(towards(link_local, Some(other)), Ok(a.link_local("other").unwrap()), "{link_local}");
    }
    assert_eq!(towards(text("ff05::1"), Some(other)), Ok(text("2001:db8:7::1")));
    assert_eq!(towards(text("::1"), None), Ok(Ipv6Addr::LOCALHOST));
    let mapped = text("::ffff:127.0.0.1");
    assert_eq!(towards(mapped, None), Ok(mapped));
    assert_eq!(towards(mapped, Some(eth0)), Err(Error::Os(Errno::INVAL)));
}

fn without_a_route_or_an_interface_there_is_no_source() {
    const ENODEV: i32 = 19;
    const ENETUNREACH: i32 = 101;
    let host = Host::new("lonely").unwrap();
    let towards = |address, on| host.run(|| socket::local_address_towards(address, on));
    let far = text("2001:db8:99::1");
    assert_eq!(towards(far, None), Err(Error::Os(Errno::from_raw(ENETUNREACH))));
    assert_eq!(towards(text("fe80::1"), None), Err(Error::Os(Errno::INVAL)));
    let missing = InterfaceIndex::new(9999);
    let answer = towards(far, missing.ok());
    assert!(
        [ENODEV, ENETUNREACH].map(|errno| Err(Error::Os(Errno::from_raw(errno)))).contains(&answer),
        "{answer:?}"
    );
}
