//! Measures the CPU time of QUIC: quinn on a socket of this library, and on its own (quinn-udp).

use std::io;

use crate::record::Table;
use crate::timer::Effort;

pub const NAME: &str = "quic";
pub const WORK: &str = "QUIC, bulk transfer";
/// quinn on its own socket, which the others are measured against.
pub const QUINN: &str = "quinn-udp";
/// The same a second time: the precision of the results.
pub const AGAIN: &str = "quinn-udp, again";
/// The column with the ratios.
pub const RATIO: &str = "to quinn-udp";

#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
mod transfer;

/// The cryptography of quinn needs a C compiler for the target, so it is a dependency on one only.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
mod transfer {
    use std::io;

    use crate::record::Table;
    use crate::timer::Effort;

    pub fn measure(_: Effort, table: &mut Table) -> io::Result<()> {
        super::skip(table, "quinn is a dependency on 64-bit Linux with glibc only");
        Ok(())
    }

    pub fn alone(_: &str, _: usize) -> io::Result<Option<()>> {
        Ok(None)
    }
}

/// Runs one program alone with this many megabytes. `None`: there is no such program.
pub use transfer::alone;

/// Measures and writes the table.
pub fn run(effort: Effort) -> io::Result<()> {
    let mut table = Table::new(NAME, &["work", "program", "us of CPU time a megabyte", RATIO]);
    // A round is long enough that the start of the connection, with small windows, counts little.
    let effort = Effort { rounds: effort.rounds.min(11), round: effort.round * 60 };
    transfer::measure(effort, &mut table)?;
    table.save()
}

/// Adds a row that states why the table is empty.
fn skip(table: &mut Table, why: &str) {
    table.push(vec![WORK.into(), format!("skipped: {why}"), String::new(), String::new()]);
}
