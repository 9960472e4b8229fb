//! Tests that say what they need of the machine. What it lacks makes a test ignored, by name and with the
//! reason, and counted as such; with `IPV6_REQUIRE_ALL=1` it makes the test fail.

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
    /// What it needs.
    pub needs: &'static [Need],
    /// The test; it fails by panicking.
    pub run: fn(),
}

/// What a test may need of the machine.
///
/// A test with one of the first four runs in a fresh network namespace of its own, with loopback up and the
/// privileges of root, where it may make hosts. Any other test shares one with its like, or runs in the
/// original one where namespaces are forbidden: it may use loopback and ports that the system chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Network namespaces.
    Namespace,
    /// ICMPv6 datagram sockets.
    PingSocket,
    /// Raw ICMPv6 sockets.
    RawSocket,
    /// Packet sockets (`AF_PACKET`), which see what is on a link.
    Capture,
    /// IPv4 on loopback.
    Ipv4,
    /// A C compiler whose programs run here and have pointers as wide as this program's. See [`cc`].
    CCompiler,
    /// The program `strace`, allowed to trace.
    Strace,
    /// The constrained example programs, as `scripts/constrained` builds them.
    Constrained,
    /// A program in one of the folders of `PATH`, in `/usr/sbin` (not in the `PATH` of an ordinary user) or in
    /// `/usr/lib/frr`. See [`program`].
    Program(&'static str),
    /// What a test finds out by trying.
    Probed(Probe),
}

/// Something that a system may lack: its name, and how to find out.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Its name.
    pub name: &'static str,
    /// Tries it. An error says what the system answered.
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

    /// Whether the machine has it; if not, why. Found out once for each need.
    fn met(self) -> Result<(), String> {
        static FOUND: Mutex<Vec<(Need, Result<(), String>)>> = Mutex::new(Vec::new());
        let found = || FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        let known = found().iter().find(|(need, _)| *need == self).map(|(_, met)| met.clone());
        known.unwrap_or_else(|| {
            // Not under the lock: one need may ask for another.
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
            Self::Constrained => match constrained("listen").zip(constrained("send")) {
                Some(_) => Ok(()),
                None => Err("scripts/constrained has not built the programs yet".into()),
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
    Err("not known on this system".into())
}

fn succeeds(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("`{program}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    // A reason is one line.
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find(|line| line.contains("error")).or_else(|| said.lines().next());
    Err(format!("`{program}`: {} ({})", line.unwrap_or_default(), output.status))
}

/// The C compiler, set to make programs as wide as this one and to accept no dubious code.
pub fn cc() -> Command {
    let mut command = Command::new("cc");
    if cfg!(target_arch = "x86") {
        // Debian has the kernel's headers for both widths in a folder where only the compiler for 64 looks.
        command.args(["-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"]);
    } else if cfg!(target_arch = "x86_64") {
        command.arg("-m64");
    }
    command.args(["-Wall", "-Werror", "-D_GNU_SOURCE"]);
    command
}

/// Whether a program that needs the C library's headers can be built and run: with `-m32`, the compiler is
/// often there and the library is not.
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

/// One of the constrained example programs, if it is built: below the folder that `IPV6_CONSTRAINED` names, or
/// where `scripts/constrained` puts it, which is the target folder of this program or one of its own.
pub fn constrained(program: &str) -> Option<PathBuf> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ipv6-sys/examples/constrained/target");
    let folders: Vec<PathBuf> = match env::var_os("IPV6_CONSTRAINED") {
        Some(folder) => vec![folder.into()],
        None => {
            // Not by CARGO_TARGET_DIR, which may be relative to a folder that only its user knows.
            let this = env::current_exe().unwrap_or_default();
            this.ancestors().skip(1).map(PathBuf::from).chain([own.into()]).collect()
        }
    };
    let program = Path::new("x86_64-unknown-linux-musl/release").join(program);
    folders.iter().map(|folder| folder.join(&program)).find(|program| program.exists())
}

/// Where a program is: see [`Need::Program`].
pub fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/lib/frr".into()]);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The `main` of a test program: takes the arguments of any Rust test program, moves into a namespace, runs
/// the tests and exits. See [`tests!`](crate::tests).
pub fn main(tests: &[Test]) -> ! {
    let arguments = Arguments::from_args();
    // A list wants no namespaces. The list of what is ignored does: cargo-nextest goes by it, and counts
    // as passed whatever is not on it and then comes to nothing.
    let asked = !arguments.list || arguments.ignored;
    if asked {
        // Before there are threads. What came of it is remembered, for the tests that need it.
        let _ = Need::Namespace.met();
    }
    let require_all = env::var_os("IPV6_REQUIRE_ALL").is_some_and(|value| value == "1");
    let trials = tests.iter().map(|test| {
        let plain = trial(*test);
        // Nothing is to be found out for tests that will not run. Who asks for the ignored ones gets those.
        let selected = Arguments { ignored: false, ..arguments.clone() };
        if !asked || selected.is_filtered_out(&plain) {
            return plain;
        }
        let Some(reason) = test.needs.iter().find_map(|need| need.met().err()) else { return plain };
        if !arguments.list && !require_all {
            eprintln!("skipped {}: {reason}", test.name);
        }
        // With --include-ignored it runs, and fails.
        Trial::test(test.name, move || Err(Failed::from(reason))).with_ignored_flag(!require_all)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit()
}

/// A test that runs for longer than this hangs.
const HANG: Duration = Duration::from_secs(180);

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
        // A thread of its own also with --test-threads=1, so that the message of a panic has the test's name.
        let (done, ended) = mpsc::channel::<()>();
        let work = move || {
            let _done_when_dropped = done;
            work()
        };
        let test_thread = thread::Builder::new().name(test.name.into()).spawn(work)?;
        if let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(HANG) {
            // A thread cannot be stopped; a test program that hangs would say nothing at all.
            eprintln!("test {} hangs: still running after {} s", test.name, HANG.as_secs());
            process::abort();
        }
        test_thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    })
}

/// Writes the `main` of a test program: one line for each test, with what it needs ([`Need`]).
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
    // A semicolon will do, too.
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
