//! Answers the requests of clients.

use std::net::{IpAddr, Ipv6Addr, SocketAddrV6};
use std::sync::Arc;
use std::time::Instant;

use ipv6_std::{ControlFlags, PacketConn};
use serde_json::json;

use crate::common::{Outcome, Output, end_on_interrupt, is_ending, receive_message};
use crate::options::Serve;
use crate::packet::{Kind, LEN, Packet};
use crate::stamped::{Stamped, arrived};

/// Replies whose times are remembered.
const REPLIES: usize = 4096;

/// A reply that was sent.
#[derive(Clone, Copy)]
struct Sent {
    to: SocketAddrV6,
    reply: Packet,
    time: Option<u64>,
}

struct Server {
    socket: Stamped,
    /// Indexed by the lower bits of the ticket, which is the identifier of the timestamp.
    sent: Vec<Option<Sent>>,
    requests: u64,
    questions: u64,
    ignored: u64,
    not_sent: u64,
}

pub fn serve(options: &Serve, output: &Output) -> Outcome<bool> {
    let at = options.listen;
    let conn = PacketConn::builder().only_v6(false).bind(at).map_err(|error| format!("{at}: {error}"))?;
    conn.set_control_flags(ControlFlags::DESTINATION | ControlFlags::INTERFACE, true)?;
    let socket = Stamped::new(conn, false)?;
    let waits = Arc::clone(&socket.conn);
    end_on_interrupt(move || waits.set_read_deadline(Some(Instant::now())))?;
    let at = socket.conn.local_addr()?;
    output.print(format_args!("listening on {at}"), json!({"listening": at.to_string()}))?;
    let sent = vec![None; REPLIES];
    let mut server = Server { socket, sent, requests: 0, questions: 0, ignored: 0, not_sent: 0 };
    while !is_ending() && options.count.is_none_or(|count| server.questions < count) {
        server.next()?;
    }
    let Server { requests, questions, ignored, not_sent, .. } = server;
    output.print(
        format_args!(
            "{requests} requests and {questions} questions answered, {ignored} packets ignored, {not_sent} not sent"
        ),
        json!({"requests": requests, "questions": questions, "ignored": ignored, "not_sent": not_sent}),
    )?;
    Ok(options.count.is_none_or(|count| questions >= count))
}

impl Server {
    /// Receives a packet, and answers it.
    fn next(&mut self) -> Outcome<()> {
        let (mut payload, mut control) = ([0; LEN + 1], [0; 512]);
        let Some(got) = receive_message(&self.socket.conn, &mut payload, &mut control, None)? else {
            return Ok(());
        };
        let (fields, time, from) = (got.control().unwrap_or_default(), arrived(&got), got.source);
        let packet = Packet::read(&payload[..got.len.min(LEN + 1)]);
        let is_to_group = fields.destination.is_none_or(is_group);
        let Some(packet) = packet.filter(|packet| !is_to_group && packet.time.is_none()) else {
            self.ignored += 1;
            return Ok(());
        };
        let sent = match packet.kind {
            Kind::Request if packet.ticket == 0 => {
                let reply = Packet { kind: Kind::Reply, time, ticket: self.socket.next(), ..packet };
                let sent = self.socket.send(&reply.write(), fields.reply(), Some(from));
                if let Ok(ticket) = sent {
                    self.requests += 1;
                    self.sent[ticket as usize % REPLIES] = Some(Sent { to: from, reply, time: None });
                }
                sent.map(drop)
            }
            Kind::Question => {
                // A client learns the times of its own replies only.
                let is_known = |sent: &&Sent| {
                    sent.to == from
                        && sent.reply.session == packet.session
                        && (sent.reply.number, sent.reply.ticket) == (packet.number, packet.ticket)
                };
                let sent = self.sent[packet.ticket as usize % REPLIES].as_ref().filter(is_known);
                let Some(sent) = sent else {
                    self.ignored += 1;
                    return Ok(());
                };
                let answer = Packet { kind: Kind::Answer, time: sent.time, ..packet };
                let sent = self.socket.conn.send_to(&answer.write(), &fields.reply(), from);
                self.questions += u64::from(sent.is_ok());
                sent.map(drop)
            }
            _ => {
                self.ignored += 1;
                Ok(())
            }
        };
        // No error of one client ends the server.
        self.not_sent += u64::from(sent.is_err());
        let Self { socket, sent, .. } = self;
        let departed = |id: u32, time| {
            let place = sent[id as usize % REPLIES].as_mut();
            if let Some(place) = place.filter(|place| place.reply.ticket == id) {
                place.time = Some(time);
            }
        };
        Ok(socket.reported(departed, |_, _| {})?)
    }
}

/// Whether a packet to this address has several receivers, which would all answer it.
fn is_group(to: Ipv6Addr) -> bool {
    match to.to_canonical() {
        IpAddr::V4(to) => to.is_multicast() || to.is_broadcast(),
        IpAddr::V6(to) => to.is_multicast(),
    }
}
