//! Go's `golang.org/x/net/ipv6`: a program of its own (`go/main.go`), built by the Go toolchain where there is one.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::Peer;
use crate::work::Work;

pub struct Go {
    child: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl Go {
    /// Builds the program and starts it. Debian has the package in /usr/share/gocode.
    pub fn new() -> io::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/peers/go");
        let program = std::env::temp_dir().join(format!("ipv6-benches-go-{}", std::process::id()));
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(&program).arg("main.go").current_dir(folder);
        build.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode").env("GOFLAGS", "-trimpath");
        let output = build.output().map_err(|error| io::Error::other(format!("no Go toolchain: {error}")))?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let child = Command::new(&program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        std::fs::remove_file(&program)?;
        let mut child = child?;
        let (ask, answer) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Ok(Self { child, ask, answer: BufReader::new(answer) })
    }
}

impl Peer for Go {
    fn name(&self) -> &'static str {
        "Go x/net/ipv6"
    }

    fn can(&self, work: Work) -> bool {
        matches!(work, Work::One | Work::Plain | Work::Batch(_))
    }

    fn run(&mut self, work: Work) {
        self.time(work, 1);
    }

    fn time(&mut self, work: Work, count: usize) -> f64 {
        let batch = match work {
            Work::Batch(count) => count,
            Work::Plain => 0,
            _ => 1,
        };
        writeln!(self.ask, "{batch} {count}").unwrap();
        let mut line = String::new();
        self.answer.read_line(&mut line).unwrap();
        line.trim().parse().unwrap_or_else(|error| panic!("Go's program said {line:?}: {error}"))
    }
}

impl Drop for Go {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
