//! The documentation of options and messages names systems, where some lack the option or message. Reads the sources at run
//! time.

// Nothing here runs code of the crate that Miri could examine.
#![cfg(not(miri))]

#[path = "common/constants.rs"]
mod constants;

use std::fs;
use std::path::{Path, PathBuf};

use constants::CONSTANTS;
use ipv6_core::abi::{Linux64, PLATFORMS, Platform};

/// Whether documentation names a system.
fn names_a_system(documentation: &str) -> bool {
    ["Linux", "Apple", "BSD", "Solaris", "AIX", "Windows"].iter().any(|system| documentation.contains(system))
}

#[test]
fn the_documentation_of_an_option_that_systems_lack_names_systems() {
    let lacks = |name: &str| {
        let of =
            |(_, abi): &(_, ipv6_core::Abi)| abi.options.rows().into_iter().find(|(row, _)| *row == name);
        PLATFORMS.iter().any(|platform| of(platform).is_some_and(|(_, number)| number.is_none()))
    };
    let silent: Vec<_> = CONSTANTS
        .iter()
        .filter(|(_, documentation, c)| lacks(c) && !names_a_system(documentation))
        .map(|(name, ..)| name)
        .collect();
    assert!(silent.is_empty(), "add the systems to the documentation in ipv6-core/src/rows.rs: {silent:?}");
    assert!(CONSTANTS.len() > 100 && lacks("UDP_GRO") && !lacks("IPV6_TCLASS"));
}

/// The Rust files in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn the_documentation_of_a_message_that_systems_lack_names_systems() {
    let sources = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let sources: Vec<_> = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    // The lines of documentation before the type, or before its row in a macro.
    let documentation = |message: &str| {
        let starts = ["pub struct ", "pub enum ", ""].map(|keyword| format!("{keyword}{message}"));
        let is_it = |line: &str| {
            let rest = starts.iter().find_map(|start| line.trim_start().strip_prefix(start.as_str()));
            rest.is_some_and(|rest| ["(", "<", " {", ", \"", ";"].iter().any(|end| rest.starts_with(end)))
        };
        let mut found = String::new();
        for source in &sources {
            let lines: Vec<_> = source.lines().collect();
            for at in (0..lines.len()).filter(|at| is_it(lines[*at])) {
                let before = lines[..at].iter().rev().take_while(|line| {
                    let line = line.trim_start();
                    line.starts_with("//") || line.starts_with("#[")
                });
                found.extend(before.filter(|line| line.trim_start().starts_with("///")).copied());
            }
        }
        found
    };
    let lacks = |index: usize| PLATFORMS.iter().any(|(_, abi)| abi.control.rows()[index].1.is_none());
    let (_, list) = include_str!("../src/rows.rs").split_once("macro_rules! for_each_message").unwrap();
    let types = list.lines().skip(3).map_while(|line| line.trim().strip_suffix(';')?.split_once(": "));
    let types: Vec<_> = types.map(|(_, name)| name.trim_end_matches("<'a>")).collect();
    assert_eq!(types.len(), Linux64::ABI.control.rows().len());
    let silent: Vec<_> = (0..types.len())
        .filter(|index| lacks(*index) && !names_a_system(&documentation(types[*index])))
        .map(|index| types[index])
        .collect();
    assert!(silent.is_empty(), "add the systems to the documentation in ipv6-core/src: {silent:?}");
}
