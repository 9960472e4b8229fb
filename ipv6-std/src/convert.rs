//! Conversions between connections and the sockets of `std`.

use std::io;
use std::net::{SocketAddrV6, TcpListener, TcpStream, UdpSocket};

use ipv6_sys::socket;

use crate::conn::Conn;
use crate::error;
use crate::fd::{AsFd, OwnedFd};
use crate::packet::PacketConn;
use crate::raw::RawConn;

/// Both ways for one connection and each socket: into the connection, if it is one for that socket, and back.
macro_rules! converts {
    ($($connection:ident: $($socket:ident)*;)*) => {
        $(
            $(
                /// As `new`.
                impl TryFrom<$socket> for $connection<$socket> {
                    type Error = io::Error;

                    #[inline]
                    fn try_from(socket: $socket) -> io::Result<Self> {
                        Self::new(socket)
                    }
                }

                /// As `into_inner`.
                impl From<$connection<$socket>> for $socket {
                    #[inline]
                    fn from(connection: $connection<$socket>) -> Self {
                        connection.into_inner()
                    }
                }
            )*

            /// As `new`, with the socket as any type that owns it.
            impl<S: AsFd + From<OwnedFd>> TryFrom<OwnedFd> for $connection<S> {
                type Error = io::Error;

                fn try_from(socket: OwnedFd) -> io::Result<Self> {
                    Self::new(S::from(socket))
                }
            }

            /// As `into_inner`.
            impl<S: Into<OwnedFd>> From<$connection<S>> for OwnedFd {
                fn from(connection: $connection<S>) -> Self {
                    connection.into_inner().into()
                }
            }
        )*
    };
}

converts! {
    Conn: TcpListener TcpStream UdpSocket;
    PacketConn: UdpSocket;
    RawConn: UdpSocket;
}

impl<S: AsFd> PacketConn<S> {
    /// Connects the socket to a peer: it receives from no other address, [`send`](Self::send) sends there, and
    /// [`path_mtu`](Conn::path_mtu) is known. A connected socket can be connected again. [`connected`](Self::connected)
    /// opens a second socket for one peer instead.
    ///
    /// Datagrams that were queued before the call stay in the queue.
    ///
    /// A dual-stack socket that was connected to an IPv4-mapped peer takes no IPv6 peer on Linux (`EAFNOSUPPORT`). Connect it
    /// again through the same value: another value of the socket that has sent to the former peer keeps sending the control
    /// messages of that peer's family.
    ///
    /// Systems: all.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an IPv4-mapped address on a socket that carries IPv6 only; the system's error when
    /// it has no route to the peer.
    ///
    /// ```
    /// use ipv6_std::{PacketConn, SendControl};
    /// let (conn, peer) = (PacketConn::bind("[::1]:0")?, PacketConn::bind("[::1]:0")?);
    /// conn.connect(peer.local_addr()?)?;
    /// assert_eq!(conn.peer_addr()?, peer.local_addr()?);
    /// conn.send(b"hello", &SendControl::new())?;
    /// # std::io::Result::Ok(())
    /// ```
    pub fn connect(&self, peer: SocketAddrV6) -> io::Result<()> {
        let peer = if self.carries_only_v6() { error::not_mapped_socket(peer)? } else { peer };
        ipv6_sys::retry(|| socket::connect(self, &peer))?;
        self.note_peer();
        self.forget_peer();
        Ok(())
    }
}

/// `try_clone` of each connection with a packet socket.
macro_rules! clones {
    ($($connection:ident)*) => {
        $(
            impl<S: AsFd> $connection<S> {
                /// Opens another handle to the same socket. Both share its options, its queues and its peer. The new
                /// value starts with the same [control flags](Conn::control_flags), and without deadlines and timeouts;
                /// later changes of the flags through one value are not visible in the other.
                ///
                /// `S` is any type that owns its socket, such as `UdpSocket` and `OwnedFd`.
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
                    let clone = Self::new(Conn::try_clone(self)?.into_inner())?;
                    clone.copy_flags(self);
                    Ok(clone)
                }
            }
        )*
    };
}

clones!(PacketConn RawConn);
