//! Sizes of the control buffers.

use ipv6_core::abi::Platform;
use ipv6_core::{RecvControl, SendControl};
use ipv6_sys::Host;

/// Bytes of control buffer for receiving: the messages of all flags, and room for messages that options enable.
///
/// Linux writes timestamps, marks and counts first (net/core/sock.c: `__sock_recv_cmsgs`); without that room they would
/// take the room of the flags' messages. It fits all of them: `SCM_TIMESTAMPNS`, `SCM_TIMESTAMPING` with its packet info,
/// `SO_RXQ_OVFL`, `SO_WIFI_STATUS`, `SO_MARK`, `SO_PRIORITY`, `IPV6_ORIGDSTADDR` and `IPV6_RECVFRAGSIZE`. Extension
/// headers can be larger than any buffer here; Linux writes most of them last.
///
/// The messages of the flags must always fit: NetBSD does not report truncation if the room ends between two messages.
pub(crate) const RECV_SPACE: usize = RecvControl::max_space::<Host>()
    + 6 * Host::ABI.cmsg.space(4)
    + 3 * Host::ABI.cmsg.space(16)
    + Host::ABI.cmsg.space(48);

/// Bytes of control buffer for one datagram to send: all fields of [`SendControl`], and 256 bytes of messages by type.
pub(crate) const SEND_SPACE: usize = SendControl::max_space::<Host>() + 256;

/// The same for each message of a batch, with 128 bytes of messages by type.
pub(crate) const BATCH_SEND_SPACE: usize = SendControl::max_space::<Host>() + 128;
