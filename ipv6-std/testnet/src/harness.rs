//! A harness for tests that declare what they need of the machine. A test whose need is not met is ignored, and its
//! name and the reason are printed. With `IPV6_REQUIRE_ALL=1` it fails instead. A test that runs for more than 180 seconds,
//! or those in `IPV6_TEST_SECONDS`, hangs: its program ends. `IPV6_DELIVER_LATE=0` delays packets: see CONTRIBUTING.md.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;
use std::{env, fs, panic, process, thread};

use libtest_mimic::{Arguments, Failed, Trial};

use crate::host::{Host, enter};

/// One test.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// Its name.
    pub name: &'static str,
    /// What it needs of the machine.
    pub needs: &'static [Need],
    /// The test. It fails by panicking.
    pub run: fn(),
}

/// What a test may need of the machine.
///
/// A test with one of the first four needs runs in a new network namespace, with loopback up and the privileges of
/// root; there it may make hosts. All other tests share one namespace, or the original one where namespaces are
/// forbidden: they may use loopback, and ports that the system chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Network namespaces.
    Namespace,
    /// ICMPv6 datagram sockets.
    PingSocket,
    /// Raw ICMPv6 sockets.
    RawSocket,
    /// Packet sockets (`AF_PACKET`), which capture the packets of a link.
    Capture,
    /// IPv4 on loopback.
    Ipv4,
    /// A C compiler whose programs run here, with pointers as wide as those of this program. See [`cc`].
    CCompiler,
    /// The program `strace`, with the permission to trace.
    Strace,
    /// The constrained example programs, as `scripts/constrained` builds them.
    Constrained,
    /// A program in `PATH`, in `/usr/sbin` (which an ordinary user's `PATH` lacks) or in `/usr/lib/frr`. See
    /// [`program`].
    Program(&'static str),
    /// A feature that a probe tries.
    Probed(Probe),
}

/// A feature that a system may lack, and how to try it.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Its name.
    pub name: &'static str,
    /// Tries the feature. The error is the system's answer.
    pub run: fn() -> Result<(), String>,
}

impl PartialEq for Probe {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Probe {}

impl Need {
    fn is_in_namespace(self) -> bool {
        matches!(self, Self::Namespace | Self::PingSocket | Self::RawSocket | Self::Capture)
    }

    /// `Ok` if the machine meets the need, else the reason. Each need is tried once.
    fn met(self) -> Result<(), String> {
        static FOUND: Mutex<Vec<(Need, Result<(), String>)>> = Mutex::new(Vec::new());
        let found = || FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        let known = found().iter().find(|(need, _)| *need == self).map(|(_, met)| met.clone());
        known.unwrap_or_else(|| {
            // Without the lock: the probe of one need may ask for another need.
            let met = self.probe();
            found().push((self, met.clone()));
            met
        })
    }

    fn probe(self) -> Result<(), String> {
        if self.is_in_namespace() && self != Self::Namespace {
            Self::Namespace.met()?;
        }
        match self {
            Self::Namespace => enter().map_err(|error| error.to_string()),
            Self::PingSocket | Self::RawSocket | Self::Capture => opens(self),
            Self::Ipv4 => {
                let bound = UdpSocket::bind("127.0.0.1:0");
                bound.map(drop).map_err(|error| format!("there is no IPv4 loopback: {error}"))
            }
            Self::CCompiler => compiles(),
            Self::Strace => succeeds(Command::new("strace").args(["-qq", "-o", "/dev/null", "true"])),
            Self::Constrained => match CONSTRAINED.iter().all(|name| constrained(name).is_some()) {
                true => Ok(()),
                false => Err("run `scripts/constrained` first: it builds the programs".into()),
            },
            Self::Program(name) => match program(name) {
                Some(_) => Ok(()),
                None => Err(format!("the program `{name}` is not installed")),
            },
            Self::Probed(probe) => (probe.run)().map_err(|answer| format!("no {}: {answer}", probe.name)),
        }
    }
}

#[cfg(target_os = "linux")]
fn opens(need: Need) -> Result<(), String> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
    let (what, family, kind, protocol) = match need {
        Need::PingSocket => {
            ("ICMPv6 datagram sockets", AddressFamily::Inet6, SockType::Datagram, SockProtocol::IcmpV6)
        }
        Need::Capture => ("packet sockets", AddressFamily::Packet, SockType::Raw, SockProtocol::EthAll),
        _ => ("raw sockets", AddressFamily::Inet6, SockType::Raw, SockProtocol::IcmpV6),
    };
    let opened = socket(family, kind, SockFlag::SOCK_CLOEXEC, protocol);
    opened.map(drop).map_err(|errno| format!("this machine forbids {what}: socket: {errno}"))
}

#[cfg(not(target_os = "linux"))]
fn opens(_: Need) -> Result<(), String> {
    Err("sockets of this kind are only tried on Linux".into())
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("`{program}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    // The reason is one line.
    let stderr = String::from_utf8_lossy(&output.stderr);
    let line = stderr.lines().find(|line| line.contains("error")).or_else(|| stderr.lines().next());
    Err(format!("`{program}`: {} ({})", line.unwrap_or_default(), output.status))
}

/// The C compiler, with options for the pointer width of this program, and with warnings as errors.
pub fn cc() -> Command {
    let mut command = Command::new("cc");
    if cfg!(target_arch = "x86") {
        // Debian installs the kernel's headers in a folder that the compiler searches for 64 bits only.
        command.args(["-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"]);
    } else if cfg!(target_arch = "x86_64") {
        command.arg("-m64");
    }
    command.args(["-Wall", "-Werror", "-D_GNU_SOURCE"]);
    command
}

/// Builds and runs a program that includes a header of the C library. With `-m32`, a machine often has the compiler and
/// lacks the library.
fn compiles() -> Result<(), String> {
    let source = format!(
        "#include <sys/socket.h>\n\
         _Static_assert(sizeof(void *) == {}, \"wide pointers\");\n\
         int main(void) {{ return 0; }}\n",
        size_of::<usize>()
    );
    let folder = env::temp_dir().join(format!("ipv6-testnet-{}", process::id()));
    let (file, program) = (folder.join("probe.c"), folder.join("probe"));
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, source));
    let built = written
        .map_err(|error| format!("{}: {error}", file.display()))
        .and_then(|()| succeeds(cc().arg(&file).arg("-o").arg(&program)))
        .and_then(|()| succeeds(&mut Command::new(&program)));
    let _ = fs::remove_dir_all(folder);
    built
}

/// The constrained example programs.
const CONSTRAINED: [&str; 4] = ["listen", "send", "responder", "advertisements"];

/// The path of a constrained example program, if it is built: below the folder in `IPV6_CONSTRAINED`, or else where
/// `scripts/constrained` puts it, in the target folder of this program or in its own.
pub fn constrained(program: &str) -> Option<PathBuf> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ipv6-sys/examples/constrained/target");
    let folders: Vec<PathBuf> = match env::var_os("IPV6_CONSTRAINED") {
        Some(folder) => vec![folder.into()],
        None => {
            // CARGO_TARGET_DIR is no help: it may be relative to an unknown folder.
            let this = env::current_exe().unwrap_or_default();
            this.ancestors().skip(1).map(PathBuf::from).chain([own.into()]).collect()
        }
    };
    let program = Path::new("x86_64-unknown-linux-musl/release").join(program);
    folders.iter().map(|folder| folder.join(&program)).find(|program| program.exists())
}

/// The path of a program, if it is installed where [`Need::Program`] looks.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/lib/frr".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The `main` of a test program: takes the usual arguments of a Rust test program, enters a namespace, runs the tests
/// and exits. See [`tests!`](crate::tests).
pub fn main(tests: &[Test]) -> ! {
    let arguments = Arguments::from_args();
    // `--list` needs no probes. `--list --ignored` does: cargo-nextest takes the ignored tests from it, and counts a
    // test that is missing there, and is then skipped, as passed.
    let asked = !arguments.list || arguments.ignored;
    if asked {
        // Before the first thread starts. The result is kept for the tests that need it.
        let _ = Need::Namespace.met();
    }
    let require_all = env::var_os("IPV6_REQUIRE_ALL").is_some_and(|value| value == "1");
    let trials = tests.iter().map(|test| {
        let plain = trial(*test);
        // Tests that are filtered out need no probes. `--ignored` selects by the result of the probes.
        let selected = Arguments { ignored: false, ..arguments.clone() };
        if !asked || selected.is_filtered_out(&plain) {
            return plain;
        }
        let Some(reason) = test.needs.iter().find_map(|need| need.met().err()) else { return plain };
        if !arguments.list && !require_all {
            eprintln!("skipped {}: {reason}", test.name);
        }
        // `--include-ignored` runs it, and it fails with the reason.
        Trial::test(test.name, move || Err(Failed::from(reason))).with_ignored_flag(!require_all)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit()
}

/// The time after which a test counts as hanging: that of `IPV6_TEST_SECONDS`, for long runs and slow machines.
fn limit() -> Duration {
    let seconds =
        env::var("IPV6_TEST_SECONDS").map(|text| text.parse().expect("IPV6_TEST_SECONDS: a number"));
    Duration::from_secs(seconds.unwrap_or(180))
}

fn trial(test: Test) -> Trial {
    Trial::test(test.name, move || {
        let work = move || -> Result<(), Failed> {
            if !test.needs.iter().any(|need| need.is_in_namespace()) {
                (test.run)();
                return Ok(());
            }
            Host::new(test.name)?.run(test.run);
            Ok(())
        };
        // A named thread, also with --test-threads=1, so that a panic message contains the name of the test.
        let (done, ended) = mpsc::channel::<()>();
        let work = move || {
            let _done_when_dropped = done;
            work()
        };
        let test_thread = thread::Builder::new().name(test.name.into()).spawn(work)?;
        let limit = limit();
        if let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(limit) {
            // A thread cannot be stopped, and a test program that hangs would print nothing.
            eprintln!("test {} hangs: still running after {} s", test.name, limit.as_secs());
            process::abort();
        }
        test_thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

/// Generates the `main` of a test program from one line for each test, with its needs ([`Need`]) in brackets.
///
/// ```
/// ipv6_testnet::tests! {
///     [] parse_a_header,
///     [Namespace] join_and_leave,
///     [PingSocket, Strace] echo_with_interruptions,
///     [Namespace, Program("ping")] echo_to_ping,
/// }
///
/// fn parse_a_header() {}
/// fn join_and_leave() {}
/// fn echo_with_interruptions() {}
/// fn echo_to_ping() {}
/// ```
#[macro_export]
macro_rules! tests {
    // A line may end with a comma or a semicolon.
    ($([$($need:ident $(($what:expr))?),* $(,)?] $test:path $(,)? $(;)?)*) => {
        fn main() {
            $crate::main(&[$($crate::Test {
                name: stringify!($test),
                needs: &[$($crate::Need::$need $(($what))?),*],
                run: $test,
            }),*])
        }
    };
}
