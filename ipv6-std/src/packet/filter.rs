//! Filters of what is received.

use std::io;

use ipv6_core::BpfInstruction;
use ipv6_sys::option;

use super::PacketConn;
use crate::error;
use crate::fd::AsFd;

impl<S: AsFd> PacketConn<S> {
    /// Attaches a classic BPF program, in place of any before it: datagrams for which it returns 0 are
    /// not received. It sees the payload from the UDP header on, or the ICMPv6 header.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when the program is empty, longer than 4,096 instructions, or not valid.
    #[doc(alias = "SO_ATTACH_FILTER", alias = "SetBPF")]
    pub fn set_bpf(&self, program: &[BpfInstruction]) -> io::Result<()> {
        if program.is_empty() {
            return Err(error::invalid("an empty BPF program"));
        }
        Ok(option::attach_filter(self, program)?)
    }

    /// Takes the BPF program away.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none.
    #[doc(alias = "SO_DETACH_FILTER")]
    pub fn detach_bpf(&self) -> io::Result<()> {
        Ok(option::DETACH_FILTER.set(self, ())?)
    }
}
