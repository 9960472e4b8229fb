//! Network interfaces.

use std::net::Ipv6Addr;

use ipv6_std::{Interface, InterfaceIndex, parse_scoped};

use super::child::Case;

pub fn run(case: &Case<'_>) -> bool {
    // Loopback.
    let index = InterfaceIndex::new(1).unwrap();
    let is_lo = |lo: &Interface| {
        assert_eq!(lo.name(), "lo");
        assert!(lo.addresses().iter().any(|of| of.address == Ipv6Addr::LOCALHOST), "{lo:?}");
    };
    match case.call {
        "Interface::all" => case.check(|| {
            let all = Interface::all()?;
            is_lo(all.iter().find(|interface| interface.index() == index).unwrap());
            Ok(Some(()))
        }),
        "Interface::by_name" => case.check(|| Interface::by_name("lo").map(|lo| is_lo(&lo)).map(Some)),
        "Interface::by_index" => case.check(|| Interface::by_index(index).map(|lo| is_lo(&lo)).map(Some)),
        "Interface::name_of" => {
            case.check(|| Interface::name_of(index).map(|name| assert_eq!(name, "lo")).map(Some));
        }
        "parse_scoped" => case.check(|| {
            let parsed = parse_scoped("[fe80::1%lo]:7")?;
            assert_eq!(parsed.scope_id(), 1);
            Ok(Some(()))
        }),
        _ => return false,
    }
    true
}
