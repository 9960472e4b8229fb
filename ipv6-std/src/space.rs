//! Sizes of the control buffers.

use ipv6_core::abi::Platform;
use ipv6_core::{RecvControl, SendControl};
use ipv6_sys::Host;

/// Bytes of control buffer for receiving: the messages of all flags, and a margin for messages that options enable.
/// Linux writes timestamps, marks and counts first (net/core/sock.c: `__sock_recv_cmsgs`); without the margin they
/// would take the room of ours.
pub(crate) const RECV_SPACE: usize = RecvControl::max_space::<Host>() + 4 * Host::ABI.cmsg.space(4);

/// Bytes of control buffer for any [`SendControl`].
pub(crate) const SEND_SPACE: usize = SendControl::max_space::<Host>();
