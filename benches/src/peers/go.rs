//! Go's `golang.org/x/net/ipv6`: a separate program (`benches/peers/go`), which is started for each round.

use std::env;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::work::Work;

/// The compiled program.
#[derive(Debug)]
pub struct Go {
    program: PathBuf,
}

/// Why the program could not be compiled.
#[derive(Debug)]
pub struct Absent(String);

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where Debian's package `golang-golang-x-net-dev` installs its sources.
const DEBIAN: &str = "/usr/share/gocode";

impl Go {
    /// Compiles the program into the folder of this one, with x/net from `GOPATH` or from Debian's package.
    pub fn build() -> Result<Self, Absent> {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/go/main.go");
        let folder = env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
        let program = folder.unwrap_or_else(env::temp_dir).join("ipv6-benches-go");
        let path = env::var_os("GOPATH").unwrap_or_else(|| DEBIAN.into());
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(&program).arg(source).env("GO111MODULE", "off").env("GOPATH", path);
        let output = build.output().map_err(|_| Absent("no Go toolchain".into()))?;
        if output.status.success() {
            return Ok(Self { program });
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(Absent(format!("go build: {}", errors.lines().next().unwrap_or_default())))
    }

    /// Does the work this many times, and returns the nanoseconds per piece.
    pub fn time(&self, work: Work, times: usize) -> io::Result<f64> {
        let control = match work.control {
            Work::NONE => "none",
            Work::INFO => "info",
            _ => "three",
        };
        let mut command = Command::new(&self.program);
        command.arg(control).args([work.count, work.size, times].map(|number| number.to_string()));
        let output = command.output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        match printed.trim().parse::<f64>() {
            Ok(nanoseconds) if output.status.success() => Ok(nanoseconds),
            _ => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
        }
    }

    /// Returns the version of Go and, if it is Debian's package, that of x/net.
    pub fn version() -> String {
        let printed = |command: &mut Command| {
            let output = command.output().ok().filter(|output| output.status.success())?;
            Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
        };
        let go = printed(Command::new("go").arg("version")).unwrap_or_else(|| "no Go".into());
        let net = printed(Command::new("dpkg-query").args(["-Wf", "${Version}", "golang-golang-x-net-dev"]));
        let go = go.trim_start_matches("go version ").to_string();
        net.map_or(go.clone(), |net| format!("{go}, x/net {net}"))
    }
}
