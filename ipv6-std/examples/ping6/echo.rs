//! The socket that sends echo requests and receives the replies.

use std::io;
use std::net::SocketAddrV6;

use ipv6_std::tokio::RawConn;
use ipv6_std::{ControlFlags, Icmp6Filter, Icmp6Type, Interface, InterfaceIndex, Reported, SendControl};
use socket2::SockRef;

use crate::common::icmp::{echo_request, nonce, not_allowed};
use crate::common::{Outcome, own_address};
use crate::options::Options;

/// A socket that sends echo requests and receives the replies.
pub struct Echo {
    pub conn: RawConn,
    control: SendControl<'static>,
    /// The identifier of the requests. `None`: the system chooses it and filters the replies.
    id: Option<u16>,
    /// Whether errors come from the error queue instead of as messages.
    queues: bool,
}

impl Echo {
    pub fn open(options: &Options) -> Outcome<Self> {
        let on = options.on()?;
        let source = options.source.map(|source| *source.ip());
        own_address(source, on.as_ref())?;
        let mut control = SendControl::new();
        (control.hop_limit, control.traffic_class) = (options.hop_limit, options.traffic_class);
        (control.source, control.flow_label) = (source, options.flow_label);
        control.interface = on.as_ref().map(Interface::index);
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
                if let Some(source) = control.source.take() {
                    // Linux 6.18 ignores the source of a single message on such a socket.
                    let scope = control.interface.map_or(0, InterfaceIndex::get);
                    SockRef::from(&*conn).bind(&SocketAddrV6::new(source, 0, 0, scope).into())?;
                }
                // Not every system has an error queue. Without one, a missing reply has no reason.
                queues = conn.set_queue_errors(true).is_ok();
                conn
            }
            Err(error) => return Err(error.into()),
        };
        conn.set_control_flags(ControlFlags::all() - ControlFlags::PATH_MTU, true)?;
        Ok(Self { conn, control, id, queues })
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
            match self.conn.try_recv_error(quoted)? {
                Some(reported) if !reported.is_error() => {}
                reported => return Ok(reported),
            }
        }
    }

    pub async fn send(&self, number: u16, data: &[u8], to: SocketAddrV6) -> io::Result<usize> {
        let message = echo_request(self.id.unwrap_or(0), number, data);
        self.conn.send_to(&message, &self.control, to).await
    }
}
