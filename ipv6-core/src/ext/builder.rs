//! Building the two headers that hold options.

use core::fmt;

use super::option_type::{Align, OptionType};
use super::options::{DestinationOptions, HopByHop};
use super::{ExtensionError, data_length_field, is_len, length_field, pad};

/// Builds a header of options in `N` bytes of its own memory: a multiple of 8, from 8 to 2,048.
///
/// Each option is placed at the alignment of its RFC. The header is complete after each call: padding follows the last
/// option (RFC 8200 section 4.2).
///
/// ```
/// use ipv6_core::ext::{Align, OptionType, OptionsBuilder};
/// let built = OptionsBuilder::<16>::new()
///     .with(OptionType::TUNNEL_ENCAPSULATION_LIMIT, &[4])?
///     .with_aligned(OptionType(0x1e), &[1, 2, 3, 4], Align::new(4, 2)?)?;
/// let expected = [0, 1, 4, 1, 4, 0, 0x1e, 4, 1, 2, 3, 4, 1, 2, 0, 0];
/// assert_eq!(built.destination_options().as_bytes(), expected);
/// # Ok::<(), ipv6_core::ext::ExtensionError>(())
/// ```
#[derive(Clone)]
#[doc(alias = "inet6_opt_init", alias = "inet6_opt_finish")]
pub struct OptionsBuilder<const N: usize> {
    bytes: [u8; N],
    /// Where the next option may start.
    end: usize,
}

impl<const N: usize> OptionsBuilder<N> {
    /// Creates a header without options: 8 bytes of which 6 are padding. An `N` that no header can have does not compile.
    #[must_use]
    pub const fn new() -> Self {
        const {
            assert!(is_len(N), "a header has 8 to 2,048 bytes, a multiple of 8");
        }
        let mut bytes = [0; N];
        // PadN with four bytes of data.
        let header: &mut [u8] = &mut bytes;
        if let [_, _, kind, len, ..] = header {
            (*kind, *len) = (OptionType::PADN.0, 4);
        }
        Self { bytes, end: 2 }
    }

    /// Appends an option with up to 255 bytes of data, at the alignment that its RFC requires
    /// ([`OptionType::align`]).
    ///
    /// # Errors
    ///
    /// [`ExtensionError::Full`] when the option does not fit, and [`ExtensionError::Padding`] for Pad1 and PadN. The options
    /// appended before stay.
    #[doc(alias = "inet6_opt_append", alias = "inet6_opt_set_val")]
    pub fn push(&mut self, kind: OptionType, data: &[u8]) -> Result<(), ExtensionError> {
        self.push_aligned(kind, data, kind.align())
    }

    /// Appends an option at another alignment.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn push_aligned(
        &mut self,
        kind: OptionType,
        data: &[u8],
        align: Align,
    ) -> Result<(), ExtensionError> {
        if kind.is_padding() {
            return Err(ExtensionError::Padding);
        }
        let len = data_length_field(data)?;
        let start = self.end.saturating_add(align.padding(self.end));
        let end = start.saturating_add(2).saturating_add(data.len());
        let full = ExtensionError::Full { needed: end.next_multiple_of(8), available: N };
        // The padding after the option fits too, because N is a multiple of 8.
        let place = self.bytes.get_mut(start..end).ok_or(full)?;
        let ([kind_byte, len_byte], rest) = place.split_first_chunk_mut().ok_or(full)?;
        (*kind_byte, *len_byte) = (kind.0, len);
        rest.copy_from_slice(data);
        self.pad(self.end, start);
        self.end = end;
        let padded = self.len();
        self.pad(end, padded);
        if let (Some(byte), Some(field)) = (self.bytes.get_mut(1), length_field(padded)) {
            *byte = field;
        }
        Ok(())
    }

    /// Returns this header with one more option.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn with(mut self, kind: OptionType, data: &[u8]) -> Result<Self, ExtensionError> {
        self.push(kind, data)?;
        Ok(self)
    }

    /// Returns this header with one more option, at another alignment.
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn with_aligned(
        mut self,
        kind: OptionType,
        data: &[u8],
        align: Align,
    ) -> Result<Self, ExtensionError> {
        self.push_aligned(kind, data, align)?;
        Ok(self)
    }

    /// Sets the type of the next header. A system that sends the header sets it itself.
    #[must_use]
    pub fn with_next_header(mut self, next_header: u8) -> Self {
        if let Some(byte) = self.bytes.first_mut() {
            *byte = next_header;
        }
        self
    }

    /// Returns the bytes of the header.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    /// Returns the options as a Hop-by-Hop Options header.
    #[must_use]
    pub fn hop_by_hop(&self) -> HopByHop<'_> {
        HopByHop::from_whole(self.as_bytes())
    }

    /// Returns the options as a Destination Options header.
    #[must_use]
    pub fn destination_options(&self) -> DestinationOptions<'_> {
        DestinationOptions::from_whole(self.as_bytes())
    }

    /// Bytes of the header, padding included.
    fn len(&self) -> usize {
        self.end.next_multiple_of(8)
    }

    /// Writes padding from `start` to `end`, 0 to 7 bytes.
    fn pad(&mut self, start: usize, end: usize) {
        pad(self.bytes.get_mut(start..end).unwrap_or_default(), OptionType::PADN.0);
    }
}

impl<const N: usize> Default for OptionsBuilder<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for OptionsBuilder<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OptionsBuilder").field(&self.destination_options().options()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_without_options_is_padding() {
        let built = OptionsBuilder::<8>::new();
        assert_eq!(built.as_bytes(), [0, 0, 1, 4, 0, 0, 0, 0]);
        assert_eq!(built.hop_by_hop().options().count(), 0);
    }

    #[test]
    fn options_are_aligned_and_padded() {
        // RFC 8200 appendix A, formatting guidelines: X has an 8-byte field at offset 2 of its data (8n+2), and Y has
        // fields of 1, 2 and 4 bytes (4n+3).
        let (x, y) = (OptionType(0x1e), OptionType(0x3e));
        let x_data = [0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8];
        let y_data = [9, 0, 10, 0, 0, 0, 11];
        let (x_align, y_align) = (Align::new(8, 2).unwrap(), Align::new(4, 3).unwrap());

        // Both orders, as drawn there.
        let mut xy = OptionsBuilder::<32>::new();
        xy.push_aligned(x, &x_data, x_align).unwrap();
        xy.push_aligned(y, &y_data, y_align).unwrap();
        let expected = [
            0, 3, 0x1e, 12, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, // X at 2
            1, 1, 0, 0x3e, 7, 9, 0, 10, 0, 0, 0, 11, 1, 2, 0, 0, // PadN of 3, Y at 19, PadN of 4
        ];
        assert_eq!(xy.as_bytes(), expected);

        let mut yx = OptionsBuilder::<32>::new();
        yx.push_aligned(y, &y_data, y_align).unwrap();
        yx.push_aligned(x, &x_data, x_align).unwrap();
        let expected = [
            0, 3, 0, 0x3e, 7, 9, 0, 10, 0, 0, 0, 11, 1, 4, 0, 0, // Pad1, Y at 3, PadN of 6
            0, 0, 0x1e, 12, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, // X at 18
        ];
        assert_eq!(yx.as_bytes(), expected);
    }

    #[test]
    fn what_is_built_is_read_back() {
        let mut built = OptionsBuilder::<2048>::new().with_next_header(17);
        let mut expected = Vec::new();
        for kind in 2..=0xff {
            let (kind, data) = (OptionType(kind), vec![kind; usize::from(kind % 7)]);
            if built.push(kind, &data).is_ok() {
                expected.push((kind, data));
            }
        }
        assert!(expected.len() > 200);
        let header = HopByHop::parse(built.as_bytes()).unwrap();
        assert_eq!(header.next_header(), 17);
        let read: Vec<_> =
            header.options().map(|option| option.map(|o| (o.kind, o.data.to_vec())).unwrap()).collect();
        assert_eq!(read, expected);
        for option in header.options() {
            let option = option.unwrap();
            assert_eq!(option.kind.align().padding(option.offset), 0, "{option}");
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_and_changes_nothing() {
        let mut built = OptionsBuilder::<8>::new().with(OptionType::ROUTER_ALERT, &[0, 0]).unwrap();
        let before = built.as_bytes().to_vec();
        for len in [1, 2, 6, 254] {
            let needed = (6_usize + 2 + len).next_multiple_of(8);
            let error = ExtensionError::Full { needed, available: 8 };
            assert_eq!(built.push(OptionType(0x1e), &vec![1; len]), Err(error));
        }
        assert_eq!(built.push(OptionType::PADN, &[]), Err(ExtensionError::Padding));
        assert_eq!(built.as_bytes(), before);

        let mut longest = OptionsBuilder::<2048>::new();
        longest.push(OptionType(0x1e), &[7; 255]).unwrap();
        let error = ExtensionError::Full { needed: 256, available: 255 };
        assert_eq!(longest.push(OptionType(0x1e), &[7; 256]), Err(error));
        assert_eq!(error.to_string(), "an option or TLV has 256 bytes of data: use at most 255");
        assert_eq!(longest.as_bytes().len(), 264);
    }

    #[test]
    fn an_aligned_option_is_appended() {
        let align = Align::new(4, 3).unwrap();
        assert_eq!((align.x(), align.y()), (4, 3));
        let built = OptionsBuilder::<16>::new().with_aligned(OptionType(0x3e), &[7; 3], align).unwrap();
        assert_eq!(built.as_bytes(), [0, 0, 0, 0x3e, 3, 7, 7, 7]);
        let text = format!("{built:?}");
        assert!(text.starts_with("OptionsBuilder([") && text.contains("[7, 7, 7]"), "{text}");
    }
}
