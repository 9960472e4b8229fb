//! Tests that say what they need of the machine. What it lacks makes a test ignored, by name and with the
//! reason, and counted as such; with `IPV6_REQUIRE_ALL=1` it makes the test fail.

use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Trial};
use nix::sched::{CloneFlags, unshare};

use crate::host;

/// One test.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// Its name.
    pub name: &'static str,
    /// What it needs.
    pub needs: &'static [Need],
    /// The test; it fails by panicking.
    pub run: fn(),
}

/// What a test may need of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Network namespaces: the test runs in a fresh one of its own, with loopback up, and may make more.
    Namespace,
    /// IPv4 on loopback.
    Ipv4,
    /// A C compiler that makes programs like this one.
    CCompiler,
    /// The program `strace`, allowed to trace.
    Strace,
    /// The constrained example programs, as `scripts/constrained` builds them.
    Constrained,
}

/// The C compiler's options for programs with pointers as wide as this program's. Debian has the kernel's
/// headers for x86 of either width in one place, in which only the compiler for 64 bits looks.
const C_WIDTH: &[&str] =
    if cfg!(target_arch = "x86") { &["-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"] } else { &[] };

impl Need {
    /// Whether the machine has it; if not, why. Asked once for each need.
    fn met(self, namespaces: &Result<(), String>) -> Result<(), String> {
        static COMPILER: OnceLock<Result<(), String>> = OnceLock::new();
        static STRACE: OnceLock<Result<(), String>> = OnceLock::new();
        match self {
            Self::Namespace => namespaces.clone(),
            Self::Ipv4 => {
                let bound = UdpSocket::bind("127.0.0.1:0");
                bound.map(drop).map_err(|error| format!("there is no IPv4 loopback: {error}"))
            }
            Self::CCompiler => COMPILER.get_or_init(compiles).clone(),
            Self::Strace => {
                STRACE.get_or_init(|| runs(Command::new("strace").arg("-qq").arg("true"))).clone()
            }
            Self::Constrained => match constrained("listen").zip(constrained("send")) {
                Some(_) => Ok(()),
                None => Err("scripts/constrained has not built the programs yet".into()),
            },
        }
    }
}

fn runs(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// Whether a program that includes a header of the C library and is as wide as this one can be built.
fn compiles() -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("ipv6-testnet-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let (source, program) = (folder.join("probe.c"), folder.join("probe"));
    std::fs::write(&source, "#include <sys/socket.h>\nint main(void) { return 0; }\n")
        .map_err(|error| error.to_string())?;
    let built =
        runs(cc().arg(&source).arg("-o").arg(&program)).and_then(|()| runs(&mut Command::new(&program)));
    let _ = std::fs::remove_dir_all(folder);
    built
}

/// The C compiler, for programs as wide as this one.
pub fn cc() -> Command {
    let mut command = Command::new("cc");
    command.args(C_WIDTH).args(["-Wall", "-Werror", "-D_GNU_SOURCE"]);
    command
}

/// One of the constrained example programs, if it is built: below the folder that `IPV6_CONSTRAINED` names, or
/// where `scripts/constrained` puts it.
pub fn constrained(program: &str) -> Option<PathBuf> {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ipv6-sys/examples/constrained/target");
    let folder = std::env::var_os("IPV6_CONSTRAINED").map_or(PathBuf::from(built), PathBuf::from);
    let program = folder.join("x86_64-unknown-linux-musl/release").join(program);
    program.exists().then_some(program)
}

/// The `main` of a test program that has its own: takes the arguments of any Rust test program, moves into
/// namespaces of its own, and runs the tests.
pub fn main(tests: &[Test]) -> ExitCode {
    let arguments = Arguments::from_args();
    // A list wants no namespaces, and nothing but the list on its output.
    let namespaces = if arguments.list { Ok(()) } else { host::enter().map_err(|error| error.to_string()) };
    let required = std::env::var_os("IPV6_REQUIRE_ALL").is_some_and(|value| value == "1");
    let trials = tests.iter().map(|test| {
        let lacking = if arguments.list {
            None
        } else {
            test.needs.iter().find_map(|need| need.met(&namespaces).err())
        };
        trial(*test, lacking, required)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn trial(test: Test, lacking: Option<String>, required: bool) -> Trial {
    match lacking {
        Some(reason) if required => {
            Trial::test(test.name, move || Err(format!("needs more: {reason}").into()))
        }
        Some(reason) => {
            eprintln!("skipped {}: {reason}", test.name);
            Trial::test(test.name, || Ok(())).with_ignored_flag(true)
        }
        None => Trial::test(test.name, move || {
            if test.needs.contains(&Need::Namespace) {
                // This thread is the test's own, or between tests: each has a network to itself.
                unshare(CloneFlags::CLONE_NEWNET)?;
                host::prepare()?;
            }
            (test.run)();
            Ok(())
        }),
    }
}

/// Writes the `main` of a test program: one line for each test, with what it needs.
///
/// ```
/// ipv6_testnet::tests! {
///     [Namespace] join_and_leave;
///     [] parse_a_header;
/// }
///
/// fn join_and_leave() {}
/// fn parse_a_header() {}
/// ```
#[macro_export]
macro_rules! tests {
    ($([$($need:ident),*] $test:ident;)*) => {
        fn main() -> std::process::ExitCode {
            $crate::main(&[$($crate::Test {
                name: stringify!($test),
                needs: &[$($crate::Need::$need),*],
                run: $test,
            }),*])
        }
    };
}
