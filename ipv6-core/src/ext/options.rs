//! Views of the two headers that hold options.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Next Header  |  Hdr Ext Len  |                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+            Options            +
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use core::fmt;
use core::iter::FusedIterator;

use super::option_type::OptionType;
use super::{ExtensionError, split_option, whole};

/// Generates the view of one of the headers.
macro_rules! options_header {
    ($(#[$of:meta])* $Header:ident, $name:literal;) => {
        $(#[$of])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $Header<'a>(&'a [u8]);

        impl<'a> $Header<'a> {
            /// Parses the header that `bytes` are, without bytes after it. The options are not checked:
            /// [`options`](Self::options) returns the errors in them.
            ///
            /// # Errors
            ///
            /// [`ExtensionError::TooShort`] and [`ExtensionError::TooLong`].
            pub fn parse(bytes: &'a [u8]) -> Result<Self, ExtensionError> {
                whole(bytes).map(Self)
            }

            /// The header of these bytes, whose length was checked.
            pub(super) const fn from_whole(bytes: &'a [u8]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes: a multiple of 8, from 8 to 2,048.
            #[must_use]
            pub const fn as_bytes(&self) -> &'a [u8] {
                self.0
            }

            /// Returns the type of the next header, from IANA's registry "Protocol Numbers". In a header to send, the system
            /// sets it.
            #[must_use]
            pub fn next_header(&self) -> u8 {
                self.0.first().copied().unwrap_or_default()
            }

            /// Returns an iterator over the options, without padding.
            pub fn options(&self) -> Options<'a> {
                Options::new(self.0)
            }
        }

        impl fmt::Debug for $Header<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($Header)).field(&self.options()).finish()
            }
        }

        impl fmt::Display for $Header<'_> {
            #[doc = concat!("The options, as `", $name, ": router alert [0, 0]`.")]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($name, ": {}"), self.options())
            }
        }
    };
}

options_header! {
    /// A Hop-by-Hop Options header, which every node on the path may examine (RFC 8200 section 4.3).
    ///
    /// Received as the control message `IPV6_HOPOPTS` (option `IPV6_RECVHOPOPTS`), and sent as that message or as a
    /// sticky option.
    #[doc(alias = "ip6_hbh", alias = "ip6h_nxt", alias = "ip6h_len", alias = "IPV6_HOPOPTS")]
    HopByHop, "hop-by-hop options";
}

options_header! {
    /// A Destination Options header, which the destination examines (RFC 8200 section 4.6).
    ///
    /// Received as the control message `IPV6_DSTOPTS` (option `IPV6_RECVDSTOPTS`), possibly several times, and sent as
    /// that message or as a sticky option. Not on Windows.
    #[doc(alias = "ip6_dest", alias = "ip6d_nxt", alias = "ip6d_len", alias = "IPV6_DSTOPTS")]
    DestinationOptions, "destination options";
}

/// One option of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[doc(alias = "ip6_opt")]
#[non_exhaustive]
pub struct Opt<'a> {
    /// The type.
    #[doc(alias = "ip6o_type")]
    pub kind: OptionType,
    /// The data, at most 255 bytes. Numbers in it are big-endian.
    #[doc(alias = "ip6o_len", alias = "inet6_opt_get_val")]
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::serde_impls::bytes"))]
    pub data: &'a [u8],
    /// Where the option's type is, counted from the start of the header.
    pub offset: usize,
}

impl fmt::Display for Opt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.data)
    }
}

/// An iterator over the options of a header, in order. It skips padding.
///
/// An option that does not end within the header is an error, which ends the iteration.
#[derive(Clone)]
#[doc(alias = "inet6_opt_next")]
#[must_use = "iterators are lazy"]
pub struct Options<'a> {
    header: &'a [u8],
    offset: usize,
    padding: bool,
}

impl<'a> Options<'a> {
    fn new(header: &'a [u8]) -> Self {
        Self { header, offset: 2, padding: false }
    }

    /// Returns the same iterator, with padding: [`OptionType::PAD1`] and [`OptionType::PADN`].
    pub fn with_padding(self) -> Self {
        Self { padding: true, ..self }
    }

    /// Returns the next option of this type; `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Overrun`] for an option before it that does not end within the header.
    #[doc(alias = "inet6_opt_find")]
    pub fn find(&mut self, kind: OptionType) -> Result<Option<Opt<'a>>, ExtensionError> {
        for option in self {
            let option = option?;
            if option.kind == kind {
                return Ok(Some(option));
            }
        }
        Ok(None)
    }

    /// Reads the option at the current position, padding included.
    fn step(&mut self) -> Option<Result<Opt<'a>, ExtensionError>> {
        let offset = self.offset;
        let all = self.header.get(offset..)?;
        let kind = OptionType(*all.first()?);
        let Some((data, rest)) = split_option(all) else {
            self.offset = self.header.len();
            return Some(Err(ExtensionError::Overrun { offset, kind: kind.0 }));
        };
        self.offset = self.header.len().saturating_sub(rest.len());
        Some(Ok(Opt { kind, data, offset }))
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<Opt<'a>, ExtensionError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step()? {
                Ok(option) if option.kind.is_padding() && !self.padding => {}
                option => return Some(option),
            }
        }
    }
}

impl FusedIterator for Options<'_> {}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl fmt::Display for Options<'_> {
    /// The options, separated by commas, or `none`. An error takes the place of the rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for option in self.clone() {
            match option {
                Ok(option) => write!(f, "{separator}{option}")?,
                Err(error) => write!(f, "{separator}{error}")?,
            }
            separator = ", ";
        }
        if separator.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Worked out by hand: Pad1, PadN of 4 bytes, router alert, and an experimental option (0x1e, RFC 4727) without data.
    const HEADER: [u8; 16] = [58, 1, 0, 1, 2, 0, 0, 0, 5, 2, 0, 0, 0x1e, 0, 1, 0];

    #[test]
    fn options_are_returned_in_order_without_padding() {
        let header = HopByHop::parse(&HEADER).unwrap();
        let options: Vec<_> = header.options().map(Result::unwrap).collect();
        let expected = [
            Opt { kind: OptionType::ROUTER_ALERT, data: &[0, 0], offset: 8 },
            Opt { kind: OptionType(0x1e), data: &[], offset: 12 },
        ];
        assert_eq!(options, expected);
        assert_eq!(header.to_string(), "hop-by-hop options: router alert [0, 0], 0x1e []");

        let all: Vec<_> = header.options().with_padding().map(|option| option.unwrap().offset).collect();
        assert_eq!(all, [2, 3, 7, 8, 12, 14]);
    }

    #[test]
    fn an_option_that_overruns_its_header_is_an_error_and_the_last_item() {
        for (bytes, offset, kind) in [
            ([0, 0, 5, 5, 0, 0, 0, 0], 2, 5),
            ([0, 0, 0, 0, 0, 0, 0, 5], 7, 5),
            ([0, 0, 1, 255, 0, 0, 0, 0], 2, 1),
            ([0, 0, 5, 2, 0, 0, 0xc2, 1], 6, 0xc2),
        ] {
            let header = DestinationOptions::parse(&bytes).unwrap();
            let items: Vec<_> = header.options().collect();
            assert_eq!(items.last(), Some(&Err(ExtensionError::Overrun { offset, kind })), "{bytes:?}");
            assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1);
        }
    }

    #[test]
    fn a_header_of_another_length_than_its_bytes_is_an_error() {
        for len in 0..HEADER.len() {
            let needed = if len < 2 { 8 } else { 16 };
            let error = ExtensionError::TooShort { offset: 0, needed, available: len };
            assert_eq!(HopByHop::parse(&HEADER[..len]), Err(error));
        }
        let longer = [&HEADER[..], &[0; 8]].concat();
        assert_eq!(HopByHop::parse(&longer), Err(ExtensionError::TooLong { header: 16, available: 24 }));
    }

    #[test]
    fn the_next_option_of_a_type_is_found_after_the_last() {
        let bytes = [0, 1, 5, 2, 0, 0, 5, 2, 0, 1, 1, 4, 0, 0, 0, 0];
        let header = HopByHop::parse(&bytes).unwrap();
        let mut options = header.options();
        assert_eq!(options.find(OptionType::ROUTER_ALERT).unwrap().unwrap().data, [0, 0]);
        assert_eq!(options.find(OptionType::ROUTER_ALERT).unwrap().unwrap().data, [0, 1]);
        assert_eq!(options.find(OptionType::ROUTER_ALERT), Ok(None));
    }
}
