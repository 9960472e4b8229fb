//! Conversions of errors into `std::io::Error`, for the feature `std`.

use std::io::{self, ErrorKind};
use std::{error, fmt};

#[cfg(feature = "headers")]
use crate::HeaderError;
use crate::cmsg::MalformedMessage;
use crate::ext::ExtensionError;
use crate::group::GroupError;
use crate::{BufferTooSmall, DecodeError, EncodeError, TcpAoError, ZeroIndex};

/// What was being done when `source` happened.
// Not `io::Error::new(kind, source)`: the `source()` of that is the one of `source`.
#[derive(Debug)]
struct Context<E> {
    doing: &'static str,
    source: E,
}

impl<E: fmt::Display> fmt::Display for Context<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.source)
    }
}

impl<E: error::Error + 'static> error::Error for Context<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}

/// For each error: what was being done, and the kind of the `io::Error`.
macro_rules! converts {
    ($($(#[$doc:meta])* $error:ident, $doing:literal, $value:pat => $kind:expr;)*) => {
        $(
            $(#[$doc])*
            impl From<$error> for io::Error {
                #[cold]
                #[inline]
                fn from(source: $error) -> Self {
                    let $value = source;
                    Self::new($kind, Context { doing: $doing, source })
                }
            }
        )*
    };
}

converts! {
    /// `InvalidInput`. The [`TcpAoError`] is its source.
    TcpAoError, "making a key of TCP-AO", _ => ErrorKind::InvalidInput;
    /// `InvalidData`. The [`DecodeError`] is its source.
    DecodeError, "reading control messages", _ => ErrorKind::InvalidData;
    /// `InvalidData`. The [`MalformedMessage`] is its source.
    MalformedMessage, "reading control messages", _ => ErrorKind::InvalidData;
    #[cfg(feature = "headers")]
    /// `InvalidData`. The [`HeaderError`] is its source.
    HeaderError, "reading an IPv6 header", _ => ErrorKind::InvalidData;
    /// `Unsupported` for what the system or the family of the destination does not have ([`EncodeError::Unsupported`],
    /// [`Ipv6Only`](EncodeError::Ipv6Only), [`Ipv4Only`](EncodeError::Ipv4Only),
    /// [`NeedsSource`](EncodeError::NeedsSource), [`SourceOrInterface`](EncodeError::SourceOrInterface)), `InvalidInput`
    /// for all others. The [`EncodeError`] is its source.
    EncodeError, "writing control messages", error => match error {
        EncodeError::Unsupported(_)
        | EncodeError::Ipv6Only(_)
        | EncodeError::Ipv4Only(_)
        | EncodeError::NeedsSource(_)
        | EncodeError::SourceOrInterface => ErrorKind::Unsupported,
        _ => ErrorKind::InvalidInput,
    };
    /// `InvalidInput` for what a builder refuses, `InvalidData` for what cannot be parsed, and for a type of routing header
    /// that a builder does not build. The [`ExtensionError`] is its source.
    ExtensionError, "extension header", error => match error {
        ExtensionError::Full { .. }
        | ExtensionError::Align { .. }
        | ExtensionError::Padding
        | ExtensionError::Addresses { claimed: 0, .. } => ErrorKind::InvalidInput,
        _ => ErrorKind::InvalidData,
    };
    /// `InvalidInput`. The [`BufferTooSmall`] is its source.
    BufferTooSmall, "writing control messages", _ => ErrorKind::InvalidInput;
    /// `Unsupported` for [`GroupError::Unsupported`], `InvalidInput` for all others. The [`GroupError`] is its source.
    GroupError, "writing a group request", error => match error {
        GroupError::Unsupported => ErrorKind::Unsupported,
        GroupError::BufferTooSmall(_) => ErrorKind::InvalidInput,
    };
    /// `InvalidInput`. The [`ZeroIndex`] is its source.
    ZeroIndex, "choosing an interface", _ => ErrorKind::InvalidInput;
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::ext::{Align, HopByHop};
    use crate::{Control, InterfaceIndex};

    fn check<E: Error + 'static + Into<io::Error>>(error: E, kind: ErrorKind, text: &str) {
        let error = error.into();
        assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
        assert!(error.source().is_some_and(|source| source.is::<E>()), "{error:?}");
    }

    #[test]
    fn an_io_error_has_the_kind_and_the_source() {
        let control = Control::HopLimit;
        let text = "reading control messages: IPV6_HOPLIMIT message has 2 bytes of data instead of 4";
        check(DecodeError::Width { control, len: 2, expected: 4 }, ErrorKind::InvalidData, text);
        let text = "reading control messages: control message at offset 0 has the length 2, which is less than its header";
        check(MalformedMessage { offset: 0, len: 2, available: 16 }, ErrorKind::InvalidData, text);
        #[cfg(feature = "headers")]
        {
            let text = "reading an IPv6 header: not an IPv6 header: the version is 4, not 6";
            check(HeaderError::Version(4), ErrorKind::InvalidData, text);
        }

        let text = "writing control messages: the system does not take IPV6_HOPLIMIT messages";
        check(EncodeError::Unsupported(control), ErrorKind::Unsupported, text);
        let text = "writing control messages: buffer too small: 40 bytes needed, 24 available";
        check(EncodeError::BufferTooSmall { needed: 40, available: 24 }, ErrorKind::InvalidInput, text);
        let text = "extension header: alignment 3n+0: x is 1, 2, 4 or 8, and y is below x";
        check(Align::new(3, 0).unwrap_err(), ErrorKind::InvalidInput, text);
        let text = "extension header: extension header at offset 0 has 8 bytes, 1 are there";
        check(HopByHop::parse(&[0]).unwrap_err(), ErrorKind::InvalidData, text);
        let text = "writing control messages: buffer too small: 40 bytes needed, 24 available";
        check(BufferTooSmall { needed: 40, available: 24 }, ErrorKind::InvalidInput, text);
        let text = "writing a group request: the platform has no source filters (RFC 3678)";
        check(GroupError::Unsupported, ErrorKind::Unsupported, text);
        let text =
            "choosing an interface: interface index 0: indexes start at 1; look the interface up by its name";
        check(InterfaceIndex::new(0).unwrap_err(), ErrorKind::InvalidInput, text);
    }
}
