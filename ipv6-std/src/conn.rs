//! Options that every IPv6 socket has: header fields of sent packets, control messages of received ones.

use std::fmt;
use std::io;
use std::net::SocketAddrV6;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ipv6_core::{ControlFlags, RecvControl};
use ipv6_sys::option::{self, Readable, SocketOption, Writable};
use ipv6_sys::socket::{self, Kind};
use ipv6_sys::{Errno, Host};

use crate::error;
use crate::fd::{AsFd, OwnedFd, lends_socket};
use crate::privilege;

/// Any IPv6 socket, TCP streams and listeners included: header fields, path MTU, filters, buffers.
///
/// `S` is any socket, owned or borrowed. [`PacketConn`](crate::PacketConn) and
/// [`RawConn`](crate::RawConn) dereference to this type.
///
/// Each method lists the systems that support it. On others it returns `Unsupported`, with the name of the option. Errors
/// a method does not list are the system's own.
///
/// # Dual-stack sockets
///
/// A socket whose [`only_v6`](Self::only_v6) is `false` carries IPv4 too, with IPv4-mapped addresses. The system has a
/// second option for the IPv4 packets, and ignores that of IPv6 for them. Methods that set an option also set this
/// sibling, and so does [`set_option`](Self::set_option). Methods that return an option return that of IPv6. Options of
/// header fields that were set before the socket was wrapped stay as they are: of one family, or of both.
///
/// | | IPv6 | sibling on Linux | on Windows |
/// |---|---|---|---|
/// | [`set_traffic_class`](Self::set_traffic_class), [`set_dscp`](Self::set_dscp), [`set_ecn`](Self::set_ecn) | `IPV6_TCLASS` | `IP_TOS` | `IP_TOS` |
/// | [`set_hop_limit`](Self::set_hop_limit) | `IPV6_UNICAST_HOPS` | `IP_TTL` | `IP_TTL` |
/// | [`set_min_hop_limit`](Self::set_min_hop_limit), on TCP | `IPV6_MINHOPCOUNT` | `IP_MINTTL` | |
/// | [`set_path_mtu_discovery`](Self::set_path_mtu_discovery) | `IPV6_MTU_DISCOVER` | `IP_MTU_DISCOVER` | `IP_MTU_DISCOVER` |
/// | [`set_dont_fragment`](Self::set_dont_fragment) | `IPV6_DONTFRAG` | `IP_MTU_DISCOVER` | `IP_DONTFRAGMENT` |
/// | [`set_queue_errors`](crate::PacketConn::set_queue_errors) | `IPV6_RECVERR` | `IP_RECVERR` | |
/// | [`set_multicast_hop_limit`](crate::PacketConn::set_multicast_hop_limit) | `IPV6_MULTICAST_HOPS` | `IP_MULTICAST_TTL` | `IP_MULTICAST_TTL` |
/// | [`set_multicast_interface`](crate::PacketConn::set_multicast_interface) | `IPV6_MULTICAST_IF` | `IP_MULTICAST_IF` | `IP_MULTICAST_IF` |
/// | [`set_multicast_loopback`](crate::PacketConn::set_multicast_loopback) | `IPV6_MULTICAST_LOOP` | `IP_MULTICAST_LOOP` | `IP_MULTICAST_LOOP` |
/// | [`set_control_flags`](Self::set_control_flags): traffic class | `IPV6_RECVTCLASS` | `IP_RECVTOS` | `IP_RECVTOS` |
/// | hop limit | `IPV6_RECVHOPLIMIT` | `IP_RECVTTL` | `IP_RECVTTL` |
/// | destination, interface | `IPV6_RECVPKTINFO` | | `IP_PKTINFO` |
/// | [`option::UNICAST_INTERFACE`](crate::option::UNICAST_INTERFACE) | `IPV6_UNICAST_IF` | `IP_UNICAST_IF` | `IP_UNICAST_IF` |
/// | [`option::MULTICAST_ALL`](crate::option::MULTICAST_ALL) | `IPV6_MULTICAST_ALL` | `IP_MULTICAST_ALL` | |
/// | [`option::ERROR_EXTENSIONS`](crate::option::ERROR_EXTENSIONS) | `IPV6_RECVERR_RFC4884` | `IP_RECVERR_RFC4884` | |
/// | [`option::RECEIVE_ORIGINAL_DESTINATION`](crate::option::RECEIVE_ORIGINAL_DESTINATION) | `IPV6_RECVORIGDSTADDR` | `IP_RECVORIGDSTADDR` | |
/// | [`option::RECEIVE_FRAGMENT_SIZE`](crate::option::RECEIVE_FRAGMENT_SIZE) | `IPV6_RECVFRAGSIZE` | `IP_RECVFRAGSIZE` | |
///
/// On Linux, `IP_TOS` also sets the priority of the socket (`SO_PRIORITY`, ip(7)). Sockets of FreeBSD and of Apple's
/// systems have no options of IPv4 (`EINVAL`): the traffic class and fragmentation of IPv4 packets are the system's
/// there. Their hop limit is that of [`set_hop_limit`](Self::set_hop_limit).
///
/// ```
/// use std::net::TcpListener;
/// use ipv6_std::Conn;
///
/// let listener = TcpListener::bind("[::1]:0")?;
/// // Accepted connections inherit the hop limit.
/// Conn::new(&listener)?.set_hop_limit(255)?;
/// # std::io::Result::Ok(())
/// ```
pub struct Conn<S> {
    socket: S,
    /// The bits of the `ControlFlags` that are on.
    flags: AtomicU32,
    /// Whether the socket carries IPv6 only. Sends read this instead of the option.
    only_v6: AtomicBool,
    /// Held while an option changes: some changes take more than one system call.
    changing: Mutex<()>,
}

impl<S: AsFd> Conn<S> {
    /// Wraps a socket. Control messages that are already enabled stay enabled, on a dual-stack socket for both families.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a socket of another address family.
    #[doc(alias = "NewConn", alias = "AF_INET6", alias = "PF_INET6")]
    pub fn new(socket: S) -> io::Result<Self> {
        let fd = socket.as_fd();
        if socket::local_address(fd)?.is_none() {
            return Err(error::invalid(if socket::is_ipv4(fd)? {
                "not an IPv6 socket (AF_INET6) but an IPv4 socket (AF_INET): open it with an IPv6 address, such as [::]:0"
            } else {
                "not an IPv6 socket (AF_INET6): it has another address family"
            }));
        }
        let flags = option::control_flags(fd)?;
        // A socket without this option carries nothing but IPv6, and so does a raw socket with any value of it.
        let only_v6 = match option::ONLY_V6.get(fd) {
            Err(error) if option::is_absent(error) => true,
            only_v6 => only_v6? || socket::kind(fd)? == Kind::Raw,
        };
        if !only_v6 {
            for (option, of) in option::CONTROL {
                if flags.intersects(of) {
                    option::update_sibling(fd, option)?;
                }
            }
        }
        Ok(Self::with(socket, flags, only_v6))
    }

    fn with(socket: S, flags: ControlFlags, only_v6: bool) -> Self {
        let (flags, only_v6) = (AtomicU32::new(flags.bits()), AtomicBool::new(only_v6));
        Self { socket, flags, only_v6, changing: Mutex::new(()) }
    }

    /// Reads an option of the socket. [`option`](crate::option) has a descriptor for each; [`SocketOption::custom`] creates
    /// one for an option that it lacks.
    ///
    /// Systems: all; each descriptor lists those that have it.
    ///
    /// # Errors
    ///
    /// `Unsupported`, with the name of the option, when the system has no such option.
    ///
    /// ```
    /// use ipv6_std::{PacketConn, option};
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_option(&option::TRAFFIC_CLASS, 0x28)?;
    /// assert_eq!(conn.option(&option::TRAFFIC_CLASS)?, 0x28);
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "getsockopt")]
    pub fn option<T: Readable>(&self, option: &SocketOption<T>) -> io::Result<T> {
        Ok(option.get(self.socket.as_fd())?)
    }

    /// Sets an option of the socket. On a dual-stack socket, its [IPv4 sibling](#dual-stack-sockets) is set too.
    ///
    /// Prefer the method for the option where there is one: some also do what a system needs besides the option. Three
    /// must be set with their methods, because this value remembers them:
    ///
    /// - the options of [`set_control_flags`](Self::set_control_flags): receive calls return only the fields whose flags are
    ///   on ([`recv_message`](crate::PacketConn::recv_message) returns every message);
    /// - [`set_only_v6`](Self::set_only_v6): otherwise IPv4-mapped destinations are checked against the old value;
    /// - [`set_receive_coalescing`](crate::PacketConn::set_receive_coalescing): otherwise batches return several datagrams as
    ///   one.
    ///
    /// The options of IPv4 (`option::IPV4_…`) have no effect on a socket that carries IPv6 only, and Linux accepts them there.
    ///
    /// Systems: all; each descriptor lists those that have it.
    ///
    /// # Errors
    ///
    /// `Unsupported`, with the name of the option, when the system has no such option; the system's error when it
    /// refuses the value. The text of `PermissionDenied` names the privilege.
    #[doc(alias = "setsockopt")]
    pub fn set_option<T: Writable>(&self, option: &SocketOption<T>, value: T) -> io::Result<()> {
        let _changing = self.change();
        self.set_both(option, value).map_err(|error| privilege::named(error, option.name()))
    }

    /// Sets an option, and on a dual-stack socket its IPv4 sibling. The caller holds [`change`](Self::change).
    pub(crate) fn set_both<T: Writable>(&self, option: &SocketOption<T>, value: T) -> io::Result<()> {
        let socket = self.socket.as_fd();
        if self.carries_only_v6() {
            return Ok(option.set(socket, value)?);
        }
        match option::set_both(socket, option, value) {
            Err(ipv6_sys::Error::Os(Errno::INVAL)) if option.name() == option::HOP_LIMIT.name() => {
                Err(error::no_hop_limit_of_ipv4())
            }
            answer => Ok(answer?),
        }
    }

    /// Opens another handle to the same socket. Both share its options, its queue and its peer. The new
    /// value starts with the same [control flags](Self::control_flags); later changes of the flags through
    /// one value are not visible in the other.
    ///
    /// `S` is any type that owns its socket, such as `UdpSocket`, `TcpStream`, `TcpListener` and `OwnedFd`.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `EMFILE` when the process has too many open descriptors.
    #[doc(alias = "dup")]
    pub fn try_clone(&self) -> io::Result<Self>
    where
        S: From<OwnedFd>,
    {
        let socket = S::from(self.socket.as_fd().try_clone_to_owned()?);
        Ok(Self::with(socket, self.control_flags(), self.carries_only_v6()))
    }

    /// Returns the local address. `[::]:0`: the socket is not bound yet.
    ///
    /// Systems: all.
    #[doc(alias = "getsockname", alias = "LocalAddr")]
    pub fn local_addr(&self) -> io::Result<SocketAddrV6> {
        let address = socket::local_address(self.socket.as_fd())?;
        address.ok_or_else(|| error::invalid("the socket is no longer an IPv6 socket"))
    }

    /// Returns the peer of a connected socket.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `NotConnected` when the socket has no peer.
    #[doc(alias = "getpeername", alias = "RemoteAddr")]
    pub fn peer_addr(&self) -> io::Result<SocketAddrV6> {
        let address = socket::peer_address(self.socket.as_fd())?;
        address.ok_or_else(|| error::invalid("the socket is no longer an IPv6 socket"))
    }

    /// Returns whether the socket carries IPv6 only (RFC 3493 section 5.3).
    ///
    /// Systems: all.
    #[doc(alias = "IPV6_V6ONLY")]
    pub fn only_v6(&self) -> io::Result<bool> {
        Ok(option::ONLY_V6.get(self.socket.as_fd())?)
    }

    /// Sets whether the socket carries IPv6 only, or IPv4 too, with IPv4-mapped addresses (RFC 3493
    /// section 5.3). `false` also sets the [IPv4 siblings](#dual-stack-sockets) of options that were set before.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` on Linux when the socket is bound, and for a raw socket; for `false` also when the hop limit is 0,
    /// which IPv4 does not have. The system's error on OpenBSD, whose sockets never carry IPv4. After an error, the socket
    /// carries what it carried before.
    #[doc(alias = "IPV6_V6ONLY")]
    pub fn set_only_v6(&self, on: bool) -> io::Result<()> {
        let (_changing, socket) = (self.change(), self.socket.as_fd());
        // Not a change from dual-stack to dual-stack: the siblings may have values of their own.
        let has_new_siblings = self.carries_only_v6() && !on;
        if has_new_siblings && option::HOP_LIMIT.get(socket) == Ok(Some(0)) {
            return Err(error::no_hop_limit_of_ipv4());
        }
        match option::ONLY_V6.set(socket, on) {
            Err(ipv6_sys::Error::Os(Errno::INVAL)) => {
                return Err(error::invalid(format!(
                    "cannot set IPV6_V6ONLY to {on} on a raw or a bound socket: set it before the bind, as \
                     PacketConn::builder() does"
                )));
            }
            answer => answer?,
        }
        if has_new_siblings {
            if let Err(error) = option::update_siblings(socket) {
                // A dual-stack socket has all siblings. The next call sets those that this one did not reach.
                option::ONLY_V6.set(socket, true)?;
                return Err(error.into());
            }
        }
        self.only_v6.store(on, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the socket carries IPv6 only, as it was when it was wrapped or last set.
    #[inline]
    pub(crate) fn carries_only_v6(&self) -> bool {
        self.only_v6.load(Ordering::Relaxed)
    }

    /// Sets whether calls return `WouldBlock` where they would have to wait.
    ///
    /// Systems: all.
    #[doc(alias = "FIONBIO", alias = "O_NONBLOCK")]
    pub fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        Ok(socket::set_nonblocking(self.socket.as_fd(), on)?)
    }

    /// Enables or disables the control messages of these flags. The other flags stay as they are.
    ///
    /// On a [dual-stack socket](#dual-stack-sockets), each flag enables the message of IPv4 too: the same fields have the type
    /// of service, the time to live and the IPv4-mapped destination of IPv4 packets (Linux, FreeBSD, Windows; Apple's systems
    /// without the time to live).
    ///
    /// The system delivers destination and interface in one message. Here each has its own flag, and
    /// [`Received`](crate::Received) has what was requested. On a stream of Linux, the options of traffic class, hop
    /// limit and packet info are enabled together, and [`stream_control`](Self::stream_control) has what was
    /// requested.
    ///
    /// Systems: all; each flag lists those that have it.
    ///
    /// # Errors
    ///
    /// `Unsupported`, with the option's name, where the system lacks a message. The flags before it have
    /// changed then.
    #[doc(alias = "SetControlMessage", alias = "IPV6_RECVTCLASS", alias = "IPV6_RECVHOPLIMIT")]
    #[doc(alias = "IPV6_RECVPKTINFO", alias = "IPV6_RECVPATHMTU")]
    pub fn set_control_flags(&self, flags: ControlFlags, on: bool) -> io::Result<()> {
        let _changing = self.change();
        let (socket, flags, mut now) =
            (self.socket.as_fd(), flags.as_supported_by::<Host>(), self.control_flags());
        let is_dual_stack = !self.carries_only_v6();
        let mut wanted = now;
        wanted.set(flags, on);
        for (option, of, needed_by) in option::deliveries(socket)? {
            if flags.intersects(needed_by) {
                option::switch(socket, option, wanted.intersects(needed_by), is_dual_stack)?;
                now.set(flags & of, on);
                self.flags.store(now.bits(), Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Returns the control messages of the latest segment that a stream received: those that are
    /// [enabled](Self::set_control_flags). A stream has no message boundaries, so this is a sample: other segments may
    /// have had other values.
    ///
    /// All fields are `None` until the kernel has recorded a segment, which it does for those that arrive in order
    /// while messages are enabled; on an accepted connection, the last segment of the handshake is recorded too. With an IPv4
    /// peer, an accepted connection keeps the fields of that one.
    ///
    /// Systems: Linux and Android.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other systems, and for a connection that this host opened to an IPv4 peer, of which Linux records
    /// nothing.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::{TcpListener, TcpStream};
    /// use ipv6_std::{Conn, ControlFlags};
    ///
    /// let listener = TcpListener::bind("[::1]:0")?;
    /// let mut client = TcpStream::connect(listener.local_addr()?)?;
    /// let client_conn = Conn::new(client.try_clone()?)?;
    /// client_conn.set_control_flags(ControlFlags::TRAFFIC_CLASS, true)?;
    ///
    /// let (mut server, _) = listener.accept()?;
    /// Conn::new(&server)?.set_traffic_class(0x28)?;
    /// server.write_all(b"marked")?;
    /// client.read_exact(&mut [0; 6])?;
    /// assert_eq!(client_conn.stream_control()?.dscp(), Some(10)); // AF11
    /// # std::io::Result::Ok(())
    /// ```
    #[doc(alias = "IPV6_2292PKTOPTIONS", alias = "IPV6_PKTOPTIONS")]
    pub fn stream_control(&self) -> io::Result<RecvControl<'static>> {
        Ok(option::stream_control(self.socket.as_fd())?.filter(self.control_flags()))
    }
}

impl<S> Conn<S> {
    /// Returns the control messages that are enabled: on the socket when this value was created, and through this value
    /// since then.
    #[must_use]
    pub fn control_flags(&self) -> ControlFlags {
        ControlFlags::from_bits_truncate(self.flags.load(Ordering::Relaxed))
    }

    /// Takes over the flags of another value of the same socket.
    pub(crate) fn copy_flags<T>(&self, other: &Conn<T>) {
        self.flags.store(other.control_flags().bits(), Ordering::Relaxed);
    }

    /// The same connection over another value that owns the socket.
    pub(crate) fn map<T>(self, convert: impl FnOnce(S) -> io::Result<T>) -> io::Result<Conn<T>> {
        let Self { socket, flags, only_v6, changing } = self;
        Ok(Conn { socket: convert(socket)?, flags, only_v6, changing })
    }

    /// Keeps other threads from changing the same options through this value.
    pub(crate) fn change(&self) -> MutexGuard<'_, ()> {
        // After a panic, flags and options still agree: each option is set before its flag.
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the socket.
    #[must_use]
    pub fn get_ref(&self) -> &S {
        &self.socket
    }

    /// Returns the socket. Do not replace it with another socket: this value caches options of this one.
    #[must_use]
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Returns the socket with its options as they are.
    #[must_use]
    pub fn into_inner(self) -> S {
        self.socket
    }
}

lends_socket!(Conn: socket);

impl<S: fmt::Debug> fmt::Debug for Conn<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn")
            .field("socket", &self.socket)
            .field("control_flags", &self.control_flags())
            .field("only_v6", &self.only_v6)
            .finish_non_exhaustive()
    }
}
