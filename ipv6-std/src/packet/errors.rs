//! The error queue: errors about sent datagrams, with the node that reported each.

use std::io::{self, IoSliceMut};
use std::net::SocketAddrV6;

use ipv6_core::QueuedError;
use ipv6_sys::option;

use super::PacketConn;
use crate::fd::AsFd;

/// An error about a sent datagram ([`PacketConn::recv_error`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Reported {
    /// The error, with the node that reported it.
    pub error: QueuedError,
    /// The destination of the datagram.
    pub destination: SocketAddrV6,
    /// Bytes in the buffer: the start of the datagram's payload. It ends where the report or the buffer ends.
    pub len: usize,
}

impl<S: AsFd> PacketConn<S> {
    /// Sets whether the system queues errors about sent datagrams for [`recv_error`](Self::recv_error), each with the
    /// node that reported it. This needs no privilege, unlike a raw socket that receives the ICMPv6 messages.
    ///
    /// The next call on the socket, connected or not, fails with such an error too: receive the queued errors, then repeat
    /// the call.
    ///
    /// Systems: Linux and Android.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no error queue.
    #[doc(alias = "IPV6_RECVERR")]
    pub fn set_queue_errors(&self, on: bool) -> io::Result<()> {
        Ok(option::QUEUE_ERRORS.set(self.as_fd(), on)?)
    }

    /// Returns the next queued error, and copies the part of the datagram that the report quotes into `payload`. `None`:
    /// the queue is empty. Does not wait.
    ///
    /// Systems: Linux and Android.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # fn main() -> std::io::Result<()> {
    /// use ipv6_std::{Icmp6Type, PacketConn, SendControl};
    ///
    /// let (conn, nobody) = (PacketConn::bind("[::1]:0")?, PacketConn::bind("[::1]:0")?.local_addr()?);
    /// conn.set_queue_errors(true)?;
    /// conn.send_to(b"anyone?", &SendControl::new(), nobody)?;
    ///
    /// let failed = conn.recv_from(&mut []).unwrap_err();
    /// assert_eq!(failed.kind(), std::io::ErrorKind::ConnectionRefused);
    /// let mut payload = [0; 64];
    /// let reported = conn.recv_error(&mut payload)?.unwrap();
    /// assert_eq!(&payload[..reported.len], b"anyone?");
    /// assert_eq!(reported.destination, nobody);
    /// assert_eq!(reported.error.icmp6, Some((Icmp6Type::DESTINATION_UNREACHABLE, 4)));
    /// assert_eq!(reported.error.reporter, Some(*nobody.ip()));
    /// assert_eq!(conn.try_recv_error(&mut payload)?, None);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no error queue.
    #[doc(alias = "MSG_ERRQUEUE")]
    pub fn recv_error(&self, payload: &mut [u8]) -> io::Result<Option<Reported>> {
        self.try_recv_error(payload)
    }

    /// The same as [`recv_error`](Self::recv_error), which does not wait either.
    ///
    /// Systems: Linux and Android.
    ///
    /// # Errors
    ///
    /// Those of [`recv_error`](Self::recv_error).
    #[doc(alias = "MSG_ERRQUEUE")]
    pub fn try_recv_error(&self, payload: &mut [u8]) -> io::Result<Option<Reported>> {
        receive(self, &mut [IoSliceMut::new(payload)])
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn receive(socket: impl AsFd, payload: &mut [IoSliceMut<'_>]) -> io::Result<Option<Reported>> {
    use ipv6_core::abi::Platform;
    use ipv6_core::cmsg::RawMessages;
    use ipv6_sys::message::{self, ControlBuffer, ControlSpace, MessageFlags};
    use ipv6_sys::{Errno, Host};

    use crate::received::NOBODY;
    use crate::space::RECV_SPACE;

    // The messages of flags and options come too, before it.
    const SPACE: usize = RECV_SPACE + Host::ABI.cmsg.space(16 + Host::ABI.sockaddr.size);
    let mut buffer = ControlBuffer::<SPACE>::new();
    let mut control = ControlSpace::from(&mut buffer);
    let got = loop {
        match message::receive(&socket, payload, &mut control, MessageFlags::ERROR_QUEUE) {
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => {}
            got => break got?,
        }
    };
    let number = Host::ABI.options.queue_errors;
    let messages = RawMessages::<Host>::new(control.written()).map_while(Result::ok);
    let mut ours = messages.filter(|message| {
        number.is_some_and(|number| (message.level, message.kind) == (number.level, number.name))
    });
    // The queue holds other messages too, such as timestamps of sent datagrams (SO_TIMESTAMPING).
    let Some(error) = ours.find_map(|message| QueuedError::decode::<Host>(message.data)) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the error queue holds a message without an IPV6_RECVERR error, such as a timestamp",
        ));
    };
    Ok(Some(Reported { error, destination: got.source.unwrap_or(NOBODY), len: got.len }))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn receive(socket: impl AsFd, _: &mut [IoSliceMut<'_>]) -> io::Result<Option<Reported>> {
    // Returns `Unsupported`, with the name of the option.
    option::QUEUE_ERRORS.get(socket)?;
    Ok(None)
}
