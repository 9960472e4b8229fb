//! Bytes of the control buffers.

use ipv6_core::abi::Platform;
use ipv6_core::{RecvControl, SendControl};
use ipv6_sys::Host;

/// Bytes of control buffer for every message that can be switched on, and a margin for those that others
/// switched on: Linux writes timestamps, marks and counts first (net/core/sock.c: `__sock_recv_cmsgs`), and
/// would cut ours for them.
pub(crate) const RECV_SPACE: usize = RecvControl::max_space::<Host>() + 4 * Host::ABI.cmsg.space(4);

/// Bytes of control buffer for any [`SendControl`].
pub(crate) const SEND_SPACE: usize = SendControl::max_space::<Host>();
