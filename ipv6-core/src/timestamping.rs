//! `SO_TIMESTAMPING`: which timestamps the kernel takes and delivers (Linux).

crate::flag_set! {
    /// Which timestamps Linux takes, and how it delivers them (`SO_TIMESTAMPING`,
    /// [timestamping.rst](https://docs.kernel.org/networking/timestamping.html)).
    ///
    /// Flags that take timestamps (`RX_…`, `TX_…`) and flags that deliver them (`SOFTWARE`, `RAW_HARDWARE`) are both
    /// necessary. Received datagrams have theirs as [`message::Timestamping`](crate::message::Timestamping); those of sent
    /// datagrams are in the error queue.
    #[doc(alias = "SO_TIMESTAMPING", alias = "SOF_TIMESTAMPING")]
    pub struct TimestampingFlags: u32 {
        /// Take the time at which the device sent the packet.
        #[doc(alias = "SOF_TIMESTAMPING_TX_HARDWARE")]
        const TX_HARDWARE = 1 << 0;
        /// Take the time at which the packet was given to the device.
        #[doc(alias = "SOF_TIMESTAMPING_TX_SOFTWARE")]
        const TX_SOFTWARE = 1 << 1;
        /// Take the time at which the device received the packet.
        #[doc(alias = "SOF_TIMESTAMPING_RX_HARDWARE")]
        const RX_HARDWARE = 1 << 2;
        /// Take the time at which the packet arrived in the kernel.
        #[doc(alias = "SOF_TIMESTAMPING_RX_SOFTWARE")]
        const RX_SOFTWARE = 1 << 3;
        /// Deliver the times of the kernel.
        #[doc(alias = "SOF_TIMESTAMPING_SOFTWARE")]
        const SOFTWARE = 1 << 4;
        /// Obsolete; the kernel ignores it.
        #[doc(alias = "SOF_TIMESTAMPING_SYS_HARDWARE")]
        const SYS_HARDWARE = 1 << 5;
        /// Deliver the times of the device.
        #[doc(alias = "SOF_TIMESTAMPING_RAW_HARDWARE")]
        const RAW_HARDWARE = 1 << 6;
        /// Deliver an identifier with each timestamp of a sent packet.
        #[doc(alias = "SOF_TIMESTAMPING_OPT_ID")]
        const OPT_ID = 1 << 7;
        /// Take the time at which the packet entered the scheduler.
        #[doc(alias = "SOF_TIMESTAMPING_TX_SCHED")]
        const TX_SCHED = 1 << 8;
        /// Take the time at which the peer had acknowledged all data (TCP).
        #[doc(alias = "SOF_TIMESTAMPING_TX_ACK")]
        const TX_ACK = 1 << 9;
        /// Deliver the control messages of received packets with timestamps of sent packets too.
        #[doc(alias = "SOF_TIMESTAMPING_OPT_CMSG")]
        const OPT_CMSG = 1 << 10;
        /// Deliver timestamps of sent packets without the packet.
        #[doc(alias = "SOF_TIMESTAMPING_OPT_TSONLY")]
        const OPT_TSONLY = 1 << 11;
        /// Deliver statistics of the connection with the timestamps (TCP).
        #[doc(alias = "SOF_TIMESTAMPING_OPT_STATS")]
        const OPT_STATS = 1 << 12;
        /// Deliver the interface and the length of packets that the device gave a timestamp.
        #[doc(alias = "SOF_TIMESTAMPING_OPT_PKTINFO")]
        const OPT_PKTINFO = 1 << 13;
        /// Deliver both times of a sent packet, of the kernel and of the device.
        #[doc(alias = "SOF_TIMESTAMPING_OPT_TX_SWHW")]
        const OPT_TX_SWHW = 1 << 14;
        /// Times of the device are those of one of its clocks (Linux 5.14). The option then needs the number of the clock,
        /// which this value does not have: the kernel takes clock 0.
        #[doc(alias = "SOF_TIMESTAMPING_BIND_PHC")]
        const BIND_PHC = 1 << 15;
        /// Identifiers of TCP count from the first byte that is sent after the option is set.
        #[doc(alias = "SOF_TIMESTAMPING_OPT_ID_TCP")]
        const OPT_ID_TCP = 1 << 16;
        /// Deliver only the times that this socket has requested (Linux 6.12).
        #[doc(alias = "SOF_TIMESTAMPING_OPT_RX_FILTER")]
        const OPT_RX_FILTER = 1 << 17;
        /// Take the time at which the device reported that it had sent the packet (Linux 6.15).
        #[doc(alias = "SOF_TIMESTAMPING_TX_COMPLETION")]
        const TX_COMPLETION = 1 << 18;
    }
}
