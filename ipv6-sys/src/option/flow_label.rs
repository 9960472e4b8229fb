//! Leases of flow labels (Linux).

use ipv6_core::abi::{OptionNumber, Platform};
use ipv6_core::{FlowLabel, FlowLabelRequest};

use crate::error::Error;
use crate::fd::AsFd;
use crate::host::Host;
use crate::os;

const NAME: &str = "IPV6_FLOWLABEL_MGR";

fn number() -> Result<OptionNumber, Error> {
    Host::ABI.options.flow_label_manager.ok_or(Error::Unsupported(NAME))
}

/// Leases a flow label for this socket, until it is released or the socket is closed. Returns the label.
///
/// # Errors
///
/// [`Error::Unsupported`] where the system has no such option. On Linux `EPERM` when another owner has leased the label
/// exclusively, `EEXIST` when the request is for a new one, `ENOBUFS` when the socket has more than 32 leases without
/// `CAP_NET_ADMIN`, and `ERANGE` when the namespace reserves the upper half of the labels
/// (`net.ipv6.flowlabel_state_ranges`).
#[doc(alias = "IPV6_FLOWLABEL_MGR", alias = "IPV6_FL_A_GET")]
pub fn lease_flow_label(socket: impl AsFd, request: &FlowLabelRequest) -> Result<FlowLabel, Error> {
    let number = number()?;
    let mut bytes = request.encode::<Host>();
    // SAFETY: no pointer is in the structure. The kernel writes a label that it chooses to its field.
    unsafe { os::exchange_option(socket.as_fd(), number, &mut bytes) }?;
    let len = bytes.len();
    FlowLabelRequest::decode_label(&bytes).ok_or(Error::Value { option: NAME, len })
}

/// Renews the lease of the label of `request`, with the times of `request`.
///
/// # Errors
///
/// [`Error::Unsupported`] where the system has no such option. On Linux `ESRCH` when the socket has not leased the label.
#[doc(alias = "IPV6_FLOWLABEL_MGR", alias = "IPV6_FL_A_RENEW")]
pub fn renew_flow_label(socket: impl AsFd, request: &FlowLabelRequest) -> Result<(), Error> {
    // SAFETY: no pointer is in the structure. The kernel only reads it.
    unsafe { os::set_option(socket.as_fd(), number()?, &request.encode_renewal::<Host>()) }?;
    Ok(())
}

/// Ends the lease of a label.
///
/// # Errors
///
/// [`Error::Unsupported`] where the system has no such option. On Linux `ESRCH` when the socket has not leased the label.
#[doc(alias = "IPV6_FLOWLABEL_MGR", alias = "IPV6_FL_A_PUT")]
pub fn release_flow_label(socket: impl AsFd, label: FlowLabel) -> Result<(), Error> {
    let bytes = FlowLabelRequest::encode_release::<Host>(label);
    // SAFETY: no pointer is in the structure. The kernel only reads it.
    unsafe { os::set_option(socket.as_fd(), number()?, &bytes) }?;
    Ok(())
}
