//! Sticky extension headers: the system adds them to each packet that the socket sends (RFC 3542 sections 7 to 9).

use ipv6_core::abi::{OptionNumber, Platform};
use ipv6_core::ext::{DestinationOptions, ExtensionError, HopByHop, RoutingHeader};

use crate::error::Error;
use crate::fd::AsFd;
use crate::host::Host;
use crate::os;

/// Sets or removes a header; none has no bytes.
fn set(
    socket: impl AsFd,
    name: &'static str,
    number: Option<OptionNumber>,
    bytes: &[u8],
) -> Result<(), Error> {
    let number = number.ok_or(Error::Unsupported(name))?;
    // SAFETY: the kernel reads `bytes`, the options or addresses of one header, in which there is no pointer.
    unsafe { os::set_option(socket.as_fd(), number, bytes) }?;
    Ok(())
}

/// Reads a header into `buffer`.
fn get<'b, T>(
    socket: impl AsFd,
    name: &'static str,
    number: Option<OptionNumber>,
    buffer: &'b mut [u8],
    parse: impl FnOnce(&'b [u8]) -> Result<T, ExtensionError>,
) -> Result<Option<T>, Error> {
    let number = number.ok_or(Error::Unsupported(name))?;
    let len = os::get_option(socket.as_fd(), number, buffer)?;
    match buffer.get(..len) {
        Some([]) => Ok(None),
        Some(bytes) => parse(bytes).map(Some).map_err(|_| Error::Value { option: name, len }),
        None => Err(Error::Value { option: name, len }),
    }
}

/// Generates a function that sets a header, and one that reads it. A row is: the name in C, both functions, the field in the
/// platforms' tables, the type, and the documentation of the header.
macro_rules! sticky {
    ($($name:literal $set:ident $get:ident $field:ident $Header:ident, $what:literal;)*) => {
        $(
            #[doc = concat!("Sets ", $what, " of all packets that the socket sends, or removes it.")]
            ///
            /// # Errors
            ///
            /// [`Error::Unsupported`] where the system has no such option; the system's error when it refuses the header, or
            /// the caller lacks the privilege.
            #[doc(alias = $name)]
            pub fn $set(socket: impl AsFd, header: Option<$Header<'_>>) -> Result<(), Error> {
                let bytes = header.as_ref().map_or(&[][..], $Header::as_bytes);
                set(socket, $name, Host::ABI.options.$field, bytes)
            }

            #[doc = concat!("Reads ", $what, " that [`", stringify!($set), "`] has set, into `buffer`.")]
            ///
            /// [`ext::MAX_LEN`](ipv6_core::ext::MAX_LEN) bytes are enough for any.
            ///
            /// # Errors
            ///
            /// [`Error::Unsupported`] where the system has no such option, and [`Error::Value`] when the header does not
            /// fit in `buffer`.
            #[doc(alias = $name)]
            pub fn $get(socket: impl AsFd, buffer: &mut [u8]) -> Result<Option<$Header<'_>>, Error> {
                get(socket, $name, Host::ABI.options.$field, buffer, $Header::parse)
            }
        )*
    };
}

sticky! {
    "IPV6_HOPOPTS" set_hop_by_hop hop_by_hop hop_by_hop HopByHop,
        "the hop-by-hop options (RFC 3542 section 8)";
    "IPV6_DSTOPTS" set_destination_options destination_options destination_options DestinationOptions,
        "the destination options (RFC 3542 section 9)";
    "IPV6_RTHDRDSTOPTS" set_first_destination_options first_destination_options first_destination_options DestinationOptions,
        "the destination options before the routing header (RFC 3542 section 9)";
    "IPV6_RTHDR" set_routing_header routing_header routing_header RoutingHeader,
        "the routing header (RFC 3542 section 7)";
}
