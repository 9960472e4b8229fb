//! The one error that several codecs share.

use core::fmt;

/// The bytes do not fit into the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferTooSmall {
    /// Bytes that the whole would have taken.
    pub needed: usize,
    /// Bytes that the buffer has.
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
    fn text_has_both_numbers() {
        let error = BufferTooSmall { needed: 24, available: 23 };
        assert_eq!(error.to_string(), "buffer too small: 24 bytes needed, 23 available");
    }
}
