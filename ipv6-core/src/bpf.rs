//! Classic BPF instructions, the format of a socket filter.
//!
//! ```text
//!  0               2       3       4               8
//!  +---------------+-------+-------+---------------+
//!  |     code      |  jt   |  jf   |       k       |    struct sock_filter, linux/filter.h
//!  +---------------+-------+-------+---------------+
//! ```

use core::fmt;

/// One instruction of a classic BPF program (`struct sock_filter` of Linux, `struct bpf_insn` of the BSDs).
///
/// Each field is an integer in the host's byte order. The opcodes are those of *The BSD Packet Filter* (McCanne and
/// Jacobson, 1993). Filter compilers produce these four fields; `tcpdump -dd` prints them.
///
/// ```
/// use ipv6_core::BpfInstruction;
/// // "ret #65535": accept every packet, up to 65,535 bytes of it.
/// let pass = BpfInstruction::new(0x06, 0, 0, 0xffff);
/// assert_eq!(pass.k, 65535);
/// // The format of `tcpdump -dd`, an initialiser in C.
/// assert_eq!(pass.to_string(), "{ 0x6, 0, 0, 0x0000ffff }");
/// ```
#[doc(alias = "sock_filter", alias = "bpf_insn", alias = "RawInstruction")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct BpfInstruction {
    /// The opcode: class, size, mode or operation, and source of the operand.
    #[doc(alias = "Op")]
    pub code: u16,
    /// The number of instructions to skip if the comparison is true. 0 in instructions other than jumps.
    pub jt: u8,
    /// The number of instructions to skip if the comparison is false. 0 in instructions other than jumps.
    pub jf: u8,
    /// The operand: a constant, an offset in the packet, a memory slot or a jump distance, depending on the opcode.
    pub k: u32,
}

impl BpfInstruction {
    /// Creates an instruction from its four fields, in the order of the C structure (which is not that of the macro
    /// `BPF_JUMP`: there, `k` is the second).
    #[doc(alias = "BPF_STMT", alias = "BPF_JUMP")]
    #[must_use]
    pub const fn new(code: u16, jt: u8, jf: u8, k: u32) -> Self {
        Self { code, jt, jf, k }
    }
}

impl fmt::Display for BpfInstruction {
    /// The instruction as `tcpdump -dd` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, jt, jf, k } = self;
        write!(f, "{{ {code:#x}, {jt}, {jf}, {k:#010x} }}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::mem::{offset_of, size_of};

    #[test]
    fn layout_is_that_of_the_kernels_structure() {
        let offsets = [
            offset_of!(BpfInstruction, code),
            offset_of!(BpfInstruction, jt),
            offset_of!(BpfInstruction, jf),
            offset_of!(BpfInstruction, k),
        ];
        assert_eq!((offsets, size_of::<BpfInstruction>()), ([0, 2, 3, 4], 8));
    }

    #[test]
    fn display_is_a_c_initialiser() {
        let jump = BpfInstruction::new(0x15, 1, 255, u32::MAX);
        assert_eq!(jump.to_string(), "{ 0x15, 1, 255, 0xffffffff }");
    }
}
