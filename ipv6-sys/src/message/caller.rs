//! Who makes a system call, and how often.

use super::flags::MessageFlags;
use crate::error::Errno;

/// How a system call is made: with which flags, and whether it is made again when it has failed. What goes with the
/// message is made ready once.
///
/// [`MessageFlags`] make it once, and hand on what it answers. A caller of one's own may wait in
/// [`next`](Self::next), or just go on after a signal.
pub trait Caller {
    /// What the caller makes of an [`Errno`].
    type Error;

    /// The flags of the first call where there is nothing to do before it; without them [`next`](Self::next) is
    /// asked.
    fn at_once(&self) -> Option<MessageFlags>;

    /// The flags of the next call: of the first, or of one more after one that has `failed`.
    ///
    /// # Errors
    ///
    /// There is to be no call, or none again: this is what the sender or receiver answers.
    fn next(&mut self, failed: Option<Errno>) -> Result<MessageFlags, Self::Error>;
}

impl Caller for MessageFlags {
    type Error = Errno;

    #[inline(always)]
    fn at_once(&self) -> Option<MessageFlags> {
        Some(*self)
    }

    #[inline(always)]
    fn next(&mut self, failed: Option<Errno>) -> Result<MessageFlags, Errno> {
        match failed {
            Some(errno) => Err(errno),
            None => Ok(*self),
        }
    }
}

/// Makes a system call until its caller is content with what it answers.
#[inline(always)]
pub(crate) fn call<T, C: Caller>(
    caller: C,
    mut make: impl FnMut(MessageFlags) -> Result<T, Errno>,
) -> Result<T, C::Error> {
    let failed = match caller.at_once().map(&mut make) {
        Some(Ok(answer)) => return Ok(answer),
        Some(Err(errno)) => Some(errno),
        None => None,
    };
    call_again(caller, make, failed)
}

/// What [`call`] does when the first call is not all. It takes everything by value: what is lent would have to be in
/// memory before the first call, for nothing.
#[cold]
#[inline(never)]
fn call_again<T, C: Caller>(
    mut caller: C,
    mut make: impl FnMut(MessageFlags) -> Result<T, Errno>,
    mut failed: Option<Errno>,
) -> Result<T, C::Error> {
    loop {
        match make(caller.next(failed)?) {
            Ok(answer) => return Ok(answer),
            Err(errno) => failed = Some(errno),
        }
    }
}
