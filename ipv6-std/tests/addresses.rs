//! Addresses and interfaces as text, names and numbers.

mod common;

use std::collections::HashSet;
use std::io::ErrorKind;

use common::*;
use ipv6_std::*;
use ipv6_testnet::Pair;

ipv6_testnet::tests! {
    [] mapped_converts_ipv4_addresses_and_keeps_others;
    [Namespace] parse_scoped_accepts_every_form;
    [Namespace] the_parsed_scope_reaches_the_neighbour;
    [Namespace] a_zone_may_be_an_interface_name_of_digits;
    [Namespace] invalid_scoped_addresses_are_refused;
    [Namespace] missing_interfaces_are_errors_that_name_them;
    [Namespace] interface_names_with_a_zero_byte_are_refused;
    [] an_interface_address_contains_its_prefix;
    [Namespace] interfaces_can_be_keys_of_a_set;
}

fn mapped_converts_ipv4_addresses_and_keeps_others() {
    let text = |address: &str| mapped(address.parse().unwrap()).to_string();
    assert_eq!(text("127.0.0.1:9"), "[::ffff:127.0.0.1]:9");
    assert_eq!(text("[::1]:9"), "[::1]:9");
    let kept = std::net::SocketAddrV6::new(GROUP, 9, 7, 2);
    assert_eq!(mapped(kept.into()), kept);
}

fn parse_scoped_accepts_every_form() {
    let lo = Interface::by_name("lo").unwrap().index().get();
    let parse = |text: &str| parse_scoped(&text.replace("LO", &lo.to_string())).unwrap();
    for (text, address, port, scope) in [
        ("fe80::1%lo", "fe80::1", 0, lo),
        ("[fe80::1%lo]", "fe80::1", 0, lo),
        ("[fe80::1%lo]:53", "fe80::1", 53, lo),
        ("fe80::1%LO", "fe80::1", 0, lo),
        ("[fe80::1%LO]:65535", "fe80::1", 65535, lo),
        ("ff02::1%lo", "ff02::1", 0, lo),
        ("[ff01::1%lo]:1", "ff01::1", 1, lo),
        ("ff32::1%lo", "ff32::1", 0, lo),
        ("fe80::1", "fe80::1", 0, 0),
        ("2001:db8::1", "2001:db8::1", 0, 0),
        ("[2001:db8::1]", "2001:db8::1", 0, 0),
        ("[::]:0", "::", 0, 0),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1", 0, 0),
    ] {
        let got = parse(text);
        let want = std::net::SocketAddrV6::new(address.parse().unwrap(), port, 0, scope);
        assert_eq!(got, want, "{text}");
        // The printed form parses to the same address.
        assert_eq!(parse_scoped(&got.to_string()).unwrap(), want);
    }
}

fn the_parsed_scope_reaches_the_neighbour() {
    let Pair { a, b } = Pair::new().unwrap();
    let receiver = on(&b);
    let address = format!("[{}%eth0]:{}", b.link_local("eth0").unwrap(), port(&receiver));
    a.run(|| {
        let sender = PacketConn::bind("[::]:0").unwrap();
        sender.send_to(b"over eth0", &SendControl::new(), parse_scoped(&address).unwrap()).unwrap();
    });
    assert_eq!(receive(&receiver).0, b"over eth0");
}

fn a_zone_may_be_an_interface_name_of_digits() {
    // The link lives as long as both hosts.
    let pair = Pair::new().unwrap();
    let a = &pair.a;
    let lo = a.index("lo").unwrap();
    a.ip("link set eth0 down").unwrap();
    // The name has precedence over the index of another interface.
    a.ip(&format!("link set eth0 name {lo}")).unwrap();
    let index = a.index(&lo.to_string()).unwrap();
    assert_ne!(index, lo);
    assert_eq!(a.run(|| parse_scoped(&format!("fe80::1%{lo}"))).unwrap().scope_id(), index);
}

fn invalid_scoped_addresses_are_refused() {
    for text in [
        "",
        "x",
        "lo",
        "%lo",
        "192.0.2.1",
        "192.0.2.1:53",
        "::1:",
        "[",
        "[]",
        "[::1",
        "::1]",
        "[::1]x",
        "[::1]:",
        "[::1]:65536",
        "[::1]:+1",
        "[::1]:-1",
        "[::1]:1x",
        "[[::1]]:1",
        "fe80::1%",
        "[fe80::1%]:1",
        "fe80::1%0",
        "2001:db8::1%lo",
        "[::1%lo]:1",
        "ff05::1%lo",
        "ff0e::1%1",
        " ::1",
    ] {
        let error = parse_scoped(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}: {error}");
        assert!(error.to_string().starts_with(text), "{error}: without {text}");
    }
}

fn missing_interfaces_are_errors_that_name_them() {
    let missing = |error: std::io::Error, name: &str| {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(&format!("no interface {name}")), "{error}");
    };
    for zone in ["eth99", "lo:1", "25lo", "4000000000", "77", "99999999999", "+1", "-1"] {
        missing(parse_scoped(&format!("fe80::1%{zone}")).unwrap_err(), zone);
        missing(parse_scoped(&format!("[fe80::1%{zone}]:53")).unwrap_err(), zone);
    }
    missing(Interface::by_name("eth99").unwrap_err(), "eth99");
    missing(Interface::by_name("").unwrap_err(), "");
    let index = InterfaceIndex::new(77).unwrap();
    missing(Interface::by_index(index).unwrap_err(), "77");
    missing(Interface::name_of(index).unwrap_err(), "77");
}

// Scar 63: the system stops reading at the zero byte, and found `lo`.
fn interface_names_with_a_zero_byte_are_refused() {
    for error in [Interface::by_name("lo\0x").unwrap_err(), parse_scoped("fe80::1%lo\0x").unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("lo\\0x"), "{error}");
    }
}

fn an_interface_address_contains_its_prefix() {
    let address: std::net::Ipv6Addr = "2001:db8::1".parse().unwrap();
    let other = "2001:db8::2".parse().unwrap();
    for (bits, contains) in [(0, true), (64, true), (126, true), (127, false), (128, false)] {
        assert_eq!(InterfaceAddress::new(address, bits).contains(other), contains, "{bits}");
        assert!(InterfaceAddress::new(address, bits).contains(address));
    }
    assert_eq!(InterfaceAddress::new(address, 200), InterfaceAddress::new(address, 128));
}

fn interfaces_can_be_keys_of_a_set() {
    let all: HashSet<Interface> = Interface::all().unwrap().into_iter().collect();
    assert!(all.contains(&Interface::by_name("lo").unwrap()));
}
