//! Writes the results of a run to files: one table per file, with the machine and the versions.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use ipv6_benches::peers::go::Go;

/// A table: column names and rows, all as text.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Returns the folder of the tables and charts: `IPV6_RECORD`, or `benches/record`.
pub fn folder() -> PathBuf {
    let chosen = std::env::var_os("IPV6_RECORD").map(PathBuf::from);
    chosen.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/record")))
}

impl Table {
    pub fn new(name: &'static str, head: &[&str]) -> Self {
        Self { name, head: head.iter().copied().map(String::from).collect(), rows: Vec::new() }
    }

    /// Adds a row and prints it.
    pub fn push(&mut self, row: Vec<String>) {
        assert_eq!(row.len(), self.head.len());
        let widths = [34, 30, 34];
        let mut line = String::new();
        for (index, cell) in row.iter().enumerate() {
            // Align text to the left, numbers to the right.
            let width = if cell.parse::<f64>().is_ok() { 10 } else { *widths.get(index).unwrap_or(&0) };
            let _ = match cell.parse::<f64>() {
                Ok(_) => write!(line, "{cell:>width$}  "),
                Err(_) => write!(line, "{cell:<width$}  "),
            };
        }
        println!("{}", line.trim_end());
        self.rows.push(row);
    }

    /// Writes the table to the file with its name.
    pub fn save(&self) -> io::Result<()> {
        let mut text = format!("# {}\n{}\n", machine(), self.head.join(","));
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| quoted(cell)).collect();
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        fs::create_dir_all(folder())?;
        fs::write(folder().join(self.name).with_extension("csv"), text)
    }

    /// Reads a table. `None` if its file does not exist.
    pub fn load(name: &'static str) -> io::Result<Option<Self>> {
        let text = match fs::read_to_string(folder().join(name).with_extension("csv")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut lines = text.lines().filter(|line| !line.starts_with('#')).map(cells);
        let Some(head) = lines.next() else { return Ok(None) };
        Ok(Some(Self { name, head, rows: lines.collect() }))
    }

    /// Returns the index of the column with this name.
    ///
    /// # Panics
    ///
    /// If there is no such column.
    pub fn column(&self, head: &str) -> usize {
        let found = self.head.iter().position(|column| column == head);
        found.unwrap_or_else(|| panic!("{} has no column {head}", self.name))
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.into() }
}

fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut inside) = (Vec::new(), String::new(), false);
    for character in line.chars() {
        match character {
            '"' => inside = !inside,
            ',' if !inside => cells.push(std::mem::take(&mut cell)),
            character => cell.push(character),
        }
    }
    cells.push(cell);
    cells
}

/// Describes the machine and the versions in one line.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cpus = std::thread::available_parallelism().map_or(0, |count| count.get());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    [
        printed(Command::new("date").args(["-u", "+%Y-%m-%d"])),
        format!("{} x {cpus}", cpu.map_or("unknown processor", |(_, name)| name)),
        format!("Linux {}", kernel.trim()),
        printed(Command::new(rustc).arg("--version")),
        format!("ipv6-std {}{}", printed(&mut git(&["describe", "--always", "--exclude=*"])), changed()),
        crates(),
        Go::version(),
    ]
    .join("; ")
}

fn printed(command: &mut Command) -> String {
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output();
    match output.ok().filter(|output| output.status.success()) {
        Some(output) => String::from_utf8_lossy(&output.stdout).trim().into(),
        None => "unknown".into(),
    }
}

fn git(arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments);
    command
}

/// Returns a mark if files other than the results differ from that version.
fn changed() -> &'static str {
    let unchanged = &mut git(&["diff", "--quiet", "HEAD", "--", ":/", ":(exclude)record"]);
    let status = unchanged.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    if status.is_ok_and(|status| status.success()) { "" } else { "-dirty" }
}

/// Returns the versions of the other libraries.
fn crates() -> String {
    let lock = include_str!("../../Cargo.lock");
    let versions = ["libc", "nix", "quinn", "quinn-udp", "socket2"].map(|name| {
        let named = format!("name = \"{name}\"\n");
        let packages = lock.split("[[package]]").filter(|package| package.contains(&named));
        // quinn uses another version of quinn-udp.
        let versions: Vec<_> =
            packages.filter_map(|package| package.split("version = \"").nth(1)?.split('"').next()).collect();
        format!("{name} {}", versions.join(" and "))
    });
    versions.join(", ")
}
