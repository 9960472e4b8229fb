//! Network namespaces as hosts, and the links between them.

use std::borrow::BorrowMut;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Namespaces cannot be made: what was tried, and the system's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden(String);

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Forbidden {}

/// Moves this process into a new network namespace with loopback up, and into a new user namespace if it lacks the
/// privilege. Call it before the process starts threads.
///
/// # Errors
///
/// [`Forbidden`] if the system does not allow it, lacks IPv6, or lacks the program `ip`. The process then stays in its
/// network namespace. (Exception: if an ordinary user got both namespaces and a later step failed, as with a read-only
/// `/proc/sys`, the process cannot go back. It then has a loopback interface only.)
pub fn enter() -> Result<(), Forbidden> {
    // Checked first, before anything changes.
    if cfg!(target_os = "linux") && !Path::new("/proc/sys/net/ipv6").exists() {
        return Err(Forbidden("this machine has no IPv6: there is no /proc/sys/net/ipv6".into()));
    }
    os::enter_namespaces().map_err(Forbidden)?;
    prepare().map_err(|error| {
        let refused = Forbidden(format!("this machine forbids setting up a network namespace: {error}"));
        os::leave_namespaces();
        refused
    })
}

/// Prepares the namespace of this thread for tests.
pub(crate) fn prepare() -> io::Result<()> {
    // First, so that loopback works even if a later step fails.
    run_ip("link set lo up", Stdio::null())?;
    for scope in ["all", "default"] {
        let write =
            |setting: &str, value| write(&format!("/proc/sys/net/ipv6/conf/{scope}/{setting}"), value);
        // With net.core.devconf_inherit_init_net, a new namespace may inherit IPv6 disabled.
        write("disable_ipv6", "0")?;
        // Otherwise a link-local address takes two seconds to become usable. Set before the first link exists.
        write("accept_dad", "0")?;
        // No router solicitations, so that a test sees only its own packets on a link.
        write("router_solicitations", "0")?;
    }
    if let Ok(number) = std::env::var("IPV6_DELIVER_LATE") {
        deliver_late(number.parse().map_err(|_| io::Error::other("IPV6_DELIVER_LATE: not a number"))?)?;
    }
    // Allow ICMPv6 datagram sockets. If the system refuses, `Need::PingSocket` is not met.
    let group = os::group();
    let _ = write("/proc/sys/net/ipv4/ping_group_range", &format!("{group} {group}"));
    Ok(())
}

/// Restricts this program to the processor of this number, and makes the kernel deliver the packets of all interfaces of this
/// namespace on the next one (Documentation/networking/scaling.rst: RPS). The program then continues before what it sent has
/// arrived, as it otherwise does on a busy machine only.
fn deliver_late(number: usize) -> io::Result<()> {
    let mask = os::divide_processors(number)?;
    // Interfaces to come.
    write("/proc/sys/net/core/rps_default_mask", mask)?;
    // Loopback exists. `/sys` shows the namespace in which it was mounted.
    let script = format!("mount -t sysfs sys /sys && echo {mask} >/sys/class/net/lo/queues/rx-0/rps_cpus");
    run("unshare", &["--mount", "sh", "-c", &script], Stdio::null()).map(drop)
}

fn write(path: &str, text: &str) -> io::Result<()> {
    let written = File::options().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| io::Error::new(error.kind(), format!("writing {text:?} to {path}: {error}")))
}

/// Runs `ip` in the namespace of this thread, and returns its output.
fn run_ip(arguments: &str, stdin: Stdio) -> io::Result<String> {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    run("ip", &words, stdin).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::new(error.kind(), "the program `ip` of iproute2 is missing"),
        _ => error,
    })
}

/// Runs a program in the namespace of this thread, and returns its output.
fn run(program: &str, arguments: &[&str], stdin: Stdio) -> io::Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(stdin);
    // Some systems have `ip` in a folder that is not in the `PATH` of ordinary users.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let shown = || format!("`{program} {}`", arguments.join(" "));
    let output =
        command.output().map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", shown())))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{}: {} ({})", shown(), said.trim(), output.status)))
}

/// The network namespace of this thread. (`/proc/self` has that of the main thread.)
fn current() -> io::Result<File> {
    let path = "/proc/thread-self/ns/net";
    File::open(path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// Moves the thread back to this namespace when dropped, also by a panic.
struct Return(File);

impl Drop for Return {
    fn drop(&mut self) {
        // A thread left in the wrong namespace would invalidate every later test.
        if let Err(error) = os::set_namespace(&self.0) {
            eprintln!("cannot return to the previous network namespace: {error}");
            std::process::abort();
        }
    }
}

/// A host: a network namespace. It lasts as long as this value, or a socket, thread or process in it.
#[derive(Debug)]
pub struct Host {
    name: String,
    namespace: File,
}

impl Host {
    /// Makes a host that has a loopback interface only. Messages contain the name.
    ///
    /// # Errors
    ///
    /// The system's error; `PermissionDenied` if [`enter`] was not called or failed.
    pub fn new(name: &str) -> io::Result<Self> {
        let make = || {
            let _return = Return(current()?);
            os::new_namespace()?;
            prepare()?;
            current()
        };
        let named = |error: io::Error| io::Error::new(error.kind(), format!("making host {name}: {error}"));
        Ok(Self { name: name.into(), namespace: make().map_err(named)? })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` with the calling thread on this host. Sockets that it opens, and threads and programs that it
    /// starts, stay on the host; the calling thread returns, also if `work` panics.
    ///
    /// # Panics
    ///
    /// If `work` panics, or if the process has no file descriptor left.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        let moved = current().map(Return).and_then(|back| os::set_namespace(&self.namespace).map(|()| back));
        let _return = moved.unwrap_or_else(|error| panic!("moving to host {}: {error}", self.name));
        work()
    }

    /// Runs `ip` with these arguments on this host, as in `host.ip("link set eth0 mtu 1300")`, and returns its output.
    /// An address that it adds is usable when this returns, if its interface is up.
    ///
    /// # Errors
    ///
    /// The error contains the host, the command and its standard error.
    pub fn ip(&self, arguments: &str) -> io::Result<String> {
        let printed = self.ip_with(arguments, Stdio::null())?;
        if arguments.starts_with("addr add") || arguments.starts_with("-6 addr add") {
            self.settle()?;
        }
        Ok(printed)
    }

    fn ip_with(&self, arguments: &str, stdin: Stdio) -> io::Result<String> {
        self.run(|| run_ip(arguments, stdin)).map_err(|error| self.named(error))
    }

    /// Adds an address with a prefix of 64 bits to an interface. It is usable when this returns.
    pub fn add_address(&self, address: Ipv6Addr, interface: &str) -> io::Result<()> {
        self.ip(&format!("addr add {address}/64 dev {interface}")).map(drop)
    }

    /// Waits until no address is tentative. Even without duplicate address detection, a worker thread of the kernel
    /// (net/ipv6/addrconf.c: `addrconf_dad_work`) first joins the solicited-node group and then ends the tentative
    /// state. A neighbour solicitation before that gets no answer, and is repeated a second later. `nodad` ends the
    /// state at once, and so hides when the group is joined.
    fn settle(&self) -> io::Result<()> {
        let started = Instant::now();
        while self.proc_net("if_inet6")?.lines().filter_map(Address::parse).any(|address| address.tentative) {
            let waited = started.elapsed();
            // On an interface that is down, an address stays tentative; that is no error.
            if waited > Duration::from_millis(500) {
                let tentative = self.ip_with("-6 addr show up tentative", Stdio::null())?;
                if !tentative.contains("LOWER_UP") || waited > Duration::from_secs(30) {
                    break;
                }
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Starts a program on this host. The caller stops it and waits for it.
    pub fn spawn(&self, mut command: impl BorrowMut<Command>) -> io::Result<Child> {
        self.run(|| command.borrow_mut().spawn()).map_err(|error| self.named(error))
    }

    /// Writes a setting below `/proc/sys`, such as `net/ipv6/conf/all/forwarding`.
    pub fn set(&self, setting: &str, value: &str) -> io::Result<()> {
        self.run(|| write(&format!("/proc/sys/{setting}"), value)).map_err(|error| self.named(error))
    }

    /// Reads a file on this host, such as one below `/proc/sys/net`. (`/proc/net` is that of the main thread: use
    /// [`proc_net`](Self::proc_net). `/sys/class/net` is that of the namespace that mounted `/sys`.)
    pub fn read(&self, path: &str) -> io::Result<String> {
        let read = self.run(|| fs::read_to_string(path));
        read.map_err(|error| self.named(io::Error::new(error.kind(), format!("{path}: {error}"))))
    }

    /// Reads a file below `/proc/net` on this host, such as `igmp6`.
    pub fn proc_net(&self, file: &str) -> io::Result<String> {
        self.read(&format!("/proc/thread-self/net/{file}"))
    }

    /// The index of an interface.
    pub fn index(&self, interface: &str) -> io::Result<u32> {
        let index = self.run(|| os::interface_index(interface));
        index.map_err(|error| self.named(io::Error::new(error.kind(), format!("{interface}: {error}"))))
    }

    /// The link-local address of an interface. Waits up to 30 seconds until it is usable.
    pub fn link_local(&self, interface: &str) -> io::Result<Ipv6Addr> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let table = self.proc_net("if_inet6")?;
            let mut addresses = table.lines().filter_map(Address::parse);
            let usable = |address: &Address<'_>| {
                address.interface == interface && address.value.is_unicast_link_local() && !address.tentative
            };
            if let Some(address) = addresses.find(usable) {
                return Ok(address.value);
            }
            if Instant::now() > deadline {
                let error = format!("{interface} has no link-local address: {}", table.trim());
                return Err(self.named(io::Error::new(io::ErrorKind::TimedOut, error)));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn named(&self, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("host {}: {error}", self.name))
    }
}

/// A line of `if_inet6`.
struct Address<'a> {
    value: Ipv6Addr,
    tentative: bool,
    interface: &'a str,
}

impl<'a> Address<'a> {
    /// In hexadecimal: address, interface index, prefix length, scope, flags; then the name of the interface
    /// (net/ipv6/addrconf.c: `if6_seq_show`).
    fn parse(line: &'a str) -> Option<Self> {
        const IFA_F_TENTATIVE: u8 = 0x40;
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [value, _index, _prefix, _scope, flags, interface] = fields[..] else { return None };
        let value = Ipv6Addr::from_bits(u128::from_str_radix(value, 16).ok()?);
        let tentative = u8::from_str_radix(flags, 16).ok()? & IFA_F_TENTATIVE != 0;
        Some(Self { value, tentative, interface })
    }
}

/// Links two hosts by a veth pair with an end on each. When it returns, both ends are up, their link-local addresses are
/// usable, and the hosts know these ([`acquaint`]). No two interfaces made here have the same index.
///
/// # Errors
///
/// The error of `ip`, for example that an interface of that name exists; `TimedOut` if a link-local address did not
/// become usable; those of [`acquaint`].
pub fn link(a: &Host, a_name: &str, b: &Host, b_name: &str) -> io::Result<()> {
    // No two interfaces of this program have the same index. If both ends of a veth pair had, the kernel would report
    // their carrier with a delay of up to a second (net/core/link_watch.c: `linkwatch_urgent_event`). Unique indexes
    // also make the use of an index on the wrong host fail.
    static INDEX: AtomicU32 = AtomicU32::new(101);
    let near = format!("name {a_name} index {}", INDEX.fetch_add(1, Ordering::Relaxed));
    let far = format!("name {b_name} index {}", INDEX.fetch_add(1, Ordering::Relaxed));
    // The namespace has no name, and maybe no process: `ip` gets it as standard input.
    let stdin = b.namespace.try_clone()?.into();
    a.ip_with(&format!("link add {near} type veth peer {far} netns /proc/self/fd/0"), stdin)?;
    a.ip(&format!("link set {a_name} up"))?;
    b.ip(&format!("link set {b_name} up"))?;
    a.link_local(a_name)?;
    acquaint(a, b, SocketAddrV6::new(b.link_local(b_name)?, 0, 0, a.index(a_name)?))
}

/// Sends a datagram from one host to an address of another, which can be IPv4-mapped, until it arrives. Then the hosts, and the
/// routers between them, know the link-layer addresses of their neighbours, and datagrams arrive in the order in which they are
/// sent. Before, datagrams wait for these addresses, and one that is sent as the answer arrives can overtake those that wait.
///
/// # Errors
///
/// Those of the system calls; `TimedOut` if nothing arrives for 30 seconds.
pub fn acquaint(from: &Host, to: &Host, mut address: SocketAddrV6) -> io::Result<()> {
    let [sender, receiver] = [from, to].map(|host| host.run(|| UdpSocket::bind("[::]:0")));
    let (sender, receiver) = (sender?, receiver?);
    address.set_port(receiver.local_addr()?.port());
    receiver.set_read_timeout(Some(Duration::from_secs(1)))?;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        sender.send_to(b"hello", address)?;
        let Err(error) = receiver.recv(&mut [0; 8]) else { return Ok(()) };
        if error.kind() != io::ErrorKind::WouldBlock {
            return Err(error);
        }
        if Instant::now() > deadline {
            let error = format!("nothing sent to {address} arrives at host {}", to.name);
            return Err(from.named(io::Error::new(io::ErrorKind::TimedOut, error)));
        }
    }
}

/// Two linked hosts, with an interface `eth0` each.
#[derive(Debug)]
pub struct Pair {
    /// The host with the address [`Pair::A`].
    pub a: Host,
    /// The host with the address [`Pair::B`].
    pub b: Host,
}

impl Pair {
    /// The address of `a`, with a prefix of 64 bits.
    pub const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
    /// The address of `b`, with a prefix of 64 bits.
    pub const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);

    /// Makes both hosts and their link. They know each other ([`acquaint`]).
    pub fn new() -> io::Result<Self> {
        let (a, b) = (Host::new("a")?, Host::new("b")?);
        link(&a, "eth0", &b, "eth0")?;
        a.add_address(Self::A, "eth0")?;
        b.add_address(Self::B, "eth0")?;
        acquaint(&a, &b, SocketAddrV6::new(Self::B, 0, 0, 0))?;
        Ok(Self { a, b })
    }
}

/// Three hosts in a line: `a` and `b` with an interface `eth0` each, and a router between them, with `left` towards `a`
/// and `right` towards `b`. `router.ip("link set right mtu 1300")` lowers the path MTU.
#[derive(Debug)]
pub struct Line {
    /// The host with the address [`Line::A`].
    pub a: Host,
    /// The router. It forwards, and sends no router advertisements.
    pub router: Host,
    /// The host with the address [`Line::B`].
    pub b: Host,
}

impl Line {
    /// The address of `a`, with a prefix of 64 bits.
    pub const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xa);
    /// The address of `b`, with a prefix of 64 bits.
    pub const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0xb);
    /// The router's address on `left`: the default route of `a`.
    pub const LEFT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
    /// The router's address on `right`: the default route of `b`.
    pub const RIGHT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 1);

    /// Makes the three hosts and their links. They know each other ([`acquaint`]).
    pub fn new() -> io::Result<Self> {
        let (a, router, b) = (Host::new("a")?, Host::new("router")?, Host::new("b")?);
        link(&a, "eth0", &router, "left")?;
        link(&router, "right", &b, "eth0")?;
        router.set("net/ipv6/conf/all/forwarding", "1")?;
        router.add_address(Self::LEFT, "left")?;
        router.add_address(Self::RIGHT, "right")?;
        a.add_address(Self::A, "eth0")?;
        b.add_address(Self::B, "eth0")?;
        a.ip(&format!("-6 route add default via {}", Self::LEFT))?;
        b.ip(&format!("-6 route add default via {}", Self::RIGHT))?;
        acquaint(&a, &b, SocketAddrV6::new(Self::B, 0, 0, 0))?;
        acquaint(&b, &a, SocketAddrV6::new(Self::A, 0, 0, 0))?;
        Ok(Self { a, router, b })
    }
}

/// System calls.
#[cfg(target_os = "linux")]
mod os {
    use super::{current, run_ip, write};
    use nix::errno::Errno;
    use nix::net::if_::if_nametoindex;
    use nix::sched::{CloneFlags, CpuSet, sched_getaffinity, sched_setaffinity, setns, unshare};
    use nix::unistd::{Pid, SysconfVar, getegid, geteuid, sysconf};
    use std::fs::File;
    use std::io;
    use std::process::Stdio;
    use std::sync::OnceLock;

    /// The original namespace, if the process had the privilege to leave it.
    static BEFORE: OnceLock<File> = OnceLock::new();

    pub(super) fn enter_namespaces() -> Result<(), String> {
        run_ip("-V", Stdio::null()).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => error.to_string(),
            _ => format!("the program `ip` is not from iproute2: {error}"),
        })?;
        let before = current().map_err(|error| error.to_string())?;
        match unshare(CloneFlags::CLONE_NEWNET) {
            Ok(()) => {
                let _ = BEFORE.set(before);
                return Ok(());
            }
            Err(Errno::EPERM) => {}
            Err(errno) => return Err(format!("this machine forbids network namespaces: unshare: {errno}")),
        }
        let (user, group) = (geteuid(), getegid());
        // Not both namespaces at once: some systems (AppArmor on Ubuntu 24.04) grant a user namespace without any
        // privileges in it, and a process in a new network namespace could not go back.
        unshare(CloneFlags::CLONE_NEWUSER).map_err(|errno| {
            let why = match errno {
                Errno::ENOSPC => " (the limit user.max_user_namespaces)",
                Errno::EINVAL => " (the process already has threads)",
                _ => "",
            };
            format!("this machine forbids user namespaces: unshare: {errno}{why}")
        })?;
        // Map root to the user outside. Mapping a group requires giving up setgroups (user_namespaces(7)).
        let maps = [
            ("setgroups", "deny".into()),
            ("uid_map", format!("0 {user} 1")),
            ("gid_map", format!("0 {group} 1")),
        ];
        for (file, line) in maps {
            write(&format!("/proc/self/{file}"), &line)
                .map_err(|error| format!("this machine forbids using a user namespace: {error}"))?;
        }
        unshare(CloneFlags::CLONE_NEWNET)
            .map_err(|errno| format!("this machine forbids network namespaces: unshare: {errno}"))
    }

    /// Returns to the original namespace, if that is possible.
    pub(super) fn leave_namespaces() {
        if let Some(before) = BEFORE.get() {
            let _ = set_namespace(before);
        }
    }

    pub(super) fn new_namespace() -> io::Result<()> {
        Ok(unshare(CloneFlags::CLONE_NEWNET)?)
    }

    pub(super) fn set_namespace(namespace: &File) -> io::Result<()> {
        Ok(setns(namespace, CloneFlags::CLONE_NEWNET)?)
    }

    /// Restricts this thread, and those that it starts, to one of its processors. Returns the next one, as a mask in
    /// hexadecimal.
    pub(super) fn divide_processors(number: usize) -> io::Result<&'static str> {
        static NEXT: OnceLock<String> = OnceLock::new();
        if let Some(next) = NEXT.get() {
            return Ok(next);
        }
        let this = Pid::from_raw(0);
        let allowed = sched_getaffinity(this)?;
        let allowed: Vec<_> = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu) == Ok(true)).collect();
        let own = allowed[number % allowed.len()];
        let mut only = CpuSet::new();
        only.set(own)?;
        sched_setaffinity(this, &only)?;
        // A program that this one starts has one processor from the beginning.
        let all = sysconf(SysconfVar::_NPROCESSORS_ONLN)?.unwrap_or(1) as usize;
        if all < 2 {
            return Err(io::Error::other("IPV6_DELIVER_LATE needs two processors"));
        }
        let next = (own + 1) % all;
        Ok(NEXT.get_or_init(|| format!("{:x}{}", 1_u32 << (next % 32), ",00000000".repeat(next / 32))))
    }

    pub(super) fn interface_index(name: &str) -> io::Result<u32> {
        Ok(if_nametoindex(name)?)
    }

    pub(super) fn group() -> u32 {
        getegid().as_raw()
    }
}

#[cfg(not(target_os = "linux"))]
mod os {
    use std::fs::File;
    use std::io;

    const NONE: &str = "network namespaces need Linux";

    pub(super) fn enter_namespaces() -> Result<(), String> {
        Err(NONE.into())
    }

    pub(super) fn leave_namespaces() {}

    pub(super) fn new_namespace() -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, NONE))
    }

    pub(super) fn set_namespace(_: &File) -> io::Result<()> {
        new_namespace()
    }

    pub(super) fn divide_processors(_: usize) -> io::Result<&'static str> {
        new_namespace().map(|()| "")
    }

    pub(super) fn interface_index(_: &str) -> io::Result<u32> {
        new_namespace().map(|()| 0)
    }

    pub(super) fn group() -> u32 {
        0
    }
}
