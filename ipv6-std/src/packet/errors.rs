//! Errors about datagrams that were sent, by themselves and with those who report them.

use std::io::{self, IoSliceMut};
use std::net::SocketAddrV6;

use ipv6_core::QueuedError;
use ipv6_sys::option;

use super::PacketConn;
use crate::fd::AsFd;

/// An error about a datagram that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reported {
    /// What is wrong, and who says so.
    pub error: QueuedError,
    /// Where the datagram was going.
    pub destination: SocketAddrV6,
    /// Bytes of the datagram's payload, from its start, that the report quotes and that fit into the buffer.
    pub len: usize,
}

impl<S: AsFd> PacketConn<S> {
    /// Has the system keep errors about datagrams that were sent, for [`recv_error`](Self::recv_error): each with
    /// the one who reports it, which a socket for ICMPv6 would need privilege for (Linux).
    ///
    /// Such an error is then also what the next call on the socket fails with, be it connected or not: take the
    /// errors from the queue and make the call again.
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no such queue.
    #[doc(alias = "IPV6_RECVERR")]
    pub fn set_queue_errors(&self, on: bool) -> io::Result<()> {
        Ok(option::QUEUE_ERRORS.set(self.as_fd(), on)?)
    }

    /// Takes the next error from the queue, and into `payload` what it quotes of the datagram; `None` where there is
    /// none. It does not wait.
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
    /// assert_eq!(conn.recv_error(&mut payload)?, None);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    ///
    /// `Unsupported` where the system has no such queue.
    #[doc(alias = "MSG_ERRQUEUE")]
    pub fn recv_error(&self, payload: &mut [u8]) -> io::Result<Option<Reported>> {
        self.try_recv_error(payload)
    }

    /// Returns the next queued error without waiting: the name of [`recv_error`](Self::recv_error) that event loops use
    /// too.
    ///
    /// Linux and Android only.
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

    // What is switched on comes as well, and before it.
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
    // Without it, it is of another kind: the queue also has timestamps, for those who ask for them.
    let Some(error) = ours.find_map(|message| QueuedError::decode::<Host>(message.data)) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the error queue has something else"));
    };
    Ok(Some(Reported { error, destination: got.source.unwrap_or(NOBODY), len: got.len }))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn receive(socket: impl AsFd, _: &mut [IoSliceMut<'_>]) -> io::Result<Option<Reported>> {
    // Says that there is no such option.
    option::QUEUE_ERRORS.get(socket)?;
    Ok(None)
}
