//! `IPV6_MTU_DISCOVER`.

use std::io;

use ipv6_sys::option::{PATH_MTU_DISCOVERY, PathMtuDiscovery};

use crate::conn::Conn;
use crate::fd::AsFd;

impl<S: AsFd> Conn<S> {
    /// Returns how the kernel uses path MTU discovery for sent packets.
    ///
    /// Systems: Linux, Android, Windows.
    #[doc(alias = "IPV6_MTU_DISCOVER")]
    pub fn path_mtu_discovery(&self) -> io::Result<PathMtuDiscovery> {
        Ok(PATH_MTU_DISCOVERY.get(self)?)
    }

    /// Sets how the kernel uses path MTU discovery for sent packets (RFC 8201): whether it fragments them, refuses those
    /// that are larger than the path MTU, or ignores the path MTU.
    ///
    /// A packet that is refused on Linux returns `EMSGSIZE` ([`is_too_long`](crate::is_too_long)). On Linux,
    /// [`set_dont_fragment`](Self::set_dont_fragment) is another option: either of them is enough to refuse a packet.
    ///
    /// Systems: Linux and Android; Windows, without `Interface` and `Omit`.
    ///
    /// # Errors
    ///
    /// `Unsupported` on other systems, and for a mode that the system lacks.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # fn main() -> std::io::Result<()> {
    /// use ipv6_std::{PacketConn, PathMtuDiscovery};
    /// // As QUIC does: probe the path with packets of any size.
    /// let conn = PacketConn::bind("[::]:0")?;
    /// conn.set_path_mtu_discovery(PathMtuDiscovery::Probe)?;
    /// assert_eq!(conn.path_mtu_discovery()?, PathMtuDiscovery::Probe);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(target_os = "linux"))]
    /// # fn main() {}
    /// ```
    #[doc(alias = "IPV6_MTU_DISCOVER")]
    pub fn set_path_mtu_discovery(&self, mode: PathMtuDiscovery) -> io::Result<()> {
        let _changing = self.change();
        self.set_both(&PATH_MTU_DISCOVERY, mode)
    }
}
