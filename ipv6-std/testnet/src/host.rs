//! Network namespaces and what is between them.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::Ipv6Addr;
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::{getegid, geteuid};

/// Why there can be no namespaces: what was tried, and what the system said.
#[derive(Debug)]
pub struct Forbidden(String);

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Forbidden {}

/// Moves this process into a network namespace of its own, in a user namespace of its own where it lacks
/// the privilege. It must not have threads yet.
///
/// # Errors
///
/// [`Forbidden`], when the system does not allow it or lacks the program `ip`; the process is then where it
/// was, or in a namespace that has nothing but an interface that is down.
pub fn enter() -> Result<(), Forbidden> {
    let (uid, gid) = (geteuid(), getegid());
    // Asked first, because a process that is in a namespace without `ip` could not even use loopback.
    let ip = Command::new("ip").arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !ip.is_ok_and(|status| status.success()) {
        return Err(Forbidden("there is no program `ip` (install iproute2)".into()));
    }
    if unshare(CloneFlags::CLONE_NEWNET).is_err() {
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET)
            .map_err(|errno| Forbidden(format!("the system forbids user namespaces (unshare: {errno})")))?;
        // Root in there is the user out here. Groups must be given up before they can be mapped.
        let maps = [
            ("setgroups", "deny".to_string()),
            ("uid_map", format!("0 {uid} 1")),
            ("gid_map", format!("0 {gid} 1")),
        ];
        for (file, line) in maps {
            write(&format!("/proc/self/{file}"), &line).map_err(|error| Forbidden(error.to_string()))?;
        }
    }
    prepare().map_err(|error| Forbidden(error.to_string()))
}

/// Makes the namespace that this thread is in fit for use.
pub(crate) fn prepare() -> io::Result<()> {
    // Without it a link-local address takes seconds to become usable.
    write("/proc/sys/net/ipv6/conf/all/accept_dad", "0")?;
    write("/proc/sys/net/ipv6/conf/default/accept_dad", "0")?;
    // Interfaces come up quietly: no router is to be looked for.
    write("/proc/sys/net/ipv6/conf/default/router_solicitations", "0")?;
    // Everyone in here may have an ICMPv6 datagram socket.
    write("/proc/sys/net/ipv4/ping_group_range", "0 0")?;
    run("ip", "link set lo up").map(drop)
}

fn write(path: &str, text: &str) -> io::Result<()> {
    let result = File::options().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    result.map_err(|error| io::Error::new(error.kind(), format!("writing {text:?} to {path}: {error}")))
}

/// Runs a program, and gives what it printed.
fn run(program: &str, arguments: &str) -> io::Result<String> {
    let output = Command::new(program).args(arguments.split_whitespace()).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("`{program} {arguments}`: {}", said.trim())))
}

/// The namespace that this thread is in.
fn current() -> io::Result<File> {
    File::open("/proc/thread-self/ns/net")
}

/// Moves the thread back where it was, whatever happens in between.
struct Return(File);

impl Drop for Return {
    fn drop(&mut self) {
        // A thread in the wrong namespace would make every test after this one lie.
        if let Err(errno) = setns(&self.0, CloneFlags::CLONE_NEWNET) {
            eprintln!("cannot return to the namespace of before: {errno}");
            std::process::abort();
        }
    }
}

/// A host: a network namespace, for as long as the value or a socket in it lives.
#[derive(Debug)]
pub struct Host {
    namespace: File,
}

impl Host {
    /// A host with loopback and nothing else.
    pub fn new() -> io::Result<Self> {
        let _return = Return(current()?);
        unshare(CloneFlags::CLONE_NEWNET)?;
        prepare()?;
        Ok(Self { namespace: current()? })
    }

    /// Runs `work` with the calling thread on this host. The sockets that it opens stay there.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _return = current().map(Return).expect("the thread's own namespace");
        setns(&self.namespace, CloneFlags::CLONE_NEWNET).expect("a namespace of ours");
        work()
    }

    /// Runs `ip` with these arguments here, and gives what it printed.
    pub fn ip(&self, arguments: &str) -> io::Result<String> {
        self.run(|| run("ip", arguments))
    }

    /// Gives an interface an address, of a network of 64 bits, that can be used at once.
    pub fn add_address(&self, address: Ipv6Addr, interface: &str) -> io::Result<()> {
        // Even where duplicates are not looked for, the kernel has a worker find that out; `nodad` does without.
        self.ip(&format!("addr add {address}/64 dev {interface} nodad")).map(drop)
    }

    /// Starts a program here.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        self.run(|| command.spawn())
    }

    /// Writes a setting, such as `net/ipv6/conf/all/forwarding`.
    pub fn set(&self, setting: &str, value: &str) -> io::Result<()> {
        self.run(|| write(&format!("/proc/sys/{setting}"), value))
    }

    /// Reads what the kernel says of this host's network, such as `igmp6`.
    pub fn proc_net(&self, file: &str) -> io::Result<String> {
        self.run(|| fs::read_to_string(format!("/proc/thread-self/net/{file}")))
    }

    /// The index of an interface.
    pub fn index(&self, interface: &str) -> io::Result<u32> {
        // The first word of the line is "7:".
        let line = self.ip(&format!("-o link show dev {interface}"))?;
        let index = line.split(':').next().and_then(|index| index.parse().ok());
        index.ok_or_else(|| io::Error::other(format!("no index in {line:?}")))
    }

    /// The link-local address of an interface, once it can be used.
    pub fn link_local(&self, interface: &str) -> io::Result<Ipv6Addr> {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let lines = self.ip(&format!("-6 -o addr show dev {interface} scope link -tentative"))?;
            let mut words = lines.split_whitespace().skip_while(|word| *word != "inet6").skip(1);
            if let Some(address) = words.next().and_then(|word| word.split('/').next()?.parse().ok()) {
                return Ok(address);
            }
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("{interface} has no link-local address")));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Joins two hosts by a cable (a veth pair), and waits until both ends can be used.
pub fn link(a: &Host, a_name: &str, b: &Host, b_name: &str) -> io::Result<()> {
    // The namespaces have no process; the files that keep them alive name them.
    let here = format!("/proc/{}/fd", std::process::id());
    let to = |host: &Host| format!("{here}/{}", host.namespace.as_raw_fd());
    a.ip(&format!("link add name {a_name} type veth peer name {b_name} netns {}", to(b)))?;
    for (host, name) in [(a, a_name), (b, b_name)] {
        host.ip(&format!("link set {name} up"))?;
    }
    a.link_local(a_name)?;
    b.link_local(b_name)?;
    Ok(())
}

/// Two hosts joined by a cable, `eth0` on both.
#[derive(Debug)]
pub struct Pair {
    /// The host with the address [`Pair::A`].
    pub a: Host,
    /// The host with the address [`Pair::B`].
    pub b: Host,
}

impl Pair {
    /// The address of `a`.
    pub const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xa);
    /// The address of `b`.
    pub const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xb);

    /// Makes both.
    pub fn new() -> io::Result<Self> {
        let (a, b) = (Host::new()?, Host::new()?);
        link(&a, "eth0", &b, "eth0")?;
        a.add_address(Self::A, "eth0")?;
        b.add_address(Self::B, "eth0")?;
        Ok(Self { a, b })
    }
}

/// Three hosts in a line: `a` and `b`, with `eth0` each, and a router between them, with `left` and
/// `right`.
#[derive(Debug)]
pub struct Line {
    /// The host with the address [`Line::A`].
    pub a: Host,
    /// The router.
    pub router: Host,
    /// The host with the address [`Line::B`].
    pub b: Host,
}

impl Line {
    /// The address of `a`.
    pub const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xa);
    /// The router's address on `a`'s side.
    pub const LEFT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
    /// The router's address on `b`'s side.
    pub const RIGHT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 1);
    /// The address of `b`.
    pub const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0xb);

    /// Makes all three.
    pub fn new() -> io::Result<Self> {
        let (a, router, b) = (Host::new()?, Host::new()?, Host::new()?);
        link(&a, "eth0", &router, "left")?;
        link(&router, "right", &b, "eth0")?;
        router.set("net/ipv6/conf/all/forwarding", "1")?;
        let addresses = [
            (&a, Self::A, "eth0"),
            (&router, Self::LEFT, "left"),
            (&router, Self::RIGHT, "right"),
            (&b, Self::B, "eth0"),
        ];
        for (host, address, interface) in addresses {
            host.add_address(address, interface)?;
        }
        a.ip(&format!("-6 route add default via {}", Self::LEFT))?;
        b.ip(&format!("-6 route add default via {}", Self::RIGHT))?;
        Ok(Self { a, router, b })
    }
}
