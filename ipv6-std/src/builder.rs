//! Sockets with options that are set before they are bound.

use std::fmt;
use std::io::{self, ErrorKind};
use std::marker::PhantomData;
use std::net::{SocketAddr, SocketAddrV6, ToSocketAddrs, UdpSocket};

use ipv6_core::InterfaceIndex;
use ipv6_sys::{Error, IS_LINUX, option, socket};

use crate::address::mapped;
use crate::aio::{self, Register};
use crate::error;
use crate::fd::OwnedFd;
use crate::interface;
use crate::packet::PacketConn;
use crate::raw::{self, RawConn};

/// Opens a socket with options that must be set before it is bound: [`PacketConn::builder`], [`RawConn::builder`].
///
/// Methods of builders ([`Builder`], [`Connected`](crate::Connected)) are named after the option. Methods of values, such
/// as [`SendControl`](crate::SendControl), start with `with_`.
///
/// ```
/// use ipv6_std::{Interface, PacketConn};
/// let conn = PacketConn::builder()
///     .only_v6(false)
///     .device(Interface::by_name("lo")?)
///     .receive_buffer(100_000)
///     .bind("[::]:0")?;
/// assert!(!conn.only_v6()?);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "a builder opens a socket with `bind` or `open`"]
pub struct Builder<C = PacketConn> {
    /// Of a raw socket.
    protocol: u8,
    only_v6: bool,
    reusable: bool,
    device: Option<InterfaceIndex>,
    freebind: bool,
    transparent: bool,
    receive_buffer: Option<usize>,
    send_buffer: Option<usize>,
    nonblocking: bool,
    opens: PhantomData<fn() -> C>,
}

impl PacketConn<UdpSocket> {
    /// Returns a builder for a UDP socket.
    #[doc(alias = "ListenConfig")]
    pub fn builder() -> Builder<Self> {
        Builder::new(0)
    }
}

impl RawConn<OwnedFd> {
    /// Returns a builder for a raw socket of a protocol: 58 is ICMPv6, 89 OSPF, 47 GRE.
    #[doc(alias = "ListenConfig")]
    pub fn builder(protocol: u8) -> Builder<Self> {
        Builder::new(protocol)
    }

    /// Opens a raw socket for a protocol, bound to the first IPv6 address of `addr` that it can be bound to:
    /// it receives only packets to that address, and sends from it. The port is ignored; write 0, as in `[::1]:0`.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), and those of [`PacketConn::bind`].
    #[doc(alias = "ListenPacket")]
    pub fn bind(protocol: u8, addr: impl ToSocketAddrs) -> io::Result<Self> {
        Self::builder(protocol).bind(addr)
    }
}

impl<C> Builder<C> {
    pub(crate) fn new(protocol: u8) -> Self {
        Self {
            protocol,
            only_v6: true,
            reusable: false,
            device: None,
            freebind: false,
            transparent: false,
            receive_buffer: None,
            send_buffer: None,
            nonblocking: false,
            opens: PhantomData,
        }
    }

    /// Sets whether the socket carries IPv6 only (`true`, the default), or IPv4 too, with IPv4-mapped addresses
    /// (RFC 3493 section 5.3). Raw sockets, and all sockets of OpenBSD, never carry IPv4. Neither does a socket that is bound
    /// to an IPv6 address other than `::` (Linux then sets `IPV6_V6ONLY`: `__inet6_bind` in net/ipv6/af_inet6.c).
    ///
    /// [What a dual-stack socket does](crate::Conn#dual-stack-sockets) with options, control messages and groups.
    #[doc(alias = "IPV6_V6ONLY")]
    pub fn only_v6(self, on: bool) -> Self {
        Self { only_v6: on, ..self }
    }

    /// Sets whether the socket shares its port with other sockets that also do this, for multicast: each of them
    /// receives every multicast datagram. One of them receives a unicast datagram, on Linux the one bound last. On
    /// Linux, any program of this host can open such a socket; on other systems, any program of the same user.
    ///
    /// Unlike [`PacketConn::bind_reusable`], [`bind`](Builder::bind) binds to a multicast address as it is: the socket
    /// then receives only what is sent to that group.
    ///
    /// Systems: all. Sets `SO_REUSEADDR`, and `SO_REUSEPORT` too except on Linux, illumos, Solaris and Windows.
    #[doc(alias = "SO_REUSEADDR", alias = "SO_REUSEPORT")]
    pub fn reusable(self, on: bool) -> Self {
        Self { reusable: on, ..self }
    }

    /// Restricts the socket to one interface, an [`Interface`](crate::Interface) or its index: it sends and
    /// receives on no other.
    ///
    /// Systems: Linux (`SO_BINDTODEVICE`; `CAP_NET_RAW` before 5.7), Apple, Solaris, illumos (`IPV6_BOUND_IF`).
    #[doc(alias = "SO_BINDTODEVICE", alias = "SO_BINDTOIFINDEX", alias = "IPV6_BOUND_IF")]
    pub fn device(self, device: impl Into<InterfaceIndex>) -> Self {
        Self { device: Some(device.into()), ..self }
    }

    /// Sets whether the socket can be bound to an address that the host does not have, or does not have yet.
    ///
    /// Systems: Linux (`IPV6_FREEBIND`), FreeBSD and NetBSD (`IPV6_BINDANY`) and OpenBSD (`SO_BINDANY`). The BSDs require
    /// root.
    #[doc(alias = "IPV6_FREEBIND", alias = "IPV6_BINDANY", alias = "SO_BINDANY")]
    pub fn freebind(self, on: bool) -> Self {
        Self { freebind: on, ..self }
    }

    /// Sets whether the socket can be bound to any address, and receives what is routed to it for that address, as
    /// transparent proxies do.
    ///
    /// Systems: Linux (`IPV6_TRANSPARENT`; `CAP_NET_ADMIN` or `CAP_NET_RAW`), FreeBSD and NetBSD (`IPV6_BINDANY`) and
    /// OpenBSD (`SO_BINDANY`). The BSDs require root.
    #[doc(alias = "IPV6_TRANSPARENT", alias = "IPV6_BINDANY", alias = "SO_BINDANY")]
    pub fn transparent(self, on: bool) -> Self {
        Self { transparent: on, ..self }
    }

    /// Requests a size of the receive buffer in bytes, as
    /// [`set_receive_buffer_size`](crate::Conn::set_receive_buffer_size) does.
    #[doc(alias = "SO_RCVBUF")]
    pub fn receive_buffer(self, bytes: usize) -> Self {
        Self { receive_buffer: Some(bytes), ..self }
    }

    /// Requests a size of the send buffer in bytes, as
    /// [`set_send_buffer_size`](crate::Conn::set_send_buffer_size) does.
    #[doc(alias = "SO_SNDBUF")]
    pub fn send_buffer(self, bytes: usize) -> Self {
        Self { send_buffer: Some(bytes), ..self }
    }

    /// Sets whether calls return `WouldBlock` where they would have to wait.
    #[doc(alias = "SOCK_NONBLOCK", alias = "FIONBIO")]
    pub fn nonblocking(self, on: bool) -> Self {
        Self { nonblocking: on, ..self }
    }

    /// The same options for another type of connection, on a non-blocking socket.
    fn nonblocking_for<D>(self) -> Builder<D> {
        let Self {
            protocol,
            only_v6,
            reusable,
            device,
            freebind,
            transparent,
            receive_buffer,
            send_buffer,
            ..
        } = self;
        Builder {
            only_v6,
            reusable,
            device,
            freebind,
            transparent,
            receive_buffer,
            send_buffer,
            nonblocking: true,
            ..Builder::new(protocol)
        }
    }

    /// Sets the options.
    fn set(&self, socket: OwnedFd) -> io::Result<OwnedFd> {
        if self.reusable {
            socket::set_reuse_address(&socket, true)?;
        }
        if let Some(device) = self.device {
            socket::set_device(&socket, device).map_err(|error| match error {
                Error::Os(errno) => {
                    error::privileged(interface::named(errno, &device), "device needs CAP_NET_RAW")
                }
                error => error.into(),
            })?;
        }
        if self.freebind {
            let set = option::FREEBIND.set(&socket, true).map_err(io::Error::from);
            set.map_err(|error| error::privileged(error, "freebind needs root"))?;
        }
        if self.transparent {
            let set = option::TRANSPARENT.set(&socket, true).map_err(io::Error::from);
            set.map_err(|error| error::privileged(error, TRANSPARENT_NEEDS))?;
        }
        if let Some(bytes) = self.receive_buffer {
            socket::set_receive_buffer_size(&socket, bytes)?;
        }
        if let Some(bytes) = self.send_buffer {
            socket::set_send_buffer_size(&socket, bytes)?;
        }
        if self.nonblocking {
            socket::set_nonblocking(&socket, true)?;
        }
        Ok(socket)
    }

    /// A socket bound to one of the addresses. Those of IPv6 come first, so that a name with both is bound for
    /// both.
    fn bound(&self, addr: impl ToSocketAddrs, open: impl Fn() -> io::Result<OwnedFd>) -> io::Result<OwnedFd> {
        let addresses: Vec<SocketAddr> = addr.to_socket_addrs()?.collect();
        let usable = addresses.iter().filter(|address| address.is_ipv6());
        let as_mapped = addresses.iter().filter(|address| address.is_ipv4() && !self.only_v6);
        let mut failure = None;
        for address in usable.chain(as_mapped) {
            let mut address = mapped(*address);
            if self.only_v6 {
                address = error::not_mapped_socket(address)?;
            }
            let socket = open()?;
            match socket::bind(&socket, &address) {
                Ok(()) => return Ok(socket),
                Err(errno) => failure = Some(not_bound(errno.into(), &address)),
            }
        }
        Err(failure.unwrap_or_else(|| match addresses.first() {
            Some(address) => error::invalid(format!(
                "no IPv6 address to bind to: {address} is an IPv4 address; for IPv4 too, use \
                 PacketConn::builder().only_v6(false)"
            )),
            None => error::invalid("no IPv6 address to bind to"),
        }))
    }
}

impl Builder<PacketConn> {
    /// Opens a UDP socket, and binds it to the first address of `addr` that it can be bound to. On a socket for
    /// [IPv6 only](Self::only_v6), IPv4 addresses are ignored; otherwise they come last, as IPv4-mapped ones.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `addr` has no address that this socket can have, or an IPv4-mapped address for a socket that
    /// carries IPv6 only; those of [`open`](Self::open); the system's error when none can be bound (the text of
    /// `PermissionDenied` names the privilege).
    #[doc(alias = "ListenPacket")]
    pub fn bind(self, addr: impl ToSocketAddrs) -> io::Result<PacketConn> {
        PacketConn::new(self.bound(addr, || self.socket())?.into())
    }

    /// Opens a UDP socket that is not bound: its first send or [`connect`](PacketConn::connect) binds it to a
    /// port that the system chooses.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `Unsupported`, with the option's name, for an option that the system lacks; `PermissionDenied`, with the name of
    /// the privilege that is missing; `NotFound` when there is no such [device](Self::device).
    #[inline]
    pub fn open(self) -> io::Result<PacketConn> {
        PacketConn::new(self.socket()?.into())
    }

    #[inline]
    fn socket(&self) -> io::Result<OwnedFd> {
        let socket = socket::datagram()?;
        option::ONLY_V6.set(&socket, self.only_v6)?;
        self.set(socket)
    }
}

impl Builder<RawConn> {
    /// Opens a raw socket, and binds it to the first IPv6 address of `addr` that it can be bound to: it
    /// receives only packets to that address, and sends from it. The port is ignored; write 0, as in `[::1]:0`.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `addr` has no IPv6 address, or an IPv4-mapped one; those of [`open`](Self::open);
    /// the system's error when none can be bound.
    pub fn bind(self, addr: impl ToSocketAddrs) -> io::Result<RawConn> {
        RawConn::new(self.bound(addr, || self.socket())?)
    }

    /// Opens a raw socket that receives packets to any address of this host.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for protocol 0 and for [`only_v6(false)`](Self::only_v6); `Unsupported`, with the option's
    /// name, for an option that the system lacks; `PermissionDenied`, with the name of the privilege that is missing;
    /// `NotFound` when there is no such [device](Self::device).
    #[inline]
    pub fn open(self) -> io::Result<RawConn> {
        RawConn::new(self.socket()?)
    }

    #[inline]
    fn socket(&self) -> io::Result<OwnedFd> {
        if !self.only_v6 {
            return Err(error::invalid("only_v6(false): a raw IPv6 socket never carries IPv4"));
        }
        self.set(raw::open(self.protocol)?)
    }
}

impl<S: Register> Builder<aio::PacketConn<S>> {
    /// Opens and binds a UDP socket, and registers it with the event loop. [`nonblocking`](Self::nonblocking) has no
    /// effect: it always is.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of a builder of [`PacketConn`], and the loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    #[doc(alias = "ListenPacket")]
    pub fn bind(self, addr: impl ToSocketAddrs) -> io::Result<aio::PacketConn<S>> {
        aio::PacketConn::from_std(self.nonblocking_for::<PacketConn>().bind(addr)?)
    }

    /// Opens a UDP socket that is not bound, and registers it with the event loop.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of a builder of [`PacketConn`], and the loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    pub fn open(self) -> io::Result<aio::PacketConn<S>> {
        aio::PacketConn::from_std(self.nonblocking_for::<PacketConn>().open()?)
    }
}

impl<S: Register> Builder<aio::RawConn<S>> {
    /// Opens and binds a raw socket, and registers it with the event loop.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of a builder of [`RawConn`], and the loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    pub fn bind(self, addr: impl ToSocketAddrs) -> io::Result<aio::RawConn<S>> {
        aio::RawConn::from_std(self.nonblocking_for::<RawConn>().bind(addr)?)
    }

    /// Opens a raw socket, and registers it with the event loop.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// Those of a builder of [`RawConn`], and the loop's.
    ///
    /// # Panics
    ///
    /// With tokio, outside a runtime.
    pub fn open(self) -> io::Result<aio::RawConn<S>> {
        aio::RawConn::from_std(self.nonblocking_for::<RawConn>().open()?)
    }
}

const TRANSPARENT_NEEDS: &str =
    if IS_LINUX { "transparent needs CAP_NET_ADMIN or CAP_NET_RAW" } else { "transparent needs root" };

/// The error of a bind, with the remedy. An error that needs none is returned as it is, with its number.
fn not_bound(error: io::Error, address: &SocketAddrV6) -> io::Error {
    let (port, ip) = (address.port(), address.ip());
    let text = match error.kind() {
        ErrorKind::PermissionDenied if port != 0 && IS_LINUX => {
            format!(
                "port {port} needs CAP_NET_BIND_SERVICE, or net.ipv4.ip_unprivileged_port_start of at most {port}"
            )
        }
        ErrorKind::InvalidInput if ip.is_unicast_link_local() && address.scope_id() == 0 => {
            format!("{ip} is link-local: it needs an interface, as in parse_scoped(\"{ip}%eth0\")")
        }
        _ => return error,
    };
    error::explained(error.kind(), error, text)
}

impl<C> Clone for Builder<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Builder<C> {}

impl<C> fmt::Debug for Builder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("only_v6", &self.only_v6)
            .field("reusable", &self.reusable)
            .field("device", &self.device)
            .field("freebind", &self.freebind)
            .field("transparent", &self.transparent)
            .field("receive_buffer", &self.receive_buffer)
            .field("send_buffer", &self.send_buffer)
            .field("nonblocking", &self.nonblocking)
            .finish_non_exhaustive()
    }
}
