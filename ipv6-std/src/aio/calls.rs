//! The calls that wait, of both types.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::SocketAddrV6;

use ipv6_core::{Messages, SendControl};
use ipv6_sys::Host;
use ipv6_sys::batch::{Outgoing, Room};
use ipv6_sys::wait::Ready;

use super::event_loop::EventLoop;
use super::wait;
use super::{PacketConn, RawConn};
use crate::packet::errors::Reported;
use crate::packet::flags::SendFlags;
use crate::received::{Message, Received};
use crate::recv_batch::RecvBatch;
use crate::send_batch::{SendAllError, SendBatch};

/// Systems that receive a batch message by message keep an error in the batch, for which no event loop wakes.
pub(super) const BATCH_KEEPS_ERROR: bool = cfg!(one_by_one)
    || !cfg!(any(target_os = "linux", target_os = "android", target_os = "netbsd", target_os = "openbsd"));

macro_rules! calls {
    ($connection:ident) => {
        /// Calls that wait.
        ///
        /// All are **cancel safe**: a future that is dropped before it is ready has neither received nor lost anything.
        /// Each makes the `try_` call of [`ipv6_std::PacketConn`](crate::PacketConn) when the socket may be ready, with the
        /// same arguments and errors. Errors of the network wake receives and sends.
        ///
        /// `WouldBlock` and `TimedOut` are not returned. A receive returns `BrokenPipe` when the socket is shut down for
        /// receiving and no datagram is left. `EMFILE` is possible while the error queue is not empty: some waits then need
        /// a descriptor (Linux).
        ///
        /// Systems: all.
        impl<S: EventLoop> $connection<S> {
            #[inline]
            fn receive<R: Send>(
                &self,
                call: impl FnMut() -> io::Result<R> + Send,
            ) -> impl Future<Output = io::Result<R>> + Send {
                wait::io(self.packets().get_ref(), Ready::Receive, call)
            }

            #[inline]
            fn transmit<R: Send>(
                &self,
                call: impl FnMut() -> io::Result<R> + Send,
            ) -> impl Future<Output = io::Result<R>> + Send {
                wait::io(self.packets().get_ref(), Ready::Send, call)
            }

            /// Receives one datagram, as [`recv_from`](crate::PacketConn::recv_from).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has received nothing.
            ///
            /// # Errors
            ///
            /// Those of [`recv_from`](crate::PacketConn::recv_from).
            #[doc(alias = "recvmsg", alias = "recvfrom", alias = "ReadFrom")]
            // This and the sends of one datagram are not `async fn`: one more future around that of the loop holds and
            // moves the arguments once more, which takes 60 instructions (the table `tokio` of the benchmarks).
            pub fn recv_from(&self, payload: &mut [u8]) -> impl Future<Output = io::Result<Received>> + Send {
                let conn = self.packets();
                self.receive(move || conn.try_recv_from(payload))
            }

            /// Receives one datagram into several buffers, as [`recv_vectored`](crate::PacketConn::recv_vectored).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has received nothing.
            ///
            /// # Errors
            ///
            /// Those of [`recv_vectored`](crate::PacketConn::recv_vectored).
            #[doc(alias = "recvmsg", alias = "readv")]
            pub async fn recv_vectored(&self, payload: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
                let conn = self.packets();
                self.receive(|| conn.try_recv_vectored(payload)).await
            }

            /// Receives one datagram with all its control messages, as
            /// [`recv_message`](crate::PacketConn::recv_message).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has received nothing.
            ///
            /// # Errors
            ///
            /// Those of [`recv_message`](crate::PacketConn::recv_message).
            #[doc(alias = "recvmsg")]
            pub async fn recv_message<'c>(
                &self,
                payload: &mut [u8],
                control: &'c mut [u8],
            ) -> io::Result<Message<'c>> {
                let (conn, start) = (self.packets(), control.as_ptr().addr());
                // A call that is repeated cannot return a borrow of `control`: it returns where the messages are.
                let call = || {
                    let message = conn.try_recv_message(payload, control)?;
                    let raw = message.raw_control();
                    let at = raw.as_ptr().addr().wrapping_sub(start);
                    Ok((message.without_control(), at, raw.len()))
                };
                let (message, at, len) = self.receive(call).await?;
                let control: &'c [u8] = control;
                let written = control.get(at..).and_then(|rest| rest.get(..len)).unwrap_or_default();
                Ok(message.with_control(written))
            }

            /// Receives the next datagram and leaves it in the queue, as [`peek_from`](crate::PacketConn::peek_from).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has received nothing.
            ///
            /// # Errors
            ///
            /// Those of [`peek_from`](crate::PacketConn::peek_from).
            #[doc(alias = "recvmsg", alias = "MSG_PEEK")]
            pub async fn peek_from(&self, payload: &mut [u8]) -> io::Result<Received> {
                let conn = self.packets();
                self.receive(|| conn.try_peek_from(payload)).await
            }

            /// Receives datagrams, as [`recv_batch`](crate::PacketConn::recv_batch). Datagrams
            /// [left over](RecvBatch::has_more) from the previous call with `batch` are returned at once.
            ///
            /// # Cancel safety
            ///
            /// A dropped future has received nothing. Datagrams left over stay in `batch`.
            ///
            /// # Errors
            ///
            /// Those of [`recv_batch`](crate::PacketConn::recv_batch).
            #[doc(alias = "recvmmsg", alias = "ReadBatch")]
            pub async fn recv_batch<K>(
                &self,
                batch: &mut RecvBatch,
                payloads: &mut [impl Room<K> + Send],
            ) -> io::Result<usize> {
                let conn = self.packets();
                // These are no longer in the system, which reports no event for them.
                if batch.has_more() || batch.capacity() == 0 || payloads.is_empty() || BATCH_KEEPS_ERROR {
                    let result = conn.try_recv_batch(batch, payloads);
                    if !wait::would_block(&result) {
                        return result;
                    }
                }
                self.receive(|| conn.try_recv_batch(batch, payloads)).await
            }

            /// Sends one datagram, as [`send_to`](crate::PacketConn::send_to).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has sent nothing.
            ///
            /// # Errors
            ///
            /// Those of [`send_to`](crate::PacketConn::send_to).
            #[doc(alias = "sendmsg", alias = "sendto", alias = "WriteTo")]
            pub fn send_to(
                &self,
                payload: &[u8],
                control: &SendControl<'_>,
                to: SocketAddrV6,
            ) -> impl Future<Output = io::Result<usize>> + Send {
                let conn = self.packets();
                self.transmit(move || conn.try_send_to(payload, control, to))
            }

            /// Sends one datagram to the peer of a connected socket, as [`send`](crate::PacketConn::send).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has sent nothing.
            ///
            /// # Errors
            ///
            /// Those of [`send`](crate::PacketConn::send).
            #[doc(alias = "sendmsg")]
            pub fn send(
                &self,
                payload: &[u8],
                control: &SendControl<'_>,
            ) -> impl Future<Output = io::Result<usize>> + Send {
                let conn = self.packets();
                self.transmit(move || conn.try_send(payload, control))
            }

            /// Sends one datagram from several buffers, as [`send_vectored`](crate::PacketConn::send_vectored).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has sent nothing.
            ///
            /// # Errors
            ///
            /// Those of [`send_vectored`](crate::PacketConn::send_vectored).
            #[doc(alias = "sendmsg", alias = "writev")]
            pub async fn send_vectored(
                &self,
                payload: &[IoSlice<'_>],
                control: &SendControl<'_>,
                to: SocketAddrV6,
            ) -> io::Result<usize> {
                let conn = self.packets();
                self.transmit(|| conn.try_send_vectored(payload, control, to)).await
            }

            /// Sends one datagram with flags of the call, as [`send_with_flags`](crate::PacketConn::send_with_flags).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has sent nothing.
            ///
            /// # Errors
            ///
            /// Those of [`send_with_flags`](crate::PacketConn::send_with_flags).
            #[doc(alias = "sendmsg")]
            pub async fn send_with_flags(
                &self,
                payload: &[u8],
                control: &SendControl<'_>,
                to: impl Into<Option<SocketAddrV6>>,
                flags: SendFlags,
            ) -> io::Result<usize> {
                let (conn, to) = (self.packets(), to.into());
                self.transmit(|| conn.try_send_with_flags(payload, control, to, flags)).await
            }

            /// Sends one datagram from the memory of the program, as
            /// [`send_zero_copy`](crate::PacketConn::send_zero_copy). [`recv_error`](Self::recv_error) waits for the notice.
            ///
            /// # Cancel safety
            ///
            /// A dropped future has sent nothing.
            ///
            /// # Errors
            ///
            /// Those of [`send_zero_copy`](crate::PacketConn::send_zero_copy).
            #[doc(alias = "MSG_ZEROCOPY")]
            pub async fn send_zero_copy(
                &self,
                payload: &'static [u8],
                control: &SendControl<'_>,
                to: impl Into<Option<SocketAddrV6>>,
            ) -> io::Result<usize> {
                let (conn, to) = (self.packets(), to.into());
                self.transmit(|| conn.try_send_zero_copy(payload, control, to)).await
            }

            /// Sends one datagram with control messages by type, as
            /// [`send_messages`](crate::PacketConn::send_messages).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has sent nothing.
            ///
            /// # Errors
            ///
            /// Those of [`send_messages`](crate::PacketConn::send_messages).
            #[doc(alias = "sendmsg")]
            pub async fn send_messages<const N: usize>(
                &self,
                payload: &[u8],
                messages: &Messages<Host, N>,
                to: impl Into<Option<SocketAddrV6>>,
            ) -> io::Result<usize> {
                let (conn, to) = (self.packets(), to.into());
                self.transmit(|| conn.try_send_messages(payload, messages, to)).await
            }

            /// Sends messages until one fails or the send buffer is full, as
            /// [`send_batch`](crate::PacketConn::send_batch). Waits for room for the first message only, and returns how
            /// many were sent.
            ///
            /// # Cancel safety
            ///
            /// A dropped future has sent nothing.
            ///
            /// # Errors
            ///
            /// Those of [`send_batch`](crate::PacketConn::send_batch).
            #[doc(alias = "sendmmsg", alias = "WriteBatch")]
            pub async fn send_batch(
                &self,
                batch: &mut SendBatch,
                messages: &[Outgoing<'_>],
            ) -> io::Result<usize> {
                let conn = self.packets();
                self.transmit(|| conn.try_send_batch(batch, messages)).await
            }

            /// Sends all messages, as [`send_batch_all`](crate::PacketConn::send_batch_all).
            ///
            /// # Cancel safety
            ///
            /// A dropped future has sent the first [`SendBatch::sent`] messages, and of the others those for which
            /// [`SendBatch::is_sent`] returns `true`.
            ///
            /// # Errors
            ///
            /// Those of [`send_batch_all`](crate::PacketConn::send_batch_all).
            #[doc(alias = "sendmmsg", alias = "WriteBatch")]
            pub async fn send_batch_all(
                &self,
                batch: &mut SendBatch,
                messages: &[Outgoing<'_>],
            ) -> Result<(), SendAllError> {
                let conn = self.packets();
                conn.start_batch(batch);
                // An error that is not returned with its index waits for room. The next call sends the rest.
                let call = || match conn.try_send_rest(batch, messages) {
                    Err(error) if error.error().kind() == ErrorKind::WouldBlock => Err(error.into_error()),
                    result => Ok(result),
                };
                let result = self.transmit(call).await;
                result.unwrap_or_else(|error| Err(SendAllError::new(batch.sent(), messages.len(), error)))
            }

            /// Sends a payload as datagrams of `size` bytes each, as [`send_segments`](crate::PacketConn::send_segments).
            /// Waits for room for the first only, and returns how many bytes were sent.
            ///
            /// # Cancel safety
            ///
            /// A dropped future has sent nothing.
            ///
            /// # Errors
            ///
            /// Those of [`send_segments`](crate::PacketConn::send_segments).
            #[doc(alias = "UDP_SEGMENT", alias = "GSO")]
            pub async fn send_segments(
                &self,
                payload: &[u8],
                size: u16,
                control: &SendControl<'_>,
                to: impl Into<Option<SocketAddrV6>>,
            ) -> io::Result<usize> {
                let (conn, to) = (self.packets(), to.into());
                self.transmit(|| conn.try_send_segments(payload, size, control, to)).await
            }

            /// Waits for an entry of the error queue, and takes it, as
            /// [`try_recv_error`](crate::PacketConn::try_recv_error). Datagrams do not wake it.
            ///
            /// The first call that waits opens a descriptor, which the next calls use (Linux). Tasks that wait at the same
            /// time use one each.
            ///
            /// # Cancel safety
            ///
            /// A dropped future has taken nothing.
            ///
            /// Systems: Linux and Android.
            ///
            /// # Errors
            ///
            /// `Unsupported` where the system has no error queue.
            #[doc(alias = "MSG_ERRQUEUE")]
            pub async fn recv_error(&self, payload: &mut [u8]) -> io::Result<Reported> {
                let conn = self.packets();
                let take = || conn.try_recv_error(payload)?.ok_or_else(|| ErrorKind::WouldBlock.into());
                wait::queued(conn.get_ref(), self.watches(), take).await
            }
        }
    };
}

calls!(PacketConn);
calls!(RawConn);
