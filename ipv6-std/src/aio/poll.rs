//! The `poll_` forms, for futures that are written by hand.

use std::io::{self, ErrorKind};
use std::net::SocketAddrV6;
use std::task::{Context, Poll};

use ipv6_core::SendControl;
use ipv6_sys::batch::{Outgoing, Room};
use ipv6_sys::wait::Ready;

use super::event_loop::PollEventLoop;
use super::wait;
use super::{PacketConn, RawConn};
use crate::packet::errors::Reported;
use crate::received::Received;
use crate::recv_batch::RecvBatch;
use crate::send_batch::SendBatch;

macro_rules! polls {
    ($connection:ident) => {
        /// The `poll_` forms, for futures that are written by hand.
        ///
        /// Each returns what the `async` form returns. If it is `Pending`, the task is woken when another call may help. Of
        /// several tasks that poll for the same direction, receiving, sending or the error queue, only the latest is woken;
        /// the `async` forms have no such limit.
        ///
        /// Systems: all.
        impl<S: PollEventLoop> $connection<S> {
            fn poll_io<R>(
                &self,
                ready: Ready,
                cx: &mut Context<'_>,
                call: impl FnMut() -> io::Result<R>,
            ) -> Poll<io::Result<R>> {
                wait::poll_io(self.packets().get_ref(), self.watches(), ready, cx, call)
            }

            /// The `poll_` form of [`recv_from`](Self::recv_from).
            ///
            /// # Errors
            ///
            /// Those of [`recv_from`](Self::recv_from).
            pub fn poll_recv_from(
                &self,
                cx: &mut Context<'_>,
                payload: &mut [u8],
            ) -> Poll<io::Result<Received>> {
                let conn = self.packets();
                self.poll_io(Ready::Receive, cx, || conn.try_recv_from(payload))
            }

            /// The `poll_` form of [`recv_batch`](Self::recv_batch).
            ///
            /// # Errors
            ///
            /// Those of [`recv_batch`](Self::recv_batch).
            pub fn poll_recv_batch<K>(
                &self,
                cx: &mut Context<'_>,
                batch: &mut RecvBatch,
                payloads: &mut [impl Room<K>],
            ) -> Poll<io::Result<usize>> {
                let conn = self.packets();
                // Without waiting, as in `recv_batch`.
                if batch.has_more()
                    || batch.capacity() == 0
                    || payloads.is_empty()
                    || super::calls::BATCH_KEEPS_ERROR
                {
                    let result = conn.try_recv_batch(batch, payloads);
                    if !wait::would_block(&result) {
                        return Poll::Ready(result);
                    }
                }
                self.poll_io(Ready::Receive, cx, || conn.try_recv_batch(batch, payloads))
            }

            /// The `poll_` form of [`send_to`](Self::send_to).
            ///
            /// # Errors
            ///
            /// Those of [`send_to`](Self::send_to).
            pub fn poll_send_to(
                &self,
                cx: &mut Context<'_>,
                payload: &[u8],
                control: &SendControl<'_>,
                to: SocketAddrV6,
            ) -> Poll<io::Result<usize>> {
                let conn = self.packets();
                self.poll_io(Ready::Send, cx, || conn.try_send_to(payload, control, to))
            }

            /// The `poll_` form of [`send`](Self::send).
            ///
            /// # Errors
            ///
            /// Those of [`send`](Self::send).
            pub fn poll_send(
                &self,
                cx: &mut Context<'_>,
                payload: &[u8],
                control: &SendControl<'_>,
            ) -> Poll<io::Result<usize>> {
                let conn = self.packets();
                self.poll_io(Ready::Send, cx, || conn.try_send(payload, control))
            }

            /// The `poll_` form of [`send_batch`](Self::send_batch).
            ///
            /// # Errors
            ///
            /// Those of [`send_batch`](Self::send_batch).
            pub fn poll_send_batch(
                &self,
                cx: &mut Context<'_>,
                batch: &mut SendBatch,
                messages: &[Outgoing<'_>],
            ) -> Poll<io::Result<usize>> {
                let conn = self.packets();
                self.poll_io(Ready::Send, cx, || conn.try_send_batch(batch, messages))
            }

            /// The `poll_` form of [`send_segments`](Self::send_segments).
            ///
            /// # Errors
            ///
            /// Those of [`send_segments`](Self::send_segments).
            pub fn poll_send_segments(
                &self,
                cx: &mut Context<'_>,
                payload: &[u8],
                size: u16,
                control: &SendControl<'_>,
                to: impl Into<Option<SocketAddrV6>>,
            ) -> Poll<io::Result<usize>> {
                let (conn, to) = (self.packets(), to.into());
                self.poll_io(Ready::Send, cx, || conn.try_send_segments(payload, size, control, to))
            }

            /// The `poll_` form of [`recv_error`](Self::recv_error).
            ///
            /// # Errors
            ///
            /// Those of [`recv_error`](Self::recv_error).
            pub fn poll_recv_error(
                &self,
                cx: &mut Context<'_>,
                payload: &mut [u8],
            ) -> Poll<io::Result<Reported>> {
                let conn = self.packets();
                let take = || conn.try_recv_error(payload)?.ok_or_else(|| ErrorKind::WouldBlock.into());
                wait::poll_queued(conn.get_ref(), self.watches(), cx, take)
            }

            /// Polls until a `try_recv_` call may return something else than `WouldBlock`: a datagram or an error. Asks the
            /// system, so call it after a `WouldBlock`, not before each receive.
            ///
            /// The first time that it waits, it opens a descriptor, which stays open (Linux).
            ///
            /// # Errors
            ///
            /// The loop's, and `EMFILE`.
            pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_ready(Ready::Receive, cx)
            }

            /// Polls until a `try_send_` call may return something else than `WouldBlock`, as
            /// [`poll_recv_ready`](Self::poll_recv_ready).
            ///
            /// # Errors
            ///
            /// Those of [`poll_recv_ready`](Self::poll_recv_ready).
            pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_ready(Ready::Send, cx)
            }

            fn poll_ready(&self, ready: Ready, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                wait::poll_ready(self.packets().get_ref(), self.watches(), ready, cx)
            }
        }
    };
}

polls!(PacketConn);
polls!(RawConn);
