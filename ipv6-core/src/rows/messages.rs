//! Control messages, and the options that make a system deliver them.

/// Hands over the control messages. A row is: the field in the platforms' tables, the function that sets it in a table
/// described outside this crate, and the message's type in [`message`](crate::message).
macro_rules! for_each_message {
    ($callback:ident) => {
        $callback! {
            packet_info with_packet_info: PacketInfo;
            hop_limit with_hop_limit: HopLimit;
            traffic_class with_traffic_class: TrafficClass;
            flow_label with_flow_label: FlowLabel;
            path_mtu with_path_mtu: PathMtu;
            next_hop with_next_hop: NextHop;
            ecn with_ecn: Ecn;
            coalesced with_coalesced: Coalesced;
            segment_size with_segment_size: SegmentSize;
        }
    };
}

/// Hands over what options deliver as fields of `RecvControl`. A row is: the option, the flags that enable it, and the
/// messages that it delivers. A system has at most the number of one message in its table, or delivers all of them.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_delivery {
    ($callback:ident) => {
        $callback! {
            RECEIVE_TRAFFIC_CLASS: TRAFFIC_CLASS => TrafficClass, Ecn;
            RECEIVE_HOP_LIMIT: HOP_LIMIT => HopLimit;
            RECEIVE_PACKET_INFO: DESTINATION | INTERFACE => PacketInfo;
            RECEIVE_PATH_MTU: PATH_MTU => PathMtu;
            RECEIVE_FLOW_LABEL: FLOW_LABEL => FlowLabel;
        }
    };
}

pub(crate) use {for_each_delivery, for_each_message};
