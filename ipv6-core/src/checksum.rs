//! The checksum of upper-layer protocols (RFC 8200 section 8.1, RFC 1071).

use core::net::Ipv6Addr;

/// Computes the Internet checksum of an upper-layer packet with its IPv6 pseudo-header (RFC 8200 section 8.1): the value of
/// the checksum field, for the `parts` of the packet one after another, in which that field is 0.
///
/// A packet whose field holds its checksum has the checksum 0. UDP sends 0 as 0xffff ([`udp_checksum`]); ICMPv6 and TCP send
/// it as it is.
///
/// `destination` is the final destination, also if a routing header precedes the packet. The length in the pseudo-header is
/// that of all parts together.
///
/// ```
/// use ipv6_core::checksum;
/// let (source, destination) = ("fe80::1".parse().unwrap(), "ff02::1".parse().unwrap());
/// // An echo request: type, code, checksum, identifier, sequence number.
/// let mut echo = [128, 0, 0, 0, 0x12, 0x34, 0, 1];
/// let sum = checksum(source, destination, 58, &[&echo]);
/// echo[2..4].copy_from_slice(&sum.to_be_bytes());
/// assert_eq!(checksum(source, destination, 58, &[&echo]), 0);
/// ```
#[must_use]
pub fn checksum(source: Ipv6Addr, destination: Ipv6Addr, next_header: u8, parts: &[&[u8]]) -> u16 {
    let mut sum = Sum::default();
    sum.add(&source.octets());
    sum.add(&destination.octets());
    let len = parts.iter().fold(0_usize, |len, part| len.saturating_add(part.len()));
    // The length field has 32 bits; packets are shorter.
    sum.add(&u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
    sum.add(&[0, 0, 0, next_header]);
    for part in parts {
        sum.add(part);
    }
    sum.finish()
}

/// Computes the checksum of a UDP datagram as it is sent: 0xffff in place of 0, which would mean "no checksum" (RFC 8200
/// section 8.1).
#[must_use]
pub fn udp_checksum(source: Ipv6Addr, destination: Ipv6Addr, parts: &[&[u8]]) -> u16 {
    match checksum(source, destination, 17, parts) {
        0 => 0xffff,
        sum => sum,
    }
}

/// The Internet checksum of these bytes alone (RFC 1071).
pub(crate) fn sum(bytes: &[u8]) -> u16 {
    let mut sum = Sum::default();
    sum.add(bytes);
    sum.finish()
}

/// The sum of 16-bit words, with the last byte of a part that had an odd length.
#[derive(Default)]
struct Sum {
    words: u64,
    odd: Option<u8>,
}

impl Sum {
    fn add(&mut self, mut bytes: &[u8]) {
        if let (Some(high), Some((low, rest))) = (self.odd, bytes.split_first()) {
            self.word([high, *low]);
            (self.odd, bytes) = (None, rest);
        }
        while let Some((word, rest)) = bytes.split_first_chunk() {
            self.word(*word);
            bytes = rest;
        }
        if let [last] = bytes {
            self.odd = Some(*last);
        }
    }

    fn word(&mut self, word: [u8; 2]) {
        // No overflow: 2^48 words would be needed.
        self.words = self.words.wrapping_add(u64::from(u16::from_be_bytes(word)));
    }

    fn finish(mut self) -> u16 {
        if let Some(high) = self.odd.take() {
            self.word([high, 0]);
        }
        let mut sum = self.words;
        while let Some(carry) = Some(sum >> 16).filter(|carry| *carry != 0) {
            sum = (sum & 0xffff).wrapping_add(carry);
        }
        u16::try_from(sum).map_or(0, |sum| !sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 1071's definition, word by word, over one buffer.
    fn naive(bytes: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap()
    }

    #[test]
    fn parts_of_any_length_give_the_sum_of_the_whole() {
        let (source, destination) = (Ipv6Addr::LOCALHOST, "ff02::1:ff00:1".parse::<Ipv6Addr>().unwrap());
        let data: Vec<u8> = (0..=255).map(|byte: u8| byte.wrapping_mul(37)).collect();
        for len in [0, 1, 2, 3, 16, 33] {
            let whole = &data[..len];
            let mut pseudo = [source.octets(), destination.octets()].concat();
            pseudo.extend_from_slice(&u32::try_from(len).unwrap().to_be_bytes());
            pseudo.extend_from_slice(&[0, 0, 0, 17]);
            pseudo.extend_from_slice(whole);
            let expected = naive(&pseudo);
            for first in 0..=len {
                for second in [first, (first + len) / 2, len] {
                    let parts = [&whole[..first], &whole[first..second], &whole[second..]];
                    assert_eq!(checksum(source, destination, 17, &parts), expected, "{len} {first} {second}");
                }
            }
        }
    }

    #[test]
    fn the_sum_of_a_known_packet() {
        // An MLDv1 report from :: to ff02::1:ff00:1, worked out by hand: the words of the addresses are
        // ff02 + 0001 + ff00 + 0001 = 1fe04, the length 24, the protocol 58; the body 8300 + ff02 + 0001 + ff00 + 0001.
        let mut body = [0; 24];
        body[0] = 131;
        let group: Ipv6Addr = "ff02::1:ff00:1".parse().unwrap();
        body[8..].copy_from_slice(&group.octets());
        let sum = 0x1fe04 + 24 + 58 + 0x8300 + 0x1fe04;
        let folded = (sum & 0xffff) + (sum >> 16);
        let expected = !u16::try_from(folded).unwrap();
        assert_eq!(checksum(Ipv6Addr::UNSPECIFIED, group, 58, &[&body]), expected);
    }

    #[test]
    fn udp_never_sends_0() {
        let (source, destination) = (Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
        // The checksum of a word that is 0, in its place, makes the sum 0.
        let word = checksum(source, destination, 17, &[&[0, 0]]);
        assert_eq!(checksum(source, destination, 17, &[&word.to_be_bytes()]), 0);
        assert_eq!(udp_checksum(source, destination, &[&word.to_be_bytes()]), 0xffff);
    }
}
