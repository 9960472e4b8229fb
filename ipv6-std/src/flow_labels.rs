//! Leases of flow labels.

use std::io;

use ipv6_core::{FlowLabel, FlowLabelRequest};
use ipv6_sys::option;

use crate::conn::Conn;
use crate::error;
use crate::fd::AsFd;

/// The longest times of a lease without `CAP_NET_ADMIN`, in seconds (`FL_MAX_LINGER` in net/ipv6/ip6_flowlabel.c).
const LONGEST: u16 = 150;

/// Leases of flow labels (Linux). [`SendControl::flow_label`](crate::SendControl::flow_label) needs none until a socket of the
/// network namespace leases a label other than with [`FlowLabelShare::Any`](crate::FlowLabelShare::Any): from then on, Linux
/// returns `EINVAL` for labels that the sending socket has not leased.
impl<S: AsFd> Conn<S> {
    /// Leases a flow label for this socket, until it is [released](Self::release_flow_label) or the socket is closed. Returns
    /// the label.
    ///
    /// Systems: Linux, Android. Elsewhere `Unsupported`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for label 0, and for a destination that is unspecified or IPv4-mapped; `PermissionDenied` when
    /// another owner has leased the label exclusively, and for times over 150 seconds without `CAP_NET_ADMIN`;
    /// `AlreadyExists` when the request is for [a new one](FlowLabelRequest::only_new) and it is leased; `ENOBUFS` when
    /// the socket has more than 32 leases without `CAP_NET_ADMIN`; `ERANGE` for a label from 0x80000 on, if
    /// `net.ipv6.flowlabel_state_ranges` is 1.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # fn main() -> std::io::Result<()> {
    /// use ipv6_std::{ControlFlags, FlowLabelRequest, PacketConn, SendControl};
    ///
    /// let conn = PacketConn::bind("[::1]:0")?;
    /// conn.set_control_flags(ControlFlags::FLOW_LABEL, true)?;
    /// let to = conn.local_addr()?;
    /// let label = conn.lease_flow_label(&FlowLabelRequest::new(*to.ip()))?;
    /// conn.send_to(b"x", &SendControl::new().with_flow_label(label), to)?;
    /// assert_eq!(conn.recv_from(&mut [0; 16])?.control.flow_label, Some(label));
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    #[doc(alias = "IPV6_FLOWLABEL_MGR", alias = "IPV6_FL_A_GET")]
    pub fn lease_flow_label(&self, request: &FlowLabelRequest) -> io::Result<FlowLabel> {
        if request.label == Some(FlowLabel::ZERO) {
            return Err(error::invalid(
                "flow label 0 is no label (IPV6_FLOWLABEL_MGR): use another one, or none for the system's choice",
            ));
        }
        let destination = request.destination;
        if destination.is_unspecified() || destination.to_ipv4_mapped().is_some() {
            return Err(error::invalid(format!(
                "the destination {destination} of a flow label (IPV6_FLOWLABEL_MGR): use an IPv6 address"
            )));
        }
        option::lease_flow_label(self.as_fd(), request).map_err(|error| {
            let (linger, expires) = (request.linger, request.expires);
            if linger.max(expires) <= LONGEST {
                return error.into();
            }
            error::privileged(
                error.into(),
                format_args!("IPV6_FLOWLABEL_MGR: linger {linger} s and expires {expires} s: over {LONGEST} s needs CAP_NET_ADMIN"),
            )
        })
    }

    /// Renews the lease of the label of `request`, with the times of `request`.
    ///
    /// Systems: Linux, Android. Elsewhere `Unsupported`.
    ///
    /// # Errors
    ///
    /// `ESRCH` when this socket has not leased the label; `InvalidInput` when `request` has no label.
    #[doc(alias = "IPV6_FLOWLABEL_MGR", alias = "IPV6_FL_A_RENEW")]
    pub fn renew_flow_label(&self, request: &FlowLabelRequest) -> io::Result<()> {
        if request.label.is_none() {
            return Err(error::invalid(
                "a renewal without a label (IPV6_FLOWLABEL_MGR): use FlowLabelRequest::with_label",
            ));
        }
        Ok(option::renew_flow_label(self.as_fd(), request)?)
    }

    /// Ends the lease of a label.
    ///
    /// Systems: Linux, Android. Elsewhere `Unsupported`.
    ///
    /// # Errors
    ///
    /// `ESRCH` when this socket has not leased the label.
    #[doc(alias = "IPV6_FLOWLABEL_MGR", alias = "IPV6_FL_A_PUT")]
    pub fn release_flow_label(&self, label: FlowLabel) -> io::Result<()> {
        Ok(option::release_flow_label(self.as_fd(), label)?)
    }
}
