//! Helpers for the tests of the example programs: run them together with other programs, and read their output.

#![allow(dead_code, reason = "each test program uses some of the helpers")]

use std::borrow::BorrowMut;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ipv6_std::{FlowLabel, Header, InterfaceIndex, RawConn, SendControl};
use ipv6_testnet::{Host, link, program};
use serde_json::Value;

/// The limit of every wait: after it, a program counts as stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// An example program, which cargo builds with the tests: `deps/../examples/NAME`.
pub fn example(name: &str) -> Command {
    let this = std::env::current_exe().unwrap();
    let file: PathBuf = this.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(file.exists(), "{} is not built: `cargo build -p ipv6-std --examples`", file.display());
    Command::new(file)
}

/// A program of the machine, which `Need::Program` has found.
pub fn installed(name: &str) -> Command {
    Command::new(program(name).unwrap())
}

/// The same, with arguments that may contain spaces.
pub fn command<const N: usize>(name: &str, arguments: [&str; N]) -> Command {
    let mut command = installed(name);
    command.args(arguments);
    command
}

/// Adds arguments as typed in a shell, separated by spaces.
pub trait Typed {
    fn typed(self, arguments: &str) -> Command;
}

impl Typed for Command {
    fn typed(mut self, arguments: &str) -> Command {
        self.args(arguments.split_whitespace());
        self
    }
}

/// Runs a program on a host until it ends.
pub fn output(host: &Host, mut command: Command) -> Output {
    host.run(|| command.stdin(Stdio::null()).output()).unwrap()
}

/// The lines that a program printed.
pub fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The objects that a program printed with `--json`.
pub fn objects(output: &Output) -> Vec<Value> {
    text(output).lines().map(object).collect()
}

/// A line as an object.
pub fn object(line: impl AsRef<str>) -> Value {
    let line = line.as_ref();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Asserts that a program ends with status 2 and with this text on standard error.
pub fn refuses(host: &Host, command: Command, says: &str) {
    let output = output(host, command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(says), "{stderr}: does not contain {says:?}");
}

/// A command that runs another one: `wrapper` followed by the program and the arguments of `command`.
pub fn wrapped(mut wrapper: Command, command: &Command) -> Command {
    wrapper.arg(command.get_program()).args(command.get_args());
    wrapper
}

/// An error that `strace` injects into a system call of a program.
pub struct Fault {
    system_call: &'static str,
    /// The error, and in which calls, as in `error=ENOMEM:when=2`.
    what: String,
    folder: Folder,
}

impl Fault {
    pub fn new(system_call: &'static str, what: impl Into<String>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = Folder::new(&format!("fault-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        Self { system_call, what: what.into(), folder }
    }

    /// The command with the fault. The program is the child, and strace its grandchild (`-D`): killing the child ends both.
    pub fn inject(&self, program: &Command) -> Command {
        let Self { system_call, what, .. } = self;
        let (trace, inject) = (format!("trace={system_call}"), format!("inject={system_call}:{what}"));
        let arguments = ["-D", "-f", "-o", &self.log(), "-e", &trace, "-e", &inject];
        wrapped(command("strace", arguments), program)
    }

    /// Asserts that the error was injected.
    pub fn was_injected(&self) {
        let log = std::fs::read_to_string(self.log()).unwrap();
        assert!(log.contains("(INJECTED)"), "{}: {log}", self.what);
    }

    fn log(&self) -> String {
        format!("{}/log", self.folder.path())
    }
}

/// The same command without capabilities.
pub fn unprivileged(command: &Command) -> Command {
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--bounding-set", "-all", "--inh-caps", "-all", "--"]);
    wrapped(setpriv, command)
}

/// A daemon in its own mount namespace, with an empty `/run`, and with each line of `/etc/passwd` and `/etc/group`
/// replaced by `edit`: many daemons insist on their own user, and the user namespace may have only root.
pub fn daemon(folder: &Folder, name: &str, arguments: &[&str], edit: impl Fn(&str) -> String) -> Command {
    let mut script = "mount -t tmpfs none /run && mkdir /run/$0".to_string();
    for file in ["passwd", "group"] {
        let text = std::fs::read_to_string(format!("/etc/{file}")).unwrap();
        let edited = folder.write(file, &text.lines().map(|line| edit(line) + "\n").collect::<String>());
        script += &format!(" && mount --bind {edited} /etc/{file}");
    }
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!("{script} && exec \"$@\""), name]);
    command.arg(program(name).unwrap()).args(arguments);
    command
}

/// Waits until a condition holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "not after {} s: {what}", LIMIT.as_secs());
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until a program on a host has opened a raw socket. (The first line of the file is a heading.)
pub fn opened_raw_socket(host: &Host) {
    until("a raw socket", || host.proc_net("raw6").unwrap().lines().count() > 1);
}

/// Waits until the sockets of a host hold no datagram, as this file in `/proc/net` shows. A test that sends many calls it now and
/// then, because the receive buffer of a slow program overflows.
pub fn read_all(host: &Host, file: &str) {
    let is_read = |line: &str| line.split_whitespace().nth(4).unwrap().ends_with(":00000000");
    until("all datagrams read", || host.proc_net(file).unwrap().lines().skip(1).all(is_read));
}

/// Waits until a host is a member of a group on `eth0`.
pub fn joined(host: &Host, group: &str) {
    joined_by(host, group, 1);
}

/// Waits until this many sockets of a host are members of a group on `eth0`.
pub fn joined_by(host: &Host, group: &str, sockets: u32) {
    let group: Ipv6Addr = group.parse().unwrap();
    let digits = format!("{:032x}", group.to_bits());
    // Index, interface, group, number of sockets, …
    let is_joined = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields[1..3] == ["eth0", &digits] && fields[3].parse::<u32>().unwrap() >= sockets
    };
    until(&format!("{sockets} in {group}"), || host.proc_net("igmp6").unwrap().lines().any(is_joined));
}

/// A program that runs on a host until this value is dropped.
pub struct Running {
    name: String,
    child: Child,
    /// Lines from standard output and standard error.
    lines: Receiver<String>,
    /// The lines read so far.
    pub seen: Vec<String>,
}

impl Running {
    pub fn start(host: &Host, mut command: impl BorrowMut<Command>) -> Self {
        let command = command.borrow_mut();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let name = command.get_program().display().to_string();
        let mut child = host.spawn(command).unwrap();
        let (to, lines) = mpsc::channel();
        forward(child.stdout.take().unwrap(), to.clone());
        forward(child.stderr.take().unwrap(), to);
        Self { name, child, lines, seen: Vec::new() }
    }

    /// Waits for a line that contains this text.
    pub fn line(&mut self, wanted: &str) -> String {
        self.line_where(wanted, |line| line.contains(wanted))
    }

    pub fn line_where(&mut self, what: &str, is_wanted: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let left = LIMIT.saturating_sub(start.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("{} did not print {what}; it printed {:#?}", self.name, self.seen);
            };
            self.seen.push(line.clone());
            if is_wanted(&line) {
                return line;
            }
        }
    }

    /// Waits for its end. Returns its status and the lines that were not yet read.
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        let mut status = None;
        until(&format!("the end of {}", self.name), || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        (status.unwrap(), self.lines.iter().collect())
    }

    /// Its process ID.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Kills it. Returns the lines that were not yet read.
    pub fn stop(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines.iter().collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forward(from: impl Read + Send + 'static, to: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send(line).is_err() {
                break;
            }
        }
    });
}

/// Asserts that `--help` succeeds and prints these words.
pub fn helps(name: &str, says: &[&str]) {
    let output = example(name).arg("--help").output().unwrap();
    assert!(output.status.success());
    for word in says {
        assert!(text(&output).contains(word), "{word} is missing: {}", text(&output));
    }
}

/// Sends forged ICMPv6 errors from a host, with a source address that its interface `eth0` must have.
pub struct Forger {
    conn: RawConn,
    source: Ipv6Addr,
    on: InterfaceIndex,
}

impl Forger {
    pub fn new(host: &Host, source: &str) -> Self {
        let conn = host.run(|| RawConn::open(58)).unwrap();
        let on = InterfaceIndex::new(host.index("eth0").unwrap()).unwrap();
        Self { conn, source: source.parse().unwrap(), on }
    }

    /// Reports an error of this type, code and word (RFC 4443 section 3) about a UDP datagram to `destination`.
    pub fn report(&self, error: (u8, u8, u32), about: SocketAddrV6, destination: SocketAddrV6, data: &[u8]) {
        self.try_report(error, about, destination, data).unwrap();
    }

    /// The same, where the system may be too busy.
    pub fn try_report(
        &self,
        error: (u8, u8, u32),
        about: SocketAddrV6,
        destination: SocketAddrV6,
        data: &[u8],
    ) -> io::Result<usize> {
        let (kind, code, word) = error;
        let len = 8 + data.len() as u16;
        let header = Header {
            traffic_class: 0,
            flow_label: FlowLabel::ZERO,
            payload_len: len,
            next_header: 17,
            hop_limit: 1,
            source: *about.ip(),
            destination: *destination.ip(),
        };
        let mut packet = vec![kind, code, 0, 0];
        packet.extend(word.to_be_bytes());
        packet.extend(header.encode());
        for field in [about.port(), destination.port(), len, 0] {
            packet.extend(field.to_be_bytes());
        }
        packet.extend(data);
        let control = SendControl::new().with_interface(self.on).with_source(self.source);
        self.conn.send_to(&packet, &control, SocketAddrV6::new(*about.ip(), 0, 0, 0))
    }
}

/// The port of the only UDP socket of a host.
pub fn udp_port(host: &Host) -> u16 {
    let mut port = None;
    until("a UDP socket", || {
        let table = host.proc_net("udp6").unwrap();
        // The second field is the local address and port, in hexadecimal.
        let local = table.lines().nth(1).and_then(|line| line.split_whitespace().nth(1));
        port = local.and_then(|local| u16::from_str_radix(local.rsplit(':').next()?, 16).ok());
        port.is_some()
    });
    port.unwrap()
}

/// The same command with a limit on its open files.
pub fn with_few_descriptors(command: &Command, most: u32) -> Command {
    let mut sh = Command::new("sh");
    sh.args(["-c", &format!("ulimit -n {most} && exec \"$@\""), "sh"]);
    wrapped(sh, command)
}

/// A folder for the files of one test. Dropping it removes it.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("ipv6-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Its path.
    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let file = self.0.join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().into()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts a daemon of FRR with the file `NAME.conf` of a folder, where its sockets are too.
pub fn frr_daemon(host: &Host, folder: &Folder, name: &str) -> Running {
    let path = folder.path();
    let file = |ending: &str| format!("{path}/{name}.{ending}");
    let arguments = [
        ["-u", "root"],
        ["-g", "root"],
        ["-f", &file("conf")],
        ["-i", &file("pid")],
        ["-z", &format!("{path}/zserv.api")],
        ["--vty_socket", path],
        ["-P", "0"],
        ["--log", "stdout"],
    ];
    // The daemons run as root, which must be a member of the group frrvty.
    let daemon = daemon(folder, name, arguments.as_flattened(), |line| match line.strip_prefix("frrvty:") {
        Some(rest) => format!("{line}{}root", if rest.ends_with(':') { "" } else { "," }),
        None => line.into(),
    });
    let mut daemon = Running::start(host, daemon);
    daemon.line("starting: vty");
    daemon
}

/// A capture of the packets on an interface of a host, decoded by tshark.
pub struct Capture<'h> {
    host: &'h Host,
    on: InterfaceIndex,
    running: Running,
    folder: Folder,
}

impl<'h> Capture<'h> {
    /// Starts the capture. When this returns, it records packets.
    pub fn start(host: &'h Host, interface: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = Folder::new(&format!("capture-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let file = format!("{}/packets", folder.path());
        let arguments = ["-q", "-i", interface, "-f", "ip6 or ip", "-w", &file];
        let mut running = Running::start(host, command("dumpcap", arguments));
        running.line("File: ");
        let on = InterfaceIndex::new(host.index(interface).unwrap()).unwrap();
        Self { host, on, running, folder }
    }

    /// Waits until every packet sent so far is recorded: sends a message of an unassigned type and waits for it.
    fn catch_up(&self) {
        const MARK: &[u8] = b"\xc8\0\0\0so far, so good";
        let conn = self.host.run(|| RawConn::open(58)).unwrap();
        let to = SocketAddrV6::new(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1), 0, 0, 0);
        conn.send_to(MARK, &SendControl::new().with_interface(self.on), to).unwrap();
        let file = format!("{}/packets", self.folder.path());
        until("the end of the capture", || {
            let packets = std::fs::read(&file).unwrap();
            packets.windows(MARK.len() - 4).any(|bytes| bytes == &MARK[4..])
        });
    }

    /// Ends the capture.
    pub fn end(self) -> Captured {
        self.catch_up();
        // On SIGINT, dumpcap writes its buffer and ends.
        self.running.interrupt();
        self.running.end();
        Captured(self.folder)
    }

    /// Ends the capture and returns these fields of its packets.
    pub fn fields<const N: usize>(self, filter: &str, fields: [&str; N]) -> Vec<[String; N]> {
        self.end().fields(filter, fields)
    }
}

/// A capture that has ended.
pub struct Captured(Folder);

impl Captured {
    /// These fields of the packets that pass a display filter of tshark. A missing field is empty; repeated fields are
    /// separated by commas.
    pub fn fields<const N: usize>(&self, filter: &str, fields: [&str; N]) -> Vec<[String; N]> {
        let mut arguments = vec!["-T", "fields"];
        arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
        let row = |line: &str| -> [String; N] {
            let values: Vec<String> = line.split('\t').map(String::from).collect();
            values.try_into().unwrap_or_else(|values| panic!("{fields:?}: {values:?}"))
        };
        self.read(filter, &arguments).lines().map(row).collect()
    }

    /// The text that tshark prints about a protocol in these packets.
    pub fn described(&self, filter: &str, protocol: &str) -> String {
        self.read(filter, &["-O", protocol])
    }

    fn read(&self, filter: &str, arguments: &[&str]) -> String {
        let Self(folder) = self;
        let mut read = command("tshark", ["-r", &format!("{}/packets", folder.path()), "-Y", filter]);
        // Do not read the settings of a user.
        read.args(arguments).env("HOME", folder.path()).env("XDG_CONFIG_HOME", folder.path());
        let output = read.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        text(&output)
    }
}

/// A number as tshark prints it: decimal, or as in `0x28`.
pub fn number(text: &str) -> u64 {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    }
    .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Four hosts in a line: `a` and `b` with an interface `eth0` each, and two routers between them, each with `left`
/// towards `a` and `right` towards `b`.
pub struct Chain {
    pub a: Host,
    pub near: Host,
    pub far: Host,
    pub b: Host,
}

impl Chain {
    pub const A: &str = "2001:db8:1::a";
    /// The source of the ICMPv6 errors that `near` sends to `a`.
    pub const NEAR: &str = "2001:db8:1::1";
    pub const FAR: &str = "2001:db8:2::2";
    pub const B: &str = "2001:db8:3::b";

    pub fn new() -> Self {
        let [a, near, far, b] = ["a", "near", "far", "b"].map(|name| Host::new(name).unwrap());
        link(&a, "eth0", &near, "left").unwrap();
        link(&near, "right", &far, "left").unwrap();
        link(&far, "right", &b, "eth0").unwrap();
        for router in [&near, &far] {
            router.set("net/ipv6/conf/all/forwarding", "1").unwrap();
        }
        // No rate limit for ICMPv6 errors: several programs run one after another.
        for host in [&a, &near, &far, &b] {
            host.set("net/ipv6/icmp/ratelimit", "0").unwrap();
        }
        for (host, interface, address) in [
            (&a, "eth0", Self::A),
            (&near, "left", Self::NEAR),
            (&near, "right", "2001:db8:2::1"),
            (&far, "left", Self::FAR),
            (&far, "right", "2001:db8:3::1"),
            (&b, "eth0", Self::B),
        ] {
            host.add_address(address.parse().unwrap(), interface).unwrap();
        }
        a.ip("-6 route add default via 2001:db8:1::1").unwrap();
        b.ip("-6 route add default via 2001:db8:3::1").unwrap();
        near.ip("-6 route add 2001:db8:3::/64 via 2001:db8:2::2").unwrap();
        far.ip("-6 route add 2001:db8:1::/64 via 2001:db8:2::1").unwrap();
        Self { a, near, far, b }
    }
}
