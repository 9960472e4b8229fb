//! How often a system call is made.

use super::flags::MessageFlags;
use crate::error::Errno;

/// Decides the flags of a system call, and whether to make it again after an error. The arguments of the call are
/// prepared only once.
///
/// [`MessageFlags`] make one call and return its result. Other implementations wait in [`next`](Self::next), or call
/// again after a signal. Bits without a name do not reach the system, whoever implements this: `MSG_TRUNC` would make a
/// result exceed its buffer, and with `MSG_ZEROCOPY` Linux would read the payload after the call.
#[doc(hidden)]
pub trait Caller {
    /// The error that the caller returns.
    type Error;

    /// The flags of the first call, if there is nothing to do before it. `None`: call [`next`](Self::next).
    fn at_once(&self) -> Option<MessageFlags>;

    /// The flags of the next call. `failed` is the error of the previous call, `None` before the first.
    ///
    /// # Errors
    ///
    /// No (further) call is made, and the operation returns this error.
    fn next(&mut self, failed: Option<Errno>) -> Result<MessageFlags, Self::Error>;
}

impl Caller for MessageFlags {
    type Error = Errno;

    #[inline(always)]
    fn at_once(&self) -> Option<MessageFlags> {
        if MessageFlags::all().contains(*self) { Some(*self) } else { None }
    }

    #[inline(always)]
    fn next(&mut self, failed: Option<Errno>) -> Result<MessageFlags, Errno> {
        match failed {
            Some(errno) => Err(errno),
            None if MessageFlags::all().contains(*self) => Ok(*self),
            // Other flags could change what the result means: `MSG_TRUNC` makes it exceed the buffer.
            None => Err(Errno::INVAL),
        }
    }
}

/// Makes a system call until it succeeds or [`Caller::next`] returns an error.
#[inline(always)]
pub(crate) fn call<T, C: Caller>(
    mut caller: C,
    mut make: impl FnMut(MessageFlags) -> Result<T, Errno>,
) -> Result<T, C::Error> {
    // By value, too: the common path would otherwise keep the arguments of `make` in memory.
    let mut make = move |flags: MessageFlags| make(flags & MessageFlags::all());
    let failed = match caller.at_once().map(&mut make) {
        Some(Ok(answer)) => return Ok(answer),
        Some(Err(errno)) => Some(errno),
        None => None,
    };
    // Here, so that the common path of a caller that calls once has no other call to prepare for.
    let flags = caller.next(failed)?;
    call_again(caller, make, flags)
}

/// The rest of [`call`] if the first call does not succeed, and another is to be made. Takes its arguments by value: a
/// reference would force the common path to keep them in memory.
#[cold]
#[inline(never)]
fn call_again<T, C: Caller>(
    mut caller: C,
    mut make: impl FnMut(MessageFlags) -> Result<T, Errno>,
    mut flags: MessageFlags,
) -> Result<T, C::Error> {
    loop {
        match make(flags) {
            Ok(answer) => return Ok(answer),
            Err(errno) => flags = caller.next(Some(errno))?,
        }
    }
}
