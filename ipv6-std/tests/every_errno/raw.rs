//! Opening raw sockets, their options, and multicast routing.

use std::io;
use std::net::Ipv6Addr;

use ipv6_std::*;

use super::child::{Case, descriptors};
use crate::common::SOURCE_GROUP;

pub fn run(case: &Case<'_>) -> bool {
    let icmp6 = Icmp6Type::PROTOCOL;
    match (case.protocol, case.call) {
        (Some(_), "open") => {
            let before = descriptors();
            case.check(|| RawConn::open(icmp6).map(|_| Some(())));
            assert_eq!(descriptors(), before);
        }
        (Some(_), "open_icmp6_unprivileged") => {
            case.check(|| RawConn::open_icmp6_unprivileged().map(|_| Some(())));
        }
        (Some(_), "icmp6_filter") => case.check(|| {
            let conn = RawConn::open(icmp6)?;
            conn.icmp6_filter()?;
            assert_eq!(conn.checksum_offset()?, Some(2));
            assert!(!conn.header_included()?);
            Ok(Some(()))
        }),
        (Some(_), "set_icmp6_filter") => case.check(|| {
            let conn = RawConn::open(icmp6)?;
            conn.set_icmp6_filter(&Icmp6Filter::block_all())?;
            conn.set_header_included(true)?;
            Ok(Some(()))
        }),
        (Some(protocol), "set_checksum_offset") => {
            case.check(|| RawConn::open(protocol)?.set_checksum_offset(Some(2)).map(Some));
        }
        (None, "MulticastRouter") => case.check_once(route),
        _ => return false,
    }
    true
}

/// Makes each call of a router.
fn route() -> io::Result<MulticastRouter> {
    let router = MulticastRouter::open()?;
    let on = InterfaceIndex::new(1).unwrap();
    let (left, right) = (router.add_interface(on)?, router.add_interface(on)?);
    let (source, group) = (Ipv6Addr::LOCALHOST, SOURCE_GROUP);
    let route =
        MulticastRoute { source: Some(source), group, incoming: left, outgoing: MifSet::EMPTY.with(right) };
    router.add_route(&route)?;
    router.route_counters(source, group)?;
    router.interface_counters(left)?;
    router.remove_route(&route)?;
    if let Err(error) = router.remove_interface(left) {
        // The router still has it.
        assert_ne!(router.add_interface(on).unwrap(), left);
        router.remove_interface(left).unwrap();
        assert_eq!(router.add_interface(on).unwrap(), left);
        return Err(error);
    }
    Ok(router)
}
