//! The text of a control message of any platform: its numbers do not name it, so the names on all platforms are listed.

use core::fmt;

use super::Control;
use crate::abi::{ControlNumber, PLATFORMS};
use crate::cmsg::RawMessage;

/// A level, a type, and the index in `Control::ALL` of a message that has them on some platform.
type Row = (i32, i32, usize);

/// Each pair of numbers with each message that has it on some platform, once. The compiler makes the table, so that a
/// program contains this instead of the tables of all platforms.
const NAMES: [Row; COLLECTED.1] = shortened(COLLECTED.0);
/// The rows and their number. Every build evaluates it, so it is evaluated once.
const COLLECTED: ([Row; MOST], usize) = collect();
/// More than there are rows.
const MOST: usize = 512;

/// Returns the rows and their number. Fails to compile if there are more than [`MOST`].
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the compiler evaluates it, and reports a mistake as an error"
)]
const fn collect() -> ([Row; MOST], usize) {
    let mut rows = [(0, 0, 0); MOST];
    let (mut count, mut platforms) = (0, PLATFORMS);
    let mut before = [("", None); Control::ALL.len()];
    while let [(_, platform), other_platforms @ ..] = platforms {
        let numbers = platform.control.rows();
        let mut message = 0;
        while message < Control::ALL.len() {
            if let Some(ControlNumber { level, kind, .. }) = numbers[message].1 {
                // Most platforms have the number of the platform before.
                let mut is_known = is(before[message].1, level, kind);
                let mut row = 0;
                while !is_known && row < count {
                    is_known = rows[row].0 == level && rows[row].1 == kind && rows[row].2 == message;
                    row += 1;
                }
                if !is_known {
                    rows[count] = (level, kind, message);
                    count += 1;
                }
            }
            message += 1;
        }
        (before, platforms) = (numbers, other_platforms);
    }
    (rows, count)
}

const fn is(number: Option<ControlNumber>, level: i32, kind: i32) -> bool {
    matches!(number, Some(number) if number.level == level && number.kind == kind)
}

/// The first `N` rows.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "the compiler evaluates it")]
const fn shortened<const N: usize>(rows: [Row; MOST]) -> [Row; N] {
    let mut first = [(0, 0, 0); N];
    let mut row = 0;
    while row < N {
        first[row] = rows[row];
        row += 1;
    }
    first
}

impl Control {
    /// Returns the messages that have this level and this type, on any platform of the list.
    fn any_with(level: i32, kind: i32) -> impl Iterator<Item = Self> {
        NAMES
            .iter()
            .filter(move |row| (row.0, row.1) == (level, kind))
            .filter_map(|row| Self::ALL.get(row.2).copied())
    }
}

impl fmt::Display for RawMessage<'_> {
    /// The numbers, the names that they have on any platform, and the data in hexadecimal, such as
    /// `level 41, type 67 (IPV6_TCLASS or IPV6_FLOWID): e0 00 00 00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "level {}, type {}", self.level, self.kind)?;
        let mut separator = " (";
        for control in Control::any_with(self.level, self.kind) {
            write!(f, "{separator}{control}")?;
            separator = " or ";
        }
        f.write_str(if separator == " (" { ":" } else { "):" })?;
        self.data.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_names_and_its_bytes() {
        let text = |level, kind, data: &[u8]| RawMessage::new(level, kind, data).to_string();
        assert_eq!(text(41, 77, &[0xe0, 0]), "level 41, type 77 (IPV6_RECVFRAGSIZE): e0 00");
        // Linux, two kinds of the BSDs, and Windows.
        let names = "IPV6_PKTINFO or IPV6_DSTOPTS or IPV6_RTHDR or IPV6_ECN";
        assert_eq!(text(41, 50, &[2]), format!("level 41, type 50 ({names}): 02"));
        assert_eq!(text(-1, 7, &[]), "level -1, type 7:");
    }

    #[test]
    fn the_table_has_each_number_of_each_platform_once() {
        for (_, abi) in PLATFORMS {
            for (name, number) in abi.control.rows() {
                let Some(ControlNumber { level, kind, .. }) = number else { continue };
                assert_eq!(
                    Control::any_with(level, kind).filter(|control| control.name() == name).count(),
                    1
                );
            }
        }
    }
}
