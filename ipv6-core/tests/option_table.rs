//! The tables of options and messages by system in PLATFORM.md, which `scripts/option-table` writes: they are compared with
//! the platforms' tables here.

// Nothing here runs code of the crate that Miri could examine.
#![cfg(not(miri))]

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use ipv6_core::abi::{
    Abi, Aix, Apple, DragonFly, FreeBsd64, Linux64, NetBsd64, OpenBsd64, Platform, Solaris, Windows64,
};

const START: &str = "<!-- scripts/option-table writes what follows -->\n";
const END: &str = "<!-- end of what scripts/option-table writes -->\n";

static SYSTEMS: [(&str, Abi); 9] = [
    ("Linux", Linux64::ABI),
    ("Apple", Apple::ABI),
    ("FreeBSD", FreeBsd64::ABI),
    ("DragonFly", DragonFly::ABI),
    ("NetBSD", NetBsd64::ABI),
    ("OpenBSD", OpenBsd64::ABI),
    ("Solaris", Solaris::ABI),
    ("AIX", Aix::ABI),
    ("Windows", Windows64::ABI),
];

const IPPROTO_IPV6: i32 = 41;

/// A table with a row for each name. A cell is the number, with the level if that is not `IPPROTO_IPV6`.
fn table(title: &str, names: Vec<&str>, cell: impl Fn(&Abi, usize) -> Option<(i32, i32)>) -> String {
    let systems = SYSTEMS.map(|(name, _)| name).join(" | ");
    let mut text = format!("| {title} | {systems} |\n|---|{}\n", "---|".repeat(SYSTEMS.len()));
    for (row, name) in names.iter().enumerate() {
        write!(text, "| `{name}` |").unwrap();
        for (_, abi) in &SYSTEMS {
            match cell(abi, row) {
                Some((IPPROTO_IPV6, number)) => write!(text, " {number} |"),
                Some((0xffff, number)) => write!(text, " S/{number} |"),
                Some((1, number)) => write!(text, " S/{number} |"),
                Some((level, number)) => write!(text, " {level}/{number} |"),
                None => write!(text, " – |"),
            }
            .unwrap();
        }
        text.push('\n');
    }
    text
}

/// What PLATFORM.md has between the marks.
fn tables() -> String {
    let options = table("Option", Linux64::ABI.options.rows().map(|(name, _)| name).into(), |abi, row| {
        abi.options.rows()[row].1.map(|number| (number.level, number.name))
    });
    let messages = table("Message", Linux64::ABI.control.rows().map(|(name, _)| name).into(), |abi, row| {
        abi.control.rows()[row].1.map(|number| (number.level, number.kind))
    });
    format!("\n{options}\n{messages}\n")
}

#[test]
fn platform_md_has_the_numbers_of_the_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../PLATFORM.md");
    // The package of this crate has no PLATFORM.md.
    let Ok(text) = fs::read_to_string(&path) else { return };
    let (before, rest) = text.split_once(START).expect("PLATFORM.md has no mark where the tables start");
    let (now, after) = rest.split_once(END).expect("PLATFORM.md has no mark where the tables end");
    if env::var_os("IPV6_WRITE_OPTION_TABLE").is_some() {
        return fs::write(&path, [before, START, &tables(), END, after].concat()).unwrap();
    }
    assert!(
        now == tables(),
        "PLATFORM.md differs from the tables in ipv6-core/src/abi: run scripts/option-table"
    );
}
