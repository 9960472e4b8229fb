//! Datagrams that share a buffer, taken apart.

use core::iter::FusedIterator;

/// The datagrams in a payload that was received coalesced
/// ([`RecvControl::segment_size`](crate::RecvControl::segment_size)), in their order.
///
/// Each has as many bytes as the size says, the last perhaps fewer. Without a size (or with 0, which no system
/// tells) the payload is one datagram, also when it is empty.
///
/// ```
/// use ipv6_core::Segments;
/// let sizes: Vec<usize> = Segments::new(&[7; 25], Some(10)).map(<[u8]>::len).collect();
/// assert_eq!(sizes, [10, 10, 5]);
/// assert_eq!(Segments::new(b"", None).count(), 1);
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "UDP_GRO")]
pub struct Segments<'a> {
    /// What is left; an empty payload is a datagram too.
    rest: Option<&'a [u8]>,
    size: usize,
}

impl<'a> Segments<'a> {
    /// Takes `payload` apart.
    pub fn new(payload: &'a [u8], segment_size: Option<u16>) -> Self {
        let size = segment_size.filter(|size| *size != 0).map_or(usize::MAX, usize::from);
        Self { rest: Some(payload), size }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let all = self.rest?;
        if all.len() > self.size {
            let (next, rest) = all.split_at_checked(self.size)?;
            self.rest = Some(rest);
            return Some(next);
        }
        self.rest.take()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.rest.map_or(0, |rest| rest.len().div_ceil(self.size).max(1));
        (len, Some(len))
    }
}

impl ExactSizeIterator for Segments<'_> {}
impl FusedIterator for Segments<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(len: usize, segment_size: Option<u16>) -> Vec<usize> {
        let payload = vec![1; len];
        let segments = Segments::new(&payload, segment_size);
        let expected = segments.len();
        let sizes: Vec<_> = segments.map(<[u8]>::len).collect();
        assert_eq!(sizes.len(), expected);
        sizes
    }

    #[test]
    fn whole_ones_and_a_rest() {
        assert_eq!(sizes(30, Some(10)), [10, 10, 10]);
        assert_eq!(sizes(31, Some(10)), [10, 10, 10, 1]);
        assert_eq!(sizes(9, Some(10)), [9]);
        assert_eq!(sizes(9, Some(u16::MAX)), [9]);
    }

    #[test]
    fn one_that_is_not_coalesced() {
        for segment_size in [None, Some(0)] {
            assert_eq!(sizes(30, segment_size), [30]);
            assert_eq!(sizes(0, segment_size), [0]);
        }
        assert_eq!(sizes(0, Some(10)), [0]);
    }
}
