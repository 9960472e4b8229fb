//! Requests to the manager of flow labels (Linux, `include/uapi/linux/in6.h` and `net/ipv6/ip6_flowlabel.c`).
//!
//! ```text
//!  struct in6_flowlabel_req
//!  +------------------+------------+--------+-------+-------+---------+--------+-----+
//!  |   destination    |   label    | action | share | flags | expires | linger |  0  |
//!  +------------------+------------+--------+-------+-------+---------+--------+-----+
//!  0                  16           20       21      22      24        26       28    32
//! ```
//!
//! The label is in network order, the other numbers in that of the host.

use core::net::Ipv6Addr;

use crate::abi::Platform;
use crate::flow_label::FlowLabel;
use crate::wire;

/// `sizeof(struct in6_flowlabel_req)`.
const SIZE: usize = 32;
const LABEL: usize = 16;
const ACTION: usize = 20;
const FLAGS: usize = 22;
const EXPIRES: usize = 24;
const LINGER: usize = 26;

const GET: u8 = 0;
const PUT: u8 = 1;
const RENEW: u8 = 2;

const CREATE: u16 = 1;
const EXCLUSIVE: u16 = 2;

/// A lease of a flow label (`IPV6_FLOWLABEL_MGR`, Linux).
///
/// ```
/// use ipv6_core::{FlowLabel, FlowLabelRequest, FlowLabelShare};
/// let request = FlowLabelRequest::new("2001:db8::1".parse().unwrap())
///     .with_label(FlowLabel::new(0xbeef).unwrap())
///     .with_share(FlowLabelShare::Exclusive)
///     .with_linger(30);
/// assert_eq!(request.label, FlowLabel::new(0xbeef));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "in6_flowlabel_req", alias = "IPV6_FLOWLABEL_MGR")]
#[non_exhaustive]
pub struct FlowLabelRequest {
    /// The destination of the packets that have the label. Linux does not compare it with that of a datagram.
    #[doc(alias = "flr_dst")]
    pub destination: Ipv6Addr,
    /// The label, not 0; `None`: the system chooses one.
    #[doc(alias = "flr_label")]
    pub label: Option<FlowLabel>,
    /// Who may lease the same label.
    #[doc(alias = "flr_share")]
    pub share: FlowLabelShare,
    /// Whether the call fails when the label is leased already, also by this socket (`IPV6_FL_F_EXCL`).
    #[doc(alias = "IPV6_FL_F_EXCL")]
    pub only_new: bool,
    /// How many seconds after the end of the last lease the label stays reserved: no other owner can lease it. Linux takes at
    /// least 6; without `CAP_NET_ADMIN`, at most 150.
    #[doc(alias = "flr_linger")]
    pub linger: u16,
    /// After how many seconds without use the label may be forgotten. Linux takes at least 6; without `CAP_NET_ADMIN`, at most
    /// 150.
    #[doc(alias = "flr_expires")]
    pub expires: u16,
}

/// Who may lease the same flow label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FlowLabelShare {
    /// Every socket (`IPV6_FL_S_ANY`).
    #[doc(alias = "IPV6_FL_S_ANY")]
    Any,
    /// No other socket. **From then on, no socket of the network namespace can send a label that it has not leased**: the
    /// system returns `EINVAL` for [`SendControl::flow_label`](crate::SendControl::flow_label).
    #[doc(alias = "IPV6_FL_S_EXCL")]
    Exclusive,
    /// The sockets of this process (`IPV6_FL_S_PROCESS`). It has the effect of `Exclusive` on labels that are not leased.
    #[doc(alias = "IPV6_FL_S_PROCESS")]
    Process,
    /// The sockets of this user (`IPV6_FL_S_USER`). It has the effect of `Exclusive` on labels that are not leased.
    #[doc(alias = "IPV6_FL_S_USER")]
    User,
}

impl FlowLabelRequest {
    /// Creates a request for a label that the system chooses, that every socket may lease, with the system's times.
    #[must_use]
    pub const fn new(destination: Ipv6Addr) -> Self {
        Self { destination, label: None, share: FlowLabelShare::Any, only_new: false, linger: 0, expires: 0 }
    }

    /// Sets the label.
    #[must_use]
    pub const fn with_label(self, label: FlowLabel) -> Self {
        Self { label: Some(label), ..self }
    }

    /// Sets who may lease the same label.
    #[must_use]
    pub const fn with_share(self, share: FlowLabelShare) -> Self {
        Self { share, ..self }
    }

    /// Makes the call fail when the label is leased already.
    #[must_use]
    pub const fn with_only_new(self) -> Self {
        Self { only_new: true, ..self }
    }

    /// Sets how many seconds after the end of the last lease the label stays reserved.
    #[must_use]
    pub const fn with_linger(self, seconds: u16) -> Self {
        Self { linger: seconds, ..self }
    }

    /// Sets after how many seconds without use the label may be forgotten.
    #[must_use]
    pub const fn with_expires(self, seconds: u16) -> Self {
        Self { expires: seconds, ..self }
    }

    /// Encodes the request for a lease. The label of a structure that the kernel has written is
    /// [`decode_label`](Self::decode_label).
    #[doc(alias = "IPV6_FL_A_GET", alias = "IPV6_FL_F_CREATE")]
    #[must_use]
    pub fn encode<P: Platform>(&self) -> [u8; SIZE] {
        let flags = CREATE | if self.only_new { EXCLUSIVE } else { 0 };
        self.encode_as::<P>(GET, flags)
    }

    /// Encodes the request to end a lease.
    #[doc(alias = "IPV6_FL_A_PUT")]
    #[must_use]
    pub fn encode_release<P: Platform>(label: FlowLabel) -> [u8; SIZE] {
        Self::new(Ipv6Addr::UNSPECIFIED).with_label(label).encode_as::<P>(PUT, 0)
    }

    /// Encodes the request to renew a lease with the times of this request.
    #[doc(alias = "IPV6_FL_A_RENEW")]
    #[must_use]
    pub fn encode_renewal<P: Platform>(&self) -> [u8; SIZE] {
        self.encode_as::<P>(RENEW, 0)
    }

    /// Reads the label of a structure that the kernel has written.
    #[must_use]
    pub fn decode_label(bytes: &[u8]) -> Option<FlowLabel> {
        FlowLabel::new(u32::from_be_bytes(wire::chunk(bytes, LABEL)?))
    }

    fn encode_as<P: Platform>(&self, action: u8, flags: u16) -> [u8; SIZE] {
        let Self { destination, label, share, only_new: _, linger, expires } = *self;
        let share = match share {
            FlowLabelShare::Any => 255,
            FlowLabelShare::Exclusive => 1,
            FlowLabelShare::Process => 2,
            FlowLabelShare::User => 3,
        };
        let mut bytes = [0; SIZE];
        // Each field is within the array: no write fails.
        let _ = wire::put(&mut bytes, 0, destination.octets());
        let _ = wire::put(&mut bytes, LABEL, label.map_or(0, FlowLabel::get).to_be_bytes());
        let _ = wire::put(&mut bytes, ACTION, [action, share]);
        let _ = wire::put(&mut bytes, FLAGS, wire::bytes_of_u16::<P>(flags));
        let _ = wire::put(&mut bytes, EXPIRES, wire::bytes_of_u16::<P>(expires));
        let _ = wire::put(&mut bytes, LINGER, wire::bytes_of_u16::<P>(linger));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Linux64, Linux64Be};

    #[test]
    fn golden() {
        let request = FlowLabelRequest::new(Ipv6Addr::LOCALHOST)
            .with_label(FlowLabel::new(0xa_beef).unwrap())
            .with_share(FlowLabelShare::Process)
            .with_only_new()
            .with_linger(0x0102)
            .with_expires(0x0304);
        //                      label, big-endian        get  process  create, new  expires     linger
        let little = [0, 0xa, 0xbe, 0xef, 0, 2, 3, 0, 4, 3, 2, 1, 0, 0, 0, 0];
        assert_eq!(request.encode::<Linux64>()[16..], little);
        assert_eq!(request.encode::<Linux64>()[..16], Ipv6Addr::LOCALHOST.octets());
        let big = [0, 0xa, 0xbe, 0xef, 0, 2, 0, 3, 3, 4, 1, 2, 0, 0, 0, 0];
        assert_eq!(request.encode::<Linux64Be>()[16..], big);
        assert_eq!(request.encode_renewal::<Linux64>()[20..24], [2, 2, 0, 0]);
        let release = FlowLabelRequest::encode_release::<Linux64>(FlowLabel::new(7).unwrap());
        assert_eq!(release[16..24], [0, 0, 0, 7, 1, 255, 0, 0]);
        assert_eq!(FlowLabelRequest::decode_label(&little), None);
        assert_eq!(FlowLabelRequest::decode_label(&release), FlowLabel::new(7));
    }
}
