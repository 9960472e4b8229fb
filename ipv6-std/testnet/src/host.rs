//! Network namespaces and what is between them.

use std::borrow::BorrowMut;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::Ipv6Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Why there can be no namespaces: what was tried, and what the system said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden(String);

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Forbidden {}

/// Moves this process into a network namespace of its own, with loopback up, and into a user namespace of
/// its own where it lacks the privilege. To be called before there are threads.
///
/// # Errors
///
/// [`Forbidden`] when the system does not allow it, lacks IPv6, or lacks the program `ip`. The network is
/// then the one of before. (If the refusal came only after the system had granted both namespaces to a
/// user, as with a read-only `/proc/sys`, there is no way back: the network is then a loopback interface.)
pub fn enter() -> Result<(), Forbidden> {
    // Asked first, while nothing has changed.
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

/// Makes the namespace that this thread is in fit for use.
pub(crate) fn prepare() -> io::Result<()> {
    // First, so that loopback works even if nothing else does.
    run_ip("link set lo up", Stdio::null())?;
    for whose in ["all", "default"] {
        let write =
            |setting: &str, value| write(&format!("/proc/sys/net/ipv6/conf/{whose}/{setting}"), value);
        // A system with net.core.devconf_inherit_init_net may hand IPv6 down turned off.
        write("disable_ipv6", "0")?;
        // Otherwise a link-local address takes two seconds to become usable. To be set before there is a link.
        write("accept_dad", "0")?;
        // No router is to be looked for: what a test sees on a link is what it sent.
        write("router_solicitations", "0")?;
    }
    // Whoever is in here may have an ICMPv6 datagram socket. Where that is refused, Need::PingSocket says so.
    let group = os::group();
    let _ = write("/proc/sys/net/ipv4/ping_group_range", &format!("{group} {group}"));
    Ok(())
}

fn write(path: &str, text: &str) -> io::Result<()> {
    let written = File::options().write(true).open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| io::Error::new(error.kind(), format!("writing {text:?} to {path}: {error}")))
}

/// Runs `ip` where this thread is, and gives what it printed.
fn run_ip(arguments: &str, stdin: Stdio) -> io::Result<String> {
    let mut command = Command::new("ip");
    command.args(arguments.split_whitespace()).stdin(stdin);
    // Some systems keep it from users in a folder that is not on their path.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::new(error.kind(), "the program `ip` of iproute2 is missing"),
        kind => io::Error::new(kind, format!("`ip {arguments}`: {error}")),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("`ip {arguments}`: {} ({})", said.trim(), output.status)))
}

/// The namespace that this thread is in. `/proc/self` would be the main thread's.
fn current() -> io::Result<File> {
    let path = "/proc/thread-self/ns/net";
    File::open(path).map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// Moves the thread back where it was, whatever happens in between.
struct Return(File);

impl Drop for Return {
    fn drop(&mut self) {
        // A thread left in the wrong namespace would make every test after this one lie.
        if let Err(error) = os::set_namespace(&self.0) {
            eprintln!("cannot return to the network namespace of before: {error}");
            std::process::abort();
        }
    }
}

/// A host: a network namespace, there for as long as the value, or a socket, thread or process in it.
#[derive(Debug)]
pub struct Host {
    name: String,
    namespace: File,
}

impl Host {
    /// A host with loopback and nothing else. The name is for messages.
    ///
    /// # Errors
    ///
    /// Those of the system; `PermissionDenied` where [`enter`] was not called or not granted.
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

    /// Runs `work` with the calling thread on this host. The sockets that it opens, the threads and the
    /// programs that it starts stay there; the thread returns, also when `work` panics.
    ///
    /// # Panics
    ///
    /// When `work` does, or when the process has no file descriptor left.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        let moved = current().map(Return).and_then(|back| os::set_namespace(&self.namespace).map(|()| back));
        let _return = moved.unwrap_or_else(|error| panic!("moving to host {}: {error}", self.name));
        work()
    }

    /// Runs `ip` with these arguments here, as in `host.ip("link set eth0 mtu 1300")`, and gives what it
    /// printed. An address that was added can be used when it returns, if its interface is up.
    ///
    /// # Errors
    ///
    /// The host, the command and what it wrote to standard error.
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

    /// Gives an interface an address, of a network of 64 bits, that can be used at once.
    pub fn add_address(&self, address: Ipv6Addr, interface: &str) -> io::Result<()> {
        self.ip(&format!("addr add {address}/64 dev {interface}")).map(drop)
    }

    /// Waits until no address is tentative. Even with duplicate address detection off, a worker thread of the
    /// kernel readies an address (net/ipv6/addrconf.c: `addrconf_dad_work`): it joins the group where
    /// neighbours ask for it, then ends the state. A neighbour that asks before gets no answer, and asks again
    /// a second later. `nodad` ends the state at once, and so hides when the group is joined.
    fn settle(&self) -> io::Result<()> {
        // On an interface that is down it lasts, which is no error.
        let deadline = Instant::now() + Duration::from_millis(500);
        while self.proc_net("if_inet6")?.lines().filter_map(Address::parse).any(|address| address.tentative) {
            if Instant::now() > deadline {
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Starts a program here. As always with [`Child`], it is the caller who stops it and waits for it.
    pub fn spawn(&self, mut command: impl BorrowMut<Command>) -> io::Result<Child> {
        self.run(|| command.borrow_mut().spawn()).map_err(|error| self.named(error))
    }

    /// Writes a setting below `/proc/sys`, such as `net/ipv6/conf/all/forwarding`.
    pub fn set(&self, setting: &str, value: &str) -> io::Result<()> {
        self.run(|| write(&format!("/proc/sys/{setting}"), value)).map_err(|error| self.named(error))
    }

    /// Reads a file here, such as one below `/proc/sys/net`. (`/proc/net` is the main thread's, for which
    /// see [`proc_net`](Self::proc_net), and `/sys/class/net` that of whoever mounted `/sys`.)
    pub fn read(&self, path: &str) -> io::Result<String> {
        let read = self.run(|| fs::read_to_string(path));
        read.map_err(|error| self.named(io::Error::new(error.kind(), format!("{path}: {error}"))))
    }

    /// Reads what the kernel says of this host's network, such as `igmp6`.
    pub fn proc_net(&self, file: &str) -> io::Result<String> {
        self.read(&format!("/proc/thread-self/net/{file}"))
    }

    /// The index of an interface.
    pub fn index(&self, interface: &str) -> io::Result<u32> {
        let index = self.run(|| os::interface_index(interface));
        index.map_err(|error| self.named(io::Error::new(error.kind(), format!("{interface}: {error}"))))
    }

    /// The link-local address of an interface, waiting up to five seconds until it can be used.
    pub fn link_local(&self, interface: &str) -> io::Result<Ipv6Addr> {
        let deadline = Instant::now() + Duration::from_secs(5);
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
    /// In hexadecimal: address, interface index, prefix length, scope, flags; then the interface's name
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

/// Joins two hosts by a cable: a veth pair with an end on each. Both ends are up when it returns, and their
/// link-local addresses can be used. No two interfaces made here have the same index.
///
/// # Errors
///
/// What `ip` says, such as that there is an interface of that name; `TimedOut` when a link-local address
/// did not become usable.
pub fn link(a: &Host, a_name: &str, b: &Host, b_name: &str) -> io::Result<()> {
    // No two interfaces of this program have the same index. If the two ends of a veth pair had, the kernel
    // would not see a pair in it, and report its carrier with up to a second's delay (net/core/link_watch.c:
    // `linkwatch_urgent_event`). It also keeps an index from working on a host that it is not meant for.
    static INDEX: AtomicU32 = AtomicU32::new(101);
    let near = format!("name {a_name} index {}", INDEX.fetch_add(1, Ordering::Relaxed));
    let far = format!("name {b_name} index {}", INDEX.fetch_add(1, Ordering::Relaxed));
    // The namespace has no name and maybe no process: `ip` gets it as its standard input.
    let stdin = b.namespace.try_clone()?.into();
    a.ip_with(&format!("link add {near} type veth peer {far} netns /proc/self/fd/0"), stdin)?;
    a.ip(&format!("link set {a_name} up"))?;
    b.ip(&format!("link set {b_name} up"))?;
    a.link_local(a_name)?;
    b.link_local(b_name)?;
    Ok(())
}

/// Two hosts joined by a cable, with an interface `eth0` each.
#[derive(Debug)]
pub struct Pair {
    /// The host with the address [`Pair::A`].
    pub a: Host,
    /// The host with the address [`Pair::B`].
    pub b: Host,
}

impl Pair {
    /// The address of `a`, of 64 bits prefix.
    pub const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
    /// The address of `b`, of 64 bits prefix.
    pub const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2);

    /// Makes both.
    pub fn new() -> io::Result<Self> {
        let (a, b) = (Host::new("a")?, Host::new("b")?);
        link(&a, "eth0", &b, "eth0")?;
        a.add_address(Self::A, "eth0")?;
        b.add_address(Self::B, "eth0")?;
        Ok(Self { a, b })
    }
}

/// Three hosts in a line: `a` and `b` with an interface `eth0` each, and a router between them, with `left`
/// towards `a` and `right` towards `b`. `router.ip("link set right mtu 1300")` narrows the path.
#[derive(Debug)]
pub struct Line {
    /// The host with the address [`Line::A`].
    pub a: Host,
    /// The router, which forwards and sends no advertisements.
    pub router: Host,
    /// The host with the address [`Line::B`].
    pub b: Host,
}

impl Line {
    /// The address of `a`, of 64 bits prefix.
    pub const A: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xa);
    /// The address of `b`, of 64 bits prefix.
    pub const B: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 0xb);
    /// The router's address on `left`, for which `a` has a default route.
    pub const LEFT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);
    /// The router's address on `right`, for which `b` has a default route.
    pub const RIGHT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 1);

    /// Makes all three.
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
        Ok(Self { a, router, b })
    }
}

/// What is asked of the kernel.
#[cfg(target_os = "linux")]
mod os {
    use super::{current, run_ip, write};
    use nix::errno::Errno;
    use nix::net::if_::if_nametoindex;
    use nix::sched::{CloneFlags, setns, unshare};
    use nix::unistd::{getegid, geteuid};
    use std::fs::File;
    use std::io;
    use std::process::Stdio;
    use std::sync::OnceLock;

    /// Where the process was before, if it had the privilege to move.
    static BEFORE: OnceLock<File> = OnceLock::new();

    pub(super) fn enter_namespaces() -> Result<(), String> {
        run_ip("-V", Stdio::null()).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => error.to_string(),
            _ => format!("the program `ip` is not that of iproute2: {error}"),
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
        // Not both namespaces at once: some systems (AppArmor of Ubuntu 24.04) grant a user namespace and
        // then let nothing be done in it, and a process that is in a new network namespace cannot go back.
        unshare(CloneFlags::CLONE_NEWUSER).map_err(|errno| {
            let why = match errno {
                Errno::ENOSPC => " (the limit user.max_user_namespaces)",
                Errno::EINVAL => " (the process already has threads)",
                _ => "",
            };
            format!("this machine forbids user namespaces: unshare: {errno}{why}")
        })?;
        // Root in there is the user out here. A group can be mapped only by who gave up setgroups.
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

    /// Undoes the above where that is possible.
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

    const NONE: &str = "this system has no network namespaces: only Linux has";

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

    pub(super) fn interface_index(_: &str) -> io::Result<u32> {
        new_namespace().map(|()| 0)
    }

    pub(super) fn group() -> u32 {
        0
    }
}
