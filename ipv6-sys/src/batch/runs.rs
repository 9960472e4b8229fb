//! Runs of messages that are sent as one.

use ipv6_core::EncodeError;

use super::outgoing::{Coalesce, Outgoing, Policy, Route};
use super::payload::{MAX, Part, Payload};
use super::slot::SendSlot;
use crate::host::Host;
use crate::os;

impl<const C: usize> SendSlot<C> {
    /// Fills as [`fill`](Self::fill) does. Not inlined, for callers that fill few slots.
    #[inline(never)]
    fn fill_one(
        &mut self,
        header: &mut os::Header,
        message: &Outgoing<'_>,
        route: Route,
    ) -> Result<(), EncodeError> {
        match route {
            Route::Ipv6(ports) => self.fill(header, message, ports),
            Route::Ipv4 => self.fill_mapped(header, message),
        }
    }

    /// Makes `header` send as many messages like this one. Does not set the payloads.
    #[inline(never)]
    fn fill_for_run(
        &mut self,
        header: &mut os::Header,
        first: &Outgoing<'_>,
        route: Route,
        messages: usize,
    ) -> Result<(), EncodeError> {
        let segment_size = u16::try_from(first.payload.len()).ok();
        let mut control = first.control;
        control.segment_size = segment_size;
        self.fill_one(header, &Outgoing { control, ..*first }, route)?;
        self.messages = messages;
        Ok(())
    }
}

/// Fills a header for the next message, or for the run that starts with it. Returns how many messages it sends, and takes
/// them from `rest`, and their parts from `parts`, of which there are `all` in each call.
///
/// `None`: there is no message, the next one is not accepted, or its run has more messages in the next call, which has all
/// parts. An error: the next one cannot be encoded.
#[inline(always)]
pub(super) fn fill_next<'a, const C: usize>(
    header: &mut os::Header,
    slot: &mut SendSlot<C>,
    (parts, all): (&mut &mut [Part], usize),
    rest: &mut (impl Iterator<Item = &'a Outgoing<'a>> + Clone),
    policy: &impl Policy,
    coalesce: Coalesce,
) -> Option<Result<usize, EncodeError>> {
    let messages = rest.clone();
    let first = rest.next()?;
    let route = policy.route(first)?;
    let run = if coalesce.max_segments > 1 {
        let room = parts.len();
        let limits = Coalesce { max_size: coalesce.max_size.min(policy.max_size(first)), ..coalesce };
        let most = run(first, rest.clone(), all, limits);
        if room < all && run(first, rest.clone(), room, limits) < most {
            return None;
        }
        most
    } else {
        1
    };
    let filled = if run > 1 {
        slot.fill_for_run(header, first, route, run)
    } else {
        slot.fill_one(header, first, route)
    };
    if let Err(error) = filled {
        return Some(Err(error));
    }
    if run > 1 {
        rest.nth(run - 2);
        let used = gather(messages, run, parts);
        let (of_run, others) = core::mem::take(parts).split_at_mut(used);
        os::set_payload(header, of_run.as_mut_ptr().cast(), of_run.len());
        *parts = others;
    }
    Some(Ok(run))
}

/// The most bytes of payload of a run: the largest packet (RFC 8200 section 3) without the headers of IPv6, which Linux
/// counts, and UDP.
const MAX_RUN: usize = u16::MAX as usize - 40 - 8;

/// How many messages, `first` and those after it, the system can send as one, in at most `room` parts: they have the same
/// destination, control messages and size, and only the last may be shorter.
fn run<'a>(
    first: &Outgoing<'a>,
    others: impl Iterator<Item = &'a Outgoing<'a>>,
    room: usize,
    limits: Coalesce,
) -> usize {
    let size = first.payload.len();
    // The kernel cannot make an empty segment. A message with a segment size is a run itself.
    let control = &first.control;
    if !(1..=limits.max_size).contains(&size)
        || control.segment_size.is_some()
        || control.is_for_one::<Host>()
    {
        return 1;
    }
    let most = limits.max_segments.min(MAX_RUN / size);
    let Some(mut room) = room.min(MAX).checked_sub(first.payload.parts()) else { return 1 };
    let mut run = 1;
    for next in others.take(most.saturating_sub(1)) {
        let (len, parts) = (next.payload.len(), next.payload.parts());
        if !(1..=size).contains(&len) || parts > room || first.to != next.to || first.control != next.control
        {
            break;
        }
        room -= parts;
        run += 1;
        if len < size {
            break;
        }
    }
    run
}

impl Payload<'_> {
    /// The number of buffers.
    #[inline]
    fn parts(&self) -> usize {
        match self {
            Self::Whole(_) => 1,
            Self::Parts(parts) => parts.len(),
        }
    }
}

/// Sets the first of `parts` to the payloads of a run. Returns how many.
fn gather<'a>(messages: impl Iterator<Item = &'a Outgoing<'a>>, run: usize, parts: &mut [Part]) -> usize {
    let mut to = parts.iter_mut();
    let room = to.len();
    for message in messages.take(run) {
        match message.payload {
            Payload::Whole(bytes) => {
                if let Some(part) = to.next() {
                    part.set(bytes);
                }
            }
            // `to` comes second: `zip` may take one more item from its first iterator, and that part would be sent without
            // being set. It would hold the pointer of an earlier call.
            Payload::Parts(list) => list.iter().zip(to.by_ref()).for_each(|(bytes, part)| part.set(bytes)),
        }
    }
    room - to.len()
}
