//! The hosts and links themselves.

use std::fs;
use std::net::{SocketAddrV6, UdpSocket};
use std::time::Duration;

use ipv6_testnet::{Host, Line, Pair};

ipv6_testnet::tests! {
    [Namespace] two_hosts_reach_each_other;
    [Namespace] three_hosts_reach_each_other_through_the_router;
    [Namespace] multicast_crosses_a_link;
    [Namespace] hosts_leave_no_descriptor;
    [Namespace] a_panic_on_a_host_returns_the_thread;
}

fn socket(host: &Host) -> UdpSocket {
    let socket = host.run(|| UdpSocket::bind("[::]:0")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

fn reaches(from: &UdpSocket, to: &UdpSocket, address: SocketAddrV6) {
    from.send_to(b"hello", address).unwrap();
    let mut payload = [0; 16];
    assert_eq!(to.recv(&mut payload).unwrap(), 5);
}

fn port(socket: &UdpSocket) -> u16 {
    socket.local_addr().unwrap().port()
}

fn two_hosts_reach_each_other() {
    let pair = Pair::new().unwrap();
    let (a, b) = (socket(&pair.a), socket(&pair.b));
    reaches(&a, &b, SocketAddrV6::new(Pair::B, port(&b), 0, 0));
    let link_local = pair.a.link_local("eth0").unwrap();
    let scope = pair.b.index("eth0").unwrap();
    reaches(&b, &a, SocketAddrV6::new(link_local, port(&a), 0, scope));
}

fn three_hosts_reach_each_other_through_the_router() {
    let line = Line::new().unwrap();
    let (a, b) = (socket(&line.a), socket(&line.b));
    reaches(&a, &b, SocketAddrV6::new(Line::B, port(&b), 0, 0));
    reaches(&b, &a, SocketAddrV6::new(Line::A, port(&a), 0, 0));
}

fn multicast_crosses_a_link() {
    let pair = Pair::new().unwrap();
    let (a, b) = (socket(&pair.a), socket(&pair.b));
    let group = "ff02::114".parse().unwrap();
    b.join_multicast_v6(&group, pair.b.index("eth0").unwrap()).unwrap();
    reaches(&a, &b, SocketAddrV6::new(group, port(&b), 0, pair.a.index("eth0").unwrap()));
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn hosts_leave_no_descriptor() {
    // Other tests of this program open files meanwhile, so a few more prove nothing; fifty would.
    let before = descriptors();
    for _ in 0..50 {
        Host::new().unwrap();
    }
    assert!(descriptors() < before + 40);
}

fn a_panic_on_a_host_returns_the_thread() {
    let host = Host::new().unwrap();
    let here = || fs::read_link("/proc/thread-self/ns/net").unwrap();
    let before = here();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| host.run(|| panic!("on purpose"))));
    assert!(result.is_err());
    assert_eq!(here(), before);
}
