//! Splitting a coalesced payload into its datagrams.

use core::iter::FusedIterator;

/// An iterator over the datagrams of a payload that the system received coalesced
/// ([`RecvControl::segment_size`](crate::RecvControl::segment_size)), in the order of arrival.
///
/// Each datagram has as many bytes as the segment size, 1 to 65,535; the last can have fewer. Without a segment size (or
/// with 0, which no system reports) the whole payload is one datagram, even if it is empty.
///
/// Linux coalesces with `UDP_GRO` (udp(7)), Windows with `UDP_RECV_MAX_COALESCED_SIZE`.
///
/// ```
/// use ipv6_core::Segments;
/// let sizes: Vec<usize> = Segments::new(&[7; 25], Some(10)).map(<[u8]>::len).collect();
/// assert_eq!(sizes, [10, 10, 5]);
/// assert_eq!(Segments::new(b"", None).count(), 1);
/// ```
#[derive(Clone, Debug)]
#[doc(alias = "UDP_GRO", alias = "UDP_RECV_MAX_COALESCED_SIZE", alias = "UDP_COALESCED_INFO")]
#[must_use = "iterators are lazy and do nothing unless consumed"]
pub struct Segments<'a> {
    /// The bytes that remain. `Some` of an empty slice is a datagram without payload.
    rest: Option<&'a [u8]>,
    size: usize,
}

impl<'a> Segments<'a> {
    /// Splits `payload` into datagrams of `segment_size` bytes.
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
    fn the_last_segment_can_be_shorter() {
        assert_eq!(sizes(30, Some(10)), [10, 10, 10]);
        assert_eq!(sizes(31, Some(10)), [10, 10, 10, 1]);
        assert_eq!(sizes(9, Some(10)), [9]);
        assert_eq!(sizes(9, Some(u16::MAX)), [9]);
    }

    #[test]
    fn a_payload_without_a_segment_size_is_one_datagram() {
        for segment_size in [None, Some(0)] {
            assert_eq!(sizes(30, segment_size), [30]);
            assert_eq!(sizes(0, segment_size), [0]);
        }
        assert_eq!(sizes(0, Some(10)), [0]);
    }
}
