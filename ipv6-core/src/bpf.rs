//! Classic BPF instructions, as a socket filter takes them.
//!
//! ```text
//!  0               2       3       4               8
//!  +---------------+-------+-------+---------------+
//!  |     code      |  jt   |  jf   |       k       |    struct sock_filter, linux/filter.h
//!  +---------------+-------+-------+---------------+
//! ```

/// One instruction of a classic BPF program (`struct sock_filter`, `struct bpf_insn`), in the
/// host's byte order.
///
/// The opcodes are those of *The BSD Packet Filter* (McCanne and Jacobson, 1993); crates that
/// compile filters produce the same four fields. `tcpdump -dd` prints them.
///
/// ```
/// use ipv6_core::BpfInstruction;
/// // "ret #65535": every packet passes, whole.
/// let pass = BpfInstruction::new(0x06, 0, 0, 0xffff);
/// assert_eq!(pass.k, 65535);
/// ```
#[doc(alias = "sock_filter", alias = "bpf_insn", alias = "RawInstruction")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct BpfInstruction {
    /// What to do.
    pub code: u16,
    /// Instructions to skip when a comparison holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

impl BpfInstruction {
    /// An instruction from its four fields, in the order of C's `BPF_JUMP` initialiser.
    pub const fn new(code: u16, jt: u8, jf: u8, k: u32) -> Self {
        Self { code, jt, jf, k }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn it_lies_in_memory_as_the_kernel_reads_it() {
        let offsets = [
            offset_of!(BpfInstruction, code),
            offset_of!(BpfInstruction, jt),
            offset_of!(BpfInstruction, jf),
            offset_of!(BpfInstruction, k),
        ];
        assert_eq!((offsets, size_of::<BpfInstruction>()), ([0, 2, 3, 4], 8));
    }
}
