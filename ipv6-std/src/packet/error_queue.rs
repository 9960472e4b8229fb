//! Receiving from the error queue (Linux).

use std::io::{self, IoSliceMut};

use ipv6_core::abi::{ControlNumber, Platform};
use ipv6_core::cmsg::RawMessages;
use ipv6_core::{ExtendedError, QueuedError};
use ipv6_sys::message::{self, ControlBuffer, ControlSpace, MessageFlags};
use ipv6_sys::{Errno, Host, retry};

use super::errors::{Reported, ReportedKind};
use crate::fd::AsFd;
use crate::received::NOBODY;

/// Bytes of control buffer: the messages of flags and options come too, before the description of the entry. Extension
/// headers are the longest of them.
const SPACE: usize = crate::space::RECV_SPACE + 1024;

/// `SCM_TIMESTAMPING` with times of 64 bits, and with times of the width of `long`: in 64-bit programs they have one number.
const TIMESTAMPS: [Option<ControlNumber>; 2] =
    [Host::ABI.control.timestamping, Host::ABI.control.timestamp_request];

const NOT_DESCRIBED: ReportedKind = ReportedKind::Other { origin: 0, kind: 0, code: 0, info: 0, data: 0 };

pub(super) fn exists() -> io::Result<()> {
    Ok(())
}

pub(super) fn receive(socket: impl AsFd, payload: &mut [IoSliceMut<'_>]) -> io::Result<Option<Reported>> {
    let mut buffer = ControlBuffer::<SPACE>::new();
    let mut control = ControlSpace::from(&mut buffer);
    let got = match retry(|| message::receive(&socket, payload, &mut control, MessageFlags::ERROR_QUEUE)) {
        Err(Errno::AGAIN) => return Ok(None),
        got => got?,
    };
    // The kernel writes the number of IPv6 for entries about IPv4 too.
    let number = Host::ABI.options.queue_errors;
    let (mut entry, mut times) = (None, None);
    for message in RawMessages::<Host>::new(control.written()).map_while(Result::ok) {
        let kind = (message.level, message.kind);
        if number.is_some_and(|number| kind == (number.level, number.name)) {
            entry = ExtendedError::decode::<Host>(message.data);
        } else if TIMESTAMPS.iter().flatten().any(|number| kind == (number.level, number.kind)) {
            let mut data = [0; 48];
            data.iter_mut().zip(message.data).for_each(|(to, from)| *to = *from);
            times = Some(data);
        }
    }
    let (kind, error) = entry
        .map_or((NOT_DESCRIBED, QueuedError::new(0)), |entry| (kind(entry, times), QueuedError::from(entry)));
    let extensions = entry.and_then(|entry| entry.extensions);
    let destination = got.source.unwrap_or(NOBODY);
    Ok(Some(Reported { kind, error, destination, len: got.len, extensions }))
}

/// What the entry is, with the times that came with it.
fn kind(entry: ExtendedError, times: Option<[u8; 48]>) -> ReportedKind {
    /// `SO_EE_CODE_ZEROCOPY_COPIED`.
    const COPIED: u8 = 1;
    let ExtendedError { origin, kind, code, info, data, .. } = entry;
    match origin {
        ExtendedError::LOCAL | ExtendedError::ICMP | ExtendedError::ICMP6 => ReportedKind::Error,
        ExtendedError::TIMESTAMPING => ReportedKind::Timestamp { stage: info, id: data, data: times },
        ExtendedError::ZEROCOPY => {
            ReportedKind::ZeroCopy { first: info, last: data, copied: code & COPIED != 0 }
        }
        _ => ReportedKind::Other { origin, kind, code, info, data },
    }
}
