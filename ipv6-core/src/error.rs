//! The error that several codecs share.

use core::fmt;

/// The encoded bytes do not fit into the buffer. Pass a buffer of at least [`needed`](Self::needed) bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BufferTooSmall {
    /// The number of bytes that the buffer must have for the call to succeed.
    pub needed: usize,
    /// The number of bytes that the buffer has.
    pub available: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "buffer too small: {} bytes needed, {} available", self.needed, self.available)
    }
}

impl core::error::Error for BufferTooSmall {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_contains_both_sizes() {
        let error = BufferTooSmall { needed: 24, available: 23 };
        assert_eq!(error.to_string(), "buffer too small: 24 bytes needed, 23 available");
    }
}
