//! The socket that sends echo requests and receives the replies.

use std::io;
use std::net::{SocketAddrV6, UdpSocket};
use std::sync::Arc;

use ipv6_std::{
    ControlFlags, FlowLabel, Header, Icmp6Filter, Icmp6Type, Interface, RawConn, Reported, SendControl,
};

use crate::common::icmp::{echo_request, nonce, not_allowed};
use crate::common::{Outcome, own_address};
use crate::options::Options;

/// A socket that sends echo requests and receives the replies.
pub struct Echo {
    /// Shared with the interrupt handler, which sets the deadline.
    pub conn: Arc<RawConn>,
    pub to: SocketAddrV6,
    control: SendControl<'static>,
    /// The identifier of the requests. `None`: the system chooses it and filters the replies.
    id: Option<u16>,
    /// Whether errors come from the error queue instead of as messages.
    queues: bool,
    /// The IPv6 header of every packet, if the program writes it.
    header: Option<Header>,
}

impl Echo {
    pub fn open(to: SocketAddrV6, options: &Options) -> Outcome<Self> {
        let mut control = SendControl::new();
        (control.hop_limit, control.traffic_class) = (options.hop_limit, options.traffic_class);
        control.source = options.source;
        let interface = options.interface.as_deref().map(Interface::by_name).transpose()?;
        control.interface = interface.as_ref().map(Interface::index);
        own_address(options.source, interface.as_ref())?;
        let [high, low, ..] = nonce();
        let (mut id, mut queues) = (Some(u16::from_be_bytes([high, low])), false);
        let conn = match RawConn::open(Icmp6Type::PROTOCOL) {
            Ok(conn) => {
                // The kernel drops all other types, so they do not wake the program.
                let mut filter = Icmp6Filter::block_all();
                filter
                    .pass(Icmp6Type::ECHO_REPLY)
                    .pass(Icmp6Type::DESTINATION_UNREACHABLE)
                    .pass(Icmp6Type::PACKET_TOO_BIG)
                    .pass(Icmp6Type::TIME_EXCEEDED)
                    .pass(Icmp6Type::PARAMETER_PROBLEM);
                conn.set_icmp6_filter(&filter)?;
                conn
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                id = None;
                let conn = RawConn::open_icmp6_unprivileged().map_err(not_allowed)?;
                // Not every system has an error queue. Without one, a missing reply has no reason.
                queues = conn.set_queue_errors(true).is_ok();
                conn
            }
            Err(error) => return Err(error.into()),
        };
        conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;
        let header = match options.flow_label {
            Some(label) if id.is_some() => Some(header(&conn, to, label, options)?),
            Some(_) => return Err("a flow label needs a raw socket: root or CAP_NET_RAW".into()),
            None => None,
        };
        Ok(Self { conn: Arc::new(conn), to, control, id, queues, header })
    }

    pub fn is_ours(&self, id: u16) -> bool {
        self.id.is_none_or(|ours| ours == id)
    }

    pub fn queued(&self, quoted: &mut [u8]) -> io::Result<Option<Reported>> {
        if !self.queues {
            return Ok(None);
        }
        // Other entries, such as timestamps, are no reasons for a missing reply.
        loop {
            match self.conn.recv_error(quoted)? {
                Some(reported) if !reported.is_error() => {}
                reported => return Ok(reported),
            }
        }
    }

    pub fn send(&self, number: u16, data: &[u8]) -> io::Result<usize> {
        let mut message = echo_request(self.id.unwrap_or(0), number, data);
        let Some(mut header) = self.header else {
            return self.conn.send_to(&message, &self.control, self.to);
        };
        // With its own header, the program must write the checksum.
        let checksum = etherparse::Icmpv6Type::EchoRequest(etherparse::IcmpEchoHeader {
            id: self.id.unwrap_or(0),
            seq: number,
        })
        .calc_checksum(header.source.octets(), header.destination.octets(), data)
        .map_err(io::Error::other)?;
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        header.payload_len = message.len() as u16;
        let packet = [&header.encode()[..], &message].concat();
        let mut control = self.control;
        (control.hop_limit, control.traffic_class) = (None, None);
        self.conn.send_to(&packet, &control, self.to)
    }
}

/// The header of requests with a flow label: no socket option sets the label for one packet.
fn header(conn: &RawConn, to: SocketAddrV6, flow_label: FlowLabel, options: &Options) -> Outcome<Header> {
    conn.set_header_included(true)?;
    let source = match options.source {
        Some(source) => source,
        None => {
            let probe = UdpSocket::bind("[::]:0")?;
            probe.connect(SocketAddrV6::new(*to.ip(), 9, 0, to.scope_id()))?;
            match probe.local_addr()? {
                std::net::SocketAddr::V6(address) => *address.ip(),
                std::net::SocketAddr::V4(_) => return Err("no IPv6 address to send from".into()),
            }
        }
    };
    Ok(Header {
        traffic_class: options.traffic_class.unwrap_or(0),
        flow_label,
        payload_len: 0,
        next_header: Icmp6Type::PROTOCOL,
        hop_limit: options.hop_limit.unwrap_or(64),
        source,
        destination: *to.ip(),
    })
}
