//! The interface that a multicast call acts on.

use ipv6_core::InterfaceIndex;

use crate::interface::Interface;

/// The interface that the system chooses: index 0 of RFC 3493 section 5.2 and RFC 3678 section 5.1.
///
/// Multicast methods take it in the place of an interface. An `Option` does not convert, so that a missing index
/// cannot join a group on a wrong interface.
///
/// ```
/// use ipv6_std::{AnyInterface, PacketConn};
///
/// let conn = PacketConn::bind("[::1]:0")?;
/// conn.set_multicast_interface(AnyInterface)?;
/// assert_eq!(conn.multicast_interface()?, None);
/// # std::io::Result::Ok(())
/// ```
///
/// ```compile_fail,E0277
/// # let conn = ipv6_std::PacketConn::bind("[::1]:0")?;
/// conn.set_multicast_interface(None)?; // not an interface
/// # std::io::Result::Ok(())
/// ```
///
/// To leave a group, name the interface that it was joined on: see [`leave_group`](crate::PacketConn::leave_group).
///
/// Systems: all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AnyInterface;

/// The interface that a multicast method acts on.
///
/// Methods take `impl Into<OnInterface>`: an [`InterfaceIndex`], an [`Interface`], `&Interface` or [`AnyInterface`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OnInterface(Option<InterfaceIndex>);

impl OnInterface {
    /// Returns the interface; `None`: the system chooses ([`AnyInterface`]).
    #[must_use]
    pub const fn index(self) -> Option<InterfaceIndex> {
        self.0
    }
}

impl From<AnyInterface> for OnInterface {
    fn from(_: AnyInterface) -> Self {
        Self(None)
    }
}

impl From<InterfaceIndex> for OnInterface {
    fn from(index: InterfaceIndex) -> Self {
        Self(Some(index))
    }
}

impl From<&Interface> for OnInterface {
    fn from(interface: &Interface) -> Self {
        Self(Some(interface.index()))
    }
}

impl From<Interface> for OnInterface {
    fn from(interface: Interface) -> Self {
        Self(Some(interface.index()))
    }
}
